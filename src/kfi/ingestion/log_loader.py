"""
Logs of containers and node services, as one document for each template of message.

A log says the same thing thousands of times; what counts is what it says, how often, since when, and one example with
its stack trace. Lines stream through: memory depends on the number of templates, not on the size of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from kfi.ingestion.base import MAX_CARD_CHARS, BaseDocumentLoader, SourceText, digest, storable
from kfi.ingestion.logs.lines import LogLine
from kfi.ingestion.logs.paths import owner_of
from kfi.ingestion.logs.templates import Template, TemplateMiner
from kfi.ingestion.logs.times import time_of
from kfi.ingestion.logs.traces import LogEntry, entries
from kfi.models.records import LogRecord
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity, Source

_SEVERITIES = {"fatal": Severity.ERROR, "error": Severity.ERROR, "warning": Severity.WARNING}
_MAX_EXAMPLE_CHARS = 2000
_MAX_TEMPLATE_CHARS = 1000
# Pods and hosts told apart within one file; the rest counts as the file's own.
_MAX_OWNERS = 500


class LogLoader(BaseDocumentLoader):
    """Loads logs; whose they are is read from the path, and from the lines where several share a file."""

    def load(self, source: SourceText) -> Iterator[Document]:
        """Yield one document for each template; an empty log gives none."""
        owner = owner_of(source.path, source.cluster, source.namespace)
        found = False
        for document in self.load_lines(enumerate(source.lines(), 1), source, owner.ref, owner.previous):
            found = True
            yield document.model_copy(update={"incarnation": owner.uid}) if owner.uid else document
        if not found:
            source.skip("empty")

    def load_lines(
        self, numbered: Iterable[tuple[int, str]], source: SourceText, ref: ObjectRef, previous: bool = False
    ) -> Iterator[Document]:
        """Yield the documents of the log of `ref` that makes up some numbered lines of a source."""
        log = _Log(ref)
        for entry in entries(numbered):
            log.add(entry)
        for summary in log.distinct():
            yield _document(summary, source, previous)


@dataclass(slots=True)
class _Summary:
    """What is kept of all messages of one template."""

    template: Template
    ref: ObjectRef
    unit: str
    example: LogEntry
    first_stamp: object
    last_stamp: object


@dataclass(frozen=True, slots=True)
class _Owner:
    """Who wrote a line; the number keeps its templates apart from others'."""

    number: int
    ref: ObjectRef
    unit: str = ""


@dataclass
class _Log:
    """The templates of one log, told apart by who wrote them."""

    ref: ObjectRef
    miner: TemplateMiner = field(default_factory=TemplateMiner)
    summaries: dict[int, _Summary] = field(default_factory=dict)
    owners: dict[tuple[str, ...], _Owner] = field(default_factory=dict)
    own: _Owner = field(init=False)
    """Whom the file is named after."""

    def __post_init__(self) -> None:
        self.own = _Owner(0, self.ref)

    def add(self, entry: LogEntry) -> None:
        """Count an entry."""
        line = entry.line
        owner = self._owner(line) if line.pod or line.host else self.own
        template = self.miner.add(entry.message, entry.level, owner.number)
        summary = self.summaries.get(id(template))
        if summary is None:
            self.summaries[id(template)] = _Summary(template, owner.ref, owner.unit, entry, line.stamp, line.stamp)
        elif line.stamp is not None:
            summary.first_stamp = line.stamp if summary.first_stamp is None else summary.first_stamp
            summary.last_stamp = line.stamp

    def distinct(self) -> Iterable[_Summary]:
        """Give one summary for each template text: templates may have grown alike while lines came in."""
        found: dict[tuple[object, ...], _Summary] = {}
        for summary in self.summaries.values():
            template = summary.template
            first = found.setdefault((template.group, template.level, template.text[:_MAX_TEMPLATE_CHARS]), summary)
            if first is not summary:
                first.template.count += template.count
                first.first_stamp = summary.first_stamp if first.first_stamp is None else first.first_stamp
                first.last_stamp = first.last_stamp if summary.last_stamp is None else summary.last_stamp
        return found.values()

    def _owner(self, line: LogLine) -> _Owner:
        """Give the Pod or Node (with its unit) that a line names itself by."""
        # A container may well write in syslog's form, and then the host is its own name.
        if not line.pod and (self.ref.kind or self.ref.namespace):
            return self.own
        key = (line.namespace, line.pod, line.container, line.host, line.unit)
        owner = self.owners.get(key)
        if owner is None:
            if len(self.owners) >= _MAX_OWNERS:
                return self.own
            owner = self.owners[key] = self._named(len(self.owners) + 1, line)
        return owner

    def _named(self, number: int, line: LogLine) -> _Owner:
        if not line.pod:
            return _Owner(number, ObjectRef(cluster=self.ref.cluster, kind="Node", name=line.host), line.unit)
        namespace = line.namespace or self.ref.namespace
        named = {"kind": "Pod", "namespace": namespace, "name": line.pod, "container": line.container}
        return _Owner(number, self.ref.model_copy(update=named))


def _document(summary: _Summary, source: SourceText, previous: bool) -> Document:
    entry, ref, level = summary.example, summary.ref, summary.template.level
    record = LogRecord(
        template=summary.template.text[:_MAX_TEMPLATE_CHARS],
        example=entry.message[:_MAX_EXAMPLE_CHARS],
        level=level,
        previous=previous,
        line=entry.first_line,
        stack=storable(entry.stack_text),
        unit=summary.unit,
    )
    first, last = _times(summary, source)
    parts = (ref.cluster, ref.namespace, ref.kind, ref.name, ref.container, summary.unit, previous, level)
    identity = digest("log", *parts, record.template, source.path)
    count = summary.template.count
    return Document(
        id=digest(identity, count, first, last),
        identity=identity,
        kind=DocumentKind.LOG,
        ref=ref,
        source=Source(path=source.path, first_line=entry.first_line, last_line=entry.last_line),
        observed_at=source.observed_at,
        first_time=first,
        last_time=last,
        count=count,
        # A program may log an exception as information; a stack trace is worth a look all the same.
        severity=_SEVERITIES.get(level, Severity.WARNING if entry.trace else Severity.NORMAL),
        text=storable("\n".join(entry.rows)),
        card=_card(summary, record),
        payload=record.model_dump(mode="json"),
    )


def _times(summary: _Summary, source: SourceText) -> tuple[datetime | None, datetime | None]:
    """Give first and last time; a merged file need not be in order."""
    times = [time_of(stamp, source.observed_at) for stamp in (summary.first_stamp, summary.last_stamp)]
    known = [time for time in times if time]
    return min(known, default=None), max(known, default=None)


def _card(summary: _Summary, record: LogRecord) -> str:
    ref = summary.ref
    name = "/".join(filter(None, ("" if ref.kind != "Node" else "Node", ref.namespace, ref.name)))
    container = f"[{ref.container}]" if ref.container else ""
    times = f"x{summary.template.count}" if summary.template.count > 1 else ""
    words = ("log", f"{name}{container}", record.unit, "previous" if record.previous else "", record.level, times)
    return f"{' '.join(filter(None, words))}: {record.template}"[:MAX_CARD_CHARS]
