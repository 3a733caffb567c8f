"""Rollouts and StatefulSets: what waits for what, and what only looks as if it did."""

from typing import Any

import pytest

from kfi.diagnosis.rules import rollout
from kfi.models.schemas import Document, Role
from tests.cluster import codes, log, obj, snapshot

CART = "Deployment/orchard/cart"
LEDGER = "StatefulSet/orchard/ledger"


def deployment(reason: str, *, status: str = "False", spec: Any = None, **counts: int) -> Document:
    said = 'ReplicaSet "cart-6d5f8b7c94" has timed out progressing.'
    condition = {"type": "Progressing", "status": status, "reason": reason, "message": said}
    wants = {"replicas": 2, "progressDeadlineSeconds": 600, **(spec or {})}
    return obj(CART, spec=wants, status={"conditions": [condition], **counts})


def test_a_rollout_past_its_deadline_names_the_replica_set_and_what_still_serves():
    new = obj("ReplicaSet/orchard/cart-6d5f8b7c94", spec={"replicas": 1}, status={"replicas": 1})

    found = next(rollout.check(snapshot(deployment("ProgressDeadlineExceeded", readyReplicas=2), new)))

    assert (found.code, str(found.ref), found.role) == ("rollout-stuck", CART, Role.SYMPTOM)
    assert "to ReplicaSet cart-6d5f8b7c94 made no progress for 600 s: 0 of its 1 Pod ready. 2 Pods" in found.message
    assert any("ProgressDeadlineExceeded" in line.text for line in found.evidence)


def test_a_rollout_that_goes_on_or_is_done_is_well():
    assert codes(rollout, deployment("ReplicaSetUpdated", status="True")) == []
    assert codes(rollout, deployment("NewReplicaSetAvailable", status="True")) == []


def test_a_paused_deployment_counts_only_with_a_change_that_waits():
    paused = {"spec": {"paused": True}, "status": "Unknown"}

    assert codes(rollout, deployment("DeploymentPaused", **paused, updatedReplicas=0)) == [("rollout-paused", CART)]
    assert codes(rollout, deployment("DeploymentPaused", **paused, updatedReplicas=2)) == []


def stateful_set(policy: str = "", replicas: int = 3) -> Document:
    return obj(LEDGER, spec={"replicas": replicas, "podManagementPolicy": policy}, status={"replicas": 1})


def member(number: int, *, ready: bool = False, message: str = "") -> Document:
    ended = {"terminated": {"exitCode": 1, "message": message}}
    status = {"name": "app", "ready": ready, "restartCount": 0 if ready else 5, "lastState": {} if ready else ended}
    state = {"running": {"startedAt": "2026-11-20T10:00:00Z"}} if ready else {"waiting": {"reason": "CrashLoopBackOff"}}
    return obj(
        f"Pod/orchard/ledger-{number}",
        metadata={"ownerReferences": [{"kind": "StatefulSet", "name": "ledger", "controller": True}]},
        spec={"containers": [{"name": "app"}]},
        status={
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{**status, "state": state}],
        },
    )


def test_an_ordered_stateful_set_waits_for_its_last_pod():
    assert codes(rollout, stateful_set(), member(0, ready=True), member(1)) == [
        ("statefulset-waits-for-ordinal", LEDGER)
    ]


@pytest.mark.parametrize(
    "documents",
    [
        (stateful_set("Parallel"), member(0)),
        (stateful_set(replicas=1), member(0)),
        (stateful_set(), member(0), member(1, ready=True)),  # the later one is there: it does not wait
        (stateful_set(), member(0, ready=True)),
    ],
)
def test_a_stateful_set_that_waits_for_no_pod_is_silent(documents: tuple[Document, ...]):
    assert codes(rollout, *documents) == []


def test_members_that_start_in_parallel_and_find_no_leader_point_to_the_order():
    quorum = "cannot join: quorum lost, ledger-2 is leader"

    found = next(rollout.check(snapshot(stateful_set("Parallel"), member(0, message=quorum), member(2, ready=True))))

    assert (found.code, str(found.ref)) == ("statefulset-parallel-start", LEDGER)
    assert "ledger-2 came up before ledger-0" in found.message
    assert found.strength < 0.7


@pytest.mark.parametrize("message", ["missing DB_URL", "leaderelection lost: failed to renew lease orchard/ledger"])
def test_other_words_say_nothing_of_the_order(message: str):
    assert codes(rollout, stateful_set("Parallel"), member(0, message=message), member(1, ready=True)) == []


def test_an_ordered_stateful_set_is_not_blamed_for_its_members_quarrel():
    said = log("Pod/orchard/ledger-1", "no quorum")

    assert "statefulset-parallel-start" not in dict(codes(rollout, stateful_set(), member(0), member(1), said))
