"""
The three ways to search: by meaning, by words, and by what is wrong.

Each takes all sub-queries in one call and gives one list for each. A leg that cannot work gives nothing and a note, so
that the others still answer; failures that are not a service's are nobody's to hide, and pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from kfi.errors import ServiceError
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
# What may stand around a word of a question; within a name it stays.
_MARKS = ".,;:!?\"'()"


class QueryEmbedder(Protocol):
    """Turns questions into vectors; `EmbeddingService` does."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Give one vector for each text, shape (texts, dimension)."""


@dataclass(frozen=True)
class Legs:
    """The ways to search, each a function from a search to what it found."""

    dense: Searching
    lexical: Searching
    triage: Searching


def legs_over(index: Index | None, embedder: QueryEmbedder | None, candidates: int) -> Legs:
    """Give the legs over an index; `candidates` is how many documents each gives for each sub-query."""
    by_meaning, by_words = DenseLeg(index, embedder, candidates), LexicalLeg(index, candidates)
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

    def search(self, search: Search) -> Ranked:
        """Embed all sub-queries at once, and find the nearest cards of each in one call."""
        if self.index is None or self.embedder is None:
            what = "index" if self.index is None else "embedding model"
            return _nothing(search, f"Not searched by meaning: there is no {what}.")
        if _asks_nothing(search):
            return idle(search)
        try:
            vectors = self.embedder.embed_queries(search.parts)
            return _first_that_finds(search, partial(self.index.dense, vectors), self.candidates, " by meaning")
        except ServiceError as error:
            return _nothing(search, f"Not searched by meaning: {error.message} {error.hint}")


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
            ranked = _first_that_finds(search, partial(self.index.lexical, asked), self.candidates, " by words")
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
    search: Search, find: Callable[[Condition | None, int], list[list[Match]]], candidates: int, by: str
) -> Ranked:
    """Search with the narrowest filter that leaves something for a sub-query, and say where that was not the first."""
    for level in search.levels:
        found = _current(search.scope, partial(find, level.condition), candidates)
        if any(found):
            first = search.levels[0]
            return Ranked(found, () if level is first else (relaxed(first.place, level.place, by),))
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
