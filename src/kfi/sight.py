"""
The cluster at a moment, as the rules see it: the same for every question about it.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, partial
from threading import Lock
from typing import TypeVar, cast

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import Incident, independent, ranked
from kfi.diagnosis.episodes import resolved
from kfi.diagnosis.rules import examine
from kfi.ledger.ledger import Ledger
from kfi.models.schemas import Document, Finding, ObjectRef
from kfi.retrieval.known_names import KnownNames, names_of
from kfi.snapshot.build import build_snapshot
from kfi.snapshot.resources import CLUSTER_SCOPED
from kfi.snapshot.view import Snapshot

# Earlier observations that are examined for one question; of more, the newest.
_MOST_OBSERVATIONS = 12
# Things worked out for questions that are kept for the next ones about the same moment.
_MOST_KEPT = 500
# Observations closer together than this are one collection.
_ONE_COLLECTION = timedelta(minutes=3)


T = TypeVar("T")


def _none_earlier(_since: datetime) -> Sequence[Snapshot]:
    return ()


def _no_history(_ref: ObjectRef) -> Sequence[Document]:
    return ()


@dataclass(frozen=True)
class Seen:
    """A cluster at a moment, and what the rules find in it: the same for every question, and kept between them."""

    snapshot: Snapshot
    findings: tuple[Finding, ...]
    document_ids: frozenset[str]
    """Of the documents that the snapshot was built from."""
    reading_s: float
    """Seconds that reading the ledger and building the snapshot took."""
    rules_s: float
    """Seconds that the rules took."""
    earlier: Callable[[datetime], Sequence[Snapshot]] = _none_earlier
    """Gives the cluster as it was observed before, since a moment, oldest first."""
    states: Callable[[ObjectRef], Sequence[Document]] = _no_history
    """Gives the states in which an object was observed, oldest first; `history` remembers them."""
    _kept: OrderedDict[Hashable, object] = field(default_factory=OrderedDict)
    _keeping: Lock = field(default_factory=Lock)

    @cached_property
    def names(self) -> KnownNames:
        """What is called how."""
        return names_of(self.snapshot.mentioned)

    @cached_property
    def incidents(self) -> tuple[Incident, ...]:
        """The incidents of all namespaces, in no order."""
        return independent(self.snapshot, self.findings, catalogue())

    def incidents_of(self, namespace: str) -> tuple[Incident, ...]:
        """Give the incidents of one namespace, or of all where none is named; in no order."""
        if not namespace:
            return self.incidents
        return independent(self.snapshot, [f for f in self.findings if _in_scope(f, namespace)], catalogue())

    def resolved_since(self, low: datetime, namespace: str) -> tuple[Incident, ...]:
        """Give the incidents of a namespace (or of all) that were there since a moment and are over, newest first."""

        def look() -> tuple[Incident, ...]:
            return tuple(resolved((*self.earlier(low), self.snapshot), self.incidents, low, incidents_in))

        over = self.once(("resolved", low), look)
        return tuple(i for i in over if any(_in_scope(f, namespace) for f in i.root.findings))

    def history(self, ref: ObjectRef) -> Sequence[Document]:
        """Give the states in which an object was observed up to this moment, oldest first."""
        return self.once(("history", ref), lambda: self.states(ref))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Give what `make` gives, made for the first question that asks for it; a key stands for one type of thing."""
        with self._keeping:
            if key in self._kept:
                self._kept.move_to_end(key)
                return cast(T, self._kept[key])
        made = make()
        with self._keeping:
            self._kept[key] = made
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return made


def incidents_in(snapshot: Snapshot) -> tuple[Incident, ...]:
    """Examine a snapshot and give its incidents, the likeliest first."""
    return ranked(independent(snapshot, tuple(examine(snapshot)), catalogue()), ())


def see(ledger: Ledger, cluster: str, as_of: datetime | None, since: timedelta | None) -> Seen:
    """Give the cluster as it was at a moment, examined.

    Raises:
        ServiceError: the ledger cannot be read.
    """
    started = time.perf_counter()
    ids: set[str] = set()
    documents = ledger.documents(cluster=cluster or None, at=as_of, since=begin(as_of, since))
    snapshot = build_snapshot(_noting(documents, ids), as_of)
    built = time.perf_counter()
    findings = tuple(examine(snapshot))
    earlier = partial(_earlier, ledger, cluster, snapshot.as_of)
    took = (built - started, time.perf_counter() - built)
    return Seen(snapshot, findings, frozenset(ids), *took, earlier, partial(_history, ledger, snapshot.as_of))


def _earlier(ledger: Ledger, cluster: str, before: datetime, since: datetime) -> list[Snapshot]:
    """Give the cluster at each collection between two moments, the last one left out."""
    moments: list[datetime] = []
    for moment in reversed(ledger.observations(cluster or None, since, before)):
        if (moments[-1] if moments else before) - moment >= _ONE_COLLECTION:
            moments.append(moment)
    chosen = reversed(moments[:_MOST_OBSERVATIONS])
    return [build_snapshot(ledger.documents(cluster=cluster or None, at=moment), moment) for moment in chosen]


def _history(ledger: Ledger, until: datetime, ref: ObjectRef) -> list[Document]:
    return [state for state in ledger.history(ref) if state.observed_at <= until]


def _noting(documents: Iterable[Document], ids: set[str]) -> Iterator[Document]:
    for document in documents:
        ids.add(document.id)
        yield document


def begin(as_of: datetime | None, span: timedelta | None) -> datetime | None:
    """Give when a span that ends at a moment begins; None where that is before all time."""
    try:
        return as_of - span if as_of and span else None
    except OverflowError:
        return None


def _in_scope(finding: Finding, namespace: str) -> bool:
    """Cluster-scoped objects always count, and what harms the namespace: its trouble may come from CoreDNS."""
    if not namespace or finding.ref.kind in CLUSTER_SCOPED - {"Namespace"}:
        return True
    return namespace in _places(finding) or any(ref.namespace == namespace for ref in finding.affects)


def _places(finding: Finding) -> tuple[str, ...]:
    ref = finding.ref
    return (ref.name,) if ref.kind == "Namespace" else (ref.namespace, "")
