"""
What the logs of workloads that run are full of: one thing again and again, or errors of all kinds.

A line counts only while it is of the present, is repeated or stands at the log's end, and nothing after it says that
the same works again. What many workloads miss that nobody has is an optional part that was never installed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kfi.diagnosis.conditions.last_words import container_logs, superseded
from kfi.diagnosis.conditions.log_faults import LogFault, Place, lines_of, proven, unreachable_of
from kfi.diagnosis.conditions.log_targets import unreached
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.words.logs import (
    CERTIFICATE_EXPIRED,
    CERTIFICATE_UNTRUSTED,
    CLIENT_VERSION_UNSUPPORTED,
    DEPENDENCY_ERROR,
    DEPENDENCY_UNREACHABLE,
    DISK_FULL,
    RUNTIME_OUT_OF_MEMORY,
)
from kfi.models.schemas import ObjectRef
from kfi.snapshot.view import Log, Snapshot

# What a program can be told of while it runs; the others end it at its start.
_WHILE_RUNNING = (
    CERTIFICATE_EXPIRED,
    CERTIFICATE_UNTRUSTED,
    CLIENT_VERSION_UNSUPPORTED,
    DEPENDENCY_ERROR,
    DEPENDENCY_UNREACHABLE,
    DISK_FULL,
    RUNTIME_OUT_OF_MEMORY,
)
_ANSWER = re.compile(
    r"\b(?:fail(?:ed|ure)|exception|refused|unsupported|expired|status\\?\"?[:=] ?50\d)\b", re.IGNORECASE
)
_MOST_LINES = 20
_REPEATED = 3
# Of all lines of a log, when it is full of errors, and of all errors, when they are one thing.
_FULL, _MANY = 0.2, 10
_MOSTLY = 0.6
_BACKGROUND = 3
_FEW = 5


@dataclass(frozen=True)
class Trouble:
    """What a running workload's log is full of."""

    workload: ObjectRef
    logs: tuple[Log, ...]
    """The errors, most frequent first."""
    fault: LogFault | None
    """What most of them prove; None where they are of all kinds."""
    count: int
    runs: bool
    """Whether a Pod of it was seen, or heard of, that did not end; else nobody knows how it is."""


def talking(snapshot: Snapshot) -> dict[ObjectRef, list[Log]]:
    """Give the logs of each workload of which some text shows that it exists."""
    refs = dict.fromkeys(log.ref.object for log in snapshot.logs if log.ref.kind not in ("", "Node"))
    found: dict[ObjectRef, dict[int, Log]] = defaultdict(dict)
    for ref in refs:
        for log in container_logs(snapshot, ref):
            found[snapshot.topology.workload(ref)][id(log)] = log
    return {ref: list(logs.values()) for ref, logs in found.items()}


def troubled(snapshot: Snapshot, leave_out: frozenset[ObjectRef]) -> Iterator[Trouble]:
    """Yield what the logs of workloads say that look well otherwise."""
    past: PastErrors | None = None
    found: list[Trouble] = []
    heard = talking(snapshot)
    for workload, logs in heard.items():
        if workload in leave_out or not any(map(_complains, logs)):
            continue
        past = past or PastErrors.of(snapshot)
        errors = [log for log in logs if _complains(log) and not past.holds(log)]
        trouble = _of_log(snapshot, workload, logs, errors)
        # Who hands over a few logs means them; in a collection of many some are always full of errors.
        if trouble and (trouble.fault or len(heard) <= _FEW):
            found.append(trouble)
    yield from (trouble for trouble in found if not _background(trouble, found))


def _complains(log: Log) -> bool:
    """Tell whether a line may be an error: it calls itself one, or calls itself nothing and holds another's answer."""
    return log.failing or (log.record.level == "" and bool(_ANSWER.search(log.record.example[:1000])))


def _of_log(snapshot: Snapshot, workload: ObjectRef, logs: list[Log], errors: list[Log]) -> Trouble | None:
    runs = bool(snapshot.topology.pods_of(workload)) or workload.kind == "Pod"
    worst = sorted(errors, key=_count, reverse=True)[:_MOST_LINES]
    total, lines = sum(map(_count, errors)), sum(map(_count, logs))
    by_kind: dict[tuple[str, str], list[tuple[Log, LogFault]]] = defaultdict(list)
    for log in worst:
        fault = _fault(Place(snapshot, workload), log, runs)
        if fault and not superseded(log, logs):
            by_kind[fault.rule.code, fault.says].append((log, fault))
    best = max(by_kind.values(), key=_together, default=None)
    if best and _together(best) >= _MOSTLY * _unexplained(total, best) and _goes_on(best, logs):
        return Trouble(workload, tuple(log for log, _ in best), best[0][1], _together(best), runs)
    full = total >= _MANY and total >= _FULL * lines
    ends = not runs and any(log.failing and _goes_on([(log, None)], logs) for log in worst)
    return Trouble(workload, tuple(worst), None, total, runs) if full or ends else None


def _unexplained(total: int, best: list[tuple[Log, LogFault]]) -> int:
    """Give how many errors one kind is compared with; one that says exactly what is wrong needs no majority."""
    exact = best[0][1].rule in (CLIENT_VERSION_UNSUPPORTED, RUNTIME_OUT_OF_MEMORY, DISK_FULL)
    return 0 if exact else total


def _fault(place: Place, log: Log, runs: bool) -> LogFault | None:
    lines = tuple(lines_of([log]))
    fault = proven(place, lines) or next((f for line in lines if (f := unreachable_of(place, line))), None)
    if fault is None or (runs and fault.rule not in _WHILE_RUNNING):
        return None
    if fault.rule is not DEPENDENCY_UNREACHABLE:
        return fault
    # What cannot be reached though its Service is there has rules of its own, and `caller-errors`. What shares the
    # Pod (or the node) restarts by itself, and is back before anyone reads of it.
    target = unreached(log.text)
    return None if fault.service or (target and target.itself) else fault


def _goes_on(found: Sequence[tuple[Log, LogFault | None]], logs: list[Log]) -> bool:
    """Tell whether a fault is repeated, or is the last that its log says."""
    log, fault = found[-1]
    if _together(found) >= _REPEATED or (fault and fault.rule is CLIENT_VERSION_UNSUPPORTED):
        return True
    return not any(other.citation.path == log.citation.path and other.record.line > log.record.line for other in logs)


def _background(trouble: Trouble, found: list[Trouble]) -> bool:
    """Tell whether many workloads say the same of something that nobody has."""
    if trouble.fault is None or trouble.fault.service is not None:
        return False
    same = [t for t in found if t.fault and t.fault.says == trouble.fault.says]
    return len(same) >= _BACKGROUND


def _count(log: Log) -> int:
    return log.count


def _together(found: Sequence[tuple[Log, LogFault | None]]) -> int:
    return sum(log.count for log, _ in found)
