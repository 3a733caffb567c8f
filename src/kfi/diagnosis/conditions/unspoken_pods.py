"""
Pods that wait for a node while no text holds what the scheduler said of them: their own spec against the nodes.

What the scheduler says is gone in an hour; what a Pod asks for and what the nodes are is still there, mostly enough.
Where the nodes' labels or the other Pods' places are not known, a hard constraint of the Pod is a lead and no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from kfi.diagnosis.conditions.node_fit import Fit, asked_labels, chooses, fits
from kfi.diagnosis.conditions.pod_spec import cite_spec, full_spec
from kfi.diagnosis.conditions.scheduler_message import Filter
from kfi.diagnosis.conditions.unschedulable import main_reason
from kfi.diagnosis.conditions.waiting_pods import unscheduled
from kfi.diagnosis.conditions.wording import counted
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Pod, PodSpec
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Node
from kfi.snapshot.view import Snapshot

_PROVEN, _LEAD = 0.8, 0.5
# A scheduler that is well needs less.
_AT_ONCE = timedelta(seconds=20)
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True)
class Unspoken:
    """A Pod that waits, and what of its spec keeps it off the nodes."""

    ref: ObjectRef
    filter: Filter
    by_selector: bool
    """Of Filter.SELECTOR: whether its nodeSelector does it, and not its affinity."""
    message: str
    evidence: tuple[Citation, ...]
    strength: float


def unspoken_pods(snapshot: Snapshot) -> Iterator[Unspoken]:
    """Yield the Pods that wait for a node, whose spec shows why, and of which no text says it."""
    compared: dict[str, tuple[Fit, ...]] = {}
    for pod in snapshot.pods:
        if _waits_unspoken(snapshot, pod):
            spec = full_spec(snapshot, pod.ref)
            asks = repr((pod.ref.cluster, spec.node_selector, spec.affinity, spec.tolerations))
            if asks not in compared:
                compared[asks] = fits(spec, _nodes(snapshot, pod))
            yield from _judged(snapshot, pod, spec, compared[asks])


def _nodes(snapshot: Snapshot, pod: Pod) -> list[Node]:
    return [node for node in snapshot.nodes if node.ref.cluster == pod.ref.cluster]


def _waits_unspoken(snapshot: Snapshot, pod: Pod) -> bool:
    """Tell whether a text shows that a Pod waits for a node, and none what the scheduler said of it."""
    created, scheduled = pod.metadata.creation_timestamp, pod.condition("PodScheduled")
    waits = unscheduled(pod) and (pod.status.summary or pod.status.phase) == "Pending"
    new = created is not None and snapshot.as_of - created < _AT_ONCE
    spoken = bool(scheduled and scheduled.message) or any(snapshot.events_of(pod.ref, "FailedScheduling"))
    return waits and not new and not spoken


def _judged(snapshot: Snapshot, pod: Pod, spec: PodSpec, nodes: Sequence[Fit]) -> Iterator[Unspoken]:
    reason = main_reason(spec, nodes, ())
    by_selector = bool(spec.node_selector) and not any(fit.selected for fit in nodes)
    # One node of an unknown number proves nothing of the others.
    every = len(nodes) > 1 or snapshot.listed("Node", "", pod.ref.cluster)
    kind, strength = reason.filter, _PROVEN if every else _LEAD
    if reason.proven and reason.condition:
        return
    if not reason.proven:
        kind, strength = _lead(spec, nodes), _LEAD
    said = _said(spec, kind, by_selector, reason.nodes if reason.proven else ())
    if said:
        message, paths = said
        lines = (
            *snapshot.cite(pod.ref, ("status", "summary"), ("status", "phase")),
            *cite_spec(snapshot, pod.ref, *paths),
        )
        lines += tuple(line for fit in reason.nodes[:2] for line in _of_node(snapshot, fit, kind, asked_labels(spec)))
        text = f"Pod {pod.name} waits for a node, and no text holds the scheduler's words; {message}."
        yield Unspoken(pod.ref, kind, by_selector, text, lines[:7], strength)


def _lead(spec: PodSpec, nodes: Sequence[Fit]) -> Filter:
    """Give the hard constraint that is left to suspect: other Pods' places are hardly ever known in full."""
    if spec.affinity and spec.affinity.pod_anti_affinity and spec.affinity.pod_anti_affinity.required:
        return Filter.POD_ANTI_AFFINITY
    labelled = bool(nodes) and all(fit.node.labels for fit in nodes)
    return Filter.SELECTOR if chooses(spec) and not labelled else Filter.OTHER


def _said(spec: PodSpec, kind: Filter, by_selector: bool, nodes: Sequence[Fit]) -> tuple[str, tuple[Path, ...]] | None:
    """Give the sentence, and the fields of the Pod that show it; None where nothing can be said."""
    names = ", ".join(sorted(fit.node.name for fit in nodes)[:4])
    match kind:
        case Filter.TAINT:
            taints = ", ".join(sorted({f"{t.key}={t.value}:{t.effect}" for fit in nodes for t in fit.taints}))
            return f"it does not tolerate {taints} on {names}", (("nodeSelector",), ("tolerations",))
        case Filter.CORDON:
            return f"what it may run on is cordoned: {names}", (
                ("nodeSelector",),
                ("affinity", "nodeAffinity", _REQUIRED),
            )
        case Filter.SELECTOR:
            known = f"matches none of {counted(len(nodes), 'node')}" if nodes else "asks for labels that no text shows"
            if by_selector:
                asked = ", ".join(f"{key}={value}" for key, value in sorted(spec.node_selector.items()))
                return f"its nodeSelector {asked} {known}", (("nodeSelector",),)
            return f"its required node affinity {known}", (("affinity", "nodeAffinity", _REQUIRED),)
        case Filter.POD_ANTI_AFFINITY:
            path = ("affinity", "podAntiAffinity", _REQUIRED)
            return "its required pod anti-affinity is what may keep it off every node", (path,)
    return None


def _of_node(snapshot: Snapshot, fit: Fit, kind: Filter, asked: Sequence[str]) -> tuple[Citation, ...]:
    labels = tuple(("metadata", "labels", key) for key in asked)
    paths = {Filter.TAINT: (("spec", "taints"),), Filter.CORDON: (("spec", "unschedulable"),)}.get(kind, labels)
    return snapshot.cite(fit.node.ref, *paths)
