"""
Addresses in environment variables that lead nowhere: a Service that is missing, or one that was never meant.

Who is at fault is told by what else is known: a manifest that declares the Service, other callers with the same
variable, a Service of nearly the same name, and whether the caller's log complains. A host that most workloads name
and nobody has is an optional dependency, not a fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from kfi.diagnosis.conditions.blame import unreachable
from kfi.diagnosis.conditions.database_servers import Servers, is_store
from kfi.diagnosis.conditions.served import declared
from kfi.diagnosis.conditions.service_evidence import checks_of, complaints, env_lines, workload_logs
from kfi.diagnosis.conditions.settings import specified
from kfi.diagnosis.words.config import UNKNOWN_SERVICE_NAME
from kfi.diagnosis.words.database import DB_WRONG_PORT
from kfi.diagnosis.words.service import ENV_ADDRESS_MISMATCH, SERVICE_MISSING, SERVICE_PORT_MISMATCH
from kfi.models.schemas import Citation, Finding, ObjectRef, Role
from kfi.snapshot.needs import Address
from kfi.snapshot.objects import quantity
from kfi.snapshot.policies import ResourceQuota
from kfi.snapshot.resources import Endpoints, Service
from kfi.snapshot.view import Snapshot

_CLOSE = 0.75
_OURSELVES = ("localhost", "localhost.localdomain", "ip6-localhost")
_SERVICE_QUOTAS = ("services", "count/services", "services.nodeports", "services.loadbalancers")


@dataclass(frozen=True)
class _Use:
    """A workload's variable, and the Service that its address means."""

    workload: ObjectRef
    service: Service | None
    address: Address

    @property
    def said(self) -> str:
        """`VARIABLE (value)`."""
        return f"variable {self.address.variable} ({self.address.text[:120]})"


def address_faults(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield Services that are missing and variables that hold wrong addresses."""
    uses = [_Use(*one) for one in snapshot.topology.addresses if one[2].host not in _OURSELVES]
    missing = _missing_services(snapshot, uses)
    for service, callers in missing.items():
        yield _missing_service(snapshot, service, callers)
    for use in uses:
        if use.service is None or not use.service.observed:
            ref = _service_ref(use)
            if ref not in missing:
                yield from _wrong_host(snapshot, use, ref, uses)
    yield from _wrong_ports(snapshot, uses)


def _service_ref(use: _Use) -> ObjectRef:
    home, cluster = use.address.namespace, use.workload.cluster
    return ObjectRef(cluster=cluster, kind="Service", namespace=home, name=use.address.host)


def _missing_services(snapshot: Snapshot, uses: Iterable[_Use]) -> dict[ObjectRef, list[_Use]]:
    """Give the Services that a manifest declares, or a workload stands ready for, and a complete list lacks."""
    found: dict[ObjectRef, list[_Use]] = {
        ref: [] for ref, resource in snapshot.objects.items()
        if isinstance(resource, Service) and not resource.observed and snapshot.absent(ref)
    }  # fmt: skip
    for use in uses:
        ref = _service_ref(use)
        named = snapshot.topology.named(ref.name)
        stands_ready = named is not None and named.namespace == ref.namespace and named.name == ref.name
        if ref in found or (stands_ready and use.service is None and snapshot.absent(ref)):
            found.setdefault(ref, []).append(use)
    return found


def _missing_service(snapshot: Snapshot, ref: ObjectRef, uses: list[_Use]) -> Finding:
    quota = _full_quota(snapshot, ref.namespace)
    callers = sorted({use.workload.name for use in uses})
    declared = snapshot.objects.get(ref)
    absent = snapshot.absent(ref)
    lines = (
        *((absent,) if absent else ()),
        *(snapshot.cite_row(ref) if declared else ()),
        *(line for use in uses[:2] for line in env_lines(snapshot, use.workload, use.address)),
        *(complaints(snapshot, declared) if isinstance(declared, Service) else ()),
    )
    who = f"; {', '.join(callers[:4])} use it" if callers else ""
    why = "a manifest declares it" if declared else "a workload of its name stands ready"
    return SERVICE_MISSING.found(
        ref,
        f"Service {ref.name} does not exist in namespace {ref.namespace}, though {why}{who}.",
        lines[:6],
        strength=0.6 if quota else 0.8 if callers else 0.5,
        role=Role.SYMPTOM if quota else None,
        affects=[use.workload for use in uses],
    )


def _full_quota(snapshot: Snapshot, namespace: str) -> bool:
    """Tell whether a quota of the namespace leaves no room for another Service."""
    for quota in snapshot.live(ResourceQuota):
        for name in _SERVICE_QUOTAS if quota.namespace == namespace else ():
            hard, used = quantity(quota.status.hard.get(name)), quantity(quota.status.used.get(name))
            if hard is not None and used is not None and used >= hard:
                return True
    return False


def _wrong_host(snapshot: Snapshot, use: _Use, ref: ObjectRef, uses: list[_Use]) -> Iterator[Finding]:
    absent = snapshot.absent(ref)
    if absent is None or isinstance(snapshot.objects.get(ref.model_copy(update={"kind": "Endpoints"})), Endpoints):
        return
    if _names_a_pod(snapshot, use):
        return
    meant = _meant(snapshot, use, uses)
    logs = [log for log in workload_logs(snapshot, use.workload) if log.failing and use.address.host in log.text]
    same = {other.workload for other in uses if other.address.host == use.address.host}
    if not meant and (not logs or len(same) > 2):
        return
    instead = f"; Service {meant.name} with port {_ports(meant)} does" if meant else ""
    lines = (
        *env_lines(snapshot, use.workload, use.address),
        *((_service_line(snapshot, meant)) if meant else ()),
        *(log.citation for log in logs[-1:]),
        absent,
    )
    # A name with a namespace in it was meant to be looked up there: the name is what is wrong, not an address.
    rule = ENV_ADDRESS_MISMATCH if use.address.namespace == use.workload.namespace else UNKNOWN_SERVICE_NAME
    yield rule.found(
        use.workload,
        f"{use.workload.kind} {use.workload.name} has {use.said}, but no Service {use.address.host} exists in "
        f"namespace {use.address.namespace}{instead}.",
        lines,
        strength=0.96 if meant and logs else 0.85 if meant else 0.7,
    )


def _names_a_pod(snapshot: Snapshot, use: _Use) -> bool:
    """Tell whether `db-0.db` is meant: a Pod of a StatefulSet below its headless Service, not a namespace."""
    home = use.workload
    service = snapshot.find("Service", home.namespace, use.address.namespace, home.cluster)
    return service is not None and use.address.host.rpartition("-")[2].isdigit()


def _meant(snapshot: Snapshot, use: _Use, uses: Iterable[_Use]) -> Service | None:
    """Give the Service that a wrong address was meant to name: what the same variable names elsewhere, else alike."""
    for other in uses:
        same = other.address.variable == use.address.variable and other.workload != use.workload
        if same and other.service is not None and other.service.observed:
            return other.service
    alike: list[tuple[float, str, Service]] = []
    for service in snapshot.kube_services:
        if not service.observed or service.ref.cluster != use.workload.cluster:
            continue
        if service.name == use.address.host:  # of another namespace than the address says
            alike.append((2.0, service.namespace, service))
        elif service.namespace == use.address.namespace:
            ratio = _likeness(use.address.host, service.name)
            has_port = use.address.port in {port.port for port in service.spec.ports}
            if ratio >= _CLOSE:
                alike.append((ratio + has_port / 4, service.name, service))
    return max(alike, key=_likest)[2] if alike else None


def _likest(one: tuple[float, str, Service]) -> tuple[float, str]:
    return one[0], one[1]


def _likeness(one: str, other: str) -> float:
    if min(len(one), len(other)) > 2 and (one.startswith(f"{other}-") or other.startswith(f"{one}-")):
        return 0.9
    return SequenceMatcher(None, one, other).ratio()


def _ports(service: Service) -> str:
    return ", ".join(str(port.port) for port in service.spec.ports) or "none"


def _service_line(snapshot: Snapshot, service: Service) -> tuple[Citation, ...]:
    paths = [("spec", "ports", service.port_key(port), "port") for port in service.spec.ports]
    return snapshot.cite(service.ref, *paths)[:1] or snapshot.cite_row(service.ref)


def _wrong_ports(snapshot: Snapshot, uses: Iterable[_Use]) -> Iterator[Finding]:
    """Yield ports that a Service does not have: the caller's fault, unless all callers agree and are several."""
    by_service: dict[ObjectRef, list[_Use]] = defaultdict(list)
    for use in uses:
        if use.service is not None and use.service.observed and use.address.port and use.service.spec.ports:
            by_service[use.service.ref].append(use)
    servers = Servers(snapshot)
    for ref, callers in by_service.items():
        service = snapshot.objects[ref]
        if not isinstance(service, Service) or service.spec.type == "ExternalName":
            continue
        have = {port.port for port in service.spec.ports}
        wrong = [use for use in callers if use.address.port not in have]
        if service.spec.cluster_ip == "None":
            wrong = list(_past_headless(snapshot, service, wrong))
        if wrong and _service_differs(snapshot, service, wrong, callers):
            yield _wrong_service_port(snapshot, service, wrong)
        else:
            yield from (_wrong_port(snapshot, service, use, servers) for use in wrong)


def _past_headless(snapshot: Snapshot, service: Service, wrong: list[_Use]) -> Iterator[_Use]:
    """Yield uses of ports that the Pods below a headless Service do not have either, by workloads that suffer.

    Such a Service translates no port: its callers reach whatever its Pods listen on, declared or not.
    """
    meant = snapshot.topology.meant_by(service)
    spec = specified(snapshot, meant) if meant else None
    served = {port for container in (spec.spec.containers if spec else ()) for port in declared(container)}
    for use in wrong if served else ():
        unheard = use.address.port not in served
        suffers = not snapshot.topology.serves(use.workload) or any(
            unreachable(log) and f":{use.address.port}" in log.text for log in workload_logs(snapshot, use.workload)
        )
        if unheard and suffers:
            yield use


def _service_differs(snapshot: Snapshot, service: Service, wrong: list[_Use], callers: list[_Use]) -> bool:
    """Tell whether the Service, not its callers, has the wrong port."""
    asked = {use.address.port for use in wrong}
    declared = snapshot.declared.get(service.ref)
    drifted = isinstance(declared, Service) and asked <= {port.port for port in declared.spec.ports}
    agreed = len(wrong) == len(callers) and len(asked) == 1 and len({use.workload for use in wrong}) > 1
    return drifted or agreed


def _wrong_service_port(snapshot: Snapshot, service: Service, wrong: list[_Use]) -> Finding:
    asked = ", ".join(sorted({str(use.address.port) for use in wrong}))
    who = ", ".join(sorted({use.workload.name for use in wrong})[:4])
    lines = (
        *_service_line(snapshot, service),
        *(line for use in wrong[:2] for line in env_lines(snapshot, use.workload, use.address)),
        *complaints(snapshot, service, 1),
    )
    message = f"Service {service.name} has port {_ports(service)}, but its callers ({who}) use {asked}."
    return SERVICE_PORT_MISMATCH.found(
        service.ref, message, lines[:6], strength=0.88, affects=[use.workload for use in wrong]
    )


def _wrong_port(snapshot: Snapshot, service: Service, use: _Use, servers: Servers) -> Finding:
    place = f":{use.address.port}"
    logs = [
        log for log in workload_logs(snapshot, use.workload)
        if log.failing
        and any(name and f"{name}{place}" in log.text for name in (service.name, service.spec.cluster_ip))
    ]  # fmt: skip
    opened = [one.citation for one in checks_of(snapshot, service) if one.record.result == "open"]
    lines = (
        *env_lines(snapshot, use.workload, use.address),
        *_service_line(snapshot, service),
        *(log.citation for log in logs[-1:]),
        *opened[:1],
    )
    message = (
        f"{use.workload.kind} {use.workload.name} has {use.said}, but Service {service.name} has port "
        f"{_ports(service)}, not {use.address.port}."
    )
    server = servers.behind(service)
    rule = DB_WRONG_PORT if server and is_store(server.engine) else ENV_ADDRESS_MISMATCH
    return rule.found(use.workload, message, lines, strength=0.96 if logs else 0.9)
