"""
JSON as a cluster leaves it behind: one value, several after each other, one a line, a watch, or a List of thousands.

Every item of a List is a value of its own, with its own lines, so one broken item costs no other. Values are decoded by
the C scanner of `json`; which line a field stands on is looked for only when somebody asks.
"""

from __future__ import annotations

import json
import math
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from kfi.snapshot.read.found import Path, element_key

MAX_DEPTH = 100
"""Kubernetes objects nest about 20 deep; what is far deeper only wants to exhaust the stack."""

Place = tuple[int, "Below | None"]
"""Line of a value, and the places of what is inside it."""

Below = dict[str, Place] | list[Place]

_MAX_BROKEN = 100
SLACK = 200
"""Characters that may stand beside an object on its first and last line."""
BEFORE = re.compile(r"[\s\]},\[-]*+(?:[\"']?items[\"']?\s*:\s*\[\s*)?")
AFTER = re.compile(r"[\s\]},\[{]*+")
"""What may stand there: anything else is another object's text, which may hold what is masked only over there."""
_WATCH_TYPES = frozenset({"ADDED", "MODIFIED", "DELETED", "BOOKMARK", "ERROR"})
_LIST_HEAD = frozenset({"kind", "apiVersion", "metadata"})
_NESTED = (dict, list)
# Also closing brackets that a broken value left over, record separators of json-seq, and YAML's document start.
_BETWEEN = re.compile(r"(?:[\s,\]}\x1e\ufeff]|---(?=\s|\Z))*+")
_SPACE = re.compile(r"[ \t\r\n]*+")
_COMMA = re.compile(r"[ \t\r\n,]*+")
_TOP = re.compile(r"\n(?=[{\[])")
# Escapes that may stand for half a character or for a NUL: neither can be stored everywhere.
_UNSTORABLE = re.compile(r"\\u(?:[dD][89a-fA-F]|0000)")
_HALF = re.compile("[\ud800-\udfff]")
_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True)
class BadDocument:
    """A part that could not be read, and why."""

    reason: str
    line: int


@dataclass(frozen=True)
class ReadValue:
    """One value, where it stands, and its text."""

    value: Any
    first_line: int
    last_line: int
    text: str
    """The lines it stands on; of an object that shares its line with others, only its own part."""
    index: int | None = None
    """Position in the list it was an item of."""
    is_list: bool = False
    """The List itself, given after its items and without them: only then is it known to be whole."""
    watch: str = ""
    """Type of the watch event it came in (ADDED, MODIFIED, DELETED, …); `value` is then the object."""
    notes: tuple[BadDocument, ...] = ()
    """Oddities that cost nothing but a field, such as a key given twice."""


@dataclass(frozen=True)
class JsonValue(ReadValue):
    """One JSON value."""


Read = TypeVar("Read", bound=ReadValue | BadDocument)


def read_json(text: str, first_line: int = 1) -> Iterator[JsonValue | BadDocument]:
    """Yield each value; of a List (or an array) each item, and after the last the List itself without its items.

    After a broken value reading goes on at the next line that starts with a bracket.
    """
    reader = _Reader(text if text.isascii() else _HALF.sub("\ufffd", text), first_line)
    broken = 0
    while reader.more():
        try:
            yield from reader.values()
        except _Broken as error:
            broken += 1
            yield reader.recover(error)
            if broken == _MAX_BROKEN:
                yield BadDocument("it has too many broken parts; the rest was not read", reader.line_at(reader.pos))
                return


def field_lines(value: Any, place: Place) -> dict[Path, int]:
    """Give the line of each field of a value from the places of its parts; of elements of one name the first counts."""
    lines: dict[Path, int] = {}
    stack: list[tuple[Path, Any, Place]] = [((), value, place)]
    while stack:
        path, node, (line, below) = stack.pop()
        lines.setdefault(path, line)
        if isinstance(node, dict) and isinstance(below, dict):
            stack.extend(((*path, key), node[key], below[key]) for key in reversed(node) if key in below)
        elif isinstance(node, list) and isinstance(below, list):
            pairs = list(enumerate(zip(node, below, strict=False)))
            stack.extend(((*path, element_key(item, i)), item, inner) for i, (item, inner) in reversed(pairs))
    return lines


def unwrap_watch(value: Any) -> tuple[str, Any]:
    """Give the type and the object of a watch event; of anything else no type and the value as it is."""
    if isinstance(value, dict) and value.get("type") in _WATCH_TYPES and isinstance(value.get("object"), dict):
        return value["type"], value["object"]
    return "", value


def too_deep(value: Any) -> bool:
    """Tell whether a value nests deeper than `MAX_DEPTH`, without recursion."""
    level = [value] if isinstance(value, _NESTED) else []
    for _ in range(MAX_DEPTH):
        if not level:
            return False
        level = [
            inner
            for node in level
            for inner in (node.values() if isinstance(node, dict) else node)
            if isinstance(inner, _NESTED)
        ]
    return bool(level)


def settled(waiting: deque[Read], head: dict[str, Any]) -> Iterator[Read]:
    """Take out the items that need wait no longer: their kind is known, and another one follows them."""
    while len(waiting) > 1 and ((head.get("kind") and head.get("apiVersion")) or not _lacks_kind(waiting[0])):
        yield with_kind(waiting.popleft(), head)


def with_kind(item: Read, head: dict[str, Any]) -> Read:
    """Fill in kind and apiVersion from the list: the API leaves them out in the items of a `PodList`."""
    kind = head.get("kind")
    if not isinstance(item, ReadValue) or not _lacks_kind(item):
        return item
    if not (isinstance(kind, str) and len(kind) > 4 and kind.endswith("List")):
        return item
    named = {"apiVersion": head.get("apiVersion", ""), "kind": kind.removesuffix("List")}
    return replace(item, value={**item.value, **named})


def _lacks_kind(item: ReadValue | BadDocument) -> bool:
    return isinstance(item, ReadValue) and isinstance(item.value, dict) and not item.value.get("kind")


def _integer(digits: str) -> int | str:
    # int() refuses more than 4300 digits and takes quadratic time; no field of Kubernetes has more than 20.
    return int(digits) if len(digits) <= 100 else digits


def _real(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _no_number(_: str) -> None:
    """NaN and Infinity are no JSON: as good as not set."""


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_real, parse_constant=_no_number)


class _Broken(Exception):
    """The text is not JSON at a position."""

    def __init__(self, reason: str, pos: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.pos = pos


@dataclass
class _Reader:
    """Walks over a text from value to value; lines are counted once, from position to position."""

    text: str
    line: int
    pos: int = 0
    start: int = 0
    counted: int = 0

    def more(self) -> bool:
        """Go to the next value; False at the end."""
        self.pos = self.start = self._skip(_BETWEEN, self.pos)
        return self.pos < len(self.text)

    def values(self) -> Iterator[JsonValue | BadDocument]:
        """Yield what stands here: a value, or the items of a list."""
        head = self._list_head() if self.text[self.pos] == "{" else None
        if self.text[self.pos] == "[":
            yield from self._items()
        elif head is not None:
            yield from self._list(*head)
        else:
            yield self._next_value(None)

    def recover(self, broken: _Broken) -> BadDocument:
        """Say what is broken, and go on at the next line that may start a value."""
        line = self.line_at(broken.pos)
        found = _TOP.search(self.text, max(self.start, broken.pos - 1))
        self.pos = found.end() if found else len(self.text)
        return BadDocument(broken.reason, line)

    def line_at(self, pos: int) -> int:
        """Give the line of a position that is not before the last one asked for."""
        self.line += self.text.count("\n", self.counted, pos)
        self.counted = max(self.counted, pos)
        return self.line

    def _list_head(self) -> tuple[dict[str, Any], int] | None:
        """Give what stands before a List's items and where they start; None for anything but a List.

        Lists have nothing but kind, apiVersion and metadata before their items, so few values are decoded twice.
        """
        head: dict[str, Any] = {}
        pos = self._skip(_SPACE, self.pos + 1)
        try:
            while self.text[pos : pos + 1] == '"':
                key, pos = self._key(pos)
                if key == "items":
                    return (head, pos) if self.text[pos : pos + 1] == "[" else None
                if key not in _LIST_HEAD:
                    return None
                head[key], pos = self._decode(pos)
                if key == "kind" and not str(head[key]).endswith("List"):
                    return None
                pos = self._skip(_COMMA, pos)
        except _Broken:
            pass
        return None

    def _list(self, head: dict[str, Any], opening: int) -> Iterator[JsonValue | BadDocument]:
        first, shown = self.line_at(self.pos), self._opening_line(self.pos, opening)
        self.pos = opening
        waiting: deque[JsonValue | BadDocument] = deque()
        try:
            for item in self._items():
                waiting.append(item)
                yield from settled(waiting, head)
            self._tail(head)
        except _Broken:
            yield from (with_kind(item, head) for item in waiting)
            raise
        yield from (with_kind(item, head) for item in waiting)
        yield JsonValue({**head, "items": []}, first, self.line_at(self.pos), shown, is_list=True)

    def _items(self) -> Iterator[JsonValue | BadDocument]:
        index = 0
        pos = self._skip(_SPACE, self.pos + 1)
        while self.text[pos : pos + 1] != "]":
            self.pos = pos
            yield self._next_value(index)
            index += 1
            pos = self._skip(_SPACE, self.pos)
            if self.text[pos : pos + 1] == ",":
                pos = self._skip(_SPACE, pos + 1)
            elif self.text[pos : pos + 1] != "]":
                raise self._unexpected(pos)
        self.pos = pos + 1

    def _tail(self, head: dict[str, Any]) -> None:
        """Read what stands after a List's items into its head."""
        pos = self._skip(_SPACE, self.pos)
        while self.text[pos : pos + 1] == ",":
            key, pos = self._key(self._skip(_SPACE, pos + 1))
            head[key], pos = self._decode(pos)
            pos = self._skip(_SPACE, pos)
        if self.text[pos : pos + 1] != "}":
            raise self._unexpected(pos)
        self.pos = pos + 1

    def _next_value(self, index: int | None) -> JsonValue | BadDocument:
        start = self.pos
        value, self.pos = self._decode(start)
        first, last = self.line_at(start), self.line_at(self.pos)
        if self._may_be_deep(start) and too_deep(value):
            return BadDocument(f"it nests deeper than {MAX_DEPTH} levels", first)
        if _UNSTORABLE.search(self.text, start, self.pos):
            # Pairs of halves are joined by now, so what is left of them stands alone.
            text = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
            value = json.loads(_NUL.sub(rb"\1", text))
        watch, value = unwrap_watch(value)
        # A Go program writes an empty List's items as null.
        empty = index is None and isinstance(value, dict) and value.get("items", "") is None
        is_list = empty and str(value.get("kind", "")).endswith("List")
        return JsonValue(value, first, last, self._lines_of(start, self.pos), index, is_list=is_list, watch=watch)

    def _may_be_deep(self, start: int) -> bool:
        """Tell whether a value has brackets enough to nest too deep: most have not, and are not walked through."""
        return self.text.count("{", start, self.pos) + self.text.count("[", start, self.pos) > MAX_DEPTH

    def _key(self, pos: int) -> tuple[str, int]:
        if self.text[pos : pos + 1] != '"':
            raise self._unexpected(pos)
        key, pos = self._decode(pos)
        pos = self._skip(_SPACE, pos)
        if self.text[pos : pos + 1] != ":":
            raise self._unexpected(pos)
        return key, self._skip(_SPACE, pos + 1)

    def _decode(self, pos: int) -> tuple[Any, int]:
        try:
            return _DECODER.raw_decode(self.text, pos)
        except json.JSONDecodeError as error:
            raise self._unexpected(error.pos, error.msg) from error
        except RecursionError:
            raise _Broken(f"it nests deeper than {MAX_DEPTH} levels", pos) from None

    def _unexpected(self, pos: int, message: str = "Expecting ',' delimiter") -> _Broken:
        if message.startswith("Unterminated string") or self._skip(_SPACE, pos) == len(self.text):
            return _Broken("the JSON ends in the middle of a value: it was cut off", pos)
        return _Broken(f"it is not valid JSON: {message[0].lower()}{message[1:]}", pos)

    def _skip(self, pattern: re.Pattern[str], pos: int) -> int:
        found = pattern.match(self.text, pos)
        return found.end() if found else pos

    def _opening_line(self, start: int, opening: int) -> str:
        """Give a List's first line, but nothing of its items."""
        end = self.text.find("\n", start, opening)
        return self.text[start : opening + 1 if end < 0 else end][:SLACK]

    def _lines_of(self, start: int, end: int) -> str:
        """Give the whole lines of a value; where others share them, only its own text.

        A List without line breaks would else be copied once for each of its items.
        """
        before = self.text.rfind("\n", max(0, start - SLACK), start) + 1
        after = self.text.find("\n", end, end + SLACK)
        if after < 0:
            after = len(self.text)
        if (not before and start > SLACK) or after - end > SLACK:
            return self.text[start:end]
        alone = BEFORE.fullmatch(self.text, before, start) and AFTER.fullmatch(self.text, end, after)
        return self.text[before:after] if alone else self.text[start:end]
