"""
Pods that wait for a node now, and what the scheduler said of each last.

A Pod that has a node, that ended, or that a list shows to be gone waits no longer, whatever its Events say.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kfi.diagnosis.conditions.heard import HeardPods
from kfi.diagnosis.conditions.pod_spec import full_spec
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Pod, PodSpec
from kfi.snapshot.view import Event, Snapshot

# What is said of a Pod that still waits, and not by the scheduler.
_OF_NODE_SCALERS = ("NotTriggerScaleUp", "TriggeredScaleUp", "FailedScaleUp", "Nominated")


@dataclass(frozen=True)
class Waiting:
    """A Pod without a node, and what the scheduler said of it last."""

    ref: ObjectRef
    spec: PodSpec
    message: str
    citations: tuple[Citation, ...]
    since: datetime | None
    certainty: float
    """1 where the Pod itself was seen waiting, less where only its Event was."""

    @property
    def claims(self) -> frozenset[str]:
        """Names of the claims that its volumes name."""
        sources = (volume.persistent_volume_claim for volume in self.spec.volumes)
        return frozenset(source.claim_name for source in sources if source)


def waiting_pods(snapshot: Snapshot) -> Iterator[Waiting]:
    """Yield every Pod that waits and of which the scheduler spoke."""
    yield from _seen_waiting(snapshot)
    yield from _heard_waiting(snapshot)


def _seen_waiting(snapshot: Snapshot) -> Iterator[Waiting]:
    for pod in snapshot.pods:
        if unscheduled(pod):
            spec = full_spec(snapshot, pod.ref)
            found = _gated(snapshot, pod, spec) or _said(snapshot, pod, spec)
            if found:
                yield found


def unscheduled(pod: Pod) -> bool:
    """Tell whether a Pod has no node, as far as its texts show."""
    scheduled = pod.condition("PodScheduled")
    placed = pod.spec.node_name or pod.status.pod_ip or (scheduled and scheduled.status == "True")
    state = pod.status.summary or pod.status.phase
    return not placed and not pod.metadata.deletion_timestamp and state in ("", "Pending", "SchedulingGated")


def _gated(snapshot: Snapshot, pod: Pod, spec: PodSpec) -> Waiting | None:
    scheduled = pod.condition("PodScheduled")
    gated = pod.status.summary == "SchedulingGated" or (scheduled and scheduled.reason == "SchedulingGated")
    if not gated and not pod.spec.scheduling_gates:
        return None
    shown_by = (("status", "summary"), ("status", "conditions", "PodScheduled", "reason"))
    return Waiting(pod.ref, spec, "scheduling gate", snapshot.cite(pod.ref, *shown_by), None, 1.0)


def from_node_scaler(event: Event) -> bool:
    """Tell whether a FailedScheduling is Karpenter's, which speaks of the nodes it could add, and not the scheduler's.

    Source: karpenter `controllers/provisioning/scheduling/events.go`.
    """
    return event.component == "karpenter" or event.message.startswith("Failed to schedule pod, ")


def _said(snapshot: Snapshot, pod: Pod, spec: PodSpec) -> Waiting | None:
    for event in sorted(snapshot.events_of(pod.ref, "FailedScheduling"), key=from_node_scaler):
        if not event.message.startswith("skip schedule"):
            return Waiting(pod.ref, spec, event.message, (event.citation,), event.first, 1.0)
    scheduled = pod.condition("PodScheduled")
    if scheduled and scheduled.status == "False" and scheduled.message:
        cited = snapshot.cite(pod.ref, ("status", "conditions", "PodScheduled", "message"))
        return Waiting(pod.ref, spec, scheduled.message, cited, scheduled.last_transition_time, 1.0)
    return None


def _heard_waiting(snapshot: Snapshot) -> Iterator[Waiting]:
    """Yield Pods of which only Events are known, unless a list shows that they are gone or an Event that they ran."""
    heard = HeardPods.of(snapshot)
    for ref in heard.with_events("FailedScheduling"):
        newest = next((e for e in snapshot.events_of(ref) if e.reason not in _OF_NODE_SCALERS), None)
        if newest and newest.reason == "FailedScheduling":
            spec = full_spec(snapshot, ref)
            yield Waiting(ref, spec, newest.message, (newest.citation,), newest.first, heard.certainty(newest))
