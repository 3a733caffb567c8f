"""
Each pattern in one sentence, with the figures that it rests on.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from kfi.models.patterns import Trend
from kfi.patterns.chance import FEWEST_GAPS, Burst, Period, Tendency
from kfi.patterns.messages import NewMessage
from kfi.patterns.occurrences import Series
from kfi.patterns.spread import Spread

_MOST_NAMED = 4
_MOST_CHARS = 160


def recurring(one: Series, period: Period, trend: Trend | None, tendency: Tendency | None) -> str:
    """Tell what comes back after equal gaps."""
    return (
        f"{one.sort.reason} of {one.sort.workload} comes back every {lasting(period.seconds)}: {period.regular} of "
        f"{period.gaps} gaps fit, {_between(one.first, one.last)}{_tendency(trend, tendency)}."
    )


def repeated(one: Series, trend: Trend | None, tendency: Tendency | None) -> str:
    """Tell what comes often, and why no period is told."""
    span = (one.last - one.first).total_seconds() if one.first and one.last else 0.0
    mean = f", every {lasting(span / (one.count - 1))} on average" if span and one.count > 1 else ""
    tended = _tendency(trend, tendency)
    often = f"{one.sort.reason} of {one.sort.workload} {one.count} times, {_between(one.first, one.last)}{mean}"
    return f"{often}{_why_no_period(one)}{tended}."


def _why_no_period(one: Series) -> str:
    if not one.told_apart:
        return "; single times were not recorded"
    return "; the gaps are not equal" if len(one.times) > FEWEST_GAPS else ""


def burst(one: Series, found: Burst) -> str:
    """Tell what gathers in a short while."""
    first, last = (datetime.fromtimestamp(time, UTC) for time in (found.start, found.end))
    return (
        f"{one.sort.reason} of {one.sort.workload}: {found.count} of {found.of} within "
        f"{lasting(max(found.end - found.start, 1))}, {_between(first, last)}."
    )


def spread(found: Spread) -> str:
    """Tell what fails in several places."""
    namespaces, workloads = found.namespaces, [str(place.workload) for place in found.places]
    where = f"{len(namespaces)} namespaces ({_some(namespaces)})" if len(namespaces) > 1 else ""
    whose = f"{len(workloads)} workloads ({_some(workloads)})"
    said = f": {_cut(found.said)}" if found.said else ""
    alone = f"; all of them on node {found.nodes[0]}" if found.one_node else ""
    alike = f"The same {found.what} Event" if found.said else f"The same kind of failure, {found.what},"
    return f"{alike} in {f'{where}, ' if where else ''}{whose}{alone}{said}."


def new_message(new: NewMessage) -> str:
    """Tell what a log never said before."""
    watched = lasting((new.first - new.watched_since).total_seconds())
    since = f" and {new.count - 1} times after" if new.count > 1 else ""
    said = _cut(new.example)
    return (
        f"{new.writer} logs for the first time at {_clock(new.first)}{since}, and not in the {watched} before: {said}"
    )


def lasting(seconds: float) -> str:
    """Give a length of time in the two units that say most of it.

    >>> lasting(300), lasting(5430), lasting(8.4)
    ('5 min', '1 h 30 min', '8 s')
    """
    whole = round(seconds)
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        number, whole = divmod(whole, size)
        if number:
            parts.append(f"{number} {unit}")
    return " ".join(parts[:2]) or f"{seconds:.1f} s"


def _between(first: datetime | None, last: datetime | None) -> str:
    if first is None or last is None:
        return "at times that nothing tells"
    if last - first < timedelta(seconds=1):
        return f"at {_clock(first)}"
    return f"from {_clock(first)} to {_clock(last)}"


def _tendency(trend: Trend | None, tendency: Tendency | None) -> str:
    if tendency is None or trend in (None, Trend.STEADY):
        return ""
    return f"; {trend}, {tendency.before} in the first half of that time and {tendency.after} in the second"


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def _some(names: tuple[str, ...] | list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARS else f"{line[:_MOST_CHARS]}…"
