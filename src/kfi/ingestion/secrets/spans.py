"""
Where the value behind a secret's name begins and ends: quoted, a word, or the rest of the line.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from kfi.ingestion.secrets.names import NameKind
from kfi.ingestion.secrets.values import is_harmless, is_prose

PLACEHOLDER = re.compile(r"<secret:[0-9a-f]{8}>")
"""What stands where a secret stood."""

_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*+)("|$)')
_SINGLE = re.compile(r"'((?:[^']|'')*+)('|$)")
# Within a YAML text in single quotes, these are doubled.
_DOUBLED = re.compile(r"''([^'\s,;:)\]}&][^']*+)''")
# Quotes that are escaped for the string, or the page, around them.
_ESCAPED = re.compile(r"(?P<quote>\\+(?:[\"']|u0022)|&(?:quot|#3[49]);)(?P<value>.*?)(?:(?<!\\)(?P=quote)|$)")
# A bare value: a backslash ends it where it escapes a line end or a quote of the string around it.
_BARE = re.compile(r"(?:[^\s\"'`;<>\\]|\\\\|\\(?![nrtu\"'/\\]).)+")
_BARE_IN_QUERY = re.compile(r"[^\s\"'`;<>\\&#]+")
WORD = re.compile(r"[^\s\"'`;,<>()\[\]{}\\]+")
"""One word of a sentence or a list."""
LINE_START = re.compile(r"\s*(?:- )*(?:export +)?[\"']?")
"""What may stand before a name that begins its line."""
_STRUCTURE = re.compile(r"[\[{](?:[\s\"'\\}\]]|\w+:|$)|\*[\w-]+$")


class Span(NamedTuple):
    """A secret's place in a line: what to replace."""

    start: int
    end: int
    kind: str
    quote: str = ""
    """Quotes to put around what replaces it: a bare number in JSON would otherwise become no JSON."""


def value_at(line: str, start: int, name: NameKind, quote: str = "") -> Span | None:
    """Give the place of the value that begins at `start`, quoted or up to the line's end, unless it is harmless."""
    if line[start : start + 1] in ('"', "'"):
        return quoted(line, start, name)
    return to_the_end(line, start, name, quote)


def quoted(line: str, start: int, name: NameKind, loose: bool = False) -> Span | None:
    """Give the text between the quotes that open at `start`.

    `loose`: the quote may as well close a text around the name (`"wrong password:" user="x"`); what is between it and
    the next one is then taken only where it looks like a value.
    """
    opening = line[start : start + 1]
    pattern = {'"': _DOUBLE, "'": _SINGLE, "\\": _ESCAPED, "&": _ESCAPED}.get(opening)
    if line.startswith("''''", start):
        return None
    doubled = _DOUBLED.match(line, start) if opening == "'" else None
    match = doubled or (pattern.match(line, start) if pattern else None)
    if match is None:
        return None
    group = "value" if pattern is _ESCAPED else 1
    value = match[group]
    if loose and (not value[:1].strip() or not any(c.isalnum() for c in value)):
        return None
    return None if is_harmless(value, name) else Span(*match.span(group), name.kind)


def to_the_end(line: str, start: int, name: NameKind, quote: str) -> Span | None:
    """Give the rest of a line that says nothing but a name and its value."""
    # `kubectl describe` puts its values into columns, and writes no comments.
    aligned = line[:start][-2:].isspace()
    comment = -1 if aligned else line.find(" #", start)
    end = len(line[:comment].rstrip()) if comment >= 0 else len(line.rstrip())
    if quote or line[:start].rstrip(" :=\t").endswith('"'):
        end = start + len(line[start:end].rstrip(","))
    value = line[start:end]
    if not value or _STRUCTURE.match(value) or is_harmless(value, name):
        return None
    if " " in value and name.kind != "password" and not (aligned and not name.weak):
        # Of all secrets only passwords are known to be several words.
        return word_at(line, start, name, quote)
    return Span(start, end, name.kind, quote)


def all_the_rest(line: str, start: int, name: NameKind) -> Span | None:
    """Give the rest of a line, whatever it looks like."""
    value = line[start:].rstrip()
    return None if is_harmless(value, name) else Span(start, start + len(value), name.kind)


def bare(line: str, start: int, name: NameKind, quote: str, in_query: bool) -> Span | None:
    """Give the characters up to the next space, or what ends a value in the query of an address."""
    match = (_BARE_IN_QUERY if in_query else _BARE).match(line, start)
    if match is None:
        return None
    value = match[0].rstrip(",)]}")
    if not value or _STRUCTURE.match(value) or is_harmless(value, name):
        return None
    return Span(start, start + len(value), name.kind, quote)


def word_at(line: str, start: int, name: NameKind, quote: str) -> Span | None:
    """Give one word in the middle of a line, where it does not go on a sentence."""
    match = WORD.match(line, start)
    if match is None or is_harmless(match[0], name) or is_prose(match[0], line[match.end() : match.end() + 3], name):
        return None
    return Span(*match.span(), name.kind, quote)
