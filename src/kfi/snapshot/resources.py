"""
Typed objects of every kind but Pod, and the table that says which class a kind is read into.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from kfi.snapshot.access_objects import ACCESS_CLASSES
from kfi.snapshot.objects import Condition, Kube, LabelSelector, Resource
from kfi.snapshot.pod import NodeSelector, Pod, Resources
from kfi.snapshot.policies import Autoscaler, DisruptionBudget, LimitRange, PriorityClass, ResourceQuota
from kfi.snapshot.routing import ROUTING_CLASSES
from kfi.snapshot.workloads import ControllerRevision as ControllerRevision
from kfi.snapshot.workloads import CronJob as CronJob
from kfi.snapshot.workloads import Workload as Workload


class ServicePort(Kube):
    """`ports[]` of a Service."""

    name: str = ""
    port: int = 0
    target_port: int | str | None = None
    protocol: str = "TCP"
    node_port: int | None = None


class ServiceSpec(Kube):
    """`spec` of a Service."""

    type: str = "ClusterIP"
    selector: dict[str, str] = Field(default_factory=dict)
    ports: list[ServicePort] = Field(default_factory=list)
    cluster_ip: str = Field(default="", alias="clusterIP")
    external_name: str = ""


class ServiceStatus(Kube):
    """`status` of a Service."""

    kfi_endpoints: list[str] | None = None
    """Ready endpoints as `describe` prints them, at most three a port; None where no such text was read."""


class Service(Resource):
    """A Service."""

    spec: ServiceSpec = ServiceSpec()
    status: ServiceStatus = ServiceStatus()

    def port_key(self, port: ServicePort) -> str:
        """Give the key of one of its ports in a path: the name, or the index of one without."""
        return port.name or str(self.spec.ports.index(port))


class EndpointAddress(Kube):
    """One address behind a Service."""

    ip: str = ""
    node_name: str = ""
    target_ref: dict[str, Any] | None = None


class EndpointPort(Kube):
    """One port of a subset."""

    name: str = ""
    port: int = 0
    protocol: str = "TCP"


class EndpointSubset(Kube):
    """Addresses that share ports."""

    addresses: list[EndpointAddress] = Field(default_factory=list)
    not_ready_addresses: list[EndpointAddress] = Field(default_factory=list)
    ports: list[EndpointPort] = Field(default_factory=list)


class Endpoints(Resource):
    """Endpoints; readers turn EndpointSlices into the same form. `subsets` None: the text did not say."""

    subsets: list[EndpointSubset] | None = None

    @property
    def ready_addresses(self) -> list[str]:
        """`ip:port` of every ready endpoint."""
        return [f"{a.ip}:{p.port}" for s in self.subsets or [] for a in s.addresses for p in s.ports]


class Taint(Kube):
    """`taints[]`."""

    key: str = ""
    value: str = ""
    effect: str = ""
    time_added: datetime | None = None


class NodeSpec(Kube):
    """`spec` of a Node."""

    unschedulable: bool = False
    taints: list[Taint] = Field(default_factory=list)


class NodeAddress(Kube):
    """`addresses[]`."""

    type: str = ""
    address: str = ""


class PodOnNode(Kube):
    """One row of the Pods that `describe` lists of a Node."""

    namespace: str = ""
    name: str = ""


class NodeStatus(Kube):
    """`status` of a Node. `allocated` holds the requests that `describe` sums up, `pods` the Pods it lists."""

    conditions: list[Condition] = Field(default_factory=list)
    capacity: dict[str, str | int | float] = Field(default_factory=dict)
    allocatable: dict[str, str | int | float] = Field(default_factory=dict)
    allocated: dict[str, str | int | float] = Field(default_factory=dict)
    addresses: list[NodeAddress] = Field(default_factory=list)
    pods: list[PodOnNode] = Field(default_factory=list)
    node_info: dict[str, Any] = Field(default_factory=dict)


class Node(Resource):
    """A Node."""

    spec: NodeSpec = NodeSpec()
    status: NodeStatus = NodeStatus()

    def condition(self, condition_type: str) -> Condition | None:
        """Give one condition by type."""
        return next((c for c in self.status.conditions if c.type == condition_type), None)

    @property
    def ready(self) -> bool | None:
        """Whether Ready is True; None where the text does not say."""
        ready = self.condition("Ready")
        return ready.status == "True" if ready else None

    @property
    def control_plane(self) -> bool:
        """Whether it carries the control plane, by its role label or taint, or by ROLES where only a table was seen."""
        roles = ("control-plane", "master")
        shown = self.metadata.annotations.get("kfi/roles", "").split(",")
        return (
            any(role in shown for role in roles)
            or any(
                f"node-role.kubernetes.io/{role}" in self.labels or self.labels.get("kubernetes.io/role") == role
                for role in roles
            )
            or any(t.key in [f"node-role.kubernetes.io/{r}" for r in roles] for t in self.spec.taints)
        )


class ClaimSpec(Kube):
    """`spec` of a PersistentVolumeClaim."""

    access_modes: list[str] = Field(default_factory=list)
    storage_class_name: str | None = None
    volume_name: str = ""
    volume_mode: str = ""
    resources: Resources = Resources()
    selector: LabelSelector | None = None


class ClaimStatus(Kube):
    """`status` of a PersistentVolumeClaim."""

    phase: str = ""
    capacity: dict[str, str | int | float] = Field(default_factory=dict)
    access_modes: list[str] = Field(default_factory=list)


class PersistentVolumeClaim(Resource):
    """A PersistentVolumeClaim."""

    spec: ClaimSpec = ClaimSpec()
    status: ClaimStatus = ClaimStatus()


class ClaimRef(Kube):
    """`claimRef` of a volume."""

    namespace: str = ""
    name: str = ""
    uid: str = ""


class VolumeNodeAffinity(Kube):
    """`nodeAffinity` of a volume."""

    required: NodeSelector | None = None


class VolumeSpec(Kube):
    """`spec` of a PersistentVolume."""

    capacity: dict[str, str | int | float] = Field(default_factory=dict)
    access_modes: list[str] = Field(default_factory=list)
    storage_class_name: str | None = None
    claim_ref: ClaimRef | None = None
    persistent_volume_reclaim_policy: str = ""
    volume_mode: str = ""
    node_affinity: VolumeNodeAffinity | None = None


class PhaseStatus(Kube):
    """A `status` of which only the phase matters."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    conditions: list[Condition] = Field(default_factory=list)


class PersistentVolume(Resource):
    """A PersistentVolume."""

    spec: VolumeSpec = VolumeSpec()
    status: PhaseStatus = PhaseStatus()


class StorageClass(Resource):
    """A StorageClass."""

    provisioner: str = ""
    volume_binding_mode: str = ""
    reclaim_policy: str = ""


class Keyed(Resource):
    """A ConfigMap or a Secret: names and sizes only, `keys` is None where the text did not list them."""

    type: str = ""
    data: dict[str, Any] | None = None
    string_data: dict[str, Any] | None = None
    binary_data: dict[str, Any] | None = None

    @property
    def keys(self) -> frozenset[str] | None:
        """Names of its keys, or None where the text did not list them."""
        parts = [p for p in (self.data, self.string_data, self.binary_data) if p is not None]
        return frozenset(key for part in parts for key in part) if parts else None


class ServiceAccount(Resource):
    """A ServiceAccount."""

    image_pull_secrets: list[dict[str, Any]] = Field(default_factory=list)


class Namespace(Resource):
    """A Namespace."""

    status: PhaseStatus = PhaseStatus()


class Other(Resource):
    """Any other kind, custom resources included: `spec` and `status` as they are."""

    spec: dict[str, Any] = Field(default_factory=dict)
    status: dict[str, Any] = Field(default_factory=dict)


CLASSES: dict[str, type[Resource]] = {
    "Pod": Pod,
    **dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController", "Job"), Workload),
    "CronJob": CronJob,
    "ControllerRevision": ControllerRevision,
    "HorizontalPodAutoscaler": Autoscaler,
    "PodDisruptionBudget": DisruptionBudget,
    "LimitRange": LimitRange,
    "PriorityClass": PriorityClass,
    "Service": Service,
    "Endpoints": Endpoints,
    "Node": Node,
    "PersistentVolumeClaim": PersistentVolumeClaim,
    "PersistentVolume": PersistentVolume,
    "StorageClass": StorageClass,
    "ConfigMap": Keyed,
    "Secret": Keyed,
    "ServiceAccount": ServiceAccount,
    "ResourceQuota": ResourceQuota,
    "Namespace": Namespace,
    **ROUTING_CLASSES,
    **ACCESS_CLASSES,
}

CLUSTER_SCOPED = frozenset({
    "Node", "Namespace", "PersistentVolume", "StorageClass", "ClusterRole", "ClusterRoleBinding", "PriorityClass",
    "CustomResourceDefinition", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration", "IngressClass",
    "RuntimeClass", "CSIDriver", "CSINode", "VolumeAttachment", "APIService", "GatewayClass", "ClusterOperator",
    "CertificateSigningRequest", "PriorityLevelConfiguration", "FlowSchema", "ClusterIssuer",
})  # fmt: skip
"""Kinds without a namespace. Source: `kubectl api-resources --namespaced=false`."""
