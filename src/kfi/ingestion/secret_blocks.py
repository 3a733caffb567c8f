"""
Secrets that a line only announces: the lines after it hold them.

A private key, a YAML block behind a secret's name, `name: DB_PASSWORD` with its `value:` on the next line, `--password`
with its argument on the next, and what `kubectl describe configmap` prints under a key.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from kfi.ingestion.secret_names import LAST_APPLIED, NameKind, kind_of_name
from kfi.ingestion.secrets import PLACEHOLDER, Span, value_at


class Opened(NamedTuple):
    """What a line has announced."""

    what: Literal["key", "block", "value", "item", "ruler", "described"]
    name: NameKind
    column: int = 0
    """Lines of a block stand to the right of it."""
    quote: str = ""
    """What closes a quoted block."""


class Inside(NamedTuple):
    """A line that was announced: its secrets, and what the next line may be."""

    spans: tuple[Span, ...]
    then: Opened | None


_KEY = NameKind("private key")
_OPENING = re.compile(
    r"""(?x)\s*(?:-\ )?["']?(?:
    name["']?\s*:\s*["']?(?P<variable>[\w.-]{1,128})["']?,?\s*$
    | (?P<key>[\w.-]{1,200})["']?\s*:\s*(?:(?P<block>[|>][-+0-9]{0,3}|"[^"]*|'[^']*)\s*)?$
    | (?P<flag>--?[\w-]{1,128})["']?,?\s*$
    )"""
)
_APPLIED_KEY = "kubectl.kubernetes.io/last-applied-configuration"
# A line of a key, alone on its line but for what a container runtime or a list puts around it.
_KEY_BODY = re.compile(
    r"""\s*(?:\S+ std(?:out|err) [FP] |\{"log":")?[\s"'|>+,-]*"""
    r"""(?P<body>[A-Za-z0-9+/=_-]+)(?:\\n)?["',]*(?:,"stream".*)?\s*"""
)
_KEY_HEADER = re.compile(r"\s*(?:[A-Z][A-Za-z-]{2,30}: .*)?")
_UNCLOSED = re.compile(r""": +(["'])(?:(?!\1).)*$""")
_VALUE = re.compile(r"\s*[\"']?value(?P<quote>[\"']?)\s*:\s*")
_ITEM = re.compile(r"\s*(?:-\s+)?(?!-)(?=\S)")
_RULER = re.compile(r"-{4,}|={4,}")
_NOTHING_YET = re.compile(r"\s*(?:#.*)?")


def opens(text: str) -> Opened | None:
    """Say what a line announces, if anything."""
    if "-----BEGIN" in text and "PRIVATE KEY" in text and "-----END" not in text:
        return Opened("key", _KEY)
    column = text.find(_APPLIED_KEY)
    if column >= 0:
        quote = _UNCLOSED.search(text, column)
        return Opened("block", NameKind(LAST_APPLIED), column, quote[1] if quote else "")
    match = _OPENING.match(text)
    word = match and (match["variable"] or match["key"] or match["flag"])
    name = kind_of_name(word) if word else None
    if match is None or name is None:
        return None
    if match["variable"]:
        return Opened("value", name)
    if match["flag"]:
        return Opened("item", name)
    block = match["block"] or ""
    return Opened("block" if block else "ruler", name, match.start("key"), block[:1].strip("|>"))


def inside(text: str, opened: Opened) -> Inside | None:
    """Give what an announced line holds, or None where another line came instead."""
    match opened.what:
        case "key":
            return _in_key(text, opened)
        case "block":
            return _in_block(text, opened)
        case "value":
            return _in_value(text, opened)
        case "item":
            return _in_item(text, opened)
        case "ruler":
            return Inside((), opened._replace(what="described")) if _RULER.fullmatch(text.strip()) else None
        case "described":
            return Inside(_whole(text, opened), opened) if text.strip() else None


def _in_key(text: str, opened: Opened) -> Inside | None:
    if "-----END" in text:
        return Inside((), None)
    body = _KEY_BODY.fullmatch(text)
    if body:
        return Inside((Span(*body.span("body"), opened.name.kind),), opened)
    return Inside((), opened) if _KEY_HEADER.fullmatch(text) else None


def _in_block(text: str, opened: Opened) -> Inside | None:
    if not text.strip():
        return Inside((), opened)
    if len(text) - len(text.lstrip()) <= opened.column:
        return None
    content = text.rstrip()
    if opened.quote and content.endswith(opened.quote):
        return Inside(_whole(content.removesuffix(opened.quote), opened), None)
    return Inside(_whole(text, opened), opened)


def _in_value(text: str, opened: Opened) -> Inside | None:
    value = _VALUE.match(text)
    if value is None:
        return Inside((), opened) if _NOTHING_YET.fullmatch(text) else None
    if text[value.end() :].startswith(("|", ">")):
        return Inside((), Opened("block", opened.name, len(text) - len(text.lstrip())))
    span = value_at(text, value.end(), opened.name, value["quote"])
    return Inside((span,) if span else (), None)


def _in_item(text: str, opened: Opened) -> Inside | None:
    item = _ITEM.match(text)
    span = value_at(text, item.end(), opened.name) if item else None
    return Inside((span,), None) if span else None


def _whole(text: str, opened: Opened) -> tuple[Span, ...]:
    content = text.strip()
    if not content or PLACEHOLDER.fullmatch(content):
        return ()
    start = len(text) - len(text.lstrip())
    return (Span(start, start + len(content), opened.name.kind),)
