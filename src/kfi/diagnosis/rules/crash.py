"""
Containers that do not stay up: what ended them, by state, exit code, the runtime's message and their own last words.

Kills for memory or by a failed probe belong to other families; here they leave only the symptom, the back-off. What
ended long ago, with the container ready ever since, is history.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.blame import blamed
from kfi.diagnosis.conditions.containers import (
    Run,
    current_pods,
    event_citations,
    killed_by_probe,
    killed_probe,
    out_of_memory,
    repeated_since,
    runs,
    said,
    starved_at_start,
    trouble,
)
from kfi.diagnosis.conditions.endings import (
    BY_ITSELF,
    SIGNALS,
    ending,
    fault_in_logs,
    fault_of,
    follows,
    in_words,
    last_said,
    rule_of,
)
from kfi.diagnosis.conditions.heard import HeardPods
from kfi.diagnosis.conditions.last_words import container_logs, most_telling, quoted
from kfi.diagnosis.conditions.log_faults import LogFault
from kfi.diagnosis.conditions.node_restart import lost
from kfi.diagnosis.conditions.port_conflict import Conflict, failed_bind, shared_ports
from kfi.diagnosis.conditions.quoted_setting import settings_named
from kfi.diagnosis.conditions.served import declared
from kfi.diagnosis.conditions.start_failure import StartFailure, command_in, of_log, of_runtime
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.crash import (
    COMMAND_NOT_FOUND,
    CONTAINER_CRASH,
    CONTAINER_EXITS_CLEAN,
    CONTAINER_START_ERROR,
    CRASH_LOOP_BACK_OFF,
    IMAGE_PLATFORM_MISMATCH,
    INIT_CONTAINER_FAILED,
    INIT_CONTAINER_STUCK,
    JOB_FAILED,
    KILLED_BY_SIGNAL,
    PORT_ALREADY_IN_USE,
    POST_START_HOOK_FAILED,
)
from kfi.diagnosis.words.logs import DEPENDENCY_UNREACHABLE
from kfi.models.schemas import Finding, Role
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Event, Log, Snapshot

RULES = (
    CONTAINER_CRASH,
    CRASH_LOOP_BACK_OFF,
    COMMAND_NOT_FOUND,
    IMAGE_PLATFORM_MISMATCH,
    CONTAINER_START_ERROR,
    INIT_CONTAINER_FAILED,
    INIT_CONTAINER_STUCK,
    CONTAINER_EXITS_CLEAN,
    KILLED_BY_SIGNAL,
    PORT_ALREADY_IN_USE,
    JOB_FAILED,
    POST_START_HOOK_FAILED,
)

_BY_FAILURE = {
    StartFailure.COMMAND: COMMAND_NOT_FOUND,
    StartFailure.PLATFORM: IMAGE_PLATFORM_MISMATCH,
    StartFailure.OTHER: CONTAINER_START_ERROR,
}
_NOT_STARTED = ("StartError", "ContainerCannotRun", "RunContainerError", "CreateContainerError")
# Reasons of a Pod's end that say of themselves that no container is to blame.
_ENDED_FROM_OUTSIDE = ("Evicted", "Preempting", "Terminated", "NodeShutdown", "Shutdown", "NodeLost", "NodeAffinity")
_STUCK_AFTER = timedelta(minutes=5)
_RUNTIME_MESSAGE = re.compile(
    r"OCI runtime|runc|crun|container process|CreateProcess|hcsshim|containerd task|exec:|executable file"
)


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what ends containers, and the Jobs that gave up."""
    for pod in current_pods(snapshot):
        if pod.status.reason not in _ENDED_FROM_OUTSIDE:
            exact = [*_of_containers(snapshot, pod), *_of_row(snapshot, pod)]
            yield from exact
            yield from _loops(snapshot, pod, exact)
    yield from _heard_loops(snapshot)
    for workload in snapshot.live(Workload, "Job"):
        yield from _job(snapshot, workload)


def _of_containers(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    codes = set()
    for run in runs(pod):
        finding = _failed_start(snapshot, run) or _failed_hook(snapshot, run) or _ended(snapshot, run)
        if finding:
            codes.add(finding.code)
            yield finding
    if PORT_ALREADY_IN_USE.code in codes:
        return
    conflict = next(shared_ports(pod, CONTAINER_CRASH.code in codes), None)
    if conflict:
        yield _conflict(snapshot, conflict)


def _failed_start(snapshot: Snapshot, run: Run) -> Finding | None:
    """Give why the runtime could not start the container's process, where that is what happens."""
    end = run.last_end
    if run.status.state.running or not (run.waiting in _NOT_STARTED or (end and end.reason in _NOT_STARTED)):
        return None
    event = next((e for e in _failures(snapshot, run) if _RUNTIME_MESSAGE.search(e.message)), None)
    texts = [end.message if end else "", run.waiting_message, event.message if event else ""]
    text = next((t for t in texts if _RUNTIME_MESSAGE.search(t)), "")
    failure = of_runtime(text) if text else StartFailure.OTHER
    if starved_at_start(" ".join(texts)) or (failure is StartFailure.OTHER and run.waiting == "CreateContainerError"):
        return None  # for want of memory, or of something in the configuration
    command = command_in(text)
    what = f"cannot execute {command!r}" if command else "cannot be started"
    lines = (
        *snapshot.cite(run.pod.ref, (*run.end_path, "message"), run.at("state", "waiting", "message"), *run.end_paths),
        *event_citations(event),
        *snapshot.cite(run.pod.ref, run.spec_at("command"), run.spec_at("args")),
    )
    return _BY_FAILURE[failure].found(
        run.pod.ref,
        f"Container {run.name} of Pod {run.pod.name} {what}" + (f": {text[:300]}" if text else "."),
        lines[:6],
        strength=0.95 if text else 0.7,
        since=event.first if event else run.pod.metadata.creation_timestamp,
    )


def _failures(snapshot: Snapshot, run: Run) -> tuple[Event, ...]:
    return snapshot.events_of(run.pod.ref.model_copy(update={"container": run.name}), "Failed")


def _failed_hook(snapshot: Snapshot, run: Run) -> Finding | None:
    ref = run.pod.ref.model_copy(update={"container": run.name})
    event = next(iter(snapshot.events_of(ref, "FailedPostStartHook")), None)
    if run.waiting != "PostStartHookError" and not (event and trouble(run, snapshot.as_of) == 1):
        return None
    why = run.waiting_message if run.waiting == "PostStartHookError" else event.message if event else ""
    lines = (
        *event_citations(event),
        *snapshot.cite(run.pod.ref, run.at("state", "waiting", "message"), run.spec_at("lifecycle", "postStart")),
    )
    message = f"The postStart hook of container {run.name} fails{': ' + why[:300] if why else '.'}"
    return POST_START_HOOK_FAILED.found(run.pod.ref, message, lines, strength=0.93)


def _ended(snapshot: Snapshot, run: Run) -> Finding | None:
    """Give what the container's last end means, where it still matters."""
    end, weight = run.last_end, trouble(run, snapshot.as_of)
    if end is None or end.exit_code is None:
        return _stuck(snapshot, run)
    if weight == 0 or end.reason == "ContainerStatusUnknown" or lost(run):
        return None
    if out_of_memory(run) or killed_by_probe(snapshot, run):
        return None
    conflict = failed_bind(snapshot, run)
    if conflict:
        return _conflict(snapshot, conflict)
    if end.exit_code == 0:
        return _clean_exit(snapshot, run)
    return _failed_exit(snapshot, run, weight)


def _failed_exit(snapshot: Snapshot, run: Run, weight: float) -> Finding:
    logs, fault = said(snapshot, run), fault_of(snapshot, run)
    last = None if logs or fault else last_said(snapshot, run)
    dependency = follows(snapshot, run.pod.ref, fault) or next(blamed(snapshot, run.pod.ref, logs), None)
    if dependency and fault and fault.rule is DEPENDENCY_UNREACHABLE:
        rule, strength = INIT_CONTAINER_FAILED if run.init else CONTAINER_CRASH, 0.88
    else:
        rule, strength = _verdict(run, logs, fault)
    role = Role.SYMPTOM if dependency and rule in (CONTAINER_CRASH, INIT_CONTAINER_FAILED) else None
    back_off = next(iter(snapshot.events_of(run.pod.ref, "BackOff")), None)
    named = settings_named(snapshot, run.pod, run.spec, " ".join(log.record.example for log in logs))
    words = (*(fault.citations if fault else ()), *(log.citation for log in (*logs, *((last,) if last else ()))))
    lines = dict.fromkeys((*words[:6], *snapshot.cite(run.pod.ref, *run.end_paths)[:3], *named))
    return rule.found(
        run.pod.ref,
        ending(run, logs, fault, last),
        (*lines, *event_citations(back_off))[:8],
        strength=strength * weight,
        since=_began(run, back_off),
        role=role,
    )


def _verdict(run: Run, logs: tuple[Log, ...], fault: LogFault | None) -> tuple[Rule, float]:
    """Give the rule that a failed end falls under, and how sure that is."""
    code = run.last_end.exit_code if run.last_end else None
    refused = next((failure for log in logs if (failure := of_log(log.record.example))), None)
    if refused:
        return _BY_FAILURE[refused], 0.9
    if fault:
        return fault.rule, fault.strength
    if code in (126, 127):
        return COMMAND_NOT_FOUND, 0.9
    if run.init:
        return INIT_CONTAINER_FAILED, 0.9
    if code in SIGNALS:
        return KILLED_BY_SIGNAL, 0.8 if code in BY_ITSELF else 0.5
    return CONTAINER_CRASH, 0.88 if logs else 0.78


def _began(run: Run, back_off: Event | None) -> datetime | None:
    if back_off and back_off.first:
        return back_off.first
    return run.last_end.finished_at if run.last_end else None


def _clean_exit(snapshot: Snapshot, run: Run) -> Finding | None:
    loops = run.waiting == "CrashLoopBackOff" or run.status.restart_count > 2
    if run.init or not loops or run.pod.spec.restart_policy in ("OnFailure", "Never"):
        return None
    logs, fault = said(snapshot, run, 1), fault_of(snapshot, run)
    last = None if logs or fault else last_said(snapshot, run)
    victim = follows(snapshot, run.pod.ref, fault)
    words = (*(fault.citations if fault else ()), *(log.citation for log in (*logs, *((last,) if last else ()))))
    lines = dict.fromkeys((
        *words[:4],
        *snapshot.cite(run.pod.ref, *run.end_paths)[:3],
        *snapshot.cite(run.pod.ref, run.spec_at("command"), run.spec_at("args")),
    ))  # fmt: skip
    return rule_of(fault, CONTAINER_EXITS_CLEAN, victim).found(
        run.pod.ref,
        ending(run, logs, fault, last),
        tuple(lines)[:6],
        strength=(fault.strength if fault and not victim else 0.88) * trouble(run, snapshot.as_of),
    )


def _stuck(snapshot: Snapshot, run: Run) -> Finding | None:
    since = run.running_since
    if not run.init or since is None or snapshot.as_of - since < _STUCK_AFTER:
        return None
    logs = said(snapshot, run, 1)
    minutes = int((snapshot.as_of - since).total_seconds() // 60)
    words = f"; its log says {quoted(logs[0])}" if logs else ""
    message = (
        f"Init container {run.name} of Pod {run.pod.name} has been running for {counted(minutes, 'minute')}{words}."
    )
    waits_for = next(blamed(snapshot, run.pod.ref, logs), None)
    lines = (*snapshot.cite(run.pod.ref, run.at("state", "running")), *(log.citation for log in logs))
    role = Role.SYMPTOM if waits_for else None
    return INIT_CONTAINER_STUCK.found(run.pod.ref, message, lines, strength=0.6, since=since, role=role)


def _conflict(snapshot: Snapshot, conflict: Conflict) -> Finding:
    run, other, port = conflict.run, conflict.other, conflict.port
    unwell = [r for r in (run, other) if r and trouble(r, snapshot.as_of) > 0 and (r.last_end or r.waiting)]
    where = f"port {port}" if port else "a port"
    whose = f"; container {other.name} of Pod {other.pod.name} has it" if other else ""
    message = f"Container {run.name} of Pod {run.pod.name} cannot bind {where}, which is in use{whose}."
    strength = 0.95 if other else 0.85
    if conflict.log is None and other is not None:
        message = f"Containers {run.name} and {other.name} of Pod {run.pod.name} both claim {where}."
        both = port in declared(run.spec) & declared(other.spec)
        strength = 0.6 if snapshot.topology.services_of(run.pod.ref) else 0.4
        strength = (0.85 if both else 0.6) if unwell else strength
    lines = [conflict.log.citation] if conflict.log else []
    lines += snapshot.cite(run.pod.ref, *(r.end_path for r in unwell if r.last_end and r.pod is run.pod))
    lines += snapshot.cite(run.pod.ref, run.spec_at("ports"))
    if other:
        lines += snapshot.cite(other.pod.ref, other.spec_at("ports"))
    return PORT_ALREADY_IN_USE.found(run.pod.ref, message, lines[:6], strength=strength)


def _of_row(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    """Yield what a table row alone says of a Pod, with its logs and Events."""
    status, state = pod.status, pod.status.summary.removeprefix("Init:")
    if status.container_statuses or status.init_container_statuses or not state or status.reason:
        return
    if any(killed_probe(e) for e in snapshot.events_of(pod.ref, "Killing")):
        return
    init = status.summary.startswith("Init:")
    failed = state in ("Error", "CrashLoopBackOff") or state.startswith(("ExitCode:", "Signal:"))
    event = next((e for e in snapshot.events_of(pod.ref, "Failed") if _RUNTIME_MESSAGE.search(e.message)), None)
    logs = most_telling(container_logs(snapshot, pod.ref))
    fault = fault_in_logs(snapshot, pod.ref) if failed else None
    words = in_words(fault, logs) or (f": {event.message[:300]}" if event else "")
    cited = (*(fault.citations if fault else ()), *(log.citation for log in logs))
    lines = tuple(dict.fromkeys((*snapshot.cite_row(pod.ref), *event_citations(event), *cited)))[:6]
    message = f"Pod {pod.name} is in state {status.summary}{words}."
    if (failed or state in _NOT_STARTED) and event and not starved_at_start(event.message):
        yield _BY_FAILURE[of_runtime(event.message)].found(pod.ref, message, lines, strength=0.9)
    elif failed and (init or logs or fault):
        victim = follows(snapshot, pod.ref, fault)
        rule = rule_of(fault, INIT_CONTAINER_FAILED if init else CONTAINER_CRASH, victim)
        strength = 0.8 if fault else 0.7 if logs else 0.6
        yield rule.found(pod.ref, message, lines, strength=strength, role=Role.SYMPTOM if victim else None)
    elif state in ("StartError", "ContainerCannotRun", "RunContainerError"):
        yield CONTAINER_START_ERROR.found(pod.ref, message, lines, strength=0.6)


def _loops(snapshot: Snapshot, pod: Pod, exact: list[Finding]) -> Iterator[Finding]:
    waiting = [run for run in runs(pod) if run.waiting == "CrashLoopBackOff"]
    if not waiting and not pod.status.summary.endswith("CrashLoopBackOff"):
        return
    elsewhere = any(killed_probe(e) for e in snapshot.events_of(pod.ref, "Killing")) or any(map(out_of_memory, waiting))
    back_off = next(iter(snapshot.events_of(pod.ref, "BackOff")), None)
    paths = [path for run in waiting for path in (run.at("state", "waiting", "reason"), run.at("restartCount"))]
    lines = (*(snapshot.cite(pod.ref, *paths) or snapshot.cite_row(pod.ref)), *event_citations(back_off))
    restarts = max((run.status.restart_count for run in waiting), default=pod.status.restarts or 0)
    who = f"Container {waiting[0].name}".rstrip() if waiting else "A container"
    after = f" after {counted(restarts, 'restart')}" if restarts else ""
    yield CRASH_LOOP_BACK_OFF.found(
        pod.ref,
        f"{who} of Pod {pod.name} is in CrashLoopBackOff{after}.",
        lines,
        strength=0.8 if exact or elsewhere else 0.5,
        role=None if exact or elsewhere else Role.CAUSE,
        since=back_off.first if back_off else None,
    )


def _heard_loops(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield Pods of which only Events are known, and one that says a container is restarted again and again."""
    heard = HeardPods.of(snapshot)
    for ref in heard.unmet("BackOff"):
        back_off = snapshot.events_of(ref, "BackOff")[0]
        if back_off.message.startswith("Back-off restarting failed"):
            who = f"Container {back_off.ref.container}" if back_off.ref.container else "A container"
            fault, logs = fault_in_logs(snapshot, ref), most_telling(container_logs(snapshot, ref))
            message = f"{who} of Pod {ref.name} ends again and again{in_words(fault, logs) or '; no text says how'}."
            lines = (back_off.citation, *(fault.citations if fault else ()), *(log.citation for log in logs))
            rule = rule_of(fault, CONTAINER_CRASH if logs else CRASH_LOOP_BACK_OFF, follows(snapshot, ref, fault))
            sure = (0.8 if fault else 0.7 if logs else 0.5) * heard.certainty(back_off)
            cited = tuple(dict.fromkeys(lines))[:6]
            yield rule.found(ref, message, cited, strength=round(sure, 3), role=Role.CAUSE, since=back_off.first)


def _job(snapshot: Snapshot, job: Workload) -> Iterator[Finding]:
    failed = job.condition("Failed") or job.condition("FailureTarget")
    event = next(iter(snapshot.events_of(job.ref, "BackoffLimitExceeded", "DeadlineExceeded")), None)
    done = (job.condition("Complete") is not None) or bool(job.status.succeeded)
    if done or not ((failed and failed.status == "True") or event) or repeated_since(snapshot, job):
        return
    reason = failed.reason if failed and failed.reason else event.reason if event else ""
    text = failed.message if failed and failed.message else event.message if event else ""
    pods = [p for p in snapshot.pods if snapshot.topology.owner(p.ref) == job.ref]
    # Pods that say themselves why they failed are the cause, and the Job's failure follows.
    speaking = any(p.status.phase == "Failed" or container_logs(snapshot, p.ref) for p in pods)
    fault = None if pods else fault_in_logs(snapshot, job.ref)
    conditions = [("status", "conditions", failed.type, field) for field in ("reason", "message")] if failed else []
    lines = (*(snapshot.cite(job.ref, *conditions) or snapshot.cite_row(job.ref)), *event_citations(event))
    message = f"Job {job.name} failed{' with ' + reason if reason else ''}{': ' + text if text else ''}"
    role = Role.SYMPTOM if speaking or fault else None
    since = failed.last_transition_time if failed else event.first if event else None
    if fault:
        words = f"{message}{';' if text else ''}{in_words(fault, ())}."
        cited = (*fault.citations, *lines)[:6]
        yield fault.rule.found(job.ref, words, cited, strength=0.85 * fault.strength, since=since)
    yield JOB_FAILED.found(job.ref, message if text else f"{message}.", lines, strength=0.85, since=since, role=role)
