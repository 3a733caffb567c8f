"""Several processes open one SQLite file at the same moment: who meets a lock waits, whoever meets more is told."""

from __future__ import annotations

import sqlite3

import pytest

from kfi.wal import begin_wal


class Database:
    """A database that fails with these codes, one a call, and then works."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.calls = 0

    def execute(self, _statement: str) -> None:
        self.calls += 1
        if self.codes:
            error = sqlite3.OperationalError("it does not work")
            error.sqlite_errorcode = self.codes.pop(0)
            raise error


def test_a_file_that_others_open_is_waited_for():
    database = Database(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY, sqlite3.SQLITE_LOCKED)

    begin_wal(database.execute, patience_s=120)

    assert database.calls == 4


@pytest.mark.parametrize("code", [sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL])
def test_a_file_that_cannot_be_used_is_not_waited_for(code):
    database = Database(code)

    with pytest.raises(sqlite3.OperationalError):
        begin_wal(database.execute, patience_s=120)

    assert database.calls == 1


def test_nobody_waits_for_ever():
    with pytest.raises(sqlite3.OperationalError):
        begin_wal(Database(sqlite3.SQLITE_BUSY).execute, patience_s=-1)
