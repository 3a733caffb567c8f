"""
Quota: what a namespace's ResourceQuota or LimitRange keeps out.

Admission refuses an object when it is created, so what a quota kept out is not there and has no Events. Controllers
report the refusal of their Pods; of a Service or a claim that somebody applied nothing remains but its absence. A quota
that is used up while nothing is missing is no failure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.conditions.manifest_room import outside_limits, over_quota
from kfi.diagnosis.conditions.pod_spec import shown
from kfi.diagnosis.conditions.quota_message import Refusal, Refused, needed, needed_by_pod, refusal_in
from kfi.diagnosis.conditions.refusals import got_through, still_short
from kfi.diagnosis.conditions.scheduler_message import Filter, clauses
from kfi.diagnosis.conditions.waiting_pods import Waiting, waiting_pods
from kfi.models.records import REFUSED
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.objects import Resource, quantity
from kfi.snapshot.policies import ResourceQuota
from kfi.snapshot.resources import PersistentVolumeClaim, Service, Workload
from kfi.snapshot.view import Event, Snapshot

_SHOW = "kubectl describe resourcequota -n {name}"


def _rule(code: str, title: str, meaning: str, *fix: str, confirm: str = _SHOW) -> Rule:
    return Rule(code=code, title=title, layer=Layer.ADMISSION, meaning=meaning, confirm=confirm, fix=fix)


_RAISE = "Raise the limit in the namespace's ResourceQuota, if it may be raised."

QUOTA_CPU_EXCEEDED = _rule(
    "quota-cpu-exceeded",
    "The namespace's CPU quota is used up",
    "A ResourceQuota limits the sum of the CPU requests or limits of all Pods in the namespace. A Pod that would go "
    "beyond it is refused, so its controller cannot create it.",
    "Lower the CPU requests of Pods in the namespace, or remove Pods that are not needed.",
    _RAISE,
)
QUOTA_MEMORY_EXCEEDED = _rule(
    "quota-memory-exceeded",
    "The namespace's memory quota is used up",
    "A ResourceQuota limits the sum of the memory requests or limits of all Pods in the namespace. A Pod that would go "
    "beyond it is refused, so its controller cannot create it.",
    "Lower the memory requests of Pods in the namespace, or remove Pods that are not needed.",
    _RAISE,
)
QUOTA_PODS_EXCEEDED = _rule(
    "quota-pods-exceeded",
    "The namespace may have no more Pods",
    "A ResourceQuota limits how many Pods the namespace may have. A Pod beyond it is refused, so its controller cannot "
    "create it.",
    "Remove Pods that are not needed, or run fewer replicas.",
    _RAISE,
)
QUOTA_SERVICES_EXCEEDED = _rule(
    "quota-services-exceeded",
    "The namespace may have no more Services",
    "A ResourceQuota limits how many Services (or node ports, or load balancers) the namespace may have. One that was "
    "applied beyond it was refused, and whoever calls it by name finds nothing.",
    "Remove Services that are not needed.",
    _RAISE,
    "Apply the refused Service again afterwards: nothing retries it.",
)
QUOTA_STORAGE_EXCEEDED = _rule(
    "quota-storage-exceeded",
    "The namespace's storage quota does not allow the claim",
    "A ResourceQuota limits how much storage the namespace's claims may ask for, or how many claims there may be. A "
    "claim beyond it is refused, and the Pods that name it wait for it.",
    "Ask for less storage, or remove claims that are not needed (that may delete their volumes and data).",
    _RAISE,
    "Apply the refused claim again afterwards: nothing retries it.",
)
QUOTA_EXCEEDED = _rule(
    "quota-exceeded",
    "The namespace's quota is used up",
    "A ResourceQuota limits how much of a resource, or how many objects of a kind, the namespace may have. What would "
    "go beyond it is refused.",
    "Remove what is not needed.",
    _RAISE,
)
LIMIT_RANGE_VIOLATED = _rule(
    "limit-range-violated",
    "Pods are outside what the namespace's LimitRange allows",
    "A LimitRange sets the least and the most that a container, Pod or claim may request. Others are refused.",
    "Bring the requests and limits in the template within the range.",
    "Change the LimitRange.",
    confirm="kubectl describe limitrange -n {name}",
)
QUOTA_REQUIRES_LIMITS = _rule(
    "quota-requires-limits",
    "The quota wants requests or limits that the Pods do not set",
    "Where a ResourceQuota counts CPU or memory, every container must say how much it requests or may use. Pods that "
    "say nothing are refused.",
    "Set the named requests and limits in the template.",
    "Give the namespace a LimitRange with defaults.",
)
RULES = (
    QUOTA_CPU_EXCEEDED, QUOTA_MEMORY_EXCEEDED, QUOTA_PODS_EXCEEDED, QUOTA_SERVICES_EXCEEDED, QUOTA_STORAGE_EXCEEDED,
    QUOTA_EXCEEDED, LIMIT_RANGE_VIOLATED, QUOTA_REQUIRES_LIMITS,
)  # fmt: skip


def rule_for(resource: str) -> Rule:
    """Give the rule for a resource by the name that a quota gives it."""
    base = resource.removeprefix("count/")
    if base.endswith(("requests.storage", "persistentvolumeclaims")):
        return QUOTA_STORAGE_EXCEEDED
    if base.startswith("services"):
        return QUOTA_SERVICES_EXCEEDED
    last = base.removeprefix("requests.").removeprefix("limits.")
    return {"cpu": QUOTA_CPU_EXCEEDED, "memory": QUOTA_MEMORY_EXCEEDED, "pods": QUOTA_PODS_EXCEEDED}.get(
        last, QUOTA_EXCEEDED
    )


@dataclass(frozen=True)
class KeptOut:
    """Something that a quota refused."""

    what: ObjectRef
    """The object that is missing, or the workload whose Pods are."""
    refused: Refused
    resource: str
    proof: tuple[Citation, ...]
    strength: float
    since: datetime | None = None


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield each quota that keeps something out now, once for each kind of resource."""
    groups: dict[tuple[ObjectRef, str], list[KeptOut]] = {}
    waiting = _claims_waited_for(snapshot)
    for kept in (*_told(snapshot), *_missing_objects(snapshot, waiting), *_missing_pods(snapshot)):
        namespace = kept.what.home if kept.what.namespace else kept.what
        groups.setdefault((namespace, _rule_of(kept).code), []).append(kept)
    for (namespace, _), together in groups.items():
        affects = [ref for kept in together for ref in _sufferers(snapshot, kept.what, waiting)]
        yield _found(snapshot, namespace, together, tuple(dict.fromkeys(affects)))
    for unfit in over_quota(snapshot):
        rule, lines = rule_for(unfit.about), unfit.evidence[:6]
        yield rule.found(unfit.ref, unfit.message, lines, strength=unfit.strength, affects=unfit.affects)
    for unfit in outside_limits(snapshot):
        yield LIMIT_RANGE_VIOLATED.found(unfit.ref, unfit.message, unfit.evidence[:6], strength=unfit.strength)


_Claims = Mapping[ObjectRef, tuple[Waiting, ...]]


def _claims_waited_for(snapshot: Snapshot) -> _Claims:
    """Give for each claim that Pods without a node name the Pods."""
    by: dict[ObjectRef, list[Waiting]] = {}
    for pod in waiting_pods(snapshot):
        said = {c.detail for c in clauses(pod.message) if c.filter is Filter.CLAIM and c.detail}
        for name in sorted(pod.claims | said):
            ref = pod.ref.model_copy(update={"kind": "PersistentVolumeClaim", "name": name})
            by.setdefault(ref, []).append(pod)
    return {ref: tuple(pods) for ref, pods in by.items()}


def _rule_of(kept: KeptOut) -> Rule:
    match kept.refused.refusal:
        case Refusal.LIMIT_RANGE:
            return LIMIT_RANGE_VIOLATED
        case Refusal.MUST_SPECIFY:
            return QUOTA_REQUIRES_LIMITS
    return rule_for(kept.resource)


def _found(
    snapshot: Snapshot, namespace: ObjectRef, together: list[KeptOut], affects: tuple[ObjectRef, ...]
) -> Finding:
    best = max(together, key=_strength)
    refused, resource = best.refused, best.resource
    names = ", ".join(sorted({f"{k.what.kind} {k.what.name}" for k in together})[:5])
    where = f" in {namespace.name}" if namespace.kind == "Namespace" else ""
    message = f"{names} cannot be created{where}: {refused.text}."
    if refused.limited and resource in refused.limited:
        used, hard = (refused.used or {}).get(resource, "?"), refused.limited[resource]
        asked = (refused.requested or {}).get(resource, "?")
        limit = f"ResourceQuota {refused.quota} limits {resource} to {hard}"
        message = f"{limit}; {used} is used, and {names} would need {asked} more."
    quota = namespace.model_copy(
        update={"kind": "ResourceQuota", "namespace": namespace.name, "name": refused.quota}
    )  # fmt: skip
    lines = snapshot.cite(quota, *[(part, field, resource) for part, field in _QUOTA_FIELDS])
    since = min((k.since for k in together if k.since), default=None)
    return _rule_of(best).found(
        namespace,
        message,
        tuple(dict.fromkeys((*best.proof[:4], *lines, *snapshot.cite_row(quota))))[:6],
        strength=best.strength,
        since=since,
        affects=affects,
    )


_QUOTA_FIELDS = (("status", "used"), ("status", "hard"), ("spec", "hard"))


def _strength(kept: KeptOut) -> float:
    return kept.strength


def _sufferers(snapshot: Snapshot, what: ObjectRef, waiting: _Claims) -> Iterator[ObjectRef]:
    """Yield what is kept out, and who needs it."""
    yield what
    resource = snapshot.objects.get(what)
    if isinstance(resource, Service):
        meant = snapshot.topology.meant_by(resource)
        yield from (meant,) if meant else ()
    yield from (pod.ref for pod in waiting.get(what, ()))
    top = snapshot.topology.workload(what)
    if top != what:
        yield top


def _told(snapshot: Snapshot) -> Iterator[KeptOut]:
    """Yield refusals that controllers report, in Events or in their ReplicaFailure condition, and that still hold."""
    for event in snapshot.events:
        refused = refusal_in(event.message) if event.reason in (*_FAILED, REFUSED) else None
        if refused and _holds(snapshot, event):
            what = _at_home(snapshot, event.ref.object, refused)
            yield from _each(what, refused, (event.citation,), event.first)
    for workload in snapshot.workloads:
        failure = workload.condition("ReplicaFailure")
        refused = refusal_in(failure.message) if failure and failure.status == "True" else None
        if refused and still_short(snapshot, workload.ref) is not False:
            cited = snapshot.cite(workload.ref, ("status", "conditions", "ReplicaFailure", "message"))
            yield from _each(workload.ref, refused, cited, failure.last_transition_time if failure else None)


def _holds(snapshot: Snapshot, event: Event) -> bool:
    """Tell whether a refusal still keeps something out; where no text says, it does."""
    if event.reason == REFUSED:
        return not got_through(snapshot, event)
    return still_short(snapshot, event.ref.object) is not False


def _at_home(snapshot: Snapshot, what: ObjectRef, refused: Refused) -> ObjectRef:
    """Give the refused object with the namespace of the quota that refused it, where the text names none."""
    homes = {quota.namespace for quota in snapshot.live(ResourceQuota) if quota.name == refused.quota}
    if what.namespace or len(homes) != 1:
        return what
    return what.model_copy(update={"namespace": homes.pop()})


_FAILED = ("FailedCreate", "FailedUpdate", "FailedDaemonPod", "ReplicaSetCreateError", "JobCreateError")


def _each(what: ObjectRef, refused: Refused, proof: tuple[Citation, ...], since: datetime | None) -> Iterator[KeptOut]:
    for resource in refused.limited or {"": ""}:
        yield KeptOut(what, refused, resource, proof, 0.95, since)


def _missing_objects(snapshot: Snapshot, waiting: _Claims) -> Iterator[KeptOut]:
    """Yield applied objects that do not live, in namespaces whose quota has no room for them."""
    for quota in snapshot.live(ResourceQuota):
        for ref, declared in snapshot.declared.items():
            same = ref.namespace == quota.namespace and ref.cluster == quota.ref.cluster
            if same and ref.kind != "Pod" and _over(quota, needed(declared)):
                proof = _not_there(snapshot, ref, waiting.get(ref, ()))
                manifest = snapshot.cite(ref, ("metadata", "name"), *_size_paths(declared))
                yield from _over_quota(quota, ref, needed(declared), (*proof, *manifest)) if proof else ()


def _size_paths(declared: Resource) -> tuple[tuple[str, ...], ...]:
    claim = isinstance(declared, PersistentVolumeClaim)
    return (("spec", "resources", "requests", "storage"),) if claim else ()


def _not_there(snapshot: Snapshot, ref: ObjectRef, waiting: tuple[Waiting, ...]) -> tuple[Citation, ...]:
    """Give what proves that an applied object does not live: a complete list, or the scheduler for a claim."""
    resource = snapshot.objects.get(ref)
    if resource and resource.observed:
        return ()
    absent = snapshot.absent(ref)
    said = [pod.citations[0] for pod in waiting if any(c.detail == ref.name for c in clauses(pod.message))]
    return (*((absent,) if absent else ()), *said[:1])


def _missing_pods(snapshot: Snapshot) -> Iterator[KeptOut]:
    """Yield workloads that lack Pods without a word, in namespaces whose quota has no room for one more."""
    # Of these a controller says itself why their Pods are missing.
    explained = {snapshot.topology.workload(e.ref) for e in snapshot.events if e.reason in _FAILED}
    for quota in snapshot.live(ResourceQuota):
        for workload in snapshot.live(Workload):
            same = workload.namespace == quota.namespace and workload.ref.cluster == quota.ref.cluster
            top = same and snapshot.topology.workload(workload.ref) == workload.ref
            needs = needed_by_pod(workload.spec.template.spec)
            if top and workload.ref not in explained and _over(quota, needs) and _lacks_pods(snapshot, workload):
                proof = snapshot.cite(workload.ref, ("status", "replicas"), ("status", "readyReplicas"))
                yield from _over_quota(quota, workload.ref, needs, proof or snapshot.cite_row(workload.ref))


def _lacks_pods(snapshot: Snapshot, workload: Workload) -> bool:
    """Tell whether a list shows fewer Pods of a workload than it wants."""
    have = len([p for p in snapshot.topology.pods_of(workload.ref) if not p.finished])
    return snapshot.listed("Pod", workload.namespace, workload.ref.cluster) and have < (workload.desired or 0)


def _over(quota: ResourceQuota, needs: dict[str, float]) -> tuple[str, ...]:
    """Give the resources of a quota that would be exceeded by what is needed."""
    hard = quota.status.hard or quota.spec.hard
    over = []
    for resource, limit in hard.items():
        most, used = quantity(limit), quantity(quota.status.used.get(resource, 0))
        # The least that quantities are rounded to is far above this.
        if most is not None and used is not None and needs.get(resource) and used + needs[resource] > most + 1e-9:
            over.append(resource)
    return tuple(over)


def _over_quota(
    quota: ResourceQuota, what: ObjectRef, needs: dict[str, float], proof: tuple[Citation, ...]
) -> Iterator[KeptOut]:
    for resource in _over(quota, needs):
        hard = str((quota.status.hard or quota.spec.hard)[resource])
        used, asked = str(quota.status.used.get(resource, 0)), shown(needs[resource], resource)
        refused = Refused(Refusal.QUOTA, quota.name, {resource: asked}, {resource: used}, {resource: hard})
        yield KeptOut(what, refused, resource, proof, 0.85)
