"""
From incidents to the answer: numbered evidence, the chain from cause to symptom, and words for each step.

Every sentence of a cause comes from a finding or the catalogue, and every finding's lines are numbered here, so nothing
is said that no line proves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from kfi.diagnosis.catalogue import Rule, catalogue
from kfi.diagnosis.causes import Group, Incident
from kfi.diagnosis.conditions.wording import counted, lasting, stretch
from kfi.diagnosis.confidence import WEAK, calibrated
from kfi.diagnosis.preceding import NOTHING_BEFORE, Before
from kfi.models.schemas import ChainLink, Change, Citation, Gap, ObjectRef, Role, RootCause, State
from kfi.snapshot.changes import Changed
from kfi.snapshot.resources import CLUSTER_SCOPED

_MAX_LINKS = 5
_LINK_CITATIONS = 2
_CHANGE_LINES = 3
_MOST_NAMESPACES = 12
_MOST_NAMED = 3
_LESS_MEANT = ("Endpoints", "EndpointSlice", "Service")


class NumberedEvidence:
    """Gives each cited line its number, `E1` first, the same line the same number."""

    def __init__(self) -> None:
        self._labels: dict[tuple[str, int, int], str] = {}
        self._cited: list[Citation] = []

    def number(self, citations: Iterable[Citation]) -> tuple[str, ...]:
        """Give the labels of these lines, in order, each once."""
        labels = []
        for citation in citations:
            key = (citation.path, citation.first_line, citation.last_line)
            if key not in self._labels:
                self._labels[key] = f"E{len(self._labels) + 1}"
                self._cited.append(citation.model_copy(update={"label": self._labels[key]}))
            labels.append(self._labels[key])
        return tuple(dict.fromkeys(labels))

    @property
    def lines(self) -> tuple[Citation, ...]:
        """Every numbered line."""
        return tuple(self._cited)


def root_cause(
    incident: Incident, rules: Mapping[str, Rule], evidence: NumberedEvidence, before: Before = NOTHING_BEFORE
) -> RootCause:
    """Put an incident, and what was changed before it, into words; its lines are numbered in `evidence`."""
    root, finding = incident.root, incident.root.first
    citations = evidence.number(root.evidence)
    rule = rules[root.rule.code]
    chain = _chain(incident, citations, evidence)
    return RootCause(
        code=rule.code,
        title=rule.title,
        object=finding.ref,
        workload=root.subject,
        confidence=calibrated(incident),
        explanation=_explanation(root),
        chain=chain,
        citations=citations,
        confirm=filled(rule.confirm, finding.ref.object),
        remediation=tuple(filled(step, finding.ref.object) for step in rule.fix),
        symptoms=sum(len(g.findings) for g in incident.explained),
        state=finding.state,
        since=before.began,
        until=finding.until,
        changes=tuple(_change(one, before.began, evidence) for one in before.changes),
    )


def _change(changed: Changed, began: datetime | None, evidence: NumberedEvidence) -> Change:
    seconds = round((began - changed.when).total_seconds()) if began and not changed.after else -1
    before = f", {lasting(seconds)} before this began" if seconds > 0 else ""
    said = f"{changed.statement[:1].upper()}{changed.statement[1:]}{before}."
    return Change(
        ref=changed.ref,
        when=changed.when,
        after=changed.after,
        statement=said,
        citations=evidence.number(changed.evidence[:_CHANGE_LINES]),
    )


def _explanation(root: Group) -> str:
    more = len({f.ref.object for f in root.findings}) - 1
    others = f" The same holds for {counted(more, 'other object')} of {root.subject}." if more > 0 else ""
    said = root.first.message
    return f"{said}{others}" if not others or said.endswith((".", "!", "?", '"')) else f"{said}.{others}"


def _chain(incident: Incident, citations: tuple[str, ...], evidence: NumberedEvidence) -> tuple[ChainLink, ...]:
    """Give the steps from the cause outwards: one for each workload, its most telling finding that shows new lines."""
    root = incident.root
    links = [_link(root, citations)]
    told = {root.subject}
    for group in [*_of(incident.explained, root.subject), *incident.explained]:
        if len(links) > _MAX_LINKS:
            break
        first_of_subject = group.subject not in told or (group.subject == root.subject and len(links) == 1)
        proof = evidence.number(group.first.evidence[:_LINK_CITATIONS]) if first_of_subject else ()
        if proof and not set(proof) <= set(citations):
            told.add(group.subject)
            links.append(_link(group, proof))
    return tuple(links)


def _of(groups: Sequence[Group], subject: ObjectRef) -> list[Group]:
    return [group for group in groups if group.subject == subject]


def _link(group: Group, citations: tuple[str, ...]) -> ChainLink:
    finding = group.first
    return ChainLink(ref=finding.ref, code=finding.code, statement=finding.message, citations=citations)


def filled(words: str, ref: ObjectRef) -> str:
    """Put an object's kind, namespace and name into a catalogue sentence or command."""
    kind, name = ref.kind.lower() or "pod", ref.name or "NAME"
    namespace = ref.namespace or (ref.name if ref.kind == "Namespace" else "NAMESPACE")
    if ref.kind in CLUSTER_SCOPED and ref.kind != "Namespace":
        words = words.replace(" -n {namespace}", "")
    return words.replace("{kind}", kind).replace("{namespace}", namespace).replace("{name}", name)


def summary(causes: Sequence[RootCause], objects_seen: int, gaps: Sequence[Gap] = (), others_fail: bool = False) -> str:
    """Give the answer in a sentence or two; what was not visible speaks where nothing else does.

    `others_fail` says that something fails now that the question does not ask about.
    """
    if not objects_seen and not causes:
        return "No evidence was given that shows anything of a cluster, so nothing can be said."
    if not causes:
        if gaps:
            return f"{gaps[0].what} What was given shows nothing failing."
        return "Nothing is failing here, as far as the evidence shows."
    going_on = [cause for cause in causes if cause.state is State.ACTIVE]
    over = [cause for cause in causes if cause.state is State.RESOLVED]
    if not going_on:
        now = "What failed then is over" if others_fail else "Nothing is failing now, as far as the evidence shows"
        return f"{now}. {_what_is_over(over, told=True)}"
    if causes[0].state is State.RESOLVED:
        return f"{_what_is_over(over, told=True)} Failing now: {_named(going_on)}."
    first = going_on[0]
    sentence = f"{first.workload}: {lower_first(first.title)}. {first.explanation}"
    others = going_on[1:]
    if first.confidence < WEAK:
        sentence = f"{_doubt(first)} {sentence}"
        others = [cause for cause in others if cause.confidence >= WEAK]
    if others:
        sentence += f" Independently of it: {_named(others)}."
    return f"{sentence} {_what_is_over(over)}" if over else sentence


def _what_is_over(over: Sequence[RootCause], told: bool = False) -> str:
    """Say what failed and is resolved, and when; with `told`, also what the first of it was."""
    first = over[0]
    if not told:
        return f"Resolved: {_named(over)}."
    more = f" Also resolved: {_named(over[1:])}." if len(over) > 1 else ""
    when = stretch(first.since, first.until)
    stop = "" if first.explanation.endswith((".", "!", "?", '"')) else "."
    said = f"{lower_first(first.title)}. As it was then: {first.explanation}{stop}"
    return f"Resolved, {when}: {first.workload}: {said}{more}"


def _named(causes: Sequence[RootCause]) -> str:
    """Name the first causes, and count the others."""
    said = ", ".join(f"{c.workload} ({lower_first(c.title)}{_when(c)})" for c in causes[:_MOST_NAMED])
    more = len(causes) - _MOST_NAMED
    return f"{said}, and {more} more" if more > 0 else said


def _when(cause: RootCause) -> str:
    return f", {stretch(cause.since, cause.until)}" if cause.until else ""


def _doubt(weak: RootCause) -> str:
    rule = catalogue().get(weak.code)
    if rule and rule.role is Role.SYMPTOM:
        return "Nothing that was given shows a cause; what can be seen is this."
    return "Nothing here is surely failing; the strongest lead is a weak one."


def healthy_summary(
    named: Sequence[ObjectRef], missing: Sequence[str], similar: Sequence[str], elsewhere: Sequence[Incident]
) -> str:
    """Give the answer about objects that are well, or that nothing in the evidence shows."""
    if missing:
        near = f" Similar names: {', '.join(similar)}." if similar else ""
        why = "nothing in the evidence has that name, so nothing can be said of it"
        sentence = f"{missing[0]} was not found: {why}.{near}"
    else:
        sentence = f"Nothing is failing about {_foremost(named)}, as far as the evidence shows."
    if not elsewhere:
        return sentence
    others = _failing("What fails has other names" if missing else "Elsewhere something is", elsewhere)
    return f"{sentence} {others}; ask without the name for all of it."


def _foremost(named: Sequence[ObjectRef]) -> ObjectRef:
    """Give what people mean before the others of its name: the workload, not the Endpoints that list its Pods."""
    return min(named, key=lambda ref: ref.kind in _LESS_MEANT)


def unseen_summary(what: str, namespaces: Sequence[str], elsewhere: Sequence[Incident]) -> str:
    """Give the answer about a namespace that the evidence has nothing of; `what` says so in a sentence."""
    there = _first_of(namespaces)
    others = f" {_failing('Elsewhere something is', elsewhere)}; ask without the namespace for all of it."
    return f"{what.removesuffix('.')}; there is of: {there}.{others if elsewhere else ''}"


def _first_of(namespaces: Sequence[str]) -> str:
    """Give the first of some namespaces in words, and how many more there are."""
    more = f" and {len(namespaces) - _MOST_NAMESPACES} more" if len(namespaces) > _MOST_NAMESPACES else ""
    return f"{', '.join(namespaces[:_MOST_NAMESPACES])}{more}" or "none at all"


def quiet_summary(named: Sequence[ObjectRef], when: str, then: Sequence[Incident], failing: Sequence[Incident]) -> str:
    """Give the answer where nothing of the time that was asked about is known to have failed.

    `then` failed elsewhere, and `failing` does now.
    """
    about = f"about {_foremost(named)} " if named else ""
    sentence = f"Nothing {about}is known to have failed {when}, as far as the evidence remembers."
    sentence += f" {_failing('Elsewhere then', then)}." if then else ""
    return f"{sentence} {_failing('Failing now', failing)}." if failing else sentence


def _ended(incident: Incident) -> str:
    first = incident.root.first
    return f", {stretch(first.since, first.until)}" if first.until else ""


def asked_time(since: datetime | None, until: datetime | None) -> str:
    """Give the time that a question asks about; one of its ends is known.

    >>> asked_time(datetime(2026, 11, 20, 2, 0), None)
    'since 2026-11-20 02:00 UTC'
    """
    low, high = f"{since:%Y-%m-%d %H:%M}" if since else "", f"{until:%Y-%m-%d %H:%M} UTC" if until else ""
    return f"between {low} and {high}" if low and high else f"since {low} UTC" if low else f"before {high}"


def _failing(lead: str, incidents: Sequence[Incident]) -> str:
    said = (f"{i.root.subject} ({lower_first(i.root.rule.title)}{_ended(i)})" for i in incidents[:_MOST_NAMED])
    return f"{lead}: {', '.join(said)}"


def lower_first(title: str) -> str:
    """Give a title as it stands inside a sentence; acronyms and names of kinds keep their capitals.

    >>> lower_first("Image does not exist"), lower_first("DNS does not answer"), lower_first("ConfigMap does not exist")
    ('image does not exist', 'DNS does not answer', 'ConfigMap does not exist')
    """
    first = title.partition(" ")[0]
    return title if any(letter.isupper() for letter in first[1:]) else title[:1].lower() + title[1:]
