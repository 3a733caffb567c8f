"""
Which node is far from the others, by alerts that measure the way between nodes: a ping, a round trip.

Such an alert names one node, or both ends of a way; the end that all have in common is the one at fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.measures import Family, measures
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.view import Alert, Snapshot

_WORD = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_OVER = ("suppressed", "inactive", "resolved")
_MAX_CHARS = 4000
_MAX_LINES = 4


@dataclass(frozen=True)
class FarNode:
    """A node to which the way became long."""

    node: ObjectRef
    said: str
    lines: tuple[Citation, ...]


def far_node(snapshot: Snapshot) -> FarNode | None:
    """Give the one node that every alert about a way between nodes names, or None where there is no such node."""
    told = list(_ways(snapshot))
    common = set.intersection(*(set(ends) for _, ends in told)) if told else set()
    if len(common) != 1:
        return None
    node = common.pop()
    said = f"The way to {node.name} became long: {_plain(told[0][0])}"
    return FarNode(node, said, tuple(alert.citation for alert, _ in told[:_MAX_LINES]))


def _plain(alert: Alert) -> str:
    return " ".join(next(iter(alert.record.annotations.values()), alert.record.name).split())[:160]


def _ways(snapshot: Snapshot) -> Iterator[tuple[Alert, frozenset[ObjectRef]]]:
    """Yield the alerts about delays that are about no workload, with the nodes they name."""
    nodes = {node.name.lower(): node.ref for node in snapshot.nodes}
    for alert in snapshot.alerts if nodes else ():
        if alert.record.state in _OVER or alert.ref.kind not in ("", "Node"):
            continue
        text = "\n".join([alert.record.name, *alert.record.annotations.values()])[:_MAX_CHARS]
        slow = any(one.family is Family.LATENCY and one.rise > 0 for one in measures(text))
        words = _WORD.findall(" ".join((text, *alert.record.labels.values()))[:_MAX_CHARS].lower())
        ends = frozenset(nodes[word] for word in words if word in nodes)
        if slow and ends:
            yield alert, ends
