"""
Which probes fail now, and which Event says so.

An Unhealthy Event without a container's name is told apart by the port it asked. Failures of a start that has succeeded
since are noise: a probe fails now only where the container is not ready, or is being killed for it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from kfi.diagnosis.conditions.containers import (
    Run,
    killed_by_probe,
    killed_probe,
    out_of_memory,
    restarting,
    runs,
    trouble,
)
from kfi.diagnosis.conditions.pod_spec import full_spec
from kfi.diagnosis.conditions.served import port_number, probes
from kfi.snapshot.pod import ContainerStatus, Pod, Probe
from kfi.snapshot.view import Event, Snapshot

_FAILED = re.compile(r"(?P<kind>Liveness|Readiness|Startup) probe (?:failed|errored)(?: and resulted in \S+ state)?: ?")
_IN_PORT = re.compile(r"[\d\]]:(\d{1,5})\b")
# Enough of one kind to compare with.
_MAX_TWINS = 20
_RECENT = timedelta(minutes=15)


@dataclass(frozen=True)
class ProbeFailure:
    """A probe that fails now."""

    run: Run
    kind: str
    probe: Probe
    event: Event
    kill: Event | None
    sure: float
    """How sure it is that it fails now."""

    @property
    def message(self) -> str:
        """What the prober said."""
        return _FAILED.sub("", self.event.message, count=1)

    @property
    def port(self) -> int | None:
        """Number of the port it asks."""
        if self.probe.network is None:
            return None
        asked = _IN_PORT.search(self.message, 0, 500)  # `describe` leaves out the names of ports
        return port_number(self.run.spec, self.probe.network.port) or (int(asked[1]) if asked else None)


def probed(snapshot: Snapshot, pod: Pod) -> Iterator[Run]:
    """Yield a Pod's containers that may have probes; of a Pod known only from a table, those of its template."""
    if pod.spec.containers or pod.status.container_statuses:
        yield from (run for run in runs(pod) if not run.init)
        return
    for container in full_spec(snapshot, pod.ref).containers:
        yield Run(pod, container, ContainerStatus(name=container.name), False, False)


def failure_of(snapshot: Snapshot, run: Run, kind: str, probe: Probe) -> ProbeFailure | None:
    """Give a probe's failure, where it fails now."""
    event = next((e for e in snapshot.events_of(run.pod.ref, "Unhealthy") if _concerns(e, run, kind, probe)), None)
    if event is None:
        return None
    kill = killed_by_probe(snapshot, run)
    kill = kill if kill and (killed_probe(kill) or kind) == kind else None
    sure = _fails_now(snapshot, run, kind, event, kill)
    return ProbeFailure(run, kind, probe, event, kill, sure) if sure else None


def _concerns(event: Event, run: Run, kind: str, probe: Probe) -> bool:
    """Tell whether an Unhealthy Event is about this probe; without a container's name, by the port it asked."""
    match = _FAILED.match(event.message)
    if not match or match["kind"].lower() != kind:
        return False
    if event.ref.container:
        return event.ref.container == run.name
    rivals = [other for other in runs(run.pod) if other.name != run.name and kind in probes(other.spec)]
    if not rivals:
        return True
    port = port_number(run.spec, probe.network.port) if probe.network else None
    asked = _IN_PORT.findall(event.message[:500])
    return str(port) in asked if asked else not run.status.ready or run.status.restart_count > 0


def _fails_now(snapshot: Snapshot, run: Run, kind: str, event: Event, kill: Event | None) -> float:
    """Say how sure it is that a probe fails at this moment: 0 for the noise of a start that has succeeded since."""
    known = bool(run.pod.status.container_statuses)
    ready = run.status.ready if known else run.pod.ready
    if kind == "readiness":
        return 0.0 if ready else 1.0 if run.status.state.running or not known else 0.4
    if ready and (kind == "startup" or _got_over(snapshot, run, kill)):
        return 0.0
    recent = event.last is None or snapshot.as_of - event.last < _RECENT
    restarts = run.status.restart_count if known else run.pod.status.restarts or 0
    if kill or (restarts and recent and known and restarting(run, snapshot.as_of)):
        return 1.0 if kill and (not known or trouble(run, snapshot.as_of)) else 0.7
    if kind == "startup":
        return 0.6
    return 0.45 if not ready and event.count > 1 and recent else 0.0


def _got_over(snapshot: Snapshot, run: Run, kill: Event | None) -> bool:
    """Tell whether a container was killed, but has run for long since."""
    since = run.running_since
    before = since is not None and kill is not None and kill.last is not None and kill.last < since
    return before and trouble(run, snapshot.as_of) == 0


def settled_runs(snapshot: Snapshot) -> Mapping[tuple[str, str], Sequence[Run]]:
    """Give the containers that are ready and were never restarted, by name with image, and by name with workload."""
    found: dict[tuple[str, str], list[Run]] = defaultdict(list)
    for pod in snapshot.pods:
        for run in runs(pod) if pod.ready else ():
            if run.status.restart_count == 0:
                for key in _likenesses(snapshot, run):
                    if len(found[key]) < _MAX_TWINS:
                        found[key].append(run)
    return found


def _likenesses(snapshot: Snapshot, run: Run) -> Iterator[tuple[str, str]]:
    if run.spec.image:
        yield run.name, run.spec.image
    yield run.name, str(snapshot.topology.workload(run.pod.ref))


def succeeds_elsewhere(
    snapshot: Snapshot, failure: ProbeFailure, settled: Mapping[tuple[str, str], Sequence[Run]]
) -> bool:
    """Tell whether the very same probe succeeds in another container of the same kind: then it asks the right thing."""
    mine = failure.run
    for key in _likenesses(snapshot, mine):
        for run in settled.get(key, ()):
            same = run.spec.ports == mine.spec.ports and probes(run.spec).get(failure.kind) == failure.probe
            if same and run.pod.ref != mine.pod.ref:
                return not any(
                    _concerns(e, run, failure.kind, failure.probe) and (e.last is None or e.count > 2)
                    for e in snapshot.events_of(run.pod.ref, "Unhealthy")
                )
    return False


def crashes(snapshot: Snapshot, failure: ProbeFailure) -> bool:
    """Tell whether the container ends for another reason than a probe: then its probes fail for that."""
    run = failure.run
    ended = run.last_end is not None and run.last_end.exit_code not in (0, None) and trouble(run, snapshot.as_of) > 0.3
    return out_of_memory(run) or (ended and killed_by_probe(snapshot, run) is None)
