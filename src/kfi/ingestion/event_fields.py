"""
One Kubernetes Event, read from whichever form its fields have.

Decides what counts as a cluster Event, how exporters' wrappings come off, and which of its times is first and last.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kfi.ingestion.base import storable
from kfi.models.schemas import ObjectRef
from kfi.snapshot.read.ages import timestamp
from kfi.snapshot.resources import CLUSTER_SCOPED

# Keys that exporters put an Event under: watch (object), OpenTelemetry (body), others (event, _source).
_WRAPPINGS = ("object", "body", "event", "_source")
_CONTAINER_PATH = re.compile(r"(?:containers|initContainers|ephemeralContainers)\{([^{}]{1,253})\}")
# Messages of the kubelet that name the container, for texts that leave the fieldPath out.
_CONTAINER_IN_MESSAGE = re.compile(
    r"(?:(?:Created|Started|Stopping) container:? |Back-off restarting failed container[ =]|Container )"
    r"([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:$| in pod | pod=| failed | definition )"
)
_EVENT_NAME = re.compile(r"(.+)\.[0-9a-f]{10,17}")
_MAX_COUNT = 2**31 - 1
# Of one field. The API server refuses messages over 1 kB; other writers know no bound.
_MAX_CHARS = 16 * 1024


@dataclass(frozen=True, slots=True)
class SingleEvent:
    """One Event as one place of a source shows it."""

    ref: ObjectRef
    """The involved object, with its container."""
    reason: str
    message: str
    event_type: str = "Normal"
    first: datetime | None = None
    last: datetime | None = None
    count: int = 1
    uid: str = ""
    """Of the involved object."""
    component: str = ""
    host: str = ""
    related: ObjectRef | None = None
    event_id: str = ""
    """Names the Event itself: the same one seen twice (in a watch) counts once. Empty where the text does not say."""
    first_line: int = 1
    last_line: int = 1
    line: int = 0
    """Line of the message."""
    text: str = ""
    """Its own text, where it shares its lines with others."""


@dataclass(frozen=True)
class Place:
    """Where an Event stands: its lines, and what its surroundings say of it."""

    first_line: int = 1
    last_line: int = 1
    line: int = 0
    text: str = ""
    cluster: str = ""
    namespace: str = ""


def is_audit(fields: dict[str, Any]) -> bool:
    """Tell whether this is an Event of the API server's audit log."""
    return _text(fields.get("apiVersion")).startswith("audit.k8s.io") or "auditID" in fields


def is_event(fields: dict[str, Any]) -> bool:
    """Tell whether this is a cluster Event, also without its kind (as in compact exports)."""
    if is_audit(fields):
        return False
    kind = fields.get("kind")
    if kind == "Event":
        return True
    named = any(isinstance(fields.get(key), dict) for key in ("involvedObject", "regarding"))
    compact = "reason" in fields and "message" in fields and ("lastTimestamp" in fields or "type" in fields)
    return not kind and (named or compact)


def unwrap(value: Any) -> dict[str, Any] | None:
    """Give the Event inside a watch envelope, an OpenTelemetry record or an exporter's line; None where there is none.

    The audit log's Events come back too, so that a loader can say why it refuses them.
    """
    for _ in range(4):
        if not isinstance(value, dict):
            return None
        if is_event(value) or is_audit(value):
            return value
        value = next((value[key] for key in _WRAPPINGS if isinstance(value.get(key), dict)), None)
    return None


def read_event(fields: dict[str, Any], place: Place) -> SingleEvent:
    """Give one Event of core/v1 or events.k8s.io/v1.

    Fields that stand under `spec` (no API version has that, people write it) are read as if they stood above.
    """
    if isinstance(fields.get("spec"), dict):
        fields = {**fields["spec"], **fields}
    metadata = _table(fields.get("metadata"))
    involved = _table(fields.get("involvedObject")) or _table(fields.get("regarding"))
    origin = _table(fields.get("source")) or _table(fields.get("deprecatedSource"))
    controller = _text(fields.get("reportingComponent")) or _text(fields.get("reportingController"))
    component = _text(origin.get("component")) or controller
    namespace = _text(metadata.get("namespace")) or _text(fields.get("namespace")) or place.namespace
    cluster = place.cluster or _text(fields.get("clusterName"))
    first, last, count = _occurrences(fields, metadata)
    name = _text(involved.get("name")) or object_of_event_name(_text(metadata.get("name")))
    uid = _text(involved.get("uid"))
    return SingleEvent(
        ref=_reference({**involved, "name": name}, namespace, cluster),
        reason=_text(fields.get("reason")),
        message=_text(fields.get("message")) or _text(fields.get("note")),
        event_type=_text(fields.get("type")) or "Normal",
        first=first,
        last=last,
        count=count,
        # The kubelet puts a node's name where its uid belongs.
        uid="" if uid == name else uid,
        component=component,
        host=_text(origin.get("host")) or (_text(fields.get("reportingInstance")) if component == "kubelet" else ""),
        related=_related(_table(fields.get("related")), namespace, cluster),
        event_id=_event_id(metadata, namespace),
        first_line=place.first_line,
        last_line=place.last_line,
        line=place.line,
        text=place.text,
    )


def container_of_path(field_path: str) -> str:
    """Give the container that `spec.containers{app}` names, or nothing."""
    match = _CONTAINER_PATH.search(field_path)
    return match[1] if match else ""


def container_of_message(message: str) -> str:
    """Give the container that a message of the kubelet names, or nothing."""
    match = _CONTAINER_IN_MESSAGE.match(message)
    return match[1] if match else ""


def object_of_event_name(name: str) -> str:
    """Give the involved object's name: an Event is named after it, with the time in hexadecimal behind."""
    match = _EVENT_NAME.fullmatch(name)
    return match[1] if match else ""


def scoped(kind: str, namespace: str) -> str:
    """Give the namespace of an object of this kind; Events about nodes live in `default`, nodes do not."""
    return "" if kind in CLUSTER_SCOPED else namespace


def _reference(involved: dict[str, Any], namespace: str, cluster: str) -> ObjectRef:
    kind = _text(involved.get("kind"))
    return ObjectRef(
        cluster=cluster,
        kind=kind,
        namespace=scoped(kind, _text(involved.get("namespace")) or namespace),
        name=_text(involved.get("name")),
        container=container_of_path(_text(involved.get("fieldPath"))),
    )


def _event_id(metadata: dict[str, Any], namespace: str) -> str:
    name = _text(metadata.get("name"))
    return _text(metadata.get("uid")) or (f"{namespace}/{name}" if name else "")


def _related(related: dict[str, Any], namespace: str, cluster: str) -> ObjectRef | None:
    return _reference(related, namespace, cluster) if related.get("name") else None


def _occurrences(fields: dict[str, Any], metadata: dict[str, Any]) -> tuple[datetime | None, datetime | None, int]:
    """Give first time, last time and count; newer components fill in `eventTime` and `series` only."""
    series = _table(fields.get("series"))
    single = (fields.get("eventTime"), metadata.get("creationTimestamp"))
    first = _first_time(fields.get("firstTimestamp"), fields.get("deprecatedFirstTimestamp"), *single)
    last = _first_time(
        series.get("lastObservedTime"), fields.get("lastTimestamp"), fields.get("deprecatedLastTimestamp"), *single
    )
    counts = (series.get("count"), fields.get("count"), fields.get("deprecatedCount"))
    count = next((n for n in map(number, counts) if n), 1)
    if first and last and first > last:
        first, last = last, first
    return first or last, last or first, count


def _first_time(*values: object) -> datetime | None:
    return next((time for time in map(timestamp, values) if time), None)


def number(value: object) -> int:
    """Give a count that fits a database's integer, 0 where the value is none."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return 0
    return max(0, min(value, _MAX_COUNT))


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return storable(value[:_MAX_CHARS]) if isinstance(value, str) else ""
