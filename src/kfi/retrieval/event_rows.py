"""
Events as rows of a list: several texts that show one Event (a table and `describe`) make one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from kfi.models.listing import Row, Selection
from kfi.models.schemas import ObjectRef
from kfi.snapshot.view import Event

# Two texts that count from ages place one Event up to some minutes apart.
_SLACK = timedelta(minutes=2)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Spell(NamedTuple):
    """One Event as it stands in some texts."""

    event: Event
    ref: ObjectRef
    counts: dict[tuple[str, datetime], int]
    """By the text that shows it: texts repeat each other, parts of one text add up."""

    @property
    def first(self) -> datetime:
        """When it happened first; long ago where no text says."""
        return self.event.first or self.event.last or _LONG_AGO

    @property
    def last(self) -> datetime:
        """When it happened last."""
        return self.event.last or self.event.first or _LONG_AGO


def merged(spells: Iterable[Spell]) -> Iterator[Spell]:
    """Yield spells of the same words, those that overlap as one: several texts show them."""
    current: Spell | None = None
    for spell in sorted(spells, key=_first_of):
        if current is None or spell.first > current.last + _SLACK:
            if current:
                yield current
            current = spell
        else:
            current = _joined(current, spell)
    if current:
        yield current


def _first_of(spell: Spell) -> datetime:
    return spell.first


def _joined(one: Spell, other: Spell) -> Spell:
    counts = dict(one.counts)
    for text, count in other.counts.items():
        counts[text] = counts.get(text, 0) + count
    better, lesser = (one, other) if one.event.count >= other.event.count else (other, one)
    firsts = [event.first for event in (one.event, other.event) if event.first]
    lasts = [event.last for event in (one.event, other.event) if event.last]
    event = replace(better.event, first=min(firsts, default=None), last=max(lasts, default=None))
    return Spell(event, better.ref if better.ref.container else lesser.ref, counts)


def count_in(event: Event, selection: Selection) -> int:
    """Count what lies in the window, where the times of all are known; else everything that was counted."""
    if len(event.times) != event.count:
        return event.count
    return sum(within(time, time, selection) for time in event.times)


def within(first: datetime | None, last: datetime | None, selection: Selection) -> bool:
    """Tell whether something went on in the window; what has no time belongs only where none is asked for."""
    begun, ended = first or last, last or first
    if begun is None or ended is None:
        return not selection.since and not selection.until
    return (not selection.since or ended >= selection.since) and (not selection.until or begun <= selection.until)


def event_row(spell: Spell) -> Row:
    """Give an Event's row; where texts count differently, the highest count holds."""
    event = spell.event
    return Row(
        object=spell.ref,
        status=event.type,
        reason=event.reason,
        message=event.message,
        count=max(spell.counts.values()),
        first=event.first,
        last=event.last,
        citation=event.citation,
    )
