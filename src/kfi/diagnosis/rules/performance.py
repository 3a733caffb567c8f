"""
Slowness that alerts report: whose it is.

The workload at fault is the most downstream one whose latency no slower callee explains; where several independent
ones share a node, the node is. Throughput drops are effects and are not looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.conditions.far_nodes import far_node
from kfi.diagnosis.conditions.measures import Family, Measure, measures
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.view import Alert, Snapshot

POD_CPU_THROTTLED = Rule(
    code="pod-cpu-throttled",
    title="CPU limit throttles the container",
    layer=Layer.PERFORMANCE,
    meaning=(
        "The container wants more CPU time than its limit allows, so the kernel's CFS quota stops it for the rest of "
        "each 100 ms period. It is alive and ready but answers slowly, and everything that calls it becomes slow too."
    ),
    confirm="kubectl top pod -n {namespace} --containers",
    fix=(
        "Find out what uses the CPU (a new load, a busy loop, a noisy process inside the container).",
        "Raise or remove the container's CPU limit, or add replicas.",
    ),
)
POD_NETWORK_DELAY = Rule(
    code="pod-network-delay",
    title="Workload answers slowly though its CPU is not short",
    layer=Layer.PERFORMANCE,
    meaning=(
        "The latency of this workload rose while nothing it calls became slow to match and no CPU throttling was "
        "reported: time is lost on the way to its Pods (network delay) or inside it while it waits."
    ),
    confirm="kubectl get pods -n {namespace} -o wide",
    fix=(
        "Measure the round trip to the Pod from another node; look for traffic shaping, a chaos test or a bad link.",
        "Delete the Pod so that it is made anew on another node; if latency returns with it, profile the application.",
    ),
)
NODE_NETWORK_DELAY = Rule(
    code="node-network-delay",
    title="Network of a node is slow",
    layer=Layer.PERFORMANCE,
    meaning=(
        "Several workloads that do not depend on each other became slow at once, and what they share is the node "
        "they run on: its network is delayed."
    ),
    confirm="kubectl get pods -A -o wide --field-selector spec.nodeName={name}",
    fix=("Cordon the node and move its Pods; then check its interface, link and traffic shaping (tc qdisc show).",),
)
NODE_PACKET_LOSS = Rule(
    code="node-network-packet-loss",
    title="Node loses packets",
    layer=Layer.PERFORMANCE,
    meaning=(
        "TCP retransmissions of one node stand far above those of the others: packets from or to it get lost, and "
        "each lost one costs at least a retransmission timeout (200 ms)."
    ),
    confirm="kubectl describe node {name}",
    fix=("Cordon the node and move its Pods; then check its interface for errors and drops (ip -s link).",),
)
RULES = (POD_CPU_THROTTLED, POD_NETWORK_DELAY, NODE_NETWORK_DELAY, NODE_PACKET_LOSS)

# A callee that is slower by less than this share of its caller's delay does not explain it.
_EXPLAINS = 0.2
# Retransmissions: the losing node stands out from every other by this factor.
_STANDS_OUT = 3.0


@dataclass
class _Health:
    """What active alerts say of one workload or node."""

    measures: dict[Family, list[Measure]]
    citations: list[Citation]

    def rise(self, family: Family) -> float:
        return max((m.rise for m in self.measures.get(family, ())), default=0.0)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the workloads and nodes that active alerts show to be the origin of slowness."""
    health = _health(snapshot)
    throttled = [ref for ref, h in health.items() if Family.THROTTLING in h.measures and ref.kind != "Node"]
    for ref in throttled:
        raised = health[ref].rise(Family.CPU) > 0
        message = "Alerts show CPU throttling" + (" and raised CPU use." if raised else ".")
        strength, slowed = 0.85 if raised else 0.5, _slowed(snapshot, health, [ref])
        yield POD_CPU_THROTTLED.found(ref, message, health[ref].citations, strength=strength, affects=slowed)
    lossy = _lossy_node(health)
    if lossy:
        message = f"Retransmissions of {lossy.name} are at least {_STANDS_OUT:g} times those of any other node."
        on_it = {snapshot.topology.workload(pod.ref) for pod in snapshot.pods if pod.spec.node_name == lossy.name}
        slowed = _slowed(snapshot, health, on_it)
        yield NODE_PACKET_LOSS.found(lossy, message, health[lossy].citations, strength=0.75, affects=slowed)
    if not throttled and not lossy:
        yield from _delays(snapshot, health)


def _health(snapshot: Snapshot) -> Mapping[ObjectRef, _Health]:
    found: dict[ObjectRef, _Health] = defaultdict(_new_health)
    for alert in snapshot.alerts:
        if alert.record.state in ("suppressed", "inactive", "resolved"):
            continue
        ref = _subject(snapshot, alert.ref)
        if not ref.name:
            continue
        for measure in measures(_text(alert)):
            found[ref].measures.setdefault(measure.family, []).append(measure)
        found[ref].citations.append(alert.citation)
    return found


def _text(alert: Alert) -> str:
    return "\n".join([alert.record.name, *alert.record.annotations.values()])


def _new_health() -> _Health:
    return _Health({}, [])


def _subject(snapshot: Snapshot, ref: ObjectRef) -> ObjectRef:
    """Give the workload (or node) an alert is about; a Service stands for the workload it selects."""
    if ref.kind in ("Node", "Namespace", ""):
        return (snapshot.topology.named(ref.name) or ref) if not ref.kind else ref
    if ref.kind == "Service":
        return snapshot.topology.named(ref.name) or ref
    return snapshot.topology.workload(ref)


def _lossy_node(health: Mapping[ObjectRef, _Health]) -> ObjectRef | None:
    losses = {ref: h.rise(Family.RETRANSMISSION) for ref, h in health.items() if ref.kind == "Node"}
    worst = max(losses, key=losses.__getitem__, default=None)
    if worst is None:
        return None
    others = max((loss for ref, loss in losses.items() if ref != worst), default=0.0)
    # Below one retransmission a second nothing is lost that anybody would notice.
    return worst if losses[worst] >= 1.0 and losses[worst] >= _STANDS_OUT * others else None


def _delays(snapshot: Snapshot, health: Mapping[ObjectRef, _Health]) -> Iterator[Finding]:
    slow = {ref: h.rise(Family.LATENCY) for ref, h in health.items() if ref.kind != "Node"}
    slow = {ref: delay for ref, delay in slow.items() if delay > 0}
    roots = [ref for ref in slow if not _explained(snapshot, ref, slow)]
    named = far_node(snapshot)
    node = _shared_node(snapshot, roots)
    if named and (node in (None, named.node) or len(roots) < 2):
        slowed = _slowed(snapshot, health, roots)
        yield NODE_NETWORK_DELAY.found(named.node, named.said, named.lines, strength=0.8, affects=slowed)
        return
    if len(roots) > 1 and node:
        names = ", ".join(sorted(ref.name for ref in roots))
        evidence = [citation for ref in roots for citation in health[ref].citations]
        message = f"{names} became slow independently of each other, and all run on {node.name}."
        slowed = _slowed(snapshot, health, roots)
        yield NODE_NETWORK_DELAY.found(node, message, evidence, strength=0.65, affects=slowed)
        return
    for ref in roots:
        message = f"Its latency rose by {slow[ref]:.0f} ms, and nothing it calls became slow enough to explain that."
        # Several unrelated roots: each of them is less sure to be the one.
        strength, slowed = 0.65 if len(roots) == 1 else 0.4, _slowed(snapshot, health, [ref])
        yield POD_NETWORK_DELAY.found(ref, message, health[ref].citations, strength=strength, affects=slowed)


def _slowed(
    snapshot: Snapshot, health: Mapping[ObjectRef, _Health], origins: Iterable[ObjectRef]
) -> tuple[ObjectRef, ...]:
    """Give those of the origins, and of the workloads that call them (through others too), that alerts call slow."""
    waiting = list(origins)
    found = set(waiting)
    while waiting:
        callers = snapshot.topology.callers.get(waiting.pop(), frozenset()) - found
        found |= callers
        waiting += callers
    return tuple(sorted((ref for ref in found if ref in health and health[ref].rise(Family.LATENCY) > 0), key=str))


def _explained(snapshot: Snapshot, ref: ObjectRef, slow: Mapping[ObjectRef, float]) -> bool:
    callees = snapshot.topology.calls.get(ref, frozenset())
    return any(slow.get(callee, 0.0) >= _EXPLAINS * slow[ref] for callee in callees)


def _shared_node(snapshot: Snapshot, workloads: list[ObjectRef]) -> ObjectRef | None:
    """Give the node that all Pods of these workloads run on, and not all other workloads do."""
    nodes = {p.spec.node_name for ref in workloads for p in snapshot.topology.pods_of(ref)}
    everywhere = {p.spec.node_name for p in snapshot.pods if p.spec.node_name}
    if len(nodes) != 1 or len(everywhere) < 2 or "" in nodes:
        return None
    return ObjectRef(cluster=workloads[0].cluster, kind="Node", name=nodes.pop())
