"""
What the log of a gateway shows of a route that leads past the application it is meant for.

Its configuration is often part of its image, where nobody sees it; then only whom it sent a request to tells: a port
that the Service does not have, or another application, which does not know the path.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from kfi.diagnosis.conditions.access_log import not_found
from kfi.diagnosis.conditions.blame import unreachable
from kfi.diagnosis.conditions.database_servers import Servers
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.route_words import Apps, words_of
from kfi.diagnosis.conditions.settings import specified
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.resources import Service
from kfi.snapshot.view import Log, Snapshot

_PROXIES = frozenset(
    "nginx openresty haproxy envoy traefik kong caddy apisix zuul krakend gateway apigateway gw".split()
)
_NAMES = frozenset("gateway apigateway gw ingress edge".split())
_PARTS = re.compile(r"[a-z0-9]+")
_REQUEST = re.compile(r"\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s+\"?(?P<path>/[^\s\"?]{0,500})")
_STATUS = re.compile(r"(?<![\w.:/-])(?P<status>[2-5]\d\d)(?![\w.:/-])")
_TARGET = re.compile(r"(?<![\w.-])(?P<host>[a-z0-9](?:[-a-z0-9.]{0,200}[a-z0-9])?):(?P<port>\d{2,5})\b", re.IGNORECASE)
_MAX_CHARS = 4000


@dataclass(frozen=True)
class Strayed:
    """Requests for an application that a gateway sent elsewhere."""

    meant: Service
    gateway: ObjectRef
    said: str
    """Where they went, as the end of a sentence about the gateway."""
    lines: tuple[Citation, ...]
    strength: float


def is_gateway(snapshot: Snapshot, workload: ObjectRef) -> bool:
    """Tell whether a workload passes requests on to applications, by its image or its name."""
    if _NAMES & set(_PARTS.findall(workload.name.lower())):
        return True
    one = specified(snapshot, workload)
    images = (container.image.rpartition("/")[2].partition(":")[0] for container in one.spec.containers) if one else ()
    return any(_PROXIES & set(_PARTS.findall(image.lower())) for image in images)


def strayed(snapshot: Snapshot) -> Iterator[Strayed]:
    """Yield what gateways sent past the applications that it was meant for, once for each of these."""
    spoken: dict[ObjectRef, list[Log]] = {}
    for log in snapshot.logs:
        if log.ref.kind not in ("", "Node") and not log.record.unit:
            spoken.setdefault(snapshot.topology.workload(log.ref), []).append(log)
    gateways = {ref: logs for ref, logs in spoken.items() if is_gateway(snapshot, ref)}
    if not gateways:
        return
    places, past, servers = _Places.of(snapshot), PastErrors.of(snapshot), Servers(snapshot)
    for ref in sorted(gateways, key=str):
        logs = [log for log in gateways[ref] if not past.holds(log)]
        told = [*_to_wrong_ports(ref, logs, places), *_to_others(snapshot, ref, logs, places)]
        # What a variable names is no route, and a cache or database of the gateway's own no application.
        own = {service.ref for who, service, _ in snapshot.topology.addresses if who == ref and service}
        applied = (one for one in reversed(told) if one.meant.ref not in own and not servers.behind(one.meant))
        yield from {one.meant.ref: one for one in applied}.values()


@dataclass(frozen=True)
class _Places:
    """The Services by address and by name, and by the addresses of the Pods that they select."""

    by_pod: Mapping[str, Service]
    by_address: Mapping[str, Service]
    by_name: Mapping[tuple[str, str], Service]

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Places:
        """Give those of a snapshot; a host's own address stands for no Pod."""
        services = [service for service in snapshot.kube_services if service.observed]
        addresses = {s.spec.cluster_ip: s for s in services if s.spec.cluster_ip not in ("", "None")}
        pods: dict[str, Service] = {}
        for pod in snapshot.pods:
            mine = snapshot.topology.services_of(pod.ref) if pod.status.pod_ip and not pod.spec.host_network else ()
            if mine:
                pods[pod.status.pod_ip] = mine[0]
        return cls(pods, addresses, {(service.namespace, service.name): service for service in services})

    def asked(self, text: str, home: str) -> dict[ObjectRef, tuple[Service, int]]:
        """Give the Services that a line names with a port."""
        found: dict[ObjectRef, tuple[Service, int]] = {}
        for match in _TARGET.finditer(text):
            name, _, rest = match["host"].lower().partition(".")
            namespace = rest.partition(".")[0] or home
            service = self.by_address.get(match["host"]) or self.by_name.get((namespace, name))
            service = service or self.by_pod.get(match["host"])
            if service:
                found[service.ref] = (service, int(match["port"]))
        return found


def _texts(log: Log) -> str:
    parts = (log.record.example, log.citation.text, log.record.stack)
    return "\n".join(part[:_MAX_CHARS] for part in parts)


def _to_wrong_ports(gateway: ObjectRef, logs: list[Log], places: _Places) -> Iterator[Strayed]:
    """Yield requests that failed at a port which the Service they were sent to does not have."""
    for log in logs:
        text = _texts(log)
        if not unreachable(log) and not (_REQUEST.search(text) and (log.failing or _failed(text))):
            continue
        # The ports of a Service's Pods are others; what those listen on is no business of a route.
        to_services = replace(places, by_pod={})
        for service, port in to_services.asked(text, gateway.namespace).values():
            ports = service.spec.ports
            if ports and all(port != p.port for p in ports):
                have = ", ".join(str(p.port) for p in ports)
                said = f"to port {port} of Service {service.name}, which has {have}"
                yield Strayed(service, gateway, said, (log.citation,), 0.9)


def _failed(text: str) -> bool:
    return any(match["status"] >= "500" for match in _STATUS.finditer(text))


def _to_others(snapshot: Snapshot, gateway: ObjectRef, logs: list[Log], places: _Places) -> Iterator[Strayed]:
    """Yield requests for one application that another answered with 404, and never with anything better."""
    apps = Apps(snapshot, {gateway.namespace})
    sent: dict[tuple[ObjectRef, ObjectRef], list[tuple[Log, str, bool]]] = {}
    for log in logs:
        text = _texts(log)
        request, statuses = _REQUEST.search(text), {match["status"] for match in _STATUS.finditer(text)}
        asked = places.asked(text, gateway.namespace) if request and statuses else {}
        words = words_of(request["path"]) if request else frozenset()
        meant = apps.named(words) if len(asked) == 1 else []
        if len(meant) == 1:
            ((other, _),) = asked.values()
            if other.ref != meant[0].ref and not apps.is_named(other.name, words) and request:
                refused = "404" in statuses and not any(status < "400" for status in statuses)
                sent.setdefault((meant[0].ref, other.ref), []).append((log, request["path"], refused))
    for (app, other_ref), found in sent.items():
        one, behind = places.by_name.get((app.namespace, app.name)), snapshot.topology.behind(other_ref)
        calls = snapshot.topology.calls.get(behind, frozenset()) if behind else frozenset()
        if one is None or not all(refused for _, _, refused in found) or snapshot.topology.behind(app) in calls:
            continue
        strange = [line for _, path, _ in found[:3] for line in not_found(snapshot, behind, path)]
        said = f"to Service {other_ref.name}, which is another application's and answers 404"
        lines = (*(log.citation for log, _, _ in found[:2]), *strange[:2])
        yield Strayed(one, gateway, said, lines, 0.85 if strange else 0.6)
