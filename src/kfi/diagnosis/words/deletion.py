"""
What a person reads of deletions that do not come to an end.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule

API_SERVICE_UNAVAILABLE = Rule(
    code="api-service-unavailable",
    title="Extension of the API does not answer",
    layer=Layer.ADMISSION,
    meaning=(
        "An APIService hands a group of the API over to a Service in the cluster (metrics, custom metrics, webhooks of "
        "operators). While that does not answer, its resources fail, kubectl is slow, and no namespace can be deleted, "
        "because the API server cannot tell what is in it."
    ),
    confirm="kubectl get apiservices",
    fix=(
        "Bring back the Service and Pods that the APIService names.",
        "If its program was removed, delete the left-over APIService.",
    ),
)
NAMESPACE_STUCK_TERMINATING = Rule(
    code="namespace-stuck-terminating",
    title="Namespace is not deleted",
    layer=Layer.CONFIG,
    meaning=(
        "A namespace goes away when all that is in it is gone. Its conditions say what is left: objects whose "
        "finalizers nobody takes off (mostly because their controller was removed first), or groups of the API that "
        "cannot be listed. Nothing can be created in it meanwhile."
    ),
    confirm="kubectl get namespace {name} -o jsonpath='{.status.conditions}'",
    fix=(
        "Bring back the controller that owns the finalizers, so that it can clean up and take them off.",
        "If it is gone for good, remove the finalizers from the objects that are left, not from the namespace.",
    ),
)
OBJECT_STUCK_DELETING = Rule(
    code="object-stuck-deleting",
    title="Object is deleted but does not go away",
    layer=Layer.CONFIG,
    meaning=(
        "A deleted object stays until every finalizer is taken off by whoever put it there. A finalizer of Kubernetes "
        "waits for something (a claim for the Pods that use it, a CustomResourceDefinition for its objects), another "
        "for its controller, which may no longer run."
    ),
    confirm="kubectl get {kind} {name} -n {namespace} -o jsonpath='{.metadata.finalizers}'",
    fix=(
        "Remove what the finalizer waits for: the Pod that uses the claim, the objects of the definition.",
        "Bring back the finalizer's controller; only if it is gone for good, take the finalizer off by hand.",
    ),
)
