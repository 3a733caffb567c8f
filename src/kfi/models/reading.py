"""
What was read from a source, and what was not: the report of `kfi doctor --source`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from kfi.models.answer import Part
from kfi.models.records import TextForm
from kfi.models.schemas import Gap, Skipped, Value


class Unread(StrEnum):
    """Why a part of a text that was read tells the rules nothing."""

    UNKNOWN = "unknown"
    """No reader knows the column or section; it is kept as text and can be searched."""
    MALFORMED = "malformed"
    """The field has another type than in the Kubernetes API; the rest of the object is used without it."""


class UnreadPart(Value):
    """A column of a table, a section of `kubectl describe` or a field of an object that rules do not get to see."""

    kind: str
    form: TextForm
    part: str
    """Header of the column, keys of the section (`Containers > Restarts`), or path of the field (`spec.replicas`)."""
    why: Unread
    count: int
    """Objects in which it says something."""
    path: str
    """Where it stands first."""
    line: int


class SkippedGroup(Value):
    """What was not read for one reason."""

    reason: str
    """In words; where single reasons differ in a number or a name, that stands as `…`."""
    count: int
    where: tuple[Skipped, ...]
    """Every place, each with its own words."""


class LogLines(Value):
    """How much of the logs could be told apart. A message with its stack trace is one entry."""

    entries: int = 0
    templates: int = 0
    """Documents: entries that say the same are one."""
    without_time: int = 0
    without_level: int = 0


class TimeCovered(Value):
    """When the evidence is from. All times are UTC, and None where nothing tells."""

    collected_from: datetime | None = None
    as_of: datetime | None = None
    """The newest collection: the moment that answers are about, and from which ages count back."""
    first: datetime | None = None
    """Of Events, log messages and alerts."""
    last: datetime | None = None


class SourceReport(Value):
    """What kfi makes of files, folders and archives; nothing of it is stored."""

    api_version: Literal["kfi/v1"] = "kfi/v1"
    kind: Literal["SourceReport"] = "SourceReport"
    sources: int = 0
    """Files (and archive members) that were looked at."""
    read: int = 0
    """Of these, files that something was read from."""
    documents: dict[str, int]
    """By kind of document."""
    objects: dict[str, int]
    """Objects by kind, each counted once however many texts show it."""
    forms: dict[str, int]
    """Texts of objects by form."""
    other_kinds: dict[str, int]
    """Objects by kind of which kfi knows only the metadata and conditions that all kinds have."""
    namespaces: tuple[str, ...] = ()
    logs: LogLines = LogLines()
    time: TimeCovered = TimeCovered()
    redactions: dict[str, int]
    """Masked secrets by kind."""
    skipped: tuple[SkippedGroup, ...] = ()
    """Most frequent first."""
    unread: tuple[UnreadPart, ...] = ()
    """Most frequent first."""
    missing: tuple[Gap, ...] = ()
    """Kinds of evidence that a sure diagnosis wants, each with the read-only command that collects it."""


class SetupReport(Value):
    """What is configured and how it stands."""

    api_version: Literal["kfi/v1"] = "kfi/v1"
    kind: Literal["SetupReport"] = "SetupReport"
    ready: bool
    """Whether everything that kfi needs works."""
    checks: tuple[Part, ...]
