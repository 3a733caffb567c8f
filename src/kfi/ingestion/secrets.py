"""
Where a line of text holds a secret.

Two things give a secret away: its own shape (a JSON web token, a key of a cloud), and the name it stands behind. Names
mislead: Kubernetes texts are full of names of Secrets, of paths to tokens, and of sentences about passwords; those
stay readable. Every pattern takes time linear in the line, and lines without a hint are let through after a few
searches for fixed words.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import NamedTuple

from kfi.ingestion.secret_names import LAST_APPLIED, NameKind, kind_of_name
from kfi.ingestion.secret_shapes import SHAPES, Shape
from kfi.ingestion.secret_values import is_harmless, is_prose

_NAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
# Characters before the last word of a name that belong to the name; longer names do not occur.
_MAX_PREFIX = 80


class Span(NamedTuple):
    """A secret's place in a line: what to replace."""

    start: int
    end: int
    kind: str
    quote: str = ""
    """Quotes to put around what replaces it: a bare number in JSON would otherwise become no JSON."""


# The last word of a name, what closes it, and what parts it from its value.
_NAMED = re.compile(
    r"(?:password|passwd|passphrase|passcode|pwd|pass|secret|token|credentials|credential|key|auth|key[_-]?base"
    r"|key-data|secret[_-]?id|dockerconfigjson|dockercfg|masterauth|last-applied-configuration)[0-9]{0,3}"
    r"(?P<close>\\{0,15}[\"'`]?)(?P<sep>[ \t]{0,40}(?::=|=>|==|=|:|,)[ \t]*|[ \t]+)"
)
_ALL_NEEDLES = {needle for shape in SHAPES for needle in shape.needles}
# A needle within another finds both.
_NEEDLES = tuple(n for n in sorted(_ALL_NEEDLES) if not any(other != n and other in n for other in _ALL_NEEDLES))
_NAME_NEEDLES = ("pass", "pwd", "secret", "token", "credential", "key", "auth", "dockerc", "last-applied")

# An environment variable on one line, as JSON, YAML flow style or Go prints it.
_PAIR = re.compile(
    r"(?i)\bname[\"'\\]*\s{0,9}[:=]\s{0,9}[\"'\\]*(?P<name>[\w.-]{1,128})[\"'\\]*(?:\s{0,9},\s{0,9}|\s{1,9})"
    r"[\"'\\]*\bvalue(?P<close>\\{0,15}[\"'`]?)(?P<sep>\s{0,9}[:=]\s{0,9})"
)

_DOUBLE = re.compile(r'"((?:[^"\\]|\\.)*+)("|$)')
_SINGLE = re.compile(r"'((?:[^']|'')*+)('|$)")
_ESCAPED = re.compile(r"(?P<quote>\\+[\"'])(?P<value>.*?)(?:(?<!\\)(?P=quote)|$)")
# A bare value: a backslash ends it where it escapes a line end or a quote of the string around it.
_BARE = re.compile(r"(?:[^\s\"'`;<>\\]|\\\\|\\(?![nrtu\"'/\\]).)+")
_BARE_IN_QUERY = re.compile(r"[^\s\"'`;<>\\&#]+")
_WORD = re.compile(r"[^\s\"'`;,<>()\[\]{}\\]+")
_LINE_START = re.compile(r"\s*(?:- )*(?:export +)?[\"']?")
_STRUCTURE = re.compile(r"[\[{](?:[\s\"'\\}\]]|\w+:|$)|\*[\w-]+$")
_VERSION = re.compile(r"(?:v?\d+(?:\.\d+)*(?:[-+][\w.-]*)?|latest|stable)(?![\w!@#$%^&*])")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ANY = NameKind("any")
PLACEHOLDER = re.compile(r"<secret:[0-9a-f]{8}>")
"""What stands where a secret stood."""


def find(line: str) -> list[Span]:
    """Give the secrets of one line, in order, without overlaps."""
    low = lowered(line)
    # Plain loops: this runs for every line of every log, and a generator would cost more than the searches.
    spans: list[Span] = []
    for needle in _NEEDLES:
        if needle in low:
            spans = [span for shape in SHAPES for span in _shaped(line, low, shape)]
            break
    for needle in _NAME_NEEDLES:
        if needle in low:
            spans += _named(line, low)
            break
    if spans and "<secret:" in low:
        spans = _beside_placeholders(line, spans)
    return _without_overlaps(spans) if len(spans) > 1 else spans


def lowered(line: str) -> str:
    """Give the line in lower case, every character in its place (some letters become two)."""
    low = line.lower()
    return low if len(low) == len(line) else line.translate(_ASCII_LOWER)


def value_at(line: str, start: int, name: NameKind, quote: str = "") -> Span | None:
    """Give the place of the value that begins at `start`, quoted or up to the line's end, unless it is harmless."""
    if line[start : start + 1] in ('"', "'"):
        return _quoted(line, start, name)
    return _to_the_end(line, start, name, quote)


def _shaped(line: str, low: str, shape: Shape) -> Iterator[Span]:
    if not any(needle in low for needle in shape.needles):
        return
    for match in shape.pattern.finditer(line):
        group = match.lastindex or 0
        if not is_harmless(match[group], _ANY):
            yield Span(*match.span(group), shape.kind)


def _named(line: str, low: str) -> Iterator[Span]:
    done = 0
    for match in _NAMED.finditer(low):
        found = _behind_name(line, match) if match.start() >= done else None
        if found:
            done = found.end
            yield found
    if "value" in low and "name" in low:
        for match in _PAIR.finditer(line):
            name = kind_of_name(match["name"])
            found = name and (_quoted(line, match.end(), name) or _bare(line, match.end(), name, match["close"], False))
            if found:
                yield found


def _behind_name(line: str, match: re.Match[str]) -> Span | None:
    """Judge one name with what follows it."""
    first = match.start() - len(_prefix(line, match.start()))
    full_name = line[first : match.start("close")]
    name = kind_of_name(full_name)
    if name is None:
        return None
    if name.kind == LAST_APPLIED:
        return _quoted(line, match.end(), name) or _all_the_rest(line, match.end(), name)
    sep = match["sep"]
    if not sep.strip() or "," in sep:
        return _of_flag(line, match, name) if full_name.startswith("-") else None
    # A comparison, or `password= user=cart`: nothing was set.
    unset = "==" in sep or sep.startswith(("= ", "=\t"))
    return None if unset else _set(line, match, name, first)


def _set(line: str, match: re.Match[str], name: NameKind, first: int) -> Span | None:
    close, start = match["close"], match.end()
    quoted = _quoted(line, start, name, loose=not close and ":" in match["sep"])
    if quoted or line[start : start + 1] in ("", '"', "'", "`"):
        return quoted
    if close and line[max(0, first - len(close)) : first] != close:
        # The quote closed a text that ends in the name: `volume "api-token" : secret "x" not found`.
        return None
    return _unquoted(line, match, name, first)


def _unquoted(line: str, match: re.Match[str], name: NameKind, first: int) -> Span | None:
    start, sep, close = match.end(), match["sep"], match["close"]
    if _LINE_START.fullmatch(line, 0, first) and (":" in sep or sep != sep.strip()):
        return _to_the_end(line, start, name, close)
    if "=" in sep:
        return _bare(line, start, name, close, in_query=line[first - 1 : first] in ("?", "&"))
    if sep.endswith(":"):
        if _VERSION.match(line, start) or line[first - 1 : first] == "/":
            # An image: registry/api-token:v1.2.
            return None
        return _bare(line, start, name, close, in_query=False)
    return _word(line, start, name, close)


def _of_flag(line: str, match: re.Match[str], name: NameKind) -> Span | None:
    """Judge `--password hunter2` and `"--password", "hunter2"`."""
    start = match.end()
    if "," in match["sep"]:
        return _quoted(line, start, name) if match["close"] else None
    if match["close"] or line[start : start + 1] == "-":
        return None
    return _quoted(line, start, name, loose=True) or _word(line, start, name, "")


def _quoted(line: str, start: int, name: NameKind, loose: bool = False) -> Span | None:
    """Give the text between the quotes that open at `start`.

    `loose`: the quote may as well close a text around the name (`"wrong password:" user="x"`); what is between it and
    the next one is then taken only where it looks like a value.
    """
    opening = line[start : start + 1]
    pattern = {'"': _DOUBLE, "'": _SINGLE, "\\": _ESCAPED}.get(opening)
    match = pattern.match(line, start) if pattern else None
    if match is None:
        return None
    group = "value" if pattern is _ESCAPED else 1
    value = match[group]
    if loose and (not value[:1].strip() or not any(c.isalnum() for c in value)):
        return None
    return None if is_harmless(value, name) else Span(*match.span(group), name.kind)


def _to_the_end(line: str, start: int, name: NameKind, quote: str) -> Span | None:
    """Give the rest of a line that says nothing but a name and its value."""
    comment = line.find(" #", start)
    end = len(line[:comment].rstrip()) if comment >= 0 else len(line.rstrip())
    if quote or line[:start].rstrip(" :=\t").endswith('"'):
        end = start + len(line[start:end].rstrip(","))
    value = line[start:end]
    if not value or _STRUCTURE.match(value) or is_harmless(value, name):
        return None
    if " " in value and name.kind != "password":
        # Of all secrets only passwords are known to be several words.
        return _word(line, start, name, quote)
    return Span(start, end, name.kind, quote)


def _all_the_rest(line: str, start: int, name: NameKind) -> Span | None:
    value = line[start:].rstrip()
    return None if is_harmless(value, name) else Span(start, start + len(value), name.kind)


def _bare(line: str, start: int, name: NameKind, quote: str, in_query: bool) -> Span | None:
    match = (_BARE_IN_QUERY if in_query else _BARE).match(line, start)
    if match is None:
        return None
    value = match[0].rstrip(",)]}")
    if not value or _STRUCTURE.match(value) or is_harmless(value, name):
        return None
    return Span(start, start + len(value), name.kind, quote)


def _word(line: str, start: int, name: NameKind, quote: str) -> Span | None:
    """Give one word in the middle of a line, where it does not go on a sentence."""
    match = _WORD.match(line, start)
    if match is None or is_harmless(match[0], name) or is_prose(match[0], line[match.end() : match.end() + 3], name):
        return None
    return Span(*match.span(), name.kind, quote)


def _prefix(line: str, end: int) -> str:
    """Give the characters of the name before its last word."""
    head = line[max(0, end - _MAX_PREFIX) : end]
    return head[len(head.rstrip(_NAME_CHARS)) :]


def _beside_placeholders(line: str, spans: list[Span]) -> list[Span]:
    """Keep the places that touch nothing that is masked already."""
    masked = [match.span() for match in PLACEHOLDER.finditer(line)]

    def touches(span: Span) -> bool:
        before = bisect_left(masked, (span.end, 0)) - 1
        return before >= 0 and masked[before][1] > span.start

    return [span for span in spans if not touches(span)]


def _without_overlaps(spans: list[Span]) -> list[Span]:
    """Keep of overlapping places the one that begins first, stretched over those that it touches."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if kept and span.start < kept[-1].end:
            kept[-1] = kept[-1]._replace(end=max(kept[-1].end, span.end))
        else:
            kept.append(span)
    return kept
