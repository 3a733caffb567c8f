"""
How a container's end is put into words: its exit code, what its log or last message proves, and the line that says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.containers import Run, logs_of
from kfi.diagnosis.conditions.last_words import candidates, closing, container_logs, quoted
from kfi.diagnosis.conditions.log_faults import Line, LogFault, Place, lines_of, proven
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.logs import DEPENDENCY_UNREACHABLE
from kfi.models.schemas import ObjectRef
from kfi.snapshot.view import Log, Snapshot

SIGNALS = {
    129: "SIGHUP", 130: "SIGINT", 131: "SIGQUIT", 132: "SIGILL", 134: "SIGABRT", 135: "SIGBUS", 136: "SIGFPE",
    137: "SIGKILL", 139: "SIGSEGV", 143: "SIGTERM", 159: "SIGSYS",
}  # fmt: skip
BY_ITSELF = (132, 134, 135, 136, 139, 159)


def fault_of(snapshot: Snapshot, run: Run) -> LogFault | None:
    """Give what a container's last words prove; nothing where a signal from outside ended it in mid-sentence."""
    code = run.last_end.exit_code if run.last_end else None
    if code in SIGNALS and code not in BY_ITSELF:
        return None
    place = Place(snapshot, run.pod.ref, run.name)
    return proven(place, [*lines_of(candidates(logs_of(snapshot, run))), *_last_message(snapshot, run)])


def fault_in_logs(snapshot: Snapshot, ref: ObjectRef) -> LogFault | None:
    """Give what the log of a Pod or workload proves, of whichever container it is."""
    return proven(Place(snapshot, ref), lines_of(candidates(container_logs(snapshot, ref))))


def follows(snapshot: Snapshot, ref: ObjectRef, fault: LogFault | None) -> bool:
    """Tell whether a fault is that of another workload, whose Service was seen: then the other is to blame."""
    if fault is None or fault.service is None or fault.rule is not DEPENDENCY_UNREACHABLE:
        return False
    return snapshot.topology.meant_by(fault.service) != snapshot.topology.workload(ref)


def _last_message(snapshot: Snapshot, run: Run) -> Iterator[Line]:
    if run.last_end and run.last_end.message:
        yield Line(run.last_end.message, snapshot.cite(run.pod.ref, (*run.end_path, "message")))


def ending(run: Run, logs: Iterable[Log], fault: LogFault | None, last: Log | None = None) -> str:
    """Give the sentence that says how a container ended; `last` is what it said last, where nothing sounds like why."""
    code = run.last_end.exit_code if run.last_end else None
    signal = f" ({SIGNALS[code]})" if code in SIGNALS else ""
    times = f" and was restarted {counted(run.status.restart_count, 'time')}" if run.status.restart_count else ""
    kind = "Init container" if run.init else "Container"
    how = f"ended with exit code {code}{signal}" if code else "ends without error (exit code 0)"
    return f"{kind} {run.name} of Pod {run.pod.name} {how}{times}{_why(run, tuple(logs), fault, last)}."


def _why(run: Run, logs: tuple[Log, ...], fault: LogFault | None, last: Log | None) -> str:
    if fault:
        return f': {fault.says}; {"its log" if logs else "its last message"} says "{fault.quote}"'
    if logs:
        return f"; its log says {quoted(logs[0])}"
    if run.last_end and run.last_end.message:
        return f'; its last message: "{_short(run.last_end.message)}"'
    return f"; the last its log says is {quoted(last)}" if last else ""


def _short(message: str) -> str:
    text = " ".join(message[:1000].split())
    return text if len(text) <= 200 else f"{text[:199]}…"


def last_said(snapshot: Snapshot, run: Run) -> Log | None:
    """Give the last new thing that a container said."""
    return closing(logs_of(snapshot, run))


def in_words(fault: LogFault | None, logs: Iterable[Log]) -> str:
    """Give what a log adds to a sentence about the state of its Pod."""
    if fault:
        return f': {fault.says}; its log says "{fault.quote}"'
    log = next(iter(logs), None)
    return f"; its log says {quoted(log)}" if log else ""


def rule_of(fault: LogFault | None, else_rule: Rule, victim: bool) -> Rule:
    """Give the rule of a fault, or the general one where the words prove nothing or blame another workload."""
    return fault.rule if fault and not victim else else_rule
