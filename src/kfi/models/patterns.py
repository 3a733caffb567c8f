"""
What repeats, gathers, spreads or is new in the evidence, each with the test it passed and the lines that show it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from kfi.models.references import Citation, ObjectRef, Value


class PatternKind(StrEnum):
    """What makes several happenings one pattern."""

    RECURRING = "recurring"
    """It comes back after equal gaps."""
    REPEATED = "repeated"
    """It comes back often; whether after equal gaps, the evidence does not say or denies."""
    BURST = "burst"
    """Far more of it in a short while than its rate elsewhere explains."""
    SPREAD = "spread"
    """The same in several namespaces or on several nodes."""
    NEW_MESSAGE = "new-message"
    """A log message that was never there before, though the log was."""


class Trend(StrEnum):
    """Whether it gets more."""

    RISING = "rising"
    FALLING = "falling"
    STEADY = "steady"
    """Not proven to rise or fall."""


class Change(Value):
    """Something that changed shortly before a pattern began."""

    time: datetime
    object: ObjectRef
    what: str
    citation: Citation | None = None


class Pattern(Value):
    """One pattern."""

    kind: PatternKind
    statement: str
    """One sentence with its figures."""
    reason: str
    """The Event's reason, the failure's code, or the log message's template."""
    objects: tuple[ObjectRef, ...] = ()
    """Workloads that it is about, most affected first."""
    namespaces: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    count: int = 0
    """Occurrences, repeats included."""
    first: datetime | None = None
    last: datetime | None = None
    period_s: float | None = None
    """Seconds between occurrences; None where they are not regular, or their times are not known one by one."""
    trend: Trend | None = None
    test: str = ""
    """Which test it passed, against which chance."""
    p_value: float | None = None
    """How likely chance alone would give as much."""
    before: tuple[Change, ...] = ()
    """What changed shortly before it began, newest first."""
    citations: tuple[Citation, ...] = ()


class PastIncident(Value):
    """An incident like the present one, earlier in the ledger, and what it turned out to be."""

    code: str
    workload: ObjectRef
    since: datetime | None = None
    until: datetime | None = None
    """When it was first seen to be over."""
    cause: str
    """What it turned out to be, in one sentence."""
    ended_with: str = ""
    """What changed when it ended; empty where nothing tells."""
    likeness: str
    """What it has in common with the present one."""
    citations: tuple[Citation, ...] = ()


class PatternList(Value):
    """Every pattern of a stretch of time, the most telling first."""

    api_version: Literal["kfi/v1"] = "kfi/v1"
    kind: Literal["PatternList"] = "PatternList"
    patterns: tuple[Pattern, ...] = ()
    past: tuple[PastIncident, ...] = ()
    since: datetime | None = None
    """When the evidence that was looked at begins."""
    until: datetime | None = None
    notes: tuple[str, ...] = ()
    """What was not looked at, and why."""
