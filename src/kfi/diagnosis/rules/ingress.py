"""
Ways into the cluster that lead nowhere: Ingresses and routes whose class, Service, port, Secret or Gateway is wrong.

An Ingress that has an address is served by somebody, whatever its class. What only suffers because the Pods behind it
are broken is a symptom of theirs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta

from kfi.diagnosis.conditions.gateway_logs import strayed
from kfi.diagnosis.conditions.manifest_faults import only_declared
from kfi.diagnosis.conditions.misrouting import Misrouted, misrouted
from kfi.diagnosis.conditions.route_faults import (
    Fault,
    controller_says,
    dead_routes,
    missing_backend,
    missing_port,
)
from kfi.diagnosis.words.routing import (
    GATEWAY_MISROUTED,
    INGRESS_CLASS_MISSING,
    ROUTE_BACKEND_MISSING,
    ROUTE_CONFLICT,
    ROUTE_PORT_MISMATCH,
    ROUTE_UNSERVED,
    TLS_SECRET_MISSING,
)
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Service
from kfi.snapshot.routes import Route
from kfi.snapshot.routing import Ingress, IngressClass
from kfi.snapshot.view import Snapshot

RULES = (
    INGRESS_CLASS_MISSING,
    ROUTE_BACKEND_MISSING,
    ROUTE_PORT_MISMATCH,
    ROUTE_UNSERVED,
    TLS_SECRET_MISSING,
    ROUTE_CONFLICT,
    GATEWAY_MISROUTED,
)

# Controllers take an Ingress up within seconds.
_TAKEN_UP = timedelta(minutes=2)
_CLASS_SAID = re.compile(r"ingress ?class|ingressClassName", re.IGNORECASE)
_NO_SECRET = re.compile(r"not found|does not exist|no object matching|not (?:yet )?in the store|missing", re.IGNORECASE)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the ways into the cluster that lead nowhere, or elsewhere."""
    astray = list(misrouted(snapshot))
    yield from _misrouted(snapshot, astray)
    yield from _strayed(snapshot, {one.meant.ref for one in astray})
    known = {(one.way.route.owner, one.way.route.at) for one in astray}
    yield from _faults(snapshot, known)
    yield from _unserved(snapshot)
    ingresses = list(snapshot.of(Ingress))
    for ingress in ingresses:
        if ingress.observed:
            yield from _class(snapshot, ingress)
        yield from _secrets(snapshot, ingress)
    yield from _conflicts(snapshot, ingresses)


def _misrouted(snapshot: Snapshot, astray: Iterable[Misrouted]) -> Iterator[Finding]:
    for one in astray:
        route = one.way.route
        port = f":{route.port}" if route.port else ""
        target = f"{route.service.name}{port}"
        message = (
            f"{route.owner.kind} {route.owner.name} leads {route.place}, which is {one.meant.name}'s, to {target}: "
            f"{one.said}."
        )
        affects = [route.owner, *_workload_of(snapshot, one.meant.ref), *_readers(snapshot, route.owner)]
        yield GATEWAY_MISROUTED.found(one.meant.ref, message, one.lines, strength=one.strength, affects=affects)


def _strayed(snapshot: Snapshot, told: set[ObjectRef]) -> Iterator[Finding]:
    """Yield what only a gateway's log tells: of applications whose route no text shows."""
    for one in strayed(snapshot):
        if one.meant.ref not in told:
            message = f"{one.gateway.kind} {one.gateway.name} sends requests for {one.meant.name} {one.said}."
            affects = [one.gateway, *_workload_of(snapshot, one.meant.ref)]
            yield GATEWAY_MISROUTED.found(one.meant.ref, message, one.lines, strength=one.strength, affects=affects)


def _readers(snapshot: Snapshot, config_map: ObjectRef) -> Iterator[ObjectRef]:
    """Yield the workloads that take their routes from a ConfigMap: the gateways."""
    for workload in snapshot.workloads if config_map.kind == "ConfigMap" else ():
        spec = workload.spec.template.spec
        if not snapshot.topology.owner(workload.ref) and config_map in snapshot.topology.references(workload.ref, spec):
            yield workload.ref


def _faults(snapshot: Snapshot, known: set[tuple[ObjectRef, Path]]) -> Iterator[Finding]:
    """Yield missing Services and ports, once for each object and Service that it names."""
    seen: dict[tuple[ObjectRef, ObjectRef], tuple[list[Route], Fault, bool]] = {}
    for route in snapshot.topology.routes:
        owner = snapshot.objects.get(route.owner)
        if owner is None or (route.owner, route.at) in known:
            continue
        if not owner.observed and not only_declared(snapshot, route.owner):
            continue
        gone = missing_backend(snapshot, route)
        fault = gone or missing_port(snapshot, route)
        if fault:
            seen.setdefault((route.owner, route.service), ([], fault, gone is not None))[0].append(route)
    for routes, why, missing in seen.values():
        yield _faulty(snapshot, routes, why, missing)


def _faulty(snapshot: Snapshot, routes: list[Route], fault: Fault, gone: bool) -> Finding:
    first = routes[0]
    places = ", ".join(dict.fromkeys(route.place for route in routes[:3]))
    message = f"{first.owner.kind} {first.owner.name} leads {places} to {fault.said}."
    lines = (*snapshot.cite(first.owner, first.at), *fault.lines)
    affects = [first.service, *_workload_of(snapshot, first.service)]
    rule = ROUTE_BACKEND_MISSING if gone else ROUTE_PORT_MISMATCH
    return rule.found(first.owner, message, lines[:5], strength=fault.strength, affects=affects)


def _workload_of(snapshot: Snapshot, service: ObjectRef) -> Iterator[ObjectRef]:
    known = snapshot.objects.get(service)
    meant = snapshot.topology.meant_by(known) if isinstance(known, Service) else None
    if meant:
        yield meant


def _unserved(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield each object whose routes lead to nothing, with why: the state that a client sees as 503."""
    dead: dict[ObjectRef, list[tuple[Route, Fault]]] = defaultdict(list)
    for route, fault in dead_routes(snapshot):
        dead[route.owner].append((route, fault))
    for owner, found in dead.items():
        places = dict.fromkeys(f"{route.place} to {fault.said}" for route, fault in found)
        message = f"{owner.kind} {owner.name} leads {'; '.join(list(places)[:3])}."
        lines = [line for _, fault in found[:3] for line in fault.lines[:1]]
        yield ROUTE_UNSERVED.found(owner, message, lines or snapshot.cite_row(owner), strength=0.7)


def _class(snapshot: Snapshot, ingress: Ingress) -> Iterator[Finding]:
    """Yield an Ingress that no controller takes up because of its class."""
    wanted = ingress.spec.ingress_class_name
    ref = ObjectRef(cluster=ingress.ref.cluster, kind="IngressClass", name=wanted)
    known = snapshot.objects.get(ref)
    if ingress.address_known or (wanted and known is not None and known.observed):
        return
    said = controller_says(snapshot, ingress.ref, ingress.name, _CLASS_SAID)
    strength, proof = _no_class(snapshot, ingress, ref)
    if not said and not strength:
        return
    message = _class_message(ingress, wanted, bool(proof))
    lines = (
        *(snapshot.cite(ingress.ref, ("spec", "ingressClassName")) or snapshot.cite_row(ingress.ref)),
        *proof,
        *said,
        *snapshot.cite(ingress.ref, ("status", "loadBalancer")),
    )
    behind = [
        ref for route in _routes(snapshot, ingress) for ref in (route.service, *_workload_of(snapshot, route.service))
    ]
    yield INGRESS_CLASS_MISSING.found(
        ingress.ref, message, lines[:5], strength=max(strength, 0.9 if said else 0.0), affects=dict.fromkeys(behind)
    )


def _class_message(ingress: Ingress, wanted: str, proven: bool) -> str:
    if not wanted:
        return f"Ingress {ingress.name} names no class, no class is the default, and no controller gave it an address."
    state = "does not exist" if proven else "is not in the evidence"
    return f"Ingress {ingress.name} asks for class {wanted}, which {state}; no controller gave it an address."


def _no_class(snapshot: Snapshot, ingress: Ingress, ref: ObjectRef) -> tuple[float, tuple[Citation, ...]]:
    """Say how surely no class serves an Ingress, and what proves it."""
    if ref.name:
        absent = snapshot.absent(ref)
        return (0.95, (absent,)) if absent else (0.6 if _ignored(snapshot, ingress) else 0.0, ())
    if ingress.class_name or any(known.is_default for known in snapshot.live(IngressClass)):
        return 0.0, ()
    classes = [known.ref for known in snapshot.live(IngressClass) if known.ref.cluster == ref.cluster]
    listed = snapshot.listed("IngressClass", "", ref.cluster)
    if not _ignored(snapshot, ingress):
        return 0.0, ()
    rows = tuple(line for one in classes[:2] for line in snapshot.cite_row(one))
    return (0.85, rows) if listed else (0.6 if classes else 0.45, rows)


def _ignored(snapshot: Snapshot, ingress: Ingress) -> bool:
    """Tell whether no controller has shown any interest in an Ingress since it was made."""
    balancer, created = ingress.status.load_balancer, ingress.metadata.creation_timestamp
    old = created is None or snapshot.as_of - created > _TAKEN_UP
    normal = any(event.type == "Normal" for event in snapshot.events_of(ingress.ref))
    return balancer is not None and not balancer.ingress and old and not normal


def _routes(snapshot: Snapshot, ingress: Ingress) -> Iterator[Route]:
    return (route for route in snapshot.topology.routes if route.owner == ingress.ref)


def _secrets(snapshot: Snapshot, ingress: Ingress) -> Iterator[Finding]:
    """Yield an Ingress whose TLS Secret does not exist."""
    for index, tls in enumerate(ingress.spec.tls):
        name = tls.secret_name
        ref = ObjectRef(cluster=ingress.ref.cluster, kind="Secret", namespace=ingress.namespace, name=name)
        known = snapshot.objects.get(ref)
        if not name or (known is not None and known.observed):
            continue
        absent = snapshot.absent(ref)
        proof = (*((absent,) if absent else ()), *controller_says(snapshot, ingress.ref, name, _NO_SECRET))
        if proof:
            hosts = ", ".join(tls.hosts[:3]) or "its hosts"
            message = (
                f"Ingress {ingress.name} takes the certificate of {hosts} from Secret {name}, which namespace "
                f"{ingress.namespace} does not have."
            )
            lines = snapshot.cite(ingress.ref, ("spec", "tls", str(index), "secretName"))
            yield TLS_SECRET_MISSING.found(ingress.ref, message, (*lines, *proof)[:5], strength=0.85)


_Claim = tuple[str, str, str, str]


def _conflicts(snapshot: Snapshot, ingresses: Iterable[Ingress]) -> Iterator[Finding]:
    """Yield the younger of two Ingresses of one class that lead one host and path to different Services."""
    claims: dict[_Claim, tuple[Ingress, Route]] = {}
    told = set()
    for ingress in sorted((one for one in ingresses if _counts(snapshot, one)), key=_age):
        for key, route in _claims(snapshot, ingress):
            first, other = claims.setdefault(key, (ingress, route))
            if first is ingress or other.service == route.service or ingress.ref in told:
                continue
            told.add(ingress.ref)
            message = (
                f"Ingress {ingress.name} leads {route.place} to Service {route.service.name}, but Ingress "
                f"{first.namespace}/{first.name} leads it to {other.service.name} already."
            )
            lines = (*snapshot.cite(ingress.ref, route.at), *snapshot.cite(first.ref, other.at))
            yield ROUTE_CONFLICT.found(ingress.ref, message, lines, strength=0.75, affects=[first.ref, route.service])


def _counts(snapshot: Snapshot, ingress: Ingress) -> bool:
    """Tell whether an Ingress takes part: a canary shares its host and path on purpose."""
    annotations = ingress.metadata.annotations
    canary = any(key.endswith(("/canary", "/canary-by-header", "/canary-weight")) for key in annotations)
    return not canary and (ingress.observed or only_declared(snapshot, ingress.ref))


def _claims(snapshot: Snapshot, ingress: Ingress) -> Iterator[tuple[_Claim, Route]]:
    types: dict[Path, str] = {
        ("spec", "rules", str(i), "http", "paths", str(n)): path.path_type
        for i, rule in enumerate(ingress.spec.rules)
        for n, path in enumerate(rule.http.paths)
    }
    for route in _routes(snapshot, ingress):
        if route.path or route.host:
            kind = types.get(route.at[:6], "")
            path = route.path if kind == "Exact" else route.path.rstrip("/")
            yield (ingress.class_name, route.host, path, kind), route


def _age(ingress: Ingress) -> tuple[float, str]:
    created = ingress.metadata.creation_timestamp
    return (created.timestamp() if created else 0.0, str(ingress.ref))
