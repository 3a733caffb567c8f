"""
The values an answer is made of while it is made: hits, what retrieval gives, and the events that are streamed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from kfi.models.listing import Listing
from kfi.models.schemas import (
    Citation,
    Document,
    DocumentKind,
    FailureDiagnosis,
    ModelChoice,
    ObjectRef,
    QueryPlan,
    RootCause,
    Severity,
    Value,
)

BY_MODEL = "model"
"""What a model's score stands under in `Hit.features`: it is not made of features."""


class Leg(StrEnum):
    """A way of searching."""

    DENSE = "dense"
    LEXICAL = "lexical"
    TRIAGE = "triage"


class LegRank(Value):
    """At which place a leg found something (1 is best), and how it scored there (higher is better)."""

    leg: Leg
    rank: int
    score: float = 0.0


class Hit(Value):
    """A few lines of a document that answer (a part of) a question."""

    document: Document
    first_line: int
    last_line: int
    text: str
    """Exactly the lines `first_line` to `last_line` of the document's source."""
    score: float = 0.0
    """By the reranker; comparable only within one sub-query and one reranker."""
    features: dict[str, float] = Field(default_factory=dict)
    """What each feature added to the score; a model's own score under `model`, which says no more than the number."""
    legs: tuple[LegRank, ...] = ()
    sub_query: str = ""
    alike: int = 0
    """Hits left out that say the same of other objects: the other Pods of one workload."""

    def overlaps(self, other: Hit | Citation) -> bool:
        """Tell whether other lines of the same source have some in common with these."""
        return self.first_line <= other.last_line and other.first_line <= self.last_line

    @property
    def citation(self) -> Citation:
        """Its lines, not numbered yet."""
        return Citation(
            document_id=self.document.id,
            path=self.document.source.path,
            first_line=self.first_line,
            last_line=self.last_line,
            text=self.text,
        )


class Retrieved(Value):
    """What retrieval found for a plan."""

    plan: QueryPlan
    hits: tuple[Hit, ...] = ()
    """Best first, merged over the sub-queries, each document's lines once."""
    notes: tuple[str, ...] = ()
    """What was skipped or relaxed, and why."""
    seconds: float = 0.0


class FoundLines(Value):
    """A hit as `kfi retrieve` prints it."""

    file: str
    """Path below what was handed over."""
    first_line: int
    last_line: int
    score: float
    legs: dict[Leg, int]
    """Place in each leg that found it, 1 is best."""
    features: dict[str, float] = Field(default_factory=dict)
    """What each feature added to the score, most first; empty where a model gave it."""
    object: ObjectRef
    document_kind: DocumentKind
    severity: Severity
    sub_query: str
    alike: int = 0
    """How many others say the same of their objects, and are left out."""
    text: str

    @classmethod
    def of(cls, hit: Hit) -> FoundLines:
        """Give a hit's lines and why they were found."""
        document = hit.document
        return cls(
            file=document.source.path,
            first_line=hit.first_line,
            last_line=hit.last_line,
            score=round(hit.score, 4),
            legs={found.leg: found.rank for found in hit.legs},
            features=_most_first(hit.features),
            object=document.ref,
            document_kind=document.kind,
            severity=document.severity,
            sub_query=hit.sub_query,
            alike=hit.alike,
            text=hit.text,
        )


def _most_first(features: Mapping[str, float]) -> dict[str, float]:
    added = {name: round(value, 4) for name, value in features.items()}
    return {name: added[name] for name in sorted(added, key=lambda name: -abs(added[name])) if added[name]}


class HitList(Value):
    """What was found for a question, best first."""

    api_version: Literal["kfi/v1"] = "kfi/v1"
    kind: Literal["HitList"] = "HitList"
    question: str
    plan: QueryPlan
    hits: tuple[FoundLines, ...] = ()
    embedder: str
    reranker: str
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @classmethod
    def of(cls, found: Retrieved, embedder: str, reranker: str) -> HitList:
        """Give what was found, flat."""
        return cls(
            question=found.plan.question,
            plan=found.plan,
            hits=tuple(FoundLines.of(hit) for hit in found.hits),
            embedder=embedder,
            reranker=reranker,
            notes=found.notes,
            seconds=found.seconds,
        )


class PlanReady(Value):
    """The question was taken apart."""

    event: Literal["plan"] = "plan"
    plan: QueryPlan


class EvidenceFound(Value):
    """The rules have spoken and the evidence is numbered; all that follows only explains it."""

    event: Literal["evidence"] = "evidence"
    summary: str
    root_causes: tuple[RootCause, ...] = ()
    evidence: tuple[Citation, ...] = ()
    listing: Listing | None = None
    notes: tuple[str, ...] = ()


class ModelChosen(Value):
    """Who will explain the answer."""

    event: Literal["model"] = "model"
    choice: ModelChoice


class Thinking(Value):
    """A piece of the model's reasoning."""

    event: Literal["reasoning"] = "reasoning"
    text: str


class Token(Value):
    """A piece of the model's answer."""

    event: Literal["token"] = "token"
    text: str


class Finished(Value):
    """The whole answer."""

    event: Literal["answer"] = "answer"
    diagnosis: FailureDiagnosis


class Failed(Value):
    """No answer can be given."""

    event: Literal["error"] = "error"
    message: str
    hint: str = ""


AnswerEvent = Annotated[
    PlanReady | EvidenceFound | ModelChosen | Thinking | Token | Finished | Failed, Field(discriminator="event")
]


class QueryAnalysis(Value):
    """What a question was understood as, and who would explain its answer."""

    api_version: Literal["kfi/v1"] = "kfi/v1"
    kind: Literal["QueryAnalysis"] = "QueryAnalysis"
    plan: QueryPlan
    complexity: float
    """0 to 1."""
    model_choice: ModelChoice


class Part(Value):
    """One thing that answers depend on, and how it stands."""

    name: str
    ready: bool
    detail: str
    needed: bool = True
    """Whether nothing can be answered without it."""
    mend: str = ""
    """The command that mends it where it is not ready."""
