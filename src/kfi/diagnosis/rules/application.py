"""
What an unwell workload's own log says, where Kubernetes itself shows no reason.

This is the last resort: a candidate with honest confidence, which any rule with a structural condition outweighs.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.conditions.blame import unreachable
from kfi.diagnosis.rules.symptoms import unwell
from kfi.models.schemas import Finding, ObjectRef
from kfi.snapshot.view import Log, Snapshot

APPLICATION_ERROR = Rule(
    code="application-error",
    title="Application logs an error while it is unwell",
    layer=Layer.APPLICATION,
    meaning=(
        "The workload is not well, nothing in its Kubernetes state says why, and its log holds this error. It is the "
        "likeliest lead, not a proof."
    ),
    confirm="kubectl logs -n {namespace} {kind}/{name} --tail=200",
    fix=("Read the log around this line; the first error after the last good line is usually the cause.",),
)
RULES = (APPLICATION_ERROR,)

_LEVELS = {"fatal": 3, "error": 2, "": 1}


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the strongest error of each unwell workload's log."""
    for workload in unwell(snapshot):
        pods = [pod.ref for pod in snapshot.topology.pods_of(workload)]
        errors = [log for log in snapshot.logs_of(workload, *pods) if log.failing and not unreachable(log)]
        best = max(errors, key=_weight, default=None)
        if best:
            yield _found(workload, best)


def _weight(log: Log) -> tuple[int, bool, float, int]:
    """Worse first: level, a stack trace, the latest, the most frequent."""
    latest = log.last.timestamp() if log.last else 0.0
    return (_LEVELS.get(log.record.level, 0), bool(log.record.stack), latest, log.count)


def _found(workload: ObjectRef, log: Log) -> Finding:
    times = f" ({log.count} times)" if log.count > 1 else ""
    said = log.record.example.strip().replace("\n", " ")[:300]
    return APPLICATION_ERROR.found(workload, f"Its log says{times}: {said}", (log.citation,), strength=0.4)
