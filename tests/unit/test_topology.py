"""Owners, selectors, calls, and what suffers when an object fails."""

from kfi.snapshot.topology import Topology
from tests.cluster import calls, event, obj, ref, snapshot


def workload(name: str, *, env: list[dict[str, str]] | None = None):
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "env": env or []}]}}
    return obj(f"Deployment/orchard/{name}", spec={"selector": {"matchLabels": labels}, "template": template})


def pod(name: str, app: str, node: str = "node-a", owner: str = ""):
    owners = [{"kind": "ReplicaSet", "name": owner, "controller": True}] if owner else []
    return obj(
        f"Pod/orchard/{name}",
        metadata={"labels": {"app": app}, "ownerReferences": owners},
        spec={"nodeName": node, "containers": [{"name": "app"}]},
    )


def replica_set(name: str, deployment: str):
    owners = [{"kind": "Deployment", "name": deployment, "controller": True}]
    return obj(f"ReplicaSet/orchard/{name}", metadata={"ownerReferences": owners})


def service(name: str, app: str, port: int = 80):
    return obj(f"Service/orchard/{name}", spec={"selector": {"app": app}, "ports": [{"port": port}]})


def test_a_pod_belongs_to_the_deployment_above_its_replica_set():
    seen = snapshot(
        workload("cart"), replica_set("cart-7d9f8", "cart"), pod("cart-7d9f8-x2x4z", "cart", owner="cart-7d9f8")
    )

    assert str(Topology(seen).workload(ref("Pod/orchard/cart-7d9f8-x2x4z"))) == "Deployment/orchard/cart"


def test_a_pod_whose_replica_set_was_not_given_still_belongs_to_its_deployment():
    seen = snapshot(pod("cart-7d9f8-x2x4z", "cart", owner="cart-7d9f8"))

    assert str(Topology(seen).workload(ref("Pod/orchard/cart-7d9f8-x2x4z"))) == "Deployment/orchard/cart"


def test_a_pod_from_a_table_belongs_to_the_workload_with_the_longest_fitting_name():
    seen = snapshot(workload("cart"), workload("cart-db"), pod("cart-db-7d9f8c-x2x4z", "cart-db"))

    assert str(Topology(seen).workload(ref("Pod/orchard/cart-db-7d9f8c-x2x4z"))) == "Deployment/orchard/cart-db"


def test_a_service_without_matching_pods_is_still_meant_for_the_workload_of_its_template():
    seen = snapshot(workload("cart"), service("cart-http", "cart"))

    topology = Topology(seen)

    assert [str(topology.meant_by(s)) for s in seen.kube_services] == ["Deployment/orchard/cart"]


def test_calls_come_from_dependency_data_and_from_addresses_in_the_environment():
    front = workload("storefront", env=[{"name": "CART_ADDR", "value": "cart:80"}, {"name": "MODE", "value": "fast"}])
    seen = snapshot(front, workload("cart"), workload("db"), service("cart", "cart"), calls(("cart", "db")))

    called = {str(a): [str(b) for b in bs] for a, bs in Topology(seen).calls.items()}

    assert called == {
        "Deployment/orchard/storefront": ["Deployment/orchard/cart"],
        "Deployment/orchard/cart": ["Deployment/orchard/db"],
    }


def test_a_failing_node_reaches_the_callers_of_what_runs_on_it_but_not_its_pods_siblings():
    one = pod("cart-7d9f8-aaaaa", "cart", "node-a", "cart-7d9f8")
    other = pod("cart-7d9f8-bbbbb", "cart", "node-b", "cart-7d9f8")
    rest = (replica_set("cart-7d9f8", "cart"), workload("cart"), workload("storefront"), calls(("storefront", "cart")))

    reached = {str(r) for r in Topology(snapshot(one, other, *rest)).reach(ref("Node/node-a"), lambda _: True)}

    assert {"Pod/orchard/cart-7d9f8-aaaaa", "Deployment/orchard/cart", "Deployment/orchard/storefront"} <= reached
    assert "Pod/orchard/cart-7d9f8-bbbbb" not in reached


def unowned(name: str):
    """A Pod as a table shows it: without its owner."""
    made = obj(f"Pod/orchard/{name}", status={"summary": "Running"})
    return made.model_copy(update={"payload": {**made.payload, "form": "table"}})


def test_a_generated_name_tells_the_owner_where_no_text_shows_one():
    seen = Topology(snapshot(unowned("cart-5d9f8c7b6-x2x4z")))

    assert str(seen.workload(ref("Pod/orchard/cart-5d9f8c7b6-x2x4z"))) == "Deployment/orchard/cart"
    assert str(seen.workload(ref("Pod/orchard/stock-5d9f8c7b6-x2x4z"))) == "Deployment/orchard/stock"
    assert str(seen.workload(ref("Job/orchard/report-29391240"))) == "CronJob/orchard/report"


def test_a_name_that_only_looks_generated_tells_nothing():
    seen = Topology(snapshot(obj("Pod/orchard/bare-5d9f8c7b6-x2x4z"), unowned("import-customers-table")))

    assert str(seen.workload(ref("Pod/orchard/bare-5d9f8c7b6-x2x4z"))) == "Pod/orchard/bare-5d9f8c7b6-x2x4z"
    assert str(seen.workload(ref("Pod/orchard/import-customers-table"))) == "Pod/orchard/import-customers-table"
    assert str(seen.workload(ref("Job/orchard/import-20261120"))) == "Job/orchard/import-20261120"


def test_controllers_say_what_they_created():
    seen = Topology(
        snapshot(
            event("ReplicaSet/orchard/cart-a1", "SuccessfulCreate", "Created pod: cart-a1-b2", type="Normal"),
            event("StatefulSet/orchard/db", "SuccessfulCreate", "create Pod db-0 in StatefulSet db successful"),
            event("CronJob/orchard/report", "SuccessfulCreate", "Created job report-x"),
        )
    )

    assert str(seen.workload(ref("Pod/orchard/cart-a1-b2"))) == "Deployment/orchard/cart"
    assert str(seen.workload(ref("Pod/orchard/db-0"))) == "StatefulSet/orchard/db"
    assert str(seen.workload(ref("Job/orchard/report-x"))) == "CronJob/orchard/report"


def local_volume(*hosts: str, key: str = "kubernetes.io/hostname"):
    named = {"matchExpressions": [{"key": key, "operator": "In", "values": list(hosts)}]}
    affinity = {"required": {"nodeSelectorTerms": [named]}}
    return obj("PersistentVolume/disk-1", spec={"nodeAffinity": affinity})


def node(name: str, host: str = ""):
    return obj(f"Node/{name}", metadata={"labels": {"kubernetes.io/hostname": host or name}})


def test_a_volume_that_one_node_holds_suffers_with_it():
    seen = snapshot(local_volume("node-a"), node("node-a"), node("node-b"))

    impact = Topology(seen).impact

    assert ref("PersistentVolume/disk-1") in impact[ref("Node/node-a")]
    assert ref("Node/node-b") not in impact


def test_the_node_of_a_volume_goes_by_its_host_name():
    seen = snapshot(local_volume("rack-7"), node("node-a", host="rack-7"))

    assert Topology(seen).impact[ref("Node/node-a")] == (ref("PersistentVolume/disk-1"),)


def test_a_volume_belongs_to_its_node_though_no_text_shows_the_node():
    assert ref("Node/node-a") in Topology(snapshot(local_volume("node-a"))).impact


def test_a_volume_that_several_nodes_or_a_zone_can_use_is_bound_to_none():
    several = Topology(snapshot(local_volume("node-a", "node-b"), node("node-a")))
    zone = Topology(snapshot(local_volume("north-1", key="topology.kubernetes.io/zone"), node("north-1")))

    assert (several.impact, zone.impact) == ({}, {})


def test_a_service_selects_by_all_its_labels_whichever_the_fewest_pods_carry():
    shared = {"part-of": "orchard"}
    pods = [
        obj(
            f"Pod/orchard/{name}-1",
            metadata={"labels": {"app": name, **shared}},
            spec={"containers": [{"name": "app"}]},
        )
        for name in ("cart", "mailer", "pricing")
    ]
    cart = obj("Service/orchard/cart", spec={"selector": {**shared, "app": "cart"}})
    none = obj("Service/orchard/none", spec={"selector": {**shared, "app": "stock"}})
    seen = snapshot(*pods, cart, none)

    selected = {s.name: [p.name for p in Topology(seen).selected(s)] for s in seen.kube_services}

    assert selected == {"cart": ["cart-1"], "none": []}


def test_what_needs_an_object_are_the_pods_and_then_the_workloads_that_name_it():
    spec = {"containers": [{"name": "app"}], "volumes": [{"name": "s", "configMap": {"name": "settings"}}]}
    deployment = obj("Deployment/orchard/cart", spec={"template": {"spec": spec}})
    seen = snapshot(deployment, obj("Pod/orchard/cart-7d9f8-x2x4z", spec=spec))

    users = Topology(seen).users_of(ref("ConfigMap/orchard/settings"))

    assert [str(user) for user in users] == ["Pod/orchard/cart-7d9f8-x2x4z", "Deployment/orchard/cart"]
    assert Topology(seen).users_of(ref("ConfigMap/orchard/other")) == ()
