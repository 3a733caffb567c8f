"""
The values that pass between the stages: what was found, what it means, and the answer.

All are frozen and refuse unknown fields; collections are tuples. Times are aware UTC datetimes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, ConfigDict, Field, WithJsonSchema

from kfi.models.listing import Listing
from kfi.models.model_answer import ModelAnswer
from kfi.models.patterns import PastIncident, Pattern
from kfi.models.references import Citation as Citation
from kfi.models.references import ObjectRef as ObjectRef
from kfi.models.references import Value as Value


class Severity(StrEnum):
    """How bad a document sounds on its own, before anything is explained."""

    NORMAL = "normal"
    WARNING = "warning"
    ERROR = "error"


class DocumentKind(StrEnum):
    """What a document is. The payload class of each is in `models/records.py`."""

    EVENT = "event"
    OBJECT = "object"
    LISTING = "listing"
    LOG = "log"
    NODE_SERVICE = "node_service"
    ALERT = "alert"
    CALLS = "calls"
    CHECK = "check"


class Source(Value):
    """Where a document was read: a path (below the given root, `archive!member` inside archives) and its lines."""

    path: str
    first_line: int = 1
    last_line: int = 1


class Document(Value):
    """One found thing, with its text as it stands in the source (redacted) and its structure in `payload`.

    `identity` names the thing described and how it was seen; `id` adds the state, so another state is another row.
    `text` holds exactly the lines `source.first_line` to `source.last_line`.
    """

    id: str
    identity: str
    kind: DocumentKind
    ref: ObjectRef
    source: Source
    observed_at: datetime
    """When the source was collected: what ages in it count back from."""
    first_time: datetime | None = None
    last_time: datetime | None = None
    count: int = 1
    severity: Severity = Severity.NORMAL
    text: str = ""
    card: str = ""
    """About 60 tokens made from the structure: what gets embedded."""
    payload: dict[str, Any] = Field(default_factory=dict)
    incarnation: str = ""
    """The object's uid, where the source had one."""

    @property
    def metadata(self) -> dict[str, Any]:
        """The filterable fields by the names the plan gives them; Events carry their own."""
        times = {"first_timestamp": self.first_time, "last_timestamp": self.last_time, "count": self.count}
        if self.kind is DocumentKind.EVENT:
            return {
                "kind": "Event",
                "reason": self.payload.get("reason", ""),
                "event_type": self.payload.get("event_type", ""),
                "involved_object_kind": self.ref.kind,
                "involved_object_name": self.ref.name,
                "namespace": self.ref.namespace,
                **times,
            }
        return {"kind": self.ref.kind, "name": self.ref.name, "namespace": self.ref.namespace, **times}


class Skipped(Value):
    """A source, or a part of one, that was not loaded, and why."""

    path: str
    reason: str
    line: int | None = None


class IngestReport(Value):
    """What became of everything that was handed over."""

    sources: int = 0
    """Files (and archive members) that were looked at."""
    loaded: dict[str, int] = Field(default_factory=dict)
    """Documents by kind."""
    grouped: int = 0
    """Single Events and log lines that went into a group with others."""
    written: int = 0
    unchanged: int = 0
    skipped: tuple[Skipped, ...] = ()
    redactions: dict[str, int] = Field(default_factory=dict)
    """Masked secrets by kind."""


class Role(StrEnum):
    """Whether a finding can be a root, or only what a root leads to."""

    CAUSE = "cause"
    SYMPTOM = "symptom"


class State(StrEnum):
    """Whether something still fails at the moment that is asked about."""

    ACTIVE = "active"
    RESOLVED = "resolved"


class Finding(Value):
    """One thing a rule saw, with its proof."""

    code: str
    ref: ObjectRef
    """The object at fault."""
    message: str
    """One sentence with the facts of this case."""
    evidence: tuple[Citation, ...] = ()
    role: Role = Role.CAUSE
    strength: float = 0.8
    """How surely the condition holds and matters, 0 to 1."""
    since: datetime | None = None
    """When it began, where that is known."""
    until: datetime | None = None
    """When it was over; None while it goes on."""
    affects: tuple[ObjectRef, ...] = ()
    """Objects known to suffer from it, beside what the edges say."""

    @property
    def state(self) -> State:
        """Whether it still fails."""
        return State.RESOLVED if self.until else State.ACTIVE


class QueryMetadata(Value):
    """What a question names."""

    namespace: str | None = None
    pod: str | None = None
    container: str | None = None
    node: str | None = None
    error_type: str | None = None
    """The user's own word for the failure."""
    error_family: str | None = None
    """What that word is about: crash, image, memory, scheduling, network …; the names are the query analyzer's."""
    labels_dict: dict[str, str] = Field(default_factory=dict)
    labels_excluded: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """By label, the values that it must not have: `tier!=db`. What lacks the label is meant, as with `kubectl -l`."""
    kind: str | None = None
    name: str | None = None
    cluster: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    image: str | None = None
    """An image as the question writes it, with its tag: `registry.local/cart:2.4`, `cart:2.4`."""
    pvc: str | None = None
    """A persistent volume claim's name."""
    exit_code: int | None = None
    http_code: int | None = None
    before_change: bool = False
    """The time asked about ends where the last change began; whoever examines finds out when that was."""
    after_change: bool = False
    """The time asked about begins with the last change."""


class Intent(StrEnum):
    """What a question wants: a cause, a complete list, a number, the meaning of a word, a difference, or a state."""

    DIAGNOSE = "diagnose"
    LIST = "list"
    COUNT = "count"
    EXPLAIN = "explain"
    COMPARE = "compare"
    STATUS = "status"


class QueryPlan(Value):
    """A question taken apart."""

    question: str
    metadata: QueryMetadata = QueryMetadata()
    sub_queries: tuple[str, ...] = ()
    """Its parts, in order; the question itself where it has only one."""
    intent: Intent = Intent.DIAGNOSE


_SPAN = re.compile(r"(?:[0-9]{1,12}[smhdw]){1,6}")
_SPAN_PART = re.compile(r"([0-9]{1,12})([smhdw])")
_SPAN_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def span_of(text: str) -> timedelta:
    """Read a length of time: 30m, 1h, 2d, 1h30m.

    Raises:
        ValueError: it is none, or is longer than time itself.

    >>> span_of("1h30m")
    datetime.timedelta(seconds=5400)
    """
    if not _SPAN.fullmatch(text.strip()):
        raise ValueError(f"{text[:40]!r} is not a length of time like 30m, 1h or 2d.")
    parts = _SPAN_PART.findall(text)
    try:
        return sum((timedelta(**{_SPAN_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        raise ValueError(f"{text!r} is longer than time itself; leave it out for all of it.") from None


_SPAN_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string", "pattern": rf"^{_SPAN.pattern}$", "examples": ["30m", "1h30m"]}, {"type": "null"}]
}


def _span(value: Any) -> Any:
    return span_of(value) if isinstance(value, str) else value


def _utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    try:
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("the time lies outside the years 1 to 9999.") from None


class DiagnoseRequest(Value):
    """A question and the limits that were given with it."""

    # What stands below a field is also what the API's own description says of it.
    model_config = ConfigDict(use_attribute_docstrings=True)

    question: str = Field(default="", max_length=8000, validation_alias=AliasChoices("question", "query"))
    """In plain words; empty asks for every independent incident."""
    namespace: str = Field(default="", max_length=253)
    """Only this namespace, and what is not of any."""
    cluster: str = Field(default="", max_length=253)
    """Only the evidence that was stored with this cluster's name."""
    since: Annotated[timedelta | None, BeforeValidator(_span), WithJsonSchema(_SPAN_SCHEMA)] = None
    """Only Events and logs of this last while: `30m`, `1h`, `2d`."""
    as_of: Annotated[datetime | None, AfterValidator(_utc)] = None
    """Answer for this moment; a time without zone is UTC."""
    limit: int = Field(default=10, ge=1, le=100)
    """Root causes, or rows of a list, at most."""
    page: int = Field(default=1, ge=1, le=1_000_000)
    """Which page of a list."""
    top_k: int | None = Field(default=None, ge=1, le=50)
    """Hits that each part of the question keeps; None means the setting."""
    force_model: str | None = Field(default=None, max_length=253)
    """`simple`, `complex`, the name of one of the configured models, or `rules` for none."""
    conversation: str = Field(default="", max_length=64)
    """`new`, or the id that an earlier answer gave: "and why?" is then about what was asked before."""


class ModelChoice(Value):
    """Who explains the answer, and why."""

    model: str = "rules"
    """Name of the model, or `rules`."""
    reason: str = ""
    complexity: float = 0.0
    """Of the question, 0 to 1."""
    degraded: bool = False
    """Whether another model was asked for than the one that answers."""


class ChainLink(Value):
    """One step from the cause towards the symptom."""

    ref: ObjectRef
    code: str
    statement: str
    citations: tuple[str, ...] = ()


class Change(Value):
    """Something that somebody changed, and when."""

    ref: ObjectRef
    """The object that was changed."""
    when: datetime
    after: datetime | None = None
    """Where no more is known than that it was made between two observations, the time of the earlier one; `when` is
    that of the later one."""
    statement: str
    citations: tuple[str, ...] = ()


class RootCause(Value):
    """A cause, the object at fault, what follows from it, and what to do."""

    code: str
    title: str
    object: ObjectRef
    workload: ObjectRef
    """The top owner of the object (itself, where nothing owns it)."""
    confidence: float
    explanation: str
    chain: tuple[ChainLink, ...] = ()
    citations: tuple[str, ...] = ()
    """Labels of the evidence that proves it."""
    confirm: str = ""
    """A read-only command that shows the cause on the live cluster."""
    remediation: tuple[str, ...] = ()
    symptoms: int = 0
    """Findings that this cause explains."""
    state: State = State.ACTIVE
    since: datetime | None = None
    """When it began, where that is known."""
    until: datetime | None = None
    """When it was over; None while it goes on."""
    changes: tuple[Change, ...] = ()
    """What was changed shortly before it began, on what it concerns; the last change first."""


class Gap(Value):
    """Something that could not be seen, and the one read-only command that would show it."""

    what: str
    command: str


class Timings(Value):
    """Seconds by stage."""

    ingest: float = 0.0
    snapshot: float = 0.0
    """Reading the ledger and building the snapshot; near zero where it was kept from the last question."""
    rules: float = 0.0
    causes: float = 0.0
    retrieval: float = 0.0
    model: float = 0.0
    total: float = 0.0


class FailureDiagnosis(Value):
    """The answer: causes best first, every claim with the number of the line that proves it."""

    api_version: Literal["kfi/v1"] = "kfi/v1"
    kind: Literal["FailureDiagnosis"] = "FailureDiagnosis"
    question: str = ""
    summary: str
    root_causes: tuple[RootCause, ...] = ()
    evidence: tuple[Citation, ...] = ()
    listing: Listing | None = None
    """The list, where the question asked for one; of the causes then only the likeliest is given."""
    patterns: tuple[Pattern, ...] = ()
    """What repeats, gathers or spreads about the first cause."""
    past_incidents: tuple[PastIncident, ...] = ()
    """Earlier incidents like the first cause, and what they turned out to be."""
    query_metadata: QueryMetadata = QueryMetadata()
    sub_queries: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    explanation: str | None = None
    """The model's words, each claim with the label of its evidence; None where no model spoke."""
    reasoning_model_used: str = "rules"
    model_choice: ModelChoice = ModelChoice()
    """Which model was chosen, and why."""
    embedder: str = "none"
    """Model that the evidence was searched with."""
    reranker: str = "none"
    model_answer: ModelAnswer | None = None
    """What was kept of the model's claims; None where no model spoke."""
    thinking_chain: str | None = None
    degraded: bool = False
    """Whether a model was asked for and the rules answered instead."""
    notes: tuple[str, ...] = ()
    """What was not done for this answer, and why: a leg without an index, a model that did not answer."""
    conversation: str = ""
    """Id to give with a question that follows this one; empty where none was asked for."""
    as_of: datetime | None = None
    objects_seen: int = 0
    skipped: tuple[Skipped, ...] = ()
    timings: Timings = Timings()
