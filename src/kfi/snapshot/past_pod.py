"""
A Pod at an earlier moment.

Its containers by the times of their present and last run, its conditions by their last transition, and what the
kubelet's and the scheduler's Events say of the time before a container ran.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from kfi.models.schemas import ObjectRef
from kfi.snapshot.objects import Condition
from kfi.snapshot.pod import (
    Container,
    ContainerState,
    ContainerStatus,
    Pod,
    PodSpec,
    PodStatus,
    StateRunning,
    StateTerminated,
    StateWaiting,
)
from kfi.snapshot.view import Event, recency

# Between two restarts the kubelet waits five minutes at most; a back-off of longer ago belongs to an earlier crash.
_BACK_OFF = timedelta(minutes=6)
# The kubelet's words for a container that it could not make; the state's reason is the first word of the message.
_NOT_MADE = re.compile(r"(?:Error: )?(CreateContainerConfigError|CreateContainerError|RunContainerError)\b")
_CONFIG = re.compile(r'(?:secret|configmap) "[^"]{1,253}" not found|couldn\'t find key|runAsNonRoot', re.I)
_PULL = re.compile(r"Failed to pull image|ErrImagePull|ImagePullBackOff|Back-off pulling image|InvalidImageName", re.I)


def pod_times(pod: Pod) -> Iterator[datetime]:
    """Yield the times at which a Pod is known to have changed."""
    created = pod.metadata.creation_timestamp
    if created:
        yield created
    for condition in pod.status.conditions:
        if condition.last_transition_time:
            yield condition.last_transition_time
    for status in (*pod.status.init_container_statuses, *pod.status.container_statuses):
        for state in (status.state, status.last_state):
            if state.running and state.running.started_at:
                yield state.running.started_at
            if state.terminated:
                yield from filter(None, (state.terminated.started_at, state.terminated.finished_at))


def crashed(pod: Pod) -> bool:
    """Tell whether a container of a Pod is known to have ended with an error."""
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    endings = (state.terminated for one in statuses for state in (one.state, one.last_state))
    return any(ended.exit_code or ended.reason not in ("", "Completed") for ended in endings if ended)


def pod_at(pod: Pod, moment: datetime, events: Iterable[Event]) -> Pod:
    """Give a Pod as it was at a moment after it was created; the Pod itself where nothing says that it was otherwise.

    `events` are those about it that had been seen by then.
    """
    changes = [time for time in pod_times(pod) if time > moment]
    if not changes:
        return pod
    told = sorted(events, key=recency, reverse=True)
    status = pod.status
    conditions = [c for condition in status.conditions for c in _condition_at(pod, condition, moment, told)]
    scheduled = next((c.status == "True" for c in conditions if c.type == "PodScheduled"), True)
    init = [_container_at(one, moment, told) for one in status.init_container_statuses] if scheduled else []
    containers = [_container_at(one, moment, told) for one in status.container_statuses] if scheduled else []
    if any(c.type == "Ready" and c.status == "False" for c in conditions):
        containers = [one.model_copy(update={"ready": False}) for one in containers]
    past = PodStatus(
        phase=_phase(containers),
        pod_ip=status.pod_ip if any(one.state.running for one in containers) else "",
        host_ip=status.host_ip if scheduled else "",
        start_time=status.start_time if scheduled else None,
        conditions=conditions,
        init_container_statuses=init,
        container_statuses=containers,
        qos_class=status.qos_class,
        nominated_node_name=status.nominated_node_name,
    )
    spec = pod.spec if scheduled else pod.spec.model_copy(update={"node_name": ""})
    return pod.model_copy(update={"status": past, "spec": spec})


# What the kubelet and the scheduler say of a Pod that does not get to run, or not for long.
_KEPT_FROM_RUNNING = ("BackOff", "Failed", "FailedScheduling", "FailedMount", "FailedCreatePodSandBox")
_STOPPED = ("Stopping container", "skip schedule deleting pod")


def pod_heard(ref: ObjectRef, moment: datetime, events: Iterable[Event]) -> Pod | None:
    """Give a Pod that is gone by now as the Events about it show it; None where they do not show it failing then."""
    told = sorted(events, key=recency, reverse=True)
    newest = next(iter(told), None)
    failing = next((event for event in told if event.reason in _KEPT_FROM_RUNNING), None)
    if not (newest and failing and _close(failing, moment)) or newest.message.startswith(_STOPPED):
        return None
    if newest.reason == "FailedScheduling":
        waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": newest.message}
        return Pod(ref=ref, kind="Pod", status=PodStatus(phase="Pending", conditions=[Condition(**waits)]))
    name = failing.ref.container
    looping = failing.message.startswith("Back-off restarting failed")
    waiting = StateWaiting(reason="CrashLoopBackOff", message=failing.message)
    state = ContainerState(waiting=waiting) if looping else _not_made(told)
    status = PodStatus(
        phase="Running" if looping else "Pending",
        conditions=[Condition(type="Ready", status="False")],
        container_statuses=[ContainerStatus(name=name, state=state)],
    )
    return Pod(ref=ref, kind="Pod", spec=PodSpec(containers=[Container(name=name)]), status=status)


def _condition_at(pod: Pod, condition: Condition, moment: datetime, events: list[Event]) -> Iterator[Condition]:
    """Yield a condition as it was: turned round where its last transition was later."""
    changed, created = condition.last_transition_time, pod.metadata.creation_timestamp
    if changed is None or changed <= moment:
        yield condition
        return
    if condition.type == "PodScheduled":
        failed = next((event for event in events if event.reason == "FailedScheduling"), None)
        if failed:
            said = {"status": "False", "reason": "Unschedulable", "message": failed.message}
            yield condition.model_copy(update={**said, "last_transition_time": failed.first or created})
        return
    status = "False" if condition.status == "True" else "True"
    yield condition.model_copy(update={"status": status, "reason": "", "message": "", "last_transition_time": None})


def _container_at(now: ContainerStatus, moment: datetime, events: list[Event]) -> ContainerStatus:
    """Give a container's status: of the present run, the last one, the pause between them, or the time before both."""
    present, last = now.state, now.last_state.terminated
    began = _began(present)
    if began is not None and began <= moment:
        return _running(now, began, now.restart_count) if _ended_later(present, moment) else now
    if last is not None and last.finished_at is not None:
        if last.finished_at <= moment:
            return _stopped(now, last, moment, events)
        if last.started_at is None or last.started_at <= moment:
            return _running(now, last.started_at, max(now.restart_count - 1, 0), last_state=ContainerState())
        return ContainerStatus(name=now.name, image=now.image)
    return ContainerStatus(name=now.name, image=now.image, state=_not_made(events))


def _began(state: ContainerState) -> datetime | None:
    if state.running:
        return state.running.started_at
    return state.terminated.started_at if state.terminated else None


def _ended_later(state: ContainerState, moment: datetime) -> bool:
    ended = state.terminated.finished_at if state.terminated else None
    return ended is not None and ended > moment


def _running(
    now: ContainerStatus, since: datetime | None, restarts: int, last_state: ContainerState | None = None
) -> ContainerStatus:
    return now.model_copy(
        update={
            "state": ContainerState(running=StateRunning(started_at=since)),
            "last_state": now.last_state if last_state is None else last_state,
            "restart_count": restarts,
            "ready": False,
        }
    )


def _stopped(now: ContainerStatus, last: StateTerminated, moment: datetime, events: list[Event]) -> ContainerStatus:
    """Give a container between two runs: waiting for its restart where the kubelet said so, else just ended."""
    backing_off = next((e for e in events if e.reason == "BackOff" and _close(e, moment)), None)
    state = now.state
    if not (state.waiting and state.waiting.reason == "CrashLoopBackOff"):
        waiting = StateWaiting(reason="CrashLoopBackOff", message=backing_off.message) if backing_off else None
        state = ContainerState(waiting=waiting, terminated=None if waiting else last)
    return now.model_copy(update={"state": state, "ready": False})


def _close(event: Event, moment: datetime) -> bool:
    return event.last is not None and moment - event.last <= _BACK_OFF


def _not_made(events: list[Event]) -> ContainerState:
    """Give the state of a container that had not run yet, by what the kubelet last said of it."""
    for event in events:
        if _PULL.search(event.message):
            reason = "ImagePullBackOff" if event.reason == "BackOff" else "ErrImagePull"
            return ContainerState(waiting=StateWaiting(reason=reason, message=event.message))
        made = _NOT_MADE.search(event.message)
        if event.reason == "Failed" and (made or _CONFIG.search(event.message)):
            reason = made[1] if made else "CreateContainerConfigError"
            return ContainerState(waiting=StateWaiting(reason=reason, message=event.message))
    return ContainerState(waiting=StateWaiting(reason="ContainerCreating"))


def _phase(containers: list[ContainerStatus]) -> str:
    ran = any(one.state.running or one.state.terminated or one.last_state.terminated for one in containers)
    return "Running" if ran else "Pending"
