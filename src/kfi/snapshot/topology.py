"""
The edges between objects: who owns, selects, references, runs on and calls whom.

Edges come from what the objects say (ownerReferences, selectors, volume sources, nodeName, addresses in environment
variables) and from dependency data. Where a table shows no owner, a Pod belongs to the workload whose selector matches
it, and failing that to the one whose name it carries.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from itertools import chain
from typing import TypeVar

from kfi.models.schemas import ObjectRef
from kfi.snapshot.controllers import Controllers
from kfi.snapshot.needs import Address, addresses_in, needed_objects
from kfi.snapshot.pinning import hosts_of
from kfi.snapshot.pod import Pod, PodSpec
from kfi.snapshot.resources import PersistentVolume, PersistentVolumeClaim, Service, Workload
from kfi.snapshot.routes import Route, routes_of
from kfi.snapshot.view import Snapshot

R = TypeVar("R")
LabelPlace = tuple[str, str, str, str]
"""Cluster, namespace, and a label's key and value."""


class Topology:
    """The edges of one snapshot, found once."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._controllers = Controllers(snapshot)
        self._meant: dict[ObjectRef, ObjectRef | None] = {}

    def owned_by(self, ref: ObjectRef) -> tuple[ObjectRef, ...]:
        """Give what an object controls."""
        return self._controllers.controlled.get(ref.object, ())

    def owner(self, ref: ObjectRef) -> ObjectRef | None:
        """Give the controller of an object, which may itself not have been seen."""
        return self._controllers.owners.get(ref.object)

    def workload(self, ref: ObjectRef) -> ObjectRef:
        """Give the top owner: the Deployment of a Pod, the CronJob of a Job's Pod; the object itself where none is."""
        return self._controllers.top(ref)

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
        return tuple(pod for pod in _rarest(self._pods_by_label, service) if wanted <= pod.labels.items())

    @cached_property
    def _pods_by_label(self) -> Mapping[LabelPlace, tuple[Pod, ...]]:
        by: dict[LabelPlace, list[Pod]] = defaultdict(list)
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
        for workload in _rarest(self._tops_by_label, service):
            if wanted <= workload.spec.template.metadata.labels.items():
                return workload.ref
        return next((workload.ref for workload in self._controllers.tops_named(service.ref)), None)

    @cached_property
    def _tops_by_label(self) -> Mapping[LabelPlace, tuple[Workload, ...]]:
        """Workloads that nothing controls, by the labels of their templates."""
        by: dict[LabelPlace, list[Workload]] = defaultdict(list)
        for workload in self._controllers.tops:
            for key, value in workload.spec.template.metadata.labels.items():
                by[workload.ref.cluster, workload.namespace, key, value].append(workload)
        return {place: tuple(workloads) for place, workloads in by.items()}

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
        return self._services_by_workload.get(workload.object, ())

    @cached_property
    def _services_by_workload(self) -> Mapping[ObjectRef, tuple[Service, ...]]:
        by: dict[ObjectRef, list[Service]] = defaultdict(list)
        for service in self._snapshot.kube_services:
            meant = self.meant_by(service)
            if meant:
                by[meant].append(service)
        return {ref: tuple(services) for ref, services in by.items()}

    def services_beside(self, ref: ObjectRef) -> Mapping[str, Service]:
        """Give the Services of an object's namespace by name: what a bare name means there."""
        return self._services_by_home.get((ref.cluster, ref.namespace), {})

    @cached_property
    def _services_by_home(self) -> Mapping[tuple[str, str], Mapping[str, Service]]:
        by: dict[tuple[str, str], dict[str, Service]] = defaultdict(dict)
        for service in self._snapshot.kube_services:
            by[service.ref.cluster, service.namespace][service.name] = service
        return by

    def services_by_address(self, cluster: str) -> Mapping[str, Service]:
        """Give the Services of a cluster by their cluster IP."""
        return self._services_by_address.get(cluster, {})

    @cached_property
    def _services_by_address(self) -> Mapping[str, Mapping[str, Service]]:
        by: dict[str, dict[str, Service]] = defaultdict(dict)
        for service in self._snapshot.kube_services:
            if service.spec.cluster_ip not in ("", "None"):
                by[service.ref.cluster][service.spec.cluster_ip] = service
        return by

    def volume_for(self, claim: ObjectRef) -> PersistentVolume | None:
        """Give the volume that says it is for a claim, whatever the claim says."""
        return self._volumes_by_claim.get((claim.cluster, claim.namespace, claim.name))

    @cached_property
    def _volumes_by_claim(self) -> Mapping[tuple[str, str, str], PersistentVolume]:
        by: dict[tuple[str, str, str], PersistentVolume] = {}
        for volume in self._snapshot.of(PersistentVolume):
            held = volume.spec.claim_ref
            if held:
                by.setdefault((volume.ref.cluster, held.namespace, held.name), volume)
        return by

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
        by_name = {w.name: w.ref for w in self._controllers.tops}
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
        for w in self._controllers.tops:
            if w.ref not in with_pods:
                yield w.ref, w.spec.template.spec

    def references(self, pod: ObjectRef, spec: PodSpec) -> Iterator[ObjectRef]:
        """Yield what a Pod needs to start: ConfigMaps, Secrets, claims and its ServiceAccount, but no optional ones."""
        for kind, name in needed_objects(spec):
            yield ObjectRef(cluster=pod.cluster, kind=kind, namespace=pod.namespace, name=name)

    def users_of(self, needed: ObjectRef) -> tuple[ObjectRef, ...]:
        """Give the Pods, then the workloads, that name an object among what they need to start."""
        return self._users.get(needed.object, ())

    @cached_property
    def _users(self) -> Mapping[ObjectRef, tuple[ObjectRef, ...]]:
        pods = ((pod.ref, pod.spec) for pod in self._snapshot.pods)
        templates = ((workload.ref, workload.spec.template.spec) for workload in self._snapshot.workloads)
        by: dict[tuple[str, str, str, str], dict[ObjectRef, None]] = defaultdict(dict)
        for user, spec in chain(pods, templates):
            for kind, name in needed_objects(spec):
                by[user.cluster, kind, user.namespace, name][user] = None
        return {
            ObjectRef(cluster=cluster, kind=kind, namespace=namespace, name=name): tuple(users)
            for (cluster, kind, namespace, name), users in by.items()
        }

    @cached_property
    def impact(self) -> Mapping[ObjectRef, tuple[ObjectRef, ...]]:
        """Give for each object those that suffer at once when it fails."""
        edges: dict[ObjectRef, set[ObjectRef]] = defaultdict(set)
        sources = (
            self._pod_edges(),
            self._owner_edges(),
            self._service_edges(),
            self._workload_edges(),
            self._volume_edges(),
            self._route_edges(),
        )
        for cause, sufferer in chain.from_iterable(sources):
            edges[cause].add(sufferer)
        return {ref: tuple(sorted(refs, key=str)) for ref, refs in edges.items()}

    def _pod_edges(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for pod in self._snapshot.pods:
            if pod.spec.node_name:
                yield ObjectRef(cluster=pod.ref.cluster, kind="Node", name=pod.spec.node_name), pod.ref
            for service in self.services_of(pod.ref):
                yield pod.ref, service.ref

    def _owner_edges(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for ref, owner in self._controllers.owners.items():
            yield ref, owner
            yield owner, ref

    def _service_edges(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        for service in self._snapshot.kube_services:
            yield service.ref.home, service.ref
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
            yield workload.ref.home, workload.ref
        for needed, users in self._users.items():
            for user in users:
                yield needed, user

    def _volume_edges(self) -> Iterator[tuple[ObjectRef, ObjectRef]]:
        nodes = {(n.ref.cluster, n.labels.get("kubernetes.io/hostname", n.name)): n.ref for n in self._snapshot.nodes}
        for claim in self._snapshot.of(PersistentVolumeClaim):
            if claim.spec.volume_name:
                cluster, name = claim.ref.cluster, claim.spec.volume_name
                yield ObjectRef(cluster=cluster, kind="PersistentVolume", name=name), claim.ref
        for volume in self._snapshot.of(PersistentVolume):
            affinity = volume.spec.node_affinity
            hosts = hosts_of(affinity.required) if affinity and affinity.required else ()
            if len(hosts) == 1:
                node = ObjectRef(cluster=volume.ref.cluster, kind="Node", name=hosts[0])
                yield nodes.get((node.cluster, node.name), node), volume.ref

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


def _rarest(by: Mapping[LabelPlace, tuple[R, ...]], service: Service) -> tuple[R, ...]:
    """Give what carries that label of a Service's selector which the fewest carry; nothing where it selects nothing."""
    place = (service.ref.cluster, service.namespace)
    return min((by.get((*place, *label), ()) for label in service.spec.selector.items()), key=len, default=())


def _created(pod: Pod) -> float:
    created = pod.metadata.creation_timestamp or pod.status.start_time
    return created.timestamp() if created else 0.0
