"""
Probes that no text describes: which fail now, by the kubelet's Events alone.

A table row or an Event shows that a Pod has a probe, but not what it asks. Failures of a start that has succeeded since
are noise here too: they count where the Pod is not ready, and where only Events are known, if they went on for long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

from kfi.diagnosis.conditions.containers import current_pods, killed_probe
from kfi.diagnosis.conditions.heard import HeardPods
from kfi.diagnosis.conditions.probe_failures import probed
from kfi.diagnosis.conditions.served import probes
from kfi.models.schemas import ObjectRef
from kfi.snapshot.pod import Pod
from kfi.snapshot.view import Event, Snapshot

_SAID = re.compile(r"^(Liveness|Readiness|Startup) probe (?:failed|errored)(?: and resulted in \S+ state)?: ?")
# Longer than the first failures of a start last.
_LONG = timedelta(minutes=2)


def unseen_failures(snapshot: Snapshot) -> Iterator[tuple[Event, float]]:
    """Yield failures of probes that no text describes, each with how surely it fails now."""
    for pod in current_pods(snapshot):
        described = pod.spec.containers or any(probes(run.spec) for run in probed(snapshot, pod))
        if not described and not pod.ready and not _ends(pod):
            yield from ((event, 0.9) for event in _newest(snapshot, pod.ref))
    heard = HeardPods.of(snapshot)
    for ref in heard.unmet("Unhealthy"):
        loops = any(e.message.startswith("Back-off restarting") for e in snapshot.events_of(ref, "BackOff"))
        killed = any(killed_probe(e) for e in snapshot.events_of(ref, "Killing"))
        for event in _newest(snapshot, ref):
            if _lasts(snapshot, event) and (killed or not loops):
                yield event, heard.certainty(event)


def told(event: Event) -> tuple[str, str]:
    """Give which probe an Unhealthy Event is about, and what the prober said."""
    said = _SAID.match(event.message)
    return (said[1].lower(), event.message[said.end() :]) if said else ("", event.message)


def _ends(pod: Pod) -> bool:
    """Tell whether its containers do not run, so that no probe can succeed."""
    return pod.status.summary not in ("", "Running")


def _newest(snapshot: Snapshot, ref: ObjectRef) -> Iterator[Event]:
    """Yield the newest failure of each kind of probe."""
    seen = set()
    for event in snapshot.events_of(ref, "Unhealthy"):
        kind, _ = told(event)
        if kind and kind not in seen:
            seen.add(kind)
            yield event


def _lasts(snapshot: Snapshot, event: Event) -> bool:
    """Tell whether a failure went on for longer than a start takes."""
    if event.last is None or event.first is None:
        return event.count > 3
    started = [e.last for e in snapshot.events_of(event.ref.object, "Started", "Scheduled") if e.last]
    # A Pod whose start is not among the Events started before the oldest of them.
    beside = [e.last for e in snapshot.events if e.last and e.ref.namespace == event.ref.namespace]
    return event.last - min((event.first, *(started or beside))) > _LONG
