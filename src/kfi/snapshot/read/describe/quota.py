"""
Limits of a namespace: ResourceQuota, LimitRange, and the Namespace that prints the quotas in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kfi.snapshot.read.describe.columns import conditions, words
from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.scalars import META, comma_list, text
from kfi.snapshot.read.describe.tree import Node

QUOTA_HEADER = re.compile(r"Resource\s+Used\s+Hard")
LIMIT_HEADER = re.compile(r"Type\s+Resource\s+Min\s+Max\s.*")
_LIMITS = ("min", "max", "defaultRequest", "default", "maxLimitRequestRatio")


def resource_quota(nodes: list[Node]) -> Tree:
    """Give a ResourceQuota's fields; kubectl prints the limits that are in force, which are the status's."""
    tree = fill(nodes, {"Scopes": ("spec.scopes", comma_list)})
    hard: Tree = {}
    used: Tree = {}
    for line, row in words(_below(nodes, QUOTA_HEADER), ("Resource", "Used", "Hard")):
        hard[row["Resource"]] = At(row["Hard"], line)
        used[row["Resource"]] = At(row["Used"], line)
    return {**tree, "spec": {**tree.get("spec", {}), "hard": hard}, "status": {"hard": dict(hard), "used": used}}


def _below(nodes: Iterable[Node], header: re.Pattern[str]) -> Iterator[Node]:
    inside = False
    for node in nodes:
        if inside:
            yield node
        inside = inside or bool(header.fullmatch(node.text))


def limit_range(nodes: list[Node]) -> Tree:
    """Give a LimitRange's fields."""
    return {"spec": {"limits": _limits(nodes)}}


def _limits(nodes: Iterable[Node]) -> list[At]:
    found: dict[str, At] = {}
    for line, row in words(_below(nodes, LIMIT_HEADER), ("Type", "Resource", *_LIMITS)):
        limit = found.setdefault(row["Type"], At({"type": row["Type"]}, line)).value
        for name in _LIMITS:
            if row[name] != "-":
                limit.setdefault(name, {})[row["Resource"]] = At(row[name], line)
    return list(found.values())


def _limits_below(node: Node) -> At:
    return At(_limits(node.children), node.line)


_NAMESPACE: Table = {
    **META,
    "Status": ("status.phase", text),
    "Conditions": ("status.conditions", conditions),
}


def namespace(nodes: list[Node]) -> Tree:
    """Give a Namespace's fields; limits, whose objects kubectl does not name, are `spec.kfiLimits`."""
    tree = fill(nodes, _NAMESPACE)
    limits = next((node for node in nodes if node.text == "Resource Limits"), None)
    return {**tree, "spec": {"kfiLimits": _limits_below(limits)}} if limits else tree


def quotas_of_namespace(nodes: list[Node]) -> list[list[Node]]:
    """Give the lines of each ResourceQuota that a Namespace prints; the first is its name."""
    section = next((node for node in nodes if node.text == "Resource Quotas"), None)
    found: list[list[Node]] = []
    for child in section.children if section else []:
        if child.key == "Name" and child.value:
            found.append([])
        if found:
            found[-1].append(child)
    return found
