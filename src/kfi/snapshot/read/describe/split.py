"""
Where one object's text ends and the next one's begins in the output of `kubectl describe`.

An object begins at a `Name:` at the left edge that a line follows which describers print second. kubectl puts blank
lines between objects, collectors sometimes none, and blank lines stand inside objects too, so they decide nothing
alone. What a ConfigMap holds may look like an object: until its data have ended, nothing in them begins one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

MAX_LINES = 60_000
"""Lines of one object that are read; the rest is dropped. etcd holds no object over 1.5 MB: real ones are shorter."""
MAX_CHARACTERS = 8_000_000
"""The same for characters."""

_SECOND = (
    "Namespace:", "Labels:", "Roles:", "Annotations:", "Selector:", "Value:", "IsDefaultClass:", "Priority:",
    "CreationTimestamp:", "Created:", "Display Name:",
)  # fmt: skip
_FIELD = re.compile(r"[A-Z][A-Za-z -]{0,40}:(?:\s|$)")
_NOT_DESCRIBED = ("Error from server", "No resources found", "error: ")
_NEVER_IN_A_MESSAGE = _NOT_DESCRIBED[:2]

Line = tuple[int, str]


@dataclass
class ObjectText:
    """The lines of one object: its fields, what follows `Data` (ConfigMaps and Secrets), and its Events' rows."""

    first_line: int
    last_line: int
    fields: list[Line] = field(default_factory=list)
    data: list[Line] | None = None
    events: list[Line] = field(default_factory=list)


def split(lines: Iterable[str], first_line: int = 1) -> Iterator[ObjectText]:
    """Yield the objects of a text one by one; what stands before the first and between them belongs to none."""
    reading: _Reading | None = None
    held: Line | None = None
    after_blank = True
    for number, line in enumerate(lines, first_line):
        if held:
            if _begins(line, after_blank) or reading is None:
                if reading:
                    yield reading.finished()
                reading = _Reading(held)
            else:
                reading.add(*held)
            held = None
        if line.startswith("Name:") and not (reading and reading.inside_data):
            held, after_blank = (number, line), reading is None or reading.blank
        elif reading and reading.ended_by(line):
            yield reading.finished()
            reading = None
        elif reading:
            reading.add(number, line)
    yield from _last(reading, held)


def _begins(second: str, after_blank: bool) -> bool:
    return second.startswith(_SECOND) or bool(after_blank and _FIELD.match(second))


def _last(reading: _Reading | None, held: Line | None) -> Iterator[ObjectText]:
    if reading and held and not reading.blank:
        reading.add(*held)
        held = None
    if reading:
        yield reading.finished()
    if held:
        yield _Reading(held).finished()


class _Reading:
    """The lines of the object that is being read."""

    def __init__(self, name: Line) -> None:
        self._lines = [name]
        self._characters = 0
        self._end = name[0]
        self._data_at: int | None = None
        self._events_at: int | None = None
        self.inside_data = False
        """Among the values of a ConfigMap, which may hold any text."""
        self.blank = False
        """The last line was blank."""

    def ended_by(self, line: str) -> bool:
        """Tell whether kubectl says something else here; among Events an error's words may be those of a message."""
        if self.inside_data or not line.startswith(_NOT_DESCRIBED):
            return False
        return self._events_at is None or (self.blank and line.startswith(_NEVER_IN_A_MESSAGE))

    def add(self, number: int, line: str) -> None:
        """Take one more line; beyond the limits only its number."""
        self.blank = not line or line.isspace()
        if not self.blank:
            self._end = number
        self._characters += len(line)
        if len(self._lines) >= MAX_LINES or self._characters > MAX_CHARACTERS:
            self.inside_data = False
            return
        if not line.startswith(" "):
            self._mark(line.rstrip())
        self._lines.append((number, line.rstrip()))

    def _mark(self, line: str) -> None:
        before = self._lines[-1][1]
        if line == "====" and before == "Data" and self._data_at is None:
            self._data_at = len(self._lines) + 1
        elif line == "----" and self._data_at and before.endswith(":"):
            self.inside_data = True
        elif line == "BinaryData":
            self.inside_data = False
        elif line.startswith("Events:") and (self._events_at is None or self._data_at):
            self._events_at = len(self._lines)
            self.inside_data = False

    def finished(self) -> ObjectText:
        """Give the object's text in its parts."""
        lines = self._lines
        events_at = len(lines) if self._events_at is None else self._events_at
        fields_end = events_at if self._data_at is None else self._data_at - 2
        none = events_at < len(lines) and lines[events_at][1].endswith("<none>")
        return ObjectText(
            first_line=lines[0][0],
            last_line=self._end,
            fields=lines[:fields_end],
            data=None if self._data_at is None else lines[self._data_at : events_at],
            events=[] if none else [(number, line) for number, line in lines[events_at + 1 :] if line],
        )
