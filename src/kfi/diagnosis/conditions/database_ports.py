"""
Clients that ask a database (or another Service) on a port that it does not have: by their settings, else by their log.

Where a client's settings name the port the line to mend is known; a log shows only what was dialled. When several
clients agree on a port, or the port they ask is the one the engine always has, the Service is the odd one.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from kfi.diagnosis.conditions.blame import unreachable
from kfi.diagnosis.conditions.database_addresses import DatabaseAddress
from kfi.diagnosis.conditions.database_servers import DEFAULT_PORTS, Servers, is_store
from kfi.diagnosis.conditions.gateway_logs import is_gateway
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.service_evidence import workload_logs
from kfi.diagnosis.words.database import DB_WRONG_PORT
from kfi.diagnosis.words.service import ENV_ADDRESS_MISMATCH, SERVICE_PORT_MISMATCH
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.resources import Service
from kfi.snapshot.view import Log, Snapshot

_MAX_CHARS = 4000
# cart-db:3307, 10.0.0.9:3307, and libpq's: "cart-db" (10.0.0.9), port 5433
_DIALLED = re.compile(
    r"(?<![\w.-])(?P<host>[a-z0-9](?:[-a-z0-9.]{0,200}[a-z0-9])?)"
    r"(?::|\"? ?(?:\([\d.]{7,15}\))?,? port:? ?)(?P<port>\d{2,5})\b",
    re.IGNORECASE,
)
# address=(host=cart-db)(port=3307), of MariaDB's driver; host='cart-db', port=5433
_NAMED = re.compile(
    r"\bhost(?:name)?[\"']?\s?[=:]\s?[\"']?(?P<host>[a-z0-9][-a-z0-9.]{0,200})[\"']?\W{1,4}"
    r"port[\"']?\s?[=:]\s?[\"']?(?P<port>\d{2,5})\b",
    re.IGNORECASE,
)


# What a client of the classic protocol says of a server that answers with MySQL's other one, on port 33060.
# Source: Connector/J's and libmysqlclient's own messages.
_OTHER_PROTOCOL = re.compile(
    r"connecting to an X Protocol port|Protocol mismatch; server version = 11, client version = 10", re.IGNORECASE
)


@dataclass(frozen=True)
class _Asked:
    """A port that a client asks of a Service, and the lines that show it."""

    client: ObjectRef
    service: Service
    port: int
    lines: tuple[Citation, ...]
    words: str
    store: bool = False
    """It is a database proper, not a cache or broker."""
    sure: float = 0.8


def wrong_ports(snapshot: Snapshot, servers: Servers, unwell: frozenset[ObjectRef]) -> Iterator[Finding]:
    """Yield ports that databases do not have, each once a client."""
    asked = {(one.client, one.service.ref): one for one in _told(snapshot, servers)}
    asked = {**asked, **{(one.client, one.service.ref): one for one in _set(snapshot, servers, unwell)}}
    by_service: dict[ObjectRef, list[_Asked]] = defaultdict(list)
    for one in asked.values():
        by_service[one.service.ref].append(one)
    yield from _other_protocol(snapshot, servers)
    for group in by_service.values():
        ports = {one.port for one in group}
        if len(group) > 1 and len(ports) == 1:
            yield _of_service(snapshot, group)
        else:
            yield from (_found(snapshot, one) for one in group)


def _other_protocol(snapshot: Snapshot, servers: Servers) -> Iterator[Finding]:
    """Yield clients that reach a port of the database which speaks another protocol, by what they say of its answer."""
    past: PastErrors | None = None
    told: dict[ObjectRef, Log] = {}
    for log in snapshot.logs:
        said = any(_OTHER_PROTOCOL.search(text, 0, _MAX_CHARS) for text in (log.record.example, log.record.stack))
        if said and log.ref.kind not in ("", "Node"):
            past = past or PastErrors.of(snapshot)
            if not past.holds(log):
                told[snapshot.topology.workload(log.ref)] = log
    for client, log in told.items():
        ports = [a for a in servers.addresses(client) if a.port and a.port != DEFAULT_PORTS["mysql"]]
        lines = [line for a in ports[:2] for line in (a.port_setting or a.setting).lines(snapshot, str(a.port))[:1]]
        set_to = f"is set to port {ports[0].port}, which" if ports else "asks a port of its database that"
        message = f"{client.kind} {client.name} {set_to} answers with MySQL's X Protocol, not the classic one."
        yield DB_WRONG_PORT.found(client, message, (log.citation, *lines), strength=0.95 if ports else 0.9)


def _found(snapshot: Snapshot, one: _Asked) -> Finding:
    rule = DB_WRONG_PORT if one.store else ENV_ADDRESS_MISMATCH
    message = (
        f"{one.client.kind} {one.client.name} {one.words}, but Service {one.service.name} has port "
        f"{_ports(one.service)}, not {one.port}."
    )
    lines = (*one.lines, *_port_lines(snapshot, one.service))
    return rule.found(one.client, message, lines[:6], strength=one.sure)


def _of_service(snapshot: Snapshot, group: list[_Asked]) -> Finding:
    service, who = group[0].service, ", ".join(sorted(one.client.name for one in group)[:4])
    message = f"Service {service.name} has port {_ports(service)}, but its clients ({who}) use {group[0].port}."
    lines = (*_port_lines(snapshot, service), *(line for one in group for line in one.lines[:2]))
    affects = [one.client for one in group]
    return SERVICE_PORT_MISMATCH.found(service.ref, message, lines[:6], strength=0.85, affects=affects)


def _ports(service: Service) -> str:
    return ", ".join(str(port.port) for port in service.spec.ports)


def _port_lines(snapshot: Snapshot, service: Service) -> tuple[Citation, ...]:
    paths = [("spec", "ports", service.port_key(port), "port") for port in service.spec.ports]
    return snapshot.cite(service.ref, *paths)[:1] or snapshot.cite_row(service.ref)


def _lacks(service: Service, port: int) -> bool:
    """Tell whether a Service is known not to have a port."""
    known = service.observed and service.spec.ports and service.spec.type != "ExternalName"
    return bool(known) and all(port != p.port for p in service.spec.ports)


def _set(snapshot: Snapshot, servers: Servers, unwell: frozenset[ObjectRef]) -> Iterator[_Asked]:
    """Yield wrong ports that a client's settings name; those of plain variables are the address rules' business."""
    told = {(who, a.variable) for who, service, a in snapshot.topology.addresses if service and a.port}
    for client in servers.workloads:
        for address in servers.addresses(client):
            service = snapshot.find("Service", address.namespace, address.host, client.cluster)
            if not isinstance(service, Service) or (client, address.setting.name) in told:
                continue
            server = servers.behind(service)
            engine = address.engine or (server.engine if server else "")
            port = address.port or (DEFAULT_PORTS.get(address.engine) if address.engine else None)
            if port and (server or address.engine) and _lacks(service, port) and not _declares(snapshot, service, port):
                one = _asked_by_setting(snapshot, client, service, address, port)
                ill = client in unwell or len(one.lines) > 1
                yield replace(one, store=is_store(engine), sure=0.96 if ill else 0.85)


def _declares(snapshot: Snapshot, service: Service, port: int) -> bool:
    """Tell whether a Service was applied with a port that it now lacks: then it changed, not its client."""
    declared = snapshot.declared.get(service.ref)
    return isinstance(declared, Service) and any(port == p.port for p in declared.spec.ports)


def _asked_by_setting(
    snapshot: Snapshot, client: ObjectRef, service: Service, address: DatabaseAddress, port: int
) -> _Asked:
    where = address.port_setting or address.setting
    logs = [log for log in workload_logs(snapshot, client) if unreachable(log)]
    lines = (*where.lines(snapshot, str(address.port or address.host))[:1], *(log.citation for log in logs[-1:]))
    named = "its arguments" if where.name in ("args", "command") else where.name
    return _Asked(client, service, port, lines, f"is set to port {port} by {named}")


def _told(snapshot: Snapshot, servers: Servers) -> Iterator[_Asked]:
    """Yield wrong ports that a client's log says it dialled in vain."""
    by_name = {(s.namespace, s.name): s for s in snapshot.kube_services}
    by_ip = {s.spec.cluster_ip: s for s in snapshot.kube_services if s.spec.cluster_ip not in ("", "None")}
    past: PastErrors | None = None
    for log in snapshot.logs:
        if log.ref.kind in ("", "Node") or not unreachable(log):
            continue
        client = snapshot.topology.workload(log.ref)
        for host, port in _dialled(log):
            service = by_ip.get(host) or by_name.get(_home(host, client.namespace))
            if service is None or not _lacks(service, port) or snapshot.topology.meant_by(service) == client:
                continue
            if servers.behind(service) is None and is_gateway(snapshot, client):
                continue  # where a gateway sends requests is a route, and told as one
            past = past or PastErrors.of(snapshot)
            if not past.holds(log) and not _declares(snapshot, service, port):
                yield _asked_in_log(servers, client, service, log, port)


def _dialled(log: Log) -> Iterator[tuple[str, int]]:
    text = log.text[:_MAX_CHARS]
    for match in (*_DIALLED.finditer(text), *_NAMED.finditer(text)):
        yield match["host"].lower(), int(match["port"])


def _home(host: str, namespace: str) -> tuple[str, str]:
    labels = host.split(".")
    return (labels[1] if len(labels) > 1 else namespace, labels[0])


def _asked_in_log(servers: Servers, client: ObjectRef, service: Service, log: Log, port: int) -> _Asked:
    server = servers.behind(service)
    store = server is not None and is_store(server.engine)
    return _Asked(client, service, port, (log.citation,), f"dials port {port}", store, 0.9 if store else 0.8)
