"""
What was applied and cannot fit: manifests against the quotas, limits, nodes and storage classes that were given.

Only objects of which nothing live was seen count: where the cluster itself shows how it went, that is the answer. The
sentences say "as applied", because nobody saw it fail.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from kfi.diagnosis.conditions.manifest_faults import only_declared
from kfi.diagnosis.conditions.node_fit import fits, most_room
from kfi.diagnosis.conditions.pod_spec import request_paths, requested, shown
from kfi.diagnosis.conditions.quota_message import needed_by_pod
from kfi.diagnosis.conditions.wording import counted
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.objects import quantity
from kfi.snapshot.pod import Container, PodAffinityTerm
from kfi.snapshot.policies import Amount, Limit, LimitRange, ResourceQuota
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import PersistentVolume, PersistentVolumeClaim, Workload
from kfi.snapshot.view import Snapshot


@dataclass(frozen=True)
class Unfit:
    """Something applied that does not fit; `about` names the resource, or what is lacking: by it a rule is chosen."""

    about: str
    ref: ObjectRef
    message: str
    evidence: tuple[Citation, ...]
    strength: float
    affects: tuple[ObjectRef, ...] = ()


_TEMPLATE: Path = ("spec", "template", "spec")
# Clusters have three workers or zones more often than not; what needs more is worth a word even where none was seen.
_USUAL = 3


def _declared(snapshot: Snapshot) -> Iterator[Workload]:
    """Yield the workloads that only manifests show, and of which no Pod was seen."""
    for workload in snapshot.workloads:
        alone = not workload.observed and only_declared(snapshot, workload.ref)
        if alone and not snapshot.topology.pods_of(workload.ref):
            yield workload


def _copies(workload: Workload) -> int:
    """Give how many Pods a workload has at once; a DaemonSet's depend on the nodes."""
    if workload.kind == "Job":
        return workload.spec.parallelism if workload.spec.parallelism is not None else 1
    return 0 if workload.kind == "DaemonSet" else workload.spec.replicas if workload.spec.replicas is not None else 1


def over_quota(snapshot: Snapshot) -> Iterator[Unfit]:
    """Yield workloads whose Pods together need more than a ResourceQuota of their namespace allows."""
    by: dict[ObjectRef, list[Workload]] = defaultdict(list)
    for workload in _declared(snapshot):
        by[workload.ref.home].append(workload)
    for quota in snapshot.of(ResourceQuota):
        if not quota.spec.scopes and not quota.spec.scope_selector:
            workloads = by.get(quota.ref.home, [])
            alone = [found for w in workloads if (found := _alone(snapshot, quota, w))]
            yield from alone or _together(snapshot, quota, workloads)


def _exceeded(quota: ResourceQuota, needs: dict[str, float]) -> str:
    """Give the resource by which a quota is exceeded most, relative to its limit; empty where none is."""
    over = {
        name: needs[name] / most if most else needs[name] + 1
        for name, limit in quota.spec.hard.items()
        if (most := quantity(limit)) is not None and needs.get(name, 0.0) > most + 1e-9
    }
    return max(over, key=lambda name: (over[name], name), default="")


def _needs(workloads: Iterable[Workload]) -> dict[str, float]:
    total: dict[str, float] = defaultdict(float)
    for workload in workloads:
        for name, amount in needed_by_pod(workload.spec.template.spec).items():
            total[name] += amount * _copies(workload)
    return total


def _alone(snapshot: Snapshot, quota: ResourceQuota, workload: Workload) -> Unfit | None:
    needs = _needs([workload])
    name = _exceeded(quota, needs)
    if not name:
        return None
    each, copies = needs[name] / _copies(workload), counted(_copies(workload), "replica")
    message = (
        f"As applied, {workload.kind} {workload.name} needs {shown(needs[name], name)} of {name} ({copies} of "
        f"{shown(each, name)} each), but ResourceQuota {quota.name} allows only {quota.spec.hard[name]} in namespace "
        f"{quota.namespace}: the Pods beyond that cannot be created."
    )
    lines = (*snapshot.cite(quota.ref, ("spec", "hard", name)), *_size_lines(snapshot, workload, name))
    return Unfit(name, workload.ref, message, lines, 0.7)


def _size_lines(snapshot: Snapshot, workload: Workload, name: str) -> tuple[Citation, ...]:
    resource = name.removeprefix("requests.").removeprefix("limits.")
    paths = [(*_TEMPLATE, *path) for path in request_paths(workload.spec.template.spec, resource)]
    return snapshot.cite(workload.ref, ("spec", "replicas"), *paths[:2])


def _together(snapshot: Snapshot, quota: ResourceQuota, workloads: list[Workload]) -> Iterator[Unfit]:
    needs = _needs(workloads)
    name = _exceeded(quota, needs) if len(workloads) > 1 else ""
    if name:
        largest = sorted(workloads, key=lambda w: (-_needs([w]).get(name, 0.0), w.name))
        names = ", ".join(w.name for w in largest[:4]) + (f" and {len(largest) - 4} more" if len(largest) > 4 else "")
        message = (
            f"As applied, the workloads of namespace {quota.namespace} ({names}) need {shown(needs[name], name)} of "
            f"{name} together, but ResourceQuota {quota.name} allows only {quota.spec.hard[name]}."
        )
        lines = [*snapshot.cite(quota.ref, ("spec", "hard", name))]
        lines += [line for w in largest[:2] for line in _size_lines(snapshot, w, name)]
        refs = tuple(w.ref for w in largest)
        yield Unfit(name, quota.ref.home, message, tuple(lines), 0.6, refs)


def outside_limits(snapshot: Snapshot) -> Iterator[Unfit]:
    """Yield workloads that ask for more or less than a LimitRange of their namespace lets a container or Pod have."""
    ranges = list(snapshot.of(LimitRange))
    for workload in _declared(snapshot) if ranges else ():
        for limit_range in ranges:
            if limit_range.ref.home == workload.ref.home:
                yield from _outside(snapshot, workload, limit_range)


def _outside(snapshot: Snapshot, workload: Workload, limit_range: LimitRange) -> Iterator[Unfit]:
    for limit in limit_range.spec.limits:
        for container in workload.spec.template.spec.containers if limit.type == "Container" else ():
            said = _beyond(container, limit)
            if said:
                message = (
                    f"As applied, container {container.name} of {workload.kind} {workload.name} {said} LimitRange "
                    f"{limit_range.name} allows a container: its Pods cannot be created."
                )
                paths = (
                    (*_TEMPLATE, "containers", container.name, "resources", part) for part in ("limits", "requests")
                )
                lines = (*snapshot.cite(workload.ref, *paths), *snapshot.cite(limit_range.ref, ("spec", "limits")))
                yield Unfit("limits", workload.ref, message, lines, 0.7)
                return


def _beyond(container: Container, limit: Limit) -> str:
    """Say of which resource a container asks for too much or too little; a limit without request is its request."""
    resources = container.resources
    for name, most in limit.max.items():
        asked = resources.limits.get(name, resources.requests.get(name))
        if _more(asked, most):
            return f"asks for {asked} of {name}, more than the {most} that"
    for name, least in limit.min.items():
        asked = resources.requests.get(name, resources.limits.get(name))
        if asked is not None and _more(least, asked):
            return f"asks for {asked} of {name}, less than the {least} that"
    return ""


def _more(one: Amount | None, other: Amount | None) -> bool:
    left, right = quantity(one), quantity(other)
    return left is not None and right is not None and left > right


def too_few_nodes(snapshot: Snapshot) -> Iterator[Unfit]:
    """Yield workloads whose own anti-affinity needs more nodes or zones than are known, or than most clusters have."""
    for workload in _declared(snapshot):
        for term in _against_itself(workload):
            places = _places(snapshot, workload, term.topology_key)
            copies = _copies(workload)
            if copies > (_USUAL if places is None else places):
                yield _spread_out(snapshot, workload, term, places)
                break


def _against_itself(workload: Workload) -> Iterator[PodAffinityTerm]:
    affinity = workload.spec.template.spec.affinity
    anti = affinity.pod_anti_affinity if affinity else None
    labels = workload.spec.template.metadata.labels
    for term in anti.required if anti else ():
        same = not term.namespaces or workload.namespace in term.namespaces
        if same and term.label_selector and term.label_selector.matches(labels):
            yield term


def _places(snapshot: Snapshot, workload: Workload, key: str) -> int | None:
    """Give how many places of a topology the Pods may use; None where no node was seen."""
    nodes = [n for n in snapshot.nodes if n.ref.cluster == workload.ref.cluster]
    able = [f.node for f in fits(workload.spec.template.spec, nodes) if f.asked_for and not f.blocks]
    if not nodes:
        return None
    if key == "kubernetes.io/hostname":
        return len(able)
    values = {n.labels[key] for n in able if key in n.labels}
    return len(values) if values else None


def _spread_out(snapshot: Snapshot, workload: Workload, term: PodAffinityTerm, places: int | None) -> Unfit:
    what = "node" if term.topology_key == "kubernetes.io/hostname" else f"place of its own by {term.topology_key}"
    own = f"a {what} of its own" if what == "node" else f"a {what}"
    copies = _copies(workload)
    known = "no node was given, and many clusters have fewer"
    if places is not None:
        known = (
            f"{counted(places, 'such place')} can take its Pods" if what != "node" else f"{places} can take its Pods"
        )
    message = (
        f"As applied, the required pod anti-affinity gives each of the {copies} replicas of {workload.kind} "
        f"{workload.name} {own}: not enough nodes leave the rest pending. {copies} are needed; {known}."
    )
    path = (*_TEMPLATE, "affinity", "podAntiAffinity", "requiredDuringSchedulingIgnoredDuringExecution")
    lines = snapshot.cite(workload.ref, ("spec", "replicas"), path, (*path, "0", "topologyKey"))
    return Unfit("anti-affinity", workload.ref, message, lines, 0.75 if places is not None else 0.45)


def too_large(snapshot: Snapshot) -> Iterator[Unfit]:
    """Yield workloads whose Pods request more than the largest known node can give."""
    for workload in _declared(snapshot):
        nodes = [n for n in snapshot.nodes if n.ref.cluster == workload.ref.cluster]
        for resource in ("cpu", "memory"):
            need, most = requested(workload.spec.template.spec, resource), most_room(nodes, resource)
            if most and need > most[0] and _copies(workload):
                message = (
                    f"As applied, a Pod of {workload.kind} {workload.name} requests {shown(need, resource)} of "
                    f"{resource}; the largest known node, {most[1].name}, can give {shown(most[0], resource)}."
                )
                lines = (
                    *_size_lines(snapshot, workload, resource),
                    *snapshot.cite(most[1].ref, ("status", "allocatable", resource)),
                )
                yield Unfit(resource, workload.ref, message, lines, 0.7)
                break


def without_class(snapshot: Snapshot) -> Iterator[Unfit]:
    """Yield applied claims, StatefulSets' templates among them, whose storage class a complete list does not hold."""
    for claim in snapshot.of(PersistentVolumeClaim):
        if only_declared(snapshot, claim.ref):
            path = ("spec", "storageClassName")
            yield from _of_class(snapshot, claim.ref, claim.spec.storage_class_name, f"claim {claim.name}", path)
    for workload in _declared(snapshot):
        for template in workload.spec.volume_claim_templates:
            name, wanted = _template_class(template)
            in_template: Path = ("spec", "volumeClaimTemplates", name, "spec", "storageClassName")
            yield from _of_class(snapshot, workload.ref, wanted, f"claim template {name}", in_template)


def _template_class(template: dict[str, Any]) -> tuple[str, str]:
    metadata, spec = template.get("metadata"), template.get("spec")
    name = metadata.get("name", "") if isinstance(metadata, dict) else ""
    return str(name), str(spec.get("storageClassName") or "") if isinstance(spec, dict) else ""


def _of_class(snapshot: Snapshot, ref: ObjectRef, name: str | None, what: str, path: Path) -> Iterator[Unfit]:
    absent = snapshot.absent(ObjectRef(cluster=ref.cluster, kind="StorageClass", name=name)) if name else None
    carried = any(v.spec.storage_class_name == name for v in snapshot.of(PersistentVolume))
    declared = snapshot.find("StorageClass", "", name or "", ref.cluster)
    if absent and not carried and not declared:
        message = (
            f"As applied, the {what} asks for the storage class {name}, which does not exist, so it gets no volume."
        )
        yield Unfit("storage-class", ref, message, (absent, *snapshot.cite(ref, path)), 0.7)
