"""
Services, Endpoints and EndpointSlices.

A Service's `Endpoints` lines are no fields of a Service. They are kept, because they are often all that shows that
nothing answers: `status.kfiEndpoints` lists those of all ports, and each port has its own.
An EndpointSlice comes out as the API has it, and its `subsets` as Endpoints would have them.
"""

from __future__ import annotations

import re
from typing import Any

from kfi.snapshot.read.describe.columns import words
from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.scalars import (
    META,
    NOTHING,
    boolean,
    comma_list,
    inline_labels,
    integer,
    text,
)
from kfi.snapshot.read.describe.tree import Node

_PORT = re.compile(r"(?:(\S+)\s+)?(\d{1,5})/([A-Z]{3,4})")
_IP = re.compile(r"[0-9.]+|[0-9a-fA-F:]*:[0-9a-fA-F:.]*")
_MORE = re.compile(r" \+ (\d{1,9}) more\.\.\.$")
_PORT_LINES = ("TargetPort", "AppProtocol", "NodePort", "Endpoints")
_PORT_TITLES = ("name", "port", "protocol")

_SERVICE: Table = {
    **META,
    "Selector": ("spec.selector", inline_labels),
    "Type": ("spec.type", text),
    "IP Family Policy": ("spec.ipFamilyPolicy", text),
    "IP Families": ("spec.ipFamilies", comma_list),
    "IP": ("spec.clusterIP", text),
    "IPs": ("spec.clusterIPs", comma_list),
    "External IPs": ("spec.externalIPs", comma_list),
    "Desired LoadBalancer IP": ("spec.loadBalancerIP", text),
    "External Name": ("spec.externalName", text),
    "Session Affinity": ("spec.sessionAffinity", text),
    "External Traffic Policy": ("spec.externalTrafficPolicy", text),
    "Internal Traffic Policy": ("spec.internalTrafficPolicy", text),
    "HealthCheck NodePort": ("spec.healthCheckNodePort", integer),
    "LoadBalancer Source Ranges": ("spec.loadBalancerSourceRanges", comma_list),
    "Traffic Distribution": ("spec.trafficDistribution", text),
}


def service(nodes: list[Node]) -> Tree:
    """Give a Service's fields."""
    balanced: Table = {"LoadBalancer Ingress": ("status.loadBalancer.ingress", ingress_points)}
    tree = fill(nodes, {**_SERVICE, **balanced})
    ports = _ports(nodes)
    shown = [node for node in nodes if node.key == "Endpoints"]
    if shown:
        found: dict[str, At] = {}
        for node in shown:
            found.update({at.value: at for at in _addresses(node)})
        tree.setdefault("status", {})["kfiEndpoints"] = At(list(found.values()), shown[0].line)
    if ports:
        tree.setdefault("spec", {})["ports"] = At(ports, ports[0].line)
    return tree


def _ports(nodes: list[Node]) -> list[At]:
    """Give the ports: each line `Port` begins one, the lines after it belong to it."""
    found: list[At] = []
    for node in nodes:
        match = _PORT.fullmatch(node.value) if node.key == "Port" else None
        if match:
            name = {"name": match[1]} if match[1] and match[1] not in NOTHING else {}
            found.append(At({**name, "port": int(match[2]), "protocol": match[3]}, node.line))
        elif found and node.key in _PORT_LINES:
            found[-1].value.update(_port_detail(node))
    return found


def _port_detail(node: Node) -> Tree:
    if node.key == "Endpoints":
        return {"kfiEndpoints": At(_addresses(node), node.line)}
    if node.value in NOTHING:
        return {}
    port = node.value.split()[-1].partition("/")[0]
    match node.key:
        case "TargetPort" if port != "0":
            return {"targetPort": At(_number(port), node.line)}
        case "NodePort" if isinstance(_number(port), int):
            return {"nodePort": At(_number(port), node.line)}
        case "AppProtocol":
            return {"appProtocol": At(node.value, node.line)}
    return {}


def _number(word: str) -> int | str:
    return int(word) if word.isascii() and word.isdigit() and len(word) < 6 else word


def _addresses(node: Node) -> list[At]:
    """Give `10.0.0.1:80,10.0.0.2:80`; kubectl prints three at most, and then how many more there are."""
    return [At(_MORE.sub("", address), node.line) for address in comma_list(node).value]


def ingress_points(node: Node) -> At:
    """Give the addresses of a load balancer: IPs (their mode in brackets) or host names."""
    found = []
    for printed in comma_list(node).value:
        address = printed.partition(" (")[0]
        kind = "ip" if len(address) < 46 and _IP.fullmatch(address) else "hostname"
        found.append(At({kind: address}, node.line))
    return At(found, node.line)


def endpoints(nodes: list[Node]) -> Tree:
    """Give an Endpoints object's fields."""
    return fill(nodes, _ENDPOINTS)


def _subsets(node: Node) -> At:
    found: list[At] = []
    for child in node.children:
        if child.key == "Addresses":
            found.append(At({}, child.line))
        if found:
            found[-1].value.update(fill([child], _SUBSET))
    return At(found, node.line)


def _ips(node: Node) -> At:
    return At([At({"ip": address}, node.line) for address in comma_list(node).value], node.line)


def _port_table(node: Node) -> At:
    found = []
    for line, row in words(node.children, _PORT_TITLES):
        if row["port"].isascii() and row["port"].isdigit() and len(row["port"]) < 6:
            name = {} if row["name"] in NOTHING else {"name": row["name"]}
            found.append(At({**name, "port": int(row["port"]), "protocol": row["protocol"]}, line))
    return At(found, node.line)


_SUBSET: Table = {
    "Addresses": ("addresses", _ips),
    "NotReadyAddresses": ("notReadyAddresses", _ips),
    "Ports": ("ports", _port_table),
}
_ENDPOINTS: Table = {
    **META,
    "Subsets": ("subsets", _subsets),
}


def endpoint_slice(nodes: list[Node]) -> Tree:
    """Give an EndpointSlice's fields."""
    tree = fill(nodes, _SLICE)
    listed = tree.get("endpoints")
    if listed:
        ports = tree.get("ports", At([], listed.line))
        tree["subsets"] = At([At(_as_subset(listed.value, ports), listed.line)] if listed.value else [], listed.line)
    return tree


def _slice_endpoints(node: Node) -> At:
    return At([At(_endpoint(child), child.line) for child in node.children if _is_addresses(child)], node.line)


def _is_addresses(node: Node) -> bool:
    return node.key == "- Addresses"


def _endpoint(node: Node) -> Tree:
    return {**fill(node.children, _ENDPOINT), "addresses": comma_list(node)}


def _slice_conditions(node: Node) -> At:
    return At(fill(node.children, {"Ready": ("ready", boolean)}), node.line)


def _target(node: Node) -> At:
    kind, _, name = node.value.partition("/")
    return At({"kind": kind, "name": name}, node.line)


_ENDPOINT: Table = {
    "Conditions": ("conditions", _slice_conditions),
    "Hostname": ("hostname", text),
    "TargetRef": ("targetRef", _target),
    "NodeName": ("nodeName", text),
    "Zone": ("zone", text),
}
_SLICE: Table = {
    **META,
    "AddressType": ("addressType", text),
    "Ports": ("ports", _port_table),
    "Endpoints": ("endpoints", _slice_endpoints),
}


def _as_subset(listed: list[At], ports: At) -> Tree:
    groups: dict[str, list[At]] = {"addresses": [], "notReadyAddresses": []}
    for endpoint in listed:
        ready = endpoint.value.get("conditions", At({}, 0)).value.get("ready")
        # Not set means unknown, and the API says to take that for ready.
        group = "notReadyAddresses" if ready and not ready.value else "addresses"
        groups[group].extend(_slice_addresses(endpoint))
    return {**groups, "ports": ports}


def _slice_addresses(endpoint: At) -> list[At]:
    rest: dict[str, Any] = {key: endpoint.value[key] for key in ("nodeName", "targetRef") if key in endpoint.value}
    return [At({"ip": address, **rest}, endpoint.line) for address in endpoint.value["addresses"].value]
