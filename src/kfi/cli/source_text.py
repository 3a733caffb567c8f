"""
How the report of `kfi doctor --source` looks to a person: what was read, what was not and where, what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from kfi.cli.layout import bold, clock, wrapped
from kfi.models.reading import SourceReport, Unread, UnreadPart
from kfi.models.schemas import Skipped

# Of each list; the places of one reason are shorter still.
_NAMES_SHOWN = 12
_PLACES_SHOWN = 5
_UNREAD = {
    Unread.UNKNOWN: "Columns and sections that no reader knows; they are kept as text and searched:",
    Unread.MALFORMED: "Fields of another type than in the Kubernetes API; they are left out:",
}


def source_report(found: SourceReport, everything: bool) -> str:
    """Give what was read from a source and what was not; of long lists the first, unless everything is asked for."""
    files = "1 file" if found.sources == 1 else f"{found.sources:,} files"
    parts = [bold(wrapped(f"{files} looked at, {found.read:,} of them read.", "")), *_what_was_read(found, everything)]
    shown = None if everything else _PLACES_SHOWN
    for group in found.skipped:
        head = wrapped(f"Not read, {group.count:,} x: {group.reason}", "")
        differ = any(one.reason != group.reason for one in group.where)
        where = [_place(one) + (f": {one.reason}" if differ else "") for one in group.where]
        parts.append(f"{head}\n{_listed(where, shown)}")
    for why, words in _UNREAD.items():
        unread = [_unread(part) for part in found.unread if part.why is why]
        if unread:
            parts.append(f"{wrapped(words, '')}\n{_listed(unread, shown)}")
    if found.missing:
        gaps = "\n".join(f"{wrapped(f'- {gap.what}', '  ')}\n    {gap.command}" for gap in found.missing)
        parts.append(f"{bold('Missing for a sure diagnosis')}\n{gaps}")
    return "\n\n".join(parts)


def _what_was_read(found: SourceReport, everything: bool) -> Iterator[str]:
    """Yield one block: a line for each thing that there is something to say of."""
    shown = None if everything else _NAMES_SHOWN
    lines = (
        ("documents", _counts(found.documents, None)),
        ("objects", _counts(found.objects, shown)),
        ("their texts", _counts(found.forms, None)),
        ("metadata only", _counts(found.other_kinds, shown)),
        ("namespaces", _names(found.namespaces, shown)),
        ("log entries", _logs(found)),
        ("collected", _span(found.time.collected_from, found.time.as_of)),
        ("happened", _span(found.time.first, found.time.last)),
        ("redacted", _counts(found.redactions, None)),
    )
    told = [wrapped(f"{name:<14} {said}", "").replace("\n", "\n" + " " * 15) for name, said in lines if said]
    if told:
        yield "\n".join(told)


def _logs(found: SourceReport) -> str:
    logs = found.logs
    if not logs.entries:
        return ""
    unclear = f"no time in {logs.without_time:,}, no level in {logs.without_level:,}"
    return f"{logs.entries:,}, of {logs.templates:,} sorts; {unclear}"


def _span(first: datetime | None, last: datetime | None) -> str:
    """Give the time that something covers; empty where nothing tells."""
    if not first or not last:
        return ""
    return clock(last) if first == last else f"{clock(first)} to {clock(last)}"


def _counts(counts: Mapping[str, int], shown: int | None) -> str:
    return _names([f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items()], shown)


def _names(names: Sequence[str], shown: int | None) -> str:
    more = len(names) - len(names[:shown])
    return ", ".join([*names[:shown], *([f"… and {more} more"] if more else [])])


def _place(where: Skipped) -> str:
    return f"{where.path}:{where.line}" if where.line else where.path


def _unread(part: UnreadPart) -> str:
    return f"{part.kind} {part.form}: {part.part} ({part.count:,} x, first {part.path}:{part.line})"


def _listed(lines: Sequence[str], shown: int | None) -> str:
    """Give the first lines as they are: a path that was cut in two cannot be copied."""
    more = len(lines) - len(lines[:shown])
    last = [f"  … and {more} more; all of them with --all"] if more else []
    return "\n".join([*(f"  - {line}" for line in lines[:shown]), *last])
