"""
Evictions that a PodDisruptionBudget refuses: somebody drains a node, and the budget of a Pod on it allows nothing.

A budget that allows no disruption is no trouble as long as nobody wants one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from kfi.diagnosis.conditions.heard import HeardPods
from kfi.diagnosis.conditions.wording import counted
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Pod
from kfi.snapshot.policies import DisruptionBudget
from kfi.snapshot.resources import Node
from kfi.snapshot.view import Event, Log, Snapshot


@dataclass(frozen=True)
class Blocked:
    """A budget that keeps Pods on a node that is to be emptied."""

    budget: ObjectRef
    workload: ObjectRef | None
    message: str
    lines: tuple[Citation, ...]
    strength: float
    unwell: bool
    """The budget would allow an eviction if its Pods were healthy."""
    nodes: tuple[ObjectRef, ...] = ()
    """What is to be emptied."""


# What the API server answers to an eviction, and what drains print of it.
_VIOLATES = re.compile(r"violate the pod's disruption budget|disruption budget \S+ needs \d+ healthy")
_EVICTED = re.compile(r"evicting pods?/?\s*\"?(?:pods?/)?\"?(?:([\w.-]+)/)?([\w.-]+)\"?(?: -n \"?([\w.-]+)\"?)?")
_BY_KARPENTER = re.compile(r"pdb\b.{0,40}prevents pod evictions", re.IGNORECASE)
# A drain tries again every few seconds.
_RECENT = timedelta(minutes=15)
_DRAIN = ("FailedDraining", "DrainFailed", "FailedToEvict", "ScaleDownFailed", "EvictionBlocked", "DisruptionBlocked")


def blocked_evictions(snapshot: Snapshot) -> Iterator[Blocked]:
    """Yield each budget that refuses an eviction which somebody wants now."""
    refusals = tuple(_refusals(snapshot))
    near: dict[tuple[str, str], list[Pod]] = defaultdict(list)
    for pod in snapshot.pods:
        near[pod.ref.cluster, pod.namespace].append(pod)
    for budget in snapshot.live(DisruptionBudget):
        if budget.status.disruptions_allowed == 0 or _computed_none(budget):
            pods = _selected(budget, near[budget.ref.cluster, budget.namespace])
            told = tuple(_told(snapshot, budget, pods, refusals))
            leaving = [pod for pod in pods if _on_drained_node(snapshot, pod)]
            if told or leaving:
                yield _blocked(snapshot, budget, pods, told)


def _refusals(snapshot: Snapshot) -> Iterator[Log | Event]:
    """Yield what says of an eviction that it was refused, and not long ago."""
    for log in snapshot.logs:
        if _VIOLATES.search(log.record.example[:2000]) and (log.last is None or snapshot.as_of - log.last < _RECENT):
            yield log
    heard = HeardPods.of(snapshot)
    for event in snapshot.events:
        if (_VIOLATES.search(event.message) or event.reason in _DRAIN) and not heard.silent(event):
            yield event


def _computed_none(budget: DisruptionBudget) -> bool:
    status = budget.status
    known = status.disruptions_allowed is None and status.current_healthy is not None
    return known and (status.current_healthy or 0) <= (status.desired_healthy or 0)


def _selected(budget: DisruptionBudget, pods: Iterable[Pod]) -> list[Pod]:
    selector = budget.spec.selector
    return [pod for pod in pods if selector and not pod.finished and selector.matches(pod.labels)]


def _on_drained_node(snapshot: Snapshot, pod: Pod) -> bool:
    node = snapshot.find("Node", "", pod.spec.node_name, pod.ref.cluster) if pod.spec.node_name else None
    return isinstance(node, Node) and node.spec.unschedulable


def _told(
    snapshot: Snapshot, budget: DisruptionBudget, pods: list[Pod], refusals: Iterable[Log | Event]
) -> Iterator[Citation]:
    """Yield the lines that say an eviction of the budget's Pods was refused."""
    names = {pod.name for pod in pods}
    for one in refusals:
        if isinstance(one, Log):
            evicted = _EVICTED.search(one.record.example[:2000])
            named = evicted is not None and evicted[2] in names
            here = evicted and (evicted[3] or evicted[1] or budget.namespace) == budget.namespace
        else:
            named, here = _named_by(snapshot, one, budget, names), True
        if named and here:
            yield one.citation


def _named_by(snapshot: Snapshot, event: Event, budget: DisruptionBudget, names: set[str]) -> bool:
    """Tell whether an Event is about the budget's Pods, or names the budget while a node is being emptied."""
    if _VIOLATES.search(event.message):
        about_pod = event.ref.kind == "Pod" and event.ref.namespace == budget.namespace
        return event.ref.name in names if about_pod else any(name in event.message for name in names)
    named = f"{budget.namespace}/{budget.name}" in event.message and _BY_KARPENTER.search(event.message)
    return bool(named) and _is_drained(snapshot, event.ref)


def _is_drained(snapshot: Snapshot, ref: ObjectRef) -> bool:
    """Tell whether a node is being emptied: Karpenter also looks at nodes that it may keep."""
    node = snapshot.objects.get(ref.object)
    if not isinstance(node, Node):
        return False
    tainted = any(t.key in ("karpenter.sh/disrupted", "karpenter.sh/disruption") for t in node.spec.taints)
    return node.spec.unschedulable or tainted or node.metadata.deletion_timestamp is not None


def _blocked(snapshot: Snapshot, budget: DisruptionBudget, pods: list[Pod], told: tuple[Citation, ...]) -> Blocked:
    status = budget.status
    healthy, wanted = status.current_healthy, status.desired_healthy
    unwell = healthy is not None and wanted is not None and healthy < wanted
    tops = {snapshot.topology.workload(pod.ref) for pod in pods}
    have = f"{healthy} of {counted(wanted, 'Pod')} that it wants are healthy" if wanted is not None else ""
    nodes = sorted({pod.spec.node_name for pod in pods if _on_drained_node(snapshot, pod)})
    where = f" The drain of {', '.join(nodes[:3])} cannot go on." if nodes else ""
    said = f"PodDisruptionBudget {budget.name} ({_terms(budget)}) allows no eviction"
    message = f"{said}{': ' + have if have else ''}.{where}"
    paths = [("spec", "minAvailable"), ("spec", "maxUnavailable"), ("status", "disruptionsAllowed")]
    shown = snapshot.cite(budget.ref, *paths) or snapshot.cite_row(budget.ref)
    drained = tuple(budget.ref.model_copy(update=_node(name)) for name in nodes)
    cordons = [line for node in drained[:2] for line in snapshot.cite(node, ("spec", "unschedulable"))]
    workload = next(iter(tops)) if len(tops) == 1 else None
    strength = 0.9 if told else 0.5
    return Blocked(budget.ref, workload, message, (*told[:3], *shown, *cordons)[:6], strength, unwell, drained)


def _node(name: str) -> dict[str, str]:
    return {"kind": "Node", "namespace": "", "name": name}


def _terms(budget: DisruptionBudget) -> str:
    spec = budget.spec
    if spec.min_available is not None:
        return f"minAvailable {spec.min_available}"
    return f"maxUnavailable {spec.max_unavailable}" if spec.max_unavailable is not None else "no limits shown"


def still_cordoned(node: Node) -> str:
    """Give a sentence about what a lost node needs beside being mended; nothing where it is not cordoned."""
    if not node.spec.unschedulable:
        return ""
    return f" It is cordoned too: once it is ready, it takes Pods again only after kubectl uncordon {node.name}."
