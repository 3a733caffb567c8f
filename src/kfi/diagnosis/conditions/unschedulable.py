"""
Why a Pod finds no node: the one reason, among all that the scheduler names, that the Pod's own spec brings about.

The scheduler says of each node the first filter that excluded it. Nodes that the Pod does not ask for are excluded on
purpose; the reason is what excludes those that it does ask for. Labels and taints decide that where they are known, and
the order of the filters where not: a node excluded by a later filter had passed the earlier ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from kfi.diagnosis.conditions.node_fit import Block, Fit, chooses, is_condition, is_control_plane, too_large
from kfi.diagnosis.conditions.scheduler_message import Clause, Filter
from kfi.snapshot.pod import PodSpec

# More nodes would help against these.
_SCARCE = (Filter.RESOURCE, Filter.HOST_PORT, Filter.POD_ANTI_AFFINITY, Filter.TOPOLOGY_SPREAD)
_LATER = frozenset(f for f in Filter if Filter.HOST_PORT <= f < Filter.OTHER)


@dataclass(frozen=True)
class Reason:
    """What keeps the Pod off the nodes it could use."""

    filter: Filter
    clause: Clause | None
    nodes: tuple[Fit, ...] = ()
    """The nodes it excludes, where their fields show it."""
    proven: bool = False
    """Whether the objects' fields show it, and not only the message."""
    condition: bool = False
    """A node that it asks for is not ready: the Pod only suffers."""


def main_reason(spec: PodSpec, fits: Sequence[Fit], clauses: Sequence[Clause]) -> Reason:
    """Give the one reason; Filter.OTHER where nothing that is known fits."""
    for early in (Filter.CLAIM, Filter.GATE):
        named = [c for c in clauses if c.filter is early]
        if named:
            return Reason(early, named[0], proven=True)
    picky = chooses(spec)
    labelled = bool(fits) and all(f.node.labels for f in fits)
    asked = [f for f in fits if f.asked_for] if labelled or not picky else []
    later = _later(spec, asked or fits, clauses)
    if later:
        cordoned = _only(asked, Block.CORDON) if labelled or not picky else ()
        return (
            Reason(Filter.CORDON, None, cordoned, proven=True)
            if len(cordoned) > later.nodes
            else _of(later, spec, asked)
        )
    if picky and labelled and not asked:
        clause = _first(clauses, Filter.SELECTOR)
        return Reason(Filter.SELECTOR, clause, tuple(fits), proven=True)
    return _blocked(asked, clauses) or _by_words(spec, clauses)


def _of(clause: Clause, spec: PodSpec, asked: Sequence[Fit]) -> Reason:
    """Give the reason of a late filter; a shortage while a node that would do is down is that node's doing."""
    hopeless = clause.filter is Filter.RESOURCE and too_large(spec, [f.node for f in asked], clause.detail)
    down = any(Block.CONDITION in f.blocks for f in asked) and clause.filter in _SCARCE and not hopeless
    return Reason(clause.filter, clause, tuple(f for f in asked if not f.blocks), condition=down)


def _later(spec: PodSpec, fits: Sequence[Fit], clauses: Sequence[Clause]) -> Clause | None:
    """Give the clause of the late filters that matters most: one that no node can ever meet, else the most nodes."""
    late = [c for c in clauses if c.filter in _LATER]
    nodes = [f.node for f in fits]
    hopeless = [c for c in late if c.filter is Filter.RESOURCE and too_large(spec, nodes, c.detail)]
    return max(hopeless or late, key=_nodes, default=None)


def _nodes(clause: Clause) -> int:
    return clause.nodes


def _only(fits: Sequence[Fit], block: Block) -> tuple[Fit, ...]:
    return tuple(f for f in fits if f.blocks == {block})


def _first(clauses: Sequence[Clause], kind: Filter) -> Clause | None:
    return next((c for c in clauses if c.filter is kind), None)


def _blocked(asked: Sequence[Fit], clauses: Sequence[Clause]) -> Reason | None:
    """Decide among cordons, taints and conditions of the nodes that the Pod asks for, by how many each keeps it off."""
    if not asked or any(not f.blocks for f in asked):
        return None
    # A node that is cordoned and tainted counts as cordoned, as the scheduler counts it.
    order = (Block.CONDITION, Block.CORDON, Block.TAINT)
    votes = Counter(next(b for b in order if b in f.blocks) for f in asked)
    # Among equals the taint: nothing but the Pod's spec or the node's can change it.
    block = max(votes, key=lambda b: (votes[b], order.index(b)))
    nodes = tuple(f for f in asked if block in f.blocks)
    kind = Filter.CORDON if block is Block.CORDON else Filter.TAINT
    condition = block is Block.CONDITION
    return Reason(kind, _naming(clauses, kind, nodes), nodes, proven=True, condition=condition)


def _naming(clauses: Sequence[Clause], kind: Filter, nodes: Sequence[Fit]) -> Clause | None:
    keys = {f"{t.key}={t.value}" for f in nodes for t in f.taints}
    named = [c for c in clauses if c.filter is kind]
    return next((c for c in named if c.detail in keys), named[0] if named else None)


def _by_words(spec: PodSpec, clauses: Sequence[Clause]) -> Reason:
    """Decide by the message alone, where the nodes were not seen or have changed since."""
    taints = [c for c in clauses if c.filter is Filter.TAINT]
    chosen = [c for c in taints if not is_condition(_key(c)) and not is_control_plane(_key(c))]
    conditions = [c for c in taints if is_condition(_key(c))]
    selector = _first(clauses, Filter.SELECTOR)
    # A tainted node beside ones that do not match is most often the one that was meant.
    if chosen:
        return Reason(Filter.TAINT, max(chosen, key=_nodes))
    if selector and conditions and spec.node_selector:
        return Reason(Filter.TAINT, conditions[0], condition=True)
    for kind in (Filter.SELECTOR, Filter.NODE_NAME, Filter.CORDON):
        clause = _first(clauses, kind)
        if clause:
            return Reason(kind, clause)
    if conditions:
        return Reason(Filter.TAINT, conditions[0], condition=True)
    return Reason(Filter.OTHER, clauses[0] if clauses else None)


def _key(clause: Clause) -> str:
    return clause.detail.partition("=")[0]
