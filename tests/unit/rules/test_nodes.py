"""Nodes, and the services they stand on."""

import pytest

from kfi.diagnosis.rules import nodes
from kfi.models.schemas import Role
from tests.cluster import check, codes, event, log, node_service, obj, snapshot

MASTER = {"node-role.kubernetes.io/control-plane": ""}


def node(name: str = "node-a", ready: str = "True", message: str = "", labels=None, runtime: str = "", **more: str):
    conditions = [{"type": "Ready", "status": ready, "message": message}]
    conditions += [{"type": kind, "status": status} for kind, status in more.items()]
    status = {"conditions": conditions, "nodeInfo": {"containerRuntimeVersion": runtime}}
    return obj(f"Node/{name}", metadata={"labels": labels or {}}, status=status)


def findings(*documents):
    return list(nodes.check(snapshot(*documents)))


def texts(finding):
    return " ".join(citation.text for citation in finding.evidence)


@pytest.mark.parametrize(
    ("unit", "active", "sub", "code"),
    [
        ("kubelet.service", "inactive", "dead", "kubelet-down"),
        ("kubelet.service", "failed", "", "kubelet-down"),
        ("kubelet.service", "activating", "auto-restart", "kubelet-down"),
        ("containerd.service", "inactive", "dead", "container-runtime-down"),
        ("crio.service", "failed", "", "container-runtime-down"),
        ("kube-proxy.service", "inactive", "dead", "kube-proxy-down"),
        ("kube-scheduler.service", "inactive", "dead", "kube-scheduler-down"),
        ("etcd.service", "failed", "", "control-plane-down"),
    ],
)
def test_a_unit_that_is_not_active_is_down_on_its_node(unit, active, sub, code):
    found = findings(node(), node_service("node-a", unit, active, sub))

    assert [(f.code, str(f.ref)) for f in found] == [(code, "Node/node-a")]
    assert f"Active: {active}" in texts(found[0])
    assert found[0].strength > 0.9


@pytest.mark.parametrize(("active", "sub"), [("active", "running"), ("activating", "start"), ("reloading", "")])
def test_a_unit_that_runs_or_just_starts_is_not_down(active, sub):
    assert codes(nodes, node(), node_service("node-a", "kubelet.service", active, sub)) == []


def test_a_unit_that_is_not_installed_is_background():
    absent = node_service("node-a", "kube-proxy.service", "inactive", "dead", load_state="not-found")

    assert codes(nodes, node(), absent) == []


def test_a_runtime_that_the_node_does_not_use_may_be_down():
    docker = node_service("node-a", "docker.service", "inactive", "dead")
    containerd = node_service("node-a", "containerd.service", "active", "running")

    assert codes(nodes, node(runtime="containerd://2.0.1"), docker) == []
    assert codes(nodes, node(), docker, containerd) == []
    assert codes(nodes, node(runtime="docker://28.0"), docker) == [("container-runtime-down", "Node/node-a")]


def test_a_scheduler_belongs_on_the_control_plane():
    here = node_service("node-a", "kube-scheduler.service", "active", "running")
    worker = node_service("node-b", "kube-scheduler.service", "inactive", "dead")

    assert codes(nodes, node("node-a", labels=MASTER), node("node-b"), here, worker) == []


def test_a_unit_that_no_node_runs_is_a_weak_hint():
    both = [node_service(name, "kube-proxy.service", "inactive", "dead") for name in ("node-a", "node-b")]

    assert [f.strength < 0.5 for f in findings(node("node-a"), node("node-b"), *both)] == [True, True]


def test_a_dead_runtime_makes_its_node_unready():
    unready = node(ready="False", message="container runtime is down")

    found = findings(unready, node_service("node-a", "containerd.service", "inactive", "dead"))

    assert [(f.code, f.role) for f in found] == [
        ("container-runtime-down", Role.CAUSE),
        ("node-not-ready", Role.SYMPTOM),
    ]
    assert "container runtime is down" in texts(found[1])


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Kubelet stopped posting node status.", ["node-not-ready"]),
        ("PLEG is not healthy: pleg was last seen active 5m ago; threshold is 3m", ["node-not-ready"]),
        ("container runtime is down", ["container-runtime-down", "node-not-ready"]),
        (
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network "
            "plugin returns error: cni plugin not initialized",
            ["node-network-unavailable", "node-not-ready"],
        ),
    ],
)
def test_an_unready_node_says_why(message, expected):
    found = findings(node(ready="False", message=message))

    assert [f.code for f in found] == expected
    assert message in found[-1].message
    assert (found[-1].role is Role.SYMPTOM) == (len(expected) > 1)


def test_a_runtime_whose_socket_is_gone_is_told_by_the_kubelets_log():
    said = "rpc error: dial unix /run/containerd/containerd.sock: connect: no such file or directory"

    assert codes(nodes, node(ready="False"), log("Node/node-a", said))[0] == ("container-runtime-down", "Node/node-a")
    assert codes(nodes, node(), log("Node/node-a", said)) == []


def test_a_node_that_is_ready_now_has_got_over_its_events():
    assert codes(nodes, node(), event("Node/node-a", "NodeNotReady", "Node node-a status is now: NodeNotReady")) == []


def test_pressures_and_problems_are_found_only_while_they_last():
    pressed = node(MemoryPressure="True", DiskPressure="True", PIDPressure="True", KernelDeadlock="True")
    well = node(MemoryPressure="False", DiskPressure="False", KernelDeadlock="False", NetworkUnavailable="False")

    assert [code for code, _ in codes(nodes, pressed)] == [
        "node-memory-pressure",
        "node-disk-pressure",
        "node-pid-pressure",
        "node-problem",
    ]
    assert codes(nodes, well) == []


def pending(name: str, **more):
    return obj(f"Pod/orchard/{name}", metadata={"creationTimestamp": "2026-11-20T14:30:00Z"}, **more)


SILENT = {"status": {"phase": "Pending"}}


def test_pods_that_no_scheduler_looks_at_betray_a_dead_one():
    other = event("Pod/orchard/cart-1", "Started", "Started container app", type="Normal")
    evidence = (node("node-a", labels=MASTER), pending("stock-1", **SILENT), pending("stock-2", **SILENT), other)

    found = findings(*evidence)

    assert [(f.code, str(f.ref)) for f in found] == [("kube-scheduler-down", "Node/node-a")]
    assert [str(ref) for ref in found[0].affects] == ["Pod/orchard/stock-1", "Pod/orchard/stock-2"]


def test_a_pod_that_the_scheduler_refused_was_looked_at():
    refused = event("Pod/orchard/stock-1", "FailedScheduling", "0/3 nodes are available: 3 Insufficient cpu.")
    gated = {"status": {"phase": "Pending"}, "spec": {"schedulingGates": [{"name": "orchard.io/hold"}]}}
    condition = {"status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False"}]}}

    assert codes(nodes, node(labels=MASTER), pending("stock-1", **SILENT), refused) == []
    assert codes(nodes, node(labels=MASTER), pending("stock-2", **gated), refused) == []
    assert codes(nodes, node(labels=MASTER), pending("stock-3", **condition), refused) == []


def test_a_pod_whose_containers_a_kubelet_reports_was_placed_though_its_node_is_not_shown():
    waiting = {"name": "app", "state": {"waiting": {"reason": "CreateContainerConfigError"}}}
    reported = {"status": {"phase": "Pending", "containerStatuses": [waiting]}}

    assert codes(nodes, node(labels=MASTER), pending("stock-1", **reported)) == []


def as_row(document):
    return document.model_copy(update={"payload": {**document.payload, "form": "table"}})


def test_a_table_row_alone_shows_neither_conditions_nor_events():
    silent = as_row(pending("stock-1", **SILENT))
    placed = [event(f"Pod/orchard/cart-{i}", "Scheduled", "assigned to node-a", type="Normal") for i in range(2)]

    assert codes(nodes, node(labels=MASTER), silent, placed[0]) == []
    assert codes(nodes, node(labels=MASTER), silent, *placed) == [("kube-scheduler-down", "Node/node-a")]


def test_a_scheduler_pod_that_is_not_ready_is_down_on_its_node():
    def scheduler(ready: str):
        status = {"phase": "Running", "conditions": [{"type": "Ready", "status": ready}]}
        made = {"labels": {"component": "kube-scheduler"}, "creationTimestamp": "2026-11-20T10:00:00Z"}
        return obj("Pod/kube-system/kube-scheduler-node-a", metadata=made, spec={"nodeName": "node-a"}, status=status)

    assert codes(nodes, scheduler("False")) == [("kube-scheduler-down", "Node/node-a")]
    assert codes(nodes, scheduler("True")) == []


def test_a_node_that_reaches_no_service_has_no_proxy():
    targets = ("cart.orchard", "stock.orchard", "mail.orchard")
    lost = [check(target, 80, "timeout", from_node="node-b") for target in targets]
    fine = [check(target, 80, "open", from_node="node-a") for target in targets]

    found = findings(*lost, *fine)

    assert [(f.code, str(f.ref)) for f in found] == [("kube-proxy-down", "Node/node-b")]
    assert "timeout" in texts(found[0])


def test_services_that_are_down_from_everywhere_are_not_the_proxys_fault():
    everywhere = [check("cart.orchard", 80, "timeout", from_node=name) for name in ("node-a", "node-b")]
    here = [check("stock.orchard", 80, "open", from_node=name) for name in ("node-a", "node-b")]

    assert codes(nodes, *everywhere, *here) == []


def test_pods_without_network_on_one_node_are_that_nodes():
    said = (
        'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "4f": '
        'plugin type="bridge" failed (add): no IP addresses available in range set'
    )
    names = ("cart-1", "stock-1")
    pods = [obj(f"Pod/orchard/{name}", spec={"nodeName": "node-a"}, status={"phase": "Pending"}) for name in names]
    events = [event(f"Pod/orchard/{name}", "FailedCreatePodSandBox", said) for name in names]

    assert codes(nodes, *pods, *events) == [("pod-network-setup-failed", "Node/node-a")]
    assert codes(nodes, pods[0], events[0]) == [("pod-network-setup-failed", "Pod/orchard/cart-1")]


LOST = event("Node/node-a", "NodeNotReady", "Node node-a status is now: NodeNotReady", type="Normal")


def test_a_node_of_which_only_events_are_known_is_not_ready():
    found = findings(LOST)

    assert [(f.code, str(f.ref)) for f in found] == [("node-not-ready", "Node/node-a")]
    assert "NodeNotReady" in texts(found[0])


def test_a_node_that_is_heard_to_be_ready_again_is_well():
    back = event("Node/node-a", "NodeReady", "Node node-a status is now: NodeReady", type="Normal", ago=20)

    assert codes(nodes, LOST, back) == []
    assert codes(nodes, LOST, node()) == []


def component(name: str):
    """A Pod of kube-system as a table shows it: without its node."""
    status = {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}
    return obj(f"Pod/kube-system/{name}", metadata={"creationTimestamp": "2026-11-20T10:00:00Z"}, status=status)


def test_the_node_of_a_component_is_known_from_its_name_or_from_the_nodes_list_of_pods():
    listed = obj("Node/node-b", status={"pods": [{"namespace": "kube-system", "name": "kube-proxy-x2x4z"}]})
    other = obj("Node/node-c", status={"pods": [{"namespace": "orchard", "name": "kube-proxy-x2x4z"}]})

    assert codes(nodes, node(), component("kube-scheduler-node-a")) == [("kube-scheduler-down", "Node/node-a")]
    assert codes(nodes, other, listed, component("kube-proxy-x2x4z")) == [("kube-proxy-down", "Node/node-b")]
    assert codes(nodes, node(), other, component("kube-proxy-x2x4z")) == [
        ("kube-proxy-down", "Pod/kube-system/kube-proxy-x2x4z")
    ]


def test_a_service_without_an_address_is_reached_without_a_proxy():
    targets = ("cart.orchard", "stock.orchard")
    lost = [check(target, 80, "timeout", from_node="node-b") for target in targets]
    fine = [check(target, 80, "open", from_node="node-a") for target in targets]
    direct = check("cart-db.orchard", 5432, "open", from_node="node-b")
    headless = obj("Service/orchard/cart-db", spec={"clusterIP": "None"})
    proxied = obj("Service/orchard/cart-db", spec={"clusterIP": "10.9.0.8"})

    assert codes(nodes, *lost, *fine, direct, headless) == [("kube-proxy-down", "Node/node-b")]
    assert codes(nodes, *lost, *fine, direct, proxied) == []


def test_a_lost_node_that_is_cordoned_also_needs_to_be_uncordoned():
    def said(**spec: bool) -> str:
        lost = {"type": "Ready", "status": "False", "message": "Kubelet stopped posting node status."}
        found = nodes.check(snapshot(obj("Node/node-c", spec=spec, status={"conditions": [lost]})))
        return next(finding.message for finding in found if finding.code == "node-not-ready")

    assert "kubectl uncordon node-c" in said(unschedulable=True)
    assert "uncordon" not in said()
