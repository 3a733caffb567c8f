"""
Trees of objects that `kubectl lineage` and `kubectl tree` print: a table whose names are indented below their owners.

The branches come off and the names move to the left, so that the table reader reads the rows; the indentation says who
owns what.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kfi.snapshot.read.found import ReadObject
from kfi.snapshot.read.table import header_columns, read_table

_BRANCH = re.compile(r"[^├└]{0,400}[├└]─+ ?(?P<name>\S+)")
_SIGNS = ("├─", "└─")
_WITHIN = 50
# The tree shows more than ownership: a Pod's ConfigMap hangs below it, a Node above it.
_OWNED = {
    "ReplicaSet": ("Deployment",),
    "Pod": ("ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"),
    "Job": ("CronJob",),
    "ControllerRevision": ("StatefulSet", "DaemonSet"),
}


@dataclass(frozen=True)
class _Row:
    text: str
    depth: int


def is_tree(lines: Sequence[str]) -> bool:
    """Tell whether a text is a tree: branches stand in its first lines."""
    return any(sign in line for line in lines[:_WITHIN] for sign in _SIGNS)


def read_tree(lines: Sequence[str], first_line: int = 1, now: datetime | None = None) -> Iterator[ReadObject]:
    """Yield the objects of a tree, those that a controller above them made with their owner."""
    rows = list(_straightened(lines))
    above: list[tuple[int, ReadObject]] = []
    for table in read_table((row.text for row in rows), "", first_line, now):
        for found in table.objects:
            depth = rows[found.first_line - first_line].depth
            while above and above[-1][0] >= depth:
                above.pop()
            yield _owned(found, above[-1][1]) if above else found
            above.append((depth, found))


def _straightened(lines: Sequence[str]) -> Iterator[_Row]:
    """Yield each line with its name where the column begins; what follows stands where it stood."""
    column = 0
    for line in lines:
        column = dict(header_columns(line)).get("NAME", column)
        match = _BRANCH.match(line)
        if match is None:
            yield _Row(line, 0)
        else:
            depth = match.start("name") - column
            name = match["name"] + " " * max(depth, 0)
            yield _Row(f"{line[:column]}{name}{line[match.end() :]}", depth)


def _owned(found: ReadObject, owner: ReadObject) -> ReadObject:
    if owner.kind not in _OWNED.get(found.kind, ()):
        return found
    reference = {"kind": owner.kind, "name": owner.name, "controller": True}
    metadata = {**found.fields["metadata"], "ownerReferences": [reference]}
    return replace(found, fields={**found.fields, "metadata": metadata})
