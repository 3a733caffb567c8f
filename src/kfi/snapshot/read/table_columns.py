"""
What each column of a `kubectl get` table says, as fields of the API's form.

A column is one function from a cell to (path, value) pairs. Cells that say nothing (`<none>`, `<unset>`, `<unknown>`,
empty) never come here, except for the few columns of `EMPTY_SAYS` where "none" is a fact about the cluster.
Source: kubernetes `pkg/printers/internalversion/printers.go`, 1.25 to 1.34, and the columns older releases had.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

from kfi.snapshot.read.ages import ago, timestamp
from kfi.snapshot.read.found import Path
from kfi.snapshot.read.table_cells import (
    NOTHING,
    endpoint_subsets,
    ingress_point,
    owner_of,
    parts,
    port_numbers,
    quoted_names,
    service_ports,
    subjects,
)
from kfi.snapshot.read.table_readers import (
    Column,
    Fields,
    count,
    flag,
    label_map,
    modes,
    one_of,
    ready_of,
    selector,
    text,
)

_RESTARTS = re.compile(r"(\d{1,9})(?: \(.*\))?")
_COMPLETIONS = re.compile(r"(\d{1,9})/(\d{1,9})(?: of (\d{1,9}))?")
_USED_OF_HARD = re.compile(r"([^\s:,]+): ([^\s/,]+)/([^\s,]+)")
# STATUS is the phase only where no container's reason took its place; "Completed" replaces Succeeded.
_POD_PHASES = frozenset({"Pending", "Running", "Succeeded", "Failed", "Unknown"})


def created(cell: str, now: datetime | None) -> Fields:
    """Yield `creationTimestamp` from AGE (counted back from `now`) or CREATED AT."""
    at = timestamp(cell) or (ago(cell, now) if now else None)
    if at:
        yield ("metadata", "creationTimestamp"), at.isoformat().replace("+00:00", "Z")


def _pod_ready(cell: str) -> Fields:
    yield from ready_of(("status", "readyContainers"), ("status", "totalContainers"))(cell)
    if cell in ("True", "False", "Unknown"):  # `kubectl tree` prints the condition
        yield ("status", "conditions"), [{"type": "Ready", "status": cell}]


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


def _controller(cell: str) -> Fields:
    owner = owner_of(cell)
    if owner:
        yield ("metadata", "ownerReferences"), [{**owner, "controller": True}]


def _hostnames(cell: str) -> Fields:
    yield ("spec", "hostnames"), quoted_names(cell)


def _role(cell: str) -> Fields:
    kind, _, name = cell.partition("/")
    if name:
        yield ("roleRef",), {"kind": kind, "name": name}


def _subjects(kind: str) -> Column:
    def read(cell: str) -> Fields:
        yield ("subjects",), subjects(kind, cell)

    return read


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
    return {"SELECTOR": selector("spec", "selector"), "NODE SELECTOR": label_map(*template, "nodeSelector")}


_POD_SPEC = ("spec", "template", "spec")
TEMPLATES: Mapping[str, Path] = {
    **dict.fromkeys(
        ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"), _POD_SPEC
    ),
    "CronJob": ("spec", "jobTemplate", *_POD_SPEC),
}
"""Where each kind keeps the Pod spec that CONTAINERS and IMAGES belong to."""

_REPLICAS: dict[str, Column] = {
    "DESIRED": count("spec", "replicas"),
    "CURRENT": count("status", "replicas"),
    "READY": count("status", "readyReplicas"),
    "UP-TO-DATE": count("status", "updatedReplicas"),
    "AVAILABLE": count("status", "availableReplicas"),
}
_READY_REPLICAS = ready_of(("status", "readyReplicas"), ("spec", "replicas"))

_BINDING: Mapping[str, Column] = {
    "ROLE": _role,
    "USERS": _subjects("User"),
    "GROUPS": _subjects("Group"),
    "SERVICEACCOUNTS": _subjects("ServiceAccount"),
}
COLUMNS: Mapping[str, Mapping[str, Column]] = {
    "Pod": {
        "READY": _pod_ready,
        "STATUS": _pod_status,
        "RESTARTS": _restarts,
        "IP": text("status", "podIP"),
        "NODE": text("spec", "nodeName"),
        "NOMINATED NODE": text("status", "nominatedNodeName"),
    },
    "Node": {
        "STATUS": _node_status,
        # Not as labels: one label alone would pass for all of them. See `Node.control_plane`.
        "ROLES": text("metadata", "annotations", "kfi/roles"),
        "VERSION": text("status", "nodeInfo", "kubeletVersion"),
        "INTERNAL-IP": _node_address("InternalIP"),
        "EXTERNAL-IP": _node_address("ExternalIP"),
        "OS-IMAGE": text("status", "nodeInfo", "osImage"),
        "KERNEL-VERSION": text("status", "nodeInfo", "kernelVersion"),
        "CONTAINER-RUNTIME": text("status", "nodeInfo", "containerRuntimeVersion"),
    },
    "Service": {
        "TYPE": text("spec", "type"),
        "CLUSTER-IP": text("spec", "clusterIP"),
        "PORT(S)": _ports,
        "SELECTOR": label_map("spec", "selector"),
    },
    "Endpoints": {"ENDPOINTS": _endpoints},
    "EndpointSlice": {
        "ADDRESSTYPE": text("addressType"),
        "PORTS": _slice_ports,
        "ENDPOINTS": _slice_endpoints,
    },
    "Deployment": {**_REPLICAS, "READY": _READY_REPLICAS, **_template(*_POD_SPEC)},
    "ReplicaSet": {**_REPLICAS, **_template(*_POD_SPEC)},
    "StatefulSet": {**_REPLICAS, "READY": _READY_REPLICAS, **_template(*_POD_SPEC)},
    "ReplicationController": {**_REPLICAS, "SELECTOR": label_map("spec", "selector")},
    "DaemonSet": {
        "DESIRED": count("status", "desiredNumberScheduled"),
        "CURRENT": count("status", "currentNumberScheduled"),
        "READY": count("status", "numberReady"),
        "UP-TO-DATE": count("status", "updatedNumberScheduled"),
        "AVAILABLE": count("status", "numberAvailable"),
        **_template(*_POD_SPEC),
    },
    "Job": {"STATUS": _job_status, "COMPLETIONS": _completions, **_template(*_POD_SPEC)},
    "ControllerRevision": {"CONTROLLER": _controller, "REVISION": count("revision")},
    "CronJob": {
        "SCHEDULE": text("spec", "schedule"),
        "TIMEZONE": text("spec", "timeZone"),
        "SUSPEND": flag("spec", "suspend"),
    },
    "PersistentVolumeClaim": {
        "STATUS": one_of(frozenset({"Pending", "Bound", "Lost"}), "status", "phase"),
        "VOLUME": text("spec", "volumeName"),
        "CAPACITY": text("status", "capacity", "storage"),
        "ACCESS MODES": modes("status", "accessModes"),
        "STORAGECLASS": text("spec", "storageClassName"),
        "VOLUMEATTRIBUTESCLASS": text("spec", "volumeAttributesClassName"),
        "VOLUMEMODE": text("spec", "volumeMode"),
    },
    "PersistentVolume": {
        "CAPACITY": text("spec", "capacity", "storage"),
        "ACCESS MODES": modes("spec", "accessModes"),
        "RECLAIM POLICY": text("spec", "persistentVolumeReclaimPolicy"),
        "STATUS": one_of(frozenset({"Pending", "Available", "Bound", "Released", "Failed"}), "status", "phase"),
        "CLAIM": _claim,
        "STORAGECLASS": text("spec", "storageClassName"),
        "VOLUMEATTRIBUTESCLASS": text("spec", "volumeAttributesClassName"),
        "REASON": text("status", "reason"),
        "VOLUMEMODE": text("spec", "volumeMode"),
    },
    "StorageClass": {
        "PROVISIONER": text("provisioner"),
        "RECLAIMPOLICY": text("reclaimPolicy"),
        "VOLUMEBINDINGMODE": text("volumeBindingMode"),
        "ALLOWVOLUMEEXPANSION": flag("allowVolumeExpansion"),
    },
    "ConfigMap": {"DATA": _no_keys},
    "Secret": {"TYPE": text("type"), "DATA": _no_keys},
    "ResourceQuota": {"REQUEST": _quota, "LIMIT": _quota},
    "Namespace": {"STATUS": text("status", "phase")},
    "Ingress": {
        "CLASS": text("spec", "ingressClassName"),
        "HOSTS": _hosts,
        "ADDRESS": _load_balancer,
    },
    "HTTPRoute": {"HOSTNAMES": _hostnames},
    "GRPCRoute": {"HOSTNAMES": _hostnames},
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "PriorityClass": {
        "VALUE": count("value"),
        "GLOBAL-DEFAULT": flag("globalDefault"),
        "PREEMPTIONPOLICY": text("preemptionPolicy"),
    },
    "NetworkPolicy": {"POD-SELECTOR": selector("spec", "podSelector")},
    "IngressClass": {"CONTROLLER": text("spec", "controller")},
    "Gateway": {"CLASS": text("spec", "gatewayClassName"), "PROGRAMMED": _condition("Programmed")},
    "GatewayClass": {"ACCEPTED": _condition("Accepted")},
    "APIService": {"AVAILABLE": _condition("Available")},
    "Certificate": {"READY": _condition("Ready"), "SECRET": text("spec", "secretName")},
    "HorizontalPodAutoscaler": {
        "REFERENCE": _scale_target,
        "TARGETS": text("status", "summary"),
        "MINPODS": count("spec", "minReplicas"),
        "MAXPODS": count("spec", "maxReplicas"),
        "REPLICAS": count("status", "currentReplicas"),
    },
    "PodDisruptionBudget": {
        "MIN AVAILABLE": _int_or_percent("spec", "minAvailable"),
        "MAX UNAVAILABLE": _int_or_percent("spec", "maxUnavailable"),
        "ALLOWED DISRUPTIONS": count("status", "disruptionsAllowed"),
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
