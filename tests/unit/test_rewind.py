"""An earlier moment is shown as far as something remembers it, and no further."""

from __future__ import annotations

from datetime import timedelta

from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Node, Workload
from kfi.snapshot.rewind import intervals, rewound
from tests.cluster import NOW, event, listing, log, obj, ref, snapshot


def ago(minutes: float):
    return NOW - timedelta(minutes=minutes)


def stamp(minutes: float) -> str:
    return ago(minutes).isoformat()


def node(ready_since: float, *, made: float = 9000, status: str = "True"):
    ready = {"type": "Ready", "status": status, "lastTransitionTime": stamp(ready_since)}
    return obj("Node/node-b", metadata={"creationTimestamp": stamp(made)}, status={"conditions": [ready]})


def lost(minutes: float):
    return event(
        "Node/node-b", "NodeNotReady", "Node node-b status is now: NodeNotReady", type="Normal", ago=minutes * 60
    )


def ready_of(seen, minutes: float) -> str:
    past = rewound(seen, ago(minutes)).objects[ref("Node/node-b")]
    assert isinstance(past, Node)
    condition = past.condition("Ready")
    return condition.status if condition else ""


def test_a_node_was_not_ready_from_the_event_to_the_transition():
    seen = snapshot(node(60), lost(68))

    assert [ready_of(seen, minutes) for minutes in (70, 65, 61, 59, 0)] == ["True", "False", "False", "True", "True"]


def test_without_an_event_only_the_moment_before_the_transition_is_known():
    seen = snapshot(node(60))
    just_before = rewound(seen, ago(60) - timedelta(milliseconds=1))

    assert ready_of(seen, 65) == "True"
    assert just_before.undated == {ref("Node/node-b")}


def test_a_node_that_joined_was_not_lost():
    seen = snapshot(node(60, made=62))

    assert not rewound(seen, ago(60) - timedelta(milliseconds=1)).changed


def test_a_node_that_is_lost_now_was_well_before():
    seen = snapshot(node(5, status="Unknown"))

    assert (ready_of(seen, 6), ready_of(seen, 4)) == ("True", "Unknown")


def pod(state, last=None, *, restarts: int = 0, made: float = 600, conditions=()):
    status = {"name": "app", "ready": True, "restartCount": restarts, "state": state, "lastState": last or {}}
    return obj(
        "Pod/orchard/cart-1",
        metadata={"creationTimestamp": stamp(made)},
        spec={"nodeName": "node-b", "containers": [{"name": "app"}]},
        status={"phase": "Running", "containerStatuses": [status], "conditions": list(conditions)},
    )


def container_at(seen, minutes: float):
    past = rewound(seen, ago(minutes)).objects[ref("Pod/orchard/cart-1")]
    assert isinstance(past, Pod)
    return past.status.container_statuses[0]


OOM = {"terminated": {"exitCode": 137, "reason": "OOMKilled", "startedAt": stamp(500), "finishedAt": stamp(30)}}


def test_a_container_between_two_runs_is_stopped_and_before_that_it_ran():
    seen = snapshot(pod({"running": {"startedAt": stamp(20)}}, OOM, restarts=1))

    assert container_at(seen, 10).state.running
    stopped = container_at(seen, 25).state.terminated
    assert stopped
    assert stopped.reason == "OOMKilled"
    assert container_at(seen, 40).state.running
    assert container_at(seen, 40).restart_count == 0
    before_both = container_at(seen, 550)
    assert before_both.state.running is before_both.state.terminated is before_both.state.waiting is None


def test_a_back_off_in_the_pause_makes_it_a_crash_loop():
    said = event("Pod/orchard/cart-1", "BackOff", "Back-off restarting failed container app", ago=26 * 60)
    waiting = container_at(
        snapshot(pod({"running": {"startedAt": stamp(20)}}, OOM, restarts=1), said), 25
    ).state.waiting

    assert waiting
    assert waiting.reason == "CrashLoopBackOff"


def test_before_the_first_run_the_kubelet_says_why_it_did_not_start():
    said = event("Pod/orchard/cart-1", "Failed", 'Failed to pull image "cart:9": not found', ago=50 * 60)
    waiting = container_at(snapshot(pod({"running": {"startedAt": stamp(20)}}), said), 25).state.waiting

    assert waiting
    assert (waiting.reason, waiting.message) == ("ErrImagePull", 'Failed to pull image "cart:9": not found')


def test_a_pod_that_was_not_scheduled_then_had_no_node_and_no_containers():
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": stamp(20)}
    said = event("Pod/orchard/cart-1", "FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.", ago=30 * 60)
    seen = snapshot(pod({"running": {"startedAt": stamp(19)}}, conditions=[scheduled]), said)
    past = rewound(seen, ago(25)).objects[ref("Pod/orchard/cart-1")]

    assert isinstance(past, Pod)
    assert (past.status.phase, past.spec.node_name, past.status.container_statuses) == ("Pending", "", [])
    condition = past.condition("PodScheduled")
    assert condition
    assert condition.message == "0/3 nodes are available: 3 Insufficient cpu."


def test_what_was_made_later_was_not_there_unless_it_was_made_again():
    seen = snapshot(
        pod({"running": {"startedAt": stamp(19)}}, made=20),
        obj("ConfigMap/orchard/cart-env", metadata={"creationTimestamp": stamp(20)}),
        obj("Secret/orchard/cart-db", metadata={"creationTimestamp": stamp(20)}),
        event("Pod/orchard/old", "Failed", 'Error: secret "cart-db" not found', ago=30 * 60),
    )
    past = rewound(seen, ago(25))

    assert ref("Pod/orchard/cart-1") not in past.objects
    assert ref("ConfigMap/orchard/cart-env") in past.objects
    assert ref("Secret/orchard/cart-db") not in past.objects


def test_a_deployment_is_as_ready_as_its_pods_were():
    owned = {"ownerReferences": [{"kind": "ReplicaSet", "name": "cart-1a2b3", "controller": True}]}
    running = {"name": "app", "ready": True, "state": {"running": {"startedAt": stamp(500)}}}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp(20)}
    seen = snapshot(
        obj("Deployment/orchard/cart", spec={"replicas": 1}, status={"readyReplicas": 1}),
        obj("ReplicaSet/orchard/cart-1a2b3", metadata={"ownerReferences": [{"kind": "Deployment", "name": "cart"}]}),
        obj(
            "Pod/orchard/cart-1a2b3-x",
            metadata={"creationTimestamp": stamp(600), **owned},
            status={"phase": "Running", "conditions": [ready], "containerStatuses": [running]},
        ),
    )
    past = rewound(seen, ago(30)).objects[ref("Deployment/orchard/cart")]

    assert isinstance(past, Workload)
    assert past.ready_count == 0


def test_a_pod_that_is_gone_is_shown_by_its_events_as_long_as_they_come():
    said = event("Pod/orchard/old-1", "BackOff", "Back-off restarting failed container app", ago=1800, container="app")
    seen = snapshot(pod({"running": {"startedAt": stamp(500)}}), said)
    past = rewound(seen, ago(29)).objects[ref("Pod/orchard/old-1")]

    assert isinstance(past, Pod)
    waiting = past.status.container_statuses[0].state.waiting
    assert waiting
    assert waiting.reason == "CrashLoopBackOff"
    assert ref("Pod/orchard/old-1") not in rewound(seen, ago(31)).objects
    assert ref("Pod/orchard/old-1") not in rewound(seen, ago(20)).objects


def test_a_pod_that_was_stopped_is_not_there_any_more():
    seen = snapshot(
        pod({"running": {"startedAt": stamp(500)}}),
        event("Pod/orchard/old-1", "BackOff", "Back-off restarting failed container app", ago=1800),
        event("Pod/orchard/old-1", "Killing", "Stopping container app", type="Normal", ago=1790),
    )

    assert ref("Pod/orchard/old-1") not in rewound(seen, ago(29)).objects


def test_pods_that_nobody_looked_at_are_not_gone():
    said = event("Pod/orchard/old-1", "BackOff", "Back-off restarting failed container app", ago=1800)

    assert ref("Pod/orchard/old-1") not in rewound(snapshot(node(60), said), ago(29)).objects


def test_a_job_had_not_succeeded_before_it_did():
    status = {"succeeded": 1, "failed": 1, "completionTime": stamp(20)}
    status |= {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": stamp(20)}]}
    seen = snapshot(obj("Job/orchard/reindex", metadata={"creationTimestamp": stamp(60)}, status=status))
    then, now = (rewound(seen, ago(minutes)).objects[ref("Job/orchard/reindex")] for minutes in (25, 15))

    assert isinstance(then, Workload)
    assert isinstance(now, Workload)
    assert (then.status.succeeded, then.condition("Complete")) == (None, None)
    assert now.status.succeeded == 1


def test_events_and_logs_of_later_are_not_there():
    seen = snapshot(event("Pod/orchard/cart-1", "BackOff", "again", ago=60), log("Pod/orchard/cart-1", "later"))
    past = rewound(seen, ago(25))

    assert (past.events, past.logs) == ((), ())


def test_a_list_of_now_does_not_prove_that_something_was_absent_then():
    seen = snapshot(listing("Pod", "orchard", "cart-2"), event("Pod/orchard/cart-1", "BackOff", "again", ago=1800))

    assert seen.absent(ref("Pod/orchard/cart-1"))
    assert rewound(seen, ago(25)).absent(ref("Pod/orchard/cart-1")) is None


def test_a_line_of_now_proves_nothing_of_then():
    seen = snapshot(node(60), lost(68))
    past = rewound(seen, ago(65))
    (line,) = past.cite(ref("Node/node-b"), ("status", "conditions", "Ready", "status"))

    assert "lastTransitionTime" in line.text


def test_stretches_lie_between_the_changes_and_are_few():
    seen = snapshot(node(60), lost(68))
    assert intervals(seen, ago(120), NOW, 12) == [(ago(120), ago(68)), (ago(68), ago(60)), (ago(60), NOW)]

    busy = snapshot(*(event("Pod/orchard/cart-1", "BackOff", f"again {n}", ago=60 * n) for n in range(1, 100)))
    stretches = intervals(busy, ago(120), NOW, 12)
    assert len(stretches) == 12
    assert (stretches[0][0], stretches[-1][1]) == (ago(120), NOW)
