"""
One log line: what the runtime wrapped around it, and what the program itself said.

Wrappings (container runtimes, `kubectl logs` prefixes, journald) come off first, then the program's own format is read.
Nothing is required: a line of no known format is its own message, without level or time.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from kfi.ingestion.base import storable
from kfi.ingestion.logs.formats import read_content

# A line is cut here before it is read: what matters stands at its beginning.
MAX_LINE_CHARS = 64 * 1024

_ISO = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)"
_RUNTIME = re.compile(rf"({_ISO})(?: (stdout|stderr) ([FP])(?: |$)| |$)")
_POD_PREFIX = re.compile(r"\[pod/([^/\]\s]{1,253})/([^\]\s]{1,253})\] ?")
_KAIL_PREFIX = re.compile(r"([a-z0-9][-a-z0-9]{0,62})/([a-z0-9][-a-z0-9.]{0,252})\[([a-z0-9][-a-z0-9]{0,62})\]: ")
# Names that a ReplicaSet or DaemonSet gave: Kubernetes leaves vowels and 0, 1, 3 out of its random suffixes.
_STERN_PREFIX = re.compile(
    r"(?:([a-z0-9][-a-z0-9]{0,62}) )??([a-z0-9][-a-z0-9.]{0,240}-[bcdfghjklmnpqrstvwxz2456789]{5})"
    r" ([a-z0-9][-a-z0-9]{0,62}) (?=\S)"
)
_STERN_NOTE = re.compile(r"[+-] (?:\S+ )?\S+ \u203a \S+")
_JOURNAL_NOTE = re.compile(r"-- (?:Logs begin at|Journal begins at|No entries|Reboot|Boot [0-9a-f]{32}|cursor:)")
_SYSLOG = re.compile(
    r"([A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?) (\S{1,253}) ([^\s:\[\]]{1,128})(?:\[\d+\])?: ?"
)
_JOURNAL_ISO = re.compile(r"([a-z0-9][-a-zA-Z0-9.]{0,252}) (?:([\w@.:-]{1,128})\[\d+\]|(kernel)): ?")
# What `kubectl logs` says instead of a log: it names the container that it could not read.
_NO_LOG = re.compile(
    r"(?:Error: )*Error from server.{0,40}: (?:(?:previous terminated )?"
    r'container "(?P<container>[^"\s]+)" in pod "(?P<pod>[^"\s]+)"'
    r"|Get \S{1,200}/containerLogs/(?P<namespace>[^/\s]+)/(?P<there>[^/\s]+)/(?P<of>[-a-z0-9]+))"
)
_ANSI = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]+")
# syslog's numbers, as journald writes them.
_PRIORITIES = {
    **dict.fromkeys("012", "fatal"),
    "3": "error",
    "4": "warning",
    **dict.fromkeys("56", "info"),
    "7": "debug",
}
# OpenShift runs the kubelet under its own names.
_UNITS = {"hyperkube": "kubelet", "kubenswrapper": "kubelet"}


@dataclass(slots=True)
class LogLine:
    """What one line says."""

    message: str
    level: str = ""
    """debug, info, warning, error, fatal, or nothing."""
    stamp: object = None
    """The time as it stands there; `times.time_of` reads it."""
    stream: str = ""
    namespace: str = ""
    pod: str = ""
    container: str = ""
    host: str = ""
    unit: str = ""
    partial: bool = False
    """The runtime cut the line; the next of its stream goes on."""
    stack: str = ""
    """A stack trace that the line carries within itself, as JSON logs do."""


def parse_line(text: str) -> LogLine:
    """Give everything that a line says of itself."""
    return refine(unwrap(text))


def clean_line(text: str) -> str:
    """Give the line without colours, control characters and lone surrogates, cut to a sane length."""
    if len(text) > MAX_LINE_CHARS:
        text = text[:MAX_LINE_CHARS]
    if text.isprintable():
        return text
    if "\x1b" in text:
        text = _ANSI.sub("", text)
    return storable(_CONTROL.sub("", text))


def is_note(text: str) -> bool:
    """Tell whether a tool wrote this line about the log (journalctl's headers, stern's joining and leaving)."""
    return text[:2] in ("--", "+ ", "- ") and bool(_JOURNAL_NOTE.match(text) or _STERN_NOTE.match(text))


def unwrap(text: str) -> LogLine:
    """Take off what runtimes and tools put around a line; the message is what the program wrote."""
    line = LogLine(clean_line(text))
    _take_pod_prefix(line)
    if match := _RUNTIME.match(line.message):
        line.stamp = match[1]
        line.stream = match[2] or ""
        line.partial = match[3] == "P"
        line.message = line.message[match.end() :]
        if not line.stream:
            _take_journal_iso(line)
    elif line.message.startswith("{") and ('"log":' in line.message or '"MESSAGE"' in line.message):
        _take_json(line)
    elif match := _SYSLOG.match(line.message):
        line.stamp, line.host, line.unit = match[1], match[2], _UNITS.get(match[3], match[3])
        line.message = line.message[match.end() :]
    elif line.message.startswith("Error") and (match := _NO_LOG.match(line.message)):
        line.namespace = match["namespace"] or ""
        line.pod, line.container = match["pod"] or match["there"], match["container"] or match["of"]
    return line


def refine(line: LogLine) -> LogLine:
    """Read the program's own format: level, message, and the time where the runtime gave none."""
    content = read_content(line.message)
    line.message, line.level = content.message, content.level or line.level
    line.stack = content.stack
    if line.stamp is None:
        line.stamp = content.stamp
    return line


def _take_pod_prefix(line: LogLine) -> None:
    text = line.message
    if text.startswith("[pod/"):
        if match := _POD_PREFIX.match(text):
            line.pod, line.container = match[1], match[2]
            line.message = text[match.end() :]
    elif text[:1].islower():
        if match := _KAIL_PREFIX.match(text):
            line.namespace, line.pod, line.container = match.groups()
            line.message = text[match.end() :]
        elif match := _STERN_PREFIX.match(text):
            line.namespace, line.pod, line.container = match[1] or "", match[2], match[3]
            line.message = text[match.end() :]


def _take_journal_iso(line: LogLine) -> None:
    if match := _JOURNAL_ISO.match(line.message):
        unit = match[2] or match[3]
        line.host, line.unit = match[1], _UNITS.get(unit, unit)
        line.message = line.message[match.end() :]


def _take_json(line: LogLine) -> None:
    try:
        fields = json.loads(line.message)
    except (ValueError, RecursionError):
        return
    if not isinstance(fields, dict):
        return
    if isinstance(fields.get("MESSAGE"), str):
        _take_journal_fields(line, fields)
    elif isinstance(fields.get("log"), str) and {"stream", "time"} & fields.keys():
        _take_docker(line, fields)


def _take_docker(line: LogLine, fields: dict[str, Any]) -> None:
    content = fields["log"]
    # Docker cuts lines at 16 KiB; only the last piece ends with a line break.
    line.partial = bool(content) and not content.endswith("\n")
    line.stream = _text(fields.get("stream"))
    line.stamp = fields.get("time")
    line.message = clean_line(content.rstrip("\r\n"))


def _take_journal_fields(line: LogLine, fields: dict[str, Any]) -> None:
    """Take what `journalctl -o json` prints."""
    unit = _text(fields.get("SYSLOG_IDENTIFIER")) or _text(fields.get("_SYSTEMD_UNIT")).removesuffix(".service")
    line.unit = _UNITS.get(unit, unit)
    line.host = _text(fields.get("_HOSTNAME"))
    line.stamp = fields.get("__REALTIME_TIMESTAMP")
    line.level = _PRIORITIES.get(_text(fields.get("PRIORITY")), "")
    line.message = clean_line(fields["MESSAGE"])


def _text(value: object) -> str:
    return clean_line(value[:253]) if isinstance(value, str) else ""
