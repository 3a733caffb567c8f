"""
What was read from a source: counted for a person who wants to know whether an answer can rest on it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kfi.ingestion.coverage import missing_evidence
from kfi.models.reading import LogLines, SkippedGroup, SourceReport, TimeCovered, UnreadPart
from kfi.models.records import LogRecord
from kfi.models.schemas import Document, DocumentKind, IngestReport, Skipped
from kfi.snapshot.build import build_snapshot
from kfi.snapshot.resources import CLASSES
from kfi.snapshot.unread import unread_parts
from kfi.snapshot.view import Snapshot

_HAPPENED = frozenset({DocumentKind.EVENT, DocumentKind.LOG, DocumentKind.ALERT})
# What makes two reasons of one sort differ: a number, or words quoted from the source.
_OWN_WORDS = re.compile(r"'[^']{0,400}'|\"[^\"]{0,400}\"|\d[\d,.]*")


def inspect(documents: Iterable[Document], report: IngestReport) -> SourceReport:
    """Give what was read: `documents` are all that an ingestion made, `report` is what it said."""
    counts = _Counts()
    snapshot = build_snapshot(counts.noting(documents))
    kinds = Counter(ref.kind for ref in snapshot.seen)
    return SourceReport(
        sources=report.sources,
        # A file that says what another one says already leaves no document of its own.
        read=report.sources - len({one.path for one in report.skipped} - counts.paths),
        documents=report.loaded,
        objects=_by_count(kinds),
        forms=_by_count(Counter(one.record.form.value for texts in snapshot.seen.values() for one in texts)),
        other_kinds=_by_count(Counter({kind: count for kind, count in kinds.items() if kind not in CLASSES})),
        namespaces=tuple(sorted(snapshot.namespaces)),
        logs=counts.logs(),
        time=counts.time,
        redactions=report.redactions,
        skipped=grouped(report.skipped),
        unread=unread(snapshot),
        missing=missing_evidence(snapshot),
    )


@dataclass
class _Counts:
    """What is counted while documents pass by: they are not kept."""

    paths: set[str] = field(default_factory=set)
    entries: Counter[str] = field(default_factory=Counter)
    time: TimeCovered = field(default_factory=TimeCovered)

    def noting(self, documents: Iterable[Document]) -> Iterator[Document]:
        """Pass documents on."""
        for document in documents:
            self.paths.add(document.source.path)
            self._note_time(document)
            if document.kind is DocumentKind.LOG:
                record = LogRecord.model_validate(document.payload)
                self.entries["templates"] += 1
                self.entries["entries"] += document.count
                self.entries["without_time"] += 0 if document.first_time else document.count
                self.entries["without_level"] += 0 if record.level else document.count
            yield document

    def logs(self) -> LogLines:
        """Give what the logs came to."""
        return LogLines(**self.entries)

    def _note_time(self, document: Document) -> None:
        seen, old = document.observed_at, self.time
        happened = [document.first_time, document.last_time] if document.kind in _HAPPENED else []
        times = [time for time in (old.first, old.last, *happened) if time]
        self.time = TimeCovered(
            collected_from=min(seen, old.collected_from or seen),
            as_of=max(seen, old.as_of or seen),
            first=min(times, default=None),
            last=max(times, default=None),
        )


def _by_count(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def grouped(skipped: Iterable[Skipped]) -> tuple[SkippedGroup, ...]:
    """Give what was not read by reason, the most frequent first; reasons of one sort are one."""
    groups: dict[str, list[Skipped]] = {}
    for one in skipped:
        groups.setdefault(_OWN_WORDS.sub("…", one.reason), []).append(one)
    found = [
        SkippedGroup(
            reason=places[0].reason if len({place.reason for place in places}) == 1 else sort,
            count=len(places),
            where=tuple(places),
        )
        for sort, places in groups.items()
    ]
    return tuple(sorted(found, key=lambda group: -group.count))


def unread(snapshot: Snapshot) -> tuple[UnreadPart, ...]:
    """Give the parts of objects' texts that no field was read from, the most frequent first."""
    first: dict[tuple[object, ...], UnreadPart] = {}
    counts: Counter[tuple[object, ...]] = Counter()
    for ref, texts in snapshot.seen.items():
        for one in texts:
            form, path = one.record.form, one.document.source.path
            for part, why, line in unread_parts(one):
                key = (ref.kind, form, part, why)
                counts[key] += 1
                if key not in first:
                    first[key] = UnreadPart(kind=ref.kind, form=form, part=part, why=why, count=1, path=path, line=line)
    return tuple(first[key].model_copy(update={"count": count}) for key, count in counts.most_common())
