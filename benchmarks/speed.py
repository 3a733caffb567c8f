"""Measure how fast kfi starts, reads and answers, and how much memory it takes.

Usage: python benchmarks/speed.py [--cases CASES_DIR] [--runs N]

Prints one line a figure. The evidence is made here (Events, logs) or given with --cases (a folder of unpacked
snapshots, each with `bundle/`; the one of median size is diagnosed). Times are medians of whole processes.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

KFI = [sys.executable, "-m", "kfi"]
SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "orchard"
EVENTS = 20_000
LOG_LINES = 300_000


def seconds(command: list[str], runs: int) -> float:
    """Give the median wall time of a whole process."""
    times = []
    for _ in range(runs):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def peak_mib(command: list[str]) -> float:
    """Give the peak resident memory of one process, in MiB."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=-3, stderr=-3);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], check=True, capture_output=True, text=True)
    return float(done.stdout)


def write_events(path: Path, count: int) -> None:
    """Write an EventList as `kubectl get events -o json` prints it."""
    at = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    items = []
    for number in range(count):
        stamp = (at + timedelta(seconds=number % 3000)).strftime("%Y-%m-%dT%H:%M:%SZ")
        name = f"cart-{number % 500:04d}"
        involved = {"apiVersion": "v1", "kind": "Pod", "namespace": "orchard", "name": name, "uid": f"u{number % 500}"}
        items.append(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": f"{name}.{number:x}", "namespace": "orchard", "creationTimestamp": stamp},
                "involvedObject": involved,
                "reason": ("BackOff", "Pulled", "Unhealthy", "Scheduled")[number % 4],
                "message": f"Readiness probe failed: HTTP probe failed with statuscode: {500 + number % 4}",
                "source": {"component": "kubelet", "host": f"node-{number % 5}"},
                "firstTimestamp": stamp,
                "lastTimestamp": stamp,
                "count": 1 + number % 7,
                "type": "Warning" if number % 2 else "Normal",
            }
        )
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}, indent=4))


def log_lines(count: int) -> Iterator[str]:
    """Yield CRI log lines of a busy shop."""
    at = datetime(2026, 11, 20, 14, 0, tzinfo=UTC)
    for number in range(count):
        stamp = (at + timedelta(milliseconds=number)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        yield (
            f"{stamp} stdout F INFO request {number:08x} GET /cart/{number % 977} took {number % 311} ms",
            f"{stamp} stdout F INFO cache hit for item {number % 613} of user {number % 5000}",
            f'{stamp} stderr F level=error msg="charge failed" order={number} code=card_declined',
            f"{stamp} stderr F WARN slow query: {number % 900} ms, 10.20.{number % 250}.{number % 200}:5432",
        )[0 if number % 10 < 6 else 1 if number % 10 < 8 else 2 if number % 10 == 8 else 3]


def write_logs(folder: Path, count: int) -> None:
    """Write one container's log where a bundle has it."""
    path = folder / "logs" / "orchard" / "cart-6f7d9c5b8-x2x4z" / "app.log"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(log_lines(count)) + "\n")


def median_bundle(cases: Path) -> Path:
    """Give the bundle of median size."""
    bundles = sorted(cases.glob("*/bundle"), key=_size)
    if not bundles:
        sys.exit(f"{cases} holds no */bundle.")
    return bundles[len(bundles) // 2]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def say(what: str, value: str) -> None:
    """Print one figure."""
    print(f"{what:<58} {value}", flush=True)


def measure_ingest(runs: int) -> None:
    """Measure reading Events and log lines in whole processes, and what memory they take at one and two sizes."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["KFI_DATA_DIR"] = str(folder / "store")  # noqa: TID251 - for the processes started here
        bare = seconds([*KFI, "ingest", str(_empty(folder))], runs)
        write_events(folder / "orchard.events.json", EVENTS)
        took = seconds([*KFI, "diagnose", "--from", str(folder / "orchard.events.json"), "-o", "json"], 1) - bare
        say(f"Events read, stored and diagnosed ({EVENTS} in one List)", f"{EVENTS / took:,.0f} events/s")
        for lines in (LOG_LINES, 2 * LOG_LINES):
            logs = folder / f"logs-{lines}"
            write_logs(logs, lines)
            command = [*KFI, "diagnose", "--from", str(logs), "-o", "json"]
            took = seconds(command, 1) - bare
            say(f"log lines read, mined and stored ({lines:,})", f"{lines / took:,.0f} lines/s")
            size = _size(logs) / 2**20
            say(f"peak memory for {size:.0f} MiB of logs", f"{peak_mib(command):.0f} MiB")


def _empty(folder: Path) -> Path:
    small = folder / "small.events.json"
    write_events(small, 1)
    return small


def main() -> int:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=Path)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    say("python -c pass (the floor)", f"{seconds([sys.executable, '-c', 'pass'], args.runs):.3f} s")
    say("kfi --help", f"{seconds([*KFI, '--help'], args.runs):.3f} s")
    bundle = median_bundle(args.cases) if args.cases else SAMPLE
    command = [*KFI, "diagnose", "--from", str(bundle), "-o", "json"]
    say(f"kfi diagnose --from BUNDLE ({_size(bundle) // 1024} KiB), cold", f"{seconds(command, args.runs):.2f} s")
    say("peak memory of that", f"{peak_mib(command):.0f} MiB")
    measure_ingest(args.runs)
    say("peak memory of the benchmark itself", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
