"""Autoscalers that cannot scale are told from those that are young, quiet, or at their maximum without need."""

from datetime import timedelta
from typing import Any

import pytest

from kfi.diagnosis.rules import autoscaling
from kfi.models.schemas import Document, Role
from tests.cluster import NOW, codes, event, listing, obj, snapshot

HPA = "HorizontalPodAutoscaler/orchard/cart"
CART = "Deployment/orchard/cart"
MISSING = "failed to get cpu utilization: missing request for cpu in container proxy of Pod cart-5d9f8c7b6-x2x4z"


def scaler(name: str = HPA, *, most: int = 6, applied: bool = False, metadata: Any = None, **status: Any) -> Document:
    cpu = {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 70}}
    spec = {
        "scaleTargetRef": {"kind": "Deployment", "name": "cart"},
        "minReplicas": 2,
        "maxReplicas": most,
        "metrics": [{"type": "Resource", "resource": cpu}],
    }
    return obj(name, applied=applied, metadata=metadata or {}, spec=spec, status=status)


def load(percent: int) -> list[Any]:
    return [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": percent}}}]


def condition(kind: str, status: str, reason: str, message: str = "") -> dict[str, str]:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def cart(*, applied: bool = False, ready: int = 6, **container: Any) -> Document:
    labels = {"app": "cart"}
    spec = {"containers": [{"name": "app", "resources": {"requests": {"cpu": "1"}}}, {"name": "proxy", **container}]}
    template = {"metadata": {"labels": labels}, "spec": spec}
    wants = {"replicas": 6, "selector": {"matchLabels": labels}, "template": template}
    return obj(CART, applied=applied, spec=wants, status={"replicas": 6, "readyReplicas": ready})


def test_an_autoscaler_at_its_maximum_with_a_load_above_its_target_is_the_limit():
    found = list(autoscaling.check(snapshot(scaler(currentReplicas=6, currentMetrics=load(140)), cart())))

    assert [(f.code, str(f.ref), f.role) for f in found] == [
        ("hpa-at-maximum", HPA, Role.CAUSE),
        ("workload-not-scaled", CART, Role.SYMPTOM),
    ]
    assert "maximum of 6 replicas, but cpu is at 140% of the requests, the target is 70%" in found[0].message
    assert any("maxReplicas" in line.text for line in found[0].evidence)


@pytest.mark.parametrize(
    "status",
    [
        {"currentReplicas": 6, "currentMetrics": load(75)},  # within the tolerance
        {"currentReplicas": 5, "currentMetrics": load(140)},
        {"currentReplicas": 6},
    ],
)
def test_a_maximum_without_need_or_not_reached_is_well(status: dict[str, Any]):
    assert codes(autoscaling, scaler(**status), cart()) == []


@pytest.mark.parametrize("targets", ["cpu: 140%/70%", "140%/70%", "memory: 20%/80%, cpu: 140%/70%"])
def test_a_table_row_shows_a_maximum_as_well(targets: str):
    row = scaler(currentReplicas=6, summary=targets)

    assert codes(autoscaling, row, cart())[0] == ("hpa-at-maximum", HPA)


def test_a_cap_that_the_controller_reports_needs_no_metrics():
    capped = scaler(currentReplicas=6, conditions=[condition("ScalingLimited", "True", "TooManyReplicas")])

    assert codes(autoscaling, capped)[0] == ("hpa-at-maximum", HPA)


def test_a_missing_request_is_told_from_an_api_that_does_not_answer():
    missing = scaler(conditions=[condition("ScalingActive", "False", "FailedGetResourceMetric", MISSING)])
    down = scaler(
        conditions=[condition("ScalingActive", "False", "FailedGetResourceMetric", "unable to fetch metrics")]
    )

    assert codes(autoscaling, missing, cart())[0] == ("hpa-missing-requests", HPA)
    assert codes(autoscaling, down, cart(resources={"requests": {"cpu": "1"}}))[0] == ("hpa-metrics-unavailable", HPA)


def test_an_unknown_target_is_explained_by_a_container_without_request():
    found = list(autoscaling.check(snapshot(scaler(summary="cpu: <unknown>/70%"), cart())))

    assert found[0].code == "hpa-missing-requests"
    assert "container proxy of Deployment cart requests no cpu" in found[0].message


def test_unready_pods_without_metrics_are_the_pods_trouble():
    said = "did not receive metrics for targeted pods (pods might be unready)"
    blind = scaler(conditions=[condition("ScalingActive", "False", "FailedGetResourceMetric", said)])
    pod = obj(
        "Pod/orchard/cart-5d9f8c7b6-x2x4z",
        metadata={"ownerReferences": [{"kind": "Deployment", "name": "cart", "controller": True}]},
        status={"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]},
    )

    found = list(autoscaling.check(snapshot(blind, cart(), pod)))

    assert [(f.code, str(f.ref), f.role) for f in found][:1] == [("hpa-metrics-unavailable", CART, Role.SYMPTOM)]


@pytest.mark.parametrize(
    "documents",
    [
        (scaler(conditions=[condition("ScalingActive", "True", "ValidMetricFound")]),),
        (scaler(conditions=[condition("ScalingActive", "False", "ScalingDisabled", "replica count is zero")]),),
        (
            scaler(
                summary="cpu: <unknown>/70%", metadata={"creationTimestamp": (NOW - timedelta(minutes=1)).isoformat()}
            ),
        ),
        (scaler(), event(HPA, "FailedGetResourceMetric", "no metrics returned", ago=7200)),
        (
            scaler(),
            event(HPA, "FailedGetResourceMetric", "no metrics returned", ago=300),
            event(HPA, "SuccessfulRescale", "New size: 3", type="Normal", ago=30),
        ),
    ],
)
def test_a_start_a_pause_and_the_past_are_silent(documents: tuple[Document, ...]):
    assert codes(autoscaling, *documents, cart(resources={"requests": {"cpu": "1"}})) == []


def test_a_target_that_is_not_there_is_told_by_the_controller_or_by_a_list():
    told = scaler(conditions=[condition("AbleToScale", "False", "FailedGetScale", 'deployments.apps "cart" not found')])

    assert codes(autoscaling, told) == [("hpa-target-missing", HPA)]
    assert codes(autoscaling, scaler(), listing("Deployment", "orchard", "stock")) == [("hpa-target-missing", HPA)]
    assert codes(autoscaling, scaler()) == []


def test_manifests_alone_show_a_request_that_will_be_missing_unless_a_limit_range_fills_it_in():
    filled = obj(
        "LimitRange/orchard/defaults", spec={"limits": [{"type": "Container", "defaultRequest": {"cpu": "1"}}]}
    )
    applied = (scaler(applied=True), cart(applied=True))

    found = list(autoscaling.check(snapshot(*applied)))

    assert [(f.code, f.message.split(",")[0]) for f in found] == [("hpa-missing-requests", "As applied")]
    assert codes(autoscaling, *applied, filled) == []


def test_two_autoscalers_of_one_workload_conflict_but_not_keda_with_its_own():
    scaled = obj("ScaledObject/orchard/cart-queue", spec={"scaleTargetRef": {"name": "cart"}})
    own = {"ownerReferences": [{"kind": "ScaledObject", "name": "cart-queue"}]}
    made = scaler("HorizontalPodAutoscaler/orchard/keda-hpa-cart-queue", metadata=own)

    assert codes(autoscaling, scaled, made) == []
    assert codes(autoscaling, scaled, made, scaler()) == [("hpa-conflict", HPA)]
    assert codes(autoscaling, scaler("HorizontalPodAutoscaler/orchard/cart-2"), scaler())[0][0] == "hpa-conflict"


def test_an_empty_list_of_scaled_objects_does_not_say_that_keda_is_missing():
    assert codes(autoscaling, scaler(), listing("ScaledObject", "")) == []


def test_pods_that_do_not_come_up_leave_a_workload_with_fewer_than_its_autoscaler_wants():
    pod = obj("Pod/orchard/cart-x", metadata={"labels": {"app": "cart"}}, status={"phase": "Pending", "conditions": []})
    wanting = scaler(desiredReplicas=5, currentReplicas=3, currentMetrics=load(120))
    full = {"resources": {"requests": {"cpu": "1"}}}

    assert codes(autoscaling, wanting, cart(ready=3, **full), pod) == [("workload-not-scaled", CART)]
    assert codes(autoscaling, wanting, cart(ready=5, **full), pod) == []
    assert codes(autoscaling, wanting, cart(ready=3, **full)) == []
