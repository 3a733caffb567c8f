"""What a question names, when, and what it wants."""

import logging
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.models.schemas import Intent, QueryMetadata, QueryPlan
from kfi.retrieval.query_analyzer import QueryAnalyzer

NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)  # a Friday
ANALYZER = QueryAnalyzer(clock=lambda: NOW)


def names(query: str) -> dict[str, object]:
    """What is found, without the family, which has a table of its own."""
    found = ANALYZER.extract_k8s_metadata(query)
    return {k: v for k, v in found.model_dump().items() if v and k != "error_family"}


def pod(name: str, **more: str) -> dict[str, object]:
    return {"pod": name, "kind": "Pod", "name": name, **more}


def named(kind: str, name: str, **more: str) -> dict[str, object]:
    return {"kind": kind, "name": name, **more}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            "Why is pod web-app-123 crashing in namespace prod?",
            {"pod": "web-app-123", "kind": "Pod", "name": "web-app-123", "namespace": "prod", "error_type": "crashing"},
        ),
        ("pod crashed in namespace prod", {"namespace": "prod", "error_type": "crashed"}),
        ("deploy/web is stuck", {"kind": "Deployment", "name": "web", "error_type": "stuck"}),
        ("what is wrong -n shop", {"namespace": "shop"}),
        ("what fails in the shop namespace?", {"namespace": "shop", "error_type": "fails"}),
        (
            "node worker-2 is NotReady",
            {"node": "worker-2", "kind": "Node", "name": "worker-2", "error_type": "NotReady"},
        ),
        ("the payment-api service is slow", {"kind": "Service", "name": "payment-api", "error_type": "slow"}),
        ("app=web pods keep restarting", {"labels_dict": {"app": "web"}, "error_type": "restarting"}),
        ("Why are pods in the cluster failing?", {"error_type": "failing"}),
        ("container app of pod cart-0", {"container": "app", "pod": "cart-0", "kind": "Pod", "name": "cart-0"}),
        ("Partial Service Unreachability.", {}),
        ("Service latency increased significantly", {"error_type": "latency"}),
        ("is shop-front healthy?", {"name": "shop-front"}),
        ("is load-balancing working?", {}),
        ("the pod named cart is down", {"pod": "cart", "kind": "Pod", "name": "cart", "error_type": "down"}),
        ("", {}),
    ],
)
def test_a_question_names_what_it_says_and_nothing_more(query, expected):
    assert names(query) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("pod/web-7d9 keeps dying", pod("web-7d9", error_type="keeps dying")),
        ("Pod/orchard/cart-7d9 restarts", pod("cart-7d9", namespace="orchard", error_type="restarts")),
        ("cart-7d9c5b6f4d-x2x9z OOMKilled", pod("cart-7d9c5b6f4d-x2x9z", error_type="OOMKilled")),
        ("why does `cart` pod restart", pod("cart", error_type="restart")),
        ('logs of pod "checkout"', pod("checkout")),
        ("pods cart-1 and cart-2 crash", pod("cart-1", error_type="crash")),
        ("Deployment web is not available", named("Deployment", "web", error_type="not available")),
        ("why does deployment `web` not roll out", named("Deployment", "web", error_type="not roll out")),
        ("statefulset db-0's volume cannot be mounted", named("StatefulSet", "db-0", error_type="cannot be mounted")),
        ("configmap settings missing key", named("ConfigMap", "settings", error_type="missing key")),
        ("job backup-1 never finished", named("Job", "backup-1", error_type="never finished")),
        ("svc/checkout has no endpoints", named("Service", "checkout", error_type="no endpoints")),
        ("node 10.0.0.12 is down", named("Node", "10.0.0.12", node="10.0.0.12", error_type="down")),
        ("pod cart-0 on node worker-2", pod("cart-0", node="worker-2")),
        (
            "deployment web: pod web-7d9 is evicted",
            {**named("Deployment", "web"), "pod": "web-7d9", "error_type": "evicted"},
        ),
        ("no space left on device on node-b", {"node": "node-b", "error_type": "no space left on device"}),
        ("the istio-proxy container restarts", {"container": "istio-proxy", "error_type": "restarts"}),
        ("kubectl logs deploy/cart -c app", named("Deployment", "cart", container="app")),
        (
            "Back-off restarting failed container app in pod cart-7d9_orchard(1f3a9c02-77ab)",
            pod("cart-7d9", namespace="orchard", container="app", error_type="restarting"),
        ),
        (
            'KubePodCrashLooping{namespace="orchard", pod="cart-0", container="app"}',
            pod("cart-0", namespace="orchard", container="app"),
        ),
        (
            '{"namespace": "orchard", "pod": "cart", "reason": "OOMKilled"}',
            pod("cart", namespace="orchard", error_type="OOMKilled"),
        ),
        ("node=worker-2", named("Node", "worker-2", node="worker-2")),
    ],
)
def test_objects_are_found_however_they_are_written(query, expected):
    assert names(query) == expected


@pytest.mark.parametrize(
    "query",
    [
        "3 pods are pending", "5xx service errors", "the k8s nodes", "deployment rollout stuck", "deployment strategy",
        "why is the deployment failing", "container image cannot be pulled", "container memory limit",
        "the pod of cart",
        "service discovery fails", "crash-looping pods", "node pressure", "pod scheduling is slow", "arm64 nodes",
        "pod e.g. cart", "Pods In The Cluster", "app=web-1 pods", "/var/lib/kubelet/pods/a1b2/volumes", "pod 2 is down",
        "the job hangs", "secret rotation", "Service Mesh", "init container crashed", "multi-container pod",
        "pods on the node-exporter list", "daemonset pods missing", "cronjob schedule wrong", "and/or node/pod",
        "pod restart-count is high", "pod out-of-memory", "node kernel-panic", "pod read-only filesystem",
        "pod re-creation", "pod-to-pod traffic", "node to-node traffic", "service mesh-wide", "hpa scale-up slow",
        "node shut-down", "service load-balancer", "deployment roll-back failed", "sh -c env", "logs | grep -c error",
    ],
)  # fmt: skip
def test_plain_english_beside_a_kind_is_no_name(query):
    found = ANALYZER.extract_k8s_metadata(query)

    assert (found.name, found.pod, found.node, found.container) == (None, None, None, None)


@pytest.mark.parametrize(
    ("query", "namespace"),
    [
        ("what is broken in namespace orchard", "orchard"),
        ("what is broken -n orchard", "orchard"),
        ("kubectl get pods --namespace=orchard", "orchard"),
        ("orchard namespace is broken", "orchard"),
        ("is the orchard namespace ok", "orchard"),
        ("default namespace pods pending", "default"),
        ("ns/orchard is unhealthy", "orchard"),
        ("namespace=orchard pods pending", "orchard"),
        ("namespace: orchard", "orchard"),
        ("namespace 'orchard' has problems", "orchard"),
        ("pod cart-1 in orchard restarts", "orchard"),
        ("pods keep crashing in orchard", "orchard"),
        ("deployments in orchard", "orchard"),
        ("pod cart-1 is crashing in orchard-2", "orchard-2"),
        ("how many pods are pending in orchard", "orchard"),
        ("pods in Pending", None),
        ("pods in pending state", None),
        ("pods in eu cluster", None),
        ("pods in the cluster", None),
        ("pods in production", None),
        ("pods are scheduled in eu-west-1", None),
        ("nodes in rack-7", None),
        ("pods restart in january", None),
        ("3 pods fail in 5m", None),
        ("which namespace is full", None),
        ("the same namespace", None),
        ("delete namespace stuck", None),
        ("namespace quota exceeded", None),
        ("errors in cart", None),
        ("across all namespaces", None),
        ('{"namespace": "orchard"}', "orchard"),
        ("the service in front of cart fails", None),
        ("jobs in queue", None),
        ("pods in bad shape", None),
        ("pods in constant crashloop", None),
        ("the namespace doesn't exist", None),
        ("namespace isn\u2019t there", None),
        ("der Namespace ist voll", None),
        ("Warum startet cart im Namespace orchard nicht", "orchard"),
        ("failed to join pid namespace", None),
        ("namespace isolation", None),
        ("ns lookup of cart", None),
        ("journalctl -u kubelet -n 50", None),
        ("uname -n prints it", None),
    ],
)
def test_a_namespace_is_only_what_is_said_to_be_one(query, namespace):
    assert ANALYZER.extract_k8s_metadata(query).namespace == namespace


@pytest.mark.parametrize(
    ("query", "labels"),
    [
        ("get pods -l app=cart,tier!=db", {"app": "cart"}),
        ("pods with app==cart and tier = db", {"app": "cart"}),
        ("--selector=app.kubernetes.io/name=cart.", {"app.kubernetes.io/name": "cart"}),
        ("app in (cart, checkout)", {}),
        ("LOG_LEVEL=debug is ignored", {}),
        ("exit_code=137 reason=OOMKilled", {}),
        ("--since=2h --tail=100", {}),
        ("http://shop/?app=cart", {}),
        ("status.phase=Running", {}),
        ("password=w1nesap db_token=w1nesap", {}),
    ],
)
def test_labels_are_equalities_of_labels(query, labels):
    assert ANALYZER.extract_k8s_metadata(query).labels_dict == labels


@pytest.mark.parametrize(
    ("query", "word", "family"),
    [
        ("cart crashes", "crashes", "crash"),
        ("pod failing with crashloopbackoff", "crashloopbackoff", "crash"),
        ("container exited with code 137", "exited with code 137", "crash"),
        ("Exit Code: 1", "Exit Code: 1", "crash"),
        ("it keeps dying", "keeps dying", "crash"),
        ("pod wont start", "wont start", "startup"),
        ("pod won\u2019t start", "won\u2019t start", "startup"),
        ("why doesn't cart start", "start", "startup"),
        ("ImagePullBackOff on cart", "ImagePullBackOff", "image"),
        ("cannot pull the image", "cannot pull the image", "image"),
        ("killed, out of memory", "out of memory", "memory"),
        ("crashed with OOMKilled", "OOMKilled", "memory"),
        ("cart leaks memory", "leaks memory", "memory"),
        ("CPU throttling", "CPU throttling", "cpu"),
        ("stuck in Pending", "Pending", "scheduling"),
        ("FailedScheduling everywhere", "FailedScheduling", "scheduling"),
        ("FailedMount", "FailedMount", "storage"),
        ("FailedAttachVolume", "FailedAttachVolume", "storage"),
        ("no space left", "no space left", "storage"),
        ("disk is full", "disk is full", "storage"),
        ("CreateContainerConfigError", "CreateContainerConfigError", "config"),
        ("readiness probe fails", "readiness probe fails", "probe"),
        ("cart isn't ready", "isn't ready", "probe"),
        ("cart cannot reach the database", "cannot reach", "network"),
        ("why can't cart connect to redis", "connect", "network"),
        ("connection refused", "connection refused", "network"),
        ("cannot resolve redis", "cannot resolve", "dns"),
        ("redis not resolving", "not resolving", "dns"),
        ("the volume is not attaching", "not attaching", "storage"),
        ("no such host", "no such host", "dns"),
        ("NodeNotReady", "NodeNotReady", "node"),
        ("pods were Evicted", "Evicted", "node"),
        ("quota exceeded", "quota exceeded", "quota"),
        ("permission denied", "permission denied", "permission"),
        ("admission webhook denies it", "admission webhook", "admission"),
        ("x509: certificate has expired", "x509", "certificate"),
        ("requests time out", "time out", "timeout"),
        ("the shop is unavailable", "unavailable", "availability"),
        ("responses are slow", "slow", "latency"),
        ("rollout is stuck", "rollout is stuck", "rollout"),
        ("hpa does not scale up", "does not scale up", "scaling"),
        ("job never completes", "job never completes", "job"),
        ("namespace stuck terminating", "stuck terminating", "deletion"),
        ("checkout returns 503", "returns 503", "application"),
        ("HTTP 502 from the gateway", "HTTP 502", "application"),
        ("BackoffLimitExceeded", "BackoffLimitExceeded", "job"),
        ("something fails", "fails", "failure"),
        ("it doesn't work", "doesn't work", "failure"),
        ("the agent running on node-b", None, None),
        ("500 pods run fine", None, None),
        ("everything is fine", None, None),
    ],
)
def test_the_users_own_word_is_kept_and_its_family_stands_beside_it(query, word, family):
    found = ANALYZER.extract_k8s_metadata(query)

    assert (found.error_type, found.error_family) == (word, family)


@pytest.mark.parametrize(
    ("query", "since", "until"),
    [
        ("errors in the last hour", "20T11:30", None),
        ("last 30m", "20T12:00", None),
        ("past 2 days", "18T12:30", None),
        ("over the last 1h30m", "20T11:00", None),
        ("the last couple of hours", "20T10:30", None),
        ("in the past half an hour", "20T12:00", None),
        ("logs --since=2h", "20T10:30", None),
        ("down since about 3 hours ago", "20T09:30", None),
        ("since 11:00", "20T11:00", None),
        ("since 14:00", "19T14:00", None),
        ("since 2pm", "19T14:00", None),
        ("since 2026-11-20T10:00Z", "20T10:00", None),
        ("since 2026-11-19 23:15:00+02:00", "19T21:15", None),
        ("since monday", "16T00:00", None),
        ("since friday", "13T00:00", None),
        ("since yesterday at 9:15", "19T09:15", None),
        ("between 14:00 and 14:30", "19T14:00", "19T14:30"),
        ("from 23:50 to 00:10", "19T23:50", "20T00:10"),
        ("between 2026-11-18 and 2026-11-19", "18T00:00", "20T00:00"),
        ("what crashed yesterday", "19T00:00", "20T00:00"),
        ("we deployed v2 yesterday, now cart crashes", "19T00:00", None),
        ("what broke today", "20T00:00", None),
        ("since we deployed v2.3 yesterday it is slow", "19T00:00", None),
        ("yesterday we upgraded and cart crashed", "19T00:00", None),
        ("yesterday cart crashed, now it is pending", "19T00:00", None),
        ("cart is slow since 2 hours", "20T10:30", None),
        ("since a week", "13T12:30", None),
        ("in the last minute", "20T12:29", None),
        ("a last minute change broke cart", None, None),
        ("since a second pod was added", None, None),
        ("since one of the pods died", None, None),
        ("until 11:00 everything was fine", None, None),
        ("until yesterday cart worked", None, None),
        ("yesterday everything was ok", None, None),
        ("what happened before 11:15", None, "20T11:15"),
        ("it worked until yesterday", None, None),
        ("it was fine before 11:00", None, None),
        ("3 restarts in 10 minutes", None, None),
        ("the last 5 restarts", None, None),
        ("the last 10 minutes before the crash", None, None),
        ("the backup runs at 03:00", None, None),
        ("since 29:00", None, None),
        ("since 2026-13-45", None, None),
        ("in the last 999999 weeks", None, None),
        ("since 0001-01-01T00:00+23:59", None, None),
        ("between 2026-11-20 and 2026-11-10", None, None),
    ],
)
def test_a_time_window_is_only_what_limits_the_question(query, since, until):
    found = ANALYZER.extract_k8s_metadata(query)

    assert (found.since, found.until) == tuple(
        day and datetime.fromisoformat(f"2026-11-{day}").replace(tzinfo=UTC) for day in (since, until)
    )


def test_times_count_back_from_the_moment_that_is_given_with_the_question():
    plan = QueryAnalyzer().plan("what failed in the last hour?", now=datetime(2026, 1, 1, 12, tzinfo=UTC))

    assert plan.metadata.since == datetime(2026, 1, 1, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "intent"),
    [
        ("What does CrashLoopBackOff mean?", Intent.EXPLAIN),
        ("what is a CrashLoopBackOff", Intent.EXPLAIN),
        ("what's OOMKilled?", Intent.EXPLAIN),
        ("explain OOMKilled", Intent.EXPLAIN),
        ("what does exit code 137 mean", Intent.EXPLAIN),
        ("what is a liveness probe?", Intent.EXPLAIN),
        ("difference between requests and limits", Intent.EXPLAIN),
        ("How does a readiness probe work?", Intent.EXPLAIN),
        ("what is FailedPreStopHook?", Intent.EXPLAIN),
        ("explain TaintManagerEviction", Intent.EXPLAIN),
        ("what is signal 9", Intent.EXPLAIN),
        ("what does node.kubernetes.io/not-ready mean", Intent.EXPLAIN),
        ("what is node.kubernetes.io/unreachable?", Intent.EXPLAIN),
        ("was bedeutet ImagePullBackOff?", Intent.EXPLAIN),
        ("Was hei\u00dft NodeNotReady?", Intent.EXPLAIN),
        ("was ist OOMKilled", Intent.EXPLAIN),
        ("que signifie OOMKilled ?", Intent.EXPLAIN),
        ("qu\u00e9 significa Evicted?", Intent.EXPLAIN),
        ("was ist kaputt?", Intent.DIAGNOSE),
        ("was bedeutet das?", Intent.DIAGNOSE),
        ("what is Deployment cart", Intent.DIAGNOSE),
        ("What does CrashLoopBackOff mean for pod cart-0?", Intent.DIAGNOSE),
        ("What does CrashLoopBackOff mean and why is cart crashing?", Intent.DIAGNOSE),
        ("what does this mean", Intent.DIAGNOSE),
        ("what is wrong", Intent.DIAGNOSE),
        ("what is going on", Intent.DIAGNOSE),
        ("what is the root cause", Intent.DIAGNOSE),
        ("explain why checkout is crashing", Intent.DIAGNOSE),
        ("How do I fix ImagePullBackOff?", Intent.DIAGNOSE),
        ("show all warning events of the last hour", Intent.LIST),
        ("list pods in namespace orchard", Intent.LIST),
        ("Which pods are crashing?", Intent.LIST),
        ("how many nodes are NotReady", Intent.COUNT),
        ("kubectl get pods -n orchard", Intent.LIST),
        ("are there any failed jobs?", Intent.LIST),
        ("All Warning events of the last hour", Intent.LIST),
        ("which pod caused the outage?", Intent.DIAGNOSE),
        ("show me why the pods fail", Intent.DIAGNOSE),
        ("Which pods are crashing and why is the database slow?", Intent.DIAGNOSE),
        ("what happens to pods when node-b dies", Intent.DIAGNOSE),
        ("pod cart-0 is pending", Intent.DIAGNOSE),
        ("", Intent.DIAGNOSE),
    ],
)
def test_a_question_wants_a_cause_unless_it_surely_wants_something_else(query, intent):
    assert ANALYZER.plan(query).intent is intent


def test_a_plan_holds_the_question_what_it_names_and_its_parts():
    query = "Why is pod cart-0 crashing in namespace orchard and what happened before?"

    plan = ANALYZER.plan(query)

    assert plan == QueryPlan(
        question=query,
        metadata=QueryMetadata(
            namespace="orchard",
            pod="cart-0",
            error_type="crashing",
            error_family="crash",
            kind="Pod",
            name="cart-0",
        ),
        sub_queries=(
            "Why is pod cart-0 crashing in namespace orchard",
            "what happened before in namespace orchard?",
        ),
        intent=Intent.DIAGNOSE,
    )
    assert ANALYZER.analyze(query) == (plan.metadata, list(plan.sub_queries))


def test_the_log_tells_what_was_understood_but_never_the_question(caplog):
    with caplog.at_level(logging.DEBUG, logger="kfi.retrieval.query_analyzer"):
        ANALYZER.plan("Why does pod cart-0 crash -n orchard with password hunter2?")

    [record] = caplog.records
    told = {key: getattr(record, key) for key in ("namespace", "object_kind", "object_name", "error_type", "intent")}
    assert told == {
        "namespace": "orchard",
        "object_kind": "Pod",
        "object_name": "cart-0",
        "error_type": "crash",
        "intent": "diagnose",
    }
    assert record.levelname == "DEBUG"
    assert "hunter2" not in str(vars(record))


WORDS = st.sampled_from(
    "pod pods namespace in on node -n and also ; ? why is crash since last 14:00 between 2026-11-20T10:00Z yesterday "
    "app=web ` ' \" deploy/ svc ns/prod container cart-7d9 not can't list what does mean ( ) 1) \u017f \u212a "
    "\u2019 \uff1f \x00".split(" ")
) | st.just("\n")


@given(st.one_of(st.text(max_size=300), st.lists(WORDS, max_size=30).map(" ".join)))
def test_any_text_can_be_taken_apart_and_every_name_stands_in_it(query):
    plan = ANALYZER.plan(query)

    found = plan.metadata
    said = (found.namespace, found.pod, found.container, found.node, found.name, found.error_type)
    labels = (*found.labels_dict, *found.labels_dict.values())
    assert [word for word in (*said, *labels) if word and word not in query] == []
    assert (found.error_type is None) == (found.error_family is None)
    assert not (found.since and found.until) or found.since < found.until
