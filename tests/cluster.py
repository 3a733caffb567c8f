"""Builds snapshots for tests from objects in API form, as `kubectl get -o json` would have printed them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.causes import Incident, independent, ranked
from kfi.ingestion.base import digest
from kfi.models.records import (
    AlertRecord,
    Call,
    CallsRecord,
    CheckRecord,
    EventMessage,
    EventRecord,
    ListingRecord,
    LogRecord,
    NodeServiceRecord,
    ObjectRecord,
    TextForm,
)
from kfi.models.schemas import Document, DocumentKind, Finding, ObjectRef, Source
from kfi.snapshot.build import build_snapshot
from kfi.snapshot.view import Snapshot

NOW = datetime(2026, 11, 20, 14, 40, tzinfo=UTC)


def ref(text: str) -> ObjectRef:
    """`Pod/orchard/cart-7d9` or `Node/node-a`."""
    parts = text.split("/")
    return ObjectRef(kind=parts[0], namespace=parts[1] if len(parts) == 3 else "", name=parts[-1])


def obj(text: str, *, applied: bool = False, at: datetime = NOW, **fields: Any) -> Document:
    """One object; fields are `metadata=`, `spec=`, `status=`, … in API form."""
    which = ref(text)
    metadata = {"name": which.name, **({"namespace": which.namespace} if which.namespace else {})}
    tree = {"kind": which.kind, **fields, "metadata": {**metadata, **fields.get("metadata", {})}}
    lines = json.dumps(tree, indent=1)
    record = ObjectRecord(form=TextForm.JSON, applied=applied, fields=tree)
    return _document(DocumentKind.OBJECT, which, record.model_dump(mode="json"), lines, at, f"{which.name}.json")


def event(
    text: str,
    reason: str,
    message: str,
    *,
    type: str = "Warning",
    count: int = 1,
    ago: float = 60,
    container: str = "",
    component: str = "kubelet",
) -> Document:
    """One Event about an object, last seen `ago` seconds before NOW."""
    which = ref(text).model_copy(update={"container": container})
    last = NOW - timedelta(seconds=ago)
    said = EventMessage(text=message, count=count, first=last, last=last, line=1)
    record = EventRecord(event_type=type, reason=reason, messages=(said,), component=component)
    payload = record.model_dump(mode="json")
    made = _document(DocumentKind.EVENT, which, payload, f"{type} {reason} {message}", NOW, "events.txt")
    return made.model_copy(update={"first_time": last, "last_time": last, "count": count})


def log(
    text: str, line: str, *, level: str = "error", previous: bool = False, count: int = 1, stack: str = ""
) -> Document:
    """One log template of a Pod's or workload's container."""
    record = LogRecord(template=line, example=line, level=level, previous=previous, line=1, stack=stack)
    made = _document(DocumentKind.LOG, ref(text), record.model_dump(mode="json"), line, NOW, "app.log")
    return made.model_copy(update={"count": count, "last_time": NOW})


def listing(kind: str, namespace: str, *names: str, at: datetime = NOW) -> Document:
    """A complete list of a kind in a namespace."""
    record = ListingRecord(kind=kind, namespace=namespace, names=names)
    which = ObjectRef(kind=kind, namespace=namespace)
    return _document(DocumentKind.LISTING, which, record.model_dump(mode="json"), "NAME", at, f"{kind}.txt")


def node_service(node: str, unit: str, active: str, sub: str = "", **fields: Any) -> Document:
    """`systemctl status` of a unit."""
    lines = {"active_state": 1}
    record = NodeServiceRecord(unit=unit, active_state=active, sub_state=sub, lines=lines, **fields)
    text = f"Active: {active} ({sub})"
    return _document(
        DocumentKind.NODE_SERVICE, ref(f"Node/{node}"), record.model_dump(mode="json"), text, NOW, f"{unit}.txt"
    )


def alert(which: ObjectRef, name: str, description: str, **labels: str) -> Document:
    """An active alert."""
    record = AlertRecord(name=name, state="active", labels=labels, annotations={"description": description})
    return _document(DocumentKind.ALERT, which, record.model_dump(mode="json"), description, NOW, "alerts.json")


def calls(*pairs: tuple[str, str]) -> Document:
    """Dependency data."""
    record = CallsRecord(calls=tuple(Call(parent=a, child=b, count=1, line=1) for a, b in pairs))
    return _document(DocumentKind.CALLS, ObjectRef(), record.model_dump(mode="json"), "calls", NOW, "dependencies.json")


def check(target: str, port: int, result: str, *, from_node: str = "") -> Document:
    """A connectivity check."""
    command = f"nc -zv {target} {port}"
    record = CheckRecord(command=command, target=target, port=port, result=result, from_node=from_node, line=1)
    return _document(
        DocumentKind.CHECK, ObjectRef(), record.model_dump(mode="json"), f"{command} {result}", NOW, "checks.txt"
    )


def explain(
    snapshot: Snapshot, findings: Iterable[Finding], rules: Mapping[str, Rule], pointed: Iterable[ObjectRef] = ()
) -> tuple[Incident, ...]:
    """The incidents of a snapshot in their order, as a question about these objects gets them."""
    return ranked(independent(snapshot, findings, rules), pointed)


def _document(
    kind: DocumentKind, which: ObjectRef, payload: Mapping[str, Any], text: str, at: datetime, path: str
) -> Document:
    identity = digest(kind, str(which), path, payload if kind is not DocumentKind.OBJECT else payload["applied"])
    return Document(
        id=digest(identity, dict(payload)),
        identity=identity,
        kind=kind,
        ref=which,
        source=Source(path=path, first_line=1, last_line=text.count("\n") + 1),
        observed_at=at,
        text=text,
        payload=dict(payload),
    )


def snapshot(*documents: Document | Iterable[Document]) -> Snapshot:
    """The snapshot these documents show, at NOW."""
    flat: list[Document] = []
    for one in documents:
        flat.extend([one] if isinstance(one, Document) else one)
    return build_snapshot(flat, NOW)


def codes(family: Any, *documents: Document) -> list[tuple[str, str]]:
    """(code, object) of every finding a rule family yields."""
    return [(finding.code, str(finding.ref)) for finding in family.check(snapshot(*documents))]
