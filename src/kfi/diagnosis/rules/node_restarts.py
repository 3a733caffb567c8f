"""
Nodes that were restarted: what ran there starts anew, and no program is to blame for its end.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.diagnosis.conditions.containers import event_citations, trouble
from kfi.diagnosis.conditions.node_restart import Restart, restarts
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.node import NODE_RESTARTED
from kfi.models.schemas import Finding
from kfi.snapshot.view import Snapshot

RULES = (NODE_RESTARTED,)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield nodes that were restarted, as long as a container that was lost then has not got over it."""
    for one in restarts(snapshot):
        weight = max(trouble(run, snapshot.as_of) for run in one.lost)
        if weight:
            yield _found(snapshot, one, weight)


def _found(snapshot: Snapshot, one: Restart, weight: float) -> Finding:
    pods = list(dict.fromkeys(run.pod.ref for run in one.lost))
    events = snapshot.events_of(one.node, "Rebooted")[:1]
    ends = [line for run in one.lost[:3] for line in snapshot.cite(run.pod.ref, *run.end_paths[:2])]
    several = len({snapshot.topology.workload(pod) for pod in pods}) > 1
    lost = f"{counted(len(one.lost), 'container')} of {counted(len(pods), 'Pod')}"
    return NODE_RESTARTED.found(
        one.node,
        f"Node {one.node.name} or its container runtime was restarted, and {lost} ended with it.",
        (*event_citations(*events), *ends)[:6],
        strength=(0.93 if several or events else 0.78) * weight,
        since=one.at,
        affects=pods,
    )
