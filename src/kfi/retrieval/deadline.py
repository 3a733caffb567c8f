"""
A slow model's scores while there is time, and the features' where there is none left.

A cross encoder reads each pair for milliseconds on a GPU and for seconds without one; nobody waits for the latter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kfi.retrieval.features import FeatureScorer
from kfi.retrieval.reranker import Scorer

if TYPE_CHECKING:
    from kfi.retrieval.reranker import Candidate

# Candidates between two looks at the clock.
_BATCH = 8


class DeadlineScorer:
    """Scores by a model; where it has not read all candidates in time, the features' order stands for all of them.

    A batch that was begun is finished, so an answer may come later than the deadline by the time of one batch.
    """

    def __init__(self, model: Scorer, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._model = model
        self._features = FeatureScorer()
        self._seconds = seconds
        self._clock = clock

    @property
    def name(self) -> str:
        """The model's name."""
        return self._model.name

    def warm_up(self) -> None:
        """Load the model, so that loading counts for no question's time."""
        self._model.warm_up()

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        """Give the model's scores, or the features' where the model is too slow; of one kind within a call.

        Raises:
            ServiceError: the model cannot be used.
        """
        end = self._clock() + self._seconds
        made: list[float] = []
        for start in range(0, len(candidates), _BATCH):
            if made and self._clock() > end:
                return self._features.scores(query, candidates)
            made += self._model.scores(query, candidates[start : start + _BATCH])
        return made
