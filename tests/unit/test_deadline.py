"""A slow model's scores while there is time, and the features' order where there is none."""

from __future__ import annotations

from collections.abc import Sequence

from kfi.retrieval.deadline import DeadlineScorer
from kfi.retrieval.features import FeatureScorer
from kfi.retrieval.reranker import Candidate, RerankerService
from tests.cluster import ref
from tests.unit.test_reranker import cart, hit, scope


class Slow:
    """A model that takes seconds for each candidate, on the clock that it moves; `later` from the second batch on."""

    name = "orchard/slow"

    def __init__(self, seconds: float, later: float | None = None) -> None:
        self.now = 0.0
        self.seconds = seconds
        self.later = seconds if later is None else later
        self.batches: list[int] = []
        self.warm = False

    def clock(self) -> float:
        return self.now

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        self.now += len(candidates) * (self.later if self.batches else self.seconds)
        self.batches.append(len(candidates))
        return [float(len(one.text)) for one in candidates]

    def warm_up(self) -> None:
        self.warm = True


CANDIDATES = [Candidate(text="x" * number, ref=ref(f"Pod/orchard/cart-{number}")) for number in range(20)]


def test_a_model_in_time_scores_all_candidates_in_batches():
    model = Slow(0.1)

    assert DeadlineScorer(model, 2.1, model.clock).scores("cart-3", CANDIDATES) == [float(n) for n in range(20)]
    assert model.batches == [2, 8, 8, 2]


def test_nobody_waits_for_a_model_that_will_be_late_and_the_order_of_the_features_stands_for_all():
    model = Slow(0.5)

    scores = DeadlineScorer(model, 2.0, model.clock).scores("cart-3", CANDIDATES)

    assert scores == FeatureScorer().scores("cart-3", CANDIDATES)
    assert model.batches == [2]
    assert model.now == 1.0


def test_a_model_that_becomes_slow_is_left():
    model = Slow(0.1, later=0.3)

    assert DeadlineScorer(model, 2.1, model.clock).scores("cart-3", CANDIDATES) == FeatureScorer().scores(
        "cart-3", CANDIDATES
    )
    assert model.batches == [2, 8]


def test_the_first_candidates_are_always_read_and_nothing_asks_the_model_nothing():
    model = Slow(9.0)
    scorer = DeadlineScorer(model, 0.5, model.clock)

    assert scorer.scores("cart-3", CANDIDATES[:2]) == [0.0, 1.0]
    assert scorer.scores("cart-3", []) == []
    assert model.batches == [2]


def test_who_ranked_is_told_with_each_hit_and_a_late_model_in_words():
    asked, question = scope(), "Why does cart fail?"
    found = [hit(document) for document in cart()]
    features = RerankerService(FeatureScorer())
    quick, late = (RerankerService(DeadlineScorer(model, 2.0, model.clock)) for model in (Slow(0.01), Slow(9.0)))

    by_model, by_features, same = (one.best(found, question, asked, 20) for one in (quick, late, features))

    assert {name for one in by_model for name in one.features} == {"model"}
    assert by_features == same
    assert [*quick.late(by_model), *features.late(same)] == []
    (said,) = late.late(by_features)
    assert said.startswith("The reranker orchard/slow is too slow on this machine")


def test_it_goes_by_the_models_name_and_warms_it_up():
    model = Slow(0.1)
    scorer = DeadlineScorer(model, 0.5)
    scorer.warm_up()

    assert (scorer.name, model.warm) == ("orchard/slow", True)
