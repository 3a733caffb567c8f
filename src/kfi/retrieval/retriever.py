"""
From a question's scope to the few lines that answer it: narrow, search three ways at once, merge, cut, rerank, gather.

All composition of steps is here, and the steps are plain functions; each takes one value and gives the next, which
carries what went before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any, Protocol, TypedDict

from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda, RunnableParallel, RunnablePassthrough

from kfi.models.answer import Hit, Leg, Retrieved
from kfi.models.schemas import Document, ObjectRef
from kfi.retrieval.fault_fields import fields_at_fault
from kfi.retrieval.focus import MOST_LINES, asked_words, focus, words_of
from kfi.retrieval.fusion import Fused, Ranked, fuse
from kfi.retrieval.legs import Legs
from kfi.retrieval.narrowing import Search, narrow
from kfi.retrieval.reading_on import read_on
from kfi.retrieval.reranker import RerankerService
from kfi.retrieval.scope import Scope
from kfi.retrieval.spreading import spread
from kfi.retrieval.tracing import untraced

if TYPE_CHECKING:
    from langchain_core.documents import Document as LangchainDocument


# Characters of a hit that are compared with another's.
_COMPARED_CHARS = 4_000


class DocumentSource(Protocol):
    """Gives whole documents; the ledger does."""

    def by_ids(self, ids: Iterable[str]) -> dict[str, Document]:
        """Give the documents of these ids that exist, by id."""


class Candidates(TypedDict):
    """What the legs found; lives for one step."""

    search: Search
    dense: Ranked
    lexical: Ranked
    triage: Ranked


@dataclass(frozen=True)
class Merged:
    """The legs' rankings made one for each sub-query."""

    search: Search
    found: tuple[tuple[Fused, ...], ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Fetched:
    """What was merged, with the documents themselves."""

    merged: Merged
    documents: Mapping[str, Document]


@dataclass(frozen=True)
class Proposed:
    """Lines that may answer, for each sub-query."""

    search: Search
    hits: tuple[tuple[Hit, ...], ...]
    notes: tuple[str, ...]


def retrieval_chain(
    legs: Legs, reranker: RerankerService, documents: DocumentSource, candidates: int = 40
) -> Runnable[Scope, Retrieved]:
    """Compose the way from a scope to its hits; at most `candidates` of each sub-query are reranked.

    Errors of ours pass through it unchanged, and it is never traced.
    """
    steps = _Steps(documents, reranker, candidates)
    search: Runnable[Search, Any] = RunnableParallel(
        search=RunnablePassthrough(), dense=legs.dense, lexical=legs.lexical, triage=legs.triage
    )
    return _Untraced(
        RunnableLambda(narrow)
        | search
        | RunnableLambda(steps.merge)
        | RunnableLambda(steps.fetch)
        | RunnableLambda(steps.propose)
        | RunnableLambda(steps.rerank)
        | RunnableLambda(gather)
    )


@dataclass(frozen=True)
class _Steps:
    """The steps that need something beside their input, in their order."""

    documents: DocumentSource
    reranker: RerankerService
    candidates: int

    def merge(self, found: Candidates) -> Merged:
        """Fuse the legs' rankings of each sub-query; each note is kept once."""
        search = found["search"]
        ranked = {Leg.DENSE: found["dense"], Leg.LEXICAL: found["lexical"], Leg.TRIAGE: found["triage"]}
        parts = range(len(search.parts))
        fused = tuple(fuse({leg: one.found[part] for leg, one in ranked.items()}, self.candidates) for part in parts)
        notes = chain(search.notes, *(one.notes for one in ranked.values()), _let_go(found["dense"], found["lexical"]))
        return Merged(search, fused, tuple(dict.fromkeys(notes)))

    def fetch(self, merged: Merged) -> Fetched:
        """Get the documents of all sub-queries in one call."""
        wanted = dict.fromkeys(one.document_id for part in merged.found for one in part)
        return Fetched(merged, self.documents.by_ids(wanted))

    def propose(self, fetched: Fetched) -> Proposed:
        """Cut each document down to the lines that matter to the sub-query; those that triage named win."""
        merged = fetched.merged
        pairs = zip(merged.search.parts, merged.found, strict=True)
        hits = tuple(tuple(_distinct(_cut(found, fetched.documents, part)))[: self.candidates] for part, found in pairs)
        return Proposed(merged.search, hits, merged.notes)

    def rerank(self, proposed: Proposed) -> Proposed:
        """Keep for each sub-query the lines that answer it best."""
        scope = proposed.search.scope
        pairs = zip(proposed.search.parts, proposed.hits, strict=True)
        ranked = [self.reranker.best(hits, part, scope, len(hits)) for part, hits in pairs]
        notes = (*proposed.notes, *self.reranker.late(chain.from_iterable(ranked)))
        read = (read_on(spread(_together(hits), scope.snapshot)[: scope.top_k], scope.snapshot) for hits in ranked)
        return Proposed(proposed.search, tuple(_together(hits) for hits in read), notes)


def _let_go(*ranked: Ranked) -> tuple[str, ...]:
    """Give what all searches that found something had to let go of: what one kept to was matched."""
    said = tuple(one.relaxed for one in ranked if any(one.found))
    return said if all(said) else ()


def _cut(found: Sequence[Fused], documents: Mapping[str, Document], part: str) -> Iterator[Hit]:
    words = asked_words(part)
    for one in found:
        document = documents.get(one.document_id)
        # An index may for a while know what the ledger has not, or no longer.
        if document is not None:
            for lines in one.lines or (None,):
                ref = document.ref
                telling = words - words_of(f"{ref.kind} {ref.namespace} {ref.name}")
                first, last, text = focus(document, telling, lines, fields_at_fault(part, ref.kind))
                yield Hit(document=document, first_line=first, last_line=last, text=text, legs=one.legs, sub_query=part)


def _distinct(hits: Iterable[Hit]) -> Iterator[Hit]:
    """Leave out lines of a document that an earlier hit shows, and what another text says of the same object."""
    shown: dict[str, list[Hit]] = {}
    told: set[tuple[ObjectRef, str]] = set()
    for hit in hits:
        earlier = shown.setdefault(hit.document.id, [])
        told_by = (hit.document.ref, " ".join(hit.text.split()))
        if not any(map(hit.overlaps, earlier)) and told_by not in told:
            earlier.append(hit)
            told.add(told_by)
            yield hit


def _together(hits: Iterable[Hit]) -> tuple[Hit, ...]:
    """Join what stands side by side in a source and is about one object, and what says the same of its siblings.

    The Events below a `describe` are a document each, and read as one list; a hundred Pods with one error are one hit.
    Both stand at the place of the better one.
    """
    kept: list[Hit] = []
    said: dict[tuple[str, str], int] = {}
    for hit in hits:
        place = next((place for place, other in enumerate(kept) if _side_by_side(other, hit)), None)
        alike = said.setdefault(_gist(hit), len(kept)) if place is None else None
        if place is not None:
            kept[place] = _with(kept[place], hit)
        elif alike is not None and alike < len(kept) and _of_siblings(kept[alike], hit):
            kept[alike] = kept[alike].model_copy(update={"alike": kept[alike].alike + 1})
        else:
            kept.append(hit)
    return tuple(kept)


def _of_siblings(one: Hit, other: Hit) -> bool:
    return one.document.ref.object != other.document.ref.object


# What differs between the Pods of one workload that fail alike: hashes, numbers, times.
_OWN = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\b(?=[a-z-]*[0-9])[a-z0-9]+\b|[0-9]+", re.ASCII)


def _gist(hit: Hit) -> tuple[str, str]:
    """Give what a hit says, without the names and numbers that its siblings have otherwise."""
    ref = hit.document.ref
    text = hit.text[:_COMPARED_CHARS].lower()
    if ref.name:
        text = text.replace(ref.name, "#")
    return f"{hit.document.kind} {ref.kind} {ref.namespace}", " ".join(_OWN.sub("#", text).split())


def _side_by_side(one: Hit, other: Hit) -> bool:
    if one.document.source.path != other.document.source.path or one.document.ref.object != other.document.ref.object:
        return False
    touch = one.last_line + 1 == other.first_line or other.last_line + 1 == one.first_line
    return touch and max(one.last_line, other.last_line) - min(one.first_line, other.first_line) < MOST_LINES


def _with(one: Hit, other: Hit) -> Hit:
    first, second = sorted((one, other), key=_first_line)
    text = f"{first.text}\n{second.text}"
    return one.model_copy(update={"first_line": first.first_line, "last_line": second.last_line, "text": text})


def _first_line(hit: Hit) -> int:
    return hit.first_line


def gather(proposed: Proposed) -> Retrieved:
    """Merge the sub-queries' hits: the best of each, then the second best of each, and so on."""
    by_rank = (hit for row in zip_longest(*proposed.hits) for hit in row if hit)
    return Retrieved(plan=proposed.search.scope.plan, hits=tuple(_distinct(by_rank)), notes=proposed.notes)


class _Untraced(Runnable[Scope, Retrieved]):
    """Runs a chain where no one listens, the chain around it included."""

    def __init__(self, inner: Runnable[Scope, Retrieved]) -> None:
        self._inner = inner

    def invoke(self, input: Scope, config: RunnableConfig | None = None, **_: Any) -> Retrieved:
        """Give what the chain gives; `config` is not passed on: its callbacks may be tracers."""
        with untraced():
            return self._inner.invoke(input, {"callbacks": []})


class EnhancedRetriever(Runnable[str, "list[LangchainDocument]"]):
    """Finds the lines that answer a question, as a LangChain retriever would give them."""

    def __init__(self, chain: Runnable[Scope, Retrieved], scope_of: Callable[[str], Scope]) -> None:
        self._chain = chain
        self._scope_of = scope_of

    def retrieve(self, scope: Scope) -> Retrieved:
        """Give the hits for a scope, with what was skipped or relaxed on the way.

        Raises:
            ServiceError: the documents cannot be read, or the reranker does not work.
        """
        return self._chain.invoke(scope)

    def invoke(self, input: str, config: RunnableConfig | None = None, **_: Any) -> list[LangchainDocument]:
        """Give the lines that answer a question, best first.

        Raises:
            ServiceError: the documents cannot be read, or the reranker does not work.
        """
        return [_langchain(hit) for hit in self.retrieve(self._scope_of(input)).hits]


def _langchain(hit: Hit) -> LangchainDocument:
    from langchain_core.documents import Document as LangchainDocument

    document, ref = hit.document, hit.document.ref
    ours = {
        "id": document.id,
        "path": document.source.path,
        "first_line": hit.first_line,
        "last_line": hit.last_line,
        "cluster": ref.cluster,
        "namespace": ref.namespace,
        "kind": ref.kind,
        "document_kind": document.kind.value,
        "name": ref.name,
        "container": ref.container,
        "severity": document.severity.value,
        "score": hit.score,
        "legs": {one.leg.value: one.rank for one in hit.legs},
        "sub_query": hit.sub_query,
    }
    # An Event's own fields name its kind `Event` and its object by other keys, as the plan does.
    return LangchainDocument(id=document.id, page_content=hit.text, metadata={**ours, **document.metadata})
