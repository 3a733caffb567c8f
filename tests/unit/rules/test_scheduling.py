"""Each fault has a twin in which the scheduler says the same words of other objects."""

from typing import Any

import pytest

from kfi.diagnosis.rules import scheduling
from kfi.models.schemas import Document, Finding, Role
from tests.cluster import NOW, codes, event, listing, obj, snapshot

POD = "Pod/orchard/cart-7d9"
MISMATCH = "node(s) didn't match Pod's node affinity/selector"


def pod(name: str = POD, **spec: Any) -> Document:
    return obj(name, spec={"containers": [{"name": "app"}], **spec}, status={"phase": "Pending"})


def node(name: str, *, taints: Any = (), cordoned: bool = False, cpu: str = "4", **labels: str) -> Document:
    spec = {"taints": list(taints), **({"unschedulable": True} if cordoned else {})}
    status = {"allocatable": {"cpu": cpu, "memory": "8Gi"}, "conditions": [{"type": "Ready", "status": "True"}]}
    return obj(
        f"Node/{name}", metadata={"labels": {"kubernetes.io/hostname": name, **labels}}, spec=spec, status=status
    )


def control_plane() -> Document:
    return node("node-cp", cordoned=True, **{"node-role.kubernetes.io/control-plane": ""})


def said(text: str, name: str = POD, **fields: Any) -> Document:
    nodes = f"0/4 nodes are available: {text}. preemption: 0/4 nodes are available: 4 No preemption victims found."
    return event(name, "FailedScheduling", nodes, component="default-scheduler", **fields)


def taint(key: str, value: str = "", effect: str = "NoSchedule") -> dict[str, str]:
    return {"key": key, "value": value, "effect": effect}


def required(key: str, operator: str, *values: str) -> dict[str, Any]:
    terms = [{"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}]
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}


def findings(*documents: Document) -> list[Finding]:
    return list(scheduling.check(snapshot(*documents)))


WORKERS = (node("node-a"), node("node-b"), node("node-c"))


def test_a_selector_that_no_node_carries_is_the_cause_and_the_cordoned_control_plane_is_not():
    found = findings(
        pod(nodeSelector={"disk": "ssd"}),
        *WORKERS,
        control_plane(),
        said(f"1 node(s) were unschedulable, 3 {MISMATCH}"),
    )

    assert [(f.code, str(f.ref)) for f in found] == [("node-selector-mismatch", POD)]
    assert found[0].message == "The nodeSelector disk=ssd matches none of 3 nodes."
    assert any('"disk": "ssd"' in citation.text for citation in found[0].evidence)


def test_labels_that_no_single_node_carries_together_mismatch():
    nodes = (node("node-a", disk="ssd"), node("node-b", zone="north"))

    assert codes(
        scheduling, pod(nodeSelector={"disk": "ssd", "zone": "north"}), *nodes, said(f"2 {MISMATCH}")
    ) == [("node-selector-mismatch", POD)]  # fmt: skip


@pytest.mark.parametrize(
    "affinity",
    [required("disk", "In", "ssd"), required("disk", "Exists"), required("kubernetes.io/hostname", "NotIn", *"abc")],
)
def test_a_required_affinity_that_no_node_meets_is_the_cause(affinity: dict[str, Any]):
    nodes = [obj(f"Node/{n}", metadata={"labels": {"kubernetes.io/hostname": n}}, spec={}) for n in "abc"]

    found = findings(pod(affinity=affinity), *nodes, said(f"3 {MISMATCH}"))

    assert [(f.code, str(f.ref)) for f in found] == [("node-affinity-mismatch", POD)]
    assert any("matchExpressions" in c.text or "key" in c.text for c in found[0].evidence)


def test_the_control_plane_is_not_meant_by_an_affinity_that_only_excludes():
    nodes = [node(name, state="repair") for name in ("node-a", "node-b")]
    words = said(f"1 node(s) were unschedulable, 2 {MISMATCH}")

    assert codes(scheduling, pod(affinity=required("state", "NotIn", "repair")), *nodes, control_plane(), words) == [
        ("node-affinity-mismatch", POD)
    ]


def test_the_control_plane_is_meant_by_a_label_that_only_it_has():
    only_there = pod(nodeSelector={"node-role.kubernetes.io/control-plane": ""})

    assert codes(
        scheduling, only_there, *WORKERS, control_plane(), said(f"1 node(s) were unschedulable, 3 {MISMATCH}")
    ) == [("node-cordoned", POD)]  # fmt: skip


def test_the_affinity_of_a_described_pod_comes_from_the_manifest_of_its_workload():
    owner = {"ownerReferences": [{"kind": "StatefulSet", "name": "cart", "controller": True}]}
    template = {"spec": {"containers": [{"name": "app"}], "affinity": required("disk", "In", "ssd")}}

    found = findings(
        obj(POD, metadata=owner, spec={"containers": [{"name": "app"}]}, status={"phase": "Pending"}),
        obj("StatefulSet/orchard/cart", applied=True, spec={"template": template}),
        *WORKERS,
        said(f"3 {MISMATCH}"),
    )

    assert [(f.code, str(f.ref)) for f in found] == [("node-affinity-mismatch", POD)]


def test_the_cordon_of_the_node_that_a_pod_asks_for_is_the_cause():
    nodes = (node("node-a"), node("node-b"), node("node-c", cordoned=True, disk="ssd"))

    found = findings(
        pod(nodeSelector={"disk": "ssd"}), *nodes, control_plane(), said(f"2 node(s) were unschedulable, 2 {MISMATCH}")
    )

    assert [(f.code, str(f.ref)) for f in found] == [("node-cordoned", POD)]
    assert found[0].message == "The Pod may only run on node-c, which is cordoned."
    assert any("unschedulable" in citation.text for citation in found[0].evidence[1:])


def test_a_pod_without_wishes_finds_no_node_when_all_are_cordoned():
    nodes = (node("node-a", cordoned=True), node("node-b", cordoned=True))

    assert codes(scheduling, pod(), *nodes, control_plane(), said("3 node(s) were unschedulable")) == [
        ("node-cordoned", POD)
    ]


def test_the_taint_of_the_node_that_a_pod_asks_for_is_the_cause():
    nodes = (node("node-a"), node("node-b"), node("node-c", taints=[taint("team", "db")], disk="ssd"))

    found = findings(
        pod(nodeSelector={"disk": "ssd"}), *nodes, said(f"1 node(s) had untolerated taint {{team: db}}, 2 {MISMATCH}")
    )

    assert [(f.code, str(f.ref)) for f in found] == [("untolerated-taint", POD)]
    assert found[0].message == "The Pod does not tolerate team=db:NoSchedule on node-c."
    assert any('"team"' in citation.text or "taints" in citation.text for citation in found[0].evidence)


def test_a_tainted_node_that_the_pod_does_not_ask_for_is_background():
    nodes = (node("node-a"), node("node-b"), node("node-c", taints=[taint("team", "db")]))

    assert codes(
        scheduling,
        pod(nodeSelector={"disk": "ssd"}),
        *nodes,
        said(f"1 node(s) had untolerated taint {{team: db}}, 2 {MISMATCH}"),
    ) == [("node-selector-mismatch", POD)]


def test_a_taint_on_every_worker_is_the_cause():
    nodes = (node("node-a", taints=[taint("team", "db")]), node("node-b", taints=[taint("team", "db", "NoExecute")]))

    assert codes(scheduling, pod(), *nodes, said("2 node(s) had untolerated taint {team: db}")) == [
        ("untolerated-taint", POD)
    ]


def test_a_node_that_is_not_ready_makes_the_pod_only_a_sufferer():
    unreachable = taint("node.kubernetes.io/unreachable")
    nodes = (node("node-a"), node("node-b"), node("node-c", taints=[unreachable], disk="ssd"))

    found = findings(
        pod(nodeSelector={"disk": "ssd"}),
        *nodes,
        said(f"1 node(s) had untolerated taint {{node.kubernetes.io/unreachable: }}, 2 {MISMATCH}"),
    )

    assert [(f.code, f.role) for f in found] == [("unschedulable", Role.SYMPTOM)]


def test_a_shortage_while_a_fitting_node_is_down_is_only_suffered():
    down = node("node-b", taints=[taint("node.kubernetes.io/not-ready")])
    words = said("1 Insufficient cpu, 1 node(s) had untolerated taint {node.kubernetes.io/not-ready: }")

    [suffered] = findings(requesting(cpu="2"), node("node-a"), down, words)
    [own_fault] = findings(requesting(cpu="9"), node("node-a"), down, words)

    assert (suffered.code, suffered.role) == ("insufficient-cpu", Role.SYMPTOM)
    assert (own_fault.code, own_fault.role) == ("insufficient-cpu", Role.CAUSE)


def requesting(**requests: str) -> Document:
    return pod(containers=[{"name": "app", "resources": {"requests": requests}}])


def test_a_request_larger_than_any_node_is_named_with_the_largest_node():
    nodes = (node("node-a"), node("node-b", cpu="6"))

    found = findings(requesting(cpu="8"), *nodes, said("2 Insufficient cpu"))

    assert [(f.code, str(f.ref)) for f in found] == [("insufficient-cpu", POD)]
    assert found[0].message == "The Pod requests 8 CPU; the largest node can give 6 (node-b)."
    assert any('"cpu": "8"' in citation.text for citation in found[0].evidence)


def test_full_nodes_are_short_of_memory():
    assert codes(scheduling, requesting(memory="2Gi"), *WORKERS, said("3 Insufficient memory")) == [
        ("insufficient-memory", POD)
    ]


def test_the_request_that_no_node_can_ever_meet_outweighs_the_commoner_shortage():
    found = codes(
        scheduling, requesting(cpu="1", memory="64Gi"), *WORKERS, said("3 Insufficient cpu, 2 Insufficient memory")
    )

    assert found == [("insufficient-memory", POD)]


def test_a_full_node_that_matches_the_selector_outweighs_the_nodes_that_do_not():
    nodes = (node("node-a"), node("node-b"), node("node-c", disk="ssd"))

    assert codes(
        scheduling,
        pod(nodeSelector={"disk": "ssd"}, containers=[{"name": "app", "resources": {"requests": {"cpu": "9"}}}]),
        *nodes,
        said(f"1 Insufficient cpu, 2 {MISMATCH}"),
    ) == [("insufficient-cpu", POD)]


def test_cordoned_workers_outweigh_the_one_that_is_full():
    nodes = (node("node-a"), node("node-b", cordoned=True), node("node-c", cordoned=True))

    assert codes(
        scheduling, requesting(cpu="1"), *nodes, said("1 Insufficient cpu, 2 node(s) were unschedulable")
    ) == [("node-cordoned", POD)]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("3 node(s) didn't match pod anti-affinity rules", "pod-anti-affinity-conflict"),
        ("3 node(s) didn't satisfy existing pods anti-affinity rules", "pod-anti-affinity-conflict"),
        ("3 node(s) didn't match pod affinity rules", "pod-affinity-unsatisfied"),
        ("3 node(s) didn't match pod topology spread constraints", "topology-spread-unsatisfied"),
        ("3 node(s) didn't have free ports for the requested pod ports", "host-port-conflict"),
        ("3 node(s) had volume node affinity conflict", "volume-node-affinity-conflict"),
        ("3 node(s) exceed max volume count", "volume-limit-reached"),
        ("3 Too many pods", "insufficient-resource"),
        ("3 Insufficient example.com/gpu", "insufficient-resource"),
        ("pod has unbound immediate PersistentVolumeClaims", "unbound-claim"),
        ("3 something new that nobody knows", "unschedulable"),
    ],
)
def test_each_filter_of_the_scheduler_has_its_code(text: str, code: str):
    found = findings(pod(), *WORKERS, said(text))

    assert [(f.code, str(f.ref)) for f in found] == [(code, POD)]
    assert text in found[0].evidence[0].text


def test_waiting_for_a_claim_is_a_symptom():
    [found] = findings(pod(), *WORKERS, said("pod has unbound immediate PersistentVolumeClaims"))

    assert found.role is Role.SYMPTOM


def test_old_words_for_either_affinity_are_decided_by_the_spec():
    rule = {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "kubernetes.io/hostname"}]}
    words = said("3 node(s) didn't match pod affinity/anti-affinity rules")

    assert codes(scheduling, pod(affinity={"podAffinity": rule}), words) == [("pod-affinity-unsatisfied", POD)]
    assert codes(scheduling, pod(affinity={"podAntiAffinity": rule}), words) == [("pod-anti-affinity-conflict", POD)]


def test_without_nodes_the_message_alone_decides_with_less_certainty():
    found = findings(pod(nodeSelector={"disk": "ssd"}), said(f"3 {MISMATCH}, 1 node(s) were unschedulable"))

    assert [f.code for f in found] == ["node-selector-mismatch"]
    assert found[0].strength < 0.8


def test_the_unschedulable_condition_speaks_where_there_is_no_event():
    text = "0/3 nodes are available: 3 Insufficient cpu."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": text}

    found = findings(
        obj(POD, spec={"containers": [{"name": "app"}]}, status={"phase": "Pending", "conditions": [condition]})
    )

    assert [f.code for f in found] == ["insufficient-cpu"]
    assert "Insufficient cpu" in found[0].evidence[0].text


def test_a_pod_of_which_only_its_event_is_known_counts_unless_a_list_lacks_it():
    words = said("3 Insufficient cpu")

    assert codes(scheduling, words) == [("insufficient-cpu", POD)]
    assert codes(scheduling, words, listing("Pod", "orchard", "checkout-5c")) == []
    assert codes(scheduling, words, event(POD, "Scheduled", "Successfully assigned", ago=5)) == []


def test_a_pod_that_nobody_heard_of_for_long_is_likely_gone():
    newer = event("Pod/orchard/stock-0", "Started", "Started container app", type="Normal", ago=5)

    [fresh] = findings(said("3 Insufficient cpu"), newer)
    [silent] = findings(said("3 Insufficient cpu", ago=3600), newer)

    assert silent.strength < 0.5 < fresh.strength


def test_the_newest_event_of_a_file_of_events_alone_is_of_the_present_however_late_it_is_read():
    [read_late] = findings(said("3 Insufficient cpu", ago=90 * 86400))
    [beside_live_objects] = findings(said("3 Insufficient cpu", ago=90 * 86400), obj("Pod/orchard/stock-0"))

    assert beside_live_objects.strength < 0.5 < read_late.strength


def test_a_pod_that_its_controller_says_it_deleted_waits_no_longer():
    deleted = event(
        "ReplicaSet/orchard/checkout", "SuccessfulDelete", f"Deleted pod: {POD.rpartition('/')[2]}", type="Normal"
    )

    assert codes(scheduling, said("3 Insufficient cpu"), deleted) == []
    assert codes(scheduling, event(POD, "FailedScheduling", "skip schedule deleting pod: orchard/checkout-5c")) == []


def test_a_described_pod_without_selector_has_an_affinity_that_describe_does_not_show():
    described = pod(tolerations=[{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"}])

    assert codes(scheduling, described, *WORKERS, said(f"3 {MISMATCH}")) == [("node-affinity-mismatch", POD)]


def test_a_pod_that_got_its_node_waits_no_longer():
    running = obj(POD, spec={"nodeName": "node-a"}, status={"phase": "Running"})

    assert codes(scheduling, running, *WORKERS, said("3 Insufficient cpu")) == []


def test_a_pod_that_the_scheduler_never_spoke_of_is_not_the_schedulers_refusal():
    assert codes(scheduling, pod(), *WORKERS) == []


def test_a_gated_pod_waits_for_whoever_set_the_gate():
    assert codes(scheduling, pod(schedulingGates=[{"name": "orchard.example/queue"}])) == [("scheduling-gated", POD)]


def test_a_node_name_of_no_node_is_found_by_the_list_of_nodes():
    placed = pod(nodeName="node-z")

    assert codes(scheduling, placed, *WORKERS, listing("Node", "", "node-a", "node-b", "node-c")) == [
        ("node-name-missing", POD)
    ]
    assert codes(scheduling, placed, *WORKERS) == []


def test_a_node_that_once_ran_the_pod_is_no_slip_in_its_name_and_explains_no_crash():
    ended = {"name": "app", "state": {"terminated": {"exitCode": 1}}}
    ran = obj(POD, spec={"nodeName": "node-z"}, status={"hostIP": "10.0.0.9", "containerStatuses": [ended]})

    found = list(scheduling.check(snapshot(ran, *WORKERS, listing("Node", "", "node-a", "node-b", "node-c"))))

    assert [(f.code, f.strength) for f in found] == [("node-name-missing", 0.45)]
    assert "does not exist any more" in found[0].message


def test_a_pod_that_its_node_refused_counts_while_no_sibling_is_ready():
    refused = obj(POD, spec={"nodeName": "node-a"}, status={"phase": "Failed", "reason": "OutOfcpu"})

    assert codes(scheduling, refused) == [("insufficient-cpu", POD)]


def test_a_refused_pod_that_was_replaced_is_history():
    owner = {"ownerReferences": [{"kind": "ReplicaSet", "name": "cart-1", "controller": True}]}
    ready = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}

    assert (
        codes(
            scheduling,
            obj(POD, metadata=owner, spec={"nodeName": "node-a"}, status={"phase": "Failed", "reason": "OutOfcpu"}),
            obj("Pod/orchard/cart-8f2", metadata=owner, spec={"nodeName": "node-b"}, status=ready),
        )
        == []
    )


def test_a_taint_that_a_nodes_condition_sets_is_named_where_no_node_was_given():
    found = findings(pod(), said("1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }"))

    assert [(f.code, str(f.ref), f.role) for f in found] == [("unschedulable", POD, Role.SYMPTOM)]
    assert "Kubernetes has tainted them node.kubernetes.io/disk-pressure" in found[0].message


def test_a_device_that_no_node_lists_is_offered_by_none():
    gpu = obj(POD, spec={"containers": [{"name": "app", "resources": {"requests": {"nvidia.com/gpu": 1}}}]})
    full = {"allocatable": {"cpu": "4", "memory": "8Gi"}, "conditions": [{"type": "Ready", "status": "True"}]}

    (found,) = findings(gpu, obj("Node/node-a", status=full), said("1 Insufficient nvidia.com/gpu"))

    assert (found.code, found.message) == (
        "insufficient-resource",
        "The Pod requests 1 nvidia.com/gpu; no node offers any.",
    )


LONELY = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"app": "cart"}}, "topologyKey": "kubernetes.io/hostname"}
        ]
    }
}


def unheard(**spec: Any) -> Document:
    return obj(POD, spec=spec, status={"summary": "Pending"})


def labelled(name: str, **fields: Any) -> Document:
    return obj(f"Node/{name}", metadata={"labels": {"kubernetes.io/hostname": name}}, spec=fields)


def found(*documents: Document) -> list[tuple[str, float]]:
    return [(f.code, f.strength) for f in scheduling.check(snapshot(*documents))]


def test_where_nobody_kept_the_schedulers_words_the_pods_spec_is_held_against_the_nodes():
    tainted = {"taints": [{"key": "team", "value": "tax", "effect": "NoSchedule"}]}
    nodes = (labelled("node-a", **tainted), labelled("node-b"))

    assert found(unheard(nodeSelector={"disk": "fast"}), *nodes) == [("node-selector-mismatch", 0.8)]
    assert found(unheard(nodeSelector={"kubernetes.io/hostname": "node-a"}), *nodes) == [("untolerated-taint", 0.8)]
    assert found(unheard(nodeSelector={"kubernetes.io/hostname": "node-b"}), *nodes) == []
    assert found(unheard(), *nodes) == []


def test_a_hard_constraint_that_cannot_be_checked_is_a_lead_only():
    assert found(unheard(affinity=LONELY), labelled("node-a")) == [("pod-anti-affinity-conflict", 0.5)]
    assert found(unheard(nodeSelector={"disk": "fast"}), obj("Node/node-a")) == [("node-selector-mismatch", 0.5)]


def test_a_pod_that_has_a_node_or_has_just_come_waits_for_none():
    new = obj(
        POD, metadata={"creationTimestamp": NOW.isoformat()}, spec={"affinity": LONELY}, status={"phase": "Pending"}
    )
    placed = obj(POD, spec={"nodeName": "node-a", "affinity": LONELY}, status={"summary": "Pending"})

    assert found(new, labelled("node-a")) == []
    assert found(placed, labelled("node-a")) == []
