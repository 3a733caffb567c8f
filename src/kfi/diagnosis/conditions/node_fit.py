"""
Whether a Pod may run on a node: its spec against the node's labels, taints and room.

Structure only; the words of the scheduler are not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from kfi.diagnosis.conditions.pod_spec import requested
from kfi.snapshot.objects import LabelRequirement, quantity, requirement_holds
from kfi.snapshot.pod import NodeSelector, NodeSelectorTerm, PodSpec, Toleration
from kfi.snapshot.resources import Node, Taint

_CORDON = "node.kubernetes.io/unschedulable"
_CONDITIONS = ("node.kubernetes.io/", "node.cloudprovider.kubernetes.io/", "node.alpha.kubernetes.io/")
_CONTROL_PLANE = (
    "node-role.kubernetes.io/control-plane",
    "node-role.kubernetes.io/master",
    "node-role.kubernetes.io/controlplane",
    "node-role.kubernetes.io/etcd",
)


class Block(Enum):
    """What keeps a Pod off a node that it asks for."""

    CORDON = "cordon"
    CONDITION = "condition"
    """The node is not ready or short of something: the node's trouble, not the Pod's."""
    TAINT = "taint"


@dataclass(frozen=True)
class Fit:
    """How one node stands to one Pod."""

    node: Node
    selected: bool
    """Its labels meet the Pod's nodeSelector."""
    affine: bool
    """It meets the Pod's required node affinity."""
    blocks: frozenset[Block]
    taints: tuple[Taint, ...] = ()
    """The taints behind Block.TAINT."""

    @property
    def asked_for(self) -> bool:
        """Whether the Pod would take this node, as far as selector and affinity say."""
        return self.selected and self.affine


def fits(spec: PodSpec, nodes: Iterable[Node]) -> tuple[Fit, ...]:
    """Compare a Pod with every node that it may be meant for.

    The control plane is left out unless it is all there is, or all that the Pod asks for by a label of its own.
    """
    every = [fit(spec, node) for node in nodes]
    workers = [f for f in every if not f.node.control_plane]
    if not workers:
        return tuple(every)
    if any(f.asked_for for f in workers):
        return tuple(workers)
    others = [f.node for f in workers]
    meant = [f for f in every if f.node.control_plane and f.asked_for and _singled_out(spec, f.node, others)]
    return (*workers, *meant)


def _singled_out(spec: PodSpec, node: Node, others: Iterable[Node]) -> bool:
    """Tell whether a Pod asks for something that this node has and none of the others; NotIn asks for nothing."""
    wanted = [LabelRequirement(key=k, operator="In", values=[v]) for k, v in spec.node_selector.items()]
    required = required_nodes(spec)
    for term in required.node_selector_terms if required else ():
        wanted += [r for r in term.match_expressions if r.operator in ("In", "Exists", "Gt", "Lt")]
    return any(
        requirement_holds(r, node.labels) and not any(requirement_holds(r, n.labels) for n in others) for r in wanted
    )


def fit(spec: PodSpec, node: Node) -> Fit:
    """Compare a Pod with one node."""
    taints = tuple(t for t in node.spec.taints if _repels(t) and not _tolerated(t, spec.tolerations))
    own = tuple(t for t in taints if not is_condition(t.key) and t.key not in _CONTROL_PLANE)
    blocks = set()
    if own:
        blocks.add(Block.TAINT)
    tolerates_cordon = any(t.key == _CORDON or not t.key for t in spec.tolerations)
    if not tolerates_cordon and (node.spec.unschedulable or any(t.key == _CORDON for t in taints)):
        blocks.add(Block.CORDON)
    if node.ready is False or any(is_condition(t.key) and t.key != _CORDON for t in taints):
        blocks.add(Block.CONDITION)
    selected = spec.node_selector.items() <= node.labels.items()
    required = required_nodes(spec)
    return Fit(node, selected, required is None or selects(required, node), frozenset(blocks), own)


def chooses(spec: PodSpec) -> bool:
    """Tell whether a Pod asks for certain nodes."""
    return bool(spec.node_selector) or required_nodes(spec) is not None


def asked_labels(spec: PodSpec) -> tuple[str, ...]:
    """Give the node labels that a Pod's selector and required affinity look at."""
    required = required_nodes(spec)
    terms = required.node_selector_terms if required else []
    return tuple(dict.fromkeys([*spec.node_selector, *(r.key for t in terms for r in t.match_expressions)]))


def required_nodes(spec: PodSpec) -> NodeSelector | None:
    """Give a Pod's hard node affinity."""
    affinity = spec.affinity.node_affinity if spec.affinity else None
    return affinity.required if affinity else None


def selects(selector: NodeSelector, node: Node) -> bool:
    """Tell whether one of a node selector's terms takes a node."""
    return any(_term_holds(term, node) for term in selector.node_selector_terms)


def _term_holds(term: NodeSelectorTerm, node: Node) -> bool:
    if not term.match_expressions and not term.match_fields:
        return False
    fields = {"metadata.name": node.name}
    return all(requirement_holds(r, node.labels) for r in term.match_expressions) and all(
        requirement_holds(r, fields) for r in term.match_fields
    )


def is_condition(taint_key: str) -> bool:
    """Tell whether a taint stands for a node's condition: Kubernetes put it there, nobody chose it."""
    return taint_key.startswith(_CONDITIONS)


def is_control_plane(taint_key: str) -> bool:
    """Tell whether a taint keeps Pods off the control plane."""
    return taint_key in _CONTROL_PLANE


def _repels(taint: Taint) -> bool:
    return taint.effect in ("NoSchedule", "NoExecute", "")


def _tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    """Tell whether one of the tolerations covers a taint."""
    return any(
        t.effect in ("", taint.effect)
        and (t.key == taint.key or (not t.key and t.operator == "Exists"))
        and (t.operator == "Exists" or t.value == taint.value)
        for t in tolerations
    )


def most_room(nodes: Iterable[Node], resource: str) -> tuple[float, Node] | None:
    """Give the most that any node can give at all of a resource, and that node; None where no text says.

    A node that lists what it can give has nothing of what it does not list: no device plugin offers it.
    """
    known = [(_given(node, resource), node) for node in nodes if node.status.allocatable]
    return max(((amount, node) for amount, node in known if amount is not None), key=_amount, default=None)


def _given(node: Node, resource: str) -> float | None:
    listed = node.status.allocatable
    extended = "/" in resource or resource.startswith("hugepages-")
    if resource not in listed and extended and {"cpu", "memory"} <= listed.keys():
        return 0.0
    return quantity(listed.get(resource))


def _amount(pair: tuple[float, Node]) -> float:
    return pair[0]


def too_large(spec: PodSpec, nodes: Iterable[Node], resource: str) -> bool:
    """Tell whether a Pod asks for more than any of the nodes could give even when empty."""
    most = most_room(nodes, resource)
    return most is not None and requested(spec, resource) > most[0]
