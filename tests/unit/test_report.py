"""Words, numbers and gaps of an answer."""

from kfi.diagnosis.catalogue import Layer, Rule, catalogue
from kfi.diagnosis.gaps import find_gaps
from kfi.diagnosis.report import NumberedEvidence, filled, healthy_summary, root_cause, summary
from kfi.models.schemas import Citation, ObjectRef, Role
from tests.cluster import event, explain, log, obj, ref, snapshot

CRASH = Rule(
    code="crash",
    title="Application crashes",
    layer=Layer.CRASH,
    meaning="",
    confirm="kubectl logs {name} -n {namespace}",
    fix=("Mend {name}.",),
)
DOWN = Rule(code="down", title="Too few Pods", layer=Layer.SYMPTOM, meaning="", confirm="", fix=(), role=Role.SYMPTOM)
RULES = {rule.code: rule for rule in (CRASH, DOWN)}
POD = "Pod/orchard/cart-7d9f8-x2x4z"


def line(number: int, path: str = "app.log") -> Citation:
    return Citation(document_id="d", path=path, first_line=number, last_line=number, text=f"line {number}")


def test_the_same_line_keeps_its_number_and_a_new_one_gets_the_next():
    evidence = NumberedEvidence()

    assert evidence.number([line(1), line(2), line(1)]) == ("E1", "E2")
    assert evidence.number([line(2), line(3)]) == ("E2", "E3")
    assert [c.label for c in evidence.lines] == ["E1", "E2", "E3"]


def test_a_cause_is_told_with_its_chain_and_each_step_cites():
    owner = [{"kind": "Deployment", "name": "cart", "controller": True}]
    seen = snapshot(obj("Deployment/orchard/cart"), obj(POD, metadata={"ownerReferences": owner}))
    findings = [
        CRASH.found(ref(POD), "It exits with 1.", [line(7)]),
        DOWN.found(ref("Deployment/orchard/cart"), "0 of 1 ready.", [line(3, "deployments.txt")]),
    ]
    evidence = NumberedEvidence()

    cause = root_cause(explain(seen, findings, RULES)[0], RULES, evidence)

    assert str(cause.workload) == "Deployment/orchard/cart"
    assert [(link.statement, link.citations) for link in cause.chain] == [
        ("It exits with 1.", ("E1",)),
        ("0 of 1 ready.", ("E2",)),
    ]
    assert cause.confirm == "kubectl logs cart-7d9f8-x2x4z -n orchard"
    assert cause.remediation == ("Mend cart-7d9f8-x2x4z.",)


def test_an_object_without_a_name_leaves_a_placeholder_a_person_recognises():
    assert filled("kubectl get {kind} {name} -n {namespace}", ObjectRef()) == "kubectl get pod NAME -n NAMESPACE"


def test_a_command_about_an_object_of_the_whole_cluster_names_no_namespace():
    command = "kubectl describe {kind} {name} -n {namespace}"

    assert filled(command, ref("Node/node-a")) == "kubectl describe node node-a"
    assert filled(command, ref("Pod/orchard/cart")) == "kubectl describe pod cart -n orchard"
    assert filled("kubectl get quota -n {name}", ref("Namespace/orchard")) == "kubectl get quota -n orchard"


def test_no_command_of_the_catalogue_has_braces_that_kubectl_does_not_read():
    assert [rule.code for rule in catalogue().values() if "{{" in rule.confirm] == []


def test_no_evidence_and_a_healthy_cluster_are_told_apart():
    assert "No evidence" in summary((), 0)
    assert "Nothing is failing" in summary((), 12)


def test_an_answer_that_has_only_a_weak_lead_says_so():
    weak = explain(snapshot(obj("Deployment/orchard/cart")), [CRASH.found(ref(POD), "It may.", strength=0.3)], RULES)
    causes = [root_cause(incident, RULES, NumberedEvidence()) for incident in weak]

    assert summary(causes, 1).startswith("Nothing here is surely failing")


def test_a_symptom_that_nothing_explains_is_not_told_as_a_cause():
    down = catalogue()["pod-not-ready"].found(ref(POD), "It is not ready.", strength=0.6)
    causes = [root_cause(i, catalogue(), NumberedEvidence()) for i in explain(snapshot(obj(POD)), [down], catalogue())]

    assert summary(causes, 1).startswith("Nothing that was given shows a cause; what can be seen is this.")


def test_beside_a_weak_lead_only_what_is_sure_is_named():
    shop = snapshot(obj("Deployment/orchard/cart"), obj("Deployment/orchard/mailer"), obj("Deployment/orchard/tax"))
    sure = [CRASH.found(ref(f"Deployment/orchard/{app}"), "It ends.", strength=0.9) for app in ("mailer",)]
    weak = [CRASH.found(ref(f"Deployment/orchard/{app}"), "It may.", strength=0.2) for app in ("cart", "tax")]
    incidents = sorted(explain(shop, [*weak, *sure], RULES), key=lambda one: str(one.root.subject))

    said = summary([root_cause(one, RULES, NumberedEvidence()) for one in incidents], 3)

    assert said.startswith("Nothing here is surely failing; the strongest lead is a weak one. Deployment/orchard/cart")
    assert said.endswith("Independently of it: Deployment/orchard/mailer (application crashes).")


def test_a_name_that_is_not_there_is_said_first_and_other_failures_are_not_its():
    crash = explain(
        snapshot(obj("Deployment/orchard/cart")), [CRASH.found(ref("Deployment/orchard/cart"), "It ends.")], RULES
    )

    said = healthy_summary((), ("parcels",), (), crash)

    assert said.startswith("parcels was not found: nothing in the evidence has that name")
    assert "What fails has other names: Deployment/orchard/cart" in said


def test_a_crashed_container_without_its_previous_log_names_the_command_that_gets_it():
    crashed = {"name": "app", "lastState": {"terminated": {"exitCode": 1}}}
    seen = snapshot(
        obj(POD, spec={"nodeName": "node-a"}, status={"containerStatuses": [crashed]}), event(POD, "BackOff", "b")
    )
    causes = [root_cause(i, RULES, NumberedEvidence()) for i in explain(seen, [CRASH.found(ref(POD), "x")], RULES)]

    assert [g.command for g in find_gaps(seen, causes)] == [
        "kubectl logs -n orchard cart-7d9f8-x2x4z -c app --previous"
    ]

    told = snapshot(
        obj(POD, spec={"nodeName": "node-a"}, status={"containerStatuses": [crashed]}),
        event(POD, "BackOff", "b"),
        log(POD, "boom", previous=True),
    )
    assert find_gaps(told, causes) == ()


def test_a_name_that_nothing_has_is_a_gap_and_not_silence():
    gaps = find_gaps(snapshot(obj("Node/node-a"), obj(POD)), [], ["web-app-123"])

    assert gaps[0].what == "Nothing in the evidence is named 'web-app-123'."
