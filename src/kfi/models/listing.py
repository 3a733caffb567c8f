"""
A complete list: what was asked for, how much of it there is, and one page of it, each row with the line that shows it.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from kfi.models.references import Citation, ObjectRef, Value


class Listed(StrEnum):
    """What the rows of a list are."""

    EVENTS = "events"
    OBJECTS = "objects"
    LOGS = "logs"
    """Log messages: lines of one template count as one row."""
    ALERTS = "alerts"
    PROBLEMS = "problems"
    """Warning Events and log messages that call themselves errors."""


class State(StrEnum):
    """How the objects of a list have to be."""

    FAILING = "failing"
    """Neither ready nor done, and not just starting or ending."""
    CRASHING = "crashing"
    """A container of it ends again and again, or ended with an error."""
    PENDING = "pending"
    READY = "ready"
    NOT_READY = "not ready"
    RESTARTED = "restarted"
    RUNNING = "running"
    FINISHED = "finished"


class Selection(Value):
    """What belongs in a list. What is empty or None excludes nothing."""

    what: Listed
    kinds: tuple[str, ...] = ()
    """Of the objects; of Events, logs and alerts: of the objects that they are about."""
    namespace: str = ""
    cluster: str = ""
    objects: tuple[ObjectRef, ...] = ()
    """Only these, and what belongs to them."""
    names: tuple[str, ...] = ()
    """Names that were asked for; where no object has them, the list is empty."""
    labels: dict[str, str] = Field(default_factory=dict)
    labels_excluded: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By label, the values that it must not have; what lacks the label belongs."""
    node: str = ""
    state: State | None = None
    status: str = ""
    """The word that kubectl prints as STATUS: `CrashLoopBackOff`."""
    event_type: str = ""
    """Warning or Normal."""
    words: tuple[str, ...] = ()
    """One of them has to be the Event's reason or the alert's name, or to stand in the message."""
    since: datetime | None = None
    until: datetime | None = None


class Row(Value):
    """One line of a list. Of an Event or log message: of the same words about the same object."""

    object: ObjectRef
    status: str = ""
    """An object's state as kubectl prints it; an Event's type, a log message's level, an alert's state."""
    reason: str = ""
    """An Event's reason, an alert's name; why an object is in its state."""
    message: str = ""
    count: int = 1
    """How often it happened; of a Pod, how often its containers restarted."""
    first: datetime | None = None
    last: datetime | None = None
    """When it happened last; None where no text says."""
    citation: Citation


class Listing(Value):
    """A list: all that was found is counted, one page of it is shown."""

    selection: Selection
    order: Literal["newest first", "by name"]
    total: int
    """Rows of all pages."""
    times: int
    """Sum of the counts of all rows: an Event that was repeated five times counts five times here, once in `total`."""
    out_of: int | None = None
    """Objects of the kind and place, in whatever state; None where the list asks for no state."""
    page: int = 1
    pages: int = 1
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    """What the list cannot hold, and why: no complete listing was among the evidence, a time that is not known."""
