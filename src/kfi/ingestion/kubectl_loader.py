"""
Text that kubectl printed for people: tables, `describe`, and whole terminal transcripts of both.

A table is also a complete list of its kind in its scope, unless a selector, a name or a pipe took rows away; where the
scope is not known it is no list. Other outputs inside a transcript go to the loaders that know them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

from kfi.errors import SourceError
from kfi.ingestion.base import BaseDocumentLoader, SourceText, digest
from kfi.ingestion.events_loader import events_of_describe
from kfi.ingestion.kubectl_commands import Hints, Section, hints_of_command, hints_of_path, sections
from kfi.ingestion.listing import listing_document
from kfi.ingestion.object_card import object_card, object_severity
from kfi.ingestion.refusals import refusal_documents
from kfi.ingestion.transcript import foreign_reader
from kfi.models.records import ListingRecord, ObjectRecord
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Source
from kfi.snapshot.read.ages import timestamp
from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.read.found import ReadObject
from kfi.snapshot.read.lineage import is_tree, read_tree
from kfi.snapshot.read.refused import is_refusal
from kfi.snapshot.read.resource_names import known_kind
from kfi.snapshot.read.table import Table, read_table
from kfi.snapshot.resources import CLUSTER_SCOPED

_HINT = "Write one with 'kubectl get pods -A -o wide' or 'kubectl describe pods -A'; JSON and YAML say even more."
# Other loaders read the transcript anew for each section; more sections than this are no terminal session.
_MAX_FOREIGN_SECTIONS = 200
# A longer list is cited by its header line alone.
_MAX_LISTING_LINES = 200
_ERRORS = ("Error from server", "error: ", "Unable to connect to the server", "The connection to the server")
_NO_SUCH_KIND = re.compile(r"error: the server doesn't have a resource type \"([\w.-]{1,63})\"")
_WRITES = frozenset({"apply", "create", "replace", "patch", "run", "expose", "?"})
_CUSTOM_KINDS = frozenset("ScaledObject VerticalPodAutoscaler Rollout ServiceMonitor NodePool NodeClaim".split())


class KubectlTextLoader(BaseDocumentLoader):
    """Loads `kubectl get` tables, `kubectl describe` text, and transcripts of several commands."""

    def load(self, source: SourceText) -> Iterator[Document]:
        """Yield an OBJECT for each object shown, a LISTING for each complete table, and the Events of `describe`.

        Raises:
            SourceError: nothing in it is a table or `describe` text.
        """
        lines = list(source.lines())
        found = False
        foreign = 0
        for section in sections(lines):
            refused = list(_refusals(source, section))
            found = found or bool(refused)
            yield from refused
            if refused and _says_no_more(section):
                continue
            if _without_objects(section, source):
                found = found or bool(section.command) or section.whole
                for document in _unknown_kind(section, source):
                    found = True
                    yield document
                continue
            found = found or section.first_filled[1].startswith("No resources found")
            reader = foreign_reader(section)
            foreign += reader is not None
            if reader and foreign <= _MAX_FOREIGN_SECTIONS:
                documents = reader(source, section, _hints(source, section))
            else:
                documents = _kubectl_text(source, section)
            for document in documents:
                found = True
                yield document
        if not found:
            raise SourceError(f"{source.path!r} is not a kubectl table or describe text.", hint=_HINT)


def _refusals(source: SourceText, section: Section) -> Iterator[Document]:
    """Yield what the API server refused; below a `Name:` stands what an object holds."""
    above = section.lines[: _described_at(section)]
    if any(map(is_refusal, above)):
        yield from refusal_documents(source, above, section.first_line, _hints(source, section))


def _says_no_more(section: Section) -> bool:
    """Tell whether a section that holds a refusal holds nothing else to read."""
    verb = hints_of_command(section.command).verb if section.command else ""
    return verb in _WRITES or section.first_filled[1].startswith(_ERRORS)


def _without_objects(section: Section, source: SourceText) -> bool:
    """Tell whether there is nothing to load, and say why: nothing was printed, or an error."""
    number, line = section.first_filled
    if line.startswith(_ERRORS):
        source.skip(f"kubectl answered: {line[:200]}", number)
    elif not line and (section.command or section.whole):
        source.skip(f"{section.command[:120]!r} printed nothing" if section.command else "empty", section.first_line)
    return not line or line.startswith((*_ERRORS, "No events found"))


def _unknown_kind(section: Section, source: SourceText) -> Iterator[Document]:
    """Yield the empty list of a custom kind that the API server does not know: there is none anywhere.

    Of Kubernetes' own kinds kubectl says the same where it may not ask, so nothing follows for those.
    """
    number, line = section.first_filled
    match = _NO_SUCH_KIND.match(line)
    kind = known_kind(match[1]) if match else ""
    if kind in _CUSTOM_KINDS:
        yield listing_document(source, ListingRecord(kind=kind, namespace=""), (number, number), line[:300])


def _hints(source: SourceText, section: Section) -> Hints:
    of_path = hints_of_path(source.path, source.namespace)
    if not section.command:
        return of_path
    hints = hints_of_command(section.command)
    return hints if hints.namespace or hints.all_namespaces else replace(hints, namespace=of_path.namespace)


def _kubectl_text(source: SourceText, section: Section) -> Iterator[Document]:
    hints = _hints(source, section)
    if hints.verb not in ("", "get", "describe") or hints.output in ("yaml", "json", "jsonpath", "name"):
        source.skip(f"output of {section.command[:120]!r} is not read here", section.first_line)
        return
    described = _described_at(section)
    above = section.lines[:described]
    if is_tree(above):
        for found in read_tree(above, section.first_line, source.observed_at):
            text = section.text(found.first_line, found.last_line)
            yield _object(source, found, text, "" if hints.all_namespaces else hints.namespace)
        return
    for table in read_table(above, hints.kind, section.first_line, source.observed_at):
        yield from _table_documents(table, source, section, hints)
    if described < len(section.lines):
        yield from _describe_documents(source, section, described, hints)


def _described_at(section: Section) -> int:
    """Give the index of the line where `describe` text begins; a refused patch has a `Name:` in quotes."""
    lines = enumerate(section.lines)
    names = (i for i, line in lines if line.startswith("Name:") and not line.startswith('Name: "'))
    return next(names, len(section.lines))


def _describe_documents(source: SourceText, section: Section, start: int, hints: Hints) -> Iterator[Document]:
    for described in read_describe(section.lines[start:], hints.kind, section.first_line + start):
        found = described.object
        if not found.kind:
            source.skip("describe text of an unknown kind", found.first_line)
            continue
        document = _object(source, found, section.text(found.first_line, found.last_line), hints.namespace)
        yield document
        yield from events_of_describe(list(described.event_rows), document.ref, source)


def _table_documents(table: Table, source: SourceText, section: Section, hints: Hints) -> Iterator[Document]:
    if table.empty_namespace is not None:
        yield from _empty_listing(table, source, hints)
        return
    if not table.kind:
        source.skip(_unknown_table(table), table.first_line)
        return
    if table.unread:
        source.skip(f"{len(table.unread)} lines of a {table.kind} table are no rows", table.unread[0])
    namespace = "" if hints.all_namespaces else hints.namespace
    states: Counter[tuple[str, str, str]] = Counter()
    for found in table.objects:
        key = (found.kind, found.namespace, found.name)
        # `kubectl get -w` prints an object again when it changes; a microsecond more makes the last state the newest.
        seen_at = source.observed_at + timedelta(microseconds=states[key])
        states[key] += 1
        text = section.text(found.first_line, found.last_line)
        yield _object(source, found, text, namespace).model_copy(update={"observed_at": seen_at})
    if table.headed and len(states) == len(table.objects):
        yield from _listing(table, source, section, hints)


def _unknown_table(table: Table) -> str:
    if "CPU(cores)" in table.columns:
        return "usage (kubectl top) is not read"
    return f"not known which kind this table lists: {table.header[:120]!r}"


def _object(source: SourceText, found: ReadObject, text: str, namespace: str) -> Document:
    home = "" if found.kind in CLUSTER_SCOPED else found.namespace or namespace
    ref = ObjectRef(cluster=source.cluster, kind=found.kind, namespace=home, name=found.name)
    fields = found.fields
    if source.redact_object:
        fields, text = source.redact_object(fields, text)
    identity = digest(ref.cluster, "object", ref.kind, ref.namespace, ref.name, found.form, found.header.split())
    record = ObjectRecord(form=found.form, fields=fields, header=found.header)
    return Document(
        id=digest(identity, _state(fields)),
        identity=identity,
        kind=DocumentKind.OBJECT,
        ref=ref,
        source=Source(path=source.path, first_line=found.first_line, last_line=found.last_line),
        observed_at=source.observed_at,
        first_time=timestamp(fields.get("metadata", {}).get("creationTimestamp")),
        severity=object_severity(found.kind, fields),
        text=text,
        card=object_card(ref, fields),
        payload=record.model_dump(mode="json"),
        incarnation=_uid(fields),
    )


def _uid(fields: dict[str, Any]) -> str:
    uid = fields.get("metadata", {}).get("uid", "")
    return uid if isinstance(uid, str) else ""


def _state(fields: dict[str, Any]) -> dict[str, Any]:
    """Give what makes a state another one: an AGE gives a slightly different creation time at every look."""
    metadata = {key: value for key, value in fields.get("metadata", {}).items() if key != "creationTimestamp"}
    return {**fields, "metadata": metadata}


def _listing(table: Table, source: SourceText, section: Section, hints: Hints) -> Iterator[Document]:
    """Yield the list that a table is; nothing where rows may be missing or the scope is not known."""
    kinds = {found.kind for found in table.objects}
    named_in_path = len(table.objects) == 1 and table.objects[0].name in source.path
    if hints.filtered or named_in_path or len(kinds) != 1:
        return
    kind = kinds.pop()
    everywhere = kind in CLUSTER_SCOPED or "NAMESPACE" in table.columns
    if not everywhere and (hints.all_namespaces or not hints.namespace):
        return
    names = tuple(f"{found.namespace}/{found.name}" if found.namespace else found.name for found in table.objects)
    record = ListingRecord(kind=kind, namespace="" if everywhere else hints.namespace, names=names)
    long = table.last_line - table.first_line >= _MAX_LISTING_LINES
    lines = (table.first_line, table.first_line if long else table.last_line)
    yield listing_document(source, record, lines, section.text(*lines))


def _empty_listing(table: Table, source: SourceText, hints: Hints) -> Iterator[Document]:
    kind = hints.kind
    if not kind:
        source.skip("kubectl found nothing, and it is not known of which kind", table.first_line)
        return
    if hints.filtered:
        return
    scope = "" if kind in CLUSTER_SCOPED or hints.all_namespaces else table.empty_namespace or hints.namespace
    record = ListingRecord(kind=kind, namespace=scope)
    yield listing_document(source, record, (table.first_line, table.first_line), table.header)
