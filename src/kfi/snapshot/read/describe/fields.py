"""
Fields on their way from a line of text to the API's form: values that know their line, and the tables that place them.

Readers build ordinary dicts and lists whose leaves are `At`. An `At` around a dict or list gives its line to what is
below it. None means that the text does not say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from kfi.snapshot.read.describe.tree import Node
from kfi.snapshot.read.found import Path, element_key

Tree = dict[str, Any]
Read = Callable[[Node], Any]
Table = Mapping[str, tuple[str, Read]]
"""What each key of a section says: the field (dots between the steps; empty where the value is a tree), and how."""


class At(NamedTuple):
    """A value and the line it was read from."""

    value: Any
    line: int


def fill(nodes: Iterable[Node], table: Table) -> Tree:
    """Give the fields that a section's lines say; keys that the table does not know are passed over."""
    tree: Tree = {}
    for node in nodes:
        entry = table.get(node.key)
        if entry:
            put(tree, entry[0], entry[1](node))
    return tree


def put(tree: Tree, path: str, value: Any) -> None:
    """Set a field of a tree; what is already there stays, and two trees at one place are joined."""
    if value is None:
        return
    steps = path.split(".") if path else []
    for step in reversed(steps):
        value = {step: value}
    join(tree, value)


def join(tree: Tree, other: Tree) -> None:
    """Add the fields of another tree; what is already there stays."""
    for key, value in other.items():
        here, there = _tree(tree.get(key)), _tree(value)
        if here is not None and there is not None:
            join(here, there)
        elif key not in tree:
            tree[key] = value


def _tree(value: Any) -> Tree | None:
    inner = value.value if isinstance(value, At) else value
    return inner if isinstance(inner, dict) else None


def locate(tree: Tree, line: int) -> tuple[Tree, dict[Path, int]]:
    """Give the plain fields, and the line of each by its path; `line` is the object's first, for what has none."""
    lines: dict[Path, int] = {}
    plain: Tree = _plain(tree, (), line, lines)
    return plain, lines


def _plain(value: Any, path: Path, line: int, lines: dict[Path, int]) -> Any:
    if isinstance(value, At):
        value, line = value.value, value.line
        lines[path] = line
    if isinstance(value, dict):
        plain: Any = {key: _plain(item, (*path, key), line, lines) for key, item in value.items()}
        first = next((lines[*path, key] for key in value if (*path, key) in lines), line)
    elif isinstance(value, list):
        keys = [_key(item, index) for index, item in enumerate(value)]
        plain = [_plain(item, (*path, key), line, lines) for key, item in zip(keys, value, strict=True)]
        first = next((lines[*path, key] for key in keys if (*path, key) in lines), line)
    else:
        plain, first = value, line
    if first and path:
        lines.setdefault(path, first)
    return plain


def _key(element: Any, index: int) -> str:
    element = element.value if isinstance(element, At) else element
    if not isinstance(element, dict):
        return str(index)
    names = {key: element.get(key) for key in ("name", "type")}
    return element_key({key: name.value if isinstance(name, At) else name for key, name in names.items()}, index)
