"""
ConfigMaps, Secrets and ServiceAccounts.

A ConfigMap's values are kept: a wrong one is evidence. Of a Secret only the names and sizes of its keys are, even where
kubectl prints a token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.scalars import META, entries, text
from kfi.snapshot.read.describe.split import Line, ObjectText
from kfi.snapshot.read.describe.tree import Node

_KEY = re.compile(r"([-._a-zA-Z0-9]{1,253}):")
_SIZE = re.compile(r"([-._a-zA-Z0-9]{1,253}):\s+(\d{1,9} bytes)")
_SECRET_KEY = re.compile(r"([-._a-zA-Z0-9]{1,253}):\s")
_NOT_FOUND = " (not found)"


def config_map(nodes: list[Node], source: ObjectText) -> Tree:
    """Give a ConfigMap's fields."""
    tree = fill(nodes, META)
    if source.data is None:
        return tree
    lines, binary = _parts(source.data)
    tree["data"] = At(dict(_values(lines)), source.data[0][0] if source.data else source.last_line)
    sizes = {m[1]: At(m[2], number) for number, line in binary if (m := _SIZE.fullmatch(line))}
    return {**tree, "binaryData": At(sizes, binary[0][0])} if sizes else tree


def _parts(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """Give the lines of the texts and those of the binary data, which have a heading and come last."""
    for index in range(len(lines) - 2, -1, -1):
        if lines[index][1] == "BinaryData" and lines[index + 1][1] == "====":
            # A blank line stands before the heading.
            end = index - 1 if index and not lines[index - 1][1] else index
            return lines[:end], lines[index + 2 :]
    return lines, []


def _values(lines: list[Line]) -> Iterator[tuple[str, At]]:
    """Yield keys with their values: a key's line, a line of dashes, the value, a blank line."""
    starts = [
        index for index, (_, line) in enumerate(lines[:-1]) if lines[index + 1][1] == "----" and _KEY.fullmatch(line)
    ]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=False):
        value = [line for _, line in lines[start + 2 : end]]
        if value and not value[-1]:
            value.pop()
        # The value's own line proves more than its key's.
        yield lines[start][1][:-1], At("\n".join(value), lines[start + 2 if value else start][0])


def secret(nodes: list[Node], source: ObjectText) -> Tree:
    """Give a Secret's fields: each key with its size."""
    tree = fill(nodes, {**META, "Type": ("type", text)})
    if source.data is None:
        return tree
    found: Tree = {}
    for number, line in source.data:
        if match := _SIZE.fullmatch(line):
            found[match[1]] = At(match[2], number)
        elif match := _SECRET_KEY.match(line):
            found[match[1]] = At("<hidden>", number)
    return {**tree, "data": At(found, source.data[0][0] if source.data else source.last_line)}


def _references(node: Node) -> At:
    """Give names of Secrets, one below the other; kubectl marks those that do not exist."""
    found = []
    for line, printed in entries(node):
        missing = {"kfiNotFound": True} if printed.endswith(_NOT_FOUND) else {}
        found.append(At({"name": printed.removesuffix(_NOT_FOUND), **missing}, line))
    return At(found, node.line)


SERVICE_ACCOUNT: Table = {
    **META,
    "Image pull secrets": ("imagePullSecrets", _references),
    "Mountable secrets": ("secrets", _references),
    "Tokens": ("kfiTokens", _references),
}
