"""Diagnose every case of a folder of snapshots and write predictions, one line a case.

Usage: python benchmarks/cloudops.py CASES_DIR --out PREDICTIONS.jsonl [--jobs N] [--rename SEED] [--drop SHARE]

CASES_DIR holds one folder a case: `case.json` (id, question, namespace) and `bundle/`. Each case is read into a
throw-away store and diagnosed through the public API; `seconds` is all of it, reading included. The predictions are
scored by `score_cloudops.py` with `benchmarks/cloudops_labels.json`, which puts our failure codes in the benchmark's
words.

With --rename every case is copied with other names first, with --drop with a share of its files left out; the copies
are kept beside the predictions (PREDICTIONS.jsonl.cases), because renamed cases are scored against renamed truth.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from perturb import renamed, without_files


def diagnose_case(folder: Path) -> dict[str, Any]:
    """Give one case's prediction: id, seconds, and its root causes, best first."""
    from kfi.config import Settings
    from kfi.copilot import Copilot
    from kfi.models.schemas import DiagnoseRequest

    case = json.loads((folder / "case.json").read_text())
    started = time.perf_counter()
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        report = copilot.ingest([str(folder / "bundle")])
        answer = copilot.diagnose(DiagnoseRequest(question=case["question"], namespace=case["namespace"]))
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


def copied(cases: Path, target: Path, seed: int | None, share: float) -> Path:
    """Give a folder of the same cases with other names, or fewer files."""
    shutil.rmtree(target, ignore_errors=True)
    for case in sorted(path.parent for path in cases.glob("*/case.json")):
        if seed is not None:
            renamed(case, target / case.name, seed)
        else:
            without_files(case, target / case.name, share, seed=1)
    return target


def main() -> int:
    """Run every case on all cores and write the predictions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    parser.add_argument("--rename", type=int, metavar="SEED", help="give every case other names first")
    parser.add_argument("--drop", type=float, metavar="SHARE", help="leave out this share of every bundle's files")
    args = parser.parse_args()
    if args.rename is not None or args.drop:
        args.cases = copied(args.cases, Path(f"{args.out}.cases"), args.rename, args.drop or 0.0)
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
