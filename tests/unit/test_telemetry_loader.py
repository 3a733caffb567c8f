import json
from datetime import UTC, datetime

import pytest

from kfi.errors import SourceError
from kfi.ingestion.base import SourceText
from kfi.ingestion.telemetry_loader import AlertmanagerLoader, ConnectivityLoader, JaegerDependenciesLoader
from kfi.models.records import AlertRecord, Call, CheckRecord
from kfi.models.schemas import DocumentKind, ObjectRef, Severity, Source

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
SLOW = {
    "labels": {"alertname": "CartSlow", "service": "cart", "namespace": "orchard", "severity": "warning"},
    "annotations": {"summary": "cart answers in 3 s"},
    "startsAt": "2026-03-05T11:50:00+00:00",
    "endsAt": "0001-01-01T00:00:00Z",
    "status": {"state": "active"},
}


def load(loader, text, namespace=""):
    lines = text.split("\n")
    source = SourceText(path="x", lines=lambda: iter(lines), observed_at=NOW, cluster="c1", namespace=namespace)
    return list(loader.load(source))


def alerts(value, indent=1):
    return load(AlertmanagerLoader(), json.dumps(value, indent=indent))


def checks(text, namespace=""):
    return load(ConnectivityLoader(), text, namespace)


def check(text):
    (document,) = checks(text)
    return CheckRecord.model_validate(document.payload)


def test_an_alert_becomes_a_document_about_what_its_labels_name():
    text = json.dumps([SLOW, SLOW], indent=1)

    first, second = load(AlertmanagerLoader(), text)

    assert (first.kind, first.severity, first.first_time) == (
        DocumentKind.ALERT,
        Severity.WARNING,
        datetime(2026, 3, 5, 11, 50, tzinfo=UTC),
    )
    assert first.ref == ObjectRef(cluster="c1", kind="Service", namespace="orchard", name="cart")
    assert first.source == Source(path="x", first_line=2, last_line=17)
    assert second.text == "\n".join(text.split("\n")[17:33])
    assert first.card == "Alert CartSlow active Service orchard/cart: cart answers in 3 s"
    assert AlertRecord.model_validate(first.payload) == AlertRecord(
        name="CartSlow",
        state="active",
        labels=SLOW["labels"],
        annotations=SLOW["annotations"],
        starts_at=datetime(2026, 3, 5, 11, 50, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("wrapped", "state"),
    [
        pytest.param([SLOW], "active", id="Alertmanager v2"),
        pytest.param({"status": "success", "data": [SLOW]}, "active", id="Alertmanager v1"),
        pytest.param(
            {
                "receiver": "ops",
                "status": "firing",
                "alerts": [{**SLOW, "status": "firing"}],
                "groupLabels": {"a": "b"},
            },
            "firing",
            id="webhook",
        ),
        pytest.param(
            {"status": "success", "data": {"alerts": [{"labels": SLOW["labels"], "state": "pending"}]}},
            "pending",
            id="Prometheus",
        ),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_every_api_gives_its_alerts(wrapped, state, indent):
    (alert,) = alerts(wrapped, indent)

    assert (alert.payload["name"], alert.payload["state"]) == ("CartSlow", state)


@pytest.mark.parametrize(
    ("labels", "ref"),
    [
        ({"pod": "cart-7d9", "container": "app", "service": "x"}, "Pod/orchard/cart-7d9[app]"),
        (
            {"deployment": "cart", "pod": "kube-state-metrics-1", "container": "x", "service": "y"},
            "Deployment/orchard/cart",
        ),
        ({"workload": "db", "workload_type": "statefulset"}, "StatefulSet/orchard/db"),
        ({"app": "cart"}, "?/orchard/cart"),
        ({"node": "node-a", "job": "kubelet"}, "Node/node-a"),
        ({"instance": "node-a:9100"}, "Node/node-a"),
        ({}, "Namespace/orchard"),
    ],
)
def test_the_most_telling_label_names_the_object(labels, ref):
    (alert,) = alerts([{"labels": {"alertname": "X", "namespace": "orchard", **labels}}])

    assert str(alert.ref) == ref


@pytest.mark.parametrize(
    ("severity", "state", "expected"),
    [
        ("critical", "active", Severity.ERROR),
        ("info", "active", Severity.NORMAL),
        ("", "firing", Severity.WARNING),
        ("critical", "suppressed", Severity.NORMAL),
    ],
)
def test_an_alert_is_as_bad_as_it_says_unless_it_is_silenced(severity, state, expected):
    (alert,) = alerts([{"labels": {"alertname": "X", "severity": severity}, "status": {"state": state}}])

    assert alert.severity is expected


def test_no_alerts_is_an_answer_and_anything_else_is_refused():
    assert alerts([]) == alerts({"status": "success", "data": {"alerts": []}}) == []
    for text in ('{"kind": "Pod"}', "[1, 2]", "no json"):
        with pytest.raises(SourceError, match="no list of alerts"):
            load(AlertmanagerLoader(), text)


def test_odd_values_in_an_alert_cost_only_themselves():
    (alert,) = alerts([{"labels": {"alertname": 5, "pod": None, "app": ["x"]}, "annotations": 7, "status": [1]}])

    assert alert.payload["labels"] == {"alertname": "5"}


def test_dependencies_become_one_document_with_the_line_of_each_call():
    text = json.dumps(
        {"data": [{"parent": "web", "child": "cart", "callCount": 7}, {"parent": "cart", "child": "redis"}]}, indent=1
    )

    (calls,) = load(JaegerDependenciesLoader(), text)

    assert calls.kind is DocumentKind.CALLS
    assert calls.text == text
    assert calls.payload["calls"] == [
        Call(parent="web", child="cart", count=7, line=3).model_dump(),
        Call(parent="cart", child="redis", line=8).model_dump(),
    ]


def test_json_without_dependencies_is_refused():
    with pytest.raises(SourceError, match="no list of dependencies"):
        load(JaegerDependenciesLoader(), '{"data": [{"traceID": "1"}]}')


def test_a_check_says_from_where_to_where_and_what_came_of_it():
    text = "[node-a] $ nc -zv -w 3 cart.orchard 8080\ncart (10.96.0.20:8080) open\n[node-b] $ nc -zvu -w3 dns 53"

    first, second = checks(text, "basket")

    assert first.source == Source(path="x", first_line=1, last_line=2)
    assert first.text == "\n".join(text.split("\n")[:2])
    assert first.ref == ObjectRef(cluster="c1", kind="Service", namespace="orchard", name="cart")
    assert CheckRecord.model_validate(first.payload) == CheckRecord(
        command="nc -zv -w 3 cart.orchard 8080",
        target="cart.orchard",
        port=8080,
        result="open",
        from_node="node-a",
        address="10.96.0.20",
        line=2,
    )
    assert second.ref == ObjectRef(cluster="c1", kind="Service", namespace="basket", name="dns")
    assert (second.payload["protocol"], second.payload["result"]) == ("UDP", "unknown")


@pytest.mark.parametrize(
    ("command", "output", "result"),
    [
        ("nc -zv cart 80", "Connection to cart (10.0.0.1) 80 port [tcp/http] succeeded!", "open"),
        ("nc -zv cart 80", "nc: connect to cart port 80 (tcp) failed: Connection refused", "refused"),
        ("nc -zv cart 80", "nc: connect to cart port 80 (tcp) timed out: Operation in progress", "timeout"),
        ("nc -zv cart 80", 'nc: getaddrinfo for host "cart" port 80: Name or service not known', "unresolved"),
        ("nc -zv cart 80", "nc: connect to cart port 80 (tcp) failed: No route to host", "unreachable"),
        (
            "nc -zv cart 80",
            "nc: connect to ::1 port 80 (tcp) failed: Connection refused\nConnection to cart 80 port succeeded!",
            "open",
        ),
        ("nc -zv cart 80", "cart [10.0.0.1] 80 (http) open", "open"),
        ("nc -zv cart 80", "(UNKNOWN) [10.0.0.1] 80 (http) : Connection timed out", "timeout"),
        ("nc -zv cart 80", "cart: forward host lookup failed: Unknown host", "unresolved"),
        ("ncat -zv cart 80", "Ncat: Connected to 10.0.0.1:80.", "open"),
        ("ncat -zv cart 80", "Ncat: TIMEOUT.", "timeout"),
        (
            "ncat -zv cart 80",
            'Ncat: Could not resolve hostname "cart": Name or service not known. QUITTING.',
            "unresolved",
        ),
        ("nc -zv cart 80", "nc: bad address 'cart'", "unresolved"),
        ("nc -zv cart 80", "nc: cart (10.0.0.1:80): Host is unreachable", "unreachable"),
        ("curl -m 3 http://cart/health", "curl: (6) Could not resolve host: cart", "unresolved"),
        ("curl -m 3 http://cart/health", "curl: (7) Failed to connect to cart port 80: Connection refused", "refused"),
        (
            "curl -v http://cart/health",
            "* Connected to cart (10.0.0.1) port 80\ncurl: (28) Operation timed out",
            "timeout",
        ),
        ("curl http://cart/health", '{"error": "upstream timed out"}', "open"),
        ("curl -s -o /dev/null -w '%{http_code}' http://cart/", "000", "unknown"),
        ("wget -qO- http://cart/", "wget: can't connect to remote host (10.0.0.1): Connection refused", "refused"),
        ("wget http://cart/", "Connecting to cart (10.0.0.1:80)\nwget: server returned error: HTTP/1.1 503", "open"),
        ("telnet cart 80", "Trying 10.0.0.1...\nConnected to cart.", "open"),
        ("ping -c 3 cart", "3 packets transmitted, 0 received, 100% packet loss", "timeout"),
        ("ping -c 3 cart", "64 bytes from 10.0.0.1: seq=0\n3 packets received, 0% packet loss", "open"),
        (
            "nslookup cart",
            "Server: 10.0.0.10\nAddress: 10.0.0.10#53\n\nName: cart.orchard.svc\nAddress: 10.0.0.1",
            "open",
        ),
        ("nslookup cart", "** server can't find cart: NXDOMAIN", "unresolved"),
        ("dig +short cart", ";; connection timed out; no servers could be reached", "timeout"),
        ("nc -zv cart 80", "", "unknown"),
    ],
)
def test_each_program_says_it_in_its_own_words(command, output, result):
    assert check(f"$ {command}\n{output}").result == result


@pytest.mark.parametrize(
    ("line", "target", "port", "protocol", "node"),
    [
        ("$ curl -sS --max-time 3 -H 'A: b' https://cart.orchard/x", "cart.orchard", 443, "TCP", ""),
        ("$ curl -k cart:8080/health", "cart", 8080, "TCP", ""),
        ("root@node-a:~# nc -w 3 -zvu 10.0.0.10 53", "10.0.0.10", 53, "UDP", "node-a"),
        ("$ kubectl exec -n orchard deploy/web -- nc -zv cart 80", "cart", 80, "TCP", ""),
        ("$ nslookup cart.orchard 10.0.0.10", "cart.orchard", 0, "DNS", ""),
        ("$ dig @10.0.0.10 cart.orchard. +short", "cart.orchard", 0, "DNS", ""),
        ("$ ping -c 3 node-b", "node-b", 0, "ICMP", ""),
        ("$ telnet cart", "cart", 23, "TCP", ""),
        ("=== node: node-c ===\n+ nc -zv cart 80", "cart", 80, "TCP", "node-c"),
    ],
)
def test_the_command_says_what_was_checked(line, target, port, protocol, node):
    found = check(line)

    assert (found.target, found.port, found.protocol, found.from_node) == (target, port, protocol, node)


def test_a_name_server_is_not_the_answer():
    answer = "Server:\t\t10.0.0.10\nAddress:\t10.0.0.10#53\n\nName:\tcart.orchard.svc\nAddress: 10.96.0.20"

    assert check(f"$ nslookup cart\n{answer}").address == "10.96.0.20"


@pytest.mark.parametrize("target", ["10.0.0.1", "api.example.com", "example.com"])
def test_a_target_outside_of_the_cluster_is_no_service(target):
    (document,) = checks(f"$ nc -zv {target} 443\nx")

    assert document.ref == ObjectRef(cluster="c1")


def test_a_text_without_a_command_is_refused():
    with pytest.raises(SourceError, match="no connectivity check"):
        checks("all is well")
