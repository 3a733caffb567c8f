"""What failed and is over is told with its time; what goes on, or is only how Pods start, is not."""

from __future__ import annotations

from datetime import timedelta

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import independent, ranked
from kfi.diagnosis.episodes import resolved
from kfi.diagnosis.rules import examine
from kfi.models.schemas import State
from kfi.snapshot.build import build_snapshot
from tests.cluster import NOW, event, obj, snapshot

EARLY = NOW - timedelta(hours=24)


def judge(seen):
    return ranked(independent(seen, tuple(examine(seen)), catalogue()), ())


def stamp(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat()


def over(*snapshots):
    found = resolved(snapshots, judge(snapshots[-1]), EARLY, judge)
    return [(i.root.rule.code, str(i.root.subject), i.root.first.since, i.root.first.until) for i in found]


def node(name: str, ready_since: float):
    ready = {"type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": stamp(ready_since)}
    return obj(f"Node/{name}", metadata={"creationTimestamp": stamp(9000)}, status={"conditions": [ready]})


def pod(name: str, *, state, last=None, ready_since: float = 5, made: float = 600, restarts: int = 0):
    conditions = [
        {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(made)},
        {"type": "Ready", "status": "True", "lastTransitionTime": stamp(ready_since)},
    ]
    app = {"name": "app", "ready": True, "restartCount": restarts, "state": state, "lastState": last or {}}
    return obj(
        f"Pod/orchard/{name}",
        metadata={"creationTimestamp": stamp(made)},
        spec={"nodeName": "node-a", "containers": [{"name": "app", "image": "cart:1"}]},
        status={"phase": "Running", "containerStatuses": [app], "conditions": conditions},
    )


def test_a_node_that_recovered_is_told_from_when_to_when():
    lost = event("Node/node-b", "NodeNotReady", "Node node-b status is now: NodeNotReady", type="Normal", ago=68 * 60)

    found = over(snapshot(node("node-a", 9000), node("node-b", 60), lost))

    since, until = NOW - timedelta(minutes=68), NOW - timedelta(minutes=60)
    assert found == [("node-not-ready", "Node/node-b", since, until)]


def test_a_finding_that_is_over_says_so():
    lost = event("Node/node-b", "NodeNotReady", "Node node-b status is now: NodeNotReady", type="Normal", ago=68 * 60)
    seen = snapshot(node("node-b", 60), lost)

    (incident,) = resolved([seen], judge(seen), EARLY, judge)

    assert {finding.state for finding in incident.root.findings} == {State.RESOLVED}
    assert any("NodeNotReady" in line.text for line in incident.root.evidence)


def test_an_image_that_came_at_last_is_told():
    failed = event("Pod/orchard/cart-1", "Failed", 'Failed to pull image "cart:1": manifest unknown', ago=50 * 60)
    seen = snapshot(pod("cart-1", state={"running": {"startedAt": stamp(20)}}, ready_since=20, made=51), failed)

    ((code, subject, _, until),) = over(seen)

    assert (code, subject) == ("image-not-found", "Pod/orchard/cart-1")
    assert until == NOW - timedelta(minutes=20)


def test_what_goes_on_is_not_over():
    lost = event("Node/node-b", "NodeNotReady", "Node node-b status is now: NodeNotReady", type="Normal", ago=300)
    condition = {"type": "Ready", "status": "Unknown", "reason": "NodeStatusUnknown", "lastTransitionTime": stamp(5)}
    seen = snapshot(obj("Node/node-b", status={"conditions": [condition]}), lost)

    assert judge(seen)
    assert over(seen) == []


def test_a_pod_that_started_slowly_did_not_fail():
    unready = event("Pod/orchard/cart-1", "Unhealthy", "Readiness probe failed: connection refused", ago=9.5 * 60)
    seen = snapshot(pod("cart-1", state={"running": {"startedAt": stamp(10)}}, ready_since=9.2, made=10.1), unready)

    assert over(seen) == []


def test_a_healthy_cluster_has_no_past():
    assert over(snapshot(node("node-a", 9000), pod("cart-1", state={"running": {"startedAt": stamp(500)}}))) == []


def test_what_an_earlier_observation_shows_and_the_last_one_does_not_is_over():
    def at(minutes: float, status: str):
        when = NOW - timedelta(minutes=minutes)
        condition = {"type": "Ready", "status": status, "reason": "NodeStatusUnknown", "message": "no heartbeat"}
        return build_snapshot([obj("Node/node-b", at=when, status={"conditions": [condition]})], when)

    ((code, subject, since, until),) = over(at(30, "Unknown"), at(20, "Unknown"), at(0, "True"))

    assert (code, subject) == ("node-not-ready", "Node/node-b")
    assert (since, until) == (NOW - timedelta(minutes=30), NOW - timedelta(minutes=20))
