"""
YAML as Kubernetes reads it, with the line of every field, and with nothing that a hostile text could blow up.

One pass over the parser's events builds value and lines together. Documents are parsed one by one, so that a broken one
costs no other; items of a List are handed over one by one, so that the items before a cut survive it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml

from kfi.snapshot.read.found import Path
from kfi.snapshot.read.json_text import (
    AFTER,
    BEFORE,
    MAX_DEPTH,
    SLACK,
    BadDocument,
    Below,
    Place,
    ReadValue,
    field_lines,
    settled,
    unwrap_watch,
    with_kind,
)
from kfi.snapshot.read.yaml_scalars import resolve

__all__ = ["BadDocument", "YamlDocument", "read_yaml"]

MAX_REFERENCES = 100
"""Anchors and aliases in one document."""
MAX_WEIGHT = 1_000_000
"""Values in one object, with all that aliases repeat; 64 characters of text weigh as much as one value."""
_MAX_NOTES = 10

# Pure Python where libyaml is missing: the same events, ten times slower.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MARKS = re.compile(r"^(?:---(?=\s|\Z)|\.\.\.(?=\s|\Z)[^\n]*\n?)", re.M)
_NOTHING = re.compile(r"(?:---)?(?:\s|#[^\n]*|%[^\n]*)*+")
# What YAML refuses (control characters), or takes for a line end where nobody else does.
_FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]")
_TEMPLATE = re.compile(r"^[ \t]*(?:-[ \t]+)*(?:[\w./\"'-]+:[ \t]+)?[\"']?\{\{", re.M)
# A bare sequence has no kind that its items could wait for.
_NO_LIST = {"kind": "-", "apiVersion": "-"}
_TEMPLATE_REASON = "it is a Helm template: render it with `helm template` and hand over the result"


# The stubs say that an event may have no mark; the parser gives each one.
_Event = Any


@dataclass(frozen=True)
class YamlDocument(ReadValue):
    """One YAML document, or one item of a List."""

    place: Place = (1, None)

    @cached_property
    def lines(self) -> dict[Path, int]:
        """Line of each field."""
        return field_lines(self.value, self.place)


def read_yaml(source: str | Iterable[str], first_line: int = 1) -> Iterator[YamlDocument | BadDocument]:
    """Yield each document; of a List (or sequence) each item, and after the last the List itself without its items."""
    text = source if isinstance(source, str) else "\n".join(source)
    text = _FORBIDDEN.sub("\ufffd", text.removeprefix("\ufeff").replace("\r\n", "\n"))
    for piece in _pieces(text, first_line):
        if not _NOTHING.fullmatch(piece.text):
            yield from _read_piece(piece)


@dataclass(frozen=True)
class _Piece:
    """The text of one document."""

    text: str
    first_line: int

    @cached_property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def row(self, mark: yaml.Mark) -> int:
        """Give a mark's line, from 0; libyaml puts what is missing at the end of a text behind its last line."""
        return min(mark.line, len(self.lines) - 1)

    def between(self, start: yaml.Mark, last: int, end: yaml.Mark | None) -> tuple[int, str]:
        """Give the last line that is not blank, and the whole lines up to it.

        `end` is where flow style ends: there an object may share its lines with many others, and only its own part
        counts.
        """
        first = self.row(start)
        while last > first and not self.lines[last].strip():
            last -= 1
        if end and not self._alone(start, end):
            return last, self.text[start.index : end.index]
        return last, "\n".join(self.lines[first : last + 1])

    def _alone(self, start: yaml.Mark, end: yaml.Mark) -> bool:
        before, after = self.lines[self.row(start)], self.lines[self.row(end)]
        if max(start.column, len(after) - end.column) > SLACK:
            return False
        return bool(BEFORE.fullmatch(before, 0, start.column) and AFTER.fullmatch(after, end.column))


def _pieces(text: str, first_line: int) -> Iterator[_Piece]:
    """Cut at the marks that part documents: they count wherever they start a line, even inside a block of text."""
    start, line = 0, first_line
    for found in _MARKS.finditer(text):
        cut = found.start() if text[found.start()] == "-" else found.end()
        yield _Piece(text[start:cut], line)
        line += text.count("\n", start, cut)
        start = cut
    yield _Piece(text[start:], line)


def _read_piece(piece: _Piece) -> Iterator[YamlDocument | BadDocument]:
    builder = _Builder(piece)
    try:
        for event in yaml.parse(piece.text, Loader=_LOADER):
            builder.take(event)
            if builder.items:
                yield from settled(builder.items, builder.head)
    except yaml.YAMLError as error:
        yield from builder.rest()
        yield _explained(error, piece)
    except _Refused as error:
        yield from builder.rest()
        template = _TEMPLATE.search(piece.text)
        yield BadDocument(_TEMPLATE_REASON if template else str(error), piece.first_line + builder.line)
    else:
        yield from builder.close()


def _explained(error: yaml.YAMLError, piece: _Piece) -> BadDocument:
    mark = getattr(error, "problem_mark", None)
    problem = str(getattr(error, "problem", None) or error)
    line = piece.row(mark) if mark else 0
    text = piece.lines[line]
    if _TEMPLATE.search(piece.text):
        reason = _TEMPLATE_REASON
    elif "\t" in text[: len(text) - len(text.lstrip())]:
        reason = "a tab indents this line; YAML allows only spaces"
    elif "end of stream" in problem:
        reason = "the YAML ends in the middle of a value: it was cut off"
    else:
        reason = f"it is not valid YAML: {problem}"
    return BadDocument(reason, piece.first_line + line)


class _Refused(Exception):
    """Valid YAML that Kubernetes would not take, or that is too much."""


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end is yet to come."""

    value: Any
    below: Below
    event: _Event
    weight: int
    """Of all that came before it."""
    key: str | None = None
    key_line: int = 0
    merges: list[tuple[Any, Place]] = field(default_factory=list)

    @property
    def awaits_key(self) -> bool:
        return self.key is None and isinstance(self.value, dict)


class _Builder:
    """Builds one document's value from its events; items of a top-level list leave it as soon as they are whole."""

    def __init__(self, piece: _Piece) -> None:
        self.items: deque[YamlDocument] = deque()
        """Items that wait for the kind of their list, or to be known as not the last."""
        self.line = 0
        """Last line that had text so far, from 0."""
        self._piece = piece
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, Place, int]] = {}
        self._notes: list[BadDocument] = []
        self._references = self._weight = self._count = 0
        self._document: YamlDocument | None = None

    @property
    def head(self) -> dict[str, Any]:
        """What is known of the List that items are from."""
        root = self._stack[0].value if self._stack else self._document.value if self._document else None
        return root if isinstance(root, dict) else _NO_LIST

    def take(self, event: _Event) -> None:
        """Go on by one event."""
        match event:
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._open(event, {}, {})
            case yaml.SequenceStartEvent():
                self._open(event, [], [])
            case yaml.AliasEvent():
                self._alias(event)
            case yaml.CollectionEndEvent():
                self._close(event)

    def rest(self) -> Iterator[YamlDocument]:
        """Yield the items that still wait."""
        yield from (with_kind(item, self.head) for item in self.items)

    def close(self) -> Iterator[YamlDocument | BadDocument]:
        """Yield what is left at the end of the document: the last items, and the document itself."""
        document = self._document
        if document and self.items and _is_cut(document):
            last = self.items.pop()
            yield from self.rest()
            yield BadDocument("the List is cut off in or after this item", last.first_line)
            return
        yield from self.rest()
        if document and not (self._count and isinstance(document.value, list) and not document.value):
            yield document

    def _open(self, event: _Event, value: Any, below: Below) -> None:
        self.line = self._piece.row(event.start_mark)
        if self._stack and self._stack[-1].awaits_key:
            raise _Refused("a key is itself a mapping or a list")
        if len(self._stack) >= MAX_DEPTH:
            raise _Refused(f"it nests deeper than {MAX_DEPTH} levels")
        self._refer(event.anchor)
        self._stack.append(_Open(value, below, event, self._weight))
        self._weigh(1)

    def _close(self, event: _Event) -> None:
        opened = self._stack.pop()
        flow = bool(opened.event.flow_style)
        if flow:
            self.line = self._piece.row(event.end_mark)
        for value, place in opened.merges:
            _merge(opened, value, place)
        place = (self._piece.row(opened.event.start_mark) + self._piece.first_line, opened.below)
        if opened.event.anchor:
            weight = max(1, self._weight - opened.weight)
            self._anchors[opened.event.anchor] = (opened.value, place, weight)
        self._put(opened.value, place, opened.event.start_mark, event.end_mark if flow else None)

    def _scalar(self, event: _Event) -> None:
        self.line = self._piece.row(event.start_mark)
        self._weigh(1 + len(event.value) // 64)
        self._refer(event.anchor)
        value = resolve(event.value, event.implicit[0], event.tag)
        place: Place = (self.line + self._piece.first_line, None)
        if event.anchor:
            self._anchors[event.anchor] = (value, place, 1 + len(event.value) // 64)
        if self._stack and self._stack[-1].awaits_key:
            self._key(value)
            return
        # A block of text ends where the next line starts.
        self.line = max(self.line, self._piece.row(event.end_mark) - (event.end_mark.column == 0))
        self._put(value, place, event.start_mark, None)

    def _key(self, value: Any) -> None:
        """Take a key. JSON has only text for keys: the API server sees the key `on` as "true"."""
        key = value if isinstance(value, str) else "" if value is None else str(value).lower()
        top = self._stack[-1]
        top.key, top.key_line = key, self.line + self._piece.first_line
        if key in top.value and len(self._notes) < _MAX_NOTES:
            note = f"the key {key[:100]!r} is given twice; the last one counts"
            self._notes.append(BadDocument(note, top.key_line))

    def _alias(self, event: _Event) -> None:
        self.line = self._piece.row(event.start_mark)
        self._refer(event.anchor)
        if event.anchor not in self._anchors:
            raise _Refused(f"the alias {event.anchor[:100]!r} names nothing that is known, or itself")
        value, (_, below), weight = self._anchors[event.anchor]
        self._weigh(weight)
        if self._stack and self._stack[-1].awaits_key:
            raise _Refused("a key is an alias")
        self._put(value, (self.line + self._piece.first_line, below), event.start_mark, None)

    def _put(self, value: Any, place: Place, start: yaml.Mark, end: yaml.Mark | None) -> None:
        """Put a whole value where it belongs."""
        if not self._stack:
            self._document = self._whole(value, place, start, end)
            return
        top = self._stack[-1]
        if isinstance(top.below, list):
            if isinstance(value, dict) and self._in_items():
                self.items.append(self._item(value, place, start, end))
                return
            top.value.append(value)
            top.below.append(place)
        elif top.key == "<<" and isinstance(value, dict | list):
            top.merges.append((value, place))
        elif top.key is not None:
            top.value[top.key] = value
            top.below[top.key] = (top.key_line, place[1])
        top.key = None

    def _in_items(self) -> bool:
        """Tell whether the innermost list is the document's own, or the `items` of a List."""
        return len(self._stack) == 1 or (len(self._stack) == 2 and self._stack[0].key == "items")

    def _item(self, value: Any, place: Place, start: yaml.Mark, end: yaml.Mark | None) -> YamlDocument:
        item = self._read(value, place, start, end, index=self._count)
        self._count += 1
        self._weight = 0
        return item

    def _whole(self, value: Any, place: Place, start: yaml.Mark, end: yaml.Mark | None) -> YamlDocument:
        items = value.get("items") if isinstance(value, dict) else None
        null = items is None and isinstance(value, dict) and "items" in value  # as Go programs write an empty List
        if (isinstance(items, list) and not items) or (null and str(value.get("kind", "")).endswith("List")):
            # Not the items, should they stand on the first line too.
            shown = re.split(r"[\[{]", self._piece.lines[self._piece.row(start)][:SLACK])[0]
            last = self._piece.first_line + self.line
            return YamlDocument(value, place[0], last, shown, is_list=True, place=place)
        return self._read(value, place, start, end)

    def _read(
        self, value: Any, place: Place, start: yaml.Mark, end: yaml.Mark | None, index: int | None = None
    ) -> YamlDocument:
        last, text = self._piece.between(start, self.line, end)
        watch, inner = unwrap_watch(value)
        if watch and isinstance(place[1], dict):
            place = place[1]["object"]
        notes, self._notes = tuple(self._notes), []
        first = self._piece.first_line
        return YamlDocument(
            inner,
            first + self._piece.row(start),
            first + last,
            text,
            index=index,
            watch=watch,
            notes=notes,
            place=place,
        )

    def _refer(self, anchor: str | None) -> None:
        self._references += anchor is not None
        if self._references > MAX_REFERENCES:
            raise _Refused(f"it has more than {MAX_REFERENCES} anchors and aliases")

    def _weigh(self, weight: int) -> None:
        self._weight += weight
        if self._weight > MAX_WEIGHT:
            raise _Refused(f"it holds more than {MAX_WEIGHT:,} values")


def _is_cut(document: YamlDocument) -> bool:
    """Tell whether a List ends with its items: kubectl writes its kind after them."""
    return document.is_list and "kind" not in document.value and next(reversed(document.value)) == "items"


def _merge(opened: _Open, value: Any, place: Place) -> None:
    """Fill in the keys of a merged mapping (or of several); a key that is already there stands."""
    below = place[1]
    if isinstance(value, list) and isinstance(below, list):
        for one, its_place in zip(value, below, strict=True):
            _merge(opened, one, its_place)
    elif isinstance(value, dict) and isinstance(below, dict) and isinstance(opened.below, dict):
        for key, inner in value.items():
            opened.below.setdefault(key, below[key])
            opened.value.setdefault(key, inner)
