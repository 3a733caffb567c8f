"""
Volumes and nodes: where a Pod's volume may be used, and who holds it elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kfi.diagnosis.conditions.claim_match import modes
from kfi.diagnosis.conditions.claimed_volumes import Claimed, claimed
from kfi.diagnosis.conditions.containers import leaving
from kfi.diagnosis.conditions.field_lines import cite_whole
from kfi.diagnosis.conditions.node_fit import selects
from kfi.diagnosis.conditions.volume_faults import VolumeFault, says_held, still_starts
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pinning import hosts_of
from kfi.snapshot.pod import NodeSelector, Pod
from kfi.snapshot.resources import Node
from kfi.snapshot.view import Event, Snapshot

_BY_NODE = re.compile(
    r"attached to (?:node )?\"?([a-z0-9][\w.-]*)\"? and|(?:attached|used) (?:to|on|by) node \"?([\w.-]+)\"?"
)
_VOLUME = re.compile(r'for volume "([^"]+)"')


def misplaced(snapshot: Snapshot) -> Iterator[VolumeFault]:
    """Yield Pods that are not running and whose volume's node affinity names no node where they could."""
    for pod in snapshot.pods:
        if not (pod.ready or pod.finished or leaving(pod)) and (_waits(pod) or still_starts(pod)):
            for one in claimed(snapshot, pod.ref):
                affinity = one.volume.spec.node_affinity if one.volume else None
                if affinity and affinity.required:
                    yield from _elsewhere(snapshot, pod, one, affinity.required)


def _waits(pod: Pod) -> bool:
    return not pod.spec.node_name and (pod.status.summary or pod.status.phase) in ("Pending", "")


def _elsewhere(snapshot: Snapshot, pod: Pod, one: Claimed, required: NodeSelector) -> Iterator[VolumeFault]:
    nodes = [node for node in snapshot.nodes if node.ref.cluster == pod.ref.cluster]
    hosts = hosts_of(required)
    admitted = [node for node in nodes if node.name in hosts or selects(required, node)]
    placed = pod.spec.node_name
    if placed in hosts or any(node.name == placed for node in admitted):
        return
    lost = [_lost(snapshot, pod.ref.cluster, name) for name in hosts if name not in {n.name for n in nodes}]
    states = [(node.name, _unavailable(node)) for node in admitted] + [(n, s) for n, s in lost if s]
    whole = len(states) == len(hosts) if hosts else bool(states)
    if states and whole and all(state for _, state in states):
        yield _on_lost_node(snapshot, pod, one, states)
    elif placed and (hosts or _labelled(nodes, placed)):
        yield _on_wrong_node(snapshot, pod, one, hosts or tuple(node.name for node in admitted))


def _labelled(nodes: Sequence[Node], name: str) -> bool:
    return any(node.name == name and node.labels for node in nodes)


def _lost(snapshot: Snapshot, cluster: str, name: str) -> tuple[str, str]:
    gone = snapshot.absent(ObjectRef(cluster=cluster, kind="Node", name=name))
    return name, "does not exist" if gone else ""


def _unavailable(node: Node) -> str:
    """Say why a node takes no Pods; empty where it does."""
    states = [*(["cordoned"] if node.spec.unschedulable else []), *(["not ready"] if node.ready is False else [])]
    return f"is {' and '.join(states)}" if states else ""


def _on_lost_node(snapshot: Snapshot, pod: Pod, one: Claimed, states: list[tuple[str, str]]) -> VolumeFault:
    where = ", ".join(f"{name}, which {state}" for name, state in states[:3])
    run = (
        f"Pod {pod.name} on {pod.spec.node_name} cannot use it" if pod.spec.node_name else f"Pod {pod.name} cannot run"
    )
    message = f"{_described(one)} can only be used on {where}: {run}."
    nodes = [_node(pod.ref.cluster, name) for name, _ in states[:2]]
    lines = [
        line for ref in nodes
        for line in snapshot.cite(ref, ("spec", "unschedulable"), ("status", "conditions", "Ready", "status"))
        or snapshot.cite_row(ref)
    ]  # fmt: skip
    absent = [citation for ref in nodes if (citation := snapshot.absent(ref))]
    proof = (*_affinity_lines(snapshot, one), *lines, *absent, *_said(snapshot, pod))
    return VolumeFault("volume-node-unavailable", pod.ref, message, proof, 0.95)


def _on_wrong_node(snapshot: Snapshot, pod: Pod, one: Claimed, allowed: tuple[str, ...]) -> VolumeFault:
    where = f"node {', '.join(allowed[:3])}" if allowed else "other nodes"
    message = f"{_described(one)} can only be used on {where}, and Pod {pod.name} was put on node {pod.spec.node_name}."
    proof = (*_affinity_lines(snapshot, one), *snapshot.cite(pod.ref, ("spec", "nodeName")), *_said(snapshot, pod))
    return VolumeFault("volume-node-affinity-conflict", pod.ref, message, proof, 0.95)


def _described(one: Claimed) -> str:
    return f"Volume {one.volume.name if one.volume else '?'} of the claim {one.ref.name}"


def _affinity_lines(snapshot: Snapshot, one: Claimed) -> tuple[Citation, ...]:
    return cite_whole(snapshot, one.volume.ref, ("spec", "nodeAffinity")) if one.volume else ()


def _said(snapshot: Snapshot, pod: Pod) -> tuple[Citation, ...]:
    events = snapshot.events_of(pod.ref, "FailedScheduling", "FailedAttachVolume", "FailedMount")
    return tuple(event.citation for event in events[:1])


def _node(cluster: str, name: str) -> ObjectRef:
    return ObjectRef(cluster=cluster, kind="Node", name=name)


def held_elsewhere(snapshot: Snapshot) -> Iterator[VolumeFault]:
    """Yield Pods that start and whose ReadWriteOnce volume is attached to another node, by Event or by who uses it."""
    for pod in snapshot.pods:
        if still_starts(pod):
            events = snapshot.events_of(pod.ref, "FailedAttachVolume", "SuccessfulAttachVolume", "FailedMount")
            told = events[0] if events and says_held(events[0]) else None
            holders = [(one, other) for one in claimed(snapshot, pod.ref) for other in _users(snapshot, pod, one)]
            if told or (holders and not events and pod.spec.node_name):
                yield _held(snapshot, pod, told, holders)


def _users(snapshot: Snapshot, pod: Pod, one: Claimed) -> Iterator[Pod]:
    """Yield the Pods on other nodes that use a claim which only one node can have."""
    if modes(one.modes) & {"ReadWriteMany", "ReadOnlyMany"} or not one.modes:
        return
    for other in snapshot.pods:
        near = other.namespace == pod.namespace and other.ref.cluster == pod.ref.cluster
        away = near and other.spec.node_name not in ("", pod.spec.node_name) and not other.finished
        if away and one.ref.name in _claim_names(other) and not still_starts(other):
            yield other


def _claim_names(pod: Pod) -> Iterator[str]:
    return (v.persistent_volume_claim.claim_name for v in pod.spec.volumes if v.persistent_volume_claim)


def _held(snapshot: Snapshot, pod: Pod, told: Event | None, holders: list[tuple[Claimed, Pod]]) -> VolumeFault:
    node = f" on {pod.spec.node_name}" if pod.spec.node_name else ""
    message = f"Pod {pod.name}{node} cannot have its volume{_which(snapshot, pod, told, holders)}."
    if told and not holders:
        message = f"{message[:-1]}: {told.message[:300]}"
    lines: list[Citation] = [told.citation] if told else []
    for one, other in holders[:2]:
        lines += snapshot.cite(other.ref, ("spec", "nodeName"))
        lines += cite_whole(snapshot, one.ref, ("spec", "accessModes")) or snapshot.cite_row(one.ref)
    lines += snapshot.cite(pod.ref, ("spec", "nodeName"))
    since = told.first if told else None
    return VolumeFault("volume-multi-attach", pod.ref, message, tuple(lines), 0.93 if told else 0.7, since)


def _which(snapshot: Snapshot, pod: Pod, told: Event | None, holders: list[tuple[Claimed, Pod]]) -> str:
    if holders:
        one, other = holders[0]
        node = snapshot.find("Node", "", other.spec.node_name, pod.ref.cluster)
        lost = ", which is not ready" if isinstance(node, Node) and node.ready is False else ""
        access = ", ".join(sorted(modes(one.modes)))
        return f": the claim {one.ref.name} ({access}) is used by Pod {other.name} on {other.spec.node_name}{lost}"
    by_node = _BY_NODE.search(told.message) if told else None
    volume = _VOLUME.search(told.message) if told else None
    name = f" {volume[1]}" if volume else ""
    where = next((part for part in by_node.groups() if part), "") if by_node else ""
    return f"{name}, which is attached to {where}" if where not in ("", "one") else name
