"""What somebody changed is told with its time and its lines, and nothing is told that has no time."""

from __future__ import annotations

from datetime import timedelta

from kfi.snapshot.changes import changes_of, recorded_changes
from tests.cluster import NOW, obj, ref, snapshot

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


def test_a_rollback_has_no_time_of_its_own():
    # Revision 13 took the ReplicaSet of revision 11 up again: it was made long before revision 12.
    seen = snapshot(obj("Deployment/orchard/cart"), replica_set("b", 12, 20, []), replica_set("a", 13, 900, [HOST]))

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

    assert (change.statement, change.when) == ("kubectl-edit changed it", NOW - timedelta(minutes=7))
    assert change.evidence


def test_two_observations_tell_what_changed_between_them():
    before, after = NOW - timedelta(hours=1), NOW
    states = [
        obj("Service/orchard/cart", at=before, spec={"selector": {"app": "cart"}}, status={"loadBalancer": {}}),
        obj("Service/orchard/cart", at=after, spec={"selector": {"app": "kart"}}, status={"loadBalancer": {"x": 1}}),
    ]

    (change,) = recorded_changes(ref("Service/orchard/cart"), states)

    assert change.statement == "somebody changed selector.app from 'cart' to 'kart', some time after 13:40:00"
    assert change.when == after
    assert '"kart"' in change.evidence[0].text


def test_a_manifest_is_not_compared_with_what_lives():
    states = [
        obj("Service/orchard/cart", applied=True, at=NOW - timedelta(hours=1), spec={"selector": {"app": "cart"}}),
        obj("Service/orchard/cart", spec={"selector": {"app": "kart"}}),
    ]

    assert recorded_changes(ref("Service/orchard/cart"), states) == []
