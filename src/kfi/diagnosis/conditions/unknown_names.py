"""
Names that a workload looks up in vain because no Service has them: misspelt, or sought in the wrong namespace.

A log names what was looked up; a list of Services shows that nothing has the name. A host that several workloads miss
alike is an optional dependency, and one that resembles no Service may be anything.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from kfi.diagnosis.conditions.name_resolution import dns_settings, unresolved
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.settings import settings_of
from kfi.diagnosis.words.config import UNKNOWN_SERVICE_NAME
from kfi.diagnosis.words.service import DNS_FAILURE, ENV_ADDRESS_MISMATCH, SERVICE_MISSING
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.pod import PodSpec
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Service, Workload
from kfi.snapshot.view import Log, Snapshot

_CLOSE = 0.75
_MANY = 3
_MAX_CHARS = 4000
_NAME = r"[\"'`(]?(?P<name>[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?(?:\.[-a-z0-9]{1,63}){0,6})\.?"
_QUOTED = _NAME.replace("?(?P", "(?P", 1)
_LOOKED_UP = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\blookup {_NAME}(?: on \S+)?:",  # Go
        rf"\b(?:ENOTFOUND|EAI_AGAIN) {_NAME}",  # Node
        rf"could not resolve host(?:name)?: {_NAME}",  # curl
        rf"UnknownHost(?:Exception)?: {_NAME}",  # Java
        rf"could not translate host name {_QUOTED}",  # libpq
        rf"unknown \w+ server host {_QUOTED}",  # MySQL
        rf"getaddrinfo for {_NAME} failed",  # PHP
        rf"(?:failed to|could not|cannot|can't|unable to) resolve (?:host(?:name)? )?{_QUOTED}",  # urllib3, Netty
        rf"\bhost={_QUOTED}",  # urllib3
        rf"connecting to {_NAME}:\d+[. ]",  # redis-py
        rf"bad address {_QUOTED}",  # busybox
        rf"can't (?:find|resolve) {_QUOTED}?: (?:NXDOMAIN|no such)",
    )
)


@dataclass(frozen=True)
class _Miss:
    """A name that a workload looks up in vain, and the line that says so."""

    caller: ObjectRef
    service: ObjectRef
    """The Service that would have the name."""
    name: str
    log: Log


def unknown_names(snapshot: Snapshot, ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    """Yield workloads that look up names which no Service has."""
    misses = {(one.caller, one.service): one for one in _misses(snapshot)}
    callers: dict[ObjectRef, set[ObjectRef]] = defaultdict(set)
    for one in misses.values():
        callers[one.service].add(one.caller)
    by_variable = {(who, a.host) for who, service, a in snapshot.topology.addresses if service is None}
    for one in misses.values():
        if len(callers[one.service]) < _MANY and (one.caller, one.service.name) not in by_variable:
            named = any(host == one.service.name for _, host in by_variable)
            yield from _found(snapshot, one, ill, named)


def _misses(snapshot: Snapshot) -> Iterator[_Miss]:
    past: PastErrors | None = None
    for log in snapshot.logs:
        if log.ref.kind in ("", "Node") or log.record.unit or not unresolved(log):
            continue
        caller = snapshot.topology.workload(log.ref)
        for name in _looked_up(log):
            service = _service_of(name, caller)
            if service is None or _has(snapshot, service, caller, name):
                continue
            past = past or PastErrors.of(snapshot)
            if not past.holds(log):
                yield _Miss(caller, service, name, log)


def _looked_up(log: Log) -> Iterator[str]:
    text = f"{log.text[:_MAX_CHARS]}\n{log.citation.text[:_MAX_CHARS]}"
    found = (match["name"].lower() for pattern in _LOOKED_UP for match in pattern.finditer(text))
    yield from dict.fromkeys(name for name in found if name.strip("0123456789."))


def _service_of(name: str, caller: ObjectRef) -> ObjectRef | None:
    """Give the Service that would have a name; None where it is a host outside of the cluster."""
    labels = name.split(".")
    if len(labels) > 2 and labels[2] != "svc":
        return None
    namespace = labels[1] if len(labels) > 1 else caller.namespace
    return ObjectRef(cluster=caller.cluster, kind="Service", namespace=namespace, name=labels[0])


def _has(snapshot: Snapshot, service: ObjectRef, caller: ObjectRef, name: str) -> bool:
    """Tell whether something has the name after all: the Service, or a Pod below a headless one."""
    if service in snapshot.objects or service.model_copy(update={"kind": "Endpoints"}) in snapshot.objects:
        return True
    parent = ObjectRef(cluster=caller.cluster, kind="Service", namespace=caller.namespace, name=service.namespace)
    return "." in name and parent in snapshot.objects


def _found(snapshot: Snapshot, one: _Miss, ill: frozenset[ObjectRef], named_by_variable: bool) -> Iterator[Finding]:
    absent, meant = snapshot.absent(one.service), _meant(snapshot, one)
    stands = snapshot.topology.named(one.service.name)
    if stands and stands.namespace == one.service.namespace:
        # Where a workload of the name stands, its Service is what is missing; the rules about variables tell of those.
        if absent and stands.name == one.service.name and not named_by_variable:
            yield _service_missing(one, stands, absent)
        return
    if absent is None and meant is None:
        return
    if meant is None and "." in one.name and not one.name.partition(".")[2].count("."):
        return  # `example.com` is no Service of namespace com
    setting = next((s for s in settings_of(snapshot, one.caller) if one.name in s.text), None)
    instead = f"; Service {meant.name} of namespace {meant.namespace} is there" if meant else ""
    message = (
        f"{one.caller.kind} {one.caller.name} looks up {one.name}, but namespace {one.service.namespace} has no "
        f"Service {one.service.name}{instead}."
    )
    lines = (
        *(setting.lines(snapshot, one.name) if setting else ()),
        one.log.citation,
        *(snapshot.cite_row(meant.ref) if meant else ()),
        *((absent,) if absent else ()),
    )
    in_variable = setting and not setting.is_file and setting.name not in ("command", "args")
    rule = ENV_ADDRESS_MISMATCH if in_variable else UNKNOWN_SERVICE_NAME
    sure = 0.93 if meant and (absent or setting) else 0.85 if meant else 0.7 if one.caller in ill else 0.35
    yield rule.found(one.caller, message, lines[:6], strength=sure)


def _service_missing(one: _Miss, stands: ObjectRef, absent: Citation) -> Finding:
    message = (
        f"Service {one.service.name} does not exist in namespace {one.service.namespace}, though {stands.kind} "
        f"{stands.name} is there; {one.caller.name} looks it up in vain."
    )
    lines = (absent, one.log.citation)
    return SERVICE_MISSING.found(one.service, message, lines, strength=0.85, affects=[one.caller])


def misled_resolvers(snapshot: Snapshot, ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    """Yield unwell workloads that call Services by name, and whose own DNS settings lead past the cluster's DNS."""
    calling = {who for who, service, _ in snapshot.topology.addresses if service}
    for workload in sorted(ill & calling, key=str):
        places: list[tuple[ObjectRef, PodSpec, Path]] = [
            (pod.ref, pod.spec, ("spec",)) for pod in snapshot.topology.pods_of(workload)[:1]
        ]
        known = snapshot.objects.get(workload)
        if isinstance(known, Workload):
            places.append((workload, known.spec.template.spec, ("spec", "template", "spec")))
        lines = [
            line for ref, spec, prefix in places
            for line in snapshot.cite(ref, *((*prefix, *path) for path in dns_settings(spec)))
            if ("dnsPolicy",) in dns_settings(spec)
        ]  # fmt: skip
        if lines:
            message = f"{workload.kind} {workload.name} calls Services by name, and has DNS settings of its own."
            yield DNS_FAILURE.found(workload, message, lines[:4], strength=0.6)


def _meant(snapshot: Snapshot, one: _Miss) -> Service | None:
    """Give the Service that was meant: of the same name elsewhere, else of a name much like it in that namespace."""
    best: tuple[float, str, Service] | None = None
    for service in snapshot.kube_services:
        if not service.observed or service.ref.cluster != one.caller.cluster:
            continue
        alike = SequenceMatcher(None, one.service.name, service.name).ratio()
        if service.name == one.service.name:
            alike = 2.0 if service.namespace != one.service.namespace else 0.0
        elif service.namespace != one.service.namespace:
            alike = 0.0
        if alike >= _CLOSE and (best is None or (alike, service.name) > best[:2]):
            best = (alike, service.name, service)
    return best[2] if best else None
