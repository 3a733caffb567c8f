"""
Who controls whom: by ownerReferences, by what controllers say they created, and failing that by name.

Where a table shows no owner, a Pod belongs to the workload whose name it carries with a generated part behind it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from kfi.models.records import TextForm
from kfi.models.schemas import ObjectRef
from kfi.snapshot.resources import CLUSTER_SCOPED, Workload
from kfi.snapshot.view import Snapshot

# What a pod name has after its workload's: -<hash>-<5 characters>, -<5 characters>, or -<ordinal>.
_GENERATED = re.compile(r"^-(?:[a-z0-9]{5,10}-[a-z0-9]{5}|[a-z0-9]{5}|\d+)$")
# Generated parts have no vowels and no digit that looks like one (k8s.io/apimachinery/pkg/util/rand).
_OF_REPLICA_SET = re.compile(r"^(.+-[bcdfghjklmnpqrstvwxz2456789]{8,10})-[bcdfghjklmnpqrstvwxz2456789]{5}$")
# A CronJob names its Jobs by the minute they were due, counted from 1970.
_OF_CRON_JOB = re.compile(r"^(.+)-(?:2[7-9]|3[0-2])\d{6}$")
_BY_NAME = {"Pod": (_OF_REPLICA_SET, "ReplicaSet"), "Job": (_OF_CRON_JOB, "CronJob")}
_CREATED = re.compile(
    r"^Created (?P<kind>pod|job):? (?P<name>\S+)$|^create Pod (?P<ordinal>\S+) in StatefulSet \S+ successful$"
)
_CREATES = ("ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob")


class Controllers:
    """The controllers of one snapshot's objects, found once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._tops: dict[ObjectRef, ObjectRef] = {}

    @cached_property
    def owners(self) -> Mapping[ObjectRef, ObjectRef]:
        """The controller of each object that has one; the controller may itself not have been seen."""
        owners = {ref: owner for ref in self._snapshot.objects if (owner := self._stated_owner(ref))}
        for ref, owner in self._told_owners():
            owners.setdefault(ref, owner)
        heard = {e.ref.object for e in self._snapshot.events if e.ref.kind == "Pod"}
        for pod in heard | {pod.ref for pod in self._snapshot.pods}:
            if pod not in owners and (likely := self._likely_owner(pod)):
                owners[pod] = likely
        for workload in self._snapshot.workloads:
            if workload.kind == "ReplicaSet" and workload.ref not in owners:
                deployment = self._deployment_named(workload)
                if deployment:
                    owners[workload.ref] = deployment
        return owners

    @cached_property
    def controlled(self) -> Mapping[ObjectRef, tuple[ObjectRef, ...]]:
        """What each controller controls."""
        by: dict[ObjectRef, list[ObjectRef]] = defaultdict(list)
        for ref, owner in self.owners.items():
            by[owner].append(ref)
        return {owner: tuple(refs) for owner, refs in by.items()}

    def _stated_owner(self, ref: ObjectRef) -> ObjectRef | None:
        references = self._snapshot.objects[ref].metadata.owner_references
        best = next((r for r in references if r.controller), references[0] if references else None)
        if best is None:
            return None
        namespace = "" if best.kind in CLUSTER_SCOPED else ref.namespace
        return ObjectRef(cluster=ref.cluster, kind=best.kind, namespace=namespace, name=best.name)

    def _told_owners(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        """Yield what controllers say they created."""
        for event in self._snapshot.events:
            made = _CREATED.match(event.message) if event.reason == "SuccessfulCreate" else None
            if made and event.ref.kind in _CREATES:
                kind, name = "Job" if made["kind"] == "job" else "Pod", made["name"] or made["ordinal"]
                yield event.ref.object.model_copy(update={"kind": kind, "name": name}), event.ref.object

    @cached_property
    def _by_name(self) -> Mapping[tuple[str, str, str], Workload]:
        """The first workload of each name in a namespace of a cluster."""
        by: dict[tuple[str, str, str], Workload] = {}
        for workload in self._snapshot.workloads:
            by.setdefault((workload.ref.cluster, workload.namespace, workload.name), workload)
        return by

    def _likely_owner(self, pod: ObjectRef) -> ObjectRef | None:
        """Give the workload with the longest name that a generated part makes the Pod's name of."""
        end = pod.name.rfind("-")
        while end > 0:
            workload = self._by_name.get((pod.cluster, pod.namespace, pod.name[:end]))
            if workload and _GENERATED.match(pod.name[end:]):
                return workload.ref
            end = pod.name.rfind("-", 0, end)
        return None

    def _deployment_named(self, replica_set: Workload) -> ObjectRef | None:
        ref = replica_set.ref.model_copy(update={"kind": "Deployment", "name": replica_set.name.rpartition("-")[0]})
        return ref if ref in self._snapshot.objects else None

    def top(self, ref: ObjectRef) -> ObjectRef:
        """Give the top owner: the Deployment of a Pod, the CronJob of a Job's Pod; the object itself where none is."""
        ref = ref.object
        found = self._tops.get(ref)
        if found is None:
            found = self._tops[ref] = self._find_top(ref)
        return found

    def _find_top(self, ref: ObjectRef) -> ObjectRef:
        current = ref
        for _ in range(5):  # owners form a chain of three at most; more would be a loop
            owner = self.owners.get(current) or self._named_owner(current)
            if owner is None or owner.kind == "Node":
                break
            current = owner
        if current.kind == "ReplicaSet" and current not in self._snapshot.objects:
            return _unseen_deployment(current)
        return current

    def _named_owner(self, ref: ObjectRef) -> ObjectRef | None:
        """Give the owner that a generated name tells of, where no text shows the object's owners."""
        pattern, kind = _BY_NAME.get(ref.kind, (None, ""))
        named = pattern.match(ref.name) if pattern else None
        if named is None or any(one.record.form is not TextForm.TABLE for one in self._snapshot.seen.get(ref, ())):
            return None
        return ref.model_copy(update={"kind": kind, "name": named[1]})

    @cached_property
    def tops(self) -> tuple[Workload, ...]:
        """The workloads that nothing controls."""
        return tuple(w for w in self._snapshot.workloads if w.ref not in self.owners)

    def tops_named(self, ref: ObjectRef) -> tuple[Workload, ...]:
        """Give those that have the name of an object and live beside it."""
        return self._tops_by_name.get((ref.cluster, ref.namespace, ref.name), ())

    @cached_property
    def _tops_by_name(self) -> Mapping[tuple[str, str, str], tuple[Workload, ...]]:
        by: dict[tuple[str, str, str], tuple[Workload, ...]] = defaultdict(tuple)
        for workload in self.tops:
            by[workload.ref.cluster, workload.namespace, workload.name] += (workload,)
        return dict(by)


def _unseen_deployment(replica_set: ObjectRef) -> ObjectRef:
    # A ReplicaSet that no text shows: its Deployment is the name without the pod-template-hash.
    name = replica_set.name.rpartition("-")[0]
    return replica_set.model_copy(update={"kind": "Deployment", "name": name}) if name else replica_set
