"""
When each sort of Event happened to each workload, gathered from the ledger in one pass.

The ledger keeps every state of an Event: one that was seen with a count of 3 and later with 9 tells of two more times.
Memory is bounded: so many sorts, and so many times of each, the newest; what is left out is counted.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from kfi.models.schemas import Citation, Document, ObjectRef
from kfi.snapshot.build import event_messages
from kfi.snapshot.view import Event

_MOST_SERIES = 5_000
_MOST_TIMES = 400
_MOST_COUNTED = 400
_MOST_PLACES = 50
# Seconds. kubectl prints ages of more than ten minutes in whole minutes.
_COARSE_S = 60
# Seconds. Two texts that count from ages place one Event up to some minutes apart.
_SLACK_S = 120.0


class Sort(NamedTuple):
    """What makes Events one series."""

    workload: ObjectRef
    reason: str


@dataclass
class _Stretch:
    """A time in which one message about one object was repeated."""

    first: float
    last: float
    count: int


@dataclass
class Series:
    """One sort of Event: when it happened, how often, and to what."""

    sort: Sort
    warning: bool
    times: list[float] = field(default_factory=list)
    """Known one by one, in seconds since 1970, sorted; the newest of very many."""
    objects: dict[ObjectRef, int] = field(default_factory=dict)
    hosts: dict[str, int] = field(default_factory=dict)
    first: datetime | None = None
    last: datetime | None = None
    newest: Citation | None = None
    oldest: Citation | None = None
    message: str = ""
    coarse: bool = True
    """Whether all times may be ages in whole minutes."""
    cut: bool = False
    """Whether there were more times than are kept."""
    _stretches: dict[tuple[ObjectRef, str], list[_Stretch]] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """How often it happened, repeats included."""
        return max(sum(one.count for some in self._stretches.values() for one in some), len(self.times))

    @property
    def resolution_s(self) -> float:
        """Seconds that times may be wrong by."""
        return float(_COARSE_S) if self.coarse and len(self.times) > 2 else 1.0

    @property
    def told_apart(self) -> bool:
        """Whether most occurrences are known with a time of their own."""
        return self.cut or 2 * len(self.times) >= self.count

    def add(self, event: Event, ref: ObjectRef, observed_at: datetime) -> None:
        """Take in one message of a group of Events."""
        for time in dict.fromkeys((*event.times, *filter(None, (event.first, event.last)))):
            self._happened(time, observed_at)
        if event.first and (self.first is None or event.first < self.first):
            self.first, self.oldest = event.first, event.citation
        if event.last and (self.last is None or event.last >= self.last):
            self.last, self.newest, self.message = event.last, event.citation, event.message
        self._count(event, ref)
        if ref in self.objects or len(self.objects) < _MOST_PLACES:
            self.objects[ref] = self.objects.get(ref, 0) + 1

    def _count(self, event: Event, ref: ObjectRef) -> None:
        """Count what other texts and earlier states of the same Event do not hold already."""
        key = (ref, event.message)
        if key not in self._stretches and len(self._stretches) >= _MOST_COUNTED:
            return
        stretches = self._stretches.setdefault(key, [])
        first = event.first.timestamp() if event.first else 0.0
        last = event.last.timestamp() if event.last else first
        for one in stretches:
            if first <= one.last + _SLACK_S and last >= one.first - _SLACK_S:
                one.first, one.last, one.count = min(one.first, first), max(one.last, last), max(one.count, event.count)
                return
        if len(stretches) < _MOST_COUNTED:
            stretches.append(_Stretch(first, last, event.count))

    def _happened(self, when: datetime, observed_at: datetime) -> None:
        time = when.timestamp()
        self.coarse = self.coarse and (observed_at - when).total_seconds() % _COARSE_S == 0
        if time in self.times:
            return
        insort(self.times, time)
        if len(self.times) > _MOST_TIMES:
            del self.times[0]
            self.cut = True


@dataclass
class Gathered:
    """Every series of a part of the record."""

    series: dict[Sort, Series] = field(default_factory=dict)
    left_out: int = 0
    """Messages of sorts beyond what is kept in memory."""
    begin: datetime | None = None
    """The first Event of all."""

    def __iter__(self) -> Iterator[Series]:
        return iter(self.series.values())


def gathered(documents: Iterable[Document], workload: Callable[[ObjectRef], ObjectRef]) -> Gathered:
    """Go through documents of Events once and give them as series; `workload` names the owner of an object."""
    found = Gathered()
    for document in documents:
        host = document.payload.get("host")
        ref = document.ref.object
        for event in event_messages(document):
            series = _series(found, Sort(workload(ref), event.reason), event)
            if series is None:
                found.left_out += 1
                continue
            series.add(event, ref, document.observed_at)
            if isinstance(host, str) and host and (host in series.hosts or len(series.hosts) < _MOST_PLACES):
                series.hosts[host] = series.hosts.get(host, 0) + 1
            if event.first and (found.begin is None or event.first < found.begin):
                found.begin = event.first
    return found


def _series(found: Gathered, sort: Sort, event: Event) -> Series | None:
    series = found.series.get(sort)
    if series is None and len(found.series) < _MOST_SERIES:
        series = found.series[sort] = Series(sort, event.type == "Warning")
    if series is not None and event.type == "Warning":
        series.warning = True
    return series
