"""
Gateway API and mesh: routes that their Gateway does not accept, and what proxies log of requests that failed.

The status of routes and Gateways is their controller's word; where it says nothing, names are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from kfi.diagnosis.conditions.access_log import Failed, failed_requests
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.route_words import alike
from kfi.diagnosis.words.routing import (
    DESTINATION_SUBSET_MISSING,
    NO_ROUTE,
    REFERENCE_NOT_GRANTED,
    ROUTE_NOT_ACCEPTED,
    UPSTREAM_ERRORS,
)
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.objects import Condition
from kfi.snapshot.routes import Route, service_of_host
from kfi.snapshot.routing import Gateway, GatewayRoute, MeshHost, ParentRef, ReferenceGrant, VirtualService
from kfi.snapshot.view import Log, Snapshot

RULES = (ROUTE_NOT_ACCEPTED, REFERENCE_NOT_GRANTED, DESTINATION_SUBSET_MISSING, UPSTREAM_ERRORS, NO_ROUTE)

# Of these reasons other rules say more.
_TOLD_ELSEWHERE = frozenset({"BackendNotFound", "RefNotPermitted"})
_PENDING = timedelta(minutes=2)
_GROUP = "gateway.networking.k8s.io"


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield routes that are not accepted, Gateways that are not set up, and requests that proxies could not serve."""
    for route in snapshot.live(GatewayRoute):
        yield from _not_accepted(snapshot, route)
        yield from _without_gateway(snapshot, route)
    for mesh in snapshot.of(VirtualService):
        yield from _on_no_gateway(snapshot, mesh)
    for gateway in snapshot.live(Gateway):
        yield from _not_set_up(snapshot, gateway)
    for way in snapshot.topology.routes:
        yield from _not_granted(snapshot, way)
        yield from _no_subset(snapshot, way)
    yield from _failed(snapshot)


def _not_accepted(snapshot: Snapshot, route: GatewayRoute) -> Iterator[Finding]:
    for index, parent in enumerate(route.status.parents):
        for condition in parent.conditions:
            refused = condition.type in ("Accepted", "ResolvedRefs") and condition.status == "False"
            if not refused or condition.reason in _TOLD_ELSEWHERE:
                continue
            at = ("status", "parents", str(index), "conditions", condition.type)
            lines = snapshot.cite(route.ref, (*at, "reason"), (*at, "message"), ("spec", "parentRefs"))
            message = (
                f"{route.ref.kind} {route.name} is not accepted by Gateway {parent.parent_ref.name} "
                f"({condition.type}=False, {_said(condition)})."
            )
            yield ROUTE_NOT_ACCEPTED.found(
                route.ref,
                message,
                lines,
                strength=0.93,
                since=condition.last_transition_time,
                affects=_behind(snapshot, route),
            )


def _said(condition: Condition) -> str:
    message = condition.message.strip().rstrip(".")[:200]
    return f"{condition.reason}: {message}" if message else condition.reason or "no reason given"


def _behind(snapshot: Snapshot, route: GatewayRoute | VirtualService) -> list[ObjectRef]:
    """Give the Services of a route, and their workloads."""
    services = [way.service for way in snapshot.topology.routes if way.owner == route.ref]
    workloads = [snapshot.topology.behind(ref) for ref in services if ref in snapshot.objects]
    return list(dict.fromkeys([*services, *(ref for ref in workloads if ref)]))


def _without_gateway(snapshot: Snapshot, route: GatewayRoute) -> Iterator[Finding]:
    """Yield a route whose Gateway does not exist: nobody writes its status then."""
    for index, parent in enumerate(route.spec.parent_refs):
        ref = _gateway(route, parent)
        absent = snapshot.absent(ref) if parent.kind == "Gateway" else None
        if absent and not route.status.parents:
            what = f"Gateway {ref.name}, which namespace {ref.namespace} does not have"
            message = f"{route.ref.kind} {route.name} hangs on {what}."
            key = parent.name or str(index)
            lines = (*snapshot.cite(route.ref, ("spec", "parentRefs", key, "name")), absent)
            yield ROUTE_NOT_ACCEPTED.found(route.ref, message, lines, strength=0.95, affects=_behind(snapshot, route))


def _on_no_gateway(snapshot: Snapshot, mesh: VirtualService) -> Iterator[Finding]:
    """Yield a VirtualService of which no Gateway exists that it names: only those, and `mesh`, are given its routes."""
    named = [(name, _gateway_named(mesh, name)) for name in mesh.spec.gateways]
    if not named or any(name == "mesh" or ref in snapshot.objects for name, ref in named):
        return
    # Manifests are not all there is: without a list only a name much like that of a Gateway beside it is a mistake.
    proof = [snapshot.absent(ref) for _, ref in named]
    near = [found for _, ref in named if (found := _alike(snapshot, ref))]
    if not all(proof) and not near:
        return
    missing = ", ".join(f"{ref.namespace}/{ref.name}" for _, ref in named)
    instead = f"; Gateway {near[0].name} is there" if near else ""
    message = f"VirtualService {mesh.name} hangs on Gateway {missing}, which does not exist{instead}."
    paths = [("spec", "gateways", str(index)) for index in range(len(named))]
    lines = (
        *(snapshot.cite(mesh.ref, *paths) or snapshot.cite(mesh.ref, ("spec", "gateways"))),
        *(line for line in proof[:1] if line),
        *(snapshot.cite_row(near[0]) if near else ()),
    )
    sure = 0.95 if all(proof) else 0.8
    yield ROUTE_NOT_ACCEPTED.found(mesh.ref, message, lines[:5], strength=sure, affects=_behind(snapshot, mesh))


def _gateway_named(mesh: VirtualService, name: str) -> ObjectRef:
    """Give the Gateway that a name means: of the VirtualService's own namespace, `namespace/name`, or a DNS name.

    Source: Istio's `resolveGatewayName`, which still reads the old `name.namespace.svc.cluster.local`.
    """
    home, slash, short = name.rpartition("/")
    if not slash and "." in name:
        short, home = name.split(".")[:2]
    namespace = mesh.namespace if home in ("", ".") else home
    return ObjectRef(cluster=mesh.ref.cluster, kind="Gateway", namespace=namespace, name=short)


def _alike(snapshot: Snapshot, missing: ObjectRef) -> ObjectRef | None:
    beside = (g.ref for g in snapshot.of(Gateway, "Gateway") if g.namespace == missing.namespace)
    return next((ref for ref in beside if alike(ref.name, missing.name)), None)


def _gateway(route: GatewayRoute, parent: ParentRef) -> ObjectRef:
    home = parent.namespace or route.namespace
    return ObjectRef(cluster=route.ref.cluster, kind="Gateway", namespace=home, name=parent.name)


def _not_set_up(snapshot: Snapshot, gateway: Gateway) -> Iterator[Finding]:
    if gateway.api_version and not gateway.api_version.startswith(_GROUP):
        return
    conditions = {c.type: c for c in gateway.status.conditions}
    for kind in ("Accepted", "Programmed"):
        condition = conditions.get(kind)
        waits = condition is not None and condition.status == "Unknown" and condition.reason == "Pending"
        if condition is None or (condition.status != "False" and not (waits and _old(snapshot, gateway))):
            continue
        said = _said(condition)
        if condition.status != "False":
            said = f"no controller of class {gateway.spec.gateway_class_name} has taken it up"
        at = ("status", "conditions", condition.type)
        lines = snapshot.cite(
            gateway.ref, (*at, "status"), (*at, "reason"), (*at, "message"), ("spec", "gatewayClassName")
        )
        message = f"{gateway.ref.kind} {gateway.name} is not {kind.lower()}: {said}."
        routes = [route.ref for route in snapshot.of(GatewayRoute) if _hangs_on(route, gateway)]
        yield ROUTE_NOT_ACCEPTED.found(gateway.ref, message, lines, strength=0.85, affects=routes)
        return


def _old(snapshot: Snapshot, gateway: Gateway) -> bool:
    created = gateway.metadata.creation_timestamp
    return created is None or snapshot.as_of - created > _PENDING


def _hangs_on(route: GatewayRoute, gateway: Gateway) -> bool:
    return any(_gateway(route, parent) == gateway.ref for parent in route.spec.parent_refs)


def _not_granted(snapshot: Snapshot, way: Route) -> Iterator[Finding]:
    """Yield a route into another namespace that no ReferenceGrant permits."""
    owner = snapshot.objects.get(way.owner)
    if not isinstance(owner, GatewayRoute) or way.service.namespace == owner.namespace:
        return
    refused = [
        ("status", "parents", str(index), "conditions", condition.type, "message")
        for index, parent in enumerate(owner.status.parents)
        for condition in parent.conditions
        if condition.reason == "RefNotPermitted" and condition.status == "False"
    ]
    home = way.service.namespace
    resolved = any(c.type == "ResolvedRefs" and c.status == "True" for p in owner.status.parents for c in p.conditions)
    listed = snapshot.listed("ReferenceGrant", home, owner.ref.cluster)
    granted = any(_grants(grant, owner, way.service) for grant in snapshot.of(ReferenceGrant))
    if granted or resolved or not (refused or listed):
        return
    message = (
        f"{owner.ref.kind} {owner.name} of namespace {owner.namespace} leads to Service {way.service.name} of "
        f"namespace {home}, which has no ReferenceGrant for it."
    )
    lines = (*snapshot.cite(owner.ref, *refused), *snapshot.cite(owner.ref, way.at))
    yield REFERENCE_NOT_GRANTED.found(
        owner.ref, message, lines, strength=0.95 if refused else 0.85, affects=_behind(snapshot, owner)
    )


def _grants(grant: ReferenceGrant, route: GatewayRoute, service: ObjectRef) -> bool:
    if grant.namespace != service.namespace:
        return False
    sources = any(one.kind == route.ref.kind and one.namespace == route.namespace for one in grant.spec.sources)
    return sources and any(one.kind == "Service" and one.name in ("", service.name) for one in grant.spec.targets)


def _no_subset(snapshot: Snapshot, way: Route) -> Iterator[Finding]:
    """Yield a VirtualService's route to a subset that no DestinationRule of its host has."""
    if not way.subset:
        return
    rules = [
        rule for rule in snapshot.of(MeshHost, "DestinationRule")
        if service_of_host(rule.ref, rule.spec.host) == way.service
    ]  # fmt: skip
    listed = snapshot.listed("DestinationRule", way.owner.namespace, way.owner.cluster)
    if any(subset.name == way.subset for rule in rules for subset in rule.spec.subsets) or not (rules or listed):
        return
    have = ", ".join(subset.name for rule in rules for subset in rule.spec.subsets) or "none"
    message = (
        f"{way.owner.kind} {way.owner.name} leads {way.place} to subset {way.subset} of {way.service.name}, but its "
        f"DestinationRules define {have}."
    )
    lines = (
        *snapshot.cite(way.owner, (*way.at[:-1], "subset")),
        *(line for rule in rules[:1] for line in snapshot.cite(rule.ref, ("spec", "subsets"))),
    )
    yield DESTINATION_SUBSET_MISSING.found(way.owner, message, lines, strength=0.9, affects=[way.service])


def _failed(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what proxies log of requests that failed, about whom they were sent to."""
    past: PastErrors | None = None
    for log, request in failed_requests(snapshot):
        past = past or PastErrors.of(snapshot)
        if past.holds(log):
            continue
        if request.upstream:
            yield _upstream_failed(snapshot, log, request, request.upstream)
        elif request.unrouted:
            yield _unrouted(snapshot, log, request)


def _upstream_failed(snapshot: Snapshot, log: Log, request: Failed, upstream: ObjectRef) -> Finding:
    proxy = snapshot.topology.workload(log.ref)
    times = f" ({log.count} times)" if log.count > 1 else ""
    message = f"{proxy.name or 'A proxy'} logs {request.said} for {request.path or 'requests'}{times}: {request.why}."
    return UPSTREAM_ERRORS.found(upstream, message, (log.citation,), strength=0.55)


def _unrouted(snapshot: Snapshot, log: Log, request: Failed) -> Finding:
    proxy = snapshot.topology.workload(log.ref)
    message = f"{proxy.name or 'A proxy'} logs {request.said} for {request.path or 'requests'}: {request.why}."
    lines: tuple[Citation, ...] = (log.citation,)
    return NO_ROUTE.found(proxy, message, lines, strength=0.75 if "NC" in request.flags else 0.3)
