"""
Volumes that a placed Pod cannot use: not attached, not mounted, or mounted and refused by the file system.

Events count only while the Pod still starts. A refused path counts as the volume's where it lies below a mount; a
message that names no path needs a container that fails and has a volume it could mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kfi.diagnosis.conditions.containers import leaving
from kfi.diagnosis.conditions.heard import HeardPods
from kfi.diagnosis.conditions.pod_spec import cite_spec, full_spec
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Container, Pod, PodSpec, Volume, VolumeMount
from kfi.snapshot.view import Event, Snapshot


@dataclass(frozen=True)
class VolumeFault:
    """What is wrong with a Pod's volume; `code` is the rule's."""

    code: str
    ref: ObjectRef
    message: str
    evidence: tuple[Citation, ...]
    strength: float
    since: datetime | None = None


_CREATING = ("ContainerCreating", "PodInitializing")
# These are the configuration's trouble, or the kubelet's caches just after a start.
_NOT_THE_VOLUME = re.compile(
    r'(configmap|secret|serviceaccount)s? "|non-?existent (config|secret) key|not registered|failed to sync'
    r"|object cache|failed to fetch token|kube-api-access",
    re.IGNORECASE,
)
_HELD = re.compile(
    r"multi-attach error|exclusively attached|already (?:attached|used by|in use)|attached to another node",
    re.IGNORECASE,
)
_TIMED_OUT = re.compile(r"unmounted volumes=\[([^\]]*)\]")
_REFUSED = re.compile(
    r"permission denied|access denied|operation not permitted|read-only file ?system|\bEACCES\b|\bEPERM\b|\bEROFS\b"
    r"|AccessDeniedException|PermissionError",
    re.IGNORECASE,
)


def stuck_mounting(snapshot: Snapshot) -> Iterator[VolumeFault]:
    """Yield Pods that start and whose volume could not be attached to their node."""
    heard = HeardPods.of(snapshot)
    for ref, pod in _starting(snapshot, heard):
        events = snapshot.events_of(ref, "FailedAttachVolume", "SuccessfulAttachVolume")
        if events and events[0].reason == "FailedAttachVolume" and not (pod and says_held(events[0])):
            code = "volume-multi-attach" if says_held(events[0]) else "volume-attach-failed"
            yield _told(code, events[0], 0.9 if pod else heard.certainty(events[0]))


def says_held(event: Event) -> bool:
    """Tell whether an Event says that another node or Pod has the volume."""
    return bool(_HELD.search(event.message))


def mount_failures(snapshot: Snapshot) -> Iterator[VolumeFault]:
    """Yield Pods that start and whose volume could not be mounted."""
    heard = HeardPods.of(snapshot)
    for ref, pod in _starting(snapshot, heard):
        events = [e for e in snapshot.events_of(ref, "FailedMount") if not _NOT_THE_VOLUME.search(e.message)]
        precise = [e for e in events if not _TIMED_OUT.search(e.message)]
        for event in precise[:1]:
            code = "volume-permission-denied" if _REFUSED.search(event.message) else "volume-mount-failed"
            yield _told(code, event, 0.9 if pod else heard.certainty(event))
        attaching = snapshot.events_of(ref, "FailedAttachVolume")
        if not precise and not attaching:
            spec = full_spec(snapshot, ref)
            yield from (_told("volume-mount-failed", e, 0.7) for e in events[:1] if _waits_for_data(spec, e))


def _starting(snapshot: Snapshot, heard: HeardPods) -> Iterator[tuple[ObjectRef, Pod | None]]:
    for pod in snapshot.pods:
        if still_starts(pod):
            yield pod.ref, pod
    reasons = ("FailedAttachVolume", "FailedMount")
    for ref in heard.with_events(*reasons):
        if snapshot.events_of(ref)[0].reason in reasons:
            yield ref, None


def still_starts(pod: Pod) -> bool:
    """Tell whether a Pod has a node and none of its containers has begun yet."""
    if pod.ready or pod.finished or leaving(pod):
        return False
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    waits = {s.state.waiting.reason for s in statuses if s.state.waiting}
    summary = pod.status.summary
    return bool(waits & set(_CREATING)) or summary in _CREATING or (not statuses and summary.startswith("Init:"))


def _told(code: str, event: Event, strength: float) -> VolumeFault:
    who = "kubelet" if event.reason == "FailedMount" else "attach/detach controller"
    message = f"The {who} says: {event.message[:300]}"
    return VolumeFault(code, event.ref.object, message, (event.citation,), strength, event.first)


def _waits_for_data(spec: PodSpec, event: Event) -> bool:
    """Tell whether a time-out is about a volume that holds data; those with configuration have rules of their own."""
    named = _TIMED_OUT.search(event.message)
    names = set(re.split(r"[\s,]+", named[1])) if named else set()
    others = {v.name for v in spec.volumes if not _holds_data(v)}
    return bool({n for n in names if not n.startswith("kube-api-access")} - others)


def _holds_data(volume: Volume) -> bool:
    return volume.config_map is None and volume.secret is None and not volume.name.startswith("kube-api-access")


_PATH = re.compile(r"(?<![\w/.:-])/[\w.@+-]{1,200}(?:/[\w.@+-]{0,200}){0,20}")
# What else may be refused: sockets, logins, tables, programs.
_OTHER_REFUSALS = re.compile(
    r"\b(bind|listen|listening|connect|connecting|socket|dial|tcp|udp|publickey|password|login|user|role|table|schema|relation"
    r"|sequence|privilege|grant|token|api|rbac|exec|execve|http|https|setuid|setgid|ptrace|mlock|iptables|rpc)\b",
    re.IGNORECASE,
)
_FILE_WORDS = re.compile(
    r"\b(open|opening|read|reading|write|writing|writable|create|creating|mkdir|rename|unlink|remove|chown|chmod|touch|lock"
    r"|files?|filesystem|file system|director(?:y|ies)|folder|path|fopen|errno)\b",
    re.IGNORECASE,
)


def denied_paths(snapshot: Snapshot) -> Iterator[VolumeFault]:
    """Yield Pods whose container was refused a path on one of its volumes, one for each Pod."""
    for pod in snapshot.pods:
        if not pod.finished or pod.status.phase == "Failed":
            fault = _denied(snapshot, pod)
            if fault:
                yield fault


def _denied(snapshot: Snapshot, pod: Pod) -> VolumeFault | None:
    spec = full_spec(snapshot, pod.ref)
    best: VolumeFault | None = None
    for container in spec.all_containers:
        mounts = [m for m in container.volume_mounts if _data_mount(spec, m)]
        for text, citations in _said_by(snapshot, pod, container) if mounts else ():
            found = _refusal(text, mounts)
            if found:
                mount, strength = found
                strength = strength if not pod.ready else strength - 0.35
                if best is None or strength > best.strength:
                    best = _fault(snapshot, pod, (spec, container, mount), citations, strength)
    return best if best and best.strength >= 0.5 else None


def _data_mount(spec: PodSpec, mount: VolumeMount) -> bool:
    if mount.mount_path.startswith("/var/run/secrets/"):
        return False
    volume = next((v for v in spec.volumes if v.name == mount.name), None)
    return volume is None or _holds_data(volume)


def _said_by(snapshot: Snapshot, pod: Pod, container: Container) -> Iterator[tuple[str, tuple[Citation, ...]]]:
    """Yield what a container said when it failed: its log lines and its last message."""
    for log in snapshot.logs_of(pod.ref, snapshot.topology.workload(pod.ref)):
        if log.ref.container in ("", container.name) and _REFUSED.search(log.record.example):
            yield log.record.example[:2000], (log.citation,)
    for kind, statuses in (
        ("initContainerStatuses", pod.status.init_container_statuses),
        ("containerStatuses", pod.status.container_statuses),
    ):
        for status in (s for s in statuses if s.name == container.name):
            for state, ended in (("state", status.state.terminated), ("lastState", status.last_state.terminated)):
                if ended and _REFUSED.search(ended.message):
                    path = ("status", kind, status.name, state, "terminated", "message")
                    yield ended.message[:2000], snapshot.cite(pod.ref, path)


def _refusal(text: str, mounts: list[VolumeMount]) -> tuple[VolumeMount, float] | None:
    """Give the mount that a refusal is about and how sure that is, or None where it is about something else."""
    paths = _PATH.findall(text)
    below = [m for m in mounts for p in paths if p == m.mount_path or p.startswith(m.mount_path.rstrip("/") + "/")]
    if below:
        return max(below, key=_depth), 0.92
    if paths or _OTHER_REFUSALS.search(text) or not _FILE_WORDS.search(text):
        return None
    return mounts[0], 0.8 if len(mounts) == 1 else 0.6


def _depth(mount: VolumeMount) -> int:
    return len(mount.mount_path)


def _fault(
    snapshot: Snapshot,
    pod: Pod,
    where: tuple[PodSpec, Container, VolumeMount],
    said: tuple[Citation, ...],
    strength: float,
) -> VolumeFault:
    spec, container, mount = where
    kind = "initContainers" if container in spec.init_containers else "containers"
    volume = next((v for v in spec.volumes if v.name == mount.name), None)
    lines = (
        *cite_spec(snapshot, pod.ref, (kind, container.name, "volumeMounts", mount.name)),
        *cite_spec(snapshot, pod.ref, ("securityContext", "runAsUser"), ("securityContext", "fsGroup")),
        *cite_spec(snapshot, pod.ref, ("volumes", mount.name, "hostPath", "path")),
    )
    host = volume.host_path.get("path") if volume and volume.host_path else None
    source = f", the host's {host}" if host else ""
    only = " (mounted read-only)" if mount.read_only else ""
    message = f"The container {container.name} may not use {mount.mount_path}{only}, its volume {mount.name}{source}."
    return VolumeFault("volume-permission-denied", pod.ref, message, (*said, *lines), strength)
