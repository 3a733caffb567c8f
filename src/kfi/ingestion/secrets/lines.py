"""
Where a line of text holds a secret.

Two things give a secret away: its own shape (a JSON web token, a key of a cloud), and the name it stands behind. Names
mislead: Kubernetes texts are full of names of Secrets, of paths to tokens, and of sentences about passwords; those
stay readable. Every pattern takes time linear in the line, and is tried only on lines that hold one of its fixed words:
those are searched for in many lines at once.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from kfi.ingestion.secrets.names import APPLIED_ANNOTATION, LAST_APPLIED, NameKind, kind_of_name
from kfi.ingestion.secrets.phrases import apart, said
from kfi.ingestion.secrets.shapes import ALONE, BESIDE_NAMES, IN_RUNS, LEAST_RUN, NAME_WORDS, SHAPES_OF, Shape
from kfi.ingestion.secrets.spans import (
    LINE_START,
    PLACEHOLDER,
    Span,
    all_the_rest,
    bare,
    quoted,
    to_the_end,
    word_at,
)
from kfi.ingestion.secrets.values import is_harmless

_NAME_CHARS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
# Characters before the last word of a name that belong to the name; longer names do not occur.
_MAX_PREFIX = 80

# The last word of a name, what closes it, and what parts it from its value.
_NAMED = re.compile(
    r"(?:pass(?:word|wd|phrase|code)?|pwd|bindpw|rootpw|userpw|dbpw|secret(?:[_-]?id)?|token|credentials?"
    r"|key(?:[_-]?base|-data)?|auth|dockerc(?:onfigjson|fg)|masterauth|last-applied-configuration)"
    r"[0-9]{0,3}(?P<close>\\{0,15}(?:[\"'`]|u0022)?|&(?:quot|#3[49]);)"
    r"(?P<sep>[ \t]{0,40}(?::=|=>|==|=|:|,|%3[ad])[ \t]*|[ \t]+)"
)
_NAME_NEEDLES = (*NAME_WORDS, "secret", "credential", "dockerc", "last-applied", "pw")
# What else a line may hold that `blocks` has to look at: `.docker-config-json:`, `data:`, `stringData:`.
_ANNOUNCING = ("docker", "data")
# Characters that tokens of a known look are made of, told by one search for so many of them in a row.
_RUNS = bytes(120 if code < 128 and (chr(code).isalnum() or code == 95) else 32 for code in range(256))
_RUN = b"x" * LEAST_RUN
# Words before a name that stand apart from it: `api key: w1nesap`.
_OWNER = re.compile(r"(?i)(?:api|access|secret|private|signing|encryption|license) $")
_OWNER_CHARS = 12

# `"password": {"value": "w1nesap"}`.
_INNER = re.compile(r"\{\s{0,9}[\"'\\]{0,9}(?:value|plaintext|plain|raw|content)[\"'\\]{0,9}\s{0,9}[:=]\s{0,9}")
# An environment variable on one line, as JSON, YAML flow style or Go prints it.
_PAIR = re.compile(
    r"(?i)\b(?:name|key)[\"'\\]*\s{0,9}[:=]\s{0,9}[\"'\\]*(?P<name>[\w.-]{1,128})[\"'\\]*(?:\s{0,9},\s{0,9}|\s{1,9})"
    r"[\"'\\]*\bvalue(?P<close>\\{0,15}[\"'`]?)(?P<sep>\s{0,9}[:=]\s{0,9})"
)

_ANNOTATION = re.compile(rf'\s*"{re.escape(APPLIED_ANNOTATION)}": (?=")')
_VERSION = re.compile(r"(?:v?\d+(?:\.\d+)*(?:[-+][\w.-]*)?|latest|stable)(?![\w!@#$%^&*])")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ANY = NameKind("any")


class Hint(NamedTuple):
    """Why a line may hold a secret, or announce one."""

    needles: tuple[str, ...] = ()
    """Fixed words of shapes in it."""
    named: bool = False
    """Whether it holds a word that stands in the names of secrets."""


def hints(lines: Iterable[str]) -> dict[str, Hint]:
    """Give each line in which `find` or `blocks.opens` may find anything; in all others neither does."""
    texts = tuple(lines)
    page = _Page(texts)
    needles: defaultdict[int, list[str]] = defaultdict(list)
    for needle in ALONE:
        for number in page.lines_with(needle):
            needles[number].append(needle)
    named = {number for needle in _NAME_NEEDLES for number in page.lines_with(needle)}
    for number in named:
        low = page.line(number)
        needles[number] += [needle for needle in BESIDE_NAMES if needle.encode() in low]
    for number, needle in page.needles_in_runs():
        needles[number].append(needle)
    announcing = (number for needle in _ANNOUNCING for number in page.lines_with(needle))
    return {texts[n]: Hint(tuple(needles.get(n, ())), n in named) for n in {*needles, *named, *announcing}}


def find(line: str, hint: Hint | None = None) -> list[Span]:
    """Give the secrets of one line, in order, without overlaps; `hint` is what `hints` says of it."""
    hint = hint or hints((line,)).get(line)
    if hint is None:
        return []
    applied = _applied(line) if hint.named and LAST_APPLIED in line else None
    if applied:
        return [applied]
    spans = [span for shape in _shapes(hint.needles) for span in _shaped(line, shape)]
    low = lowered(line)
    if hint.named:
        spans += _named(line, low)
    if spans and "<secret:" in low:
        spans = _beside_placeholders(line, spans)
    return _without_overlaps(spans) if len(spans) > 1 else spans


class _Page:
    """Lines to be searched together, in lower case and as bytes: all that is looked for is ASCII."""

    def __init__(self, lines: Sequence[str]) -> None:
        text = "\n".join(lines)
        if text.isascii():
            self._text, sizes = text.lower().encode(), map(len, lines)
        else:
            encoded = [lowered(line).encode("utf-8", "surrogatepass") for line in lines]
            self._text, sizes = b"\n".join(encoded), map(len, encoded)
        self._starts = tuple(accumulate((size + 1 for size in sizes), initial=0))

    def line(self, number: int) -> bytes:
        return self._text[self._starts[number] : self._starts[number + 1] - 1]

    def lines_with(self, needle: str) -> Iterator[int]:
        return self._numbers(needle.encode(), self._text)

    def needles_in_runs(self) -> Iterator[tuple[int, str]]:
        """Yield the lines with a long run of characters, with each word of a token that is made of such."""
        numbers = tuple(self._numbers(_RUN, self._text.translate(_RUNS)))
        text = b"\n".join(map(self.line, numbers))
        for needle in IN_RUNS:
            if needle.encode() in text:
                yield from ((number, needle) for number in numbers if needle.encode() in self.line(number))

    def _numbers(self, needle: bytes, text: bytes) -> Iterator[int]:
        position = text.find(needle)
        while position >= 0:
            number = bisect_right(self._starts, position) - 1
            yield number
            position = text.find(needle, self._starts[number + 1])


def _applied(line: str) -> Span | None:
    """Give the value of a line that is nothing but the annotation of an applied manifest: all of it is masked."""
    name = _ANNOTATION.match(line) if "<secret:" not in line else None
    found = quoted(line, name.end(), NameKind(LAST_APPLIED)) if name else None
    return found if found and line[found.end :].rstrip() in ('"', '",') else None


def _shapes(needles: Iterable[str]) -> Iterable[Shape]:
    return dict.fromkeys(shape for needle in needles for shape in SHAPES_OF[needle])


def lowered(line: str) -> str:
    """Give the line in lower case, every character in its place (some letters become two)."""
    low = line.lower()
    return low if len(low) == len(line) else line.translate(_ASCII_LOWER)


def _shaped(line: str, shape: Shape) -> Iterator[Span]:
    for match in shape.pattern.finditer(line):
        group = match.lastindex or 0
        value = match[group]
        if not is_harmless(value, _ANY) and (shape.is_secret is None or shape.is_secret(value)):
            yield Span(*match.span(group), shape.kind)


def _named(line: str, low: str) -> Iterator[Span]:
    done = 0
    for match in _NAMED.finditer(low):
        found = _behind_name(line, match) if match.start() >= done else None
        if found:
            done = found.end
            yield found
    if "value" in low:
        yield from _pairs(line)
    yield from apart(line, low)


def _pairs(line: str) -> Iterator[Span]:
    for match in _PAIR.finditer(line):
        name = kind_of_name(match["name"])
        found = name and (quoted(line, match.end(), name) or bare(line, match.end(), name, match["close"], False))
        if found:
            yield found


def _behind_name(line: str, match: re.Match[str]) -> Span | None:
    """Judge one name with what follows it."""
    first = match.start() - len(_prefix(line, match.start()))
    full_name = line[first : match.start("close")]
    name = kind_of_name(full_name) or _owned(line, first, full_name)
    if name is None:
        return None
    if name.kind == LAST_APPLIED:
        return quoted(line, match.end(), name) or all_the_rest(line, match.end(), name)
    sep = match["sep"]
    if not sep.strip() or "," in sep:
        return _of_flag(line, match, name) if full_name.startswith("-") else said(line, match, name, first)
    # A comparison, or `password= user=cart`: nothing was set.
    unset = "==" in sep or sep.startswith(("= ", "=\t"))
    return None if unset else _set(line, match, name, first)


def _owned(line: str, first: int, name: str) -> NameKind | None:
    owner = _OWNER.search(line, max(0, first - _OWNER_CHARS), first) if name.lower() == "key" else None
    return kind_of_name(f"{owner[0].strip()}_{name}") if owner else None


def _set(line: str, match: re.Match[str], name: NameKind, first: int) -> Span | None:
    close, start = match["close"], match.end()
    inner = _INNER.match(line, start) if line[start : start + 1] == "{" else None
    if inner:
        return quoted(line, inner.end(), name) or bare(line, inner.end(), name, close, in_query=False)
    found = quoted(line, start, name, loose=not close and ":" in match["sep"])
    if found or line[start : start + 1] in ("", '"', "'", "`") or line.startswith(("&quot;", "&#3"), start):
        return found
    if close and line[max(0, first - len(close)) : first] != close:
        # The quote closed a text that ends in the name: `volume "api-token" : secret "x" not found`.
        return None
    return _unquoted(line, match, name, first)


def _unquoted(line: str, match: re.Match[str], name: NameKind, first: int) -> Span | None:
    start, sep, close = match.end(), match["sep"], match["close"]
    if LINE_START.fullmatch(line, 0, first) and (":" in sep or sep != sep.strip()):
        return to_the_end(line, start, name, close)
    if "=" in sep or "%" in sep:
        return bare(line, start, name, close, in_query="%" in sep or line[first - 1 : first] in ("?", "&"))
    if sep.endswith(":"):
        if _VERSION.match(line, start) or line[first - 1 : first] == "/":
            # An image: registry/api-token:v1.2.
            return None
        return bare(line, start, name, close, in_query=False)
    return word_at(line, start, name, close)


def _of_flag(line: str, match: re.Match[str], name: NameKind) -> Span | None:
    """Judge `--password hunter2` and `"--password", "hunter2"`."""
    start = match.end()
    if "," in match["sep"]:
        return quoted(line, start, name) if match["close"] else None
    if match["close"] or line[start : start + 1] == "-":
        return None
    return quoted(line, start, name, loose=True) or word_at(line, start, name, "")


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
