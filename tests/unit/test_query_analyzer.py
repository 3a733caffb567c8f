"""What a question names."""

import pytest

from kfi.retrieval.query_analyzer import QueryAnalyzer


def names(query: str) -> dict[str, object]:
    found = QueryAnalyzer().extract_k8s_metadata(query)
    return {k: v for k, v in found.model_dump().items() if v}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "Why is pod web-app-123 crashing in namespace prod?",
            {"pod": "web-app-123", "kind": "Pod", "name": "web-app-123", "namespace": "prod", "error_type": "crashing"},
        ),
        ("pod crashed in namespace prod", {"namespace": "prod", "error_type": "crashed"}),
        ("deploy/web is stuck", {"kind": "Deployment", "name": "web", "error_type": "stuck"}),
        ("what is wrong -n shop", {"namespace": "shop"}),
        ("what fails in the shop namespace?", {"namespace": "shop", "error_type": "fails"}),
        (
            "node worker-2 is NotReady",
            {"node": "worker-2", "kind": "Node", "name": "worker-2", "error_type": "NotReady"},
        ),
        ("the payment-api service is slow", {"kind": "Service", "name": "payment-api", "error_type": "slow"}),
        ("app=web pods keep restarting", {"labels_dict": {"app": "web"}, "error_type": "restarting"}),
        ("Why are pods in the cluster failing?", {"error_type": "failing"}),
        ("container app of pod cart-0", {"container": "app", "pod": "cart-0", "kind": "Pod", "name": "cart-0"}),
        ("Partial Service Unreachability.", {}),
        ("Service latency increased significantly", {"error_type": "latency"}),
        ("the pod named cart is down", {"pod": "cart", "kind": "Pod", "name": "cart", "error_type": "down"}),
        ("", {}),
    ],
)
def test_a_question_names_what_it_says_and_nothing_more(query, expected):
    assert names(query) == expected
