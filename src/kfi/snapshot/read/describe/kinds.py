"""
Which kind an object's text describes, and what reads that kind.

Each describer prints a section that no other prints. Only roles, bindings and the two controllers of replicas print
the same for two kinds: there the hint (what the file is called) decides.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from kfi.snapshot.read.describe import access, autoscaling, config, network, quota, routing, storage, workload
from kfi.snapshot.read.describe.fields import Table, Tree, fill
from kfi.snapshot.read.describe.generic import generic
from kfi.snapshot.read.describe.node import NODE
from kfi.snapshot.read.describe.pod import POD
from kfi.snapshot.read.describe.split import ObjectText
from kfi.snapshot.read.describe.tree import Node

_KIND = re.compile(r"[A-Z][A-Za-z0-9]{0,62}")

Reader = Callable[[list[Node], ObjectText], Tree]

_TABLES: Mapping[str, Table] = {
    "Pod": POD,
    "Node": NODE,
    "ReplicaSet": workload.REPLICA_SET,
    "ReplicationController": workload.REPLICATION_CONTROLLER,
    "StatefulSet": workload.STATEFUL_SET,
    "Job": workload.JOB,
    "CronJob": workload.CRON_JOB,
    "Ingress": routing.INGRESS,
    "IngressClass": routing.INGRESS_CLASS,
    "NetworkPolicy": routing.NETWORK_POLICY,
    "PersistentVolumeClaim": storage.CLAIM,
    "PersistentVolume": storage.VOLUME,
    "VolumeAttributesClass": storage.ATTRIBUTES_CLASS,
    "CSINode": storage.CSI_NODE,
    "ServiceAccount": config.SERVICE_ACCOUNT,
    "PodDisruptionBudget": autoscaling.DISRUPTION_BUDGET,
    "Role": access.ROLE,
    "ClusterRole": access.ROLE,
    "RoleBinding": access.ROLE_BINDING,
    "ClusterRoleBinding": access.ROLE_BINDING,
    "PriorityClass": access.PRIORITY_CLASS,
    "CertificateSigningRequest": access.SIGNING_REQUEST,
    "ServiceCIDR": access.SERVICE_CIDR,
    "IPAddress": access.IP_ADDRESS,
}
_FUNCTIONS: Mapping[str, Callable[[list[Node]], Tree]] = {
    "Deployment": workload.deployment,
    "DaemonSet": workload.daemon_set,
    "Service": network.service,
    "Endpoints": network.endpoints,
    "EndpointSlice": network.endpoint_slice,
    "StorageClass": storage.storage_class,
    "ResourceQuota": quota.resource_quota,
    "LimitRange": quota.limit_range,
    "Namespace": quota.namespace,
    "HorizontalPodAutoscaler": autoscaling.autoscaler,
    "": generic,
}


def _with_table(table: Table, nodes: list[Node], source: ObjectText) -> Tree:
    return fill(nodes, table)


def _with_function(read: Callable[[list[Node]], Tree], nodes: list[Node], source: ObjectText) -> Tree:
    return read(nodes)


_READERS: Mapping[str, Reader] = {
    **{kind: partial(_with_table, table) for kind, table in _TABLES.items()},
    **{kind: partial(_with_function, read) for kind, read in _FUNCTIONS.items()},
    "ConfigMap": config.config_map,
    "Secret": config.secret,
}

# The sections that tell a kind; the first kind of which all are there is it.
_SIGNS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (kind, frozenset(sections))
    for kind, *sections in (
        ("Deployment", "Pod Template", "StrategyType"),
        ("StatefulSet", "Pod Template", "Volume Claims"),
        ("StatefulSet", "Pod Template", "Update Strategy"),
        ("DaemonSet", "Pod Template", "Desired Number of Nodes Scheduled"),
        ("CronJob", "Schedule", "Concurrency Policy"),
        ("Job", "Pod Template", "Pods Statuses"),
        ("ReplicaSet", "Pod Template", "Replicas"),
        ("ReplicationController", "Pod Template", "Replicas"),
        ("Pod", "Node", "Containers"),
        ("Node", "Roles", "Addresses"),
        ("Node", "Roles", "Taints"),
        ("Service", "Selector", "Session Affinity"),
        ("Service", "Selector", "Type", "IP"),
        ("EndpointSlice", "AddressType"),
        ("Endpoints", "Subsets"),
        ("Ingress", "Rules", "Default backend"),
        ("Ingress", "Rules", "Ingress Class"),
        ("NetworkPolicy", "Created on", "Spec"),
        ("PersistentVolume", "Claim", "Reclaim Policy"),
        ("PersistentVolumeClaim", "StorageClass", "Volume", "Access Modes"),
        ("StorageClass", "Provisioner", "IsDefaultClass"),
        ("VolumeAttributesClass", "DriverName"),
        ("ServiceAccount", "Image pull secrets"),
        ("ServiceAccount", "Mountable secrets"),
        ("HorizontalPodAutoscaler", "Reference", "Max replicas"),
        ("PodDisruptionBudget", "Min available", "Selector"),
        ("PodDisruptionBudget", "Max unavailable", "Selector"),
        ("PriorityClass", "Value", "GlobalDefault"),
        ("Role", "PolicyRule"),
        ("ClusterRole", "PolicyRule"),
        ("RoleBinding", "Role", "Subjects"),
        ("ClusterRoleBinding", "Role", "Subjects"),
        ("CertificateSigningRequest", "Requesting User"),
        ("ServiceCIDR", "CIDRs"),
        ("IPAddress", "Parent Reference"),
        ("CSINode", "CreationTimestamp", "Spec"),
        ("Namespace", "Status", "No resource quota."),
        ("Namespace", "Status", "No Resource Quotas."),
        ("Namespace", "Status", "Resource Quotas"),
        ("Namespace", "Status", "No LimitRange resource."),
        ("Namespace", "Status", "Resource Limits"),
        ("IngressClass", "Controller", "Labels"),
    )
)


def kind_of(nodes: list[Node], source: ObjectText, hint: str) -> str:
    """Give the kind of an object's text: what its sections say, else the hint; empty where neither says."""
    found = list(_candidates(nodes, source))
    return hint if hint in found or not found else found[0]


def _candidates(nodes: list[Node], source: ObjectText) -> list[str]:
    by_key = {node.key or node.text: node for node in reversed(nodes)}
    if "API Version" in by_key and "Kind" in by_key:
        return [kind for kind in by_key["Kind"].value.split("\n")[:1] if _KIND.fullmatch(kind)]
    if source.data is not None:
        return ["Secret" if "Type" in by_key else "ConfigMap"]
    found = [kind for kind, sections in _SIGNS if sections <= by_key.keys()]
    if found:
        return found
    if any(quota.QUOTA_HEADER.fullmatch(node.text) for node in nodes):
        return ["ResourceQuota"]
    return ["LimitRange"] if any(quota.LIMIT_HEADER.fullmatch(node.text) for node in nodes) else []


def reader(kind: str) -> Reader:
    """Give what reads a kind; kinds without a describer are read field by field."""
    return _READERS.get(kind, _READERS[""])
