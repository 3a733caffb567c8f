"""
The same failure in several places: namespaces, workloads, nodes; or on one node alone.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from kfi.models.schemas import Citation, Finding, ObjectRef, Role
from kfi.patterns.occurrences import Series
from kfi.snapshot.view import Snapshot

# What every crash says of itself; that several say it is no pattern.
_UNTELLING = frozenset(("BackOff", "Killing"))
_FEWEST_WORKLOADS = 3
_SURE_ENOUGH = 0.5
_FEWEST_NODES = 3
_ONE_NODE_ALPHA = 0.05
_VARYING = re.compile(r"[\w.:/@-]{0,256}\d[\w.:/@-]{0,256}", re.A)
_MOST_CITED = 3


@dataclass(frozen=True)
class Place:
    """One failure at one workload."""

    workload: ObjectRef
    nodes: frozenset[str]
    since: datetime | None
    until: datetime | None
    count: int
    citation: Citation | None


class Spread(NamedTuple):
    """One failure in several places."""

    what: str
    """The failure's code, or the Event's reason."""
    said: str
    places: tuple[Place, ...]
    one_node: float | None
    """How likely all are on one node by chance; None where they are not, or it is likely."""

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Where it is, without those of cluster-scoped objects."""
        return tuple(dict.fromkeys(place.workload.namespace for place in self.places if place.workload.namespace))

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes it was seen on."""
        return tuple(sorted(frozenset().union(*(place.nodes for place in self.places))))

    @property
    def citations(self) -> tuple[Citation, ...]:
        """A line for each of the first places."""
        return tuple(place.citation for place in self.places if place.citation)[:_MOST_CITED]


def spread_failures(snapshot: Snapshot, findings: Iterable[Finding], series: Iterable[Series]) -> Iterator[Spread]:
    """Yield what fails alike in two namespaces or three workloads: by the rules' findings, then by Warning Events."""
    told: set[frozenset[ObjectRef]] = set()
    nodes = len(snapshot.nodes)
    for what, said, places in (*_of_findings(snapshot, findings), *_of_events(series)):
        workloads = frozenset(place.workload for place in places)
        namespaces = {ref.namespace for ref in workloads if ref.namespace}
        if (len(namespaces) < 2 and len(workloads) < _FEWEST_WORKLOADS) or any(workloads <= seen for seen in told):
            continue
        told.add(workloads)
        yield Spread(what, said, places, _on_one_node(places, nodes))


def _of_findings(snapshot: Snapshot, findings: Iterable[Finding]) -> Iterator[tuple[str, str, tuple[Place, ...]]]:
    by_code: dict[str, dict[ObjectRef, Place]] = defaultdict(dict)
    for finding in findings:
        if finding.role is Role.CAUSE and finding.strength >= _SURE_ENOUGH:
            workload = snapshot.topology.workload(finding.ref)
            by_code[finding.code].setdefault(workload, _place_of(snapshot, finding, workload))
    for code, places in by_code.items():
        yield code, "", tuple(places.values())


def _place_of(snapshot: Snapshot, finding: Finding, workload: ObjectRef) -> Place:
    pods = [
        pod for pod in snapshot.topology.pods_of(workload) if finding.ref.kind != "Pod" or pod.ref == finding.ref.object
    ]
    nodes = frozenset(pod.spec.node_name for pod in pods if pod.spec.node_name)
    cited = finding.evidence[0] if finding.evidence else None
    return Place(workload, nodes, finding.since, None, 1, cited)


def _of_events(series: Iterable[Series]) -> Iterator[tuple[str, str, tuple[Place, ...]]]:
    alike: dict[tuple[str, str], list[Place]] = defaultdict(list)
    for one in series:
        if one.warning and one.sort.reason not in _UNTELLING:
            place = Place(one.sort.workload, frozenset(one.hosts), one.first, one.last, one.count, one.newest)
            alike[one.sort.reason, same_words(one.message, one.objects)].append(place)
    for (reason, said), places in alike.items():
        yield reason, said, tuple(places)


def same_words(message: str, names: Iterable[ObjectRef]) -> str:
    """Give a message without what differs from object to object: names, and words that hold a digit.

    >>> same_words("pod cart-7d9 has 3 unbound claims", [])
    'pod * has * unbound claims'
    """
    for ref in names:
        message = message.replace(ref.name, "*") if len(ref.name) > 2 else message
    return " ".join(_VARYING.sub("*", message[:1000]).split())


def _on_one_node(places: tuple[Place, ...], nodes: int) -> float | None:
    """Give how likely all of them are on one node by chance, where they are and there are others to be on."""
    where = [place.nodes for place in places]
    if nodes < _FEWEST_NODES or len(places) < 2 or any(len(on) != 1 for on in where) or len(set(where)) != 1:
        return None
    chance = (1 / nodes) ** (len(places) - 1)
    return chance if chance < _ONE_NODE_ALPHA else None
