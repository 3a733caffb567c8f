"""
What shows that a Service does not do its work: connectivity checks, its endpoints, and what callers log.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.diagnosis.conditions.blame import names, unreachable
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.models.records import TextForm
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.needs import Address
from kfi.snapshot.resources import Endpoints, Service
from kfi.snapshot.view import Check, Log, Snapshot

FAILED = ("refused", "timeout", "unreachable")


def checks_of(snapshot: Snapshot, service: Service, port: int | None = None) -> Iterator[Check]:
    """Yield the connectivity checks of a Service, or of one of its ports."""
    for one in snapshot.checks:
        labels = one.record.target.split(".")
        home = labels[1] if len(labels) > 1 else service.namespace
        by_name = labels[0] == service.name and home == service.namespace
        by_address = bool(service.spec.cluster_ip) and one.record.target == service.spec.cluster_ip
        if (by_name or by_address) and port in (None, one.record.port):
            yield one


def answers(snapshot: Snapshot, service: Service, port: int | None = None) -> bool:
    """Tell whether some check of a Service succeeded."""
    return any(one.record.result == "open" for one in checks_of(snapshot, service, port))


def fails(snapshot: Snapshot, service: Service, port: int | None = None) -> tuple[Citation, ...]:
    """Give the checks of a Service that failed; none where another succeeded."""
    if answers(snapshot, service, port):
        return ()
    return tuple(one.citation for one in checks_of(snapshot, service, port) if one.record.result in FAILED)


def has_endpoints(snapshot: Snapshot, service: Service) -> bool | None:
    """Tell whether a Service has a ready endpoint; None where no text says."""
    endpoints = _endpoints_of(snapshot, service)
    if endpoints:
        return bool(endpoints.ready_addresses)
    described = service.status.kfi_endpoints
    return None if described is None else bool(described)


def no_endpoints(snapshot: Snapshot, service: Service) -> tuple[Citation, ...]:
    """Give the line that shows a Service has no ready endpoint; none where it has some or nothing says so."""
    if has_endpoints(snapshot, service) is not False:
        return ()
    endpoints = _endpoints_of(snapshot, service)
    return snapshot.cite_row(endpoints.ref) if endpoints else snapshot.cite(service.ref, ("status", "kfiEndpoints"))


def _endpoints_of(snapshot: Snapshot, service: Service) -> Endpoints | None:
    found = snapshot.find("Endpoints", service.namespace, service.name, service.ref.cluster)
    return found if isinstance(found, Endpoints) and found.observed and found.subsets is not None else None


def workload_logs(snapshot: Snapshot, workload: ObjectRef) -> tuple[Log, ...]:
    """Give the logs of a workload and of its Pods."""
    pods = [pod.ref for pod in snapshot.topology.pods_of(workload)]
    return snapshot.logs_of(workload, *(ref for ref in pods if ref != workload))


def complaints(snapshot: Snapshot, service: Service, limit: int = 2) -> tuple[Citation, ...]:
    """Give what callers log about a Service that they cannot reach, one line a caller, the most frequent first."""
    meant = snapshot.topology.meant_by(service)
    found: dict[ObjectRef, Log] = {}
    past: PastErrors | None = None
    for log in snapshot.logs:
        near = log.failing and log.ref.namespace == service.namespace and log.ref.cluster == service.ref.cluster
        if not near or not names(log, service) or not unreachable(log):
            continue
        past = past or PastErrors.of(snapshot)
        if past.holds(log):
            continue
        caller = snapshot.topology.workload(log.ref)
        if caller != meant and (caller not in found or found[caller].count < log.count):
            found[caller] = log
    return tuple(log.citation for log in sorted(found.values(), key=_weight, reverse=True)[:limit])


def _weight(log: Log) -> int:
    return log.count


def env_lines(snapshot: Snapshot, workload: ObjectRef, address: Address) -> tuple[Citation, ...]:
    """Give the line of a variable, from the workload's newest Pod or its template."""
    paths = [(part, address.container, "env", address.variable, "value") for part in ("containers", "initContainers")]
    for pod in snapshot.topology.pods_of(workload):
        lines = snapshot.cite(pod.ref, *[("spec", *path) for path in paths])
        if lines:
            return lines
    return snapshot.cite(workload, *[("spec", "template", "spec", *path) for path in paths])


def only_rows(snapshot: Snapshot, ref: ObjectRef) -> bool:
    """Tell whether the live object was read from table rows alone, which leave most fields out."""
    live = [seen for seen in snapshot.seen.get(ref, ()) if not seen.record.applied]
    return bool(live) and all(seen.record.form is TextForm.TABLE for seen in live)
