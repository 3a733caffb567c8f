"""
Tables inside `kubectl describe`: conditions, the Pods of a node, ports of endpoints.

Cells stand under their header, which tells an empty cell from a missing one. Where a redacted value moved the cells of
a row, they are told apart by the two spaces that kubectl leaves between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from kfi.snapshot.read.describe.fields import At, Tree
from kfi.snapshot.read.describe.scalars import NOTHING, rfc3339
from kfi.snapshot.read.describe.tree import Node

Row = dict[str, str]

_TITLE = re.compile(r"\S+(?: \S+)*")
_GAP = re.compile(r"\s{2,}")
# The widest table of a describer has seven.
_MAX_COLUMNS = 12

_CONDITION = {
    "Type": "type",
    "Status": "status",
    "Reason": "reason",
    "Message": "message",
    "LastHeartbeatTime": "lastHeartbeatTime",
    "LastProbeTime": "lastProbeTime",
    "LastTransitionTime": "lastTransitionTime",
}


def rows(lines: Sequence[Node]) -> Iterator[tuple[int, Row]]:
    """Yield each row by its header's titles, with its line; the first line is the header."""
    # A row whose first cell is empty is indented further.
    table = [node for line in lines for node in (line, *line.below())]
    if not table:
        return
    header, *below = table
    titles = [(match.start() + header.indent, match.group()) for match in _TITLE.finditer(header.text)][:_MAX_COLUMNS]
    for node in below:
        if node.text.strip("- "):
            cells = _cells(node, [start for start, _ in titles])
            yield (
                node.line,
                {title: cell for (_, title), cell in zip(titles, cells, strict=False) if cell not in NOTHING},
            )


def _cells(node: Node, starts: list[int]) -> list[str]:
    line = " " * node.indent + node.text
    if all(line[start - 1 : start] in ("", " ") for start in starts if start):
        ends = [*starts[1:], len(line)]
        return [line[start:end].strip() for start, end in zip(starts, ends, strict=True)]
    return _GAP.split(node.text, maxsplit=len(starts) - 1)


def words(lines: Iterable[Node], titles: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Yield rows whose cells hold no spaces, however they are aligned; rows of another length are passed over."""
    for node in lines:
        cells = node.text.split(maxsplit=len(titles))
        if len(cells) == len(titles) and node.text.strip("- "):
            yield node.line, dict(zip(titles, cells, strict=True))


def conditions(node: Node) -> At:
    """Give `status.conditions` from a table of any of the describers."""
    return At([At(_condition(row, line), line) for line, row in rows(node.children)], node.line)


def _condition(row: Row, line: int) -> Tree:
    found: Tree = {}
    for title, name in _CONDITION.items():
        cell = row.get(title, "")
        value = rfc3339(cell) if name.endswith("Time") else cell
        if value:
            found[name] = At(value, line)
    return found
