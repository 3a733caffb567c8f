"""
The stretch of time that a question speaks of.

Only words that limit what is looked at count: "in the last hour", "since 14:00". "It worked until yesterday" and
"3 restarts in 10 minutes" limit nothing, and a wrong window hides the cause. Times without a zone are UTC; a time
without a day is the last such time.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple


class TimeWindow(NamedTuple):
    """From when and until when; None is open."""

    since: datetime | None = None
    until: datetime | None = None


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_COUNTS = {
    "a": 1, "an": 1, "one": 1, "couple": 2, "couple of": 2, "two": 2, "three": 3, "few": 5, "four": 4, "five": 5,
    "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "fifteen": 15, "twenty": 20, "thirty": 30,
    "half": 0.5, "half an": 0.5, "half a": 0.5,
}  # fmt: skip
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_UNIT = "(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)"
_WORD = "|".join(sorted(_COUNTS, key=len, reverse=True))
_SPAN = (
    rf"(?:[0-9]{{1,6}} ?{_UNIT}(?:[0-9]{{1,4}} ?{_UNIT}){{0,3}}|(?:a )?(?:{_WORD}) (?:second|minute|hour|day|week)s?)"
)
_STAMP = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?: ?Z| ?UTC|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_CLOCK = r"(?:[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[ap]m)?(?: ?Z| UTC)?|[0-9]{1,2} ?[ap]m)"
_DAY = rf"(?:today|yesterday|this morning|midnight|(?:last )?(?:{'|'.join(_DAYS)}))"
_MOMENT = rf"(?:{_STAMP}|{_DAY}(?: (?:at )?{_CLOCK})?|{_CLOCK}(?: (?:today|yesterday))?)"


def _pattern(words: str) -> re.Pattern[str]:
    # A blank in the words is one to three blanks in the text; `[ ]` and ` ?` are left alone by asking for a letter.
    spaced = re.sub(r" (?![^\[\]]*\]|\?)", " {1,3}", words)
    return re.compile(rf"(?<![\w.:-])(?:{spaced})(?![\w:-])", re.I | re.A)


_BETWEEN = _pattern(rf"(?:between|from) (?P<low>{_MOMENT}) ?(?:and|to|until|till|-) ?(?P<high>{_MOMENT})")
_LAST = _pattern(rf"(?:last|past|previous) (?P<span>{_SPAN}|hour|day|week)(?! (?:before|prior))")
# "A last minute change" was made at any time.
_LAST_MINUTE = _pattern("(?:in|within|over|during) the (?:last|past) (?P<span>minute)")
_AGO = _pattern(rf"since (?:about |around |roughly )?(?P<span>{_SPAN}) ago")
_FOR = _pattern(rf"since (?P<span>[0-9]{{1,6}} {_UNIT}|(?:{_WORD}) (?:minute|hour|day|week)s?)")
_SINCE_SPAN = re.compile(r"(?<![\w])since[= ](?P<span>(?:[0-9]{1,6}[smhdw]){1,4})(?![\w:-])", re.I | re.A)
_SINCE = _pattern(rf"(?:since|after|starting(?: at| from)?) (?:about |around )?(?P<low>{_MOMENT})")
_BEFORE = _pattern(rf"(?:before|until|till|up to) (?P<high>{_MOMENT})")
_WHOLE_DAY = _pattern("(?P<low>yesterday|today|this morning)(?:'s)?")
# After these, a time says when things were well, or when something was done, and not what to look at.
_WAS_WELL = re.compile(
    r"\b(?:work(?:s|ed|ing)?|fine|ok(?:ay)?|healthy|good|stable|up|running)"
    r"(?:[ ,]{1,3}(?:until|till|up to|before))?[ ,]{1,3}\Z",
    re.I | re.A,
)
_IS_WELL = re.compile(
    r"[ ,]{1,3}(?:[\w'-]{1,60} ){0,3}(?:work(?:s|ed|ing)|fine|ok(?:ay)?|healthy|good|stable)\b", re.I | re.A
)
_CHANGE = "(?:deploy|upgrad|updat|chang|roll|releas|install|migrat|merg|push|switch|mov|patch|appl|add|scal)[a-z]{0,6}"
_WAS_DONE = re.compile(rf"\b{_CHANGE}(?: [\w.:/-]{{1,60}}){{0,4}} \Z", re.I | re.A)
# After these, what began on a day goes on.
_GOES_ON = re.compile(
    rf"\b(?:now|today|still|currently|since|is|are|has|have|keeps?)\b"
    rf"|\A[ ,]{{1,3}}(?:[\w-]{{1,60}} ){{1,3}}{_CHANGE}\b",
    re.I | re.A,
)
_PART = re.compile(r"([0-9]+) ?([smhdw])", re.I | re.A)


def find_window(query: str, now: datetime) -> TimeWindow:
    """Give the time that a question limits itself to, counted from `now`.

    >>> find_window("what failed in the last 2 hours?", datetime(2026, 11, 20, 12, tzinfo=UTC)).since
    datetime.datetime(2026, 11, 20, 10, 0, tzinfo=datetime.timezone.utc)
    """
    now = now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)
    try:
        return _ranged(query, now) or _spanned(query, now) or _bounded(query, now)
    except (ValueError, OverflowError):
        # No such day or time: 2026-13-45, 29:00, a million weeks ago.
        return TimeWindow()


def _ranged(query: str, now: datetime) -> TimeWindow | None:
    match = _BETWEEN.search(query)
    if not match:
        return None
    low = _moment(match["low"], now)
    high = _moment(match["high"], now, ends=True)
    if _is_clock(match["high"]):
        # A time of the day without a day is the first one after the start.
        high = datetime.combine(low.date(), high.timetz())
        high = high if high > low else high + timedelta(days=1)
    return TimeWindow(low, high) if low < high else TimeWindow()


def _spanned(query: str, now: datetime) -> TimeWindow | None:
    patterns = (_LAST, _LAST_MINUTE, _AGO, _FOR, _SINCE_SPAN)
    match = next(filter(None, (pattern.search(query) for pattern in patterns)), None)
    return TimeWindow(now - _span(match["span"])) if match else None


def _bounded(query: str, now: datetime) -> TimeWindow:
    since, before = _SINCE.search(query), _BEFORE.search(query)
    if before and _was_well(query, before):
        before = None
    if since or before:
        low = _moment(since["low"], now) if since else None
        high = _moment(before["high"], now) if before else None
        return TimeWindow(low, high) if not (low and high) or low < high else TimeWindow(low)
    return _whole_day(query, now)


def _whole_day(query: str, now: datetime) -> TimeWindow:
    match = next((day for day in _WHOLE_DAY.finditer(query) if not _was_well(query, day)), None)
    if not match:
        return TimeWindow()
    low = _moment(match["low"], now)
    ahead, after = query[max(0, match.start() - 300) : match.start()], query[match.end() :]
    over = match["low"].lower() == "yesterday" and not _WAS_DONE.search(ahead) and not _GOES_ON.search(after)
    return TimeWindow(low, low + timedelta(days=1) if over else None)


def _was_well(query: str, time: re.Match[str]) -> bool:
    """Tell whether a time says when all was well: "fine until 14:00", "yesterday it worked"."""
    ahead, after = query[max(0, time.start() - 40) : time.start()], query[time.end() : time.end() + 200]
    return _WAS_WELL.search(ahead) is not None or _IS_WELL.match(after) is not None


def _span(text: str) -> timedelta:
    parts = _PART.findall(text)
    if parts:
        return timedelta(seconds=sum(int(count) * _UNITS[unit.lower()] for count, unit in parts))
    *count, unit = text.lower().split()
    words = " ".join(count[1:] if count[:1] == ["a"] and len(count) > 1 else count)
    return timedelta(seconds=_COUNTS.get(words, 1) * _UNITS[unit[0]])


def _moment(text: str, now: datetime, *, ends: bool = False) -> datetime:
    """Read a moment; with `ends`, a day without a time means its end."""
    words = " ".join(text.lower().split())
    if re.match(r"[0-9]{4}-", words):
        return _stamp(words, ends)
    day, clock = _day(words, now), _clock(words)
    if clock is None:
        return (day or _midnight(now)) + timedelta(days=int(ends))
    if day:
        return day + clock
    when = _midnight(now) + clock
    return when if when <= now else when - timedelta(days=1)


def _stamp(words: str, ends: bool) -> datetime:
    if len(words) == 10:
        return datetime.fromisoformat(words).replace(tzinfo=UTC) + timedelta(days=int(ends))
    iso = words.replace("utc", "z").replace(" z", "z").replace("z", "+00:00")
    found = datetime.fromisoformat(iso)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _day(words: str, now: datetime) -> datetime | None:
    """Give the day that words name, at 00:00; None where they name none."""
    today = _midnight(now)
    if "yesterday" in words:
        return today - timedelta(days=1)
    if words.startswith(("today", "this morning", "midnight")) or words.endswith("today"):
        return today
    for number, name in enumerate(_DAYS):
        if name in words:
            return today - timedelta(days=(today.weekday() - number) % 7 or 7)
    return None


def _clock(words: str) -> timedelta | None:
    match = re.search(r"([0-9]{1,2})(?::([0-9]{2}))?(?::([0-9]{2}))? ?([ap]m)?", words)
    if not match:
        return None
    hour, minute, second = (int(part or 0) for part in match.groups()[:3])
    if match[4]:
        hour = hour % 12 + (12 if match[4] == "pm" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError(f"{words!r} is no time of the day")
    return timedelta(hours=hour, minutes=minute, seconds=second)


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


def _is_clock(text: str) -> bool:
    return text[:1].isdigit() and not re.match(r"[0-9]{4}-", text) and not text.lower().endswith(("today", "yesterday"))
