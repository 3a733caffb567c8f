"""
What is wrong with a route by itself: its Service is not there, has no such port, or has nobody behind it.

A Service counts as missing only if a complete list, the object's own status or `describe` says so; among manifests
alone, if others of its namespace were given and it was not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.manifest_faults import only_declared
from kfi.diagnosis.conditions.service_evidence import has_endpoints, no_endpoints, only_rows
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Service
from kfi.snapshot.routes import Route
from kfi.snapshot.view import Event, Log, Snapshot

_NOT_FOUND = re.compile(r"not found", re.IGNORECASE)
_MAX_CHARS = 2000


@dataclass(frozen=True)
class Fault:
    """Why a route leads nowhere."""

    said: str
    """What is wrong, as the end of a sentence about the route."""
    lines: tuple[Citation, ...]
    strength: float


def missing_backend(snapshot: Snapshot, route: Route) -> Fault | None:
    """Tell whether a route's Service does not exist."""
    service = snapshot.objects.get(route.service)
    if service is not None and (service.observed or only_declared(snapshot, service.ref)):
        return None
    said = f"Service {route.service.name}, which does not exist in namespace {route.service.namespace}"
    proof = _told_missing(snapshot, route)
    if proof:
        return Fault(said, proof, 0.95)
    absent = snapshot.absent(route.service)
    if absent:
        return Fault(said, (absent,), 0.95)
    homeless = snapshot.absent(route.service.home)
    if homeless:
        said = f"Service {route.service.name} of namespace {route.service.namespace}, which does not exist"
        return Fault(said, (homeless,), 0.95)
    given = (one for one in snapshot.kube_services if one.namespace == route.service.namespace)
    if service is None and only_declared(snapshot, route.owner) and any(not one.observed for one in given):
        said = f"Service {route.service.name}, which is not among the objects of the namespace that were given"
        return Fault(said, (), 0.5)
    return None


def _told_missing(snapshot: Snapshot, route: Route) -> tuple[Citation, ...]:
    """Give what `describe` or the controller says of a Service that it does not find."""
    described: Path = (*route.at[:-1], "kfiEndpoints")
    lines = tuple(line for line in snapshot.cite(route.owner, described) if _NOT_FOUND.search(line.text))
    return lines or controller_says(snapshot, route.owner, route.service.name, _NOT_FOUND)


def controller_says(snapshot: Snapshot, owner: ObjectRef, name: str, what: re.Pattern[str]) -> tuple[Citation, ...]:
    """Give what Events about a route, or a controller's log, say of a thing that it names."""
    events = [e for e in snapshot.events_of(owner) if e.type != "Normal" and name in e.message]
    said: list[Event | Log] = [e for e in events if what.search(e.message)]
    place = f"{owner.namespace}/{name}"
    whole = re.compile(rf"{re.escape(place)}(?![-\w.])")
    for log in snapshot.logs:
        text = log.record.example
        if place in text and whole.search(text, 0, _MAX_CHARS) and what.search(text, 0, _MAX_CHARS):
            said.append(log)
    return tuple(one.citation for one in said[:2])


def missing_port(snapshot: Snapshot, route: Route) -> Fault | None:
    """Tell whether a route's Service has no such port."""
    service = snapshot.objects.get(route.service)
    if not isinstance(service, Service) or route.port is None or not service.spec.ports:
        return None
    ports = service.spec.ports
    if isinstance(route.port, str) and (only_rows(snapshot, service.ref) or not any(p.name for p in ports)):
        return None  # a table shows no names
    if any(route.port in (port.port, port.name) for port in ports) or service.spec.type == "ExternalName":
        return None
    have = ", ".join(f"{p.port}{f' ({p.name})' if p.name else ''}" for p in ports)
    lines = snapshot.cite(service.ref, *[("spec", "ports", service.port_key(port), "port") for port in ports[:3]])
    meant = route.port if isinstance(route.port, int) else f"{route.port!r}"
    said = f"port {meant} of Service {service.name}, which has {have}"
    return Fault(said, (*lines, *no_endpoints(snapshot, service)[:1]), 0.95 if service.observed else 0.8)


def unserved(snapshot: Snapshot, route: Route) -> Fault | None:
    """Tell whether a route's Service has nobody behind it."""
    service = snapshot.objects.get(route.service)
    if not isinstance(service, Service) or not service.observed or service.spec.type == "ExternalName":
        return None
    gone = no_endpoints(snapshot, service)
    pods = [pod for pod in snapshot.topology.selected(service) if not pod.finished]
    unready = pods and has_endpoints(snapshot, service) is None and not any(pod.ready for pod in pods)
    if not gone and not unready:
        return None
    lines = gone or tuple(line for pod in pods[:2] for line in snapshot.cite_row(pod.ref))
    return Fault(f"Service {service.name}, which has no ready endpoint", lines, 0.7)


def dead_routes(snapshot: Snapshot) -> Iterator[tuple[Route, Fault]]:
    """Yield the routes of live objects that lead to nothing, each with the reason."""
    for route in snapshot.topology.routes:
        owner = snapshot.objects.get(route.owner)
        fault = missing_backend(snapshot, route) or missing_port(snapshot, route) or unserved(snapshot, route)
        if fault and owner is not None and owner.observed:
            yield route, fault
