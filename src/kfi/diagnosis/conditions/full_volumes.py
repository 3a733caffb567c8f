"""
Volumes that are full: the application's own words, a watcher's Event or an alert about the claim.

"No space left on device" is also said where a node's disk, an image layer or the kernel's file watches are used up, so
it counts only where it names a path on a claimed volume, or where the container has just one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.claimed_volumes import Claimed, claimed
from kfi.diagnosis.conditions.containers import Run, current_pods, logs_of, runs, trouble
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.pod_spec import cite_spec, full_spec
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import VolumeMount
from kfi.snapshot.view import Snapshot


@dataclass(frozen=True)
class FullVolume:
    """A claim whose volume is full, or the Pod where the claim is not known."""

    ref: ObjectRef
    pods: tuple[ObjectRef, ...]
    message: str
    evidence: tuple[Citation, ...]
    strength: float


# ENOSPC and EDQUOT as the C library, Go, Java, Python, Node, .NET and the common databases print them.
_FULL = re.compile(
    r"no space left on (?:the )?device|\bENOSPC\b|\[Errno 28\]|Errcode: 28\b|OS errno 28\b|not enough space on the disk"
    r"|disk (?:is )?full\b|disk quota exceeded|\bEDQUOT\b|\[Errno 122\]|flood[- ]stage (?:disk )?watermark"
    r"|(?:volume|file ?system) (?:is )?full\b|free disk space is (?:insufficient|below)",
    re.IGNORECASE,
)
_NOT_A_DISK = re.compile(
    r"inotify|file watch|\bwatchers?\b|shared memory|/dev/shm|semaphore|epoll|\bbpf\b|cgroup|image layer|overlay",
    re.IGNORECASE,
)
# A row of df: ... Use% Mounted on.
_DF = re.compile(r"\s100%\s+(/\S*)\s*$")
_CODE = (".py", ".js", ".ts", ".go", ".java", ".rb", ".php", ".cc", ".c", ".rs")
_PATH = re.compile(r"(?<![\w/.:-])/[\w.@+-]{1,200}(?:/[\w.@+-]{0,200}){0,20}")
# What watchers of volumes say of a claim. Forecasts ("expected to fill up within four days") say something else.
_SAID_OF_CLAIM = re.compile(
    r"\b(?:9[89]|100)(?:\.\d+)?\s?%(?! (?:is )?(?:available|free))|no space|out of space|\b(?:is|has become) full\b"
    r"|\b[0-2](?:\.\d+)?\s?% (?:is )?(?:available|free)",
    re.IGNORECASE,
)


def full_volumes(snapshot: Snapshot) -> Iterator[FullVolume]:
    """Yield claims whose volume is full now, each once."""
    watched = dict(_watched(snapshot))
    told: dict[ObjectRef, FullVolume] = {}
    past = PastErrors.of(snapshot)
    for pod in current_pods(snapshot):
        for run in runs(pod):
            found = _told_by(snapshot, run, past, watched)
            if found and found.strength > (told[found.ref].strength if found.ref in told else 0):
                told[found.ref] = found
    yield from told.values()
    for ref, lines in watched.items():
        if ref not in told:
            yield _unheard(snapshot, ref, lines)


def _watched(snapshot: Snapshot) -> Iterator[tuple[ObjectRef, tuple[Citation, ...]]]:
    """Yield claims of which an Event or an alert says that they are full."""
    for event in snapshot.events:
        newest = event.ref.kind == "PersistentVolumeClaim" and snapshot.events_of(event.ref)[0] is event
        if newest and event.type == "Warning" and _SAID_OF_CLAIM.search(event.message):
            yield event.ref.object, (event.citation,)
    for alert in snapshot.alerts:
        said = " ".join(alert.record.annotations.values())
        if alert.ref.kind == "PersistentVolumeClaim" and alert.record.state == "active" and _SAID_OF_CLAIM.search(said):
            yield alert.ref.object, (alert.citation,)


def _told_by(
    snapshot: Snapshot, run: Run, past: PastErrors, watched: dict[ObjectRef, tuple[Citation, ...]]
) -> FullVolume | None:
    """Give the volume that a container says is full, the surest of what it says."""
    words = list(_words(snapshot, run, past))
    if not words:
        return None
    spec = full_spec(snapshot, run.pod.ref)
    volumes = {one.name: one for one in claimed(snapshot, run.pod.ref, spec)}
    container = next((c for c in spec.all_containers if c.name == run.name), run.spec)
    mounts = [m for m in container.volume_mounts if m.name in volumes]
    best: FullVolume | None = None
    for text, line in words if mounts else ():
        mount, strength = _meant(text, mounts)
        if mount and (best is None or strength > best.strength):
            best = _found(snapshot, run, (volumes[mount.name], mount), (text, line, strength), watched)
    return best


def _words(snapshot: Snapshot, run: Run, past: PastErrors) -> Iterator[tuple[str, tuple[Citation, ...]]]:
    end = run.last_end
    if end and _says_full(end.message) and trouble(run, snapshot.as_of) > 0:
        yield end.message, snapshot.cite(run.pod.ref, (*run.end_path, "message"))
    for log in logs_of(snapshot, run):
        if _says_full(log.text) and not past.holds(log):
            yield log.text, (log.citation,)


def _says_full(text: str) -> bool:
    text = text[:4000]
    return bool((_FULL.search(text) or _DF.search(text)) and not _NOT_A_DISK.search(text))


def _meant(text: str, mounts: list[VolumeMount]) -> tuple[VolumeMount | None, float]:
    """Give the mount that a text is about and how sure that is; none where its paths lie elsewhere."""
    line = next((one for one in text[:4000].split("\n") if _FULL.search(one) or _DF.search(one)), "")
    paths = [path.rstrip("/") for path in _PATH.findall(line) if not path.endswith(_CODE)]
    below = [m for m in mounts for p in paths if f"{p}/".startswith(f"{m.mount_path.rstrip('/')}/")]
    if below:
        return max(below, key=_depth), 0.93
    return (mounts[0], 0.88) if len(mounts) == 1 and not paths else (None, 0.0)


def _depth(mount: VolumeMount) -> int:
    return len(mount.mount_path)


def _found(
    snapshot: Snapshot,
    run: Run,
    where: tuple[Claimed, VolumeMount],
    said: tuple[str, tuple[Citation, ...], float],
    watched: dict[ObjectRef, tuple[Citation, ...]],
) -> FullVolume:
    (one, mount), (text, line, strength) = where, said
    confirmed = watched.get(one.ref, ())
    strength = 0.95 if confirmed else strength if not run.pod.ready else strength - 0.2
    size = f" ({one.size})" if one.size else ""
    words = " ".join(text.split())[:200]
    message = (
        f"The volume of the claim {one.ref.name}{size}, mounted at {mount.mount_path} in container {run.name} of Pod "
        f'{run.pod.name}, is full: "{words}".'
    )
    capacity = snapshot.cite(one.ref, ("status", "capacity", "storage")) or snapshot.cite_row(one.ref)
    part = "initContainers" if run.listed_as_init else "containers"
    mounted = cite_spec(snapshot, run.pod.ref, (part, run.name, "volumeMounts", mount.name))
    return FullVolume(one.ref, (run.pod.ref,), message, (*line, *confirmed, *capacity, *mounted)[:6], strength)


def _unheard(snapshot: Snapshot, ref: ObjectRef, lines: tuple[Citation, ...]) -> FullVolume:
    """Give a claim that a watcher calls full while no container complains yet."""
    pods = tuple(p.ref for p in snapshot.pods if not p.finished and ref in snapshot.topology.references(p.ref, p.spec))
    capacity = snapshot.cite(ref, ("status", "capacity", "storage"))
    message = f"The volume of the claim {ref.name} is full: {' '.join(lines[0].text.split())[:300]}"
    return FullVolume(ref, pods[:5], message, (*lines, *capacity)[:6], 0.8)
