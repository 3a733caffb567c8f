"""The best few documents: filters first, then scores; by LangChain's Documents and by our hits."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from langchain_core.documents import Document as LangchainDocument

from kfi.errors import ServiceError
from kfi.models.answer import Hit, Leg, LegRank
from kfi.models.schemas import (
    Citation,
    Document,
    DocumentKind,
    Finding,
    ObjectRef,
    QueryPlan,
    Severity,
)
from kfi.retrieval.features import FeatureScorer
from kfi.retrieval.reranker import Candidate, RerankerService, Scorer
from kfi.retrieval.scope import Scope
from tests.cluster import NOW, event, obj, ref, snapshot


class Longest:
    """A scorer that likes long texts, and keeps what it was asked."""

    name = "longest"

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Candidate, ...]]] = []
        self.warm = False

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        self.asked.append((query, tuple(candidates)))
        return [float(len(one.text)) for one in candidates]

    def warm_up(self) -> None:
        self.warm = True


class Fixed(Longest):
    """A scorer that answers what it is told to."""

    def __init__(self, *answer: float) -> None:
        super().__init__()
        self._answer = list(answer)

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        return self._answer


def page(text: str, **metadata: Any) -> LangchainDocument:
    return LangchainDocument(page_content=text, metadata=metadata)


def texts(documents: list[LangchainDocument]) -> list[str]:
    return [document.page_content for document in documents]


def test_ten_documents_are_cut_down_to_the_best_four():
    documents = [page("x" * length) for length in (3, 9, 1, 7, 5, 10, 2, 8, 6, 4)]

    best = RerankerService(Longest()).rerank(documents, "Why does cart fail?", top_k=4)

    assert [(len(one.page_content), one.metadata["rerank_score"]) for one in best] == [(10, 10), (9, 9), (8, 8), (7, 7)]


def test_four_are_kept_where_no_number_is_given():
    assert len(RerankerService(FeatureScorer()).rerank([page(f"text {n}") for n in range(10)], "cart")) == 4


@pytest.mark.parametrize(("documents", "top_k"), [([], 4), ([page("x")], 0), ([page("x")], -1)])
def test_nothing_comes_of_nothing(documents: list[LangchainDocument], top_k: int):
    assert RerankerService(Longest()).rerank(documents, "cart", top_k) == []


def test_what_the_question_rules_out_is_never_scored():
    scorer = Longest()
    ours, others = page("ours", namespace="orchard"), page("of another namespace", namespace="press")

    best = RerankerService(scorer).rerank([others, ours], "Why do pods crash in namespace orchard?")

    assert texts(best) == ["ours"]
    assert [one.text for one in scorer.asked[0][1]] == ["ours"]


@pytest.mark.parametrize(
    ("metadata", "stays"),
    [
        ({}, True),
        ({"namespace": None}, True),
        ({"namespace": "orchard"}, True),
        ({"namespace": "orchard", "pod": "web-app-123"}, True),
        ({"namespace": "orchard", "kind": "Pod", "name": "web-app-123"}, True),
        ({"namespace": "orchard", "involved_object_kind": "Pod", "involved_object_name": "web-app-123"}, True),
        ({"namespace": "orchard", "kind": "ConfigMap", "name": "settings"}, True),
        ({"kind": "Node", "name": "node-a"}, True),
        # Events about nodes stand in the namespace default.
        ({"namespace": "default", "involved_object_kind": "Node", "involved_object_name": "node-a"}, True),
        ({"namespace": "press", "neighbour": True}, True),
        ({"namespace": "press"}, False),
        ({"namespace": "orchard", "pod": "web-app-124"}, False),
        ({"namespace": "orchard", "kind": "Pod", "name": "mailer-0"}, False),
        ({"namespace": "press", "kind": "ConfigMap", "name": "settings"}, False),
    ],
)
def test_a_document_stays_where_its_metadata_agrees_or_lacks_the_field(metadata: dict[str, Any], stays: bool):
    sure = page("sure", namespace="orchard")

    best = RerankerService(Longest()).rerank(
        [page("asked", **metadata), sure], "Why is pod web-app-123 crashing in namespace orchard?"
    )

    assert texts(best) == (["asked", "sure"] if stays else ["sure"])


def test_the_pods_of_a_named_workload_stay_and_those_of_its_namesake_go():
    pods = [page(name, kind="ReplicaSet", name=name) for name in ("cart-7d9f4c8b6d", "cart-worker")]

    assert texts(RerankerService(Longest()).rerank(pods, "Why does replicaset/cart fail?")) == ["cart-7d9f4c8b6d"]


def test_a_named_node_and_container_rule_out_others():
    on = [page(name, namespace="orchard", kind="Pod", name=name, node=name) for name in ("node-a", "node-b")]
    of = [page(name, container=name) for name in ("app", "proxy")]
    reranker = RerankerService(Longest())

    assert texts(reranker.rerank(on, "Why do pods on node node-b fail?")) == ["node-b"]
    assert texts(reranker.rerank(of, "What does container proxy log?")) == ["proxy"]


def test_where_nothing_would_be_left_the_narrowest_filter_is_let_go_first():
    query = "Why does container app of pod web-app-123 crash in namespace orchard?"
    here = page("here", namespace="orchard", kind="Pod", name="mailer-0", container="proxy")
    there = page("there", namespace="press", kind="Pod", name="web-app-9", container="app")
    reranker = RerankerService(Longest())

    assert texts(reranker.rerank([there, here], query)) == ["here"]
    assert texts(reranker.rerank([there], query)) == ["there"]


def test_the_documents_that_were_given_are_not_changed():
    documents = [page("one", namespace="orchard", labels={"app": "cart"}), page("three", rerank_score="old")]
    before = copy.deepcopy(documents)

    best = RerankerService(Longest()).rerank(documents, "cart")

    assert documents == before
    assert best[0] == page("three", rerank_score=5.0)
    assert best[1] == page("one", namespace="orchard", labels={"app": "cart"}, rerank_score=3.0)


def test_equal_scores_keep_the_order_that_was_given():
    documents = [page(name) for name in ("c", "a", "b", "d")]

    assert texts(RerankerService(Longest()).rerank(documents, "cart", 3)) == ["c", "a", "b"]


def test_metadata_of_any_shape_are_read_as_far_as_they_make_sense():
    scorer = Longest()
    odd = page(
        "odd", namespace=7, kind=["Pod"], severity="dreadful", last_timestamp="yesterday", container={}, pod=None
    )
    plain = page(
        "plain",
        kind="Event",
        involved_object_kind="Pod",
        involved_object_name="cart-0",
        namespace="orchard",
        reason="BackOff",
        event_type="Warning",
        last_timestamp="2026-11-20T14:40:00",
        legs={"dense": 3, "smell": 1, "triage": "first"},
    )

    RerankerService(scorer).rerank([odd, plain], "Why does cart fail?")

    assert scorer.asked[0][1] == (
        Candidate(text="odd"),
        Candidate(
            text="plain",
            ref=ref("Pod/orchard/cart-0"),
            kind=DocumentKind.EVENT,
            severity=Severity.WARNING,
            reason="BackOff",
            last_time=NOW,
            legs=(LegRank(leg=Leg.DENSE, rank=3),),
        ),
    )


def test_the_metadata_of_our_own_documents_are_understood():
    scorer = Longest()
    ours = event("Pod/orchard/cart-0", "BackOff", "Back-off restarting failed container")

    RerankerService(scorer).rerank([page(ours.text, **ours.metadata)], "Why does cart fail?")

    [only] = scorer.asked[0][1]
    assert (only.ref, only.kind, only.reason, only.last_time) == (
        ours.ref, DocumentKind.EVENT, "BackOff", ours.last_time,
    )  # fmt: skip


@pytest.mark.parametrize("answer", [(1.0,), (math.nan, 1.0), (1.0, math.inf)])
def test_a_scorer_that_gives_no_numbers_is_an_error(answer: tuple[float, ...]):
    with pytest.raises(ServiceError, match="'longest' did not give a number for each of 2"):
        RerankerService(Fixed(*answer)).rerank([page("a"), page("b")], "cart")


def test_the_scorer_loads_only_when_it_is_told_to():
    scorer: Scorer = Longest()
    reranker = RerankerService(scorer)

    before = scorer.warm
    reranker.warm_up()

    assert (before, scorer.warm, reranker.name) == (False, True, "longest")


def hit(document: Document, **known: Any) -> Hit:
    return Hit(document=document, first_line=1, last_line=document.source.last_line, text=document.text, **known)


def cart() -> tuple[Document, ...]:
    """Deployment cart with two Pods, on node-a, with its ConfigMap; payments beside it."""
    labels = {"app": "cart"}
    needs = [{"configMapRef": {"name": "cart-settings"}}]
    spec = {"containers": [{"name": "app", "envFrom": needs}]}
    pods = [
        obj(
            f"Pod/orchard/{name}",
            metadata={
                "labels": labels,
                "ownerReferences": [{"kind": "Deployment", "name": "cart", "controller": True}],
            },
            spec={**spec, "nodeName": "node-a"},
        )
        for name in ("cart-a1", "cart-b2")
    ]
    template = {"metadata": {"labels": labels}, "spec": spec}
    return (
        obj("Deployment/orchard/cart", spec={"selector": {"matchLabels": labels}, "template": template}),
        *pods,
        obj("ConfigMap/orchard/cart-settings", data={"URL": "x"}),
        obj("Node/node-a"),
        obj("Pod/orchard/payments-c3", spec={"containers": [{"name": "app"}]}),
    )


def scope(*pointed: ObjectRef, findings: tuple[Finding, ...] = ()) -> Scope:
    return Scope(QueryPlan(question="Why does cart fail?"), snapshot(cart()), findings, pointed)


def judged(asked: Scope, hits: Sequence[Hit]) -> dict[str, Candidate]:
    scorer = Longest()
    RerankerService(scorer).best(hits, "Why does cart fail?", asked, 99)
    return {str(one.ref): one for one in scorer.asked[0][1]}


@pytest.mark.parametrize(
    ("pointed", "expected"),
    [
        (
            ("Deployment/orchard/cart",),
            {"Deployment/orchard/cart", "Pod/orchard/cart-a1", "Pod/orchard/cart-b2"},
        ),
        (
            ("Pod/orchard/cart-a1", "Deployment/orchard/cart"),
            {"Deployment/orchard/cart", "Pod/orchard/cart-a1"},
        ),
    ],
)
def test_all_pods_of_a_named_workload_are_meant_but_not_the_siblings_of_a_named_pod(
    pointed: tuple[str, ...], expected: set[str]
):
    found = judged(scope(*map(ref, pointed)), [hit(one) for one in cart()])

    assert {name for name, one in found.items() if one.pointed} == expected
    assert {name for name, one in found.items() if one.neighbour} == (
        {"Pod/orchard/cart-b2", "ConfigMap/orchard/cart-settings", "Node/node-a", "Deployment/orchard/cart"}
        | {"Pod/orchard/cart-a1"}
    ) - expected


def test_without_an_object_in_the_question_nothing_is_near_it():
    found = judged(scope(), [hit(one) for one in cart()])

    assert not any(one.pointed or one.neighbour for one in found.values())


def finding(document: Document, *lines: int, code: str = "some-code") -> Finding:
    cited = (
        Citation(document_id=document.id, path="x", first_line=line, last_line=line + 1, text="") for line in lines
    )
    return Finding(code=code, ref=document.ref, message="It fails.", evidence=tuple(cited))


def test_a_hit_has_the_rank_of_the_first_finding_that_cites_its_lines():
    deployment, first, second, *_ = cart()

    findings = (
        finding(deployment, 900, code="a"),
        finding(first, 1, 900, code="b"),
        finding(first, 2, code="c"),
        finding(second, 3, code="d"),
    )
    found = judged(scope(findings=findings), [hit(deployment), hit(first), hit(second)])

    assert [one.finding_rank for one in found.values()] == [None, 1, 3]


def test_what_is_found_alike_of_the_pods_of_a_workload_shares_a_rank():
    _, first, second, settings, *_, other = cart()

    findings = (finding(first, 1), finding(second, 1), finding(other, 1), finding(settings, 1, code="b"))
    found = judged(scope(findings=findings), [hit(one) for one in (first, second, other, settings)])

    assert [one.finding_rank for one in found.values()] == [0, 0, 1, 2]


def test_only_the_lines_that_a_finding_quotes_first_lead_it():
    _, first, _, settings, *_ = cart()
    cited = (*finding(settings, 1).evidence, *finding(first, 1).evidence)

    findings = (finding(first, 900, code="a"), finding(first).model_copy(update={"evidence": cited}))
    found = judged(scope(findings=findings), [hit(settings), hit(first)])

    assert [(one.finding_rank, one.lead_rank) for one in found.values()] == [(1, 1), (1, None)]


def test_what_is_proven_of_the_pod_that_is_named_comes_before_what_is_of_its_siblings():
    deployment, first, second, *_ = cart()

    findings = (finding(first, 1, code="a"), finding(second, 1, code="b"))
    found = judged(scope(second.ref, deployment.ref, findings=findings), [hit(first), hit(second)])

    assert [one.finding_rank for one in found.values()] == [1, 0]
    assert all(one.proves for one in found.values())


def test_a_candidate_says_what_is_known_of_its_hit():
    document = event("Pod/orchard/cart-a1", "BackOff", "Back-off restarting").model_copy(
        update={"card": "Warning BackOff Pod orchard/cart-a1", "severity": Severity.WARNING}
    )
    legs = (LegRank(leg=Leg.DENSE, rank=2),)

    found = judged(scope(), [hit(document, legs=legs)])

    assert list(found.values()) == [
        Candidate(
            text=f"Warning BackOff Pod orchard/cart-a1\n{document.text}",
            ref=document.ref,
            kind=DocumentKind.EVENT,
            severity=Severity.WARNING,
            reason="BackOff",
            last_time=document.last_time,
            legs=legs,
        )
    ]


def test_the_best_hits_come_with_their_scores_and_ties_in_the_order_given():
    hits = [hit(event("Pod/orchard/cart-a1", "BackOff", message)) for message in ("one", "three", "two", "ten")]

    best = RerankerService(Fixed(1, 3, 1, 2)).best(hits, "cart", scope(), 3)

    assert best == tuple(hits[at].model_copy(update={"score": score}) for at, score in ((1, 3.0), (3, 2.0), (0, 1.0)))


def test_an_event_in_the_future_of_the_clock_is_read():
    late = page("late", last_timestamp=datetime(2999, 1, 1))

    assert texts(RerankerService(FeatureScorer()).rerank([late], "cart")) == ["late"]


def test_findings_about_other_objects_prove_nothing_where_the_question_names_one():
    *_, settings, node, other = cart()

    def about(document: Document, *affects: str) -> Finding:
        cited = Citation(document_id=document.id, path="x", first_line=1, last_line=1, text="")
        return Finding(
            code="some-code",
            ref=document.ref,
            message="It fails.",
            evidence=(cited,),
            affects=tuple(ref(one) for one in affects),
        )

    findings = (about(other), about(node), about(settings, "Deployment/orchard/cart"))
    hits = [hit(one) for one in (other, node, settings)]

    named = judged(scope(ref("Deployment/orchard/cart"), findings=findings), hits)
    unnamed = judged(scope(findings=findings), hits)

    assert [(one.finding_rank, one.proves) for one in named.values()] == [(None, False), (1, False), (0, True)]
    assert [(one.finding_rank, one.proves) for one in unnamed.values()] == [(0, False), (1, False), (2, False)]


def test_a_hit_says_what_its_score_is_made_of_where_features_gave_it():
    one = hit(event("Pod/orchard/cart-a1", "BackOff", "restarting"))

    (by_features,) = RerankerService(FeatureScorer()).best([one], "why does cart-a1 fail?", scope(), 1)
    (by_model,) = RerankerService(Fixed(1.0)).best([one], "cart", scope(), 1)

    assert sum(by_features.features.values()) == pytest.approx(by_features.score)
    assert by_features.features["entity"] > 0
    assert by_model.features == {}
