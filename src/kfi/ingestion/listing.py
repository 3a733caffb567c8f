"""
The list of a kind in a scope as a document: what proves that something did not exist.

A table and a List of the API say the same thing, so both get the same identity and the newer one holds.
"""

from __future__ import annotations

from kfi.ingestion.base import MAX_CARD_CHARS, SourceText, digest
from kfi.models.records import ListingRecord
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Source

_NAMES_IN_CARD = 20


def listing_document(source: SourceText, record: ListingRecord, lines: tuple[int, int], text: str) -> Document:
    """Give the document of a list; `lines` are the first and the last that are cited for it, `text` what they hold."""
    identity = digest(source.cluster, "listing", record.kind, record.namespace)
    scope = f" in {record.namespace}" if record.namespace else ""
    shown = ", ".join(record.names[:_NAMES_IN_CARD]) or "none"
    return Document(
        id=digest(identity, record.names),
        identity=identity,
        kind=DocumentKind.LISTING,
        ref=ObjectRef(cluster=source.cluster, kind=record.kind, namespace=record.namespace),
        source=Source(path=source.path, first_line=lines[0], last_line=lines[1]),
        observed_at=source.observed_at,
        count=len(record.names),
        text=text,
        card=f"List of {record.kind}{scope}: {shown}"[:MAX_CARD_CHARS],
        payload=record.model_dump(mode="json"),
    )
