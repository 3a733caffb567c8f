"""
What of an object's text never reached its fields, so that somebody can see it and we can learn to read it.

A column counts where its cell says something; a section of `kubectl describe` where no field was read from any of its
lines; a field of the API's form where its type is not the API's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from pydantic import ValidationError

from kfi.models.reading import Unread
from kfi.models.records import TextForm
from kfi.snapshot.provenance import Seen
from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.read.describe.split import split
from kfi.snapshot.read.describe.tree import Node, build
from kfi.snapshot.read.table import header_columns
from kfi.snapshot.read.table_cells import NOTHING
from kfi.snapshot.read.table_columns import COLUMNS, EMPTY_SAYS, TEMPLATES
from kfi.snapshot.resources import CLASSES, Other

_OF_EVERY_TABLE = frozenset({"NAME", "NAMESPACE", "AGE", "CREATED AT", "LABELS"})
_SECTION = re.compile(r"[A-Z][A-Za-z0-9()/ -]{0,60}")
# What kubectl makes of labels and annotations, which are read.
_DERIVED = frozenset({"Roles", "IsDefaultClass"})
_NO_PORT = re.compile(r"0(?:/(?:TCP|UDP|SCTP))?")
_CELL = re.compile(r"\S(?:\S| (?! ))*")
_MAX_PATH = 6


def unread_parts(seen: Seen) -> Iterator[tuple[str, Unread, int]]:
    """Yield each part of a text that told nothing: its name, why, and its line in the source."""
    document = seen.document
    first = document.source.first_line
    match seen.record.form:
        case TextForm.TABLE:
            for column in unread_columns(document.ref.kind, seen.record.header, document.text):
                yield column, Unread.UNKNOWN, first
        case TextForm.DESCRIBE:
            for section, line in unread_sections(document.ref.kind, document.text.split("\n"), first):
                yield section, Unread.UNKNOWN, line
        case _:
            for path in _malformed(seen):
                yield ".".join(path), Unread.MALFORMED, seen.line(path) or first


def unread_columns(kind: str, header: str, row: str) -> tuple[str, ...]:
    """Give the columns of a table that are not read for its kind and in which this row says something.

    >>> unread_columns("Service", "NAME   TYPE        COLOR   SHAPE", "cart   ClusterIP   red     <none>")
    ('COLOR',)
    """
    known = _OF_EVERY_TABLE | COLUMNS.get(kind, {}).keys() | {column for of, column in EMPTY_SAYS if of == kind}
    if kind == "Service":
        known |= {"EXTERNAL-IP"}
    if kind in TEMPLATES:
        known |= {"CONTAINERS", "IMAGES"}
    columns = header_columns(header)
    cells = [match[0].rstrip() for match in _CELL.finditer(row.replace("\t", "   "))]
    if len(cells) == len(columns):
        saying = {name for (name, _), cell in zip(columns, cells, strict=True) if cell not in NOTHING}
    else:
        saying = {name for name, start in columns if row[start : start + 1].strip()}
    return tuple(name for name, _ in columns if name in saying - known)


def unread_sections(kind: str, lines: Sequence[str], first_line: int = 1) -> Iterator[tuple[str, int]]:
    """Yield the sections of one object's `kubectl describe` text that no field was read from, and their lines."""
    read = {line for found in read_describe(lines, kind, first_line) for line in found.object.lines.values()}
    source = next(split(lines, first_line), None)
    for node in build(source.fields) if source else ():
        yield from _unread_below(node, (), read)


def _unread_below(node: Node, above: tuple[str, ...], read: set[int]) -> Iterator[tuple[str, int]]:
    if not _SECTION.fullmatch(node.key) and not above:
        return
    if read.isdisjoint((node.line, *(below.line for below in node.below()))):
        if _SECTION.fullmatch(node.key) and node.key not in _DERIVED and _says_something(node):
            # What stands between is a name of somebody's own: that of a container or a volume.
            yield " > ".join((*above[:1], node.key)), node.line
        return
    for child in node.children if len(above) < _MAX_PATH else ():
        if child.key:
            yield from _unread_below(child, (*above, node.key), read)


def _says_something(node: Node) -> bool:
    said = [node.value, *(below.value or below.text for below in node.below())]
    return any(value.strip() not in NOTHING and not _NO_PORT.fullmatch(value) for value in said)


def _malformed(seen: Seen) -> Iterator[tuple[str, ...]]:
    """Yield the paths of fields whose type is wrong."""
    try:
        CLASSES.get(seen.document.ref.kind, Other).model_validate(seen.record.fields)
    except ValidationError as error:
        for wrong in error.errors(include_url=False, include_context=False, include_input=False):
            yield tuple(str(step) for step in wrong["loc"][:_MAX_PATH])
