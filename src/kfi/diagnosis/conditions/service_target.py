"""
Which workload a Service is meant for, where its selector does not say, and what differs.

Judged by name, by the labels that the Service itself carries, by labels that nearly match, and by the port. A label
that no text shows is unknown, not different.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache

from kfi.diagnosis.conditions.served import port_number
from kfi.models.schemas import ObjectRef
from kfi.snapshot.pod import Pod, PodSpec
from kfi.snapshot.resources import Service, Workload
from kfi.snapshot.view import Snapshot

# Labels that a whole release or application shares: they do not tell one workload from another.
_SHARED_LABELS = ("chart", "heritage", "release", "version", "part-of", "managed-by", "instance", "created-by")
_CLOSE = 0.75
_ENOUGH = 3


@dataclass(frozen=True)
class Candidate:
    """A workload (or a Pod without one) that a Service may be meant for."""

    ref: ObjectRef
    labels: Mapping[str, str]
    complete: bool
    """Whether all labels of its Pods are known, or only those it selects them by."""
    spec: PodSpec
    pods: tuple[Pod, ...]


class Candidates:
    """The workloads of each namespace, and the Pods that none controls: found once for all Services of a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    @cached_property
    def _by_place(self) -> Mapping[tuple[str, str], Mapping[ObjectRef, Candidate]]:
        topology = self._snapshot.topology
        by: dict[tuple[str, str], dict[ObjectRef, Candidate]] = defaultdict(dict)
        for workload in self._snapshot.workloads:
            if workload.kind != "Job" and not topology.owner(workload.ref):
                by[_place(workload.ref)][workload.ref] = _of_workload(workload, topology.pods_of(workload.ref))
        for pod in self._snapshot.pods:
            top = topology.workload(pod.ref)
            if pod.labels and top.kind not in ("Job", "CronJob") and top not in by[_place(pod.ref)]:
                by[_place(pod.ref)][top] = Candidate(top, pod.labels, True, pod.spec, topology.pods_of(top))
        return by

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str, str], Candidate]:
        by: dict[tuple[str, str, str], Candidate] = {}
        for place, found in self._by_place.items():
            for candidate in found.values():
                by.setdefault((*place, candidate.ref.name), candidate)
        return by

    def named(self, service: Service) -> Candidate | None:
        """Give the workload beside a Service that has its name."""
        return self._by_name.get((*_place(service.ref), service.name))

    def intended(self, service: Service) -> Candidate | None:
        """Give the workload that a Service is most likely meant for, or None where it is anyone's guess."""
        beside = self._by_place.get(_place(service.ref), {}).values()
        scored = sorted(((_score(self._snapshot, service, c), c) for c in beside), key=_first, reverse=True)
        if not scored or scored[0][0] < _ENOUGH or (len(scored) > 1 and scored[1][0] == scored[0][0]):
            return None
        return scored[0][1]


def _place(ref: ObjectRef) -> tuple[str, str]:
    return ref.cluster, ref.namespace


def _of_workload(workload: Workload, pods: tuple[Pod, ...]) -> Candidate:
    template = workload.spec.template
    labelled = [pod for pod in pods if pod.labels]
    spec = next((pod.spec for pod in pods if pod.spec.containers), template.spec)
    if labelled:
        return Candidate(workload.ref, labelled[0].labels, True, spec, pods)
    if template.metadata.labels:
        return Candidate(workload.ref, template.metadata.labels, True, spec, pods)
    return Candidate(workload.ref, workload.spec.selector.match_labels, False, spec, pods)


def differences(service: Service, candidate: Candidate) -> dict[str, str | None]:
    """Give each label of the selector that the candidate's Pods do not carry, with the value they have instead."""
    have = candidate.labels
    return {
        key: have.get(key)
        for key, value in service.spec.selector.items()
        if have.get(key) != value and (candidate.complete or key in have)
    }


def _first(scored: tuple[float, Candidate]) -> float:
    return scored[0]


def _score(snapshot: Snapshot, service: Service, candidate: Candidate) -> float:
    name, mine, theirs = candidate.ref.name, service.spec.selector, candidate.labels
    score = 3.0 if name == service.name else 1.5 if _related(name, service.name) else 0.0
    score += 1.5 * any(theirs.get(k) == v for k, v in service.labels.items() if not _shared(k))
    score += 0.5 * any(theirs.get(k) == v for k, v in mine.items() if not _shared(k))
    score += 1.0 * any(_related(theirs.get(k, ""), v) for k, v in mine.items())
    numbers = {port_number(c, p.target_port or p.port) for c in candidate.spec.containers for p in service.spec.ports}
    declared = {p.container_port for c in candidate.spec.containers for p in c.ports}
    score += 0.5 * bool(numbers & declared)
    others = (s for pod in candidate.pods for s in snapshot.topology.services_of(pod.ref))
    served = any(s.name == name and s.ref != service.ref for s in others)
    return score - 2.0 * (served and name != service.name)


def _shared(key: str) -> bool:
    return key.rpartition("/")[2] in _SHARED_LABELS


def _related(one: str, other: str) -> bool:
    """Tell whether two names are nearly the same, or one is the other with something added."""
    if min(len(one), len(other)) < 3 or one == other:
        return False
    contained = one.startswith(other) or other.startswith(one)
    return contained or (_may_be_close(one, other) and SequenceMatcher(None, one, other).ratio() >= _CLOSE)


def _may_be_close(one: str, other: str) -> bool:
    """Tell whether two names have letters enough in common, in whatever order; most have not, which is soon known."""
    enough = _CLOSE * (len(one) + len(other)) / 2
    return min(len(one), len(other)) >= enough and (_letters(one) & _letters(other)).total() >= enough


@lru_cache(4096)
def _letters(name: str) -> Counter[str]:
    return Counter(name)
