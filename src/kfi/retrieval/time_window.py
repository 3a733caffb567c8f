"""
The stretch of time that a question speaks of.

Only words that limit what is looked at count: "in the last hour", "since 14:00". "It worked until yesterday" and
"3 restarts in 10 minutes" limit nothing, and a wrong window hides the cause; nor does a pasted `17 (2m ago)`. Times
without a zone are UTC; a time without a day is the last such time. "At 14:20" means half an hour around it. Mornings
begin at midnight, afternoons at 12:00, evenings and nights at 18:00; a night ends at 06:00.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from itertools import islice
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

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_UNIT = "(?:seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|weeks?|w)"
_WORD = "|".join(sorted(_COUNTS, key=len, reverse=True))
_SPAN = (
    rf"(?:[0-9]{{1,6}} ?{_UNIT}(?:[0-9]{{1,4}} ?{_UNIT}){{0,3}}|(?:a )?(?:{_WORD}) (?:second|minute|hour|day|week)s?)"
)
_STAMP = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:(?:[T ]| at )[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
    r"(?: ?Z| ?UTC|[+-][0-9]{2}:?[0-9]{2})?)?"
)
_CLOCK = r"(?:[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?: ?[ap]m)?(?: ?Z| UTC)?|[0-9]{1,2} ?[ap]m)"
_MONTH = (
    "(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    "nov(?:ember)?|dec(?:ember)?)"
)
_DATE = rf"(?:{_MONTH} [0-9]{{1,2}}(?:st|nd|rd|th)?(?![:.0-9])|[0-9]{{1,2}}(?:st|nd|rd|th)? (?:of )?{_MONTH})"
_DAY = rf"(?:today|yesterday|this morning|midnight|noon|(?:last )?(?:{'|'.join(_DAYS)})|{_DATE})"
_MOMENT = rf"(?:{_STAMP}|{_DAY}(?: (?:at )?{_CLOCK})?|{_CLOCK}(?: (?:today|yesterday))?)"


def _pattern(words: str) -> re.Pattern[str]:
    # A blank in the words is one to three blanks in the text; `[ ]` and ` ?` are left alone by asking for a letter.
    spaced = re.sub(r" (?![^\[\]]*\]|\?)", " {1,3}", words)
    return re.compile(rf"(?<![\w.:-])(?:{spaced})(?![\w:-])", re.I | re.A)


_BETWEEN = _pattern(
    rf"(?:(?:between|from) (?P<low>{_MOMENT}) ?(?:and|to|until|'?til|till|through|thru|-) ?(?P<high>{_MOMENT})"
    rf"|(?P<first>{_CLOCK}) ?(?:-|to|until|'?til|till|through|thru|\u2013) ?(?P<second>{_CLOCK}))"
)
# The day of "between 14:00 and 14:30", which stands anywhere.
_OF_DAY = _pattern(rf"(?:(?P<day>yesterday|{_DATE}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})|on (?P<week>{'|'.join(_DAYS)}))")
_LAST = _pattern(rf"(?:last|past|previous) (?P<span>{_SPAN}|hour|day|week)(?! (?:before|prior))")
# "A last minute change" was made at any time.
_LAST_MINUTE = _pattern("(?:in|within|over|during) the (?:last|past) (?P<span>minute)")
_AGO = _pattern(rf"since (?:about |around |roughly )?(?P<span>{_SPAN}) ago")
_FOR = _pattern(rf"since (?P<span>[0-9]{{1,6}} {_UNIT}|(?:{_WORD}) (?:minute|hour|day|week)s?)")
_SINCE_SPAN = re.compile(r"(?<![\w])since[= ](?P<span>(?:[0-9]{1,6}[smhdw]){1,4})(?![\w:-])", re.I | re.A)
_SINCE = _pattern(rf"(?:since|after|starting(?: at| from)?) (?:about |around )?(?P<low>{_MOMENT})")
_BEFORE = _pattern(rf"(?:before|until|till|up to) (?P<high>{_MOMENT})")
_WHOLE_DAY = _pattern(
    rf"(?:(?P<low>yesterday|today|this morning)(?:'s)?"
    rf"|on (?P<day>{'|'.join(_DAYS)}|{_DATE}|[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}))"
)
_LIKENED = re.compile(r"\b(?:as|like|than) \Z", re.I)
_PART_OF_DAY = _pattern(
    rf"(?:(?P<night>overnight|last night|during the night)|(?:(?P<day>yesterday|today|this|{'|'.join(_DAYS)}|{_DATE}) )"
    rf"(?P<part>morning|afternoon|evening|night))"
)
# Hours of the day that they begin and end at.
_PARTS_OF_DAY = {"morning": (0, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 30)}
_THIS_WEEK = _pattern("this week")
_LONG_AGO = re.compile(rf"(?<![\w.:(-])(?P<span>{_SPAN}) ago\b(?!\))", re.I | re.A)
_YOUNGER = _pattern(
    rf"(?:younger|newer|not older|more recent) than (?P<span>{_SPAN})|age ?(?:<|below|under) ?(?P<age>{_SPAN})"
)
_OLDER = _pattern(rf"older than (?P<span>{_SPAN})")
_LASTING = _pattern(
    rf"(?:for|since) (?:about |around |the |over |more than |at least |almost |nearly )?(?P<span>{_SPAN})"
    "(?P<now> now| already)?"
)
# What a state that lasts is called, before how long it does.
_STATE_LASTS = re.compile(
    r"\b(?:been|stuck|pending|down|terminating|creating|containercreating|failing|crash\w{0,10}|slow|"
    r"unavailable|broken|"
    r"notready|unready|not \w{1,20}|unreachable|restarting|hanging|degraded|flapping|offline|dead|gone|out)"
    r"(?: \S{1,60}){0,3} \Z",
    re.I | re.A,
)
_AT = _pattern(rf"(?:at|around|about|circa|near|on) (?:about |around )?(?P<at>{_MOMENT})")
_HAS_CLOCK = re.compile(r"[0-9]:[0-9]|[0-9] ?[ap]m\b", re.I)
# Half of the stretch that "at 14:20" means.
_AROUND = timedelta(minutes=30)
_BY_SCHEDULE = re.compile(
    r"\b(?:runs?|scheduled?|starts?|due|set|expires?|daily|nightly|every (?:day|night|week\w*)|cron\w*)"
    r"(?: \w{1,20}){0,2} \Z",
    re.I | re.A,
)
# What began then goes on.
_BEGAN = re.compile(r"\b(?:start(?:ed)?|beg[au]n|began|stopped|since|still|now|ever)\b", re.I | re.A)
_WHICH_CHANGE = (
    r"(?:(?:last|latest|newest|recent|most {1,3}recent|previous|current) {1,3})?"
    r"(?:(?:config|version|image|helm) {1,3})?"
    r"(?:roll-?outs?|deploy(?:ment|s)?|release|upgrade|update|change|push|merge|migration|patch)\b(?![-/\w])"
)
_BEFORE_CHANGE = re.compile(
    r"\b(?:before|prior {1,3}to|until|till|up {1,3}to|preceding) {1,3}(?:(?:the|our|my|its|their|this|that) {1,3})?"
    + _WHICH_CHANGE,
    re.I | re.A,
)
_AFTER_CHANGE = re.compile(
    r"\b(?:since|after|following) {1,3}(?:the|our|my|its|their|this|that|last|latest) {1,3}" + _WHICH_CHANGE,
    re.I | re.A,
)
_ASKS_STATE = re.compile(r"\A\W{0,8}(?:so |and |ok |hey )?(?:was|were|did|had|show|list|what|how|which|is|are)\b", re.I)
# After these, a time says when things were well, or when something was done, and not what to look at.
_WAS_WELL = re.compile(
    r"\b(?:work(?:s|ed|ing)?|fine|ok(?:ay)?|healthy|good|stable|up|running)"
    r"(?:[ ,]{1,3}(?:until|till|up to|before))?[ ,]{1,3}\Z",
    re.I | re.A,
)
_ASKS_WHETHER = re.compile(r"\A\W{0,8}(?:was|were) [^.!?,;\n]{1,300}\?\W{0,8}\Z", re.I)
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
# Mentions of a time that are weighed; a question has one or two.
_MOST_MATCHES = 16
_PART = re.compile(r"([0-9]+) ?([smhdw])", re.I | re.A)


def find_window(query: str, now: datetime) -> TimeWindow:
    """Give the time that a question limits itself to, counted from `now`.

    >>> find_window("what failed in the last 2 hours?", datetime(2026, 11, 20, 12, tzinfo=UTC)).since
    datetime.datetime(2026, 11, 20, 10, 0, tzinfo=datetime.timezone.utc)
    """
    now = now.astimezone(UTC) if now.tzinfo else now.replace(tzinfo=UTC)
    try:
        return _ranged(query, now) or _spanned(query, now) or _aged(query, now) or _bounded(query, now)
    except (ValueError, OverflowError):
        # No such day or time: 2026-13-45, 29:00, a million weeks ago.
        return TimeWindow()


def _ranged(query: str, now: datetime) -> TimeWindow | None:
    match = _BETWEEN.search(query)
    if not match:
        return None
    first, last = match["low"] or match["first"], match["high"] or match["second"]
    low = _moment(first, now)
    high = _moment(last, now, ends=True)
    if _is_clock(last):
        # A time of the day without a day is the first one after the start.
        day = _day_of(query, now) if _is_clock(first) else None
        low = datetime.combine(day.date(), low.timetz()) if day else low
        high = datetime.combine(low.date(), high.timetz())
        high = high if high > low else high + timedelta(days=1)
    return TimeWindow(low, high if high <= now else None) if low < high else TimeWindow()


def _day_of(query: str, now: datetime) -> datetime | None:
    """Give the day that stands beside two times of the day."""
    match = _OF_DAY.search(query)
    return _day((match["day"] or match["week"]).lower(), now) if match else None


def _spanned(query: str, now: datetime) -> TimeWindow | None:
    patterns = (_LAST, _LAST_MINUTE, _AGO, _FOR, _SINCE_SPAN)
    match = next(filter(None, (pattern.search(query) for pattern in patterns)), None)
    return TimeWindow(now - _span(match["span"])) if match else None


def _aged(query: str, now: datetime) -> TimeWindow | None:
    """Read ages: "2 hours ago", "younger than 10m", "pending for 2h"."""
    young, old = _YOUNGER.search(query), _OLDER.search(query)
    if young or old:
        since = now - _span(young["span"] or young["age"]) if young else None
        return TimeWindow(since, now - _span(old["span"]) if old else None)
    for match in islice(_LASTING.finditer(query), _MOST_MATCHES):
        if match["now"] or _STATE_LASTS.search(query[max(0, match.start() - 200) : match.start()]):
            return TimeWindow(now - _span(match["span"]))
    return _ago(query, now)


def _ago(query: str, now: datetime) -> TimeWindow | None:
    match = _LONG_AGO.search(query)
    # A pasted table is full of ages.
    if not match or "\n" in query or _was_well(query, match):
        return None
    span = _span(match["span"])
    when = now - span
    ahead = query[max(0, match.start() - 300) : match.start()]
    if _WAS_DONE.search(ahead):
        return TimeWindow(when)
    around = min(max(span / 4, timedelta(minutes=5)), timedelta(hours=12))
    return TimeWindow(when - around, None if _BEGAN.search(query) else min(when + around, now))


def _bounded(query: str, now: datetime) -> TimeWindow:
    since, before = _SINCE.search(query), _BEFORE.search(query)
    if before and _was_well(query, before):
        before = None
    if since or before:
        low = _moment(since["low"], now) if since else None
        high = _moment(before["high"], now) if before else None
        return TimeWindow(low, high) if not (low and high) or low < high else TimeWindow(low)
    return _at(query, now) or _part_of_day(query, now) or _whole_day(query, now)


def _at(query: str, now: datetime) -> TimeWindow | None:
    """Read "at 3am", "around 14:20": half an hour around it, or from then on where something was changed then."""
    for match in islice(_AT.finditer(query), _MOST_MATCHES):
        ahead = query[max(0, match.start() - 300) : match.start()]
        if not _HAS_CLOCK.search(match["at"]) or _BY_SCHEDULE.search(ahead) or _was_well(query, match):
            continue
        when = _moment(match["at"], now)
        if find_before_change(query):
            return TimeWindow(None, when)
        if _WAS_DONE.search(ahead) or _BEGAN.search(ahead):
            return TimeWindow(when)
        return TimeWindow(when - _AROUND, min(when + _AROUND, now))
    return None


def _part_of_day(query: str, now: datetime) -> TimeWindow | None:
    match = next((part for part in _PART_OF_DAY.finditer(query) if not _was_well(query, part)), None)
    if not match or (match["day"] or "").lower() + (match["part"] or "") == "thismorning":
        return None
    name = (match["day"] or "yesterday").lower()
    today = _midnight(now)
    day = today if name == "this" or name == _DAYS[now.weekday()] else _day(name, now) or today
    begins, ends = _PARTS_OF_DAY[(match["part"] or "night").lower()]
    low, high = day + timedelta(hours=begins), day + timedelta(hours=ends)
    ahead, after = query[max(0, match.start() - 300) : match.start()], query[match.end() :]
    open_ended = high >= now or _WAS_DONE.search(ahead) or _GOES_ON.search(after)
    return TimeWindow(low, None if open_ended else high)


def _whole_day(query: str, now: datetime) -> TimeWindow:
    if _THIS_WEEK.search(query):
        return TimeWindow(_midnight(now) - timedelta(days=now.weekday()))
    days = _WHOLE_DAY.finditer(query)
    match = next((day for day in days if not _was_well(query, day) and not _is_likened(query, day)), None)
    if not match:
        return TimeWindow()
    low = _moment(match["low"] or match["day"], now)
    ahead, after = query[max(0, match.start() - 300) : match.start()], query[match.end() :]
    is_past = low + timedelta(days=1) <= now
    over = is_past and not _WAS_DONE.search(ahead) and not _GOES_ON.search(after)
    return TimeWindow(low, low + timedelta(days=1) if over else None)


def find_before_change(query: str) -> bool:
    """Tell whether a question asks of the time before something was last changed.

    "It worked before the upgrade" does not: it says when all was well, and asks about now.

    >>> find_before_change("was cart healthy before the last rollout?"), find_before_change("before 14:00")
    (True, False)
    """
    match = _BEFORE_CHANGE.search(query)
    return match is not None and (_ASKS_STATE.match(query) is not None or not _was_well(query, match))


def find_after_change(query: str) -> bool:
    """Tell whether a question asks of the time since something was last changed.

    >>> find_after_change("errors since the last deploy"), find_after_change("since 14:00")
    (True, False)
    """
    match = _AFTER_CHANGE.search(query)
    return match is not None and (_ASKS_STATE.match(query) is not None or not _was_well(query, match))


def without_changes(query: str) -> str:
    """Give a question without the changes that it counts time from: nothing is wrong with a "last rollout"."""
    return _AFTER_CHANGE.sub(" ", _BEFORE_CHANGE.sub(" ", query))


def _was_well(query: str, time: re.Match[str]) -> bool:
    """Tell whether a time says when all was well: "fine until 14:00", "yesterday it worked"; "was it?" asks that."""
    if _ASKS_WHETHER.match(query):
        return False
    ahead, after = query[max(0, time.start() - 40) : time.start()], query[time.end() : time.end() + 200]
    return _WAS_WELL.search(ahead) is not None or _IS_WELL.match(after) is not None


def _is_likened(query: str, time: re.Match[str]) -> bool:
    """Tell whether a day is one that now is compared with: "the same as on Monday"."""
    return _LIKENED.search(query[max(0, time.start() - 20) : time.start()]) is not None


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
    iso = words.replace(" at ", " ").replace("utc", "z").replace(" z", "z").replace("z", "+00:00")
    found = datetime.fromisoformat(iso)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _day(words: str, now: datetime) -> datetime | None:
    """Give the day that words name, at 00:00; None where they name none."""
    today = _midnight(now)
    if "yesterday" in words:
        return today - timedelta(days=1)
    if words.startswith(("today", "this morning", "midnight", "noon")) or words.endswith("today"):
        return today
    dated = re.search(rf"(?:({_MONTH}) {{1,3}})?([0-9]{{1,2}})(?:st|nd|rd|th)?(?: {{1,3}}(?:of )?({_MONTH}))?", words)
    if dated and (dated[1] or dated[3]):
        return _date(int(dated[2]), (dated[1] or dated[3])[:3], today)
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", words):
        return _stamp(words, ends=False)
    for number, name in enumerate(_DAYS):
        if name in words:
            return today - timedelta(days=(today.weekday() - number) % 7 or 7)
    return None


def _date(day: int, month: str, today: datetime) -> datetime:
    """Give the last such day of a year."""
    when = today.replace(month=_MONTHS.index(month) + 1, day=day)
    return when if when <= today else when.replace(year=when.year - 1)


def _clock(words: str) -> timedelta | None:
    if "noon" in words:
        return timedelta(hours=12)
    words = re.sub(
        rf"{_MONTH} {{1,3}}[0-9]{{1,2}}(?:st|nd|rd|th)?|[0-9]{{1,2}}(?:st|nd|rd|th)? {{1,3}}{_MONTH}", "", words
    )
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
