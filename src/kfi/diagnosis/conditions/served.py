"""
What a container serves, as far as anything says so: ports and protocols.

Signs are its declared ports, a PORT variable, its own log, the Services that lead to it, and its other probes where
those succeed. None is proof alone: a declared port is only a remark, and a log line only words.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.containers import Run, logs_of, runs
from kfi.models.schemas import Citation
from kfi.snapshot.pod import Container, Probe
from kfi.snapshot.resources import Service, ServicePort
from kfi.snapshot.view import Log, Snapshot

_LISTENS = re.compile(
    r"\b(?:listen|serv|start|bound|binding|running|accept|expos|ready)\w*\b.{0,60}?(?::|\bport\W{0,3})(\d{2,5})\b",
    re.IGNORECASE,
)
# A port behind another host's name is one that the program asks: "fetching from server at http://config:8888". A name
# after `listening` or `bound` may be the program's own.
_OTHERS = re.compile(
    r"(?://|@|\b[a-z][a-z0-9]{0,60}[.-])(?!(?:localhost|0\.0\.0\.0)\b)[a-z][\w.-]{0,250}:$", re.IGNORECASE
)
_OWN = re.compile(r"(?:listen|bound|binding|accept|expos)", re.IGNORECASE)
_GRPC_LOG = re.compile(r"\bgrpc\b", re.IGNORECASE)
_MAX_CHARS = 1000
_PORT_VARIABLES = ("PORT", "SERVER_PORT", "HTTP_PORT", "GRPC_PORT")
_PROTOCOLS = {
    "grpc": "grpc", "grpcs": "grpc", "http": "http", "http1": "http", "web": "http", "rest": "http", "https": "https",
    "tls": "https", "tcp": "tcp", "redis": "tcp", "mysql": "tcp", "mariadb": "tcp", "postgres": "tcp",
    "postgresql": "tcp", "mongo": "tcp", "mongodb": "tcp", "amqp": "tcp", "kafka": "tcp", "mqtt": "tcp",
    "memcached": "tcp", "memcache": "tcp", "db": "tcp", "sql": "tcp",
}  # fmt: skip


@dataclass(frozen=True)
class Listening:
    """A port that a container's log says it listens on."""

    port: int
    log: Log


def port_number(container: Container, port: int | str | None) -> int | None:
    """Give the number of a port given by number or by a name of this container; None where it has no such name."""
    if isinstance(port, int):
        return port
    if port and port.isascii() and port.isdigit():
        return int(port)
    return next((p.container_port for p in container.ports if port and p.name == port), None)


def declared(container: Container) -> set[int]:
    """Give the TCP ports that a container declares."""
    return {p.container_port for p in container.ports if p.protocol == "TCP"}


def configured(container: Container) -> set[int]:
    """Give the ports that a variable named PORT (or SERVER_PORT, …) sets."""
    values = {env.value for env in container.env if env.name.upper() in _PORT_VARIABLES}
    return {int(value) for value in values if value and value.isascii() and value.isdigit() and len(value) < 6}


def listening(snapshot: Snapshot, run: Run) -> Iterator[Listening]:
    """Yield the ports that the container's log says it listens on."""
    for log in logs_of(snapshot, run):
        match = None if log.failing else _LISTENS.search(log.record.example, 0, _MAX_CHARS)
        if match and 0 < int(match[1]) < 65536 and not _asks(match):
            yield Listening(int(match[1]), log)


def _asks(match: re.Match[str]) -> bool:
    """Tell whether the port is one of another host, which the program asks."""
    return not _OWN.match(match[0]) and bool(_OTHERS.search(match[0][: match.start(1) - match.start()]))


def leading_to(snapshot: Snapshot, run: Run) -> Iterator[tuple[Service, ServicePort, int | None]]:
    """Yield the Service ports that lead to a container's Pod, with the number of their target in this container."""
    for service in snapshot.topology.services_of(run.pod.ref):
        for port in service.spec.ports:
            target = port.port if port.target_port is None else port.target_port
            yield service, port, port_number(run.spec, target)


def probes(container: Container) -> dict[str, Probe]:
    """Give a container's probes by kind."""
    found = {
        "liveness": container.liveness_probe,
        "readiness": container.readiness_probe,
        "startup": container.startup_probe,
    }
    return {kind: probe for kind, probe in found.items() if probe is not None}


def protocols_on(snapshot: Snapshot, run: Run, port: int) -> dict[str, tuple[Citation, ...]]:
    """Give the protocols that something says the container speaks on a port, each with the line that says it."""
    found: dict[str, tuple[Citation, ...]] = {}
    for container_port in run.spec.ports:
        named = protocol_of_name(container_port.name)
        if container_port.container_port == port and named:
            found.setdefault(named, snapshot.cite(run.pod.ref, run.spec_at("ports")))
    for service, service_port, number in leading_to(snapshot, run):
        named = protocol_of_name(service_port.name)
        if number == port and named:
            found.setdefault(named, snapshot.cite(service.ref, ("spec", "ports", service_port.name, "name")))
    for heard in listening(snapshot, run):
        if heard.port == port and _GRPC_LOG.search(heard.log.record.example, 0, _MAX_CHARS):
            found.setdefault("grpc", (heard.log.citation,))
    return found


def protocol_of_name(name: str) -> str:
    """Give the protocol that a port's name stands for, by the convention `<protocol>[-<suffix>]`; empty where none.

    >>> protocol_of_name("grpc-api"), protocol_of_name("tcp-redis"), protocol_of_name("metrics")
    ('grpc', 'tcp', '')
    """
    return _PROTOCOLS.get(name.partition("-")[0].lower(), "")


def in_pod(run: Run) -> set[int]:
    """Give the TCP ports that any container of the Pod declares: they share one network."""
    return {port for other in runs(run.pod) for port in declared(other.spec)}
