"""Objects from JSON and YAML: documents, listings, and what is said of the rest."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kfi.errors import SourceError
from kfi.ingestion.base import SourceText
from kfi.ingestion.manifest_loader import ManifestLoader
from kfi.models.schemas import Document, DocumentKind, Severity, Skipped

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

MANIFESTS = """\
apiVersion: v1
kind: Service
metadata:
  name: cart
spec:
  ports:
  - port: 80
---
replicaCount: 2
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: orchard
spec:
  template:
    spec:
      containers:
      - name: app
        image: orchard/cart:1.4
"""


def source(text: str, path: str = "cart.yaml", **more: Any) -> SourceText:
    return SourceText(path=path, lines=lambda: iter(text.split("\n")), observed_at=NOW, cluster="c1", **more)


def load(text: str, path: str = "cart.yaml", **more: Any) -> list[Document]:
    return list(ManifestLoader().load(source(text, path, **more)))


def pod(name: str, namespace: str = "orchard", **status: object) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{name}", "resourceVersion": "7"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": status}


def a_list(*items: dict[str, Any], kind: str = "List", **metadata: object) -> str:
    return json.dumps({"apiVersion": "v1", "items": items, "kind": kind, "metadata": metadata}, indent=4)


def listings(documents: list[Document]) -> list[dict[str, Any]]:
    return [d.payload for d in documents if d.kind is DocumentKind.LISTING]


def test_each_manifest_becomes_a_document_with_its_lines():
    given = source(MANIFESTS)

    service, deployment = ManifestLoader().load(given)

    assert [(str(d.ref), d.source.first_line, d.source.last_line) for d in (service, deployment)] == [
        ("Service/cart", 1, 7),
        ("Deployment/orchard/cart", 11, 21),
    ]
    assert deployment.text == "\n".join(MANIFESTS.split("\n")[10:21])
    assert deployment.payload["applied"] is True
    assert deployment.payload["form"] == "yaml"
    assert deployment.payload["fields"]["spec"]["template"]["spec"]["containers"][0]["name"] == "app"
    assert deployment.card == "Deployment orchard/cart: image orchard/cart:1.4"
    assert given.skipped == [Skipped(path="cart.yaml", reason="no Kubernetes object: it has no kind", line=9)]


def test_what_the_cluster_reported_has_its_uid_its_age_and_its_trouble():
    waiting = {"name": "app", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    crashing = pod("cart-1", phase="Running", containerStatuses=[waiting])
    crashing["metadata"]["creationTimestamp"] = "2026-03-04T05:00:00Z"

    (found,) = load(json.dumps(crashing, indent=1), "cart.json")

    assert found.payload["applied"] is False
    assert found.incarnation == "uid-cart-1"
    assert found.first_time == datetime(2026, 3, 4, 5, tzinfo=UTC)
    assert found.severity is Severity.ERROR
    assert "CrashLoopBackOff" in found.card


def test_the_same_text_gives_the_same_ids_and_another_state_another_id():
    (before,) = load(json.dumps(pod("cart-1", phase="Pending")))
    (again,) = load(json.dumps(pod("cart-1", phase="Pending"), indent=4))
    (after,) = load(json.dumps(pod("cart-1", phase="Running")))

    assert (again.identity, again.id) == (before.identity, before.id)
    assert after.identity == before.identity
    assert after.id != before.id


def test_a_manifest_and_what_became_of_it_are_seen_differently():
    (applied,) = load("apiVersion: v1\nkind: Pod\nmetadata: {name: cart-1, namespace: orchard}\n")
    (observed,) = load("apiVersion: v1\nkind: Pod\nmetadata: {name: cart-1, namespace: orchard, uid: u}\n")

    assert applied.ref == observed.ref
    assert applied.identity != observed.identity


def test_a_list_of_one_kind_is_also_a_listing():
    documents = load(a_list(pod("cart-1"), pod("cart-2")), "pods.json")

    assert listings(documents) == [{"kind": "Pod", "namespace": "orchard", "names": ["cart-1", "cart-2"]}]
    listing = documents[-1]
    assert (listing.source.first_line, listing.source.last_line, listing.text) == (1, 1, "{")
    assert listing.card == "List of Pod in orchard: cart-1, cart-2"


def test_a_list_over_several_namespaces_names_them():
    documents = load(a_list(pod("cart-1"), pod("dns-1", "kube-system")))

    assert listings(documents) == [{"kind": "Pod", "namespace": "", "names": ["orchard/cart-1", "kube-system/dns-1"]}]


@pytest.mark.parametrize(
    "text",
    [
        a_list(
            pod("cart-1"), {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "resourceVersion": "1"}}
        ),
        a_list(pod("cart-1"), {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "written"}}),
        a_list(pod("cart-1"), {"apiVersion": "v1", "kind": "Pod"}),
        a_list(pod("cart-1"), kind="PodList", **{"continue": "token"}),
        a_list(pod("cart-1"), kind="PodList", remainingItemCount=3),
        a_list(pod("cart-1"), pod("cart-2"))[:-90],
        a_list(),
        a_list(kind="PodList"),
        json.dumps([pod("cart-1"), pod("cart-2")]),
    ],
    ids=["two kinds", "a manifest", "unreadable", "continued", "remaining", "cut off", "empty", "no scope", "array"],
)
def test_a_list_that_may_lack_something_is_no_listing(text):
    assert listings(load(text)) == []


def test_an_object_that_was_asked_for_by_name_is_no_listing():
    assert listings(load(a_list(pod("cart-1")), "orchard/cart-1.json")) == []


def test_an_empty_list_of_a_kind_is_a_listing_where_the_path_gives_the_namespace():
    documents = load(a_list(kind="PodList"), "pods/orchard.json", namespace="orchard")

    assert listings(documents) == [{"kind": "Pod", "namespace": "orchard", "names": []}]


def test_events_are_passed_over_without_a_word():
    event = {"apiVersion": "v1", "kind": "Event", "metadata": {"name": "cart.1", "resourceVersion": "1"}}
    given = source(a_list(event, event, kind="EventList"), namespace="orchard")

    assert list(ManifestLoader().load(given)) == []
    assert given.skipped == []


def test_a_watch_gives_every_state_and_the_last_is_the_newest():
    states = [("ADDED", pod("cart-1", phase="Pending")), ("DELETED", pod("cart-1", phase="Running"))]
    lines = [json.dumps({"type": kind, "object": value}) for kind, value in states]
    lines.append(json.dumps({"type": "BOOKMARK", "object": {"kind": "Pod", "metadata": {"resourceVersion": "9"}}}))

    added, deleted = load("\n".join(lines), "watch.json")

    assert added.identity == deleted.identity
    assert [(d.payload["deleted"], d.observed_at - NOW) for d in (added, deleted)] == [
        (False, timedelta(0)),
        (True, timedelta(microseconds=1)),
    ]
    assert deleted.text == lines[1]


def test_the_error_that_ends_a_watch_is_said():
    gone = {"type": "ERROR", "object": {"kind": "Status", "message": "too old resource version"}}
    given = source(json.dumps({"type": "ADDED", "object": pod("cart-1")}) + "\n" + json.dumps(gone))

    assert len(list(ManifestLoader().load(given))) == 1
    assert [(s.reason, s.line) for s in given.skipped] == [
        ("the watch ended with an error: too old resource version", 2)
    ]


def test_secrets_are_masked_in_fields_and_text():
    def redact(fields: dict[str, Any], text: str) -> tuple[dict[str, Any], str]:
        return {**fields, "data": {"password": "<masked>"}}, text.replace("aHVudGVyMg==", "<masked>")

    text = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: aHVudGVyMg==\n"

    (secret,) = load(text, redact_object=redact)

    assert "aHVudGVyMg" not in secret.model_dump_json()
    assert secret.payload["fields"]["data"] == {"password": "<masked>"}
    assert secret.text.endswith("password: <masked>")


def test_slices_of_one_service_are_told_apart_but_belong_to_one_object():
    def a_slice(name: str, address: str) -> dict[str, Any]:
        labels = {"kubernetes.io/service-name": "cart"}
        metadata = {"name": name, "namespace": "orchard", "labels": labels, "uid": name, "resourceVersion": "1"}
        endpoints = [{"addresses": [address], "conditions": {"ready": True}}]
        return {"metadata": metadata, "endpoints": endpoints, "ports": [{"port": 80}]}

    text = json.dumps({
        "kind": "EndpointSliceList",
        "apiVersion": "discovery.k8s.io/v1",
        "items": [a_slice("cart-a", "10.1.0.4"), a_slice("cart-b", "fd00::4")],
    })  # fmt: skip

    first, second, listing = load(text)

    assert str(first.ref) == str(second.ref) == "Endpoints/orchard/cart"
    assert first.identity != second.identity
    assert (first.incarnation, second.incarnation) == ("", "")
    assert listing.payload == {"kind": "Endpoints", "namespace": "orchard", "names": ["cart"]}


def test_a_key_given_twice_is_said():
    given = source("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  name: b\n")

    (found,) = ManifestLoader().load(given)

    assert found.ref.name == "b"
    assert [(s.reason, s.line) for s in given.skipped] == [("the key 'name' is given twice; the last one counts", 5)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("replicaCount: 2\nimage: {tag: x}\n", "'cart.yaml' holds no Kubernetes object."),
        ("items: []\n", "'cart.yaml' holds no Kubernetes object."),
        ("", "'cart.yaml' holds no Kubernetes object."),
        ('["a", "b"]', "'cart.yaml' holds no Kubernetes object."),
        (
            "{{- if .Values.on }}\nkind: Pod\n{{- end }}\n",
            "'cart.yaml' holds no Kubernetes object: it is a Helm template: "
            "render it with `helm template` and hand over the result.",
        ),
    ],
)
def test_a_source_without_objects_says_so(text, message):
    given = source(text)

    with pytest.raises(SourceError) as error:
        list(ManifestLoader().load(given))

    assert error.value.message == message
    assert given.skipped == []


def test_a_source_that_is_too_large_is_not_even_read():
    def never() -> Any:
        raise AssertionError

    huge = SourceText(path="all.json", lines=never, observed_at=NOW, size=2**30)

    with pytest.raises(SourceError, match="larger than the 256 MiB that one JSON file may have"):
        list(ManifestLoader().load(huge))


def test_very_many_refused_parts_are_counted_not_listed():
    given = source("a: 1\n---\n" * 80 + "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")

    assert len(list(ManifestLoader().load(given))) == 1
    assert len(given.skipped) == 51
    assert given.skipped[-1].reason == "30 more parts, for reasons like these"


@pytest.mark.parametrize(
    "text", ['{"kind": "NetworkPolicyList", "items": null}', "kind: NetworkPolicyList\nitems: null\n"]
)
def test_an_empty_list_as_go_writes_it_is_a_complete_list_of_nothing(text):
    source = SourceText(path="orchard.json", lines=lambda: iter(text.split("\n")), observed_at=NOW, namespace="orchard")

    found = list(ManifestLoader().load(source))

    assert [(d.kind, d.ref.kind, d.ref.namespace, d.count) for d in found] == [
        ("listing", "NetworkPolicy", "orchard", 0)
    ]
