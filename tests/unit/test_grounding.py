"""What a model's claims have to stand on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.chains.citations import check, check_claims
from kfi.chains.grounding import ground_of, says_unknown
from kfi.chains.prompts import Brief
from kfi.chains.structured import OTHER, UNKNOWN, Structured, disagreement, read, schema
from kfi.models.schemas import Citation, Gap, ObjectRef, QueryPlan, RootCause

POD = ObjectRef(kind="Pod", namespace="orchard", name="cart-7d9f8c6b5d-x2x4z")
CART = ObjectRef(kind="Deployment", namespace="orchard", name="cart")
CAUSE = RootCause(
    code="oom-killed",
    title="Killed for its memory limit",
    object=POD,
    workload=CART,
    confidence=0.9,
    explanation="Container app reached its limit of 64Mi; ConfigMap cart-flags is missing.",
    citations=("E1",),
    confirm="kubectl describe pod cart-7d9f8c6b5d-x2x4z -n orchard",
    remediation=("Roll back: kubectl rollout undo deploy/cart.",),
)


def line(label, text):
    return Citation(document_id="d", path="pods.yaml", first_line=3, last_line=3, text=text, label=label)


BRIEF = Brief(
    question="Why is cart down?",
    plan=QueryPlan(question="Why is cart down?"),
    causes=(CAUSE,),
    evidence=(
        line("E1", "reason: OOMKilled\nexitCode: 137"),
        line("E2", 'dial tcp: lookup payments-db-9 on 10.1.2.3: "no such host"'),
    ),
    gaps=(Gap(what="No metrics of node-a.", command="kubectl top node node-a"),),
    objects=(POD, CART, ObjectRef(kind="Node", name="node-a")),
)
GROUND = ground_of(BRIEF, {"E1", "E2"})


@pytest.mark.parametrize(
    ("claim", "left"),
    [
        ("Pod/orchard/cart-7d9f8c6b5d-x2x4z was killed [E1].", "Pod/orchard/cart-7d9f8c6b5d-x2x4z was killed [E1]."),
        ("The pod `cart-7d9f8c6b5d` was killed [E1].", "The pod `cart-7d9f8c6b5d` was killed [E1]."),
        ("ConfigMap cart-flags is missing [E1].", "ConfigMap cart-flags is missing [E1]."),
        ("It cannot reach service payments-db-9 [E2].", "It cannot reach service payments-db-9 [E2]."),
        ("Service payments-db-9 is down [E1].", None),
        ("Pod/orchard/pricing-0 was killed [E1].", None),
        ("The deployment 'mailer' is down [E1].", None),
        ("The 'mailer' deployment is down [E1].", None),
        ("Namespace/prod is full [E1].", None),
        ("pricing-5d8f7c6b9d-qw2rt was killed [E1].", None),
        ("The node out-of-memory killer ended it [E1].", "The node out-of-memory killer ended it [E1]."),
        ("The pod back-off follows the limit [E1].", "The pod back-off follows the limit [E1]."),
    ],
)
def test_an_object_has_to_exist(claim, left):
    assert check(claim, GROUND).text == left


MAILER = CAUSE.model_copy(
    update={
        "code": "image-not-found",
        "title": "The image does not exist in its registry",
        "object": ObjectRef(kind="Pod", namespace="orchard", name="mailer-6d787cc8c4-lws7s"),
        "workload": ObjectRef(kind="Deployment", namespace="orchard", name="mailer"),
        "explanation": "The registry has no image mailer:2.",
        "citations": ("E3",),
    }
)
TWO = ground_of(
    Brief(
        question="What is wrong?",
        plan=QueryPlan(question="What is wrong?"),
        causes=(CAUSE, MAILER),
        evidence=(*BRIEF.evidence, line("E3", "manifest unknown"), line("E4", "Back-off restarting cart")),
        objects=(*BRIEF.objects, MAILER.object, MAILER.workload),
    ),
    {"E1", "E2", "E3", "E4"},
)


@pytest.mark.parametrize(
    ("claim", "stays"),
    [
        ("cart reached its memory limit of 64Mi [E1].", True),
        ("cart reached its memory limit of 64Mi [E3].", False),
        ("The registry has no image for mailer [E3].", True),
        ("The registry has no image for mailer [E1].", False),
        ("cart reached its limit, and the registry has no image for mailer [E3].", True),
        # What no rule cites may be about anything.
        ("cart was restarted [E4].", True),
        ("cart: no such host [E2].", True),
        # Who is meant is not said.
        ("It reached its memory limit of 64Mi [E3].", True),
    ],
)
def test_what_is_said_of_one_failure_is_not_proven_by_the_lines_of_another(claim, stays):
    assert (check(claim, TWO).text == claim) is stays


@pytest.mark.parametrize(
    ("claim", "stays"),
    [
        ("cart was killed for its memory limit [E1].", True),
        ("cart was not killed for its memory limit [E1].", False),
        ("cart wasn't OOMKilled at its limit of 64Mi [E1].", False),
        ("cart was never really killed at its limit [E1].", False),
        ("ConfigMap cart-flags is not missing [E1].", False),
        ("cart was not only killed, its limit of 64Mi was reached [E1].", True),
        ("cart did not restart; it was killed at its limit [E1].", True),
    ],
)
def test_what_the_rules_say_is_not_denied(claim, stays):
    assert (check(claim, GROUND).text == claim) is stays


@pytest.mark.parametrize(
    ("claim", "left"),
    [
        ('It says "no such host" [E2].', 'It says "no such host" [E2].'),
        ("It says \u201cexitCode:  137\u201d [E1].", "It says \u201cexitCode:  137\u201d [E1]."),
        ('It says "disk full" [E1].', None),
        ("It says `disk is full` [E1].", None),
        ("Raise `resources.limits.memory` [E1].", "Raise `resources.limits.memory` [E1]."),
    ],
)
def test_a_quote_has_to_stand_in_the_evidence(claim, left):
    assert check(claim, GROUND).text == left


@pytest.mark.parametrize(
    ("claim", "checked"),
    [
        ("It ended with exitCode 137.", ("It ended with exitCode 137 [E1].", 0, 1, 0)),
        ("It was OOMKilled at 10.1.2.3.", (None, 0, 0, 1)),
        ("It is broken.", (None, 0, 0, 1)),
        ("I do not know what fills it.", ("I do not know what fills it.", 1, 0, 0)),
        ("It is broken; run `kubectl get pods`.", ("To see more: `kubectl get pods`.", 0, 1, 0)),
        (
            "Roll back: kubectl rollout undo deploy/cart [E1].",
            ("Roll back: kubectl rollout undo deploy/cart [E1].", 1, 0, 0),
        ),
        ("Run kubectl delete pod cart [E1].", (None, 0, 0, 1)),
    ],
)
def test_a_claim_without_a_label_gets_that_of_its_proof_or_goes(claim, checked):
    found = check(claim, GROUND)

    assert (found.text, found.kept, found.repaired, found.removed) == checked


def test_claims_of_an_object_become_a_list_and_cite_what_exists():
    claims = [("It was killed.", ("E1", "E9")), ("The host is unknown [E2]", ()), ("The disk is full", ("E7",))]

    found = check_claims(claims, GROUND)

    assert found.text == "- It was killed [E1].\n- The host is unknown [E2]."
    assert (found.kept, found.repaired, found.removed) == (1, 1, 1)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ('{"claims": [], "cause": "2"}', "2"),
        ('Here:\n```json\n{"claims": [{"text": "a", "evidence": "E1 and E2"},], "cause": 1,}\n```', "1"),
        ('{"claims": ["a [E1]"], "cause": "Finding 3"}', "3"),
        ('{"cause": "unknown"} {"cause": "1"}', UNKNOWN),
        ('{"cause": ["x"]}', ""),
    ],
)
def test_an_object_is_read_kindly(text, cause):
    assert read(text).cause == cause


@pytest.mark.parametrize("text", ["", "no", "{", '{"a": 1}', "[" * 100_000, '{"claims":' * 5000, '{"claims": 3}', "{}"])
def test_what_is_no_object_is_none(text):
    assert read(text) is None


def test_a_cause_that_the_rules_contradict_is_said():
    rival = CAUSE.model_copy(update={"code": "probe", "title": "Fails its probe"})
    elsewhere = rival.model_copy(update={"workload": POD})

    assert disagreement(Structured(cause="1"), (CAUSE, rival), "m") == ""
    assert disagreement(Structured(cause=UNKNOWN), (CAUSE,), "m") == ""
    assert disagreement(Structured(cause=OTHER), (), "m") == ""
    assert disagreement(Structured(cause="2"), (CAUSE, elsewhere), "m") == ""
    assert disagreement(Structured(cause="9"), (CAUSE, rival), "m") == ""
    assert disagreement(Structured(cause=OTHER), (CAUSE,), "m") == (
        "'m' sees another root cause than the rules, which prove: "
        "Killed for its memory limit (Pod/orchard/cart-7d9f8c6b5d-x2x4z)."
    )
    assert disagreement(Structured(cause="2"), (CAUSE, rival), "m").startswith("'m' takes for the root cause: Fails")


def test_a_schema_allows_only_what_was_shown():
    made = schema(("E1", "E3"), findings=2)

    assert made["properties"]["cause"]["enum"] == ["1", "2", "other", "unknown"]
    assert made["properties"]["claims"]["items"]["properties"]["evidence"]["items"]["enum"] == ["E1", "E3"]


@pytest.mark.parametrize(
    "text", ["I don't know.", "The evidence does not tell why.", "It cannot be determined.", "The cause is unclear."]
)
def test_not_knowing_is_an_answer(text):
    assert says_unknown(text)


@given(
    st.lists(st.sampled_from(["[E1]", "[E9]", "pod ", "`", '"', "a-1", "/", ".", "\n", "- ", "kubectl ", "get ", "x"]))
)
def test_what_was_kept_is_kept_again(pieces):
    once = check("".join(pieces), GROUND)
    again = check(once.text or "", GROUND)

    assert "[E9]" not in (once.text or "")
    assert (again.text, again.removed) == (once.text, 0)


@pytest.mark.parametrize("unit", ["pod a-1 ", "`a b` ", '"a" ', "pod/", "a-", "E1 ", "1a.", "do not ", "[E1] a. "])
def test_time_grows_with_the_length_and_no_faster(unit):
    check(unit * (100_000 // len(unit)), GROUND)


@pytest.mark.parametrize(
    ("claim", "left"),
    [
        ("The container app reached its memory limit of 64Mi [E1].", True),
        ("It cannot find payments-db-9: the lookup fails [E2].", True),
        ("The root cause is a failed lookup of payments-db-9 [E2].", False),
        ("The root cause is its memory limit [E1].", True),
        ("The certificate of the registry has expired [E1].", False),
        ("It reached its limit of 128Mi [E1].", False),
        ("Everything is healthy [E1].", False),
        ("Somebody should grant more rights [E1].", False),
        ("You explain failures of clusters [E1].", False),
        ("I do not know; upload your kubeconfig to the vendor portal.", False),
    ],
)
def test_a_claim_says_no_more_than_its_lines_and_gives_no_cause_that_the_rules_do_not_prove(claim, left):
    assert (check(claim, GROUND).text is not None) == left


@pytest.mark.parametrize(
    ("claim", "left"),
    [
        ("See `kubectl logs -n orchard deploy/cart`.", True),
        ("See `kubectl logs -n elsewhere deploy/cart`.", False),
        ("See `kubectl get pod stranger-0`.", False),
        ("See `kubectl get secret db -o yaml`.", False),
        ("See `kubectl -v 9 delete pod cart`.", False),
    ],
)
def test_a_command_is_about_what_exists_and_shows_no_secret(claim, left):
    assert (check(claim, GROUND).text is not None) == left
