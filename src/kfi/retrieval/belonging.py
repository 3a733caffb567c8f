"""
Whether an object is one that a list is about: by kind, place, node, label, and by what it belongs to.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.models.listing import Selection
from kfi.models.schemas import ObjectRef
from kfi.retrieval.labelled import excluded_by
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Service
from kfi.snapshot.view import Snapshot


class Belonging:
    """Tells which objects a selection is about."""

    def __init__(self, snapshot: Snapshot, selection: Selection) -> None:
        self._snapshot = snapshot
        self._selection = selection
        self._meant = frozenset(selection.objects) | frozenset(self._served())
        self._excluded = excluded_by(snapshot, selection.labels_excluded)
        self._known: dict[ObjectRef, bool] = {}

    def _served(self) -> Iterator[ObjectRef]:
        """Yield the Pods behind the Services that are named."""
        for ref in self._selection.objects:
            service = self._snapshot.objects.get(ref)
            if isinstance(service, Service):
                yield from (pod.ref for pod in self._snapshot.topology.selected(service))

    def holds(self, ref: ObjectRef) -> bool:
        """Tell whether an object belongs."""
        whole = ref.object
        if whole not in self._known:
            self._known[whole] = self._belongs(whole)
        return self._known[whole]

    def _belongs(self, ref: ObjectRef) -> bool:
        wanted = self._selection
        kinds = tuple("Pod" if kind == "Container" else kind for kind in wanted.kinds)
        return (
            (not kinds or ref.kind in kinds)
            and (
                not wanted.namespace or wanted.namespace in (ref.namespace, ref.name if ref.kind == "Namespace" else "")
            )
            and (not wanted.node or self._on_node(ref))
            and (not self._meant or self._is_meant(ref))
            and self._labelled(ref)
            and not self._is_excluded(ref)
        )

    def _on_node(self, ref: ObjectRef) -> bool:
        resource = self._snapshot.objects.get(ref)
        if isinstance(resource, Pod):
            return resource.spec.node_name == self._selection.node
        return ref.kind == "Node" and ref.name == self._selection.node

    def _is_meant(self, ref: ObjectRef) -> bool:
        topology = self._snapshot.topology
        current: ObjectRef | None = ref
        for _ in range(5):  # owners form a chain of three at most; more would be a loop
            if current is None or current in self._meant:
                break
            current = topology.owner(current)
        return current in self._meant or topology.workload(ref) in self._meant

    def _is_excluded(self, ref: ObjectRef) -> bool:
        """Tell whether a label excludes an object, or the workload of a Pod that may be gone."""
        return bool(self._excluded & {ref, self._snapshot.topology.workload(ref)}) if self._excluded else False

    def _labelled(self, ref: ObjectRef) -> bool:
        if not self._selection.labels:
            return True
        resource = self._snapshot.objects.get(ref)
        return resource is not None and self._selection.labels.items() <= resource.labels.items()
