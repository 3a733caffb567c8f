"""
Tables that `kubectl get` prints, read into objects of the API's form.

kubectl pads every column to its widest cell, so a cell belongs to the column below whose header it begins; cells may be
empty. A row with as many cells as there are columns is read in order, which also holds where a watch or a redaction has
shifted them. Rows without any header (`--no-headers`, `| grep`) are read for the few kinds whose rows are unmistakable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kfi.models.records import TextForm
from kfi.snapshot.read.found import Path, ReadObject, walk
from kfi.snapshot.read.resource_names import kind_of_prefix
from kfi.snapshot.read.table_cells import NOTHING, labels
from kfi.snapshot.read.table_columns import COLUMNS, EMPTY_SAYS, TEMPLATES, created, external_ip
from kfi.snapshot.read.table_shapes import headerless_columns, kind_of_columns
from kfi.snapshot.resources import CLUSTER_SCOPED

_CELL = re.compile(r"[^\s](?:[^\s]| (?! ))*")
_NAME = re.compile(r"(?:([A-Za-z][\w.-]{0,252})/)?([A-Za-z0-9][\w.:@~-]{0,252})( \(default\))?")
_HEADER_CELL = re.compile(r"[^a-z]+|CPU\(cores\)|MEMORY\(bytes\)")
_EMPTY = re.compile(r"No resources found(?: in (\S+) namespace)?\.?$")
# Rows with many labels have a few kilobytes; what is longer is no row, and would only cost time.
_MAX_ROW_CHARS = 65_536


@dataclass(frozen=True)
class Table:
    """One table: a header line (or none) and the rows below it, up to a blank line or the next header."""

    kind: str
    """Empty where neither the columns nor the hint say; then `objects` is empty."""
    header: str
    """The columns' names where there is no header line."""
    columns: tuple[str, ...]
    first_line: int
    last_line: int
    objects: tuple[ReadObject, ...] = ()
    unread: tuple[int, ...] = ()
    """Lines inside that are no rows."""
    headed: bool = True
    """Whether a header line was there: without one, rows may be missing."""
    empty_namespace: str | None = None
    """Set where kubectl said "No resources found": in this namespace, or anywhere (empty)."""


@dataclass
class _Open:
    """A table while its rows are read."""

    kind: str
    header: str
    starts: tuple[tuple[str, int], ...]
    first_line: int
    last_line: int
    headed: bool = True
    objects: list[ReadObject] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)

    def add(self, cells: tuple[tuple[str, int], ...], number: int, now: datetime | None) -> None:
        self.last_line = number
        found = _read_row(self, cells, number, now)
        if found:
            self.objects.append(found)
        else:
            self.unread.append(number)

    def closed(self) -> Table:
        columns = tuple(name for name, _ in self.starts)
        parts = (tuple(self.objects), tuple(self.unread))
        kind = self.objects[0].kind if self.objects else self.kind
        return Table(kind, self.header, columns, self.first_line, self.last_line, *parts, self.headed)


def read_table(
    lines: Iterable[str], kind: str = "", first_line: int = 1, now: datetime | None = None
) -> Iterator[Table]:
    """Yield the tables in these lines, one after the other.

    `kind` is a hint, followed where the columns allow it; names like `deployment.apps/cart` say it better. Ages count
    back from `now`; without it they are left out. Lines outside of tables are passed over.
    """
    reader = _Reader(kind, now)
    for number, line in enumerate(lines, first_line):
        yield from reader.take(line.rstrip(), number)
    yield from reader.close()


class _Reader:
    """Takes line after line and gives each table once it is complete."""

    def __init__(self, kind: str, now: datetime | None) -> None:
        self._kind = kind
        self._now = now
        self._table: _Open | None = None

    def take(self, text: str, number: int) -> Iterator[Table]:
        nothing = _EMPTY.match(text)
        starts = header_columns(text)
        if not text or nothing or starts:
            yield from self.close()
        if nothing:
            yield Table(self._kind, text, (), number, number, empty_namespace=nothing[1] or "")
        elif starts:
            kind = kind_of_columns(frozenset(name for name, _ in starts), self._kind)
            self._table = _Open(kind, text, starts, number, number)
        elif text:
            yield from self._take_row(text, number)

    def close(self) -> Iterator[Table]:
        if self._table:
            yield self._table.closed()
        self._table = None

    def _take_row(self, text: str, number: int) -> Iterator[Table]:
        cells = _cells(text)
        if self._table is None or not self._table.headed:
            kind, columns = headerless_columns([cell for cell, _ in cells], self._kind)
            if self._table and columns != tuple(name for name, _ in self._table.starts):
                yield from self.close()
            if columns and not self._table:
                starts = tuple((column, start) for column, (_, start) in zip(columns, cells, strict=True))
                self._table = _Open(kind, "   ".join(columns), starts, number, number, headed=False)
        if self._table:
            self._table.add(cells, number, self._now)


def header_columns(line: str) -> tuple[tuple[str, int], ...]:
    """Give the columns of a header line and where each begins; nothing for any other line.

    >>> header_columns("NAME   READY   STATUS")
    (('NAME', 0), ('READY', 7), ('STATUS', 15))
    """
    if not line.lstrip().startswith("NAME") or len(line) > _MAX_ROW_CHARS:
        return ()
    cells = _cells(line)
    names = [name for name, _ in cells]
    named = names[0] == "NAME" or names[:2] == ["NAMESPACE", "NAME"]
    return cells if named and all(map(_HEADER_CELL.fullmatch, names)) else ()


def _cells(line: str) -> tuple[tuple[str, int], ...]:
    if len(line) > _MAX_ROW_CHARS:
        return ()
    return tuple((match[0].rstrip(), match.start()) for match in _CELL.finditer(line.replace("\t", "   ")))


def _read_row(table: _Open, cells: tuple[tuple[str, int], ...], line: int, now: datetime | None) -> ReadObject | None:
    row = _by_column(table.starts, cells)
    name = _NAME.fullmatch(row.get("NAME", ""))
    if not name or (len(cells) == 1 and len(table.starts) > 1):
        return None
    kind = (kind_of_prefix(name[1].lower()) if name[1] else "") or table.kind
    if not kind:
        return None
    fields = _fields(kind, row, now)
    namespace = "" if kind in CLUSTER_SCOPED else row.get("NAMESPACE", "")
    metadata: dict[str, Any] = {"name": name[2], **({"namespace": namespace} if namespace else {})}
    if name[3]:
        _put(fields, ("metadata", "annotations", "storageclass.kubernetes.io/is-default-class"), "true")
    fields = {"kind": kind, **fields, "metadata": {**metadata, **fields.get("metadata", {})}}
    lines: dict[Path, int] = {(): line} | {path: line for path, _ in walk(fields)}
    return ReadObject(kind, namespace, name[2], TextForm.TABLE, fields, lines, line, line, table.header)


def _by_column(starts: tuple[tuple[str, int], ...], cells: tuple[tuple[str, int], ...]) -> dict[str, str]:
    """Give the cells by column; nothing where a cell stands below no header."""
    if len(cells) == len(starts):
        return {column: cell for (column, _), (cell, _) in zip(starts, cells, strict=True)}
    columns = {start: column for column, start in starts}
    if len(cells) > len(starts) or any(start not in columns for _, start in cells):
        return {}
    return dict.fromkeys(columns.values(), "") | {columns[start]: cell for cell, start in cells}


def _fields(kind: str, row: dict[str, str], now: datetime | None) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for path, value in _assignments(kind, row):
        _put(fields, path, value)
    for column in ("AGE", "CREATED AT"):
        for path, value in created(row.get(column, ""), now):
            _put(fields, path, value)
    if row.get("LABELS", "") not in NOTHING:
        _put(fields, ("metadata", "labels"), labels(row["LABELS"]))
    return fields


def _assignments(kind: str, row: dict[str, str]) -> Iterator[tuple[Path, Any]]:
    for column, read in COLUMNS.get(kind, {}).items():
        cell = row.get(column, "")
        if cell not in NOTHING:
            yield from read(cell)
    for (of_kind, column), read in EMPTY_SAYS.items():
        if of_kind == kind and column in row and row[column] in NOTHING:
            yield from read("")
    if kind == "Service" and "EXTERNAL-IP" in row:
        yield from external_ip(row.get("TYPE", ""), row["EXTERNAL-IP"])
    if kind == "Pod" and row.get("STATUS") == "Completed" and row.get("RESTARTS") == "0":
        # With restarts, Completed is only how the container's last run ended.
        yield ("status", "phase"), "Succeeded"
    if kind in TEMPLATES and row.get("CONTAINERS", "") not in NOTHING:
        yield (*TEMPLATES[kind], "containers"), _containers(row["CONTAINERS"], row.get("IMAGES", ""))


def _containers(names: str, images: str) -> list[dict[str, str]]:
    given = images.split(",") if images not in NOTHING else []
    containers = names.split(",")
    if len(given) != len(containers):
        return [{"name": name} for name in containers]
    return [{"name": name, "image": image} for name, image in zip(containers, given, strict=True)]


def _put(tree: dict[str, Any], path: Path, value: Any) -> None:
    for key in path[:-1]:
        tree = tree.setdefault(key, {})
    have = tree.get(path[-1])
    tree[path[-1]] = [*have, *value] if isinstance(have, list) and isinstance(value, list) else value
