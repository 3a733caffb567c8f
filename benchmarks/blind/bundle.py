"""A whole bundle, file by file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from .custom import write_custom
from .describe import write, write_describe
from .machines import node_lines, unit_text
from .manifests import manifest
from .model import Cluster, Node, Service
from .tables import backing, write_get


def check(c: Cluster, service: Service) -> str:
    """Give what nc said of one Service."""
    host = f"{service.name}.{c.ns}"
    up, _, _ = backing(c, service)
    listening = any(
        x.port == int(up[0].rpartition(":")[2]) or service.target == x.port_name
        for a in c.apps.values()
        for p in a.pods
        if up and p.ip == up[0].partition(":")[0]
        for x in a.containers
    )
    if service.name in c.cut:
        return c.cut[service.name].format(host=host, ip=service.ip, port=service.port)
    if up and service.protocol == "TCP" and listening:
        return (
            f"Connection to {host} ({service.ip if service.ip != 'None' else up[0].partition(':')[0]}) "
            f"{service.port} port [tcp/*] "
            f"succeeded!"
        )
    if service.headless and not up:
        return f'nc: getaddrinfo for host "{host}" port {service.port}: Name or service not known'
    return f"nc: connect to {host} ({service.ip}) port {service.port} (tcp) failed: Connection refused"


def check_from(c: Cluster, service: Service, node: Node | None) -> Iterator[str]:
    """Yield the command and its answer, from one place or from a node."""
    said = check(c, service)
    if node and node.name in c.unproxied and not service.headless:
        where = f"{service.name}.{c.ns} ({service.ip}) port {service.port}"
        said = f"nc: connect to {where} (tcp) timed out: Operation in progress"
    yield f"{f'[{node.name}] ' if node else ''}$ nc -zv -w 3 {service.name}.{c.ns} {service.port}"
    yield said


def write_logs(c: Cluster, folder: Path) -> None:
    """Write the logs of the namespace's workloads and of the system's."""
    logs = {f"{c.ns}/{app.name}": app.logs for app in c.apps.values() if app.logs}
    logs |= {name if "/" in name else f"kube-system/{name}": rows for name, rows in c.system_logs.items()}
    for name, rows in logs.items():
        path = folder / f"{name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(rows) + "\n")


def write_units(c: Cluster, folder: Path) -> None:
    """Write what systemctl said of each node's services, where they are services."""
    for node in c.nodes:
        (folder / node.name).mkdir()
        for unit in ("kubelet", "containerd", "kube-proxy", *(["kube-scheduler"] if node.control else [])):
            given = c.units.get((node.name, unit))
            if given != []:
                text = "\n".join(given) + "\n" if given else unit_text(c, node, unit)
                (folder / node.name / f"{unit}.txt").write_text(text)


def write_bundle(c: Cluster, folder: Path) -> None:
    """Write the whole bundle."""
    for part in ("get", "describe", "manifests", "nodes", "checks", "logs"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / "timestamp").write_text(c.now.isoformat() + "\n")
    write_get(c, folder / "get")
    write_describe(c, folder / "describe")
    write(folder / "describe" / f"nodes.{c.ns}.txt", [node_lines(c, node) for node in c.nodes])
    write_custom(c, folder)
    for app in c.apps.values():
        (folder / "manifests" / f"{app.name}.yaml").write_text(manifest(c, app))
    write_logs(c, folder / "logs")
    write_units(c, folder / "nodes")
    (folder / "alerts.json").write_text(json.dumps(c.alerts, indent=1))
    calls = [(app.name, c.apps[role].name) for app in c.apps.values() for role in app.calls]
    edges = [{"parent": parent, "child": child, "callCount": c.rng.randint(1, 90)} for parent, child in calls]
    (folder / "dependencies.json").write_text(json.dumps({"data": edges}, indent=1))
    services = [service for app in sorted(c.apps.values(), key=lambda a: a.name) for service in app.services]
    places: list[Node | None] = [*c.nodes[1:]] if c.per_node_checks else [None]
    lines = [line for service in services for place in places for line in check_from(c, service, place)]
    (folder / "checks" / "connectivity.txt").write_text("\n".join(lines) + "\n")
