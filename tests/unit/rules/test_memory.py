"""Memory that ran out."""

from datetime import timedelta

import pytest

from kfi.diagnosis.rules import memory
from kfi.models.schemas import Role
from tests.cluster import NOW, codes, event, log, obj, snapshot

POD = "Pod/orchard/cart-7d9f8-x2x4z"
LIMITED = {"resources": {"limits": {"memory": "64Mi"}}}


def at(seconds_ago: float) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).isoformat()


def ended(reason: str = "OOMKilled", code: int = 137, ago: float = 60):
    return {"terminated": {"exitCode": code, "reason": reason, "startedAt": at(ago + 60), "finishedAt": at(ago)}}


def pod(state, last, ready: bool = False, restarts: int = 3, **container):
    status = {"name": "app", "ready": ready, "restartCount": restarts, "state": state, "lastState": last}
    spec = {"nodeName": "node-a", "containers": [{"name": "app", **LIMITED, **container}]}
    return obj(POD, spec=spec, status={"phase": "Running", "containerStatuses": [status]})


BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff"}}


def up(since: float):
    return {"running": {"startedAt": at(since)}}


def findings(*documents):
    return list(memory.check(snapshot(*documents)))


def texts(finding):
    return " ".join(citation.text for citation in finding.evidence)


def test_a_container_killed_for_memory_is_shown_with_its_limit():
    found = findings(pod(BACK_OFF, ended()))

    assert [(f.code, str(f.ref)) for f in found] == [("oom-killed", POD)]
    assert "OOMKilled" in texts(found[0])
    assert '"memory": "64Mi"' in texts(found[0])
    assert "its memory limit is 64Mi" in found[0].message


def test_a_kill_long_ago_is_a_weak_hint():
    found = findings(pod(up(90_000), ended(ago=90_060), ready=True, restarts=1))

    assert [(f.code, f.strength) for f in found] == [("oom-killed", 0.3)]


def test_an_exit_of_137_alone_is_not_for_memory():
    assert codes(memory, pod(BACK_OFF, ended("Error"))) == []


def test_an_exit_of_137_at_the_time_of_a_kernel_kill_is_for_memory():
    kernel = event("Node/node-a", "OOMKilling", "Memory cgroup out of memory: Killed process 4242 (cart)", ago=61)

    found = findings(pod(BACK_OFF, ended("Error")), kernel)

    assert [(f.code, str(f.ref)) for f in found] == [("oom-killed", POD)]


@pytest.mark.parametrize(
    ("reason", "message"),
    [
        (
            "FailedCreatePodSandBox",
            "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to create containerd task: OCI "
            "runtime create failed: container init was OOM-killed (memory limit too low?): unknown",
        ),
        ("Failed", "Error: Error response from daemon: Minimum memory limit allowed is 6MB"),
    ],
)
def test_a_limit_too_small_to_start_is_out_of_memory(reason, message):
    creating = pod({"waiting": {"reason": "ContainerCreating"}}, {}, restarts=0)

    found = findings(creating, event(POD, reason, message))

    assert [(f.code, str(f.ref)) for f in found] == [("oom-killed", POD)]
    assert "container app may use 64Mi" in found[0].message


def test_a_start_error_for_memory_is_out_of_memory():
    last = ended("StartError", 128)
    last["terminated"]["message"] = "OCI runtime create failed: container init was OOM-killed (memory limit too low?)"

    assert codes(memory, pod(BACK_OFF, last)) == [("oom-killed", POD)]


def test_a_table_row_that_says_oom_killed_is_believed():
    row = obj(POD, status={"summary": "OOMKilled", "restarts": 2, "readyContainers": 0, "totalContainers": 1})

    assert codes(memory, row) == [("oom-killed", POD)]


def test_a_node_out_of_memory_names_its_victims():
    system = event("Node/node-a", "SystemOOM", "System OOM encountered, victim process: cart, pid: 4242")

    hurt = findings(obj("Node/node-a"), system, pod(BACK_OFF, ended("Error")))
    unhurt = findings(obj("Node/node-a"), system)

    assert [(f.code, str(f.ref)) for f in hurt] == [("node-out-of-memory", "Node/node-a")]
    assert [str(ref) for ref in hurt[0].affects] == [POD]
    assert unhurt[0].strength < 0.5


def evicted(message: str):
    return obj(POD, spec={"nodeName": "node-a"}, status={"phase": "Failed", "reason": "Evicted", "message": message})


SHORT = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi."


def test_an_eviction_says_what_the_node_was_short_of():
    found = findings(evicted(SHORT))

    assert [(f.code, f.role) for f in found] == [("pod-evicted", Role.CAUSE)]
    assert "low on resource: memory" in texts(found[0])


def test_an_eviction_by_a_node_under_pressure_is_its_symptom():
    pressed = obj("Node/node-a", status={"conditions": [{"type": "MemoryPressure", "status": "True"}]})
    over_limit = "Pod ephemeral local storage usage exceeds the total limit of containers 1Gi."

    assert [f.role for f in findings(evicted(SHORT), pressed)] == [Role.SYMPTOM]
    assert [f.role for f in findings(evicted(over_limit), pressed)] == [Role.CAUSE]


def test_an_eviction_whose_workload_is_ready_again_is_history():
    ready = obj(
        "Pod/orchard/cart-7d9f8-k9k9k",
        status={"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    )
    owner = obj("Deployment/orchard/cart", spec={"replicas": 1}, status={"readyReplicas": 1})

    found = findings(evicted(SHORT), ready, owner)

    assert [f.strength for f in found] == [0.25]


def test_crios_word_for_a_limit_below_what_a_start_needs_is_understood():
    words = "container create failed: set memory limit 4194304 too low; should be at least 12582912"
    waits = obj(POD, spec={"containers": [{"name": "app", **LIMITED}]}, status={"phase": "Pending"})

    assert codes(memory, waits, event(POD, "FailedCreatePodSandBox", words)) == [("oom-killed", POD)]


def test_a_kill_that_only_an_event_tells_of_counts_while_it_is_fresh():
    def told(ago: float, **more):
        killed = event(POD, "OOMKilled", "Container app was killed", ago=ago)
        return findings(pod(up(7200), {}, **more), killed)

    assert [(f.code, f.strength) for f in told(60, ready=True)] == [("oom-killed", 0.7)]
    assert [(f.code, f.strength) for f in told(1800, ready=True)] == [("oom-killed", 0.4)]
    assert [(f.code, f.strength) for f in told(1800)] == [("oom-killed", 0.85)]
    assert "64Mi" in told(60)[0].message
    assert "OOMKilled" in texts(told(60)[0])
    assert told(7200) == []


def test_an_end_for_another_reason_after_the_event_makes_it_history():
    killed = event(POD, "OOMKilled", "Container app was killed", ago=600)

    assert codes(memory, pod(BACK_OFF, ended("Error", 1)), killed) == []


def test_a_shell_that_logs_the_kill_of_its_child_proves_it():
    line = log(POD, "/run.sh: line 3:     7 Killed                  java -jar cart.jar", level="", previous=True)

    found = findings(pod(BACK_OFF, ended("Error")), line)

    assert [f.code for f in found] == ["oom-killed"]
    assert "Killed" in texts(found[0])
    assert codes(memory, pod(BACK_OFF, ended("Error", 1)), line) == []


UID = "4ca8f0b1-7c1e-4d5b-9a53-1f0c2d3e4f50"
GROUP = f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{UID.replace('-', '_')}.slice"


def kill_line(constraint="CONSTRAINT_MEMCG", limit=GROUP, container="3f" * 32):
    return (
        f"oom-kill:constraint={constraint},nodemask=(null),cpuset=cri-containerd-{container}.scope,mems_allowed=0,"
        f"oom_memcg={limit},task_memcg={GROUP}/cri-containerd-{container}.scope,task=java,pid=48211,uid=1000"
    )


def victim(status="Running", **container):
    spec = {"nodeName": "node-a", "containers": [{"name": "app"}]}
    statuses = [{"name": "app", "ready": False, "state": {"running": {}}, **container}]
    return obj(POD, metadata={"uid": UID}, spec=spec, status={"phase": status, "containerStatuses": statuses})


def found_in(*documents):
    return [(f.code, str(f.ref)) for f in findings(*documents)]


def test_the_kernel_s_journal_names_the_pod_by_its_group():
    line = log("Node/node-a", kill_line(), level="")

    assert found_in(victim(), line) == [("oom-killed", POD)]
    assert found_in(line) == [("oom-killed", "Node/node-a")]


def test_the_kernel_s_journal_names_the_pod_by_its_container_where_no_uid_is_known():
    described = obj(
        POD,
        spec={"containers": [{"name": "app"}]},
        status={"containerStatuses": [{"name": "app", "containerID": f"containerd://{'3f' * 32}"}]},
    )

    assert found_in(described, log("Node/node-a", kill_line(), level="")) == [("oom-killed", POD)]


@pytest.mark.parametrize(
    "line",
    [
        kill_line("CONSTRAINT_NONE", limit="/"),
        kill_line(limit="/kubepods.slice"),
        "Out of memory: Killed process 8123 (java) total-vm:4194304kB, anon-rss:3923300kB",
    ],
)
def test_a_kill_for_want_of_the_node_s_memory_is_the_node_s_whether_it_was_seen_or_not(line):
    assert found_in(log("Node/node-a", line, level="")) == [("node-out-of-memory", "Node/node-a")]
    assert found_in(log("//", line, level="")) == [("node-out-of-memory", "log app.log")]


def test_a_system_oom_event_counts_without_a_node_object():
    said = "System OOM encountered, victim process: java, pid: 48211"

    assert found_in(event("Node/node-a", "SystemOOM", said)) == [("node-out-of-memory", "Node/node-a")]
    assert found_in(event("Node/node-a", "SystemOOM", said, ago=7200)) == []


def test_a_kill_of_an_hour_ago_is_over():
    old = log("Node/node-a", kill_line(), level="").model_copy(update={"last_time": NOW - timedelta(hours=2)})

    assert found_in(victim(), old) == []


CART = "Deployment/orchard/cart"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("[ERROR] Worker (pid:41) was sent SIGKILL! Perhaps out of memory?", [("oom-killed", CART)]),
        (
            "WARNING: [pool www] child 117 exited on signal 9 (SIGKILL) after 3.2 seconds from start",
            [("oom-killed", CART)],
        ),
        ("DAMN ! worker 2 (pid: 24) died, killed by signal 9 :( trying respawn ...", [("oom-killed", CART)]),
        ("billiard.exceptions.WorkerLostError: Worker exited prematurely: signal 9 (SIGKILL).", [("oom-killed", CART)]),
        ("[INFO] Worker exiting (pid: 41)", []),
        ("[CRITICAL] WORKER TIMEOUT (pid:41)", []),
        ("WARNING: [pool www] child 117 exited on signal 15 (SIGTERM) after 3.2 seconds from start", []),
    ],
)
def test_a_server_that_loses_workers_runs_out_of_memory_though_its_container_lives_on(line, expected):
    assert codes(memory, obj(CART, spec={"replicas": 1}), log(CART, line, count=4)) == expected
