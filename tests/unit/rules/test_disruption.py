"""Why no node comes, who pushed a Pod out, and which budget holds a drain up."""

from typing import Any

import pytest

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.rules import disruption, scheduling
from kfi.models.schemas import Document
from tests.cluster import codes, event, explain, log, obj, snapshot

POD = "Pod/orchard/cart-5d9f8c7b6-x2x4z"
SHORT = event(POD, "FailedScheduling", "0/2 nodes are available: 2 Insufficient cpu.", component="default-scheduler")


def waiting(*, placed: str = "", owner: bool = True, **metadata: Any) -> Document:
    owners = [{"kind": "ReplicaSet", "name": "cart-5d9f8c7b6", "controller": True}] if owner else []
    spec = {"containers": [{"name": "app", "resources": {"requests": {"cpu": "2"}}}], "nodeName": placed}
    phase = "Running" if placed else "Pending"
    return obj(POD, metadata={"ownerReferences": owners, **metadata}, spec=spec, status={"phase": phase})


def not_triggered(message: str, **kept: Any) -> Document:
    return event(POD, "NotTriggerScaleUp", message, type="Normal", component="cluster-autoscaler", **kept)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("pod didn't trigger scale-up: 2 max node group size reached", "scale-up-limit-reached"),
        ("pod didn't trigger scale-up: 1 Insufficient memory, 1 max cluster cpu, memory limit reached",
         "scale-up-limit-reached"),
        ("pod didn't trigger scale-up: 1 in backoff after failed scale-up", "scale-up-failed"),
        ("pod didn't trigger scale-up: 3 Insufficient cpu", "scale-up-no-fit"),
        ("pod didn't trigger scale-up (it wouldn't fit if a new node is added)", "scale-up-no-fit"),
        ("pod didn't trigger scale-up: 1 node(s) had volume node affinity conflict", "scale-up-no-fit"),
        ("pod didn't trigger scale-up: 2 node(s) had untolerated taint {gpu: true}", "scale-up-no-fit"),
        ("pod didn't trigger scale-up: 1 node(s) didn't match node selector, 1 max node group size reached",
         "scale-up-limit-reached"),
    ],
)  # fmt: skip
def test_the_cluster_autoscaler_says_why_it_adds_no_node(message: str, code: str):
    assert codes(disruption, waiting(), SHORT, not_triggered(message)) == [(code, POD)]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('all available instance types exceed limits for nodepool: "general"', "scale-up-limit-reached"),
        ('incompatible with nodepool "a", did not tolerate x=y:NoSchedule; all available instance types exceed limits '
         'for nodepool "b"', "scale-up-limit-reached"),
        ('incompatible requirements, key zone, zone In [a] not in zone In [b c]', "scale-up-no-fit"),
        ('incompatible with nodepool "a", did not tolerate taint (taint=x=y:NoSchedule)', "scale-up-no-fit"),
        ('no instance type has enough resources, requirements=arch In [arm64]', "scale-up-no-fit"),
        ("nodepool requirements filtered out all available instance types", "scale-up-no-fit"),
        ("no nodepools found", "scale-up-no-fit"),
        ('incompatible with nodepool "general", no instance type satisfied resources {"cpu":"99"}', "scale-up-no-fit"),
    ],
)  # fmt: skip
def test_karpenter_says_it_in_failed_scheduling(message: str, code: str):
    said = event(POD, "FailedScheduling", f"Failed to schedule pod, {message}", component="karpenter", ago=5)

    assert codes(disruption, waiting(), SHORT, said) == [(code, POD)]
    assert codes(scheduling, waiting(), SHORT, said) == [("insufficient-cpu", POD)]  # the scheduler's word still counts


def test_the_limit_of_the_whole_cluster_holds_for_pods_that_wait_for_room():
    status, said = "ConfigMap/kube-system/cluster-autoscaler-status", "Max total nodes in cluster reached: 3"
    full = event(status, "MaxNodesTotalReached", said, component="cluster-autoscaler")
    taint = event(POD, "FailedScheduling", "0/2 nodes are available: 2 node(s) had untolerated taint {team: db}.")

    assert codes(disruption, waiting(), SHORT, full) == [("scale-up-limit-reached", POD)]
    assert codes(disruption, waiting(), taint, full) == []


def test_a_pod_without_owner_stands_for_the_workload_that_selects_it():
    labels = {"app": "cart"}
    wants = {"replicas": 2, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}
    deployment = obj("Deployment/orchard/cart", spec=wants)
    pod = obj("Pod/orchard/spare", metadata={"labels": labels}, status={"phase": "Pending"})
    said = event("Pod/orchard/spare", "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.")
    limit = event(
        "Pod/orchard/spare", "NotTriggerScaleUp", "pod didn't trigger scale-up: 1 max node group size reached"
    )

    assert codes(disruption, deployment, pod, said, limit) == [("scale-up-limit-reached", "Deployment/orchard/cart")]


def test_a_pod_that_has_a_node_or_gets_one_is_not_refused():
    limit = not_triggered("pod didn't trigger scale-up: 1 max node group size reached", ago=300)
    comes = event(POD, "TriggeredScaleUp", "pod triggered scale-up: [{pool 1->2 (max: 4)}]", type="Normal", ago=20)

    assert codes(disruption, waiting(placed="node-a"), SHORT, limit) == []
    assert codes(disruption, waiting(), SHORT, limit, comes) == []


def test_a_limit_of_nodes_explains_the_want_of_room():
    limit = not_triggered("pod didn't trigger scale-up: 1 max node group size reached")
    shot = snapshot(waiting(), SHORT, limit)

    incidents = explain(shot, [*scheduling.check(shot), *disruption.check(shot)], catalogue())

    assert [i.root.rule.code for i in incidents] == ["scale-up-limit-reached"]
    assert [g.rule.code for g in incidents[0].explained] == ["insufficient-cpu"]


VICTIM = "Pod/orchard/cart-5d9f8c7b6-b7k2m"
PREEMPTED = event(
    VICTIM, "Preempted", "Preempted by pod 11-22 on node node-a", type="Normal", component="default-scheduler"
)


def test_a_preempted_pod_counts_while_its_replacement_waits():
    deployment = obj("Deployment/orchard/cart", spec={"replicas": 1}, status={"replicas": 1, "readyReplicas": 1})
    winner = obj("Pod/orchard/payments-0", metadata={"uid": "11-22"}, spec={"priorityClassName": "urgent"})

    found = next(disruption.check(snapshot(waiting(), SHORT, PREEMPTED, winner)))

    assert (found.code, str(found.ref)) == ("pod-preempted", VICTIM)
    assert "for Pod orchard/payments-0 with priority class urgent; its replacement" in found.message
    assert codes(disruption, PREEMPTED, deployment) == []


BUDGET = "PodDisruptionBudget/orchard/cart"


def budget(allowed: int = 0, healthy: int = 2, wanted: int = 2) -> Document:
    selector = {"matchLabels": {"app": "cart"}}
    status = {"disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": wanted}
    return obj(BUDGET, spec={"minAvailable": wanted, "selector": selector}, status=status)


def drained(cordoned: bool = True) -> list[Document]:
    pod = waiting(placed="node-a", labels={"app": "cart"})
    return [pod, obj("Node/node-a", spec={"unschedulable": cordoned})]


def test_a_budget_that_allows_nothing_holds_up_a_drain():
    refused = "Cannot evict pod as it would violate the pod's disruption budget."
    line = f'error when evicting pods/"{POD[12:]}" -n "orchard" (will retry after 5s): {refused}'
    said = log("Pod/ops/drainer", line)

    found = next(disruption.check(snapshot(budget(), *drained(), said)))

    assert (found.code, str(found.ref), found.strength) == ("eviction-blocked", BUDGET, 0.9)
    assert "minAvailable 2" in found.message
    assert "node-a" in found.message
    assert "Node/node-a" in map(str, found.affects)


def test_a_budget_that_nobody_tries_or_that_allows_one_is_well():
    idle = event("Node/node-a", "DisruptionBlocked", "Pdb prevents pod evictions (PodDisruptionBudget=[orchard/cart])")

    assert codes(disruption, budget(), *drained(cordoned=False)) == []
    assert codes(disruption, budget(), *drained(cordoned=False), idle) == []  # Karpenter only thinks of it
    assert codes(disruption, budget(allowed=1), *drained()) == []


def test_a_budget_with_unhealthy_pods_is_their_trouble():
    found = next(disruption.check(snapshot(budget(healthy=1), *drained())))

    assert (found.role, found.ref.kind) == ("symptom", "ReplicaSet") or found.ref.kind == "Deployment"
