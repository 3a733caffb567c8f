"""
Typed Pods: the spec of a pod template, and the status that the kubelet reports.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import Field

from kfi.snapshot.objects import Condition, Kube, LabelRequirement, LabelSelector, ObjectMeta, Resource


class KeyRef(Kube):
    """A reference to a key of a ConfigMap or Secret."""

    name: str = ""
    key: str = ""
    optional: bool | None = None


class EnvVarSource(Kube):
    """`env[].valueFrom`."""

    config_map_key_ref: KeyRef | None = None
    secret_key_ref: KeyRef | None = None


class EnvVar(Kube):
    """`env[]`."""

    name: str = ""
    value: str | None = None
    value_from: EnvVarSource | None = None


class EnvFrom(Kube):
    """`envFrom[]`."""

    prefix: str = ""
    config_map_ref: KeyRef | None = None
    secret_ref: KeyRef | None = None


class ContainerPort(Kube):
    """`ports[]` of a container."""

    name: str = ""
    container_port: int = 0
    protocol: str = "TCP"
    host_port: int | None = None


class VolumeMount(Kube):
    """`volumeMounts[]`."""

    name: str = ""
    mount_path: str = ""
    sub_path: str = ""
    read_only: bool = False


class NetworkProbe(Kube):
    """`httpGet`, `tcpSocket` or `grpc` of a probe."""

    port: int | str | None = None
    path: str = ""
    scheme: str = ""
    host: str = ""


class ExecProbe(Kube):
    """`exec` of a probe."""

    command: list[str] = Field(default_factory=list)


class Probe(Kube):
    """A probe; times in seconds."""

    http_get: NetworkProbe | None = None
    tcp_socket: NetworkProbe | None = None
    grpc: NetworkProbe | None = None
    exec: ExecProbe | None = None
    initial_delay_seconds: int = 0
    timeout_seconds: int = 1
    period_seconds: int = 10
    success_threshold: int = 1
    failure_threshold: int = 3

    @property
    def network(self) -> NetworkProbe | None:
        """The part that names a port, whichever protocol it speaks."""
        return self.http_get or self.tcp_socket or self.grpc

    @property
    def protocol(self) -> str:
        """`http`, `tcp`, `grpc`, `exec`, or empty."""
        kinds = {"http": self.http_get, "tcp": self.tcp_socket, "grpc": self.grpc, "exec": self.exec}
        return next((name for name, part in kinds.items() if part is not None), "")


class Resources(Kube):
    """`resources`: quantities as written."""

    limits: dict[str, str | int | float] = Field(default_factory=dict)
    requests: dict[str, str | int | float] = Field(default_factory=dict)


class Container(Kube):
    """One entry of `containers` or `initContainers`."""

    name: str = ""
    image: str = ""
    image_pull_policy: str = ""
    command: list[str] = Field(default_factory=list)
    args: list[str] = Field(default_factory=list)
    ports: list[ContainerPort] = Field(default_factory=list)
    env: list[EnvVar] = Field(default_factory=list)
    env_from: list[EnvFrom] = Field(default_factory=list)
    resources: Resources = Resources()
    volume_mounts: list[VolumeMount] = Field(default_factory=list)
    liveness_probe: Probe | None = None
    readiness_probe: Probe | None = None
    startup_probe: Probe | None = None
    restart_policy: str = ""
    security_context: dict[str, Any] = Field(default_factory=dict)


class VolumeKeyItem(Kube):
    """`items[]` of a ConfigMap or Secret volume."""

    key: str = ""
    path: str = ""


class ConfigMapVolume(Kube):
    """`configMap` of a volume."""

    name: str = ""
    optional: bool | None = None
    items: list[VolumeKeyItem] = Field(default_factory=list)


class SecretVolume(Kube):
    """`secret` of a volume."""

    secret_name: str = ""
    optional: bool | None = None
    items: list[VolumeKeyItem] = Field(default_factory=list)


class ClaimVolume(Kube):
    """`persistentVolumeClaim` of a volume."""

    claim_name: str = ""
    read_only: bool = False


class Volume(Kube):
    """One entry of `volumes`; other types of volume keep only their name."""

    name: str = ""
    config_map: ConfigMapVolume | None = None
    secret: SecretVolume | None = None
    persistent_volume_claim: ClaimVolume | None = None
    host_path: dict[str, Any] | None = None
    empty_dir: dict[str, Any] | None = None


class Toleration(Kube):
    """`tolerations[]`."""

    key: str = ""
    operator: str = "Equal"
    value: str = ""
    effect: str = ""


class NodeSelectorTerm(Kube):
    """One term of a node selector: all its expressions must hold."""

    match_expressions: list[LabelRequirement] = Field(default_factory=list)
    match_fields: list[LabelRequirement] = Field(default_factory=list)


class NodeSelector(Kube):
    """Terms of which one must hold."""

    node_selector_terms: list[NodeSelectorTerm] = Field(default_factory=list)


class NodeAffinity(Kube):
    """`affinity.nodeAffinity`: the required part."""

    required_during_scheduling_ignored_during_execution: NodeSelector | None = None

    @property
    def required(self) -> NodeSelector | None:
        """The hard requirement."""
        return self.required_during_scheduling_ignored_during_execution


class PodAffinityTerm(Kube):
    """One required term of pod affinity or anti-affinity."""

    label_selector: LabelSelector | None = None
    topology_key: str = ""
    namespaces: list[str] = Field(default_factory=list)


class PodAffinity(Kube):
    """`podAffinity` or `podAntiAffinity`: the required part."""

    required_during_scheduling_ignored_during_execution: list[PodAffinityTerm] = Field(default_factory=list)

    @property
    def required(self) -> list[PodAffinityTerm]:
        """The hard terms."""
        return self.required_during_scheduling_ignored_during_execution


class Affinity(Kube):
    """`affinity`."""

    node_affinity: NodeAffinity | None = None
    pod_affinity: PodAffinity | None = None
    pod_anti_affinity: PodAffinity | None = None


class LocalRef(Kube):
    """A name in the same namespace."""

    name: str = ""


class DnsConfig(Kube):
    """`dnsConfig`: what is added to, or with dnsPolicy None stands in place of, the cluster's resolv.conf."""

    nameservers: list[str] = Field(default_factory=list)
    searches: list[str] = Field(default_factory=list)


class PodSpec(Kube):
    """`spec` of a Pod or of a pod template."""

    containers: list[Container] = Field(default_factory=list)
    init_containers: list[Container] = Field(default_factory=list)
    volumes: list[Volume] = Field(default_factory=list)
    node_name: str = ""
    node_selector: dict[str, str] = Field(default_factory=dict)
    affinity: Affinity | None = None
    tolerations: list[Toleration] = Field(default_factory=list)
    service_account_name: str = ""
    image_pull_secrets: list[LocalRef] = Field(default_factory=list)
    restart_policy: str = ""
    priority_class_name: str = ""
    scheduler_name: str = ""
    host_network: bool = False
    dns_policy: str = ""
    dns_config: DnsConfig = DnsConfig()
    scheduling_gates: list[LocalRef] = Field(default_factory=list)
    topology_spread_constraints: list[dict[str, Any]] = Field(default_factory=list)

    @property
    def all_containers(self) -> list[Container]:
        """Init containers first, as they run."""
        return [*self.init_containers, *self.containers]


class StateWaiting(Kube):
    """`state.waiting`."""

    reason: str = ""
    message: str = ""


class StateRunning(Kube):
    """`state.running`."""

    started_at: datetime | None = None


class StateTerminated(Kube):
    """`state.terminated`."""

    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    signal: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class ContainerState(Kube):
    """`state` or `lastState`: at most one part is set."""

    waiting: StateWaiting | None = None
    running: StateRunning | None = None
    terminated: StateTerminated | None = None


class ContainerStatus(Kube):
    """`containerStatuses[]`."""

    name: str = ""
    ready: bool = False
    restart_count: int = 0
    image: str = ""
    container_id: str = Field(default="", alias="containerID")
    state: ContainerState = ContainerState()
    last_state: ContainerState = ContainerState()


class PodStatus(Kube):
    """`status` of a Pod. `summary` is the STATUS column of `kubectl get pods`, where a table was read."""

    phase: str = ""
    reason: str = ""
    message: str = ""
    pod_ip: str = Field(default="", alias="podIP")
    host_ip: str = Field(default="", alias="hostIP")
    start_time: datetime | None = None
    conditions: list[Condition] = Field(default_factory=list)
    container_statuses: list[ContainerStatus] = Field(default_factory=list)
    init_container_statuses: list[ContainerStatus] = Field(default_factory=list)
    qos_class: str = ""
    nominated_node_name: str = ""
    summary: str = ""
    ready_containers: int | None = None
    total_containers: int | None = None
    restarts: int | None = None


class Pod(Resource):
    """A Pod."""

    spec: PodSpec = PodSpec()
    status: PodStatus = PodStatus()

    def container(self, name: str) -> Container | None:
        """Give a container's spec by name, init containers included."""
        return next((c for c in self.spec.all_containers if c.name == name), None)

    def condition(self, condition_type: str) -> Condition | None:
        """Give one condition by type."""
        # Asked of every Pod by many rules, so without a generator.
        for condition in self.status.conditions:
            if condition.type == condition_type:
                return condition
        return None

    @property
    def ready(self) -> bool:
        """Whether the Pod counts as an endpoint: its Ready condition, or READY n/n in a table."""
        ready = self.condition("Ready")
        if ready:
            return ready.status == "True"
        return bool(self.status.total_containers) and self.status.ready_containers == self.status.total_containers

    @property
    def finished(self) -> bool:
        """Whether it ran to its end (Succeeded or Failed)."""
        return self.status.phase in ("Succeeded", "Failed")


class PodTemplate(Kube):
    """`spec.template` of a workload."""

    metadata: ObjectMeta = ObjectMeta()
    spec: PodSpec = PodSpec()
