"""
Autoscaling: HorizontalPodAutoscalers that cannot scale, may not scale further, or stand in each other's way.

What an autoscaler says of itself in its conditions counts; Events only where its conditions were not shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.containers import starting_up
from kfi.diagnosis.conditions.field_lines import cite_whole
from kfi.diagnosis.conditions.heard import HeardPods
from kfi.diagnosis.conditions.pod_spec import lacking_requests
from kfi.diagnosis.conditions.scaled_objects import conflicts, without_keda
from kfi.diagnosis.conditions.scaling import by_utilization, loads, orphans, pods_of_target, target_of
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.scaling import (
    HPA_AT_MAXIMUM,
    HPA_CONFLICT,
    HPA_METRICS_UNAVAILABLE,
    HPA_MISSING_REQUESTS,
    HPA_TARGET_MISSING,
    KEDA_NOT_INSTALLED,
    WORKLOAD_NOT_SCALED,
)
from kfi.models.schemas import Citation, Finding, ObjectRef, Role
from kfi.snapshot.pod import Pod
from kfi.snapshot.policies import Autoscaler, LimitRange
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Event, Snapshot

RULES: tuple[Rule, ...] = (
    HPA_AT_MAXIMUM, HPA_METRICS_UNAVAILABLE, HPA_MISSING_REQUESTS, HPA_TARGET_MISSING, HPA_CONFLICT,
    KEDA_NOT_INSTALLED, WORKLOAD_NOT_SCALED,
)  # fmt: skip

# Reasons of its conditions and Events. Source: kubernetes pkg/controller/podautoscaler/horizontal.go.
_NO_METRIC = (
    "FailedGetResourceMetric", "FailedGetContainerResourceMetric", "FailedGetPodsMetric", "FailedGetObjectMetric",
    "FailedGetExternalMetric", "FailedComputeMetricsReplicas", "InvalidMetricSourceType",
)  # fmt: skip
_MISSING = re.compile(r"missing request for (\S+)(?: in container (\S+) of Pod (\S+))?")
_UNREADY = ("did not receive metrics for", "no metrics returned")
# A new autoscaler has read no metric yet; the controller looks every 15 s, metrics-server every minute.
_NEW = timedelta(minutes=3)


@dataclass(frozen=True)
class _Refused:
    """What an autoscaler says it cannot do."""

    message: str
    proof: tuple[Citation, ...]
    since: datetime | None
    certainty: float


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what keeps autoscalers from scaling, and the workloads that are not scaled for it."""
    alone = orphans(snapshot)
    for scaler in snapshot.of(Autoscaler):
        if scaler.spec.scale_target_ref.name:
            pods = pods_of_target(snapshot, target_of(scaler), alone)
            found = _target_missing(snapshot, scaler) or _unreadable(snapshot, scaler, pods)
            found = found or _at_maximum(snapshot, scaler)
            yield from (found,) if found else ()
            yield from _not_scaled(snapshot, scaler, pods, found)
    for refs, message, lines in conflicts(snapshot):
        yield HPA_CONFLICT.found(refs[0], message, lines, strength=0.8, affects=refs[1:])
    for ref, message, lines, strength in without_keda(snapshot):
        yield KEDA_NOT_INSTALLED.found(ref, message, lines, strength=strength)


def _named(ref: ObjectRef) -> str:
    return f"{ref.kind} {ref.name}"


def _target_missing(snapshot: Snapshot, scaler: Autoscaler) -> Finding | None:
    target = target_of(scaler)
    condition = scaler.condition("AbleToScale")
    told = condition and condition.status == "False" and condition.reason == "FailedGetScale"
    event = None if condition else _newest(snapshot, scaler.ref, ("FailedGetScale",))
    absent = snapshot.absent(target)
    lines = snapshot.cite(scaler.ref, ("spec", "scaleTargetRef", "name"))
    if (told or event) and target not in snapshot.objects:
        said = condition.message if condition and told else event.message if event else ""
        proof = snapshot.cite(scaler.ref, ("status", "conditions", "AbleToScale", "message"))
        proof = (*proof, *((event.citation,) if event else ()), *((absent,) if absent else ()), *lines)
        message = f"The autoscaler's target {_named(target)} cannot be read: {said[:300]}"
        return HPA_TARGET_MISSING.found(scaler.ref, message, proof[:5], strength=0.93)
    if absent:
        message = f"The autoscaler's target {_named(target)} does not exist."
        return HPA_TARGET_MISSING.found(scaler.ref, message, (absent, *lines), strength=0.85)
    kinds = {w.kind for w in snapshot.workloads if w.namespace == scaler.namespace}
    if scaler.observed or target in snapshot.objects or target.kind not in kinds:
        return None
    message = f"As applied, the autoscaler scales {_named(target)}, which is not among the objects that were given."
    return HPA_TARGET_MISSING.found(scaler.ref, message, lines, strength=0.5)


def _newest(snapshot: Snapshot, ref: ObjectRef, reasons: tuple[str, ...]) -> Event | None:
    """Give the newest Event about an object, where it has one of these reasons and is not of the past."""
    newest = next(iter(snapshot.events_of(ref)), None)
    fails = newest and newest.reason in reasons and not HeardPods.of(snapshot).silent(newest)
    return newest if fails else None


def _unreadable(snapshot: Snapshot, scaler: Autoscaler, pods: tuple[Pod, ...]) -> Finding | None:
    lacking = _lacking(snapshot, scaler)
    refused = _refused(snapshot, scaler)
    if refused is None:
        return _as_applied(scaler, lacking) if not scaler.observed else None
    target = target_of(scaler)
    named = _MISSING.search(refused.message)
    if named or (lacking and "<unknown>" in refused.message):
        resource = named[1] if named else by_utilization(scaler)[0]
        who = f"container {named[2]} of Pod {named[3]}" if named and named[2] else _containers(lacking)
        message = (
            f"The autoscaler's target for {resource} is a share of the requests, and {who or 'a container'} of "
            f"{_named(target)} requests no {resource}, so it is not scaled."
        )
        proof = (*refused.proof, *(line for _, lines in lacking for line in lines))
        strength = 0.93 * refused.certainty
        return HPA_MISSING_REQUESTS.found(scaler.ref, message, proof[:5], strength=strength, since=refused.since)
    unready = bool(pods) and not any(p.ready for p in pods) and any(words in refused.message for words in _UNREADY)
    message = f"The autoscaler of {_named(target)} cannot read its metrics: {refused.message[:300]}"
    proof, role = (*refused.proof, *_api_service(snapshot, scaler)), Role.SYMPTOM if unready else None
    ref, strength = target if unready else scaler.ref, 0.9 * refused.certainty
    return HPA_METRICS_UNAVAILABLE.found(ref, message, proof[:6], strength=strength, since=refused.since, role=role)


def _refused(snapshot: Snapshot, scaler: Autoscaler) -> _Refused | None:
    """Give what says that an autoscaler has no metrics: its condition, else its newest Event, else its row."""
    active = scaler.condition("ScalingActive")
    if active:
        paths = [("status", "conditions", "ScalingActive", field) for field in ("reason", "message")]
        failing = active.status == "False" and active.reason in _NO_METRIC
        proof = (*snapshot.cite(scaler.ref, *paths), *_heard(snapshot, scaler))
        return _Refused(active.message, proof, active.last_transition_time, 1.0) if failing else None
    event = _newest(snapshot, scaler.ref, _NO_METRIC)
    if event:
        return _Refused(event.message, (event.citation,), event.first, 0.9)
    made = scaler.metadata.creation_timestamp
    unknown = "<unknown>" in scaler.status.summary and not loads(scaler)
    if unknown and (made is None or snapshot.as_of - made > _NEW):
        said = f"its row shows the targets {scaler.status.summary}"
        return _Refused(said, snapshot.cite_row(scaler.ref), None, 0.85)
    return None


def _heard(snapshot: Snapshot, scaler: Autoscaler) -> Iterator[Citation]:
    yield from (event.citation for event in snapshot.events_of(scaler.ref, *_NO_METRIC)[:2])


_Lacking = tuple[tuple[str, tuple[Citation, ...]], ...]


def _lacking(snapshot: Snapshot, scaler: Autoscaler) -> _Lacking:
    """Give the containers of the target that do not request what the autoscaler measures, with their lines."""
    workload = snapshot.objects.get(target_of(scaler))
    if not isinstance(workload, Workload) or _defaulted(snapshot, scaler):
        return ()
    prefix = ("spec", "template", "spec", "containers")
    return tuple(
        (name, snapshot.cite(workload.ref, (*prefix, name, "resources"), (*prefix, name, "name")))
        for name in lacking_requests(workload.spec.template.spec, by_utilization(scaler))
    )


def _defaulted(snapshot: Snapshot, scaler: Autoscaler) -> bool:
    """Tell whether a LimitRange of the namespace fills in requests."""
    limits = [x for r in snapshot.of(LimitRange) if r.namespace == scaler.namespace for x in r.spec.limits]
    return any(limit.default_request or limit.default for limit in limits)


def _containers(lacking: _Lacking) -> str:
    names = ", ".join(name for name, _ in lacking)
    return f"container {names}" if len(lacking) == 1 else f"containers {names}" if names else ""


def _as_applied(scaler: Autoscaler, lacking: _Lacking) -> Finding | None:
    if not lacking:
        return None
    resources = ", ".join(by_utilization(scaler))
    message = (
        f"As applied, the autoscaler's target for {resources} is a share of the requests, but {_containers(lacking)} "
        f"of {_named(target_of(scaler))} requests no {resources}: it could not be scaled."
    )
    lines = [line for _, of_one in lacking for line in of_one]
    return HPA_MISSING_REQUESTS.found(scaler.ref, message, lines[:5], strength=0.6)


def _api_service(snapshot: Snapshot, scaler: Autoscaler) -> tuple[Citation, ...]:
    """Give the lines that show the metrics API itself to be unavailable."""
    ref = ObjectRef(cluster=scaler.ref.cluster, kind="APIService", name="v1beta1.metrics.k8s.io")
    paths = [("status", "conditions", "Available", field) for field in ("status", "reason", "message")]
    absent = snapshot.absent(ref)
    return (*snapshot.cite(ref, *paths), *((absent,) if absent else ()))


def _at_maximum(snapshot: Snapshot, scaler: Autoscaler) -> Finding | None:
    most, status = scaler.spec.max_replicas, scaler.status
    if not scaler.observed or most is None:
        return None
    limited = scaler.condition("ScalingLimited")
    capped = bool(limited and limited.status == "True" and limited.reason == "TooManyReplicas")
    above = [load for load in loads(scaler) if load.above]
    has = status.current_replicas if status.current_replicas is not None else status.desired_replicas
    if not (capped or (above and has is not None and has >= most)):
        return None
    said = "; ".join(load.said for load in above) or "more replicas are asked for"
    target = target_of(scaler)
    lines = (
        *snapshot.cite(scaler.ref, ("spec", "maxReplicas"), ("status", "currentReplicas")),
        *snapshot.cite(scaler.ref, ("status", "conditions", "ScalingLimited", "reason")),
        *cite_whole(snapshot, scaler.ref, ("status", "currentMetrics"), ("status", "currentCPUUtilizationPercentage")),
    )
    message = f"The autoscaler keeps {_named(target)} at its maximum of {counted(most, 'replica')}, but {said}."
    since = limited.last_transition_time if limited and capped else None
    strength = 0.9 if above else 0.75
    proof = lines or snapshot.cite_row(scaler.ref)
    return HPA_AT_MAXIMUM.found(scaler.ref, message, proof[:6], strength=strength, since=since, affects=(target,))


def _not_scaled(
    snapshot: Snapshot, scaler: Autoscaler, pods: tuple[Pod, ...], found: Finding | None
) -> Iterator[Finding]:
    """Yield the workload that is not scaled: its autoscaler cannot, or its new Pods do not come up."""
    target = target_of(scaler)
    if not scaler.observed or target not in snapshot.objects:
        return
    wants = scaler.status.desired_replicas
    said = "; ".join(load.said for load in loads(scaler))
    if found and found.ref == scaler.ref and found.code != HPA_TARGET_MISSING.code:
        message = f"{_named(target)} is not scaled to its load{': ' + said if said else ''}."
        yield WORKLOAD_NOT_SCALED.found(target, message, found.evidence[-2:], strength=0.6)
        return
    pods = tuple(pod for pod in pods if not pod.finished)
    ready = sum(pod.ready for pod in pods)
    settled = any(not pod.ready and not starting_up(pod, snapshot.as_of) for pod in pods)
    if wants is None or not settled or max(ready, _ready(snapshot, target)) >= wants:
        return
    has = scaler.status.current_replicas
    now = f"; there are {has}" if has is not None and has != wants else ""
    message = f"The autoscaler wants {wants} replicas of {_named(target)}{f' ({said})' if said else ''}{now}."
    paths = [("status", field) for field in ("desiredReplicas", "currentReplicas")]
    yield WORKLOAD_NOT_SCALED.found(target, message, snapshot.cite(scaler.ref, *paths), strength=0.7)


def _ready(snapshot: Snapshot, target: ObjectRef) -> int:
    workload = snapshot.objects.get(target)
    return workload.ready_count if isinstance(workload, Workload) and workload.observed else 0
