"""
Workloads at zero replicas that somebody needs, told apart from those that were put to sleep.

Kubernetes reports nothing: everything is as declared. That it is needed shows in who calls it, in what fails for its
absence, in a route that leads to it, and in a manifest that wants replicas. What scales to zero by design is no fault.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.blame import names, unreachable
from kfi.diagnosis.conditions.manifest_faults import only_declared
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.service_evidence import complaints, fails, no_endpoints
from kfi.diagnosis.words.service import DEPLOYMENT_ZERO_REPLICAS
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.policies import Autoscaler
from kfi.snapshot.resources import Other, Service, Workload
from kfi.snapshot.view import Snapshot

_SCALABLE = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
_ASLEEP = 0.28
# Kinds whose controllers scale to zero when nothing is asked for, and from zero when something is.
_SLEEPERS = ("ScaledObject", "HTTPScaledObject")
_SLEEPING_LABELS = ("serving.knative.dev/service", "serving.knative.dev/revision")


@dataclass(frozen=True)
class _Need:
    """A sign that a workload is needed: in words, its proof, how sure it makes, and who suffers."""

    words: str
    lines: tuple[Citation, ...]
    sure: float
    affects: tuple[ObjectRef, ...] = ()


def scaled_to_zero(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield workloads of zero replicas that a Service leads to, or that others call."""
    for workload in snapshot.workloads:
        known = workload.observed or only_declared(snapshot, workload.ref)
        at_zero = workload.kind in _SCALABLE and workload.spec.replicas == 0 and known
        if at_zero and not snapshot.topology.owner(workload.ref):
            yield from _of_workload(snapshot, workload)


def _of_workload(snapshot: Snapshot, workload: Workload) -> Iterator[Finding]:
    services = [s for s in snapshot.topology.services_for(workload.ref) if s.observed]
    needs = list(_needs(snapshot, workload, services))
    if not services and not needs:
        return
    strength = max((need.sure for need in needs), default=_ASLEEP)
    if _sleeps_by_design(snapshot, workload) or not _others_run(snapshot, workload):
        strength = _ASLEEP
    words = [need.words for need in needs] or [f"Service {services[0].name} leads to it"]
    lines = (
        *(snapshot.cite(workload.ref, ("spec", "replicas")) or snapshot.cite_row(workload.ref)),
        *(line for service in services[:1] for line in no_endpoints(snapshot, service)[:1]),
        *(line for need in needs for line in need.lines),
    )
    yield DEPLOYMENT_ZERO_REPLICAS.found(
        workload.ref,
        f"{workload.kind} {workload.name} is scaled to 0 replicas, though {' and '.join(words[:3])}.",
        lines[:6],
        strength=strength,
        affects=dict.fromkeys(ref for need in needs for ref in need.affects),
    )


def _needs(snapshot: Snapshot, workload: Workload, services: list[Service]) -> Iterator[_Need]:
    callers = sorted(snapshot.topology.callers.get(workload.ref, frozenset()), key=str)
    if callers:
        verb = "calls" if len(callers) == 1 else "call"
        yield _Need(f"{', '.join(ref.name for ref in callers[:4])} {verb} it", (), 0.95)
    for service in services[:1]:
        yield from _missed(snapshot, service)
        routes = [route for route in snapshot.topology.routes if route.service == service.ref]
        if routes:
            lines = snapshot.cite(routes[0].owner, routes[0].at)
            yield _Need(f"{routes[0].owner.kind} {routes[0].owner.name} leads to it", lines, 0.8, (routes[0].owner,))
    yield from _wanted(snapshot, workload)


def _missed(snapshot: Snapshot, service: Service) -> Iterator[_Need]:
    failed = fails(snapshot, service)
    if failed:
        yield _Need(f"a connection to Service {service.name} was tried", failed[:1], 0.85)
    lines = complaints(snapshot, service, 2)
    if lines:
        callers = tuple(dict.fromkeys(_who_complains(snapshot, service)))
        yield _Need(f"{', '.join(ref.name for ref in callers[:4])} tried in vain to reach it", lines, 0.9, callers)


def _who_complains(snapshot: Snapshot, service: Service) -> Iterator[ObjectRef]:
    past = PastErrors.of(snapshot)
    for log in snapshot.logs:
        if log.failing and unreachable(log) and names(log, service) and not past.holds(log):
            yield snapshot.topology.workload(log.ref)


def _wanted(snapshot: Snapshot, workload: Workload) -> Iterator[_Need]:
    """Yield a manifest or an autoscaler that wants replicas of a workload."""
    declared = snapshot.declared.get(workload.ref)
    if isinstance(declared, Workload) and declared.spec.replicas:
        lines = snapshot.cite_applied(workload.ref, ("spec", "replicas"))
        yield _Need(f"its manifest wants {declared.spec.replicas}", lines, 0.7)
    for scaler in snapshot.live(Autoscaler):
        target, least = scaler.spec.scale_target_ref, scaler.spec.min_replicas
        same = (target.kind, target.name, scaler.namespace) == (workload.kind, workload.name, workload.namespace)
        if same and least != 0:
            lines = snapshot.cite(scaler.ref, ("spec", "minReplicas"))
            yield _Need(f"autoscaler {scaler.name} wants {least or 1} at least", lines, 0.6)


def _sleeps_by_design(snapshot: Snapshot, workload: Workload) -> bool:
    if any(label in workload.labels for label in _SLEEPING_LABELS):
        return True
    for kind in _SLEEPERS:
        for scaled in snapshot.of(Other, kind):
            target = scaled.spec.get("scaleTargetRef")
            named = isinstance(target, dict) and target.get("name") == workload.name
            if named and scaled.namespace == workload.namespace and not scaled.spec.get("minReplicaCount"):
                return True
    return False


def _others_run(snapshot: Snapshot, workload: Workload) -> bool:
    """Tell whether other workloads of the namespace run: where all are at zero, somebody switched it off."""
    return any(w.namespace == workload.namespace and w.spec.replicas for w in snapshot.live(Workload))
