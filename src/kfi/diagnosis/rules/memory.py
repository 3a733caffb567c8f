"""
Memory that ran out: a container's limit, a node's memory, and what the kubelet evicted to save the node.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.conditions.containers import (
    Run,
    current_pods,
    killed_by_probe,
    logs_of,
    out_of_memory,
    runs,
    starved_at_start,
    trouble,
)
from kfi.diagnosis.conditions.kernel_kills import KernelKill, kernel_kills
from kfi.diagnosis.conditions.lost_workers import lost_workers_logged
from kfi.diagnosis.conditions.pod_spec import cite_spec
from kfi.diagnosis.conditions.wording import counted
from kfi.models.schemas import Citation, Finding, ObjectRef, Role
from kfi.snapshot.objects import quantity
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Node
from kfi.snapshot.view import Event, Log, Snapshot

OOM_KILLED = Rule(
    code="oom-killed",
    title="Container exceeds its memory limit",
    layer=Layer.CRASH,
    meaning=(
        "The container wanted more memory than its limit, so the kernel killed its process (OOMKilled, exit code 137), "
        "or the limit is too small to start it at all. The limit counts everything the container's processes use, file "
        "caches they pin and memory-backed volumes included."
    ),
    confirm="kubectl describe pod {name} -n {namespace}",
    fix=(
        "Raise resources.limits.memory to what the container needs, with room for peaks.",
        "If its use grows without end, look for a leak; for a JVM or Node.js keep the heap well below the limit.",
    ),
)
NODE_OUT_OF_MEMORY = Rule(
    code="node-out-of-memory",
    title="Node ran out of memory",
    layer=Layer.NODE,
    meaning=(
        "The node's memory was used up as a whole, and the kernel's out-of-memory killer chose victims among all its "
        "processes: containers that stayed below their own limits, and system services too."
    ),
    confirm="kubectl describe node {name}",
    fix=(
        "Set memory requests near real use, so that the scheduler does not overfill the node.",
        "Find the container without a memory limit that uses most (kubectl top pods -A --sort-by=memory).",
    ),
)
POD_EVICTED = Rule(
    code="pod-evicted",
    title="Pod was evicted by its node",
    layer=Layer.CRASH,
    meaning=(
        "The kubelet ended the Pod because its node ran short of memory, disk or process ids, or because the Pod used "
        "more local storage than it may. A Pod that uses more than it requested goes first."
    ),
    confirm="kubectl get pod {name} -n {namespace} -o jsonpath='{.status.message}'",
    fix=(
        "Set requests to what the Pod uses, so that it is not first in line and the node is not overfilled.",
        "For local storage, raise the ephemeral-storage limit or the emptyDir's sizeLimit, or write less.",
    ),
)
RULES = (OOM_KILLED, NODE_OUT_OF_MEMORY, POD_EVICTED)

_RECENT = timedelta(hours=1)
_SETTLED = timedelta(minutes=10)
# A shell whose child was killed: /run.sh: line 3:     7 Killed                  java -jar cart.jar
_KILLED_IN_LOG = re.compile(
    r"^Killed\s*$|: line \d+:\s+\d+ Killed\b|out of memory: kill|oom-kill(?:er)?\b|OOMKilled|signal: killed",
    re.IGNORECASE,
)
# Source: kubelet pkg/kubelet/eviction/helpers.go.
_SHORT_OF = re.compile(r"low on resource: (?P<resource>[\w-]+)|node had condition: \[(?P<condition>\w+)\]")
_OWN_LIMIT = re.compile(r"exceeds? (?:the total limit|the limit|its local ephemeral storage)|exceeded its local", re.I)
_PRESSURES = {
    "memory": "MemoryPressure",
    "ephemeral-storage": "DiskPressure",
    "inodes": "DiskPressure",
    "nodefs": "DiskPressure",
    "imagefs": "DiskPressure",
    "pids": "PIDPressure",
}


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield containers, nodes and Pods that ran out of memory, or were put out for want of it."""
    kills = kernel_kills(snapshot)
    told: set[ObjectRef] = set()
    for pod in current_pods(snapshot):
        found = [f for run in runs(pod) for f in _of_container(snapshot, run, kills)]
        told |= {pod.ref for _ in found}
        yield from found or [*_starved(snapshot, pod)] or _told_by_event(snapshot, pod)
        if not found and not pod.status.container_statuses and pod.status.summary.endswith("OOMKilled"):
            message = f"A container of Pod {pod.name} was killed for exceeding its memory limit."
            yield OOM_KILLED.found(pod.ref, message, snapshot.cite_row(pod.ref), strength=0.85)
    for pod in snapshot.pods:
        if "Evicted" in (pod.status.reason, pod.status.summary):
            yield _evicted(snapshot, pod)
    yield from _at_limits(snapshot, kills, told)
    yield from _lost_workers(snapshot, told)
    heard = [ref for ref in (*(e.ref.object for e in snapshot.events), *(k.node for k in kills)) if ref.kind == "Node"]
    for node in dict.fromkeys((*(node.ref for node in snapshot.nodes), *heard, *_files(kills))):
        yield from _of_node(snapshot, node, kills)


def _lost_workers(snapshot: Snapshot, told: set[ObjectRef]) -> Iterator[Finding]:
    """Yield workloads that live on while their workers are killed for want of memory, as their parent logs."""
    for workload, log in lost_workers_logged(snapshot):
        if not told & {pod.ref for pod in snapshot.topology.pods_of(workload)}:
            times = f"{counted(log.count, 'time')} so far" if log.count > 1 else "once"
            message = (
                f"Workers of {workload.kind} {workload.name} were killed for want of memory, {times}; it lives on."
            )
            yield OOM_KILLED.found(workload, message, (log.citation,), strength=0.7, since=log.first)


def _files(kills: Iterable[KernelKill]) -> list[ObjectRef]:
    return [kill.node for kill in kills if kill.node.kind == "Log"]


def _at_limits(snapshot: Snapshot, kills: Iterable[KernelKill], told: set[ObjectRef]) -> Iterator[Finding]:
    """Yield what the kernel killed at its limit, where no Pod's own state tells of it (`told` are those that do)."""
    seen: set[ObjectRef] = set()
    for kill in kills:
        ref = kill.pod.ref if kill.pod else kill.node
        # Whose it was is open: only where no Pod is known that it may have been.
        stray = kill.pod is None and (told or kill.node in snapshot.objects)
        if stray or not kill.at_limit or ref in (seen | told):
            continue
        seen |= {ref, kill.node}
        whose = f"of Pod {kill.pod.name}" if kill.pod else "of a Pod" if kill.in_pod else "of a container"
        message = f"On node {kill.node.name} the kernel killed {kill.task or 'a process'} {whose} at its memory limit."
        strength = 0.6 if kill.pod is None else 0.4 if kill.pod.ready else 0.85
        yield OOM_KILLED.found(ref, message, (kill.citation,), strength=strength, since=kill.first)


def _of_container(snapshot: Snapshot, run: Run, kills: Iterable[KernelKill]) -> Iterator[Finding]:
    end = run.last_end
    if out_of_memory(run):
        # Killed long ago and up ever since: it may come again, but explains nothing now.
        weight = trouble(run, snapshot.as_of)
        strength, until = max(0.96 * weight, 0.3), None if weight else run.running_since
        lines = (*snapshot.cite(run.pod.ref, *run.end_paths)[:2], *_limit_lines(snapshot, run))
        since = end.finished_at if end else None
        yield OOM_KILLED.found(run.pod.ref, _killed(run), lines, strength=strength, since=since, until=until)
    elif end and end.exit_code == 137 and trouble(run, snapshot.as_of) and not killed_by_probe(snapshot, run):
        named = (kill for kill in kills if kill.pod is run.pod and kill.at_limit)
        witness = next(named, None) or _kernel_kill(snapshot, run) or _logged_kill(snapshot, run)
        if witness:
            lines = (witness.citation, *snapshot.cite(run.pod.ref, *run.end_paths)[:2], *_limit_lines(snapshot, run))
            yield OOM_KILLED.found(run.pod.ref, _killed(run), lines, strength=0.75, since=witness.last)


def _killed(run: Run) -> str:
    limit = run.spec.resources.limits.get("memory")
    below = f"; its memory limit is {limit}" if limit is not None else ""
    times = f" after {counted(run.status.restart_count, 'restart')}" if run.status.restart_count else ""
    return f"Container {run.name} of Pod {run.pod.name} was killed for want of memory{times}{below}."


def _limit_lines(snapshot: Snapshot, run: Run) -> tuple[Citation, ...]:
    return cite_spec(snapshot, run.pod.ref, (*run.spec_at("resources", "limits", "memory")[1:],))


def _kernel_kill(snapshot: Snapshot, run: Run) -> Event | None:
    """Give an Event of the node that says the kernel killed a process at the time of the container's end."""
    end = run.last_end
    node = ObjectRef(cluster=run.pod.ref.cluster, kind="Node", name=run.pod.spec.node_name)
    if end is None or end.finished_at is None or "memory" not in run.spec.resources.limits:
        return None
    for event in snapshot.events_of(node, "OOMKilling"):
        near = event.last and abs(event.last - end.finished_at) < timedelta(minutes=2)
        if near and "memory cgroup" in event.message.lower():
            return event
    return None


def _logged_kill(snapshot: Snapshot, run: Run) -> Log | None:
    """Give the line in which a shell or the kernel says that a process was killed, of the run that ended."""
    logs = [log for log in logs_of(snapshot, run) if _KILLED_IN_LOG.search(log.record.example[:2000])]
    return next((log for log in logs if log.record.previous), logs[-1] if logs else None)


def _told_by_event(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    """Yield a Pod of which an Event alone says that a container was killed for memory, lately."""
    for event in snapshot.events_of(pod.ref, "OOMKilled", "OOMKilling")[:1]:
        ago = snapshot.as_of - event.last if event.last else timedelta()
        if event.type != "Normal" and ago < _RECENT and not any(_ended_later(run, event) for run in runs(pod)):
            statuses = pod.status.container_statuses
            ready = pod.ready or (bool(statuses) and all(status.ready for status in statuses))
            strength = 0.85 if not ready else 0.7 if ago < _SETTLED else 0.4
            run = next((run for run in runs(pod) if run.name == event.ref.container), None) or _only_limited(pod)
            limit = run.spec.resources.limits.get("memory") if run else None
            below = f"; the memory limit of container {run.name} is {limit}" if run and limit is not None else ""
            message = f"A container of Pod {pod.name} was killed for want of memory (OOMKilled), says an Event{below}."
            lines = (event.citation, *(_limit_lines(snapshot, run) if run else ()))
            yield OOM_KILLED.found(pod.ref, message, lines, strength=strength, since=event.last)


def _ended_later(run: Run, event: Event) -> bool:
    """Tell whether a container ended again after an Event, and not for memory."""
    end = run.last_end
    return bool(end and end.finished_at and event.last and end.finished_at > event.last + timedelta(minutes=1))


def _only_limited(pod: Pod) -> Run | None:
    limited = [run for run in runs(pod) if "memory" in run.spec.resources.limits]
    return limited[0] if len(limited) == 1 else None


def _starved(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    """Yield a Pod whose sandbox or containers do not start because the memory limit is too small even for that."""
    if pod.ready:
        return
    for event in snapshot.events_of(pod.ref, "FailedCreatePodSandBox", "Failed", "FailedStart", "BackOff"):
        if starved_at_start(event.message):
            smallest = min(runs(pod), key=_limit_size, default=None)
            limit = smallest.spec.resources.limits.get("memory") if smallest else None
            size = f": container {smallest.name} may use {limit}" if smallest and limit is not None else ""
            message = f"Pod {pod.name} cannot start because its memory limit is too small{size}."
            lines = (event.citation, *(_limit_lines(snapshot, smallest) if smallest else ()))
            yield OOM_KILLED.found(pod.ref, message, lines, strength=0.96, since=event.first)
            return


def _limit_size(run: Run) -> float:
    size = quantity(run.spec.resources.limits.get("memory"))
    return float("inf") if size is None else size


def _evicted(snapshot: Snapshot, pod: Pod) -> Finding:
    message = pod.status.message or next((e.message for e in snapshot.events_of(pod.ref, "Evicted")), "")
    short = _SHORT_OF.search(message)
    condition = short and (short["condition"] or _PRESSURES.get(short["resource"], ""))
    node = snapshot.find("Node", "", pod.spec.node_name, pod.ref.cluster)
    pressed = isinstance(node, Node) and condition and (found := node.condition(condition)) and found.status == "True"
    ready = [p for p in snapshot.topology.pods_of(snapshot.topology.workload(pod.ref)) if p.ready]
    lines = snapshot.cite(pod.ref, ("status", "message"), ("status", "reason")) or snapshot.cite_row(pod.ref)
    return POD_EVICTED.found(
        pod.ref,
        f"Pod {pod.name} was evicted{': ' + message if message else '.'}",
        (*lines, *(e.citation for e in snapshot.events_of(pod.ref, "Evicted")[:1])),
        strength=0.25 if ready else 0.85 if message else 0.7,
        role=Role.SYMPTOM if pressed and not _OWN_LIMIT.search(message) else None,
    )


def _of_node(snapshot: Snapshot, node: ObjectRef, kills: Iterable[KernelKill]) -> Iterator[Finding]:
    """Yield a node whose own memory was used up, as its Events or its journal say."""
    events = [
        e for e in snapshot.events_of(node, "SystemOOM", "OOMKilling")
        if "memory cgroup" not in e.message.lower() and (e.last is None or snapshot.as_of - e.last < _RECENT)
    ]  # fmt: skip
    logged = [kill for kill in kills if kill.node == node and not kill.at_limit]
    told: tuple[Event | KernelKill, ...] = (*events, *logged)
    if not told:
        return
    victims = {kill.pod.ref: kill.pod for kill in logged if kill.pod} | {
        pod.ref: pod
        for pod in current_pods(snapshot)
        if pod.spec.node_name == node.name and _killed_lately(snapshot, pod)
    }
    said = events[0].message if events else f"the kernel killed {logged[0].task or 'a process'}"
    names = ", ".join(pod.name for pod in list(victims.values())[:3])
    where = f"Node {node.name}" if node.kind == "Node" else f"The node of {node.name}"
    known = node in snapshot.objects
    yield NODE_OUT_OF_MEMORY.found(
        node,
        f"{where} ran out of memory: {said}" + (f" (killed in {names})." if names else "."),
        list(dict.fromkeys(one.citation for one in told))[:3],
        strength=0.8 if victims else 0.35 if known else 0.6,
        since=told[0].first,
        affects=list(victims),
    )


def _killed_lately(snapshot: Snapshot, pod: Pod) -> bool:
    return any(
        run.last_end and run.last_end.exit_code == 137 and run.last_end.reason != "OOMKilled"
        and trouble(run, snapshot.as_of) > 0
        for run in runs(pod)
    )  # fmt: skip
