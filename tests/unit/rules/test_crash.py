"""Containers that do not stay up, and what ended them."""

from datetime import timedelta

import pytest

from kfi.diagnosis.rules import crash
from kfi.models.schemas import Role
from tests.cluster import NOW, codes, event, listing, log, obj, snapshot

POD = "Pod/orchard/cart-7d9f8-x2x4z"


def at(seconds_ago: float) -> str:
    return (NOW - timedelta(seconds=seconds_ago)).isoformat()


def ended(code: int, reason: str = "Error", ago: float = 30, message: str = ""):
    times = {"startedAt": at(ago + 20), "finishedAt": at(ago)}
    return {"terminated": {"exitCode": code, "reason": reason, "message": message, **times}}


def backing_off(last, name: str = "app", restarts: int = 4):
    state = {"waiting": {"reason": "CrashLoopBackOff", "message": f"back-off 40s restarting failed container={name}"}}
    return {"name": name, "ready": False, "restartCount": restarts, "state": state, "lastState": last}


def up(name: str = "app", since: float = 3600, last=None, restarts: int = 0, ready: bool = True):
    state = {"running": {"startedAt": at(since)}}
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state, "lastState": last or {}}


def pod(*statuses, init=(), spec=None, phase: str = "Running", **more):
    containers = [{"name": status["name"]} for status in statuses]
    inits = [{"name": status["name"]} for status in init]
    full = {"containers": containers, "initContainers": inits, "nodeName": "node-a", **(spec or {})}
    status = {"phase": phase, "containerStatuses": list(statuses), "initContainerStatuses": list(init), **more}
    return obj(POD, spec=full, status=status)


def findings(*documents):
    return list(crash.check(snapshot(*documents)))


def texts(finding):
    return " ".join(citation.text for citation in finding.evidence)


def test_a_crash_is_proven_by_exit_code_and_the_previous_runs_last_words():
    evidence = (
        pod(backing_off(ended(1))),
        log(POD, "started", level="info"),
        log(POD, "shop mode attic is unknown", level="fatal", previous=True),
    )

    found = findings(*evidence)

    assert [(f.code, str(f.ref), f.role) for f in found] == [
        ("container-crash", POD, Role.CAUSE),
        ("crash-loop-back-off", POD, Role.SYMPTOM),
    ]
    assert "shop mode attic is unknown" in found[0].message
    assert '"exitCode": 1' in texts(found[0])
    assert "attic" in texts(found[0])


def test_a_container_that_has_been_up_for_long_has_got_over_its_crash():
    assert codes(crash, pod(up(since=7200, last=ended(1, ago=7260), restarts=1))) == []


def test_a_container_that_is_up_again_for_a_minute_is_not_trusted_yet():
    found = findings(pod(up(since=60, last=ended(1, ago=70), restarts=2)))

    assert [f.code for f in found] == ["container-crash"]
    assert found[0].strength < 0.7


def test_a_back_off_that_nothing_explains_is_the_best_there_is():
    found = findings(pod(backing_off({})))

    assert [(f.code, f.role) for f in found] == [("crash-loop-back-off", Role.CAUSE)]


@pytest.mark.parametrize("code", [137, 143, 2, 0])
def test_a_restart_by_the_liveness_probe_is_no_crash(code):
    killing = event(POD, "Killing", "Container app failed liveness probe, will be restarted", type="Normal", ago=40)

    found = findings(pod(backing_off(ended(code))), killing)

    assert [(f.code, f.role) for f in found] == [("crash-loop-back-off", Role.SYMPTOM)]


def test_a_kill_for_memory_is_no_crash():
    assert codes(crash, pod(backing_off(ended(137, "OOMKilled")))) == [("crash-loop-back-off", POD)]


def test_a_crash_for_a_service_that_cannot_be_reached_is_a_symptom():
    dial = "dial tcp 10.0.0.9:5432: connect: connection refused"
    database = obj("Service/orchard/stock-db", spec={"clusterIP": "10.0.0.9", "ports": [{"port": 5432}]})

    found = findings(pod(backing_off(ended(1))), log(POD, dial, previous=True), database)

    assert (found[0].code, found[0].role) == ("container-crash", Role.SYMPTOM)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        (
            "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create "
            'failed: unable to start container process: exec: "serv": executable file not found in $PATH: unknown',
            "command-not-found",
        ),
        (
            'OCI runtime create failed: container_linux.go:380: starting container process caused: exec: "/run.sh": '
            "permission denied: unknown",
            "command-not-found",
        ),
        ("crun: executable file `serv` not found in $PATH: No such file or directory", "command-not-found"),
        ("OCI runtime create failed: exec /cart: exec format error", "image-platform-mismatch"),
        (
            'OCI runtime create failed: runc create failed: error mounting "/a" to rootfs at "/etc/cart": not a '
            "directory: unknown",
            "container-start-error",
        ),
    ],
)
def test_a_start_that_the_runtime_refuses_is_told_by_its_message(message, code):
    found = findings(pod(backing_off(ended(128, "StartError", message=message))))

    assert [f.code for f in found] == [code, "crash-loop-back-off"]
    assert message[:60].replace('"', '\\"') in texts(found[0])


def test_a_start_that_fails_for_memory_is_left_to_its_family():
    message = "OCI runtime create failed: container init was OOM-killed (memory limit too low?): unknown"

    assert codes(crash, pod(backing_off(ended(128, "StartError", message=message)))) == [("crash-loop-back-off", POD)]


def test_a_command_of_a_dockerd_container_is_found_by_the_event():
    waiting = {"name": "app", "ready": False, "state": {"waiting": {"reason": "RunContainerError"}}}
    failed = event(POD, "Failed", 'Error: OCI runtime create failed: exec: "serv": executable file not found in $PATH')

    found = findings(pod(waiting), failed)

    assert [(f.code, str(f.ref)) for f in found] == [("command-not-found", POD)]
    assert "'serv'" in found[0].message


def test_a_shell_that_does_not_know_a_command_exits_with_127():
    said = log(POD, "sh: 1: serv: not found", level="", previous=True)

    assert codes(crash, pod(backing_off(ended(127))), said)[0] == ("command-not-found", POD)


def test_a_program_for_another_architecture_says_so_in_its_log():
    said = log(POD, "exec /usr/bin/cart: exec format error", level="")

    assert codes(crash, pod(backing_off(ended(255))), said)[0] == ("image-platform-mismatch", POD)


def test_a_failing_init_container_blocks_its_pod():
    waiting = {"name": "app", "ready": False, "state": {"waiting": {"reason": "PodInitializing"}}}
    migration = backing_off(ended(1), "migrate")

    found = findings(pod(waiting, init=[migration]), log(POD, "relation orders does not exist", previous=True))

    assert [f.code for f in found] == ["init-container-failed", "crash-loop-back-off"]
    assert "Init container migrate" in found[0].message


def test_a_completed_init_container_is_well():
    done = {"name": "migrate", "ready": True, "state": ended(0, "Completed")}

    assert codes(crash, pod(up(), init=[done])) == []


def test_an_init_container_that_runs_for_long_is_stuck():
    waiting = {"name": "app", "ready": False, "state": {"waiting": {"reason": "PodInitializing"}}}

    assert codes(crash, pod(waiting, init=[up("wait", since=1200, ready=False)])) == [("init-container-stuck", POD)]
    assert codes(crash, pod(waiting, init=[up("wait", since=20, ready=False)])) == []


def test_a_task_that_ends_well_does_not_belong_in_a_deployment():
    assert codes(crash, pod(backing_off(ended(0, "Completed")))) == [
        ("container-exits-clean", POD),
        ("crash-loop-back-off", POD),
    ]


@pytest.mark.parametrize("code", [139, 134, 137, 143])
def test_a_signal_is_told_by_the_exit_code(code):
    assert codes(crash, pod(backing_off(ended(code))))[0] == ("killed-by-signal", POD)


def test_a_pod_that_succeeded_or_is_being_deleted_is_well():
    finished = {"name": "app", "ready": False, "state": ended(0, "Completed")}
    leaving = obj(POD, metadata={"deletionTimestamp": at(3)}, status={"containerStatuses": [backing_off(ended(1))]})

    assert codes(crash, pod(finished, phase="Succeeded")) == []
    assert codes(crash, leaving) == []


def sidecar_pod(app, sidecar, port: int = 8080):
    containers = [
        {"name": "app", "ports": [{"containerPort": 8080}]},
        {"name": "metrics", "ports": [{"containerPort": port}]},
    ]
    return pod(app, sidecar, spec={"containers": containers})


def test_a_bind_that_fails_names_the_container_that_has_the_port():
    said = log(POD, "listen tcp :8080: bind: address already in use", previous=True)

    found = findings(sidecar_pod(backing_off(ended(1)), up("metrics")), said)

    assert [f.code for f in found] == ["port-already-in-use", "crash-loop-back-off"]
    assert "cannot bind port 8080, which is in use; container metrics" in found[0].message
    assert "address already in use" in texts(found[0])


def test_a_sidecar_that_takes_the_port_by_argument_is_found():
    containers = [
        {"name": "app", "ports": [{"containerPort": 8080}]},
        {"name": "proxy", "command": ["httpd", "-f", "-p", "8080"]},
    ]
    said = log(POD, "OSError: [Errno 98] Address already in use: ('0.0.0.0', 8080)", previous=True)

    found = findings(pod(backing_off(ended(1)), up("proxy"), spec={"containers": containers}), said)

    assert found[0].code == "port-already-in-use"
    assert "container proxy" in found[0].message


def test_two_containers_that_declare_one_port_conflict_even_without_a_log():
    unwell = findings(sidecar_pod(backing_off(ended(1)), up("metrics")))
    both_up = findings(sidecar_pod(up(), up("metrics")))

    assert "port-already-in-use" in [f.code for f in unwell]
    assert both_up == []  # each binds it on another address
    assert codes(crash, sidecar_pod(up(), up("metrics"), port=9090)) == []


def test_a_crash_beside_a_container_whose_command_names_the_port_hints_at_a_conflict():
    containers = [
        {"name": "app", "ports": [{"containerPort": 8080}]},
        {"name": "proxy", "command": ["httpd", "-f", "-p", "8080"]},
    ]

    found = findings(pod(backing_off(ended(1)), up("proxy"), spec={"containers": containers}))

    assert [(f.code, f.strength) for f in found][1] == ("port-already-in-use", 0.6)


def job(**status):
    return obj("Job/orchard/report", spec={"completions": 1}, status=status)


def test_a_job_that_gave_up_says_why():
    condition = {"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}

    found = findings(job(conditions=[condition], failed=4))

    assert [(f.code, str(f.ref)) for f in found] == [("job-failed", "Job/orchard/report")]
    assert "BackoffLimitExceeded" in texts(found[0])


def test_a_failed_try_of_a_job_that_completed_is_history():
    owner = {"ownerReferences": [{"kind": "Job", "name": "report", "controller": True}]}
    status = {"phase": "Failed", "containerStatuses": [{"name": "app", "state": ended(1)}]}
    failed = obj("Pod/orchard/report-x2x4z", metadata=owner, status=status)
    complete = job(succeeded=1, conditions=[{"type": "Complete", "status": "True"}])

    assert codes(crash, failed, complete) == []
    assert codes(crash, failed, job())[0] == ("container-crash", "Pod/orchard/report-x2x4z")


def test_a_post_start_hook_that_fails_kills_the_container():
    hook = event(POD, "FailedPostStartHook", "PostStartHook failed")
    waiting = {"name": "app", "ready": False, "state": {"waiting": {"reason": "PostStartHookError"}}}

    assert codes(crash, pod(waiting), hook) == [("post-start-hook-failed", POD)]


def row(status: str, restarts: int = 5):
    return obj(POD, status={"summary": status, "restarts": restarts, "readyContainers": 0, "totalContainers": 1})


def test_a_table_row_and_a_log_are_enough_for_a_crash():
    said = log(POD, "panic: runtime error: index out of range")

    assert codes(crash, row("CrashLoopBackOff"), said) == [("container-crash", POD), ("crash-loop-back-off", POD)]
    assert codes(crash, row("Init:Error")) == [("init-container-failed", POD)]
    assert codes(crash, row("Running", restarts=0)) == []


def test_a_command_that_crun_does_not_find_is_named_though_the_kubelet_calls_it_a_create_error():
    words = "container create failed: executable file `serve` not found in $PATH: No such file or directory"
    state = {"waiting": {"reason": "CreateContainerError", "message": words}}

    found = findings(pod({"name": "app", "ready": False, "restartCount": 0, "state": state}))

    assert [(f.code, str(f.ref)) for f in found] == [("command-not-found", POD)]
    assert "cannot execute 'serve'" in found[0].message


BACKS_OFF = "Back-off restarting failed container app in pod cart-7d9f8-x2x4z_orchard(1)"


def test_a_pod_of_which_only_events_are_known_loops():
    found = findings(event(POD, "BackOff", BACKS_OFF, container="app"))

    assert [(f.code, str(f.ref), f.role) for f in found] == [("crash-loop-back-off", POD, Role.CAUSE)]
    assert "Back-off restarting" in texts(found[0])


def test_a_loop_that_is_only_heard_of_is_history_where_the_workload_has_its_pods():
    workload = obj("Deployment/orchard/cart", spec={"replicas": 1}, status={"replicas": 1, "readyReplicas": 1})

    assert codes(crash, workload, event(POD, "BackOff", BACKS_OFF)) == []
    assert codes(crash, event(POD, "BackOff", BACKS_OFF), event(POD, "Killing", "Stopping container app", ago=5)) == []


def test_what_a_container_left_as_its_last_message_is_told_where_no_log_was_given():
    found = findings(pod(backing_off(ended(1, message="Error: ORCHARD_DB\n  must be set"))))

    assert 'its last message: "Error: ORCHARD_DB must be set"' in found[0].message


def test_a_variable_that_the_log_misses_and_the_spec_does_not_set_is_named():
    found = findings(pod(backing_off(ended(1))), log(POD, "SHOP_MODE must be set", level="", previous=True))

    assert (found[0].code, str(found[0].ref), found[0].role) == ("missing-environment-variable", POD, Role.CAUSE)
    assert "environment variable SHOP_MODE is not set, and the container's spec does not set it" in found[0].message
    assert "SHOP_MODE must be set" in texts(found[0])


def test_a_variable_that_is_set_is_not_missing():
    spec = {"containers": [{"name": "app", "env": [{"name": "SHOP_MODE", "value": "attic"}]}]}

    found = findings(pod(backing_off(ended(1)), spec=spec), log(POD, "SHOP_MODE must be set", level=""))

    assert found[0].code == "container-crash"
    assert "SHOP_MODE must be set" in found[0].message


def test_a_clean_end_says_what_the_log_says():
    evidence = pod(backing_off(ended(0, "Completed")))

    told = findings(evidence, log(POD, "environment variable SHOP_MODE is undefined", level=""))
    bare = findings(evidence, log(POD, "see you tomorrow", level="info"))

    assert told[0].code == "missing-environment-variable"
    assert "(exit code 0)" in told[0].message
    assert bare[0].code == "container-exits-clean"
    assert "see you tomorrow" in bare[0].message


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("x509: certificate signed by unknown authority", "certificate-untrusted"),
        ("x509: certificate has expired or is not yet valid", "certificate-expired"),
        ('/bin/sh: syntax error: unexpected "fi"', "shell-syntax-error"),
        ("java.lang.OutOfMemoryError: Java heap space", "runtime-out-of-memory"),
        ("ModuleNotFoundError: No module named 'pears'", "module-missing"),
        ("open /etc/shop/a.yaml: no such file or directory", "file-missing"),
        ("PermissionError: [Errno 13] Permission denied: '/srv/x'", "file-permission-denied"),
        ("listen tcp :80: bind: permission denied", "privileged-port-denied"),
        ("write /x: no space left on device", "disk-full"),
        ("EROFS: read-only file system, open '/x'", "read-only-file-system"),
        ("dial tcp: lookup wms.partner.example: no such host", "dependency-unreachable"),
        ("Client does not support authentication protocol requested by server", "client-version-unsupported"),
    ],
)
def test_last_words_that_prove_why_name_it(line, code):
    found = findings(pod(backing_off(ended(1))), log(POD, line, level="", previous=True))

    assert (found[0].code, found[0].role) == (code, Role.CAUSE)
    assert line in texts(found[0])


def test_what_a_signal_from_outside_cut_short_proves_nothing():
    found = findings(pod(backing_off(ended(143))), log(POD, "write /x: no space left on device"))

    assert found[0].code == "killed-by-signal"


def test_a_full_claim_is_named_with_its_size_and_mount():
    spec = {
        "containers": [{"name": "app", "volumeMounts": [{"name": "data", "mountPath": "/var/data"}]}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "cart-data"}}],
    }
    claim = obj("PersistentVolumeClaim/orchard/cart-data", status={"phase": "Bound", "capacity": {"storage": "5Gi"}})

    found = findings(pod(backing_off(ended(1)), spec=spec), claim, log(POD, "/var/data/a.tmp: no space left on device"))

    assert found[0].code == "disk-full"
    assert "PersistentVolumeClaim cart-data (5Gi), mounted at /var/data" in found[0].message
    assert '"storage": "5Gi"' in texts(found[0])


def test_a_dependency_that_answered_later_is_not_why_it_ended():
    refused = log(POD, "cannot connect to wms:7443: connection refused", level="error", count=3)
    later = log(POD, "connected to wms:7443", level="info").model_copy(update={"last_time": NOW + timedelta(seconds=1)})
    end = log(POD, "shelf 14 is upside down", level="fatal")

    found = findings(pod(backing_off(ended(1))), refused, later, end)

    assert found[0].code == "container-crash"
    assert "upside down" in found[0].message


def test_a_host_that_no_service_has_is_told_from_one_that_is_unknown():
    line = log(POD, "cannot connect to wms:7443: connection refused")
    crashed = pod(backing_off(ended(1)))

    unknown, absent = findings(crashed, line)[0], findings(crashed, line, listing("Service", "orchard", "cart"))[0]

    assert "no Service" not in unknown.message
    assert "no Service wms exists in namespace orchard" in absent.message
    assert (unknown.code, absent.code) == ("dependency-unreachable", "dependency-unreachable")


def test_a_row_of_a_table_and_a_log_prove_as_much():
    row = obj(POD, status={"summary": "Error", "readyContainers": 0, "totalContainers": 1})

    found = findings(row, log(POD, "SHOP_MODE is not set", level=""))

    assert [f.code for f in found] == ["missing-environment-variable"]
    assert "state Error" in found[0].message


def test_a_job_whose_pods_say_why_is_a_symptom_of_it():
    conditions = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]
    job = obj("Job/orchard/stocktake", status={"conditions": conditions, "failed": 1})
    owners = [{"kind": "Job", "name": "stocktake", "controller": True}]
    failed = {"name": "app", "state": ended(2)}
    one = obj(
        "Pod/orchard/stocktake-mdr4x",
        metadata={"ownerReferences": owners},
        spec={"restartPolicy": "Never", "containers": [{"name": "app"}]},
        status={"phase": "Failed", "containerStatuses": [failed]},
    )

    found = findings(job, one, log("Pod/orchard/stocktake-mdr4x", '/bin/sh: syntax error: unexpected "fi"', level=""))

    assert [(f.code, f.role) for f in found] == [("shell-syntax-error", Role.CAUSE), ("job-failed", Role.SYMPTOM)]


def test_a_job_of_which_only_the_log_is_left_says_what_the_log_says():
    conditions = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded", "message": "it gave up"}]
    job = obj("Job/orchard/stocktake", status={"conditions": conditions, "failed": 1})

    found = findings(job, log("Job/orchard/stocktake", "cannot connect to wms:7443: connection refused"))

    assert [(f.code, f.role) for f in found] == [("dependency-unreachable", Role.CAUSE), ("job-failed", Role.SYMPTOM)]
    assert "it gave up; it cannot connect to wms:7443" in found[0].message.replace(";:", ";")


def test_a_pod_of_which_only_events_and_its_log_are_known_says_why_it_loops():
    back_off = event(POD, "BackOff", "Back-off restarting failed container app in pod cart")

    found = findings(back_off, log(POD, "SHOP_MODE is not set", level="", previous=True))

    assert [f.code for f in found] == ["missing-environment-variable"]


def test_what_npm_adds_is_not_why_the_program_ended():
    mine = log(POD, "TypeError: apples is not iterable", stack="    at pick (/app/pick.js:3:1)")
    npm = log(POD, "npm ERR! rofs EROFS: read-only file system, open 'npm-debug.log.1'")

    found = findings(pod(backing_off(ended(1))), mine, npm)

    assert found[0].code == "container-crash"
    assert "apples is not iterable" in found[0].message
