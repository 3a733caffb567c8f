"""What could not be seen is named with the command that shows it."""

from kfi.diagnosis.gaps import find_gaps
from kfi.models.schemas import RootCause
from tests.cluster import node_service, obj, ref, snapshot


def lost(name: str) -> RootCause:
    where = ref(f"Node/{name}")
    return RootCause(code="node-not-ready", title="x", object=where, workload=where, confidence=0.5, explanation="x")


NODE = obj("Node/node-a", status={"conditions": [{"type": "Ready", "status": "Unknown"}]})


def test_why_a_node_is_silent_only_its_services_tell():
    gaps = find_gaps(snapshot(NODE), [lost("node-a")])

    assert [gap.command for gap in gaps] == [
        "ssh node-a systemctl status kubelet containerd crio docker --no-pager",
        "kubectl get pods,events -A -o json",
    ]
    assert "manifests" not in gaps[1].what


def test_a_node_whose_services_were_given_lacks_nothing_of_itself():
    gaps = find_gaps(snapshot(NODE, node_service("node-a", "kubelet.service", "active")), [lost("node-a")])

    assert not any("ssh" in gap.command for gap in gaps)


def stuck(which: str) -> RootCause:
    return RootCause(code="x", title="x", object=ref(which), workload=ref(which), confidence=0.5, explanation="x")


def test_nodes_are_only_missed_by_a_pod_that_waits_for_one():
    pulls = obj("Pod/orchard/cart", status={"summary": "ImagePullBackOff"})
    waits = obj("Pod/orchard/cart", status={"summary": "Pending"})

    assert "kubectl describe nodes" in [g.command for g in find_gaps(snapshot(waits), [stuck("Pod/orchard/cart")])]
    assert "kubectl describe nodes" not in [g.command for g in find_gaps(snapshot(pulls), [stuck("Pod/orchard/cart")])]


def test_a_described_pod_whose_containers_never_began_is_not_called_a_table_row():
    described = obj("Pod/orchard/cart", spec={"nodeName": "node-a"}, status={"phase": "Pending"})

    assert not any("table row" in gap.what for gap in find_gaps(snapshot(described), [stuck("Pod/orchard/cart")]))


def test_an_object_whose_namesake_lives_in_another_namespace_is_said_to_be_seen_only_there():
    applied, live = obj("Job/orchard/stocktake", applied=True), obj("Job/default/stocktake")

    gaps = find_gaps(snapshot(applied, live), [], named=[ref("Job/orchard/stocktake"), ref("Job/default/stocktake")])

    assert [gap.what for gap in gaps if "manifest" in gap.what] == [
        "Of Job/orchard/stocktake only a manifest was given; live state of that name is of namespace 'default'."
    ]
    assert not any(
        "manifest" in gap.what
        for gap in find_gaps(snapshot(applied), [], named=[ref("Job/orchard/stocktake")])
        if "stocktake" in gap.what
    )
