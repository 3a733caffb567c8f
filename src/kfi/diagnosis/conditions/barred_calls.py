"""
Connections that workloads need and NetworkPolicies do not let through.

Who needs what is told by logs that say a Service cannot be reached, and by addresses in environment variables. That
a policy bars a connection is computed; that it hurts, only a log proves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from kfi.diagnosis.conditions.blame import blamed, unreachable
from kfi.diagnosis.conditions.name_resolution import unresolved
from kfi.diagnosis.conditions.network_policies import Door, End, barring, bars_dns, dns_ends, end_of, policies_in
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.served import port_number
from kfi.diagnosis.conditions.service_evidence import answers, checks_of, env_lines, fails, only_rows
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.needs import Address
from kfi.snapshot.network_policy import NetworkPolicy
from kfi.snapshot.resources import Service, ServicePort
from kfi.snapshot.view import Log, Snapshot


@dataclass(frozen=True)
class Need:
    """A connection that a workload needs, and the lines that say so."""

    caller: ObjectRef
    service: Service
    port: int | None
    lines: tuple[Citation, ...]
    log: Log | None = None
    tried: bool = False
    """A connectivity check ran into a timeout."""
    address: Address | None = None
    """The variable that says so, where nothing was tried yet."""


@dataclass(frozen=True)
class Barred:
    """A need that policies do not let through."""

    need: Need
    policies: tuple[NetworkPolicy, ...]
    direction: str
    door: Door
    served: bool
    """Whether somebody would answer if the connection came through."""


def barred_calls(snapshot: Snapshot) -> Iterator[Barred]:
    """Yield the connections that are needed and barred; one for each caller and Service."""
    policies = policies_in(snapshot)
    dns = dns_ends(snapshot) if policies else []
    seen: set[tuple[ObjectRef, ObjectRef]] = set()
    for need in _needs(snapshot) if policies else ():
        key = (need.caller, need.service.ref)
        caller = _caller(snapshot, need) if key not in seen else None
        if caller is None:
            continue
        # Without DNS nothing is reached at all, and that is said of its own.
        quiet = need.log is None and bars_dns(policies, caller, dns)
        found = None if quiet or answers(snapshot, need.service) else _barred(snapshot, policies, need, caller)
        if found:
            seen.add(key)
            yield replace(found, need=_with_variable(snapshot, need))


def _with_variable(snapshot: Snapshot, need: Need) -> Need:
    """Add the line of the variable: finding it takes time, and most needs are met."""
    if need.address is None:
        return need
    return replace(need, lines=(*env_lines(snapshot, need.caller, need.address), *need.lines))


def _caller(snapshot: Snapshot, need: Need) -> End | None:
    """Give who needs a connection; a check may have come from anywhere, so it counts as one of the Service's own."""
    if need.caller.name:
        return end_of(snapshot, need.caller)
    return End(need.caller.model_copy(update={"namespace": need.service.namespace}), None, {}, False)


def _needs(snapshot: Snapshot) -> Iterator[Need]:
    """Yield what logs complain of, then what checks tried, then what variables hold."""
    yield from _missed(snapshot)
    for service in snapshot.kube_services:
        tried = [one for one in checks_of(snapshot, service) if one.record.result == "timeout"]
        for one in tried[:1]:
            yield Need(ObjectRef(cluster=service.ref.cluster), service, one.record.port, (one.citation,), tried=True)
    for caller, found, address in snapshot.topology.addresses:
        if found:
            yield Need(caller, found, address.port, fails(snapshot, found)[:1], address=address)


def _missed(snapshot: Snapshot) -> Iterator[Need]:
    past: PastErrors | None = None
    addresses = {(who, service.ref): one.port for who, service, one in snapshot.topology.addresses if service}
    for log in snapshot.logs:
        # To ask whom a line blames costs more than these.
        if not unreachable(log) or unresolved(log):
            continue
        for service, _ in blamed(snapshot, log.ref, [log]):
            past = past or PastErrors.of(snapshot)
            caller = snapshot.topology.workload(log.ref)
            if not past.holds(log):
                lines = (log.citation, *fails(snapshot, service)[:1])
                yield Need(caller, service, addresses.get((caller, service.ref)), lines, log)


def _barred(snapshot: Snapshot, policies: list[NetworkPolicy], need: Need, caller: End) -> Barred | None:
    callee = _callee(snapshot, need.service)
    if callee is None or callee.ref == caller.ref:
        return None
    port = next((p for p in need.service.spec.ports if need.port in (None, p.port)), None)
    # A table shows no targetPort, and policies are about the Pod's port.
    unknown = port is None or (port.target_port is None and only_rows(snapshot, need.service.ref))
    door = _door(port, callee) if port and not unknown else Door(None)
    served = snapshot.topology.serves(need.service.ref)
    for direction, here, there in (("Ingress", callee, caller), ("Egress", caller, callee)):
        found = barring(policies, direction, here, there, door)
        if found:
            return Barred(need, tuple(found), direction, door, served)
    return None


def _callee(snapshot: Snapshot, service: Service) -> End | None:
    pods = [pod for pod in snapshot.topology.selected(service) if not pod.finished]
    best = next((pod.ref for pod in pods if pod.ready), pods[0].ref if pods else None)
    meant = best or snapshot.topology.meant_by(service)
    return end_of(snapshot, meant) if meant else None


def _door(port: ServicePort, callee: End) -> Door:
    """Give the port of the Pod that a Service's port leads to: policies are about that one."""
    target = port.port if port.target_port is None else port.target_port
    numbers = (port_number(container, target) for container in callee.spec.containers)
    number = target if isinstance(target, int) else next((n for n in numbers if n), None)
    name = target if isinstance(target, str) else ""
    return Door(number, name, port.protocol)
