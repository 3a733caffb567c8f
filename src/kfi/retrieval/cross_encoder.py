"""
The reranker of the full profile: a cross encoder that reads question and candidate together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from kfi.embeddings.clean_text import clean
from kfi.embeddings.torch_door import Turns, full_part, has_gpu, loading, running
from kfi.errors import ConfigError, ServiceError

if TYPE_CHECKING:
    from kfi.retrieval.reranker import Candidate

_BATCH = 16
# Tokens of question and candidate together.
_LONGEST = 512


class CrossEncoderScorer:
    """Scores candidates with a cross encoder from a folder. Loads it on first use, once, whichever thread asks."""

    def __init__(self, model_folder: Path, name: str) -> None:
        self._folder = model_folder
        self._name = name
        self._loading = Lock()
        self._turns = Turns()
        self._loaded: Any = None

    @property
    def name(self) -> str:
        """The model's name, as it is set."""
        return self._name

    def warm_up(self) -> None:
        """Load the model and score a pair with it; errors as in `scores`."""
        self._predict([("warm up", "warm up")])

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        """Give each candidate's relevance to the question; higher is better, comparable within this call only.

        Raises:
            ConfigError: sentence-transformers is not installed, or the model is no reranker.
            ServiceError: the model does not load, or failed.
        """
        asked = clean(query)
        return self._predict([(asked, clean(candidate.text)) for candidate in candidates]) if candidates else []

    def _predict(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        model = self._model
        with self._turns.turn(), running(self._name):
            made = model.predict(list(pairs), batch_size=_BATCH, show_progress_bar=False)
        if made.ndim != 1:
            raise ConfigError(
                f"The model {self._name!r} is no reranker: it gives {made.shape[-1]} numbers for a pair.",
                hint="Set KFI_RERANKER_MODEL to a cross encoder that gives one, such as BAAI/bge-reranker-v2-m3.",
            )
        scores = [float(score) for score in made]
        if not all(map(math.isfinite, scores)):
            raise ServiceError(
                f"The reranker {self._name!r} gave a score that is no number.",
                hint=f"Its weights may be damaged: pull them again with 'kfi models pull {self._name}'.",
            )
        return scores

    @property
    def _model(self) -> Any:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Any:
        package = full_part("sentence_transformers")
        gpu = has_gpu()
        with loading(self._name, self._folder):
            encoder = package.CrossEncoder(
                str(self._folder),
                max_length=_LONGEST,
                device="cuda" if gpu else None,
                local_files_only=True,
                trust_remote_code=False,
            )
            if gpu:
                encoder.model.half()
        return encoder
