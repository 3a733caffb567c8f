"""
The indentation tree of one object's `kubectl describe` text.

A line below another, indented further, is its child; that holds for sections, and for the second and later lines of
labels, taints or tolerations, which stand under the first one's value. Two things kubectl prints without indenting
them: the message a container ended with, and the later lines of an `exec` probe. Both go into the value they belong to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

# Deeper lines become children of the last level: no describer prints more than a dozen.
_MAX_DEPTH = 48
_MAX_TEXT = 10_000
_PROBES = frozenset({"Liveness", "Readiness", "Startup"})
_PROBE_END = re.compile(r"\] delay=\d+s timeout=\d+s ")
_SECTION = re.compile(r"(?:Init Containers|Containers|Conditions|Volumes|QoS Class|Node-Selectors|Events):")
_AFTER_POD_MESSAGE = re.compile(r"(?:IP|IPs|SeccompProfile|Controlled By|Source):")
_FIELD = re.compile(r"([A-Z][A-Za-z-]*(?: [A-Za-z-]+){0,6}):(?:\s|$)")

Ends = Callable[[str], bool]


@dataclass(slots=True)
class Node:
    """One line of the text with everything indented below it."""

    line: int
    indent: int
    text: str
    """The line without its indentation."""
    key: str
    """What stands before the first colon that a space or the line's end follows; empty where there is none."""
    value: str
    column: int
    """Where the value starts; 0 where the line has none."""
    children: list[Node] = field(default_factory=list)

    def below(self) -> Iterator[Node]:
        """Yield every line below this one, in the order of the text."""
        for child in self.children:
            yield child
            yield from child.below()


def build(lines: Iterable[tuple[int, str]]) -> list[Node]:
    """Give the lines at the left edge, each with its children. Blank lines are left out."""
    root = Node(0, -1, "", "", "", 0)
    grow = _Growing(root)
    for number, line in lines:
        grow.add(number, line)
    grow.close()
    return root.children


class _Growing:
    """The tree while it is read: the path to the last line, and the value that takes raw lines in."""

    def __init__(self, root: Node) -> None:
        self._path = [root]
        self._raw: list[str] = []
        self._ends: Ends | None = None
        self._last_field = ""

    def add(self, number: int, line: str) -> None:
        """Put a line where its indentation says, or into the open raw value."""
        if self._ends and not self._ends(line):
            self._raw.append(line)
            return
        self.close()
        text = line.strip()
        if not text:
            return
        node = _node(number, len(line) - len(line.lstrip()), text)
        if node.indent == 0 and not self._is_field(node):
            self._path[-1].value += "" if len(self._path[-1].value) > _MAX_TEXT else f"\n{line}"
            return
        self._attach(node)
        self._ends = _raw_lines(node, self._path[-2])

    def close(self) -> None:
        """End the open raw value."""
        if self._raw:
            owner = self._path[-1]
            owner.value = "\n".join([owner.value, *self._raw]).rstrip()
            self._raw = []
        self._ends = None

    def _attach(self, node: Node) -> None:
        path = self._path
        while path[-1].indent >= node.indent:
            path.pop()
        if len(path) > _MAX_DEPTH:
            path.pop()
        path[-1].children.append(node)
        path.append(node)

    def _is_field(self, node: Node) -> bool:
        """Tell a field at the left edge from the second line of a text: those of a custom resource come sorted."""
        if self._last_field or node.key == "API Version":
            if not _FIELD.match(node.text) or node.key.lower() < self._last_field:
                return False
            self._last_field = node.key.lower()
        return True


def _node(number: int, indent: int, text: str) -> Node:
    at = text.find(": ")
    if at < 0:
        key = text[:-1] if text.endswith(":") else ""
        return Node(number, indent, text, key, "", 0)
    value = text[at + 1 :].lstrip()
    return Node(number, indent, text, text[:at], value, indent + len(text) - len(value))


def _raw_lines(node: Node, parent: Node) -> Ends | None:
    """Give what ends the raw lines that may follow a line; None where none can follow."""
    if node.key == "Message" and parent.key in ("State", "Last State"):
        end = " " * node.indent + "Exit Code:"
        return lambda line: line.startswith(end) or bool(_SECTION.match(line))
    if node.key == "Message" and node.indent == 0:
        return lambda line: bool(_AFTER_POD_MESSAGE.match(line) or _SECTION.match(line))
    if node.key in _PROBES and node.value.startswith("exec [") and not _PROBE_END.search(node.value):
        return _probe_ends(" " * node.indent + "Environment")
    return None


def _probe_ends(next_field: str) -> Ends:
    done = False

    def ends(line: str) -> bool:
        nonlocal done
        if done or line.startswith(next_field) or _SECTION.match(line):
            return True
        done = bool(_PROBE_END.search(line))
        return False

    return ends
