"""
KEDA beside and instead of plain autoscalers: which workloads two of them scale, and where KEDA is not there at all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from kfi.diagnosis.conditions.scaling import target_of
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.objects import Resource
from kfi.snapshot.policies import Autoscaler
from kfi.snapshot.resources import Other
from kfi.snapshot.view import Listing, Snapshot

_KIND = "ScaledObject"
_CRD = "scaledobjects.keda.sh"


def conflicts(snapshot: Snapshot) -> Iterator[tuple[tuple[ObjectRef, ...], str, tuple[Citation, ...]]]:
    """Yield each group of autoscalers that scale one workload: them and the workload, a sentence, and the lines."""
    by: dict[ObjectRef, list[Resource]] = defaultdict(list)
    for scaler in snapshot.of(Autoscaler):
        if scaler.spec.scale_target_ref.name and not _made_by_keda(scaler):
            by[target_of(scaler)].append(scaler)
    for scaled in _scaled_objects(snapshot):
        by[_scales(scaled)].append(scaled)
    for target, several in by.items():
        live = [one for one in several if one.observed] or several
        if len(live) > 1:
            names = " and ".join(f"{one.ref.kind} {one.name}" for one in live)
            lines = [line for one in live for line in _lines(snapshot, one)]
            applied = "" if live[0].observed else "As applied, "
            message = f"{applied}{names} both scale {target.kind} {target.name}."
            yield (*(one.ref for one in live), target), message, tuple(lines[:4])


def _lines(snapshot: Snapshot, one: Resource) -> tuple[Citation, ...]:
    return snapshot.cite(one.ref, ("spec", "scaleTargetRef", "name")) or snapshot.cite_row(one.ref)


def _made_by_keda(scaler: Autoscaler) -> bool:
    owned = any(owner.kind == _KIND for owner in scaler.metadata.owner_references)
    return owned or scaler.labels.get("app.kubernetes.io/managed-by") == "keda-operator"


def _scaled_objects(snapshot: Snapshot) -> Iterator[Other]:
    return (one for one in snapshot.of(Other, _KIND) if isinstance(one.spec.get("scaleTargetRef"), dict))


def _scales(scaled: Other) -> ObjectRef:
    target = scaled.spec["scaleTargetRef"]
    kind, name = str(target.get("kind") or "Deployment"), str(target.get("name") or "")
    return scaled.ref.model_copy(update={"kind": kind, "name": name})


def without_keda(snapshot: Snapshot) -> Iterator[tuple[ObjectRef, str, tuple[Citation, ...], float]]:
    """Yield workloads that KEDA is asked to scale, or was asked about, where the API server does not know KEDA.

    An empty list of ScaledObjects alone says nothing: KEDA may be there and unused.
    """
    for citation, cluster in _unknown_kind(snapshot):
        asked = [one for one in _scaled_objects(snapshot) if one.ref.cluster == cluster]
        for scaled in asked:
            target = _scales(scaled)
            message = (
                f"KEDA is not installed: the API server knows no kind ScaledObject, so the applied ScaledObject "
                f"{scaled.name} does not scale {target.kind} {target.name}."
            )
            yield target, message, (citation, *_lines(snapshot, scaled)), 0.85
        for scaler in snapshot.of(Autoscaler) if not asked else ():
            if scaler.ref.cluster == cluster and scaler.spec.scale_target_ref.name:
                target = target_of(scaler)
                message = (
                    f"KEDA is not installed: the API server knows no kind ScaledObject. {target.kind} {target.name} is "
                    f"scaled by the HorizontalPodAutoscaler (HPA) {scaler.name}{_range(scaler)}."
                )
                yield target, message, (citation, *_lines(snapshot, scaler)), 0.5


def _range(scaler: Autoscaler) -> str:
    least, most = scaler.spec.min_replicas, scaler.spec.max_replicas
    return f", from {least or 1} to {most} replicas" if most else ""


def _unknown_kind(snapshot: Snapshot) -> Iterator[tuple[Citation, str]]:
    """Yield for each cluster what proves that it does not know ScaledObjects."""
    clusters = {scaler.ref.cluster for scaler in snapshot.of(Autoscaler)}
    clusters |= {one.ref.cluster for one in _scaled_objects(snapshot)}
    for cluster in sorted(clusters):
        refused = next((one for one in snapshot.listings if _refuses(one, cluster)), None)
        absent = snapshot.absent(ObjectRef(cluster=cluster, kind="CustomResourceDefinition", name=_CRD))
        # No list of CRDs is read to learn of KEDA, unless a ScaledObject was applied.
        applied = any(one.ref.cluster == cluster for one in _scaled_objects(snapshot))
        proof = refused.citation if refused else absent if applied else None
        if proof:
            yield proof, cluster


def _refuses(listing: Listing, cluster: str) -> bool:
    return listing.kind == _KIND and listing.cluster == cluster and "resource type" in listing.citation.text
