"""
How an object stands, in the word that kubectl has for it, and which of them have the state that a list asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from kfi.models.listing import State
from kfi.models.schemas import ObjectRef
from kfi.snapshot.objects import Resource
from kfi.snapshot.pod import ContainerStatus, Pod
from kfi.snapshot.resources import Node, PersistentVolume, PersistentVolumeClaim, Workload
from kfi.snapshot.view import Snapshot

_STARTING = frozenset(("ContainerCreating", "PodInitializing"))
_FINE = frozenset(("Running", "Completed", "Succeeded", "Terminating", "")) | _STARTING
_DONE = frozenset(("Completed", "Succeeded"))
_CRASHES = (
    "CrashLoopBackOff",
    "Error",
    "OOMKilled",
    "ContainerCannotRun",
    "StartError",
    "RunContainerError",
    "ExitCode",
)
_PRESSURES = ("MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable")


@dataclass(frozen=True)
class Standing:
    """How one object stands."""

    ref: ObjectRef
    """With the container, where it is one."""
    status: str
    """As kubectl prints it; empty where no text says."""
    states: frozenset[State] | None
    """All that hold; None where the texts do not tell of any."""
    reason: str = ""
    restarts: int | None = None
    restarted_at: datetime | None = None
    """When a container of it started last after it had ended."""
    created: datetime | None = None
    paths: tuple[tuple[str, ...], ...] = ()
    """The fields that say so."""


def standings(snapshot: Snapshot, kinds: Iterable[str]) -> Iterator[Standing]:
    """Yield how the objects of some kinds stand (of all kinds, where none is given), by reference."""
    wanted = frozenset(kinds)
    for ref in sorted(snapshot.objects, key=_by_name):
        resource = snapshot.objects[ref]
        if isinstance(resource, Pod) and "Container" in wanted and resource.observed:
            yield from _containers(resource)
        if not wanted or ref.kind in wanted:
            yield _standing(resource)


def _by_name(ref: ObjectRef) -> tuple[str, str, str, str]:
    return (ref.cluster, ref.namespace, ref.kind, ref.name)


def _standing(resource: Resource) -> Standing:
    if not resource.observed:
        return Standing(resource.ref, "only declared", None)
    match resource:
        case Pod():
            standing = _pod(resource)
        case Node():
            standing = _node(resource)
        case Workload():
            standing = _job(resource) if resource.kind == "Job" else _workload(resource)
        case PersistentVolumeClaim() | PersistentVolume():
            standing = _phase(resource, resource.status.phase)
        case _:
            standing = Standing(resource.ref, "", None, created=resource.created)
    return standing


def pod_status(pod: Pod) -> str:
    """Give the word that `kubectl get pods` prints as STATUS.

    Source: kubectl `printPod`.
    """
    if pod.metadata.deletion_timestamp:
        return "Terminating"
    if pod.status.summary:
        return pod.status.summary
    for status in pod.status.init_container_statuses:
        word = _container_word(status)
        if word not in ("Completed", "Running", ""):
            return word if word in _STARTING else f"Init:{word}"
    words = [word for word in map(_container_word, pod.status.container_statuses) if word]
    telling = [word for word in words if word not in ("Running", "Completed")]
    return next(iter(telling), "") or pod.status.reason or _calm(pod, words)


def _calm(pod: Pod, words: list[str]) -> str:
    if words and all(word == "Completed" for word in words):
        return "Completed"
    return pod.status.phase or ("Running" if "Running" in words else "")


def _container_word(status: ContainerStatus) -> str:
    state = status.state
    if state.waiting:
        return state.waiting.reason or "Waiting"
    if state.terminated:
        return state.terminated.reason or f"ExitCode:{state.terminated.exit_code}"
    return "Running" if state.running else ""


def _pod(pod: Pod) -> Standing:
    status = pod_status(pod)
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    restarts = pod.status.restarts if not statuses else sum(one.restart_count for one in statuses)
    scheduled = pod.condition("PodScheduled")
    return Standing(
        pod.ref,
        status,
        frozenset(_pod_states(pod, status, restarts or 0)) if status else None,
        reason=(scheduled.reason if scheduled and scheduled.status == "False" else "") or _ended(statuses, status),
        restarts=restarts,
        restarted_at=max(filter(None, map(_restarted_at, statuses)), default=None),
        created=pod.created,
        paths=(
            ("status", "summary"),
            ("status", "restarts"),
            *(("status", "containerStatuses", one.name, "restartCount") for one in pod.status.container_statuses),
            ("status", "phase"),
        ),
    )


def _ended(statuses: Iterable[ContainerStatus], status: str) -> str:
    """Give how the containers' last runs ended, as far as the Pod's status does not say it already."""
    ends = (one.last_state.terminated or one.state.terminated for one in statuses)
    reasons = dict.fromkeys(end.reason for end in ends if end and end.reason not in ("", "Completed", status))
    return ", ".join(reasons)


def _pod_states(pod: Pod, status: str, restarts: int) -> Iterator[State]:
    if restarts:
        yield State.RESTARTED
    if status in _DONE:
        yield State.FINISHED
        return
    yield State.READY if pod.ready else State.NOT_READY
    if status == "Running":
        yield State.RUNNING
    if status == "Pending" or (pod.status.phase == "Pending" and not status.endswith("BackOff")):
        yield State.PENDING
    if status.removeprefix("Init:").startswith(_CRASHES):
        yield State.CRASHING
    if status not in _FINE or (status == "Running" and not pod.ready):
        yield State.FAILING


def _restarted_at(status: ContainerStatus) -> datetime | None:
    """Give when a container's present run began, where it is not its first; else when its last run ended."""
    if not status.restart_count:
        return None
    ended = status.last_state.terminated or status.state.terminated
    running = status.state.running
    return (running.started_at if running else None) or (ended.finished_at if ended else None)


def _containers(pod: Pod) -> Iterator[Standing]:
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        word = _container_word(status)
        states = {State.READY if status.ready else State.NOT_READY}
        states |= {State.RESTARTED} if status.restart_count else set()
        states |= {State.RUNNING} if word == "Running" else set()
        states |= {State.CRASHING} if word.startswith(_CRASHES) else set()
        states |= {State.FAILING} if word not in _FINE or (word == "Running" and not status.ready) else set()
        states |= {State.FINISHED} if word == "Completed" else set()
        yield Standing(
            pod.ref.model_copy(update={"container": status.name}),
            word,
            frozenset(states),
            restarts=status.restart_count,
            restarted_at=_restarted_at(status),
            created=pod.created,
            paths=(("status", "containerStatuses", status.name, "restartCount"), ("status", "summary")),
        )


def _node(node: Node) -> Standing:
    if node.ready is None:
        return Standing(node.ref, "", None, created=node.created)
    pressed = [one.type for one in node.status.conditions if one.type in _PRESSURES and one.status == "True"]
    words = ["Ready" if node.ready else "NotReady", *(["SchedulingDisabled"] if node.spec.unschedulable else [])]
    states = {State.READY if node.ready else State.NOT_READY}
    states |= set() if node.ready and not pressed else {State.FAILING}
    ready = node.condition("Ready")
    reason = ", ".join(pressed) or (ready.reason if ready and not node.ready else "")
    since = ready.last_transition_time if ready else None
    return Standing(
        node.ref,
        ",".join(words),
        frozenset(states),
        reason=reason,
        restarted_at=since,
        created=node.created,
        paths=(("status", "conditions", "Ready", "status"),),
    )


def _workload(workload: Workload) -> Standing:
    paths = (("status", "readyReplicas"), ("status", "numberReady"), ("spec", "replicas"))
    desired = workload.desired
    if desired is None:
        return Standing(workload.ref, "", None, created=workload.created)
    short = workload.ready_count < desired
    states = {State.NOT_READY, State.FAILING} if short else {State.READY}
    words = f"{workload.ready_count}/{desired} ready"
    return Standing(workload.ref, words, frozenset(states), created=workload.created, paths=paths)


def _job(job: Workload) -> Standing:
    done = any(one.type == "Complete" and one.status == "True" for one in job.status.conditions)
    failed = any(one.type == "Failed" and one.status == "True" for one in job.status.conditions)
    enough = job.spec.completions is not None and (job.status.succeeded or 0) >= job.spec.completions > 0
    word = "Failed" if failed else "Complete" if done or enough else "Running"
    states = {"Failed": State.FAILING, "Complete": State.FINISHED, "Running": State.RUNNING}
    return Standing(
        job.ref,
        word,
        frozenset({states[word]}),
        created=job.created,
        paths=(("status", "conditions"), ("status", "succeeded"), ("spec", "completions")),
    )


def _phase(resource: Resource, phase: str) -> Standing:
    """Tell how a claim or volume stands."""
    known = {
        "Bound": {State.READY},
        "Available": {State.READY},
        # A claim may wait for the first Pod that uses it, so Pending alone is no failure.
        "Pending": {State.PENDING, State.NOT_READY},
        "Lost": {State.NOT_READY, State.FAILING},
        "Failed": {State.NOT_READY, State.FAILING},
        "Released": {State.NOT_READY},
    }
    states = frozenset(known[phase]) if phase in known else None
    return Standing(resource.ref, phase, states, created=resource.created, paths=(("status", "phase"),))
