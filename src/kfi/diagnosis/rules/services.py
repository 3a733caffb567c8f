"""
Services that do not lead where they should, names that do not resolve, and workloads that are scaled away.

A Service is compared with the Pods it is meant for; a check that found it open clears it. Headless Services map no
ports, and those without a selector or of type ExternalName are somebody else's business.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.diagnosis.conditions.address_faults import address_faults
from kfi.diagnosis.conditions.database_servers import second_port
from kfi.diagnosis.conditions.manifest_faults import mismatched_selectors, only_declared
from kfi.diagnosis.conditions.misrouting import crossed_variables
from kfi.diagnosis.conditions.name_resolution import name_faults
from kfi.diagnosis.conditions.pod_spec import full_spec
from kfi.diagnosis.conditions.scaled_to_zero import scaled_to_zero
from kfi.diagnosis.conditions.served import port_number, protocol_of_name
from kfi.diagnosis.conditions.service_evidence import (
    answers,
    complaints,
    env_lines,
    fails,
    has_endpoints,
    no_endpoints,
    only_rows,
    workload_logs,
)
from kfi.diagnosis.conditions.service_target import Candidate, Candidates, differences
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.service import (
    DEPLOYMENT_ZERO_REPLICAS,
    DNS_FAILURE,
    ENV_ADDRESS_MISMATCH,
    NETWORK_POLICY_BARS_DNS,
    SERVICE_MISSING,
    SERVICE_NO_READY_ENDPOINTS,
    SERVICE_PORT_MISMATCH,
    SERVICE_PROTOCOL_MISMATCH,
    SERVICE_SELECTOR_MISMATCH,
    WORKLOAD_SELECTOR_MISMATCH,
)
from kfi.models.records import TextForm
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.pod import Container, ContainerPort, Pod
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Service, ServicePort, Workload
from kfi.snapshot.view import Snapshot

RULES = (
    SERVICE_SELECTOR_MISMATCH,
    SERVICE_NO_READY_ENDPOINTS,
    SERVICE_PORT_MISMATCH,
    SERVICE_PROTOCOL_MISMATCH,
    SERVICE_MISSING,
    ENV_ADDRESS_MISMATCH,
    DEPLOYMENT_ZERO_REPLICAS,
    DNS_FAILURE,
    NETWORK_POLICY_BARS_DNS,
    WORKLOAD_SELECTOR_MISMATCH,
)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield Services, addresses and names that lead nowhere, and needed workloads without replicas."""
    candidates = Candidates(snapshot)
    for service in snapshot.kube_services:
        known = service.observed or only_declared(snapshot, service.ref)
        if known and service.spec.selector and service.spec.type != "ExternalName":
            yield from _of_service(snapshot, service, candidates)
    yield from address_faults(snapshot)
    yield from _crossed(snapshot)
    yield from name_faults(snapshot)
    yield from mismatched_selectors(snapshot)
    yield from scaled_to_zero(snapshot)


def _crossed(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield variables that are named for one application and hold another's address."""
    for one in crossed_variables(snapshot):
        variable = one.address
        message = (
            f"{one.workload.kind} {one.workload.name} has variable {variable.variable} ({variable.text[:120]}), which "
            f"leads to Service {one.held.name}, not to {one.meant.name}."
        )
        said = [
            log.citation for log in workload_logs(snapshot, one.workload) if log.failing and variable.host in log.text
        ]
        lines = (*env_lines(snapshot, one.workload, variable), *snapshot.cite_row(one.meant.ref)[:1], *said[:2])
        yield ENV_ADDRESS_MISMATCH.found(one.workload, message, lines, strength=0.9 if said else 0.75)


def _of_service(snapshot: Snapshot, service: Service, candidates: Candidates) -> Iterator[Finding]:
    mismatch = next(_selector(snapshot, service, candidates), None)
    if mismatch:
        yield mismatch
        return
    yield from _not_ready(snapshot, service)
    for port in service.spec.ports:
        yield from _port(snapshot, service, port)


def _selector(snapshot: Snapshot, service: Service, candidates: Candidates) -> Iterator[Finding]:
    selected = snapshot.topology.selected(service)
    if answers(snapshot, service):
        return
    if selected:
        yield from _selects_another(snapshot, service, selected, candidates.named(service))
        return
    meant = candidates.intended(service)
    different = differences(service, meant) if meant else {}
    if meant and different:
        yield _selects_nothing(snapshot, service, meant, different)


def _selects_nothing(
    snapshot: Snapshot, service: Service, meant: Candidate, different: dict[str, str | None]
) -> Finding:
    wanted = ", ".join(f"{key}={service.spec.selector[key]}" for key in different)
    have = ", ".join(f"{key}={value}" if value else f"no label {key}" for key, value in different.items())
    failed = fails(snapshot, service)
    gone = no_endpoints(snapshot, service)
    lines = (
        *snapshot.cite(service.ref, *[("spec", "selector", key) for key in different]),
        *_label_lines(snapshot, meant, list(different)),
        *gone[:1],
        *failed[:1],
        *complaints(snapshot, service, 1),
    )
    certain = meant.complete and any(pod.ready for pod in meant.pods)
    strength = (0.95 if certain else 0.8) if None not in different.values() else 0.85 if certain else 0.7
    return SERVICE_SELECTOR_MISMATCH.found(
        service.ref,
        f"Service {service.name} selects {wanted}, but the Pods of {meant.ref.kind} {meant.ref.name} carry {have}.",
        lines[:6],
        strength=strength if failed or gone or meant.pods else 0.6,
        affects=[meant.ref],
    )


def _label_lines(snapshot: Snapshot, meant: Candidate, keys: list[str]) -> tuple[Citation, ...]:
    paths: list[Path] = [("metadata", "labels", key) for key in keys] + [("metadata", "labels")]
    pod = meant.pods[0].ref if meant.pods else meant.ref
    own = snapshot.cite(pod, *paths)
    template = snapshot.cite(meant.ref, *[("spec", "template", *path) for path in paths])
    return (*own[:1], *template[:1])


def _selects_another(
    snapshot: Snapshot, service: Service, selected: tuple[Pod, ...], named: Candidate | None
) -> Iterator[Finding]:
    """Yield a Service that selects Pods of a workload it is not named for."""
    topology = snapshot.topology
    workloads = {topology.workload(pod.ref) for pod in selected}
    if named is None or (workloads == {named.ref}):
        return
    others = [
        ref for ref in sorted(workloads, key=str) if ref != named.ref and _has_own_service(snapshot, service, ref)
    ]
    if not others:
        return
    missed = named.ref not in workloads
    if missed and any(topology.services_of(pod.ref) for pod in named.pods):
        return
    labels = ", ".join(f"{key}={value}" for key, value in service.spec.selector.items())
    instead = "not those of" if missed else "as well as those of"
    lines = (
        *snapshot.cite(service.ref, ("spec", "selector")),
        *[line for pod in selected[:2] for line in snapshot.cite(pod.ref, ("metadata", "labels"))[:1]],
        *fails(snapshot, service)[:1],
    )
    yield SERVICE_SELECTOR_MISMATCH.found(
        named.ref if missed else service.ref,
        f"Service {service.name} selects {labels}: Pods of {others[0].kind} {others[0].name}, {instead} "
        f"{named.ref.name}.",
        lines,
        strength=0.85 if missed else 0.65,
        affects=[service.ref],
    )


def _has_own_service(snapshot: Snapshot, service: Service, workload: ObjectRef) -> bool:
    own = service.ref.model_copy(update={"name": workload.name})
    return own != service.ref and isinstance(snapshot.objects.get(own), Service)


def _not_ready(snapshot: Snapshot, service: Service) -> Iterator[Finding]:
    pods = [pod for pod in snapshot.topology.selected(service) if not pod.finished]
    if any(pod.ready for pod in pods) or has_endpoints(snapshot, service) or answers(snapshot, service):
        return
    gone = no_endpoints(snapshot, service)
    if not pods and not gone:
        return
    lines = (
        *gone,
        *[line for pod in pods[:3] for line in _ready_line(snapshot, pod)],
        *fails(snapshot, service)[:1],
    )
    state = "which is not ready" if len(pods) == 1 else "none of which is ready"
    whom = (
        f"selects {counted(len(pods), 'Pod')}, {state}"
        if pods
        else "has no endpoint, and no Pod that it selects is seen"
    )
    message = f"Service {service.name} {whom}."
    yield SERVICE_NO_READY_ENDPOINTS.found(service.ref, message, lines or snapshot.cite_row(service.ref), strength=0.8)


def _ready_line(snapshot: Snapshot, pod: Pod) -> tuple[Citation, ...]:
    return snapshot.cite(pod.ref, ("status", "conditions", "Ready", "status"))[:1] or snapshot.cite_row(pod.ref)


def _containers(snapshot: Snapshot, service: Service) -> tuple[ObjectRef | None, list[Container]]:
    """Give the containers behind a Service, of one of its Pods or of the template it selects, and whose they are."""
    pods = snapshot.topology.selected(service)
    if pods:
        best = next((pod for pod in pods if pod.ready), pods[0])
        spec = full_spec(snapshot, best.ref)
        sidecars = [c for c in spec.init_containers if c.restart_policy == "Always"]
        return best.ref, [*spec.containers, *sidecars]
    meant = snapshot.topology.meant_by(service)
    workload = snapshot.objects.get(meant) if meant else None
    if isinstance(workload, Workload) and not _misses(service, workload):
        return workload.ref, list(workload.spec.template.spec.containers)
    return None, []


def _misses(service: Service, workload: Workload) -> bool:
    """Tell whether a Service's selector misses a workload's template."""
    labels = workload.spec.template.metadata.labels
    return any(labels.get(key) != value for key, value in service.spec.selector.items())


def _port(snapshot: Snapshot, service: Service, port: ServicePort) -> Iterator[Finding]:
    owner, containers = _containers(snapshot, service)
    if owner is None or not containers or answers(snapshot, service, port.port):
        return
    if port.target_port is None and only_rows(snapshot, service.ref):
        return  # a table shows no targetPort
    target = port.port if port.target_port is None else port.target_port
    ports = [p for container in containers for p in container.ports]
    if _names_unseen(snapshot, owner, ports, target) and not _ready_in_vain(snapshot, service):
        return
    matching = _matching(containers, target)
    if any(p.protocol == port.protocol for p in matching) or any(second_port(c, target) for c in containers):
        return
    if matching or (not ports and _talks_tcp(snapshot, service, port)):
        yield _wrong_protocol(snapshot, service, port, owner, matching)
    elif service.spec.cluster_ip != "None" and (ports or (isinstance(target, str) and not target.isdigit())):
        yield _wrong_target(snapshot, service, port, owner, ports)


def _names_unseen(snapshot: Snapshot, owner: ObjectRef, ports: list[ContainerPort], target: int | str) -> bool:
    """Tell whether a port is asked for by name, and no text of its owner shows names: `describe` leaves them out."""
    # Where the live object was read too, its ports come from that text: what was applied shows other names at most.
    seen = snapshot.seen.get(owner, ())
    live = [one for one in seen if not one.record.applied]
    forms = {one.record.form for one in live or seen}
    whole = bool(forms & {TextForm.JSON, TextForm.YAML})
    return isinstance(target, str) and not whole and not any(port.name for port in ports)


def _ready_in_vain(snapshot: Snapshot, service: Service) -> bool:
    """Tell whether a Service has no endpoint though a Pod that it selects is ready: its port does not fit."""
    ready = any(pod.ready for pod in snapshot.topology.selected(service))
    return ready and has_endpoints(snapshot, service) is False


def _matching(containers: list[Container], target: int | str) -> list[ContainerPort]:
    found = []
    for container in containers:
        number = port_number(container, target)
        named = isinstance(target, str) and not target.isdigit()
        found += [p for p in container.ports if (p.name == target if named else p.container_port == number)]
    return found


def _talks_tcp(snapshot: Snapshot, service: Service, port: ServicePort) -> bool:
    """Tell whether a port that is not TCP is used as if it were."""
    if port.protocol == "TCP" or any(p.port == port.port and p.protocol == "TCP" for p in service.spec.ports):
        return False
    used = (s and s.ref == service.ref and a.port == port.port for _, s, a in snapshot.topology.addresses)
    return bool(protocol_of_name(port.name)) or any(used)


def _wrong_protocol(
    snapshot: Snapshot, service: Service, port: ServicePort, owner: ObjectRef, matching: list[ContainerPort]
) -> Finding:
    failed, said = fails(snapshot, service, port.port), complaints(snapshot, service, 1)
    have = ", ".join(sorted({p.protocol for p in matching})) or "TCP"
    lines = (
        *snapshot.cite(service.ref, ("spec", "ports", service.port_key(port), "protocol")),
        *_port_lines(snapshot, owner),
        *failed[:1],
        *said,
    )
    return SERVICE_PROTOCOL_MISMATCH.found(
        service.ref,
        f"Port {port.port} of Service {service.name} is {port.protocol}, but the container serves {have}.",
        lines,
        strength=0.95 if failed or said else 0.8 if matching else 0.6,
    )


def _wrong_target(
    snapshot: Snapshot, service: Service, port: ServicePort, owner: ObjectRef, ports: list[ContainerPort]
) -> Finding:
    target = port.port if port.target_port is None else port.target_port
    failed, said = fails(snapshot, service, port.port), complaints(snapshot, service, 1)
    gone = no_endpoints(snapshot, service)
    used = snapshot.topology.called_by(service.ref) or not snapshot.topology.serves(service.ref)
    named = isinstance(target, str) and not target.isdigit()
    what = f"name {target!r}" if named else f"number {target}"
    have = ", ".join(f"{p.container_port}{f' ({p.name})' if p.name else ''}" for p in ports) or "none"
    lines = (
        *snapshot.cite(service.ref, ("spec", "ports", service.port_key(port), "targetPort")),
        *_port_lines(snapshot, owner),
        *(gone[:1] if named else ()),
        *failed[:1],
        *said,
    )
    # A declared port is only a remark: a server may listen on others. A name must be declared.
    strength = 0.96 if named or failed else 0.9 if said else 0.45 if used else 0.3
    return SERVICE_PORT_MISMATCH.found(
        service.ref,
        f"Port {port.port} of Service {service.name} leads to the container port of {what}, but the container "
        f"declares {have}.",
        lines,
        strength=strength,
    )


def _port_lines(snapshot: Snapshot, owner: ObjectRef) -> tuple[Citation, ...]:
    resource = snapshot.objects.get(owner)
    template = isinstance(resource, Workload)
    spec = resource.spec.template.spec if isinstance(resource, Workload) else full_spec(snapshot, owner)
    prefix = ("spec", "template", "spec") if template else ("spec",)
    paths = [(*prefix, "containers", container.name, "ports") for container in spec.containers if container.ports]
    return snapshot.cite(owner, *paths)[:2]
