"""Seeded synthetic series: what has a pattern is found, what has none is not, more than once in a hundred."""

from __future__ import annotations

import random
from itertools import accumulate

import pytest

from kfi.patterns.chance import distinct, find_burst, find_period, find_tendency, is_new, upper_tail

SERIES = 1000
HOUR = 3600.0


def poisson(rng: random.Random, count: int, mean_gap: float = 300.0) -> list[float]:
    return list(accumulate(rng.expovariate(1 / mean_gap) for _ in range(count)))


def regular(rng: random.Random, count: int, period: float, jitter: float, missed: float = 0.0) -> list[float]:
    times = [n * period + rng.gauss(0, jitter * period) for n in range(count)]
    return sorted(time for time in times if rng.random() >= missed)


@pytest.mark.parametrize("count", [7, 10, 20, 60, 200])
@pytest.mark.parametrize("mean_gap", [30.0, 300.0, 400.0, 1500.0])
@pytest.mark.parametrize("resolution", [1.0, 60.0])
def test_random_series_have_no_period(count: int, mean_gap: float, resolution: float):
    rng = random.Random(count)
    told = 0
    for _ in range(SERIES):
        times = sorted({time // resolution * resolution for time in poisson(rng, count, mean_gap)})
        told += find_period(times, resolution) is not None

    assert told / SERIES < 0.01


@pytest.mark.parametrize(("jitter", "missed"), [(0.0, 0.0), (0.05, 0.0), (0.05, 0.15)])
def test_what_comes_back_after_equal_gaps_is_found_with_its_period(jitter: float, missed: float):
    rng = random.Random(1)
    found = [find_period(regular(rng, 20, 300, jitter, missed)) for _ in range(200)]

    periods = [one.seconds for one in found if one]
    assert len(periods) > 190
    assert all(280 < period < 320 for period in periods)


def test_six_gaps_are_the_fewest_that_make_a_period():
    times = [300.0 * n for n in range(7)]

    assert find_period(times) is not None
    assert find_period(times[:-1]) is None


def test_ages_in_whole_minutes_make_no_period_of_a_minute():
    rng = random.Random(2)
    times = sorted({time // 60 * 60 for time in poisson(rng, 200, 20.0)})

    assert find_period(times, 60.0) is None


def test_growing_gaps_are_no_period():
    gaps = [10, 20, 40, 80, 160, 300, 600, 1200]

    assert find_period([0.0, *accumulate(map(float, gaps))]) is None


@pytest.mark.parametrize("count", [10, 20, 60, 200])
def test_random_series_neither_rise_nor_fall(count: int):
    rng = random.Random(count)
    tendencies = [one for _ in range(SERIES) if (one := find_tendency(poisson(rng, count)))]

    assert len(tendencies) > SERIES / 2
    assert sum(one.sure for one in tendencies) / len(tendencies) < 0.02


def test_a_rate_that_triples_rises_and_one_that_drops_to_a_third_falls():
    rng = random.Random(3)
    quick = poisson(rng, 45, 100)
    slow = poisson(rng, 15, 300)
    rising = find_tendency([*slow, *(slow[-1] + time for time in quick)])
    falling = find_tendency([*quick, *(quick[-1] + time for time in slow)])

    assert rising is not None
    assert rising.sure
    assert rising.after > rising.before
    assert falling is not None
    assert falling.sure
    assert falling.after < falling.before


@pytest.mark.parametrize("count", [5, 10, 20, 60, 200])
def test_random_series_hold_no_burst(count: int):
    rng = random.Random(count)
    told = 0
    for _ in range(SERIES):
        times = sorted(rng.uniform(0, 24 * HOUR) for _ in range(count))
        told += find_burst(times, 0, 24 * HOUR) is not None

    assert told / SERIES < 0.02


def test_many_in_a_short_while_are_a_burst_with_its_beginning_and_end():
    rng = random.Random(4)
    background = [rng.uniform(0, 24 * HOUR) for _ in range(20)]
    gathered = [10 * HOUR + rng.uniform(0, 240) for _ in range(12)]

    found = find_burst(sorted([*background, *gathered]), 0, 24 * HOUR)

    assert found is not None
    assert found.start >= 10 * HOUR
    assert found.end <= 10 * HOUR + 300
    assert (found.count, found.of) == (12, 32)


def test_four_are_no_burst_however_close():
    assert find_burst([HOUR, HOUR + 1, HOUR + 2, HOUR + 3], 0, 24 * HOUR) is None


def test_a_message_is_new_only_where_chance_would_have_shown_it_before():
    assert is_new(3, 0.1) == pytest.approx(0.001)
    assert is_new(1, 0.05) is None
    assert is_new(10, 0.9) is None


def test_random_messages_are_rarely_new():
    rng = random.Random(5)
    told = 0
    for _ in range(SERIES):
        times = sorted(rng.uniform(0, HOUR) for _ in range(rng.randint(1, 30)))
        told += is_new(len(times), (HOUR - times[0]) / HOUR) is not None

    assert told / SERIES < 0.05


def test_the_tail_of_a_binomial_adds_up():
    assert upper_tail(4, 0, 0.5) == 1.0
    assert upper_tail(4, 4, 0.5) == pytest.approx(1 / 16)
    assert upper_tail(4, 5, 0.5) == 0.0
    assert upper_tail(2000, 1100, 0.5) == pytest.approx(4.2e-6, rel=0.1)


def test_one_moment_said_twice_is_one():
    assert distinct([0.0, 0.3, 5.0, 5.4, 9.0]) == [0.0, 5.0, 9.0]


def test_of_many_random_series_together_none_is_told():
    rng = random.Random(6)
    alone = together = 0
    for _ in range(SERIES):
        times = sorted(rng.uniform(0, HOUR) for _ in range(rng.randint(1, 30)))
        share = (HOUR - times[0]) / HOUR
        alone += is_new(len(times), share) is not None
        together += is_new(len(times), share, among=SERIES) is not None

    assert alone > 0
    assert together == 0
    assert find_period([300.0 * n for n in range(20)], among=SERIES) is not None
    assert find_period([300.0 * n for n in range(7)], among=SERIES) is None
    spread = [2 * HOUR * n for n in range(12)]
    gathered = [HOUR * 11.5 + 100 * n for n in range(6)]
    assert find_burst(sorted([*spread, *gathered]), 0, 24 * HOUR) is not None
    assert find_burst(sorted([*spread, *gathered]), 0, 24 * HOUR, among=10 * SERIES) is None
