"""
What a source is: by what its beginning says, and by its name only where that leaves it open.

Something that holds objects is never taken for a log, and something that holds no evidence is told apart from
something that nobody recognised: a person should mind the second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from kfi.ingestion.connectivity import read_checks
from kfi.ingestion.event_tables import is_table
from kfi.ingestion.json_shape import JsonShape, shape_of
from kfi.ingestion.kubectl_commands import hints_of_path, sections
from kfi.snapshot.read.refused import is_refusal
from kfi.snapshot.read.table_shapes import headerless_columns


class Format(StrEnum):
    """The formats that there are loaders for, and the audit log, which there is none for."""

    EVENTS = "events"
    MANIFEST = "manifest"
    LOG = "log"
    KUBECTL = "kubectl"
    EVENTS_TABLE = "events table"
    NODE_SERVICE = "node service"
    ALERTS = "alerts"
    CALLS = "calls"
    CHECKS = "checks"
    AUDIT = "audit"


@dataclass(frozen=True)
class NotEvidence:
    """A source that says nothing about a cluster, and what it is instead."""

    reason: str


Detected = Format | NotEvidence | None
"""None: nothing is known that looks like this."""

# Lines at the beginning that may show what a text is; tools print a few lines of their own first.
_WINDOW = 60
_TOOL_LINES = 5
_JSON = re.compile(r"\{\s*(?:[\"}]|$)|\[\s*(?:[\[{\"\]]|$)")
_NOTHING = re.compile(r"\[\s*\]|\{\s*\}")
_MARKUP = re.compile(r"<(?:!doctype|html|\?xml|svg|head|script)\b", re.IGNORECASE)

_YAML_START = re.compile(r"(?:---|- |[\"']?[A-Za-z_][\w./-]*[\"']?:(?:\s|$)|%YAML)")
_API_VERSION = re.compile(r"(?:- )?[\"']?apiVersion[\"']?:\s*[\"']?(?P<value>[\w./-]+)")
_KIND = re.compile(r"(?:- |  )?[\"']?kind[\"']?:\s*[\"']?(?P<value>[A-Za-z]\w*)")
_EVENT_ITEM = re.compile(r"\s*(?:- )?[\"']?(?:involvedObject|regarding)[\"']?:\s*$")
_HELM = re.compile(r"\{\{-?\s*(?:\.Values|\.Release|\.Chart|include \"|template \"|define \"|/\*)|^\{\{")
_YAML_KEY = re.compile(r"\s*(?:- )?[\"']?[A-Za-z_][\w./-]*[\"']?:(?:\s|$)|\s*- \S")

_UNIT_STATE = re.compile(
    r"\s*(?:Loaded: (?:loaded|not-found|masked|error|bad-setting)\b"
    r"|(?:Active|Status): (?:active|inactive|failed|activating|deactivating|reloading)\b)"
    r"|Unit \S{1,200} could not be found"
)
_DESCRIBED = re.compile(r"Name: +\S")
_DESCRIBED_NEXT = re.compile(
    r"(?:Namespace|Labels|Annotations|Roles|Priority|IsDefaultClass|Provisioner|StorageClass|Type|Status|API Version"
    r"|Role|Subjects|Controller|Value|Reference|Address|Scopes|Resource|Min available|Max unavailable|Schedule): "
)
_HEADER = re.compile(r"(?:NAMESPACE\s+)?NAME(?:\s+[A-Z][A-Za-z0-9()%/:.-]*)+\s*")
_KUBECTL_SAYS = (
    "No resources found",
    "Error from server",
    "error: the server doesn",
    "Unable to connect to the server",
)
_CHECKSUM = re.compile(r"[0-9a-f]{32,128}\s+\*?\S.*")
_LOG_LINE = re.compile(
    r"""(?x)
    .{0,40}?\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d            # most
    | [IWEF]\d{4}\ \d\d:\d\d                              # klog
    | [A-Z][a-z]{2}\ [ \d]\d\ \d\d:\d\d:\d\d              # syslog, journal
    | [\[(]?\d\d:\d\d:\d\d[.,\])\s]
    | \d{10}(?:\.\d+|\d{3})?[\s\]]                        # epoch
    | .{0,60}?\b(?:INFO|WARN|WARNING|ERROR|DEBUG|FATAL|TRACE|CRITICAL|SEVERE|NOTICE|PANIC)\b
    | .{0,120}?\b(?:level|lvl|severity)=\w
    | (?:info|warn|warning|error|err|debug|fatal|critical|notice|trace|panic)\b[:\]]
    | .{0,80}?\ -\ -\ \[\d\d/                             # access log
    | -{2,4}\ (?:Logs|Journal)\ begin | --\ (?:No\ entries|Boot)
    | Traceback\ \(most | panic:\ | goroutine\ \d+ | \s+at\ [\w.$<>]+\( | (?:[\w$]+\.)+\w*(?:Exception|Error)\b
    | \{"                                                 # JSON lines
    """
)
_LOG_SHARE = 0.3
_LOG_NAME = re.compile(
    r"(?:^|/)(?:logs?|pod-?logs|log_?files|journal|service_logs)/|\.(?:log|out|err|stdout|stderr)(?:[.-][\w.-]{1,40})?$"
    r"|(?:^|/)(?:messages|syslog|journalctl?[\w.-]*|dmesg[\w.-]*|kern\.log[\w.-]*)$"
    # What people call the saved output of `kubectl logs`: logs.txt, kubectl_logs_web-0.txt, web-previous-logs.txt.
    r"|(?:^|[/_.-])[lL]ogs?(?:[_.-][^/]{0,200})?\.txt$"
)
# These may hold anything that a tool printed; where it is nothing that is known, an application printed it.
_OUTPUT_NAME = re.compile(
    r"(?:^|[/_.-])(?:output|stdout|stderr|console|crash|traceback|stack-?trace|panic)(?:[_.-][^/]{0,100})?\.txt$",
    re.IGNORECASE,
)
_EVENTS_NAME = re.compile(
    r"(?:^|/)events?(?:[-_.][^/]*)?(?:/|\.(?:json|ya?ml|txt|jsonl|ndjson)$)|\.events\.\w+$", re.IGNORECASE
)
_LOG_KEYS = frozenset({"msg", "message", "log", "event", "error", "err", "body", "textPayload", "jsonPayload"})
_LOG_SIGNS = frozenset(
    {"level", "severity", "lvl", "loglevel", "log.level", "time", "ts", "timestamp", "@timestamp", "t", "stream",
     "logger", "loggerName", "caller", "date", "datetime", "instant"}
)  # fmt: skip
_OBJECT_PARTS = frozenset(
    {"spec", "status", "data", "kind", "apiVersion", "rules", "subsets", "roleRef", "provisioner"}
)

# Names of files that are no evidence, unless objects are in them.
_OTHER_FILES = tuple(
    (re.compile(pattern, re.IGNORECASE), what)
    for pattern, what in (
        (r"(?:^|/)(?:README|LICEN[CS]E|NOTICE|CHANGELOG|CONTRIBUTING|AUTHORS)\b[^/]*$", "documentation"),
        (r"\.(?:md|rst|adoc)$", "documentation"),
        (r"(?:^|/)Chart\.(?:yaml|lock)$", "a Helm chart's own data"),
        (r"(?:^|/)(?:[\w-]*values[\w.-]*\.ya?ml|values\.schema\.json)$", "settings of a Helm chart"),
        (r"\.(?:tpl|gotmpl|tmpl)$", "a template"),
        (r"\.(?:html?|xml|css|js|svg|xhtml)$", "a web page"),
        (r"\.(?:py|go|sh|bash|java|ts|rb|rs|c|h|toml|ini|cfg|mod|sum)$", "a program's source or settings"),
        (r"(?:^|/)(?:Makefile|Dockerfile|\.[a-z]+ignore)$", "a program's source or settings"),
        (r"(?:^|/)(?:[\w.-]*(?:sha\d+|md5)(?:sums?)?(?:\.txt)?|checksums?\.txt)$", "checksums"),
    )
)

_EVENT_TIMES = ("lastTimestamp", "firstTimestamp", "eventTime")
_NAMESPACE = r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)"
_NAMESPACES = tuple(
    re.compile(pattern)
    for pattern in (
        # must-gather, Harvester
        rf"(?:^|/)(?:namespaces|namespaced|yamls/namespaced)/{_NAMESPACE}/",
        # troubleshoot
        rf"(?:^|/)pods/logs/{_NAMESPACE}/",
        rf"(?:^|/)cluster-resources/(?:custom-resources/)?[\w.-]+/{_NAMESPACE}\.(?:json|ya?ml)$",
        rf"(?:^|/)events/{_NAMESPACE}\.(?:json|ya?ml|txt)$",
        rf"(?:^|/)(?:pod-?)?logs/{_NAMESPACE}/",
        # /var/log/pods
        rf"(?:^|/){_NAMESPACE}_[a-z0-9][-a-z0-9.]*_[0-9a-f-]{{32,36}}/",
        # kubectl cluster-info dump
        rf"(?:^|/){_NAMESPACE}/(?:events|pods|services|deployments|replicasets|daemonsets|replication-controllers)\.(?:json|ya?ml)$",
    )
)  # fmt: skip


def detect(head: Sequence[str], path: str) -> Detected:
    """Say what a source is, from its first lines (some 64 KiB) and its path."""
    filled = [line for line in head if line.strip()]
    if not filled:
        return NotEvidence("empty")
    place = path.replace("!", "/")
    if _JSON.match(filled[0].lstrip()):
        return _json(filled, place)
    if _MARKUP.match(filled[0].lstrip()):
        return NotEvidence("a web page")
    return _yaml(filled, place) or _text(filled, place) or _by_name(filled, place)


def namespace_of(path: str) -> str:
    """Give the namespace that a source's path names, or nothing.

    >>> namespace_of("must-gather/namespaces/orchard/core/pods.yaml"), namespace_of("get/pods.orchard.wide.txt")
    ('orchard', 'orchard')
    """
    place = path.replace("!", "/")
    match = next(filter(None, (pattern.search(place) for pattern in _NAMESPACES)), None)
    return match[1] if match else hints_of_path(place).namespace


def _json(filled: Sequence[str], place: str) -> Detected:
    text = "\n".join(filled)
    shape = shape_of(text)
    found = next((format for format, fits in _JSON_FORMATS if fits(shape)), None)
    if found:
        return found
    rest = text[shape.end :].lstrip() if shape.end >= 0 else ""
    # A tool may put lines of its own before what it ran.
    behind = next((n for n, line in enumerate(filled[:_TOOL_LINES]) if not _JSON.match(line.lstrip())), 0)
    if rest and behind and text.find("\n", 0, shape.end) < 0:
        told = detect(filled[behind:], place)
        return told if isinstance(told, Format) else None
    if _NOTHING.fullmatch(text.strip()):
        return NotEvidence("an empty list")
    return _json_by_name(shape, place, several=bool(rest))


def _is_audit(shape: JsonShape) -> bool:
    return "auditID" in shape.top or shape.value("apiVersion").startswith("audit.k8s.io")


def _are_events(shape: JsonShape) -> bool:
    if shape.value("kind") in ("Event", "EventList"):
        return True
    timed = any(shape.within("reason", word, time) for word in ("message", "note") for time in _EVENT_TIMES)
    return shape.within("involvedObject") or shape.within("regarding") or timed


def _are_log_lines(shape: JsonShape) -> bool:
    top = shape.top
    return not shape.array and bool(top & _LOG_KEYS and top & _LOG_SIGNS) and not top & {"metadata", "items"}


def _are_calls(shape: JsonShape) -> bool:
    return shape.within("parent", "child")


def _are_alerts(shape: JsonShape) -> bool:
    return shape.within("labels", "annotations", "startsAt") or shape.within("labels", "activeAt")


def _are_objects(shape: JsonShape) -> bool:
    whole = "metadata" in shape.top and bool(shape.top & _OBJECT_PARTS)
    return whole or shape.within("kind", "apiVersion") or shape.within("kind", "items")


# The first that fits is it.
_JSON_FORMATS: tuple[tuple[Format, Callable[[JsonShape], bool]], ...] = (
    (Format.AUDIT, _is_audit),
    (Format.EVENTS, _are_events),
    (Format.LOG, _are_log_lines),
    (Format.CALLS, _are_calls),
    (Format.ALERTS, _are_alerts),
    (Format.MANIFEST, _are_objects),
)


def _json_by_name(shape: JsonShape, place: str, several: bool) -> Detected:
    if _EVENTS_NAME.search(place):
        return Format.EVENTS
    if several and not shape.array and _LOG_NAME.search(place):
        return Format.LOG
    return _other_file(place)


def _yaml(filled: Sequence[str], place: str) -> Detected:
    first = next((line for line in filled if not line.lstrip().startswith("#")), "")
    named = place.endswith((".yaml", ".yml"))
    if any(_HELM.search(line) for line in filled) and (named or place.endswith((".tpl", ".txt"))):
        return NotEvidence("a Helm template; hand over what 'helm template' makes of it")
    if not (named or _YAML_START.match(first)):
        return None
    versions = [match["value"] for match in map(_API_VERSION.match, filled) if match]
    kinds = [match["value"] for match in map(_KIND.match, filled) if match]
    if any(version.startswith("audit.k8s.io") for version in versions):
        return Format.AUDIT
    if not versions and not (kinds and any(line.startswith("metadata:") for line in filled)):
        return None
    if not kinds and any(line.startswith("version:") for line in filled):
        return NotEvidence("a Helm chart's own data")
    is_event = kinds[:1] in (["Event"], ["EventList"]) or any(map(_EVENT_ITEM.match, filled))
    return Format.EVENTS if is_event else Format.MANIFEST


def _text(filled: Sequence[str], place: str) -> Detected:
    is_log = bool(_LOG_NAME.search(place))
    # A log may quote anything further down; elsewhere a tool may have printed something first.
    window = filled[: 1 if is_log else _WINDOW]
    if not is_log and any(part.command for part in sections(filled)):
        return Format.KUBECTL
    if any(map(_UNIT_STATE.match, filled[:_WINDOW])):
        return Format.NODE_SERVICE
    if is_table(window):
        return Format.EVENTS_TABLE
    if _shows_objects(filled, window, is_log):
        return Format.KUBECTL
    return Format.CHECKS if not is_log and next(read_checks(window), None) else None


def _shows_objects(filled: Sequence[str], window: Sequence[str], is_log: bool) -> bool:
    for number, line in enumerate(window):
        after = filled[number + 1 : number + 9]
        if _HEADER.fullmatch(line) or (_DESCRIBED.match(line) and any(map(_DESCRIBED_NEXT.match, after))):
            return True
    if is_log:
        return False
    if filled[0].startswith(_KUBECTL_SAYS):
        return True
    if any(map(is_refusal, window)):
        return True
    rows = [headerless_columns(re.split(r"\s{2,}|\t", line.strip()))[0] for line in window[:10]]
    return sum(map(bool, rows)) * 2 > len(rows)


def _by_name(filled: Sequence[str], place: str) -> Detected:
    if _LOG_NAME.search(place):
        return Format.LOG
    other = _other_file(place)
    if other or all(map(_CHECKSUM.fullmatch, filled)):
        return other or NotEvidence("checksums")
    if _is_yaml(filled, place):
        return None
    if place == "-" or _OUTPUT_NAME.search(place):
        # What was piped in was meant to be read, and `kubectl logs` says nothing of itself.
        return Format.LOG
    sample = filled[:_WINDOW]
    logged = sum(bool(_LOG_LINE.match(line)) for line in sample)
    return Format.LOG if logged >= _LOG_SHARE * len(sample) else None


def _other_file(place: str) -> NotEvidence | None:
    return next((NotEvidence(what) for name, what in _OTHER_FILES if name.search(place)), None)


def _is_yaml(filled: Sequence[str], place: str) -> bool:
    """Tell whether a text is YAML of whatever: that is never a log."""
    if place.endswith((".yaml", ".yml", ".json")):
        return True
    return all(_YAML_KEY.match(line) or line.lstrip().startswith("#") for line in filled[:_WINDOW])
