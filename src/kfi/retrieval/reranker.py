"""
Which of the found lines answer a question best: a scorer says how well each does, the best few stay.

Two scorers keep to one type: features that need no weights, and a cross encoder. Filters come first, so a scorer
never spends time on what the question rules out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from kfi.config import EMBEDDED_RERANKER
from kfi.errors import ServiceError
from kfi.models.answer import BY_MODEL, Hit, Leg, LegRank
from kfi.models.schemas import Document, DocumentKind, ObjectRef, QueryMetadata, Severity
from kfi.retrieval.narrowing import neighbourhood
from kfi.retrieval.proof import Asked, Proof
from kfi.retrieval.query_analyzer import QueryAnalyzer
from kfi.retrieval.scope import Scope
from kfi.retrieval.triage import folders_of
from kfi.snapshot.ownership import folder_of
from kfi.snapshot.resources import CLUSTER_SCOPED

if TYPE_CHECKING:
    from langchain_core.documents import Document as LangchainDocument

_KINDS = frozenset(DocumentKind)
_SEVERITIES = frozenset(Severity)
_LEGS = frozenset(Leg)
# What a Pod's or ReplicaSet's name has after its workload's: hashes, or an ordinal. Kubernetes writes hashes without
# vowels (k8s.io/apimachinery/pkg/util/rand); people who shorten them keep a digit. `cart-worker` is another workload.
_HASH = r"(?:[bcdfghjklmnpqrstvwxz2456789]{5,10}|(?=[a-z]{0,9}\d)[a-z0-9]{3,10})"
_GENERATED = re.compile(rf"-{_HASH}(?:-[a-z0-9]{{5}})?|-\d{{1,10}}")


@dataclass(frozen=True)
class Candidate:
    """One hit as a scorer sees it."""

    text: str
    """The document's card, then the hit's lines."""
    ref: ObjectRef = field(default_factory=ObjectRef)
    kind: DocumentKind | None = None
    severity: Severity | None = None
    reason: str = ""
    """Of an Event, a container's state or a condition, as Kubernetes writes it: `FailedScheduling`."""
    last_time: datetime | None = None
    legs: tuple[LegRank, ...] = ()
    finding_rank: int | None = None
    """Place of the first finding (0 is the most important) that cites these lines."""
    lead_rank: int | None = None
    """Place of the first finding that quotes one of these lines before all others: the line that says what is wrong."""
    proves: bool = False
    """Whether that finding is about what the question names."""
    pointed: bool = False
    """Whether it is about an object that the question names, or the workload above it."""
    neighbour: bool = False
    """Whether it is about an object that an edge joins to one of those."""
    beside: bool = False
    """Whether it is a log whose writer nothing tells, and lies among the texts of what the question names."""
    row: bool = False
    """Whether it is one line of a table: less than the object's own text, where that is there."""


@runtime_checkable
class Explaining(Protocol):
    """A scorer that can say what its scores are made of."""

    def contributions(self, query: str, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
        """Give what each feature adds to the score of each candidate, in their order."""


class Scorer(Protocol):
    """Says how well candidates answer a query. Safe to share between threads."""

    @property
    def name(self) -> str:
        """What answers name it by."""

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        """Give one number for each candidate, in their order; higher is better, comparable within one call only."""

    def warm_up(self) -> None:
        """Load what it needs, so that the first question does not wait for it."""


def generated_from(name: str, workload: str) -> bool:
    """Tell whether a name is a workload's with generated parts behind it.

    >>> generated_from("cart-7d9f4c8b6d-x2x4z", "cart"), generated_from("cart-worker", "cart")
    (True, False)
    """
    return name.startswith(f"{workload}-") and _GENERATED.fullmatch(name, len(workload)) is not None


class RerankerService:
    """Keeps what answers a question best. Safe to share between threads; the scorer loads on first use."""

    def __init__(self, scorer: Scorer, analyzer: QueryAnalyzer | None = None) -> None:
        self._scorer = scorer
        self._analyzer = analyzer or QueryAnalyzer()

    @property
    def name(self) -> str:
        """What answers name the reranker by."""
        return self._scorer.name

    def warm_up(self) -> None:
        """Load what the scorer needs."""
        self._scorer.warm_up()

    def rerank(self, documents: list[LangchainDocument], query: str, top_k: int = 4) -> list[LangchainDocument]:
        """Give the `top_k` documents that answer a query best, best first, with `rerank_score` in their metadata.

        What the query names rules out first: documents of another cluster or namespace, about another object of the
        kind it names, on another node, of another container. What lacks a field, is cluster-scoped, or is marked
        `neighbour` stays, and so do other kinds: a Pod's cause may be a ConfigMap. Where nothing would be left,
        container, node, name and namespace are let go one after the other. The documents given are not changed.

        Raises:
            ServiceError: the scorer's model cannot be used.
        """
        told = [_told_by(document) for document in documents]
        left = _agreeing([one.place for one in told], self._analyzer.extract_k8s_metadata(query))
        scores = self._scores(query, [told[at].candidate for at in left])
        ranked = sorted(zip(left, scores, strict=True), key=_score, reverse=True)
        return [_with_score(documents[at], score) for at, score in ranked[: max(top_k, 0)]]

    def best(self, hits: Sequence[Hit], sub_query: str, scope: Scope, top_k: int) -> tuple[Hit, ...]:
        """Give the `top_k` hits that answer a part of a question best, best first, with their scores.

        Raises:
            ServiceError: the scorer's model cannot be used.
        """
        candidates = self.candidates(hits, scope)
        told = self._told(sub_query, candidates)
        scores = self._scores(sub_query, candidates) if told is None else self._checked(map(_sum, told), len(hits))
        scored = [
            hit.model_copy(update={"score": score, "features": why})
            for hit, score, why in zip(hits, scores, told or [{}] * len(hits), strict=True)
        ]
        return tuple(sorted(scored, key=_hit_score, reverse=True)[: max(top_k, 0)])

    def late(self, hits: Iterable[Hit]) -> Iterator[str]:
        """Say so where hits were ranked by their features because the model was too slow."""
        if self.name != EMBEDDED_RERANKER and any(hit.features and BY_MODEL not in hit.features for hit in hits):
            yield (
                f"The reranker {self.name} is too slow on this machine for KFI_RERANKER_DEADLINE_S, "
                "so the features' order stands."
            )

    def candidates(self, hits: Sequence[Hit], scope: Scope) -> list[Candidate]:
        """Give hits as a scorer sees them."""
        around = _Surroundings(scope)
        return [around.candidate(hit) for hit in hits]

    def _told(self, query: str, candidates: Sequence[Candidate]) -> list[dict[str, float]] | None:
        scorer = self._scorer
        return scorer.contributions(query, candidates) if isinstance(scorer, Explaining) else None

    def _scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        return self._checked(self._scorer.scores(query, candidates), len(candidates)) if candidates else []

    def _checked(self, given: Iterable[float], wanted: int) -> list[float]:
        scores = [float(score) for score in given]
        # Half-precision models overflow to NaN, which sorts anywhere and is no JSON.
        if len(scores) != wanted or not all(map(math.isfinite, scores)):
            raise ServiceError(
                f"The reranker {self.name!r} did not give a number for each of {wanted} candidates.",
                hint="Set KFI_PROFILE=embedded to rank without a model.",
            )
        return scores


def _sum(added: Mapping[str, float]) -> float:
    return sum(added.values())


def _hit_score(hit: Hit) -> float:
    return hit.score


def _score(pair: tuple[object, float]) -> float:
    return pair[1]


class _Surroundings:
    """What of a scope says how near a hit is to the question; looked up once for all hits."""

    def __init__(self, scope: Scope) -> None:
        self._topology = scope.snapshot.topology
        self._pointed = frozenset(scope.pointed)
        self._named = self._named_workloads(scope.pointed)
        below = (pod.ref for workload in self._pointed for pod in self._topology.pods_of(workload))
        self._core = self._pointed.union(below)
        self._near = neighbourhood(scope.snapshot, scope.pointed).union(self._edges_from(self._core))
        self._writers = {log.citation.document_id: log.ref for log in scope.snapshot.logs}
        self._folders = folders_of(scope.snapshot, self._core)
        asked = Asked(self._pointed, self._core, self._near)
        self._proof = Proof(scope.findings, asked, self._topology.workload)

    def _named_workloads(self, pointed: Sequence[ObjectRef]) -> frozenset[ObjectRef]:
        """Give the workloads that are pointed at for themselves, not for a Pod of theirs: all their Pods are meant."""
        above = {self._topology.workload(ref) for ref in pointed if self._topology.workload(ref) != ref}
        return self._pointed - above

    def _edges_from(self, core: frozenset[ObjectRef]) -> Iterator[ObjectRef]:
        for ref in core:
            yield from self._topology.impact.get(ref, ())
            yield from self._topology.calls.get(ref, ())

    def candidate(self, hit: Hit) -> Candidate:
        document = hit.document
        ref = self._writers.get(document.id, document.ref)
        beside = self._lies_beside(document)
        pointed = ref.object in self._pointed or self._topology.workload(ref) in self._named
        proven = self._proof.of(hit)
        return Candidate(
            text=f"{document.card}\n{hit.text}" if document.card else hit.text,
            ref=ref,
            kind=document.kind,
            severity=document.severity,
            reason=_reason(document),
            last_time=document.last_time or document.first_time,
            legs=hit.legs,
            finding_rank=proven.rank,
            lead_rank=proven.lead_rank,
            proves=proven.proves,
            pointed=pointed,
            neighbour=not pointed and (self._is_near(ref.object) or beside),
            beside=beside,
            row=document.kind is DocumentKind.OBJECT and document.source.first_line == document.source.last_line,
        )

    def _is_near(self, ref: ObjectRef) -> bool:
        suffering = self._topology.impact.get(ref, ())
        return ref in self._core or ref in self._near or not self._core.isdisjoint(suffering)

    def _lies_beside(self, document: Document) -> bool:
        """Tell whether a log whose path names no writer lies beside the texts of what the question names."""
        loose = document.kind is DocumentKind.LOG and document.ref.kind in ("", "Log")
        return loose and folder_of(document.source.path) in self._folders


def _reason(document: Document) -> str:
    """Give the word that an Event, an alert or a unit's state goes by; objects have theirs in the card."""
    names = {DocumentKind.EVENT: "reason", DocumentKind.ALERT: "name", DocumentKind.NODE_SERVICE: "result"}
    said = document.payload.get(names.get(document.kind, ""), "")
    return said if isinstance(said, str) else ""


@dataclass(frozen=True)
class _Place:
    """Where a document belongs, as far as its metadata say."""

    ref: ObjectRef
    node: str
    neighbour: bool

    @property
    def free(self) -> bool:
        """Whether no namespace can rule it out."""
        return self.neighbour or not self.ref.namespace or self.ref.kind in CLUSTER_SCOPED


@dataclass(frozen=True)
class _Told:
    """What the metadata of a LangChain document tell."""

    candidate: Candidate
    place: _Place


def _agreeing(places: Sequence[_Place], asked: QueryMetadata) -> list[int]:
    """Give the positions of what the question does not rule out; where that is nothing, ask for less."""
    conditions = [_of_cluster, _in_namespace, _of_name, _on_node, _of_container]
    while conditions:
        left = [at for at, place in enumerate(places) if all(holds(place, asked) for holds in conditions)]
        if left:
            return left
        conditions.pop()
    return list(range(len(places)))


def _of_cluster(place: _Place, asked: QueryMetadata) -> bool:
    return asked.cluster is None or place.ref.cluster in ("", asked.cluster)


def _in_namespace(place: _Place, asked: QueryMetadata) -> bool:
    return asked.namespace is None or place.free or place.ref.namespace == asked.namespace


def _of_name(place: _Place, asked: QueryMetadata) -> bool:
    """Tell whether it is about the object that is named, a Pod of it, or something of another kind."""
    # A name without a kind may be any object's, and rules nothing out.
    if asked.name is None or asked.kind is None or place.neighbour or place.ref.kind not in ("", asked.kind):
        return True
    name = place.ref.name
    return name in ("", asked.name) or generated_from(name, asked.name)


def _on_node(place: _Place, asked: QueryMetadata) -> bool:
    return asked.node is None or place.neighbour or place.node in ("", asked.node)


def _of_container(place: _Place, asked: QueryMetadata) -> bool:
    return asked.container is None or place.neighbour or place.ref.container in ("", asked.container)


def _told_by(document: LangchainDocument) -> _Told:
    """Read metadata that anyone may have written: what is no text, time or known word counts as missing."""
    metadata = document.metadata
    pod = _text(metadata, "pod", "pod_name")
    ref = ObjectRef(
        cluster=_text(metadata, "cluster"),
        kind=_text(metadata, "involved_object_kind", "object_kind", "kind") or ("Pod" if pod else ""),
        namespace=_text(metadata, "namespace"),
        name=_text(metadata, "involved_object_name", "name") or pod,
        container=_text(metadata, "container"),
    )
    node = _text(metadata, "node") or (ref.name if ref.kind == "Node" else "")
    place = _Place(ref, node, neighbour=metadata.get("neighbour") is True)
    candidate = Candidate(
        text=document.page_content,
        ref=ref,
        kind=_kind(metadata),
        severity=_severity(metadata),
        reason=_text(metadata, "reason"),
        last_time=_time(metadata, "last_timestamp") or _time(metadata, "first_timestamp"),
        legs=_legs(metadata),
        neighbour=place.neighbour,
    )
    return _Told(candidate, place)


def _text(metadata: Mapping[str, Any], *names: str) -> str:
    return next((said for name in names if isinstance(said := metadata.get(name), str) and said), "")


def _kind(metadata: Mapping[str, Any]) -> DocumentKind | None:
    said = _text(metadata, "document_kind", "kind").lower()
    return DocumentKind(said) if said in _KINDS else None


def _severity(metadata: Mapping[str, Any]) -> Severity | None:
    said = (_text(metadata, "severity") or _text(metadata, "event_type")).lower()
    return Severity(said) if said in _SEVERITIES else None


def _legs(metadata: Mapping[str, Any]) -> tuple[LegRank, ...]:
    said = metadata.get("legs")
    ranks = said.items() if isinstance(said, Mapping) else ()
    return tuple(LegRank(leg=Leg(leg), rank=rank) for leg, rank in ranks if leg in _LEGS and isinstance(rank, int))


def _time(metadata: Mapping[str, Any], name: str) -> datetime | None:
    said = metadata.get(name)
    if isinstance(said, str):
        try:
            said = datetime.fromisoformat(said)
        except ValueError:
            return None
    if not isinstance(said, datetime):
        return None
    return said if said.tzinfo else said.replace(tzinfo=UTC)


def _with_score(document: LangchainDocument, score: float) -> LangchainDocument:
    return document.model_copy(update={"metadata": {**document.metadata, "rerank_score": score}})
