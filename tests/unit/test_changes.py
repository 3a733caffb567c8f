"""What somebody changed is told with its time and its lines, and nothing is told that has no time."""

from __future__ import annotations

from datetime import timedelta

from kfi.snapshot.changes import changes_of, recorded_changes
from tests.cluster import NOW, listing, obj, ref, snapshot

CART = ref("Deployment/orchard/cart")
HOST = {"name": "DB_HOST", "value": "db"}


def ago(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).isoformat()


def replica_set(name: str, revision: int, minutes: float, env: list, **metadata):
    return obj(
        f"ReplicaSet/orchard/{name}",
        metadata={
            "creationTimestamp": ago(minutes),
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
            "ownerReferences": [{"kind": "Deployment", "name": "cart", "controller": True}],
            **metadata,
        },
        spec={"template": {"spec": {"containers": [{"name": "app", "image": "cart:1", "env": env}]}}},
    )


def test_a_rollout_says_what_it_removed_and_shows_both_lines():
    seen = snapshot(obj("Deployment/orchard/cart"), replica_set("a", 11, 900, [HOST]), replica_set("b", 12, 20, []))

    (change,) = changes_of(seen, CART)

    assert change.statement == "revision 12 removed the variable DB_HOST of container app"
    assert change.when == NOW - timedelta(minutes=20)
    cited = "\n".join(line.text for line in change.evidence)
    assert '"name": "DB_HOST"' in cited
    assert "creationTimestamp" in cited


def test_a_rollout_that_changes_nothing_is_no_change():
    seen = snapshot(obj("Deployment/orchard/cart"), replica_set("a", 11, 900, [HOST]), replica_set("b", 12, 20, [HOST]))

    assert changes_of(seen, CART) == []


def test_a_rollback_has_no_time_of_its_own_and_what_it_took_back_has():
    # Revision 13 took the ReplicaSet of revision 11 up again: it was made long before revision 12.
    seen = snapshot(obj("Deployment/orchard/cart"), replica_set("b", 12, 20, []), replica_set("a", 13, 900, [HOST]))

    (change,) = changes_of(seen, CART)

    assert change.statement == "revision 12 removed the variable DB_HOST of container app"
    assert change.when == NOW - timedelta(minutes=20)


def test_what_was_there_before_a_rollout_is_not_guessed():
    # Revision 12 came after one of the two that rollbacks have renumbered; nobody knows which.
    taken_back = (replica_set("a", 13, 900, [HOST]), replica_set("c", 14, 800, [{"name": "MODE", "value": "x"}]))
    seen = snapshot(obj("Deployment/orchard/cart"), replica_set("b", 12, 20, []), *taken_back)

    assert changes_of(seen, CART) == []


def test_the_replica_sets_of_another_deployment_do_not_count():
    other = {"ownerReferences": [{"kind": "Deployment", "name": "mailer", "controller": True}]}
    seen = snapshot(
        obj("Deployment/orchard/cart"), replica_set("a", 11, 900, [HOST], **other), replica_set("b", 12, 20, [])
    )

    assert changes_of(seen, CART) == []


def test_a_stateful_set_is_compared_by_its_controller_revisions():
    def revision(name: str, number: int, minutes: float, image: str):
        template = {"spec": {"containers": [{"name": "db", "image": image}]}}
        return obj(
            f"ControllerRevision/orchard/{name}",
            metadata={
                "creationTimestamp": ago(minutes),
                "ownerReferences": [{"kind": "StatefulSet", "name": "ledger", "controller": True}],
            },
            revision=number,
            data={"spec": {"template": template}},
        )

    seen = snapshot(obj("StatefulSet/orchard/ledger"), revision("l-1", 1, 90, "db:1"), revision("l-2", 2, 9, "db:2"))

    (change,) = changes_of(seen, ref("StatefulSet/orchard/ledger"))

    assert change.statement == "revision 2 changed the image of container db from 'db:1' to 'db:2'"


def test_who_wrote_last_is_told_and_controllers_are_not():
    fields = [
        {"manager": "kubectl-edit", "operation": "Update", "time": ago(7)},
        {"manager": "kube-controller-manager", "operation": "Update", "time": ago(6), "subresource": "status"},
        {"manager": "kube-controller-manager", "operation": "Update", "time": ago(5)},
    ]
    seen = snapshot(
        obj("ConfigMap/orchard/cart-env", metadata={"creationTimestamp": ago(9000), "managedFields": fields})
    )

    (change,) = changes_of(seen, ref("ConfigMap/orchard/cart-env"))

    assert (change.statement, change.when) == ("changed by kubectl-edit", NOW - timedelta(minutes=7))
    assert change.evidence


def test_two_observations_tell_what_changed_between_them():
    before, after = NOW - timedelta(hours=1), NOW
    states = [
        obj("Service/orchard/cart", at=before, spec={"selector": {"app": "cart"}}, status={"loadBalancer": {}}),
        obj("Service/orchard/cart", at=after, spec={"selector": {"app": "kart"}}, status={"loadBalancer": {"x": 1}}),
    ]

    (change,) = recorded_changes(ref("Service/orchard/cart"), states)

    assert change.statement == "changed selector.app from 'cart' to 'kart'"
    assert (change.after, change.when) == (before, after)
    assert '"kart"' in change.evidence[0].text


def test_what_a_later_list_does_not_hold_was_deleted_in_between():
    env, before = ref("ConfigMap/orchard/cart-env"), NOW - timedelta(hours=1)
    state = config("db", before)

    (change,) = changes_of(snapshot(listing("ConfigMap", "orchard", "mailer-env")), env, [state])

    assert (change.statement, change.after, change.when) == ("was deleted", before, NOW)
    assert [line.path for line in change.evidence][1:] == ["ConfigMap.txt"]
    assert "cart-env" in change.evidence[0].text


def test_what_was_deleted_keeps_its_earlier_changes():
    env = ref("ConfigMap/orchard/cart-env")
    states = [config("db", NOW - timedelta(hours=2)), config("db-2", NOW - timedelta(hours=1))]

    changes = changes_of(snapshot(listing("ConfigMap", "orchard", "mailer-env")), env, states)

    assert [change.statement for change in changes] == ["was deleted", "changed the key DB_HOST from 'db' to 'db-2'"]


def test_nothing_is_called_deleted_that_was_never_there_or_that_no_list_misses():
    env, state = ref("ConfigMap/orchard/cart-env"), config("db", NOW - timedelta(hours=1))
    others = listing("ConfigMap", "orchard", "mailer-env")

    assert changes_of(snapshot(others), env, []) == []
    assert changes_of(snapshot(), env, [state]) == []
    assert changes_of(snapshot(listing("ConfigMap", "mill", "mailer-env")), env, [state]) == []
    assert changes_of(snapshot(listing("ConfigMap", "orchard", at=NOW - timedelta(hours=2))), env, [state]) == []
    written = obj("ConfigMap/orchard/cart-env", at=NOW - timedelta(hours=1), applied=True, data={})
    assert changes_of(snapshot(others), env, [written]) == []


def config(host: str, at, **metadata):
    made = {"creationTimestamp": ago(9000), **metadata}
    return obj("ConfigMap/orchard/cart-env", at=at, metadata=made, data={"DB_HOST": host})


def test_a_change_between_two_observations_has_the_time_it_was_written_at():
    wrote = [{"manager": "kubectl-edit", "operation": "Update", "time": ago(7)}]
    states = [config("db", NOW - timedelta(hours=1)), config("bd", NOW, managedFields=wrote)]

    (change,) = changes_of(snapshot(states[-1]), ref("ConfigMap/orchard/cart-env"), states)

    assert change.statement == "changed the key DB_HOST from 'db' to 'bd'"
    assert (change.after, change.when) == (None, NOW - timedelta(minutes=7))
    assert any("time" in line.text for line in change.evidence)


def test_what_an_autoscaler_scales_nobody_changed():
    states = [
        obj("Deployment/orchard/cart", at=NOW - timedelta(hours=1), spec={"replicas": 1}),
        obj("Deployment/orchard/cart", spec={"replicas": 3}),
    ]
    scaler = obj(
        "HorizontalPodAutoscaler/orchard/cart", spec={"scaleTargetRef": {"kind": "Deployment", "name": "cart"}}
    )

    assert [one.statement for one in changes_of(snapshot(states[-1]), CART, states)] == ["changed replicas from 1 to 3"]
    assert changes_of(snapshot(states[-1], scaler), CART, states) == []


def test_a_cordon_is_a_change_and_a_taint_of_the_node_controller_is_none():
    lost = {"key": "node.kubernetes.io/unreachable", "effect": "NoExecute"}
    states = [
        obj("Node/node-b", at=NOW - timedelta(hours=1), spec={}),
        obj("Node/node-b", at=NOW - timedelta(minutes=30), spec={"taints": [lost]}),
        obj("Node/node-b", spec={"taints": [lost], "unschedulable": True}),
    ]

    assert [one.statement for one in recorded_changes(ref("Node/node-b"), states)] == ["cordoned the node"]


def test_a_manifest_is_not_compared_with_what_lives():
    states = [
        obj("Service/orchard/cart", applied=True, at=NOW - timedelta(hours=1), spec={"selector": {"app": "cart"}}),
        obj("Service/orchard/cart", spec={"selector": {"app": "kart"}}),
    ]

    assert recorded_changes(ref("Service/orchard/cart"), states) == []
