"""
Typed objects that decide who may do what, and what is let in: RBAC, webhooks, extensions of the API, certificates.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from kfi.snapshot.objects import Condition, Kube, Resource


class AccessRule(Kube):
    """`rules[]` of a Role; "*" stands for all."""

    verbs: tuple[str, ...] = ()
    api_groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    resource_names: tuple[str, ...] = ()


class Role(Resource):
    """A Role or ClusterRole; `rules` None: the text did not show them."""

    rules: tuple[AccessRule, ...] | None = None
    aggregation_rule: dict[str, Any] | None = None


class RoleRef(Kube):
    """`roleRef` of a binding."""

    kind: str = ""
    name: str = ""


class Subject(Kube):
    """`subjects[]` of a binding."""

    kind: str = ""
    name: str = ""
    namespace: str = ""


class Binding(Resource):
    """A RoleBinding or ClusterRoleBinding."""

    role_ref: RoleRef = RoleRef()
    subjects: tuple[Subject, ...] = ()


class ServiceReference(Kube):
    """The Service that a webhook or an APIService calls."""

    namespace: str = ""
    name: str = ""
    port: int = 443


class ClientConfig(Kube):
    """`clientConfig` of a webhook."""

    service: ServiceReference | None = None
    url: str = ""


class Webhook(Kube):
    """`webhooks[]`."""

    name: str = ""
    client_config: ClientConfig = ClientConfig()
    failure_policy: str = "Fail"
    timeout_seconds: int = 10


class WebhookConfiguration(Resource):
    """A ValidatingWebhookConfiguration or MutatingWebhookConfiguration."""

    webhooks: tuple[Webhook, ...] = ()


class ResourceNames(Kube):
    """`names` of a CustomResourceDefinition."""

    kind: str = ""
    plural: str = ""


class DefinitionVersion(Kube):
    """`versions[]` of a CustomResourceDefinition."""

    name: str = ""
    served: bool = True


class DefinitionSpec(Kube):
    """`spec` of a CustomResourceDefinition."""

    group: str = ""
    names: ResourceNames = ResourceNames()
    versions: tuple[DefinitionVersion, ...] = ()


class Conditions(Kube):
    """A `status` of which the conditions matter."""

    conditions: tuple[Condition, ...] = ()

    def condition(self, condition_type: str) -> Condition | None:
        """Give one condition by type."""
        return next((c for c in self.conditions if c.type == condition_type), None)


class CustomResourceDefinition(Resource):
    """A CustomResourceDefinition."""

    spec: DefinitionSpec = DefinitionSpec()
    status: Conditions = Conditions()


class ApiServiceSpec(Kube):
    """`spec` of an APIService; without a service the API server itself answers."""

    service: ServiceReference | None = None
    group: str = ""
    version: str = ""


class ApiService(Resource):
    """An APIService."""

    spec: ApiServiceSpec = ApiServiceSpec()
    status: Conditions = Conditions()


class IssuerRef(Kube):
    """`issuerRef` of a Certificate."""

    kind: str = "Issuer"
    name: str = ""


class CertificateSpec(Kube):
    """`spec` of cert-manager's Certificate."""

    secret_name: str = ""
    issuer_ref: IssuerRef = IssuerRef()


class CertificateStatus(Conditions):
    """`status` of cert-manager's Certificate."""

    not_after: datetime | None = None
    not_before: datetime | None = None


class Certificate(Resource):
    """cert-manager's Certificate."""

    spec: CertificateSpec = CertificateSpec()
    status: CertificateStatus = CertificateStatus()


class Issuer(Resource):
    """cert-manager's Issuer or ClusterIssuer."""

    status: Conditions = Conditions()


ACCESS_CLASSES: dict[str, type[Resource]] = {
    **dict.fromkeys(("Role", "ClusterRole"), Role),
    **dict.fromkeys(("RoleBinding", "ClusterRoleBinding"), Binding),
    **dict.fromkeys(("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"), WebhookConfiguration),
    "CustomResourceDefinition": CustomResourceDefinition,
    "APIService": ApiService,
    "Certificate": Certificate,
    **dict.fromkeys(("Issuer", "ClusterIssuer"), Issuer),
}
"""Which class each kind is read into."""

ACCESS_GROUPS = frozenset({
    "rbac.authorization.k8s.io", "admissionregistration.k8s.io", "apiextensions.k8s.io", "apiregistration.k8s.io",
    "cert-manager.io",
})  # fmt: skip
"""API groups of these kinds; the same names in others are other things."""
