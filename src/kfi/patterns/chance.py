"""
Tests of times against chance: whether gaps are equal, whether there is more of something, whether it gathers.

Chance is a Poisson process: occurrences that know nothing of each other. Every test gives how likely chance alone is to
look as much like a pattern, and the bars are set so that of random series about 1 in 100 passes one at most. Where many
series are looked at together (`among`), the bars rise, so that 1 time in 20 at most any of them passes (Bonferroni).
Times are seconds, sorted; nothing here does I/O.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

_REGULAR_ALPHA = 0.001
_TREND_ALPHA = 0.01
_BURST_ALPHA = 0.01
_NEW_ALPHA = 0.01
_ANY_ALPHA = 0.05

FEWEST_GAPS = 6
"""Fewer equal gaps may well be chance."""
_TOLERANCE = 0.2
# Of a Poisson process, 24% of the gaps lie within a fifth of one, two or three times their median. What is above covers
# that the median is taken from the same gaps, and that a coarse clock (ages in whole minutes) has few lengths to offer.
_REGULAR_BY_CHANCE = 0.3
_REGULAR_BY_CHANCE_COARSE = 0.4
_MOST_SKIPPED = 3
# Seconds. What comes faster is one failure said several times.
_SHORTEST_PERIOD_S = 10.0
_FEWEST_FOR_TREND = 10
_LEAST_CHANGE = 1.5
_FEWEST_IN_BURST = 5
_WIDTHS_S = (60.0, 300.0, 900.0, 3600.0)
# A stretch that is a quarter of all that was seen is no short while.
_WIDEST_PART = 0.25


class Period(NamedTuple):
    """Equal gaps."""

    seconds: float
    regular: int
    """Gaps that are one, two or three periods long, give or take a fifth."""
    gaps: int
    p_value: float


class Tendency(NamedTuple):
    """The rates of two halves of the time."""

    before: int
    after: int
    p_value: float

    @property
    def sure(self) -> bool:
        """Whether they differ by more than chance explains."""
        low, high = sorted((self.before, self.after))
        return self.p_value < _TREND_ALPHA and high >= _LEAST_CHANGE * low


@dataclass(frozen=True)
class Burst:
    """Many in a short while."""

    start: float
    end: float
    count: int
    of: int
    width_s: float
    """Of the stretch that was looked at, in seconds."""
    p_value: float


def upper_tail(trials: int, least: int, chance: float) -> float:
    """Give how likely at least so many of these trials succeed.

    >>> round(upper_tail(10, 9, 0.5), 4)
    0.0107
    """
    if least <= 0 or chance >= 1:
        return 1.0
    if least > trials or chance <= 0:
        return 0.0
    log_p, log_q = math.log(chance), math.log1p(-chance)
    terms = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) + k * log_p + (trials - k) * log_q
        for k in range(least, trials + 1)
    )
    return min(1.0, math.fsum(math.exp(term) for term in terms))


def _passes(p_value: float, alpha: float, among: int) -> bool:
    return p_value < min(alpha, _ANY_ALPHA / max(among, 1))


def distinct(times: Sequence[float], resolution_s: float = 1.0) -> list[float]:
    """Give times without those that the clock cannot tell from the one before."""
    found: list[float] = []
    for time in times:
        if not found or time - found[-1] > resolution_s / 2:
            found.append(time)
    return found


def find_period(times: Sequence[float], resolution_s: float = 1.0, among: int = 1) -> Period | None:
    """Give the period of what comes back after equal gaps; None where chance could look so.

    The test: how many gaps lie within a fifth of one, two or three times the median gap, against a binomial of what
    a Poisson process gives. A period shorter than four steps of the clock is never told.
    """
    gaps = [after - before for before, after in pairwise(distinct(times, resolution_s))]
    if len(gaps) < FEWEST_GAPS:
        return None
    middle = median(gaps)
    if middle < max(_SHORTEST_PERIOD_S, 4 * resolution_s):
        return None
    single = [gap / steps for gap in gaps if (steps := _steps(gap, middle))]
    by_chance = _REGULAR_BY_CHANCE if resolution_s <= 1 else _REGULAR_BY_CHANCE_COARSE
    p_value = upper_tail(len(gaps), len(single), by_chance)
    if not _passes(p_value, _REGULAR_ALPHA, among):
        return None
    return Period(median(single), len(single), len(gaps), p_value)


def _steps(gap: float, period: float) -> int:
    """Give how many periods a gap is long, 0 where it is no whole number of them."""
    steps = round(gap / period)
    fits = 1 <= steps <= _MOST_SKIPPED and abs(gap - steps * period) <= _TOLERANCE * period
    return steps if fits else 0


def find_tendency(times: Sequence[float], resolution_s: float = 1.0) -> Tendency | None:
    """Compare the rates of the first and the second half of the time; None for too few.

    The test: between the first and the last occurrence of a Poisson process the others lie anywhere, so those in the
    first half are a binomial of one half (two-sided).
    """
    points = distinct(times, resolution_s)
    if len(points) < _FEWEST_FOR_TREND:
        return None
    halfway = (points[0] + points[-1]) / 2
    inner = points[1:-1]
    before = sum(point < halfway for point in inner)
    after = len(inner) - before
    p_value = min(1.0, 2 * upper_tail(len(inner), max(before, after), 0.5))
    return Tendency(before, after, p_value)


def find_burst(times: Sequence[float], begin: float, end: float, among: int = 1) -> Burst | None:
    """Give the stretch in which far more happened than elsewhere in the time from `begin` to `end`; None without one.

    The test: a scan statistic. For each width the fullest window is compared with a binomial of its share of the time;
    the p-value is multiplied by the windows and widths that were tried, so it is too high rather than too low.
    """
    total, whole = len(times), end - begin
    widths = [width for width in _WIDTHS_S if width <= _WIDEST_PART * whole]
    best: Burst | None = None
    for width in widths:
        first, count = _fullest(times, width)
        if count < _FEWEST_IN_BURST:
            continue
        p_value = min(1.0, len(widths) * total * upper_tail(total - 1, count - 1, width / whole))
        if best is None or p_value < best.p_value:
            best = Burst(times[first], times[first + count - 1], count, total, width, p_value)
    return best if best and _passes(best.p_value, _BURST_ALPHA, among) else None


def _fullest(times: Sequence[float], width: float) -> tuple[int, int]:
    """Give where the window with the most times begins, and how many are in it."""
    first = best = most = 0
    for last, time in enumerate(times):
        while time - times[first] > width:
            first += 1
        if last - first + 1 > most:
            best, most = first, last - first + 1
    return best, most


def is_new(count: int, share: float, among: int = 1) -> float | None:
    """Give how likely something seen `count` times falls wholly into the last `share` of the time by chance.

    None where it is not unlikely enough to be called new.

    >>> is_new(3, 0.1), is_new(1, 0.5)
    (0.0010000000000000002, None)
    """
    p_value = min(1.0, max(0.0, share)) ** count
    return p_value if _passes(p_value, _NEW_ALPHA, among) else None
