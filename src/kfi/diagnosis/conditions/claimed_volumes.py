"""
The volumes behind a Pod's claims: each claim, the volume that it is bound to, and where it is mounted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.pod_spec import full_spec
from kfi.models.schemas import ObjectRef
from kfi.snapshot.pod import PodSpec
from kfi.snapshot.resources import PersistentVolume, PersistentVolumeClaim
from kfi.snapshot.view import Snapshot


@dataclass(frozen=True)
class Claimed:
    """A volume of a Pod that comes from a claim; what no text shows is None."""

    name: str
    """Of the volume in the Pod's spec."""
    ref: ObjectRef
    """The claim."""
    claim: PersistentVolumeClaim | None
    volume: PersistentVolume | None

    @property
    def size(self) -> str:
        """What the claim holds, or asks for."""
        if self.claim is None:
            return ""
        has = self.claim.status.capacity.get("storage") or self.claim.spec.resources.requests.get("storage")
        return str(has) if has else ""

    @property
    def modes(self) -> frozenset[str]:
        """Access modes of the claim, as they were written."""
        found = [*self.claim.spec.access_modes, *self.claim.status.access_modes] if self.claim else []
        return frozenset(found or (self.volume.spec.access_modes if self.volume else ()))


def claimed(snapshot: Snapshot, pod: ObjectRef, spec: PodSpec | None = None) -> Iterator[Claimed]:
    """Yield a Pod's volumes that come from claims."""
    for volume in (spec or full_spec(snapshot, pod)).volumes:
        source = volume.persistent_volume_claim
        if source:
            ref = pod.object.model_copy(update={"kind": "PersistentVolumeClaim", "name": source.claim_name})
            claim = snapshot.objects.get(ref)
            known = claim if isinstance(claim, PersistentVolumeClaim) else None
            yield Claimed(volume.name, ref, known, _bound(snapshot, ref, known))


def _bound(snapshot: Snapshot, ref: ObjectRef, claim: PersistentVolumeClaim | None) -> PersistentVolume | None:
    name = claim.spec.volume_name if claim else ""
    named = snapshot.find("PersistentVolume", "", name, ref.cluster) if name else None
    if isinstance(named, PersistentVolume):
        return named
    return snapshot.topology.volume_for(ref)
