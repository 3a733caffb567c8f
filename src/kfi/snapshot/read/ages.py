"""
Ages and times as kubectl, the API server and systemd print them.

A text that is no time gives None, never an error; every time comes back aware and in UTC. Values that are no text
(parsed JSON may hold anything) count as no time, so callers can hand over a field as it is.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo

_AGE = re.compile(r"(?:(\d{1,6})y)?(?:(\d{1,7})d)?(?:(\d{1,8})h)?(?:(\d{1,9})m)?(?:(\d{1,10})s)?")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d(?:[.,]\d{1,12})?) ?(Z|[A-Za-z]{2,5}|[+-]\d\d(?::?\d\d)?)?")
_DAY_MONTH = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d:\d\d:\d\d) ([+-]\d\d:?\d\d|[A-Z]{1,5})"
)
_UNIX_DATE = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +(\d{1,2}) (\d\d:\d\d:\d\d) (?:([+-]\d\d(?:\d\d)?|[A-Z]{2,5}) )?(\d{4})"
)
_WEEKDAY = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?=\d{4}-)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# What Go prints for the zero time.Time.
_ZERO_TIME = "0001-01-01"


def age(text: object) -> timedelta | None:
    """Give a printed age ("93s", "3m12s", "5d3h", "2y47d", "4m ago"), or None where it says none.

    "<invalid>" is zero: kubectl prints it where the clocks of cluster and client differ and the age would be negative.
    A year has 365 days, as in kubectl. Source: apimachinery `duration.HumanDuration`.

    >>> age("3m12s"), age("<unknown>"), age("<invalid>")
    (datetime.timedelta(seconds=192), None, datetime.timedelta(0))
    """
    if not isinstance(text, str):
        return None
    word = text.strip().removesuffix("ago").rstrip()
    if word == "<invalid>":
        return timedelta(0)
    match = _AGE.fullmatch(word)
    if not match or not word:
        return None
    years, days, hours, minutes, seconds = (int(number or 0) for number in match.groups())
    return timedelta(days=365 * years + days, hours=hours, minutes=minutes, seconds=seconds)


def ago(text: object, now: datetime) -> datetime | None:
    """Give the moment a printed age points at, counted back from `now`, or None where it says none."""
    passed = age(text)
    if passed is None:
        return None
    try:
        return (now - passed).astimezone(UTC)
    except OverflowError:
        return None


def timestamp(text: object, zone: tzinfo | None = None) -> datetime | None:
    """Give a printed time in UTC, or None where it is none (Go's zero time is none).

    Reads RFC 3339 (nanoseconds are cut to microseconds), `kubectl describe` ("Tue, 11 Nov 2025 00:19:35 +0800"),
    systemd ("Fri 2025-12-05 14:11:59 CST") and `date` ("Fri Dec  5 14:11:59 CST 2025"). Abbreviations of zones are
    ambiguous (CST has three meanings): they, and a missing zone, mean `zone`, which is UTC unless said.

    >>> timestamp("Tue, 11 Nov 2025 00:19:35 +0800").isoformat()
    '2025-11-10T16:19:35+00:00'
    """
    if not isinstance(text, str) or text.startswith(_ZERO_TIME):
        return None
    word = _WEEKDAY.sub("", text.strip(), count=1)
    if match := _ISO.match(word):
        return _moment(match[1], match[2], match[3], zone)
    if match := _DAY_MONTH.match(word):
        return _moment(_date(match[3], match[2], match[1]), match[4], match[5], zone)
    if match := _UNIX_DATE.match(word):
        return _moment(_date(match[5], match[1], match[2]), match[3], match[4], zone)
    return None


def _date(year: str, month: str, day: str) -> str:
    number = _MONTHS.index(month) + 1 if month in _MONTHS else 0
    return f"{year}-{number:02}-{int(day):02}"


def _moment(date: str, clock: str, zone_text: str | None, zone: tzinfo | None) -> datetime | None:
    try:
        local = datetime.fromisoformat(f"{date}T{clock.replace(',', '.')}")
        return local.replace(tzinfo=_zone(zone_text, zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _zone(text: str | None, otherwise: tzinfo | None) -> tzinfo:
    if text in ("Z", "UTC", "GMT"):
        return UTC
    if not text or text[0] not in "+-":
        return otherwise or UTC
    digits = text[1:].replace(":", "").ljust(4, "0")
    offset = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(-offset if text[0] == "-" else offset)
