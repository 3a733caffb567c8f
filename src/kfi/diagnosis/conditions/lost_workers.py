"""
Servers that live on while their workers are killed, as they log it.

A server that forks finds that a worker got SIGKILL (9). In a container hardly anything but the kernel's out-of-memory
killer sends that to a worker alone; the container itself ends with nothing, so no Pod tells of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.models.schemas import ObjectRef
from kfi.snapshot.view import Log, Snapshot

# Source: the messages of gunicorn's arbiter, PHP-FPM, Puma, uWSGI and Python's multiprocessing (billiard).
_LOST = re.compile(
    r"worker \(pid:\d{1,9}\) was (?:sent SIGKILL!|terminated due to signal 9\b)"
    r"|\bchild \d{1,9} exited on signal 9\b"
    r"|\bworker \d{1,9} \(pid: ?\d{1,9}\) (?:died, killed by signal 9\b|was killed by signal 9\b)"
    r"|worker exited prematurely: signal 9\b",
    re.IGNORECASE,
)
_MAX_CHARS = 2000


def lost_workers_logged(snapshot: Snapshot) -> Iterator[tuple[ObjectRef, Log]]:
    """Yield the workloads whose log says at present that a worker was killed, with the line that came most often."""
    found: dict[ObjectRef, Log] = {}
    past: PastErrors | None = None
    for log in snapshot.logs:
        if not _LOST.search(log.record.example, 0, _MAX_CHARS):
            continue
        past = past or PastErrors.of(snapshot)
        workload = snapshot.topology.workload(log.ref)
        if not past.holds(log) and (workload not in found or found[workload].count < log.count):
            found[workload] = log
    yield from found.items()
