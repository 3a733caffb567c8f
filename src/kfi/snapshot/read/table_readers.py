"""
What reads one column of a `kubectl get` table: functions from a cell to (path, value) pairs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from kfi.snapshot.read.found import Path
from kfi.snapshot.read.table_cells import access_modes, label_selector, labels

Fields = Iterator[tuple[Path, Any]]
Column = Callable[[str], Fields]

_READY = re.compile(r"(\d{1,9})/(\d{1,9})")


def text(*path: str) -> Column:
    """Read a cell as the text it is."""

    def read(cell: str) -> Fields:
        yield path, cell

    return read


def one_of(values: frozenset[str], *path: str) -> Column:
    """Read a cell that is one of these words; any other says nothing."""

    def read(cell: str) -> Fields:
        if cell in values:
            yield path, cell

    return read


def count(*path: str) -> Column:
    """Read a whole number."""

    def read(cell: str) -> Fields:
        if cell.isascii() and cell.isdigit() and len(cell) < 10:
            yield path, int(cell)

    return read


def flag(*path: str) -> Column:
    """Read `true` or `False`."""

    def read(cell: str) -> Fields:
        if cell.lower() in ("true", "false"):
            yield path, cell.lower() == "true"

    return read


def ready_of(ready: Path, desired: Path) -> Column:
    """Read `1/3` as two counts."""

    def read(cell: str) -> Fields:
        match = _READY.fullmatch(cell)
        if match:
            yield ready, int(match[1])
            yield desired, int(match[2])

    return read


def label_map(*path: str) -> Column:
    """Read `app=cart,tier=web` as a map."""

    def read(cell: str) -> Fields:
        yield path, labels(cell)

    return read


def selector(*path: str) -> Column:
    """Read a label selector."""

    def read(cell: str) -> Fields:
        yield path, label_selector(cell)

    return read


def modes(*path: str) -> Column:
    """Read `RWO,RWX` as access modes."""

    def read(cell: str) -> Fields:
        yield path, access_modes(cell)

    return read
