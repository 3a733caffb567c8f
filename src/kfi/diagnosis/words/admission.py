"""
What a person reads of what the API server does not let in: webhooks, Pod security, policies, unknown kinds.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule

_EVENTS = "kubectl get events -n {namespace} --field-selector reason=FailedCreate"

WEBHOOK_FAILING = Rule(
    code="webhook-failing",
    title="Admission webhook cannot be called",
    layer=Layer.SERVICE,
    meaning=(
        "The API server asks a webhook before it stores an object. With failurePolicy Fail (the default) a webhook "
        "that does not answer refuses every object that its rules match: its Service is missing or has no endpoint, "
        "the connection is refused or times out, or something bars the API server's way to it."
    ),
    confirm="kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
    fix=(
        "Bring back the Pods and the Service that the webhook's clientConfig names.",
        "If the webhook's program was removed, delete its left-over webhook configuration.",
    ),
)
WEBHOOK_CERTIFICATE_INVALID = Rule(
    code="webhook-certificate-invalid",
    title="API server does not accept an admission webhook's certificate",
    layer=Layer.SERVICE,
    meaning=(
        "The API server calls a webhook over TLS and checks its certificate with the caBundle of the webhook "
        "configuration. A certificate that has expired, is signed by another authority or made for another name "
        "refuses every object that the webhook's rules match."
    ),
    confirm="kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations -o yaml",
    fix=(
        "Renew the webhook's certificate and put the authority that signed it into caBundle.",
        "Where cert-manager or a job should do that, find out why it did not.",
    ),
)
ADMISSION_DENIED = Rule(
    code="admission-denied",
    title="An admission policy refuses the workload's Pods",
    layer=Layer.ADMISSION,
    meaning=(
        "A webhook (Gatekeeper, Kyverno, an own one) or a ValidatingAdmissionPolicy looked at the object and refused "
        "it, because it breaks a rule. The refusal says which."
    ),
    confirm=_EVENTS,
    fix=("Change the Pod template so that it keeps the rule that the message names, or grant it an exception.",),
)
POD_SECURITY_VIOLATED = Rule(
    code="pod-security-violated",
    title="Pods break the Pod security level of their namespace",
    layer=Layer.ADMISSION,
    meaning=(
        "The namespace enforces a Pod security level (baseline, restricted) by its label, on OpenShift a security "
        "context constraint. Pods that ask for more, or leave out what the level demands, are refused when they are "
        "created; Pods from before go on running."
    ),
    confirm="kubectl get namespace {namespace} --show-labels",
    fix=(
        "Set the securityContext in the template as the message demands.",
        "If the Pods need what they ask for, lower the namespace's pod-security.kubernetes.io/enforce label.",
    ),
)
API_VERSION_REMOVED = Rule(
    code="api-version-removed",
    title="Manifest uses an API version that the cluster no longer serves",
    layer=Layer.ADMISSION,
    meaning=(
        "Kubernetes removes old API versions of its own kinds with new releases. A manifest (or a program) that still "
        "uses one gets 'no matches for kind' and nothing is created or changed."
    ),
    confirm="kubectl api-resources",
    fix=("Change apiVersion to one that the cluster serves, and the fields that were renamed with it.",),
)
MANIFEST_INVALID = Rule(
    code="manifest-invalid",
    title="API server refuses the object as invalid",
    layer=Layer.ADMISSION,
    meaning=(
        "The object breaks a rule of its own kind: a field that does not exist or is misspelt, a value that is missing "
        "or not allowed, a field that must not change, an address or node port that another Service has, or a "
        "namespace that does not exist. Nothing is created or changed."
    ),
    confirm="kubectl explain {kind} --recursive",
    fix=(
        "Mend the field that the message names; `kubectl apply --dry-run=server` tries it without a change.",
        "Of a field that must not change: delete the object and create it anew, if that may be.",
    ),
)
CUSTOM_RESOURCE_UNKNOWN = Rule(
    code="custom-resource-unknown",
    title="CustomResourceDefinition is not installed",
    layer=Layer.ADMISSION,
    meaning=(
        "A kind that is not Kubernetes' own exists only where its CustomResourceDefinition is installed and serves the "
        "version. Objects of it are refused with 'no matches for kind', and controllers of it end at their start."
    ),
    confirm="kubectl get crd",
    fix=("Install the CustomResourceDefinition (of the version that the manifest or controller uses) first.",),
)
