"""
The cluster at an earlier moment, as far as a snapshot itself remembers it.

Condition transitions, the times of a container's present and last run, creation times and Event times say how things
were. What nothing remembers is left out, never guessed: a node's condition is turned round only back to the Event that
tells of its change, and without one for the moment before it; a container is nothing before the run that its status
still names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain, pairwise

from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.objects import Condition, Resource
from kfi.snapshot.past_pod import crashed, pod_at, pod_heard, pod_times
from kfi.snapshot.pod import Pod
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Endpoints, Node, PersistentVolumeClaim, Service, Workload
from kfi.snapshot.view import Alert, Event, Listing, Log, Snapshot, recency

# Kinds whose numbers are of now: what they were then only Events tell.
_USED_UP = frozenset({"ResourceQuota"})
# Changes closer together than this are one: the parts of a node or Pod report seconds apart.
_TOGETHER = timedelta(seconds=5)
# A node that becomes ready so soon after it joined is starting, not recovering.
_JOINING = timedelta(minutes=10)
# Kinds whose objects others make: a new one stands for another one before it.
_COME_AND_GO = frozenset({"Pod", "ReplicaSet", "Job", "ControllerRevision"})
_NOT_FOUND = re.compile(r'"(?:[^"\s/]{1,253}/)?([^"\s/]{1,253})" not found')
# Who fails at something says so again within this time.
_SAID_AGAIN = timedelta(minutes=6)
_NO_VOLUME = ("ProvisioningFailed", "FailedBinding")
_JUST_BEFORE = timedelta(seconds=1)
_TELLS_OF = {
    "Ready": ("NodeNotReady", "NodeHasUnknownStatus"),
    "MemoryPressure": ("NodeHasInsufficientMemory", "EvictionThresholdMet"),
    "DiskPressure": ("NodeHasDiskPressure", "EvictionThresholdMet", "FreeDiskSpaceFailed"),
    "PIDPressure": ("NodeHasInsufficientPID", "EvictionThresholdMet"),
}


@dataclass(frozen=True)
class Rewound(Snapshot):
    """A snapshot of the past. A line that shows how something is now proves nothing of it."""

    changed: frozenset[ObjectRef] = field(default_factory=frozenset)
    """Objects that were otherwise then."""
    undated: frozenset[ObjectRef] = field(default_factory=frozenset)
    """Nodes whose trouble began at a time that nothing remembers."""

    def cite(self, ref: ObjectRef, *paths: Path) -> tuple[Citation, ...]:
        """Give the lines that show these fields; of an object that was otherwise, the lines that remember it."""
        if ref.kind in _USED_UP:
            return ()
        if ref.object in self.changed:
            paths = tuple(dict.fromkeys(past for path in paths for past in _remembering(path)))
        return super().cite(ref, *paths)

    def cite_row(self, ref: ObjectRef) -> tuple[Citation, ...]:
        """Give the line that names the object, unless it shows how it is now."""
        return () if ref.object in self.changed or ref.kind in _USED_UP else super().cite_row(ref)


def _remembering(path: Path) -> Iterator[Path]:
    if path[:1] != ("status",):
        yield path
    elif path[1:2] == ("conditions",) and len(path) > 2:
        yield (*path[:3], "lastTransitionTime")
    elif "state" in path:
        place = path.index("state")
        yield (*path[:place], "lastState", *path[place + 1 :])
    elif "lastState" in path or path[-1:] == ("restartCount",):
        yield path


def intervals(snapshot: Snapshot, low: datetime, high: datetime, most: int) -> list[tuple[datetime, datetime]]:
    """Give the stretches between two moments in which, as far as is remembered, nothing changed; oldest first.

    At most `most`: where more changed, the shortest stretches fall together with their neighbours.
    """
    times = sorted(time for time in set(_times(snapshot)) if low < time < high)
    kept = [low]
    for time in (*times, high):
        if time - kept[-1] >= _TOGETHER:
            kept.append(time)
    if kept[-1] != high and len(kept) > 1:
        kept[-1] = high
    while len(kept) > most + 1:
        gaps = [(after - before, place) for place, (before, after) in enumerate(pairwise(kept))]
        place = min(gaps)[1]
        del kept[place + 1 if place + 1 < len(kept) - 1 else place]
    return list(pairwise(kept))


def _times(snapshot: Snapshot) -> Iterator[datetime]:
    """Yield every time at which trouble is known to have begun, changed or ended."""
    heard = {event.ref.object for event in snapshot.events if tells_of_trouble(event)}
    for event in snapshot.events:
        ends = event.reason in _ENDS_TROUBLE and event.ref.object in heard and event.ref.object not in snapshot.objects
        if ends or tells_of_trouble(event):
            yield from filter(None, (event.first, event.last))
    for alert in snapshot.alerts:
        yield from filter(None, (alert.record.starts_at, alert.record.ends_at))
    for pod in snapshot.pods:
        if pod.ref in heard or crashed(pod):
            yield from pod_times(pod)
    yield from _job_ends(snapshot)
    for node in snapshot.nodes:
        yield from (c.last_transition_time for c in node.status.conditions if c.last_transition_time)


def _job_ends(snapshot: Snapshot) -> Iterator[datetime]:
    """Yield when Jobs ended of which one failed: the next one of a CronJob may have mended it."""
    jobs = tuple(snapshot.live(Workload, "Job"))
    tops = {snapshot.topology.workload(job.ref) for job in jobs if job.status.failed}
    for job in jobs:
        if snapshot.topology.workload(job.ref) in tops:
            yield from _ended(job)


def _ended(job: Workload) -> Iterator[datetime]:
    ends = (job.status.completion_time, *(condition.last_transition_time for condition in job.status.conditions))
    yield from filter(None, ends)


# What is heard of an object when its trouble is over; of one that was seen its conditions say it.
_ENDS_TROUBLE = frozenset(
    "Scheduled Started NodeReady NodeHasSufficientMemory NodeHasNoDiskPressure NodeHasSufficientPID".split()
)
# The node controller and the kubelet tell of a node's trouble in Normal Events.
_TOLD_AS_NORMAL = frozenset(chain.from_iterable(_TELLS_OF.values()))


def tells_of_trouble(event: Event) -> bool:
    """Tell whether an Event says that something is wrong, whatever its type."""
    return event.type == "Warning" or event.reason in _TOLD_AS_NORMAL


def rewound(snapshot: Snapshot, moment: datetime) -> Rewound:
    """Give the snapshot as it was at an earlier moment, as far as it remembers that."""
    events = tuple(_events_at(snapshot.events, moment))
    now, then = snapshot.objects, dict[ObjectRef, Resource]()
    heard: dict[ObjectRef, list[Event]] = {}
    for event in events:
        heard.setdefault(event.ref.object, []).append(event)
    missed = frozenset(name for event in events for name in _NOT_FOUND.findall(event.message))
    for ref, resource in now.items():
        past = _resource_at(resource, moment, heard.get(ref, ()), missed)
        if past is not None:
            then[ref] = past
    short = frozenset(_refused_pods(snapshot, heard, moment))
    for ref, workload in [(ref, one) for ref, one in then.items() if isinstance(one, Workload)]:
        then[ref] = _workload_at(snapshot, workload, then, moment, ref in short)
    then |= {pod.ref: pod for pod in _gone_since(snapshot, heard, moment)}
    changed = frozenset(ref for ref, resource in then.items() if resource is not now.get(ref))
    return Rewound(
        as_of=moment,
        objects=then,
        declared=snapshot.declared,
        seen=snapshot.seen,
        events=events,
        logs=tuple(_logs_at(snapshot.logs, moment)),
        services=tuple(s for s in snapshot.services if s.record.since is not None and s.record.since <= moment),
        alerts=tuple(_alerts_at(snapshot.alerts, moment)),
        calls=snapshot.calls,
        listings=tuple(_listing_at(listing, heard) for listing in snapshot.listings),
        changed=changed,
        undated=frozenset(ref for ref in changed if _undated(then[ref])),
    )


def _gone_since(snapshot: Snapshot, heard: Mapping[ObjectRef, list[Event]], moment: datetime) -> Iterator[Pod]:
    """Yield the Pods that only Events remember, where the Pods of their namespace were seen."""
    looked_at = {(pod.ref.cluster, pod.namespace) for pod in snapshot.pods}
    for ref, told in heard.items():
        if ref.kind == "Pod" and ref not in snapshot.objects and (ref.cluster, ref.namespace) in looked_at:
            pod = pod_heard(ref, moment, told)
            if pod:
                yield pod


def _undated(resource: Resource) -> bool:
    if not isinstance(resource, Node):
        return False
    trouble = (c for c in resource.status.conditions if c.status != ("True" if c.type == "Ready" else "False"))
    return any(condition.last_transition_time is None for condition in trouble)


def _events_at(events: Iterable[Event], moment: datetime) -> Iterator[Event]:
    for event in events:
        begun = event.first or event.last
        if begun is None or begun > moment:
            continue
        yield event if event.last and event.last <= moment else replace(event, last=moment)


def _logs_at(logs: Iterable[Log], moment: datetime) -> Iterator[Log]:
    """Yield what had been written; lines without a time were written at an unknown one, and prove nothing of then."""
    for log in logs:
        if log.first is not None and log.first <= moment:
            yield log if log.last and log.last <= moment else replace(log, last=moment)


def _alerts_at(alerts: Iterable[Alert], moment: datetime) -> Iterator[Alert]:
    for alert in alerts:
        record = alert.record
        if record.starts_at is not None and record.starts_at <= moment and not _over(record.ends_at, moment):
            yield replace(alert, record=record.model_copy(update={"state": "active", "ends_at": None}))


def _over(ends_at: datetime | None, moment: datetime) -> bool:
    return ends_at is not None and ends_at <= moment


def _listing_at(listing: Listing, heard: Mapping[ObjectRef, object]) -> Listing:
    """Give a list with those that Events tell of: they were there then, whatever became of them."""
    gone = {f"{ref.namespace}/{ref.name}" if ref.namespace else ref.name for ref in heard if listing.covers(ref)}
    return replace(listing, names=listing.names | gone) if gone else listing


def _resource_at(
    resource: Resource, moment: datetime, events: Iterable[Event], missed: frozenset[str]
) -> Resource | None:
    """Give an object as it was, the object itself where nothing says otherwise, None where it was not there or unknown.

    What is configured is often deleted and made again: that it was not there needs an Event that `missed` it.
    """
    created = resource.metadata.creation_timestamp
    unborn = created is not None and created > moment and (resource.kind in _COME_AND_GO or resource.name in missed)
    if unborn or isinstance(resource, Endpoints):
        return None
    deletion = resource.metadata.deletion_timestamp
    if deletion is not None and deletion > moment:
        metadata = resource.metadata.model_copy(update={"deletion_timestamp": None})
        resource = resource.model_copy(update={"metadata": metadata})
    match resource:
        case Pod():
            return pod_at(resource, moment, events)
        case Node():
            return _node_at(resource, moment, events)
        case PersistentVolumeClaim():
            return _claim_at(resource, moment, events)
        case Service():
            return resource.model_copy(update={"status": type(resource.status)()})
    return resource


def _claim_at(claim: PersistentVolumeClaim, moment: datetime, events: Iterable[Event]) -> PersistentVolumeClaim:
    """Give a claim unbound while Events say that it gets no volume; nothing else remembers when it was bound."""
    if not any(e.reason in _NO_VOLUME and e.last and moment - e.last <= _SAID_AGAIN for e in events):
        return claim
    spec = claim.spec.model_copy(update={"volume_name": ""})
    return claim.model_copy(update={"spec": spec, "status": claim.status.model_copy(update={"phase": "Pending"})})


def _node_at(node: Node, moment: datetime, events: Iterable[Event]) -> Node:
    told = list(events)
    conditions = [_node_condition_at(node, condition, moment, told) for condition in node.status.conditions]
    if conditions == node.status.conditions:
        return node
    return node.model_copy(update={"status": node.status.model_copy(update={"conditions": conditions})})


def _node_condition_at(node: Node, condition: Condition, moment: datetime, events: list[Event]) -> Condition:
    """Give a condition as it was: trouble that is over since its last transition, from the Event that tells of it."""
    changed, created = condition.last_transition_time, node.metadata.creation_timestamp
    well = "True" if condition.type == "Ready" else "False"
    if changed is None or changed <= moment:
        return condition
    if condition.status != well:
        return condition.model_copy(update={"status": well, "reason": "", "message": "", "last_transition_time": None})
    if created is not None and changed - created < _JOINING:
        return condition
    # Of an Event that came again later only the later time would fit, and that is still to come.
    tells = [e for e in events if e.reason in _TELLS_OF.get(condition.type, ()) and e.last and e.last < moment]
    told = max(tells, key=recency, default=None)
    if told is None:
        # Nothing tells when it began; that it was so is known of the moment before it ended.
        over = changed - moment <= _JUST_BEFORE and condition.type == "Ready"
        unknown = {"reason": "", "message": "", "last_transition_time": None}
        return condition.model_copy(update={**unknown, "status": "False"}) if over else condition
    trouble = ("Unknown" if told.reason == "NodeHasUnknownStatus" else "False") if well == "True" else "True"
    since = told.first if told.first and told.count == 1 else told.last
    return condition.model_copy(
        update={"status": trouble, "reason": told.reason, "message": told.message, "last_transition_time": since}
    )


def _job_at(job: Workload, moment: datetime) -> Workload:
    """Give a Job that had not ended yet."""
    if not any(time > moment for time in _ended(job)):
        return job
    running: dict[str, object] = {"succeeded": None, "completion_time": None, "conditions": []}
    return job.model_copy(update={"status": job.status.model_copy(update=running)})


def _refused_pods(
    snapshot: Snapshot, heard: Mapping[ObjectRef, Iterable[Event]], moment: datetime
) -> Iterator[ObjectRef]:
    """Yield the controllers that say that they cannot create Pods, and the workloads above them."""
    for ref, told in heard.items():
        if any(e.reason == "FailedCreate" and e.last and moment - e.last <= _SAID_AGAIN for e in told):
            yield from (ref, snapshot.topology.workload(ref))


def _workload_at(
    snapshot: Snapshot, workload: Workload, then: Mapping[ObjectRef, Resource], moment: datetime, is_short: bool
) -> Workload:
    """Give a workload with as many ready Pods as were ready; as it is now where other Pods than those of now served."""
    if workload.kind == "Job":
        return _job_at(workload, moment)
    pods = [pod.ref for pod in snapshot.topology.pods_of(snapshot.topology.workload(workload.ref))]
    if not is_short and (
        workload.ref != snapshot.topology.workload(workload.ref)
        or not all(ref in then for ref in pods)
        or all(then[ref] is snapshot.objects[ref] for ref in pods)
    ):
        return workload
    ready = sum(isinstance(pod := then.get(ref), Pod) and pod.ready for ref in pods)
    numbers: dict[str, object] = {"replicas": sum(ref in then for ref in pods)} if is_short else {}
    numbers |= {"ready_replicas": ready, "available_replicas": ready, "number_ready": ready, "conditions": []}
    return workload.model_copy(update={"status": workload.status.model_copy(update=numbers)})
