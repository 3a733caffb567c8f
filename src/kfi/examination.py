"""
What the rules say: of a cluster at a moment, the same for every question about it; and of one question.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import Incident, about, independent, ranked
from kfi.diagnosis.gaps import find_gaps
from kfi.diagnosis.report import NumberedEvidence, healthy_summary, root_cause, summary
from kfi.diagnosis.rules import examine
from kfi.ledger.ledger import Ledger
from kfi.models.answer import Hit
from kfi.models.schemas import Citation, DiagnoseRequest, Document, Finding, Gap, QueryPlan, RootCause, Timings
from kfi.retrieval.pointing import Pointed, pointed_at
from kfi.retrieval.scope import Scope
from kfi.snapshot.build import build_snapshot
from kfi.snapshot.resources import CLUSTER_SCOPED
from kfi.snapshot.view import Snapshot


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

    @cached_property
    def incidents(self) -> tuple[Incident, ...]:
        """The incidents of all namespaces, in no order."""
        return independent(self.snapshot, self.findings, catalogue())

    def incidents_of(self, namespace: str) -> tuple[Incident, ...]:
        """Give the incidents of one namespace, or of all where none is named; in no order."""
        if not namespace:
            return self.incidents
        return independent(self.snapshot, [f for f in self.findings if _in_scope(f, namespace)], catalogue())


@dataclass(frozen=True)
class Examined:
    """What the rules say to one question."""

    plan: QueryPlan
    snapshot: Snapshot
    scope: Scope
    incidents: tuple[Incident, ...]
    """All of them; those that answer the question are among `causes`."""
    causes: tuple[RootCause, ...]
    evidence: NumberedEvidence
    """The lines that prove the causes have their numbers; those of hits come after them."""
    gaps: tuple[Gap, ...]
    summary: str
    notes: tuple[str, ...] = ()
    """What of the question could not be kept to, and why."""
    timings: Timings = field(default_factory=Timings)

    def numbered(self, hits: Iterable[Hit]) -> tuple[Citation, ...]:
        """Number the lines of hits after those that prove the causes, unless these hold them; give all lines."""
        proof = self.evidence.lines
        self.evidence.number(hit.citation for hit in hits if not any(_holds(line, hit) for line in proof))
        return self.evidence.lines


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
    return Seen(snapshot, findings, frozenset(ids), built - started, time.perf_counter() - built)


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


def judge(seen: Seen, request: DiagnoseRequest, plan: QueryPlan, top_k: int) -> Examined:
    """Give what the rules say to a question about a cluster that was seen."""
    snapshot, rules = seen.snapshot, catalogue()
    pointed = pointed_at(snapshot, request.question, plan.metadata)
    notes: tuple[str, ...] = ()
    if pointed.objects and not request.namespace and _unknown_namespace(snapshot, plan):
        # A word was taken for a namespace, or it is a slip; the object that is named beside it is there.
        notes = (f"No evidence is of a namespace {plan.metadata.namespace!r}; all namespaces were looked at.",)
        plan = plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"namespace": None})})
    namespace = plan.metadata.namespace or ""
    incidents = ranked(seen.incidents_of(namespace), pointed.objects)
    meant = about(incidents, pointed.objects, bool(pointed.missing))
    evidence = NumberedEvidence()
    causes = tuple(root_cause(incident, rules, evidence) for incident in meant[: request.limit])
    gaps = find_gaps(snapshot, causes, pointed.missing, namespace)
    return Examined(
        plan=plan,
        snapshot=snapshot,
        scope=Scope(plan, snapshot, tuple(_findings(meant)), pointed.objects, seen.document_ids, top_k),
        incidents=incidents,
        causes=causes,
        evidence=evidence,
        gaps=gaps,
        summary=_summary(causes, incidents, snapshot, pointed, gaps),
        notes=notes,
    )


def _holds(line: Citation, hit: Hit) -> bool:
    same = line.path == hit.document.source.path
    return same and line.first_line <= hit.last_line and hit.first_line <= line.last_line


def _unknown_namespace(snapshot: Snapshot, plan: QueryPlan) -> bool:
    named = plan.metadata.namespace
    return bool(named) and named not in snapshot.namespaces


def _findings(incidents: Iterable[Incident]) -> Iterator[Finding]:
    """Yield findings, most important first: an incident's root before what it explains."""
    for incident in incidents:
        for group in (incident.root, *incident.explained):
            yield from group.findings


def _summary(
    causes: tuple[RootCause, ...],
    incidents: tuple[Incident, ...],
    snapshot: Snapshot,
    pointed: Pointed,
    gaps: tuple[Gap, ...],
) -> str:
    if causes or not (pointed.objects or pointed.missing):
        return f"{summary(causes, len(snapshot.objects), gaps)}{_places_of(causes)}"
    return healthy_summary(pointed.objects, pointed.missing, pointed.similar, incidents)


def _places_of(causes: tuple[RootCause, ...]) -> str:
    """Say of which clusters the causes are, where that is more than one: they may hold objects of the same name."""
    clusters = list(dict.fromkeys(cause.workload.cluster or "one without a name" for cause in causes))
    return f" These are of {len(clusters)} clusters: {', '.join(clusters)}." if len(clusters) > 1 else ""


def _in_scope(finding: Finding, namespace: str) -> bool:
    """Cluster-scoped objects always count, and what harms the namespace: its trouble may come from CoreDNS."""
    if not namespace or finding.ref.kind in CLUSTER_SCOPED - {"Namespace"}:
        return True
    return namespace in _places(finding) or any(ref.namespace == namespace for ref in finding.affects)


def _places(finding: Finding) -> tuple[str, ...]:
    ref = finding.ref
    return (ref.name,) if ref.kind == "Namespace" else (ref.namespace, "")
