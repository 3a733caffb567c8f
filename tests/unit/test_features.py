"""Scores from what is known of a candidate: each feature, and which candidate they put first."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from kfi.models.answer import Leg, LegRank
from kfi.models.schemas import DocumentKind, Severity
from kfi.retrieval.features import FEATURES, FeatureScorer, Weights
from kfi.retrieval.reranker import Candidate
from tests.cluster import NOW, ref

HOUR = timedelta(hours=1)


def candidate(about: str = "Pod/orchard/payments-0", text: str = "some text", **known: Any) -> Candidate:
    container = known.pop("container", "")
    return Candidate(text=text, ref=ref(about).model_copy(update={"container": container}), **known)


def feature(name: str, query: str, one: Candidate, *among: Candidate) -> float:
    """One feature alone: its weight 1, all others 0."""
    weights = Weights(**{other: float(other == name) for other in FEATURES})
    return round(FeatureScorer(weights).explain(query, one, (one, *among))[name], 3)


def best(query: str, *candidates: Candidate) -> Candidate:
    scores = FeatureScorer().scores(query, candidates)
    return candidates[scores.index(max(scores))]


@pytest.mark.parametrize(
    ("query", "about", "expected"),
    [
        ("Why does cart fail?", "Deployment/orchard/cart", 1.0),
        ("Why does cart fail?", "Pod/orchard/cart-7d9f4-abcde", 0.9),
        ("Why does cart fail?", "Pod/orchard/cart-7d9f4c8b6d-x2x4z", 0.9),
        ("Why does cart fail?", "ReplicaSet/orchard/cart-7d9f4c8b6d", 0.9),
        ("Why does cart fail?", "Pod/orchard/cart-0", 0.9),
        ("Why does cart fail?", "Pod/orchard/cart-worker", 0.0),
        ("Why does cart fail?", "Pod/orchard/cart-db-0", 0.0),
        ("Why does cart-7d9f4c8b6d-x2x4z fail?", "Deployment/orchard/cart", 0.6),
        ("What fails in orchard?", "Pod/orchard/payments-0", 0.2),
        ("Why is the pod pending?", "Pod/orchard/pod", 0.0),
        ("", "Pod/orchard/cart-0", 0.0),
    ],
)
def test_an_object_is_recognised_by_its_own_name_and_by_the_name_of_its_workload(
    query: str, about: str, expected: float
):
    assert feature("entity", query, candidate(about)) == expected


def test_an_object_is_recognised_by_its_container_and_by_its_text():
    assert feature("entity", "is sidecar slow?", candidate(container="sidecar")) == 0.6
    assert feature("entity", "what made cart-0 go?", candidate(text="Created pod: cart-0")) == 0.4


@pytest.mark.parametrize(
    ("query", "known", "expected"),
    [
        ("what does FailedScheduling mean?", {"reason": "FailedScheduling"}, 1.0),
        ("why is it pending?", {"reason": "FailedScheduling"}, 0.8),
        ("why is it pending?", {"reason": "Scheduled", "text": "Successfully assigned"}, 0.0),
        ("why can it not pull its image?", {"reason": "Pulling", "severity": Severity.NORMAL}, 0.4),
        ("why can it not pull its image?", {"text": "Failed to pull", "severity": Severity.WARNING}, 0.5),
        ("why does it crash?", {"text": "cart CrashLoopBackOff"}, 0.5),
        ("why does it crash?", {"text": "cart ImagePullBackOff"}, 0.0),
        ("what is going on?", {"reason": "BackOff"}, 0.0),
    ],
)
def test_a_failure_is_recognised_by_its_reason_and_by_the_words_of_its_family(
    query: str, known: dict[str, Any], expected: float
):
    assert feature("reason", query, candidate(**known)) == expected


def test_a_rare_word_of_the_question_weighs_more_than_a_common_one():
    common, both = candidate(text="timeout"), candidate(text="timeout of the ledger")

    rare = candidate(text="the ledger")

    query = "ledger timeout"
    among = (common, both, candidate(text="timeout again"), candidate(text="a timeout"))
    assert feature("words", query, both, *among) == 1.0
    assert 0 < feature("words", query, common, *among) < feature("words", query, rare, *among) < 1


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        ("severity", {"severity": Severity.ERROR}, 1.0),
        ("severity", {"severity": Severity.WARNING}, 0.6),
        ("severity", {"severity": None}, 0.0),
        ("event", {"kind": DocumentKind.EVENT}, 1.0),
        ("event", {"kind": DocumentKind.LOG}, 0.0),
        ("finding", {"finding_rank": 0}, 1.0),
        ("finding", {"finding_rank": 3}, 0.25),
        ("finding", {"finding_rank": None}, 0.0),
        ("lead", {"finding_rank": 0, "lead_rank": 1}, 0.5),
        ("lead", {"finding_rank": 0, "lead_rank": None}, 0.0),
        ("pointed", {"pointed": True}, 1.0),
        ("neighbour", {"neighbour": True}, 1.0),
        ("recency", {"last_time": NOW}, 1.0),
        ("recency", {"last_time": NOW - HOUR}, 0.5),
        ("recency", {"last_time": None}, 0.5),
        ("legs", {"legs": ()}, 0.0),
        ("legs", {"legs": tuple(LegRank(leg=leg, rank=1) for leg in Leg)}, 1.0),
        ("legs", {"legs": (LegRank(leg=Leg.DENSE, rank=1),)}, 0.333),
        ("legs", {"legs": (LegRank(leg=Leg.DENSE, rank=12),)}, 0.167),
    ],
)
def test_a_feature_is_a_number_from_0_to_1(name: str, known: dict[str, Any], expected: float):
    assert feature(name, "what fails?", candidate(**known), candidate(last_time=NOW)) == expected


def test_an_object_of_the_kind_that_is_named_counts():
    query = "why is deployment/cart down?"

    assert feature("kind", query, candidate("Deployment/orchard/payments")) == 1.0
    assert feature("kind", query, candidate("Pod/orchard/cart-0")) == 0.0


def test_every_feature_has_a_weight_of_its_name():
    assert set(FEATURES) == set(Weights.model_fields)


def test_a_score_is_the_sum_of_what_its_features_add():
    one = candidate("Pod/orchard/cart-0", "BackOff", severity=Severity.ERROR, pointed=True, last_time=NOW)
    other = candidate(text="cart")
    scorer = FeatureScorer()

    [score, _] = scorer.scores("why does cart crash?", [one, other])

    assert sum(scorer.explain("why does cart crash?", one, [one, other]).values()) == pytest.approx(score)


def test_learned_weights_are_read_from_json():
    assert Weights.model_validate_json('{"entity": 5.5}') == Weights(entity=5.5)
    with pytest.raises(ValidationError, match="entty"):
        Weights.model_validate_json('{"entty": 1}')


def test_the_trouble_of_the_object_that_is_named_comes_first():
    its_own = candidate("Pod/orchard/cart-0", "Warning BackOff", reason="BackOff", severity=Severity.WARNING)
    fine = candidate("Pod/orchard/cart-0", "Normal Pulled image of cart", reason="Pulled", severity=Severity.NORMAL)
    others = candidate("Pod/orchard/mailer-0", "Warning BackOff", reason="BackOff", severity=Severity.WARNING)

    assert best("Why does cart crash?", fine, others, its_own) == its_own


def test_what_a_rule_cites_comes_before_what_repeats_the_words_of_the_question():
    proof = candidate("ConfigMap/orchard/settings", "URL: http//mailer", finding_rank=0, neighbour=True)
    chatter = candidate("Service/orchard/mailer", "why does checkout restart, says checkout", severity=Severity.WARNING)

    assert best("Why does checkout restart?", chatter, proof) == proof


def test_hostile_text_is_read_only_in_part():
    score, again = FeatureScorer().scores(
        "why does \x00 cart \ud800 crash?" * 9999,
        [candidate(text="cart " * 400_000), candidate(text="cart " * 800_000)],
    )

    assert score == again


def test_an_event_of_what_goes_well_is_routine_unless_it_tells_of_trouble_or_events_are_asked_for():
    pulled = candidate(text="Pulled image", kind=DocumentKind.EVENT, severity=Severity.NORMAL)
    backed_off = candidate(text="Back-off pulling image", kind=DocumentKind.EVENT, severity=Severity.NORMAL)

    assert feature("routine", "why is payments down?", pulled) == 1.0
    assert feature("routine", "show the events of payments", pulled) == 0.0
    assert feature("routine", "why is payments down?", backed_off) == 0.0


def test_what_kubectl_said_when_it_got_no_log_is_no_trouble_of_the_cluster():
    refused = candidate(
        text="Error from server (NotFound): pods not found", kind=DocumentKind.LOG, severity=Severity.ERROR
    )

    assert feature("routine", "why is payments down?", refused) == 1.0
    assert feature("severity", "why is payments down?", refused) == 0.0


def test_a_log_without_a_level_counts_by_its_words():
    said = candidate(text="all tries failed", kind=DocumentKind.LOG, severity=Severity.NORMAL)
    calm = candidate(text="all is well", kind=DocumentKind.LOG, severity=Severity.NORMAL)

    assert feature("severity", "why?", said) == 0.5
    assert feature("severity", "why?", calm) == 0.0


def test_a_row_says_less_than_a_text_and_a_healthy_one_least():
    rows = [
        candidate(row=True, kind=DocumentKind.OBJECT, severity=severity)
        for severity in (Severity.NORMAL, Severity.ERROR)
    ]

    assert [feature("row", "why?", one) for one in (*rows, candidate())] == [1.0, 0.5, 0.0]


def test_the_words_of_a_name_count_as_the_name_and_not_again():
    by_name = candidate("Pod/orchard/pay-desk", text="pay-desk is here")
    by_words = candidate("Pod/orchard/other-0", text="the disk is full")

    assert feature("words", "is the disk of pay-desk full?", by_words, by_name) == 1.0
    assert feature("words", "is the disk of pay-desk full?", by_name, by_words) == 0.0


def test_proof_about_what_is_named_counts_almost_as_its_name_and_a_neighbours_half():
    about = {"finding_rank": 0, "about": "Node/node-a"}

    assert feature("entity", "why is pay-desk down?", candidate(proves=True, **about)) == 0.9
    assert feature("entity", "why is pay-desk down?", candidate(**about)) == 0.5
