"""
Which object a text means that leaves out its kind, its namespace, or even its name.

Only what was seen answers, and only where it leaves one object: nothing is filled in by a convention alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from kfi.models.schemas import ObjectRef
from kfi.snapshot.objects import Resource
from kfi.snapshot.provenance import Seen
from kfi.snapshot.resources import CLUSTER_SCOPED

# Kinds that a bare name in a log path, an alert or a dependency may mean, most specific first.
_NAMED_BY_LOGS = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "Job", "ReplicaSet", "CronJob", "Service")


class Names:
    """Finds the object that a bare name means."""

    def __init__(self, objects: Mapping[ObjectRef, Resource]) -> None:
        self._kinds: dict[tuple[str, str], list[ObjectRef]] = defaultdict(list)
        self._homes: dict[str, set[str]] = defaultdict(set)
        for ref in objects:
            self._kinds[ref.namespace, ref.name].append(ref)
            self._kinds["", ref.name].append(ref)
            if ref.namespace:
                self._homes[ref.cluster].add(ref.namespace)

    def resolve(self, ref: ObjectRef) -> ObjectRef:
        """Fill in the kind and namespace of a reference where exactly the seen objects say so."""
        if ref.kind and (ref.namespace or ref.kind in CLUSTER_SCOPED):
            return ref
        found = [r for r in self._kinds.get((ref.namespace, ref.name), ()) if ref.kind in ("", r.kind)]
        found = [r for r in found if ref.kind or r.kind in _NAMED_BY_LOGS]
        if not found:
            return ref
        best = min(found, key=_specificity)
        return best.model_copy(update={"container": ref.container})

    def placed(self, ref: ObjectRef) -> ObjectRef:
        """Fill in the namespace of what an Event is about, where the seen objects leave one only.

        Its own namespace, or its owner's by the name that a Pod or ReplicaSet begins with, or the one that all is of.
        """
        if ref.namespace or not ref.name or ref.kind in CLUSTER_SCOPED:
            return self.resolve(ref)
        own = {r.namespace for r in self._named(ref, ref.name) if r.kind == ref.kind}
        homes = own or self._owner_homes(ref) or self._homes.get(ref.cluster, set())
        return ref.model_copy(update={"namespace": next(iter(homes))}) if len(homes) == 1 else ref

    def _named(self, ref: ObjectRef, name: str) -> list[ObjectRef]:
        return [r for r in self._kinds.get(("", name), ()) if r.cluster == ref.cluster and r.namespace]

    def _owner_homes(self, ref: ObjectRef) -> set[str]:
        if ref.kind not in ("Pod", "ReplicaSet", "Job"):
            return set()
        parts = ref.name.split("-")
        names = ("-".join(parts[:-cut]) for cut in (1, 2) if len(parts) > cut)
        owners = (r for name in names for r in self._named(ref, name) if r.kind in _NAMED_BY_LOGS[1:-1])
        return {owner.namespace for owner in owners}


class Manifests:
    """Finds the object that a manifest's file is about, for refusals that name only the file."""

    def __init__(self, objects: Mapping[ObjectRef, Iterable[Seen]]) -> None:
        self._about: dict[str, set[ObjectRef]] = defaultdict(set)
        for ref, texts in objects.items():
            for one in texts:
                if one.record.applied:
                    self._about[_file_name(one.document.source.path)].add(ref)

    def about(self, ref: ObjectRef, file: str) -> ObjectRef:
        """Give the one object of the file, of the kind that is known; the file itself where nobody knows it."""
        if ref.name or not file:
            return ref
        found = self._about.get(_file_name(file), set())
        fits = [one for one in found if one.cluster == ref.cluster and ref.kind in ("", one.kind)]
        return fits[0] if len(fits) == 1 else ref.model_copy(update={"kind": "Manifest", "name": _file_name(file)})


def _file_name(path: str) -> str:
    return path.replace("!", "/").replace("\\", "/").rpartition("/")[2]


def _specificity(ref: ObjectRef) -> int:
    return _NAMED_BY_LOGS.index(ref.kind) if ref.kind in _NAMED_BY_LOGS else len(_NAMED_BY_LOGS)
