"""
Why no node is added for a Pod that waits: what the cluster autoscaler or Karpenter says of it.

Sources: cluster-autoscaler `core/scaleup` and `processors/status`, Karpenter `provisioning/scheduling`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum

from kfi.diagnosis.conditions.scheduler_message import Filter, clauses
from kfi.diagnosis.conditions.waiting_pods import Waiting, from_node_scaler
from kfi.snapshot.view import Event, Snapshot


class Refusal(IntEnum):
    """Why no node comes; the first that is told counts: a limit is what stops a node that would do."""

    LIMIT = 0
    FAILED = 1
    NO_FIT = 2


@dataclass(frozen=True)
class Refused:
    """A refusal, the part of the message that says it, and the Event."""

    refusal: Refusal
    text: str
    event: Event
    of_pod: bool
    """The Event is about the Pod itself, not about the whole cluster."""


_LIMIT = re.compile(
    r"max(?:imum)? node group size|max(?:imum)? (?:total |number of )?nodes?\b[^,;]{0,40}(?:reached|limit|already)"
    r"|reached (?:the |its )?max(?:imum)? (?:number of |total )?nodes?\b|max cluster (?:cpu|memory)|max limit reached"
    r"|exceed limits? for (?:node ?pool|provisioner)|exceed (?:node ?pool|provisioner) limits|limits? exceeded"
    r"|exceeds? (?:the )?(?:node ?pool|provisioner)(?:'s)? limits?",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"in backoff after failed scale-?up|scale[- ]?up .{0,200}(?:failed|timed out)|failed to (?:scale up|increase)"
    r"|insufficient ?(?:instance ?)?capacity|quota[_ ]?(?:was )?exceeded|out of resources|resource pool exhausted"
    r"|ip[_ ]space[_ ]exhausted|instance types were unavailable|failed to register within",
    re.IGNORECASE,
)
_NO_FIT = re.compile(
    r"wouldn't fit if a new node is added|no instance type|incompatible|did not tolerate|didn't match|untolerated"
    r"|volume node affinity conflict|filtered out all|insufficient |no (?:node ?pools?|provisioners?) (?:found|exist)",
    re.IGNORECASE,
)
_KINDS = ((Refusal.LIMIT, _LIMIT), (Refusal.FAILED, _FAILED), (Refusal.NO_FIT, _NO_FIT))
_ABOUT_POD = ("NotTriggerScaleUp", "FailedScaleUp", "TriggeredScaleUp")
# More nodes help against these only.
_SCARCE = (Filter.RESOURCE, Filter.HOST_PORT, Filter.POD_ANTI_AFFINITY, Filter.TOPOLOGY_SPREAD)
_BETWEEN = re.compile(r"(?:^[^:]{0,60}scale-up: ?)|,\s+(?=\d+ )|;\s+|,\s+(?=all available|no instance type)")


def refused(snapshot: Snapshot, pod: Waiting, warnings: Sequence[Event]) -> Refused | None:
    """Give why no node is added for a Pod: what is said of it, else the newest `warnings` about the whole cluster."""
    own = _newest_of_each(snapshot, pod)
    found = [one for event in own if (one := _read(event, of_pod=True))]
    if not found and any(clause.filter in _SCARCE for clause in clauses(pod.message)):
        found = [one for e in warnings if _late(pod, e) and (one := _read(e, of_pod=False))]
        found = [one for one in found if one.refusal is not Refusal.NO_FIT]
    return min(found, key=_order, default=None)


def _order(one: Refused) -> int:
    return one.refusal


def _newest_of_each(snapshot: Snapshot, pod: Waiting) -> Iterator[Event]:
    """Yield the autoscaler's newest word on a Pod, where it did not add a node for it, and Karpenter's."""
    spoken = snapshot.events_of(pod.ref, *_ABOUT_POD)
    if spoken and spoken[0].reason != "TriggeredScaleUp":
        yield spoken[0]
    yield from [e for e in snapshot.events_of(pod.ref, "FailedScheduling") if from_node_scaler(e)][:1]


def cluster_warnings(snapshot: Snapshot) -> Iterator[Event]:
    """Yield what an autoscaler of nodes warns of, on its status object or a node group's."""
    for event in snapshot.events:
        about_nodes = "autoscaler" in event.component or event.ref.kind in ("NodePool", "NodeClaim")
        horizontal = event.ref.kind in ("HorizontalPodAutoscaler", "Pod") or "pod-autoscaler" in event.component
        if event.type == "Warning" and about_nodes and not horizontal:
            yield event


def _late(pod: Waiting, event: Event) -> bool:
    """Tell whether an Event is of the time since a Pod waits."""
    return pod.since is None or event.last is None or event.last >= pod.since


def _read(event: Event, *, of_pod: bool) -> Refused | None:
    text = event.message[:4000]
    for kind, words in _KINDS:
        match = words.search(text)
        if match:
            part = next((p for p in _BETWEEN.split(text) if words.search(p)), text)
            return Refused(kind, part.strip(" .")[:300], event, of_pod)
    return None
