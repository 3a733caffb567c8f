"""Reciprocal rank fusion: positions only, and always the same order."""

import random

from kfi.models.answer import Leg, LegRank
from kfi.retrieval.fusion import Found, Fused, fuse, joined


def found(*ids: str) -> tuple[Found, ...]:
    return tuple(Found(id_, score=100.0 - place) for place, id_ in enumerate(ids))


def test_a_document_found_by_two_legs_outranks_one_found_by_either():
    fused = fuse({Leg.DENSE: found("dense", "both"), Leg.LEXICAL: found("lexical", "both")}, limit=3)

    assert [one.document_id for one in fused] == ["both", "dense", "lexical"]
    assert fused[0].legs == (
        LegRank(leg=Leg.DENSE, rank=2, score=99.0),
        LegRank(leg=Leg.LEXICAL, rank=2, score=99.0),
    )


def test_scores_do_not_count():
    loud = (Found("loud", 1e9), Found("second", 1e8))
    quiet = (Found("quiet", 1e-9), Found("second", 1e-10))

    fused = fuse({Leg.DENSE: loud, Leg.TRIAGE: quiet}, limit=2)

    assert [one.document_id for one in fused] == ["second", "loud"]


def test_of_equal_sums_the_better_single_place_wins_and_then_the_id():
    # 1/61 + 1/64 against 1/62 + 1/63, and two that mirror each other.
    fused = fuse({Leg.DENSE: found("b", "c", "d", "a"), Leg.LEXICAL: found("a", "d", "c", "b")}, limit=4)

    assert [one.document_id for one in fused] == ["a", "b", "c", "d"]


def test_the_order_of_the_legs_in_the_mapping_changes_nothing():
    ids = [f"d{number}" for number in range(30)]
    shuffled = random.Random(7)
    rankings = {leg: found(*shuffled.sample(ids, 30)) for leg in Leg}

    backwards = dict(reversed(rankings.items()))

    assert fuse(rankings, limit=30) == fuse(backwards, limit=30)


def test_a_document_that_a_leg_lists_twice_counts_at_its_first_place_and_keeps_both_passages():
    cited = (Found("node", 1.0, (40, 41)), Found("node", 0.5, (3, 3)), Found("pod", 0.3, (1, 1)))

    fused = fuse({Leg.TRIAGE: cited}, limit=2)

    assert fused == (
        Fused("node", (LegRank(leg=Leg.TRIAGE, rank=1, score=1.0),), ((40, 41), (3, 3))),
        Fused("pod", (LegRank(leg=Leg.TRIAGE, rank=2, score=0.3),), ((1, 1),)),
    )


def test_passages_that_nearly_touch_become_one():
    assert joined([(10, 12), (30, 30), (14, 14), (16, 20), (11, 11)]) == [(10, 20), (30, 30)]


def test_nothing_found_is_nothing_fused():
    assert fuse({Leg.DENSE: (), Leg.LEXICAL: ()}, limit=5) == ()
