"""
Vectors that were made once, kept so that they are never made again.

They are kept as wide as the model made them: another dimension of the index then costs no embedding.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from kfi.errors import ServiceError
from kfi.wal import begin_wal

Native = NDArray[np.float16]
"""One vector as wide as its model makes it, of length 1."""

# Below SQLite's oldest limit of variables in a statement (999).
_ASKED_AT_ONCE = 900
# Seconds. Another kfi writes a batch in milliseconds.
_PATIENCE_S = 10.0
_TABLE = """
CREATE TABLE IF NOT EXISTS vectors (
  model TEXT NOT NULL, text_sha256 BLOB NOT NULL, native BLOB NOT NULL, PRIMARY KEY (model, text_sha256)
)
"""


class VectorCache:
    """Vectors by model and text, in a file (mode 0600) or, without a path, in memory. Threads may share it."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None

    def get_many(self, model: str, texts: Sequence[str]) -> dict[str, Native]:
        """Give the vectors of the texts that are known.

        Raises:
            ServiceError: the file cannot be read.
        """
        by_key = {_key(text): text for text in texts}
        keys = list(by_key)
        with self._open() as connection:
            return {
                by_key[key]: np.frombuffer(native, np.float16)
                for start in range(0, len(keys), _ASKED_AT_ONCE)
                for key, native in _ask(connection, model, keys[start : start + _ASKED_AT_ONCE])
            }

    def put_many(self, model: str, vectors: Mapping[str, Native]) -> None:
        """Keep vectors by their texts. Once this returns, a crash of kfi loses none; power loss may lose the last.

        Raises:
            ServiceError: the file cannot be written.
        """
        rows = [(model, _key(text), native.astype(np.float16).tobytes()) for text, native in vectors.items()]
        with self._open() as connection, connection:
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Let go of the file; what was only in memory is gone."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
            self._connection = None

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Give the one connection to one thread at a time, opened at first use."""
        with self._lock, self._door():
            if self._connection is None:
                self._connection = _connect(self._path)
            yield self._connection

    @contextmanager
    def _door(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError) as error:
            raise ServiceError(
                f"The vector cache {str(self._path or 'in memory')!r} cannot be used: {error}.",
                hint="Make room on the disk, or remove the file: its vectors are made again when they are needed.",
            ) from error


def _connect(path: Path | None) -> sqlite3.Connection:
    if path is not None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Cards are evidence. SQLite gives the files beside it the same mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path or ":memory:", timeout=_PATIENCE_S, check_same_thread=False)
    try:
        begin_wal(connection.execute, _PATIENCE_S)
        # Power loss may cost the last vectors, which can be made again, but never the file.
        connection.execute("PRAGMA synchronous=NORMAL")
        connection.execute(_TABLE)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _ask(connection: sqlite3.Connection, model: str, keys: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    wanted = ", ".join("?" * len(keys))
    return connection.execute(
        f"SELECT text_sha256, native FROM vectors WHERE model = ? AND text_sha256 IN ({wanted})", (model, *keys)
    ).fetchall()


def _key(text: str) -> bytes:
    return sha256(text.encode()).digest()
