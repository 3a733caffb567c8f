"""
Taking the scheduler's message apart: each reason, how many nodes it excludes, and what it names.

Source: `FitError.Error()` and the reasons of the filter plugins in kube-scheduler, 1.12 to 1.35.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum


class Filter(IntEnum):
    """What a clause is about, in the scheduler's order: a node that a later filter excludes passed the earlier."""

    CLAIM = 0
    """Before any node is looked at: the Pod's claims."""
    GATE = 1
    CORDON = 2
    NODE_NAME = 3
    TAINT = 4
    SELECTOR = 5
    HOST_PORT = 6
    RESOURCE = 7
    VOLUME_IN_USE = 8
    VOLUME_LIMIT = 9
    VOLUME_BINDING = 10
    VOLUME_NODE = 11
    TOPOLOGY_SPREAD = 12
    POD_AFFINITY = 13
    POD_ANTI_AFFINITY = 14
    EITHER_POD_AFFINITY = 15
    """Older schedulers: affinity or anti-affinity, the message does not say which."""
    OTHER = 16


@dataclass(frozen=True)
class Clause:
    """One reason. `nodes` is 0 where the reason is the Pod's as a whole."""

    filter: Filter
    nodes: int
    text: str
    detail: str = ""
    """The resource that is short, the taint (`key=value`), or the claim that is named."""


# A clause begins with a count, except those about the Pod as a whole.
_BETWEEN = re.compile(r",\s+(?=\d+ |pod has |persistentvolumeclaim |\w+ claim)")
_HEAD = re.compile(r"^\s*0/(\d+) nodes are available:?\s*", re.IGNORECASE)
_COUNTED = re.compile(r"^(\d+)\s+(.*)$", re.DOTALL)
_TAINT = re.compile(r"taint \{([^:}]*):\s*([^}]*)\}")
_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
_SHORT = re.compile(r"Insufficient (\S+)")

_PHRASES: tuple[tuple[str, Filter], ...] = (
    ("unbound immediate persistentvolumeclaims", Filter.CLAIM),
    ("unbound persistentvolumeclaims", Filter.CLAIM),
    ("persistentvolumeclaim \"", Filter.CLAIM),
    ("scheduling gate", Filter.GATE),
    ("were unschedulable", Filter.CORDON),
    ("requested node name", Filter.NODE_NAME),
    ("requested hostname", Filter.NODE_NAME),
    ("taint", Filter.TAINT),
    ("pod topology spread constraints", Filter.TOPOLOGY_SPREAD),
    ("pod affinity/anti-affinity", Filter.EITHER_POD_AFFINITY),
    ("anti-affinity rules", Filter.POD_ANTI_AFFINITY),
    ("pod affinity rules", Filter.POD_AFFINITY),
    ("node affinity conflict", Filter.VOLUME_NODE),
    ("persistentvolume's node affinity", Filter.VOLUME_NODE),
    ("no available volume zone", Filter.VOLUME_NODE),
    ("node affinity", Filter.SELECTOR),
    ("node selector", Filter.SELECTOR),
    ("prefilter result", Filter.SELECTOR),
    ("free ports", Filter.HOST_PORT),
    ("insufficient ", Filter.RESOURCE),
    ("too many pods", Filter.RESOURCE),
    ("readwriteoncepod", Filter.VOLUME_IN_USE),
    ("no available disk", Filter.VOLUME_IN_USE),
    ("max volume count", Filter.VOLUME_LIMIT),
    ("available persistent volumes to bind", Filter.VOLUME_BINDING),
    ("enough free storage", Filter.VOLUME_BINDING),
    ("bound to non-existent", Filter.VOLUME_BINDING),
    ("binding volumes:", Filter.VOLUME_BINDING),
    ("\"volumebinding\" prebind", Filter.VOLUME_BINDING),
    ("non-existent persistentvolume", Filter.VOLUME_BINDING),
)  # fmt: skip


def clauses(message: str) -> tuple[Clause, ...]:
    """Give every reason of a FailedScheduling message; what preemption says of the same nodes is left out.

    >>> [(c.filter.name, c.nodes, c.detail) for c in clauses(
    ...     "0/3 nodes are available: 1 node(s) had untolerated taint {team: db}, 2 Insufficient cpu.")]
    [('TAINT', 1, 'team=db'), ('RESOURCE', 2, 'cpu')]
    """
    text = message[:8000].split(" preemption:", 1)[0].split(" no new claims to deallocate", 1)[0]
    text = _HEAD.sub("", text.replace("}, that the pod", "} that the pod")).rstrip(" .")
    return tuple(_clause(part.strip(" .")) for part in _BETWEEN.split(text) if part.strip(" ."))


def node_count(message: str) -> int:
    """Give how many nodes the scheduler knew, 0 where the message does not say."""
    head = _HEAD.match(message)
    return int(head[1]) if head else 0


def _clause(part: str) -> Clause:
    counted = _COUNTED.match(part)
    nodes, text = (int(counted[1]), counted[2]) if counted else (0, part)
    lowered = text.lower()
    found = next((f for phrase, f in _PHRASES if phrase in lowered), Filter.OTHER)
    return Clause(found, nodes, text, _detail(found, text))


def _detail(kind: Filter, text: str) -> str:
    match kind:
        case Filter.TAINT:
            taint = _TAINT.search(text)
            return f"{taint[1].strip()}={taint[2].strip()}" if taint else ""
        case Filter.RESOURCE:
            short = _SHORT.search(text)
            return short[1] if short else "pods"
        case Filter.CLAIM:
            claim = _CLAIM.search(text)
            return claim[1] if claim else ""
    return ""
