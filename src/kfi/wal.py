"""
SQLite's write-ahead log: readers work beside a writer, in the ledger and in the cache of vectors.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable

_AGAIN_S = 0.02
_IN_USE = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def begin_wal(execute: Callable[[str], object], patience_s: float) -> None:
    """Switch a database over; SQLite does not wait by itself where others open the file at the same moment.

    Raises:
        sqlite3.OperationalError: the file is still in use after `patience_s` seconds, or cannot be used at all.
    """
    give_up = time.monotonic() + patience_s
    while True:
        try:
            execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            # The lowest byte of an extended code is the plain one.
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code not in _IN_USE or time.monotonic() > give_up:
                raise
            time.sleep(_AGAIN_S)
