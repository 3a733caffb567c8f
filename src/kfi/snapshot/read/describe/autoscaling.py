"""
HorizontalPodAutoscalers and PodDisruptionBudgets: how many Pods there should be, and may be missing.
"""

from __future__ import annotations

import re
from typing import Any

from kfi.snapshot.read.describe.columns import conditions
from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.scalars import META, NOTHING, integer, integer_or_text
from kfi.snapshot.read.describe.selectors import selector
from kfi.snapshot.read.describe.tree import Node

_RESOURCE = re.compile(r'resource (\S+)(?: of container "([^"]*)")? on pods\s*(\(as a percentage of request\))?')
_NAMED = re.compile(r'"([^"]*)"(?: on (\S+))?\s*(?:\(target (average )?value\))?')
_USAGE = re.compile(r"(\d{1,9})%(?: \((\S+)\))?")
_CURRENT = re.compile(r"(\d{1,9}) current / (\d{1,9}) desired")
_PERCENT = re.compile(r"(\d{1,9})%")


def _metric(node: Node) -> tuple[Tree, Tree] | None:
    """Give a metric as the spec wants it, and as the status has it."""
    current, slash, target = node.value.rpartition(" / ")
    if not slash:
        return None
    if match := _RESOURCE.fullmatch(node.key):
        kind = "containerResource" if match[2] else "resource"
        what: Tree = {"name": match[1], **({"container": match[2]} if match[2] else {})}
        amount = "averageUtilization" if match[3] else "averageValue"
    elif match := _NAMED.fullmatch(node.key):
        kind = _kind_of(match[2])
        what = {"metric": {"name": match[1]}, **_described(kind, match[2])}
        amount = "averageValue" if match[3] or kind == "pods" else "value"
    else:
        return None
    head = {"type": kind[0].upper() + kind[1:]}
    wanted = {"target": {"type": _target_type(amount), **_amount(target, amount)}}
    return {**head, kind: {**what, **wanted}}, {**head, kind: {**what, "current": _amount(current, amount)}}


def _kind_of(described: str | None) -> str:
    if not described:
        return "external"
    return "pods" if described == "pods" else "object"


def _described(kind: str, printed: str) -> Tree:
    if kind != "object":
        return {}
    owner, _, name = printed.partition("/")
    return {"describedObject": {"kind": owner, "name": name}}


def _target_type(amount: str) -> str:
    return {"averageUtilization": "Utilization", "averageValue": "AverageValue", "value": "Value"}[amount]


def _amount(printed: str, name: str) -> Tree:
    if printed in NOTHING or printed == "<auto>":
        return {}
    usage = _USAGE.fullmatch(printed) if name == "averageUtilization" else None
    if not usage:
        return {name: printed}
    return {name: int(usage[1]), **({"averageValue": usage[2]} if usage[2] else {})}


def _metrics(node: Node) -> Tree:
    found = [(child.line, _metric(child)) for child in node.children]
    return {
        "spec": {"metrics": At([At(m[0], line) for line, m in found if m], node.line)},
        "status": {"currentMetrics": At([At(m[1], line) for line, m in found if m], node.line)},
    }


def _target_ref(node: Node) -> At | None:
    kind, slash, name = node.value.partition("/")
    return At({"kind": kind, "name": name}, node.line) if slash else None


def _percent(node: Node) -> At | None:
    match = _PERCENT.fullmatch(node.value)
    return At(int(match[1]), node.line) if match else None


_AUTOSCALER: Table = {
    **META,
    "Reference": ("spec.scaleTargetRef", _target_ref),
    "Metrics": ("", _metrics),
    "Target CPU utilization": ("spec.targetCPUUtilizationPercentage", _percent),
    "Current CPU utilization": ("status.currentCPUUtilizationPercentage", _percent),
    "Min replicas": ("spec.minReplicas", integer),
    "Max replicas": ("spec.maxReplicas", integer),
    "Conditions": ("status.conditions", conditions),
}


def autoscaler(nodes: list[Node]) -> Tree:
    """Give a HorizontalPodAutoscaler's fields (its scaling behaviour is left out)."""
    tree = fill(nodes, _AUTOSCALER)
    pods = next((node for node in nodes if node.key.endswith(" pods")), None)
    match = _CURRENT.fullmatch(pods.value) if pods else None
    if pods and match:
        status: dict[str, Any] = tree.setdefault("status", {})
        status["currentReplicas"] = At(int(match[1]), pods.line)
        status["desiredReplicas"] = At(int(match[2]), pods.line)
    return tree


def _budget_status(node: Node) -> At:
    return At(fill(node.children, _BUDGET_STATUS), node.line)


_BUDGET_STATUS: Table = {
    "Allowed disruptions": ("disruptionsAllowed", integer),
    "Current": ("currentHealthy", integer),
    "Desired": ("desiredHealthy", integer),
    "Total": ("expectedPods", integer),
}

DISRUPTION_BUDGET: Table = {
    "Min available": ("spec.minAvailable", integer_or_text),
    "Max unavailable": ("spec.maxUnavailable", integer_or_text),
    "Selector": ("spec.selector", selector),
    "Status": ("status", _budget_status),
}
