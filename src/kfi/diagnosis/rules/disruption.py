"""
Disruption: nodes that are not added for Pods that wait, Pods that others push out, and Pods that may not be evicted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.evictions import Blocked, blocked_evictions
from kfi.diagnosis.conditions.node_scaling import Refusal, Refused, cluster_warnings, refused
from kfi.diagnosis.conditions.scaling import adopter
from kfi.diagnosis.conditions.scheduler_message import Filter, clauses
from kfi.diagnosis.conditions.waiting_pods import Waiting, waiting_pods
from kfi.diagnosis.words.scaling import (
    EVICTION_BLOCKED,
    POD_PREEMPTED,
    SCALE_UP_FAILED,
    SCALE_UP_LIMIT_REACHED,
    SCALE_UP_NO_FIT,
)
from kfi.models.schemas import Finding, ObjectRef, Role
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Event, Snapshot

RULES: tuple[Rule, ...] = (
    SCALE_UP_LIMIT_REACHED, SCALE_UP_FAILED, SCALE_UP_NO_FIT, EVICTION_BLOCKED, POD_PREEMPTED
)  # fmt: skip

_BY_REFUSAL = {
    Refusal.LIMIT: (SCALE_UP_LIMIT_REACHED, "and the autoscaler of nodes may add none", 0.93),
    Refusal.FAILED: (SCALE_UP_FAILED, "and adding a node failed", 0.9),
    Refusal.NO_FIT: (SCALE_UP_NO_FIT, "and a new node would not take it", 0.8),
}
# Source: kubernetes pkg/scheduler/framework/preemption; the older ones name the Pod, the newer its uid.
_PREEMPTED = re.compile(r"^Preempted by (?:a pod|pod )?\s*(\S*?)\s*on node (\S+?)\.?$")


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield refused scale-ups, preempted Pods and refused evictions."""
    waiting = tuple(waiting_pods(snapshot))
    warnings = tuple(cluster_warnings(snapshot))
    for pod in waiting:
        why = refused(snapshot, pod, warnings)
        if why:
            yield _not_added(snapshot, pod, why)
    yield from _preempted(snapshot, waiting)
    for blocked in blocked_evictions(snapshot):
        yield _blocked(blocked)


def _not_added(snapshot: Snapshot, pod: Waiting, why: Refused) -> Finding:
    rule, words, strength = _BY_REFUSAL[why.refusal]
    short = [c.text for c in clauses(pod.message) if c.filter not in (Filter.OTHER, Filter.TAINT, Filter.SELECTOR)]
    waits = f" ({'; '.join(short[:3])})" if short else ""
    message = f"Pod {pod.ref.name} is pending and waits for a node{waits}, {words}: {why.text}."
    ref = adopter(snapshot, pod.ref) or pod.ref
    lines = (why.event.citation, *pod.citations)
    strength *= pod.certainty * (1.0 if why.of_pod else 0.9)
    return rule.found(ref, message, lines[:6], strength=strength, since=pod.since, affects=(pod.ref,))


def _preempted(snapshot: Snapshot, waiting: tuple[Waiting, ...]) -> Iterator[Finding]:
    """Yield Pods that were preempted and whose workload has not got its Pods back."""
    for event in snapshot.events:
        match = _PREEMPTED.match(event.message) if event.reason == "Preempted" else None
        if match and event.ref.kind == "Pod":
            top = snapshot.topology.workload(event.ref.object)
            held = [pod for pod in waiting if snapshot.topology.workload(pod.ref) == top]
            if held or _short(snapshot, top):
                yield _victim(snapshot, event, match, held)


def _short(snapshot: Snapshot, top: ObjectRef) -> bool:
    workload = snapshot.objects.get(top)
    known = isinstance(workload, Workload) and workload.observed and workload.desired is not None
    return bool(known and isinstance(workload, Workload) and workload.ready_count < (workload.desired or 0))


def _victim(snapshot: Snapshot, event: Event, match: re.Match[str], held: list[Waiting]) -> Finding:
    winner = _preemptor(snapshot, match[1])
    since = f"; its replacement {held[0].ref.name} waits" if held else ""
    message = f"Pod {event.ref.name} was removed from node {match[2]} for {winner}{since}."
    lines = (event.citation, *(line for pod in held[:2] for line in pod.citations[:1]))
    affects = [pod.ref for pod in held]
    strength = 0.93 if held else 0.7
    return POD_PREEMPTED.found(
        event.ref.object, message, lines, strength=strength, since=event.first, affects=affects
    )  # fmt: skip


def _preemptor(snapshot: Snapshot, named: str) -> str:
    pod = next((p for p in snapshot.pods if named in (p.metadata.uid, f"{p.namespace}/{p.name}") and named), None)
    if pod is None:
        return f"Pod {named}, which has a higher priority" if named else "a Pod of higher priority"
    priority = f" with priority class {pod.spec.priority_class_name}" if pod.spec.priority_class_name else ""
    return f"Pod {pod.namespace}/{pod.name}{priority}"


def _blocked(blocked: Blocked) -> Finding:
    role = Role.SYMPTOM if blocked.unwell else None
    ref = blocked.workload if blocked.unwell and blocked.workload else blocked.budget
    affects = (*((blocked.workload,) if blocked.workload else ()), *blocked.nodes)
    return EVICTION_BLOCKED.found(
        ref, blocked.message, blocked.lines, strength=blocked.strength, role=role, affects=affects
    )  # fmt: skip
