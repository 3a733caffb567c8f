"""What the API server does not let in, and refusals that are over."""

import pytest

from kfi.diagnosis.rules import admission
from kfi.models.records import REFUSED
from tests.cluster import codes, event, listing, log, obj, snapshot

RS = "ReplicaSet/orchard/cart-5d9f8c7b6"
CALL = 'Error creating: Internal error occurred: failed calling webhook "check.example": failed to call webhook: Post '
URL = '"https://guard.policy.svc:443/check?timeout=10s": '


def refused(message, *, created=0):
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "cart"}}}
    owner = [{"kind": "Deployment", "name": "cart", "controller": True}]
    yield obj(RS, metadata={"ownerReferences": owner}, spec=spec, status={"replicas": created})
    yield event(RS, "FailedCreate", message)


def guard(policy="Fail", kind="ValidatingWebhookConfiguration"):
    service = {"namespace": "policy", "name": "guard"}
    hook = {"name": "check.example", "clientConfig": {"service": service}, "failurePolicy": policy}
    return obj(f"{kind}/guard", webhooks=[hook])


def found(*documents):
    flat = [one for part in documents for one in ([part] if hasattr(part, "payload") else part)]
    return codes(admission, *flat)


@pytest.mark.parametrize(
    ("why", "code"),
    [
        ("dial tcp 10.96.0.9:443: connect: connection refused", "webhook-failing"),
        ("context deadline exceeded", "webhook-failing"),
        ('service "guard" not found', "webhook-failing"),
        ('no endpoints available for service "guard"', "webhook-failing"),
        ("x509: certificate signed by unknown authority", "webhook-certificate-invalid"),
        ("tls: failed to verify certificate: x509: certificate is valid for a, not b", "webhook-certificate-invalid"),
    ],
)
def test_a_webhook_that_cannot_be_called_is_at_fault(why, code):
    assert found(refused(f"{CALL}{URL}{why}"), guard()) == [(code, "ValidatingWebhookConfiguration/guard")]
    assert found(refused(f"{CALL}{URL}{why}")) == [(code, "Service/policy/guard")]


def test_a_webhook_whose_pods_are_not_ready_hands_the_blame_to_its_service():
    known = obj("Service/policy/guard", spec={"selector": {"app": "guard"}, "ports": [{"port": 443}]})
    evidence = [refused(f"{CALL}{URL}connection refused"), guard(), known, obj("Endpoints/policy/guard", subsets=[])]

    assert found(*evidence) == [("webhook-failing", "Service/policy/guard")]


def test_a_refusal_is_over_when_the_pods_are_there():
    assert found(refused(f"{CALL}{URL}connection refused", created=1), guard()) == []


def test_a_webhook_without_its_service_refuses_what_it_matches():
    assert found(guard(), listing("Service", "policy", "other")) == [
        ("webhook-failing", "ValidatingWebhookConfiguration/guard")
    ]
    assert found(guard("Ignore"), listing("Service", "policy", "other")) == []
    assert found(guard(), listing("Service", "policy", "guard")) == []


def test_a_policy_that_says_no_is_told_with_its_words():
    message = (
        'Error creating: admission webhook "validate.kyverno.svc-fail" denied the request: owner label is required'
    )
    (denied,) = admission.check(snapshot(*refused(message)))

    assert (denied.code, str(denied.ref)) == ("admission-denied", RS)
    assert "owner label is required" in denied.message


@pytest.mark.parametrize(
    "message",
    [
        'pods "x" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true',
        'pods "x" is forbidden: unable to validate against any security context constraint: [provider restricted: no]',
        'pods "x" is forbidden: PodSecurityPolicy: unable to admit pod: [spec.hostNetwork: Invalid value]',
    ],
)
def test_pods_that_break_the_security_level_are_the_workloads_fault(message):
    assert found(refused(f"Error creating: {message}")) == [("pod-security-violated", RS)]


def test_a_warning_that_pods_would_be_refused_refuses_nobody():
    would = 'would violate PodSecurity "restricted:latest": runAsNonRoot != true'

    assert found(log("Deployment/orchard/cart", f"Warning: {would}", level="warning")) == []


OPERATOR = "Pod/orchard/operator-7d9f8-x2x4z"
NO_QUEUE = log(OPERATOR, 'no matches for kind "Queue" in version "queues.example/v1"')


def definition(version, served=True):
    names = {"kind": "Queue", "plural": "queues"}
    spec = {"group": "queues.example", "names": names, "versions": [{"name": version, "served": served}]}
    return obj("CustomResourceDefinition/queues.queues.example", spec=spec)


def test_a_kind_needs_its_definition_in_the_right_version():
    code = ("custom-resource-unknown", OPERATOR)

    assert found(NO_QUEUE) == [code]
    assert found(NO_QUEUE, definition("v1beta1")) == [code]
    assert found(NO_QUEUE, definition("v1", served=False)) == [code]
    assert found(NO_QUEUE, definition("v1")) == []


def test_a_removed_version_that_somebody_asks_for():
    said = 'resource mapping not found for name: "nightly" namespace: "orchard" from "a.yaml": '
    asked = log("Pod//", f'{said}no matches for kind "CronJob" in version "batch/v1beta1"')

    assert found(asked) == [("api-version-removed", "CronJob/orchard/nightly")]


def budget(version, applied=True):
    return obj("PodDisruptionBudget/orchard/cart", applied=applied, apiVersion=version, spec={})


def node(version):
    return obj("Node/node-a", status={"nodeInfo": {"kubeletVersion": version}})


def test_a_manifest_of_a_removed_version_is_told_where_the_release_is_known():
    code = ("api-version-removed", "PodDisruptionBudget/orchard/cart")

    assert found(budget("policy/v1beta1"), node("v1.29.4")) == [code]
    assert found(budget("policy/v1beta1"), node("v1.24.17+k3s1")) == []
    assert found(budget("policy/v1"), node("v1.29.4")) == []
    assert found(budget("policy/v1beta1")) == []
    assert found(budget("policy/v1beta1", applied=False), node("v1.29.4")) == []


def asked(about, message):
    return event(about, REFUSED, message, component="kubectl")


UNKNOWN = 'error: unable to recognize "a.yaml": no matches for kind'
CREATING = 'Error from server (Forbidden): error when creating "cart.yaml": pods "cart" is forbidden: '


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ('The Deployment "cart" is invalid: spec.selector: Invalid value: x: field is immutable', "manifest-invalid"),
        ('error: error validating "a.yaml": error validating data: unknown field "q" in x; if', "manifest-invalid"),
        ('Error from server (NotFound): error when creating "a": namespaces "b" not found', "manifest-invalid"),
        (f'{CREATING}violates PodSecurity "restricted:latest": runAsNonRoot != true', "pod-security-violated"),
        ('Error from server: admission webhook "w.example" denied the request: no owner', "admission-denied"),
        (f'{UNKNOWN} "CronJob" in version "batch/v1beta1"', "api-version-removed"),
        (f'{UNKNOWN} "Gate" in version "own.example/v1"', "custom-resource-unknown"),
    ],
)  # fmt: skip
def test_what_kubectl_was_told_is_evidence_about_the_object(message, code):
    assert found(asked("Deployment/orchard/cart", message)) == [(code, "Deployment/orchard/cart")]


def test_an_object_that_lives_was_let_in_after_its_creation_was_refused():
    created = asked("Pod/orchard/cart", f'{CREATING}violates PodSecurity "restricted:latest": runAsNonRoot != true')
    changed = asked("Pod/orchard/cart", 'The Pod "cart" is invalid: spec: Forbidden: pod updates may not change fields')
    pod = obj("Pod/orchard/cart", status={"phase": "Running"})

    assert found(created, pod) == []
    assert found(changed, pod) == [("manifest-invalid", "Pod/orchard/cart")]


def test_a_controller_s_invalid_pods_are_told_of_and_a_program_s_invalid_token_is_not():
    message = 'Error creating: Pod "cart-x" is invalid: spec.containers[0].image: Required value'

    assert found(refused(message)) == [("manifest-invalid", RS)]
    assert found(log("Pod/orchard/cart", 'token "x" is invalid: expired')) == []
    assert found(log("Pod/orchard/cart", 'Deployment "x" is invalid: spec: Required value')) == []


def test_a_refusal_in_a_log_that_is_nobody_s_is_about_the_object_it_names():
    line = f'{CREATING}violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true)'

    assert found(log("//", line)) == [("pod-security-violated", "Pod/cart")]
