"""Clusters in which nothing is wrong, or nothing that matters now: no confident cause may be reported."""

from datetime import timedelta

import pytest

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.confidence import WEAK, calibrated
from kfi.diagnosis.gaps import find_gaps
from kfi.diagnosis.rules import examine
from kfi.models.schemas import DiagnoseRequest
from tests.cluster import NOW, calls, event, explain, listing, log, obj, snapshot

DOUBTFUL = WEAK
WEB = [{"name": "http", "containerPort": 8080}]


def causes(*documents):
    """(code, object, confidence as it is told) of every incident."""
    shot = snapshot(*documents)
    incidents = explain(shot, examine(shot), catalogue())
    return [(i.root.rule.code, str(i.root.subject), calibrated(i)) for i in incidents]


def confident(*documents):
    return [cause for cause in causes(*documents) if cause[2] >= DOUBTFUL]


def ago(**span):
    return (NOW - timedelta(**span)).isoformat()


def node(name, *, cordoned=False, taints=(), **labels):
    return obj(
        f"Node/{name}",
        metadata={"labels": {"kubernetes.io/hostname": name, **labels}},
        spec={"unschedulable": cordoned, "taints": list(taints)},
        status={
            "conditions": [{"type": "Ready", "status": "True"}, {"type": "MemoryPressure", "status": "False"}],
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
        },
    )


def pod(name, app, *, ready=True, age=None, restarts=0, last=None, state=None, kind="ReplicaSet", **metadata):
    running = {"running": {"startedAt": ago(**(age or {"days": 3}))}}
    container = {"name": "app", "ready": ready, "restartCount": restarts, "state": state or running}
    return obj(
        f"Pod/orchard/{name}",
        metadata={
            "labels": {"app": app},
            "creationTimestamp": ago(**(age or {"days": 3})),
            "ownerReferences": [{"kind": kind, "name": f"{app}-5d9f8c7b6", "controller": True}],
            **metadata,
        },
        spec={"nodeName": "node-a", "containers": [{"name": "app", "image": "orchard/app:1", "ports": WEB}]},
        status={
            "phase": "Running",
            "podIP": "10.1.0.9",
            "conditions": [{"type": "Ready", "status": str(ready)}],
            "containerStatuses": [{**container, "lastState": last or {}}],
        },
    )


def deployment(app, replicas=1, ready=None, **container):
    template = {
        "metadata": {"labels": {"app": app}},
        "spec": {"containers": [{"name": "app", "image": "orchard/app:1", "ports": WEB, **container}]},
    }
    status = {"replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas if ready is None else ready}
    selector = {"matchLabels": {"app": app}}
    spec = {"replicas": replicas, "selector": selector, "template": template}
    yield obj(f"Deployment/orchard/{app}", spec=spec, status=status)
    owner = [{"kind": "Deployment", "name": app, "controller": True}]
    yield obj(f"ReplicaSet/orchard/{app}-5d9f8c7b6", metadata={"ownerReferences": owner}, spec=spec, status=status)


def service(name, app=None, **spec):
    selector = {"selector": {"app": app}} if app else {}
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    return obj(f"Service/orchard/{name}", spec={**selector, "ports": ports, "clusterIP": "10.9.0.4", **spec})


def shop(app="cart", **kept):
    """A healthy Deployment of one Pod behind a Service, on a healthy node."""
    return [node("node-a"), *deployment(app), pod(f"{app}-5d9f8c7b6-x2x4z", app, **kept), service(app, app)]


def test_a_healthy_cluster_has_no_cause():
    assert causes(*shop(), *shop("stock"), calls(("cart", "stock"))) == []


def test_events_of_deleted_pods_are_history():
    leftovers = [
        event("Pod/orchard/cart-7f7f7f7f7-w2w2w", "BackOff", "Back-off restarting failed container app", ago=1800),
        event("Pod/orchard/cart-7f7f7f7f7-x4x4x", "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu."),
        event("Pod/orchard/cart-7f7f7f7f7-z6z6z", "Failed", 'Failed to pull image "orchard/app:0": not found'),
        event("Pod/orchard/cart-7f7f7f7f7-v8v8v", "FailedMount", 'MountVolume.SetUp failed for volume "data": no disk'),
        event("Pod/orchard/cart-7f7f7f7f7-v8v8v", "Unhealthy", "Readiness probe failed: connection refused"),
    ]

    assert causes(*shop(), *leftovers, listing("Pod", "orchard", "cart-5d9f8c7b6-x2x4z")) == []
    assert causes(*shop(), *leftovers) == []  # the Deployment has the one Pod it wants, of its present template
    stuck_rollout = [node("node-a"), *deployment("cart", replicas=2, ready=1), *shop()[3:], leftovers[2]]
    assert [code for code, *_ in confident(*stuck_rollout)] == ["image-not-found"]


def test_old_events_of_pods_that_nobody_listed_are_doubtful():
    old = event("Pod/orchard/jam-7f7f7f7f7-bbbbb", "FailedScheduling", "0/1 nodes are available: 1 Insufficient cpu.")
    long_ago = event("Pod/orchard/jam-7f7f7f7f7-ccccc", "Failed", 'Failed to pull image "jam:0": not found', ago=2400)

    assert confident(*shop(), old.model_copy(update={"last_time": NOW}), long_ago) != []  # the first is of now
    assert confident(*shop(), long_ago) == []


@pytest.mark.parametrize(("reason", "code"), [("Error", 1), ("OOMKilled", 137), ("Completed", 0), ("Error", 143)])
def test_a_pod_that_restarted_once_three_days_ago_has_got_over_it(reason, code):
    ended = {"terminated": {"reason": reason, "exitCode": code, "finishedAt": ago(days=3)}}

    assert confident(*shop(restarts=1, last=ended)) == []


def test_a_start_that_took_five_tries_an_hour_ago_is_over():
    ended = {"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": ago(minutes=50)}}
    running = {"running": {"startedAt": ago(minutes=49)}}
    back_off = event("Pod/orchard/cart-5d9f8c7b6-x2x4z", "BackOff", "Back-off restarting failed container", ago=3000)
    refused = log("Pod/orchard/cart-5d9f8c7b6-x2x4z", "dial tcp 10.9.0.1:443: connection refused", previous=True)

    recovered = shop(restarts=5, last=ended, state=running, age={"minutes": 56})

    assert causes(*recovered, back_off, refused) == []


def test_a_container_that_keeps_ending_every_half_hour_is_not_over():
    ended = {"terminated": {"reason": "Error", "exitCode": 1, "finishedAt": ago(minutes=21)}}
    running = {"running": {"startedAt": ago(minutes=20)}}

    found = confident(*shop(restarts=5, last=ended, state=running, age={"minutes": 170}))

    assert [code for code, *_ in found] == ["container-crash"]


def job(name, *, made=None, **status):
    owner = [{"kind": "CronJob", "name": "report", "controller": True}]
    metadata = {"ownerReferences": owner, "creationTimestamp": made or ago(hours=1)}
    return obj(f"Job/orchard/{name}", metadata=metadata, spec={"completions": 1}, status=status)


def job_pod(name, of, phase, code):
    ended = {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}}
    return obj(
        f"Pod/orchard/{name}",
        metadata={"ownerReferences": [{"kind": "Job", "name": of, "controller": True}]},
        spec={"restartPolicy": "Never", "containers": [{"name": "app"}]},
        status={
            "phase": phase,
            "conditions": [{"type": "Ready", "status": "False", "reason": "PodCompleted"}],
            "containerStatuses": [{"name": "app", "ready": False, "restartCount": 0, "state": ended}],
        },
    )


def test_completed_jobs_and_their_failed_tries_are_no_trouble():
    complete = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    documents = [
        obj("CronJob/orchard/report", spec={"schedule": "0 * * * *"}),
        job("report-1", **complete),
        job_pod("report-1-x2x4z", "report-1", "Succeeded", 0),
        job("report-2", failed=1, **complete),
        job_pod("report-2-b4b5c", "report-2", "Failed", 1),
        job_pod("report-2-c6c7d", "report-2", "Succeeded", 0),
        log("Pod/orchard/report-1-x2x4z", "dial tcp: i/o timeout, trying again"),
    ]

    assert causes(*shop(), *documents) == []


def test_the_failed_run_that_a_cron_job_keeps_is_history_after_a_later_one_succeeded():
    gave_up = {"failed": 1, "conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}
    complete = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    failed = [job("report-1", made=ago(days=2), **gave_up), job_pod("report-1-b4b5c", "report-1", "Failed", 1)]
    later = [job("report-2", made=ago(days=1), **complete), job_pod("report-2-c6c7d", "report-2", "Succeeded", 0)]

    assert [code for code, *_ in confident(*shop(), *failed)] == ["container-crash"]
    assert causes(*shop(), *failed, *later) == []


def test_a_service_of_a_manifest_that_nobody_applied_or_calls_is_doubtful():
    declared = obj(
        "Service/orchard/preview", applied=True, spec={"selector": {"app": "preview"}, "ports": [{"port": 80}]}
    )

    assert confident(*shop(), declared, listing("Service", "orchard", "cart")) == []


def test_a_cordoned_control_plane_is_normal():
    taint = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
    master = node("master-a", cordoned=True, taints=[taint], **{"node-role.kubernetes.io/control-plane": ""})

    assert causes(*shop(), master) == []


def claim(name, phase, **spec):
    return obj(f"PersistentVolumeClaim/orchard/{name}", spec=spec, status={"phase": phase})


def test_a_released_volume_is_a_leftover():
    volume = obj(
        "PersistentVolume/pv-old",
        spec={"capacity": {"storage": "1Gi"}, "claimRef": {"namespace": "orchard", "name": "data-old"}},
        status={"phase": "Released"},
    )

    assert causes(*shop(), volume, claim("data", "Bound", volumeName="pv-new")) == []


@pytest.mark.parametrize("provisioner", ["disk.csi.orchard.example", "kubernetes.io/no-provisioner"])
def test_a_claim_that_no_pod_uses_waits_for_its_first_consumer(provisioner):
    storage_class = obj("StorageClass/fast", provisioner=provisioner, volumeBindingMode="WaitForFirstConsumer")
    waiting = claim("spare", "Pending", storageClassName="fast", resources={"requests": {"storage": "1Gi"}})
    said = event(
        "PersistentVolumeClaim/orchard/spare",
        "WaitForFirstConsumer",
        "waiting for first consumer to be created before binding",
        type="Normal",
    )

    assert causes(*shop(), storage_class, waiting, said) == []


def test_a_deployment_without_replicas_that_nobody_calls_was_put_to_sleep():
    empty = obj("Endpoints/orchard/jam", subsets=[])

    asleep = [*deployment("jam", 0), service("jam", "jam"), empty]

    assert confident(*shop(), *deployment("jam", 0)) == []
    assert confident(*shop(), *asleep) == []
    assert [code for code, *_ in confident(*shop(), *asleep, calls(("cart", "jam")))] == ["deployment-zero-replicas"]


@pytest.mark.parametrize(
    "odd",
    [
        service("mail", type="ExternalName", externalName="mail.example.com"),
        service("cart-peers", "cart", clusterIP="None"),
        service("legacy-db"),
        service("metrics-of-nobody", "no-such-app"),
    ],
    ids=["external name", "headless", "without selector", "selects nothing"],
)
def test_services_that_need_no_endpoints_of_pods_are_no_trouble(odd):
    nothing = obj("Endpoints/orchard/metrics-of-nobody")

    assert confident(*shop(), odd) == []
    assert confident(*shop(), odd, nothing) == []


def test_a_service_on_an_undeclared_port_of_a_ready_pod_is_doubtful_at_most():
    assert confident(*shop(), service("cart-metrics", "cart", ports=[{"port": 9090, "targetPort": 9090}])) == []


def test_a_daemon_set_that_leaves_out_tainted_nodes_has_what_it_wants():
    tainted = node("node-b", taints=[{"key": "dedicated", "value": "press", "effect": "NoSchedule"}])
    agent = obj(
        "DaemonSet/orchard/agent",
        spec={"selector": {"matchLabels": {"app": "agent"}}},
        status={"desiredNumberScheduled": 1, "currentNumberScheduled": 1, "numberReady": 1, "numberMisscheduled": 0},
    )

    assert causes(*shop(), tainted, agent, pod("agent-x2x4z", "agent", kind="DaemonSet")) == []


def test_a_deployment_that_an_autoscaler_scaled_down_is_well():
    scaler = obj(
        "HorizontalPodAutoscaler/orchard/cart",
        spec={"minReplicas": 1, "maxReplicas": 9, "scaleTargetRef": {"kind": "Deployment", "name": "cart"}},
        status={
            "currentReplicas": 1,
            "desiredReplicas": 1,
            "conditions": [
                {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale"},
                {"type": "ScalingLimited", "status": "True", "reason": "TooFewReplicas"},
            ],
        },
    )
    scaled = event("Deployment/orchard/cart", "ScalingReplicaSet", "Scaled down replica set to 1", type="Normal")
    start = event(
        "HorizontalPodAutoscaler/orchard/cart", "FailedGetResourceMetric", "no metrics returned", ago=3 * 86400
    )

    assert causes(*shop(), scaler, scaled, start) == []


def test_a_rollout_under_way_is_no_failure():
    creating = {"waiting": {"reason": "ContainerCreating"}}
    ended = {"terminated": {"reason": "Error", "exitCode": 143, "finishedAt": ago(seconds=2)}}
    documents = [
        node("node-a"),
        *deployment("cart", 2, ready=1),
        service("cart", "cart"),
        pod("cart-5d9f8c7b6-x2x4z", "cart"),
        pod("cart-5d9f8c7b6-new22", "cart", ready=False, age={"seconds": 8}, state=creating),
        pod("cart-7f7f7f7f7-old22", "cart", ready=False, state=ended, deletionTimestamp=ago(seconds=20)),
        event("Pod/orchard/cart-7f7f7f7f7-old22", "Killing", "Stopping container app", type="Normal"),
        event("Pod/orchard/cart-7f7f7f7f7-old22", "Unhealthy", "Readiness probe failed: connection refused"),
    ]

    assert confident(*documents) == []
    stuck = pod("cart-5d9f8c7b6-new22", "cart", ready=False, age={"minutes": 9}, state=creating)
    [(_, _, rolling), *_], [(_, _, after_minutes), *_] = (
        causes(*documents),
        causes(*documents[:5], stuck, *documents[6:]),
    )
    assert after_minutes > 2 * rolling


def test_probe_failures_of_a_start_that_succeeded_are_noise():
    refused = "Readiness probe failed: dial tcp 10.1.0.9:8080: connect: connection refused"

    assert causes(*shop(), event("Pod/orchard/cart-5d9f8c7b6-x2x4z", "Unhealthy", refused, count=3, ago=240)) == []


def test_two_ready_containers_that_declare_one_port_bind_it_on_different_addresses():
    status = {"ready": True, "restartCount": 0, "state": {"running": {"startedAt": ago(days=1)}}}
    both = obj(
        "Pod/orchard/press-0",
        metadata={"labels": {"app": "press"}},
        spec={"containers": [{"name": name, "ports": WEB} for name in ("app", "proxy")]},
        status={
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": name, **status} for name in ("app", "proxy")],
        },
    )

    assert causes(*shop(), both, service("press", "press")) == []


def test_an_optional_config_map_and_a_full_but_unstrained_quota_are_no_trouble():
    optional = {"name": "app", "envFrom": [{"configMapRef": {"name": "extras", "optional": True}}]}
    quota = obj(
        "ResourceQuota/orchard/all",
        spec={"hard": {"pods": "1"}},
        status={"hard": {"pods": "1"}, "used": {"pods": "1"}},
    )

    assert (
        causes(node("node-a"), *deployment("cart", **optional), *shop()[3:], quota, listing("ConfigMap", "orchard"))
        == []
    )


def test_a_caller_that_was_refused_while_its_callee_started_is_served_now():
    caller, callee = shop("front"), shop("cart")
    refused = log("Pod/orchard/front-5d9f8c7b6-x2x4z", "Post http://cart:80/: connection refused")
    refused = refused.model_copy(update={"last_time": NOW - timedelta(hours=2)})
    later = log("Pod/orchard/front-5d9f8c7b6-x2x4z", "order placed", level="info")

    assert causes(*caller, *callee, refused, later, calls(("front", "cart"))) == []
    still = refused.model_copy(update={"last_time": NOW})
    assert [code for code, *_ in causes(*caller, *callee, still, later)] == ["caller-errors"]


@pytest.fixture
def ask(tmp_path):
    """Diagnose files of a folder through the public API."""

    def diagnose(files, question="", namespace=""):
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        with Copilot.throw_away(Settings(ollama_url="")) as copilot:
            copilot.ingest([str(tmp_path)], as_of=NOW)
            return copilot.diagnose(DiagnoseRequest(question=question, namespace=namespace))

    return diagnose


PODS = """\
NAMESPACE   NAME                    READY   STATUS      RESTARTS      AGE
orchard     cart-5d9f8c7b6-x2x4z    1/1     Running     1 (3d ago)    9d
orchard     report-29000000-b4b5c   0/1     Completed   0             40m
orchard     stock-0                 1/1     Running     0             9d
orchard     front-6b6b6b6b6-d8d9f   1/1     Terminating 0             9d
"""
NODES = """\
NAME       STATUS                     ROLES           AGE   VERSION
master-a   Ready,SchedulingDisabled   control-plane   90d   v1.33.1
node-a     Ready                      <none>          90d   v1.33.1
"""
OLD_EVENTS = """\
NAMESPACE   LAST SEEN   TYPE      REASON             OBJECT                     MESSAGE
orchard     52m         Warning   BackOff            pod/cart-7f7f7f7f7-aaaaa   Back-off restarting failed container
orchard     48m         Warning   FailedScheduling   pod/cart-7f7f7f7f7-bbbbb   0/2 nodes are available.
"""
HEALTHY = {"pods.txt": PODS, "nodes.txt": NODES, "events.txt": OLD_EVENTS}


def test_tables_of_a_healthy_cluster_have_no_cause(ask):
    assert ask(HEALTHY).root_causes == ()


@pytest.mark.parametrize("question", ["why does pod nosuch-1 fail?", "why is deployment pear-press not ready?"])
def test_what_nobody_saw_is_a_gap_with_a_command_and_no_cause(ask, question):
    broken = {
        "pods.txt": PODS.replace("stock-0                 1/1     Running", "stock-0                 0/1     Error  ")
    }

    for files in (HEALTHY, broken):
        answer = ask(files, question)

        assert answer.root_causes == ()
        assert answer.gaps[0].command.startswith("kubectl get ")


def test_a_namespace_that_nobody_saw_is_a_gap_with_a_command(ask):
    assert ask(HEALTHY, namespace="meadow").root_causes == ()
    assert [gap.command for gap in find_gaps(snapshot(*shop()), (), (), "meadow")] == [
        "kubectl get all,events -n meadow"
    ]
    assert find_gaps(snapshot(*shop()), (), (), "orchard") == ()


def test_a_question_whose_evidence_was_removed_gets_no_guess(ask):
    answer = ask({"nodes.txt": NODES}, "why does cart crash in namespace orchard?")

    assert answer.root_causes == ()
    assert [gap.command for gap in answer.gaps] == [
        "kubectl get all,events -n orchard",
        "kubectl get pods,events -A -o json",
    ]
