"""
What the rules say: of a cluster at a moment, the same for every question about it; and of one question.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property, partial

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import Incident, about, independent, ranked
from kfi.diagnosis.episodes import resolved
from kfi.diagnosis.gaps import find_gaps
from kfi.diagnosis.meaning import explain, where_seen
from kfi.diagnosis.preceding import History, preceding
from kfi.diagnosis.report import NumberedEvidence, asked_time, healthy_summary, quiet_summary, root_cause, summary
from kfi.diagnosis.rules import examine
from kfi.ledger.ledger import Ledger
from kfi.models.answer import Hit
from kfi.models.listing import Listing
from kfi.models.patterns import PastIncident, Pattern
from kfi.models.schemas import (
    Citation,
    DiagnoseRequest,
    Document,
    Finding,
    Gap,
    Intent,
    ObjectRef,
    QueryPlan,
    RootCause,
    Timings,
)
from kfi.retrieval.known_names import KnownNames, names_of
from kfi.retrieval.pointing import Pointed, pointed_at, speaks_of
from kfi.retrieval.query_analyzer import settled
from kfi.retrieval.scope import Scope
from kfi.snapshot.build import build_snapshot
from kfi.snapshot.changes import changes_of
from kfi.snapshot.resources import CLUSTER_SCOPED
from kfi.snapshot.view import Snapshot

# How far back is looked for what is over, where a question sets no limit: Events of longer ago are mostly gone.
_LOOKED_BACK = timedelta(hours=24)
# Words of a question that mean whatever failed.
_ANY_FAILURE = frozenset("error errors fail failed failing failure failures issue issues problem problems".split())
# Objects of a cluster whose past is looked at unasked: it takes several runs of the rules.
_MOST_UNASKED = 5_000
# Earlier observations that are examined for one question; of more, the newest.
_MOST_OBSERVATIONS = 12
# Observations closer together than this are one collection.
_ONE_COLLECTION = timedelta(minutes=3)


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
    history: History = _no_history
    """Gives the states in which an object was observed."""
    _over: dict[datetime, tuple[Incident, ...]] = field(default_factory=dict)

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
        if low not in self._over:
            snapshots = (*self.earlier(low), self.snapshot)
            self._over[low] = tuple(resolved(snapshots, self.incidents, low, _incidents))
        return tuple(i for i in self._over[low] if any(_in_scope(f, namespace) for f in i.root.findings))


def _incidents(snapshot: Snapshot) -> tuple[Incident, ...]:
    return ranked(independent(snapshot, tuple(examine(snapshot)), catalogue()), ())


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
    listing: Listing | None = None
    """What the question asked to be listed, if it did."""
    patterns: tuple[Pattern, ...] = ()
    """What repeats about the first cause."""
    past: tuple[PastIncident, ...] = ()
    """What was like it before."""
    settled: str = ""
    """Why neither search nor a model could add anything; empty where they can."""
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


def judge(seen: Seen, request: DiagnoseRequest, plan: QueryPlan, top_k: int) -> Examined:
    """Give what the rules say to a question about a cluster that was seen."""
    snapshot, rules = seen.snapshot, catalogue()
    plan, notes = settled(plan, seen.names)
    pointed = pointed_at(snapshot, request.question, plan.metadata)
    if pointed.objects and not request.namespace and _unknown_namespace(snapshot, plan):
        # A word was taken for a namespace, or it is a slip; the object that is named beside it is there.
        notes = (
            *notes,
            f"No evidence is of a namespace {plan.metadata.namespace!r}; all namespaces were looked at.",
        )
        plan = plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"namespace": None})})
    plan = _before_the_change(snapshot, plan, pointed)
    if plan.metadata.before_change and not plan.metadata.until:
        notes = (*notes, "When it was last changed is not remembered, so no time is left out.")
    namespace = plan.metadata.namespace or ""
    incidents = ranked(seen.incidents_of(namespace), pointed.objects)
    meant = (
        about(incidents, pointed.objects, bool(pointed.missing))
        or tuple(_spoken_of(incidents, request.question, pointed))
        or _of_nobody(seen.incidents, pointed)
    )
    meant, told = _with_the_past(seen, plan, pointed, meant)
    notes = (*notes, *told, *_old_evidence(snapshot, plan))
    evidence = NumberedEvidence()
    causes = tuple(
        root_cause(incident, rules, evidence, preceding(snapshot, incident, seen.history))
        for incident in meant[: request.limit]
    )
    gaps = find_gaps(snapshot, causes, pointed.missing, namespace, pointed.objects)
    return Examined(
        plan=plan,
        snapshot=snapshot,
        scope=Scope(plan, snapshot, tuple(_findings(meant)), pointed.objects, seen.document_ids, top_k),
        incidents=incidents,
        causes=causes,
        evidence=evidence,
        gaps=gaps,
        summary=_summary(seen, plan, causes, incidents, pointed, gaps),
        notes=notes,
    )


def _before_the_change(snapshot: Snapshot, plan: QueryPlan, pointed: Pointed) -> QueryPlan:
    """Let the time that a question asks about end with the last change of what it names, where it asks so."""
    if not plan.metadata.before_change or plan.metadata.until:
        return plan
    named = pointed.objects or tuple(workload.ref for workload in snapshot.workloads)
    changes = (change for ref in named for change in changes_of(snapshot, ref)[:1])
    until = max((change.when for change in changes), default=None)
    return plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"until": until})}) if until else plan


def with_meaning(case: Examined, limit: int) -> Examined:
    """Give the case of a question for the meaning of a word with that meaning, and where the evidence shows it."""
    if case.plan.intent is not Intent.EXPLAIN:
        return case
    explained, rules, evidence = explain(case.plan.question), catalogue(), NumberedEvidence()
    shown = [i for i in case.incidents if any(f.code in explained.codes for f in _findings([i]))]
    places = [str(f.ref) for f in _findings(shown) if f.code in explained.codes]
    where = f" {where_seen(places)}" if explained.codes and case.snapshot.objects else ""
    return replace(
        case,
        causes=tuple(root_cause(incident, rules, evidence) for incident in shown[:limit]),
        evidence=evidence,
        gaps=(),
        summary=explained.text + where,
        settled="the catalogue says what a word means",
    )


def _of_nobody(incidents: Iterable[Incident], pointed: Pointed) -> tuple[Incident, ...]:
    """Give what logs say of which nobody knows whose they are: of an object that looks well they may be."""
    return ranked((one for one in incidents if one.root.subject.kind == "Log"), ()) if pointed.objects else ()


def _spoken_of(incidents: Iterable[Incident], question: str, pointed: Pointed) -> Iterator[Incident]:
    """Yield the incidents beside a well object that a question speaks of too, by a word of their names."""
    near = {ref.namespace for ref in pointed.objects}
    for incident in incidents:
        subject = incident.root.subject
        if subject.namespace in near and speaks_of(question, subject, pointed.objects):
            yield incident


def _with_the_past(
    seen: Seen, plan: QueryPlan, pointed: Pointed, meant: tuple[Incident, ...]
) -> tuple[tuple[Incident, ...], Sequence[str]]:
    """Add what is over to what a question means, as far as it was there in the time asked about; also give notes."""
    active = tuple(incident for incident in meant if not incident.root.first.until)
    ended = tuple(incident for incident in meant if incident.root.first.until)
    # Incidents that touch nothing that is named were meant by other words.
    named = pointed.objects if about(meant, pointed.objects, bool(pointed.missing)) or not meant else ()
    here = about(active, named, nothing_named=False)
    notes: Sequence[str] = ()
    if _looks_back(seen, plan, bool(here)):
        past = about(ranked(_over(seen, plan), pointed.objects), pointed.objects, bool(pointed.missing))
        # Of what the present still remembers the past knows more: how sure it was then, and what it harmed.
        known = {(one.root.rule.code, one.root.subject) for one in past}
        ended = (*past, *(one for one in ended if (one.root.rule.code, one.root.subject) not in known))
    elif not active:
        notes = ("In so large a cluster, what is over is looked for only where the question names a time.",)
    # What is over comes first only where it, and nothing that fails now, has to do with what is named.
    first = [one for one in ended if not here and about((one,), named, nothing_named=False)]
    ordered = (*first, *active, *(one for one in ended if one not in first))
    in_window, about_word = _as_called(about(tuple(_in_window(ordered, plan)), named, nothing_named=False), plan)
    if plan.metadata.until and any(not _since(one) and one in active for one in in_window):
        notes = (*notes, "Of what fails now without a time it is not known whether it failed then.")
    return in_window, (*notes, *about_word)


def _as_called(meant: tuple[Incident, ...], plan: QueryPlan) -> tuple[tuple[Incident, ...], Sequence[str]]:
    """Put first what a question about a time calls by its name ("was there an OOM today?"); say so where none is."""
    since, until, word = plan.metadata.since, plan.metadata.until, plan.metadata.error_type
    codes = explain(word).codes if word and (since or until) and word.lower() not in _ANY_FAILURE else ()
    called = [one for one in meant if any(finding.code in codes for finding in _findings([one]))]
    if not codes or not meant or called:
        return (*called, *(one for one in meant if one not in called)), ()
    return meant, (f"No {word} is known {asked_time(since, until)}; this is what else there is.",)


def _old_evidence(snapshot: Snapshot, plan: QueryPlan) -> Iterator[str]:
    """Say where everything is much older than the time from which the time of a question is counted."""
    beats = (c.last_heartbeat_time for node in snapshot.nodes for c in node.status.conditions)
    newest = max(filter(None, (*beats, *(event.last for event in snapshot.events))), default=None)
    if plan.metadata.since and newest and snapshot.as_of - newest > _LOOKED_BACK:
        yield (
            f"The newest time in the evidence is {newest:%Y-%m-%d %H:%M} UTC, and times were counted back from "
            f"{snapshot.as_of:%Y-%m-%d %H:%M} UTC; say when it was collected (--as-of)."
        )


def _in_window(incidents: Iterable[Incident], plan: QueryPlan) -> Iterator[Incident]:
    """Yield the incidents that, as far as is known, were there in the time that a question asks about."""
    low, high = plan.metadata.since, plan.metadata.until
    for incident in incidents:
        began = _since(incident)
        ended = incident.root.first.until
        if not (high and began and began > high) and not (low and ended and ended < low):
            yield incident


def _since(incident: Incident) -> datetime | None:
    return min((f.since for f in incident.root.findings if f.since), default=None)


def _looks_back(seen: Seen, plan: QueryPlan, something_fails: bool) -> bool:
    """Tell whether what is over matters: a question names a time, or nothing that it asks about fails now."""
    if plan.metadata.since or plan.metadata.until:
        return True
    return not something_fails and len(seen.snapshot.objects) <= _MOST_UNASKED


def _over(seen: Seen, plan: QueryPlan) -> tuple[Incident, ...]:
    as_of = seen.snapshot.as_of
    low = plan.metadata.since or (begin(as_of, _LOOKED_BACK) or as_of)
    return seen.resolved_since(low, plan.metadata.namespace or "")


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
    seen: Seen,
    plan: QueryPlan,
    causes: tuple[RootCause, ...],
    incidents: tuple[Incident, ...],
    pointed: Pointed,
    gaps: tuple[Gap, ...],
) -> str:
    snapshot, since, until = seen.snapshot, plan.metadata.since, plan.metadata.until
    failing = [incident for incident in incidents if not incident.root.first.until]
    if (since or until) and not causes and not pointed.missing and (snapshot.objects or snapshot.events):
        then = tuple(_in_window(_over(seen, plan), plan))
        return quiet_summary(pointed.objects, asked_time(since, until), then, failing)
    if causes or not (pointed.objects or pointed.missing):
        return f"{summary(causes, len(snapshot.objects), gaps, bool(failing))}{_places_of(causes)}"
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
