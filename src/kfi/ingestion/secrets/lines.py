"""
Where a line of text holds a secret.

Two things give a secret away: its own shape (a JSON web token, a key of a cloud), and the name it stands behind. Names
mislead: Kubernetes texts are full of names of Secrets, of paths to tokens, and of sentences about passwords; those
stay readable. Every pattern takes time linear in the line, and lines without a hint are let through after a few
searches for fixed words, most of which are made once for many lines.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from kfi.ingestion.secrets.names import LAST_APPLIED, NameKind, kind_of_name
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
# Characters that tokens of a known look are made of, told by one search for so many of them in a row.
_RUNS = {code: "x" if chr(code).isalnum() or chr(code) == "_" else " " for code in range(128)}
_RUN = "x" * LEAST_RUN
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

_VERSION = re.compile(r"(?:v?\d+(?:\.\d+)*(?:[-+][\w.-]*)?|latest|stable)(?![\w!@#$%^&*])")
_ASCII_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_ANY = NameKind("any")


def find(line: str) -> list[Span]:
    """Give the secrets of one line, in order, without overlaps."""
    low = lowered(line)
    # Plain loops: this runs for every line of every log, and a generator would cost more than the searches.
    hits = [needle for needle in ALONE if needle in low]
    named = False
    for needle in _NAME_NEEDLES:
        if needle in low:
            named = True
            hits += [needle for needle in BESIDE_NAMES if needle in low]
            break
    if _RUN in low.translate(_RUNS):
        hits += [needle for needle in IN_RUNS if needle in low]
    spans = [span for shape in _shapes(hits) for span in _shaped(line, shape)] if hits else []
    if named:
        spans += _named(line, low)
    if spans and "<secret:" in low:
        spans = _beside_placeholders(line, spans)
    return _without_overlaps(spans) if len(spans) > 1 else spans


def without_hints(lines: Iterable[str]) -> bool:
    """Tell whether `find` would find nothing in any of these lines, by searches made once for all of them."""
    low = "\n".join(map(lowered, lines))
    return not (
        any(needle in low for needle in ALONE)
        or any(needle in low for needle in _NAME_NEEDLES)
        or (_RUN in low.translate(_RUNS) and any(needle in low for needle in IN_RUNS))
    )


def _shapes(needles: list[str]) -> Iterable[Shape]:
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
