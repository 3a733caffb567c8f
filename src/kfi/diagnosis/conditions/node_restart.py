"""
Containers that were lost because their machine, or the container runtime on it, was restarted.

containerd that comes up again and does not find a container that it ran before reports it as ended at that moment,
with exit code 255 and the reason `Unknown` (`unknownExitCode` and `unknownExitReason` of its CRI plugin). No program
ends so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kfi.diagnosis.conditions.containers import Run, current_pods, runs
from kfi.models.schemas import ObjectRef
from kfi.snapshot.view import Snapshot

_AT_ONCE = timedelta(minutes=2)
_BEFORE_ALL_TIME = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Restart:
    """What was lost on one node at one time."""

    node: ObjectRef
    lost: tuple[Run, ...]
    at: datetime | None
    """When the runtime was back and noticed the first loss."""


def lost(run: Run) -> bool:
    """Tell whether a container's last end was a restart of its node or runtime, and which node that was is known."""
    end = run.last_end
    return bool(run.pod.spec.node_name and end and end.reason == "Unknown" and end.exit_code == 255)


def restarts(snapshot: Snapshot) -> Iterator[Restart]:
    """Yield the last restart of each node that its containers tell of."""
    by_node: dict[ObjectRef, list[Run]] = defaultdict(list)
    for pod in current_pods(snapshot):
        node = ObjectRef(cluster=pod.ref.cluster, kind="Node", name=pod.spec.node_name)
        by_node[node] += filter(lost, runs(pod))
    for node, those in by_node.items():
        if those:
            yield _last(node, those)


def _last(node: ObjectRef, those: Sequence[Run]) -> Restart:
    newest = max(map(_ended, those))
    together = tuple(run for run in those if newest - _ended(run) <= _AT_ONCE)
    first = min(map(_ended, together))
    return Restart(node, together, first if first != _BEFORE_ALL_TIME else None)


def _ended(run: Run) -> datetime:
    return (run.last_end and run.last_end.finished_at) or _BEFORE_ALL_TIME
