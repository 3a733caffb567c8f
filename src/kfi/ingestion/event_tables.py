"""
Events in what kubectl prints: the tables of `get events` and `events`, and the Events section of `describe`.

A row is recognised by what its columns must look like, so it is read with a header line, without one, and below
whatever a tool printed first. Wider tables need the header's positions, because some of their columns may be empty.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from kfi.ingestion.base import storable
from kfi.ingestion.event_fields import (
    SingleEvent,
    container_of_message,
    container_of_path,
    number,
    object_of_event_name,
    scoped,
)
from kfi.models.schemas import ObjectRef
from kfi.snapshot.read.ages import ago, timestamp
from kfi.snapshot.read.resource_names import known_kind

_AGE = r"(?:(?:\d{1,6}[ydhms]){1,3}|<unknown>|<invalid>)"
_SEEN = rf"{_AGE}(?: \(x\d{{1,10}} over {_AGE}\))?"
_SEEN_PARTS = re.compile(rf"({_AGE})(?: \(x(\d{{1,10}}) over ({_AGE})\))?")
_NAMESPACE = r"(?:(?P<namespace>[a-z0-9][-a-z0-9]{0,62})\s+)?"
_REASON = r"(?P<reason>[A-Z][A-Za-z0-9_]{0,127})"
_OBJECT = r"(?P<object>[A-Za-z][A-Za-z0-9.]{0,252}(?:/[^\s/]{1,253})?)"
_ROW = re.compile(
    rf"{_NAMESPACE}(?P<seen>{_SEEN})\s+(?P<type>Normal|Warning)\s+{_REASON}\s+{_OBJECT}(?:\s+(?P<message>\S.*))?"
)
_WIDE_END = re.compile(rf"\s+(?P<first>{_AGE})\s+(?P<count>\d{{1,10}})\s+(?P<name>\S{{1,270}})\s*$")
_DESCRIBED = re.compile(rf"\s*(?P<type>[A-Z][a-z]+)\s+(?P<reason>\S{{1,128}})\s+(?P<seen>{_SEEN})\s+(?P<rest>\S.*)")
# kubectl before 1.19 added the host.
_COMPONENT = re.compile(r"\S{1,253}(?:, \S{1,253})?")
_CELLS = re.compile(r"\S+(?: \S+)*")
_STANDARD = frozenset(("NAMESPACE", "LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"))
# Names that people give the column in `-o custom-columns`.
_SEEN_COLUMNS = ("last seen", "lastseen", "last", "age", "time", "timestamp", "lasttimestamp")
_NOTHING = re.compile(r"No (?:resources|events) found")
# A message of several lines is rare and short; more than this is another text glued on.
_MAX_CONTINUATION = 20
_MAX_LINE_CHARS = 16 * 1024


@dataclass(frozen=True)
class Header:
    """The columns of a table and where each begins."""

    starts: dict[str, int]

    @property
    def wide(self) -> bool:
        """Whether there are other columns than the usual ones."""
        return bool(self.starts.keys() - _STANDARD)


@dataclass(frozen=True)
class Origin:
    """What a table leaves out: when it was printed, and of which cluster and namespace."""

    now: datetime
    cluster: str = ""
    namespace: str = ""


def is_nothing(line: str) -> bool:
    """Tell whether kubectl says here that there are no Events."""
    return bool(_NOTHING.match(line))


def read_header(line: str) -> Header | None:
    """Give the columns of an Events table's header line, None for any other line."""
    if len(line) > _MAX_LINE_CHARS or "REASON" not in line or "MESSAGE" not in line:
        return None
    starts = {match[0]: match.start() for match in _CELLS.finditer(line)}
    if len(starts) < 4:  # someone collapsed the spaces
        starts = {name: line.index(name) for name in _STANDARD if name in line}
    return Header(starts) if "REASON" in starts and "MESSAGE" in starts and line.isupper() else None


def is_table(lines: Iterable[str]) -> bool:
    """Tell whether a header or a row of an Events table is among these lines."""
    return any(read_header(line) or _ROW.fullmatch(line[:_MAX_LINE_CHARS].strip()) for line in lines)


def read_table(lines: Iterable[tuple[int, str]], origin: Origin) -> Iterator[SingleEvent]:
    """Yield the Events of a table; lines before its first row, and between tables, are passed over.

    A line that is no row continues the message above it: `kubectl events` prints line breaks as they are.
    """
    header: Header | None = None
    event: SingleEvent | None = None
    for number_, line in lines:
        found = read_header(line)
        row = None if found else _read_row(storable(line[:_MAX_LINE_CHARS].rstrip()), number_, header, origin)
        if row is None and found is None and event is not None and _continues(event, number_, line):
            event = _continued(event, number_, line)
            continue
        if event is not None:
            yield event
        header, event = found or header, row
    if event is not None:
        yield event


def read_described(rows: Iterable[tuple[int, str]], involved: ObjectRef, now: datetime) -> Iterator[SingleEvent]:
    """Yield the Events of a `describe` section (Type, Reason, Age, From, Message) about one object.

    A message is printed with its line breaks: what stands between two rows belongs to the first, blank lines or not.
    Behind the last row only what follows without a blank line does, for another text may stand there.
    """
    event: SingleEvent | None = None
    later: list[tuple[int, str]] = []
    for number_, line in rows:
        row = _read_described_row(storable(line[:_MAX_LINE_CHARS].rstrip()), number_, involved, now)
        if row is None:
            later += [(number_, line)] if len(later) < _MAX_CONTINUATION else []
            continue
        if event is not None:
            yield _with_later(event, later, number_)
        event, later = row, []
    if event is not None:
        yield _with_later(event, later, None)


def _with_later(event: SingleEvent, later: Iterable[tuple[int, str]], next_row: int | None) -> SingleEvent:
    """Add the later lines of a message; `next_row` is the line of the row below them, where there is one."""
    closed = next_row is not None and next_row - event.first_line <= 2 * _MAX_CONTINUATION
    for number_, line in later:
        if not closed and not _continues(event, number_, line):
            break
        event = _continued(event, number_, line)
    return event


def kind_of(resource: str) -> str:
    """Give the kind of a resource as kubectl prints it: `pod`, `deployment.apps`, `Pod`.

    >>> kind_of("horizontalpodautoscaler"), kind_of("deployment.apps"), kind_of("widget")
    ('HorizontalPodAutoscaler', 'Deployment', 'Widget')
    """
    name = resource.partition(".")[0]
    # `kubectl events` prints kinds as they are, also those of custom resources.
    return known_kind(name) or (name if name != name.lower() else name.capitalize())


def _continues(event: SingleEvent, number_: int, line: str) -> bool:
    fits = number_ == event.last_line + 1 and event.last_line - event.first_line < _MAX_CONTINUATION
    return fits and bool(line.strip()) and not is_nothing(line)


def _continued(event: SingleEvent, number_: int, line: str) -> SingleEvent:
    return replace(event, message=f"{event.message}\n{storable(line[:_MAX_LINE_CHARS].rstrip())}", last_line=number_)


def _read_row(line: str, number_: int, header: Header | None, origin: Origin) -> SingleEvent | None:
    cells = _cells_by_position(line, header) if header and header.wide else None
    if cells is None:
        match = _ROW.fullmatch(line.strip())
        cells = {key: value or "" for key, value in match.groupdict().items()} if match else None
        if cells and header is None:
            cells = _wide_cells(cells)
    if cells is None and header is not None:
        cells = _cells_by_position(line, header)
    return _event(cells, number_, origin) if cells else None


def _wide_cells(cells: dict[str, str]) -> dict[str, str]:
    """Take apart what follows the object in a wide row without a header line."""
    end = _WIDE_END.search(cells["message"])
    if not end or not object_of_event_name(end["name"]):
        return cells
    message = cells["message"][: end.start()]
    subobject, source = "", ""
    if container_of_path(message.split(" ", 1)[0]):
        subobject, _, message = message.partition(" ")
    parts = re.split(r"\s{2,}", message.strip(), maxsplit=1)
    if len(parts) == 2:
        source, message = parts
    return {**cells, **end.groupdict(), "message": message, "subobject": subobject, "source": source}


def _cells_by_position(line: str, header: Header) -> dict[str, str] | None:
    """Cut a row where the header's columns begin; None where a cell crosses such a place."""
    places = sorted((start, name) for name, start in header.starts.items())
    if any(0 < start < len(line) and not line[start - 1].isspace() for start, name in places):
        return None
    ends = [start for start, _ in places[1:]] + [len(line)]
    cells = {name.lower(): line[start:end].strip() for (start, name), end in zip(places, ends, strict=True)}
    seen_column = next((name for name in _SEEN_COLUMNS if name in cells), "")
    cells["seen"] = cells.get(seen_column, "")
    cells["first"] = cells.get("first seen", "")
    if "object" not in cells:  # kubectl before 1.14: KIND, and NAME for the Event's own name
        name = cells.get("name", "")
        cells["object"] = f"{cells.get('kind', '')}/{object_of_event_name(name) or name}"
    timed = re.fullmatch(_SEEN, cells["seen"]) or timestamp(cells["seen"]) or not seen_column
    return cells if timed and re.fullmatch(_REASON, cells["reason"]) else None


def _event(cells: dict[str, str], number_: int, origin: Origin) -> SingleEvent:
    last, first, count = _seen(cells["seen"], origin.now)
    first = first or ago(cells.get("first"), origin.now)
    kind_text, _, name = cells["object"].partition("/")
    kind = kind_of(kind_text)
    component, _, host = cells.get("source", "").partition(", ")
    message = cells.get("message") or ""
    container = container_of_path(cells.get("subobject", "")) or _pod_container(kind, message)
    namespace = scoped(kind, cells.get("namespace") or origin.namespace)
    return SingleEvent(
        ref=ObjectRef(cluster=origin.cluster, kind=kind, namespace=namespace, name=name, container=container),
        reason=cells["reason"],
        message=message,
        event_type=cells.get("type") or "Normal",
        first=first,
        last=last,
        count=number(cells.get("count")) or count,
        component=component,
        host=host if component == "kubelet" else "",
        first_line=number_,
        last_line=number_,
        line=number_,
    )


def _read_described_row(line: str, number_: int, involved: ObjectRef, now: datetime) -> SingleEvent | None:
    match = _DESCRIBED.fullmatch(line)
    if not match:
        return None
    # `From` may be empty, and then the message follows the age directly.
    parts = re.split(r"\s{2,}", match["rest"], maxsplit=1)
    component, message = (parts[0], parts[1]) if len(parts) == 2 else ("", match["rest"])
    if not _COMPONENT.fullmatch(component):
        component, message = _component_first(match["rest"])
    last, first, count = _seen(match["seen"], now)
    container = involved.container or _pod_container(involved.kind, message)
    return SingleEvent(
        ref=involved.model_copy(update={"container": container}),
        reason=match["reason"],
        message=message,
        event_type=match["type"],
        first=first or last,
        last=last,
        count=count,
        component=component.partition(", ")[0],
        host=component.partition(", ")[2],
        first_line=number_,
        last_line=number_,
        line=number_,
    )


def _component_first(rest: str) -> tuple[str, str]:
    """Part component and message where single spaces are all there is; components are lower-case with dashes."""
    word, _, message = rest.partition(" ")
    looks_like_one = re.fullmatch(r"[a-z0-9./-]+", word) and ("-" in word or word == "kubelet")
    return (word, message.strip()) if looks_like_one and message else ("", rest)


def _pod_container(kind: str, message: str) -> str:
    return container_of_message(message) if kind == "Pod" else ""


def _seen(text: str, now: datetime) -> tuple[datetime | None, datetime | None, int]:
    """Give last time, first time and count of "2m (x5 over 10m)"; only the last where nothing else stands there."""
    match = _SEEN_PARTS.fullmatch(text)
    if not match:
        return timestamp(text), None, 1
    return ago(match[1], now), ago(match[3], now), number(match[2]) or 1
