"""
What kubectl prints for kinds it has no describer of: every field under its name in words, sorted.

"Observed Generation" was `observedGeneration`. The text does not say whether a section was a map or a list, nor where
one element of a list ends: a field that does not come after the one before it in the alphabet begins the next element,
and sections whose names are those of the API's lists are lists.
"""

from __future__ import annotations

import re
from typing import Any

from kfi.snapshot.read.describe.fields import At, Tree
from kfi.snapshot.read.describe.scalars import annotation_map, labels
from kfi.snapshot.read.describe.tree import Node

_WORDS = re.compile(r"[A-Z][A-Za-z]*(?: (?:[A-Za-z]+|-))*")
_INTEGER = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_HEAD = frozenset({"Name", "Namespace", "Labels", "Annotations"})
_LISTS = frozenset({
    "conditions", "ownerReferences", "finalizers", "containers", "initContainers", "volumes", "volumeMounts", "env",
    "envFrom", "ports", "rules", "subjects", "subsets", "addresses", "hosts", "http", "tls", "servers", "endpoints",
    "versions", "webhooks", "parents", "parentRefs", "backendRefs", "listeners", "matches", "route", "gateways",
    "dnsNames", "tolerations", "groups", "resources", "verbs", "apiGroups", "apiVersions", "operations", "triggers",
    "accessModes", "items", "shortNames", "categories", "storedVersions", "additionalPrinterColumns", "history",
    "sources", "args", "command", "imagePullSecrets", "matchExpressions", "values",
})  # fmt: skip
_TREES = frozenset({"metadata", "spec", "status"})


def generic(nodes: list[Node]) -> Tree:
    """Give the fields of a custom resource, or of any kind without a describer."""
    fields = [node for node in nodes if node.key and node.key not in _HEAD]
    tree: Tree = {}
    for node in fields:
        name = field_name(node.key)
        value = _value(node, name)
        if name not in tree and value is not None and (name not in _TREES or isinstance(_inner(value), dict)):
            tree[name] = value
    head = {node.key: node for node in reversed(nodes)}
    metadata: Tree = _inner(tree.get("metadata", {}))
    for key, read in (("Labels", labels), ("Annotations", annotation_map)):
        if key in head and (value := read(head[key])):
            metadata[key.lower()] = value
    return {**tree, "metadata": metadata}


def _inner(value: Any) -> Any:
    return value.value if isinstance(value, At) else value


def _value(node: Node, name: str) -> At | None:
    if not node.children:
        return _scalar(node, name)
    if not all(child.key for child in node.children):
        return At([At(child.text, child.line) for child in node.children], node.line)
    elements = _elements(node.children)
    if len(elements) > 1 or name in _LISTS:
        return At(elements, node.line)
    return At(elements[0].value, node.line)


def _elements(nodes: list[Node]) -> list[At]:
    """Give the maps that a section holds: names come sorted, so one that does not begins another map."""
    found: list[At] = []
    last = ""
    for node in nodes:
        name = field_name(node.key)
        if not found or name <= last:
            found.append(At({}, node.line))
        last = name
        value = _value(node, name)
        if value is not None:
            found[-1].value[name] = value
    return found


def _scalar(node: Node, name: str) -> At | None:
    value = node.value
    if value == "<nil>":
        return None
    if not value:
        return At([] if name in _LISTS else {}, node.line) if node.text.endswith(":") else At("", node.line)
    if value in ("true", "false"):
        return At(value == "true", node.line)
    return At(int(value) if _INTEGER.fullmatch(value) else value, node.line)


def field_name(printed: str) -> str:
    """Give the field that kubectl printed in words.

    >>> field_name("Observed Generation"), field_name("API Version"), field_name("f:metadata")
    ('observedGeneration', 'apiVersion', 'f:metadata')
    """
    if not _WORDS.fullmatch(printed):
        return printed
    first, *rest = printed.split(" ")
    head = first.lower() if first.isupper() else first[0].lower() + first[1:]
    name = head
    for before, word in zip([first, *rest], rest, strict=False):
        name += word.lower() if before == "-" else word
    return name
