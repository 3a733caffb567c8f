"""
What suffers: the states that show a person that something is wrong, and that never say why.

They give causes something to explain; where nothing explains one, it is reported as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.conditions.blame import unreachable
from kfi.diagnosis.conditions.containers import leaving, left_over, starting_up
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.wording import counted
from kfi.models.schemas import Citation, Finding, ObjectRef, Role
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Check, Snapshot

WORKLOAD_UNAVAILABLE = Rule(
    code="workload-unavailable",
    title="Workload has fewer ready Pods than it should",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning=(
        "The controller wants more ready replicas than there are. It says nothing about why: look at its Pods, and "
        "where there are none, at what refuses to create them."
    ),
    confirm="kubectl describe {kind} {name} -n {namespace}",
    fix=("Follow the Pods' own findings.",),
)
POD_NOT_READY = Rule(
    code="pod-not-ready",
    title="Pod is not ready",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning="A Pod that is not ready gets no traffic through its Services.",
    confirm="kubectl describe pod {name} -n {namespace}",
    fix=("Follow the Pod's own findings: its containers' states and its Events.",),
)
SERVICE_UNREACHABLE = Rule(
    code="service-unreachable",
    title="Service does not answer a connection",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning=(
        "A connection to the Service's address was refused, timed out, or its name did not resolve. The reason is "
        "below it: no endpoint, a wrong port, a dead proxy on the node that asked, or no such Service."
    ),
    confirm="kubectl get endpointslices -n {namespace} -l kubernetes.io/service-name={name}",
    fix=("Check the Service's endpoints, then its ports, then the node's proxy.",),
)
CALLER_ERRORS = Rule(
    code="caller-errors",
    title="Workload logs that it cannot reach something it calls",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning="Errors of a caller vote for what it calls; the caller itself is rarely at fault.",
    confirm="kubectl logs -n {namespace} {kind}/{name} --tail=100",
    fix=("Look at the workload that the error names.",),
)
RULES = (WORKLOAD_UNAVAILABLE, POD_NOT_READY, SERVICE_UNREACHABLE, CALLER_ERRORS)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield every workload, Pod and Service that is visibly unwell."""
    yield from _workloads(snapshot)
    for pod in snapshot.pods:
        if not _healthy(snapshot, pod):
            strength = 0.25 if starting_up(pod, snapshot.as_of) else 0.6
            yield POD_NOT_READY.found(pod.ref, _state(pod), _pod_lines(snapshot, pod), strength=strength)
    for one in snapshot.checks:
        found = _failed_check(snapshot, one)
        if found:
            yield found
    past = PastErrors.of(snapshot)
    for log in snapshot.logs:
        complains = log.failing and log.ref.kind not in ("", "Node") and unreachable(log)
        if complains and not past.holds(log):
            said = log.record.example[:300]
            yield CALLER_ERRORS.found(log.ref, f"Its log says: {said}", (log.citation,), strength=0.4)


def unwell(snapshot: Snapshot) -> frozenset[ObjectRef]:
    """Give the workloads that are visibly not well: too few ready Pods, a Pod that is not ready, or a failed check."""
    short = (workload.ref for workload, _, _ in _short_of_pods(snapshot))
    unreached = (found.ref for one in snapshot.checks if (found := _failed_check(snapshot, one)))
    pods = (pod.ref for pod in snapshot.pods if not _healthy(snapshot, pod))
    topology = snapshot.topology
    return frozenset(topology.workload(topology.behind(ref) or ref) for ref in (*short, *unreached, *pods))


def _workloads(snapshot: Snapshot) -> Iterator[Finding]:
    for workload, desired, ready in _short_of_pods(snapshot):
        missing = [pod for pod in snapshot.topology.pods_of(workload.ref) if not _healthy(snapshot, pod)]
        begins = missing and all(starting_up(pod, snapshot.as_of) for pod in missing)
        lines = snapshot.cite(workload.ref, ("status", "readyReplicas"), ("spec", "replicas"))
        lines = lines or snapshot.cite_row(workload.ref)
        message = f"{ready} of {counted(desired, 'replica')} {'is' if desired == 1 else 'are'} ready."
        yield WORKLOAD_UNAVAILABLE.found(workload.ref, message, lines, strength=0.25 if begins else 0.7)


def _short_of_pods(snapshot: Snapshot) -> Iterator[tuple[Workload, int, int]]:
    """Yield the top workloads that want more ready Pods than they have, with both numbers."""
    for workload in snapshot.workloads:
        if not workload.observed or workload.kind == "Job" or snapshot.topology.owner(workload.ref):
            continue
        # `describe` prints no ready count for some kinds; the Pods then tell.
        pods = snapshot.topology.pods_of(workload.ref)
        desired, ready = workload.desired, max(workload.ready_count, sum(pod.ready for pod in pods))
        if desired is not None and ready < desired:
            yield workload, desired, ready


def _healthy(snapshot: Snapshot, pod: Pod) -> bool:
    if leaving(pod) or pod.finished or pod.status.summary == "Completed":
        return leaving(pod) or pod.status.phase != "Failed" or left_over(snapshot, pod)
    known = pod.condition("Ready") is not None or pod.status.total_containers is not None
    return pod.ready or not known


def _state(pod: Pod) -> str:
    for status in [*pod.status.init_container_statuses, *pod.status.container_statuses]:
        waiting = status.state.waiting
        if waiting and waiting.reason not in ("", "PodInitializing", "ContainerCreating"):
            return f"Container {status.name} waits: {waiting.reason}."
    return f"It is {pod.status.summary or pod.status.phase or 'not ready'} and not ready."


def _pod_lines(snapshot: Snapshot, pod: Pod) -> tuple[Citation, ...]:
    waiting = [
        ("status", "containerStatuses", s.name, "state", "waiting", "reason")
        for s in pod.status.container_statuses
        if s.state.waiting
    ]
    return snapshot.cite(pod.ref, *waiting, ("status", "conditions", "Ready", "status")) or snapshot.cite_row(pod.ref)


def _failed_check(snapshot: Snapshot, one: Check) -> Finding | None:
    record = one.record
    if record.result in ("open", "unknown", ""):
        return None
    host, _, rest = record.target.partition(".")
    namespace = rest.split(".")[0]
    service = next(
        (s for s in snapshot.kube_services if s.name == host and namespace in ("", s.namespace)),
        None,
    )
    ref = service.ref if service else ObjectRef(kind="Service", namespace=namespace, name=host)
    origin = f" from {record.from_node}" if record.from_node else ""
    message = f"A connection to {record.target}:{record.port}{origin} ended in: {record.result}."
    return SERVICE_UNREACHABLE.found(ref, message, (one.citation,), strength=0.6)
