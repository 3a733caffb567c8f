"""Ranking findings into incidents."""

import pytest

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.causes import about
from kfi.models.schemas import Role
from tests.cluster import calls, explain, log, obj, ref, snapshot


def rule(code: str, layer: Layer, role: Role = Role.CAUSE) -> Rule:
    return Rule(code=code, title=code, layer=layer, meaning="", confirm="", fix=(), role=role)


NODE, IMAGE, CRASH = rule("node", Layer.NODE), rule("image", Layer.IMAGE), rule("crash", Layer.CRASH)
PROBE = rule("probe", Layer.PROBE)
DOWN = rule("down", Layer.SYMPTOM, Role.SYMPTOM)
NAMES, LOGGED = rule("names", Layer.SERVICE), rule("logged", Layer.APPLICATION)
RULES = {r.code: r for r in (NODE, IMAGE, CRASH, PROBE, DOWN, NAMES, LOGGED)}
CART, FRONT = ref("Deployment/orchard/cart"), ref("Deployment/orchard/front")


@pytest.fixture
def shop():
    owner = [{"kind": "Deployment", "name": "cart", "controller": True}]
    return snapshot(
        obj("Deployment/orchard/cart", spec={}),
        obj("Deployment/orchard/front", spec={}),
        obj("Node/node-a"),
        *(
            obj(f"Pod/orchard/cart-{n}", metadata={"ownerReferences": owner}, spec={"nodeName": "node-a"})
            for n in ("aaaaa", "bbbbb")
        ),
        calls(("front", "cart")),
    )


def told(incidents):
    return [(i.root.rule.code, str(i.root.subject), [g.rule.code for g in i.explained]) for i in incidents]


def test_pods_of_one_workload_with_one_code_are_one_incident(shop):
    findings = [IMAGE.found(ref(f"Pod/orchard/cart-{n}"), "no image") for n in ("aaaaa", "bbbbb")]

    incidents = explain(shop, findings, RULES)

    assert told(incidents) == [("image", "Deployment/orchard/cart", [])]
    assert len(incidents[0].root.findings) == 2


def test_a_node_explains_what_runs_on_it_and_what_calls_that(shop):
    findings = [
        CRASH.found(ref("Pod/orchard/cart-aaaaa"), "crashed"),
        DOWN.found(FRONT, "unavailable"),
        NODE.found(ref("Node/node-a"), "not ready"),
    ]

    assert told(explain(shop, findings, RULES)) == [("node", "Node/node-a", ["crash", "down"])]


def test_a_weak_hint_does_not_explain_away_strong_proof(shop):
    findings = [
        CRASH.found(ref("Pod/orchard/cart-aaaaa"), "crashed", strength=0.95),
        NODE.found(ref("Node/node-a"), "odd", strength=0.2),
    ]

    assert [root for root, _, _ in told(explain(shop, findings, RULES))] == ["crash", "node"]


def test_a_callee_explains_its_caller_on_the_same_layer_but_not_the_other_way_round(shop):
    findings = [PROBE.found(FRONT, "not ready"), PROBE.found(CART, "not ready")]

    assert told(explain(shop, findings, RULES)) == [("probe", "Deployment/orchard/cart", ["probe"])]


def test_a_caller_that_crashes_by_itself_is_not_blamed_on_what_it_calls(shop):
    findings = [CRASH.found(FRONT, "crashed"), IMAGE.found(CART, "no image")]

    assert [subject for _, subject, _ in told(explain(shop, findings, RULES))] == [str(CART), str(FRONT)]


def test_callers_of_a_workload_that_still_has_a_ready_pod_do_not_suffer(shop):
    owner = [{"kind": "Deployment", "name": "cart", "controller": True}]
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    serving = snapshot(
        *(obj(f"Deployment/orchard/{name}", spec={}) for name in ("cart", "front")),
        obj("Pod/orchard/cart-old", metadata={"ownerReferences": owner}, status=ready),
        obj("Pod/orchard/cart-new", metadata={"ownerReferences": owner}),
        calls(("front", "cart")),
    )
    findings = [IMAGE.found(ref("Pod/orchard/cart-new"), "no image"), DOWN.found(FRONT, "unavailable")]

    assert [explained for _, _, explained in told(explain(serving, findings, RULES))] == [[], []]


def test_what_the_question_points_at_comes_first(shop):
    other = ref("Deployment/orchard/other")
    findings = [CRASH.found(CART, "crashed", strength=0.9), CRASH.found(other, "crashed", strength=0.7)]

    assert next(str(i.root.subject) for i in explain(shop, findings, RULES, [other])) == str(other)


def test_a_cause_answers_for_what_it_affects_though_nothing_shows_there(shop):
    incidents = explain(shop, [NODE.found(ref("Node/node-z"), "full", affects=[CART])], RULES)

    assert about(incidents, [CART], nothing_named=False) == incidents
    assert about(incidents, [FRONT], nothing_named=False) == ()


def test_what_has_the_name_of_what_is_pointed_at_is_meant_too(shop):
    incidents = explain(shop, [CRASH.found(ref("HTTPRoute/orchard/front"), "leads nowhere", strength=0.9)], RULES)

    assert about(incidents, [FRONT], nothing_named=False) == incidents
    assert about(incidents, [FRONT.model_copy(update={"namespace": "meadow"})], nothing_named=False) == ()


def test_a_symptom_that_nothing_explains_is_reported_with_low_confidence(shop):
    incidents = explain(shop, [DOWN.found(CART, "unavailable", strength=0.7)], RULES)

    assert told(incidents) == [("down", "Deployment/orchard/cart", [])]
    assert incidents[0].confidence < 0.5


def test_a_cause_that_coincides_with_a_symptom_is_surer_than_one_that_harms_nobody(shop):
    harmless, harmful = CRASH.found(FRONT, "crashed"), CRASH.found(CART, "crashed")

    with_symptom = explain(shop, [harmful, DOWN.found(CART, "unavailable")], RULES)[0]
    without = explain(shop, [harmless], RULES)[0]

    assert with_symptom.confidence > without.confidence


def test_a_caller_whose_log_blames_one_callee_is_not_a_victim_of_another():
    def service(name: str):
        return obj(f"Service/orchard/{name}", spec={"selector": {"app": name}})

    def deployment(name: str):
        return obj(f"Deployment/orchard/{name}", spec={"template": {"metadata": {"labels": {"app": name}}}})

    seen = snapshot(
        *(deployment(name) for name in ("front", "cart", "search")),
        *(service(name) for name in ("cart", "search")),
        calls(("front", "cart"), ("front", "search")),
        log("Deployment/orchard/front", "GET http://cart:80/items failed: connection refused"),
    )
    broken = [CRASH.found(ref(f"Deployment/orchard/{name}"), "crashed") for name in ("cart", "search")]

    incidents = told(explain(seen, [*broken, DOWN.found(FRONT, "unavailable")], RULES))

    assert incidents == [("crash", str(CART), ["down"]), ("crash", "Deployment/orchard/search", [])]


def test_who_suffers_from_what_a_cause_explains_suffers_from_the_cause(shop):
    mail = ref("Deployment/orchard/mail")
    findings = [
        CRASH.found(CART, "it crashes", strength=0.7),
        NAMES.found(CART, "no names", strength=0.9, affects=[mail]),
        LOGGED.found(mail, "a name does not resolve", strength=0.4),
    ]

    assert told(explain(shop, findings, RULES)) == [("crash", "Deployment/orchard/cart", ["names", "logged"])]
    assert len(explain(shop, [findings[0], findings[2]], RULES)) == 2


def test_what_holds_a_node_up_does_no_harm_to_what_runs_on_it(shop):
    budget, node = ref("PodDisruptionBudget/orchard/cart"), ref("Node/node-a")
    held_up = IMAGE.found(budget, "it allows no eviction", affects=[node])
    crash = CRASH.found(ref("Pod/orchard/cart-aaaaa"), "crashed")

    incidents = explain(shop, [held_up, crash], RULES, pointed=[node])

    assert told(incidents) == [
        ("image", "PodDisruptionBudget/orchard/cart", []),
        ("crash", "Deployment/orchard/cart", []),
    ]
