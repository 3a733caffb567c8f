"""
Deletions that do not come to an end, and the extensions of the API that hold them up.

What was deleted a moment ago is on its way; after some minutes a finalizer that nobody takes off is a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from kfi.diagnosis.conditions.service_evidence import no_endpoints
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.deletion import API_SERVICE_UNAVAILABLE, NAMESPACE_STUCK_TERMINATING, OBJECT_STUCK_DELETING
from kfi.models.schemas import Citation, Finding, ObjectRef, Role
from kfi.snapshot.access_objects import ApiService, CustomResourceDefinition
from kfi.snapshot.objects import Condition, Resource
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Namespace, Node, PersistentVolumeClaim, Service
from kfi.snapshot.view import Snapshot

RULES = (API_SERVICE_UNAVAILABLE, NAMESPACE_STUCK_TERMINATING, OBJECT_STUCK_DELETING)

_PATIENCE = timedelta(minutes=10)
# Those that say what a namespace still waits for, the most telling first.
_HOLDS_UP = (
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceFinalizersRemaining",
    "NamespaceContentRemaining",
)
_WAITS_FOR: Mapping[str, str] = {
    "foregroundDeletion": "what it owns is gone",
    "orphan": "what it owns is let go",
    "kubernetes.io/pvc-protection": "no Pod uses it",
    "kubernetes.io/pv-protection": "no claim is bound to it",
    "customresourcecleanup.apiextensions.k8s.io": "every object of its kind is gone",
    "service.kubernetes.io/load-balancer-cleanup": "the cloud's load balancer is gone",
    "batch.kubernetes.io/job-tracking": "the Job controller has counted it",
}


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield extensions that do not answer, and what they and finalizers keep from being deleted."""
    stuck = [one for one in snapshot.live(Namespace) if _terminating(one)]
    for extension in snapshot.live(ApiService):
        yield from _unavailable(snapshot, extension, stuck)
    for namespace in stuck:
        yield from _namespace(snapshot, namespace)
    for resource in snapshot.objects.values():
        if not resource.observed or not resource.metadata.deletion_timestamp:
            continue
        if resource.metadata.finalizers:
            yield from _object(snapshot, resource)
        elif isinstance(resource, Pod):
            yield from _pod(snapshot, resource)


def _unavailable(snapshot: Snapshot, extension: ApiService, stuck: list[Namespace]) -> Iterator[Finding]:
    available = extension.status.condition("Available")
    if available is None or available.status != "False":
        return
    lines = [*snapshot.cite(extension.ref, *_condition_paths("Available"))]
    behind: list[ObjectRef] = []
    if extension.spec.service:
        called = extension.spec.service
        service = snapshot.find("Service", called.namespace, called.name, extension.ref.cluster)
        behind = [service.ref] if service else []
        lines += no_endpoints(snapshot, service) if isinstance(service, Service) else ()
    said = (available.message or available.reason or "no reason given").strip().rstrip(".")[:240]
    message = f"APIService {extension.name} is not available: {said}."
    held = [one.ref for one in stuck if _names(one, extension)]
    yield API_SERVICE_UNAVAILABLE.found(
        extension.ref,
        message,
        lines[:5],
        strength=0.9,
        since=available.last_transition_time,
        affects=[*held, *behind],
    )


def _names(namespace: Namespace, extension: ApiService) -> bool:
    """Tell whether a namespace cannot be deleted because of an extension: its condition names the group."""
    said = _condition(namespace, "NamespaceDeletionDiscoveryFailure")
    group = extension.spec.group or extension.name.partition(".")[2]
    return said is not None and said.status == "True" and group in said.message


def _condition_paths(name: str) -> list[tuple[str, ...]]:
    return [("status", "conditions", name, field) for field in ("status", "reason", "message")]


def _terminating(namespace: Namespace) -> bool:
    return namespace.status.phase == "Terminating"


def _condition(namespace: Namespace, name: str) -> Condition | None:
    return next((c for c in namespace.status.conditions if c.type == name), None)


def _namespace(snapshot: Snapshot, namespace: Namespace) -> Iterator[Finding]:
    """Yield a namespace that waits for something, or has been going for long."""
    holding = [c for name in _HOLDS_UP if (c := _condition(namespace, name)) and c.status == "True"]
    deleted = namespace.metadata.deletion_timestamp
    waited = snapshot.as_of - deleted if deleted else None
    if waited is not None and waited < _PATIENCE:
        return
    if not holding and waited is None:
        # A table says nothing but Terminating: it may be a matter of seconds.
        strength, said = 0.45, "it is Terminating, and nothing shows why"
    else:
        strength, said = (0.92 if holding else 0.7), "; ".join(map(_said, holding[:3])) or "its conditions name nothing"
    left = list(_left_in(snapshot, namespace))
    more = f" Left in it: {', '.join(f'{r.ref.kind} {r.name}' for r in left[:4])}." if left else ""
    lines = (
        *snapshot.cite(namespace.ref, ("metadata", "deletionTimestamp"), ("status", "phase")),
        *(line for c in holding[:2] for line in snapshot.cite(namespace.ref, *_condition_paths(c.type)[1:])),
        *(line for one in left[:2] for line in snapshot.cite(one.ref, ("metadata", "finalizers"))),
    )
    message = f"Namespace {namespace.name} is not deleted: {said}.{more}"
    affects = [one.ref for one in left]
    yield NAMESPACE_STUCK_TERMINATING.found(
        namespace.ref, message, lines[:6], strength=strength, since=deleted, affects=affects
    )


def _said(condition: Condition) -> str:
    return (condition.message or condition.reason or condition.type).strip().rstrip(".")[:240]


def _left_in(snapshot: Snapshot, namespace: Namespace) -> Iterator[Resource]:
    """Yield what waits in a namespace for its finalizers."""
    for resource in snapshot.objects.values():
        here = resource.namespace == namespace.name and resource.ref.cluster == namespace.ref.cluster
        if here and resource.metadata.deletion_timestamp and resource.metadata.finalizers:
            yield resource


def _object(snapshot: Snapshot, resource: Resource) -> Iterator[Finding]:
    """Yield an object that waits for its finalizers."""
    deleted = resource.metadata.deletion_timestamp
    home = snapshot.find("Namespace", "", resource.namespace, resource.ref.cluster)
    with_namespace = isinstance(home, Namespace) and _terminating(home)
    if deleted is None or with_namespace or snapshot.as_of - deleted < _PATIENCE:
        return
    users = list(_users(snapshot, resource))
    finalizers = resource.metadata.finalizers
    waits = [f"{name} (until {_WAITS_FOR[name]})" if name in _WAITS_FOR else name for name in finalizers]
    minutes = int((snapshot.as_of - deleted).total_seconds() // 60)
    used = f" {_used_by(users)}" if users else ""
    message = (
        f"{resource.ref.kind} {resource.name} was deleted {counted(minutes, 'minute')} ago and waits for "
        f"{', '.join(waits)}.{used}"
    )
    lines: list[Citation] = [
        *snapshot.cite(resource.ref, ("metadata", "deletionTimestamp"), ("metadata", "finalizers")),
        *(line for ref in users[:2] for line in snapshot.cite_row(ref)),
    ]
    yield OBJECT_STUCK_DELETING.found(resource.ref, message, lines, strength=0.85, since=deleted)


def _pod(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    """Yield a Pod that its node does not end: a symptom where the node itself is gone."""
    deleted = pod.metadata.deletion_timestamp
    if deleted is None or pod.finished or snapshot.as_of - deleted < _PATIENCE:
        return
    node = snapshot.find("Node", "", pod.spec.node_name, pod.ref.cluster)
    lost = isinstance(node, Node) and node.ready is False
    said = snapshot.events_of(pod.ref, "FailedKillPod", "FailedPreStopHook")
    minutes = int((snapshot.as_of - deleted).total_seconds() // 60)
    why = f"node {pod.spec.node_name} is not ready" if lost else "its node has not ended it"
    message = f"Pod {pod.name} was to be gone {counted(minutes, 'minute')} ago, but {why}."
    lines = (*snapshot.cite(pod.ref, ("metadata", "deletionTimestamp")), *(event.citation for event in said[:2]))
    role = Role.SYMPTOM if lost else None
    yield OBJECT_STUCK_DELETING.found(pod.ref, message, lines, strength=0.7, since=deleted, role=role)


def _used_by(users: list[ObjectRef]) -> str:
    names = ", ".join(f"{ref.kind} {ref.name}" for ref in users[:3])
    return f"Still there: {names}."


def _users(snapshot: Snapshot, resource: Resource) -> Iterator[ObjectRef]:
    """Yield what a finalizer of Kubernetes waits for, where it is seen."""
    if isinstance(resource, PersistentVolumeClaim):
        for pod in snapshot.pods:
            claims = (volume.persistent_volume_claim for volume in pod.spec.volumes)
            here = pod.namespace == resource.namespace and not pod.finished
            if here and any(claim and claim.claim_name == resource.name for claim in claims):
                yield pod.ref
    elif isinstance(resource, CustomResourceDefinition):
        kind = resource.spec.names.kind
        yield from (one.ref for one in snapshot.live(Resource, kind) if not isinstance(one, Pod))
