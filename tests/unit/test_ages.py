from datetime import UTC, datetime, timedelta, timezone

import pytest

from kfi.snapshot.read.ages import age, ago, timestamp

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
SHANGHAI = timezone(timedelta(hours=8))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0),
        ("93s", 93),
        ("3m12s", 192),
        ("12m", 720),
        ("5d3h", 5 * 86400 + 3 * 3600),
        ("91d", 91 * 86400),
        ("2y47d", (2 * 365 + 47) * 86400),
        (" 4m ago ", 240),
        ("<invalid>", 0),
    ],
)
def test_an_age_is_read_as_kubectl_prints_it(text, seconds):
    assert age(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["<unknown>", "", "ago", "soon", "12", "3m12", "1w", "-3s", None, 93, {}])
def test_what_is_no_age_is_none(text):
    assert age(text) is None


def test_an_age_counts_back_from_the_moment_of_collection():
    assert ago("3m12s", NOW) == datetime(2026, 3, 5, 11, 56, 48, tzinfo=UTC)
    assert ago("<unknown>", NOW) is None


def test_an_age_before_the_first_year_is_none():
    assert ago("99999y", NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-05T12:00:00Z",
        "2026-03-05T12:00:00.000000999Z",
        "2026-03-05T20:00:00+08:00",
        "2026-03-05 12:00:00,000",
        "2026-03-05 20:00:00 +0800 CST m=+0.017",
        "Thu, 05 Mar 2026 20:00:00 +0800",
        "Thu 2026-03-05 12:00:00 UTC",
        "Thu 2026-03-05 20:00:00 +08",
        "Thu 2026-03-05 12:00:00 UTC; 2h 43min ago",
        "Thu Mar  5 12:00:00 UTC 2026",
        "Thu Mar  5 12:00:00 2026",
    ],
)
def test_a_time_is_read_in_every_form_that_cluster_tools_print(text):
    assert timestamp(text) == NOW


def test_an_abbreviated_zone_means_the_given_zone():
    assert timestamp("Thu 2026-03-05 20:00:00 CST", SHANGHAI) == NOW
    assert timestamp("Thu 2026-03-05 12:00:00 CST") == NOW
    assert timestamp("Thu 2026-03-05 12:00:00 UTC", SHANGHAI) == NOW


def test_digits_beyond_microseconds_are_cut():
    assert timestamp("2026-03-05T12:00:00.123456789Z") == NOW.replace(microsecond=123456)


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-13-05T12:00:00Z", "0001-01-01T00:00:00Z", "Thu, 05 Foo 2026 20:00:00 +0800", "20260305", None, 7],
)
def test_what_is_no_time_is_none(text):
    assert timestamp(text) is None


def test_an_offset_of_more_than_a_day_is_no_time():
    assert timestamp("2026-03-05T12:00:00+99:00") is None
