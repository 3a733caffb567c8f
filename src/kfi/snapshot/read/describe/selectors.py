"""
Selectors, taints and tolerations: the small languages that kubectl prints them in.
"""

from __future__ import annotations

import re
from itertools import islice

from kfi.snapshot.read.describe.fields import At, Tree
from kfi.snapshot.read.describe.scalars import MAX_ITEMS, NOTHING, entries
from kfi.snapshot.read.describe.tree import Node

# Commas stand between requirements and, in brackets, between values.
_REQUIREMENT = re.compile(r"(?:[^,()]|\([^()]*\))+")
_SET = re.compile(r"(\S+) (in|notin) \(([^()]*)\)")
_TERM = re.compile(r"(\S+) (in|notin|exists|doesnotexist|gt|lt)(?: \[(.*)\])?")
_OPERATORS = {"in": "In", "notin": "NotIn", "exists": "Exists", "doesnotexist": "DoesNotExist", "gt": "Gt", "lt": "Lt"}
_TOLERATION = re.compile(
    r"(?P<key>[^=:\s]*)(?:=(?P<value>[^:\s]*))?(?::(?P<effect>\S+))?"
    r"(?P<exists> op=Exists)?(?: for (?P<seconds>\d{1,9})s)?"
)
_TAINT = re.compile(r"(?P<key>[^=:\s]+)(?:=(?P<value>[^:\s]*))?:(?P<effect>\w+)")


def selector(node: Node) -> At | None:
    """Give a label selector: `<none>` is an empty one, which selects everything; `<unset>` is none at all."""
    return None if node.value in ("<unset>", "<error>") else At(label_selector(node.value, node.line), node.line)


def label_selector(printed: str, line: int) -> Tree:
    """Give matchLabels and matchExpressions of `app=cart,tier in (a,b),!canary`."""
    equal: Tree = {}
    expressions: list[Tree] = []
    found = islice(_REQUIREMENT.finditer("" if printed in NOTHING else printed), MAX_ITEMS)
    for part in (match.group().strip() for match in found):
        match = _SET.fullmatch(part)
        if match:
            values = [value.strip() for value in match[3].split(",") if value.strip()]
            expressions.append({"key": match[1], "operator": _OPERATORS[match[2]], "values": values})
        elif "!=" in part:
            key, _, value = part.partition("!=")
            expressions.append({"key": key, "operator": "NotIn", "values": [value]})
        elif "=" in part:
            key, _, value = part.replace("==", "=").partition("=")
            equal[key] = At(value, line)
        elif part:
            operator = "DoesNotExist" if part.startswith("!") else "Exists"
            expressions.append({"key": part.lstrip("!"), "operator": operator})
    tree: Tree = {"matchLabels": equal} if equal else {}
    return {**tree, "matchExpressions": At(expressions, line)} if expressions else tree


def node_requirements(node: Node) -> At:
    """Give the expressions of one term of a node selector, printed one below the other: `zone in [a, b]`."""
    found = []
    for line, printed in entries(node):
        match = _TERM.fullmatch(printed)
        if match:
            values = {"values": [v.strip() for v in match[3].split(",")]} if match[3] else {}
            found.append(At({"key": match[1], "operator": _OPERATORS[match[2]], **values}, line))
    return At(found, node.line)


def tolerations(node: Node) -> At:
    """Give tolerations, printed one below the other."""
    found = [At(_toleration(printed), line) for line, printed in entries(node)]
    return At([one for one in found if one.value], node.line)


def _toleration(printed: str) -> Tree:
    # Tolerates everything: neither key nor effect.
    bare = printed.startswith("op=Exists")
    match = _TOLERATION.fullmatch(printed.removeprefix("op=Exists") if bare else printed)
    if not match:
        return {}
    found: Tree = {"operator": "Exists" if bare or match["exists"] else "Equal"}
    found.update({name: match[name] for name in ("key", "value", "effect") if match[name]})
    return {**found, "tolerationSeconds": int(match["seconds"])} if match["seconds"] else found


def taints(node: Node) -> At:
    """Give taints, printed one below the other."""
    matches = [(line, _TAINT.fullmatch(printed)) for line, printed in entries(node)]
    return At([At({k: v for k, v in m.groupdict().items() if v}, line) for line, m in matches if m], node.line)
