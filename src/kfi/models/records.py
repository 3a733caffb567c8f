"""
The payload of each kind of document: what loaders write and the snapshot reads back.

Stored as JSON in the ledger; `Document.payload` is `record.model_dump(mode="json")`.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from kfi.models.schemas import ObjectRef, Value


class TextForm(StrEnum):
    """The form an object's text has; a reader for the form can find each field's line again."""

    JSON = "json"
    YAML = "yaml"
    DESCRIBE = "describe"
    TABLE = "table"


class ObjectRecord(Value):
    """One state of one object, in the form the API gives (metadata, spec, status; camelCase), however it was read.

    Only fields that the text showed are present: a table row yields few, API JSON yields all. `<none>`, `<unset>` and
    redacted values are left out.
    """

    form: TextForm
    applied: bool = False
    """True for a manifest someone wrote (no status, uid, resourceVersion); False for what the cluster reported."""
    fields: dict[str, Any]
    header: str = ""
    """The header line of the table the row was read from (TABLE only): needed to read the row again."""
    deleted: bool = False
    """A watch said DELETED."""


class ListingRecord(Value):
    """A complete list of a kind in a scope: an object that is not in it did not exist at `observed_at`."""

    kind: str
    namespace: str = ""
    """Empty: all namespaces, or a cluster-scoped kind."""
    names: tuple[str, ...] = ()
    """`name`, or `namespace/name` where the list spans namespaces."""


class EventMessage(Value):
    """One message of a group of Events."""

    text: str
    count: int = 1
    first: datetime | None = None
    last: datetime | None = None
    times: tuple[datetime, ...] = ()
    """When each Event that was folded in here happened last, oldest first; of very many the newest. Empty for one."""
    line: int = 0
    """Line of the message in the source; 0 where unknown."""


class EventRecord(Value):
    """Events of one reason about one object (and container) within one time window."""

    event_type: str = "Normal"
    reason: str = ""
    involved_uid: str = ""
    messages: tuple[EventMessage, ...] = ()
    component: str = ""
    """`source.component` or `reportingController`: kubelet, default-scheduler, …"""
    host: str = ""
    related: ObjectRef | None = None
    file: str = ""
    """The manifest that was refused, where kubectl named it."""


REFUSED = "RefusedByServer"
"""The reason of what is no Event but the API server's refusal of an object, as kubectl printed it."""


class LogRecord(Value):
    """Lines of one template in one container's log."""

    template: str
    example: str
    level: str = ""
    """debug, info, warning, error, fatal; empty where the line says none."""
    previous: bool = False
    """From the container's previous run."""
    line: int = 0
    """Line of the example; the stack trace follows it."""
    stack: str = ""
    """Stack trace under the example, cut at 4 kB."""
    unit: str = ""
    """systemd unit, for journal lines."""


class NodeServiceRecord(Value):
    """`systemctl status` of one unit on one node."""

    unit: str
    load_state: str = ""
    active_state: str = ""
    """active, inactive, failed, activating, deactivating, reloading; empty where the text had none."""
    sub_state: str = ""
    """running, dead, exited, auto-restart, …"""
    result: str = ""
    """exit-code, signal, oom-kill, timeout, …"""
    since: datetime | None = None
    main_pid: int | None = None
    lines: dict[str, int] = Field(default_factory=dict)
    """Field name to line: `active_state`, `main_pid`, `load_state`."""


class AlertRecord(Value):
    """One alert of Alertmanager (or of Prometheus)."""

    name: str
    state: str = ""
    """active, suppressed, unprocessed; firing, pending, inactive."""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Call(Value):
    """One caller-callee pair."""

    parent: str
    child: str
    count: int = 0
    line: int = 0


class CallsRecord(Value):
    """Who calls whom (Jaeger dependencies)."""

    calls: tuple[Call, ...] = ()


class CheckRecord(Value):
    """One connectivity check: from where, to what, and what came of it."""

    command: str
    target: str
    """Host as typed: `cart.shop`, an address."""
    port: int = 0
    protocol: str = "TCP"
    result: str = ""
    """open, refused, timeout, unresolved, unreachable, unknown."""
    from_node: str = ""
    address: str = ""
    """Address the name resolved to, where shown."""
    line: int = 0
