"""A slow model's scores while there is time, and the features' order where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from kfi.retrieval.deadline import DeadlineScorer
from kfi.retrieval.features import FeatureScorer
from kfi.retrieval.reranker import Candidate
from tests.cluster import ref


class Slow:
    """A model that takes a second for each batch, on the clock that it moves."""

    name = "orchard/slow"

    def __init__(self) -> None:
        self.now = 0.0
        self.batches: list[int] = []
        self.warm = False

    def clock(self) -> float:
        return self.now

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        self.now += 1.0
        self.batches.append(len(candidates))
        return [float(len(one.text)) for one in candidates]

    def warm_up(self) -> None:
        self.warm = True


CANDIDATES = [Candidate(text="x" * number, ref=ref(f"Pod/orchard/cart-{number}")) for number in range(20)]


def test_a_model_in_time_scores_all_candidates_in_batches():
    model = Slow()

    assert DeadlineScorer(model, 5.0, model.clock).scores("cart-3", CANDIDATES) == [float(n) for n in range(20)]
    assert model.batches == [8, 8, 4]


def test_after_the_deadline_the_order_of_the_features_stands_for_all():
    model = Slow()

    scores = DeadlineScorer(model, 0.5, model.clock).scores("cart-3", CANDIDATES)

    assert scores == FeatureScorer().scores("cart-3", CANDIDATES)
    assert model.batches == [8]


def test_a_first_batch_is_always_read_and_nothing_asks_the_model_nothing():
    model = Slow()
    scorer = DeadlineScorer(model, 0.5, model.clock)

    assert scorer.scores("cart-3", CANDIDATES[:8]) == [float(n) for n in range(8)]
    assert scorer.scores("cart-3", []) == []
    assert model.batches == [8]


def test_it_goes_by_the_models_name_and_warms_it_up():
    model = Slow()
    scorer = DeadlineScorer(model, 0.5)
    scorer.warm_up()

    assert (scorer.name, model.warm) == ("orchard/slow", True)
