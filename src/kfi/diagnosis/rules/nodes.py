"""
Nodes, and the services that they and the control plane stand on.

A unit is down only if its Active state says so, and only where it belongs: not a scheduler on a worker, not a runtime
that the node does not use, not a unit that no node of the cluster has. A node that is Ready now has got over its
Events.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.containers import current_pods, started
from kfi.diagnosis.conditions.evictions import still_cordoned
from kfi.diagnosis.conditions.service_evidence import only_rows
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.node import (
    CONTAINER_RUNTIME_DOWN,
    CONTROL_PLANE_DOWN,
    KUBE_PROXY_DOWN,
    KUBE_SCHEDULER_DOWN,
    KUBELET_DOWN,
    NODE_DISK_PRESSURE,
    NODE_MEMORY_PRESSURE,
    NODE_NETWORK_UNAVAILABLE,
    NODE_NOT_READY,
    NODE_PID_PRESSURE,
    NODE_PROBLEM,
    POD_NETWORK_SETUP_FAILED,
)
from kfi.models.records import NodeServiceRecord, TextForm
from kfi.models.schemas import Citation, Finding, ObjectRef, Role
from kfi.snapshot.objects import Condition
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Node, Service
from kfi.snapshot.view import Check, NodeService, Snapshot

RULES = (
    KUBELET_DOWN,
    CONTAINER_RUNTIME_DOWN,
    KUBE_PROXY_DOWN,
    KUBE_SCHEDULER_DOWN,
    CONTROL_PLANE_DOWN,
    NODE_NOT_READY,
    NODE_NETWORK_UNAVAILABLE,
    POD_NETWORK_SETUP_FAILED,
    NODE_MEMORY_PRESSURE,
    NODE_DISK_PRESSURE,
    NODE_PID_PRESSURE,
    NODE_PROBLEM,
)

_UNITS: Mapping[str, Rule] = {
    **dict.fromkeys(("kubelet", "snap.kubelet.daemon", "k3s", "k3s-agent", "rke2-server", "rke2-agent"), KUBELET_DOWN),
    **dict.fromkeys(("containerd", "docker", "crio", "cri-o", "cri-docker", "cri-dockerd"), CONTAINER_RUNTIME_DOWN),
    "kube-proxy": KUBE_PROXY_DOWN,
    "kube-scheduler": KUBE_SCHEDULER_DOWN,
    **dict.fromkeys(("kube-apiserver", "kube-controller-manager", "etcd"), CONTROL_PLANE_DOWN),
}
_CONTROL_PLANE = (KUBE_SCHEDULER_DOWN, CONTROL_PLANE_DOWN)
# Which units a node needs, by what it reports as its runtime (`containerd://1.7.2`).
_RUNTIME_UNITS = {
    "containerd": ("containerd",),
    "docker": ("docker", "containerd", "cri-docker", "cri-dockerd"),
    "cri-o": ("crio", "cri-o"),
}
_RUNTIME_SAID = re.compile(r"container runtime (?:is down|not ready)|RuntimeReady=false", re.IGNORECASE)
_NETWORK_SAID = re.compile(r"cni (?:plugin|config) (?:not |un)initialized|NetworkReady=false|network ?plugin", re.I)
_SOCKET_GONE = re.compile(
    r"(?:containerd|crio|cri-dockerd|docker)\.sock\S*.{0,40}connect: (?:no such file|connection ref)"
)
_NO_NETWORK = re.compile(
    r"set ?up network for sandbox|plugin type=\"|networkPlugin cni failed|no IP addresses available"
    r"|failed to (?:allocate|assign) (?:for range|an IP address)",
    re.IGNORECASE,
)
_PRESSURES = {
    "MemoryPressure": NODE_MEMORY_PRESSURE,
    "DiskPressure": NODE_DISK_PRESSURE,
    "PIDPressure": NODE_PID_PRESSURE,
    "NetworkUnavailable": NODE_NETWORK_UNAVAILABLE,
}
# A Pod that a live scheduler has not looked at for this long is not waiting for its turn.
_OVERDUE = timedelta(seconds=30)
_STARTING = timedelta(minutes=2)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield services that are down, then what the nodes themselves report."""
    found = [*_units(snapshot), *_components(snapshot)]
    found += _cut_off(snapshot, {f.ref for f in found if f.code == KUBE_PROXY_DOWN.code})
    if not any(f.code == KUBE_SCHEDULER_DOWN.code for f in found):
        found += _silence(snapshot)
    yield from found
    broken = {f.ref for f in found if f.code in (KUBELET_DOWN.code, CONTAINER_RUNTIME_DOWN.code)}
    for node in snapshot.nodes:
        yield from _not_ready(snapshot, node, node.ref in broken)
        yield from _pressures(snapshot, node)
    yield from _heard_not_ready(snapshot)
    yield from _sandboxes(snapshot)


def _name(service: NodeService) -> str:
    return service.record.unit.removesuffix(".service")


def _units(snapshot: Snapshot) -> Iterator[Finding]:
    by_unit: dict[str, list[NodeService]] = defaultdict(list)
    for service in snapshot.services:
        by_unit[_name(service)].append(service)
    for unit, services in by_unit.items():
        rule = _UNITS.get(unit)
        for service in services if rule else ():
            strength = _down(service.record, snapshot) * _belongs(snapshot, service, services)
            if rule and strength > 0:
                yield _unit_down(snapshot, rule, service, strength)


def _down(record: NodeServiceRecord, snapshot: Snapshot) -> float:
    """Say how sure it is that a unit is down."""
    if record.load_state == "not-found":
        return 0.0
    match record.active_state, record.sub_state:
        case (("inactive" | "failed"), _):
            return 0.97
        case "activating", "auto-restart":
            return 0.95
        case (("activating" | "deactivating"), _):
            long = record.since is not None and snapshot.as_of - record.since > _STARTING
            return 0.7 if long else 0.0
    return 0.0


def _belongs(snapshot: Snapshot, service: NodeService, everywhere: list[NodeService]) -> float:
    """Say how much a unit matters on its node: 0 where the node works without it."""
    node = snapshot.objects.get(service.node)
    rule = _UNITS[_name(service)]
    running = [s for s in everywhere if s.record.active_state == "active"]
    if rule is CONTAINER_RUNTIME_DOWN and not _uses(snapshot, service, node if isinstance(node, Node) else None):
        return 0.0
    if rule in _CONTROL_PLANE and running:
        # A worker that has the unit installed, or one of several schedulers: another has taken over.
        return 0.45 if isinstance(node, Node) and node.control_plane else 0.0
    if rule is KUBE_PROXY_DOWN and not running and len(everywhere) > 1:
        return 0.35  # a cluster whose network plugin does its work
    return 1.0


def _uses(snapshot: Snapshot, service: NodeService, node: Node | None) -> bool:
    version = str(node.status.node_info.get("containerRuntimeVersion", "")) if node else ""
    units = _RUNTIME_UNITS.get(version.partition("://")[0])
    if units:
        return _name(service) in units
    others = [
        s for s in snapshot.services
        if s.node == service.node and s is not service and _UNITS.get(_name(s)) is CONTAINER_RUNTIME_DOWN
    ]  # fmt: skip
    return not any(s.record.active_state == "active" for s in others)


def _unit_down(snapshot: Snapshot, rule: Rule, service: NodeService, strength: float) -> Finding:
    record, node = service.record, service.node
    logs = [log for log in snapshot.logs_of(node) if log.record.unit.startswith(_name(service)) and log.failing]
    state = f"{record.active_state} ({record.sub_state})" if record.sub_state else record.active_state
    result = f", result {record.result}" if record.result and record.result != "success" else ""
    since = f" since {record.since:%Y-%m-%d %H:%M:%S}" if record.since else ""
    lines = (
        *service.citations,
        *_ready_lines(snapshot, node),
        *(log.citation for log in logs[-1:]),
    )
    pending = [pod.ref for pod in _unscheduled(snapshot)] if rule is KUBE_SCHEDULER_DOWN else []
    message = f"Service {_name(service)} on node {node.name} is {state}{result}{since}."
    return rule.found(node, message, lines[:6], strength=strength, since=record.since, affects=pending)


def _ready_lines(snapshot: Snapshot, node: ObjectRef) -> tuple[Citation, ...]:
    """Give the lines that show a node is not ready; none where it is."""
    known = snapshot.objects.get(node)
    if not isinstance(known, Node) or known.ready is not False:
        return ()
    paths = [("status", "conditions", "Ready", field) for field in ("message", "status")]
    return snapshot.cite(node, *paths) or snapshot.cite_row(node)


def _components(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield components that run as Pods and are not ready."""
    for pod in current_pods(snapshot):
        rule = _UNITS.get(_component(pod)) if pod.namespace == "kube-system" else None
        made = pod.metadata.creation_timestamp
        fresh = made is not None and snapshot.as_of - made < _OVERDUE
        if rule is None or pod.ready or fresh or not (pod.condition("Ready") or pod.status.total_containers):
            continue
        peers = [p for p in snapshot.pods if p.namespace == pod.namespace and _component(p) == _component(pod)]
        replaced = rule in _CONTROL_PLANE and any(p.ready for p in peers)
        node = _node_of(snapshot, pod)
        paths = [path for s in pod.status.container_statuses for path in _state_paths(s.name)]
        yield rule.found(
            node or pod.ref,
            f"Pod {pod.name}, which is the node's {_component(pod)}, is not ready.",
            (snapshot.cite(pod.ref, *paths) or snapshot.cite_row(pod.ref))[:4],
            strength=0.4 if replaced else 0.88,
            affects=[pod.ref, *(p.ref for p in _unscheduled(snapshot) if rule is KUBE_SCHEDULER_DOWN)],
        )


def _node_of(snapshot: Snapshot, pod: Pod) -> ObjectRef | None:
    """Give the node of a Pod: its own text tells, a node's list of Pods, or the name of a static Pod's mirror."""
    if pod.spec.node_name:
        return ObjectRef(cluster=pod.ref.cluster, kind="Node", name=pod.spec.node_name)
    for node in snapshot.nodes:
        listed = any((one.namespace, one.name) == (pod.namespace, pod.name) for one in node.status.pods)
        if listed or pod.name == f"{_component(pod)}-{node.name}":
            return node.ref
    return None


def _component(pod: Pod) -> str:
    labels = pod.labels
    named = next((unit for unit in _UNITS if pod.name.startswith(f"{unit}-")), "")
    return labels.get("component") or (labels.get("k8s-app") if labels.get("k8s-app") in _UNITS else "") or named


def _state_paths(container: str) -> Iterator[tuple[str, ...]]:
    yield ("status", "containerStatuses", container, "state", "waiting", "reason")
    yield ("status", "containerStatuses", container, "lastState", "terminated", "exitCode")


def _cut_off(snapshot: Snapshot, known: set[ObjectRef]) -> Iterator[Finding]:
    """Yield nodes from which no Service answers, though the same ones answer from another node."""
    by_node: dict[str, list[Check]] = defaultdict(list)
    for one in snapshot.checks:
        if one.record.from_node:
            by_node[one.record.from_node].append(one)
    for name, checks in by_node.items():
        node = next((n.ref for n in snapshot.nodes if n.name == name), ObjectRef(kind="Node", name=name))
        # What has no address of its own is reached without kube-proxy.
        checks = [one for one in checks if not _headless(snapshot, one)]
        reached = {(c.record.target, c.record.port) for n, cs in by_node.items() if n != name for c in cs if _open(c)}
        failed = [c for c in checks if c.record.result in ("timeout", "refused", "unreachable")]
        lost = [c for c in failed if (c.record.target, c.record.port) in reached]
        if node in known or any(map(_open, checks)) or len(lost) < 2:
            continue
        runs = any(_UNITS.get(_name(s)) is KUBE_PROXY_DOWN and s.node == node for s in snapshot.services)
        message = (
            f"From node {name} none of {len(checks)} checked Services answers; other nodes reach {len(lost)} of them."
        )
        yield KUBE_PROXY_DOWN.found(node, message, [c.citation for c in lost[:4]], strength=0.5 if runs else 0.85)


def _headless(snapshot: Snapshot, one: Check) -> bool:
    name, _, rest = one.record.target.partition(".")
    service = snapshot.find("Service", rest.partition(".")[0], name)
    return isinstance(service, Service) and service.spec.cluster_ip == "None"


def _open(one: Check) -> bool:
    return one.record.result == "open"


def _unscheduled(snapshot: Snapshot) -> list[Pod]:
    """Give the Pods that no scheduler has looked at: Pending, without node, condition or Event."""
    return [
        pod for pod in current_pods(snapshot)
        if (pod.status.phase or pod.status.summary) == "Pending" and not pod.spec.node_name
        and pod.condition("PodScheduled") is None and not pod.spec.scheduling_gates
        and pod.spec.scheduler_name in ("", "default-scheduler") and _overdue(snapshot, pod)
        and not snapshot.events_of(pod.ref, "FailedScheduling", "Scheduled", "Preempted", "NotTriggerScaleUp")
        and _events_known(snapshot, pod) and not pod.status.container_statuses  # a kubelet writes those
    ]  # fmt: skip


def _overdue(snapshot: Snapshot, pod: Pod) -> bool:
    made = pod.metadata.creation_timestamp
    return made is None or snapshot.as_of - made > _OVERDUE


def _events_known(snapshot: Snapshot, pod: Pod) -> bool:
    """Tell whether a word of the scheduler would have been seen.

    A table row shows neither conditions nor Events; then the namespace's Events must have been listed, not one Pod's.
    """
    if any(seen.record.form is not TextForm.TABLE for seen in snapshot.seen.get(pod.ref, ())):
        return True
    placed = {
        event.ref.object for event in snapshot.events
        if event.reason in ("Scheduled", "FailedScheduling") and event.ref.namespace == pod.namespace
    }  # fmt: skip
    return sum(ref not in snapshot.seen or only_rows(snapshot, ref) for ref in placed) > 1


def _silence(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield a scheduler that is known only by what it does not do."""
    states = [s.record.active_state for s in snapshot.services if _UNITS.get(_name(s)) is KUBE_SCHEDULER_DOWN]
    pods = [p for p in snapshot.pods if p.namespace == "kube-system" and _component(p) == "kube-scheduler"]
    waiting = _unscheduled(snapshot)
    if "active" in states or any(pod.ready for pod in pods) or not waiting:
        return
    masters = sorted((node.ref for node in snapshot.nodes if node.control_plane), key=str)
    ref = masters[0] if masters else ObjectRef(cluster=waiting[0].ref.cluster, kind="Namespace", name="kube-system")
    lines = [line for pod in waiting[:3] for line in snapshot.cite_row(pod.ref)]
    absent = snapshot.absent(ObjectRef(cluster=ref.cluster, kind="Pod", namespace="kube-system", name="kube-scheduler"))
    yield KUBE_SCHEDULER_DOWN.found(
        ref,
        f"No scheduler has looked at {counted(len(waiting), 'Pending Pod')}: no node, no condition, no Event.",
        [*lines, *([absent] if absent and not pods and _static(snapshot) else [])],
        strength=0.8 if len(waiting) > 1 else 0.65,
        affects=[pod.ref for pod in waiting],
    )


def _static(snapshot: Snapshot) -> bool:
    """Tell whether the control plane runs as Pods that were seen."""
    return any(p.namespace == "kube-system" and _component(p) == "kube-apiserver" for p in snapshot.pods)


def _not_ready(snapshot: Snapshot, node: Node, explained: bool) -> Iterator[Finding]:
    ready = node.condition("Ready")
    if ready is None or ready.status == "True":
        return
    lines = _ready_lines(snapshot, node.ref)
    said = ready.message or ready.reason
    why = [] if explained else list(_reasons(snapshot, node, ready, lines))
    yield from why
    yield NODE_NOT_READY.found(
        node.ref,
        f"Node {node.name} is not ready{': ' + said if said else '.'}{still_cordoned(node)}",
        lines,
        strength=0.9 if said else 0.8,
        since=ready.last_transition_time,
        role=Role.SYMPTOM if explained or why else None,
    )


def _heard_not_ready(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield nodes of which only Events are known, where the newest about readiness says that it is lost."""
    heard = {e.ref.object for e in snapshot.events if e.ref.kind == "Node" and e.reason == "NodeNotReady"}
    for ref in sorted((ref for ref in heard if ref not in snapshot.objects), key=str):
        newest = snapshot.events_of(ref, "NodeNotReady", "NodeReady", "RemovingNode", "DeletingNode", "Starting")[0]
        if newest.reason == "NodeNotReady" and not snapshot.absent(ref):
            message = f"Node {ref.name} has turned not ready, says an Event."
            yield NODE_NOT_READY.found(ref, message, (newest.citation,), strength=0.7, since=newest.first)


def _reasons(snapshot: Snapshot, node: Node, ready: Condition, lines: tuple[Citation, ...]) -> Iterator[Finding]:
    since = ready.last_transition_time
    if _RUNTIME_SAID.search(ready.message) and not _NETWORK_SAID.search(ready.message):
        message = f"The kubelet of node {node.name} says: {ready.message}"
        yield CONTAINER_RUNTIME_DOWN.found(node.ref, message, lines, strength=0.85, since=since)
        return
    if _NETWORK_SAID.search(ready.message):
        message = f"The kubelet of node {node.name} says: {ready.message}"
        yield NODE_NETWORK_UNAVAILABLE.found(node.ref, message, lines, strength=0.9, since=since)
        return
    gone = [log for log in snapshot.logs_of(node.ref) if _SOCKET_GONE.search(log.record.example[:2000])]
    if gone:
        message = f"The kubelet of node {node.name} cannot reach its container runtime's socket."
        yield CONTAINER_RUNTIME_DOWN.found(
            node.ref, message, (gone[-1].citation, *lines), strength=0.65, since=gone[-1].first
        )


def _pressures(snapshot: Snapshot, node: Node) -> Iterator[Finding]:
    for condition in node.status.conditions:
        if condition.type == "Ready" or condition.status != "True":
            continue
        rule = _PRESSURES.get(condition.type, NODE_PROBLEM)
        paths = [("status", "conditions", condition.type, field) for field in ("message", "status")]
        said = condition.message or condition.reason
        yield rule.found(
            node.ref,
            f"Node {node.name} reports {condition.type}{': ' + said if said else '.'}",
            snapshot.cite(node.ref, *paths),
            strength=0.6 if rule is NODE_PROBLEM else 0.88,
            since=condition.last_transition_time,
        )


def _sandboxes(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield Pods that get no network; several of one node are that node's."""
    by_node: dict[ObjectRef, list[tuple[Pod, Citation, str]]] = defaultdict(list)
    for pod in current_pods(snapshot):
        events = [] if started(pod) else snapshot.events_of(pod.ref, "FailedCreatePodSandBox")
        event = next((e for e in events if _NO_NETWORK.search(e.message[:4000])), None)
        if event:
            node = ObjectRef(cluster=pod.ref.cluster, kind="Node", name=pod.spec.node_name)
            by_node[node].append((pod, event.citation, event.message))
    for node, hurt in by_node.items():
        ref = node if node.name and len(hurt) > 1 else hurt[0][0].ref
        message = f"No network for {counted(len(hurt), 'Pod')} of node {node.name or '?'}: {hurt[0][2][:300]}"
        lines = [citation for _, citation, _ in hurt[:4]]
        affects = [pod.ref for pod, _, _ in hurt]
        yield POD_NETWORK_SETUP_FAILED.found(ref, message, lines, strength=0.85, affects=affects)
