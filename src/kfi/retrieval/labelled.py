"""
Objects by the labels that a question asks for.

A workload is excluded by the labels of its Pods' template too. As for `kubectl -l`, what lacks a label is not excluded
by it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from kfi.models.schemas import ObjectRef
from kfi.snapshot.objects import Resource
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Snapshot


def having(snapshot: Snapshot, wanted: Mapping[str, str]) -> Iterator[ObjectRef]:
    """Yield the objects that have all of some labels; none where none is wanted."""
    if wanted:
        yield from (ref for ref, one in snapshot.objects.items() if wanted.items() <= one.metadata.labels.items())


def excluded_by(snapshot: Snapshot, excluded: Mapping[str, Collection[str]]) -> frozenset[ObjectRef]:
    """Give the objects that have one of the labels that a question excludes."""
    if not excluded:
        return frozenset()
    return frozenset(ref for ref, one in snapshot.objects.items() if _has_one(labels_of(one), excluded))


def _has_one(labels: Mapping[str, str], excluded: Mapping[str, Collection[str]]) -> bool:
    return any(labels.get(key) in values for key, values in excluded.items())


def labels_of(resource: Resource) -> Mapping[str, str]:
    """Give the labels of an object, of a workload with those of its Pods' template."""
    template = resource.spec.template.metadata.labels if isinstance(resource, Workload) else {}
    return template | resource.labels
