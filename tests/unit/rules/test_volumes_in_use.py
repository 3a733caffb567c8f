"""Volumes that are full, held by another node, or on a node that takes no Pods."""

from typing import Any

import pytest

from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.rules import nodes, storage
from kfi.models.schemas import Document, ObjectRef
from tests.cluster import alert, codes, event, explain, listing, log, obj, snapshot

POD = "Pod/orchard/cart-5d9f8c7b6-x2x4z"
CLAIM = "PersistentVolumeClaim/orchard/cart-data"


def claim(**status: Any) -> Document:
    spec = {"accessModes": ["ReadWriteOnce"], "volumeName": "vol-a", "resources": {"requests": {"storage": "5Gi"}}}
    return obj(CLAIM, spec=spec, status={"phase": "Bound", "capacity": {"storage": "5Gi"}, **status})


def pod(
    name: str = POD, *, state: str = "crash", message: str = "", node: str = "node-a", ready: bool = False
) -> Document:
    states = {
        "crash": {"waiting": {"reason": "CrashLoopBackOff"}},
        "creating": {"waiting": {"reason": "ContainerCreating"}},
        "runs": {"running": {"startedAt": "2026-11-20T10:00:00Z"}},
    }
    ended = {"terminated": {"exitCode": 1, "message": message}} if state == "crash" else {}
    status = {
        "name": "app",
        "ready": ready,
        "restartCount": 3 if ended else 0,
        "state": states[state],
        "lastState": ended,
    }
    mounts = [{"name": "data", "mountPath": "/var/cart"}, {"name": "tmp", "mountPath": "/tmp"}]
    return obj(
        name,
        spec={
            "nodeName": node,
            "containers": [{"name": "app", "volumeMounts": mounts}],
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": "cart-data"}},
                {"name": "tmp", "emptyDir": {}},
            ],
        },
        status={
            "phase": "Running" if state != "creating" else "Pending",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [status],
        },
    )  # fmt: skip


@pytest.mark.parametrize(
    "words",
    [
        "write /var/cart/wal/0007: no space left on device",
        "OSError: [Errno 28] No space left on device: '/var/cart/index'",
        "Error: ENOSPC: no space left on device, write",
        "java.io.IOException: No space left on device",
        "Disk is full writing './binlog.000007' (Errcode: 28 - No space left on device)",
        'could not extend file "base/16384/2619": No space left on device',
    ],
)
def test_the_words_of_a_container_name_the_full_claim_its_size_and_its_mount(words: str):
    found = [f for f in storage.check(snapshot(pod(), claim(), log(POD, words))) if f.code == "volume-full"]

    assert [str(f.ref) for f in found] == [CLAIM]
    assert "cart-data (5Gi), mounted at /var/cart in container app" in found[0].message


@pytest.mark.parametrize(
    "words",
    [
        "write /tmp/upload: no space left on device",
        "inotify_add_watch: no space left on device",
        "failed to write /var/log/audit.log: no space left on device",
        "no quorum left in partition",
    ],
)
def test_another_disk_or_a_limit_of_the_kernel_is_not_the_volume(words: str):
    assert codes(storage, pod(), claim(), log(POD, words)) == []


def test_the_last_message_and_a_watchers_event_agree():
    said = event(CLAIM, "VolumeConditionAbnormal", "Volume cart-data is at 100% capacity")

    found = next(storage.check(snapshot(pod(message="no space left on device"), claim(), said)))

    assert (found.code, found.strength, len(found.evidence) >= 3) == ("volume-full", 0.95, True)


def test_an_alert_about_a_claim_counts_when_it_is_full_and_not_when_it_may_become_so():
    about = ObjectRef(kind="PersistentVolumeClaim", namespace="orchard", name="cart-data")
    full = alert(about, "KubePersistentVolumeFillingUp", "The claim cart-data is only 0.4% free.")
    soon = alert(
        about, "KubePersistentVolumeFillingUp", "Expected to fill up within four days. Currently 12% is available."
    )

    runs = pod(state="runs", ready=True)
    assert codes(storage, runs, claim(), full) == [("volume-full", CLAIM)]
    assert codes(storage, runs, claim(), soon) == []


def test_words_of_a_run_that_is_over_are_history():
    past = log(POD, "no space left on device", previous=True)

    assert codes(storage, pod(state="runs", ready=True), claim(), past) == []


def volume(*values: str) -> Document:
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": list(values)}
    affinity = {"required": {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}}
    return obj("PersistentVolume/vol-a", spec={"nodeAffinity": affinity}, status={"phase": "Bound"})


def node(name: str, *, cordoned: bool = False, ready: bool = True) -> Document:
    return obj(
        f"Node/{name}",
        metadata={"labels": {"kubernetes.io/hostname": name}},
        spec={"unschedulable": cordoned},
        status={"conditions": [{"type": "Ready", "status": str(ready)}]},
    )


def test_a_pod_on_another_node_than_its_volume_cannot_start():
    found = next(
        storage.check(snapshot(pod(state="creating"), claim(), volume("node-b"), node("node-a"), node("node-b")))
    )

    assert (found.code, str(found.ref)) == ("volume-node-affinity-conflict", POD)
    assert "can only be used on node node-b" in found.message
    assert "was put on node node-a" in found.message


@pytest.mark.parametrize(
    ("holder", "words"),
    [
        (node("node-b", cordoned=True), "is cordoned"),
        (node("node-b", ready=False), "is not ready"),
        (node("node-b", cordoned=True, ready=False), "is cordoned and not ready"),
        (listing("Node", "", "node-a"), "does not exist"),
    ],
)
def test_a_volume_on_a_node_that_takes_no_pods_keeps_its_pod_from_starting(holder: Document, words: str):
    waits = pod(state="creating", node="")

    found = next(storage.check(snapshot(waits, claim(), volume("node-b"), node("node-a"), holder)))

    assert (found.code, str(found.ref)) == ("volume-node-unavailable", POD)
    assert f"node-b, which {words}" in found.message


@pytest.mark.parametrize(("ready", "root"), [(False, "node-not-ready"), (True, "volume-node-unavailable")])
def test_a_node_that_is_down_is_why_the_volumes_on_it_are_not_there(ready: bool, root: str):
    waits = pod(state="creating", node="")
    said = event(POD, "FailedScheduling", "0/2 nodes are available: 2 node(s) had volume node affinity conflict.")
    holder = node("node-b", cordoned=ready, ready=ready)
    seen = snapshot(waits, said, claim(), volume("node-b"), node("node-a"), holder)

    first, *_ = explain(seen, [*nodes.check(seen), *storage.check(seen)], catalogue())

    assert first.root.rule.code == root
    explained = [group.rule.code for group in first.explained]
    assert explained == ([] if ready else ["volume-node-unavailable"])


def test_a_volume_that_is_where_its_pod_is_or_may_go_is_well():
    assert codes(storage, pod(state="creating"), claim(), volume("node-a"), node("node-a", cordoned=True)) == []
    assert (
        codes(storage, pod(state="runs", ready=True), claim(), volume("node-b"), node("node-a"), node("node-b")) == []
    )
    assert codes(storage, pod(state="creating", node=""), claim(), volume("node-b"), node("node-b")) == []


HOLDER = "Pod/orchard/cart-77d9c5b4f-aaaaa"


def test_a_volume_that_a_pod_on_another_node_uses_names_that_pod():
    said = event(POD, "FailedAttachVolume", 'Multi-Attach error for volume "vol-a" Volume is already used by pod(s) x')

    found = next(
        storage.check(
            snapshot(pod(state="creating"), pod(HOLDER, state="runs", node="node-b", ready=True), claim(), said)
        )
    )

    assert (found.code, found.since is not None) == ("volume-multi-attach", True)
    assert "the claim cart-data (ReadWriteOnce) is used by Pod cart-77d9c5b4f-aaaaa on node-b" in found.message


def test_pods_on_one_node_or_with_a_shared_volume_do_not_exclude_each_other():
    shared = obj(CLAIM, spec={"accessModes": ["ReadWriteMany"]}, status={"phase": "Bound"})
    same, other = (pod(HOLDER, state="runs", node=name, ready=True) for name in ("node-a", "node-b"))

    assert codes(storage, pod(state="creating"), same, claim()) == []
    assert codes(storage, pod(state="creating"), other, shared) == []
    assert codes(storage, pod(state="creating"), other, claim()) == [("volume-multi-attach", POD)]
