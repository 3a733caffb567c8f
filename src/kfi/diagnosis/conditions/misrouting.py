"""
Routes that are meant for one application and lead to another.

What a route is meant for is told by its own words: its path, its host's first label, the name of the object that holds
nothing else. One odd route among several that lead where they say is a fault; a front end that answers many paths is
none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.access_log import not_found, refuses
from kfi.diagnosis.conditions.config_routes import Written, routes_in
from kfi.diagnosis.conditions.route_faults import missing_backend, missing_port
from kfi.diagnosis.conditions.route_words import Apps, alike, core, words_of
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.needs import Address
from kfi.snapshot.pod import Container
from kfi.snapshot.provenance import Path, quote
from kfi.snapshot.resources import Keyed, Service
from kfi.snapshot.routes import Route
from kfi.snapshot.routing import GatewayRoute, Ingress, VirtualService
from kfi.snapshot.view import Snapshot

# How names of variables that hold an address end.
_ADDRESS_WORDS = re.compile(r"(?:_(?:ADDR|ADDRESS|URL|URI|HOST|ENDPOINT|BASE|BASEURL|HOSTPORT|PORT))+$", re.IGNORECASE)
# ROUTE_CARTS: /api/carts=http://cart:80, several of them with commas between.
_IN_VARIABLE = re.compile(
    r"(?<![\w:/])(?P<path>/[\w.*{}/-]{1,200})\s?(?:=>?|->|\||:)\s?(?:lb|https?|grpc|ws)://"
    r"(?P<host>[a-z][a-z0-9.-]{0,250})(?::(?P<port>\d{2,5}))?"
)
# SPRING_CLOUD_GATEWAY_ROUTES_2_URI, and the predicates beside it.
_INDEXED = re.compile(r"(?P<place>\w*ROUTES_?\d+)_?(?:(?P<uri>URI)|PREDICATES\w*)$", re.IGNORECASE)
_PREDICATE = re.compile(r"^Path=(?P<path>/[^,\s]{0,300})")
_URI = re.compile(r"^(?:lb|https?)://(?P<host>[a-z][a-z0-9.-]{0,250})(?::(?P<port>\d{2,5}))?", re.IGNORECASE)
_MAX_VALUE = 8000
_ENOUGH = 2
# Of a route without siblings only its words say whom it is meant for: it may lead to a proxy.
_UNPROVED = 0.45


@dataclass(frozen=True)
class Way:
    """A route from whichever text, with the words that say what it is for."""

    route: Route
    gateway: str
    """Routes of one gateway are compared with each other."""
    words: frozenset[str]
    token: str = ""
    """How its target stands in a ConfigMap's text; empty for a route object."""


@dataclass(frozen=True)
class Misrouted:
    """A way that leads past the application that it is meant for."""

    meant: Service
    way: Way
    said: str
    lines: tuple[Citation, ...]
    strength: float


def misrouted(snapshot: Snapshot) -> Iterator[Misrouted]:
    """Yield the routes that lead past the application that they are meant for."""
    by_gateway: dict[str, list[Way]] = defaultdict(list)
    for way in (*_of_objects(snapshot), *_of_config_maps(snapshot), *_of_variables(snapshot)):
        by_gateway[way.gateway].append(way)
    for ways in by_gateway.values():
        yield from _odd_ones(snapshot, ways)


@dataclass(frozen=True)
class Crossed:
    """A variable that is named for one application and holds the address of another."""

    workload: ObjectRef
    address: Address
    meant: Service
    held: Service


def crossed_variables(snapshot: Snapshot) -> Iterator[Crossed]:
    """Yield variables that lead past the application they are named for, where their siblings lead where they say."""
    by_workload: dict[ObjectRef, list[tuple[Service, Address]]] = defaultdict(list)
    for workload, service, address in snapshot.topology.addresses:
        if service is not None and service.observed:
            by_workload[workload].append((service, address))
    known: dict[frozenset[str], Apps] = {}
    for workload, held in by_workload.items():
        if len(held) <= _ENOUGH:
            continue
        homes = frozenset(service.namespace for service, _ in held)
        apps = known[homes] = known.get(homes) or Apps(snapshot, homes)
        words = [frozenset({core(_ADDRESS_WORDS.sub("", address.variable))}) - {""} for _, address in held]
        straight = [apps.is_named(service.name, own) for (service, _), own in zip(held, words, strict=True)]
        for (service, address), own, right in zip(held, words, straight, strict=True):
            meant = apps.named(own)
            if not right and len(meant) == 1 and sum(straight) >= _ENOUGH and meant[0].ref != service.ref:
                yield Crossed(workload, address, meant[0], service)


def _of_objects(snapshot: Snapshot) -> Iterator[Way]:
    targets: dict[ObjectRef, set[ObjectRef]] = defaultdict(set)
    for route in snapshot.topology.routes:
        targets[route.owner].add(route.service)
    for route in snapshot.topology.routes:
        # The name of an object with one target says what it is for; a host is often the whole shop's.
        name = route.owner.name if len(targets[route.owner]) == 1 else ""
        words = words_of(route.path, route.host.partition(".")[0], name)
        yield Way(route, _gateway_of(snapshot, route.owner), words)


def _gateway_of(snapshot: Snapshot, owner: ObjectRef) -> str:
    held = snapshot.objects.get(owner)
    if isinstance(held, GatewayRoute):
        return "/".join(sorted(f"{ref.namespace or owner.namespace}/{ref.name}" for ref in held.spec.parent_refs))
    if isinstance(held, VirtualService):
        return "/".join(sorted(held.spec.gateways)) or "mesh"
    return f"Ingress of {owner.namespace}"


def _of_config_maps(snapshot: Snapshot) -> Iterator[Way]:
    for config_map in snapshot.of(Keyed, "ConfigMap"):
        if not snapshot.topology.users_of(config_map.ref):
            continue
        for key, text in (config_map.data or {}).items():
            for written in routes_in(text) if isinstance(text, str) else ():
                yield from _way(config_map.ref, ("data", key), written)


def _of_variables(snapshot: Snapshot) -> Iterator[Way]:
    """Yield the routes that a gateway has in variables."""
    for workload in snapshot.workloads:
        for container in () if snapshot.topology.owner(workload.ref) else workload.spec.template.spec.containers:
            for name, written in _written_in(container):
                at = ("spec", "template", "spec", "containers", container.name, "env", name, "value")
                yield from _way(workload.ref, at, written)


def _written_in(container: Container) -> Iterator[tuple[str, Written]]:
    """Yield the routes in one variable (a path, a sign, and where it leads) and those in two of one number."""
    paths: dict[str, str] = {}
    uris: dict[str, tuple[str, str]] = {}
    for env in container.env:
        value = (env.value or "")[:_MAX_VALUE]
        for match in _IN_VARIABLE.finditer(value):
            yield env.name, Written(match["path"], match["host"], int(match["port"]) if match["port"] else None, "")
        indexed, predicate = _INDEXED.fullmatch(env.name), _PREDICATE.match(value)
        if indexed and indexed["uri"]:
            uris[indexed["place"].upper()] = env.name, value
        elif indexed and predicate:
            paths[indexed["place"].upper()] = predicate["path"]
    for place, (name, value) in uris.items():
        uri = _URI.match(value)
        if uri and place in paths:
            yield name, Written(paths[place], uri["host"], int(uri["port"]) if uri["port"] else None, "")


def _way(owner: ObjectRef, at: Path, written: Written) -> Iterator[Way]:
    name, *rest = written.host.split(".")
    if rest and rest[1:2] not in ([], ["svc"]):
        return  # a host of the world outside
    home = rest[0] if rest else owner.namespace
    service = ObjectRef(cluster=owner.cluster, kind="Service", namespace=home, name=name)
    route = Route(owner, "", written.path, service, written.port, at)
    yield Way(route, str(owner), words_of(written.path), written.token)


def _odd_ones(snapshot: Snapshot, ways: list[Way]) -> Iterator[Misrouted]:
    apps = Apps(snapshot, {way.route.service.namespace for way in ways})
    straight = [way for way in ways if apps.is_named(way.route.service.name, way.words)]
    behind = {snapshot.topology.behind(way.route.service) for way in ways}
    refusing = [ref for ref in sorted(filter(None, behind), key=str) if refuses(snapshot, ref)]
    for way in ways:
        own = apps.is_named(way.route.service.name, way.words)
        meant = [app for app in apps.named(way.words) if app.namespace == way.route.service.namespace]
        if len(meant) == 1:
            yield from _judged(snapshot, way, meant[0], _Baseline(own, straight, ways))
            yield from _of_another_number(snapshot, way, meant[0], ways, refusing)
        elif not own and not meant and len(straight) >= _ENOUGH:
            yield from _misspelt(snapshot, way, straight)


def _misspelt(snapshot: Snapshot, way: Way, straight: list[Way]) -> Iterator[Misrouted]:
    """Yield a route whose path is its target's name but for a letter, where requests for the right path go nowhere."""
    target = snapshot.objects.get(way.route.service)
    word = core(way.route.service.name)
    close = [one for one in way.words if alike(one, word)]
    reached = any(other.route.service == way.route.service for other in straight)
    if not close or reached or not isinstance(target, Service):
        return
    right = way.route.path.replace(close[0], word)
    owner = way.route.owner
    readers = [owner, *snapshot.topology.users_of(owner)]
    gateways = {snapshot.topology.workload(ref) for ref in readers}
    lines = [line for ref in sorted(gateways, key=str) for line in not_found(snapshot, ref, right)]
    if right != way.route.path and lines:
        said = f"the path asked for is {right}, which no route has"
        yield Misrouted(target, way, said, (*_route_lines(snapshot, way), *lines[:2]), 0.8)


def _of_another_number(
    snapshot: Snapshot, way: Way, meant: Service, ways: list[Way], refusing: list[ObjectRef]
) -> Iterator[Misrouted]:
    """Yield a route whose path differs from its Service's name in number, where requests ask for that name.

    Ingress and Gateway API compare whole elements: /api/loan does not match /api/loans. A proxy's own prefix would.
    """
    route = way.route
    word = next((part for part in route.path.split("/") if part != meant.name and core(part) == core(meant.name)), "")
    if way.token or route.service != meant.ref or not word or not _by_elements(snapshot, way):
        return
    right = "/".join(meant.name if part == word else part for part in route.path.split("/"))
    mine = snapshot.topology.behind(meant.ref)
    told = [line for ref in refusing if ref != mine for line in not_found(snapshot, ref, right)]
    others = (other.route.path for other in ways if other is not way) if told else ()
    if told and not any(_covers(path, right) and path.strip("/*") for path in others):
        said = f"requests ask for {right}, which that path does not match"
        yield Misrouted(meant, way, said, (*_route_lines(snapshot, way), *told[:2]), 0.85)


def _by_elements(snapshot: Snapshot, way: Way) -> bool:
    return isinstance(snapshot.objects.get(way.route.owner), (Ingress, GatewayRoute))


def _covers(prefix: str, path: str) -> bool:
    """Tell whether a prefix of whole elements matches a path."""
    wanted, given = prefix.strip("/*").split("/"), path.strip("/").split("/")
    return given[: len(wanted)] == wanted


@dataclass(frozen=True)
class _Baseline:
    """How the other routes of the gateway stand."""

    own: bool
    """The route names its own target."""
    straight: list[Way]
    """Those that do."""
    ways: list[Way]

    def shares(self, way: Way) -> bool:
        """Tell whether the object of a route holds those of other applications too, that lead where they say."""
        beside = {one.route.service for one in self.straight if one.route.owner == way.route.owner}
        return len(beside - {way.route.service}) >= _ENOUGH

    def gathers(self, service: ObjectRef) -> bool:
        """Tell whether a Service is one that many paths lead to, as a front end is."""
        here = [way for way in self.ways if way.route.service == service]
        strays = [way for way in here if way not in self.straight]
        return len(strays) > 1 or any(way.route.path in ("", "/", "/*", "/**") for way in here)


def _judged(snapshot: Snapshot, way: Way, meant: Service, baseline: _Baseline) -> Iterator[Misrouted]:
    route = way.route
    fault = missing_backend(snapshot, route) or missing_port(snapshot, route)
    if fault and (way.token or not baseline.own or baseline.shares(way)):
        lines = (*_route_lines(snapshot, way), *fault.lines[:2])
        yield Misrouted(meant, way, fault.said, lines, min(fault.strength, 0.93))
        return
    other = snapshot.objects.get(route.service)
    if baseline.own or baseline.gathers(route.service) or not isinstance(other, Service):
        return
    said = f"Service {other.name}, which is another application's"
    lines = (*_route_lines(snapshot, way), *snapshot.cite_row(meant.ref)[:1])
    if len(baseline.straight) >= _ENOUGH:
        yield Misrouted(meant, way, said, lines, 0.9 if len(baseline.straight) > _ENOUGH else 0.75)
    elif _twice_named(way, meant) and not _passes_on(snapshot, other, meant):
        strange = tuple(not_found(snapshot, snapshot.topology.behind(other.ref), route.path))
        yield Misrouted(meant, way, said, (*lines, *strange[:2]), 0.85 if strange else _UNPROVED)


def _twice_named(way: Way, meant: Service) -> bool:
    """Tell whether both the route's own name and its path say whom it is meant for; a file's routes have no name."""
    name, path = words_of(way.route.owner.name), words_of(way.route.path)
    return not way.token and core(meant.name) in name & path


def _passes_on(snapshot: Snapshot, other: Service, meant: Service) -> bool:
    """Tell whether what a route leads to calls the application that is meant, as a proxy in front of it does."""
    topology = snapshot.topology
    front, app = topology.behind(other.ref), topology.behind(meant.ref)
    return front is None or (app is not None and app in topology.calls.get(front, frozenset()))


def _route_lines(snapshot: Snapshot, way: Way) -> tuple[Citation, ...]:
    route = way.route
    if not way.token:
        return snapshot.cite(route.owner, route.at)
    return _lines_with(snapshot, route.owner, way.token, route.path) or snapshot.cite(route.owner, route.at)


def _lines_with(snapshot: Snapshot, ref: ObjectRef, token: str, path: str) -> tuple[Citation, ...]:
    """Give the line of a ConfigMap's text that holds a target, the one nearest to its path."""
    for one in snapshot.seen.get(ref, ()):
        document = one.document
        rows = document.text.split("\n")
        paths = [index for index, row in enumerate(rows) if path in row]
        targets = [
            index for index, row in enumerate(rows) if re.search(rf"(?<![\w.-]){re.escape(token)}(?![\w-])", row)
        ]
        if not paths or not targets:
            continue
        best = min(targets, key=lambda row: min(abs(row - other) for other in paths))
        line = document.source.first_line + best
        text = quote(document, line)
        path_of = document.source.path
        return (Citation(document_id=document.id, path=path_of, first_line=line, last_line=line, text=text),)
    return ()
