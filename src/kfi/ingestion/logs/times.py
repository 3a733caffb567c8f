"""
The times that log lines carry: with and without a year, a zone, or any letters at all.

A time without a year is the latest one that does not lie ahead of the moment of collection.
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta

from kfi.snapshot.read.ages import timestamp

_KLOG = re.compile(r"(\d\d)(\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,9})?)")
_SYSLOG = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d:\d\d:\d\d(?:\.\d{1,9})?)")
_DAY_FIRST = re.compile(r"(\d\d)[ /]([A-Z][a-z]{2})[ /](\d{4})[: ](\d\d:\d\d:\d\d(?:\.\d{1,9})?)(?: ([+-]\d{4}))?")
_JAVA = re.compile(r"([A-Z][a-z]{2}) (\d{1,2}), (\d{4}) (\d{1,2}):(\d\d:\d\d) ([AP])M")
_MONTHS = {name: n for n, name in enumerate(calendar.month_abbr)}
# Nodes may log in a zone of their own without naming it; no zone is further than this from UTC.
_ZONE_SLACK = timedelta(hours=14)
# 2001-09-09 in seconds and 2286-11-20: numbers in between are seconds, a thousand times as much are milliseconds, ….
_MIN_EPOCH, _MAX_EPOCH = 1e9, 1e10


def time_of(stamp: object, observed_at: datetime) -> datetime | None:
    """Give the time that a line's stamp means, or None; times without a zone count as UTC."""
    if isinstance(stamp, int | float) and not isinstance(stamp, bool):
        return _epoch(float(stamp) if abs(stamp) < 1e30 else 0.0)
    if not isinstance(stamp, str):
        return None
    if stamp[4:5] == "/":
        stamp = stamp.replace("/", "-", 2)
    return timestamp(stamp) or _unusual(stamp, observed_at)


def _unusual(stamp: str, observed_at: datetime) -> datetime | None:
    if match := _KLOG.fullmatch(stamp):
        return _without_year(int(match[1]), int(match[2]), match[3], observed_at)
    if match := _SYSLOG.fullmatch(stamp):
        return _without_year(_MONTHS.get(match[1], 0), int(match[2]), match[3], observed_at)
    if match := _DAY_FIRST.match(stamp):
        zone = match[5] or "Z"
        return timestamp(f"{match[3]}-{_MONTHS.get(match[2], 0):02}-{match[1]}T{match[4]}{zone}")
    if match := _JAVA.match(stamp):
        hour = int(match[4]) % 12 + (12 if match[6] == "P" else 0)
        return timestamp(f"{match[3]}-{_MONTHS.get(match[1], 0):02}-{int(match[2]):02}T{hour:02}:{match[5]}Z")
    if re.fullmatch(r"\d{10,19}(?:\.\d{1,9})?", stamp):
        return _epoch(float(stamp))
    return None


def _without_year(month: int, day: int, clock: str, observed_at: datetime) -> datetime | None:
    # 29 February may lie eight years back (around 2100).
    for year in range(observed_at.year + 1, observed_at.year - 9, -1):
        time = timestamp(f"{year}-{month:02}-{day:02}T{clock}Z")
        if time and time <= observed_at + _ZONE_SLACK:
            return min(time, observed_at.astimezone(UTC))
    return None


def _epoch(number: float) -> datetime | None:
    for unit in (1.0, 1e3, 1e6, 1e9):
        if _MIN_EPOCH <= number / unit < _MAX_EPOCH:
            return datetime.fromtimestamp(number / unit, UTC)
    return None
