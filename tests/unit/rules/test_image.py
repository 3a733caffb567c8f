"""Each refusal of a registry has a twin in which the objects give the same words another meaning."""

from typing import Any

import pytest

from kfi.diagnosis.rules import image
from kfi.models.records import ObjectRecord, TextForm
from kfi.models.schemas import Document, Finding
from tests.cluster import codes, event, listing, obj, snapshot

POD = "Pod/orchard/cart-7d9"
IMAGE = "registry.example/orchard/cart:v1"
ANONYMOUS = "failed to authorize: failed to fetch anonymous token: unexpected status: 401 Unauthorized"
LOGIN = "unauthorized: authentication required"
OWNED = {"ownerReferences": [{"kind": "StatefulSet", "name": "cart", "controller": True}]}


def waiting(
    reason: str = "ErrImagePull", *, message: str = "", name: str = POD, at: str = IMAGE, **spec: Any
) -> Document:
    state = {"waiting": {"reason": reason, **({"message": message} if message else {})}}
    status = {"phase": "Pending", "containerStatuses": [{"name": "app", "image": at, "state": state}]}
    return obj(name, metadata=OWNED, spec={"containers": [{"name": "app", "image": at}], **spec}, status=status)


def described(document: Document) -> Document:
    """The same Pod as `kubectl describe` shows it: without pull secrets."""
    record = ObjectRecord.model_validate(document.payload).model_copy(update={"form": TextForm.DESCRIBE})
    return document.model_copy(update={"payload": record.model_dump(mode="json")})


def failed(words: str, at: str = IMAGE, name: str = POD, **fields: Any) -> Document:
    return event(name, "Failed", f'Failed to pull image "{at}": {words}', **fields)


def running(name: str, at: str) -> Document:
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
    return obj(name, spec={"containers": [{"name": "app", "image": at}]}, status=status)


def findings(*documents: Document) -> list[Finding]:
    return list(image.check(snapshot(*documents)))


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (f"rpc error: code = NotFound desc = {IMAGE}: not found", "image-not-found"),
        ("manifest unknown: manifest unknown", "image-not-found"),
        (
            'Head "https://registry.example/v2/": dial tcp 10.2.3.4:443: connect: connection refused',
            "registry-unreachable",
        ),
        ("x509: certificate signed by unknown authority", "registry-unreachable"),
        ("dial tcp: lookup registry.example on 10.0.0.2:53: no such host", "registry-dns-failure"),
        ("dial tcp: lookup registry.example: Temporary failure in name resolution", "registry-dns-failure"),
        ("429 Too Many Requests - Server message: toomanyrequests", "registry-rate-limited"),
        ("no match for platform in manifest: not found", "image-platform-missing"),
        ("no space left on device", "image-disk-full"),
        (ANONYMOUS, "missing-image-pull-secret"),
    ],
)
def test_what_the_registry_answered_decides(words: str, code: str):
    found = findings(waiting(), failed(words))

    assert [(f.code, str(f.ref)) for f in found] == [(code, POD)]
    assert words in found[0].evidence[0].text


def test_the_states_own_message_decides_where_no_event_is_left():
    text = f'Back-off pulling image "{IMAGE}": ErrImagePull: {IMAGE}: not found'

    assert codes(image, waiting("ImagePullBackOff", message=text)) == [("image-not-found", POD)]


def test_a_back_off_without_any_reason_is_reported_with_little_certainty():
    found = findings(waiting("ImagePullBackOff"), event(POD, "BackOff", f'Back-off pulling image "{IMAGE}"'))

    assert [(f.code, str(f.ref)) for f in found] == [("image-pull-failed", POD)]
    assert found[0].strength <= 0.5


def test_a_row_of_a_table_is_enough_with_the_event():
    row = obj(POD, status={"summary": "Init:ImagePullBackOff", "readyContainers": 0, "totalContainers": 1})

    found = findings(row, failed(f"{IMAGE}: not found"))

    assert [(f.code, str(f.ref)) for f in found] == [("image-not-found", POD)]
    assert IMAGE in found[0].message


@pytest.mark.parametrize(
    ("reason", "code"),
    [("InvalidImageName", "image-name-invalid"), ("ErrImageNeverPull", "image-never-pull")],
)
def test_the_kubelet_decides_some_without_a_registry(reason: str, code: str):
    assert codes(image, waiting(reason)) == [(code, POD)]


def test_a_named_secret_that_the_kubelet_cannot_find_is_missing():
    secret = event(
        POD,
        "FailedToRetrieveImagePullSecret",
        "Unable to retrieve some image pull secrets (cart-pull); attempting to pull the image may not succeed.",
    )

    found = findings(waiting(imagePullSecrets=[{"name": "cart-pull"}]), failed(LOGIN), secret)

    assert [(f.code, str(f.ref)) for f in found] == [("missing-image-pull-secret", POD)]
    assert "cart-pull" in found[0].message
    assert any("FailedToRetrieveImagePullSecret" in citation.text for citation in found[0].evidence)


def test_a_list_of_secrets_proves_the_named_one_missing_or_there():
    pod, refused = waiting(imagePullSecrets=[{"name": "cart-pull"}]), failed("denied: access forbidden")

    assert codes(image, pod, refused, listing("Secret", "orchard", "other")) == [("missing-image-pull-secret", POD)]
    assert codes(image, pod, refused, listing("Secret", "orchard", "cart-pull")) == [("image-pull-unauthorized", POD)]


def test_a_missing_secret_does_not_matter_where_the_image_is_not_there():
    pod = waiting(imagePullSecrets=[{"name": "cart-pull"}])

    assert codes(image, pod, failed(f"{IMAGE}: not found"), listing("Secret", "orchard", "other")) == [
        ("image-not-found", POD)
    ]


def test_a_pod_without_secret_lacks_the_one_that_its_account_has():
    account = obj("ServiceAccount/orchard/default", imagePullSecrets=[{"name": "pull"}])
    refused = failed("pull access denied, repository does not exist or may require authorization")

    assert codes(image, described(waiting()), refused, account) == [("missing-image-pull-secret", POD)]


def test_a_pod_without_secret_lacks_the_one_that_the_applied_manifest_names():
    template = {"spec": {"containers": [{"name": "app", "image": IMAGE}], "imagePullSecrets": [{"name": "pull"}]}}
    manifest = obj("StatefulSet/orchard/cart", applied=True, spec={"template": template})
    live = obj(
        "StatefulSet/orchard/cart", spec={"template": {"spec": {"containers": [{"name": "app", "image": IMAGE}]}}}
    )

    assert codes(image, waiting(), live, manifest, failed(LOGIN)) == [("missing-image-pull-secret", POD)]


def test_a_whole_spec_without_secret_lacks_one_when_a_login_is_wanted():
    assert codes(image, waiting(), failed(LOGIN)) == [("missing-image-pull-secret", POD)]


def test_a_described_pod_does_not_show_whether_it_has_a_secret():
    assert codes(image, described(waiting()), failed(LOGIN)) == [("image-pull-unauthorized", POD)]


def test_a_mirror_that_forbids_without_asking_for_a_login_does_not_have_the_image():
    words = "unexpected status from HEAD request to https://mirror.example/v2/x?ns=registry.example: 403 Forbidden"

    assert codes(image, waiting(), failed(words)) == [("image-not-found", POD)]


def test_a_denied_name_beside_public_images_is_a_wrong_name():
    words = "pull access denied, repository does not exist or may require authorization"
    sibling = running("Pod/orchard/checkout-5c", "registry.example/orchard/checkout:v1")

    assert codes(image, waiting(), failed(words), sibling) == [("image-not-found", POD)]
    assert codes(image, waiting(), failed(words)) == [("image-pull-unauthorized", POD)]


def test_an_official_image_of_docker_hub_is_never_private():
    words = "pull access denied, repository does not exist or may require authorization"

    assert codes(image, waiting(at="cahce:7"), failed(words, at="cahce:7")) == [("image-not-found", POD)]


def test_a_full_disk_is_the_nodes():
    found = findings(waiting(nodeName="node-a"), failed("no space left on device"))

    assert [(f.code, str(f.ref), [str(r) for r in f.affects]) for f in found] == [
        ("image-disk-full", "Node/node-a", [POD])
    ]


def test_a_pull_that_succeeded_since_is_history():
    assert codes(image, running(POD, IMAGE), failed(f"{IMAGE}: not found")) == []


def test_a_runtime_that_does_not_answer_is_not_the_images_fault():
    words = 'connection error: desc = "transport: dial unix /run/containerd/containerd.sock: connect: no such file"'

    assert codes(image, waiting(), failed(words)) == []


def test_a_pod_of_which_only_events_are_known_counts_until_it_pulled():
    refused = failed(f"{IMAGE}: not found")

    assert codes(image, refused) == [("image-not-found", POD)]
    assert codes(image, refused, listing("Pod", "orchard", "checkout-5c")) == []
    assert (
        codes(image, refused, event(POD, "Pulled", f'Successfully pulled image "{IMAGE}"', type="Normal", ago=5)) == []
    )


@pytest.mark.parametrize("host", ["1234.dkr.ecr.eu-west-1.amazonaws.com", "europe-docker.pkg.dev", "shop.azurecr.io"])
def test_a_clouds_registry_that_says_forbidden_knows_who_asks(host: str):
    at = f"{host}/orchard/cart:v1"
    words = f"unexpected status from HEAD request to https://{host}/v2/orchard/cart/manifests/v1: 403 Forbidden"

    assert codes(image, waiting(at=at), failed(words, at)) == [("image-pull-unauthorized", POD)]


def test_a_mirror_that_says_forbidden_for_a_clouds_image_does_not_offer_it():
    at = "shop.azurecr.io/orchard/cart:v1"
    words = "unexpected status from HEAD request to https://mirror.example/v2/x?ns=shop.azurecr.io: 403 Forbidden"

    assert codes(image, waiting(at=at), failed(words, at)) == [("image-not-found", POD)]


def test_a_failure_of_no_known_kind_is_told_in_the_runtimes_words():
    found = findings(waiting(), failed("unsupported media type {application/x}"))

    assert [f.code for f in found] == ["image-pull-failed"]
    assert "unsupported media type {application/x}" in found[0].message
