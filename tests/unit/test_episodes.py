"""What failed and is over is told with its time; what goes on, or is only how Pods start, is not."""

from __future__ import annotations

from datetime import timedelta

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import independent, ranked
from kfi.diagnosis.episodes import resolved
from kfi.diagnosis.rules import examine
from kfi.models.schemas import State
from kfi.snapshot.build import build_snapshot
from tests.cluster import NOW, alert, event, obj, ref, snapshot

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


def killed(minutes: float):
    return {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": stamp(minutes)}}


def test_a_kill_of_long_ago_is_over():
    seen = snapshot(
        pod("cart-1", state={"running": {"startedAt": stamp(299)}}, last=killed(300), ready_since=298, restarts=1)
    )

    (finding,) = (incident.root.first for incident in judge(seen))
    ((code, _, since, until),) = over(seen)

    assert (finding.code, finding.state) == ("oom-killed", State.RESOLVED)
    assert (code, since) == ("oom-killed", NOW - timedelta(minutes=300))
    assert NOW - timedelta(minutes=299) <= until <= NOW - timedelta(minutes=298)


def test_a_kill_of_just_now_goes_on():
    seen = snapshot(pod("cart-1", state={"running": {"startedAt": stamp(1)}}, last=killed(2), ready_since=0.5))

    assert [incident.root.first.state for incident in judge(seen)] == [State.ACTIVE]


def test_a_crash_loop_of_a_pod_that_is_gone_is_told_until_it_was_heard_of_last():
    there = pod("cart-1", state={"running": {"startedAt": stamp(500)}})
    words = "Back-off restarting failed container app in pod old-1_orchard"
    first, last = (event("Pod/orchard/old-1", "BackOff", f"{words}{n}", ago=60 * n) for n in (34, 30))

    assert over(snapshot(there, first, last)) == [
        ("crash-loop-back-off", "Pod/orchard/old-1", NOW - timedelta(minutes=34), NOW - timedelta(minutes=30))
    ]
    # Of one Event nobody knows how long it lasted.
    assert over(snapshot(there, last)) == []


def test_a_pod_that_waited_for_a_node_and_is_gone_waits_no_longer():
    said = event("Pod/orchard/old-1", "FailedScheduling", "0/1 nodes are available: 1 Insufficient memory.", ago=1800)
    seen = snapshot(pod("cart-1", state={"running": {"startedAt": stamp(500)}}), said)

    (finding,) = (incident.root.first for incident in judge(seen) if "old" in str(incident.root.subject))

    assert (finding.state, finding.until) == (State.RESOLVED, NOW - timedelta(minutes=30))


def test_a_job_whose_retry_worked_failed_until_then():
    owned = {"ownerReferences": [{"kind": "Job", "name": "reindex", "controller": True}]}
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "startedAt": stamp(49), "finishedAt": stamp(47)}}
    status = {"succeeded": 1, "failed": 1, "completionTime": stamp(40)}
    seen = snapshot(
        obj("Job/orchard/reindex", metadata={"creationTimestamp": stamp(50)}, status=status),
        obj(
            "Pod/orchard/reindex-2b4d6",
            metadata={"creationTimestamp": stamp(50), **owned},
            spec={"restartPolicy": "Never", "containers": [{"name": "app"}]},
            status={"phase": "Failed", "containerStatuses": [{"name": "app", "state": ended}]},
        ),
    )

    assert over(seen) == [
        ("container-crash", "Job/orchard/reindex", NOW - timedelta(minutes=47), NOW - timedelta(minutes=40))
    ]


def test_a_claim_without_a_volume_had_none_until_it_was_bound():
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(30)}
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data-0"}}]
    waits = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    seen = snapshot(
        obj(
            "Pod/orchard/ledger-0",
            metadata={"creationTimestamp": stamp(60)},
            spec={"nodeName": "node-a", "containers": [{"name": "app"}], "volumes": volumes},
            status={"phase": "Running", "conditions": [scheduled]},
        ),
        obj(
            "PersistentVolumeClaim/orchard/data-0",
            metadata={"creationTimestamp": stamp(60)},
            spec={"storageClassName": "fast", "volumeName": "pv-1"},
            status={"phase": "Bound"},
        ),
        obj("StorageClass/fast", metadata={"creationTimestamp": stamp(33)}),
        *(event("PersistentVolumeClaim/orchard/data-0", "ProvisioningFailed", said, ago=60 * minutes)
          for said, minutes in (('storageclass "fast" not found', 59), ('storageclass "fast" not found ', 36))),
        *(event("Pod/orchard/ledger-0", "FailedScheduling", f"{waits}{n}", ago=60 * n) for n in (59, 35)),
    )  # fmt: skip

    ((code, subject, _, until),) = over(seen)

    assert (code, subject) == ("claim-storage-class-missing", "Pod/orchard/ledger-0")
    assert until <= NOW - timedelta(minutes=30)


def test_a_quota_that_has_room_by_now_kept_pods_out_and_its_present_numbers_prove_nothing():
    said = 'Error creating: pods "cart-1" is forbidden: exceeded quota: rq, requested: pods=1, used: pods=2, '
    said += "limited: pods=2"
    owned = {"ownerReferences": [{"kind": "Deployment", "name": "cart", "controller": True}]}
    by = {"ownerReferences": [{"kind": "ReplicaSet", "name": "cart-5b6c7d8f9", "controller": True}]}
    status = {"replicas": 1, "readyReplicas": 1}
    seen = snapshot(
        obj("Deployment/orchard/cart", spec={"replicas": 1}, status=status),
        obj("ReplicaSet/orchard/cart-5b6c7d8f9", metadata=owned, spec={"replicas": 1}, status=status),
        obj(
            "Pod/orchard/cart-5b6c7d8f9-x2x4z",
            metadata={"creationTimestamp": stamp(40), **by},
            status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
        ),
        obj("ResourceQuota/orchard/rq", status={"hard": {"pods": "10"}, "used": {"pods": "3"}}),
        *(event("ReplicaSet/orchard/cart-5b6c7d8f9", "FailedCreate", said, ago=60 * n) for n in (55, 42)),
    )

    found = resolved([seen], judge(seen), EARLY, judge)

    assert [(i.root.rule.code, i.root.first.until) for i in found] == [
        ("quota-pods-exceeded", NOW - timedelta(minutes=42))
    ]
    assert all(line.path == "events.txt" for line in found[0].root.evidence)


def test_what_an_observation_shows_is_told_however_short_it_was_seen():
    def at(minutes: float, state):
        when = NOW - timedelta(minutes=minutes)
        app = {"name": "app", "restartCount": 7, "state": state, "ready": "running" in state}
        status = {"phase": "Running", "containerStatuses": [app]}
        return build_snapshot([obj("Pod/orchard/cart-1", at=when, status=status)], when)

    found = over(at(60, {"waiting": {"reason": "CrashLoopBackOff"}}), at(0, {"running": {"startedAt": stamp(50)}}))

    assert [(code, until) for code, _, _, until in found] == [("crash-loop-back-off", NOW - timedelta(minutes=60))]


def test_one_trouble_has_one_name():
    """While it is killed the probe fails, and at another moment the same looks like too little time."""
    live = {"httpGet": {"path": "/live", "port": 8080}, "periodSeconds": 10}
    ended = {"terminated": {"exitCode": 137, "reason": "Error", "startedAt": stamp(130), "finishedAt": stamp(100.5)}}
    app = {"name": "app", "ready": True, "restartCount": 4, "state": {"running": {"startedAt": stamp(100)}}}
    said = "Liveness probe failed: context deadline exceeded"
    seen = snapshot(
        obj(
            "Pod/orchard/cart-1",
            metadata={"creationTimestamp": stamp(3000)},
            spec={"nodeName": "node-a", "containers": [{"name": "app", "livenessProbe": live}]},
            status={"phase": "Running", "containerStatuses": [{**app, "lastState": ended}]},
        ),
        *(event("Pod/orchard/cart-1", "Unhealthy", said, ago=60 * n, count=6, container="app") for n in (150, 101)),
        event("Pod/orchard/cart-1", "Killing", "Container app failed liveness probe, will be restarted", ago=60 * 101),
    )

    assert len(over(seen)) == 1


def test_an_alert_that_ended_tells_from_when_to_when():
    times = {"starts_at": stamp(90), "ends_at": stamp(70), "state": "resolved"}
    slow = alert(ref("Deployment/orchard/cart"), "HighLatency", "p95 latency: 10ms -> 900ms", deployment="cart")
    ended = slow.model_copy(update={"payload": {**slow.payload, **times}})

    assert over(snapshot(obj("Deployment/orchard/cart", spec={"replicas": 1}), ended)) == [
        ("pod-network-delay", "Deployment/orchard/cart", NOW - timedelta(minutes=90), NOW - timedelta(minutes=70))
    ]


def test_what_came_again_between_observations_is_told_twice():
    def at(minutes: float, status: str):
        when = NOW - timedelta(minutes=minutes)
        condition = {"type": "Ready", "status": status, "reason": "NodeStatusUnknown", "message": "no heartbeat"}
        return build_snapshot([obj("Node/node-b", at=when, status={"conditions": [condition]})], when)

    found = over(at(90, "Unknown"), at(60, "True"), at(30, "Unknown"), at(0, "True"))

    assert [until for *_, until in found] == [NOW - timedelta(minutes=30), NOW - timedelta(minutes=90)]


def test_what_an_earlier_observation_shows_and_the_last_one_does_not_is_over():
    def at(minutes: float, status: str):
        when = NOW - timedelta(minutes=minutes)
        condition = {"type": "Ready", "status": status, "reason": "NodeStatusUnknown", "message": "no heartbeat"}
        return build_snapshot([obj("Node/node-b", at=when, status={"conditions": [condition]})], when)

    ((code, subject, since, until),) = over(at(30, "Unknown"), at(20, "Unknown"), at(0, "True"))

    assert (code, subject) == ("node-not-ready", "Node/node-b")
    assert (since, until) == (NOW - timedelta(minutes=30), NOW - timedelta(minutes=20))
