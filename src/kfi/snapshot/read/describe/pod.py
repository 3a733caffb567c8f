"""
Pods, and the pod templates of workloads: both print the same lines of a pod spec.

kubectl prints no affinity, host network or pull secrets. Of a Pod that is being deleted it prints how long the
deletion lasts instead of the phase: `status.summary` says Terminating, as `kubectl get` does.
"""

from __future__ import annotations

import re

from kfi.snapshot.read.describe.columns import conditions, rows
from kfi.snapshot.read.describe.containers import containers
from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.scalars import (
    META,
    NOTHING,
    entries,
    integer,
    labels,
    quantities,
    seconds,
    text,
    time,
)
from kfi.snapshot.read.describe.selectors import label_selector, tolerations
from kfi.snapshot.read.describe.tree import Node
from kfi.snapshot.read.describe.volumes import volumes

_TERMINATING = re.compile(r"Terminating \(lasts (.{1,40})\)")
_SPREAD = re.compile(r"(\S+?):(\w+) when max skew (\d{1,9}) is exceeded(?: for selector (.+))?")


def _node_name(node: Node) -> Tree | None:
    name, _, host = node.value.partition("/")
    if name in NOTHING:
        return None
    found: Tree = {"spec": {"nodeName": At(name, node.line)}}
    return {**found, "status": {"hostIP": At(host, node.line)}} if host else found


def phase(node: Node) -> Tree | None:
    """Give `status.phase`, or what stands in its place while the object is being deleted."""
    match = _TERMINATING.fullmatch(node.value)
    if match:
        return {"summary": At("Terminating", node.line), "kfiTerminatingFor": At(match[1], node.line)}
    return None if node.value in NOTHING else {"phase": At(node.value, node.line)}


def _addresses(node: Node) -> At:
    found = [At({"ip": At(child.value, child.line)}, child.line) for child in node.children if child.key == "IP"]
    return At(found, node.line)


def _gates(node: Node) -> At:
    found = [{"conditionType": At(row["Type"], line)} for line, row in rows(node.children) if "Type" in row]
    return At(found, node.line)


def _spread(node: Node) -> At:
    found = []
    for line, printed in entries(node):
        match = _SPREAD.fullmatch(printed)
        if match:
            selector = {"labelSelector": label_selector(match[4], line)} if match[4] else {}
            one = {"topologyKey": match[1], "whenUnsatisfiable": match[2], "maxSkew": int(match[3]), **selector}
            found.append(At(one, line))
    return At(found, node.line)


def _scheduling_group(node: Node) -> At:
    return At(fill(node.children, {"PodGroupName": ("podGroupName", text)}), node.line)


def _resources(node: Node) -> At:
    tables: Table = {"Limits": ("limits", quantities), "Requests": ("requests", quantities)}
    return At(fill(node.children, tables), node.line)


SPEC: Table = {
    "Priority Class Name": ("spec.priorityClassName", text),
    "PriorityClassName": ("spec.priorityClassName", text),
    "Service Account": ("spec.serviceAccountName", text),
    "Init Containers": ("", containers("initContainers", "initContainerStatuses")),
    "Containers": ("", containers("containers", "containerStatuses")),
    "Volumes": ("spec.volumes", volumes),
    "Node-Selectors": ("spec.nodeSelector", labels),
    "Tolerations": ("spec.tolerations", tolerations),
    "Topology Spread Constraints": ("spec.topologySpreadConstraints", _spread),
    "SchedulingGroup": ("spec.schedulingGroup", _scheduling_group),
}
"""What a Pod and a template have in common."""

POD: Table = {
    **SPEC,
    "Priority": ("spec.priority", integer),
    "Runtime Class Name": ("spec.runtimeClassName", text),
    "Node": ("", _node_name),
    "Start Time": ("status.startTime", time),
    **META,
    "Status": ("status", phase),
    "Termination Grace Period": ("metadata.deletionGracePeriodSeconds", seconds),
    "Reason": ("status.reason", text),
    "Message": ("status.message", text),
    "SeccompProfile": ("spec.securityContext.seccompProfile.type", text),
    "LocalhostProfile": ("spec.securityContext.seccompProfile.localhostProfile", text),
    "IP": ("status.podIP", text),
    "IPs": ("status.podIPs", _addresses),
    "NominatedNodeName": ("status.nominatedNodeName", text),
    "Resources": ("spec.resources", _resources),
    "Ephemeral Containers": ("", containers("ephemeralContainers", "ephemeralContainerStatuses")),
    "Readiness Gates": ("spec.readinessGates", _gates),
    "Conditions": ("status.conditions", conditions),
    "QoS Class": ("status.qosClass", text),
}

_TEMPLATE: Table = {
    **SPEC,
    **META,
}


def pod_template(node: Node) -> At | None:
    """Give `spec.template`."""
    return At(fill(node.children, _TEMPLATE), node.line) if any(child.key for child in node.children) else None
