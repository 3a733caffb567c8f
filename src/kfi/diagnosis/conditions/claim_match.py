"""
Why a claim binds to no volume: claim and volumes compared field by field, as the volume controller compares them.

Source: `pv_controller.go` and `FindMatchingVolume` in kube-controller-manager.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from kfi.models.schemas import ObjectRef
from kfi.snapshot.objects import quantity
from kfi.snapshot.resources import PersistentVolume, PersistentVolumeClaim

NO_PROVISIONER = "kubernetes.io/no-provisioner"

_MODES = {"RWO": "ReadWriteOnce", "ROX": "ReadOnlyMany", "RWX": "ReadWriteMany", "RWOP": "ReadWriteOncePod"}


class Misfit(Enum):
    """A field in which a volume does not meet a claim; in this order the likelier comes first among equals."""

    SELECTOR = "selector"
    ACCESS_MODES = "access modes"
    CAPACITY = "capacity"
    VOLUME_MODE = "volume mode"
    STORAGE_CLASS = "storage class"
    TAKEN = "taken"
    """It is bound to, kept for, or left over from another claim."""


@dataclass(frozen=True)
class Nearest:
    """The volume that comes closest to a claim, and what is wrong with it."""

    volume: PersistentVolume
    misfits: tuple[Misfit, ...]
    """Empty where it would fit."""


def nearest(claim: PersistentVolumeClaim, volumes: Iterable[PersistentVolume]) -> Nearest | None:
    """Give the volume that fails a claim in the fewest fields; None where there is no volume at all.

    A volume that is free but for one field says more than one that is taken: those belong to others.
    """
    candidates = [Nearest(volume, misfits(claim, volume)) for volume in _meant(claim, list(volumes))]
    return min(candidates, key=_distance, default=None)


def _distance(candidate: Nearest) -> tuple[float, int, str]:
    order = list(Misfit)
    wrong = candidate.misfits
    score = sum(1.5 if misfit is Misfit.TAKEN else 1.0 for misfit in wrong)
    return score, min((order.index(m) for m in wrong), default=-1), candidate.volume.name


def _meant(claim: PersistentVolumeClaim, volumes: Sequence[PersistentVolume]) -> Sequence[PersistentVolume]:
    """Leave only the volumes that a claim asks for by name or by label, where there are such."""
    named = [v for v in volumes if claim.spec.volume_name and v.name == claim.spec.volume_name]
    if named or claim.spec.volume_name:
        return named
    selector = claim.spec.selector
    return [v for v in volumes if selector and selector.matches(v.labels)] or volumes


def misfits(claim: PersistentVolumeClaim, volume: PersistentVolume) -> tuple[Misfit, ...]:
    """Give the fields in which a volume does not meet a claim; what no text shows of a claim is taken to fit."""
    selector = claim.spec.selector
    wanted, offered = modes(claim.spec.access_modes), modes(volume.spec.access_modes)
    asked = quantity(claim.spec.resources.requests.get("storage"))
    has = quantity(volume.spec.capacity.get("storage"))
    found = {
        Misfit.SELECTOR: selector is not None and not selector.matches(volume.labels),
        Misfit.ACCESS_MODES: bool(offered) and not wanted <= offered,
        Misfit.CAPACITY: asked is not None and has is not None and asked > has,
        Misfit.VOLUME_MODE: _volume_mode(claim.spec.volume_mode) != _volume_mode(volume.spec.volume_mode),
        Misfit.STORAGE_CLASS: (claim.spec.storage_class_name or "") != (volume.spec.storage_class_name or ""),
        Misfit.TAKEN: taken(claim.ref, volume),
    }
    return tuple(misfit for misfit, holds in found.items() if holds)


def _volume_mode(mode: str) -> str:
    return mode or "Filesystem"


def modes(names: Iterable[str]) -> frozenset[str]:
    """Give access modes by their full names: tables and `describe` shorten them.

    >>> sorted(modes(["RWO", "ReadOnlyMany"]))
    ['ReadOnlyMany', 'ReadWriteOnce']
    """
    return frozenset(_MODES.get(name, name) for name in names)


def taken(claim: ObjectRef, volume: PersistentVolume) -> bool:
    """Tell whether a volume cannot be had because of another claim; a Released one waits for an administrator."""
    holder = volume.spec.claim_ref
    if volume.status.phase in ("Released", "Failed"):
        return True
    return holder is not None and bool(holder.name) and (holder.namespace, holder.name) != (claim.namespace, claim.name)
