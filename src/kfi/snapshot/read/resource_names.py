"""
The names that kubectl takes and prints for kinds: `pods`, `po`, `deployment.apps/cart`.

Only what kubectl knows by itself; a custom resource's kind is guessed from its singular name.
"""

from __future__ import annotations

import re

# Kind, then its short names. Source: `kubectl api-resources`.
_NAMES = (
    ("Pod", "po"), ("Node", "no"), ("Service", "svc"), ("Endpoints", "ep"), ("EndpointSlice",), ("Event", "ev"),
    ("Deployment", "deploy"), ("ReplicaSet", "rs"), ("StatefulSet", "sts"), ("DaemonSet", "ds"), ("Job",),
    ("CronJob", "cj"), ("ReplicationController", "rc"), ("PersistentVolumeClaim", "pvc"), ("PersistentVolume", "pv"),
    ("StorageClass", "sc"), ("ConfigMap", "cm"), ("Secret",), ("ServiceAccount", "sa"), ("ResourceQuota", "quota"),
    ("LimitRange", "limits"), ("Namespace", "ns"), ("Ingress", "ing"), ("IngressClass",), ("NetworkPolicy", "netpol"),
    ("HorizontalPodAutoscaler", "hpa"), ("VerticalPodAutoscaler", "vpa"), ("PodDisruptionBudget", "pdb"),
    ("PriorityClass", "pc"), ("RuntimeClass",), ("Role",), ("RoleBinding",), ("ClusterRole",), ("ClusterRoleBinding",),
    ("CustomResourceDefinition", "crd", "crds"), ("CertificateSigningRequest", "csr"), ("Lease",), ("CSIDriver",),
    ("CSINode",), ("VolumeAttachment",), ("APIService",), ("ControllerRevision",), ("VolumeSnapshot", "vs"),
    ("ValidatingWebhookConfiguration",), ("MutatingWebhookConfiguration",), ("PodTemplate",), ("ComponentStatus", "cs"),
    ("Gateway", "gtw"), ("GatewayClass", "gc"), ("HTTPRoute",), ("GRPCRoute",), ("VirtualService",),
    ("IngressRoute",), ("HTTPProxy",),
    ("DestinationRule", "dr"), ("ServiceEntry",), ("Certificate", "cert"), ("CertificateRequest", "cr"), ("Issuer",),
    ("ClusterIssuer",), ("ServiceMonitor", "smon"), ("PodMonitor", "pmon"), ("PrometheusRule", "promrule"),
    ("ScaledObject", "so"), ("Application",), ("Rollout",), ("Kustomization", "ks"), ("HelmRelease", "hr"),
    ("ResourceClaim",), ("ClusterOperator", "co"), ("VolumeAttributesClass", "vac"), ("NodeClaim",), ("NodePool",),
)  # fmt: skip


def _plural(singular: str) -> str:
    if singular.endswith(("s", "x", "ch", "sh")):
        return f"{singular}es"
    if singular.endswith("y") and singular[-2] not in "aeiou":
        return f"{singular[:-1]}ies"
    return f"{singular}s"


def _all_names() -> dict[str, str]:
    found: dict[str, str] = {}
    for kind, *short in _NAMES:
        lower = kind.lower()
        for name in (lower, _plural(lower), *short):
            found[name] = kind
    # Endpoints is a plural already.
    return {**found, "endpoint": "Endpoints"}


_KINDS = _all_names()
_RESOURCE = re.compile(r"[a-z][a-z0-9]{0,62}")


def known_kind(name: str) -> str:
    """Give the kind of a plural, singular or short name, whatever its case; empty where kubectl knows no such name.

    >>> known_kind("PODS"), known_kind("deployments.apps"), known_kind("netpol"), known_kind("cart")
    ('Pod', 'Deployment', 'NetworkPolicy', '')
    """
    return _KINDS.get(name.partition(".")[0].lower(), "")


def kind_of_prefix(prefix: str) -> str:
    """Give the kind that stands before the slash of `deployment.apps/cart`; a custom resource's by its first letter.

    >>> kind_of_prefix("horizontalpodautoscaler.autoscaling"), kind_of_prefix("widget.example.com")
    ('HorizontalPodAutoscaler', 'Widget')
    """
    resource = prefix.partition(".")[0]
    known = known_kind(resource)
    if known:
        return known
    return resource.capitalize() if _RESOURCE.fullmatch(resource) else ""
