"""From what a question names to filters: what passes each, and what is said where a name leads nowhere."""

from datetime import timedelta

from kfi.models.schemas import Document, ObjectRef, QueryMetadata, QueryPlan
from kfi.retrieval.narrowing import Search, narrow, neighbourhood
from kfi.retrieval.scope import Scope
from kfi.vectorstore.filters import matches
from tests.cluster import NOW, calls, check, event, listing, log, obj, ref, snapshot

CART_POD = "cart-7d9f8-x2x4z"


def workload(name: str, namespace: str = "orchard") -> Document:
    labels = {"app": name}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app"}]}}
    return obj(f"Deployment/{namespace}/{name}", spec={"selector": {"matchLabels": labels}, "template": template})


def pod(name: str, app: str, node: str, namespace: str = "orchard") -> Document:
    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": f"{app}-data"}}]
    return obj(
        f"Pod/{namespace}/{name}",
        metadata={"labels": {"app": app}},
        spec={"nodeName": node, "containers": [{"name": "app"}], "volumes": volumes},
    )


def service(name: str, namespace: str = "orchard") -> Document:
    return obj(f"Service/{namespace}/{name}", spec={"selector": {"app": name}, "ports": [{"port": 80}]})


SHOP = (
    workload("cart"),
    pod(CART_POD, "cart", "node-a"),
    service("cart"),
    obj("PersistentVolumeClaim/orchard/cart-data", spec={"volumeName": "pv-7"}),
    event(f"Pod/orchard/{CART_POD}", "BackOff", "Back-off restarting failed container"),
    log("Pod//cart-7d9f8-x2x4z", "out of disk"),
    obj("ResourceQuota/orchard/limits"),
    listing("Pod", "orchard", CART_POD),
    check("cart.orchard", 80, "refused"),
    obj("Node/node-a"),
    workload("checkout"),
    pod("checkout-5c6d7-b4b4b", "checkout", "node-b"),
    log("Pod/orchard/checkout-5c6d7-b4b4b", "cart refused"),
    obj("Node/node-b"),
    workload("ledger", "bank"),
    listing("Pod", "bank"),
)


def search(question: str, *documents: Document, pointed: tuple[str, ...] = (), **metadata: object) -> Search:
    plan = QueryPlan(question=question, metadata=QueryMetadata(**metadata), sub_queries=(question,))
    seen = snapshot(documents or SHOP)
    return narrow(Scope(plan=plan, snapshot=seen, pointed=tuple(ref(one) for one in pointed)))


def places(found: Search) -> list[str]:
    return [level.place for level in found.levels]


def passing(found: Search, level: int = 0, documents: tuple[Document, ...] = SHOP) -> list[str]:
    where = found.levels[level].condition
    return [f"{one.kind}:{one.ref}" for one in documents if where is None or matches(where, one)]


def test_a_question_that_names_nothing_searches_everything():
    found = search("What is wrong?")

    assert (places(found), found.levels[0].condition, found.notes) == (["the evidence"], None, ())


def test_a_namespace_filter_lets_nodes_and_what_has_no_namespace_through():
    found = search("What fails in orchard?", namespace="orchard")

    assert places(found) == ["namespace 'orchard'", "the evidence"]
    assert set(passing(found, 1)) - set(passing(found)) == {"object:Deployment/bank/ledger", "listing:Pod/bank"}


def test_a_namespace_filter_lets_through_what_its_workloads_call_elsewhere():
    documents = (*SHOP, pod("ledger-6b7c8-h5h5h", "ledger", "node-b", "bank"), service("ledger", "bank"))
    documents = (*documents, calls(("checkout", "ledger")))

    found = search("What fails in orchard?", *documents, namespace="orchard")

    beyond = [one for one in passing(found, documents=documents) if "bank" in one]
    assert beyond == [
        "object:Deployment/bank/ledger",
        "object:Pod/bank/ledger-6b7c8-h5h5h",
        "object:Service/bank/ledger",
    ]


def test_a_pod_filter_lets_its_neighbours_and_cluster_scoped_objects_through_and_nothing_else():
    found = search(
        f"Why is pod {CART_POD} crashing?",
        pointed=(f"Pod/orchard/{CART_POD}", "Deployment/orchard/cart"),
        namespace="orchard",
        pod=CART_POD,
        kind="Pod",
        name=CART_POD,
    )

    assert places(found) == [f"Pod '{CART_POD}'", "namespace 'orchard'", "the evidence"]
    assert passing(found) == [
        "object:Deployment/orchard/cart",
        f"object:Pod/orchard/{CART_POD}",
        "object:Service/orchard/cart",
        "object:PersistentVolumeClaim/orchard/cart-data",
        f"event:Pod/orchard/{CART_POD}",
        f"log:Pod/{CART_POD}",
        "object:ResourceQuota/orchard/limits",
        "listing:Pod/orchard",
        "check:?",
        "object:Node/node-a",
        "object:Node/node-b",
    ]


def test_all_objects_that_a_question_names_pass_the_one_filter_of_its_parts():
    found = search(
        f"Why is pod {CART_POD} crashing and why is checkout slow?",
        pointed=(f"Pod/orchard/{CART_POD}", "Deployment/orchard/cart", "Deployment/orchard/checkout"),
        pod=CART_POD,
        kind="Pod",
        name=CART_POD,
    )

    assert "log:Pod/orchard/checkout-5c6d7-b4b4b" in passing(found)
    assert "object:Deployment/bank/ledger" not in passing(found)


def test_a_node_filter_lets_the_pods_on_the_node_through():
    found = search("Is node node-b bad?", pointed=("Node/node-b",), node="node-b", kind="Node", name="node-b")

    named = [one for one in passing(found) if "Pod/orchard/c" in one]
    assert named == ["object:Pod/orchard/checkout-5c6d7-b4b4b", "log:Pod/orchard/checkout-5c6d7-b4b4b"]


def test_objects_with_the_labels_of_the_question_are_searched_first():
    found = search("Why do pods with app=cart fail?", labels_dict={"app": "cart"})

    assert places(found) == ["label 'app=cart'", "the evidence"]
    assert f"event:Pod/orchard/{CART_POD}" in passing(found)
    assert "log:Pod/orchard/checkout-5c6d7-b4b4b" not in passing(found)


def test_what_has_an_excluded_label_is_not_searched():
    found = search("What fails with app!=checkout?", labels_excluded={"app": ("checkout",)})

    assert places(found) == ["the evidence"]
    assert [one for one in passing(found) if "checkout" in one] == []
    assert f"event:Pod/orchard/{CART_POD}" in passing(found)


def test_what_has_the_name_of_something_excluded_elsewhere_is_searched():
    documents = (workload("ledger", "bank"), obj("Deployment/orchard/ledger"), workload("cart"))

    found = search("What fails?", *documents, labels_excluded={"app": ("ledger", "cart")})

    assert passing(found, documents=documents) == ["object:Deployment/orchard/ledger"]


def test_what_looks_like_a_label_and_is_none_is_passed_over_in_silence():
    found = search("Why does it end with exit=137?", labels_dict={"exit": "137"})

    assert (places(found), found.notes) == (["the evidence"], ())


def test_a_name_that_nothing_has_is_said_and_not_filtered_by():
    found = search("Why is pod cart-0 down?", namespace="orchard", pod="cart-0", kind="Pod", name="cart-0")

    assert places(found) == ["namespace 'orchard'", "the evidence"]
    assert found.notes == ("Nothing matched Pod 'cart-0'; searched all of namespace 'orchard'.",)


def test_a_namespace_that_nothing_is_of_is_said_and_not_filtered_by():
    found = search("What fails in garden?", namespace="garden", cluster="east")

    assert (places(found), found.namespace) == (["cluster 'east'"], "")
    assert found.notes == ("Nothing matched namespace 'garden'; searched all of cluster 'east'.",)


def test_a_cluster_is_never_relaxed():
    east, west = (one.model_copy(update={"ref": ObjectRef(cluster=name, kind="Node", name="node-a")})
                  for name, one in (("east", obj("Node/node-a")), ("west", obj("Node/node-a"))))  # fmt: skip

    found = search("What fails?", east, west, cluster="east", namespace="garden")

    assert [
        where and (matches(where, east), matches(where, west)) for where in (x.condition for x in found.levels)
    ] == [(True, False)]


def test_a_container_filter_keeps_what_has_no_container():
    app, sidecar = (
        log("Pod/orchard/cart-0", "down").model_copy(
            update={"ref": ObjectRef(kind="Pod", namespace="orchard", name="cart-0", container=container)}
        )
        for container in ("app", "proxy")
    )
    documents = (obj("Pod/orchard/cart-0"), app, sidecar)

    found = search("Why does container app fail?", *documents, container="app", namespace="orchard")

    assert places(found) == ["container 'app'", "namespace 'orchard'", "the evidence"]
    assert passing(found, documents=documents) == ["object:Pod/orchard/cart-0", "log:Pod/orchard/cart-0[app]"]


def test_a_container_that_nothing_has_is_said():
    found = search("Why does container proxy fail?", container="proxy", namespace="orchard")

    assert found.notes == ("Nothing matched container 'proxy'; searched all of namespace 'orchard'.",)


def test_a_span_of_time_applies_to_what_happens_and_not_to_states():
    old = event("Pod/orchard/cart-0", "BackOff", "long ago", ago=7200)
    new = event("Pod/orchard/cart-0", "BackOff", "just now", ago=60)
    state = obj("Pod/orchard/cart-0", at=NOW - timedelta(days=9))

    late = search("What broke?", old, new, state, since=NOW - timedelta(hours=1))
    early = search("What broke?", old, new, state, until=NOW - timedelta(hours=1))

    for found, expected in ((late, [new, state]), (early, [old, state])):
        where = found.levels[-1].condition
        assert where is not None
        assert [one for one in (old, new, state) if matches(where, one)] == expected


def test_the_neighbours_of_a_service_are_the_pods_behind_it_and_what_they_need():
    near = neighbourhood(snapshot(SHOP), [ref("Service/orchard/cart")])

    assert sorted(map(str, near)) == [
        "Deployment/orchard/cart",
        "Node/node-a",
        "PersistentVolume/pv-7",
        "PersistentVolumeClaim/orchard/cart-data",
        f"Pod/orchard/{CART_POD}",
        "Service/orchard/cart",
    ]


def test_what_has_more_neighbours_than_a_filter_holds_is_narrowed_to_its_namespace():
    agents = tuple(pod(f"agent-{number:05}", "agent", f"node-{number}") for number in range(600))

    found = search(
        "Why is service agent slow?", *agents, service("agent"),
        pointed=("Service/orchard/agent",), namespace="orchard", kind="Service", name="agent",
    )  # fmt: skip

    assert (places(found), found.notes) == (["namespace 'orchard'", "the evidence"], ())
