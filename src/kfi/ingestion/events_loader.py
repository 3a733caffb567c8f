"""
Events of a cluster, whatever wrote them down, as one document for each reason, object and time window.

One failing pod leaves hundreds of Events that differ in nothing but the time; grouped, they count once and keep every
message apart. The same Event seen twice (a watch repeats it with a higher count) counts only as it was last seen.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from typing import Any

from kfi.errors import SourceError
from kfi.ingestion.base import MAX_CARD_CHARS, BaseDocumentLoader, SourceText, digest, storable
from kfi.ingestion.event_fields import Place, SingleEvent, is_audit, is_event, read_event, unwrap
from kfi.ingestion.event_tables import Origin, is_nothing, is_table, read_described, read_table
from kfi.models.records import EventMessage, EventRecord
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity, Source
from kfi.snapshot.read.json_text import BadDocument, ReadValue, read_json
from kfi.snapshot.read.yaml_text import read_yaml

# The kubelet and the controllers repeat an Event within minutes while a failure lasts.
_WINDOW_GAP = timedelta(minutes=10)
# Lines looked at to tell a table from JSON and YAML: tools print a few lines of their own first.
_SNIFFED_LINES = 60
_MAX_TEXT_LINES = 200
_MAX_TEXT_CHARS = 64 * 1024
_MAX_MESSAGES = 100
_MAX_TIMES = 200
_MESSAGE = re.compile(r'^[ \t]*(?:- )?"?(?:message|note)"?:', re.M)
_EARLIEST = datetime.min.replace(tzinfo=UTC)


class KubernetesEventsLoader(BaseDocumentLoader):
    """Loads Events: JSON, YAML, watch streams, exporters' lines, and the tables of kubectl."""

    def load(self, source: SourceText) -> Iterator[Document]:
        """Yield one document for each group of Events.

        Raises:
            SourceError: the source holds something else, or the API server's audit log.
        """
        lines = list(source.lines())
        filled = list(islice((line for line in lines if line.strip()), _SNIFFED_LINES))
        if is_table(filled):
            origin = Origin(source.observed_at, source.cluster, source.namespace)
            yield from _documents(read_table(enumerate(lines, 1), origin), lines, source, "table")
        elif not filled:
            source.skip("empty")
        elif not any(map(is_nothing, filled)):
            yield from _documents(_api_events(lines, source), lines, source, "api")


def events_of_describe(rows: list[tuple[int, str]], involved: ObjectRef, source: SourceText) -> Iterator[Document]:
    """Yield the documents of the Events section of `kubectl describe` about `involved`.

    `rows` are the section's lines with their numbers in the source; its header and `<none>` are passed over.
    """
    if not rows:
        return
    lines = _Numbered(rows)
    yield from _documents(read_described(rows, involved, source.observed_at), lines, source, "describe")


class _Numbered(Sequence[str]):
    """Part of a source's lines, reached by the same indexes as the whole."""

    def __init__(self, rows: list[tuple[int, str]]) -> None:
        self._rows = dict(rows)

    def __len__(self) -> int:
        return max(self._rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self._rows.get(i + 1, "") for i in range(*index.indices(len(self)))]
        return self._rows.get(index + 1, "")


def _api_events(lines: list[str], source: SourceText) -> Iterator[SingleEvent]:
    """Yield the Events of structured text; say why where there are none."""
    events, others, audits = 0, 0, 0
    for found in _values("\n".join(lines), source):
        fields = unwrap(found.value)
        if fields is None or not is_event(fields):
            audits += fields is not None and is_audit(fields)
            others += 1
            continue
        events += 1
        event = read_event(fields, _place(found, source))
        # A watch's BOOKMARK is an Event with nothing but a resourceVersion.
        if event.reason or event.message:
            yield event
    if audits and not events:
        raise SourceError(
            "audit log events are not cluster Events.",
            hint="Hand over 'kubectl get events -A -o json' instead; the audit log says who asked the API for what.",
        )
    if not events and (others or source.skipped):
        raise SourceError(
            f"{source.path!r} holds no Event that can be read.",
            hint="Write one with 'kubectl get events -A -o json'.",
        )


def _values(text: str, source: SourceText) -> Iterator[ReadValue]:
    """Yield the values of JSON or YAML text, a List item by item; note what is broken."""
    reader = read_json if text.lstrip("\ufeff \t\r\n\x1e")[:1] in ("{", "[") else read_yaml
    for found in reader(text):
        if isinstance(found, BadDocument):
            source.skip(found.reason, found.line)
        elif not found.is_list:
            yield found


def _place(found: ReadValue, source: SourceText) -> Place:
    first, last = found.first_line, found.last_line
    text = found.text if first == last else ""
    return Place(first, last, _message_line(found), text, source.cluster, source.namespace)


def _message_line(found: ReadValue) -> int:
    """Give the line of the message; an Event has no other field of that name."""
    match = _MESSAGE.search(found.text) if found.first_line != found.last_line else None
    return found.first_line + found.text.count("\n", 0, match.start()) if match else found.first_line


def _documents(
    events: Iterable[SingleEvent], lines: Sequence[str], source: SourceText, origin: str
) -> Iterator[Document]:
    groups = [group for same in _by_subject(_latest(events)) for group in _windows(same)]
    for group in sorted(groups, key=lambda group: min(event.first_line for event in group)):
        yield _document(group, lines, source, origin)


def _latest(events: Iterable[SingleEvent]) -> list[SingleEvent]:
    """Keep each Event as it was last seen, in order of appearance."""
    latest: dict[object, SingleEvent] = {}
    for number, event in enumerate(events):
        key = event.event_id or number
        seen = latest.get(key)
        if seen is None or (event.last or _EARLIEST, event.count) >= (seen.last or _EARLIEST, seen.count):
            latest[key] = event
    return list(latest.values())


def _by_subject(events: list[SingleEvent]) -> Iterable[list[SingleEvent]]:
    subjects: dict[tuple[object, ...], list[SingleEvent]] = {}
    for event in events:
        subjects.setdefault((event.event_type, event.reason, event.ref, event.uid), []).append(event)
    return subjects.values()


def _windows(events: list[SingleEvent]) -> Iterator[list[SingleEvent]]:
    """Part Events of one subject where nothing happened for long; those without a time make a group of their own."""
    untimed = [event for event in events if _start(event) == _EARLIEST]
    if untimed:
        yield untimed
    group: list[SingleEvent] = []
    end = _EARLIEST
    for event in sorted((event for event in events if _start(event) != _EARLIEST), key=_start):
        if group and _start(event) - end > _WINDOW_GAP:
            yield group
            group = []
        group.append(event)
        end = max(end, _end(event))
    if group:
        yield group


def _start(event: SingleEvent) -> datetime:
    return event.first or event.last or _EARLIEST


def _end(event: SingleEvent) -> datetime:
    return event.last or event.first or _EARLIEST


def _document(group: list[SingleEvent], lines: Sequence[str], source: SourceText, origin: str) -> Document:
    newest = max(group, key=lambda event: (_end(event), event.first_line))
    first, last = _span(group, newest)
    started = min(map(_start, group))
    started_at = None if started == _EARLIEST else started
    ended = max(map(_end, group))
    record = _record(group, newest)
    payload = _payload(record)
    ref, count = newest.ref, sum(event.count for event in group)
    parts = (ref.cluster, ref.kind, ref.namespace, ref.name, ref.container, newest.event_type, newest.reason)
    identity = digest("event", *parts, newest.uid, started_at, origin)
    return Document(
        id=digest(identity, count, payload["messages"]),
        identity=identity,
        kind=DocumentKind.EVENT,
        ref=ref,
        source=Source(path=source.path, first_line=first, last_line=last),
        observed_at=source.observed_at,
        first_time=started_at,
        last_time=None if ended == _EARLIEST else ended,
        count=count,
        severity=Severity.WARNING if newest.event_type == "Warning" else Severity.NORMAL,
        text=_text(lines, first, last, newest),
        card=_card(newest, count),
        payload=payload,
        incarnation=newest.uid,
    )


def _span(group: list[SingleEvent], newest: SingleEvent) -> tuple[int, int]:
    """Give the lines of the whole group where nothing stands between them, else those of its newest Event."""
    spans = sorted((event.first_line, event.last_line) for event in group)
    contiguous = all(after[0] <= before[1] + 1 for before, after in pairwise(spans))
    first, last = spans[0][0], max(span[1] for span in spans)
    if contiguous and last - first < _MAX_TEXT_LINES:
        return first, last
    return newest.first_line, newest.last_line


def _text(lines: Sequence[str], first: int, last: int, newest: SingleEvent) -> str:
    # A whole List may stand on one line; then only the Event's own part counts.
    text = newest.text if first == last and newest.text else "\n".join(lines[first - 1 : last])
    return storable(text) if len(text) <= _MAX_TEXT_CHARS else newest.message


def _record(group: list[SingleEvent], newest: SingleEvent) -> EventRecord:
    return EventRecord(
        event_type=newest.event_type,
        reason=newest.reason,
        involved_uid=newest.uid,
        messages=_messages(group),
        component=newest.component,
        host=newest.host,
        related=newest.related,
    )


def _messages(group: list[SingleEvent]) -> tuple[EventMessage, ...]:
    """Give each different message once, oldest first; of very many only the newest."""
    messages: dict[str, EventMessage] = {}
    for event in sorted(group, key=_end):
        seen = messages.pop(event.message, None)
        starts = [time for time in (event.first, seen and seen.first) if time]
        messages[event.message] = EventMessage(
            text=event.message,
            count=event.count + (seen.count if seen else 0),
            first=min(starts, default=None),
            last=event.last or (seen.last if seen else None),
            times=_times(seen, event) if seen else (),
            line=event.line or event.first_line,
        )
    return tuple(messages.values())[-_MAX_MESSAGES:]


def _times(seen: EventMessage, event: SingleEvent) -> tuple[datetime, ...]:
    before = seen.times or ((seen.last,) if seen.last else ())
    return (*before, *((event.last,) if event.last else ()))[-_MAX_TIMES:]


def _payload(record: EventRecord) -> dict[str, Any]:
    """Give the record as it is stored; what holds no times looks, and is identified, as if there were none."""
    payload = record.model_dump(mode="json")
    for message in payload["messages"]:
        if not message["times"]:
            del message["times"]
    return payload


def _card(event: SingleEvent, count: int) -> str:
    times = f" (x{count})" if count > 1 else ""
    name = "/".join(filter(None, (event.ref.namespace, event.ref.name)))
    container = f"[{event.ref.container}]" if event.ref.container else ""
    subject = " ".join(filter(None, (event.event_type, event.reason, event.ref.kind, f"{name}{container}")))
    message = " ".join(event.message.split())
    return f"{subject}: {message}"[: MAX_CARD_CHARS - len(times)] + times
