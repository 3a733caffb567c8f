"""
What an answer holds beside its causes.

The list that was asked for; what repeats about the first cause; what was like it before, and what that was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import Incident, ranked
from kfi.diagnosis.report import NumberedEvidence, lower_first, root_cause
from kfi.examination import Examined
from kfi.ledger.ledger import Ledger
from kfi.ledger.queries import Part
from kfi.models.patterns import PastIncident, PatternList
from kfi.models.schemas import DiagnoseRequest, ObjectRef, RootCause
from kfi.patterns import find
from kfi.retrieval.listing import Page, listed
from kfi.retrieval.listing_words import summary_of
from kfi.sight import Seen, begin, incidents_in
from kfi.snapshot.changes import changes_of
from kfi.snapshot.view import Snapshot

# A list ends with the likeliest cause, and a weaker one is not likely. Nor is a weaker one of the past worth telling.
_SURE_ENOUGH = 0.5
_MOST_PATTERNS = 5
_MOST_PAST = 5
_REMEMBERED = timedelta(days=90)
# Objects that earlier observations may hold together, for one question to wait for the rules to look at all of them.
_AT_ONCE = 5_000


def with_list(case: Examined, ledger: Ledger, request: DiagnoseRequest) -> Examined:
    """Give a case with the list that the question asks for, if it does, and the likeliest cause in one sentence.

    Raises:
        ServiceError: the ledger cannot be read.
    """
    listing = listed(ledger, case.snapshot, case.plan, Page(request.page, request.limit))
    if listing is None:
        return case
    first, proof = tuple(cause for cause in case.causes[:1] if cause.confidence >= _SURE_ENOUGH), NumberedEvidence()
    for cause in first:
        labels = {*cause.citations, *(label for link in cause.chain for label in link.citations)}
        proof.number(line for line in case.evidence.lines if line.label in labels)
    said = summary_of(listing)
    if first:
        said += f" The likeliest cause of trouble there is that of {first[0].workload}: {lower_first(first[0].title)}."
    return replace(case, listing=listing, causes=first, evidence=proof, gaps=(), summary=said)


def with_patterns(case: Examined, ledger: Ledger, request: DiagnoseRequest) -> Examined:
    """Give a case with the patterns and the past of its first cause; a list or a meaning is whole without them.

    Raises:
        ServiceError: the ledger cannot be read.
    """
    if case.listing is not None or not case.causes or case.settled:
        return case
    seen, first = case.seen, case.causes[0]
    patterns = seen.once(
        ("patterns", first.code, first.object, first.workload),
        lambda: find.patterns_of(_searched(ledger, seen), first, _part(seen, request))[:_MOST_PATTERNS],
    )
    earlier = () if ledger.temporary else ledger.observations(request.cluster or None, _low(seen), case.snapshot.as_of)
    if len(earlier) * len(case.snapshot.objects) > _AT_ONCE:
        notes = (*case.notes, "Earlier incidents like this one were not looked for; kfi patterns does.")
        return replace(case, patterns=patterns, notes=notes)
    past = tuple(_like(first, spells(seen))) if len(earlier) > 1 else ()
    return replace(case, patterns=patterns, past=past[:_MOST_PAST])


def patterns_in(seen: Seen, ledger: Ledger, request: DiagnoseRequest) -> PatternList:
    """Give every pattern of a namespace (or of all), and past incidents like those of now.

    Raises:
        ServiceError: the ledger cannot be read.
    """
    found = find.find_patterns(_searched(ledger, seen), _part(seen, request), request.namespace)
    evidence, rules = NumberedEvidence(), catalogue()
    now = [root_cause(one, rules, evidence) for one in ranked(seen.incidents_of(request.namespace), ())]
    before = spells(seen)
    past = {(one.code, one.workload, one.since): one for cause in now for one in _like(cause, before)}
    unknown = request.namespace and request.namespace not in seen.snapshot.namespaces
    notes = (f"Nothing in the evidence is of namespace {request.namespace!r}.",) if unknown else ()
    return found.model_copy(update={"past": tuple(past.values()), "notes": (*found.notes, *notes)})


def _searched(ledger: Ledger, seen: Seen) -> find.Seen:
    return find.Seen(ledger, seen.snapshot, seen.findings)


def _part(seen: Seen, request: DiagnoseRequest) -> Part:
    as_of = seen.snapshot.as_of
    return Part(request.cluster or None, at=as_of, since=begin(as_of, request.since))


def _low(seen: Seen) -> datetime:
    return begin(seen.snapshot.as_of, _REMEMBERED) or seen.snapshot.as_of


@dataclass(frozen=True)
class Spell:
    """An incident of the past: from the first observation that shows it to the first that does not."""

    incident: Incident
    cause: RootCause
    since: datetime
    until: datetime
    ended_with: str
    """What changed when it ended; empty where nothing tells."""
    evidence: NumberedEvidence


def spells(seen: Seen) -> tuple[Spell, ...]:
    """Give the incidents that earlier observations show and a later one does not, newest first."""
    return seen.once("spells", partial(_spells, seen))


def _spells(seen: Seen) -> tuple[Spell, ...]:
    going_on: dict[tuple[str, ObjectRef], tuple[Incident, datetime]] = {}
    over: list[Spell] = []
    for snapshot, incidents in _observed(seen):
        there = {one.root.key: one for one in incidents}
        for key in [key for key in going_on if key not in there]:
            incident, since = going_on.pop(key)
            over.append(_ended(incident, since, snapshot))
        for key, incident in there.items():
            if incident.confidence >= _SURE_ENOUGH:
                _, since = going_on.get(key, (incident, incident.root.since or snapshot.as_of))
                going_on[key] = (incident, since)
    return tuple(sorted(over, key=_end, reverse=True))


def _observed(seen: Seen) -> Iterator[tuple[Snapshot, Iterable[Incident]]]:
    """Yield what was observed and its incidents, oldest first, the present last."""
    for snapshot in seen.earlier(_low(seen)):
        yield snapshot, incidents_in(snapshot)
    yield seen.snapshot, seen.incidents


def _ended(incident: Incident, since: datetime, after: Snapshot) -> Spell:
    evidence = NumberedEvidence()
    cause = root_cause(incident, catalogue(), evidence)
    changes = [one for one in changes_of(after, incident.root.subject) if since < one.when <= after.as_of]
    ended_with = changes[0].statement if changes else ""
    return Spell(incident, cause, since, after.as_of, ended_with, evidence)


def _end(spell: Spell) -> datetime:
    return spell.until


def _like(cause: RootCause, past: Iterable[Spell]) -> Iterator[PastIncident]:
    """Yield what was like a cause: the same failure of the same workload, then of others, then others of the same."""
    told = [(likeness, spell) for spell in past if (likeness := _likeness(cause, spell.cause))]
    for order, words in enumerate(_LIKENESSES):
        for likeness, spell in told:
            if likeness == order + 1:
                yield PastIncident(
                    code=spell.cause.code,
                    workload=spell.cause.workload,
                    since=spell.since,
                    until=spell.until,
                    cause=f"{spell.cause.title}. {spell.cause.explanation}",
                    ended_with=spell.ended_with,
                    likeness=words,
                    citations=spell.evidence.lines[:3],
                )


_LIKENESSES = (
    "the same failure of the same workload",
    "the same failure of another workload",
    "another failure of the same workload",
)


def _likeness(one: RootCause, other: RootCause) -> int:
    """Give the place of their likeness among all, counted from one; 0 where they have nothing in common."""
    if one.code == other.code:
        return 1 if one.workload == other.workload else 2
    return 3 if one.workload == other.workload else 0
