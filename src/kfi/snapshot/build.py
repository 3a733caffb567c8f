"""
From documents to a snapshot: which texts describe one object, what still exists, and what each record refers to.

An object is gone only by a DELETED event or by its absence from a newer complete list of its scope. A name that a text
gives without a namespace or kind is resolved against the objects that were seen, never by a convention alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any

from pydantic import ValidationError

from kfi.models.records import (
    AlertRecord,
    CallsRecord,
    CheckRecord,
    EventRecord,
    ListingRecord,
    LogRecord,
    NodeServiceRecord,
    ObjectRecord,
)
from kfi.models.schemas import Citation, Document, DocumentKind, ObjectRef
from kfi.snapshot.collector import collector_at_rest
from kfi.snapshot.names import Manifests, Names
from kfi.snapshot.objects import Resource
from kfi.snapshot.ownership import LogOwners
from kfi.snapshot.provenance import Seen, merged, quote
from kfi.snapshot.read.api import SLICE_ANNOTATION, dig
from kfi.snapshot.resources import CLASSES, CLUSTER_SCOPED, Other
from kfi.snapshot.view import Alert, Check, Event, Listing, Log, NodeService, Snapshot

# Of a message that a text prints with its line breaks: what is quoted of it.
_MAX_MESSAGE_LINES, _MAX_LINE_CHARS = 30, 400


@dataclass
class _Parts:
    """Documents by what they are, while a snapshot is built."""

    objects: dict[ObjectRef, list[Seen]] = field(default_factory=lambda: defaultdict(list))
    by_kind: dict[DocumentKind, list[Document]] = field(default_factory=lambda: defaultdict(list))


@collector_at_rest()
def build_snapshot(documents: Iterable[Document], as_of: datetime | None = None) -> Snapshot:
    """Build the snapshot that documents show; `as_of` defaults to the newest time of observation among them."""
    parts = _sorted_out(documents)
    listings = tuple(_listing(d) for d in parts.by_kind[DocumentKind.LISTING])
    heard = (document.ref.object for document in parts.by_kind[DocumentKind.EVENT])
    seen = _place_unnamed(parts.objects, frozenset(ref for ref in heard if ref.namespace))
    objects, declared = {}, {}
    for ref, texts in seen.items():
        if not _gone(ref, texts, listings):
            objects[ref] = _typed(ref, texts)
        applied = [one for one in texts if one.record.applied]
        if applied:
            declared[ref] = _typed(ref, applied)
    names = Names(objects)
    newest = max((d.observed_at for ds in parts.by_kind.values() for d in ds), default=datetime.now(UTC))
    snapshot = Snapshot(
        as_of=as_of or newest,
        objects=objects,
        declared=declared,
        seen=seen,
        events=_events(parts.by_kind[DocumentKind.EVENT], names, Manifests(seen)),
        services=tuple(_node_service(d) for d in parts.by_kind[DocumentKind.NODE_SERVICE]),
        alerts=tuple(_alert(d, names) for d in parts.by_kind[DocumentKind.ALERT]),
        calls=tuple(pair for d in parts.by_kind[DocumentKind.CALLS] for pair in _calls(d)),
        checks=tuple(_check(d) for d in parts.by_kind[DocumentKind.CHECK]),
        listings=listings,
    )
    logs = parts.by_kind[DocumentKind.LOG]
    owners = LogOwners(snapshot, logs)
    return replace(snapshot, logs=tuple(_log(document, names, owners) for document in logs))


def _sorted_out(documents: Iterable[Document]) -> _Parts:
    parts = _Parts()
    for document in documents:
        parts.by_kind[document.kind].append(document)
        if document.kind is DocumentKind.OBJECT:
            record = ObjectRecord.model_validate(document.payload)
            parts.objects[_described(document.ref.object, record)].append(Seen(document, record))
    return parts


def _described(ref: ObjectRef, record: ObjectRecord) -> ObjectRef:
    """Give the object a text is about: a slice of endpoints is about the Endpoints of its Service."""
    service = dig(record.fields, "metadata", "labels", "kubernetes.io/service-name")
    if ref.kind != "EndpointSlice" or not service or "subsets" not in record.fields:
        return ref
    return ref.model_copy(update={"kind": "Endpoints", "name": str(service)})


def _place_unnamed(
    objects: Mapping[ObjectRef, list[Seen]], heard: frozenset[ObjectRef] = frozenset()
) -> dict[ObjectRef, tuple[Seen, ...]]:
    """Give texts by object, best first; one without a namespace joins the object of its kind and name that has one.

    `heard` are objects that Events name. A live object that nothing names is of the one namespace that all else is of.
    """
    placed: dict[ObjectRef, list[Seen]] = defaultdict(list)
    homes: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    live = {ref for ref, texts in objects.items() if not all(text.record.applied for text in texts)} | heard
    for ref in (*objects, *heard):
        if ref.namespace:
            homes[ref.cluster, ref.kind, ref.name].add(ref.namespace)
    everywhere = {ref.namespace for ref in live if ref.namespace}
    for ref, texts in objects.items():
        if not ref.namespace and ref.kind not in CLUSTER_SCOPED:
            known = homes.get((ref.cluster, ref.kind, ref.name), set()) or (everywhere if ref in live else set())
            # `kubectl apply` without a namespace means the context's; "default" is what a context has unless told.
            home = next(iter(known)) if len(known) == 1 else "default"
            ref = ref.model_copy(update={"namespace": home if ref.kind in CLASSES else next(iter(known), "")})
        placed[ref].extend(texts)
    return {ref: tuple(sorted(_one_incarnation(texts), key=_rank, reverse=True)) for ref, texts in placed.items()}


def _rank(seen: Seen) -> tuple[bool, datetime, int]:
    return seen.rank


def _one_incarnation(texts: list[Seen]) -> list[Seen]:
    """Keep the newest uid's texts, and those that name no uid: a recreated object is another one."""
    newest = max((t for t in texts if t.document.incarnation), key=_rank, default=None)
    if newest is None:
        return texts
    return [t for t in texts if t.document.incarnation in ("", newest.document.incarnation)]


def _gone(ref: ObjectRef, texts: tuple[Seen, ...], listings: Iterable[Listing]) -> bool:
    live = [t for t in texts if not t.record.applied]
    if not live:
        return False
    if live[0].record.deleted:
        return True
    last_seen = max(t.document.observed_at for t in live)
    return any(x.covers(ref) and x.observed_at > last_seen and not x.holds(ref) for x in listings)


def _typed(ref: ObjectRef, texts: Iterable[Seen]) -> Resource:
    texts = tuple(texts)
    fields = merged(texts)
    if ref.kind == "Endpoints":
        fields = {**fields, **_all_slices(texts)}
    observed = any(not one.record.applied for one in texts)
    extra = {"ref": ref, "observed": observed, "kind": ref.kind}
    return _validated(CLASSES.get(ref.kind, Other), {**fields, **extra})


def _all_slices(texts: tuple[Seen, ...]) -> dict[str, Any]:
    """Give the subsets of all slices of one Service together, each slice by its best text."""
    best: dict[str, Any] = {}
    for one in texts:
        annotated = dig(one.record.fields, "metadata", "annotations", SLICE_ANNOTATION)
        name = annotated or (one.document.ref.name if one.document.ref.kind == "EndpointSlice" else "")
        if not name:
            return {}
        best.setdefault(name, one.record.fields.get("subsets") or [])
    return {"subsets": [subset for subsets in best.values() for subset in subsets]}


def _validated(cls: type[Resource], fields: dict[str, Any]) -> Resource:
    """Read fields into a class; one that has a wrong type is dropped, so the rest of the object is still known."""
    for _ in range(20):
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            for wrong in error.errors(include_url=False, include_context=False):
                fields = _without(fields, wrong["loc"])
    return cls.model_validate({key: fields[key] for key in ("ref", "observed", "kind")})


def _without(tree: Any, path: tuple[int | str, ...]) -> Any:
    if not path:
        return tree
    key, rest = path[0], path[1:]
    if isinstance(tree, dict) and key in tree:
        inner = tree[key]
        if rest and isinstance(inner, dict | list):
            return {**tree, key: _without(inner, rest)}
        return {k: v for k, v in tree.items() if k != key}
    if isinstance(tree, list) and isinstance(key, int) and key < len(tree):
        if rest and isinstance(tree[key], dict | list):
            return [*tree[:key], _without(tree[key], rest), *tree[key + 1 :]]
        return [*tree[:key], *tree[key + 1 :]]
    return tree


def _citation(document: Document, line: int | None = None) -> Citation:
    source = document.source
    if line is None:
        text = document.text if len(document.text) < 2000 else quote(document, source.first_line)
        first, last = source.first_line, source.last_line
    else:
        text, first, last = quote(document, line), line, line
    return Citation(document_id=document.id, path=source.path, first_line=first, last_line=last, text=text)


def _listing(document: Document) -> Listing:
    record = ListingRecord.model_validate(document.payload)
    names = frozenset(record.names)
    at, cluster = document.observed_at, document.ref.cluster
    line = document.source.first_line
    return Listing(cluster, record.kind, record.namespace, names, at, _citation(document, line))


def _events(documents: Iterable[Document], names: Names, manifests: Manifests) -> tuple[Event, ...]:
    """Give single messages; the same message from two texts (a table and `describe`) counts once."""
    found: dict[tuple[ObjectRef, str, str], Event] = {}
    for document in documents:
        record = EventRecord.model_validate(document.payload)
        ref = names.placed(manifests.about(document.ref, record.file))
        for event in _messages(document, record, ref):
            key = (ref.object, event.reason, event.message)
            found[key] = _same_event(found[key], event) if key in found else event
    return tuple(found.values())


def event_messages(document: Document) -> Iterator[Event]:
    """Yield the messages of one group of Events, each with its line; the object is named as the text names it."""
    yield from _messages(document, EventRecord.model_validate(document.payload), document.ref)


def _messages(document: Document, record: EventRecord, ref: ObjectRef) -> Iterator[Event]:
    for message in record.messages:
        inside = document.source.first_line <= message.line <= document.source.last_line
        citation = _citation(document, message.line if inside else None)
        if inside and "\n" in message.text:
            citation = _with_later_lines(citation, document, message.text)
        if message.line and not inside:
            line = {"first_line": message.line, "last_line": message.line, "text": message.text}
            citation = citation.model_copy(update=line)
        yield Event(
            ref=ref,
            reason=record.reason,
            type=record.event_type,
            message=message.text,
            count=message.count,
            first=message.first or document.first_time,
            last=message.last or document.last_time,
            component=record.component,
            citation=citation,
            times=message.times,
        )


def _with_later_lines(citation: Citation, document: Document, message: str) -> Citation:
    """Add the lines below that print the rest of a message; there are none where it is escaped on one line."""
    rest = {line.strip() for line in message.split("\n")[1:]}
    below = document.text.split("\n")[citation.last_line - document.source.first_line + 1 :]
    shown = [
        line.rstrip()
        for line in takewhile(lambda line: line.strip() in rest or not line.strip(), below[:_MAX_MESSAGE_LINES])
    ]
    while shown and not shown[-1]:
        shown.pop()
    text = "\n".join((citation.text, *(line[:_MAX_LINE_CHARS] for line in shown)))
    return citation.model_copy(update={"last_line": citation.last_line + len(shown), "text": text})


def _same_event(one: Event, other: Event) -> Event:
    better = one if one.count >= other.count else other
    firsts = [t for t in (one.first, other.first) if t]
    lasts = [t for t in (one.last, other.last) if t]
    ref = one.ref if one.ref.container else other.ref
    return Event(
        ref=ref,
        reason=one.reason,
        type=one.type,
        message=one.message,
        count=better.count,
        first=min(firsts, default=None),
        last=max(lasts, default=None),
        component=one.component or other.component,
        citation=better.citation,
        times=better.times,
    )


def _log(document: Document, names: Names, owners: LogOwners) -> Log:
    record = LogRecord.model_validate(document.payload)
    ref = owners.owner(document, names.resolve(document.ref))
    return Log(ref, record, document.count, document.first_time, document.last_time, _citation(document))


def _node_service(document: Document) -> NodeService:
    record = NodeServiceRecord.model_validate(document.payload)
    lines = sorted(set(record.lines.values())) or [document.source.first_line]
    return NodeService(document.ref, record, tuple(_citation(document, line) for line in lines))


def _alert(document: Document, names: Names) -> Alert:
    record = AlertRecord.model_validate(document.payload)
    return Alert(names.resolve(document.ref), record, _citation(document))


def _calls(document: Document) -> Iterator[tuple[Any, Citation]]:
    for call in CallsRecord.model_validate(document.payload).calls:
        yield call, _citation(document, call.line or document.source.first_line)


def _check(document: Document) -> Check:
    return Check(CheckRecord.model_validate(document.payload), _citation(document))
