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
