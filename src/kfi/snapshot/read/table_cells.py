"""
Single cells of `kubectl get` tables that hold more than one value: label maps, selectors, endpoints, ports.
"""

from __future__ import annotations

import re
from typing import Any

from kfi.snapshot.read.resource_names import known_kind

NOTHING = frozenset({"", "<none>", "<unset>", "<unknown>", "<nil>"})
"""Cells that say nothing."""

_ACCESS_MODES = {
    "RWO": "ReadWriteOnce", "ROX": "ReadOnlyMany", "RWX": "ReadWriteMany", "RWOP": "ReadWriteOncePod",
}  # fmt: skip
_PORT = re.compile(r"(\d{1,5})(?::(\d{1,5}))?/([A-Z]{3,4})")
_REQUIREMENT = re.compile(r"(!?)([^\s!=,()]+)(?: (in|notin) \(([^()]*)\))?")
_SELECTOR_PART = re.compile(r"(?:[^,()]|\([^()]*\))+")
_QUOTED = re.compile(r"\"([^\"]{1,253})\"")
_MORE = re.compile(r"\s*\+ ?\d+ more\.{3}$")
_IP = re.compile(r"[0-9.]+|[0-9a-f:]*:[0-9a-f:.]*")


def labels(cell: str) -> dict[str, str]:
    """Give the labels of `app=cart,tier=web`; a bare key is a label without a value."""
    pairs = (part.partition("=") for part in cell.split(",") if part)
    return {key.strip(): value.strip() for key, _, value in pairs if key.strip()}


def label_selector(cell: str) -> dict[str, Any]:
    """Give the LabelSelector of `app=cart,tier in (a,b),!canary`."""
    equal: dict[str, str] = {}
    expressions: list[dict[str, Any]] = []
    for part in map(str.strip, _SELECTOR_PART.findall(cell)):
        match = _REQUIREMENT.fullmatch(part)
        if "=" in part and not (match and match[3]):
            key, _, value = part.replace("!=", "=").replace("==", "=").partition("=")
            if "!=" in part:
                expressions.append({"key": key.strip(), "operator": "NotIn", "values": [value.strip()]})
            else:
                equal[key.strip()] = value.strip()
        elif match:
            expressions.append(_requirement(match))
    found: dict[str, Any] = {"matchLabels": equal} if equal else {}
    return {**found, "matchExpressions": expressions} if expressions else found


def _requirement(match: re.Match[str]) -> dict[str, Any]:
    if match[3]:
        values = [value for value in match[4].split(",") if value]
        return {"key": match[2], "operator": "In" if match[3] == "in" else "NotIn", "values": values}
    return {"key": match[2], "operator": "DoesNotExist" if match[1] else "Exists"}


def access_modes(cell: str) -> list[str]:
    """Give the access modes of `RWO,ROX`."""
    return [_ACCESS_MODES[mode] for mode in cell.split(",") if mode in _ACCESS_MODES]


def service_ports(cell: str) -> list[dict[str, Any]]:
    """Give the ports of `80:30080/TCP,443/TCP`: port, node port, protocol."""
    ports = []
    for match in map(_PORT.fullmatch, cell.split(",")):
        if match:
            node_port = {"nodePort": int(match[2])} if match[2] else {}
            ports.append({"port": int(match[1]), "protocol": match[3], **node_port})
    return ports


def parts(cell: str) -> list[str]:
    """Give what a comma-separated cell names; kubectl shortens long ones by `+ 3 more...`."""
    if cell in NOTHING:
        return []
    return [part.strip() for part in _MORE.sub("", cell).split(",") if part.strip()]


def port_numbers(cell: str) -> list[int]:
    """Give the numbers of `80,443`."""
    return [int(port) for port in parts(cell) if port.isascii() and port.isdigit() and len(port) < 6]


def endpoint_subsets(cell: str) -> list[dict[str, Any]]:
    """Give the subsets of `10.0.0.1:80,10.0.0.2:80`: addresses that share ports stand together."""
    ports: dict[str, list[int]] = {}
    for address in parts(cell):
        host, _, port = address.rpartition(":") if _has_port(address) else (address, "", "")
        ports.setdefault(host.strip("[]"), []).extend(port_numbers(port))
    return [_subset(hosts, list(group)) for group, hosts in _by_ports(ports).items()]


def _has_port(address: str) -> bool:
    # A bare IPv6 address has colons too; with a port it stands in brackets.
    return address.count(":") == 1 or "]:" in address


def _by_ports(ports: dict[str, list[int]]) -> dict[tuple[int, ...], list[str]]:
    groups: dict[tuple[int, ...], list[str]] = {}
    for host, numbers in ports.items():
        groups.setdefault(tuple(dict.fromkeys(numbers)), []).append(host)
    return groups


def _subset(hosts: list[str], ports: list[int]) -> dict[str, Any]:
    subset: dict[str, Any] = {"addresses": [{"ip": host} for host in hosts]}
    return {**subset, "ports": [{"port": port} for port in ports]} if ports else subset


def ingress_point(address: str) -> dict[str, str]:
    """Give one address of a load balancer as the status has it: an IP or a host name."""
    return {"ip" if _IP.fullmatch(address) else "hostname": address}


def owner_of(cell: str) -> dict[str, str] | None:
    """Give kind and name of `statefulset.apps/ledger`; None where the kind is none that kubectl knows."""
    resource, _, name = cell.partition("/")
    kind = known_kind(resource)
    return {"kind": kind, "name": name} if kind and name else None


def quoted_names(cell: str) -> list[str]:
    """Give the names of `["shop.example","www.example"]`."""
    return _QUOTED.findall(cell)


def subjects(kind: str, cell: str) -> list[dict[str, str]]:
    """Give the subjects of one kind that a binding names; ServiceAccounts stand there with their namespace."""
    found = []
    for name in parts(cell):
        home, _, account = name.partition("/")
        named = {"namespace": home, "name": account} if kind == "ServiceAccount" and account else {"name": name}
        found.append({"kind": kind, **named})
    return found
