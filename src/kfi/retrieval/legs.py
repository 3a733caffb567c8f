"""
The three ways to search: by meaning, by words, and by what is wrong.

Each takes all sub-queries in one call and gives one list for each. A leg that cannot work gives nothing and a note, so
that the others still answer; failures that are not a service's are nobody's to hide, and pass.
An index may hold fewer numbers of a vector than its model makes: what it finds first is then scored again by the whole
vectors, which the vector cache keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from kfi.embeddings.vector_cache import Native
from kfi.errors import ServiceError
from kfi.models.schemas import Document
from kfi.retrieval.focus import STOP_WORDS
from kfi.retrieval.fusion import Found, Ranked, Ranking
from kfi.retrieval.narrowing import Search, relaxed
from kfi.retrieval.scope import Scope
from kfi.retrieval.triage import triage
from kfi.vectorstore.filters import Condition
from kfi.vectorstore.index import Index, Match, Vectors

Searching = Callable[[Search], Ranked]

# An index holds every state that an object was in. Where older ones are no hits, this many times more are asked for,
# or an object with a long history would leave no room for others; and again as many times where they still do.
_WITH_HISTORY = 4
_DEEPER = 8
_DEEPEST = 16_384
# Of each sub-query: found at the index's dimension, then scored at the model's.
_RESCORED = 100
# What may stand around a word of a question; within a name it stays.
_MARKS = ".,;:!?\"'()"


class QueryEmbedder(Protocol):
    """Turns questions into vectors; `EmbeddingService` does."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Give one vector for each text, shape (texts, dimension)."""


@runtime_checkable
class WholeVectors(Protocol):
    """An embedder that keeps vectors as wide as its model makes them; `EmbeddingService` does."""

    @property
    def dimension(self) -> int:
        """How many numbers of a vector the index holds."""

    def native_queries(self, texts: Sequence[str]) -> Sequence[Native]:
        """Give questions' vectors as wide as the model makes them."""

    def cut(self, natives: Sequence[Native]) -> Vectors:
        """Give such vectors as the index holds them."""

    def exact(self, query: Native, cards: Sequence[str]) -> Sequence[float | None]:
        """Give the cosine of a question and each card at full width; None where the card's vector is not kept."""


class Cards(Protocol):
    """Gives documents by their ids; the ledger does."""

    def by_ids(self, ids: Iterable[str]) -> Mapping[str, Document]:
        """Give the documents of these ids that exist, by id."""


@dataclass(frozen=True)
class Legs:
    """The ways to search, each a function from a search to what it found."""

    dense: Searching
    lexical: Searching
    triage: Searching


def legs_over(
    index: Index | None, embedder: QueryEmbedder | None, candidates: int, documents: Cards | None = None
) -> Legs:
    """Give the legs over an index; `candidates` is how many documents each gives for each sub-query.

    With `documents`, what is found by meaning is scored again at the model's full width, where the index has less.
    """
    by_meaning, by_words = DenseLeg(index, embedder, candidates, documents), LexicalLeg(index, candidates)
    return Legs(by_meaning.search, by_words.search, TriageLeg(candidates).search)


def idle(search: Search) -> Ranked:
    """Find nothing: takes the place of a leg that is not wanted."""
    return Ranked(tuple(() for _ in search.parts))


@dataclass(frozen=True)
class TriageLeg:
    """Finds what is abnormal."""

    candidates: int

    def search(self, search: Search) -> Ranked:
        """Give what is wrong in scope; needs no index."""
        return triage(search, self.candidates)


@dataclass(frozen=True)
class DenseLeg:
    """Finds documents whose cards mean what the sub-queries mean."""

    index: Index | None
    embedder: QueryEmbedder | None
    candidates: int
    documents: Cards | None = None

    def search(self, search: Search) -> Ranked:
        """Embed all sub-queries at once, and find the nearest cards of each in one call."""
        if self.index is None or self.embedder is None:
            what = "index" if self.index is None else "embedding model"
            return _nothing(search, f"Not searched by meaning: there is no {what}.")
        if _asks_nothing(search):
            return idle(search)
        try:
            return self._found(search, self.index, self.embedder)
        except ServiceError as error:
            return _nothing(search, f"Not searched by meaning: {error.message} {error.hint}")

    def _found(self, search: Search, index: Index, embedder: QueryEmbedder) -> Ranked:
        if self.documents is None or not isinstance(embedder, WholeVectors):
            vectors = embedder.embed_queries(search.parts)
            return _first_that_finds(search, partial(index.dense, vectors), self.candidates)
        whole = embedder.native_queries(search.parts)
        find = partial(index.dense, embedder.cut(whole))
        if len(whole[0]) <= embedder.dimension:
            return _first_that_finds(search, find, self.candidates)
        ranked = _first_that_finds(search, find, max(_RESCORED, self.candidates))
        pairs = zip(whole, ranked.found, strict=True)
        again = (_rescored(embedder, self.documents, query, found) for query, found in pairs)
        return Ranked(tuple(found[: self.candidates] for found in again), ranked.notes, ranked.relaxed)


def _rescored(embedder: WholeVectors, documents: Cards, query: Native, found: Sequence[Found]) -> tuple[Found, ...]:
    """Order what the index found by the whole vectors; what has none kept stays behind, in the index's order."""
    known = documents.by_ids([one.document_id for one in found])
    held = [one for one in found if one.document_id in known]
    scores = embedder.exact(query, [known[one.document_id].card for one in held])
    scored = [one._replace(score=score) for one, score in zip(held, scores, strict=True) if score is not None]
    done = {one.document_id for one in scored}
    return (*sorted(scored, key=lambda one: -one.score), *(one for one in found if one.document_id not in done))


@dataclass(frozen=True)
class LexicalLeg:
    """Finds documents with the sub-queries' words."""

    index: Index | None
    candidates: int

    def search(self, search: Search) -> Ranked:
        """Find the words of all sub-queries in one call."""
        if self.index is None:
            return _nothing(search, "Not searched by words: there is no index.")
        if _asks_nothing(search):
            return idle(search)
        try:
            asked = [_telling(part) for part in search.parts]
            ranked = _first_that_finds(search, partial(self.index.lexical, asked), self.candidates)
            return ranked if any(ranked.found) else Ranked(ranked.found, self.index.missing)
        except ServiceError as error:
            return _nothing(search, f"Not searched by words: {error.message} {error.hint}")


def _telling(part: str) -> str:
    """Leave out the English that only asks: `why` is rare in evidence, and would outweigh what is asked about."""
    return " ".join(word for word in part.split() if word.strip(_MARKS).lower() not in STOP_WORDS)


def _asks_nothing(search: Search) -> bool:
    return not any(part.strip() for part in search.parts)


def _nothing(search: Search, note: str) -> Ranked:
    return Ranked(idle(search).found, (note.strip(),))


def _first_that_finds(
    search: Search, find: Callable[[Condition | None, int], list[list[Match]]], candidates: int
) -> Ranked:
    """Search with the narrowest filter that leaves something for a sub-query, and say where that was not the first."""
    for level in search.levels:
        found = _current(search.scope, partial(find, level.condition), candidates)
        if any(found):
            first = search.levels[0]
            return Ranked(found, relaxed="" if level is first else relaxed(first.place, level.place))
    return idle(search)


def _current(scope: Scope, find: Callable[[int], list[list[Match]]], candidates: int) -> Ranking:
    """Give the best of what shows the cluster at the moment asked for, however many older states stand before it."""
    known = scope.document_ids
    if known is None:
        return tuple(tuple(Found(*one) for one in matches) for matches in find(candidates))
    wanted, limit = min(candidates, len(known)), candidates * _WITH_HISTORY
    while True:
        lists = find(limit)
        found = tuple(
            tuple(Found(*one) for one in matches if one.document_id in known)[:candidates] for matches in lists
        )
        hidden = (len(all_) >= limit and len(some) < wanted for all_, some in zip(lists, found, strict=True))
        if limit >= _DEEPEST or not any(hidden):
            return found
        limit = min(limit * _DEEPER, _DEEPEST)
