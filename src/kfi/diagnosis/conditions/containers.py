"""
Containers as rules see them: what a Pod's spec says of each, how it last ended, and whether that still matters.

A container's past counts only while it hurts: one that has run for longer than the kubelet's longest back-off and is
ready has got over it. Who ended it (the kernel for memory, the kubelet for a probe, itself) is decided here once, so
that the families of rules do not contradict each other.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfi.diagnosis.conditions.last_words import container_logs, most_telling
from kfi.models.schemas import Citation
from kfi.snapshot.pod import Container, ContainerStatus, Pod, StateTerminated
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Event, Log, Snapshot

# A container that ran this long has its back-off reset by the kubelet (twice the longest delay of 5 minutes).
_SETTLED = timedelta(minutes=10)
# More restarts than one in this time are a habit, however long the runs in between.
_OFTEN = timedelta(hours=2)
# Who has run this many times as long as its runs lasted before has broken the habit.
_LONGER = 3
_KILLED_BY = re.compile(
    r"^(?:Container (?P<name>\S+) failed (?P<probe>liveness|startup) probe"
    r"|Killing container with id \S+?://(?P<old>[^:\s]+):.*?(?P<oldprobe>liveness|startup) probe)",
    re.IGNORECASE,
)
_OOM_AT_START = re.compile(
    r"container init was OOM-killed|memory limit (?:\d+ )?too low|minimum memory limit (?:allowed )?(?:is|should be)"
    r"|memory\.(?:limit_in_bytes|max)\S*: device or resource busy",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Run:
    """One container of a Pod: its spec, and what the kubelet reports of it."""

    pod: Pod
    spec: Container
    status: ContainerStatus
    init: bool
    """Runs to its end before the others start; a restartable init container (sidecar) does not."""
    listed_as_init: bool
    """Stands under `initContainers`, as sidecars do."""

    @property
    def name(self) -> str:
        """The container's name."""
        return self.spec.name or self.status.name

    def at(self, *path: str) -> Path:
        """Give the path of a field of its status."""
        statuses = "initContainerStatuses" if self.listed_as_init else "containerStatuses"
        return ("status", statuses, self.name, *path)

    def spec_at(self, *path: str) -> Path:
        """Give the path of a field of its spec."""
        return ("spec", "initContainers" if self.listed_as_init else "containers", self.name, *path)

    @property
    def waiting(self) -> str:
        """Reason of `state.waiting`; empty where it does not wait."""
        return self.status.state.waiting.reason if self.status.state.waiting else ""

    @property
    def waiting_message(self) -> str:
        """Message of `state.waiting`."""
        return self.status.state.waiting.message if self.status.state.waiting else ""

    @property
    def last_end(self) -> StateTerminated | None:
        """How it ended last: now, or before it was started again."""
        return self.status.state.terminated or self.status.last_state.terminated

    @property
    def end_path(self) -> Path:
        """Where `last_end` stands."""
        return self.at("state" if self.status.state.terminated else "lastState", "terminated")

    @property
    def end_paths(self) -> tuple[Path, ...]:
        """The lines that show how it ended, and how often."""
        return (
            (*self.end_path, "reason"),
            (*self.end_path, "exitCode"),
            (*self.end_path, "message"),
            self.at("restartCount"),
        )

    @property
    def running_since(self) -> datetime | None:
        """Start of the present run."""
        return self.status.state.running.started_at if self.status.state.running else None


def runs(pod: Pod) -> Iterator[Run]:
    """Yield the containers of a Pod, init containers first; those known only from the status too."""
    for listed_as_init, specs, statuses in (
        (True, pod.spec.init_containers, pod.status.init_container_statuses),
        (False, pod.spec.containers, pod.status.container_statuses),
    ):
        by_name = {status.name: status for status in statuses}
        for spec in specs:
            init = listed_as_init and spec.restart_policy != "Always"
            yield Run(pod, spec, by_name.pop(spec.name, ContainerStatus(name=spec.name)), init, listed_as_init)
        for status in by_name.values():
            yield Run(pod, Container(name=status.name), status, listed_as_init, listed_as_init)


def current_pods(snapshot: Snapshot) -> Iterator[Pod]:
    """Yield the Pods whose state still matters: not on their way out, not completed, not left over by a retry."""
    for pod in snapshot.pods:
        if not (leaving(pod) or pod.status.phase == "Succeeded" or left_over(snapshot, pod)):
            yield pod


def leaving(pod: Pod) -> bool:
    """Tell whether a Pod is on its way out."""
    return pod.metadata.deletion_timestamp is not None or pod.status.summary == "Terminating"


# A Pod that is younger has had no time yet for its image and its first probe.
_STARTS_WITHIN = timedelta(minutes=1)
_STARTING = ("", "ContainerCreating", "PodInitializing")


def starting_up(pod: Pod, now: datetime) -> bool:
    """Tell whether a Pod has only just been made, and nothing has gone wrong with it yet."""
    made = pod.metadata.creation_timestamp
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    smooth = all(
        s.restart_count == 0 and (s.state.waiting.reason if s.state.waiting else "") in _STARTING for s in statuses
    )
    return made is not None and now - made < _STARTS_WITHIN and smooth and not pod.finished


def left_over(snapshot: Snapshot, pod: Pod) -> bool:
    """Tell whether a Pod failed, but its workload has what it wants all the same."""
    if pod.status.phase != "Failed":
        return False
    owner, top = snapshot.topology.owner(pod.ref), snapshot.topology.workload(pod.ref)
    workloads = [w for ref in (owner, top) if ref and isinstance(w := snapshot.objects.get(ref), Workload)]
    return any(_has_what_it_wants(w) or (w.kind == "Job" and repeated_since(snapshot, w)) for w in workloads)


def repeated_since(snapshot: Snapshot, job: Workload) -> bool:
    """Tell whether a later Job of the same CronJob succeeded."""
    owner, made = snapshot.topology.owner(job.ref), job.metadata.creation_timestamp
    if owner is None or made is None:
        return False
    later = [
        other for other in snapshot.live(Workload, "Job")
        if snapshot.topology.owner(other.ref) == owner
        and other.metadata.creation_timestamp and other.metadata.creation_timestamp > made
    ]  # fmt: skip
    return any(other.status.succeeded or other.condition("Complete") for other in later)


def _has_what_it_wants(workload: Workload) -> bool:
    if workload.kind == "Job":
        complete = workload.condition("Complete")
        wanted = workload.spec.completions if workload.spec.completions is not None else 1
        return (complete is not None and complete.status == "True") or (workload.status.succeeded or 0) >= wanted
    return bool(workload.desired) and workload.ready_count >= (workload.desired or 0)


def trouble(run: Run, now: datetime) -> float:
    """Say how much the container's last end still matters: 1 while it is down, 0 once it has run and been ready long.

    In between it is up again, but not for long enough to trust it, or it ends again and again after long runs.
    """
    if run.status.state.running is None:
        return 1.0
    since = run.running_since
    if since is None:
        return 0.6 if run.status.ready else 1.0
    if now - since < _SETTLED:
        return 0.8 if run.status.ready else 1.0
    if _keeps_ending(run, now):
        return 0.75
    return 0.0 if run.status.ready else 0.25


def _keeps_ending(run: Run, now: datetime) -> bool:
    began, since = run.pod.status.start_time or run.pod.metadata.creation_timestamp, run.running_since
    restarts = run.status.restart_count
    if began is None or since is None or restarts <= 2 or now - began >= restarts * _OFTEN:
        return False
    return now - since < _LONGER * (since - began) / restarts


def restarting(run: Run, now: datetime) -> bool:
    """Tell whether it has been restarted and has not got over it."""
    return run.status.restart_count > 0 and trouble(run, now) > 0


def killed_by_probe(snapshot: Snapshot, run: Run) -> Event | None:
    """Give the Event that says the kubelet killed the container for a failed liveness or startup probe.

    Where the kill itself was not recorded, a signal right after a failed liveness probe stands for it.
    """
    for event in snapshot.events_of(run.pod.ref, "Killing"):
        match = _KILLED_BY.match(event.message)
        if match and (match["name"] or match["old"]) == run.name and _explains(event, run):
            return event
    end = run.last_end
    if end is None or end.exit_code not in (137, 143):
        return None
    ref = run.pod.ref.model_copy(update={"container": run.name})
    failed = [e for e in snapshot.events_of(ref, "Unhealthy") if e.message.startswith(("Liveness", "Startup"))]
    return next((e for e in failed if _explains(e, run) and _still(e, run)), None)


def _explains(event: Event, run: Run) -> bool:
    """Tell whether a kill can have brought about the last end: it came before, or the two are not dated."""
    end = run.last_end
    if end is None or event.first is None or end.finished_at is None:
        return end is None or end.reason != "OOMKilled"
    # Ages are rounded to a second or, after some minutes, to a minute.
    return end.reason != "OOMKilled" and event.first <= end.finished_at + timedelta(minutes=1)


def _still(event: Event, run: Run) -> bool:
    end = run.last_end
    if end is None or event.last is None or end.finished_at is None:
        return True
    return event.last >= end.finished_at - timedelta(minutes=2)


def killed_probe(event: Event) -> str:
    """Give "liveness" or "startup": which probe a Killing Event names."""
    match = _KILLED_BY.match(event.message)
    return (match["probe"] or match["oldprobe"] or "").lower() if match else ""


def out_of_memory(run: Run) -> bool:
    """Tell whether the container's last end was the kernel's out-of-memory killer, by reason or message."""
    end = run.last_end
    texts = (run.waiting_message, end.message if end else "")
    return bool(end and end.reason == "OOMKilled") or any(map(starved_at_start, texts))


def starved_at_start(message: str) -> bool:
    """Tell whether a runtime's message says that the memory limit was too low to start at all."""
    return bool(_OOM_AT_START.search(message))


def started(pod: Pod) -> bool:
    """Tell whether every regular container runs or has run, so that nothing keeps them from starting."""
    if pod.status.container_statuses:
        return all(s.state.running or s.state.terminated for s in pod.status.container_statuses)
    return pod.ready or pod.status.summary == "Running"


def said(snapshot: Snapshot, run: Run, limit: int = 2) -> tuple[Log, ...]:
    """Give the log lines that say best why a container ended: of its previous run first, fatal before error.

    Where no line calls itself an error, the last one that sounds like one.
    """
    return most_telling(logs_of(snapshot, run), limit)


def logs_of(snapshot: Snapshot, run: Run) -> list[Log]:
    """Give the log templates of one container, in the order of the file."""
    return container_logs(snapshot, run.pod.ref, run.name)


def event_citations(*events: Event | None) -> Iterator[Citation]:
    """Yield the lines of those Events that there are."""
    yield from (event.citation for event in events if event)
