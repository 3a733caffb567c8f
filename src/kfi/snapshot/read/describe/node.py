"""
Nodes: what the kubelet reports, and what kubectl sums up of the Pods there.

The sums are no fields of the API: requests go to `status.allocated`, limits to `status.kfiAllocatedLimits`, the Pods
to `status.pods`, and the lease (when the kubelet last said that it lives) to `status.kfiLease`.
"""

from __future__ import annotations

from kfi.snapshot.read.describe.columns import conditions, rows
from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.scalars import (
    META,
    boolean,
    comma_list,
    quantities,
    text,
    time,
)
from kfi.snapshot.read.describe.selectors import taints
from kfi.snapshot.read.describe.tree import Node

_INFO: Table = {
    "Machine ID": ("machineID", text),
    "System UUID": ("systemUUID", text),
    "Boot ID": ("bootID", text),
    "Kernel Version": ("kernelVersion", text),
    "OS Image": ("osImage", text),
    "Operating System": ("operatingSystem", text),
    "Architecture": ("architecture", text),
    "Container Runtime Version": ("containerRuntimeVersion", text),
    "Kubelet Version": ("kubeletVersion", text),
    "Kube-Proxy Version": ("kubeProxyVersion", text),
}
_LEASE: Table = {
    "HolderIdentity": ("holderIdentity", text),
    "AcquireTime": ("acquireTime", time),
    "RenewTime": ("renewTime", time),
}
_POD_COLUMNS = {
    "Namespace": "namespace",
    "Name": "name",
    "CPU Requests": "cpuRequests",
    "CPU Limits": "cpuLimits",
    "Memory Requests": "memoryRequests",
    "Memory Limits": "memoryLimits",
}


def _info(node: Node) -> At:
    return At(fill(node.children, _INFO), node.line)


def _lease(node: Node) -> At | None:
    lease = fill(node.children, _LEASE)
    return At(lease, node.line) if lease else None


def _addresses(node: Node) -> At:
    found = [At({"type": child.key, "address": child.value}, child.line) for child in node.children if child.value]
    return At(found, node.line)


def _pods(node: Node) -> At:
    found = []
    for line, row in rows(node.children):
        # "200m (2%)": the share of what the node can give is left out.
        cells = {name: At(_amount(row[title]), line) for title, name in _POD_COLUMNS.items() if title in row}
        found.append(At(cells, line))
    return At(found, node.line)


def _allocated(node: Node) -> Tree | None:
    found: dict[str, Tree] = {"Requests": {}, "Limits": {}}
    table = [child for child in node.children if not child.text.startswith("(")]
    for line, row in rows(table):
        for title, amounts in found.items():
            if "Resource" in row and title in row:
                amounts[row["Resource"]] = At(_amount(row[title]), line)
    return {"allocated": At(found["Requests"], node.line), "kfiAllocatedLimits": At(found["Limits"], node.line)}


def _amount(cell: str) -> str:
    return cell.partition(" (")[0]


NODE: Table = {
    **META,
    "Taints": ("spec.taints", taints),
    "Unschedulable": ("spec.unschedulable", boolean),
    "Lease": ("status.kfiLease", _lease),
    "Conditions": ("status.conditions", conditions),
    "Addresses": ("status.addresses", _addresses),
    "Capacity": ("status.capacity", quantities),
    "Allocatable": ("status.allocatable", quantities),
    "System Info": ("status.nodeInfo", _info),
    "PodCIDR": ("spec.podCIDR", text),
    "PodCIDRs": ("spec.podCIDRs", comma_list),
    "ProviderID": ("spec.providerID", text),
    "Non-terminated Pods": ("status.pods", _pods),
    "Allocated resources": ("status", _allocated),
}
