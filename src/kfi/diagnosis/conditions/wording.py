"""
Numbers as a sentence has them: one Pod, two Pods.
"""

from __future__ import annotations

from datetime import datetime, timedelta


def counted(number: int, noun: str) -> str:
    """Give a number with its noun in the right form.

    >>> counted(1, "Pod"), counted(3, "restart")
    ('1 Pod', '3 restarts')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_UNITS = (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1))


def lasting(seconds: int) -> str:
    """Give a length of time in its two largest units.

    >>> lasting(45), lasting(90), lasting(7500), lasting(200000)
    ('45 s', '1 min 30 s', '2 h 5 min', '2 d 7 h')
    """
    place = next((place for place, (_, size) in enumerate(_UNITS) if seconds >= size), len(_UNITS) - 1)
    parts = []
    for unit, size in _UNITS[place : place + 2]:
        count, seconds = divmod(seconds, size)
        parts += [f"{count} {unit}"] if count else []
    return " ".join(parts) or "0 s"


def stretch(since: datetime | None, until: datetime | None) -> str:
    """Give from when to when something was, in UTC; nothing where its end is open.

    >>> at = datetime(2026, 11, 20, 2, 11)
    >>> stretch(at, at.replace(minute=19)), stretch(None, at)
    ('2026-11-20 02:11-02:19 UTC', 'until 2026-11-20 02:11 UTC')
    >>> stretch(at, at.replace(second=30))
    '2026-11-20 02:11 UTC'
    """
    if until is None:
        return ""
    if since is None:
        return f"until {until:%Y-%m-%d %H:%M} UTC"
    if until - since < timedelta(minutes=1) and since.minute == until.minute:
        return f"{until:%Y-%m-%d %H:%M} UTC"
    if since.date() == until.date():
        return f"{since:%Y-%m-%d %H:%M}-{until:%H:%M} UTC"
    return f"{since:%Y-%m-%d %H:%M} to {until:%Y-%m-%d %H:%M} UTC"
