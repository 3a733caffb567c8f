"""
What each column of a `kubectl get` table says, as fields of the API's form.

A column is one function from a cell to (path, value) pairs. Cells that say nothing (`<none>`, `<unset>`, `<unknown>`,
empty) never come here, except for the few columns of `EMPTY_SAYS` where "none" is a fact about the cluster.
Source: kubernetes `pkg/printers/internalversion/printers.go`, 1.25 to 1.34, and the columns older releases had.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

from kfi.snapshot.read.ages import ago, timestamp
from kfi.snapshot.read.found import Path
from kfi.snapshot.read.table_cells import (
    NOTHING,
    access_modes,
    endpoint_subsets,
    ingress_point,
    label_selector,
    labels,
    parts,
    port_numbers,
    service_ports,
)

Fields = Iterator[tuple[Path, Any]]
Column = Callable[[str], Fields]

_RESTARTS = re.compile(r"(\d{1,9})(?: \(.*\))?")
_READY = re.compile(r"(\d{1,9})/(\d{1,9})")
_COMPLETIONS = re.compile(r"(\d{1,9})/(\d{1,9})(?: of (\d{1,9}))?")
_USED_OF_HARD = re.compile(r"([^\s:,]+): ([^\s/,]+)/([^\s,]+)")
# STATUS is the phase only where no container's reason took its place; "Completed" replaces Succeeded.
_POD_PHASES = frozenset({"Pending", "Running", "Succeeded", "Failed", "Unknown"})


def created(cell: str, now: datetime | None) -> Fields:
    """Yield `creationTimestamp` from AGE (counted back from `now`) or CREATED AT."""
    at = timestamp(cell) or (ago(cell, now) if now else None)
    if at:
        yield ("metadata", "creationTimestamp"), at.isoformat().replace("+00:00", "Z")


def _text(*path: str) -> Column:
    def read(cell: str) -> Fields:
        yield path, cell

    return read


def _one_of(values: frozenset[str], *path: str) -> Column:
    def read(cell: str) -> Fields:
        if cell in values:
            yield path, cell

    return read


def _count(*path: str) -> Column:
    def read(cell: str) -> Fields:
        if cell.isascii() and cell.isdigit() and len(cell) < 10:
            yield path, int(cell)

    return read


def _flag(*path: str) -> Column:
    def read(cell: str) -> Fields:
        if cell.lower() in ("true", "false"):
            yield path, cell.lower() == "true"

    return read


def _ready(ready: Path, desired: Path) -> Column:
    def read(cell: str) -> Fields:
        match = _READY.fullmatch(cell)
        if match:
            yield ready, int(match[1])
            yield desired, int(match[2])

    return read


def _label_map(*path: str) -> Column:
    def read(cell: str) -> Fields:
        yield path, labels(cell)

    return read


def _selector(*path: str) -> Column:
    def read(cell: str) -> Fields:
        yield path, label_selector(cell)

    return read


def _access_modes(*path: str) -> Column:
    def read(cell: str) -> Fields:
        yield path, access_modes(cell)

    return read


def _pod_status(cell: str) -> Fields:
    yield ("status", "summary"), cell
    if cell in _POD_PHASES:
        yield ("status", "phase"), cell


def _restarts(cell: str) -> Fields:
    match = _RESTARTS.fullmatch(cell)
    if match:
        yield ("status", "restarts"), int(match[1])


def _node_status(cell: str) -> Fields:
    words = cell.split(",")
    # kubectl prints NotReady for the condition's False and Unknown alike, and Unknown where there is no condition.
    ready = {"Ready": "True", "NotReady": "False", "Unknown": "Unknown"}.get(words[0])
    if ready:
        yield ("status", "conditions"), [{"type": "Ready", "status": ready}]
        yield ("spec", "unschedulable"), "SchedulingDisabled" in words


def _node_address(address_type: str) -> Column:
    def read(cell: str) -> Fields:
        yield ("status", "addresses"), [{"type": address_type, "address": cell}]

    return read


def _ports(cell: str) -> Fields:
    yield ("spec", "ports"), service_ports(cell)


def _endpoints(cell: str) -> Fields:
    yield ("subsets",), endpoint_subsets(cell)


def _slice_endpoints(cell: str) -> Fields:
    yield ("endpoints",), [{"addresses": [address]} for address in parts(cell)]


def _slice_ports(cell: str) -> Fields:
    yield ("ports",), [{"port": port} for port in port_numbers(cell)]


def _completions(cell: str) -> Fields:
    match = _COMPLETIONS.fullmatch(cell)
    if match:
        yield ("status", "succeeded"), int(match[1])
        # "0/1 of 3": any of three parallel Pods may complete the Job; `completions` is not set.
        yield (("spec", "parallelism"), int(match[3])) if match[3] else (("spec", "completions"), int(match[2]))


def _job_status(cell: str) -> Fields:
    if cell in ("Complete", "Failed", "FailureTarget", "SuccessCriteriaMet"):
        yield ("status", "conditions"), [{"type": cell, "status": "True"}]
    yield ("spec", "suspend"), cell == "Suspended"


def _claim(cell: str) -> Fields:
    namespace, slash, name = cell.partition("/")
    if slash:
        yield ("spec", "claimRef"), {"namespace": namespace, "name": name}


def _quota(cell: str) -> Fields:
    for resource, used, hard in _USED_OF_HARD.findall(cell):
        yield ("status", "used", resource), used
        yield ("status", "hard", resource), hard
        yield ("spec", "hard", resource), hard


def _scale_target(cell: str) -> Fields:
    kind, slash, name = cell.partition("/")
    if slash:
        yield ("spec", "scaleTargetRef"), {"kind": kind, "name": name}


def _condition(name: str) -> Column:
    """Give what reads `True`, `False` or `False (MissingEndpoints)` as a condition with its reason."""

    def read(cell: str) -> Fields:
        status, _, rest = cell.partition(" ")
        if status in ("True", "False", "Unknown"):
            yield ("status", "conditions"), [{"type": name, "status": status, "reason": rest.strip("()")}]

    return read


def _hosts(cell: str) -> Fields:
    yield ("spec", "rules"), [{} if host == "*" else {"host": host} for host in parts(cell)]


def _load_balancer(cell: str) -> Fields:
    addresses = [] if cell == "<pending>" else parts(cell)
    yield ("status", "loadBalancer", "ingress"), [ingress_point(address) for address in addresses]


def _no_keys(cell: str) -> Fields:
    if cell == "0":
        yield ("data",), {}


def _int_or_percent(*path: str) -> Column:
    def read(cell: str) -> Fields:
        if re.fullmatch(r"\d{1,9}%?", cell):
            yield path, cell if cell.endswith("%") else int(cell)

    return read


def _template(*template: str) -> dict[str, Column]:
    return {"SELECTOR": _selector("spec", "selector"), "NODE SELECTOR": _label_map(*template, "nodeSelector")}


_POD_SPEC = ("spec", "template", "spec")
TEMPLATES: Mapping[str, Path] = {
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"), _POD_SPEC
    ),
    "CronJob": ("spec", "jobTemplate", *_POD_SPEC),
}
"""Where each kind keeps the Pod spec that CONTAINERS and IMAGES belong to."""

_REPLICAS: dict[str, Column] = {
    "DESIRED": _count("spec", "replicas"),
    "CURRENT": _count("status", "replicas"),
    "READY": _count("status", "readyReplicas"),
    "UP-TO-DATE": _count("status", "updatedReplicas"),
    "AVAILABLE": _count("status", "availableReplicas"),
}
_READY_REPLICAS = _ready(("status", "readyReplicas"), ("spec", "replicas"))

COLUMNS: Mapping[str, Mapping[str, Column]] = {
    "Pod": {
        "READY": _ready(("status", "readyContainers"), ("status", "totalContainers")),
        "STATUS": _pod_status,
        "RESTARTS": _restarts,
        "IP": _text("status", "podIP"),
        "NODE": _text("spec", "nodeName"),
        "NOMINATED NODE": _text("status", "nominatedNodeName"),
    },
    "Node": {
        "STATUS": _node_status,
        # Not as labels: one label alone would pass for all of them. See `Node.control_plane`.
        "ROLES": _text("metadata", "annotations", "kfi/roles"),
        "VERSION": _text("status", "nodeInfo", "kubeletVersion"),
        "INTERNAL-IP": _node_address("InternalIP"),
        "EXTERNAL-IP": _node_address("ExternalIP"),
        "OS-IMAGE": _text("status", "nodeInfo", "osImage"),
        "KERNEL-VERSION": _text("status", "nodeInfo", "kernelVersion"),
        "CONTAINER-RUNTIME": _text("status", "nodeInfo", "containerRuntimeVersion"),
    },
    "Service": {
        "TYPE": _text("spec", "type"),
        "CLUSTER-IP": _text("spec", "clusterIP"),
        "PORT(S)": _ports,
        "SELECTOR": _label_map("spec", "selector"),
    },
    "Endpoints": {"ENDPOINTS": _endpoints},
    "EndpointSlice": {
        "ADDRESSTYPE": _text("addressType"),
        "PORTS": _slice_ports,
        "ENDPOINTS": _slice_endpoints,
    },
    "Deployment": {**_REPLICAS, "READY": _READY_REPLICAS, **_template(*_POD_SPEC)},
    "ReplicaSet": {**_REPLICAS, **_template(*_POD_SPEC)},
    "StatefulSet": {**_REPLICAS, "READY": _READY_REPLICAS, **_template(*_POD_SPEC)},
    "ReplicationController": {**_REPLICAS, "SELECTOR": _label_map("spec", "selector")},
    "DaemonSet": {
        "DESIRED": _count("status", "desiredNumberScheduled"),
        "CURRENT": _count("status", "currentNumberScheduled"),
        "READY": _count("status", "numberReady"),
        "UP-TO-DATE": _count("status", "updatedNumberScheduled"),
        "AVAILABLE": _count("status", "numberAvailable"),
        **_template(*_POD_SPEC),
    },
    "Job": {"STATUS": _job_status, "COMPLETIONS": _completions, **_template(*_POD_SPEC)},
    "CronJob": {
        "SCHEDULE": _text("spec", "schedule"),
        "TIMEZONE": _text("spec", "timeZone"),
        "SUSPEND": _flag("spec", "suspend"),
    },
    "PersistentVolumeClaim": {
        "STATUS": _one_of(frozenset({"Pending", "Bound", "Lost"}), "status", "phase"),
        "VOLUME": _text("spec", "volumeName"),
        "CAPACITY": _text("status", "capacity", "storage"),
        "ACCESS MODES": _access_modes("status", "accessModes"),
        "STORAGECLASS": _text("spec", "storageClassName"),
        "VOLUMEATTRIBUTESCLASS": _text("spec", "volumeAttributesClassName"),
        "VOLUMEMODE": _text("spec", "volumeMode"),
    },
    "PersistentVolume": {
        "CAPACITY": _text("spec", "capacity", "storage"),
        "ACCESS MODES": _access_modes("spec", "accessModes"),
        "RECLAIM POLICY": _text("spec", "persistentVolumeReclaimPolicy"),
        "STATUS": _one_of(frozenset({"Pending", "Available", "Bound", "Released", "Failed"}), "status", "phase"),
        "CLAIM": _claim,
        "STORAGECLASS": _text("spec", "storageClassName"),
        "VOLUMEATTRIBUTESCLASS": _text("spec", "volumeAttributesClassName"),
        "REASON": _text("status", "reason"),
        "VOLUMEMODE": _text("spec", "volumeMode"),
    },
    "StorageClass": {
        "PROVISIONER": _text("provisioner"),
        "RECLAIMPOLICY": _text("reclaimPolicy"),
        "VOLUMEBINDINGMODE": _text("volumeBindingMode"),
        "ALLOWVOLUMEEXPANSION": _flag("allowVolumeExpansion"),
    },
    "ConfigMap": {"DATA": _no_keys},
    "Secret": {"TYPE": _text("type"), "DATA": _no_keys},
    "ResourceQuota": {"REQUEST": _quota, "LIMIT": _quota},
    "Namespace": {"STATUS": _text("status", "phase")},
    "Ingress": {
        "CLASS": _text("spec", "ingressClassName"),
        "HOSTS": _hosts,
        "ADDRESS": _load_balancer,
    },
    "NetworkPolicy": {"POD-SELECTOR": _selector("spec", "podSelector")},
    "IngressClass": {"CONTROLLER": _text("spec", "controller")},
    "Gateway": {"CLASS": _text("spec", "gatewayClassName"), "PROGRAMMED": _condition("Programmed")},
    "GatewayClass": {"ACCEPTED": _condition("Accepted")},
    "APIService": {"AVAILABLE": _condition("Available")},
    "Certificate": {"READY": _condition("Ready"), "SECRET": _text("spec", "secretName")},
    "HorizontalPodAutoscaler": {
        "REFERENCE": _scale_target,
        "TARGETS": _text("status", "summary"),
        "MINPODS": _count("spec", "minReplicas"),
        "MAXPODS": _count("spec", "maxReplicas"),
        "REPLICAS": _count("status", "currentReplicas"),
    },
    "PodDisruptionBudget": {
        "MIN AVAILABLE": _int_or_percent("spec", "minAvailable"),
        "MAX UNAVAILABLE": _int_or_percent("spec", "maxUnavailable"),
        "ALLOWED DISRUPTIONS": _count("status", "disruptionsAllowed"),
    },
}
"""The columns of each kind, by their header."""

EMPTY_SAYS: Mapping[tuple[str, str], Column] = {
    ("Endpoints", "ENDPOINTS"): _endpoints,
    ("EndpointSlice", "ENDPOINTS"): _slice_endpoints,
    ("Ingress", "ADDRESS"): _load_balancer,
    ("NetworkPolicy", "POD-SELECTOR"): lambda _cell: iter([(("spec", "podSelector"), {})]),
}
"""Columns where an empty cell is a fact: no endpoints, no address, every Pod selected."""


def external_ip(service_type: str, cell: str) -> Fields:
    """Yield what EXTERNAL-IP of a Service means, which depends on its type."""
    if service_type == "LoadBalancer":
        yield from _load_balancer(cell)
    elif service_type == "ExternalName" and cell not in NOTHING:
        yield ("spec", "externalName"), cell
    elif cell not in NOTHING:
        yield ("spec", "externalIPs"), cell.split(",")
