"""
Rollouts: Deployments whose new Pods do not come up, paused ones, and the order in which StatefulSets start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.containers import Run, leaving, logs_of, restarting, runs
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.rollout import ROLLOUT_PAUSED, ROLLOUT_STUCK, STATEFUL_SET_PARALLEL, STATEFUL_SET_WAITS
from kfi.models.schemas import Citation, Finding
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Snapshot

RULES: tuple[Rule, ...] = (ROLLOUT_STUCK, ROLLOUT_PAUSED, STATEFUL_SET_WAITS, STATEFUL_SET_PARALLEL)

_NEW_SET = re.compile(r'ReplicaSet "([^"]+)" has timed out')
_ORDINAL = re.compile(r"-(\d{1,6})$")
# What members of a cluster say when they do not agree who leads it, or are too few. Leases are another matter: those
# are lost to a slow API server.
_NO_CLUSTER = re.compile(
    r"\bleader(?:ship)?\b|\bquorum\b|\belect(?:ion|ed|ing)?\b|split[- ]?brain|\braft\b|master not discovered"
    r"|\bcluster (?:state|formation|membership|is not formed|has not been formed)|not enough (?:voters|members|masters)"
    r"|bootstrap(?:ping)? (?:the )?cluster|inconsistent cluster",
    re.IGNORECASE,
)
_LEASE = re.compile(r"leaderelection|\bleases?\b|renew deadline", re.IGNORECASE)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield stuck and paused rollouts, and StatefulSets whose order is the matter."""
    for deployment in snapshot.live(Workload, "Deployment"):
        yield from _stuck(snapshot, deployment)
        yield from _paused(snapshot, deployment)
    for stateful_set in snapshot.of(Workload, "StatefulSet"):
        yield from _waits(snapshot, stateful_set)
        yield from _parallel(snapshot, stateful_set)


def _stuck(snapshot: Snapshot, deployment: Workload) -> Iterator[Finding]:
    condition = deployment.condition("Progressing")
    if condition is None or condition.status != "False" or condition.reason != "ProgressDeadlineExceeded":
        return
    new = _new_replica_set(snapshot, deployment, condition.message)
    made = f" to ReplicaSet {new.name}" if new else ""
    have = f": {new.ready_count} of its {counted(new.desired, 'Pod')} ready" if new and new.desired else ""
    ready, seconds = deployment.ready_count, deployment.spec.progress_deadline_seconds
    limit = f" for {seconds} s" if seconds else ""
    served = f" {counted(ready, 'Pod')} of the Deployment still serve{'s' if ready == 1 else ''}." if ready else ""
    message = f"The rollout of Deployment {deployment.name}{made} made no progress{limit}{have}.{served}"
    paths = [("status", "conditions", "Progressing", field) for field in ("reason", "message")]
    lines = (*snapshot.cite(deployment.ref, *paths), *(snapshot.cite_row(new.ref) if new else ()))
    since = condition.last_transition_time
    yield ROLLOUT_STUCK.found(deployment.ref, message, lines[:4], strength=0.75, since=since)


def _new_replica_set(snapshot: Snapshot, deployment: Workload, said: str) -> Workload | None:
    match = _NEW_SET.search(said)
    named = [str(one.get("name", "")) for one in deployment.status.kfi_new_replica_set]
    name = match[1] if match else next(iter(named), "")
    found = snapshot.find("ReplicaSet", deployment.namespace, name, deployment.ref.cluster) if name else None
    return found if isinstance(found, Workload) else None


def _paused(snapshot: Snapshot, deployment: Workload) -> Iterator[Finding]:
    status, wanted = deployment.status, deployment.desired
    updated = status.updated_replicas
    if not deployment.spec.paused or not wanted or updated is None or updated >= wanted:
        return
    message = (
        f"Deployment {deployment.name} is paused: {updated} of {counted(wanted, 'Pod')} are of its present template."
    )
    paths = (("spec", "paused"), ("status", "conditions", "Progressing", "reason"), ("status", "updatedReplicas"))
    yield ROLLOUT_PAUSED.found(deployment.ref, message, snapshot.cite(deployment.ref, *paths), strength=0.5)


def _members(snapshot: Snapshot, stateful_set: Workload) -> list[tuple[int, Pod]]:
    pods = [pod for pod in snapshot.topology.pods_of(stateful_set.ref) if not leaving(pod)]
    numbered = [(int(match[1]), pod) for pod in pods if (match := _ORDINAL.search(pod.name))]
    return sorted(numbered, key=_number)


def _number(member: tuple[int, Pod]) -> int:
    return member[0]


def _waits(snapshot: Snapshot, stateful_set: Workload) -> Iterator[Finding]:
    members, wanted = _members(snapshot, stateful_set), stateful_set.desired or 0
    ordered = stateful_set.spec.pod_management_policy != "Parallel"
    broken = next(((number, pod) for number, pod in members if not pod.ready), None)
    if not ordered or not stateful_set.observed or broken is None or len(members) >= wanted:
        return
    number, pod = broken
    if number != members[-1][0]:  # there are later ones, so they do not wait for it
        return
    missing = counted(wanted - len(members), "Pod")
    message = f"StatefulSet {stateful_set.name} makes {missing} more only when {pod.name} is ready, and it is not."
    lines = (
        *snapshot.cite(stateful_set.ref, ("spec", "replicas"), ("status", "readyReplicas")),
        *_unready(snapshot, pod),
    )
    yield STATEFUL_SET_WAITS.found(stateful_set.ref, message, lines[:4], strength=0.7, affects=(pod.ref,))


def _unready(snapshot: Snapshot, pod: Pod) -> tuple[Citation, ...]:
    return snapshot.cite(pod.ref, ("status", "conditions", "Ready", "status")) or snapshot.cite_row(pod.ref)


def _parallel(snapshot: Snapshot, stateful_set: Workload) -> Iterator[Finding]:
    if stateful_set.spec.pod_management_policy != "Parallel" or (stateful_set.desired or 0) < 2:
        return
    members = _members(snapshot, stateful_set)
    failing = [(number, pod, *said) for number, pod in members if (said := _disagrees(snapshot, pod))]
    if not failing:
        return
    first = failing[0]
    ahead = [pod.name for number, pod in members if number > first[0] and pod.ready]
    before = f"{_listed(ahead)} came up before {_listed([f[1].name for f in failing])}; " if ahead else ""
    message = (
        f"StatefulSet {stateful_set.name} starts its Pods in parallel, in no order (podManagementPolicy Parallel); "
        f'{before}{first[1].name} ends with "{first[2]}".'
    )
    policy = snapshot.cite(stateful_set.ref, ("spec", "podManagementPolicy"))
    lines = (*policy, *(line for _, _, _, lines in failing[:2] for line in lines[:2]))
    affects = [pod.ref for _, pod, *_ in failing]
    strength = 0.62 if ahead or len(failing) > 1 else 0.5
    yield STATEFUL_SET_PARALLEL.found(stateful_set.ref, message, lines, strength=strength, affects=affects)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _disagrees(snapshot: Snapshot, pod: Pod) -> tuple[str, tuple[Citation, ...]] | None:
    """Give what a Pod that does not stay up says of its cluster's leader or quorum, with the lines."""
    for run in runs(pod):
        if not pod.ready and restarting(run, snapshot.as_of):
            found = next(_words(snapshot, run), None)
            if found:
                return found
    return None


def _words(snapshot: Snapshot, run: Run) -> Iterator[tuple[str, tuple[Citation, ...]]]:
    end = run.last_end
    if end and _tells(end.message):
        yield end.message[:200], snapshot.cite(run.pod.ref, (*run.end_path, "message"))
    for log in logs_of(snapshot, run):
        if log.failing and _tells(log.record.example):
            yield log.record.example[:200], (log.citation,)


def _tells(text: str) -> bool:
    return bool(_NO_CLUSTER.search(text[:2000])) and not _LEASE.search(text[:2000])
