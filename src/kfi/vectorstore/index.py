"""
What an index is: rows go in, the ids of the nearest documents come out.

Two keep to it: `MilvusStore` for a store that stays, `MemoryIndex` for evidence that is read for one answer only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from kfi.models.schemas import Document
from kfi.vectorstore.filters import Condition

Vectors = NDArray[np.float32]
"""Shape (texts, dimension), each row of length 1."""


@dataclass(frozen=True)
class IndexRow:
    """A document and the vector of its card."""

    document: Document
    vector: Vectors
    """Shape (dimension,), of length 1."""


class Match(NamedTuple):
    """A document that a search found; a higher score is better, and means nothing beside another search's."""

    document_id: str
    score: float


class Index(Protocol):
    """Searches the documents of one store. Safe to share between threads."""

    @property
    def missing(self) -> tuple[str, ...]:
        """What this index cannot do, a sentence each; empty where it can do all."""

    @property
    def fewest(self) -> int:
        """Rows that one `flush` should find at least, or it weighs words by too few documents; 0 where that is one."""

    def upsert(self, rows: Sequence[IndexRow]) -> None:
        """Put rows in; one of a known id takes the other's place. Searchable once `flush` has returned."""

    def flush(self) -> None:
        """Make what was put in durable and fast to search."""

    def count(self) -> int:
        """Count the rows."""

    def dense(self, vectors: Vectors, where: Condition | None, limit: int) -> list[list[Match]]:
        """Give for each vector the documents with the nearest cards, best first."""

    def lexical(self, texts: Sequence[str], where: Condition | None, limit: int) -> list[list[Match]]:
        """Give for each text the documents with its words (BM25), best first; empty where it cannot."""

    def drop(self) -> None:
        """Empty it: it is to be filled anew."""

    def close(self) -> None:
        """Let go of it."""
