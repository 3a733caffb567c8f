"""
What a workload's own log says, where Kubernetes itself shows no reason.

This is the last resort: candidates with honest confidence, which any rule with a structural condition outweighs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.conditions.blame import unreachable
from kfi.diagnosis.conditions.containers import runs
from kfi.diagnosis.conditions.last_words import container_logs, most_telling, no_log, quoted, sounds_wrong
from kfi.diagnosis.conditions.log_faults import LogFault, Place, lines_of, proven
from kfi.diagnosis.conditions.running_logs import Trouble, troubled
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.rules.symptoms import unwell
from kfi.diagnosis.words.logs import CLIENT_VERSION_UNSUPPORTED, DEPENDENCY_ERROR, DEPENDENCY_UNREACHABLE
from kfi.diagnosis.words.logs import RULES as LOG_RULES
from kfi.models.schemas import Finding, ObjectRef
from kfi.snapshot.view import Log, Snapshot

APPLICATION_ERROR = Rule(
    code="application-error",
    title="Application logs errors",
    layer=Layer.APPLICATION,
    meaning=(
        "Nothing in the workload's Kubernetes state says why it is not well, or it looks well, and its log holds these "
        "errors. They are the likeliest lead, not a proof."
    ),
    confirm="kubectl logs -n {namespace} {kind}/{name} --tail=200",
    fix=("Read the log around this line; the first error after the last good line is usually the cause.",),
)
UNOWNED_LOG_ERROR = Rule(
    code="unowned-log-error",
    title="Log of unknown origin ends in an error",
    layer=Layer.APPLICATION,
    meaning=(
        "A log was given that says not whose it is, and nothing else in the evidence tells. What it says is a lead at "
        "most."
    ),
    confirm="kubectl get pods -A -o wide",
    fix=("Find the Pod that wrote it, and give its state too: kubectl describe pod.",),
)
RULES = (APPLICATION_ERROR, UNOWNED_LOG_ERROR, *LOG_RULES)

_LEVELS = {"fatal": 3, "error": 2, "": 1}
_KINDS_TOLD = 4
# More objects, or files that say not whose they are, make a collection, of which no single log is meant.
_FEW_OBJECTS, _FEW_FILES = 50, 5


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the strongest error of each unwell workload's log, and what other logs are full of."""
    ill = unwell(snapshot)
    for workload in ill:
        yield from _of_unwell(snapshot, workload)
    for trouble in troubled(snapshot, ill):
        yield _of_running(snapshot, trouble)
    yield from _unowned(snapshot)


def _of_unwell(snapshot: Snapshot, workload: ObjectRef) -> Iterator[Finding]:
    pods = [pod.ref for pod in snapshot.topology.pods_of(workload)]
    logs = {id(log): log for ref in (workload, *pods) for log in container_logs(snapshot, ref)}
    errors = sorted((log for log in logs.values() if log.failing), key=_weight, reverse=True)
    # Where a container ended, the crash family has read its last words.
    ended = any(run.last_end or run.waiting for pod in snapshot.topology.pods_of(workload) for run in runs(pod))
    fault = None if ended else proven(Place(snapshot, workload), lines_of(errors[:5]))
    if fault and fault.service is None:
        message = f'In its log: {fault.says}; it says "{fault.quote}".'
        yield fault.rule.found(workload, message, fault.citations[:6], strength=round(0.65 * fault.strength, 3))
    best = next((log for log in errors if not unreachable(log)), None)
    if best:
        yield _found(workload, best)


def _weight(log: Log) -> tuple[int, bool, float, int]:
    """Worse first: level, a stack trace, the latest, the most frequent."""
    latest = log.last.timestamp() if log.last else 0.0
    return (_LEVELS.get(log.record.level, 0), bool(log.record.stack), latest, log.count)


def _found(workload: ObjectRef, log: Log) -> Finding:
    times = f" ({log.count} times)" if log.count > 1 else ""
    said = log.record.example.strip().replace("\n", " ")[:300]
    return APPLICATION_ERROR.found(workload, f"Its log says{times}: {said}", (log.citation,), strength=0.4)


def _of_running(snapshot: Snapshot, trouble: Trouble) -> Finding:
    """Give what the log of a workload that looks well is full of."""
    fault = trouble.fault
    lines = tuple(dict.fromkeys((*(fault.citations if fault else ()), *(log.citation for log in trouble.logs))))[:6]
    if fault is None:
        by_text: Counter[str] = Counter()
        for log in trouble.logs:
            by_text[quoted(log)] += log.count
        kinds = "; ".join(f"{counted(times, 'time')} {text}" for text, times in by_text.most_common(_KINDS_TOLD))
        begin = "It runs, but its log is full of errors" if trouble.runs else "Its log says"
        message = f"{begin}: {kinds}."
        return APPLICATION_ERROR.found(trouble.workload, message, lines, strength=0.3)
    often = f" {trouble.count} times" if trouble.count > 1 else ""
    who = f"{trouble.workload.kind} {trouble.workload.name}"
    begin = f"{who} runs, but in its log" if trouble.runs else f"In the log of {who}"
    message = f'{begin}{often}: {fault.says}; it says "{fault.quote}".'
    callee = _callee(snapshot, fault)
    if callee and callee != trouble.workload:
        return fault.rule.found(callee, message, lines, strength=0.35, affects=[trouble.workload])
    strength = 0.65 if fault.rule is CLIENT_VERSION_UNSUPPORTED else 0.5
    return fault.rule.found(trouble.workload, message, lines, strength=strength)


def _callee(snapshot: Snapshot, fault: LogFault) -> ObjectRef | None:
    """Give the workload that a log complains of, where it was seen: what answers with errors is the one at fault."""
    if fault.service is None or fault.rule not in (DEPENDENCY_ERROR, DEPENDENCY_UNREACHABLE):
        return None
    return snapshot.topology.meant_by(fault.service) or fault.service.ref


def _unowned(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what a log that is nobody's ends in, where there are few such."""
    files: dict[str, list[Log]] = {}
    if len(snapshot.objects) > _FEW_OBJECTS:
        return
    for log in snapshot.logs:
        if log.ref.kind == "" and not no_log(log):
            files.setdefault(log.citation.path, []).append(log)
    if len(files) > _FEW_FILES:
        return
    for path, logs in files.items():
        ref = ObjectRef(
            cluster=logs[0].ref.cluster, kind="Log", namespace=logs[0].ref.namespace, name=path.split("/")[-1]
        )
        loud = [log for log in logs if log.record.level not in ("info", "debug") and sounds_wrong(log)]
        worst = most_telling(loud, 3)
        fault = proven(Place(snapshot, ref), lines_of(worst))
        if worst:
            words = f'{fault.says}; it says "{fault.quote}"' if fault else f"it says {quoted(worst[0])}"
            strength = 0.45 if fault else 0.3
            lines = tuple(log.citation for log in worst)
            yield UNOWNED_LOG_ERROR.found(ref, f"Nobody knows whose log {path} is; {words}.", lines, strength=strength)
