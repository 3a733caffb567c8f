"""
What monitoring says from outside: alerts, who calls whom, and whether addresses could be reached.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from kfi.errors import SourceError
from kfi.ingestion.base import MAX_CARD_CHARS, BaseDocumentLoader, SourceText, digest
from kfi.ingestion.connectivity import Check, read_checks
from kfi.models.records import AlertRecord, Call, CallsRecord, CheckRecord
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity, Source
from kfi.snapshot.read.ages import timestamp
from kfi.snapshot.read.json_text import JsonValue, read_json
from kfi.snapshot.resources import CLUSTER_SCOPED

# Where a list stands in an answer of Alertmanager (v1, webhook), Prometheus or Jaeger.
_LIST = re.compile(r'"(?:alerts|data)"\s{0,1000}:\s{0,1000}\[')
# Label and kind, most telling first.
_SUBJECTS = (
    ("pod", "Pod"), ("pod_name", "Pod"), ("deployment", "Deployment"), ("statefulset", "StatefulSet"),
    ("daemonset", "DaemonSet"), ("cronjob", "CronJob"), ("job_name", "Job"), ("replicaset", "ReplicaSet"),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler"), ("persistentvolumeclaim", "PersistentVolumeClaim"),
    ("persistentvolume", "PersistentVolume"), ("workload", ""), ("service", "Service"), ("service_name", "Service"),
    ("app", ""), ("node", "Node"), ("instance", "Node"), ("namespace", "Namespace"),
)  # fmt: skip
# Labels that Prometheus adds of the target it scraped: for an exporter they name the messenger.
_OF_THE_TARGET = frozenset({"pod", "pod_name", "container", "service", "instance", "endpoint", "job", "app"})
_EXPORTERS = re.compile(r".*(?:kube-state-metrics|node-exporter|kube-rbac-proxy|prometheus-operator)")
_SEVERITIES = {
    **dict.fromkeys(("critical", "page", "error", "emergency", "disaster", "high", "fatal"), Severity.ERROR),
    **dict.fromkeys(("info", "informational", "none", "ok", "debug"), Severity.NORMAL),
}  # fmt: skip
_MAX_CALLS = 50_000
_MAX_TEXT_CHARS = 1_000_000
_DOMAINS = frozenset({"com", "org", "net", "io", "dev", "edu", "gov", "de", "uk", "eu", "cn", "jp", "local", "cloud"})


class AlertmanagerLoader(BaseDocumentLoader):
    """Loads alerts: Alertmanager's API (v1, v2) and webhook, and Prometheus' `/api/v1/alerts`."""

    def load(self, source: SourceText) -> Iterator[Document]:
        """Yield one document for each alert.

        Raises:
            SourceError: the JSON holds no list of alerts.
        """
        found = False
        for item in _items(source):
            if isinstance(item.value, dict) and isinstance(item.value.get("labels"), dict):
                found = True
                yield _alert(item, source)
            else:
                source.skip("not an alert: it has no labels", item.first_line)
        if not found:
            _refuse_unless_empty(source, "alerts", "curl http://alertmanager:9093/api/v2/alerts")


class JaegerDependenciesLoader(BaseDocumentLoader):
    """Loads Jaeger's `/api/dependencies`: who calls whom, and how often."""

    def load(self, source: SourceText) -> Iterator[Document]:
        """Yield one document with all calls.

        Raises:
            SourceError: the JSON holds no list of dependencies.
        """
        calls: list[Call] = []
        for item in _items(source):
            call = _call(item)
            if call and len(calls) < _MAX_CALLS:
                calls.append(call)
            elif not call:
                source.skip("not a dependency: it has no parent and child", item.first_line)
        if calls:
            yield _calls(tuple(calls), source)
        else:
            _refuse_unless_empty(source, "dependencies", "curl http://jaeger-query:16686/api/dependencies?endTs=…")


class ConnectivityLoader(BaseDocumentLoader):
    """Loads what nc, curl, ping and the like printed below the command that was typed."""

    def load(self, source: SourceText) -> Iterator[Document]:
        """Yield one document for each command.

        Raises:
            SourceError: no command that checks a connection is in it.
        """
        lines = list(source.lines())
        found = False
        for check in read_checks(lines):
            found = True
            yield _check(check, "\n".join(lines[check.first_line - 1 : check.last_line]), source)
        if not found:
            raise SourceError(
                f"{source.path!r} holds no connectivity check.",
                hint="Write each command above its output: '$ nc -zv -w 3 cart.orchard 8080'.",
            )


def _items(source: SourceText) -> Iterator[JsonValue]:
    """Yield the items of the list that the source is, or holds under `data` or `alerts`."""
    text = source.text()
    start = _LIST.search(text) if text.lstrip().startswith("{") else None
    begin = start.end() - 1 if start else 0
    # The brackets around the list are left over when it has been read.
    after_list = False
    for item in read_json(text[begin:], 1 + text.count("\n", 0, begin)):
        if isinstance(item, JsonValue) and not item.is_list and (start is None or item.index is not None):
            yield item
        elif isinstance(item, JsonValue):
            after_list = True
        elif not (start and after_list):
            source.skip(item.reason, item.line)


def _refuse_unless_empty(source: SourceText, what: str, command: str) -> None:
    """Raise where the source is something else; an empty list is an answer, too."""
    compact = "".join(source.text()[:4096].split())
    empty = compact in ("[]", "") or re.search(r'"(?:alerts|data)":\[\]', compact)
    if source.skipped or not empty:
        raise SourceError(f"{source.path!r} holds no list of {what}.", hint=f"Write one with '{command}'.")


def _alert(item: JsonValue, source: SourceText) -> Document:
    fields = item.value
    labels = _texts(fields.get("labels"))
    state = _state(fields)
    starts_at = _time(fields, "startsAt", "activeAt")
    record = AlertRecord(
        name=labels.get("alertname", ""),
        state=state,
        labels=labels,
        annotations=_texts(fields.get("annotations")),
        starts_at=starts_at,
        ends_at=_time(fields, "endsAt"),
    )
    ref = _subject(labels, source)
    identity = digest(source.cluster, "alert", sorted(labels.items()))
    return Document(
        id=digest(identity, state, starts_at, record.annotations),
        identity=identity,
        kind=DocumentKind.ALERT,
        ref=ref,
        source=Source(path=source.path, first_line=item.first_line, last_line=item.last_line),
        observed_at=source.observed_at,
        first_time=starts_at,
        severity=_alert_severity(record),
        text=item.text,
        card=_alert_card(record, ref),
        payload=record.model_dump(mode="json"),
    )


def _state(fields: Mapping[str, Any]) -> str:
    status = fields.get("status")
    state = status.get("state") if isinstance(status, dict) else status or fields.get("state")
    return state if isinstance(state, str) else ""


def _time(fields: Mapping[str, Any], *names: str) -> datetime | None:
    return next((time for time in (timestamp(fields.get(name)) for name in names) if time), None)


def _texts(value: Any) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {key: str(item) for key, item in pairs if isinstance(item, str | int | float)}


def _subject(labels: Mapping[str, str], source: SourceText) -> ObjectRef:
    """Give the object that an alert is about; without a kind where a label may mean several."""
    exported = any(_EXPORTERS.match(labels.get(label, "")) for label in ("pod", "container", "job"))
    own = {key: value for key, value in labels.items() if not (exported and key in _OF_THE_TARGET)}
    for label, kind in _SUBJECTS:
        name = own.get(label, "")
        if name:
            return _named(label, kind, name, own, source)
    fallback = labels.get("pod", "")
    namespace = labels.get("namespace", source.namespace)
    return ObjectRef(cluster=source.cluster, kind="Pod" if fallback else "", namespace=namespace, name=fallback)


def _named(label: str, kind: str, name: str, labels: Mapping[str, str], source: SourceText) -> ObjectRef:
    if label == "workload":
        types = {"deployment": "Deployment", "statefulset": "StatefulSet", "daemonset": "DaemonSet", "job": "Job"}
        kind = types.get(labels.get("workload_type", "").lower(), "")
    if label == "instance":
        name = name.rpartition(":")[0] or name
    return ObjectRef(
        cluster=source.cluster,
        kind=kind,
        namespace="" if kind in CLUSTER_SCOPED else labels.get("namespace", source.namespace),
        name=name,
        container=labels.get("container", "") if kind == "Pod" else "",
    )


def _alert_severity(record: AlertRecord) -> Severity:
    if record.state in ("resolved", "inactive", "suppressed"):
        return Severity.NORMAL
    return _SEVERITIES.get(record.labels.get("severity", "").lower(), Severity.WARNING)


def _alert_card(record: AlertRecord, ref: ObjectRef) -> str:
    said = next(
        (record.annotations[key] for key in ("summary", "message", "description") if key in record.annotations), ""
    )
    name = "/".join(part for part in (ref.namespace, ref.name) if part)
    about = f" {ref.kind or 'app'} {name}" if name else ""
    return " ".join(f"Alert {record.name} {record.state}{about}: {said}".split())[:MAX_CARD_CHARS].rstrip(": ")


def _call(item: JsonValue) -> Call | None:
    fields = item.value if isinstance(item.value, dict) else {}
    parent, child, count = fields.get("parent"), fields.get("child"), fields.get("callCount", 0)
    if not (isinstance(parent, str) and isinstance(child, str) and parent and child):
        return None
    whole = isinstance(count, int) and not isinstance(count, bool) and 0 <= count < 2**63
    return Call(parent=parent, child=child, count=count if whole else 0, line=item.first_line)


def _calls(calls: tuple[Call, ...], source: SourceText) -> Document:
    text = source.text()
    record = CallsRecord(calls=calls)
    identity = digest(source.cluster, "calls", source.path)
    shown = ", ".join(f"{call.parent} → {call.child}" for call in calls[:20])
    return Document(
        id=digest(identity, [(call.parent, call.child, call.count) for call in calls]),
        identity=identity,
        kind=DocumentKind.CALLS,
        ref=ObjectRef(cluster=source.cluster, namespace=source.namespace),
        source=Source(path=source.path, first_line=1, last_line=1 + text.count("\n")),
        observed_at=source.observed_at,
        count=len(calls),
        text=text if len(text) <= _MAX_TEXT_CHARS else "",
        card=f"Calls between services: {shown}"[:MAX_CARD_CHARS],
        payload=record.model_dump(mode="json"),
    )


def _check(check: Check, text: str, source: SourceText) -> Document:
    record = CheckRecord(
        command=check.command,
        target=check.target,
        port=check.port,
        protocol=check.protocol,
        result=check.result,
        from_node=check.from_node,
        address=check.address,
        line=check.result_line,
    )
    place = f" from {check.from_node}" if check.from_node else ""
    port = f":{check.port}" if check.port else ""
    identity = digest(source.cluster, "check", check.from_node, check.command)
    return Document(
        id=digest(identity, check.result, check.address),
        identity=identity,
        kind=DocumentKind.CHECK,
        ref=_service(check.target, source),
        source=Source(path=source.path, first_line=check.first_line, last_line=check.last_line),
        observed_at=source.observed_at,
        severity=Severity.NORMAL if check.result in ("open", "unknown") else Severity.ERROR,
        text=text,
        card=f"Connection check {check.protocol} {check.target}{port}{place}: {check.result}",
        payload=record.model_dump(mode="json"),
    )


def _service(target: str, source: SourceText) -> ObjectRef:
    """Give the Service that a cluster-internal name means; no object for addresses and names from outside."""
    name, *domain = target.rstrip(".").lower().split(".")
    inside = not domain or domain[1:2] == ["svc"] or (len(domain) == 1 and domain[0] not in _DOMAINS)
    if not inside or not re.fullmatch(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?", name):
        return ObjectRef(cluster=source.cluster)
    namespace = domain[0] if domain else source.namespace
    return ObjectRef(cluster=source.cluster, kind="Service", namespace=namespace, name=name)
