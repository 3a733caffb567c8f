"""
Complete lists: every Event, log message, alert or object that a question asks for, in order, a page at a time.

Events and logs come from the ledger, objects from the snapshot; nothing is searched for by likeness, so nothing is left
out. One Event that several texts show (a table and `describe`) is one row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import NamedTuple

from kfi.ledger.ledger import Ledger
from kfi.ledger.queries import Part
from kfi.models.listing import Listed, Listing, Row, Selection, State
from kfi.models.records import AlertRecord, LogRecord
from kfi.models.schemas import Citation, Document, DocumentKind, ObjectRef, QueryPlan
from kfi.retrieval.belonging import Belonging
from kfi.retrieval.event_rows import Spell, count_in, event_row, merged, within
from kfi.retrieval.labelled import labels_of
from kfi.retrieval.object_rows import Standing, standings
from kfi.retrieval.pointing import pointed_at
from kfi.retrieval.selection import reads_errors, selection_of, size_of, wants_list
from kfi.snapshot.build import event_messages
from kfi.snapshot.provenance import quote
from kfi.snapshot.view import Snapshot

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_ERRORS = ("error", "fatal")
# What Events call the state that Pods show.
_EVENT_REASON = {"crashloopbackoff": "backoff"}


class Page(NamedTuple):
    """Which rows of a list are shown."""

    number: int = 1
    size: int = 10


@dataclass(frozen=True)
class Shown:
    """What a list is made from: the record, and the cluster at the moment that was asked for."""

    ledger: Ledger
    snapshot: Snapshot
    errors_only: bool = False
    """Of logs, whether only what calls itself an error counts."""


def listed(ledger: Ledger, snapshot: Snapshot, plan: QueryPlan, page: Page) -> Listing | None:
    """Give the list that a question asks for; None where it asks for something else.

    Raises:
        ServiceError: the ledger cannot be read.
    """
    if not wants_list(plan):
        return None
    pointed = pointed_at(snapshot, plan.question, plan.metadata)
    names = {ref.name for ref in snapshot.mentioned}
    selection = selection_of(plan, pointed, names, snapshot.namespaces)
    size = min(page.size, size_of(plan.question) or page.size)
    found = listing_of(Shown(ledger, snapshot, reads_errors(plan.question)), selection, Page(page.number, size))
    if not selection.namespace or selection.namespace in snapshot.namespaces:
        return found
    there = ", ".join(sorted(snapshot.namespaces)) or "none at all"
    unknown = f"No evidence is of a namespace {selection.namespace!r}; there is of: {there}."
    return found.model_copy(update={"notes": (unknown, *found.notes)})


def listing_of(shown: Shown, selection: Selection, page: Page) -> Listing:
    """Give a page of what a selection selects, and how much it is in all.

    Raises:
        ServiceError: the ledger cannot be read.
    """
    if selection.what is Listed.OBJECTS:
        return _objects(shown.snapshot, selection, page)
    rows = list(_happenings(shown, selection)) if not selection.names else []
    rows.sort(key=_place)
    rows.sort(key=_newest, reverse=True)
    return _page(selection, rows, page, notes=tuple(_happening_notes(shown, selection, rows)))


def _place(row: Row) -> tuple[str, str, str, str]:
    return (row.object.cluster, str(row.object), row.reason, row.message)


def _newest(row: Row) -> tuple[datetime, datetime]:
    return (row.last or _LONG_AGO, row.first or _LONG_AGO)


def _page(
    selection: Selection, rows: list[Row], page: Page, out_of: int | None = None, notes: tuple[str, ...] = ()
) -> Listing:
    begin = (page.number - 1) * page.size
    return Listing(
        selection=selection,
        order="by name" if selection.what is Listed.OBJECTS else "newest first",
        total=len(rows),
        times=sum(row.count for row in rows),
        out_of=out_of,
        page=page.number,
        pages=max(1, ceil(len(rows) / page.size)),
        rows=tuple(rows[begin : begin + page.size]),
        notes=notes,
    )


def _happenings(shown: Shown, selection: Selection) -> Iterator[Row]:
    about = Belonging(shown.snapshot, selection)
    if selection.what in (Listed.EVENTS, Listed.PROBLEMS):
        yield from _events(shown, selection, about)
    if selection.what in (Listed.LOGS, Listed.PROBLEMS):
        yield from _logs(shown, selection, about)
    if selection.what is Listed.ALERTS:
        yield from _alerts(shown, selection, about)


def _documents(shown: Shown, selection: Selection, kind: DocumentKind) -> Iterator[Document]:
    part = Part(selection.cluster or None, shown.snapshot.as_of, selection.since, selection.until)
    return shown.ledger.happened((kind,), part)


def _events(shown: Shown, selection: Selection, about: Belonging) -> Iterator[Row]:
    event_type = selection.event_type or ("Warning" if selection.what is Listed.PROBLEMS else "")
    found: dict[tuple[ObjectRef, str, str], list[Spell]] = defaultdict(list)
    for document in _documents(shown, selection, DocumentKind.EVENT):
        ref = shown.snapshot.placed(document.ref)
        if not about.holds(ref):
            continue
        for event in event_messages(document):
            if (not event_type or event.type == event_type) and within(event.first, event.last, selection):
                spell = Spell(event, ref, {(document.source.path, document.observed_at): count_in(event, selection)})
                found[ref.object, event.reason, event.message].append(spell)
    # A word that is some Event's reason means that reason, and not whatever message holds it.
    reasons = {reason.lower() for _, reason, _ in found}
    exact = [_event_reason(word) for word in selection.words if _event_reason(word) in reasons]
    for (_, reason, message), spells in found.items():
        if reason.lower() in exact or (not exact and _says(selection.words, reason, message)):
            yield from map(event_row, merged(spells))


def _event_reason(word: str) -> str:
    return _EVENT_REASON.get(word.lower(), word.lower())


def _says(words: Iterable[str], reason: str, message: str) -> bool:
    wanted = [word.lower() for word in words]
    return not wanted or any(word in reason.lower() or word in message.lower() for word in wanted)


def _logs(shown: Shown, selection: Selection, about: Belonging) -> Iterator[Row]:
    errors_only = shown.errors_only or selection.what is Listed.PROBLEMS
    # The snapshot knows whose a log is that names nobody.
    owners = {log.citation.document_id: log.ref for log in shown.snapshot.logs}
    for document in _documents(shown, selection, DocumentKind.LOG):
        record = LogRecord.model_validate(document.payload)
        ref = shown.snapshot.placed(owners.get(document.id, document.ref))
        if errors_only and record.level not in _ERRORS and not record.stack:
            continue
        if about.holds(ref) and _says(selection.words, record.level, record.example):
            yield Row(
                object=ref,
                status=record.level,
                message=record.example,
                count=document.count,
                first=document.first_time,
                last=document.last_time,
                citation=_first_line(document),
            )


def _alerts(shown: Shown, selection: Selection, about: Belonging) -> Iterator[Row]:
    refs = {alert.citation.document_id: alert.ref for alert in shown.snapshot.alerts}
    for document in _documents(shown, selection, DocumentKind.ALERT):
        record = AlertRecord.model_validate(document.payload)
        ref = shown.snapshot.placed(refs.get(document.id, document.ref))
        told = record.annotations.get("description") or record.annotations.get("summary", "")
        if about.holds(ref) and _says(selection.words, record.name, told):
            yield Row(
                object=ref,
                status=record.state,
                reason=record.name,
                message=told,
                first=record.starts_at,
                last=record.ends_at if record.ends_at and record.ends_at <= shown.snapshot.as_of else None,
                citation=_first_line(document),
            )


def _first_line(document: Document) -> Citation:
    line = document.source.first_line
    text = quote(document, line)
    return Citation(document_id=document.id, path=document.source.path, first_line=line, last_line=line, text=text)


def _objects(snapshot: Snapshot, selection: Selection, page: Page) -> Listing:
    about = Belonging(snapshot, selection)
    everything = [one for one in standings(snapshot, selection.kinds) if not selection.names and about.holds(one.ref)]
    chosen = [one for one in everything if _has_state(one, selection)]
    narrowed = selection.state is not None or bool(selection.status)
    # Citing reads texts again; only what is shown is cited.
    begin = (page.number - 1) * page.size
    shown = {one.ref for one in chosen[begin : begin + page.size]}
    rows = [_object_row(snapshot, one, one.ref in shown) for one in chosen]
    notes = tuple(_object_notes(snapshot, selection, everything))
    return _page(selection, rows, page, len(everything) if narrowed else None, notes)


def _has_state(standing: Standing, selection: Selection) -> bool:
    if selection.status and selection.status.lower() not in f"{standing.status} {standing.reason}".lower():
        return False
    if selection.state is None or selection.status:
        return True
    if standing.states is None or selection.state not in standing.states:
        return False
    when = standing.restarted_at if selection.state is State.RESTARTED else None
    return when is None or within(when, when, selection)


def _object_row(snapshot: Snapshot, one: Standing, cite: bool) -> Row:
    cited = (snapshot.cite(one.ref, *one.paths) or snapshot.cite_row(one.ref)) if cite else ()
    nothing = Citation(document_id="", path="", first_line=0, last_line=0, text="")
    return Row(
        object=one.ref,
        status=one.status,
        reason=one.reason,
        count=one.restarts if one.restarts is not None else 0,
        first=one.created,
        last=one.restarted_at,
        citation=cited[0] if cited else nothing,
    )


def _object_notes(snapshot: Snapshot, selection: Selection, everything: list[Standing]) -> Iterator[str]:
    for kind in selection.kinds:
        listed = "Pod" if kind == "Container" else kind
        if not snapshot.listed(listed, selection.namespace, selection.cluster) and not selection.objects:
            yield f"No complete list of {kind}s was among the evidence, so there may be more than it shows."
    if selection.state is State.RESTARTED and (selection.since or selection.until):
        silent = sum(1 for one in everything if one.restarts and one.restarted_at is None)
        if silent:
            yield f"Of {silent} the evidence does not say when they restarted; they are in the list."
    elif selection.since or selection.until:
        yield f"Objects are listed as they were at {snapshot.as_of:%H:%M:%S} UTC; no earlier time was looked at."
    bare = [one for one in everything if not _is_labelled(snapshot, one.ref)] if selection.labels_excluded else []
    if bare:
        yield f"Of {len(bare)} the evidence shows no labels; they are in the list."
    untold = sum(1 for one in everything if one.states is None)
    if untold and selection.state:
        yield f"Of {untold} the evidence does not say how they are; they are not in the list."


def _is_labelled(snapshot: Snapshot, ref: ObjectRef) -> bool:
    resource = snapshot.objects.get(ref.object)
    return resource is not None and bool(labels_of(resource))


def _happening_notes(shown: Shown, selection: Selection, rows: list[Row]) -> Iterator[str]:
    since = selection.since
    before = [row for row in rows if since and row.count > 1 and row.first and row.first < since]
    if before and since:
        yield (
            f"{len(before)} of the rows had begun before {since:%H:%M:%S} UTC; their counts may include repeats from "
            "before it, since only the first and the last time is recorded."
        )
    if selection.what is not Listed.EVENTS or rows:
        return
    if not any(True for _ in shown.ledger.happened((DocumentKind.EVENT,), Part(selection.cluster or None))):
        yield "No Events were among the evidence at all, so this says nothing of what happened."
