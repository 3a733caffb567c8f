"""
Log messages that are new: never seen before, though the log was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kfi.models.records import LogRecord
from kfi.models.schemas import Citation, Document, ObjectRef
from kfi.patterns.chance import is_new
from kfi.snapshot.provenance import quote

_MOST_TEMPLATES = 20_000
_TELLING = ("warning", "error", "fatal")
# A log that was watched for less cannot tell what is new in it.
_WATCHED = timedelta(minutes=10)
# Lines of one minute are one happening said several times.
_APART_S = 60.0

Writer = tuple[ObjectRef, str]
"""A workload and its container."""


@dataclass(frozen=True)
class NewMessage:
    """A message that was not there before."""

    writer: ObjectRef
    """The workload, with the container."""
    template: str
    example: str
    count: int
    first: datetime
    last: datetime
    watched_since: datetime
    p_value: float
    citation: Citation


@dataclass
class _Message:
    first: datetime
    last: datetime
    count: int
    example: str
    citation: Citation

    def add(self, first: datetime, last: datetime, count: int) -> None:
        self.first, self.last = min(self.first, first), max(self.last, last)
        self.count = max(self.count, count)


@dataclass
class _Logs:
    watched: dict[Writer, tuple[datetime, datetime]] = field(default_factory=dict)
    messages: dict[tuple[Writer, str], _Message] = field(default_factory=dict)


def new_messages(documents: Iterable[Document], writer: Callable[[Document], ObjectRef]) -> Iterator[NewMessage]:
    """Yield the warnings and errors that began late in a log; `writer` names the workload behind a log document.

    The test: had it come at its rate all along, all of its occurrences would hardly lie in the last part of the time
    that the log was watched. Lines of one minute count once.
    """
    logs = _read(documents, writer)
    for (who, template), message in logs.messages.items():
        begin, end = logs.watched[who]
        if message.first - begin < _WATCHED:
            continue
        share = (end - message.first) / (end - begin)
        apart = min(message.count, 1 + int((message.last - message.first).total_seconds() // _APART_S))
        p_value = is_new(apart, share, len(logs.messages))
        if p_value is not None:
            ref = who[0].model_copy(update={"container": who[1]})
            yield NewMessage(
                writer=ref,
                template=template,
                example=message.example,
                count=message.count,
                first=message.first,
                last=message.last,
                watched_since=begin,
                p_value=p_value,
                citation=message.citation,
            )


def _read(documents: Iterable[Document], writer: Callable[[Document], ObjectRef]) -> _Logs:
    logs = _Logs()
    for document in documents:
        first, last = document.first_time, document.last_time
        if first is None or last is None:
            continue
        who = (writer(document).object, document.ref.container)
        begin, end = logs.watched.get(who, (first, last))
        logs.watched[who] = (min(begin, first), max(end, last))
        record = LogRecord.model_validate(document.payload)
        if record.level in _TELLING or record.stack:
            _note(logs, (who, record.template), document, record)
    return logs


def _note(logs: _Logs, key: tuple[Writer, str], document: Document, record: LogRecord) -> None:
    first, last = document.first_time, document.last_time
    if first is None or last is None:
        return
    known = logs.messages.get(key)
    if known:
        known.add(first, last, document.count)
    elif len(logs.messages) < _MOST_TEMPLATES:
        line = document.source.first_line
        text = quote(document, line)
        cited = Citation(document_id=document.id, path=document.source.path, first_line=line, last_line=line, text=text)
        logs.messages[key] = _Message(first, last, document.count, record.example, cited)
