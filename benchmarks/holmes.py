"""Diagnose scenarios of loose evidence items and write each answer in prose, one line a scenario.

Usage: python benchmarks/holmes.py CASES.jsonl... --out ANSWERS.jsonl [--jobs N]

A line of CASES holds `id`, `question` and `evidence` (path, text). Each scenario's items are laid out as files, read
into a throw-away store and diagnosed. `answer` is the summary, the first cause with its chain and what to do, and what
could not be seen, without quoted evidence; where a list is asked for, also its rows. `score_holmes.py FACTS ANSWERS`
scores it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.listing import Row
from kfi.models.schemas import DiagnoseRequest, Gap, RootCause


def answered(case: dict[str, Any]) -> dict[str, Any]:
    """Give the answer to one scenario."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Copilot.throw_away(Settings(ollama_url="")) as copilot:
        laid_out(case["evidence"], Path(folder))
        copilot.ingest([folder])
        answer = copilot.diagnose(DiagnoseRequest(question=case["question"]))
    rows = answer.listing.rows if answer.listing else ()
    said = "\n".join((*prose(answer.summary, answer.root_causes, answer.gaps), *map(listed, rows)))
    return {"id": case["id"], "answer": said, "seconds": time.perf_counter() - started}


def listed(row: Row) -> str:
    """Give a row of a list in a line."""
    return f"{row.object} {row.status} {row.reason}: {row.message} ({row.count} times)"


def laid_out(evidence: Iterable[dict[str, str]], folder: Path) -> None:
    """Write evidence items as files below a folder."""
    for item in evidence:
        path = folder / item["path"].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(item["text"])


def prose(summary: str, causes: Sequence[RootCause], gaps: Iterable[Gap]) -> Iterator[str]:
    """Yield what an answer says in its own words, best cause only."""
    yield summary
    for cause in causes[:1]:
        yield f"{cause.title}. {cause.explanation}"
        yield from (link.statement for link in cause.chain)
        yield from cause.remediation
    yield from (gap.what for gap in gaps)


def main() -> int:
    """Answer every scenario on all cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    args = parser.parse_args()
    cases = [json.loads(line) for file in args.cases for line in file.read_text().splitlines() if line.strip()]
    with args.out.open("w") as out, ProcessPoolExecutor(args.jobs) as pool:
        for row in pool.map(answered, cases):
            out.write(json.dumps(row) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
