"""
A slow model's scores while there is time, and the features' where there is none left.

A cross encoder reads each pair for milliseconds on a GPU and for seconds without one; nobody waits for the latter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from kfi.models.answer import BY_MODEL
from kfi.retrieval.features import FeatureScorer
from kfi.retrieval.reranker import Scorer

if TYPE_CHECKING:
    from kfi.retrieval.reranker import Candidate

# Candidates before the first look at the clock, and between two looks.
_FIRST, _BATCH = 2, 8


class DeadlineScorer:
    """Scores by a model; where it would not read all candidates in time, the features' order stands for all of them.

    The first few tell how long all will take: nobody waits for a model that cannot be done in time.
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
        made = self._in_time(query, candidates)
        return self._features.scores(query, candidates) if made is None else made

    def contributions(self, query: str, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
        """Give the model's score of each candidate under its own name, or what each feature adds where it is too slow.

        Raises:
            ServiceError: the model cannot be used.
        """
        made = self._in_time(query, candidates)
        if made is None:
            return self._features.contributions(query, candidates)
        return [{BY_MODEL: score} for score in made]

    def _in_time(self, query: str, candidates: Sequence[Candidate]) -> list[float] | None:
        begun = self._clock()
        made: list[float] = []
        while len(made) < len(candidates):
            size = _BATCH if made else _FIRST
            made += self._model.scores(query, candidates[len(made) : len(made) + size])
            spent, left = self._clock() - begun, len(candidates) - len(made)
            if left and spent + left * spent / len(made) > self._seconds:
                return None
        return made
