"""What manifests alone show not to fit, said as such, and silent where the cluster was seen."""

from typing import Any

from kfi.diagnosis.rules import quota, scheduling, storage
from kfi.models.schemas import Document, Finding
from tests.cluster import codes, listing, obj, snapshot

CART = "Deployment/orchard/cart"


def workload(ref: str = CART, *, applied: bool = True, replicas: int = 4, cpu: str = "500m", **spec: Any) -> Document:
    labels = {"app": ref.split("/")[-1]}
    resources = {"requests": {"cpu": cpu, "memory": "1Gi"}}
    pod = {"containers": [{"name": "app", "resources": resources}], **spec}
    wants = {"replicas": replicas, "selector": {"matchLabels": labels}}
    template = {"metadata": {"labels": labels}, "spec": pod}
    return obj(ref, applied=applied, spec={**wants, "template": template})


def hard(**limits: str) -> Document:
    named = {key.replace("_", "."): value for key, value in limits.items()}
    return obj("ResourceQuota/orchard/team", applied=True, spec={"hard": named})


def the_one(family: Any, *documents: Document) -> Finding:
    (found,) = family.check(snapshot(*documents))
    return found


def test_requests_times_replicas_against_the_quota_give_both_numbers():
    found = the_one(quota, workload(), hard(requests_cpu="1", requests_memory="8Gi"))

    assert (found.code, str(found.ref)) == ("quota-cpu-exceeded", CART)
    assert found.message.startswith(
        "As applied, Deployment cart needs 2 of requests.cpu (4 replicas of 500m each), but"
    )
    assert "allows only 1 in namespace orchard" in found.message
    assert found.strength < 0.8


def test_workloads_that_exceed_a_quota_only_together_are_the_namespaces_trouble():
    both = (workload(replicas=2), workload("Deployment/orchard/mailer", replicas=2))

    found = the_one(quota, *both, hard(requests_cpu="1500m"))

    assert (found.code, str(found.ref)) == ("quota-cpu-exceeded", "Namespace/orchard")
    assert {str(ref) for ref in found.affects} == {CART, "Deployment/orchard/mailer"}


def test_what_fits_and_what_lives_is_not_counted():
    seen = workload(applied=False)

    assert codes(quota, workload(), hard(requests_cpu="2")) == []
    assert codes(quota, seen, hard(requests_cpu="1")) == []
    assert codes(quota, workload(), hard(requests_cpu="1"), listing("Deployment", "orchard", "cart")) == []


def test_a_container_beyond_a_limit_range_is_kept_out():
    most = obj("LimitRange/orchard/bounds", spec={"limits": [{"type": "Container", "max": {"cpu": "250m"}}]})

    found = the_one(quota, workload(), most)

    assert (found.code, str(found.ref)) == ("limit-range-violated", CART)
    assert "asks for 500m of cpu, more than the 250m" in found.message
    assert codes(quota, workload(cpu="200m"), most) == []


def apart(key: str = "kubernetes.io/hostname") -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"app": "cart"}}, "topologyKey": key}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


def node(name: str, cpu: str = "4") -> Document:
    return obj(f"Node/{name}", status={"allocatable": {"cpu": cpu, "memory": "8Gi"}})


def test_replicas_that_must_be_apart_need_as_many_nodes():
    nodes = [node("node-a"), node("node-b")]

    found = the_one(scheduling, workload(affinity=apart()), *nodes)
    guess = the_one(scheduling, workload(affinity=apart()))

    assert (found.code, str(found.ref)) == ("pod-anti-affinity-conflict", CART)
    assert "each of the 4 replicas" in found.message
    assert guess.strength < 0.5 < found.strength
    assert codes(scheduling, workload(affinity=apart(), replicas=2), *nodes) == []
    assert codes(scheduling, workload(affinity=apart(), replicas=3)) == []  # most clusters have that many


def test_a_pod_that_is_larger_than_every_node_cannot_run():
    found = the_one(scheduling, workload(cpu="6"), node("node-a"), node("node-b", "2"))

    assert (found.code, str(found.ref)) == ("insufficient-cpu", CART)
    assert "requests 6 of cpu; the largest known node, node-a, can give 4" in found.message
    assert codes(scheduling, workload(cpu="6")) == []


def test_a_claim_of_a_class_that_a_complete_list_lacks_gets_no_volume():
    claim = obj("PersistentVolumeClaim/orchard/data", applied=True, spec={"storageClassName": "fast"})
    classes = listing("StorageClass", "", "standard")

    assert codes(storage, claim, classes) == [("claim-storage-class-missing", "PersistentVolumeClaim/orchard/data")]
    assert codes(storage, claim) == []
    assert codes(storage, claim, listing("StorageClass", "", "fast")) == []
