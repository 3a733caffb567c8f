"""
An index in memory, for evidence that is read for one answer: exact cosine and BM25, nothing written anywhere.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kfi.models.schemas import Document
from kfi.vectorstore.filters import Condition, matches
from kfi.vectorstore.index import IndexRow, Match, Vectors
from kfi.vectorstore.words import words

if TYPE_CHECKING:
    from bm25s import BM25

_KEPT_MASKS = 16


@dataclass
class _Built:
    """The rows as they were when a search came: position i means the same document everywhere."""

    documents: tuple[Document, ...]
    vectors: Vectors
    """Of the rows that have one."""
    with_vector: NDArray[np.intp]
    """Positions of those rows."""
    lexical: BM25 | None
    """None where no row has a word."""
    masks: dict[Condition, NDArray[np.bool_]] = field(default_factory=dict)

    def allowed(self, where: Condition | None) -> NDArray[np.bool_]:
        """Give for each row whether the condition holds; both legs of a question ask for the same."""
        if where is None:
            return np.ones(len(self.documents), dtype=np.bool_)
        mask = self.masks.get(where)
        if mask is None:
            rows = (matches(where, document) for document in self.documents)
            mask = np.fromiter(rows, dtype=np.bool_, count=len(self.documents))
            if len(self.masks) < _KEPT_MASKS:
                self.masks[where] = mask
        return mask


class MemoryIndex:
    """Holds rows in memory. Safe to share between threads; built again at the first search after a change."""

    missing: tuple[str, ...] = ()
    fewest = 0

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self._documents: dict[str, Document] = {}
        self._vectors: dict[str, Vectors] = {}
        self._built: _Built | None = None
        self._lock = threading.Lock()

    def upsert(self, rows: Sequence[IndexRow]) -> None:
        """Put rows in; one of a known id takes the other's place.

        Raises:
            ValueError: a vector has not the index's dimension.
        """
        for row in rows:
            if row.vector.shape != (self.dimension,):
                raise ValueError(f"A vector has the shape {row.vector.shape}, not {(self.dimension,)}.")
        with self._lock:
            for row in rows:
                self._documents[row.document.id] = row.document
                self._vectors[row.document.id] = row.vector
            self._built = None

    def add_texts(self, documents: Iterable[Document]) -> None:
        """Put documents in that only their words can find; one that has a vector keeps it."""
        with self._lock:
            self._documents |= {document.id: document for document in documents}
            self._built = None

    def flush(self) -> None:
        """Do nothing: rows are searchable at once, and are never durable."""

    def count(self) -> int:
        """Count the rows, those without a vector among them."""
        return len(self._documents)

    def dense(self, vectors: Vectors, where: Condition | None, limit: int) -> list[list[Match]]:
        """Give for each vector the documents with the nearest cards by cosine, best first."""
        built = self._ready()
        positions = built.with_vector[built.allowed(where)[built.with_vector]]
        near = vectors @ built.vectors[np.searchsorted(built.with_vector, positions)].T
        return [_best(built, positions, scores, limit) for scores in near]

    def lexical(self, texts: Sequence[str], where: Condition | None, limit: int) -> list[list[Match]]:
        """Give for each text the documents with its words (BM25), best first."""
        built = self._ready()
        return [_found(built, text, where, limit) for text in texts]

    def drop(self) -> None:
        """Empty it."""
        self.close()

    def close(self) -> None:
        """Let go of the rows."""
        with self._lock:
            self._documents, self._vectors, self._built = {}, {}, None

    def _ready(self) -> _Built:
        with self._lock:
            if self._built is None:
                self._built = self._build()
            return self._built

    def _build(self) -> _Built:
        documents = tuple(self._documents.values())
        having = [at for at, document in enumerate(documents) if document.id in self._vectors]
        rows = [self._vectors[documents[at].id] for at in having]
        return _Built(
            documents=documents,
            vectors=np.array(rows, dtype=np.float32).reshape(len(rows), self.dimension),
            with_vector=np.array(having, dtype=np.intp),
            lexical=_bm25(documents),
        )


def _bm25(documents: Sequence[Document]) -> BM25 | None:
    # Imported late: it takes a while, and many answers need no words.
    from bm25s import BM25

    texts = [list(words(f"{document.card}\n{document.text}")) for document in documents]
    if not any(texts):
        return None
    bm25 = BM25(backend="numpy")
    bm25.index(texts, show_progress=False)
    return bm25


def _found(built: _Built, text: str, where: Condition | None, limit: int) -> list[Match]:
    asked = [word for word in dict.fromkeys(words(text)) if built.lexical and word in built.lexical.vocab_dict]
    if not built.lexical or not asked:
        return []
    scores = built.lexical.get_scores(asked)
    positions = np.flatnonzero(built.allowed(where) & (scores > 0))
    return _best(built, positions, scores[positions], limit)


def _best(built: _Built, positions: NDArray[np.intp], scores: NDArray[np.float32], limit: int) -> list[Match]:
    """Order rows by score; among equals, by when they were put in."""
    order = np.argsort(-scores, kind="stable")[:limit]
    return [Match(built.documents[positions[at]].id, float(scores[at])) for at in order]
