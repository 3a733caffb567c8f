"""What else a question says: codes, images, plain names, slips, other languages, what it asks for."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.models.schemas import Intent, ObjectRef, QueryMetadata
from kfi.retrieval.decomposition import decompose
from kfi.retrieval.known_names import KnownNames, names_of, workload_name
from kfi.retrieval.native_words import gloss
from kfi.retrieval.particulars import find_exit_code, find_http_code, find_image
from kfi.retrieval.query_analyzer import QueryAnalyzer, settled

NOW = datetime(2026, 11, 20, 14, 40, tzinfo=UTC)  # a Friday
ANALYZER = QueryAnalyzer(clock=lambda: NOW)


def ref(kind: str, name: str, namespace: str = "orchard") -> ObjectRef:
    return ObjectRef(kind=kind, name=name, namespace=namespace)


KNOWN = names_of(
    [
        ref("Deployment", "cart"),
        ref("Deployment", "checkout"),
        ref("Pod", "checkout-7d9c5b6f4d-x2x9z"),
        ref("Pod", "mailer-0"),
        ref("Service", "kubernetes", "default"),
        ref("Deployment", "payment"),
        ref("Deployment", "search", "search"),
        ref("Deployment", "image"),
        ref("Deployment", "web", "staging"),
        ref("Node", "edge-3", ""),
        ref("Node", "edge-4", ""),
    ]
)


def understood(question: str, known: KnownNames = KNOWN) -> QueryMetadata:
    return settled(ANALYZER.plan(question), known)[0].metadata


def intent(question: str) -> Intent:
    return settled(ANALYZER.plan(question), KNOWN)[0].intent


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("cart exited with 143", 143),
        ("exit code 137 on pricing", 137),
        ("exitCode: 2", 2),
        ("rc=1", 1),
        ("exit status 1", 1),
        ("退出码 137", 137),
        ("status 404", None),
        ("exit code 137.5", None),
        ("137 pods", None),
        ("exit code", None),
    ],
)
def test_an_exit_code_is_a_number_that_is_said_to_be_one(question, code):
    assert find_exit_code(question) == code


@pytest.mark.parametrize(
    ("question", "code"),
    [
        ("checkout gives 503s", 503),
        ("users get http 500 on /api/orders", 500),
        ("HTTP/1.1 502", 502),
        ("504 gateway timeout", 504),
        ("429s from pricing", 429),
        ("responds with a 404", 404),
        ("500 pods", None),
        ("returns 500 pods", None),
        ("port 443", None),
        ("it gets 500m of CPU", None),
        ("10.0.0.500", None),
        ("ing/shop 404 -n orchard", 404),
        ("checkout 502 since 14:05", 502),
        ("storefront retrning 503", 503),
        ("为什么 deploy/checkout 返回 503?", 503),
        ("cart 503, mailer fine", 503),
        ("port 500", None),
        ("replicas 500", None),
        ("scaled to 500 in orchard", None),
        ("cart took 500", None),
        ("cart 443 in orchard", None),
        ("500 requests", None),
    ],
)
def test_an_http_code_is_a_number_that_is_answered(question, code):
    found = find_http_code(question)

    assert (found.code if found else None) == code


@pytest.mark.parametrize(
    ("question", "image"),
    [
        ("ErrImagePull for registry.orchard.example/cart:2.4.1", "registry.orchard.example/cart:2.4.1"),
        ("cannot pull registry.orchard.example:5000/shop/web:v2.", "registry.orchard.example:5000/shop/web:v2"),
        ("ghcr.io/orchard/mailer@sha256:9f86d081884c7d65", "ghcr.io/orchard/mailer@sha256:9f86d081884c7d65"),
        ("image cart:stable is missing", "cart:stable"),
        ("redis:7.4 does not start", "redis:7.4"),
        ("refused by ledger:5432", None),
        ("https://shop.orchard.example/cart:1", None),
        ("at 14:05", None),
        ("10.0.0.1:8080", None),
    ],
)
def test_an_image_has_a_registry_or_a_version(question, image):
    assert find_image(question) == image


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("why is cart down", {"name": "cart"}),
        ("Cart is down in orchard", {"name": "cart", "namespace": "orchard"}),
        ("the payment service is slow", {"name": "payment", "kind": "Service"}),
        ("mailer-0 restarts", {"name": "mailer-0", "kind": "Pod", "pod": "mailer-0"}),
        ("checkout pods crash", {"name": "checkout"}),
        ("the mailer pod crashes", {"name": "mailer", "kind": "Pod", "pod": "mailer"}),
        ("all kubernetes events of cart", {"name": "cart"}),
        ("staging/web crashes", {"name": "web", "namespace": "staging"}),
        ("what broke in the search pods", {"name": "search"}),
        ("what broke in search", {"namespace": "search"}),
        ("what happens to edge-3", {"name": "edge-3", "kind": "Node", "node": "edge-3"}),
        ("cannot pull the image", {}),
        ("why is image down", {"name": "image"}),
        ("GET http://cart/orchard fails", {}),
        ("image cart:v3 is missing", {"image": "cart:v3"}),
        ("container cart restarts", {"container": "cart"}),
        ("staging and orchard differ", {}),
        ("deployments 0/1 ready", {}),
        ("pods 2/3 running in orchard", {"namespace": "orchard"}),
    ],
)
def test_plain_words_are_names_where_something_is_called_so(question, found):
    named = ("namespace", "pod", "node", "container", "kind", "name", "image")

    assert {key: value for key, value in understood(question) if key in named and value} == found


@pytest.mark.parametrize(
    ("question", "name", "namespace"),
    [
        ("why is checkot crashing", "checkout", None),
        ("deploy/chekcout is stuck", "checkout", None),
        ("why is cart crashing -n orchrad", "cart", "orchard"),
        ("why is pod edge-5 lost", "edge-5", None),
        ("why is crt crashing", None, None),
        ("deploy/gift-cards is stuck", "gift-cards", None),
    ],
)
def test_a_slip_of_the_keyboard_is_taken_for_the_one_name_that_is_near(question, name, namespace):
    found = understood(question)

    assert (found.name, found.namespace) == (name, namespace)


def test_whoever_asks_is_told_what_a_slip_was_taken_for():
    plan = ANALYZER.plan("why is checkot crashing")

    assert settled(plan, KNOWN)[1] == ("Nothing has the name as it was typed; 'checkout' was taken for it.",)
    assert settled(ANALYZER.plan("why is checkout crashing"), KNOWN)[1] == ()


def test_a_namespace_that_was_given_beside_the_question_stays():
    plan = ANALYZER.plan("why is cart down in staging")
    given_beside = plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"namespace": "orchrad"})})

    assert settled(given_beside, KNOWN)[0].metadata.namespace == "orchrad"


def test_nothing_known_changes_nothing():
    plan = ANALYZER.plan("Why is pod cart-0 crashing in namespace prod?")

    assert settled(plan, KnownNames()) == (plan, ())
    assert settled(ANALYZER.plan(" "), KNOWN) == (ANALYZER.plan(" "), ())


@pytest.mark.parametrize(
    ("name", "workload"),
    [
        ("cart-7d9c5b6f4d-x2x9z", "cart"),
        ("kube-proxy-x2x9z", "kube-proxy"),
        ("postgres-0", "postgres"),
        ("mailer", "mailer"),
        ("worker-pool", "worker-pool"),
    ],
)
def test_a_workload_is_known_by_what_its_pods_are_called(name, workload):
    assert workload_name(name) == workload


@pytest.mark.parametrize(
    ("question", "wanted"),
    [
        ("how many pods are crashing in orchard", Intent.COUNT),
        ("number of restarts of cart today", Intent.COUNT),
        ("how often did mailer-0 crash", Intent.COUNT),
        ("wie viele Pods laufen", Intent.COUNT),
        ("¿cuántos pods hay?", Intent.COUNT),
        ("有多少个 pod", Intent.COUNT),
        ("compare staging and orchard", Intent.COMPARE),
        ("difference between edge-3 and edge-4", Intent.COMPARE),
        ("what differs between cart and checkout", Intent.COMPARE),
        ("is checkout up?", Intent.STATUS),
        ("hows edge-3 doing", Intent.STATUS),
        ("did the rollout of cart finish?", Intent.STATUS),
        ("what is the status of cart", Intent.STATUS),
        ("läuft cart?", Intent.STATUS),
        ("kubectl -n orchard get events", Intent.LIST),
        ("Show me all Pod events in the last hour", Intent.LIST),
        ("any oom kills today?", Intent.LIST),
        ("zeige alle Events", Intent.LIST),
        ("do we have any pending pvcs", Intent.LIST),
        ("welche Pods wurden verdrängt?", Intent.LIST),
        ("pending pods", Intent.LIST),
        ("all failed jobs in orchard", Intent.LIST),
        ("pods -n orchard -l app=cart,tier!=db", Intent.LIST),
        ("pods -n orchard crash", Intent.DIAGNOSE),
        ("failed pods break checkout", Intent.DIAGNOSE),
        ("checkout status", Intent.STATUS),
        ("checkout exit status", Intent.DIAGNOSE),
        ("gibt es Warnungen in orchard?", Intent.LIST),
        ("¿qué pods fallan?", Intent.LIST),
        ("orchard 有哪些告警", Intent.LIST),
        ("why do we have pending pods", Intent.DIAGNOSE),
        ("welche Ursache haben die Events", Intent.DIAGNOSE),
        ("显示所有事件", Intent.LIST),
        ("what's an evicted pod", Intent.EXPLAIN),
        ("difference between requests and limits", Intent.EXPLAIN),
        ("OOMKilled 是什么意思", Intent.EXPLAIN),
        ("why is checkout not up?", Intent.DIAGNOSE),
        ("how many pods crash and why", Intent.DIAGNOSE),
        ("el nodo edge-3 no está listo", Intent.DIAGNOSE),
        ("is it the database that breaks cart", Intent.DIAGNOSE),
        ("the last deployments broke cart", Intent.DIAGNOSE),
    ],
)
def test_a_question_wants_what_it_asks_for(question, wanted):
    assert intent(question) is wanted


@pytest.mark.parametrize(
    ("question", "since", "until"),
    [
        ("what happened around 14:20?", "20T13:50", "20T14:40"),
        ("why did the pods restart at 3am?", "20T02:30", "20T03:30"),
        ("the backup runs at 03:00", None, None),
        ("we deployed cart at 14:00, now it crashes", "20T14:00", None),
        ("what went wrong 20 minutes ago", "20T14:15", "20T14:25"),
        ("it started 20 minutes ago", "20T14:15", None),
        ("we deployed cart half an hour ago", "20T14:10", None),
        ("cart-0 1/1 Running 17 (2m ago)", None, None),
        ("pending for 2h", "20T12:40", None),
        ("timed out for 15 minutes now", "20T14:25", None),
        ("it waits for 5 minutes and dies", None, None),
        ("pods younger than 10m", "20T14:30", None),
        ("pods older than 1d", None, "19T14:40"),
        ("what broke overnight", "19T18:00", "20T06:00"),
        ("yesterday afternoon it flapped", "19T12:00", "19T18:00"),
        ("what crashed on friday morning", "20T00:00", "20T12:00"),
        ("how often did it crash this week", "16T00:00", None),
        ("what crashed on monday", "16T00:00", "17T00:00"),
        ("the same as on monday", None, None),
        ("errors on Nov 19 between 22:00 and 23:30", "19T22:00", "19T23:30"),
        ("yesterday between 9:30 and 10:30", "19T09:30", "19T10:30"),
        ("14:00 - 14:30 in cart", "20T14:00", "20T14:30"),
        ("on 2026-11-19 at 22:15 UTC", "19T21:45", "19T22:45"),
        ("since noon", "20T12:00", None),
        ("eventos de las últimas 2 horas", "20T12:40", None),
        ("过去30分钟", "20T14:10", None),
        ("過去1時間のイベント", "20T13:40", None),
        ("Events der letzten Stunde", "20T13:40", None),
        ("lento desde hace 20 minutos", "20T14:20", None),
        ("langsam seit 20 Minuten", "20T14:20", None),
        ("Warnungen seit gestern", "19T00:00", None),
        ("昨日から cart が遅い", "19T00:00", None),
        ("from 13:10 til 13:40", "20T13:10", "20T13:40"),
        ("13:10 through 13:40", "20T13:10", "20T13:40"),
        ("gestern zwischen 14:00 und 14:30", "19T14:00", "19T14:30"),
        ("on Nov 99", None, None),
    ],
)
def test_a_time_is_what_limits_the_question(question, since, until):
    found = ANALYZER.plan(question).metadata

    assert (found.since, found.until) == tuple(
        day and datetime.fromisoformat(f"2026-11-{day}").replace(tzinfo=UTC) for day in (since, until)
    )


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("was cart healthy before the last rollout", True),
        ("events prior to the latest config change", True),
        ("it worked before the upgrade, now cart is down", False),
        ("before 14:00", False),
        ("before the update-job ran", False),
    ],
)
def test_the_time_before_a_change_is_asked_for(question, asked):
    assert ANALYZER.plan(question).metadata.before_change is asked


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("errors since the last rollout", True),
        ("what crashed after our latest config change?", True),
        ("has cart failed since the upgrade", True),
        ("cart was fine after the last release", False),
        ("since 14:00", False),
        ("since the rollout-job ran", False),
        ("after a deploy it always restarts", False),
    ],
)
def test_the_time_since_a_change_is_asked_for(question, asked):
    assert ANALYZER.plan(question).metadata.after_change is asked


def test_a_change_that_time_is_counted_from_is_no_failure():
    found = ANALYZER.plan("has cart been up since the last rollout").metadata

    assert found.error_type is None
    assert ANALYZER.plan("the rollout of cart hangs since the last rollout").metadata.error_family == "rollout"


@pytest.mark.parametrize(
    ("question", "word", "family"),
    [
        ("deploy/cart 0/3 ready", "0/3 ready", "availability"),
        ("cart 3/3 ready", None, None),
        ("cart 0/3 ready: CrashLoopBackOff", "CrashLoopBackOff", "crash"),
        ("cj/stock-sync missed 3 runs", "missed 3 runs", "job"),
        ("the init container of cart never finishes", "never finishes", "job"),
        ("sa/ci cannot list pods", "cannot list pods", "permission"),
        ("sa/ci cannot list pods: forbidden", "forbidden", "permission"),
        ("rollout of deployment.apps/cart is stuck", "stuck", "rollout"),
        ("kubelet stopped posting node status", "kubelet stopped posting node status", "node"),
        ("cart pods get OOMed", "OOMed", "memory"),
        ("job etl exceeded its deadline", "exceeded its deadline", "timeout"),
        ("cart keeps restartign", "restartign", "crash"),
        ("cart fails with restartign", "fails", "failure"),
        ("is edge-3 full?", "full", "storage"),
    ],
)
def test_a_failure_is_called_what_the_question_calls_it(question, word, family):
    found = understood(question)

    assert (found.error_type, found.error_family) == (word, family)


def test_of_several_questions_the_first_says_what_fails():
    assert understood("why is cart failing and how many pods were evicted?").error_type == "failing"
    assert understood("is cart up? was anything evicted?").error_type == "evicted"


def test_labels_are_wanted_and_excluded():
    found = understood("pods with app=cart,tier!=db crash")

    assert (found.labels_dict, found.labels_excluded) == ({"app": "cart"}, {"tier": ("db",)})


@pytest.mark.parametrize(
    ("question", "namespace"),
    [
        ("what fails in logistics", "logistics"),
        ("warnings in logistics since 14:00", "logistics"),
        ("why is checkout crashing in logistics?", "logistics"),
        ("anything odd in logistics today", "logistics"),
        ("what fails in cart", None),
        ("pods in cart", None),
        ("what fails in mailer", None),
        ("warnings in orchrad", "orchard"),
        ("errors in application.yaml", None),
        ("errors in cart logs", None),
        ("is there an error in line 3", None),
        ("pods crash in circles", None),
        ("problems in eu-west-1", None),
    ],
)
def test_a_place_is_a_namespace_though_nobody_knows_it_unless_an_object_is_called_so(question, namespace):
    assert understood(question).namespace == namespace


def test_where_nothing_is_known_a_plain_word_after_in_is_no_namespace():
    assert ANALYZER.plan("what fails in logistics").metadata.namespace is None


def test_a_node_is_what_a_question_is_about_where_it_names_nothing_else():
    found = understood("kubelet stopped posting node status worker-11")

    assert (found.kind, found.name, found.node) == ("Node", "worker-11", "worker-11")
    assert understood("evicted pods edge-3").kind == "Node"
    assert understood("cart is slow on edge-3").name == "cart"
    assert understood("pods crash on worker-nodes").name is None


@pytest.mark.parametrize(
    ("question", "family", "word"),
    [
        ("cart 一直崩溃", "crash", "崩溃"),
        ("无法拉取镜像", "image", "无法拉取镜像"),
        ("cart がメモリ不足", "memory", "メモリ不足"),
        ("接続できません", "network", "接続できません"),
        ("cart sin memoria", "memory", "sin memoria"),
        ("no puede conectar con ledger", "network", "no puede conectar"),
        ("kein Speicherplatz mehr", "storage", "kein Speicherplatz"),
        ("cart hat zu wenig Speicher", "memory", "zu wenig Speicher"),
        ("checkout erreicht die Datenbank nicht", "network", "erreicht die Datenbank nicht"),
        ("cart no arranca: ImagePullBackOff", "image", "ImagePullBackOff"),
        ("cart mailt nicht", None, None),
    ],
)
def test_a_failure_has_its_family_in_other_languages_too(question, family, word):
    found = ANALYZER.plan(question).metadata

    assert (found.error_family, found.error_type) == (family, word)


def test_an_english_question_has_no_gloss():
    question = "why is the die casting service in the last hour on node edge-3?"

    assert gloss(question) == question


@pytest.mark.parametrize(
    ("question", "parts"),
    [
        ("why is cart slow, did the database restart, and is edge-3 ok?", 3),
        ("1. why is cart pending 2. why is checkout crashing", 2),
        ("tell me (a) why cart is pending (b) which nodes have room", 2),
        ("if cart is down, why is checkout slow", 1),
        ("since 14:00, why is cart slow", 1),
        ("cart runs version 2. It crashes", 1),
    ],
)
def test_commas_and_numbers_part_questions_only(question, parts):
    assert len(decompose(question)) == parts


def test_later_parts_keep_the_namespace_and_the_object_of_the_first():
    asked = "Why is cart crashing in orchard and what do its logs say?"

    assert decompose(asked, KNOWN) == [
        "Why is cart crashing in orchard",
        "what do its logs say for cart in namespace orchard?",
    ]


@given(st.text(max_size=300) | st.text("aA1 :/-.()?,=@最近時間12hn", max_size=300))
def test_any_text_is_understood_without_an_error(question):
    settled(ANALYZER.plan(question), KNOWN)
