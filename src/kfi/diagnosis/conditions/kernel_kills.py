"""
Processes that a node's kernel killed for want of memory, as its journal and the kubelet's Events tell of them.

Source: Linux `mm/oom_kill.c` (`dump_oom_summary`, `__oom_kill_process`) and the kubelet's `oom_watcher`. The kernel
names the control group that the killed process ran in, and that holds the uid of its Pod.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Pod
from kfi.snapshot.view import Event, Log, Snapshot

_KILL = re.compile(
    r"oom-kill:constraint=(?P<constraint>CONSTRAINT_\w+),(?P<rest>[^\n]{0,1500})"
    r"|(?P<cgroup>[Mm]emory cgroup )?[Oo]ut of memory(?: \(oom_kill_allocating_task\))?:"
    r" Kill(?:ed)? process \d+ \((?P<task>[^)]{1,64})\)"
    r"|System OOM encountered, victim process: (?P<victim>[^,\n]{1,64}), pid: \d+"
)  # fmt: skip
# The group of all Pods has a limit too; where that one is reached, the node is full.
_OF_ALL_PODS = re.compile(r"oom_memcg=/(?:\S{0,200}/)?kubepods(?:\.slice)?,")
_TASK = re.compile(r",task=(\S{1,64}?),pid=")
# systemd writes the dashes of a uid as underscores: kubepods-burstable-pod4ca8f0b1_7c1e_….slice
_POD = re.compile(r"task_memcg=/?\S{0,400}?pod(?P<uid>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})")
_CONTAINER = re.compile(r"task_memcg=/?\S{0,600}?([0-9a-f]{64})")
_MAX_CHARS = 4000
_RECENT = timedelta(hours=1)


@dataclass(frozen=True)
class KernelKill:
    """One kill: on which node, of what, and whether a limit or the node's whole memory was used up."""

    node: ObjectRef
    """The Node, or the log's file where nobody knows whose journal it is."""
    task: str
    at_limit: bool
    """A control group's limit was reached; else the node itself had no memory left."""
    in_pod: bool
    """It ran in a Pod, whether that was seen or not."""
    pod: Pod | None
    citation: Citation
    first: datetime | None
    last: datetime | None


def kernel_kills(snapshot: Snapshot) -> tuple[KernelKill, ...]:
    """Give the kills of the last hour, those that name their Pod first."""
    found = [*_logged(snapshot), *_heard(snapshot)]
    recent = [kill for kill in found if kill.last is None or snapshot.as_of - kill.last < _RECENT]
    return tuple(sorted(recent, key=_unnamed))


def _unnamed(kill: KernelKill) -> bool:
    return kill.pod is None


def _logged(snapshot: Snapshot) -> Iterator[KernelKill]:
    for log in snapshot.logs:
        if log.ref.kind not in ("Node", ""):
            continue
        match = _KILL.search(log.record.example, 0, _MAX_CHARS)
        if match:
            node = log.ref.object if log.ref.kind else _file(log)
            yield _kill(snapshot, match, node, log)


def _file(log: Log) -> ObjectRef:
    name = log.citation.path.replace("!", "/").rpartition("/")[2]
    return ObjectRef(cluster=log.ref.cluster, kind="Log", namespace=log.ref.namespace, name=name)


def _heard(snapshot: Snapshot) -> Iterator[KernelKill]:
    for event in snapshot.events:
        match = _KILL.search(event.message, 0, _MAX_CHARS) if event.ref.kind == "Node" else None
        if match:
            yield _kill(snapshot, match, event.ref.object, event)


def _kill(snapshot: Snapshot, match: re.Match[str], node: ObjectRef, told: Log | Event) -> KernelKill:
    rest = match["rest"] or ""
    task = _TASK.search(rest)
    uid = _POD.search(rest)
    return KernelKill(
        node=node,
        task=match["task"] or match["victim"] or (task[1] if task else ""),
        at_limit=bool(match["cgroup"]) or (match["constraint"] == "CONSTRAINT_MEMCG" and not _OF_ALL_PODS.search(rest)),
        in_pod=uid is not None,
        pod=_pod(snapshot, uid["uid"].replace("_", "-") if uid else "", _CONTAINER.search(rest)),
        citation=told.citation,
        first=told.first,
        last=told.last,
    )


def _pod(snapshot: Snapshot, uid: str, container: re.Match[str] | None) -> Pod | None:
    """Give the Pod of a uid, or of a container's id: `describe` prints only that."""
    for pod in snapshot.pods if uid or container else ():
        statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
        if uid and pod.metadata.uid == uid:
            return pod
        if container and any(status.container_id.endswith(container[1]) for status in statuses):
            return pod
    return None
