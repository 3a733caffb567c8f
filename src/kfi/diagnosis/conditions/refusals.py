"""
What the API server refused, in its own words, and whether it still matters.

Controllers repeat a refusal in Events and in the ReplicaFailure condition; a program's ends in a log, and a person's is
what kubectl printed. An Event counts only as long as the controller has fewer Pods than it wants; what a person was
refused, until the object is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.models.records import REFUSED
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.read.refused import is_refusal, refused
from kfi.snapshot.resources import CLUSTER_SCOPED, Workload
from kfi.snapshot.view import Event, Log, Snapshot

_FAILED = (
    "FailedCreate", "FailedUpdate", "FailedDaemonPod", "ReplicaSetCreateError", "JobCreateError", "FailedPatch",
    "ReconcileError", "InstallFailed", "UpgradeFailed", "ReconciliationFailed", "SyncFailed", "InternalError",
)  # fmt: skip
_MAX_CHARS = 4000
# A refusal that nobody can compare with a state is believed for so long.
_LATELY = timedelta(minutes=30)


@dataclass(frozen=True)
class Refusal:
    """One refusal, and whom it met."""

    ref: ObjectRef
    """Who was refused: a controller, or whoever logged it (without a name where no text says)."""
    text: str
    proof: tuple[Citation, ...]
    since: datetime | None
    certain: bool
    """A state shows that it still holds."""
    logged: bool = False
    """A program's log tells of it, which may also be about an object of somebody else."""


def refusals(snapshot: Snapshot) -> Iterator[Refusal]:
    """Yield refusals that still matter; what they are about is for the caller to read."""
    for event in snapshot.events:
        if event.reason == REFUSED:
            if not got_through(snapshot, event):
                certain = snapshot.absent(event.ref) is not None
                yield Refusal(event.ref.object, event.message, (event.citation,), event.first, certain)
            continue
        if event.type == "Normal" or not (event.reason in _FAILED or "webhook" in event.message):
            continue
        state = still_short(snapshot, event.ref.object)
        if state or (state is None and _lately(snapshot, event)):
            yield Refusal(event.ref.object, event.message, (event.citation,), event.first, bool(state))
    for workload in snapshot.workloads:
        failure = workload.condition("ReplicaFailure")
        if failure and failure.status == "True" and still_short(snapshot, workload.ref) is not False:
            lines = snapshot.cite(workload.ref, ("status", "conditions", "ReplicaFailure", "message"))
            yield Refusal(workload.ref, failure.message, lines, failure.last_transition_time, True)
    yield from _logged(snapshot)


def got_through(snapshot: Snapshot, event: Event) -> bool:
    """Tell whether an object that kubectl could not create lives all the same: somebody has tried again since."""
    known = snapshot.objects.get(event.ref.object)
    return known is not None and known.observed and refused(event.message).creating


def _lately(snapshot: Snapshot, event: Event) -> bool:
    return event.last is None or snapshot.as_of - event.last < _LATELY


def _logged(snapshot: Snapshot) -> Iterator[Refusal]:
    past: PastErrors | None = None
    for log in snapshot.logs:
        if not log.failing and log.record.level not in ("warning", ""):
            continue
        past = past or PastErrors.of(snapshot)
        if not past.holds(log):
            text = log.text[:_MAX_CHARS]
            yield Refusal(_about(log, text), text, (log.citation,), log.first, False, logged=bool(log.ref.kind))


def _about(log: Log, text: str) -> ObjectRef:
    """Give whose refusal a log tells of: its own workload's, else that of the object which the text names."""
    if log.ref.kind:
        return log.ref.object
    named = refused(text) if is_refusal(text) else None
    if named is None or not named.name:
        return log.ref.object
    home = "" if named.kind in CLUSTER_SCOPED else named.namespace or log.ref.namespace
    return ObjectRef(cluster=log.ref.cluster, kind=named.kind, namespace=home, name=named.name)


def still_short(snapshot: Snapshot, ref: ObjectRef) -> bool | None:
    """Tell whether a controller has fewer Pods than it wants; None where no text says."""
    if snapshot.absent(ref):
        return False
    for candidate in dict.fromkeys((ref, snapshot.topology.workload(ref))):
        workload = snapshot.objects.get(candidate)
        created = _created(workload) if isinstance(workload, Workload) and workload.observed else None
        if isinstance(workload, Workload) and created is not None:
            return (workload.desired or 0) > created
    return None


def _created(workload: Workload) -> int | None:
    """Give how many Pods of the present template a controller has, None where the text does not say."""
    status = workload.status
    if workload.kind == "Job":
        return 1 if status.succeeded or status.active else None
    if workload.desired is None:
        return None
    counts = (status.updated_replicas, status.replicas)
    return next((count for count in counts if count is not None), workload.ready_count)
