"""Probes that fail now, and what is wrong with them."""

from datetime import timedelta

import pytest

from kfi.diagnosis.rules import probes
from kfi.models.schemas import Role
from tests.cluster import NOW, codes, event, log, obj, snapshot

POD = "Pod/orchard/cart-7d9f8-x2x4z"
TIMES = {"initialDelaySeconds": 5, "periodSeconds": 10, "failureThreshold": 3, "timeoutSeconds": 1}
REFUSED = 'Get "http://10.1.2.3:8081/healthz": dial tcp 10.1.2.3:8081: connect: connection refused'
NO_GRPC = 'timeout: failed to connect service "10.1.2.3:{}" within 1s: context deadline exceeded'


def at(seconds_ago: float) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).isoformat()


def http(port=8080, path: str = "/healthz", **more):
    return {"httpGet": {"port": port, "path": path, **more.pop("get", {})}, **TIMES, **more}


def grpc(port: int, **more):
    return {"grpc": {"port": port}, **TIMES, **more}


def tcp(port: int, **more):
    return {"tcpSocket": {"port": port}, **TIMES, **more}


def pod(ready: bool = False, restarts: int = 0, ports=(8080,), name: str = POD, state=None, **container):
    declared = [port if isinstance(port, dict) else {"containerPort": port} for port in ports]
    ended = {"exitCode": 137, "reason": "Error", "startedAt": at(75), "finishedAt": at(40)}
    status = {
        "name": "app",
        "ready": ready,
        "restartCount": restarts,
        "state": state or {"running": {"startedAt": at(40)}},
        "lastState": {"terminated": ended} if restarts else {},
    }
    conditions = [{"type": "Ready", "status": str(ready)}]
    spec = {"containers": [{"name": "app", "ports": declared, **container}]}
    return obj(name, spec=spec, status={"phase": "Running", "conditions": conditions, "containerStatuses": [status]})


def unhealthy(kind: str, said: str, count: int = 7, ago: float = 3):
    return event(POD, "Unhealthy", f"{kind} probe failed: {said}", count=count, ago=ago)


KILLED = event(POD, "Killing", "Container app failed liveness probe, will be restarted", type="Normal", ago=40)


def findings(*documents):
    return list(probes.check(snapshot(*documents)))


def texts(finding):
    return " ".join(citation.text for citation in finding.evidence)


def test_a_readiness_probe_of_an_undeclared_port_is_wrong():
    found = findings(pod(readinessProbe=http(8081)), unhealthy("Readiness", REFUSED))

    assert [(f.code, str(f.ref)) for f in found] == [("readiness-wrong-port", POD)]
    assert "asks port 8081, but the container serves 8080" in found[0].message
    assert "connection refused" in texts(found[0])
    assert '"readinessProbe"' in texts(found[0])


def test_a_liveness_probe_of_a_wrong_port_restarts_a_ready_container():
    alive = pod(ready=True, restarts=2, livenessProbe=grpc(8081), readinessProbe=grpc(8080))

    found = findings(alive, unhealthy("Liveness", NO_GRPC.format(8081)), KILLED)

    assert [(f.code, str(f.ref), f.role) for f in found] == [("liveness-wrong-port", POD, Role.CAUSE)]
    assert found[0].strength > 0.9
    assert "failed liveness probe" in texts(found[0])


def test_a_startup_probe_of_a_wrong_port_is_told_as_such():
    starting = pod(restarts=1, startupProbe=tcp(8081))
    killed = event(POD, "Killing", "Container app failed startup probe, will be restarted", type="Normal", ago=40)
    said = unhealthy("Startup", "dial tcp 10.1.2.3:8081: connect: connection refused")

    assert codes(probes, starting, said, killed) == [("startup-wrong-port", POD)]


def test_a_probe_of_a_port_name_that_no_port_has_is_wrong():
    named = pod(ports=[{"containerPort": 8080, "name": "http"}], readinessProbe=http("htpp"))
    said = event(POD, "Unhealthy", 'Readiness probe errored: strconv.Atoi: parsing "htpp": invalid syntax')

    assert codes(probes, named, said) == [("readiness-wrong-port", POD)]


def test_a_declared_port_that_refuses_is_not_called_wrong():
    refused = unhealthy("Readiness", REFUSED.replace("8081", "8080"))

    assert codes(probes, pod(readinessProbe=http(8080)), refused) == [("readiness-probe-failing", POD)]


def test_a_port_of_a_sidecar_is_no_wrong_port():
    containers = [
        {"name": "app", "ports": [{"containerPort": 8080}], "readinessProbe": http(9090)},
        {"name": "proxy", "ports": [{"containerPort": 9090}]},
    ]
    status = {"name": "app", "ready": False, "state": {"running": {"startedAt": at(40)}}}
    both = obj(POD, spec={"containers": containers}, status={"phase": "Running", "containerStatuses": [status]})

    assert codes(probes, both, unhealthy("Readiness", REFUSED.replace("8081", "9090"))) == [
        ("readiness-probe-failing", POD)
    ]


def test_what_the_log_says_of_the_port_outweighs_its_declaration():
    wrong = pod(ports=[8081], readinessProbe=http(8081))
    listens = log(POD, "server listening on port 8080", level="info")

    assert codes(probes, wrong, unhealthy("Readiness", REFUSED), listens) == [("readiness-wrong-port", POD)]


@pytest.mark.parametrize(
    ("probe", "said"),
    [
        (http(8080), 'Get "http://10.1.2.3:8080/": net/http: HTTP/1.x transport connection broken: malformed HTTP res'),
        (http(8080), 'Get "http://10.1.2.3:8080/": malformed HTTP status code "x"'),
        (
            http(8080, get={"scheme": "HTTPS"}),
            'Get "https://10.1.2.3:8080/": http: server gave HTTP response to HTTPS client',
        ),
        (grpc(8080), "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)"),
    ],
)
def test_an_answer_in_another_protocol_betrays_a_wrong_probe(probe, said):
    ready = findings(pod(readinessProbe=probe), unhealthy("Readiness", said))
    alive = findings(pod(ready=True, restarts=2, livenessProbe=probe), unhealthy("Liveness", said), KILLED)

    assert [f.code for f in ready] == ["readiness-wrong-protocol"]
    assert [f.code for f in alive] == ["liveness-wrong-protocol"]
    assert said[:30] in ready[0].evidence[0].text


def test_a_silent_grpc_probe_is_wrong_where_another_probe_of_the_port_succeeds():
    alive = pod(ready=True, restarts=2, livenessProbe=grpc(8080), readinessProbe=http(8080))

    found = findings(alive, unhealthy("Liveness", NO_GRPC.format(8080)), KILLED)

    assert [f.code for f in found] == ["liveness-wrong-protocol"]
    assert "the port speaks http" in found[0].message


def test_an_http_probe_cut_short_by_a_port_named_for_another_protocol_is_wrong():
    said = 'Get "http://10.1.2.3:6379/": EOF'
    database = pod(ports=[{"containerPort": 6379, "name": "tcp-db"}], readinessProbe=http(6379))
    plain = pod(ports=[{"containerPort": 6379, "name": "http-web"}], readinessProbe=http(6379))

    assert codes(probes, database, unhealthy("Readiness", said)) == [("readiness-wrong-protocol", POD)]
    assert codes(probes, plain, unhealthy("Readiness", said)) == [("readiness-probe-failing", POD)]


@pytest.mark.parametrize(("status", "code"), [(404, "readiness-wrong-path"), (503, "readiness-probe-failing")])
def test_a_status_of_not_found_means_a_wrong_path(status, code):
    said = unhealthy("Readiness", f"HTTP probe failed with statuscode: {status}")

    assert codes(probes, pod(readinessProbe=http(8080, "/helthz")), said) == [(code, POD)]


def test_a_liveness_probe_that_leaves_no_time_to_start_is_too_brisk():
    brisk = grpc(8080, initialDelaySeconds=1, periodSeconds=1, failureThreshold=1)
    crashing = {"waiting": {"reason": "CrashLoopBackOff"}}
    said = unhealthy("Liveness", NO_GRPC.format(8080))

    found = findings(pod(restarts=4, state=crashing, livenessProbe=brisk), said, KILLED)

    assert [f.code for f in found] == ["liveness-timing"]
    assert "kills it 2 s after its start" in found[0].message


def test_a_start_that_the_log_says_takes_longer_than_the_probe_waits_is_too_slow_for_it():
    said = unhealthy("Liveness", REFUSED.replace("8081", "8080"))
    slow = log(POD, "Started CartApplication in 71.3 seconds", level="info", previous=True)

    found = findings(pod(restarts=4, livenessProbe=http(8080)), said, KILLED, slow)

    assert [f.code for f in found] == ["liveness-timing"]
    assert "its start takes 71.3 s" in found[0].message


def test_the_noise_of_a_start_that_succeeded_is_nothing():
    ready = pod(ready=True, livenessProbe=http(8080), readinessProbe=http(8080))
    noise = [unhealthy(kind, REFUSED, count=2) for kind in ("Liveness", "Readiness", "Startup")]

    assert codes(probes, ready, *noise) == []


def test_a_restart_long_ago_is_history():
    settled = pod(ready=True, restarts=1, state={"running": {"startedAt": at(86_400)}}, livenessProbe=http(8081))

    assert codes(probes, settled, unhealthy("Liveness", REFUSED, ago=86_500)) == []


def test_a_probe_fails_for_a_crash_and_not_the_other_way_round():
    ended = {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": at(20)}}
    crashed = {
        "name": "app",
        "ready": False,
        "restartCount": 3,
        "state": {"running": {"startedAt": at(10)}},
        "lastState": ended,
    }
    spec = {"containers": [{"name": "app", "ports": [{"containerPort": 8080}], "readinessProbe": http(8080)}]}
    pod_of = obj(POD, spec=spec, status={"phase": "Running", "containerStatuses": [crashed]})

    found = findings(pod_of, unhealthy("Readiness", REFUSED.replace("8081", "8080")))

    assert [(f.code, f.role) for f in found] == [("readiness-probe-failing", Role.SYMPTOM)]


def test_a_probe_fails_for_a_dependency_that_the_log_names():
    database = obj("Service/orchard/stock-db", spec={"clusterIP": "10.0.0.9", "ports": [{"port": 5432}]})
    said = log(POD, "cannot connect to stock-db:5432: connection refused")

    found = findings(pod(readinessProbe=http(8080)), unhealthy("Readiness", "HTTP probe failed with statuscode: 503"),
                     database, said)  # fmt: skip

    assert [(f.code, f.role) for f in found] == [("readiness-probe-failing", Role.SYMPTOM)]
    assert "cannot reach stock-db" in found[0].message


def test_a_probe_that_succeeds_in_a_twin_asks_the_right_thing():
    shape = {"ports": (8080,), "image": "orchard/cart:1", "readinessProbe": http(8081)}
    twin = pod(ready=True, name="Pod/orchard/cart-7d9f8-k9k9k", **shape)

    assert codes(probes, pod(**shape), twin, unhealthy("Readiness", REFUSED)) == [("readiness-probe-failing", POD)]
    assert codes(probes, pod(**shape), unhealthy("Readiness", REFUSED)) == [("readiness-wrong-port", POD)]


def test_a_readiness_probe_that_has_not_begun_keeps_a_pod_out():
    late = http(8080, initialDelaySeconds=900)

    assert codes(probes, pod(readinessProbe=late)) == [("readiness-timing", POD)]
    assert codes(probes, pod(ready=True, readinessProbe=late)) == []


def test_an_event_without_container_belongs_to_the_probe_of_the_port_it_asked():
    def container(name: str, port: int):
        return {"name": name, "ports": [{"containerPort": 8080}], "readinessProbe": http(port)}

    statuses = [{"name": name, "ready": False, "state": {"running": {"startedAt": at(40)}}} for name in ("app", "web")]
    spec = {"containers": [container("app", 8080), container("web", 8081)]}
    both = obj(POD, spec=spec, status={"phase": "Running", "containerStatuses": statuses})

    found = findings(both, unhealthy("Readiness", REFUSED))

    assert [(f.code, "container web" in f.message) for f in found] == [("readiness-wrong-port", True)]


def test_a_pod_known_from_a_table_takes_its_probes_from_the_template():
    row = obj(POD, status={"summary": "Running", "readyContainers": 0, "totalContainers": 1, "restarts": 0})
    container = {"name": "app", "ports": [{"containerPort": 8080}], "readinessProbe": http(8081)}
    template = {"template": {"spec": {"containers": [container]}}, "replicas": 1}
    owner = obj("Deployment/orchard/cart", spec=template)

    assert codes(probes, row, owner, unhealthy("Readiness", REFUSED)) == [("readiness-wrong-port", POD)]


def test_manifests_alone_show_a_probe_of_an_undeclared_port():
    container = {"name": "app", "ports": [{"containerPort": 8080}], "livenessProbe": http(8081)}
    workload = obj("Deployment/orchard/cart", applied=True, spec={"template": {"spec": {"containers": [container]}}})
    container = {**container, "livenessProbe": http(8080)}
    right = obj("Deployment/orchard/cart", applied=True, spec={"template": {"spec": {"containers": [container]}}})

    assert codes(probes, workload) == [("liveness-wrong-port", "Deployment/orchard/cart")]
    assert codes(probes, right) == []


def test_a_port_named_in_a_text_without_port_names_is_not_called_wrong():
    closed = event(
        POD, "Unhealthy", 'Readiness probe failed: Get "https://10.1.2.3:8443/healthz": EOF', container="app"
    )

    assert codes(probes, pod(ports=(8443,), readinessProbe=http("https"), state=up()), closed) == [
        ("readiness-probe-failing", POD)
    ]


def up():
    return {"running": {"startedAt": at(1800)}}


NOT_FOUND = "Readiness probe failed: HTTP probe failed with statuscode: 404"


def test_a_probe_that_no_text_describes_is_judged_by_the_kubelets_words():
    row = obj(POD, status={"summary": "Running", "readyContainers": 0, "totalContainers": 1})

    found = findings(row, event(POD, "Unhealthy", NOT_FOUND))

    assert [(f.code, str(f.ref)) for f in found] == [("readiness-wrong-path", POD)]
    assert "statuscode: 404" in found[0].evidence[0].text


def test_a_probe_that_only_events_tell_of_fails_where_the_pod_started_long_before():
    made = event(POD, "Started", "Started container app", type="Normal", ago=900)

    assert codes(probes, made, event(POD, "Unhealthy", NOT_FOUND, ago=10)) == [("readiness-wrong-path", POD)]


def test_a_probe_that_failed_during_a_start_of_which_only_events_are_known_is_noise():
    made = event(POD, "Started", "Started container app", type="Normal", ago=60)

    assert codes(probes, made, event(POD, "Unhealthy", NOT_FOUND, ago=50)) == []


def test_a_kill_that_the_container_has_got_over_is_history():
    long_since = pod(ready=True, restarts=2, state={"running": {"startedAt": at(3000)}}, livenessProbe=http(8081))
    killed = event(POD, "Killing", "Container app failed liveness probe, will be restarted", type="Normal", ago=3040)

    assert codes(probes, long_since, unhealthy("Liveness", REFUSED, ago=3040), killed) == []


def test_a_startup_probe_that_succeeded_in_the_end_is_no_trouble():
    killed = event(POD, "Killing", "Container app failed startup probe, will be restarted", type="Normal", ago=300)
    up = pod(ready=True, restarts=3, state={"running": {"startedAt": at(290)}}, startupProbe=http(8080))

    assert codes(probes, up, unhealthy("Startup", REFUSED, ago=200), killed) == []


def row(restarts: int, age_s: int, ready: bool = True, **container):
    """Give a Pod as a table shows it, and the template of its Deployment."""
    template = {"spec": {"containers": [{"name": "app", "ports": [{"containerPort": 8080}], **container}]}}
    status = {"summary": "Running", "restarts": restarts, "readyContainers": int(ready), "totalContainers": 1}
    owner = {"ownerReferences": [{"kind": "Deployment", "name": "cart", "controller": True}]}
    return (
        obj(POD, metadata={"creationTimestamp": at(age_s), **owner}, spec={"nodeName": "node-a"}, status=status),
        obj("Deployment/orchard/cart", spec={"template": template}),
    )


def test_a_row_that_restarts_and_a_template_whose_probe_asks_an_undeclared_port_belong_together():
    assert codes(probes, *row(3, 300, livenessProbe=grpc(8081))) == [("liveness-wrong-port", POD)]
    assert codes(probes, *row(0, 300, ready=False, readinessProbe=tcp(8081))) == [("readiness-wrong-port", POD)]


def test_a_row_that_behaves_otherwise_is_not_blamed_on_a_probe():
    assert codes(probes, *row(3, 300, livenessProbe=grpc(8080))) == []
    assert codes(probes, *row(1, 86_400, livenessProbe=grpc(8081))) == []
    assert codes(probes, *row(0, 300, livenessProbe=grpc(8081), readinessProbe=tcp(8081))) == []
    assert codes(probes, *row(3, 300, livenessProbe=grpc(8081)), event(POD, "BackOff", "Back-off restarting")) == []


@pytest.mark.parametrize(
    "line",
    [
        "Fetching config from server at : http://settings-server:8888",
        "Service registered, ready; metrics are pushed to http://collector.orchard.svc:4318",
        "Starting with cache orchard-cache:6379",
    ],
)
def test_a_port_of_another_host_in_the_log_is_none_of_the_containers_own(line):
    refused = 'Get "http://10.1.2.3:8080/healthz": dial tcp 10.1.2.3:8080: connect: connection refused'
    alive = pod(restarts=3, livenessProbe=http(8080))

    found = findings(alive, unhealthy("Liveness", refused), KILLED, log(POD, line, level="info"))

    assert "liveness-wrong-port" not in [f.code for f in found]


def test_the_containers_own_address_in_the_log_is_heard():
    refused = 'Get "http://10.1.2.3:8080/healthz": dial tcp 10.1.2.3:8080: connect: connection refused'
    alive = pod(restarts=3, livenessProbe=http(8080))

    found = findings(alive, unhealthy("Liveness", refused), KILLED, log(POD, "Serving on http://localhost:8899"))
    quiet = log(POD, "Serving on http://localhost:8899", level="info")

    assert "liveness-wrong-port" not in [f.code for f in found], "an error says nothing of what is served"
    found = findings(alive, unhealthy("Liveness", refused), KILLED, quiet)
    assert "liveness-wrong-port" in [f.code for f in found]
