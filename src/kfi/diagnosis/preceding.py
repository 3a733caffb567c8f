"""
What was changed shortly before an incident began, on the objects that it concerns.

Most incidents follow a change; which one it was is for the reader to judge, so a change is told beside the cause with
its time, and never replaces it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from kfi.diagnosis.catalogue import Layer
from kfi.diagnosis.causes import Incident
from kfi.models.schemas import Document, ObjectRef
from kfi.snapshot.changes import Changed, changes_of
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Snapshot

History = Callable[[ObjectRef], Iterable[Document]]
"""Gives the states in which an object was observed, oldest first."""


class Before(NamedTuple):
    """When an incident began, where that is known, and what was changed before."""

    began: datetime | None
    changes: tuple[Changed, ...]


NOTHING_BEFORE = Before(None, ())

_BEFORE = timedelta(hours=1)
# A change is written down, and what it breaks is noticed, by different clocks.
_CLOCKS = timedelta(seconds=10)
# Where nothing says when it began, the changes of this last while may matter.
_RECENT = timedelta(hours=6)
_MOST = 3
_MOST_OBJECTS = 20
_MADE_BY_OTHERS = ("Pod", "ReplicaSet", "Endpoints", "EndpointSlice")


def _began(snapshot: Snapshot, incident: Incident) -> datetime | None:
    """Give when an incident began, by its findings, else by the first Warning about its objects; None if none tells."""
    root = incident.root
    # Who crashes again and again is known by its last crash; the kubelet's back-off tells of the first.
    reasons = ("BackOff",) if root.rule.layer is Layer.CRASH else ()
    heard = [event for ref in root.refs for event in snapshot.events_of(ref, *reasons) if event.type == "Warning"]
    if root.since and not reasons:
        return root.since
    return min(filter(None, (root.since, *(event.first for event in heard))), default=None)


def preceding(snapshot: Snapshot, incident: Incident, history: History) -> Before:
    """Give when an incident began, and the last changes before that of the objects it concerns, newest first."""
    began_at = _began(snapshot, incident)
    newest = (began_at or snapshot.as_of) + _CLOCKS
    oldest = began_at - _BEFORE if began_at else snapshot.as_of - _RECENT
    found: dict[tuple[ObjectRef, datetime], Changed] = {}
    for ref in list(dict.fromkeys(_concerned(snapshot, incident)))[:_MOST_OBJECTS]:
        for change in changes_of(snapshot, ref, history(ref)):
            if oldest <= change.when and (change.after or change.when) <= newest:
                found.setdefault((ref, change.when), change)
    return Before(began_at, tuple(sorted(found.values(), key=_when, reverse=True)[:_MOST]))


def _when(change: Changed) -> float:
    return change.when.timestamp()


def _concerned(snapshot: Snapshot, incident: Incident) -> Iterator[ObjectRef]:
    """Yield the objects that people change and that an incident's root depends on: no Pods, which others make."""
    root, topology = incident.root, snapshot.topology
    for ref in (root.subject, *sorted(root.refs, key=str)):
        resource = snapshot.objects.get(ref)
        if ref.kind not in _MADE_BY_OTHERS:
            yield ref
        if isinstance(resource, Workload):
            yield from topology.references(ref, resource.spec.template.spec)
            yield from (service.ref for service in topology.services_for(ref))
        elif isinstance(resource, Pod):
            yield from topology.references(ref, resource.spec)
    if root.rule.layer is Layer.SCHEDULING:
        yield from (node.ref for node in snapshot.nodes)
