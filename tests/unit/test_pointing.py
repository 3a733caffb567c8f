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
