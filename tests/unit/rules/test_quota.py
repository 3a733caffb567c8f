"""What a quota keeps out is not there: Events of controllers tell of Pods, nothing tells of Services and claims."""

from typing import Any

import pytest

from kfi.diagnosis.rules import quota
from kfi.models.schemas import Document, Finding
from tests.cluster import codes, event, listing, obj, snapshot

NAMESPACE = "Namespace/orchard"
SET = "ReplicaSet/orchard/cart-7d9"
REFUSED = (
    'Error creating: pods "cart-7d9-x2x4z" is forbidden: '
    "exceeded quota: team, requested: {r}=2, used: {r}=9, limited: {r}=10"
)


def limits(used: dict[str, str], hard: dict[str, str]) -> Document:
    return obj("ResourceQuota/orchard/team", spec={"hard": hard}, status={"hard": hard, "used": used})


def replica_set(desired: int, created: int) -> Document:
    owner = {"ownerReferences": [{"kind": "Deployment", "name": "cart", "controller": True}]}
    return obj(SET, metadata=owner, spec={"replicas": desired}, status={"replicas": created})


def findings(*documents: Document) -> list[Finding]:
    return list(quota.check(snapshot(*documents)))


@pytest.mark.parametrize(
    ("resource", "code"),
    [
        ("requests.cpu", "quota-cpu-exceeded"),
        ("limits.cpu", "quota-cpu-exceeded"),
        ("cpu", "quota-cpu-exceeded"),
        ("requests.memory", "quota-memory-exceeded"),
        ("pods", "quota-pods-exceeded"),
        ("count/pods", "quota-pods-exceeded"),
        ("requests.storage", "quota-storage-exceeded"),
        ("persistentvolumeclaims", "quota-storage-exceeded"),
        ("fast.storageclass.storage.k8s.io/requests.storage", "quota-storage-exceeded"),
        ("services.nodeports", "quota-services-exceeded"),
        ("requests.example.com/gpu", "quota-exceeded"),
        ("requests.ephemeral-storage", "quota-exceeded"),
        ("count/configmaps", "quota-exceeded"),
    ],
)
def test_the_refusal_of_a_pod_names_the_resource(resource: str, code: str):
    found = findings(replica_set(1, 0), event(SET, "FailedCreate", REFUSED.format(r=resource)))

    assert [(f.code, str(f.ref), [str(r) for r in f.affects]) for f in found] == [
        (code, NAMESPACE, [SET, "Deployment/orchard/cart"])
    ]
    assert "exceeded quota" in found[0].evidence[0].text
    assert (
        found[0].message
        == f"ResourceQuota team limits {resource} to 10; 9 is used, and ReplicaSet cart-7d9 would need 2 more."
    )


def test_the_quotas_own_fields_are_cited():
    full = limits({"pods": "10"}, {"pods": "10"})

    [found] = findings(replica_set(1, 0), full, event(SET, "FailedCreate", REFUSED.format(r="pods")))

    assert any('"pods": "10"' in citation.text for citation in found.evidence)


def test_a_refusal_is_history_once_the_pods_are_there():
    refused = event(SET, "FailedCreate", REFUSED.format(r="pods"))

    assert codes(quota, replica_set(2, 2), refused) == []
    assert codes(quota, replica_set(0, 0), refused) == []
    assert codes(quota, refused, listing("ReplicaSet", "orchard", "checkout-5c")) == []


def test_the_condition_of_a_replica_set_tells_the_same_as_its_event():
    failure = {"type": "ReplicaFailure", "status": "True", "message": REFUSED.format(r="pods")}
    failing = obj(SET, spec={"replicas": 1}, status={"replicas": 0, "conditions": [failure]})

    assert codes(quota, failing) == [("quota-pods-exceeded", NAMESPACE)]


def test_another_refusal_is_not_the_quotas():
    words = 'Error creating: pods "cart-" is forbidden: error looking up service account orchard/cart: not found'

    assert codes(quota, replica_set(1, 0), event(SET, "FailedCreate", words)) == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("failed quota: team: must specify limits.cpu for: app; limits.memory for: app", "quota-requires-limits"),
        ("[maximum cpu usage per Container is 1, but limit is 2]", "limit-range-violated"),
        ("minimum memory usage per Pod is 64Mi, but request is 32Mi", "limit-range-violated"),
    ],
)
def test_a_pod_that_says_too_little_or_asks_beside_the_range_is_refused(words: str, code: str):
    refused = event(SET, "FailedCreate", f'Error creating: pods "cart-7d9-x" is forbidden: {words}')

    found = findings(replica_set(1, 0), refused)

    assert [(f.code, str(f.ref)) for f in found] == [(code, NAMESPACE)]
    assert words.strip("[]") in found[0].message


def service(name: str, **fields: Any) -> Document:
    return obj(f"Service/orchard/{name}", spec={"selector": {"app": name}, "ports": [{"port": 80}]}, **fields)


FULL = limits({"services": "1"}, {"services": "1"})


def test_an_applied_service_that_is_not_there_was_kept_out_by_the_full_quota():
    found = findings(FULL, service("cart", applied=True), listing("Service", "orchard", "checkout"))

    assert [(f.code, str(f.ref)) for f in found] == [("quota-services-exceeded", NAMESPACE)]
    assert "Service/orchard/cart" in [str(r) for r in found[0].affects]
    assert any('"services": "1"' in citation.text for citation in found[0].evidence)


def test_a_full_quota_is_no_failure_while_nothing_is_missing():
    assert (
        codes(quota, FULL, service("cart"), service("cart", applied=True), listing("Service", "orchard", "cart")) == []
    )


def test_a_missing_service_is_not_the_quotas_while_there_is_room():
    room = limits({"services": "1"}, {"services": "5"})

    assert codes(quota, room, service("cart", applied=True), listing("Service", "orchard", "checkout")) == []


def test_an_applied_service_that_no_list_could_show_is_not_known_to_be_missing():
    assert codes(quota, FULL, service("cart", applied=True)) == []


def wanted(size: str) -> Document:
    return obj(
        "PersistentVolumeClaim/orchard/cart-data", applied=True, spec={"resources": {"requests": {"storage": size}}}
    )


def test_a_claim_larger_than_what_is_left_was_kept_out():
    pod = obj(
        "Pod/orchard/cart-7d9",
        spec={"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "cart-data"}}]},
        status={"phase": "Pending"},
    )
    missed = event(
        "Pod/orchard/cart-7d9",
        "FailedScheduling",
        '0/3 nodes are available: persistentvolumeclaim "cart-data" not found.',
    )
    quarter = limits({"requests.storage": "8Gi"}, {"requests.storage": "10Gi"})

    found = findings(quarter, wanted("3Gi"), pod, missed)

    assert [(f.code, str(f.ref)) for f in found] == [("quota-storage-exceeded", NAMESPACE)]
    assert [str(r) for r in found[0].affects] == ["PersistentVolumeClaim/orchard/cart-data", "Pod/orchard/cart-7d9"]
    assert "8Gi is used" in found[0].message
    assert "would need 3Gi more" in found[0].message
    assert codes(quota, quarter, wanted("2Gi"), pod, missed) == []


def deployment(desired: int, **requests: str) -> Document:
    containers = [{"name": "app", "resources": {"requests": requests}}]
    template = {"spec": {"containers": containers}}
    return obj("Deployment/orchard/cart", spec={"replicas": desired, "template": template}, status={})


def test_a_workload_that_lacks_pods_without_a_word_was_kept_out_by_a_full_quota():
    full = limits({"requests.cpu": "4"}, {"requests.cpu": "4"})
    nobody = listing("Pod", "orchard")

    assert codes(quota, full, deployment(1, cpu="1"), nobody) == [("quota-cpu-exceeded", NAMESPACE)]
    assert codes(quota, full, deployment(0, cpu="1"), nobody) == []
    assert codes(quota, limits({"requests.cpu": "1"}, {"requests.cpu": "4"}), deployment(1, cpu="1"), nobody) == []
    assert codes(quota, full, deployment(1, cpu="1")) == []


def test_a_workload_that_lacks_pods_for_another_reason_is_not_the_quotas():
    full = limits({"requests.cpu": "4"}, {"requests.cpu": "4"})
    other = event("Deployment/orchard/cart", "FailedCreate", "Error creating: serviceaccount not found")

    assert codes(quota, full, deployment(1, cpu="1"), listing("Pod", "orchard"), other) == []
