"""
What an autoscaler measures and scales: its target, the target's Pods, and each load against what is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kfi.models.schemas import ObjectRef
from kfi.snapshot.objects import quantity
from kfi.snapshot.pod import Pod
from kfi.snapshot.policies import Autoscaler, MetricAmount
from kfi.snapshot.view import Snapshot

# The controller leaves a load alone that is within a tenth of its target.
TOLERANCE = 1.1
# A cell of TARGETS: `cpu: 95%/50%`, `95%/50%`, `850m/500m (avg)`; older kubectl names no metric.
_CELL = re.compile(r"(?:([\w./-]+):\s*)?([\d.]+[%a-zA-Z]*)\s*/\s*([\d.]+[%a-zA-Z]*)")


@dataclass(frozen=True)
class Load:
    """A metric that was read: what it is at and what it should be at, in one unit."""

    name: str
    now: float
    wanted: float
    said: str
    """Both as a sentence has them."""

    @property
    def above(self) -> bool:
        """Whether the controller would add replicas for it."""
        return self.now > self.wanted * TOLERANCE


def target_of(scaler: Autoscaler) -> ObjectRef:
    """Give what an autoscaler scales."""
    target = scaler.spec.scale_target_ref
    return scaler.ref.model_copy(update={"kind": target.kind, "name": target.name})


def loads(scaler: Autoscaler) -> tuple[Load, ...]:
    """Give the loads that are known with their targets; from the TARGETS column where nothing else was read."""
    found = tuple(_measured(scaler)) or tuple(_of_first_version(scaler))
    return found or tuple(_of_cells(scaler.status.summary))


def _measured(scaler: Autoscaler) -> Iterator[Load]:
    current = {(m.type, m.name, m.source.container): m.source.current for m in scaler.status.current_metrics}
    for metric in scaler.spec.metrics:
        has = current.get((metric.type, metric.name, metric.source.container))
        if has:
            yield from _compared(metric.name, has, metric.source.target)


def _compared(name: str, has: MetricAmount, wants: MetricAmount) -> Iterator[Load]:
    if has.average_utilization is not None and wants.average_utilization is not None:
        now, wanted = has.average_utilization, wants.average_utilization
        yield Load(name, now, wanted, f"{name} is at {now}% of the requests, the target is {wanted}%")
        return
    for mine, its in ((has.average_value, wants.average_value), (has.value, wants.value)):
        now_, wanted_ = quantity(mine), quantity(its)
        if now_ is not None and wanted_ is not None:
            yield Load(name, now_, wanted_, f"{name} is at {mine}, the target is {its}")
            return


def _of_first_version(scaler: Autoscaler) -> Iterator[Load]:
    now, wanted = scaler.status.current_cpu, scaler.spec.target_cpu
    if now is not None and wanted is not None:
        yield Load("cpu", now, wanted, f"cpu is at {now}% of the requests, the target is {wanted}%")


def _of_cells(summary: str) -> Iterator[Load]:
    for name, now, wanted in _CELL.findall(summary[:500]):
        both = [quantity(text.rstrip("%")) for text in (now, wanted)]
        if both[0] is not None and both[1] is not None:
            what = name or "the load"
            yield Load(what, both[0], both[1], f"{what} is at {now}, the target is {wanted}")


def by_utilization(scaler: Autoscaler) -> tuple[str, ...]:
    """Give the resources that an autoscaler measures as a share of what the Pods request."""
    named = [m.name for m in scaler.spec.metrics if m.resource and m.source.target.average_utilization is not None]
    return tuple(dict.fromkeys([*named, *(["cpu"] if scaler.spec.target_cpu is not None else [])]))


def orphans(snapshot: Snapshot) -> tuple[Pod, ...]:
    """Give the Pods that name no owner."""
    return tuple(pod for pod in snapshot.pods if snapshot.topology.owner(pod.ref) is None)


def pods_of_target(snapshot: Snapshot, target: ObjectRef, without_owner: Iterable[Pod]) -> tuple[Pod, ...]:
    """Give the Pods of a workload, those without an owner that its selector takes among them."""
    adopted = (pod for pod in without_owner if pod.namespace == target.namespace)
    own = snapshot.topology.pods_of(target)
    return (*own, *(pod for pod in adopted if adopter(snapshot, pod.ref) == target))


def adopter(snapshot: Snapshot, ref: ObjectRef) -> ObjectRef | None:
    """Give the one workload whose selector takes a Pod that names no owner: its controller would adopt it."""
    pod = snapshot.objects.get(ref)
    if not isinstance(pod, Pod) or snapshot.topology.owner(ref) or not pod.labels:
        return None
    found = [
        w.ref for w in snapshot.workloads
        if w.namespace == ref.namespace and w.ref.cluster == ref.cluster and w.kind not in ("Job", "ReplicaSet")
        and w.spec.selector.match_labels and w.spec.selector.matches(pod.labels)
    ]  # fmt: skip
    return found[0] if len(found) == 1 else None
