"""
Secrets that a line only announces: the lines after it hold them.

A private key, a YAML block behind a secret's name, `name: DB_PASSWORD` with its `value:` on the next line, `--password`
with its argument on the next, and what `kubectl describe configmap` prints under a key.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, NamedTuple

from kfi.ingestion.secrets.names import APPLIED_ANNOTATION, LAST_APPLIED, NameKind, kind_of_name
from kfi.ingestion.secrets.phrases import is_listed_secret
from kfi.ingestion.secrets.spans import PLACEHOLDER, Span, value_at
from kfi.ingestion.secrets.values import is_encoded, is_harmless


class Opened(NamedTuple):
    """What a line has announced."""

    what: Literal["key", "block", "value", "item", "ruler", "described", "aligned", "rest", "list", "data", "columns"]
    name: NameKind
    column: int = 0
    """Lines of a block stand to the right of it; aligned ones exactly there. Of a key: how long its last line was."""
    quote: str = ""
    """What closes a quoted block."""
    cells: tuple[int, ...] = ()
    """Which columns of a table hold secrets, the last number being how many columns there are."""
    outer: Opened | None = None
    """What goes on when this has ended."""


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
# A line of a key: in a full line whatever a container runtime or a logger puts around it, else the line's last word.
_FULL_KEY_LINE = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{44,}={0,2}(?![A-Za-z0-9+/=_-])")
_KEY_BODY = re.compile(
    r"""(?:.{0,256}?[\s"'|>:\]}])??[\s"'|>+,-]*(?P<body>[A-Za-z0-9+/=_-]+)(?:\\n)?["',]*(?:[,}]\s?["}].*)?\s*"""
)
_KEY_LINE = 44
_LONGEST_KEY_LINE = 4096
_KEY_HEADER = re.compile(r"\s*(?:[A-Z][A-Za-z-]{2,30}: .*)?")
_UNCLOSED = re.compile(r""": +(["'])(?:(?!\1).)*$""")
_VALUE = re.compile(r"\s*[\"']?value(?P<quote>[\"']?)\s*:\s*")
_ITEM = re.compile(r"\s*(?:-\s+)?(?!-)(?=\S)")
_RULER = re.compile(r"-{4,}|={4,}")
_PARTIAL = re.compile(r"\S+ std(?:out|err) P ")
_RUNTIME = re.compile(r"\S+ std(?:out|err) [FP] ")
_FIRST_WORD = re.compile(r"[^\s\"',;&}<>]+")
_DESCRIBED = re.compile(r"\s*[\w.-]+:\s{2,}")
_SECTION = re.compile(r"\s*(?:- )?[\"']?(?P<section>data|stringData)[\"']?\s*:\s*\{?\s*")
_ENTRY = re.compile(
    r"""\s*(?P<quote>["']?)[-._a-zA-Z0-9]{1,253}(?P=quote)\s*:\s+(?P<value>"[^"\\]+"|[^\s"'|>{\[&!<#][^\s#]*),?\s*"""
)
_LISTED = re.compile(r"(?i)\s*(?:- )?[\"']?[\w.-]{0,64}?(?P<name>password|token|apikey|api[_-]key)s[\"']?\s*:\s*\[?\s*")
_LIST_ITEM = re.compile(r"""\s*(?:- +)?["']?(?P<value>[^\s"',{}\[\]]+)["']?,?\s*""")
_LITERAL = re.compile(r"\s*[-._a-zA-Z0-9\"']{1,255}\s*:\s+[|>][-+0-9]{0,3}\s*")
_TABLE = re.compile(r"[A-Za-z_][\w.-]{0,63}(?:,[\w.-]{1,64}){1,99}")
_NOTHING_YET = re.compile(r"\s*(?:#.*)?")


def opens(text: str) -> Opened | None:
    """Say what a line announces, if anything."""
    if "-----BEGIN" in text and "PRIVATE KEY" in text and "-----END" not in text:
        return Opened("key", _KEY)
    column = text.find(APPLIED_ANNOTATION)
    if column >= 0:
        quote = _UNCLOSED.search(text, column)
        return Opened("block", NameKind(LAST_APPLIED), column, quote[1] if quote else "")
    return _opens_value(text) or _opens_group(text)


def _opens_value(text: str) -> Opened | None:
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


def _opens_group(text: str) -> Opened | None:
    """Say whether a line begins the data of a Secret, a list of secrets, or a table with a column of them."""
    end = text[-1:] if text[-1:] != " " else text.rstrip()[-1:]
    section = _SECTION.fullmatch(text) if end in ":{" and "ata" in text else None
    if section:
        indent = len(text) - len(text.lstrip(" \t-"))
        return Opened("data", NameKind("secret data", weak=section["section"] == "data"), indent)
    listed = _LISTED.fullmatch(text) if end in ":[" and "s" in text else None
    if listed:
        return Opened("list", NameKind("password" if "pass" in listed["name"].lower() else "token"))
    if "," in text and _TABLE.fullmatch(text):
        kinds = [kind_of_name(cell) for cell in text.split(",")]
        cells = tuple(number for number, kind in enumerate(kinds) if kind and not kind.weak)
        return Opened("columns", NameKind("password"), cells=(*cells, len(kinds))) if cells else None
    return None


def goes_on(text: str, last: Span) -> Opened | None:
    """Say whether the last secret of a line may go on in the next: the line was cut, or the value has several."""
    if last.end < len(text.rstrip()):
        return None
    if _PARTIAL.match(text):
        return Opened("rest", NameKind(last.kind))
    if _DESCRIBED.fullmatch(text, 0, last.start):
        return Opened("aligned", NameKind(last.kind), last.start)
    return None


def inside(text: str, opened: Opened) -> Inside | None:
    """Give what an announced line holds, or None where another line came instead."""
    found = _READERS[opened.what](text, opened)
    return inside(text, opened.outer) if found is None and opened.outer else found


def _in_key(text: str, opened: Opened) -> Inside | None:
    if "-----END" in text:
        return Inside((), None)
    full = _FULL_KEY_LINE.search(text)
    if full:
        return Inside((Span(*full.span(), opened.name.kind),), opened._replace(column=len(full[0])))
    body = _KEY_BODY.fullmatch(text) if len(text) < _LONGEST_KEY_LINE else None
    if body and (opened.column >= _KEY_LINE or not text[: body.start("body")].strip("\"' -|>+,\t")):
        return Inside((Span(*body.span("body"), opened.name.kind),), opened._replace(column=len(body["body"])))
    return Inside((), opened) if _KEY_HEADER.fullmatch(text) else None


def _under_ruler(text: str, opened: Opened) -> Inside | None:
    return Inside((), opened._replace(what="described")) if _RULER.fullmatch(text.strip()) else None


def _described(text: str, opened: Opened) -> Inside | None:
    return Inside(_whole(text, opened), opened) if text.strip() else None


def _aligned(text: str, opened: Opened) -> Inside | None:
    if _indent(text) != opened.column or not text.strip():
        return None
    return Inside(_whole(text, opened), opened)


def _rest(text: str, opened: Opened) -> Inside | None:
    before = _RUNTIME.match(text)
    word = _FIRST_WORD.match(text, before.end()) if before else None
    if word is None:
        return None
    span = Span(*word.span(), opened.name.kind)
    return Inside((span,), goes_on(text, span))


def _in_list(text: str, opened: Opened) -> Inside | None:
    item = _LIST_ITEM.fullmatch(text)
    if item is None:
        return None
    if is_listed_secret(item["value"], opened.name.kind):
        return Inside((Span(*item.span("value"), opened.name.kind),), opened)
    return Inside((), opened)


def _in_data(text: str, opened: Opened) -> Inside | None:
    """Give an entry of `stringData`, or of `data` where it is base64: a ConfigMap's data is plain."""
    if not text.strip() or _indent(text) < opened.column or not text.startswith((" ", "\t")):
        return None
    entry = _ENTRY.fullmatch(text)
    if entry is None:
        literal = not opened.name.weak and _LITERAL.fullmatch(text)
        block = Opened("block", opened.name, _indent(text), outer=opened) if literal else opens(text)
        return Inside((), block) if block else None
    value = entry["value"].strip('"').rstrip(",")
    if PLACEHOLDER.fullmatch(value) or (opened.name.weak and not is_encoded(value)):
        return Inside((), opened)
    start = entry.start("value") + entry["value"].startswith('"')
    return Inside((Span(start, start + len(value), opened.name.kind),), opened)


def _in_row(text: str, opened: Opened) -> Inside | None:
    cells = text.split(",")
    if len(cells) != opened.cells[-1]:
        return None
    spans, position = [], 0
    for number, cell in enumerate(cells):
        if number in opened.cells[:-1] and not is_harmless(cell.strip(' "'), opened.name):
            spans.append(Span(position, position + len(cell), opened.name.kind))
        position += len(cell) + 1
    return Inside(tuple(spans), opened)


def _in_block(text: str, opened: Opened) -> Inside | None:
    if not text.strip():
        return Inside((), opened)
    if _indent(text) <= opened.column:
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
        return Inside((), Opened("block", opened.name, _indent(text)))
    span = value_at(text, value.end(), opened.name, value["quote"])
    indent = _indent(text)
    opening = text[value.end() : value.end() + 1]
    open_quote = opening in ('"', "'") and span is not None and span.end >= len(text.rstrip())
    # Lines further to the right go on with the value.
    more = Opened("block", opened.name, indent, opening if open_quote else "")
    continues = span and not value["quote"] and (open_quote or opening not in ('"', "'"))
    return Inside((span,) if span else (), more if continues else None)


def _in_item(text: str, opened: Opened) -> Inside | None:
    item = _ITEM.match(text)
    span = value_at(text, item.end(), opened.name) if item else None
    return Inside((span,), None) if span else None


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _whole(text: str, opened: Opened) -> tuple[Span, ...]:
    content = text.strip()
    if not content or PLACEHOLDER.fullmatch(content):
        return ()
    start = _indent(text)
    return (Span(start, start + len(content), opened.name.kind),)


_READERS: dict[str, Callable[[str, Opened], Inside | None]] = {
    "key": _in_key,
    "block": _in_block,
    "value": _in_value,
    "item": _in_item,
    "ruler": _under_ruler,
    "described": _described,
    "aligned": _aligned,
    "rest": _rest,
    "list": _in_list,
    "data": _in_data,
    "columns": _in_row,
}
