"""
Which documents a question is about: filters from the narrowest to the widest, made once, before anything is searched.

Relaxed in this order where a filter leaves nothing: the container, the objects that are named, the namespace. The
cluster and the span of time stay, for nothing outside them is in the snapshot that is asked about. Causes live beside
what is named, so a filter always lets cluster-scoped objects and the neighbours along the edges through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from kfi.models.schemas import DocumentKind, ObjectRef, QueryMetadata
from kfi.retrieval.focus import asked_words
from kfi.retrieval.labelled import excluded_by, having
from kfi.retrieval.query_analyzer import identifiers
from kfi.retrieval.scope import Scope
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import CLUSTER_SCOPED, PersistentVolumeClaim, Service, Workload
from kfi.snapshot.view import Snapshot
from kfi.vectorstore.filters import AllOf, AnyOf, Between, Condition, Equals, Field, Not, OneOf, micros

# What happens at a time; everything else is a state, and holds whenever it began.
_OCCURRENCES = (DocumentKind.EVENT, DocumentKind.LOG, DocumentKind.ALERT, DocumentKind.CHECK)
# These act on every Pod of their namespace, and no edge says so.
_NAMESPACE_WIDE = ("ResourceQuota", "LimitRange", "NetworkPolicy")
# Names in one filter; a node of the largest clusters has 250 Pods. What has more neighbours (the DaemonSet of a
# thousand nodes) is narrowed to its namespace only.
_MOST_NAMES = 1000
_CLUSTER_SCOPED = OneOf(Field.OBJECT_KIND, tuple(sorted(CLUSTER_SCOPED)))


@dataclass(frozen=True)
class Level:
    """One width of the search."""

    condition: Condition | None
    """None lets everything through."""
    place: str
    """What it is limited to, in words: `namespace 'orchard'`."""


@dataclass(frozen=True)
class Search:
    """A scope, and the filters to search it with."""

    scope: Scope
    levels: tuple[Level, ...]
    """Narrowest first; the last is the widest that may be used."""
    namespace: str = ""
    """The namespace it is narrowed to; empty for all."""
    beyond: frozenset[ObjectRef] = frozenset()
    """Neighbours, which may be of other namespaces."""
    notes: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The sub-queries, or the question where it was not taken apart: each leg gives one list for each.

        What only asks on ("What is the root cause?") is no part of its own, beside one that says what about.
        """
        plan = self.scope.plan
        place = asked_words(f"namespace {plan.metadata.namespace or ''} {plan.metadata.cluster or ''}")
        telling = tuple(part for part in plan.sub_queries if asked_words(part) - place)
        return telling or plan.sub_queries[:1] or (plan.question,)

    def holds(self, ref: ObjectRef) -> bool:
        """Tell whether an object is of the namespace, of none, or a neighbour."""
        inside = ref.namespace in (self.namespace, "") or ref.kind in CLUSTER_SCOPED
        return not self.namespace or inside or ref.object in self.beyond


def relaxed(narrow: str, wide: str) -> str:
    """Say that a filter left nothing, and what was searched instead."""
    return f"Nothing matched {narrow}; searched all of {wide}."


def narrow(scope: Scope) -> Search:
    """Give the filters for a scope.

    A name that nothing in the snapshot has makes a note and no filter: cluster-scoped documents would still pass it,
    and hide that nothing else does.
    """
    metadata, snapshot = scope.plan.metadata, scope.snapshot
    near = neighbourhood(snapshot, (*named_in(scope, scope.plan.question), *having(snapshot, metadata.labels_dict)))
    namespace = _known_namespace(snapshot, metadata)
    beyond = near | _called_from(snapshot, namespace)
    always = tuple(_always(snapshot, metadata))
    levels = [Level(AllOf(always) if always else None, _everything(metadata))]
    notes: list[str] = []
    for limit in _limits(scope, namespace, near, beyond):
        if limit.conditions:
            levels.insert(0, Level(AllOf((*always, *limit.conditions)), limit.place))
        else:
            notes.append(relaxed(limit.place, levels[0].place))
    return Search(scope, tuple(levels), namespace, beyond, tuple(notes))


@dataclass(frozen=True)
class _Limit:
    """Something that a question limits its answer to."""

    place: str
    conditions: tuple[Condition, ...]
    """Empty where nothing in the snapshot is of it."""


def _limits(scope: Scope, namespace: str, near: frozenset[ObjectRef], beyond: frozenset[ObjectRef]) -> Iterator[_Limit]:
    """Yield what the question limits itself to, widest first."""
    metadata, snapshot = scope.plan.metadata, scope.snapshot
    best: tuple[Condition, ...] = ()
    if metadata.namespace:
        best = (_inside(snapshot, namespace, beyond),) if namespace else ()
        yield _Limit(f"namespace {metadata.namespace!r}", best)
    asked_for = _asked_for(metadata, bool(near))
    if asked_for and len(near) <= _MOST_NAMES:
        around = (_around(snapshot, near),) if near else ()
        best = around or best
        yield _Limit(asked_for, around)
    if metadata.container:
        known = _has_container(snapshot, metadata.container)
        only = (*best, OneOf(Field.CONTAINER, (metadata.container, ""))) if known else ()
        yield _Limit(f"container {metadata.container!r}", only)


def _everything(metadata: QueryMetadata) -> str:
    return f"cluster {metadata.cluster!r}" if metadata.cluster else "the evidence"


def _asked_for(metadata: QueryMetadata, found: bool) -> str:
    """Say which objects a question is limited to; empty where it names none."""
    name = metadata.name or metadata.pod or metadata.node
    if name:
        kind = metadata.kind or ("Pod" if metadata.pod else "Node" if metadata.node else "name")
        return f"{kind} {name!r}"
    # Much that looks like a label is none (`exit=137`), so only one that something has counts.
    labels = ", ".join(f"{key}={value}" for key, value in metadata.labels_dict.items())
    return f"label {labels!r}" if labels and found else ""


def _always(snapshot: Snapshot, metadata: QueryMetadata) -> Iterator[Condition]:
    excluded = excluded_by(snapshot, metadata.labels_excluded)
    # One namespace after the other: another one may have something of the same name that is not excluded.
    for home in sorted({ref.namespace for ref in excluded}):
        yield Not(_one_of(snapshot, frozenset(ref for ref in excluded if ref.namespace == home)))
    if metadata.cluster:
        yield Equals(Field.CLUSTER, metadata.cluster)
    if metadata.since or metadata.until:
        ended_since = Between(Field.LAST_TIME, low=micros(metadata.since) if metadata.since else None)
        begun_until = Between(Field.FIRST_TIME, high=micros(metadata.until) if metadata.until else None)
        yield AnyOf((Not(OneOf(Field.KIND, _OCCURRENCES)), AllOf((ended_since, begun_until))))


def _inside(snapshot: Snapshot, namespace: str, beyond: frozenset[ObjectRef]) -> Condition:
    inside = OneOf(Field.NAMESPACE, (namespace, ""))
    return AnyOf((inside, _CLUSTER_SCOPED, _one_of(snapshot, beyond)))


def _around(snapshot: Snapshot, near: frozenset[ObjectRef]) -> Condition:
    """Let through what is near, and of its namespaces what is of no one object (lists, checks) or acts on all."""
    homes = OneOf(Field.NAMESPACE, ("", *sorted({ref.namespace for ref in near} - {""})))
    unnamed = AllOf((homes, AnyOf((Equals(Field.NAME, ""), OneOf(Field.OBJECT_KIND, _NAMESPACE_WIDE)))))
    return AnyOf((_one_of(snapshot, near), _CLUSTER_SCOPED, unnamed))


def _one_of(snapshot: Snapshot, refs: frozenset[ObjectRef]) -> Condition:
    """Match documents by names and namespaces: the path of a log may tell no kind, and no namespace either."""
    texts = (one.document.ref for ref in refs for one in snapshot.seen.get(ref, ()))
    every = sorted({(ref.namespace, ref.name) for ref in (*refs, *texts) if ref.name})[:_MOST_NAMES]
    names = tuple(dict.fromkeys(name for _, name in every))
    return AllOf((OneOf(Field.NAME, names), OneOf(Field.NAMESPACE, tuple({"": 0, **{home: 0 for home, _ in every}}))))


def _known_namespace(snapshot: Snapshot, metadata: QueryMetadata) -> str:
    """Give the namespace that a question names, or nothing where nothing in the snapshot is of it."""
    refs = chain(
        snapshot.objects,
        (event.ref for event in snapshot.events),
        (log.ref for log in snapshot.logs),
        (alert.ref for alert in snapshot.alerts),
    )
    known = chain((ref.namespace for ref in refs), (listing.namespace for listing in snapshot.listings))
    return metadata.namespace if metadata.namespace and metadata.namespace in known else ""


def _has_container(snapshot: Snapshot, name: str) -> bool:
    said = chain((event.ref for event in snapshot.events), (log.ref for log in snapshot.logs))
    return any(ref.container == name for ref in said) or any(pod.container(name) for pod in snapshot.pods)


def named_in(scope: Scope, text: str) -> tuple[ObjectRef, ...]:
    """Give the objects that a text names: of those that the question points at, the ones whose names stand in it.

    Where none does (the text says "it", or the beginning of a Pod's name), all that the question points at.
    """
    words = identifiers(text)
    return tuple(ref for ref in scope.pointed if ref.name in words) or scope.pointed


def neighbourhood(snapshot: Snapshot, objects: Iterable[ObjectRef]) -> frozenset[ObjectRef]:
    """Give objects and those an edge away: owners, Pods, nodes, Services, what they mount, and what they call."""
    return frozenset(chain.from_iterable(_beside(snapshot, ref.object) for ref in objects))


def _beside(snapshot: Snapshot, ref: ObjectRef) -> Iterator[ObjectRef]:
    topology = snapshot.topology
    workload = topology.workload(topology.behind(ref) or ref)
    owner = topology.owner(ref)
    yield from (ref, workload, *((owner,) if owner else ()))
    yield from topology.impact.get(ref, ())
    for pod in _pods(snapshot, ref, workload):
        yield from _of_pod(snapshot, pod)
    template = snapshot.objects.get(workload)
    if isinstance(template, Workload):
        yield from topology.references(workload, template.spec.template.spec)
    yield from (service.ref for service in topology.services_for(workload))
    for called in topology.calls.get(workload, ()):
        yield from _called(snapshot, called)


def _pods(snapshot: Snapshot, ref: ObjectRef, workload: ObjectRef) -> Iterable[Pod]:
    """Give a Pod itself but not its siblings, those that a Service selects, or those of a workload."""
    match snapshot.objects.get(ref):
        case Pod() as pod:
            return (pod,)
        case Service() as service:
            return snapshot.topology.selected(service)
        case _:
            return snapshot.topology.pods_of(workload)


def _of_pod(snapshot: Snapshot, pod: Pod) -> Iterator[ObjectRef]:
    topology = snapshot.topology
    owner = topology.owner(pod.ref)
    yield from (pod.ref, *((owner,) if owner else ()))
    if pod.spec.node_name:
        yield ObjectRef(cluster=pod.ref.cluster, kind="Node", name=pod.spec.node_name)
    yield from (service.ref for service in topology.services_of(pod.ref))
    for needed in topology.references(pod.ref, pod.spec):
        yield needed
        claim = snapshot.objects.get(needed)
        if isinstance(claim, PersistentVolumeClaim) and claim.spec.volume_name:
            yield ObjectRef(cluster=needed.cluster, kind="PersistentVolume", name=claim.spec.volume_name)


def _called(snapshot: Snapshot, workload: ObjectRef) -> Iterator[ObjectRef]:
    topology = snapshot.topology
    pods, services = topology.pods_of(workload), topology.services_for(workload)
    yield from (workload, *(pod.ref for pod in pods), *(service.ref for service in services))


def _called_from(snapshot: Snapshot, namespace: str) -> frozenset[ObjectRef]:
    """Give what workloads of a namespace call in others."""
    calls = snapshot.topology.calls.items() if namespace else ()
    called = {callee for caller, callees in calls if caller.namespace == namespace for callee in callees}
    outside = (callee for callee in called if callee.namespace != namespace)
    return frozenset(chain.from_iterable(_called(snapshot, callee) for callee in outside))
