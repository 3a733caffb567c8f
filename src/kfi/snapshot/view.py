"""
The cluster at one moment, as rules see it: typed objects, Events, logs, alerts, and the line that proves each.

A snapshot is read-only. Nothing in it is guessed: where the texts do not say, a field is None or empty, and `absent`
answers only where a complete list of the scope was seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar, cast

from kfi.models.records import AlertRecord, Call, CheckRecord, LogRecord, NodeServiceRecord
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.objects import Resource
from kfi.snapshot.pod import Pod
from kfi.snapshot.provenance import Path, Seen, cite_object, cite_row
from kfi.snapshot.resources import CLUSTER_SCOPED, Node, Service, Workload

if TYPE_CHECKING:
    from kfi.snapshot.topology import Topology

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True)
class Event:
    """One message of a group of Events about one object."""

    ref: ObjectRef
    """The involved object, with the container where the Event named one."""
    reason: str
    type: str
    message: str
    count: int
    first: datetime | None
    last: datetime | None
    component: str
    citation: Citation
    times: tuple[datetime, ...] = ()
    """When each single Event in it happened last, oldest first; empty where only first and last are known."""


@dataclass(frozen=True)
class Log:
    """Lines of one template; `ref` is the Pod, or the workload where the file did not name a Pod."""

    ref: ObjectRef
    record: LogRecord
    count: int
    first: datetime | None
    last: datetime | None
    citation: Citation

    @property
    def text(self) -> str:
        """The line, and the stack trace below it."""
        return f"{self.record.example}\n{self.record.stack}"

    @cached_property
    def writer(self) -> ObjectRef:
        """The Pod or workload itself, without the container."""
        return self.ref.object

    @property
    def failing(self) -> bool:
        """Whether the line calls itself an error, or ends in a stack trace."""
        return self.record.level in ("error", "fatal") or bool(self.record.stack)


@dataclass(frozen=True)
class NodeService:
    """A systemd unit on a node."""

    node: ObjectRef
    record: NodeServiceRecord
    citations: tuple[Citation, ...]


@dataclass(frozen=True)
class Alert:
    """One alert."""

    ref: ObjectRef
    record: AlertRecord
    citation: Citation


@dataclass(frozen=True)
class Check:
    """One connectivity check."""

    record: CheckRecord
    citation: Citation


@dataclass(frozen=True)
class Listing:
    """A complete list of a kind in a scope."""

    cluster: str
    kind: str
    namespace: str
    names: frozenset[str]
    observed_at: datetime
    citation: Citation

    def covers(self, ref: ObjectRef) -> bool:
        """Tell whether the object would be in this list if it existed."""
        same = self.cluster == ref.cluster and self.kind == ref.kind
        return same and (not self.namespace or self.namespace == ref.namespace or ref.kind in CLUSTER_SCOPED)

    def holds(self, ref: ObjectRef) -> bool:
        """Tell whether the object is in this list."""
        return ref.name in self.names or f"{ref.namespace}/{ref.name}" in self.names


@dataclass(frozen=True)
class Snapshot:
    """Everything known of a cluster at `as_of`."""

    as_of: datetime
    objects: Mapping[ObjectRef, Resource]
    declared: Mapping[ObjectRef, Resource] = field(default_factory=dict)
    """The same objects as manifests that someone applied describe them."""
    seen: Mapping[ObjectRef, tuple[Seen, ...]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    logs: tuple[Log, ...] = ()
    services: tuple[NodeService, ...] = ()
    alerts: tuple[Alert, ...] = ()
    calls: tuple[tuple[Call, Citation], ...] = ()
    checks: tuple[Check, ...] = ()
    listings: tuple[Listing, ...] = ()

    def of(self, cls: type[R], kind: str = "") -> Iterator[R]:
        """Give the objects of a class, or of one kind of it, in the order of the texts."""
        # Rules ask for a class again and again, and most objects are of others.
        if (cls, kind) not in self._by_class:
            found = (one for one in self.objects.values() if isinstance(one, cls))
            self._by_class[cls, kind] = tuple(one for one in found if not kind or one.ref.kind == kind)
        return iter(cast(tuple[R, ...], self._by_class[cls, kind]))

    @cached_property
    def _by_class(self) -> dict[tuple[type[Resource], str], tuple[Resource, ...]]:
        return {}

    def live(self, cls: type[R], kind: str = "") -> Iterator[R]:
        """Yield those that some text showed living in the cluster, not only in a manifest."""
        return (resource for resource in self.of(cls, kind) if resource.observed)

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Pods that were seen in the cluster."""
        return tuple(self.live(Pod))

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """Nodes that were seen."""
        return tuple(self.live(Node))

    @cached_property
    def workloads(self) -> tuple[Workload, ...]:
        """Deployments, ReplicaSets, StatefulSets, DaemonSets and Jobs, applied-only ones included."""
        return tuple(self.of(Workload))

    @cached_property
    def kube_services(self) -> tuple[Service, ...]:
        """Services, applied-only ones included."""
        return tuple(self.of(Service))

    @cached_property
    def topology(self) -> Topology:
        """The edges between the objects."""
        from kfi.snapshot.topology import Topology  # here: the edges are found in a snapshot

        return Topology(self)

    @cached_property
    def mentioned(self) -> tuple[ObjectRef, ...]:
        """Every object that a text shows or tells of, and the workloads above them, which no text may show."""
        heard = (*(event.ref.object for event in self.events), *(log.ref.object for log in self.logs))
        return tuple(dict.fromkeys(self.with_workloads(dict.fromkeys((*self.objects, *heard)))))

    @cached_property
    def namespaces(self) -> frozenset[str]:
        """Every namespace that a text tells of."""
        named = (ref.name if ref.kind == "Namespace" else ref.namespace for ref in self.mentioned)
        return frozenset(named) - {""}

    @cached_property
    def _homes(self) -> Mapping[tuple[str, str, str], frozenset[str]]:
        homes: dict[tuple[str, str, str], set[str]] = defaultdict(set)
        for ref in self.mentioned:
            if ref.namespace:
                homes[ref.cluster, ref.kind, ref.name].add(ref.namespace)
        return {named: frozenset(places) for named, places in homes.items()}

    def placed(self, ref: ObjectRef) -> ObjectRef:
        """Fill in the namespace of a reference that names none, where only one object can be meant."""
        if ref.namespace or ref.kind in CLUSTER_SCOPED:
            return ref
        homes = self._homes.get((ref.cluster, ref.kind, ref.name), frozenset())
        return ref.model_copy(update={"namespace": next(iter(homes))}) if len(homes) == 1 else ref

    def with_workloads(self, refs: Iterable[ObjectRef]) -> Iterator[ObjectRef]:
        """Yield each object, and after a Pod, ReplicaSet or Job its top owner."""
        for ref in refs:
            yield ref
            if ref.kind in ("Pod", "ReplicaSet", "Job"):
                yield self.topology.workload(ref)

    def find(self, kind: str, namespace: str, name: str, cluster: str = "") -> Resource | None:
        """Give one object, or None where no text shows it."""
        return self.objects.get(ObjectRef(cluster=cluster, kind=kind, namespace=namespace, name=name))

    def absent(self, ref: ObjectRef) -> Citation | None:
        """Give the list that proves an object did not exist, or None where nothing proves it."""
        resource = self.objects.get(ref.object)
        if resource is not None and resource.observed:
            return None
        for listing in self.listings:
            if listing.covers(ref) and not listing.holds(ref):
                return listing.citation
        return None

    def listed(self, kind: str, namespace: str = "", cluster: str = "") -> bool:
        """Tell whether a complete list of the scope was seen."""
        ref = ObjectRef(cluster=cluster, kind=kind, namespace=namespace, name="?")
        return any(listing.covers(ref) for listing in self.listings)

    def cite(self, ref: ObjectRef, *paths: Path) -> tuple[Citation, ...]:
        """Give the lines that show these fields of an object, neighbouring ones together; fields not shown fall out."""
        return cite_object(self.seen.get(ref.object, ()), paths)

    def cite_applied(self, ref: ObjectRef, *paths: Path) -> tuple[Citation, ...]:
        """Give the lines of the applied manifest that set these fields: where a person mends them."""
        return cite_object([one for one in self.seen.get(ref.object, ()) if one.record.applied], paths)

    def cite_row(self, ref: ObjectRef) -> tuple[Citation, ...]:
        """Give the line that names the object: its row in a table, else the first line of its text."""
        return cite_row(self.seen.get(ref.object, ()))

    @cached_property
    def _events_by_object(self) -> Mapping[ObjectRef, tuple[Event, ...]]:
        return _newest_first(self.events)

    def events_of(self, ref: ObjectRef, *reasons: str) -> tuple[Event, ...]:
        """Give the Events about an object, newest first; with reasons, only those."""
        found = self._events_by_object.get(ref.object, ())
        events = tuple(e for e in found if not reasons or e.reason in reasons)
        return tuple(e for e in events if not ref.container or e.ref.container in ("", ref.container))

    @cached_property
    def _logs_by_object(self) -> Mapping[ObjectRef, tuple[Log, ...]]:
        by: dict[ObjectRef, list[Log]] = defaultdict(list)
        for log in self.logs:
            by[log.ref.object].append(log)
        return {ref: tuple(logs) for ref, logs in by.items()}

    def logs_of(self, *refs: ObjectRef) -> tuple[Log, ...]:
        """Give the log templates of these Pods or workloads, in the order of the files."""
        return tuple(log for ref in refs for log in self._logs_by_object.get(ref.object, ()))


def _newest_first(events: Iterable[Event]) -> dict[ObjectRef, tuple[Event, ...]]:
    by: dict[ObjectRef, list[Event]] = defaultdict(list)
    for event in events:
        by[event.ref.object].append(event)
    return {ref: tuple(sorted(es, key=recency, reverse=True)) for ref, es in by.items()}


def recency(event: Event) -> float:
    """Give when an Event happened last in seconds since 1970, 0 where that is unknown: a key to sort by."""
    return event.last.timestamp() if event.last else 0.0
