"""
The ledger's tables, and how a document becomes a row and a row a document.

Times are whole microseconds since 1970 in UTC, so they compare as numbers in any database. The payload is compressed
JSON in ASCII: texts that hold half a surrogate pair survive there, where a database would refuse them.
"""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Row, String, Table, Text

from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity, Source

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# A count from a hostile file may be any number of digits long; a column holds 63 bits.
_MAX_COUNT = 2**62

metadata = MetaData()

documents = Table(
    "documents",
    metadata,
    Column("seq", Integer, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("identity", String(64), nullable=False),
    Column("cluster", String, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("object_kind", String, nullable=False),
    Column("namespace", String, nullable=False),
    Column("name", String, nullable=False),
    Column("container", String, nullable=False),
    Column("incarnation", String, nullable=False),
    Column("path", Text, nullable=False),
    Column("first_line", Integer, nullable=False),
    Column("last_line", Integer, nullable=False),
    Column("observed_at", BigInteger, nullable=False),
    Column("first_time", BigInteger),
    Column("last_time", BigInteger),
    Column("count", BigInteger, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("card", Text, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("written_at", BigInteger, nullable=False),
    Column("indexed_at", BigInteger),
    Index("documents_of_object", "object_kind", "namespace", "name"),
    Index("documents_by_kind", "kind", "cluster", "last_time"),
    Index("documents_not_indexed", "indexed_at", "seq"),
)

# When each state was seen. One row for each time of observation, so a state that went and came back (A, B, A) is the
# newest again, and the state at any moment can be told exactly.
sightings = Table(
    "sightings",
    metadata,
    Column("document_id", String(64), primary_key=True),
    Column("seen_at", BigInteger, primary_key=True),
    Index("sightings_by_time", "seen_at"),
)

settings = Table(
    "settings",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)


def micros(time: datetime) -> int:
    """Give an aware time in microseconds since 1970.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, 5, tzinfo=UTC))
    1000005
    """
    return (time - _EPOCH) // _MICROSECOND


def moment(value: int) -> datetime:
    """Give the time that `micros` made a number of."""
    return _EPOCH + value * _MICROSECOND


def row_of(document: Document, written_at: int, compression: int = 1) -> dict[str, Any]:
    """Give the row that holds a document; `compression` is zlib's level, of which 0 only wraps the payload."""
    ref, source = document.ref, document.source
    payload = json.dumps(document.payload, ensure_ascii=True, separators=(",", ":"))
    texts = {
        "cluster": ref.cluster,
        "object_kind": ref.kind,
        "namespace": ref.namespace,
        "name": ref.name,
        "container": ref.container,
        "incarnation": document.incarnation,
        "path": source.path,
        "text": document.text,
        "card": document.card,
    }
    return {
        **{name: _storable(text) for name, text in texts.items()},
        "id": document.id,
        "identity": document.identity,
        "kind": document.kind.value,
        "first_line": source.first_line,
        "last_line": source.last_line,
        "observed_at": micros(document.observed_at),
        "first_time": _optional(document.first_time),
        "last_time": _optional(document.last_time),
        "count": min(document.count, _MAX_COUNT),
        "severity": document.severity.value,
        "payload": zlib.compress(payload.encode("ascii"), compression),
        "written_at": written_at,
    }


def document_of(row: Row[Any], observed_at: int | None = None) -> Document:
    """Give the document that a row holds; `observed_at` replaces the time of its first observation."""
    return Document(
        id=row.id,
        identity=row.identity,
        kind=DocumentKind(row.kind),
        ref=ObjectRef(
            cluster=row.cluster,
            kind=row.object_kind,
            namespace=row.namespace,
            name=row.name,
            container=row.container,
        ),
        source=Source(path=row.path, first_line=row.first_line, last_line=row.last_line),
        observed_at=moment(row.observed_at if observed_at is None else observed_at),
        first_time=None if row.first_time is None else moment(row.first_time),
        last_time=None if row.last_time is None else moment(row.last_time),
        count=row.count,
        severity=Severity(row.severity),
        text=row.text,
        card=row.card,
        payload=json.loads(zlib.decompress(row.payload)),
        incarnation=row.incarnation,
    )


def _optional(time: datetime | None) -> int | None:
    return None if time is None else micros(time)


def _storable(text: str) -> str:
    """Give the text without halves of surrogate pairs, which no database takes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
