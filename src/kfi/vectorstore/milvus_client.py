"""
An index that stays, in Milvus: a folder of Milvus Lite by default, any Milvus server by its URI.

One collection holds one model's vectors of one dimension; an index of another model is refused, never mixed.
"""

from __future__ import annotations

import contextlib
import logging
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import numpy as np

from kfi.errors import ConfigError, ServiceError
from kfi.vectorstore.filters import Condition, compile_filter, quoted
from kfi.vectorstore.index import IndexRow, Match, Vectors
from kfi.vectorstore.lite import LiteServer, empty
from kfi.vectorstore.milvus_schema import (
    CALL_S,
    ID,
    SPARSE,
    VECTOR,
    Recorded,
    collection_name,
    create,
    entity,
    has_words,
    prefix,
    question_words,
    recorded,
)

if TYPE_CHECKING:
    from pymilvus import MilvusClient

# Seconds. A person waits for the first; the others end by themselves unless the server hangs. Milvus Lite is in this
# process: it answers, however busy the machine is.
_CONNECT_S = 3.0
_LITE_CONNECT_S = 60.0
_WRITE_S = 60.0
_FLUSH_S = 600.0

_ROWS = 500
"""Rows of one upsert. A gRPC message of a server has at most 64 MB; 500 of the longest rows have 34."""
_IDS = 1_000
_MOST = 16_384
"""Matches of one search; a limit of Milvus."""
# Rows that HNSW looks at before it is content (`ef`). A server searches exactly where a filter leaves few rows; Milvus
# Lite drops filtered rows from what it looked at, so with little to look at, it finds nothing behind a narrow filter.
# Of 20,000 rows, where 1 in 400 passes: 7% of the nearest with 64, 98% with 4,096, in 20 ms.
_BREADTH = 128
_LITE_BREADTH = 1_024
_LITE_FILTERED_BREADTH = 4_096
# Milvus Lite weighs a word by how rare it is among the rows of one flush. In a document that came alone no word is
# rare, and among 5,000 others its own name did not find it.
_LITE_FEWEST = 256
_BM25_SINCE = (2, 5)

_NO_BM25 = "Words are not searched: the index was made on a Milvus without BM25 ({version}); that came with 2.5."
_UNREACHABLE = "The index is not searched: {message}"


class StoreFacts(NamedTuple):
    """What the index is, for a person who asks."""

    where: str
    server: str
    """Version, as the server says it."""
    collection: str
    made: Recorded
    rows: int


class _Link(NamedTuple):
    client: MilvusClient
    server: str
    bm25: bool
    """Whether the collection has words; known once it was found or made."""
    lite: LiteServer | None


class MilvusStore:
    """Searches one collection of Milvus. Connects at the first call; safe to share between threads.

    Args:
        uri: folder for Milvus Lite, or `http://HOST:19530`, with `/DATABASE` where it is not the default one.
        model: name of the embedder; recorded in the collection.
        dimension: numbers of a vector.
        token: `user:password` or API key of the server.
        store: what tells this store's collections from others on the same server.
    """

    def __init__(self, uri: str, *, model: str, dimension: int, token: str = "", store: str = "") -> None:
        self._uri = uri
        self._made = Recorded(model, dimension)
        self._token = token
        self.collection = collection_name(model, dimension, store)
        self._prefix = prefix(store)
        self._opening = threading.Lock()
        # Milvus Lite loses acknowledged rows of one of two writers.
        self._writing = threading.Lock()
        self._link: _Link | None = None
        self._prepared = False
        self._closed = False

    @property
    def is_lite(self) -> bool:
        """Whether the index is a folder."""
        return "://" not in self._uri

    @property
    def missing(self) -> tuple[str, ...]:
        """What this index cannot do, a sentence each: no BM25, or not being there."""
        if self.is_lite:
            return ()
        try:
            with self._door() as link:
                return () if link.bm25 else (_NO_BM25.format(version=link.server),)
        except (ServiceError, ConfigError) as error:
            return (_UNREACHABLE.format(message=error.message),)

    @property
    def fewest(self) -> int:
        """Rows that one `flush` should find at least; 0 where words are weighed by all rows anyhow."""
        return _LITE_FEWEST if self.is_lite else 0

    def upsert(self, rows: Sequence[IndexRow]) -> None:
        """Put rows in; one of a known id takes the other's place, also within `rows`. Searchable after `flush`.

        Raises:
            ValueError: a vector has not the index's dimension, or a number that is none.
            ServiceError: Milvus did not take them; some of them may be in, and the same call puts them in once more.
        """
        for row in rows:
            if row.vector.shape != (self._made.dimension,) or not np.isfinite(row.vector).all():
                raise ValueError(f"A vector of {self._made} is needed, not one of shape {row.vector.shape}.")
        latest = iter({row.document.id: row for row in rows}.values())
        with self._writing, self._door() as link:
            while batch := [entity(row, bm25=link.bm25) for row in islice(latest, _ROWS)]:
                link.client.upsert(self.collection, batch, timeout=_WRITE_S)

    def flush(self) -> None:
        """Make what was put in durable and fast to search: Milvus Lite searches new rows 40 times slower."""
        with self._writing, self._door() as link:
            link.client.flush(self.collection, timeout=_FLUSH_S)

    def count(self) -> int:
        """Count the rows, those just written among them."""
        with self._door() as link:
            return self._count(link)

    def missing_ids(self, ids: Iterable[str]) -> set[str]:
        """Give those of the ids that have no row."""
        absent, waiting = set(), iter(ids)
        with self._door() as link:
            while batch := set(islice(waiting, _IDS)):
                rows = link.client.query(
                    self.collection,
                    filter=f"{ID} in [{', '.join(map(quoted, batch))}]",
                    output_fields=[ID],
                    timeout=CALL_S,
                    consistency_level="Strong",
                )
                absent |= batch - {row[ID] for row in rows}
        return absent

    def dense(self, vectors: Vectors, where: Condition | None, limit: int) -> list[list[Match]]:
        """Give for each vector the documents with the nearest cards by cosine, best first; one call for all."""
        if not len(vectors):
            return []
        breadth = _BREADTH
        if self.is_lite:
            breadth = _LITE_FILTERED_BREADTH if where else _LITE_BREADTH
        params = {"metric_type": "COSINE", "params": {"ef": max(min(limit, _MOST), breadth)}}
        with self._door() as link:
            return self._search(link, list(vectors), VECTOR, params, (where, limit))

    def lexical(self, texts: Sequence[str], where: Condition | None, limit: int) -> list[list[Match]]:
        """Give for each text the documents with its words (BM25), best first; one call for all.

        Empty lists where the server has no BM25; `missing` says so.
        """
        asked = [question_words(text) for text in texts]
        params: dict[str, Any] = {"metric_type": "BM25", "params": {}}
        with self._door() as link:
            if not link.bm25 or not any(asked):
                return [[] for _ in texts]
            found = iter(self._search(link, [text for text in asked if text], SPARSE, params, (where, limit)))
            # Milvus Lite gives distances of BM25, the best of them the most negative; servers give scores.
            return [[_scored(match) for match in next(found)] if text else [] for text in asked]

    def about(self) -> StoreFacts:
        """Tell what the index is, as Milvus describes it."""
        with self._door() as link:
            made = recorded(link.client, self.collection) or self._made
            return StoreFacts(_shown(self._uri), link.server, self.collection, made, self._count(link))

    def drop(self) -> None:
        """Remove every collection of this store, of other models too; the next call makes this one anew, empty.

        Milvus Lite's folder is removed as a whole, also where it is too damaged to be opened.
        """
        if self.is_lite:
            with self._writing, self._opening:
                self._let_go()
                self._prepared = False
                empty(Path(self._uri).expanduser())
            return
        with self._writing, self._door(prepare=False) as link:
            for name in link.client.list_collections(timeout=CALL_S):
                if self._made_with(link.client, name):
                    link.client.drop_collection(name, timeout=_WRITE_S)
            self._prepared = False

    def close(self) -> None:
        """Let go of it, and of the folder's lock; it does not open again."""
        with self._writing, self._opening:
            self._closed = True
            self._let_go()

    def _let_go(self) -> None:
        link, self._link = self._link, None
        if link:
            link.client.close()
            if link.lite:
                link.lite.close()

    def _count(self, link: _Link) -> int:
        rows = link.client.query(
            self.collection, output_fields=["count(*)"], timeout=CALL_S, consistency_level="Strong"
        )
        return int(rows[0]["count(*)"])

    def _search(
        self, link: _Link, data: list[Any], column: str, params: dict[str, Any], narrowed: tuple[Condition | None, int]
    ) -> list[list[Match]]:
        where, limit = narrowed
        found = link.client.search(
            self.collection,
            data,
            filter=compile_filter(where) if where else "",
            limit=min(limit, _MOST),
            # Without any, Milvus Lite sends every column, vectors and texts included.
            output_fields=[ID],
            search_params=params,
            anns_field=column,
            timeout=CALL_S,
        )
        return [[Match(str(hit[ID]), float(hit["distance"])) for hit in hits] for hits in found]

    @contextlib.contextmanager
    def _door(self, *, prepare: bool = True) -> Iterator[_Link]:
        """Give the connection, and turn whatever Milvus, gRPC or the disk say into a ServiceError."""
        # Imported here: it takes a second, and a question that is answered by rules alone does not need it.
        import grpc
        from pymilvus.exceptions import MilvusException

        try:
            yield self._linked(prepare=prepare)
        except (MilvusException, grpc.RpcError, OSError) as error:
            # A server that comes back may not have the collection loaded, or may be another one.
            self._prepared = False
            raise (self._closed_error() if self._closed else self._failure(error)) from error
        except (ValueError, RuntimeError) as error:
            # gRPC's word for a call that is under way while another thread closes the connection.
            if not self._closed:
                raise
            raise self._closed_error() from error

    def _closed_error(self) -> ServiceError:
        return ServiceError(f"The index at {_shown(self._uri)!r} is closed.", hint="Start kfi again.")

    def _failure(self, error: Exception) -> ServiceError:
        if "No space left" in _said(error):
            hint = "Make room on the disk and run the same command again; what is in the ledger is not lost."
        elif self.is_lite:
            hint = "Run 'kfi reindex'; everything in an index can be made anew."
        else:
            hint = "Start it with 'docker compose up -d', or set KFI_MILVUS_URI to a running server."
        return ServiceError(f"Milvus at {_shown(self._uri)!r} did not answer: {_said(error)}.", hint=hint)

    def _linked(self, *, prepare: bool) -> _Link:
        with self._opening:
            if self._closed:
                raise self._closed_error()
            link = self._link = self._link or self._connect()
            if prepare and not self._prepared:
                self._link = link = self._prepare(link)
                self._prepared = True
            return link

    def _connect(self) -> _Link:
        from pymilvus import MilvusClient

        if not self.is_lite:
            _check_address(self._uri)
        # They log a traceback for each call that fails; the failure is raised as well.
        for library in ("pymilvus", "milvus_lite", "grpc"):
            logging.getLogger(library).setLevel(logging.CRITICAL)
        with contextlib.ExitStack() as undo:
            lite = LiteServer(Path(self._uri).expanduser()) if self.is_lite else None
            if lite:
                undo.callback(lite.close)
            patience_s = _LITE_CONNECT_S if lite else _CONNECT_S
            # Not shared: closing a shared connection leaves its channel open.
            client = MilvusClient(
                lite.address if lite else self._uri, token=self._token, timeout=patience_s, dedicated=True
            )
            undo.callback(client.close)
            server = client.get_server_version(timeout=patience_s)
            undo.pop_all()
        return _Link(client, server, bm25=False, lite=lite)

    def _prepare(self, link: _Link) -> _Link:
        """Find or make the collection, check it and load it: after it was opened again it is not loaded."""
        names = link.client.list_collections(timeout=CALL_S)
        if self.collection not in names:
            self._refuse(made for name in names if (made := self._made_with(link.client, name)))
            bm25 = bool(link.lite) or _version(link.server) >= _BM25_SINCE
            create(link.client, self.collection, self._made, lite=bool(link.lite), bm25=bm25)
        # Also one just made: another process may have been faster, with another dimension or without words.
        self._refuse([recorded(link.client, self.collection)])
        link.client.load_collection(self.collection, timeout=_WRITE_S)
        return link._replace(bm25=has_words(link.client, self.collection))

    def _made_with(self, client: MilvusClient, name: str) -> Recorded | None:
        return recorded(client, name) if name.startswith(self._prefix) else None

    def _refuse(self, found: Iterable[Recorded | None]) -> None:
        other = next((made for made in found if made != self._made), self._made)
        if other != self._made:
            raise ConfigError(
                f"The index at {_shown(self._uri)!r} was made by {other or 'something else'}, "
                f"but the settings name {self._made}.",
                hint="Run 'kfi reindex' to make it anew, or set the model and dimension it was made with.",
            )


def _scored(match: Match) -> Match:
    return match._replace(score=abs(match.score))


def _check_address(uri: str) -> None:
    """Raise a ConfigError where a URI cannot be one of Milvus: pymilvus would take its own default for what lacks."""
    try:
        parts = urlsplit(uri)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ConfigError(
            f"{_shown(uri)!r} is no address of a Milvus server.",
            hint="Set KFI_MILVUS_URI to one like 'http://127.0.0.1:19530', or to none for Milvus Lite.",
        )


def _shown(uri: str) -> str:
    """Give a URI without the credentials that may stand in it."""
    return re.sub(r"//[^/@]*@", "//", uri)


def _version(said: str) -> tuple[int, ...]:
    """Read `v2.3.5-lite` as (2, 3); what is no version counts as new."""
    found = re.search(r"(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else _BM25_SINCE


def _said(error: Exception) -> str:
    """Give the first line of what an error says; gRPC and pymilvus append stacks."""
    details = getattr(error, "details", None)
    said = details() if callable(details) else getattr(error, "message", "") or str(error)
    return next(iter(str(said).strip().splitlines()), type(error).__name__)[:300].rstrip(".")
