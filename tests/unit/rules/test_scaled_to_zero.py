"""Workloads at zero replicas: needed, or asleep."""

import pytest

from kfi.diagnosis.rules import services
from tests.cluster import listing, log, obj, snapshot


def app(name, replicas=1, **more):
    template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [{"name": "app"}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": template}
    return obj(f"Deployment/orchard/{name}", spec=spec, status={"readyReplicas": replicas}, **more)


def sure(*documents):
    """How surely each workload at zero is needed."""
    everything = (app("front"), obj("Service/orchard/stock", spec=SERVICE), *documents)
    found = [f for f in services.check(snapshot(*everything)) if f.code == "deployment-zero-replicas"]
    return {f.ref.name: f.strength for f in found}


SERVICE = {"selector": {"app": "stock"}, "ports": [{"port": 80}]}
MISSED = log("Deployment/orchard/front", 'Post "http://stock:80": dial tcp 10.9.0.4:80: connect: connection refused')
BACKEND = {"service": {"name": "stock", "port": {"number": 80}}}
INGRESS = obj("Ingress/orchard/shop", spec={"rules": [{"http": {"paths": [{"path": "/stock", "backend": BACKEND}]}}]})
TARGET = {"kind": "Deployment", "name": "stock"}
SCALER = obj("HorizontalPodAutoscaler/orchard/stock", spec={"minReplicas": 2, "scaleTargetRef": TARGET})


@pytest.mark.parametrize(
    ("sign", "least"), [(MISSED, 0.9), (INGRESS, 0.8), (app("stock", 3, applied=True), 0.7), (SCALER, 0.6)]
)
def test_a_sign_that_somebody_needs_it_makes_a_workload_at_zero_a_cause(sign, least):
    assert sure(app("stock", 0), sign)["stock"] == least


def test_who_tried_in_vain_to_reach_it_suffers():
    shot = snapshot(app("front"), app("stock", 0), obj("Service/orchard/stock", spec=SERVICE), MISSED)

    [finding] = [f for f in services.check(shot) if f.code == "deployment-zero-replicas"]

    assert [str(ref) for ref in finding.affects] == ["Deployment/orchard/front"]
    assert "front tried in vain to reach it" in finding.message


@pytest.mark.parametrize(
    "asleep",
    [
        [app("stock", 0)],
        [app("stock", 0), INGRESS, obj("ScaledObject/orchard/stock", spec={"scaleTargetRef": {"name": "stock"}})],
        [app("stock", 0, metadata={"labels": {"serving.knative.dev/service": "stock"}}), INGRESS],
    ],
    ids=["nobody asks", "KEDA", "Knative"],
)
def test_what_sleeps_by_design_is_doubtful(asleep):
    assert sure(*asleep)["stock"] < 0.3


def test_a_namespace_that_was_switched_off_whole_has_no_single_fault():
    parked = [app("front", 0), app("stock", 0), obj("Service/orchard/stock", spec=SERVICE), INGRESS]

    found = [f for f in services.check(snapshot(*parked)) if f.code == "deployment-zero-replicas"]

    assert [f.strength for f in found] == [0.28]


def test_a_workload_that_runs_is_no_matter():
    assert sure(app("stock", 2), INGRESS, listing("Deployment", "orchard", "stock", "front")) == {}


def test_a_manifest_of_no_replicas_counts_where_nobody_collected_the_cluster_itself():
    declared = app("stock", 0, applied=True)

    assert sure(declared, MISSED) == {"stock": 0.9}
    assert sure(declared, MISSED, listing("Deployment", "orchard", "front")) == {}, "it was never applied"
    assert sure(app("stock", 2, applied=True), MISSED) == {}
