"""
Storage: claims that bind to no volume and why, claims that are not there, and volumes that cannot be attached or used.

A claim's reason is read from the claim and the volumes; the controller's Event says the same for all of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.claim_match import NO_PROVISIONER, Misfit, Nearest, modes, nearest, taken
from kfi.diagnosis.conditions.claim_users import Users, claim_users
from kfi.diagnosis.conditions.field_lines import cite_whole
from kfi.diagnosis.conditions.full_volumes import full_volumes
from kfi.diagnosis.conditions.manifest_room import without_class
from kfi.diagnosis.conditions.pod_spec import cite_spec
from kfi.diagnosis.conditions.scheduler_message import Filter, clauses
from kfi.diagnosis.conditions.volume_faults import denied_paths, mount_failures, stuck_mounting
from kfi.diagnosis.conditions.volume_nodes import held_elsewhere, misplaced
from kfi.diagnosis.conditions.waiting_pods import Waiting, waiting_pods
from kfi.diagnosis.words.storage import (
    CLAIM_ACCESS_MODE_MISMATCH,
    CLAIM_CAPACITY_MISMATCH,
    CLAIM_LOST,
    CLAIM_MISSING,
    CLAIM_SELECTOR_MISMATCH,
    CLAIM_STORAGE_CLASS_MISSING,
    CLAIM_UNBOUND,
    CLAIM_VOLUME_MODE_MISMATCH,
    CLAIM_VOLUME_TAKEN,
    PROVISIONING_FAILED,
    VOLUME_ATTACH_FAILED,
    VOLUME_FULL,
    VOLUME_MOUNT_FAILED,
    VOLUME_MULTI_ATTACH,
    VOLUME_NODE_AFFINITY_CONFLICT,
    VOLUME_NODE_UNAVAILABLE,
    VOLUME_PERMISSION_DENIED,
)
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import PersistentVolume, PersistentVolumeClaim, StorageClass
from kfi.snapshot.view import Event, Snapshot

RULES = (
    CLAIM_STORAGE_CLASS_MISSING, CLAIM_ACCESS_MODE_MISMATCH, CLAIM_CAPACITY_MISMATCH, CLAIM_SELECTOR_MISMATCH,
    CLAIM_VOLUME_MODE_MISMATCH, CLAIM_VOLUME_TAKEN, CLAIM_UNBOUND, CLAIM_LOST, CLAIM_MISSING, PROVISIONING_FAILED,
    VOLUME_ATTACH_FAILED, VOLUME_MOUNT_FAILED, VOLUME_PERMISSION_DENIED, VOLUME_FULL, VOLUME_MULTI_ATTACH,
    VOLUME_NODE_UNAVAILABLE,
)  # fmt: skip

_NO_CLASS = re.compile(r'storageclass\S* "[^"]*" not found')


@dataclass(frozen=True)
class Case:
    """A claim without volume and who needs it."""

    claim: PersistentVolumeClaim
    users: tuple[ObjectRef, ...]
    held_up: bool
    """The scheduler says that a Pod waits for its volumes, and it is this claim's Pod."""
    told: bool = True
    """A text says that they need it; else names and states make it likely."""


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield claims without volume, missing claims, and Pods whose volumes cannot be used."""
    waiting = tuple(waiting_pods(snapshot))
    yield from _unbound(snapshot, waiting)
    yield from _missing(snapshot, waiting)
    rules = {rule.code: rule for rule in (*RULES, VOLUME_NODE_AFFINITY_CONFLICT)}
    unusable = (*stuck_mounting(snapshot), *mount_failures(snapshot), *denied_paths(snapshot))
    for fault in (*unusable, *misplaced(snapshot), *held_elsewhere(snapshot)):
        rule = rules[fault.code]
        yield rule.found(fault.ref, fault.message, fault.evidence[:6], strength=fault.strength, since=fault.since)
    for unfit in without_class(snapshot):
        yield CLAIM_STORAGE_CLASS_MISSING.found(unfit.ref, unfit.message, unfit.evidence, strength=unfit.strength)
    for full in full_volumes(snapshot):
        yield VOLUME_FULL.found(full.ref, full.message, full.evidence, strength=full.strength, affects=full.pods)


def _unbound(snapshot: Snapshot, waiting: Sequence[Waiting]) -> Iterator[Finding]:
    users = claim_users(snapshot)
    for_volumes = (Filter.CLAIM, Filter.VOLUME_BINDING)
    held = {w.ref for w in waiting if any(c.filter in for_volumes for c in clauses(w.message))}
    for claim in snapshot.live(PersistentVolumeClaim):
        if claim.status.phase in ("Pending", "Lost") and not claim.metadata.deletion_timestamp:
            mine = users.get(claim.ref, Users())
            yield from _waiting(snapshot, Case(claim, mine.refs, bool(held & set(mine.refs)), mine.told))
    yield from _heard(snapshot, waiting)


def _heard(snapshot: Snapshot, waiting: Sequence[Waiting]) -> Iterator[Finding]:
    """Yield claims of which only Events are known, and the newest is a failure to get a volume."""
    reasons = ("FailedBinding", "ProvisioningFailed")
    heard = {e.ref.object for e in snapshot.events if e.ref.kind == "PersistentVolumeClaim" and e.reason in reasons}
    for ref in sorted((ref for ref in heard if ref not in snapshot.objects), key=str):
        newest = snapshot.events_of(ref)[0]
        if newest.reason not in reasons or snapshot.absent(ref):
            continue
        rule, words = CLAIM_UNBOUND, "waits for a volume"
        if newest.reason == "ProvisioningFailed":
            gone = _NO_CLASS.search(newest.message)
            rule, words = (CLAIM_STORAGE_CLASS_MISSING, "has no class") if gone else (PROVISIONING_FAILED, "gets none")
        held = [w.ref for w in waiting if w.ref.namespace == ref.namespace and _may_use(w, ref)]
        message = f"The claim {ref.name} {words}: {newest.message[:300]}"
        lines = (newest.citation,)
        yield rule.found(ref, message, lines, strength=0.8 if held else 0.5, since=newest.first, affects=held)


def _may_use(pod: Waiting, claim: ObjectRef) -> bool:
    """Tell whether a Pod waits for a claim: by its volumes, or by the name that a StatefulSet gives its claims."""
    unbound = any(c.filter is Filter.CLAIM and not c.detail for c in clauses(pod.message))
    return claim.name in pod.claims or (not pod.claims and unbound and claim.name.endswith(f"-{pod.ref.name}"))


def _waiting(snapshot: Snapshot, case: Case) -> Iterator[Finding]:
    claim, users = case.claim, case.users
    found = _why(snapshot, case)
    if found is None:
        return
    rule, message, evidence, strength = found
    if not users:  # nothing needs it: a leftover
        strength = min(strength, 0.3)
    elif not case.told:
        strength = min(strength, _LIKELY)
    state = snapshot.cite(claim.ref, ("status", "phase"))
    cited = (*evidence, *state)[:6]
    events = snapshot.events_of(claim.ref)
    since = min((e.first for e in events if e.first), default=claim.metadata.creation_timestamp)
    yield rule.found(claim.ref, message, cited, strength=strength, since=since, affects=users)


# Nobody saw that these Pods need the claim.
_LIKELY = 0.65

_Why = tuple[Rule, str, tuple[Citation, ...], float]


def _why(snapshot: Snapshot, case: Case) -> _Why | None:
    claim = case.claim
    volumes = [v for v in snapshot.live(PersistentVolume) if v.ref.cluster == claim.ref.cluster]
    lost = _lost(snapshot, claim)
    if lost:
        return lost
    held = next((v for v in volumes if claim.spec.volume_name == v.name and taken(claim.ref, v)), None)
    if held:  # a claim that names its volume waits for that one, whatever its class could provide
        return _compared(snapshot, claim, Nearest(held, (Misfit.TAKEN,)))
    name = claim.spec.storage_class_name or ""
    storage_class = snapshot.find("StorageClass", "", name, claim.ref.cluster) if name else None
    if isinstance(storage_class, StorageClass):
        if storage_class.provisioner not in ("", NO_PROVISIONER):
            return _unprovisioned(snapshot, case, storage_class)
        if storage_class.volume_binding_mode == "WaitForFirstConsumer" and not case.held_up:
            return None
    elif name and not any(v.spec.storage_class_name == name for v in volumes):
        gone = _class_absent(snapshot, claim, name)
        if gone:
            message = f"The claim names the storage class {name}, which does not exist, and no volume carries it."
            return (
                CLAIM_STORAGE_CLASS_MISSING,
                message,
                (*gone, *_claim_lines(snapshot, claim, "storageClassName")),
                0.95,
            )
    closest = nearest(claim, volumes)
    return _compared(snapshot, claim, closest) if closest else _nothing_there(snapshot, claim)


def _lost(snapshot: Snapshot, claim: PersistentVolumeClaim) -> _Why | None:
    name = claim.spec.volume_name
    volume = ObjectRef(cluster=claim.ref.cluster, kind="PersistentVolume", name=name)
    absent = snapshot.absent(volume) if name else None
    if not absent and claim.status.phase != "Lost":
        return None
    message = f"The claim is bound to the volume {name}, which does not exist."
    return CLAIM_LOST, message, (*_claim_lines(snapshot, claim, "volumeName"), *((absent,) if absent else ())), 0.9


def _class_absent(snapshot: Snapshot, claim: PersistentVolumeClaim, name: str) -> tuple[Citation, ...]:
    told = [e for e in snapshot.events_of(claim.ref, "ProvisioningFailed") if "not found" in e.message]
    absent = snapshot.absent(ObjectRef(cluster=claim.ref.cluster, kind="StorageClass", name=name))
    return (*(e.citation for e in told[:1]), *((absent,) if absent else ()))


def _unprovisioned(snapshot: Snapshot, case: Case, storage_class: StorageClass) -> _Why | None:
    claim = case.claim
    newest: Event | None = next(iter(snapshot.events_of(claim.ref)), None)
    for event in snapshot.events_of(claim.ref, "ProvisioningFailed"):
        message = f"The provisioner {storage_class.provisioner} failed: {event.message[:300]}"
        return PROVISIONING_FAILED, message, (event.citation,), 0.95
    if newest and newest.reason in ("ExternalProvisioning", "Provisioning"):
        message = f"The provisioner {storage_class.provisioner} was asked for a volume and has not answered."
        return PROVISIONING_FAILED, message, (newest.citation,), 0.6
    if storage_class.volume_binding_mode == "WaitForFirstConsumer" and not case.held_up:
        return None
    message = f"The claim waits for a volume of the storage class {storage_class.name}; nothing says why."
    return CLAIM_UNBOUND, message, (newest.citation,) if newest else (), 0.4


def _nothing_there(snapshot: Snapshot, claim: PersistentVolumeClaim) -> _Why:
    events = snapshot.events_of(claim.ref, "FailedBinding", "ProvisioningFailed")
    refused = next((e for e in events if e.reason == "ProvisioningFailed"), None)
    if refused and events[0] is refused:
        message = f"The provisioner failed: {refused.message[:300]}"
        return PROVISIONING_FAILED, message, (refused.citation,), 0.93
    known = snapshot.listed("PersistentVolume", cluster=claim.ref.cluster)
    message = "The claim waits for a volume, and there is none." if known else "The claim waits for a volume."
    return CLAIM_UNBOUND, message, tuple(e.citation for e in events[:1]), 0.7 if known or events else 0.5


_BY_MISFIT: dict[Misfit, tuple[Rule, Path, Path]] = {
    Misfit.SELECTOR: (CLAIM_SELECTOR_MISMATCH, ("selector",), ("metadata", "labels")),
    Misfit.ACCESS_MODES: (CLAIM_ACCESS_MODE_MISMATCH, ("accessModes",), ("spec", "accessModes")),
    Misfit.CAPACITY: (
        CLAIM_CAPACITY_MISMATCH, ("resources", "requests", "storage"), ("spec", "capacity", "storage"),
    ),
    Misfit.VOLUME_MODE: (CLAIM_VOLUME_MODE_MISMATCH, ("volumeMode",), ("spec", "volumeMode")),
    Misfit.STORAGE_CLASS: (
        CLAIM_STORAGE_CLASS_MISSING, ("storageClassName",), ("spec", "storageClassName"),
    ),
    Misfit.TAKEN: (CLAIM_VOLUME_TAKEN, ("volumeName",), ("spec", "claimRef")),
}  # fmt: skip


def _compared(snapshot: Snapshot, claim: PersistentVolumeClaim, closest: Nearest) -> _Why:
    volume = closest.volume
    events = snapshot.events_of(claim.ref, "FailedBinding", "ProvisioningFailed", "VolumeMismatch")
    told = tuple(e.citation for e in events[:1])
    if not closest.misfits:
        message = f"The claim waits although the volume {volume.name} would fit it."
        return CLAIM_UNBOUND, message, (*told, *snapshot.cite_row(volume.ref)), 0.4
    rule, mine, its = _BY_MISFIT[closest.misfits[0]]
    claim_lines = cite_whole(snapshot, claim.ref, ("spec", *mine))
    volume_lines = cite_whole(snapshot, volume.ref, its, ("status", "phase")) or snapshot.cite_row(volume.ref)
    strength = 0.95 if len(closest.misfits) == 1 else 0.75
    return rule, _difference(claim, closest), (*claim_lines, *volume_lines, *told), strength


def _difference(claim: PersistentVolumeClaim, closest: Nearest) -> str:
    volume, spec = closest.volume, claim.spec
    match closest.misfits[0]:
        case Misfit.SELECTOR:
            wanted = spec.selector.match_labels if spec.selector else {}
            labels = ", ".join(f"{k}={v}" for k, v in wanted.items()) or "its expressions"
            return f"The claim selects volumes with {labels}; {volume.name} does not carry it."
        case Misfit.ACCESS_MODES:
            offered = ", ".join(sorted(modes(volume.spec.access_modes)))
            return f"The claim wants {', '.join(sorted(modes(spec.access_modes)))}; {volume.name} offers {offered}."
        case Misfit.CAPACITY:
            asked, has = spec.resources.requests.get("storage"), volume.spec.capacity.get("storage")
            return f"The claim asks for {asked}; {volume.name} has {has}."
        case Misfit.VOLUME_MODE:
            return f"The claim and the volume {volume.name} have different volume modes."
        case Misfit.STORAGE_CLASS:
            mine, its = spec.storage_class_name or '""', volume.spec.storage_class_name or '""'
            return f"The claim's storage class is {mine}; {volume.name} has {its}."
    holder = volume.spec.claim_ref
    whose = f"{holder.namespace}/{holder.name}" if holder and holder.name else "another claim"
    state = "was released by" if volume.status.phase == "Released" else "belongs to"
    return f"The volume {volume.name} would fit, but {state} {whose}."


def _claim_lines(snapshot: Snapshot, claim: PersistentVolumeClaim, field: str) -> tuple[Citation, ...]:
    return snapshot.cite(claim.ref, ("spec", field))


def _missing(snapshot: Snapshot, waiting: Sequence[Waiting]) -> Iterator[Finding]:
    """Yield claims that Pods wait for and that are not there: a list shows it, or the scheduler says it."""
    needed: dict[ObjectRef, list[Waiting]] = {}
    for pod in waiting:
        said = {c.detail for c in clauses(pod.message) if c.filter is Filter.CLAIM and c.detail}
        for name in sorted(said | pod.claims):
            ref = pod.ref.model_copy(update={"kind": "PersistentVolumeClaim", "name": name})
            claim = snapshot.objects.get(ref)
            if not (claim and claim.observed) and (name in said or snapshot.absent(ref)):
                needed.setdefault(ref, []).append(pod)
    for ref, pods in needed.items():
        absent = snapshot.absent(ref)
        paths = [("volumes", v.name, "persistentVolumeClaim", "claimName") for v in pods[0].spec.volumes]
        evidence = (*pods[0].citations, *((absent,) if absent else ()), *cite_spec(snapshot, pods[0].ref, *paths))
        message = f"The Pod {pods[0].ref.name} needs the claim {ref.name}, which does not exist."
        affects = [pod.ref for pod in pods]
        yield CLAIM_MISSING.found(ref, message, evidence[:6], strength=0.9, since=pods[0].since, affects=affects)
