"""
The system of record: what was ever ingested, and what the cluster looked like at a moment.

Ids say what a document states, so writing one twice changes nothing but the time it was last seen. Rows are never
changed or taken out; a commit is on the disk before `write` goes on, so a run killed anywhere is simply run again.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Engine, Select, case, create_engine, event, func, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.schema import CreateIndex, CreateTable

from kfi.errors import ServiceError
from kfi.ledger.door import door, private_file, private_folder, secret_file
from kfi.ledger.queries import Part, all_of, going_on, newest
from kfi.ledger.tables import document_of, documents, metadata, micros, moment, row_of, settings, sightings
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity
from kfi.wal import begin_wal

_FILE = "ledger.db"
_KEY_FILE = "redaction.key"
_SCHEMA = "1"
_BATCH = 500
# Seconds that a writer waits for another process's transaction; one takes some 50 ms.
_LOCK_TIMEOUT_S = 10.0
# Rows fetched at a time, so that a large ledger is never held in memory as a whole.
_FETCH = 500

_STATES = (DocumentKind.OBJECT, DocumentKind.LISTING, DocumentKind.CALLS, DocumentKind.NODE_SERVICE)
"""Kinds that say how something is: of each identity the newest one holds."""
_OCCURRENCES = (DocumentKind.EVENT, DocumentKind.ALERT, DocumentKind.CHECK)
"""Kinds that say what happened; a later observation of the same occurrence knows more of it (a higher count)."""


_WORST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.NORMAL)


class Written(NamedTuple):
    """What became of the documents handed to `write`."""

    written: int
    unchanged: int


class Ledger(AbstractContextManager["Ledger"]):
    """Every document of one store, in SQL. Safe to share between threads; processes take turns at writing."""

    def __init__(self, engine: Engine, folder: Path, temporary: bool) -> None:
        self._engine = engine
        self._folder = folder
        self.temporary = temporary
        """Whether the store is gone when it is closed."""

    @classmethod
    def open(cls, folder: Path) -> Ledger:
        """Open the store in a folder; make it where there is none.

        Raises:
            ServiceError: the folder or its store cannot be used.
        """
        with door(folder):
            private_folder(folder)
        return cls._connected(folder, durable=True)

    @staticmethod
    def is_in(folder: Path) -> bool:
        """Tell whether a folder holds a store."""
        return (folder / _FILE).exists()

    @classmethod
    def throw_away(cls) -> Ledger:
        """Open an empty store that is gone when it is closed, and does not wait for the disk."""
        try:
            folder = Path(tempfile.mkdtemp(prefix="kfi-"))
        except OSError as error:
            raise ServiceError(
                "There is no room for temporary files.", hint="Set TMPDIR to a writable folder."
            ) from error
        return cls._connected(folder, durable=False)

    @classmethod
    def _connected(cls, folder: Path, durable: bool) -> Ledger:
        file = folder / _FILE
        with door(folder):
            private_file(file)
        engine = create_engine(f"sqlite:///{file}", connect_args={"timeout": _LOCK_TIMEOUT_S})
        event.listen(engine, "connect", _pragmas("FULL" if durable else "OFF"))
        ledger = cls(engine, folder, temporary=not durable)
        try:
            ledger._make_ready()
        except ServiceError:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Let go of the store; a temporary one is removed."""
        self._engine.dispose()
        if self.temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, found: Iterable[Document]) -> Written:
        """Store documents and say how many states were new; every batch is on the disk before the next is taken.

        A document whose id is known already stays as it was first found, and is noted as seen again.
        """
        written = unchanged = 0
        iterator = iter(found)
        while batch := list(islice(iterator, _BATCH)):
            with door(self._folder), self._engine.begin() as connection:
                # What is read once and thrown away is not worth making small.
                new = _write_batch(connection, batch, compression=0 if self.temporary else 1)
            written += new
            unchanged += len(batch) - new
        return Written(written, unchanged)

    def documents(
        self,
        cluster: str | None = None,
        at: datetime | None = None,
        namespace: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> Iterator[Document]:
        """Yield the documents that show the cluster as it was at a moment (now, unless said).

        Of what states how something is (objects, listings, node services, calls) the newest state seen until then,
        with the time it was last seen as its `observed_at`; of what happened (events, logs, alerts, checks) all that
        had begun, and with `since` and `until` only what was going on between them. A namespace lets cluster-scoped
        documents through. The order is that of ingestion within each of states, events and logs.
        """
        where = [documents.c.cluster == cluster] if cluster is not None else []
        if namespace is not None:
            where.append(documents.c.namespace.in_((namespace, "")))
        happened = [*where, *going_on(at, since, until)]
        newest_states = newest(_STATES, where, seen_until=at, one_each=True)
        newest_occurrences = newest(_OCCURRENCES, happened, seen_until=None, one_each=False)
        yield from self._read(newest_states)
        yield from self._read(newest_occurrences)
        yield from self._read(all_of((DocumentKind.LOG,), happened))

    def happened(self, kinds: Iterable[DocumentKind], part: Part, every_state: bool = False) -> Iterator[Document]:
        """Yield the Events, alerts, checks or logs of a part of the record, in the order of ingestion.

        Of each occurrence as it was last seen; with `every_state`, as it ever was: a lower count tells of an earlier
        time. Not all at once: a record of any size can be gone through.
        """
        wanted = set(kinds)
        occurrences = tuple(kind for kind in _OCCURRENCES if kind in wanted)
        where = [*part.conditions(), *going_on(part.at, part.since, part.until)]
        if occurrences and every_state:
            yield from self._read(all_of(occurrences, where))
        elif occurrences:
            yield from self._read(newest(occurrences, where, seen_until=None, one_each=False))
        if DocumentKind.LOG in wanted:
            yield from self._read(all_of((DocumentKind.LOG,), where))

    def history(self, ref: ObjectRef) -> list[Document]:
        """Give the states of an object, oldest first, each with the time it was first seen so.

        A state that was seen again comes again, with the time it was last seen so before another one or the end. Each
        form the object was read from (JSON, `describe`, a table row) has states of its own. An empty cluster means any.
        """
        query = (
            select(documents, sightings.c.seen_at)
            .join(sightings, sightings.c.document_id == documents.c.id)
            .where(
                documents.c.kind == DocumentKind.OBJECT,
                documents.c.object_kind == ref.kind,
                documents.c.namespace == ref.namespace,
                documents.c.name == ref.name,
            )
            .order_by(sightings.c.seen_at, documents.c.seq)
        )
        if ref.cluster:
            query = query.where(documents.c.cluster == ref.cluster)
        spells: dict[str, list[list[Document]]] = {}
        for state in self._read(query):
            of_form = spells.setdefault(state.identity, [])
            if of_form and of_form[-1][0].id == state.id:
                of_form[-1][1:] = [state]
            else:
                of_form.append([state])
        return sorted(chain.from_iterable(chain.from_iterable(spells.values())), key=_observed)

    def by_ids(self, ids: Iterable[str]) -> dict[str, Document]:
        """Give documents by id, as they were first found; unknown ids fall out."""
        found: dict[str, Document] = {}
        iterator = iter(ids)
        while batch := list(islice(iterator, _BATCH)):
            some = self._read(select(documents).where(documents.c.id.in_(batch)))
            found |= {document.id: document for document in some}
        return found

    def not_indexed(self, limit: int) -> list[Document]:
        """Give documents that the index does not have, those that look worst first, the oldest of them first."""
        worst = case({severity.value: place for place, severity in enumerate(_WORST_FIRST)}, value=documents.c.severity)
        query = select(documents).where(documents.c.indexed_at.is_(None)).order_by(worst, documents.c.seq).limit(limit)
        return list(self._read(query))

    def some_indexed(self, limit: int) -> list[Document]:
        """Give documents that the index has, the same ones each time: ids are hashes, so they are of all kinds."""
        query = select(documents).where(documents.c.indexed_at.is_not(None)).order_by(documents.c.id).limit(limit)
        return list(self._read(query))

    def count_not_indexed(self) -> int:
        """Count the documents that the index does not have."""
        return int(self._value(select(func.count()).select_from(documents).where(documents.c.indexed_at.is_(None))))

    def forget_index(self) -> None:
        """Note that the index has nothing: it is to be filled anew."""
        with door(self._folder), self._engine.begin() as connection:
            connection.execute(update(documents).values(indexed_at=None))

    def mark_indexed(self, ids: Iterable[str], when: datetime) -> None:
        """Note that the index has acknowledged documents."""
        iterator = iter(ids)
        while batch := list(islice(iterator, _BATCH)):
            change = update(documents).where(documents.c.id.in_(batch)).values(indexed_at=micros(when))
            with door(self._folder), self._engine.begin() as connection:
                connection.execute(change)

    def count(self) -> int:
        """Count the documents."""
        return int(self._value(select(func.count()).select_from(documents)))

    def version(self) -> tuple[int, int, int]:
        """Give three numbers of which one grows whenever something is written."""
        return (
            self._value(select(func.coalesce(func.max(documents.c.seq), 0))),
            self._value(select(func.coalesce(func.max(sightings.c.seen_at), 0))),
            self._value(select(func.count()).select_from(sightings)),
        )

    def latest_observation(self, cluster: str | None = None) -> datetime | None:
        """Give the time of the newest observation (of one cluster), or None where there is none."""
        query = select(func.max(sightings.c.seen_at))
        if cluster is not None:
            query = query.join(documents, sightings.c.document_id == documents.c.id).where(
                documents.c.cluster == cluster
            )
        newest = self._value(query)
        return None if newest is None else moment(newest)

    def observations(self, cluster: str | None, since: datetime, until: datetime) -> list[datetime]:
        """Give the times between two moments (both included) at which something was observed, oldest first."""
        between = sightings.c.seen_at.between(micros(since), micros(until))
        query = select(sightings.c.seen_at).distinct().where(between).order_by(sightings.c.seen_at)
        if cluster is not None:
            query = query.join(documents, sightings.c.document_id == documents.c.id).where(
                documents.c.cluster == cluster
            )
        with door(self._folder), self._engine.connect() as connection:
            return [moment(seen_at) for seen_at in connection.scalars(query)]

    def clusters(self) -> list[str]:
        """Give the names of the clusters that there are documents of, sorted."""
        query = select(documents.c.cluster).distinct().order_by(documents.c.cluster)
        with door(self._folder), self._engine.connect() as connection:
            return list(connection.scalars(query))

    def setting(self, key: str) -> str | None:
        """Give what was recorded under a key when the store was made or since, or None."""
        value = self._value(select(settings.c.value).where(settings.c.key == key))
        return None if value is None else str(value)

    def set_setting(self, key: str, value: str) -> None:
        """Record a value under a key."""
        new = insert(settings).values(key=key, value=value)
        with door(self._folder), self._engine.begin() as connection:
            connection.execute(new.on_conflict_do_update(index_elements=["key"], set_={"value": value}))

    def redaction_key(self) -> bytes:
        """Give the key that this store's placeholders are made with: 32 random bytes, made once.

        It lies beside the database, not in it, so that a database can be handed on without the means to test guesses
        at its secrets.
        """
        with door(self._folder):
            return secret_file(self._folder / _KEY_FILE)

    def _make_ready(self) -> None:
        with door(self._folder), self._engine.begin() as connection:
            # `create_all` looks first and makes then; another process may make them in between.
            for table in metadata.sorted_tables:
                connection.execute(CreateTable(table, if_not_exists=True))
                for index in table.indexes:
                    connection.execute(CreateIndex(index, if_not_exists=True))
            connection.execute(insert(settings).values(key="schema", value=_SCHEMA).on_conflict_do_nothing())
            found = connection.scalar(select(settings.c.value).where(settings.c.key == "schema"))
        if found != _SCHEMA:
            raise ServiceError(
                f"The store in {str(self._folder)!r} was made by another version of kfi (schema {found}).",
                hint="Use that version, or set KFI_DATA_DIR to another folder and ingest again.",
            )

    def _read(self, query: Select[Any]) -> Iterator[Document]:
        with door(self._folder), self._engine.connect() as connection:
            for row in connection.execute(query.execution_options(yield_per=_FETCH)):
                yield document_of(row, getattr(row, "seen_at", None))

    def _value(self, query: Select[Any]) -> Any:
        with door(self._folder), self._engine.connect() as connection:
            return connection.scalar(query)


def _observed(document: Document) -> datetime:
    return document.observed_at


def _pragmas(synchronous: str) -> Any:
    def on_connect(connection: DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        begin_wal(cursor.execute, _LOCK_TIMEOUT_S)
        cursor.execute(f"PRAGMA synchronous = {synchronous}")
        cursor.close()

    return on_connect


def _write_batch(connection: Connection, batch: list[Document], compression: int) -> int:
    """Insert what is not there; give how many rows that were."""
    ids = {document.id for document in batch}
    known = set(connection.scalars(select(documents.c.id).where(documents.c.id.in_(ids))))
    now = micros(datetime.now(UTC))
    new = {document.id: document for document in reversed(batch) if document.id not in known}
    rows = [row_of(document, now, compression) for document in reversed(new.values())]
    if rows:
        connection.execute(insert(documents).on_conflict_do_nothing(), rows)
    seen = {(document.id, micros(document.observed_at)) for document in batch}
    connection.execute(
        insert(sightings).on_conflict_do_nothing(),
        [{"document_id": document_id, "seen_at": seen_at} for document_id, seen_at in sorted(seen)],
    )
    return len(rows)
