"""
Ingress, IngressClass and NetworkPolicy: who may reach what.

What kubectl found behind an Ingress backend (addresses, or the error that there is no such Service) stands beside the
backend as `kfiEndpoints`.
"""

from __future__ import annotations

import re

from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.network import ingress_points
from kfi.snapshot.read.describe.scalars import META, NOTHING, comma_list, text, time
from kfi.snapshot.read.describe.selectors import label_selector, selector
from kfi.snapshot.read.describe.tree import Node

_BACKEND = re.compile(r"([^\s:]+):(\S*)(?: \((.*)\))?")
_RESOURCE = re.compile(r"APIGroup: (\S+), Kind: (\S+), Name: (\S+)")
_TLS = re.compile(r"(?:SNI routes|(\S+) terminates) ?(.*)")
_PORT = re.compile(r"(.+?)(?:-(\d{1,5}))?/([A-Z]{3,4})")


def _backend(printed: str, line: int) -> Tree:
    """Give a backend: a Service's port, or another resource."""
    if match := _RESOURCE.fullmatch(printed):
        group = {} if match[1] in NOTHING else {"apiGroup": match[1]}
        return {"resource": At({**group, "kind": match[2], "name": match[3]}, line)}
    match = _BACKEND.fullmatch(printed)
    if not match:
        return {}
    port = {"number": int(match[2])} if re.fullmatch(r"[0-9]{1,5}", match[2]) else {"name": match[2]}
    shown = {"kfiEndpoints": At(match[3], line)} if match[3] is not None else {}
    return {"service": At({"name": match[1], "port": port, **shown}, line)}


def _default_backend(node: Node) -> At | None:
    found = _backend(node.value, node.line)
    return At(found, node.line) if found and node.value not in NOTHING else None


def _rules(node: Node) -> At:
    found = []
    for host in node.children:
        if host.text.split()[0] in ("Host", "----") or not host.children:
            continue
        paths = [At(_path(child), child.line) for child in host.children]
        name = {} if host.text == "*" else {"host": At(host.text, host.line)}
        found.append(At({**name, "http": {"paths": paths}}, host.line))
    return At(found, node.line)


def _path(node: Node) -> Tree:
    path, _, rest = node.text.partition(" ")
    if not path.startswith("/"):
        path, rest = "", node.text
    return {**({"path": path} if path else {}), "backend": _backend(rest.strip(), node.line)}


def _tls(node: Node) -> At:
    found = []
    for child in node.children:
        match = _TLS.fullmatch(child.text)
        if match:
            secret = {"secretName": match[1]} if match[1] else {}
            hosts = [host.strip() for host in match[2].split(",") if host.strip()]
            found.append(At({"hosts": hosts, **secret}, child.line))
    return At(found, node.line)


def _parameters(node: Node) -> At:
    return At(fill(node.children, {key: (name, text) for key, name in _REFERENCE.items()}), node.line)


_REFERENCE = {"APIGroup": "apiGroup", "Kind": "kind", "Name": "name"}

INGRESS: Table = {
    **META,
    "Address": ("status.loadBalancer.ingress", ingress_points),
    "Ingress Class": ("spec.ingressClassName", text),
    "Default backend": ("spec.defaultBackend", _default_backend),
    "TLS": ("spec.tls", _tls),
    "Rules": ("spec.rules", _rules),
}

INGRESS_CLASS: Table = {
    **META,
    "Controller": ("spec.controller", text),
    "Parameters": ("spec.parameters", _parameters),
}


def _policy_rules(peers: str) -> Table:
    """Give what one direction of a policy prints; a line of dashes stands between two rules."""

    def read(node: Node) -> At:
        found: list[At] = []
        begins = True
        for child in node.children:
            if child.text.startswith("<none>"):
                continue
            if not child.text.strip("-"):
                begins = True
                continue
            if begins:
                found.append(At({}, child.line))
                begins = False
            _add_to_rule(found[-1].value, child, peers)
        return At(found, node.line)

    return {f"Allowing {'ingress' if peers == 'from' else 'egress'} traffic": ("rules", read)}


def _add_to_rule(rule: Tree, node: Node, peers: str) -> None:
    if node.key in ("To Port", "To Port Range"):
        match = _PORT.fullmatch(node.value)
        if match:
            rule.setdefault("ports", []).append(At(_policy_port(match), node.line))
    elif node.key in ("From", "To") and not node.value.startswith("<any>"):
        rule.setdefault(peers, []).append(At(fill(node.children, _PEER), node.line))


def _policy_port(match: re.Match[str]) -> Tree:
    number = re.fullmatch(r"[0-9]{1,5}", match[1])
    port = {} if match[1] in NOTHING else {"port": int(match[1]) if number else match[1]}
    return {**port, **({"endPort": int(match[2])} if match[2] else {}), "protocol": match[3]}


def _block(node: Node) -> At:
    return At(fill(node.children, {"CIDR": ("cidr", text), "Except": ("except", comma_list)}), node.line)


_PEER: Table = {
    "PodSelector": ("podSelector", selector),
    "NamespaceSelector": ("namespaceSelector", selector),
    "IPBlock": ("ipBlock", _block),
}


def _pod_selector(node: Node) -> At:
    everything = node.value.startswith("<none>")
    return At({} if everything else label_selector(node.value, node.line), node.line)


def _policy(node: Node) -> At:
    tree = fill(
        node.children, {"PodSelector": ("podSelector", _pod_selector), "Policy Types": ("policyTypes", comma_list)}
    )
    for direction, peers in (("ingress", "from"), ("egress", "to")):
        rules = fill(node.children, _policy_rules(peers)).get("rules")
        if rules is not None:
            tree[direction] = rules
    return At(tree, node.line)


NETWORK_POLICY: Table = {
    **META,
    "Created on": ("metadata.creationTimestamp", time),
    "Spec": ("spec", _policy),
}
