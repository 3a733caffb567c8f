"""
The edges between objects: who owns, selects, references, runs on and calls whom.

Edges come from what the objects say (ownerReferences, selectors, volume sources, nodeName, addresses in environment
variables) and from dependency data. Where a table shows no owner, a Pod belongs to the workload whose selector matches
it, and failing that to the one whose name it carries.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import chain

from kfi.models.records import TextForm
from kfi.models.schemas import ObjectRef
from kfi.snapshot.needs import Address, addresses_in, needed_objects
from kfi.snapshot.pod import Pod, PodSpec
from kfi.snapshot.resources import CLUSTER_SCOPED, PersistentVolumeClaim, Service, Workload
from kfi.snapshot.routes import Route, routes_of
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


class Topology:
    """The edges of one snapshot, found once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._meant: dict[ObjectRef, ObjectRef | None] = {}

    @cached_property
    def _owners(self) -> Mapping[ObjectRef, ObjectRef]:
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

    def _likely_owner(self, pod: ObjectRef) -> ObjectRef | None:
        candidates = [
            w for w in self._snapshot.workloads
            if w.namespace == pod.namespace and w.ref.cluster == pod.cluster
            and pod.name.startswith(w.name) and _GENERATED.match(pod.name[len(w.name):])
        ]  # fmt: skip
        longest = max(candidates, key=_name_length, default=None)
        return longest.ref if longest else None

    def _deployment_named(self, replica_set: Workload) -> ObjectRef | None:
        ref = replica_set.ref.model_copy(update={"kind": "Deployment", "name": replica_set.name.rpartition("-")[0]})
        return ref if ref in self._snapshot.objects else None

    def owner(self, ref: ObjectRef) -> ObjectRef | None:
        """Give the controller of an object, which may itself not have been seen."""
        return self._owners.get(ref.object)

    def workload(self, ref: ObjectRef) -> ObjectRef:
        """Give the top owner: the Deployment of a Pod, the CronJob of a Job's Pod; the object itself where none is."""
        current = ref.object
        for _ in range(5):  # owners form a chain of three at most; more would be a loop
            owner = self._owners.get(current) or self._named_owner(current)
            if owner is None or owner.kind == "Node":
                break
            current = owner
        if current.kind == "ReplicaSet" and current not in self._snapshot.objects:
            return self._unseen_deployment(current)
        return current

    def _named_owner(self, ref: ObjectRef) -> ObjectRef | None:
        """Give the owner that a generated name tells of, where no text shows the object's owners."""
        pattern, kind = _BY_NAME.get(ref.kind, (None, ""))
        named = pattern.match(ref.name) if pattern else None
        if named is None or any(one.record.form is not TextForm.TABLE for one in self._snapshot.seen.get(ref, ())):
            return None
        return ref.model_copy(update={"kind": kind, "name": named[1]})

    def _unseen_deployment(self, replica_set: ObjectRef) -> ObjectRef:
        # A ReplicaSet that no text shows: its Deployment is the name without the pod-template-hash.
        name = replica_set.name.rpartition("-")[0]
        return replica_set.model_copy(update={"kind": "Deployment", "name": name}) if name else replica_set

    @cached_property
    def _pods_by_workload(self) -> Mapping[ObjectRef, tuple[Pod, ...]]:
        by: dict[ObjectRef, list[Pod]] = defaultdict(list)
        for pod in self._snapshot.pods:
            by[self.workload(pod.ref)].append(pod)
        return {ref: tuple(pods) for ref, pods in by.items()}

    def pods_of(self, workload: ObjectRef) -> tuple[Pod, ...]:
        """Give the Pods below a top workload."""
        return self._pods_by_workload.get(workload.object, ())

    def selected(self, service: Service) -> tuple[Pod, ...]:
        """Give the Pods whose labels a Service selects; none for a Service without selector."""
        wanted = service.spec.selector.items()
        if not wanted:
            return ()
        key, value = next(iter(wanted))
        candidates = self._pods_by_label.get((service.ref.cluster, service.namespace, key, value), ())
        return tuple(pod for pod in candidates if wanted <= pod.labels.items())

    @cached_property
    def _pods_by_label(self) -> Mapping[tuple[str, str, str, str], tuple[Pod, ...]]:
        by: dict[tuple[str, str, str, str], list[Pod]] = defaultdict(list)
        for pod in self._snapshot.pods:
            for key, value in pod.labels.items():
                by[pod.ref.cluster, pod.namespace, key, value].append(pod)
        return {place: tuple(pods) for place, pods in by.items()}

    def meant_by(self, service: Service) -> ObjectRef | None:
        """Give the workload a Service is for: the one it selects, else the one whose template or name fits best."""
        if service.ref not in self._meant:
            self._meant[service.ref] = self._find_meant(service)
        return self._meant[service.ref]

    def _find_meant(self, service: Service) -> ObjectRef | None:
        pods = self.selected(service)
        if pods:
            return self.workload(pods[0].ref)
        wanted = service.spec.selector.items()
        for workload in self._top_workloads(service.ref):
            if wanted and wanted <= workload.spec.template.metadata.labels.items():
                return workload.ref
        same_name = [w for w in self._top_workloads(service.ref) if w.name == service.name]
        return same_name[0].ref if same_name else None

    def _top_workloads(self, ref: ObjectRef) -> Iterator[Workload]:
        for w in self._snapshot.workloads:
            same = w.namespace == ref.namespace and w.ref.cluster == ref.cluster
            if same and w.ref not in self._owners:
                yield w

    @cached_property
    def _services_by_pod(self) -> Mapping[ObjectRef, tuple[Service, ...]]:
        by: dict[ObjectRef, list[Service]] = defaultdict(list)
        for service in self._snapshot.kube_services:
            for pod in self.selected(service):
                by[pod.ref].append(service)
        return {ref: tuple(services) for ref, services in by.items()}

    def services_of(self, pod: ObjectRef) -> tuple[Service, ...]:
        """Give the Services that select a Pod."""
        return self._services_by_pod.get(pod.object, ())

    def services_for(self, workload: ObjectRef) -> tuple[Service, ...]:
        """Give the Services that are for a workload, also where their selectors miss it."""
        return tuple(s for s in self._snapshot.kube_services if self.meant_by(s) == workload.object)

    @cached_property
    def routes(self) -> tuple[Route, ...]:
        """Every way from outside to a Service: of Ingresses, Gateway API routes and VirtualServices."""
        return tuple(routes_of(self._snapshot))

    @cached_property
    def calls(self) -> Mapping[ObjectRef, frozenset[ObjectRef]]:
        """Which workloads each workload calls: dependency data, and addresses in environment variables."""
        calls: dict[ObjectRef, set[ObjectRef]] = defaultdict(set)
        for caller, callee in [*self._traced_calls(), *self._configured_calls()]:
            if caller != callee:
                calls[caller].add(callee)
        return {ref: frozenset(callees) for ref, callees in calls.items()}

    @cached_property
    def callers(self) -> Mapping[ObjectRef, frozenset[ObjectRef]]:
        """Which workloads call each workload."""
        callers: dict[ObjectRef, set[ObjectRef]] = defaultdict(set)
        for caller, callees in self.calls.items():
            for callee in callees:
                callers[callee].add(caller)
        return {ref: frozenset(refs) for ref, refs in callers.items()}

    def _traced_calls(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for call, _ in self._snapshot.calls:
            caller, callee = self.named(call.parent), self.named(call.child)
            if caller and callee:
                yield caller, callee

    @cached_property
    def _workloads_by_name(self) -> Mapping[str, ObjectRef]:
        tops = [w for w in self._snapshot.workloads if w.ref not in self._owners]
        by_name = {w.name: w.ref for w in tops}
        for service in self._snapshot.kube_services:
            meant = self.meant_by(service)
            if meant and service.name not in by_name:
                by_name[service.name] = meant
        return by_name

    def named(self, name: str) -> ObjectRef | None:
        """Give the workload that a bare application name means (`cart`, `cart.shop`), by workload or Service name."""
        short = name.split(".")[0].split(":")[0]
        return self._workloads_by_name.get(name) or self._workloads_by_name.get(short)

    def _configured_calls(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for caller, service, _ in self.addresses:
            callee = self.meant_by(service) if service else None
            if callee:
                yield caller, callee

    @cached_property
    def addresses(self) -> tuple[tuple[ObjectRef, Service | None, Address], ...]:
        """Give every address in an environment variable: its workload, the Service it means (or None), itself."""
        found = []
        for workload, spec in self._pod_specs():
            for container in spec.all_containers:
                for address in addresses_in(container, workload.namespace):
                    found.append((workload, self._service_at(workload, address), address))
        return tuple(found)

    def _service_at(self, workload: ObjectRef, address: Address) -> Service | None:
        ref = ObjectRef(cluster=workload.cluster, kind="Service", namespace=address.namespace, name=address.host)
        service = self._snapshot.objects.get(ref)
        return service if isinstance(service, Service) else None

    def _pod_specs(self) -> Iterator[tuple[ObjectRef, PodSpec]]:
        with_pods = set()
        for workload, pods in self._pods_by_workload.items():
            newest = max(pods, key=_created)
            with_pods.add(workload)
            yield workload, newest.spec
        for w in self._snapshot.workloads:
            if w.ref not in self._owners and w.ref not in with_pods:
                yield w.ref, w.spec.template.spec

    def references(self, pod: ObjectRef, spec: PodSpec) -> Iterator[ObjectRef]:
        """Yield what a Pod needs to start: ConfigMaps, Secrets, claims and its ServiceAccount, but no optional ones."""
        for kind, name in needed_objects(spec):
            yield ObjectRef(cluster=pod.cluster, kind=kind, namespace=pod.namespace, name=name)

    @cached_property
    def impact(self) -> Mapping[ObjectRef, tuple[ObjectRef, ...]]:
        """Give for each object those that suffer at once when it fails."""
        edges: dict[ObjectRef, set[ObjectRef]] = defaultdict(set)
        sources = (
            self._pod_edges(),
            self._owner_edges(),
            self._service_edges(),
            self._workload_edges(),
            self._route_edges(),
        )
        for cause, sufferer in chain.from_iterable(sources):
            edges[cause].add(sufferer)
        return {ref: tuple(sorted(refs, key=str)) for ref, refs in edges.items()}

    def _pod_edges(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for pod in self._snapshot.pods:
            if pod.spec.node_name:
                yield ObjectRef(cluster=pod.ref.cluster, kind="Node", name=pod.spec.node_name), pod.ref
            for needed in self.references(pod.ref, pod.spec):
                yield needed, pod.ref
            for service in self.services_of(pod.ref):
                yield pod.ref, service.ref

    def _owner_edges(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for ref, owner in self._owners.items():
            yield ref, owner
            yield owner, ref

    def _service_edges(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for service in self._snapshot.kube_services:
            yield _namespace_of(service.ref), service.ref
            meant = self.meant_by(service)
            if meant:
                yield meant, service.ref

    def _route_edges(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for route in self.routes:
            yield route.service, route.owner

    def called_by(self, ref: ObjectRef) -> frozenset[ObjectRef]:
        """Give the workloads that call a workload, or the one behind a Service."""
        meant = self.behind(ref)
        return self.callers.get(meant, frozenset()) if meant else frozenset()

    def serves(self, workload: ObjectRef) -> bool:
        """Tell whether a workload (or the one behind a Service) still has a ready Pod that can answer its callers."""
        meant = self.behind(workload)
        return meant is not None and any(pod.ready for pod in self.pods_of(meant))

    def behind(self, ref: ObjectRef) -> ObjectRef | None:
        """Give the workload that a Service is for; any other reference stands for itself."""
        service = self._snapshot.objects.get(ref)
        return self.meant_by(service) if isinstance(service, Service) else ref

    def _workload_edges(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for workload in self._snapshot.workloads:
            yield _namespace_of(workload.ref), workload.ref
            for needed in self.references(workload.ref, workload.spec.template.spec):
                yield needed, workload.ref
        for claim in self._snapshot.of(PersistentVolumeClaim):
            if claim.spec.volume_name:
                yield (
                    ObjectRef(cluster=claim.ref.cluster, kind="PersistentVolume", name=claim.spec.volume_name),
                    claim.ref,
                )

    def reach(
        self, ref: ObjectRef, harms_callers: Callable[[ObjectRef], bool], steps: int = 8
    ) -> dict[ObjectRef, tuple[ObjectRef, ...]]:
        """Give everything that suffers when an object fails, each with the shortest path from the object to it.

        `harms_callers` tells for a workload or Service on the way whether those who call it suffer too.
        """
        paths: dict[ObjectRef, tuple[ObjectRef, ...]] = {ref.object: (ref.object,)}
        queue = deque([ref.object])
        while queue:
            current = queue.popleft()
            if len(paths[current]) > steps:
                continue
            for neighbour in self._next(current, paths[current], harms_callers):
                if neighbour not in paths:
                    paths[neighbour] = (*paths[current], neighbour)
                    queue.append(neighbour)
        return paths

    def _next(
        self, current: ObjectRef, path: tuple[ObjectRef, ...], harms_callers: Callable[[ObjectRef], bool]
    ) -> Iterator[ObjectRef]:
        came_from = path[-2] if len(path) > 1 else None
        # A failing Pod harms its workload, but not its siblings.
        upwards = came_from is not None and self.owner(came_from) == current
        yield from (n for n in self.impact.get(current, ()) if not (upwards and self.owner(n) == current))
        callers = self.called_by(current)
        if callers and harms_callers(current):
            yield from sorted(callers, key=str)


def _namespace_of(ref: ObjectRef) -> ObjectRef:
    return ObjectRef(cluster=ref.cluster, kind="Namespace", name=ref.namespace)


def _name_length(workload: Workload) -> int:
    return len(workload.name)


def _created(pod: Pod) -> float:
    created = pod.metadata.creation_timestamp or pod.status.start_time
    return created.timestamp() if created else 0.0
