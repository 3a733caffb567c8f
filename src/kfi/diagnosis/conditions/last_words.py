"""
The last words of a container: which of its log lines say best why it ended.

Many programs print no level and no time; then what a line says decides, and failing that where it stands. The run
before the current one is the one that ended, and a program's wrappers (npm, shells) only repeat that it did.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from kfi.diagnosis.conditions.log_targets import answers_wrong, unreached
from kfi.diagnosis.conditions.log_words import excerpt
from kfi.models.schemas import ObjectRef
from kfi.snapshot.view import Log, Snapshot

_NO_LOG = ("Error from server (", "unable to retrieve container logs for", "failed to try resolving symlinks in path")
_TROUBLE = re.compile(
    r"\b(?:error|errors|exception|panic|fatal|fail(?:ed|ure)?|cannot|can't|could not|unable|denied|refused|not found"
    r"|undefined|missing|invalid|no such|aborted?|traceback|unhandled|expired)\b",
    re.IGNORECASE,
)
# Words of a line that names what is wrong, rather than that something is.
_REASON = re.compile(
    r"denied|refused|not found|undefined|missing|invalid|no such|expired|not set|unknown|mismatch|required|too many"
    r"|unauthori[sz]ed|forbidden|already|timed? ?out|no space|read-only|syntax|unexpected",
    re.IGNORECASE,
)

# What package managers print when the program they started has failed.
_WRAPPER = re.compile(
    r"npm (?:ERR!|error|info|verb)|npm-debug\.log|error Command failed|info Visit https://yarn|make: \*\*\*"
)
_WORKS_AGAIN = re.compile(
    r"(?:re)?connect(?:ed|ion)\b[^\n]{0,80}(?:established|succe\w+|restored|ok\b|ready)|\b(?:re)?connected\b"
    r"|\b(?:recovered|is (?:now )?(?:available|reachable|up|healthy))\b",
    re.IGNORECASE,
)
_NOT_AGAIN = re.compile(r"\b(?:not|never|cannot|can't|fail\w*|error|unable|disconn)", re.IGNORECASE)
# A line that says so of nobody in particular: Connected. Connection established.
_OF_NOBODY = re.compile(r"(?:connected|established|restored|succe\w+|recovered)\W*$", re.IGNORECASE)
_CALM = ("info", "debug")
_CANDIDATES = 12


def container_logs(snapshot: Snapshot, ref: ObjectRef, container: str = "") -> list[Log]:
    """Give the log templates of a Pod's container, or of a workload, in the files' order, each text once a run."""
    found: dict[tuple[bool, str], Log] = {}
    for log in snapshot.logs_of(*dict.fromkeys((ref.object, snapshot.topology.workload(ref)))):
        written = log.ref.container in ("", container) or not container
        if written and not log.record.unit and not no_log(log):
            found.setdefault((log.record.previous, log.text), log)
    return list(found.values())


def no_log(log: Log) -> bool:
    """Tell whether a line is kubectl's, that there is no log."""
    return log.record.example.startswith(_NO_LOG)


def most_telling(logs: Iterable[Log], limit: int = 2) -> tuple[Log, ...]:
    """Give the lines that say best what went wrong: those that call themselves errors, else the last that sounds so."""
    logs = list(logs)
    failing = [log for log in logs if log.failing]
    if not failing:
        failing = [log for log in logs if _TROUBLE.search(log.record.example[:2000])][-1:]
    return tuple(sorted(failing, key=_telling, reverse=True)[:limit])


def sounds_wrong(log: Log) -> bool:
    """Tell whether a line says that something is wrong: by its level or its words, not by what hangs below it."""
    return log.record.level in ("error", "fatal") or bool(_TROUBLE.search(log.record.example[:2000]))


def _telling(log: Log) -> tuple[bool, bool, bool, bool, int]:
    fatal = log.record.level == "fatal" or bool(log.record.stack)
    reason = bool(_REASON.search(log.record.example[:2000]))
    return log.record.previous, not _WRAPPER.search(log.record.example[:200]), fatal, reason, log.record.line


def candidates(logs: Iterable[Log]) -> list[Log]:
    """Give the lines that may hold the reason, likeliest first: the most telling, then the last that are not calm."""
    logs = [log for log in logs if not _WRAPPER.search(log.record.example[:200])]
    ended = [log for log in logs if log.record.previous] or logs
    last = sorted((log for log in ended if log.record.level not in _CALM), key=_line, reverse=True)
    found = (*most_telling(ended, 3), *last[:_CANDIDATES])
    return [log for log in {id(log): log for log in found}.values() if not superseded(log, ended)]


def superseded(log: Log, logs: Iterable[Log]) -> bool:
    """Tell whether what a line could not reach works again, as a later line of its file says."""
    target = unreached(log.text) or answers_wrong(log.text)
    if target is None:
        return False
    name = target.host.partition(".")[0].lower()
    return any(_later(other, log) and _works(other.record.example[:500], name) for other in logs)


def _works(text: str, name: str) -> bool:
    if not _WORKS_AGAIN.search(text) or _NOT_AGAIN.search(text):
        return False
    return name in text.lower() or bool(_OF_NOBODY.search(text))


def _later(one: Log, other: Log) -> bool:
    if one.citation.path != other.citation.path:
        return False
    if one.last and other.last:
        return one.last > other.last
    return one.record.line > other.record.line and other.count == 1


def closing(logs: Iterable[Log]) -> Log | None:
    """Give the last thing that a container said for the first time, where no line sounds like trouble."""
    logs = [log for log in logs if len(log.record.example.split()) > 1]
    ended = [log for log in logs if log.record.previous] or logs
    return max(ended, key=_line, default=None)


def _line(log: Log) -> int:
    return log.record.line


def quoted(log: Log, width: int = 160) -> str:
    """Give a log line in quotes, cut to a sentence's length around the word that names what is wrong."""
    text = " ".join(log.record.example.split())
    match = _REASON.search(text) if len(text) > width else None
    return f'"{excerpt(text, *match.span(), width) if match else excerpt(text, width=width)}"'
