"""
Probes that fail now: whether the application is unwell, or the probe asks for the wrong thing.

A probe is called wrong only where its message and the structure agree: the port that nobody declares is refused, the
protocol that the port does not speak is malformed. What the same probe achieves in another ready container clears it.
Failures during a start that has succeeded since are noise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.blame import blamed
from kfi.diagnosis.conditions.containers import (
    Run,
    current_pods,
    killed_by_probe,
    logs_of,
    runs,
)
from kfi.diagnosis.conditions.manifest_faults import wrong_probe_ports
from kfi.diagnosis.conditions.pod_spec import cite_spec
from kfi.diagnosis.conditions.probe_failures import (
    ProbeFailure,
    crashes,
    failure_of,
    probed,
    settled_runs,
    succeeds_elsewhere,
)
from kfi.diagnosis.conditions.probe_words import told, unseen_failures
from kfi.diagnosis.conditions.served import (
    configured,
    declared,
    in_pod,
    leading_to,
    listening,
    port_number,
    probes,
    protocols_on,
)
from kfi.diagnosis.conditions.unheard_probes import unheard_probe_ports
from kfi.diagnosis.words.probe import PROBE_FAILING, TIMING, WRONG_PATH, WRONG_PORT, WRONG_PROTOCOL
from kfi.models.schemas import Citation, Finding, Role
from kfi.snapshot.pod import Probe
from kfi.snapshot.view import Event, Snapshot

RULES = tuple(
    rule for rules in (PROBE_FAILING, WRONG_PORT, WRONG_PROTOCOL, WRONG_PATH, TIMING) for rule in rules.values()
)

_WRONG_PATH = ("401", "403", "404", "405", "410")
_STATUS_CODE = re.compile(r"HTTP probe failed with status ?code: (\d{3})")
# Nobody answered, or not in time. Sources: net/http, net/dial, grpc-go as the kubelet's probers print them.
_NO_ANSWER = re.compile(
    r"connection refused|failed to connect service|no route to host|i/o timeout|deadline exceeded|Client\.Timeout"
    r"|connection timed out|actively refused",
    re.IGNORECASE,
)
_NO_SUCH_NAME = re.compile(r"strconv\.Atoi|couldn't find port|failed to find port", re.IGNORECASE)
_NOT_HTTP = re.compile(r"malformed HTTP|HTTP/1\.x transport connection broken", re.IGNORECASE)
_NOT_TLS = re.compile(
    r"server gave HTTP response to HTTPS client|first record does not look like a TLS handshake|tls: |remote error: tls"
    r"|wrong version number",
    re.IGNORECASE,
)
_NOT_GRPC = re.compile(
    r"does not implement the grpc health protocol|unknown service grpc\.health|frame too large|server preface"
    r"|code = Unimplemented|malformed header|unexpected HTTP status code",
    re.IGNORECASE,
)
_CUT_SHORT = re.compile(
    r"\bEOF\b|connection reset by peer|Client\.Timeout|awaiting (?:response )?headers", re.IGNORECASE
)
_STARTED_IN = re.compile(
    r"\b(?:started|ready|up|initiali[sz]ed)\b.{0,60}?\bin (\d+(?:\.\d+)?) ?(ms|s\b|sec|second)", re.I
)
# The kubelet waits for terminationGracePeriodSeconds (30 by default) before it kills.
_GRACE = timedelta(seconds=35)
_BRISK_S = 30.0


@dataclass(frozen=True)
class _Verdict:
    """What is wrong with the probe, and what shows it."""

    rule: Rule
    strength: float
    message: str
    evidence: tuple[Citation, ...] = ()
    role: Role | None = None


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the probes that fail now, as exactly as can be told."""
    failures = []
    for pod in current_pods(snapshot):
        for run in probed(snapshot, pod):
            yield from _not_begun(snapshot, run)
            failures += [f for kind, probe in probes(run.spec).items() if (f := failure_of(snapshot, run, kind, probe))]
    settled = settled_runs(snapshot) if failures else {}
    for failure in failures:
        yield _finding(snapshot, failure, succeeds_elsewhere(snapshot, failure, settled))
    yield from wrong_probe_ports(snapshot)
    yield from unheard_probe_ports(snapshot)
    for event, sure in unseen_failures(snapshot):
        yield _by_words(event, sure)


def _by_words(event: Event, sure: float) -> Finding:
    """Give the finding on a probe that only the kubelet's words show."""
    kind, said = told(event)
    status = _STATUS_CODE.search(said)
    rules = PROBE_FAILING
    if status and status[1] in _WRONG_PATH:
        rules = WRONG_PATH
    elif _NOT_HTTP.search(said) or "server gave HTTP response to HTTPS client" in said:
        rules = WRONG_PROTOCOL
    message = f"The {kind} probe of Pod {event.ref.name} fails{_answer(said)}"
    lines = (event.citation,)
    return rules[kind].found(event.ref.object, message, lines, strength=round(0.75 * sure, 3), since=event.first)


def _answer(said: str) -> str:
    return f": {said[:200]}" if said.strip() else ", and the prober says nothing more."


def _finding(snapshot: Snapshot, failure: ProbeFailure, cleared: bool) -> Finding:
    verdict = _generic(snapshot, failure)
    if not cleared:
        verdict = next(filter(None, (judge(snapshot, failure) for judge in _JUDGES)), verdict)
    else:
        verdict = _timing(snapshot, failure) or verdict
    run = failure.run
    lines = (
        failure.event.citation,
        *_probe_lines(snapshot, run, failure.kind),
        *verdict.evidence,
        *((failure.kill.citation,) if failure.kill else ()),
        *snapshot.cite(run.pod.ref, run.at("restartCount"), run.at("ready"))[:1],
    )
    return verdict.rule.found(
        run.pod.ref,
        verdict.message,
        lines[:6],
        strength=round(verdict.strength * (0.5 + failure.sure / 2), 3),
        since=failure.event.first,
        role=verdict.role,
    )


def _probe_lines(snapshot: Snapshot, run: Run, kind: str) -> tuple[Citation, ...]:
    return cite_spec(snapshot, run.pod.ref, (*run.spec_at(f"{kind}Probe")[1:],))


def _who(failure: ProbeFailure) -> str:
    return f"The {failure.kind} probe of container {failure.run.name} of Pod {failure.run.pod.name}"


def _path(snapshot: Snapshot, failure: ProbeFailure) -> _Verdict | None:
    status = _STATUS_CODE.search(failure.message)
    if not status or failure.probe.http_get is None or status[1] not in _WRONG_PATH:
        return None
    path = failure.probe.http_get.path or "/"
    message = f"{_who(failure)} asks for {path} and is answered with status {status[1]}."
    return _Verdict(WRONG_PATH[failure.kind], 0.9 if status[1] in ("404", "410") else 0.75, message)


def _port(snapshot: Snapshot, failure: ProbeFailure) -> _Verdict | None:
    network, run = failure.probe.network, failure.run
    if network is None or network.path.startswith("/app-health/"):  # rewritten by Istio: its agent asks the container
        return None
    rule = WRONG_PORT[failure.kind]
    if failure.port is None:
        named = isinstance(network.port, str) and (
            any(p.name for p in run.spec.ports) or _NO_SUCH_NAME.search(failure.message)
        )
        message = f"{_who(failure)} asks port {network.port!r}, but the container has no port of that name."
        return _Verdict(rule, 0.95, message, _port_lines(snapshot, run)) if named else None
    if not _NO_ANSWER.search(failure.message) or failure.port in in_pod(run):
        return _port_unheard(snapshot, failure)
    served, strength, lines = _served(snapshot, failure)
    if not served or failure.port in served:
        return None
    ports = ", ".join(map(str, sorted(served)))
    message = f"{_who(failure)} asks port {failure.port}, but the container serves {ports}."
    return _Verdict(rule, strength, message, lines)


def _served(snapshot: Snapshot, failure: ProbeFailure) -> tuple[set[int], float, tuple[Citation, ...]]:
    """Give the ports that the container serves, how sure that is, and the lines that say it."""
    run = failure.run
    heard = {one.port: one.log.citation for one in listening(snapshot, run)}
    works = {
        port for kind, port in _other_ports(failure).items()
        if not (event := failure_of(snapshot, run, kind, probes(run.spec)[kind])) or not event.sure
    }  # fmt: skip
    targets = {number for _, _, number in leading_to(snapshot, run) if number}
    own = declared(run.spec)
    served = own | works | configured(run.spec) | targets | heard.keys()
    strength = 0.95 if works and (own or heard) else 0.93 if heard and own else 0.85
    lines = (*_port_lines(snapshot, run), *[citation for port, citation in heard.items() if port in served][:1])
    others = [line for kind in _other_ports(failure) for line in _probe_lines(snapshot, run, kind)]
    return served, strength, (*lines, *others[:1])


def _other_ports(failure: ProbeFailure) -> dict[str, int]:
    found = {}
    for kind, probe in probes(failure.run.spec).items():
        port = port_number(failure.run.spec, probe.network.port) if probe.network else None
        if kind != failure.kind and port is not None and port != failure.port:
            found[kind] = port
    return found


def _port_unheard(snapshot: Snapshot, failure: ProbeFailure) -> _Verdict | None:
    """Judge a declared port that refuses, while the log says that the container listens on another."""
    if "refused" not in failure.message:
        return None
    heard = {one.port: one.log.citation for one in listening(snapshot, failure.run)}
    if not heard or failure.port in heard or crashes(snapshot, failure):
        return None
    message = f"{_who(failure)} asks port {failure.port}, but the container's log says it listens on {min(heard)}."
    return _Verdict(WRONG_PORT[failure.kind], 0.7, message, (heard[min(heard)],))


def _port_lines(snapshot: Snapshot, run: Run) -> tuple[Citation, ...]:
    return cite_spec(snapshot, run.pod.ref, (*run.spec_at("ports")[1:],))


def _protocol(snapshot: Snapshot, failure: ProbeFailure) -> _Verdict | None:
    probe, text = failure.probe, failure.message
    rule = WRONG_PROTOCOL[failure.kind]
    scheme = (probe.http_get.scheme or "HTTP").upper() if probe.http_get else ""
    spoken = _spoken(snapshot, failure)
    speaks = f"; the port speaks {', '.join(sorted(spoken))}" if spoken else ""
    message = f"{_who(failure)} asks port {failure.port} by {scheme or probe.protocol}{speaks}: {text[:160]}"
    lines = tuple(line for cited in spoken.values() for line in cited)[:2]
    own = scheme.lower() or probe.protocol
    foreign = bool(spoken) and own not in spoken
    strength = 0.0
    if probe.http_get:
        status = _STATUS_CODE.search(text)
        if _NOT_HTTP.search(text) or (scheme == "HTTPS" and _NOT_TLS.search(text)):
            strength = 0.96
        elif (status and status[1] == "400" and _expects_tls(failure, spoken)) or (status and status[1] == "426"):
            strength = 0.85
        elif _CUT_SHORT.search(text) and foreign:
            strength = 0.88
    elif probe.grpc:
        if _NOT_GRPC.search(text):
            strength = 0.9 if foreign else 0.8
        elif _NO_ANSWER.search(text) and "refused" not in text and foreign:
            strength = 0.9
    return _Verdict(rule, strength, message, lines) if strength else None


def _spoken(snapshot: Snapshot, failure: ProbeFailure) -> dict[str, tuple[Citation, ...]]:
    """Give the protocols that the probe's port speaks: by names, by the log, by another probe that succeeds there."""
    if failure.port is None:
        return {}
    found = protocols_on(snapshot, failure.run, failure.port)
    for kind, probe in probes(failure.run.spec).items():
        network = probe.network
        if kind == failure.kind or network is None or port_number(failure.run.spec, network.port) != failure.port:
            continue
        if not failure_of(snapshot, failure.run, kind, probe):
            protocol = (network.scheme or "HTTP").lower() if probe.http_get else probe.protocol
            found.setdefault(protocol, _probe_lines(snapshot, failure.run, kind))
    return found


def _expects_tls(failure: ProbeFailure, spoken: dict[str, tuple[Citation, ...]]) -> bool:
    plain = failure.probe.http_get is not None and failure.probe.http_get.scheme.upper() != "HTTPS"
    return plain and ("https" in spoken or str(failure.port).endswith("443"))


def _timing(snapshot: Snapshot, failure: ProbeFailure) -> _Verdict | None:
    """Judge a probe that kills the container sooner than it can answer."""
    if failure.kind == "readiness" or failure.kill is None or not _NO_ANSWER.search(failure.message):
        return None
    probe = failure.probe
    message = (
        f"{_who(failure)} kills it {_budget(probe)} s after its start (delay {probe.initial_delay_seconds} s, period "
        f"{probe.period_seconds} s, {probe.failure_threshold} tries, timeout {probe.timeout_seconds} s)"
    )
    short = next(_too_short(snapshot, failure), None)
    return _Verdict(TIMING[failure.kind], short[0], message + short[1], short[2]) if short else None


def _budget(probe: Probe) -> int:
    return probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold


def _too_short(snapshot: Snapshot, failure: ProbeFailure) -> Iterator[tuple[float, str, tuple[Citation, ...]]]:
    """Yield why a probe's times are too short, surest first: strength, words, lines."""
    probe, budget = failure.probe, _budget(failure.probe)
    slow = _start_seconds(snapshot, failure.run)
    if slow and slow[0] > budget:
        yield 0.95, f", but its start takes {slow[0]:g} s.", (slow[1],)
    usual = _usual_budget(snapshot, failure)
    if usual and usual >= 3 * budget:
        yield 0.93, f"; such probes of other workloads give {usual:g} s.", ()
    if probe.failure_threshold == 1 or budget < 10:
        yield 0.88, ".", ()
    if budget <= _BRISK_S and _killed_at_once(failure, budget) and not _complains(snapshot, failure):
        yield 0.7, ", each time before it answered once.", ()
    if probe.timeout_seconds == 1 and "refused" not in failure.message and failure.run.status.ready:
        yield 0.6, "; it is ready, but does not always answer in time.", ()


def _start_seconds(snapshot: Snapshot, run: Run) -> tuple[float, Citation] | None:
    for log in logs_of(snapshot, run):
        match = _STARTED_IN.search(log.record.example, 0, 1000)
        if match:
            return float(match[1]) / (1000 if match[2].lower() == "ms" else 1), log.citation
    return None


def _usual_budget(snapshot: Snapshot, failure: ProbeFailure) -> float | None:
    """Give how long such probes of the namespace's other workloads give, where three or more say it."""
    mine = snapshot.topology.workload(failure.run.pod.ref)
    budgets = [
        _budget(probe)
        for pod in snapshot.pods
        if pod.namespace == mine.namespace and snapshot.topology.workload(pod.ref) != mine
        for run in runs(pod)
        if (probe := probes(run.spec).get(failure.kind))
    ]
    return float(median(budgets)) if len(budgets) >= 3 else None


def _killed_at_once(failure: ProbeFailure, budget: int) -> bool:
    end = failure.run.last_end
    if end is None or end.started_at is None or end.finished_at is None:
        return False
    return end.finished_at - end.started_at <= timedelta(seconds=budget) + _GRACE


def _complains(snapshot: Snapshot, failure: ProbeFailure) -> bool:
    return any(log.failing for log in logs_of(snapshot, failure.run))


def _generic(snapshot: Snapshot, failure: ProbeFailure) -> _Verdict:
    rule, message = PROBE_FAILING[failure.kind], f"{_who(failure)} fails{_answer(failure.message)}"
    restarts = failure.kind == "readiness" and killed_by_probe(snapshot, failure.run) is not None
    if restarts or crashes(snapshot, failure):
        return _Verdict(rule, 0.4, message, role=Role.SYMPTOM)
    dependency = next(blamed(snapshot, failure.run.pod.ref, logs_of(snapshot, failure.run)), None)
    if dependency:
        service, log = dependency
        words = f"{message}; its log says it cannot reach {service.name}"
        return _Verdict(rule, 0.5, words, (log.citation,), Role.SYMPTOM)
    complaints = [log.citation for log in logs_of(snapshot, failure.run) if log.failing][-1:]
    unwell = "NOT_SERVING" in failure.message or bool(_STATUS_CODE.search(failure.message))
    return _Verdict(rule, 0.6 if unwell or complaints else 0.7, message, tuple(complaints))


def _not_begun(snapshot: Snapshot, run: Run) -> Iterator[Finding]:
    """Yield a readiness probe whose first try is still far off."""
    probe, since = run.spec.readiness_probe, run.running_since
    if probe is None or since is None or run.status.ready or probe.initial_delay_seconds < 60:
        return
    ran = (snapshot.as_of - since).total_seconds()
    if ran < probe.initial_delay_seconds and ran > 20:
        message = (
            f"Container {run.name} of Pod {run.pod.name} has run for {ran:.0f} s, and its readiness probe begins "
            f"after {probe.initial_delay_seconds} s."
        )
        strength = 0.75 if probe.initial_delay_seconds >= 300 else 0.55
        lines = (*_probe_lines(snapshot, run, "readiness"), *snapshot.cite(run.pod.ref, run.at("ready")))
        yield TIMING["readiness"].found(run.pod.ref, message, lines, strength=strength, since=since)


_JUDGES: tuple[Callable[[Snapshot, ProbeFailure], _Verdict | None], ...] = (_path, _protocol, _port, _timing)
