"""
What the rules say to one question about a cluster that was seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import Incident, about, ranked
from kfi.diagnosis.gaps import find_gaps
from kfi.diagnosis.meaning import explain, meaning_of, where_seen
from kfi.diagnosis.preceding import preceding
from kfi.diagnosis.report import (
    NumberedEvidence,
    asked_time,
    healthy_summary,
    quiet_summary,
    root_cause,
    summary,
    unseen_summary,
)
from kfi.models.answer import Hit
from kfi.models.listing import Listing
from kfi.models.patterns import PastIncident, Pattern
from kfi.models.schemas import (
    Citation,
    DiagnoseRequest,
    Gap,
    Intent,
    QueryPlan,
    RootCause,
    Timings,
)
from kfi.retrieval.bare_names import find_unknown_name
from kfi.retrieval.pointing import Pointed, pointed_at, speaks_of
from kfi.retrieval.query_analyzer import settled
from kfi.retrieval.scope import Scope
from kfi.sight import Seen
from kfi.snapshot.view import Snapshot
from kfi.window import bounded_by_change, in_window, old_evidence, over, with_the_past

# Words as Kubernetes prints them: "ImagePullBackOff", "OOMKilled".
_PRINTED = re.compile(r"\b[A-Z][A-Za-z]{0,30}[a-z][A-Z][A-Za-z]{1,30}\b|\bOOM[A-Z][a-z]{2,10}\b", re.A)
_MOST_READ = 2_000


@dataclass(frozen=True)
class Examined:
    """What the rules say to one question."""

    plan: QueryPlan
    seen: Seen
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

    @property
    def snapshot(self) -> Snapshot:
        """The cluster at the moment that was seen."""
        return self.seen.snapshot

    def numbered(self, hits: Iterable[Hit]) -> tuple[Citation, ...]:
        """Number the lines of hits after those that prove the causes, unless these hold them; give all lines."""
        proof = self.evidence.lines
        self.evidence.number(hit.citation for hit in hits if not any(_holds(line, hit) for line in proof))
        return self.evidence.lines


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
    plan, of_change = bounded_by_change(snapshot, plan, pointed)
    namespace = plan.metadata.namespace or ""
    incidents = tuple(_not_excluded(ranked(seen.incidents_of(namespace), pointed.objects), pointed))
    meant = (
        about(incidents, pointed.objects, bool(pointed.missing))
        or tuple(_spoken_of(incidents, request.question, pointed))
        or _of_nobody(seen.incidents, pointed)
    )
    meant, told = with_the_past(seen, plan, pointed, meant)
    meant = _asked_for_first(_not_excluded(meant, pointed), plan, pointed)
    notes = (*notes, *_called_nothing(seen, plan, pointed), *_without_such_labels(plan, pointed))
    notes = (*notes, *of_change, *told, *old_evidence(snapshot, plan))
    evidence = NumberedEvidence()
    causes = tuple(
        root_cause(incident, rules, evidence, preceding(snapshot, incident, seen.history))
        for incident in meant[: request.limit]
    )
    gaps = find_gaps(snapshot, causes, pointed.missing, namespace, pointed.objects)
    findings = tuple(finding for incident in meant for finding in incident.findings)
    return Examined(
        plan=plan,
        seen=seen,
        scope=Scope(plan, snapshot, findings, pointed.objects, seen.document_ids, top_k),
        incidents=incidents,
        causes=causes,
        evidence=evidence,
        gaps=gaps,
        summary=_summary(seen, plan, causes, incidents, pointed, gaps),
        notes=notes,
    )


def with_meaning(case: Examined, limit: int) -> Examined:
    """Give the case of a question for the meaning of a word with that meaning, and where the evidence shows it."""
    if case.plan.intent is not Intent.EXPLAIN:
        # Lines from elsewhere, and a model's words about them, would only mislead.
        absent = not case.causes and case.gaps and _unknown_namespace(case.snapshot, case.plan)
        return replace(case, settled="nothing in the evidence is of that namespace") if absent else case
    explained, rules, evidence = explain(case.plan.question), catalogue(), NumberedEvidence()
    shown = [i for i in case.incidents if any(f.code in explained.codes for f in i.findings)]
    places = [str(f.ref) for incident in shown for f in incident.findings if f.code in explained.codes]
    where = f" {where_seen(places)}" if explained.codes and case.snapshot.objects else ""
    return replace(
        case,
        causes=tuple(root_cause(incident, rules, evidence) for incident in shown[:limit]),
        evidence=evidence,
        gaps=(),
        summary=explained.text + where,
        settled="the catalogue says what a word means",
    )


def _not_excluded(incidents: Iterable[Incident], pointed: Pointed) -> Iterator[Incident]:
    """Yield the incidents of what the labels in a question do not exclude."""
    for incident in incidents:
        root = incident.root
        if root.subject not in pointed.excluded and not (root.refs and root.refs <= pointed.excluded):
            yield incident


def _asked_for_first(incidents: Iterable[Incident], plan: QueryPlan, pointed: Pointed) -> tuple[Incident, ...]:
    """Give incidents with those first that a word of Kubernetes or an exit code in a question may stand for.

    Where it names objects, these decide.
    """
    if pointed.objects:
        return tuple(incidents)
    words = _PRINTED.findall(plan.question[:_MOST_READ])
    code = plan.metadata.exit_code
    meanings = (meaning_of(word) for word in (*words, *([f"exit code {code}"] if code is not None else [])))
    codes = {rule.code for meaning in meanings if meaning for rule in meaning.rules}
    return tuple(sorted(incidents, key=lambda one: bool(one.until) or one.root.rule.code not in codes))


def _without_such_labels(plan: QueryPlan, pointed: Pointed) -> Iterator[str]:
    """Yield that nothing has the labels in a question, where the answer is about everything for that."""
    labels = plan.metadata.labels_dict
    if labels and not pointed.objects and not pointed.missing:
        said = ",".join(f"{key}={value}" for key, value in labels.items())
        yield f"Nothing in the evidence has the label {said!r}; the answer is not limited by it."


def _called_nothing(seen: Seen, plan: QueryPlan, pointed: Pointed) -> Iterator[str]:
    """Say so where a question asks about a plain word that nothing is called by: what is told is about others."""
    if not seen.snapshot.objects or pointed.objects or pointed.missing or plan.intent is Intent.EXPLAIN:
        return
    unknown = find_unknown_name(plan.question, seen.names)
    if unknown:
        yield f"Nothing in the evidence is called {unknown!r}."


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


def _holds(line: Citation, hit: Hit) -> bool:
    return line.path == hit.document.source.path and hit.overlaps(line)


def _unknown_namespace(snapshot: Snapshot, plan: QueryPlan) -> bool:
    named = plan.metadata.namespace
    return bool(named) and named not in snapshot.namespaces


def _summary(
    seen: Seen,
    plan: QueryPlan,
    causes: tuple[RootCause, ...],
    incidents: tuple[Incident, ...],
    pointed: Pointed,
    gaps: tuple[Gap, ...],
) -> str:
    snapshot, since, until = seen.snapshot, plan.metadata.since, plan.metadata.until
    failing = [incident for incident in incidents if not incident.until]
    if not causes and not pointed.missing and _unknown_namespace(snapshot, plan) and gaps:
        elsewhere = [incident for incident in ranked(seen.incidents, ()) if not incident.until]
        return unseen_summary(gaps[0].what, sorted(snapshot.namespaces), elsewhere)
    if (since or until) and not causes and not pointed.missing and (snapshot.objects or snapshot.events):
        then = tuple(in_window(over(seen, plan), plan))
        return quiet_summary(pointed.objects, asked_time(since, until), then, failing)
    if causes or not (pointed.objects or pointed.missing):
        return f"{summary(causes, len(snapshot.objects), gaps, bool(failing))}{_places_of(causes)}"
    return healthy_summary(pointed.objects, pointed.missing, pointed.similar, incidents)


def _places_of(causes: tuple[RootCause, ...]) -> str:
    """Say of which clusters the causes are, where that is more than one: they may hold objects of the same name."""
    clusters = list(dict.fromkeys(cause.workload.cluster or "one without a name" for cause in causes))
    return f" These are of {len(clusters)} clusters: {', '.join(clusters)}." if len(clusters) > 1 else ""
