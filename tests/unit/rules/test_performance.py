"""Whose slowness it is, from alerts."""

from kfi.diagnosis.rules import performance
from kfi.models.schemas import ObjectRef
from tests.cluster import alert, calls, codes, obj, snapshot


def shop(**nodes: str):
    """One Deployment with one Pod on a node for each name."""
    for name, node in nodes.items():
        owner = [{"kind": "Deployment", "name": name, "controller": True}]
        yield obj(f"Deployment/orchard/{name}", spec={"replicas": 1})
        pod = f"Pod/orchard/{name}-7d9f8-x2x4z"
        yield obj(pod, metadata={"ownerReferences": owner}, spec={"nodeName": node.replace("_", "-")})


def slow(name: str, milliseconds: int):
    which = ObjectRef(kind="Deployment", namespace="orchard", name=name)
    return alert(which, "HighLatency", f"p95 latency: 10ms -> {milliseconds}ms", deployment=name)


def test_the_most_downstream_slow_workload_is_at_fault():
    evidence = (
        *shop(front="node_a", cart="node_b", db="node_a"),
        calls(("front", "cart"), ("cart", "db")),
        *(slow("front", 900), slow("cart", 800)),
    )

    assert codes(performance, *evidence) == [("pod-network-delay", "Deployment/orchard/cart")]


def test_a_callee_that_is_hardly_slower_explains_nothing():
    evidence = (
        *shop(front="node_a", cart="node_b", db="node_a"),
        calls(("front", "cart"), ("cart", "db")),
        *(slow("cart", 2000), slow("db", 60)),
    )

    found = codes(performance, *evidence)

    assert ("pod-network-delay", "Deployment/orchard/cart") in found


def test_independent_slow_workloads_on_one_node_accuse_the_node():
    evidence = (
        *shop(front="node_a", cart="node_b", search="node_b", db="node_a"),
        calls(("front", "cart"), ("front", "search")),
        *(slow("cart", 800), slow("search", 700)),
    )

    assert codes(performance, *evidence) == [("node-network-delay", "Node/node-b")]


def test_throttling_and_raised_cpu_together_are_stronger_than_throttling_alone():
    which = ObjectRef(kind="Deployment", namespace="orchard", name="cart")
    throttled = alert(which, "CPUThrottlingHigh", "38% throttling of CPU in container app")
    raised = alert(which, "CPUHigh", "cpu cores: 0.1 -> 0.9")

    alone = list(performance.check(snapshot(*shop(cart="node_a"), throttled)))
    both = list(performance.check(snapshot(*shop(cart="node_a"), throttled, raised)))

    assert [f.code for f in both] == ["pod-cpu-throttled"]
    assert both[0].strength > alone[0].strength


def test_the_node_whose_retransmissions_stand_out_loses_packets():
    nodes = [ObjectRef(kind="Node", name=name) for name in ("node-a", "node-b")]
    evidence = (
        alert(nodes[0], "NetworkQuality", "TCP retransmission: 0.1 -> 0.4"),
        alert(nodes[1], "NetworkQuality", "TCP retransmission: 0.1 -> 8.2"),
    )

    assert codes(performance, *evidence) == [("node-network-packet-loss", "Node/node-b")]


def test_retransmissions_that_all_nodes_share_accuse_none():
    nodes = [ObjectRef(kind="Node", name=name) for name in ("node-a", "node-b")]
    evidence = [alert(node, "NetworkQuality", "TCP retransmission: 0.1 -> 8.2") for node in nodes]

    assert codes(performance, *evidence) == []


def test_a_drop_in_throughput_is_an_effect_and_accuses_nobody():
    which = ObjectRef(kind="Deployment", namespace="orchard", name="cart")

    assert codes(performance, *shop(cart="node_a"), alert(which, "Traffic", "requests: 90/s -> 12/s")) == []


def test_slow_callers_are_among_what_a_slow_callee_affects():
    evidence = (
        *shop(front="node_a", cart="node_b", db="node_a", search="node_a"),
        calls(("front", "cart"), ("cart", "db"), ("front", "search")),
        *(slow("front", 900), slow("cart", 850), slow("db", 800)),
    )

    (found,) = performance.check(snapshot(*evidence))

    assert (found.code, found.ref.name) == ("pod-network-delay", "db")
    assert [ref.name for ref in found.affects] == ["cart", "db", "front"]


def told(name: str, alert_name: str, words: str):
    return alert(ObjectRef(kind="Deployment", namespace="orchard", name=name), alert_name, words, deployment=name)


def test_a_value_with_the_usual_one_in_brackets_has_risen():
    slow_one = told("cart", "HighLatency", "cart: p95 8.3s over the last 5m (normally 0.05s)")
    quick = told("cart", "HighLatency", "cart: p95 0.04s over the last 5m (normally 0.05s)")

    assert codes(performance, *shop(cart="node_a", db="node_b"), slow_one) == [
        ("pod-network-delay", "Deployment/orchard/cart")
    ]
    assert codes(performance, *shop(cart="node_a", db="node_b"), quick) == []


def test_the_alerts_name_says_what_its_description_measures():
    node = ObjectRef(kind="Node", name="node-a")
    lossy = alert(
        node, "NodeTCPRetransmissionHigh", "7.9% of the segments are sent again (normally 0.02%)", node="node-a"
    )
    disk = alert(node, "NodeDiskFilling", "79% of the disk is used (normally 40%)", node="node-a")

    assert codes(performance, *shop(cart="node_a"), lossy) == [("node-network-packet-loss", "Node/node-a")]
    assert codes(performance, *shop(cart="node_a"), disk) == []


def ping(source: str, target: str, now: str = "204"):
    said = f"round trip from {source} to {target} is {now} ms (usual 0.4 ms)"
    return alert(ObjectRef(), "NodePing", said, source=source, target=target)


def spread():
    """Slow workloads on two nodes, which do not call each other."""
    nodes = [obj(f"Node/node-{letter}") for letter in "abc"]
    return (*nodes, *shop(cart="node_a", search="node_b", db="node_c"), slow("cart", 800), slow("search", 700))


def test_the_node_that_all_slow_ways_have_in_common_is_far():
    evidence = (*spread(), ping("node-a", "node-b"), ping("node-c", "node-b"))

    assert codes(performance, *evidence) == [("node-network-delay", "Node/node-b")]


def test_ways_with_nothing_in_common_accuse_no_node():
    both = codes(performance, *spread(), ping("node-a", "node-b"))
    none = codes(performance, *spread(), ping("node-a", "node-b", now="0.4"), ping("node-c", "node-b", now="0.4"))

    assert {code for code, _ in both} == {code for code, _ in none} == {"pod-network-delay"}


def test_an_alert_about_nothing_that_has_a_name_accuses_nobody():
    assert codes(performance, alert(ObjectRef(), "HighLatency", "p95 latency: 10ms -> 900ms")) == []
