"""
Objects in the API's own form, as JSON or YAML: what the cluster reported, and what someone applied.

A List that the cluster reported is also evidence of what did not exist, but only where all of it was read.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from kfi.errors import SourceError
from kfi.ingestion.base import BaseDocumentLoader, SourceText, digest
from kfi.ingestion.listing import listing_document
from kfi.ingestion.object_card import object_card, object_severity
from kfi.models.records import ListingRecord, ObjectRecord, TextForm
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Source
from kfi.snapshot.read.ages import timestamp
from kfi.snapshot.read.api import SLICE_ANNOTATION, dig, is_applied, is_event, read_api, refusal
from kfi.snapshot.read.found import ReadObject
from kfi.snapshot.read.json_text import BadDocument, ReadValue, read_json
from kfi.snapshot.read.yaml_text import read_yaml

# Bytes. JSON is decoded item by item; YAML takes some ten times as long.
_MAX_SIZE = {TextForm.JSON: 256 * 2**20, TextForm.YAML: 64 * 2**20}
_JSON = re.compile(r"[\s\ufeff]*(?:\{\s*[\"}]|\[\s*[\[{\"\]])")
_MAX_NOTES = 50


class ManifestLoader(BaseDocumentLoader):
    """Loads objects from JSON and YAML: manifests, `kubectl get -o json|yaml`, watches, files of support bundles."""

    def load(self, source: SourceText) -> Iterator[Document]:
        """Yield one document for each object, and one for each complete List that the cluster reported.

        Events are passed over; another loader takes them.

        Raises:
            SourceError: no object is in it.
        """
        _check_size(source, source.size, TextForm.JSON)
        text = source.text()
        form = TextForm.JSON if _JSON.match(text) else TextForm.YAML
        _check_size(source, len(text), form)
        values = read_json(text) if form is TextForm.JSON else read_yaml(text)
        yield from _Reading(source, form).documents(values)


def _check_size(source: SourceText, size: int, form: TextForm) -> None:
    limit = _MAX_SIZE[form]
    if size > limit:
        raise SourceError(
            f"{source.path!r} is larger than the {limit >> 20} MiB that one {form.value.upper()} file may have.",
            hint="Hand over one file for each namespace or kind.",
        )


@dataclass
class _Members:
    """The items of one List so far."""

    kinds: set[str] = field(default_factory=set)
    names: list[tuple[str, str]] = field(default_factory=list)
    whole: bool = True
    """All of them could be read, and all came from the API server: they have a resourceVersion."""


@dataclass
class _Reading:
    """One source while it is being read."""

    source: SourceText
    form: TextForm
    loaded: int = 0
    passed_over: int = 0
    """Events and empty Lists: read, but nothing to load."""
    notes: list[BadDocument] = field(default_factory=list)
    unnoted: int = 0
    members: _Members = field(default_factory=_Members)
    states: Counter[str] = field(default_factory=Counter)
    """States seen of each object."""

    def documents(self, values: Iterable[ReadValue | BadDocument]) -> Iterator[Document]:
        """Yield the documents of all values; at the end, say what was not loaded."""
        for value in values:
            if isinstance(value, BadDocument):
                self._note(value)
                self.members.whole = False
            elif value.is_list:
                yield from self._list(value)
            else:
                yield from self._value(value)
        self._report()

    def _value(self, value: ReadValue) -> Iterator[Document]:
        for note in value.notes:
            self._note(note)
        if value.index == 0:
            self.members = _Members()
        if is_event(value.value) or value.watch in ("BOOKMARK", "ERROR"):
            self._pass_over(value)
            return
        reason = refusal(value.value)
        if reason:
            self._note(BadDocument(f"no Kubernetes object: {reason}", value.first_line))
            self.members.whole = False
            return
        fields, text = value.value, value.text
        if self.source.redact_object:
            fields, text = self.source.redact_object(fields, text)
        found = read_api(fields, {}, self.form, value.first_line, value.last_line)
        if found:
            yield self._object(found, is_applied(fields), text, value)

    def _pass_over(self, value: ReadValue) -> None:
        self.passed_over += 1
        self.members.kinds.add("Event")
        if value.watch == "ERROR":
            message = str(dig(value.value, "message"))[:200]
            self._note(BadDocument(f"the watch ended with an error: {message}", value.first_line))

    def _object(self, found: ReadObject, applied: bool, text: str, value: ReadValue) -> Document:
        ref = ObjectRef(cluster=self.source.cluster, kind=found.kind, namespace=found.namespace, name=found.name)
        part_of_several = str(dig(found.fields, "metadata", "annotations", SLICE_ANNOTATION) or "")
        seen_as = (found.form, applied, part_of_several)
        identity = digest(ref.cluster, "object", ref.kind, ref.namespace, ref.name, *seen_as)
        deleted = value.watch == "DELETED"
        self._count(ref, found.fields)
        uid = dig(found.fields, "metadata", "uid")
        # A watch shows an object again and again; a microsecond more makes the last state the newest.
        observed_at = self.source.observed_at + timedelta(microseconds=self.states[identity])
        self.states[identity] += 1
        return Document(
            id=digest(identity, found.fields, deleted),
            identity=identity,
            kind=DocumentKind.OBJECT,
            ref=ref,
            source=Source(path=self.source.path, first_line=found.first_line, last_line=found.last_line),
            observed_at=observed_at,
            first_time=timestamp(dig(found.fields, "metadata", "creationTimestamp")),
            severity=object_severity(ref.kind, found.fields),
            text=text,
            card=object_card(ref, found.fields),
            payload=_payload(found, applied, deleted),
            # Slices of one Service have a uid each, but are one object here.
            incarnation=uid if isinstance(uid, str) and not part_of_several else "",
        )

    def _count(self, ref: ObjectRef, fields: dict[str, Any]) -> None:
        self.loaded += 1
        self.members.kinds.add(ref.kind)
        self.members.names.append((ref.namespace, ref.name))
        if not dig(fields, "metadata", "resourceVersion"):
            self.members.whole = False

    def _list(self, value: ReadValue) -> Iterator[Document]:
        """Yield the List as a listing, where it tells of one kind in one scope and is whole."""
        members, self.members = self.members, _Members()
        kind = dig(value.value, "kind")
        if not (isinstance(kind, str) and kind.endswith("List")):
            if not members.kinds:
                self._note(BadDocument("no Kubernetes object: a list without items", value.first_line))
            return
        self.passed_over += not members.kinds
        unfinished = dig(value.value, "metadata", "continue") or dig(value.value, "metadata", "remainingItemCount")
        record = _listing(members, kind, self.source)
        if record and members.whole and not unfinished:
            yield listing_document(self.source, record, (value.first_line, value.first_line), value.text)

    def _note(self, note: BadDocument) -> None:
        if len(self.notes) < _MAX_NOTES:
            self.notes.append(note)
        else:
            self.unnoted += 1

    def _report(self) -> None:
        if not self.loaded and not self.passed_over:
            reason = next((n.reason for n in self.notes if not n.reason.startswith("no ")), "")
            raise SourceError(
                f"{self.source.path!r} holds no Kubernetes object" + (f": {reason}." if reason else "."),
                hint="Hand over manifests, or what `kubectl get KIND -o yaml` writes.",
            )
        for note in self.notes:
            self.source.skip(note.reason, note.line)
        if self.unnoted:
            self.source.skip(f"{self.unnoted} more parts, for reasons like these")


def _payload(found: ReadObject, applied: bool, deleted: bool) -> dict[str, Any]:
    """Give the payload of one state of an object; what JSON was read into is JSON already, and is not copied."""
    fields = {} if found.form is TextForm.JSON else found.fields
    payload = ObjectRecord(form=found.form, applied=applied, fields=fields, deleted=deleted).model_dump(mode="json")
    return {**payload, "fields": found.fields} if found.form is TextForm.JSON else payload


def _listing(members: _Members, list_kind: str, source: SourceText) -> ListingRecord | None:
    """Give what a List says of its scope; None where it does not tell which kind or namespace it is about."""
    kind = list_kind.removesuffix("List")
    if not members.kinds and kind not in ("", "Event") and source.namespace:
        return ListingRecord(kind=kind, namespace=source.namespace)
    if len(members.kinds) != 1 or not members.names:
        return None
    if len(members.names) == 1 and members.names[0][1] in source.path:  # asked for by name
        return None
    namespaces = {namespace for namespace, _ in members.names}
    # One namespace alone may be all that there is, but the narrower claim is right in any case.
    namespace = namespaces.pop() if len(namespaces) == 1 else ""
    names = (f"{home}/{name}" if home and not namespace else name for home, name in members.names)
    return ListingRecord(kind=next(iter(members.kinds)), namespace=namespace, names=tuple(dict.fromkeys(names)))
