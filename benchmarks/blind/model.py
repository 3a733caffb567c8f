"""What the invented cluster is made of; the renderers turn it into text and the faults change it."""

from __future__ import annotations

import random
import zlib
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

DAY = 86400
Env = str | dict[str, str]


# Below this many seconds: the unit to print, and the smaller one to add (0: none).
_AGES = (
    (120, (1, "s"), (0, "")),
    (600, (60, "m"), (1, "s")),
    (3 * 3600, (60, "m"), (0, "")),
    (8 * 3600, (3600, "h"), (60, "m")),
    (2 * DAY, (3600, "h"), (0, "")),
    (8 * DAY, (DAY, "d"), (3600, "h")),
)


def short_age(seconds: float) -> str:
    """Give an age as kubectl prints it."""
    whole = int(seconds)
    for below, (size, letter), (small, small_letter) in _AGES:
        if whole < below:
            rest = whole % size // small if small else 0
            return f"{whole // size}{letter}" + (f"{rest}{small_letter}" if rest else "")
    return f"{whole // DAY}d"


@dataclass
class Probe:
    """A probe; `kind` is http, tcp, grpc or exec."""

    kind: str
    port: int | str = 0
    path: str = "/healthz"
    scheme: str = "HTTP"
    delay: int = 10
    timeout: int = 2
    period: int = 10
    failure: int = 3
    command: list[str] = field(default_factory=list)


@dataclass
class State:
    """One container's state in a pod, as describe shows it."""

    state: str = "Running"
    reason: str = ""
    message: str = ""
    exit_code: int | None = None
    ready: bool = True
    restarts: int = 0
    restart_age: int | None = None
    last: tuple[str, int] | None = None  # reason and exit code of the last termination
    started_age: int | None = None


@dataclass
class Container:
    """A container of a pod template."""

    name: str
    image: str
    port: int | None = None
    port_name: str = ""
    protocol: str = "TCP"
    env: dict[str, Env] = field(default_factory=dict)
    env_from: list[tuple[str, str]] = field(default_factory=list)  # ("secret" | "configmap", name)
    command: list[str] = field(default_factory=list)
    args: list[str] = field(default_factory=list)
    live: Probe | None = None
    ready: Probe | None = None
    startup: Probe | None = None
    cpu: tuple[str, str] = ("100m", "500m")
    memory: tuple[str, str] = ("128Mi", "512Mi")
    mounts: list[tuple[str, str, bool]] = field(default_factory=list)  # path, volume, read-only


@dataclass
class Event:
    """An Event; `age` is that of its last occurrence, `first` of its first one."""

    kind: str
    name: str
    reason: str
    message: str
    type: str = "Normal"
    age: int = 60
    count: int = 1
    first: int | None = None
    source: str = "kubelet"


@dataclass
class Pod:
    """A pod: where it stands and how its containers are."""

    name: str
    age: int
    ip: str | None
    node: str | None
    labels: dict[str, str]
    states: list[State]
    init_states: list[State] = field(default_factory=list)
    phase: str = "Running"
    status: str | None = None
    cut_off: bool = False  # its node does not answer

    @property
    def ready(self) -> bool:
        """Tell whether it is ready."""
        return bool(self.ip) and not self.cut_off and all(state.ready for state in self.states)

    def column(self) -> str:
        """Give the STATUS column."""
        if self.status:
            return self.status
        for n, state in enumerate(self.init_states):
            if state.state == "Waiting":
                return (
                    f"Init:{state.reason}" if state.reason != "PodInitializing" else f"Init:{n}/{len(self.init_states)}"
                )
        for state in reversed(self.states):
            if state.reason and state.state != "Running":
                return state.reason
        return self.phase


@dataclass
class Service:
    """A Service of one port."""

    name: str
    port: int
    target: int | str
    selector: dict[str, str]
    protocol: str = "TCP"
    headless: bool = False
    type: str = "ClusterIP"
    port_name: str = "http"
    ip: str = ""


@dataclass
class App:
    """A workload with its pods, its Services and its logs."""

    name: str
    language: str
    containers: list[Container]
    kind: str = "Deployment"
    replicas: int = 1
    init: list[Container] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)
    sa: str = ""
    volumes: list[dict[str, str]] = field(default_factory=list)  # name, kind, ref
    claim: dict[str, str] | None = None  # of a StatefulSet: name, size, class, mode
    spec: dict[str, Any] = field(default_factory=dict)  # what else the pod spec says
    calls: list[str] = field(default_factory=list)
    pods: list[Pod] = field(default_factory=list)
    logs: list[str] = field(default_factory=list)
    rs_hash: str = ""
    extra: list[dict[str, Any]] = field(default_factory=list)  # further manifests
    revision: int = 1
    old_rs: str = ""

    @property
    def main(self) -> Container:
        """Give the container the app is about."""
        return self.containers[0]

    @property
    def service(self) -> Service:
        """Give the first Service."""
        return self.services[0]


@dataclass
class Node:
    """A machine; `ready` is the status of its Ready condition."""

    name: str
    ip: str
    control: bool = False
    labels: dict[str, str] = field(default_factory=dict)
    taints: list[str] = field(default_factory=list)
    cordoned: bool = False
    ready: str = "True"
    reason: str = "KubeletReady"
    message: str = "kubelet is posting ready status"
    cpu: int = 4
    memory_mi: int = 15800
    heartbeat_age: int = 40
    changed_age: int = 40 * DAY


@dataclass
class Claim:
    """A PersistentVolumeClaim and, where `volume` is set, what it is bound to."""

    name: str
    size: str = "10Gi"
    mode: str = "RWO"
    storage_class: str = "fast-ssd"
    volume: str = ""
    age: int = 30 * DAY
    selector: dict[str, str] = field(default_factory=dict)
    wanted: str = ""  # spec.volumeName of a claim that is not bound

    @property
    def status(self) -> str:
        """Give its phase."""
        return "Bound" if self.volume else "Pending"


@dataclass
class Volume:
    """A PersistentVolume."""

    name: str
    size: str
    claim: str
    mode: str = "RWO"
    storage_class: str = "fast-ssd"
    status: str = "Bound"
    labels: dict[str, str] = field(default_factory=dict)
    age: int = 30 * DAY


@dataclass
class Cluster:
    """The whole case: objects, logs, what outside observers saw."""

    ns: str
    now: datetime
    rng: random.Random
    role: dict[str, str]
    apps: dict[str, App]
    nodes: list[Node]
    claims: list[Claim] = field(default_factory=list)
    volumes: list[Volume] = field(default_factory=list)
    classes: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, dict[str, str]] = field(default_factory=dict)
    configmaps: dict[str, dict[str, str]] = field(default_factory=dict)
    quota: tuple[str, dict[str, tuple[str, str]]] | None = None
    events: list[Event] = field(default_factory=list)
    system_events: list[Event] = field(default_factory=list)
    system_pods: list[Pod] = field(default_factory=list)
    system_logs: dict[str, list[str]] = field(default_factory=dict)
    alerts: list[dict[str, Any]] = field(default_factory=list)
    units: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    custom: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # resource -> objects (routes, policies)
    drop: set[str] = field(default_factory=set)
    cut: dict[str, str] = field(default_factory=dict)  # Service -> what nc says instead
    per_node_checks: bool = False
    unproxied: set[str] = field(default_factory=set)  # nodes from which no ClusterIP answers

    def at(self, age: float) -> datetime:
        """Give the moment `age` seconds before the collection."""
        return self.now - timedelta(seconds=age)

    def app(self, role: str) -> App:
        """Give the app that plays this role."""
        return self.apps[role]

    def event(self, event: Event) -> None:
        """Record an Event of the namespace."""
        self.events.append(event)

    def scheduled(self, pod: Pod) -> None:
        """Record that a pod was given its node when it was made."""
        to = f"Successfully assigned {self.ns}/{pod.name} to {pod.node}"
        self.event(Event("pod", pod.name, "Scheduled", to, age=pod.age, source="default-scheduler"))

    def callers(self, role: str) -> list[App]:
        """Give the apps that call this one."""
        return [app for app in self.apps.values() if role in app.calls]

    def hexes(self, count: int) -> str:
        """Give so many hexadecimal digits."""
        return "".join(self.rng.choice("0123456789abcdef") for _ in range(count))

    def suffix(self, count: int = 5) -> str:
        """Give a random part of a pod's name."""
        return "".join(self.rng.choice("bcdfghjklmnpqrstvwxz2456789") for _ in range(count))

    def pod_ip(self, node: Node) -> str:
        """Give an address out of the node's range."""
        return f"10.42.{self.nodes.index(node)}.{self.rng.randint(4, 250)}"


def start(seed: int) -> datetime:
    """Give the moment of a case's collection."""
    return datetime(2026, 11, 16, 9, 20, tzinfo=UTC) + timedelta(minutes=37 * (seed % 97), seconds=seed * 13 % 60)


def stable(text: str) -> int:
    """Give a number for a text, the same on every machine."""
    return zlib.crc32(text.encode())
