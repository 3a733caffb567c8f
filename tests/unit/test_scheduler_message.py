import pytest

from kfi.diagnosis.conditions.scheduler_message import Clause, Filter, clauses, node_count


def test_every_clause_of_a_message_is_counted():
    message = (
        "0/9 nodes are available: 1 node(s) had untolerated taint {team: db}, 1 node(s) were unschedulable, "
        "2 Insufficient cpu, 1 Insufficient example.com/gpu, 2 node(s) didn't match Pod's node affinity/selector, "
        "2 Too many pods. preemption: 0/9 nodes are available: 9 Preemption is not helpful for scheduling."
    )

    found = clauses(message)

    assert found == (
        Clause(Filter.TAINT, 1, "node(s) had untolerated taint {team: db}", "team=db"),
        Clause(Filter.CORDON, 1, "node(s) were unschedulable"),
        Clause(Filter.RESOURCE, 2, "Insufficient cpu", "cpu"),
        Clause(Filter.RESOURCE, 1, "Insufficient example.com/gpu", "example.com/gpu"),
        Clause(Filter.SELECTOR, 2, "node(s) didn't match Pod's node affinity/selector"),
        Clause(Filter.RESOURCE, 2, "Too many pods", "pods"),
    )
    assert node_count(message) == 9


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("3 node(s) had taint {team: db}, that the pod didn't tolerate", Filter.TAINT),
        ("3 node(s) had taints that the pod didn't tolerate", Filter.TAINT),
        ("3 node(s) had untolerated taint(s)", Filter.TAINT),
        ("3 node(s) didn't match node selector", Filter.SELECTOR),
        ("3 node(s) didn't match scheduler-enforced node affinity", Filter.SELECTOR),
        ("3 node(s) didn't match pod anti-affinity rules", Filter.POD_ANTI_AFFINITY),
        ("3 node(s) didn't satisfy existing pods anti-affinity rules", Filter.POD_ANTI_AFFINITY),
        ("3 node(s) didn't match pod affinity rules", Filter.POD_AFFINITY),
        ("3 node(s) didn't match pod affinity/anti-affinity rules", Filter.EITHER_POD_AFFINITY),
        ("3 node(s) didn't match pod topology spread constraints", Filter.TOPOLOGY_SPREAD),
        ("3 node(s) didn't have free ports for the requested pod ports", Filter.HOST_PORT),
        ("3 node(s) had volume node affinity conflict", Filter.VOLUME_NODE),
        ("3 node(s) exceed max volume count", Filter.VOLUME_LIMIT),
        ("3 node(s) didn't find available persistent volumes to bind", Filter.VOLUME_BINDING),
        ("pod has unbound immediate PersistentVolumeClaims (repeated 2 times)", Filter.CLAIM),
    ],
)
def test_old_and_new_wordings_are_told_apart(text: str, kind: Filter):
    found = clauses(f"0/3 nodes are available: {text}.")

    assert [clause.filter for clause in found] == [kind]


def test_a_missing_claim_is_named():
    found = clauses('0/3 nodes are available: persistentvolumeclaim "cart-data" not found. preemption: 0/3 nodes are')

    assert [(clause.filter, clause.detail) for clause in found] == [(Filter.CLAIM, "cart-data")]


def test_a_claim_that_is_being_deleted_is_not_missing():
    found = clauses('0/3 nodes are available: persistentvolumeclaim "cart-data" is being deleted.')

    assert [(clause.filter, clause.detail) for clause in found] == [(Filter.CLAIM, "")]


def test_what_is_said_of_claims_to_deallocate_belongs_to_no_reason():
    text = "0/4 nodes are available: 4 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/4."

    assert [(c.filter.name, c.nodes, c.text) for c in clauses(text)] == [
        ("TAINT", 4, "node(s) had untolerated taint(s)")
    ]


# As kube-scheduler 1.19 to 1.35 prints them: what is said, the filters with their nodes, and what they name.
SAID = {
    "1.19": (
        "0/3 nodes are available: 1 node(s) had taint {node-role.kubernetes.io/master: }, that the pod didn't "
        "tolerate, 2 Insufficient cpu.",
        [("TAINT", 1, "node-role.kubernetes.io/master="), ("RESOURCE", 2, "cpu")],
    ),
    "1.22 claim": (
        '0/4 nodes are available: 4 persistentvolumeclaim "ledger-data" not found.',
        [("CLAIM", 4, "ledger-data")],
    ),
    "1.24 preemption": (
        "0/5 nodes are available: 2 node(s) had volume node affinity conflict, 3 Insufficient memory. preemption: 0/5 "
        "nodes are available: 2 Preemption is not helpful for scheduling, 3 No preemption victims found for it",
        [("VOLUME_NODE", 2, ""), ("RESOURCE", 3, "memory")],
    ),
    "1.26 not eligible": (
        "0/2 nodes are available: 2 Insufficient ephemeral-storage. preemption: not eligible due to "
        "preemptionPolicy=Never..",
        [("RESOURCE", 2, "ephemeral-storage")],
    ),
    "1.27 spread": (
        "0/4 nodes are available: 2 node(s) didn't match pod topology spread constraints, 1 node(s) didn't match pod "
        "topology spread constraints (missing required label), 1 node(s) were unschedulable. preemption: 0/4 nodes are "
        "available: 1 Preemption is not helpful for scheduling, 3 No preemption victims found for incoming pod..",
        [("TOPOLOGY_SPREAD", 2, ""), ("TOPOLOGY_SPREAD", 1, ""), ("CORDON", 1, "")],
    ),
    "1.28 devices": (
        "0/6 nodes are available: 1 Insufficient hugepages-2Mi, 3 Insufficient nvidia.com/gpu, 2 Too many pods.",
        [("RESOURCE", 1, "hugepages-2Mi"), ("RESOURCE", 3, "nvidia.com/gpu"), ("RESOURCE", 2, "pods")],
    ),
    "1.28 ports": (
        "0/2 nodes are available: 2 node(s) didn't have free ports for the requested pod ports.",
        [("HOST_PORT", 2, "")],
    ),
    "1.29 volumes": (
        "0/7 nodes are available: 2 node(s) exceed max volume count, 2 node(s) didn't find available persistent "
        "volumes to bind, 1 node(s) did not have enough free storage, 2 node(s) unavailable due to one or more pvc(s) "
        "bound to non-existent pv(s).",
        [("VOLUME_LIMIT", 2, ""), ("VOLUME_BINDING", 2, ""), ("VOLUME_BINDING", 1, ""), ("VOLUME_BINDING", 2, "")],
    ),
    "1.29 ephemeral": (
        '0/1 nodes are available: waiting for ephemeral volume controller to create the persistentvolumeclaim "a-b". '
        "preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling..",
        [("CLAIM", 0, "")],
    ),
    "1.30 once": (
        "0/3 nodes are available: 3 node(s) unavailable due to PersistentVolumeClaim with ReadWriteOncePod access mode "
        "already in-use by another pod.",
        [("VOLUME_IN_USE", 3, "")],
    ),
    "1.31 several": (
        "0/6 nodes are available: 1 node(s) had untolerated taint {node.kubernetes.io/disk-pressure: }, 1 node(s) had "
        "untolerated taint {dedicated: gpu}, 4 node(s) didn't match Pod's node affinity/selector. no new claims to "
        "deallocate, preemption: 0/6 nodes are available: 6 Preemption is not helpful for scheduling.",
        [("TAINT", 1, "node.kubernetes.io/disk-pressure="), ("TAINT", 1, "dedicated=gpu"), ("SELECTOR", 4, "")],
    ),
    "1.31 prebind": (
        'running PreBind plugin "VolumeBinding": binding volumes: context deadline exceeded',
        [("VOLUME_BINDING", 0, "")],
    ),
    "1.35 volume": (
        "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.",
        [("VOLUME_NODE", 2, "")],
    ),
}


@pytest.mark.parametrize(("text", "expected"), SAID.values(), ids=SAID)
def test_messages_of_every_release_are_taken_apart(text, expected):
    assert [(c.filter.name, c.nodes, c.detail) for c in clauses(text)] == expected
