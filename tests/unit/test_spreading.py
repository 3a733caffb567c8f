"""The order in which hits are shown: what better ones have told counts for less."""

from __future__ import annotations

from kfi.models.answer import Hit
from kfi.models.schemas import Document
from kfi.retrieval.spreading import spread
from tests.cluster import event, obj, snapshot


def hit(document: Document, score: float) -> Hit:
    source = document.source
    return Hit(
        document=document, first_line=source.first_line, last_line=source.last_line, text=document.text, score=score
    )


def test_another_object_comes_before_the_third_text_about_one_and_scores_stay():
    told = [event("Pod/orchard/cart-0", reason, "said") for reason in ("BackOff", "Failed", "Unhealthy")]
    claim = obj("PersistentVolumeClaim/orchard/stock")
    hits = [hit(told[0], 9.0), hit(told[1], 8.9), hit(told[2], 8.8), hit(claim, 8.0), hit(told[0], 0.0)]

    found = spread(hits, snapshot([*told, claim]))

    assert [one.score for one in found] == [9.0, 8.0, 8.9, 8.8, 0.0]


def test_what_is_much_better_stays_first_though_it_repeats():
    told = [event("Pod/orchard/cart-0", reason, "said") for reason in ("BackOff", "Failed")]
    claim = obj("PersistentVolumeClaim/orchard/stock")
    hits = [hit(told[0], 9.0), hit(told[1], 8.9), hit(claim, 1.0)]

    assert spread(hits, snapshot([*told, claim])) == tuple(hits)


def test_one_hit_and_none_are_given_as_they_are():
    one = hit(obj("Pod/orchard/cart-0"), 1.0)

    assert spread([one], snapshot([one.document])) == (one,)
    assert spread([], snapshot([])) == ()
