"""
What a person reads of objects that Pods need and do not find.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule

MISSING_CONFIG_MAP = Rule(
    code="missing-config-map",
    title="ConfigMap does not exist",
    layer=Layer.CONFIG,
    meaning=(
        "The Pod takes environment variables or a volume from a ConfigMap that its namespace does not have. The "
        "kubelet does not start the containers before it exists, and tries again every few seconds."
    ),
    confirm="kubectl get configmaps -n {namespace}",
    fix=(
        "Create the ConfigMap in the Pod's own namespace, or correct its name in the Pod template.",
        "Mark the reference optional if the container can do without it.",
    ),
)
MISSING_SECRET = Rule(
    code="missing-secret",
    title="Secret does not exist",
    layer=Layer.CONFIG,
    meaning=(
        "The Pod takes environment variables or a volume from a Secret that its namespace does not have. Secrets are "
        "not shared between namespaces. The containers stay in CreateContainerConfigError or ContainerCreating until "
        "it exists."
    ),
    confirm="kubectl get secrets -n {namespace}",
    fix=(
        "Create the Secret in the Pod's own namespace, or correct its name in the Pod template.",
        "If an operator or a sealed or external Secret should make it, look at that one's status.",
    ),
)
SECRET_NOT_BOUND = Rule(
    code="secret-not-bound",
    title="Workload lacks the Secret that its siblings take their settings from",
    layer=Layer.CONFIG,
    meaning=(
        "The other workloads of the namespace take settings from Secrets of their own; this one does not, though a "
        "Secret named for it exists that nothing uses. The application starts without its credentials."
    ),
    confirm="kubectl get {kind} {name} -n {namespace} -o yaml",
    fix=("Add the reference (envFrom or env.valueFrom.secretKeyRef) to the container, as the siblings have it.",),
)
UNKNOWN_SERVICE_NAME = Rule(
    code="unknown-service-name",
    title="Workload looks up a Service name that does not exist",
    layer=Layer.CONFIG,
    meaning=(
        "The name that the workload asks the cluster's DNS for belongs to no Service: it is misspelt, or names the "
        "wrong namespace. A bare name is looked for in the workload's own namespace only. DNS itself is in order, and "
        "so is the Service that was meant."
    ),
    confirm="kubectl get services -A",
    fix=(
        "Correct the name in the workload's settings: SERVICE, or SERVICE.NAMESPACE where it lives elsewhere.",
        "If the name is right, create the Service that should have it.",
    ),
)
MISSING_KEY = Rule(
    code="missing-key",
    title="ConfigMap or Secret lacks a key",
    layer=Layer.CONFIG,
    meaning=(
        "The object exists, but not the key that an environment variable or a volume item names. Keys are matched "
        "letter by letter. The container is not created."
    ),
    confirm="kubectl describe pod {name} -n {namespace}",
    fix=("Add the key to the ConfigMap or Secret, or correct the key's name in the Pod template.",),
)
MISSING_SERVICE_ACCOUNT = Rule(
    code="missing-service-account",
    title="ServiceAccount does not exist",
    layer=Layer.ADMISSION,
    meaning=(
        "The Pod template names a ServiceAccount that its namespace does not have, so the API server refuses every "
        "Pod of the workload. No Pod exists that could show an error: only the controller's FailedCreate Events tell."
    ),
    confirm="kubectl get serviceaccounts -n {namespace}",
    fix=("Create the ServiceAccount, or correct serviceAccountName in the Pod template.",),
)
CONTAINER_CONFIG_ERROR = Rule(
    code="container-config-error",
    title="Container cannot be created as configured",
    layer=Layer.CONFIG,
    meaning=(
        "The kubelet or the container runtime refuses to create the container: a security context that contradicts "
        "the image, a mount that does not fit, no command to run, or a name that is still taken. The image itself "
        "was pulled."
    ),
    confirm="kubectl describe pod {name} -n {namespace}",
    fix=(
        "Read the message: for runAsNonRoot give a numeric runAsUser or an image that does not run as root; for a "
        "mount correct its path.",
    ),
)
