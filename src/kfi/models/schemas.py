"""
The values that pass between the stages: what was found, what it means, and the answer.

All are frozen and refuse unknown fields; collections are tuples. Times are aware UTC datetimes.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Value(BaseModel):
    """Base of our own values: frozen, and unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


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


class ObjectRef(Value):
    """Names one object of one cluster; prints like `Pod/shop/cart-7d9`.

    >>> str(ObjectRef(kind="Pod", namespace="shop", name="cart-7d9", container="app"))
    'Pod/shop/cart-7d9[app]'
    >>> str(ObjectRef(kind="Node", name="node-b"))
    'Node/node-b'
    """

    cluster: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    container: str = ""

    def __str__(self) -> str:
        place = "/".join(part for part in (self.kind or "?", self.namespace, self.name) if part)
        return f"{place}[{self.container}]" if self.container else place

    def __hash__(self) -> int:
        return hash((self.cluster, self.kind, self.namespace, self.name, self.container))

    @property
    def object(self) -> ObjectRef:
        """The same reference without the container."""
        return self.model_copy(update={"container": ""}) if self.container else self


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


class Citation(Value):
    """Lines of a source that prove something. `label` (`E1`…) is given when evidence is numbered."""

    document_id: str
    path: str
    first_line: int
    last_line: int
    text: str
    label: str = ""


class Role(StrEnum):
    """Whether a finding can be a root, or only what a root leads to."""

    CAUSE = "cause"
    SYMPTOM = "symptom"


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
    affects: tuple[ObjectRef, ...] = ()
    """Objects known to suffer from it, beside what the edges say."""


class QueryMetadata(Value):
    """What a question names."""

    namespace: str | None = None
    pod: str | None = None
    container: str | None = None
    node: str | None = None
    error_type: str | None = None
    labels_dict: dict[str, str] = Field(default_factory=dict)
    kind: str | None = None
    name: str | None = None
    cluster: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class ChainLink(Value):
    """One step from the cause towards the symptom."""

    ref: ObjectRef
    code: str
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
    since: datetime | None = None


class Gap(Value):
    """Something that could not be seen, and the one read-only command that would show it."""

    what: str
    command: str


class Timings(Value):
    """Seconds by stage."""

    ingest: float = 0.0
    snapshot: float = 0.0
    rules: float = 0.0
    causes: float = 0.0
    total: float = 0.0


class FailureDiagnosis(Value):
    """The answer: causes best first, every claim with the number of the line that proves it."""

    api_version: Literal["kfi/v1"] = "kfi/v1"
    kind: Literal["FailureDiagnosis"] = "FailureDiagnosis"
    question: str = ""
    summary: str
    root_causes: tuple[RootCause, ...] = ()
    evidence: tuple[Citation, ...] = ()
    query_metadata: QueryMetadata = QueryMetadata()
    sub_queries: tuple[str, ...] = ()
    gaps: tuple[Gap, ...] = ()
    reasoning_model_used: str = "rules"
    thinking_chain: str | None = None
    degraded: bool = False
    as_of: datetime | None = None
    objects_seen: int = 0
    skipped: tuple[Skipped, ...] = ()
    timings: Timings = Timings()
