"""
Who may do what, and other cluster-wide facts: roles and their bindings, priority classes, signing requests, CIDRs.
"""

from __future__ import annotations

from kfi.snapshot.read.describe.columns import conditions, rows
from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.scalars import (
    META,
    boolean,
    comma_list,
    inline_labels,
    integer,
    text,
    time,
    words_of,
)
from kfi.snapshot.read.describe.tree import Node

_LISTS = {"Non-Resource URLs": "nonResourceURLs", "Resource Names": "resourceNames", "Verbs": "verbs"}


def _rules(node: Node) -> At:
    found = []
    for line, row in rows(node.children):
        rule = {**_resource(row.get("Resources", "")), **{name: words_of(row.get(t, "")) for t, name in _LISTS.items()}}
        found.append(At({key: value for key, value in rule.items() if value}, line))
    return At(found, node.line)


def _resource(printed: str) -> Tree:
    """Give `deployments.apps/scale` as resource and group; without a dot it is of the core group."""
    if not printed:
        return {}
    place, slash, sub = printed.partition("/")
    resource, _, group = place.partition(".")
    return {"resources": [f"{resource}{slash}{sub}"], "apiGroups": [group]}


def _role_ref(node: Node) -> At:
    return At(fill(node.children, {"Kind": ("kind", text), "Name": ("name", text)}), node.line)


def _subjects(node: Node) -> At:
    found = []
    for line, row in rows(node.children):
        found.append(At({title.lower(): cell for title, cell in row.items()}, line))
    return At(found, node.line)


ROLE: Table = {**META, "PolicyRule": ("rules", _rules)}
ROLE_BINDING: Table = {**META, "Role": ("roleRef", _role_ref), "Subjects": ("subjects", _subjects)}

PRIORITY_CLASS: Table = {
    "Value": ("value", integer),
    "GlobalDefault": ("globalDefault", boolean),
    "PreemptionPolicy": ("preemptionPolicy", text),
    "Description": ("description", text),
    "Annotations": ("metadata.annotations", inline_labels),
}


def _signing_status(node: Node) -> At:
    types = [word.strip() for word in node.value.split(",")]
    known = [word for word in types if word in ("Approved", "Denied", "Failed")]
    return At([At({"type": word, "status": "True"}, node.line) for word in known], node.line)


SIGNING_REQUEST: Table = {
    "Labels": ("metadata.labels", inline_labels),
    "Annotations": ("metadata.annotations", inline_labels),
    "CreationTimestamp": ("metadata.creationTimestamp", time),
    "Requesting User": ("spec.username", text),
    "Signer": ("spec.signerName", text),
    "Status": ("status.conditions", _signing_status),
}

SERVICE_CIDR: Table = {
    **META,
    "CIDRs": ("spec.cidrs", comma_list),
    "Conditions": ("status.conditions", conditions),
}


def _parent(node: Node) -> At:
    names = ("Group", "Resource", "Namespace", "Name")
    return At(fill(node.children, {name: (name.lower(), text) for name in names}), node.line)


IP_ADDRESS: Table = {**META, "Parent Reference": ("spec.parentRef", _parent)}
