"""
Whose a log is, where its path names no object that was seen.

People save `kubectl logs` under names that say little. Such a log belongs to the one workload it can only be from: the
one whose name or Pod suffix the file name holds, the one that its lines name as their own, the only Pod described
beside it, the only one that fails, or the only one that ran. Where two are equally possible it stays nobody's.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from kfi.models.records import TextForm
from kfi.models.schemas import Document, ObjectRef
from kfi.snapshot.pod import ContainerStatus, Pod
from kfi.snapshot.self_naming import own_names
from kfi.snapshot.view import Snapshot

# What file names of logs are made of besides names: commands, what they print, and the tools that collect it.
_GENERIC = frozenset(
    """
    all and app apps application applications bad broken by collected console container containers crash crashed
    crashing crashloop current debug dump err error errors exec exited export fail failed failing failure fetch
    file filtered find first for from full get grep job jobs k8s kube kubectl kubernetes last line lines log
    logging logs loki main message messages my namespace of old out output pod pods prev previous query raw
    report resource resources response result results save saved search service since some snippet stderr stdin
    stdout stern tail terminated text the this trace txt unified uppercase lowercase view warn warning warnings
    workload
    """.split()
)
_WORD = re.compile(r"[a-z0-9]+")
_NUMBER = re.compile(r"\d+|\d{1,4}[dhms]|[0-9a-f]{12,}")
# Kubernetes leaves vowels and 0, 1, 3 out of what it generates, so no English word looks like it.
_SAFE = "bcdfghjklmnpqrstvwxz2456789"
_SUFFIX = re.compile(rf"-([{_SAFE}]{{5}})$")
_POD_OF_HASH = re.compile(rf"(?<![a-z0-9])[a-z0-9][-a-z0-9]{{0,62}}-[{_SAFE}]{{5,10}}-[{_SAFE}]{{5}}(?![a-z0-9])")
# Templates of one file whose lines are asked for a name.
_MAX_TEXTS = 200
_RUNS = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "CronJob", "ReplicationController")
_DOWN = re.compile(r"(?:^|:)(?:CrashLoopBackOff|Error|OOMKilled|ExitCode:\d+|Signal:\d+|StartError|RunContainerError)$")
_NEVER_RAN = re.compile(r"Pending|ContainerCreating|PodInitializing|ImagePull|ErrImage|InvalidImage|ConfigError|Gated")


class LogOwners:
    """Finds the owners of the logs that name none. Asked once a file."""

    def __init__(self, snapshot: Snapshot, logs: Iterable[Document] = ()) -> None:
        self._snapshot = snapshot
        self._texts: dict[str, list[str]] = defaultdict(list)
        for log in logs:
            if self._open(log.ref) or not log.ref.kind:
                self._texts[log.source.path].append(log.text)
        self._found: dict[tuple[str, str, str], ObjectRef | None] = {}

    def owner(self, document: Document, ref: ObjectRef) -> ObjectRef:
        """Give whose a log is, or its own reference where that is known or cannot be told."""
        if not self._open(ref):
            return ref
        key = (document.source.path, ref.cluster, ref.namespace)
        if key not in self._found:
            self._found[key] = self._find(document.source.path, ref)
        found = self._found[key]
        return found.model_copy(update={"container": ref.container}) if found else ref

    def _open(self, ref: ObjectRef) -> bool:
        """Tell whether a log's own reference leaves its owner open: it is no Node's, and no object of it was seen."""
        return ref.kind == "" or (ref.kind == "Pod" and not ref.name)

    def _find(self, path: str, ref: ObjectRef) -> ObjectRef | None:
        stem = _stem(path)
        named = self._named(stem, ref) or self._calls_itself(path, ref)
        if named or _POD_OF_HASH.search(stem) or not _says_nothing(stem, ref.namespace):
            return named
        return self._beside(path, ref) or self._only(self._failing, ref) or self._only(self._ran, ref)

    def _named(self, stem: str, ref: ObjectRef) -> ObjectRef | None:
        """Give the Pod or workload whose name stands in a file name, Pods first, the longest name first."""
        pods = [pod for pod in self._pods if _near(pod, ref)]
        in_it = [pod for pod in pods if _stands_in(pod.name, stem, loose=bool(_SUFFIX.search(pod.name)))]
        whole = self._one(in_it, stem)
        if whole:
            return whole
        words = set(_WORD.findall(stem))
        suffixed = [pod for pod in pods if (end := _SUFFIX.search(pod.name)) and end[1] in words]
        if suffixed:
            return suffixed[0] if len(suffixed) == 1 else None
        workloads = [w for w in self._workloads if _near(w, ref)]
        return self._one([w for w in workloads if _stands_in(w.name, _without_hash(stem, w.name))], stem)

    def _calls_itself(self, path: str, ref: ObjectRef) -> ObjectRef | None:
        """Give the one Pod or workload that the lines of a log name as their own; workloads where its Pods differ."""
        names = set(own_names(self._texts[path][:_MAX_TEXTS]))
        if not names:
            return None
        pods = [one for one in self._pods if one.name in names]
        return self._only(pods or [one for one in self._workloads if one.name in names], ref)

    def _one(self, found: Sequence[ObjectRef], stem: str) -> ObjectRef | None:
        """Give the one with the longest name; of several namespaces the one that the file name holds too."""
        longest = max((len(ref.name) for ref in found), default=0)
        best = [ref for ref in found if len(ref.name) == longest]
        if len({ref.name for ref in best}) > 1:
            return None
        homes = {ref.namespace for ref in best}
        if len(homes) > 1:
            best = [ref for ref in best if _stands_in(ref.namespace, stem)]
        return min(best, key=_specificity) if len({ref.namespace for ref in best}) == 1 else None

    def _beside(self, path: str, ref: ObjectRef) -> ObjectRef | None:
        """Give the one workload of which the log's folder holds a text of its own, not just a row in a table."""
        described = self._described.get(folder_of(path), ())
        return self._only([one for one in described if one.kind in _RUNS], ref)

    def _only(self, candidates: Iterable[ObjectRef], ref: ObjectRef) -> ObjectRef | None:
        """Give the one Pod, or the one workload of several Pods, that all candidates belong to."""
        near = [one for one in candidates if _near(one, ref)]
        tops = {self._snapshot.topology.workload(one) for one in near}
        if len(tops) != 1:
            return None
        pods = [one for one in near if one.kind == "Pod"]
        return pods[0] if len(set(pods)) == 1 else next(iter(tops))

    @cached_property
    def _pods(self) -> tuple[ObjectRef, ...]:
        heard = (event.ref.object for event in self._snapshot.events if event.ref.kind == "Pod")
        return tuple(dict.fromkeys((*(ref for ref in self._snapshot.objects if ref.kind == "Pod"), *heard)))

    @cached_property
    def _workloads(self) -> tuple[ObjectRef, ...]:
        seen = [ref for ref in self._snapshot.objects if ref.kind in _RUNS and ref.kind != "Pod"]
        tops = (self._snapshot.topology.workload(pod) for pod in self._pods)
        return tuple(dict.fromkeys((*seen, *(ref for ref in tops if ref.kind in _RUNS))))

    @cached_property
    def _described(self) -> Mapping[str, tuple[ObjectRef, ...]]:
        """By folder: the Pods and workloads of which it holds a live text that shows no other workload."""
        shown: dict[str, set[ObjectRef]] = defaultdict(set)
        for ref, seen in self._snapshot.seen.items():
            for one in seen if ref.kind in _RUNS else ():
                if one.record.form is not TextForm.TABLE and not one.record.applied:
                    shown[one.document.source.path].add(ref)
        found: dict[str, list[ObjectRef]] = defaultdict(list)
        for path, refs in shown.items():
            if len({self._snapshot.topology.workload(ref) for ref in refs}) == 1:
                found[folder_of(path)].extend(refs)
        return {folder: tuple(refs) for folder, refs in found.items()}

    @cached_property
    def _failing(self) -> tuple[ObjectRef, ...]:
        return tuple(pod.ref for pod in self._snapshot.pods if _fails(pod))

    @cached_property
    def _ran(self) -> tuple[ObjectRef, ...]:
        """The Pods that got as far as to write a log; where no Pod is known, the workloads."""
        known = self._snapshot.objects
        states = {ref: pod.status.summary for ref in self._pods if isinstance(pod := known.get(ref), Pod)}
        return tuple(ref for ref in self._pods if not _NEVER_RAN.search(states.get(ref, ""))) or self._workloads


def _near(ref: ObjectRef, log: ObjectRef) -> bool:
    return ref.cluster == log.cluster and log.namespace in ("", ref.namespace)


def _specificity(ref: ObjectRef) -> int:
    return _RUNS.index(ref.kind) if ref.kind in _RUNS else len(_RUNS)


def folder_of(path: str) -> str:
    """Give the folder of a source; an archive (`bundle.tgz!pods/web.log`) is a folder, too."""
    return path.replace("!", "/").rpartition("/")[0]


def _stem(path: str) -> str:
    name = path.replace("!", "/").rpartition("/")[2].lower()
    return re.sub(r"\.(?:gz|log|txt|out|json)\b", "", name)


def _says_nothing(stem: str, namespace: str) -> bool:
    """Tell whether a file name names nobody: only words that any log's may have, numbers and its namespace."""
    own = set(_WORD.findall(namespace))
    return all(word in _GENERIC or word in own or _NUMBER.fullmatch(word) for word in _WORD.findall(stem))


def _stands_in(name: str, stem: str, loose: bool = False) -> bool:
    """Tell whether a file name holds an object's name, and not that of another that begins or ends like it.

    `cart` stands in `logs-cart`, but not in `cart-db`. A name with a generated part is no part of another's.
    """
    if name.lower() not in stem:  # asked of every Pod for every file
        return False
    for match in re.finditer(rf"(?<![a-z0-9]){re.escape(name.lower())}(?![a-z0-9])", stem):
        before, after = stem[: match.start()], stem[match.end() :]
        left = re.split(r"[^-a-z0-9]", before)[-1] if before.endswith("-") else ""
        right = re.split(r"[^-a-z0-9]", after)[0] if after.startswith("-") else ""
        if loose or _says_nothing(f"{left} {right}", ""):
            return True
    return False


def _without_hash(stem: str, name: str) -> str:
    """Take the generated part of a Pod's name off where it follows this name: `cart-7d9f8b6c5-x2x4z` is of `cart`."""
    return re.sub(rf"({re.escape(name.lower())})-(?:[{_SAFE}]{{5,10}}-)?[{_SAFE}]{{5}}(?![a-z0-9])", r"\1", stem)


def _fails(pod: Pod) -> bool:
    """Tell whether a container of a Pod ended badly and the Pod is not well."""
    if pod.ready or pod.metadata.deletion_timestamp is not None or pod.status.phase == "Succeeded":
        return False
    statuses = (*pod.status.init_container_statuses, *pod.status.container_statuses)
    return bool(_DOWN.search(pod.status.summary)) or any(map(_ended, statuses)) or pod.status.phase == "Failed"


def _ended(status: ContainerStatus) -> bool:
    end = status.state.terminated or status.last_state.terminated
    waits = status.state.waiting.reason if status.state.waiting else ""
    return waits == "CrashLoopBackOff" or (end is not None and end.exit_code not in (0, None))
