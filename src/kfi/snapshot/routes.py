"""
Which paths lead to which Services: of Ingresses, Gateway API routes and VirtualServices in one form.

Where a backend is no Service (a bucket, another mesh's host), there is no route here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.models.schemas import ObjectRef
from kfi.snapshot.provenance import Path
from kfi.snapshot.proxy_routes import ProxyRoute, ProxyRule
from kfi.snapshot.routing import (
    GatewayRoute,
    Ingress,
    IngressBackend,
    MeshRoute,
    RouteMatch,
    VirtualService,
)
from kfi.snapshot.view import Snapshot

# Traefik: Host(`shop.example`) && PathPrefix(`/cart`)
_HOST_RULE = re.compile(r"\bHost\([`\"']([^`\"']{1,253})")
_PATH_RULE = re.compile(r"\bPath(?:Prefix)?\([`\"'](/[^`\"']{0,500})")


@dataclass(frozen=True)
class Route:
    """One way from a host and path to a Service's port."""

    owner: ObjectRef
    """The Ingress, HTTPRoute or VirtualService that says so."""
    host: str
    path: str
    service: ObjectRef
    port: int | str | None
    at: Path
    """Where the backend stands in its owner."""
    subset: str = ""

    @property
    def place(self) -> str:
        """`host/path` as a person says it."""
        return f"{self.host or '*'}{self.path or '/'}"


def routes_of(snapshot: Snapshot) -> Iterator[Route]:
    """Yield every route of a snapshot."""
    for ingress in snapshot.of(Ingress):
        yield from _of_ingress(ingress)
    for route in snapshot.of(GatewayRoute):
        yield from _of_gateway_route(route)
    for mesh in snapshot.of(VirtualService):
        yield from _of_virtual_service(mesh)
    for proxied in snapshot.of(ProxyRoute):
        yield from _of_proxy_route(proxied)


def _of_proxy_route(proxied: ProxyRoute) -> Iterator[Route]:
    for index, rule in enumerate(proxied.spec.routes):
        host, path = _place_of(rule)
        for number, to in enumerate(rule.services):
            # Services of Traefik's own kind, and names of other providers (api@internal), are none of Kubernetes'.
            if to.kind == "Service" and to.name and "@" not in to.name and to.weight != 0:
                at = ("spec", "routes", str(index), "services", to.name or str(number), "name")
                service = _service(proxied.ref, to.name, to.namespace)
                yield Route(proxied.ref, host or proxied.spec.virtualhost.fqdn, path, service, to.port, at)


def _place_of(rule: ProxyRule) -> tuple[str, str]:
    host, path = _HOST_RULE.search(rule.match), _PATH_RULE.search(rule.match)
    prefix = "".join(condition.prefix for condition in rule.conditions)
    return (host[1] if host else "", path[1] if path else prefix or "/")


def _of_ingress(ingress: Ingress) -> Iterator[Route]:
    spec = ingress.spec
    for index, rule in enumerate(spec.rules):
        for number, path in enumerate(rule.http.paths):
            at = ("spec", "rules", str(index), "http", "paths", str(number), "backend")
            yield from _to_backend(ingress.ref, path.backend, (rule.host, path.path), at)
    for field, backend in (("defaultBackend", spec.default_backend), ("backend", spec.backend)):
        if backend:
            yield from _to_backend(ingress.ref, backend, ("", ""), ("spec", field))


def _to_backend(owner: ObjectRef, backend: IngressBackend, place: tuple[str, str], at: Path) -> Iterator[Route]:
    name, port = backend.target
    if name and not name.startswith("<"):
        path = (*at, "service", "name") if backend.service else (*at, "serviceName")
        yield Route(owner, *place, _service(owner, name), port, path)


def _service(owner: ObjectRef, name: str, namespace: str = "") -> ObjectRef:
    home = namespace or owner.namespace
    return ObjectRef(cluster=owner.cluster, kind="Service", namespace=home, name=name)


def _of_gateway_route(route: GatewayRoute) -> Iterator[Route]:
    host = route.spec.hostnames[0] if route.spec.hostnames else ""
    for index, rule in enumerate(route.spec.rules):
        path = _path_of(rule.matches)
        for number, backend in enumerate(rule.backend_refs):
            if backend.kind == "Service" and backend.group in ("", "core") and backend.weight:
                key = backend.name or str(number)
                at = ("spec", "rules", str(index), "backendRefs", key, "name")
                yield Route(
                    route.ref, host, path, _service(route.ref, backend.name, backend.namespace), backend.port, at
                )


def _path_of(matches: tuple[RouteMatch, ...]) -> str:
    return next((match.path.value for match in matches if match.path), "/")


def _of_virtual_service(mesh: VirtualService) -> Iterator[Route]:
    host = next(iter(mesh.spec.hosts), "")
    for field, routes in (("http", mesh.spec.http), ("tcp", mesh.spec.tcp), ("tls", mesh.spec.tls)):
        for index, route in enumerate(routes):
            for number, weighted in enumerate(route.route):
                to = weighted.destination
                service = service_of_host(mesh.ref, to.host)
                if service and weighted.weight != 0:
                    at = ("spec", field, str(index), "route", str(number), "destination", "host")
                    yield Route(mesh.ref, host, _uri_of(route), service, to.port.number, at, to.subset)


def _uri_of(route: MeshRoute) -> str:
    uris = (match.uri for match in route.match)
    return next((uri.prefix or uri.exact or uri.regex for uri in uris if uri.prefix or uri.exact or uri.regex), "/")


def service_of_host(owner: ObjectRef, host: str) -> ObjectRef | None:
    """Give the Service that a mesh's host name means; None where it is a name of the world outside.

    A short name is of the namespace of the object that says it. Source: Istio, Destination.host.
    """
    name, *rest = host.split(".")
    if not name or "*" in host:
        return None
    if not rest:
        return _service(owner, name)
    if rest[1:2] == ["svc"]:
        return _service(owner, name, rest[0])
    return None
