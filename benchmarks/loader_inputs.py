"""Read every file of a folder on its own and say what became of it: a table by format.

Usage: python benchmarks/loader_inputs.py FOLDER

Each file goes through the whole pipeline into a throw-away store. A row counts files that loaded, that were refused
with a reason, and that did neither (there must be none), and sums their documents.
"""

from __future__ import annotations

import collections
import sys
import time
from pathlib import Path

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.errors import KfiError
from kfi.ledger.ledger import Ledger
from kfi.models.schemas import IngestReport


def read(path: Path) -> IngestReport | KfiError:
    """Give what became of one file."""
    with Ledger.throw_away() as ledger:
        try:
            return Copilot(ledger, Settings()).ingest([str(path)])
        except KfiError as error:
            return error


def main() -> int:
    """Print the table, then every refusal."""
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    root = Path(sys.argv[1])
    rows: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    refused, silent = [], 0
    for path in sorted(p for p in root.rglob("*") if p.is_file() and p.name != "manifest.json"):
        started = time.perf_counter()
        done = read(path)
        row = rows[path.parent.relative_to(root).parts[0] if path.parent != root else "."]
        row["files"] += 1
        row["ms"] += int((time.perf_counter() - started) * 1000)
        if isinstance(done, KfiError):
            refused.append(f"{path.relative_to(root)}: {done.message}")
            row["refused"] += 1
            continue
        row["documents"] += sum(done.loaded.values())
        row["loaded" if done.loaded else "refused" if done.skipped else "silent"] += 1
        silent += not done.loaded and not done.skipped
        refused += [f"{path.relative_to(root)}: {one.path}:{one.line or ''} {one.reason}" for one in done.skipped[:5]]
    print(f"{'format':<16} files loaded refused silent documents      ms")
    for name, row in rows.items():
        print(
            f"{name:<16} {row['files']:>5} {row['loaded']:>6} {row['refused']:>7} {row['silent']:>6} "
            f"{row['documents']:>9} {row['ms']:>7}"
        )
    print("\nRefused, whole or in part (up to five a file):")
    for line in refused:
        print(f"  {line}")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(main())
