"""
How a text becomes a vector of the store: cleaned, embedded once, cut to the index's dimension, of length 1.

Models differ in what they return and in what they can do at the same time; behind this service all are alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Lock
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kfi.embeddings.clean_text import clean
from kfi.embeddings.vector_cache import Native, VectorCache
from kfi.errors import ConfigError, ServiceError

Vectors = NDArray[np.float32]
"""Shape (texts, numbers)."""


class Embedder(Protocol):
    """A model that turns text into vectors."""

    @property
    def name(self) -> str:
        """The model's name: vectors of models with other names are never compared."""

    def load(self) -> None:
        """Make ready to encode. Called once, by one thread, and again only after it failed."""

    def encode(self, texts: Sequence[str], is_query: bool) -> Vectors:
        """Give a row for each text (at least one, all cleaned), as wide as the model makes it. Any thread may call."""


class EmbeddingService:
    """Turns texts into vectors of one dimension. Loads its model on first use, once, whichever thread asks."""

    def __init__(self, model: Embedder, dimension: int, cache: VectorCache | None = None, batch: int = 64) -> None:
        self._model = model
        self._dimension = dimension
        self._cache = cache
        self._batch = batch
        self._loading = Lock()
        self._loaded = False

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""
        return self._dimension

    def warm_up(self) -> None:
        """Load the model and see that its vectors are long enough.

        Raises:
            ConfigError: they are shorter than the dimension, or a package is missing.
            ServiceError: the model does not load or does not answer.
        """
        self.embed_query("warm up")

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors of cards, shape (texts, dimension); each text is embedded once and then kept in the cache.

        Raises:
            ConfigError: the model's vectors are shorter than the dimension, or a package is missing.
            ServiceError: the model or the cache failed.
        """
        cleaned = [clean(text) for text in texts]
        natives = self._cached(cleaned)
        missing = [text for text in dict.fromkeys(cleaned) if text not in natives]
        for batch in self._batches(missing):
            made = dict(zip(batch, self._encode(batch, is_query=False), strict=True))
            if self._cache is not None:
                self._cache.put_many(self.name, made)
            natives |= made
        return self._cut([natives[text] for text in cleaned])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors of questions, shape (texts, dimension). They are not kept; errors as above."""
        return self._cut(self.native_queries(texts))

    def native_queries(self, texts: Sequence[str]) -> list[Native]:
        """Give the vectors of questions as wide as the model makes them; errors as above."""
        cleaned = [clean(text) for text in texts]
        natives: dict[str, Native] = {}
        for batch in self._batches(list(dict.fromkeys(cleaned))):
            natives |= zip(batch, self._encode(batch, is_query=True), strict=True)
        return [natives[text] for text in cleaned]

    def cut(self, natives: Sequence[Native]) -> Vectors:
        """Give vectors of the model's width cut to the dimension, of length 1; errors as above."""
        return self._cut(natives)

    def exact(self, query: Native, cards: Sequence[str]) -> list[float | None]:
        """Give the cosine of a question and each card at the model's full width; None for a card not in the cache.

        Raises:
            ServiceError: the cache cannot be read.
        """
        cleaned = [clean(card) for card in cards]
        known = {text: native for text, native in self._cached(cleaned).items() if len(native) == len(query)}
        if not known:
            return [None] * len(cards)
        matrix = np.stack(list(known.values())).astype(np.float32)
        asked = query.astype(np.float32)
        lengths = np.linalg.norm(matrix, axis=1) * np.linalg.norm(asked)
        near = dict(zip(known, (matrix @ asked) / lengths, strict=True))
        return [float(near[text]) if text in near else None for text in cleaned]

    def embed_query(self, text: str) -> Vectors:
        """Give the vector of a question, shape (dimension,); errors as above."""
        vector: Vectors = self.embed_queries([text])[0]
        return vector

    def _cached(self, texts: Sequence[str]) -> dict[str, Native]:
        return self._cache.get_many(self.name, texts) if self._cache is not None else {}

    def _batches(self, texts: Sequence[str]) -> list[Sequence[str]]:
        return [texts[start : start + self._batch] for start in range(0, len(texts), self._batch)]

    def _encode(self, texts: Sequence[str], is_query: bool) -> list[Native]:
        """Give what the model makes of the texts, of length 1, in the precision of the cache.

        So a vector is the same whether it comes from the model or from the cache.
        """
        self._load()
        made = np.asarray(self._model.encode(texts, is_query), dtype=np.float32)
        if made.ndim != 2 or len(made) != len(texts):
            raise ServiceError(
                f"The model {self.name!r} gave vectors of shape {made.shape} for {len(texts)} texts.",
                hint="Choose another embedding model, or see the log of the server that runs it.",
            )
        self._check_width(made.shape[1])
        return list(self._of_length_one(made).astype(np.float16))

    def _load(self) -> None:
        with self._loading:
            if not self._loaded:
                self._model.load()
                self._loaded = True

    def _cut(self, natives: Sequence[Native]) -> Vectors:
        if not natives:
            return np.zeros((0, self._dimension), np.float32)
        widths = sorted({len(native) for native in natives})
        self._check_width(widths[0])
        if len(widths) > 1:
            raise ServiceError(
                f"The cache holds vectors of {widths[0]} and of {widths[-1]} numbers for the model {self.name!r}.",
                hint="Another model went by this name. Remove the vector cache and run 'kfi reindex'.",
            )
        return self._of_length_one(np.stack([native[: self._dimension] for native in natives]).astype(np.float32))

    def _check_width(self, width: int) -> None:
        if width < self._dimension:
            raise ConfigError(
                f"The embedding model {self.name!r} gives vectors of {width} numbers, fewer than the "
                f"{self._dimension} of KFI_EMBEDDING_DIMENSION.",
                hint=f"Set KFI_EMBEDDING_DIMENSION to {width} or less and run 'kfi reindex', or choose another model.",
            )

    def _of_length_one(self, vectors: Vectors) -> Vectors:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        # Comparing refuses NaN as well.
        if not np.all((lengths > 0) & (lengths < np.inf)):
            raise ServiceError(
                f"The model {self.name!r} gave a vector that is no direction (zeros, NaN or infinite).",
                hint="Its weights may be damaged: pull them again, or choose another embedding model.",
            )
        normalised: Vectors = (vectors / lengths).astype(np.float32)
        return normalised
