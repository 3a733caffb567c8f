"""Routes and network policies as kubectl shows them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .describe import event_lines, of, write
from .model import Cluster
from .tables import endpoints_cell, table

Body = dict[str, Any]


def tree(value: Any, depth: int) -> list[str]:
    """Give a custom resource's fields as describe prints them: keys in words, lists without dashes."""
    pad, rows = "  " * depth, []
    if isinstance(value, list):
        return [
            row for item in value for row in (tree(item, depth) if isinstance(item, dict | list) else [f"{pad}{item}"])
        ]
    for key, item in sorted(value.items()):
        words = "".join(" " + x if x.isupper() else x for x in key)
        title = words[0].upper() + words[1:]
        rows += (
            [f"{pad}{title}:", *tree(item, depth + 1)] if isinstance(item, dict | list) else [f"{pad}{title}:  {item}"]
        )
    return rows


def services_of(c: Cluster) -> dict[str, Any]:
    """Give the Services by name."""
    return {service.name: service for app in c.apps.values() for service in app.services}


def ingress_lines(c: Cluster, body: Body) -> list[str]:
    """Describe an Ingress."""
    name, spec = body["metadata"]["name"], body["spec"]
    rows = [
        f"Name:             {name}",
        "Labels:           <none>",
        f"Namespace:        {c.ns}",
        "Address:          10.31.4.200",
        f"Ingress Class:    {spec['ingressClassName']}",
        "Default backend:  <default>",
        "Rules:",
        "  Host                 Path  Backends",
        "  ----                 ----  --------",
    ]
    for rule in spec["rules"]:
        rows.append(f"  {rule['host']}  ")
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            service, port = (
                services_of(c).get(backend["name"]),
                backend["port"].get("number") or backend["port"].get("name"),
            )
            if service is None:
                found = f'<error: services "{backend["name"]}" not found>'
            else:
                found = f"({endpoints_cell(c, service) if port in (service.port, service.port_name) else ''})"
            rows.append(f"                       {path['path']}   {backend['name']}:{port} {found}")
    return [*rows, "Annotations:           <none>", *event_lines(c, of(c, "ingress", name))]


def policy_lines(c: Cluster, body: Body) -> list[str]:
    """Describe a NetworkPolicy of egress ports."""
    spec = body["spec"]
    rows = [
        f"Name:         {body['metadata']['name']}",
        f"Namespace:    {c.ns}",
        "Labels:       <none>",
        "Annotations:  <none>",
        "Spec:",
        "  PodSelector:     " + ",".join(f"{k}={v}" for k, v in spec["podSelector"]["matchLabels"].items()),
        "  Not affecting ingress traffic",
        "  Allowing egress traffic:",
    ]
    for rule in spec["egress"]:
        rows += [f"    To Port: {p['port']}/{p['protocol']}" for p in rule["ports"]] + [
            "    To:",
            "      PodSelector: <none>",
        ]
    return [*rows, "  Policy Types: Egress"]


def custom_lines(c: Cluster, body: Body) -> list[str]:
    """Describe any other object."""
    head = (
        ("Name", body["metadata"]["name"]),
        ("Namespace", c.ns),
        ("API Version", body["apiVersion"]),
        ("Kind", body["kind"]),
    )
    return (
        [f"{k + ':':14}{v}" for k, v in head]
        + tree({k: body[k] for k in ("spec", "status") if k in body}, 0)
        + ["Events:  <none>"]
    )


def row_of(body: Body) -> dict[str, str]:
    """Give an object's columns in its table."""
    name, spec = body["metadata"]["name"], body["spec"]
    shown: dict[str, Callable[[], dict[str, str]]] = {
        "HTTPRoute": lambda: {"HOSTNAMES": str(spec.get("hostnames", "")).replace("'", '"')},
        "VirtualService": lambda: {
            "GATEWAYS": str(spec["gateways"]).replace("'", '"'),
            "HOSTS": str(spec["hosts"]).replace("'", '"'),
        },
        "Ingress": lambda: {
            "CLASS": spec["ingressClassName"],
            "HOSTS": spec["rules"][0]["host"],
            "ADDRESS": "10.31.4.200",
            "PORTS": "80",
        },
        "NetworkPolicy": lambda: {
            "POD-SELECTOR": ",".join(f"{k}={v}" for k, v in spec["podSelector"]["matchLabels"].items())
        },
    }
    return {"NAME": name} | shown[body["kind"]]() | {"AGE": "74d"}


def write_custom(c: Cluster, folder: Path) -> None:
    """Write their tables and descriptions."""
    how = {"Ingress": ingress_lines, "NetworkPolicy": policy_lines}
    for resource, objects in c.custom.items():
        rows = [row_of(body) for body in objects]
        (folder / "get" / f"{resource}.{c.ns}.txt").write_text(
            table([list(rows[0]), *[list(row.values()) for row in rows]])
        )
        write(
            folder / "describe" / f"{resource}.{c.ns}.txt",
            [how.get(body["kind"], custom_lines)(c, body) for body in objects],
        )
