"""
Which Pods need a claim: by their volumes, and where only table rows were seen, by how names are made.

A row shows no volumes. A StatefulSet names its claims after its Pods; others carry their workload's name; and one claim
that waits beside the Pods of one workload that waits is most likely theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kfi.diagnosis.conditions.service_evidence import only_rows
from kfi.models.schemas import ObjectRef
from kfi.snapshot.pod import Pod, PodSpec
from kfi.snapshot.resources import PersistentVolumeClaim, Workload
from kfi.snapshot.view import Snapshot

_BEFORE_VOLUMES = frozenset({"", "Pending", "ContainerCreating", "PodInitializing"})


@dataclass(frozen=True)
class Users:
    """Who needs a claim, and whether a text says so."""

    refs: tuple[ObjectRef, ...] = ()
    told: bool = True


def claim_users(snapshot: Snapshot) -> Mapping[ObjectRef, Users]:
    """Give for each claim the Pods that mount it; where there is none, the workloads whose templates do."""
    by: dict[ObjectRef, list[ObjectRef]] = defaultdict(list)
    for ref, spec in _specs(snapshot):
        for needed in snapshot.topology.references(ref, spec):
            if needed.kind == "PersistentVolumeClaim":
                by[needed].append(ref)
    told = {claim: Users(tuple(refs)) for claim, refs in by.items()}
    return {**dict(_likely(snapshot, told)), **told}


def _specs(snapshot: Snapshot) -> Iterator[tuple[ObjectRef, PodSpec]]:
    pods = [pod for pod in snapshot.pods if not pod.finished]
    yield from ((pod.ref, pod.spec) for pod in pods)
    with_pods = {snapshot.topology.workload(pod.ref) for pod in pods}
    for workload in snapshot.workloads:
        if snapshot.topology.workload(workload.ref) == workload.ref and workload.ref not in with_pods:
            yield workload.ref, workload.spec.template.spec


def _likely(snapshot: Snapshot, told: Mapping[ObjectRef, Users]) -> Iterator[tuple[ObjectRef, Users]]:
    """Yield claims without volume that nothing is known to use, and the Pods that may be waiting for them."""
    open_claims = [
        claim.ref for claim in snapshot.live(PersistentVolumeClaim)
        if claim.status.phase == "Pending" and claim.ref not in told
    ]  # fmt: skip
    pods = [pod for pod in snapshot.pods if _may_wait(snapshot, pod)] if open_claims else []
    for claim in open_claims:
        near = [pod for pod in pods if (pod.ref.cluster, pod.namespace) == (claim.cluster, claim.namespace)]
        rivals = [other for other in open_claims if other.namespace == claim.namespace]
        found = _of_claim(snapshot, claim, near, alone=len(rivals) == 1)
        if found:
            yield claim, found


def _may_wait(snapshot: Snapshot, pod: Pod) -> bool:
    """Tell whether a Pod waits, and no text shows which volumes it has."""
    state = pod.status.summary or pod.status.phase
    if pod.ready or not (state in _BEFORE_VOLUMES or state.startswith("Init:0/")):
        return False
    workload = snapshot.objects.get(snapshot.topology.workload(pod.ref))
    shown = isinstance(workload, Workload) and workload.spec.template.spec.containers
    return only_rows(snapshot, pod.ref) and not shown


def _of_claim(snapshot: Snapshot, claim: ObjectRef, pods: list[Pod], alone: bool) -> Users | None:
    ordinal = tuple(pod.ref for pod in pods if claim.name.endswith(f"-{pod.name}"))
    if ordinal:
        return Users(ordinal)
    tops: dict[ObjectRef, list[ObjectRef]] = defaultdict(list)
    for pod in pods:
        tops[snapshot.topology.workload(pod.ref)].append(pod.ref)
    named = [top for top in tops if _carries(claim.name, top.name)]
    likely = named or (list(tops) if alone else [])
    return Users(tuple(tops[likely[0]]), told=False) if len(likely) == 1 else None


def _carries(claim: str, workload: str) -> bool:
    return claim == workload or claim.startswith(f"{workload}-") or claim.endswith(f"-{workload}")
