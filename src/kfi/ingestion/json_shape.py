"""
What a JSON text is about, told from the keys at its top, without parsing it: it may be cut, broken or a bomb.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

# A text that is cut within a string ends with it.
_TOKEN = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"(\s*:)?|\\?$)|[{}\[\]]')
_MAX_TOKENS = 20_000
# A List's items are three levels down: the object, its items, each item.
_MAX_DEPTH = 4


@dataclass
class JsonShape:
    """The keys of the first JSON value of a text, by depth; an array's elements count as one."""

    array: bool
    keys: dict[int, set[str]] = field(default_factory=dict)
    values: dict[tuple[int, str], str] = field(default_factory=dict)
    """First text behind a key at a depth."""
    end: int = -1
    """Where the value ends in the text; -1 where it does not."""

    @property
    def top(self) -> set[str]:
        """Keys of the object, or of the array's elements."""
        return self.keys.get(2 if self.array else 1, set())

    def within(self, *names: str) -> bool:
        """Tell whether some depth has all these keys."""
        return any(found.issuperset(names) for found in self.keys.values())

    def value(self, name: str) -> str:
        """Give the first text behind a key, at the smallest depth that has one."""
        return next((text for (_, key), text in sorted(self.values.items()) if key == name), "")


def shape_of(text: str) -> JsonShape:
    """Give the shape of the JSON value that a text begins with."""
    shape = JsonShape(array=text.lstrip()[:1] == "[")
    depth, key = 0, ""
    for count, token in enumerate(_TOKEN.finditer(text)):
        word = token[0]
        if word in "{[":
            depth += 1
            key = ""
        elif word in "}]":
            depth -= 1
            if depth <= 0:
                shape.end = token.end()
                break
        elif depth <= _MAX_DEPTH:
            key = _take(shape, depth, key, token)
        if count > _MAX_TOKENS:
            break
    return shape


def _take(shape: JsonShape, depth: int, key: str, token: re.Match[str]) -> str:
    """Note a key, or the text behind the key before; give the key that a text would now stand behind."""
    if token[2]:
        shape.keys.setdefault(depth, set()).add(token[1])
        return token[1]
    if key:
        shape.values.setdefault((depth, key), token[1])
    return ""
