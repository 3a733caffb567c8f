"""
Which lines of a log belong together: pieces of one long line, and a message with its stack trace.

A trace stays with the line that announced it, and the line that names the exception becomes part of the message: in
Python it comes last, and it is the one that says what went wrong. Lines stream through; only one entry is held.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from kfi.ingestion.logs.formats import starts_exception
from kfi.ingestion.logs.lines import MAX_LINE_CHARS, LogLine, is_note, refine, unwrap

_MAX_ROWS = 60
_MAX_ROWS_CHARS = 16 * 1024
_MAX_STACK_CHARS = 4 * 1024

# What begins a new entry even where it is indented.
_FRESH = re.compile(
    r"\[?\d{4}[-/]\d\d[-/]\d\d[T ]|\d\d:\d\d:\d\d[.,]\d|\[?(?:DEBUG|INFO|WARN|ERROR|FATAL)\b|\{\"|[IWEF]\d{4} "
)
_FRAME = re.compile(
    r"\s*(?:at (?:[\w.$<>/@~-]{1,300} ?[(\[<:]|async |new |file:|<anonymous>)|Caused by: |Suppressed: "
    r"|\.\.\. \d+ (?:more|common)|--- End of |---> )"
)
_TRACEBACK = "Traceback (most recent call last)"
_PYTHON_LINK = re.compile(
    r"During handling of the above|The above exception was|\[Previous line repeated|Traceback \(most"
)
_PYTHON_FINAL = re.compile(r"(?:[A-Za-z_]\w{0,80}\.){0,20}[A-Za-z_]\w{0,80}(?::(?: |$)|$)")
_GRPC_FIELD = re.compile(r"\s*(?:status|details|debug_error_string) = |>$")
_GO_START = re.compile(r"panic: |fatal error: |goroutine \d+ \[|\[signal SIG")
_GO_FRAME = re.compile(
    r"goroutine \d+ \[|\[signal SIG|created by |exit status \d|panic: |[\w./*()\[\]-]{1,300}\(.*\)$|\.\.\."
)
# klog writes values of several lines indented below the line; what those say is no trace.
_KLOG_INFO = re.compile(r"I\d{4} \d\d:\d\d:\d\d")
# .NET prints the level and the category on one line and the message on the next.
_DOTNET_HEADER = re.compile(r"(?:trce|dbug|info|warn|fail|crit): ([\w.`+]+)\[-?\d+\]$")
# java.util.logging prints time and method on one line, level and message on the next.
_JAVA_HEADER = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4} \d{1,2}:\d\d:\d\d [AP]M \S+ \S+$")
_DETAILS = re.compile(r'\s*details = "(.{1,1000})"')


@dataclass(slots=True)
class LogEntry:
    """One message with everything that belongs to it."""

    line: LogLine
    first_line: int
    last_line: int
    """Of the lines that are kept: sixty at most."""
    rows: list[str]
    """The source's lines from first to last."""
    stack: list[str] = field(default_factory=list)
    stack_chars: int = 0
    rows_chars: int = 0
    trace: str = ""
    """python, go or other while a stack trace runs; empty before one begins."""
    exception: str = ""
    code_follows: bool = False
    named: bool = False
    """The exception of the Python traceback that runs was seen."""
    linked: bool = False
    """Another Python traceback was announced."""
    header: str = ""
    """java or dotnet while the line that belongs to this header is still to come."""
    has_values: bool = False
    """What follows are values, not a trace, unless it begins as a dump of goroutines does."""

    @property
    def message(self) -> str:
        """What the entry says: its line, and the exception that its trace names."""
        own = self.line.message
        if not self.exception or self.exception in own:
            return own
        return self.exception if own.startswith(_TRACEBACK) else f"{own}: {self.exception}"

    @property
    def level(self) -> str:
        """The line's level; a trace without one is an error."""
        return self.line.level or ("error" if self.trace else "")

    @property
    def stack_text(self) -> str:
        """The lines under the message."""
        return "\n".join(self.stack) or self.line.stack


def entries(numbered: Iterable[tuple[int, str]]) -> Iterator[LogEntry]:
    """Yield every message of a log with its stack trace."""
    entry: LogEntry | None = None
    for piece, first, rows in _pieces(numbered):
        if entry is not None and _belongs(entry, piece):
            _add(entry, piece.message, first, rows)
            continue
        if entry is not None:
            yield entry
        entry = _opened(piece, first, rows) if piece.message.strip() else None
    if entry is not None:
        yield entry


def _pieces(numbered: Iterable[tuple[int, str]]) -> Iterator[tuple[LogLine, int, list[str]]]:
    """Yield whole lines: what a runtime cut into pieces is joined, up to 64 KiB."""
    pending: dict[str, tuple[LogLine, int, list[str]]] = {}
    for number, raw in numbered:
        if is_note(raw):
            continue
        line = unwrap(raw)
        if not pending and not line.partial:
            yield line, number, [raw]
            continue
        begun = pending.pop(line.stream, None)
        whole = _joined(begun, line, number, raw) if begun else (line, number, [raw])
        if line.partial and len(pending) < 8:
            pending[line.stream] = whole
        else:
            yield whole
    yield from pending.values()


def _joined(
    begun: tuple[LogLine, int, list[str]], line: LogLine, number: int, raw: str
) -> tuple[LogLine, int, list[str]]:
    whole, first, rows = begun
    room = MAX_LINE_CHARS - len(whole.message)
    whole.message += line.message[: max(0, room)]
    # Another stream's line may stand in between; then the text ends with the first piece.
    if number == first + len(rows) and len(rows) < _MAX_ROWS:
        rows.append(raw)
    return whole, first, rows


def _opened(piece: LogLine, first: int, rows: list[str]) -> LogEntry:
    trace = ""
    if piece.message.startswith(_TRACEBACK):
        trace = "python"
    elif piece.message[:1] in "pfg[" and _GO_START.match(piece.message):
        trace = "go"
    header = _header(piece.message)
    kept = [row[:_MAX_ROWS_CHARS] for row in rows]
    has_values = piece.message[:1] == "I" and bool(_KLOG_INFO.match(piece.message))
    last = first + len(rows) - 1
    entry = LogEntry(refine(piece), first, last, kept, trace=trace, header=header, has_values=has_values)
    entry.rows_chars = sum(map(len, kept))
    return entry


def _header(text: str) -> str:
    if text.endswith("]") and _DOTNET_HEADER.match(text):
        return "dotnet"
    return "java" if text[-1:].isalnum() and text[6:9].strip(", 0123456789") == "" and _JAVA_HEADER.match(text) else ""


def _belongs(entry: LogEntry, piece: LogLine) -> bool:
    """Tell whether a line goes on with the entry above it."""
    text = piece.message
    if piece.pod != entry.line.pod or piece.container != entry.line.container:
        return False
    if not text or text.isspace():
        return bool(entry.trace)
    if entry.header == "java":
        return True
    if _FRESH.match(text.lstrip() if text[0] in " \t" else text):
        return False
    return text[0] in " \t" or bool(entry.header or _FRAME.match(text)) or _goes_on(entry, text)


def _goes_on(entry: LogEntry, text: str) -> bool:
    """Tell whether a line that is not indented goes on with a trace, or begins one under a message."""
    if entry.trace == "python":
        return _goes_on_in_python(entry, text)
    if entry.trace == "go":
        return bool(_GO_FRAME.match(text) or _GO_START.match(text))
    if _dumps_goroutines(text):
        return True
    if text.startswith(_TRACEBACK):
        return entry.line.level in ("error", "fatal") and not entry.exception
    if entry.stack and entry.stack[-1].endswith("{"):  # Node prints an error's fields after its frames
        return True
    return bool(text == "}" and entry.trace) or _explains(entry, text)


def _dumps_goroutines(text: str) -> bool:
    return text.startswith(("goroutine ", "[signal ")) and bool(_GO_START.match(text))


def _explains(entry: LogEntry, text: str) -> bool:
    """Tell whether the line is the exception that the error above it was about."""
    if entry.line.level not in ("warning", "error", "fatal") or entry.exception or entry.trace:
        return False
    return starts_exception(text) and not starts_exception(entry.line.message)


def _goes_on_in_python(entry: LogEntry, text: str) -> bool:
    if text.startswith(_TRACEBACK):
        return entry.linked or not entry.named
    if text.startswith('File "') or _PYTHON_LINK.match(text) or not text.strip("^~ "):
        return True
    if entry.named:
        return bool(_GRPC_FIELD.match(text))
    # Some collectors strip the indentation, and then a line of code looks like any other.
    return entry.code_follows or bool(_PYTHON_FINAL.match(text))


def _add(entry: LogEntry, text: str, first: int, rows: list[str]) -> None:
    if entry.header:
        _take_body(entry, text.strip())
    elif entry.trace or not entry.has_values or _dumps_goroutines(text.strip()):
        _follow_trace(entry, text)
        _keep_stack(entry, text)
    if first == entry.last_line + 1 and len(entry.rows) < _MAX_ROWS and entry.rows_chars < _MAX_ROWS_CHARS:
        entry.rows.extend(row[:_MAX_ROWS_CHARS] for row in rows)
        entry.rows_chars += sum(map(len, rows))
        entry.last_line += len(rows)


def _take_body(entry: LogEntry, text: str) -> None:
    if entry.header == "dotnet":
        entry.line.message = f"{entry.line.message.partition(': ')[2]} {text}"
    else:
        entry.line.stamp = entry.line.stamp or entry.line.message
        entry.line.message = text
        refine(entry.line)
    entry.header = ""


def _keep_stack(entry: LogEntry, text: str) -> None:
    if entry.stack_chars < _MAX_STACK_CHARS and text.strip():
        entry.stack.append(text[: _MAX_STACK_CHARS - entry.stack_chars])
        entry.stack_chars += len(text) + 1


def _follow_trace(entry: LogEntry, text: str) -> None:
    """Note what kind of trace runs and which exception it names."""
    bare = text.strip()
    if bare.startswith(_TRACEBACK):
        entry.trace, entry.code_follows, entry.named, entry.linked = "python", False, False, False
    elif entry.trace == "python":
        _follow_python(entry, text, bare)
    elif _GO_START.match(bare):
        entry.trace = "go"
    elif _FRAME.match(text):
        entry.trace = entry.trace or "other"
    elif not entry.exception and starts_exception(bare):
        entry.exception = bare[:1000]


def _follow_python(entry: LogEntry, text: str, bare: str) -> None:
    if bare.startswith('File "'):
        entry.code_follows = True
    elif _PYTHON_LINK.match(bare):
        entry.linked = True
    elif details := _DETAILS.match(text):
        entry.exception = f"{entry.exception} {details[1]}"[:1000]
    elif entry.code_follows and not starts_exception(text):
        entry.code_follows = False
    elif not text[:1].isspace() and _PYTHON_FINAL.match(text):
        entry.exception, entry.code_follows, entry.named = bare[:1000], False, True
