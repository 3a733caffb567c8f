"""
Routes that are meant for one application and lead to another.

What a route is meant for is told by its own words: its path, its host's first label, the name of the object that holds
nothing else. One odd route among several that lead where they say is a fault; a front end that answers many paths is
none.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from kfi.diagnosis.conditions.access_log import not_found
from kfi.diagnosis.conditions.config_routes import Written, routes_in
from kfi.diagnosis.conditions.route_faults import missing_backend, missing_port
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.needs import Address
from kfi.snapshot.provenance import quote
from kfi.snapshot.resources import Keyed, Service
from kfi.snapshot.routes import Route
from kfi.snapshot.routing import GatewayRoute, VirtualService
from kfi.snapshot.view import Snapshot

_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
# What names of Services have in common, and says nothing of which one is meant.
_PLAIN = frozenset("service svc server srv app api backend web v1 v2 v3 rest http grpc public".split())
_SUFFIX = re.compile(r"(?<=[a-z]{3})(?:service|svc|server)$")
# How names of variables that hold an address end.
_ADDRESS_WORDS = re.compile(r"(?:_(?:ADDR|ADDRESS|URL|URI|HOST|ENDPOINT|BASE|BASEURL|HOSTPORT|PORT))+$", re.IGNORECASE)
# ROUTE_CARTS: /api/carts=http://cart:80, several of them with commas between.
_IN_VARIABLE = re.compile(
    r"(?<![\w:/])(?P<path>/[\w.*{}/-]{1,200})\s?(?:=>?|->|\||:)\s?(?:lb|https?|grpc|ws)://"
    r"(?P<host>[a-z][a-z0-9.-]{0,250})(?::(?P<port>\d{2,5}))?"
)
_MAX_VALUE = 8000
_ENOUGH = 2
# Names that differ by a letter or two.
_ALIKE = 0.8
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
    for workload, held in by_workload.items():
        apps = _apps(snapshot, {service.namespace for service, _ in held}) if len(held) > _ENOUGH else []
        prefix = _shared_prefix(apps)
        words = [frozenset({_core(_ADDRESS_WORDS.sub("", address.variable))}) - {""} for _, address in held]
        straight = [_names(service.name, own, prefix) for (service, _), own in zip(held, words, strict=True)]
        for (service, address), own, right in zip(held, words, straight, strict=True):
            meant = [app for app in apps if _names(app.name, own, prefix)]
            if not right and len(meant) == 1 and sum(straight) >= _ENOUGH and meant[0].ref != service.ref:
                yield Crossed(workload, address, meant[0], service)


def _of_objects(snapshot: Snapshot) -> Iterator[Way]:
    targets: dict[ObjectRef, set[ObjectRef]] = defaultdict(set)
    for route in snapshot.topology.routes:
        targets[route.owner].add(route.service)
    for route in snapshot.topology.routes:
        # The name of an object with one target says what it is for; a host is often the whole shop's.
        name = route.owner.name if len(targets[route.owner]) == 1 else ""
        words = _words(route.path, route.host.partition(".")[0], name)
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
                yield from _way(config_map.ref, key, written)


def _of_variables(snapshot: Snapshot) -> Iterator[Way]:
    """Yield the routes that a gateway has in variables: a path, a sign, and where it leads."""
    for workload in snapshot.workloads:
        for container in () if snapshot.topology.owner(workload.ref) else workload.spec.template.spec.containers:
            for env in container.env:
                at = ("spec", "template", "spec", "containers", container.name, "env", env.name, "value")
                for match in _IN_VARIABLE.finditer((env.value or "")[:_MAX_VALUE]):
                    name, *rest = match["host"].split(".")
                    if not rest or rest[1:2] in ([], ["svc"]):
                        home = rest[0] if rest else workload.namespace
                        service = workload.ref.model_copy(update={"kind": "Service", "namespace": home, "name": name})
                        port = int(match["port"]) if match["port"] else None
                        route = Route(workload.ref, "", match["path"], service, port, at)
                        yield Way(route, str(workload.ref), _words(match["path"]))


def _way(owner: ObjectRef, key: str, written: Written) -> Iterator[Way]:
    name, *rest = written.host.split(".")
    if rest and rest[1:2] not in ([], ["svc"]):
        return  # a host of the world outside
    home = rest[0] if rest else owner.namespace
    service = ObjectRef(cluster=owner.cluster, kind="Service", namespace=home, name=name)
    route = Route(owner, "", written.path, service, written.port, ("data", key))
    yield Way(route, str(owner), _words(written.path), written.token)


def _words(*texts: str) -> frozenset[str]:
    return frozenset(core for text in texts for part in text.split("/") if (core := _core(part)))


def _core(name: str) -> str:
    """Give what of a name says which application is meant.

    >>> _core("orderOtherService"), _core("cart-svc"), _core("orderservice"), _core("v1"), _core("deliveries")
    ('orderother', 'cart', 'order', '', 'delivery')
    """
    parts = [part.lower() for part in _PARTS.findall(name)]
    return _singular(_SUFFIX.sub("", "".join(part for part in parts if part not in _PLAIN)))


def _singular(word: str) -> str:
    """Give a word without the ending of its plural: a path mostly has it (/carts), a Service mostly not.

    >>> _singular("carts"), _singular("addresses"), _singular("address"), _singular("boxes"), _singular("bus")
    ('cart', 'address', 'address', 'box', 'bus')
    """
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word.removesuffix("s")


def _odd_ones(snapshot: Snapshot, ways: list[Way]) -> Iterator[Misrouted]:
    apps = _apps(snapshot, {way.route.service.namespace for way in ways})
    prefix = _shared_prefix(apps)
    straight = [way for way in ways if _names(way.route.service.name, way.words, prefix)]
    for way in ways:
        own = _names(way.route.service.name, way.words, prefix)
        meant = [s for s in apps if s.namespace == way.route.service.namespace and _names(s.name, way.words, prefix)]
        if len(meant) == 1:
            yield from _judged(snapshot, way, meant[0], _Baseline(own, straight, ways))
        elif not own and not meant and len(straight) >= _ENOUGH:
            yield from _misspelt(snapshot, way, straight)


def _misspelt(snapshot: Snapshot, way: Way, straight: list[Way]) -> Iterator[Misrouted]:
    """Yield a route whose path is its target's name but for a letter, where requests for the right path go nowhere."""
    target = snapshot.objects.get(way.route.service)
    word = _core(way.route.service.name)
    alike = [one for one in way.words if SequenceMatcher(None, one, word).ratio() >= _ALIKE]
    reached = any(other.route.service == way.route.service for other in straight)
    if not alike or reached or not isinstance(target, Service):
        return
    right = way.route.path.replace(alike[0], word)
    owner = way.route.owner
    readers = [owner, *snapshot.topology.users_of(owner)]
    gateways = {snapshot.topology.workload(ref) for ref in readers}
    lines = [line for ref in sorted(gateways, key=str) for line in not_found(snapshot, ref, right)]
    if right != way.route.path and lines:
        said = f"the path asked for is {right}, which no route has"
        yield Misrouted(target, way, said, (*_route_lines(snapshot, way), *lines[:2]), 0.8)


@dataclass(frozen=True)
class _Baseline:
    """How the other routes of the gateway stand."""

    own: bool
    """The route names its own target."""
    straight: list[Way]
    """Those that do."""
    ways: list[Way]

    def gathers(self, service: ObjectRef) -> bool:
        """Tell whether a Service is one that many paths lead to, as a front end is."""
        here = [way for way in self.ways if way.route.service == service]
        strays = [way for way in here if way not in self.straight]
        return len(strays) > 1 or any(way.route.path in ("", "/", "/*", "/**") for way in here)


def _judged(snapshot: Snapshot, way: Way, meant: Service, baseline: _Baseline) -> Iterator[Misrouted]:
    route = way.route
    fault = missing_backend(snapshot, route) or missing_port(snapshot, route)
    if fault and (way.token or not baseline.own):
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
    name, path = _words(way.route.owner.name), _words(way.route.path)
    return not way.token and _core(meant.name) in name & path


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


def _apps(snapshot: Snapshot, namespaces: Iterable[str]) -> list[Service]:
    homes = set(namespaces)
    return [s for s in snapshot.kube_services if s.namespace in homes and snapshot.topology.meant_by(s)]


def _shared_prefix(apps: Iterable[Service]) -> str:
    """Give the first part that most of these names have in common: `shop-` of shop-cart and shop-mailer."""
    counts: dict[str, int] = defaultdict(int)
    names = [service.name for service in apps]
    for name in names:
        counts[name.partition("-")[0]] += 1
    first = max(counts, key=lambda part: counts[part], default="")
    return f"{first}-" if names and counts[first] > max(2, len(names) * 0.6) else ""


def _names(service: str, words: frozenset[str], prefix: str) -> bool:
    """Tell whether a route's words name a Service."""
    return bool({_core(service), _core(service.removeprefix(prefix))} & words)
