"""Diagnose every case of a folder of snapshots and write predictions, one line a case.

Usage: python benchmarks/cloudops.py CASES_DIR --out PREDICTIONS.jsonl [--jobs N] [--question]

CASES_DIR holds one folder a case: `case.json` (id, question, namespace) and `bundle/`. Each case is read into a
throw-away store and diagnosed through the public API; `seconds` is all of it, reading included. The predictions are
scored by `score_cloudops.py` with `benchmarks/cloudops_labels.json`, which puts our failure codes in the benchmark's
words.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any


def diagnose_case(folder: Path) -> dict[str, Any]:
    """Give one case's prediction: id, seconds, and its root causes, best first."""
    from kfi.config import Settings
    from kfi.copilot import Ask, Copilot
    from kfi.ledger.ledger import Ledger

    case = json.loads((folder / "case.json").read_text())
    started = time.perf_counter()
    with Ledger.throw_away() as ledger:
        copilot = Copilot(ledger, Settings())
        report = copilot.ingest([str(folder / "bundle")])
        answer = copilot.diagnose(Ask(case["question"], case["namespace"]))
    causes = [
        {
            "code": cause.code,
            "object": {"kind": cause.workload.kind, "namespace": cause.workload.namespace, "name": cause.workload.name},
            "confidence": cause.confidence,
        }
        for cause in answer.root_causes
    ]
    seconds = time.perf_counter() - started
    return {"id": case["id"], "seconds": seconds, "root_causes": causes, "skipped": len(report.skipped)}


def main() -> int:
    """Run every case on all cores and write the predictions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    args = parser.parse_args()
    folders = sorted(path.parent for path in args.cases.glob("*/case.json"))
    if not folders:
        print(f"{args.cases} holds no case (a folder with case.json in it).", file=sys.stderr)
        return 1
    with args.out.open("w") as out, ProcessPoolExecutor(args.jobs) as pool:
        for done, row in enumerate(pool.map(diagnose_case, folders), 1):
            out.write(json.dumps(row) + "\n")
            if sys.stderr.isatty() or done % 25 == 0 or done == len(folders):
                end = "\r" if sys.stderr.isatty() and done < len(folders) else "\n"
                print(f"{done}/{len(folders)} cases", end=end, file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
