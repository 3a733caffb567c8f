"""What was changed before an incident is told of everything that it depends on, and of nothing later."""

from __future__ import annotations

from datetime import datetime, timedelta

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import independent, ranked
from kfi.diagnosis.preceding import preceding
from kfi.diagnosis.rules import examine
from tests.cluster import NOW, event, listing, obj, ref, snapshot


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def stamp(minutes: float) -> str:
    return ago(minutes).isoformat()


POD = {"containers": [{"name": "app", "image": "cart:1", "envFrom": [{"configMapRef": {"name": "cart-env"}}]}]}


def crashing(**last):
    ended = {"exitCode": 1, "reason": "Error", "finishedAt": stamp(2), **last}
    waiting = {"waiting": {"reason": "CrashLoopBackOff"}}
    state = {"name": "app", "restartCount": 6, "state": waiting, "lastState": {"terminated": ended}}
    return (
        obj("Deployment/orchard/cart", spec={"replicas": 1, "template": {"spec": POD}}),
        obj("ReplicaSet/orchard/cart-5b6c7d8f9", metadata=owned_by("Deployment", "cart")),
        obj(
            "Pod/orchard/cart-5b6c7d8f9-x2x4z",
            metadata=owned_by("ReplicaSet", "cart-5b6c7d8f9"),
            spec={**POD, "nodeName": "node-a"},
            status={"phase": "Running", "containerStatuses": [state]},
        ),
        event("Pod/orchard/cart-5b6c7d8f9-x2x4z", "BackOff", "Back-off restarting failed container", ago=20 * 60),
    )


def owned_by(kind: str, name: str):
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True}], "creationTimestamp": stamp(900)}


def config(host: str, minutes: float):
    return obj("ConfigMap/orchard/cart-env", at=ago(minutes), data={"DB_HOST": host})


def before(states, *documents):
    seen = snapshot(*documents)
    incident, *_ = ranked(independent(seen, tuple(examine(seen)), catalogue()), ())
    return preceding(seen, incident, lambda which: [one for one in states if one.ref == which])


def test_a_change_that_lies_between_two_observations_may_have_come_before():
    states = [config("db", 60), config("bd", 0)]

    found = before(states, *crashing(), states[-1])

    assert [(change.ref, change.after, change.statement) for change in found.changes] == [
        (ref("ConfigMap/orchard/cart-env"), ago(60), "changed the key DB_HOST from 'db' to 'bd'")
    ]


def test_a_change_that_was_seen_only_after_it_began_is_not_told():
    states = [config("db", 10), config("bd", 0)]

    assert before(states, *crashing(), states[-1]).changes == ()


def test_what_a_container_waits_for_was_deleted_before():
    gone = [config("db", 60)]
    told = 'configmap "cart-env" not found'
    waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": told}}
    ended = {"terminated": {"exitCode": 0, "reason": "Completed", "finishedAt": stamp(20)}}
    state = {"name": "app", "restartCount": 1, "state": waiting, "lastState": ended}
    made = {"creationTimestamp": stamp(900)}
    pod = obj("Pod/orchard/cart-0", metadata=made, spec=POD, status={"phase": "Running", "containerStatuses": [state]})

    found = before(gone, pod, listing("ConfigMap", "orchard", "mailer-env"))

    assert found.began == ago(20)
    assert [(str(one.ref), one.statement, one.after) for one in found.changes] == [
        ("ConfigMap/orchard/cart-env", "was deleted", ago(60))
    ]


def test_a_crash_that_comes_again_began_with_the_first_back_off():
    assert before([], *crashing(reason="OOMKilled", exitCode=137)).began == ago(20)


def test_what_was_done_to_a_node_is_told_of_who_waits_for_one():
    states = [obj("Node/node-a", at=ago(60), spec={}), obj("Node/node-a", spec={"unschedulable": True})]
    waits = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    waits["message"] = "0/1 nodes are available: 1 node(s) were unschedulable."
    pending = obj("Pod/orchard/cart-1", spec=POD, status={"phase": "Pending", "conditions": [waits]})

    found = before(states, pending, states[-1])

    assert [(str(change.ref), change.statement) for change in found.changes] == [("Node/node-a", "cordoned the node")]
