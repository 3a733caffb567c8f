"""
Which errors in a log are of the past: their container has got over them, and has been working since.

A start is full of refused connections. What was logged before the Pod became ready, by a run that has ended, or long
before the log's last line, says nothing of a Pod that is ready now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfi.diagnosis.conditions.containers import leaving, runs, trouble
from kfi.models.schemas import ObjectRef
from kfi.snapshot.pod import Pod
from kfi.snapshot.view import Log, Snapshot

# What goes on is logged again in this time.
_REPEATED_WITHIN = timedelta(minutes=15)
_FORGOTTEN_AFTER = timedelta(minutes=30)


@dataclass(frozen=True)
class PastErrors:
    """Tells errors of the past from present ones."""

    snapshot: Snapshot
    end: datetime | None
    """The newest time that any log or Event of the evidence names."""
    newest: Mapping[ObjectRef, datetime]
    """The same for the log of each container."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> PastErrors:
        """Give the judge of a snapshot's logs."""
        newest: dict[ObjectRef, datetime] = {}
        for log in snapshot.logs:
            if log.last:
                newest[log.ref] = max(log.last, newest.get(log.ref, log.last))
        times = [*newest.values(), *(e.last for e in snapshot.events if e.last)]
        end = min(max(times), snapshot.as_of) if times else None
        return cls(snapshot, end, newest)

    def holds(self, log: Log) -> bool:
        """Tell whether a log line is of the past."""
        pods = self._pods(log)
        if pods and all(pod.status.phase == "Succeeded" or leaving(pod) for pod in pods):
            return True
        if any(not pod.ready or self._troubled(pod, log.ref.container) for pod in pods):
            return False
        if pods and log.record.previous:
            return True
        if log.last is None:
            return False
        repeated = self.newest[log.ref] - log.last <= _REPEATED_WITHIN
        patience = _FORGOTTEN_AFTER if log.count > 1 else _REPEATED_WITHIN
        forgotten = self.end is not None and self.end - log.last > patience
        return not repeated or (bool(pods) and (forgotten or all(_ready_since(pod, log.last) for pod in pods)))

    def _pods(self, log: Log) -> tuple[Pod, ...]:
        known = self.snapshot.objects.get(log.ref.object)
        return (known,) if isinstance(known, Pod) else self.snapshot.topology.pods_of(log.ref)

    def _troubled(self, pod: Pod, container: str) -> bool:
        of_it = (run for run in runs(pod) if run.name == container or not container)
        return any(run.last_end and not run.init and trouble(run, self.snapshot.as_of) > 0 for run in of_it)


def _ready_since(pod: Pod, time: datetime) -> bool:
    """Tell whether a Pod became ready after this moment."""
    ready = pod.condition("Ready")
    return bool(ready and ready.last_transition_time and ready.last_transition_time > time)
