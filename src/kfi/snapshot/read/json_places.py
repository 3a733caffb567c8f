"""
The line of one field in the text of an object in JSON, found without reading the rest.

A cluster in trouble has thousands of cited objects, and of each only a few fields. What does not lie on the way to them
is passed over by the C scanner of `json`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from kfi.snapshot.read.found import Path, element_key
from kfi.snapshot.read.json_text import unwrap_watch

_SPACE = re.compile(r"[ \t\r\n]*+")
_BETWEEN = re.compile(r"[ \t\r\n,]*+")
# Numbers stay text: nobody asks for them here, and a hostile one may have a million digits.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)

_Spot = tuple[int, int]
"""Position of the line where a part is shown (its key's, in an object), and of the part itself."""


class JsonPlaces:
    """Where the fields of the first object in a text stand; what has been looked at is remembered."""

    def __init__(self, text: str, first_line: int = 1) -> None:
        self._text = text
        self._first_line = first_line
        self._within: dict[int, dict[str, _Spot]] = {}
        self._root = self._object(text.find("{"))

    def _object(self, start: int) -> int | None:
        """Give where the object starts: within its watch event, if it came in one; None where it is not whole."""
        try:
            value, _ = _DECODER.raw_decode(self._text, start)
        except (ValueError, RecursionError, IndexError):
            return None
        watch, _ = unwrap_watch(value)
        return self._parts(start)["object"][1] if watch else start

    def line(self, path: Path) -> int:
        """Give the line of a field, or of what is nearest above it; the first line where the text is not whole."""
        if self._root is None:
            return self._first_line
        shown = at = self._root
        for key in path:
            parts = self._parts(at)
            if key not in parts:
                break
            shown, at = parts[key]
        return self._first_line + self._text.count("\n", 0, shown)

    def _parts(self, at: int) -> dict[str, _Spot]:
        """Give the parts of a value: of keys given twice the last, of elements of one name the first."""
        if at not in self._within:
            opening = self._text[at]
            if opening == "{":
                self._within[at] = dict(self._members(at))
            else:
                elements = list(self._elements(at)) if opening == "[" else []
                self._within[at] = dict(reversed(elements))
        return self._within[at]

    def _members(self, at: int) -> Iterator[tuple[str, _Spot]]:
        pos = self._after(_SPACE, at + 1)
        while self._text[pos] != "}":
            key, end = _DECODER.raw_decode(self._text, pos)
            value = self._after(_SPACE, self._after(_SPACE, end) + 1)
            yield key, (pos, value)
            pos = self._after(_BETWEEN, _DECODER.raw_decode(self._text, value)[1])

    def _elements(self, at: int) -> Iterator[tuple[str, _Spot]]:
        pos, index = self._after(_SPACE, at + 1), 0
        while self._text[pos] != "]":
            value, end = _DECODER.raw_decode(self._text, pos)
            yield element_key(value, index), (pos, pos)
            pos, index = self._after(_BETWEEN, end), index + 1

    def _after(self, pattern: re.Pattern[str], pos: int) -> int:
        found = pattern.match(self._text, pos)
        return found.end() if found else pos
