"""
Which API versions of Kubernetes' own kinds are gone, and what the cluster serves.

Source: kubernetes.io, Deprecated API Migration Guide. A kubelet is never newer than the API server, so a node's version
is one that the server has reached.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kfi.snapshot.view import Snapshot

_KINDS_UNTIL: Mapping[str, tuple[int, str]] = {
    "extensions/v1beta1": (16, "Deployment DaemonSet ReplicaSet NetworkPolicy PodSecurityPolicy"),
    "apps/v1beta1": (16, "Deployment StatefulSet ReplicaSet"),
    "apps/v1beta2": (16, "Deployment DaemonSet ReplicaSet StatefulSet"),
    "networking.k8s.io/v1beta1": (22, "Ingress IngressClass"),
    "rbac.authorization.k8s.io/v1beta1": (22, "Role RoleBinding ClusterRole ClusterRoleBinding"),
    "admissionregistration.k8s.io/v1beta1": (22, "ValidatingWebhookConfiguration MutatingWebhookConfiguration"),
    "apiextensions.k8s.io/v1beta1": (22, "CustomResourceDefinition"),
    "apiregistration.k8s.io/v1beta1": (22, "APIService"),
    "certificates.k8s.io/v1beta1": (22, "CertificateSigningRequest"),
    "coordination.k8s.io/v1beta1": (22, "Lease"),
    "scheduling.k8s.io/v1beta1": (22, "PriorityClass"),
    "storage.k8s.io/v1beta1": (22, "CSIDriver CSINode StorageClass VolumeAttachment"),
    "batch/v1beta1": (25, "CronJob"),
    "discovery.k8s.io/v1beta1": (25, "EndpointSlice"),
    "events.k8s.io/v1beta1": (25, "Event"),
    "autoscaling/v2beta1": (25, "HorizontalPodAutoscaler"),
    "policy/v1beta1": (25, "PodDisruptionBudget PodSecurityPolicy"),
    "node.k8s.io/v1beta1": (25, "RuntimeClass"),
    "autoscaling/v2beta2": (26, "HorizontalPodAutoscaler"),
    "flowcontrol.apiserver.k8s.io/v1beta1": (26, "FlowSchema PriorityLevelConfiguration"),
    "flowcontrol.apiserver.k8s.io/v1beta2": (29, "FlowSchema PriorityLevelConfiguration"),
    "flowcontrol.apiserver.k8s.io/v1beta3": (32, "FlowSchema PriorityLevelConfiguration"),
}
_REMOVED = {(version, kind): minor for version, (minor, kinds) in _KINDS_UNTIL.items() for kind in kinds.split()} | {
    ("extensions/v1beta1", "Ingress"): 22
}
_GONE = frozenset({"PodSecurityPolicy"})
_VERSION = re.compile(r"v?1\.(\d{1,3})(?!\d)")


def removed_in(api_version: str, kind: str) -> int | None:
    """Give the minor release of Kubernetes that no longer serves a version of a kind; None where all do.

    >>> removed_in("batch/v1beta1", "CronJob"), removed_in("batch/v1", "CronJob")
    (25, None)
    """
    return _REMOVED.get((api_version, kind))


def replacement(kind: str) -> str:
    """Say what takes the place of the removed versions of a kind."""
    return "nothing: Pod security admission took its place" if kind in _GONE else "the kind's v1"


def server_minor(snapshot: Snapshot, cluster: str) -> int | None:
    """Give a minor release that the cluster's API server has reached; None where no node tells."""
    versions = (
        _VERSION.match(str(node.status.node_info.get("kubeletVersion", "")))
        for node in snapshot.nodes
        if node.ref.cluster == cluster
    )
    return max((int(version[1]) for version in versions if version), default=None)


def is_builtin(api_version: str) -> bool:
    """Tell whether a group is one of Kubernetes' own.

    >>> is_builtin("apps/v1"), is_builtin("policy/v1"), is_builtin("cert-manager.io/v1")
    (True, True, False)
    """
    group = api_version.rpartition("/")[0]
    return "." not in group or (group.endswith(".k8s.io") and group in _BUILTIN)


_BUILTIN = frozenset(version.rpartition("/")[0] for version in _KINDS_UNTIL) | frozenset({
    "authentication.k8s.io", "authorization.k8s.io", "resource.k8s.io", "internal.apiserver.k8s.io",
})  # fmt: skip
