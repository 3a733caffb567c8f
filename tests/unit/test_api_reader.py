"""Which values are Kubernetes objects, and the form their fields are kept in."""

import pytest

from kfi.models.records import TextForm
from kfi.snapshot.read.api import SLICE_ANNOTATION, is_applied, is_event, read_api, refusal
from kfi.snapshot.read.found import ReadObject


def read(value: object) -> ReadObject | None:
    return read_api(value, {}, TextForm.JSON)


def an_object(kind: str, version: str = "v1", **fields: object) -> dict[str, object]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "cart", "namespace": "orchard"}, **fields}


def a_slice(*endpoints: dict[str, object], **labels: str) -> dict[str, object]:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "cart-x7k2p", "namespace": "orchard", "labels": labels},
        "endpoints": list(endpoints),
        "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
    }


def test_an_object_keeps_its_fields_without_nulls_and_bookkeeping():
    metadata = {
        "name": "cart",
        "namespace": "orchard",
        "creationTimestamp": None,
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "team": "fruit"},
    }
    value = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"selector": None}}

    found = read_api(value, {("kind",): 4}, TextForm.YAML, 3, 9)

    assert found == ReadObject(
        kind="Deployment",
        namespace="orchard",
        name="cart",
        form=TextForm.YAML,
        fields={
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "cart", "namespace": "orchard", "annotations": {"team": "fruit"}},
            "spec": {},
        },
        lines={("kind",): 4},
        first_line=3,
        last_line=9,
    )
    assert metadata["managedFields"]


def test_of_managed_fields_the_newest_ten_keep_who_wrote_and_when():
    entries = [
        {
            "manager": f"writer-{n}",
            "operation": "Update",
            "time": f"2026-11-20T14:{n:02d}:00Z",
            "fieldsV1": {"f:spec": {}},
        }
        for n in reversed(range(12))
    ]
    status = {**entries[0], "subresource": "status", "apiVersion": "apps/v1"}
    found = read(
        {**an_object("Deployment"), "metadata": {"name": "cart", "managedFields": [status, *entries[1:], "x"]}}
    )

    assert found is not None
    kept = found.fields["metadata"]["managedFields"]
    assert [entry["manager"] for entry in kept] == [f"writer-{n}" for n in range(2, 12)]
    assert kept[-1] == {
        "manager": "writer-11", "operation": "Update", "time": "2026-11-20T14:11:00Z", "subresource": "status"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (["a"], "it is no mapping"),
        ({"replicaCount": 1}, "it has no kind"),
        ({"kind": "Deployment of carts", "apiVersion": "v1"}, "it has no kind"),
        ({"kind": "Pod", "metadata": {"name": "cart"}}, "it has no apiVersion"),
        ({"kind": "Config", "apiVersion": "v1", "clusters": []}, "it has no metadata"),
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {"labels": {}}}, "it has no metadata.name"),
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": 8}}, "metadata.name is not text: put it in quotes"),
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x" * 254}}, "metadata.name is no name"),
        ({"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x\n"}}, "metadata.name is no name"),
        (
            {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x", "namespace": False}},
            "metadata.namespace is not text: put it in quotes",
        ),
        (
            {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "x-{{ .Release.Name }}"}},
            "it is a Helm template: render it with `helm template` and hand over the result",
        ),
    ],
)  # fmt: skip
def test_what_is_no_object_is_refused_with_a_reason(value, reason):
    assert (refusal(value), read(value)) == (reason, None)


def test_a_job_that_gets_its_name_from_the_server_goes_by_its_prefix():
    found = read({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"generateName": "migrate-"}})

    assert found is not None
    assert found.name == "migrate-"


@pytest.mark.parametrize(
    "value",
    [
        {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "cart.17"}},
        {"apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "cart.17"}},
        {"metadata": {"name": "cart.17", "uid": "u"}, "involvedObject": {"kind": "Pod"}},
    ],
)
def test_an_event_is_no_object(value):
    assert is_event(value)
    assert read(value) is None


def test_an_audit_event_is_not_taken_for_an_event():
    assert not is_event({"apiVersion": "audit.k8s.io/v1", "kind": "Event", "auditID": "1"})


@pytest.mark.parametrize(
    ("beside", "applied"),
    [
        ({}, True),
        ({"status": {}}, True),
        ({"status": {"phase": "Running"}}, False),
        ({"metadata": {"name": "cart", "uid": "u"}}, False),
        ({"metadata": {"name": "cart", "resourceVersion": "7"}}, False),
        ({"metadata": {"name": "cart", "managedFields": [{}]}}, False),
    ],
)
def test_a_manifest_has_nothing_that_only_the_cluster_writes(beside, applied):
    assert is_applied({**an_object("Pod"), **beside}) is applied


@pytest.mark.parametrize(
    ("fields", "kind", "version"),
    [
        ({"spec": {"containers": []}}, "Pod", "v1"),
        ({"status": {"nodeInfo": {}}}, "Node", "v1"),
        ({"spec": {"strategy": {}, "template": {"spec": {"containers": []}}}}, "Deployment", "apps/v1"),
        ({"spec": {"template": {"spec": {"containers": []}}}}, "ReplicaSet", "apps/v1"),
        ({"provisioner": "disk.orchard.dev"}, "StorageClass", "storage.k8s.io/v1"),
    ],
)
def test_an_object_that_the_cluster_reported_without_a_kind_shows_it_by_its_fields(fields, kind, version):
    found = read({"metadata": {"name": "cart", "uid": "u"}, **fields})

    assert found is not None
    assert (found.kind, found.fields["kind"], found.fields["apiVersion"]) == (kind, kind, version)


def test_a_manifest_without_a_kind_is_not_guessed():
    assert refusal({"metadata": {"name": "cart"}, "spec": {"containers": []}}) == "it has no kind"


def test_a_custom_kind_named_like_a_built_in_one_is_another_kind():
    knative = read(an_object("Service", "serving.knative.dev/v1"))
    core = read(an_object("Service"))

    assert knative is not None
    assert core is not None
    assert (knative.kind, knative.fields["kind"], core.kind) == (
        "Service.serving.knative.dev",
        "Service.serving.knative.dev",
        "Service",
    )


def test_a_cluster_scoped_object_has_no_namespace_whatever_was_written():
    found = read(an_object("ClusterRole", "rbac.authorization.k8s.io/v1"))

    assert found is not None
    assert found.namespace == ""


def test_what_the_api_leaves_out_where_it_is_empty_is_written_out():
    endpoints, config, secret = (read(an_object(kind)) for kind in ("Endpoints", "ConfigMap", "Secret"))

    assert endpoints is not None
    assert config is not None
    assert secret is not None
    assert endpoints.fields["subsets"] == []
    assert config.fields["data"] == {}
    # Secrets are often handed over with their data taken out.
    assert "data" not in secret.fields


def test_a_key_without_a_value_is_still_a_key():
    found = read(an_object("ConfigMap", data={"empty": None}))

    assert found is not None
    assert found.fields["data"] == {"empty": None}


def test_an_endpoint_slice_becomes_the_endpoints_of_its_service():
    value = a_slice(
        {"addresses": ["10.1.0.4"], "conditions": {"ready": True}, "nodeName": "node-a"},
        {"addresses": ["10.1.0.5"], "conditions": {}},
        {"addresses": ["10.1.0.6"], "conditions": {"ready": False}},
        **{"kubernetes.io/service-name": "cart"},
    )

    found = read(value)

    assert found is not None
    assert (found.kind, found.namespace, found.name) == ("Endpoints", "orchard", "cart")
    assert found.fields["metadata"]["annotations"] == {SLICE_ANNOTATION: "cart-x7k2p"}
    assert found.fields["subsets"] == [
        {
            "addresses": [{"ip": "10.1.0.4", "nodeName": "node-a"}, {"ip": "10.1.0.5"}],
            "notReadyAddresses": [{"ip": "10.1.0.6"}],
            "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}],
        }
    ]


def test_a_slice_without_endpoints_says_that_there_are_none():
    found = read(a_slice(**{"kubernetes.io/service-name": "cart"}))

    assert found is not None
    assert found.fields["subsets"] == []


def test_a_slice_that_names_no_service_stays_a_slice():
    found = read(a_slice())

    assert found is not None
    assert (found.kind, found.name) == ("EndpointSlice", "cart-x7k2p")


@pytest.mark.parametrize("broken", [None, [], "x", 7, {"name": []}])
def test_fields_of_a_wrong_type_do_no_harm(broken):
    kinds = ("Pod", "Endpoints", "ConfigMap")
    values = [an_object(kind, status=broken, spec=broken, data=broken, subsets=broken) for kind in kinds]
    labels = {"kubernetes.io/service-name": "cart"}
    metadata = {"name": "x", "labels": labels, "annotations": broken, "ownerReferences": broken}
    shapes = ({"endpoints": broken}, {"endpoints": [{"addresses": broken, "conditions": broken}]})
    values += [{**a_slice(), "metadata": metadata, **shape} for shape in shapes]

    assert all(read(value) for value in values)
