"""Time one diagnosis of a whole cluster of many objects, stage by stage, and say how much memory it took.

Usage: python benchmarks/scale.py [--objects N] [--failing SHARE] [--per-namespace APPS] [--causes]

Writes an invented cluster as `kubectl get KIND -A -o json` and `kubectl get events -A -o json` would print it, reads it
into a throw-away store and asks for every incident. Memory is the peak of the process that reads and answers; the
cluster is written by another one. Where other work goes on, the processor's time says more than the clock's.
`--causes` prints what was found.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import TextIO

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis
from orchard import NOW, Cluster, Object

_INDENT = "\n        "


def write(folder: Path, cluster: Cluster) -> None:
    """Write a cluster below a folder, one List for each kind; never more than one object is in memory."""
    with ExitStack() as stack:
        files: dict[str, TextIO] = {}
        for found in (cluster.objects(), cluster.events()):
            for item in found:
                _add(files, item, folder, stack)
        for file in files.values():
            file.write('\n    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n')


def _add(files: dict[str, TextIO], item: Object, folder: Path, stack: ExitStack) -> None:
    kind = item["kind"]
    if kind in files:
        files[kind].write(",")
    else:
        files[kind] = stack.enter_context((folder / f"{kind.lower()}s.json").open("w"))
        files[kind].write('{\n    "apiVersion": "v1",\n    "items": [')
    files[kind].write(_INDENT + json.dumps(item, indent=4).replace("\n", _INDENT))


def diagnose(folder: Path) -> tuple[float, float, int, FailureDiagnosis]:
    """Give the seconds of reading and of all, how many documents were read, and the answer."""
    started = time.perf_counter()
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        report = copilot.ingest([str(folder)], as_of=datetime.fromisoformat(NOW))
        read = time.perf_counter() - started
        answer = copilot.diagnose(DiagnoseRequest(limit=100))
    if report.skipped:
        sys.exit(f"not read: {report.skipped[0]}")
    return read, time.perf_counter() - started, report.written, answer


def main() -> int:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--failing", type=float, default=0.0, help="share of the applications that fail, 0 to 1")
    parser.add_argument("--causes", action="store_true")
    parser.add_argument("--per-namespace", type=int, default=20, help="applications of one namespace")
    parser.add_argument("--write", type=Path, help="only write the cluster below this folder")
    args = parser.parse_args()
    if args.write:
        write(args.write, Cluster(args.objects, args.failing, args.per_namespace))
        return 0
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--write", name], check=True)
        mib = sum(path.stat().st_size for path in Path(name).iterdir()) / 2**20
        began = time.process_time()
        read, total, documents, answer = diagnose(Path(name))
        used = time.process_time() - began
    spent = answer.timings
    stages = {"reading": read, "snapshot": spent.snapshot, "rules": spent.rules, "causes": spent.causes, "all": total}
    figures = {
        "objects": f"{answer.objects_seen:,}",
        "documents, Events and Lists included": f"{documents:,}",
        "evidence": f"{mib:.0f} MiB",
        **{stage: f"{seconds:.2f} s" for stage, seconds in stages.items()},
        "all, time of the processor": f"{used:.2f} s",
        "peak memory": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB",
        "root causes shown, 100 at most": str(len(answer.root_causes)),
    }
    for what, value in figures.items():
        print(f"{what:<40}{value:>14}")
    for cause in answer.root_causes if args.causes else ():
        print(f"{cause.confidence:.2f} {cause.code:<32} {cause.workload}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
