"""What a question points at in what was seen."""

import pytest

from kfi.models.schemas import QueryMetadata
from kfi.retrieval.pointing import pointed_at
from tests.cluster import obj, snapshot

_LABELS = {"app": "payment"}
SEEN = snapshot(
    obj(
        "Deployment/orchard/payment",
        spec={"selector": {"matchLabels": _LABELS}, "template": {"metadata": {"labels": _LABELS}}},
    ),
    obj("Service/orchard/pay-gateway", spec={"selector": _LABELS}),
    obj("Pod/orchard/web-7d9f8c6b5-k2jqp"),
    obj("Pod/orchard/db-10"),
)


@pytest.mark.parametrize(
    ("name", "kind", "pointed"),
    [
        ("payment", None, {"Deployment/orchard/payment"}),
        ("pay-gateway", "Service", {"Service/orchard/pay-gateway", "Deployment/orchard/payment"}),
        ("payment-6d5f9c7b88-x2x9z", "Pod", {"Deployment/orchard/payment"}),
        ("web-7d9", "Pod", {"Pod/orchard/web-7d9f8c6b5-k2jqp"}),
        ("db-1", "Pod", set()),
    ],
)
def test_a_name_points_at_what_is_meant_by_it(name, kind, pointed):
    found = pointed_at(SEEN, f"why is {name} failing", QueryMetadata(name=name, kind=kind))

    assert pointed <= {str(ref) for ref in found.objects}
    assert bool(found.objects) == bool(pointed)
    assert found.missing == (() if pointed else (name,))


def test_labels_point_at_what_has_them_where_no_name_does():
    seen = snapshot(
        obj("Pod/orchard/web-0", metadata={"labels": {"tier": "front", "env": "live"}}),
        obj("Pod/orchard/web-1", metadata={"labels": {"tier": "front", "env": "canary"}}),
        obj("Pod/bank/web-2", metadata={"labels": {"tier": "front"}}),
        obj("Pod/orchard/front"),
    )
    wanted = QueryMetadata(labels_dict={"tier": "front"}, labels_excluded={"env": ("canary",)}, namespace="orchard")

    found = pointed_at(seen, "what fails with tier=front,env!=canary -n orchard", wanted)
    named = pointed_at(seen, "why does web-2 fail with tier=front", QueryMetadata(labels_dict={"tier": "front"}))

    assert [str(ref) for ref in found.objects] == ["Pod/orchard/web-0"]
    assert [str(ref) for ref in named.objects] == ["Pod/bank/web-2"]


def test_where_the_evidence_shows_no_labels_the_value_of_one_is_taken_for_a_name():
    found = pointed_at(SEEN, "what fails with app=payment", QueryMetadata(labels_dict={"app": "payment"}))

    assert {str(ref) for ref in found.objects} == {"Deployment/orchard/payment"}


def test_the_value_of_an_excluded_label_is_no_name():
    assert (
        pointed_at(SEEN, "what fails with app!=payment", QueryMetadata(labels_excluded={"app": ("payment",)})).objects
        == ()
    )


@pytest.mark.parametrize(
    ("question", "namespace", "pointed"),
    [
        ("why does ledger in plot-2 fail?", "plot-2", ["Deployment/plot-2/ledger"]),
        ("why does ledger fail?", None, ["Deployment/plot-1/ledger", "Deployment/plot-2/ledger"]),
        ("ledger in plot-9 fails", "plot-9", ["Deployment/plot-1/ledger", "Deployment/plot-2/ledger"]),
        ("ledger fails in plot-1 and plot-2", "plot-1", ["Deployment/plot-1/ledger", "Deployment/plot-2/ledger"]),
    ],
)
def test_of_one_name_in_two_namespaces_the_one_where_the_question_says_is_meant(question, namespace, pointed):
    seen = snapshot(obj("Deployment/plot-1/ledger"), obj("Deployment/plot-2/ledger"))

    found = pointed_at(seen, question, QueryMetadata(name="ledger", namespace=namespace))

    assert sorted(str(ref) for ref in found.objects) == pointed
