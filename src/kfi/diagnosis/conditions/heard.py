"""
Pods that nothing shows but their Events: whether they are still there, and how surely they still fail.

Without a list of Pods an old failure and a present one look alike. A Pod that a controller says it deleted, or whose
containers were stopped, is gone; one of which nothing was heard for long most likely is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from kfi.models.schemas import Finding, ObjectRef
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Event, Snapshot

# The kubelet backs off for five minutes at most, and so does the scheduler: what fails is heard of again.
_SILENCE = timedelta(minutes=15)
_DOUBTFUL = 0.3
# Source: kubernetes pkg/controller/controller_utils.go. Not a StatefulSet's: its Pods come back under the same name.
_DELETED = re.compile(r"^Deleted pod: (\S+)")


@dataclass(frozen=True)
class HeardPods:
    """The Pods of a snapshot that only Events name."""

    snapshot: Snapshot
    end: datetime
    deleted: frozenset[tuple[str, str, str]]

    @classmethod
    def of(cls, snapshot: Snapshot) -> HeardPods:
        """Give those of a snapshot."""
        return cls(snapshot, _end(snapshot), frozenset(_deleted(snapshot)))

    def with_events(self, *reasons: str) -> Iterator[ObjectRef]:
        """Yield the Pods that have an Event of these reasons and are not known to be gone."""
        events = self.snapshot.events
        heard = {e.ref.object for e in events if e.ref.kind == "Pod" and e.reason in reasons}
        for ref in sorted((ref for ref in heard if ref not in self.snapshot.objects), key=str):
            if not self._gone(ref):
                yield ref

    def _gone(self, ref: ObjectRef) -> bool:
        if (ref.cluster, ref.namespace, ref.name) in self.deleted or self.snapshot.absent(ref):
            return True
        if self._rolled_out(ref):
            return True
        newest, *_ = self.snapshot.events_of(ref)
        stopped = newest.reason == "Killing" and newest.message.startswith("Stopping container")
        return stopped or newest.message.startswith("skip schedule deleting pod")

    def unmet(self, *reasons: str) -> Iterator[ObjectRef]:
        """Yield those of `with_events` that were heard of lately and whose workload is not known to have its Pods.

        Of a Pod that runs, only what it says now counts: its failures are soon replaced by a new Pod's.
        """
        for ref in self.with_events(*reasons):
            newest, *_ = self.snapshot.events_of(ref)
            if self.certainty(newest) > _DOUBTFUL and not self._served(ref):
                yield ref

    def _served(self, ref: ObjectRef) -> bool:
        top = self.snapshot.topology.workload(ref)
        known = self.snapshot.objects.get(top)
        ready = sum(pod.ready for pod in self.snapshot.topology.pods_of(top))
        if isinstance(known, Workload):
            return known.observed and max(known.ready_count, ready) >= (known.desired or 1)
        return ready > 0

    def _rolled_out(self, ref: ObjectRef) -> bool:
        """Tell whether a Pod's workload has all the Pods it wants, all of the present template, and no other."""
        workload = self.snapshot.objects.get(self.snapshot.topology.workload(ref))
        if not isinstance(workload, Workload) or workload.kind != "Deployment" or workload.desired is None:
            return False
        status, wanted = workload.status, workload.desired
        counts = (status.replicas, status.updated_replicas, workload.ready_count)
        return workload.observed and all(count == wanted for count in counts)

    def certainty(self, event: Event) -> float:
        """Give how surely the Pod of an Event still fails."""
        return _DOUBTFUL if self.silent(event) else 0.85

    def over(self, finding: Finding) -> Finding:
        """Give a finding with its end where its Pod is not among those of its namespace, and nothing is heard of it."""
        ref = finding.ref.object
        newest = next(iter(self.snapshot.events_of(ref)), None)
        looked_at = ref.kind == "Pod" and ref not in self.snapshot.objects and ref.namespace in self._looked_at
        gone = newest is not None and looked_at and self.silent(newest)
        return finding.model_copy(update={"until": newest.last}) if newest and gone else finding

    @cached_property
    def _looked_at(self) -> frozenset[str]:
        return frozenset(pod.namespace for pod in self.snapshot.pods)

    def silent(self, event: Event) -> bool:
        """Tell whether nothing like an Event was heard for so long that it is most likely of the past."""
        return event.last is not None and self.end - event.last > _SILENCE


def _end(snapshot: Snapshot) -> datetime:
    """Give the time to count silence from: where Events are all there is, that of the newest of them.

    A file of Events that was copied or downloaded since has a later time than what it tells of.
    """
    if any(resource.observed for resource in snapshot.objects.values()):
        return snapshot.as_of
    newest = max((e.last for e in snapshot.events if e.last), default=snapshot.as_of)
    return min(newest, snapshot.as_of)


def _deleted(snapshot: Snapshot) -> Iterator[tuple[str, str, str]]:
    for event in snapshot.events:
        found = _DELETED.match(event.message) if event.reason == "SuccessfulDelete" else None
        if found:
            yield event.ref.cluster, event.ref.namespace, found[1]
