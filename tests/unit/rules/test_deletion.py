"""Deletions that do not come to an end, and those that only have begun."""

from datetime import timedelta

from kfi.diagnosis.rules import deletion
from kfi.models.schemas import Role
from tests.cluster import NOW, codes, obj, snapshot


def ago(**span):
    return (NOW - timedelta(**span)).isoformat()


def namespace(*conditions, deleted=None):
    told = [{"type": kind, "status": "True", "message": message} for kind, message in conditions]
    metadata = {"deletionTimestamp": deleted or ago(hours=1)}
    return obj("Namespace/play", metadata=metadata, status={"phase": "Terminating", "conditions": told})


REMAINING = ("NamespaceFinalizersRemaining", "Some content has finalizers remaining: x.example/y in 1 instances")
BUCKET = obj(
    "Bucket/play/uploads", metadata={"deletionTimestamp": ago(hours=1), "finalizers": ["x.example/y"]}, spec={}
)


def test_a_namespace_is_held_by_what_its_conditions_name():
    (stuck,) = deletion.check(snapshot(namespace(REMAINING), BUCKET))

    assert (stuck.code, str(stuck.ref)) == ("namespace-stuck-terminating", "Namespace/play")
    assert "x.example/y" in stuck.message
    assert "Bucket uploads" in stuck.message


def test_a_namespace_that_was_deleted_just_now_is_on_its_way():
    assert codes(deletion, namespace(REMAINING, deleted=ago(minutes=1))) == []


def test_a_live_namespace_is_well():
    assert codes(deletion, obj("Namespace/play", status={"phase": "Active"})) == []


def extension(status):
    condition = {"type": "Available", "status": status, "message": "no response"}
    spec = {"group": "metrics.k8s.io", "version": "v1beta1", "service": {"namespace": "kube-system", "name": "metrics"}}
    return obj("APIService/v1beta1.metrics.k8s.io", spec=spec, status={"conditions": [condition]})


def test_an_extension_that_does_not_answer_holds_up_the_namespaces_that_name_it():
    held = namespace(("NamespaceDeletionDiscoveryFailure", "unable to retrieve the list: metrics.k8s.io/v1beta1"))
    unavailable, stuck = deletion.check(snapshot(extension("False"), held))

    assert (unavailable.code, stuck.code) == ("api-service-unavailable", "namespace-stuck-terminating")
    assert "Namespace/play" in map(str, unavailable.affects)
    assert codes(deletion, extension("True")) == []


def claim(deleted, *finalizers):
    metadata = {"deletionTimestamp": deleted, "finalizers": list(finalizers)}
    return obj("PersistentVolumeClaim/orchard/exports", metadata=metadata, spec={}, status={"phase": "Bound"})


PROTECTED = "kubernetes.io/pvc-protection"


def test_a_claim_waits_for_the_pod_that_uses_it():
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "exports"}}]
    pod = obj("Pod/orchard/reader", spec={"volumes": volumes}, status={"phase": "Running"})
    (stuck,) = deletion.check(snapshot(claim(ago(hours=2), PROTECTED), pod))

    assert stuck.code == "object-stuck-deleting"
    assert "Still there: Pod reader." in stuck.message


def test_an_object_without_finalizers_or_deleted_just_now_is_well():
    assert codes(deletion, claim(ago(hours=2))) == []
    assert codes(deletion, claim(ago(minutes=2), PROTECTED)) == []


def test_a_pod_that_its_node_does_not_end_is_a_symptom_of_a_lost_node():
    lost = obj("Node/node-d", status={"conditions": [{"type": "Ready", "status": "Unknown"}]})
    metadata, spec = {"deletionTimestamp": ago(hours=1)}, {"nodeName": "node-d"}
    pod = obj("Pod/orchard/cart", metadata=metadata, spec=spec, status={"phase": "Running"})

    def role(*documents):
        (stuck,) = deletion.check(snapshot(pod, *documents))
        return stuck.role

    assert role(lost) is Role.SYMPTOM
    assert role() is Role.CAUSE
