"""
Connections inside the cluster that cannot come about: barred by a NetworkPolicy, or misled by an uncommon Service.

A policy that bars nothing that anybody needs is none of our business, and so is a Service that several versions of one
application share.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_address

from kfi.diagnosis.conditions.barred_calls import Barred, barred_calls
from kfi.diagnosis.conditions.name_resolution import unresolved
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.served import port_number
from kfi.diagnosis.conditions.service_evidence import complaints, only_rows
from kfi.diagnosis.words.network import (
    EXTERNAL_NAME_INVALID,
    GOVERNING_SERVICE_WRONG,
    NETWORK_POLICY_BLOCKS,
    SERVICE_SELECTS_TWO_WORKLOADS,
)
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.pod import Container, Pod
from kfi.snapshot.resources import Service, Workload
from kfi.snapshot.routes import service_of_host
from kfi.snapshot.view import Log, Snapshot

RULES = (NETWORK_POLICY_BLOCKS, SERVICE_SELECTS_TWO_WORKLOADS, EXTERNAL_NAME_INVALID, GOVERNING_SERVICE_WRONG)

_TIMEOUT = re.compile(r"time(?:d|s)?[- ]?out|deadline exceeded|no route to host|unreachable|ETIMEDOUT", re.IGNORECASE)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what keeps workloads of the cluster apart."""
    by_policy: dict[ObjectRef, list[Barred]] = defaultdict(list)
    for one in barred_calls(snapshot):
        by_policy[one.policies[0].ref].append(one)
    for policy, barred in by_policy.items():
        yield _blocks(snapshot, policy, sorted(barred, key=_certainty, reverse=True))
    for service in snapshot.live(Service):
        yield from _two_workloads(snapshot, service)
        if service.spec.type == "ExternalName":
            yield from _external_name(snapshot, service)
    for workload in snapshot.live(Workload, "StatefulSet"):
        yield from _governing(snapshot, workload)


def _certainty(one: Barred) -> float:
    """Say how surely a barred connection is what hurts."""
    log = one.need.log
    if log is None:
        return 0.85 if one.need.tried and one.served else 0.5
    timeout = bool(_TIMEOUT.search(log.text[:4000]))
    return (0.95 if timeout else 0.8) if one.served else 0.55


def _blocks(snapshot: Snapshot, policy: ObjectRef, barred: list[Barred]) -> Finding:
    first = barred[0]
    pairs = ", ".join(f"{one.need.caller.name or 'a check'} to {one.need.service.name}" for one in barred[:3])
    port = f" on port {first.door.port or first.door.name}" if first.door.port or first.door.name else ""
    also = ", ".join(p.name for p in first.policies[1:3])
    with_others = f" (with {also})" if also else ""
    side = "into" if first.direction == "Ingress" else "out of"
    whom = first.need.service.name if first.direction == "Ingress" else first.need.caller.name
    message = f"NetworkPolicy {policy.name}{with_others} lets no connection from {pairs}{port} {side} {whom}."
    part = first.direction.lower()
    lines = (
        *snapshot.cite(policy, ("spec", "podSelector"), ("spec", "policyTypes"), ("spec", part)),
        *(line for one in barred[:3] for line in one.need.lines[:2]),
    )
    affects = [ref for one in barred for ref in (*_pods(snapshot, one.need.caller), one.need.service.ref)]
    strength = _certainty(first)
    return NETWORK_POLICY_BLOCKS.found(policy, message, lines[:6], strength=strength, affects=dict.fromkeys(affects))


def _pods(snapshot: Snapshot, caller: ObjectRef) -> tuple[ObjectRef, ...]:
    return (caller, *(pod.ref for pod in snapshot.topology.pods_of(caller))) if caller.name else ()


def _two_workloads(snapshot: Snapshot, service: Service) -> Iterator[Finding]:
    """Yield a Service that selects a workload which does not serve its port, beside one that does."""
    selected = [pod for pod in snapshot.topology.selected(service) if pod.ready]
    by: dict[ObjectRef, Pod] = {}
    for pod in selected:
        by.setdefault(snapshot.topology.workload(pod.ref), pod)
    serving = {ref: _serves(service, pod.spec.containers) for ref, pod in by.items()}
    strangers = sorted((ref for ref, answer in serving.items() if answer is False), key=str)
    if not strangers or True not in serving.values():
        return
    labels = ", ".join(f"{key}={value}" for key, value in service.spec.selector.items())
    ports = ", ".join(str(port.target_port or port.port) for port in service.spec.ports)
    meant = next(ref for ref, answer in serving.items() if answer)
    message = (
        f"Service {service.name} selects {labels}: Pods of {meant.kind} {meant.name}, and those of "
        f"{', '.join(f'{ref.kind} {ref.name}' for ref in strangers[:3])}, which have no port {ports}."
    )
    said = complaints(snapshot, service, 2)
    lines = (
        *snapshot.cite(service.ref, ("spec", "selector")),
        *(line for ref in strangers[:2] for line in snapshot.cite(by[ref].ref, ("metadata", "labels"))[:1]),
        *said,
    )
    strength = 0.9 if said else 0.75
    yield SERVICE_SELECTS_TWO_WORKLOADS.found(service.ref, message, lines, strength=strength, affects=strangers)


def _serves(service: Service, containers: list[Container]) -> bool | None:
    """Tell whether containers declare the ports that a Service leads to; None where they declare none at all."""
    declared = {port.container_port for container in containers for port in container.ports}
    targets = [port.port if port.target_port is None else port.target_port for port in service.spec.ports]
    if not declared or not targets or only_names(targets, containers):
        return None
    numbers = {number for container in containers for t in targets if (number := port_number(container, t))}
    return bool(numbers & declared)


def only_names(targets: list[int | str], containers: list[Container]) -> bool:
    """Tell whether ports are asked for by name, and no text shows the names of any."""
    return all(isinstance(t, str) for t in targets) and not any(p.name for c in containers for p in c.ports)


def _external_name(snapshot: Snapshot, service: Service) -> Iterator[Finding]:
    name = service.spec.external_name.rstrip(".")
    reason, proof = _wrong_target(snapshot, service, name)
    said = _unresolved_logs(snapshot, service, name)
    if not reason and not said:
        return
    lines = (*snapshot.cite(service.ref, ("spec", "externalName")), *proof, *said[:2])
    message = f"Service {service.name} is an alias of {name}, {reason or 'which does not resolve'}."
    strength = 0.95 if reason and said else 0.85 if reason else 0.7
    yield EXTERNAL_NAME_INVALID.found(service.ref, message, lines, strength=strength)


def _wrong_target(snapshot: Snapshot, service: Service, name: str) -> tuple[str, tuple[Citation, ...]]:
    """Say what is wrong with an alias by its form or by what exists; nothing where nothing is."""
    try:
        ip_address(name)
        return "an IP address, which DNS takes for a name", ()
    except ValueError:
        pass
    target = service_of_host(service.ref, name) if "." in name else None
    absent = snapshot.absent(target) if target else None
    return ("a Service that does not exist", (absent,)) if absent else ("", ())


def _unresolved_logs(snapshot: Snapshot, service: Service, name: str) -> list[Citation]:
    """Give the lines that say an alias, or what it stands for, does not resolve."""
    past: PastErrors | None = None
    found: list[Citation] = []
    word = re.compile(rf"(?<![\w-])(?:{re.escape(service.name)}|{re.escape(name)})(?![\w-])") if name else None
    for log in snapshot.logs if word else ():
        near = log.ref.namespace in ("", service.namespace) and log.ref.cluster == service.ref.cluster
        if near and unresolved(log) and word and word.search(log.text[:4000]):
            past = past or PastErrors.of(snapshot)
            found += [] if past.holds(log) else [log.citation]
    return found


def _governing(snapshot: Snapshot, workload: Workload) -> Iterator[Finding]:
    """Yield a StatefulSet whose Pods' names in DNS do not exist, surest where somebody looks one up in vain."""
    name = workload.spec.service_name
    if not name or workload.desired == 0:
        return
    ref = workload.ref.model_copy(update={"kind": "Service", "name": name})
    service = snapshot.objects.get(ref)
    reason, proof = _governing_fault(snapshot, workload, service if isinstance(service, Service) else None, ref)
    if not reason:
        return
    asked = re.compile(rf"(?<![\w-]){re.escape(workload.name)}-\d+\.{re.escape(name)}(?![\w-])")
    said = [log for log in snapshot.logs if _complains(log, asked)]
    if not said and workload.desired is not None and workload.ready_count >= workload.desired:
        return  # whoever calls it by the Service's own name misses nothing
    lines = (*snapshot.cite(workload.ref, ("spec", "serviceName")), *proof, *(log.citation for log in said[:2]))
    message = f"StatefulSet {workload.name} takes the names of its Pods from Service {name}, {reason}."
    strength = 0.93 if said else 0.35
    yield GOVERNING_SERVICE_WRONG.found(workload.ref, message, lines, strength=strength)


def _complains(log: Log, asked: re.Pattern[str]) -> bool:
    return bool(asked.search(log.text[:4000])) and unresolved(log)


def _governing_fault(
    snapshot: Snapshot, workload: Workload, service: Service | None, ref: ObjectRef
) -> tuple[str, tuple[Citation, ...]]:
    if service is None or not service.observed:
        absent = snapshot.absent(ref)
        return ("which does not exist", (absent,)) if absent else ("", ())
    labels = workload.spec.template.metadata.labels or workload.spec.selector.match_labels
    if service.spec.selector and labels and not service.spec.selector.items() <= labels.items():
        if only_rows(snapshot, workload.ref):
            return "", ()
        return "which does not select them", snapshot.cite(service.ref, ("spec", "selector"))
    if service.spec.cluster_ip not in ("", "None"):
        return "which is not headless", snapshot.cite(service.ref, ("spec", "clusterIP"))
    return "", ()
