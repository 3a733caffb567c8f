"""
Secrets that stand apart from their name, in one line: in a sentence, a list, an XML element, a Secret in JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfi.ingestion.secrets.names import NameKind, kind_of_name
from kfi.ingestion.secrets.spans import LINE_START, WORD, Span, quoted
from kfi.ingestion.secrets.values import is_harmless, is_no_word, is_prose, is_random

# `password is w1nesap`, `token set to w1nesap`, `password for user cart: w1nesap`.
_SAYS = re.compile(
    r"(?i)[\"']?[ \t]+(?:value[ \t]+)?"
    r"(?:is|was|(?:(?:is|was)[ \t]+)?(?:now[ \t]+)?(?:set|changed|reset|updated)[ \t]+to)"
    r"[ \t]*[:=]?[ \t]+|[ \t]+for[ \t]+[^:=\"']{1,64}[:=][ \t]*"
)
_JUMBLE = 10
_LISTED = re.compile(
    r"(?P<name>password|passwd|passphrase|token|(?:api|access|secret)[_-]?key)s[\"'\\]{0,9}\s{0,9}[:=]\s{0,9}\["
)
_ITEM = re.compile(r"[^\s\"',\\\[\]{}]+")
_XML = re.compile(r"<(?:\w{1,64}:)?(?P<name>[\w.-]{1,128})(?P<about>\s[^<>]{0,512})?>(?P<value>[^<>]{1,4096})</")
# `<property name="password">w1nesap</property>`.
_CALLED = re.compile(r"(?i)\s(?:name|key|id)\s{0,9}=[\s\\]{0,9}[\"'](?P<name>[\w.-]{1,128})")
_IS_SECRET = re.compile(r"kind\\{0,15}\"\s{0,9}:\s{0,9}\\{0,15}\"Secret(?:List)?\\{0,15}\"")
_DATA = re.compile(r"\"(?:data|stringData)\\{0,15}\"\s{0,9}:\s{0,9}\{")
_DATA_END = re.compile(r"\"\s{0,9}\}")
_DATA_VALUE = re.compile(r":\s{0,9}(\\{0,15}\")(.*?)(?<!\\)\1")


def said(line: str, match: re.Match[str], name: NameKind, first: int) -> Span | None:
    """Judge a name that only a space parts from what follows; the line's name begins at `first`."""
    says = _SAYS.match(line, match.start("close"))
    start = says.end() if says else match.end()
    if says and not name.weak and line[start : start + 1] in ("'", '"'):
        found = quoted(line, start, name, loose=True)
        return found if found and " " not in line[found.start : found.end] else None
    word = WORD.match(line, start)
    if word is None or is_harmless(word[0], name):
        return None
    value = word[0].rstrip(".,:")
    if says:
        secret = is_no_word(value) or _is_jumbled(value)
    else:
        secret = not name.weak and (is_random(value) or _is_cell(line, match, word, name, first))
    return Span(start, start + len(value), name.kind) if secret else None


def _is_jumbled(word: str) -> bool:
    """Tell whether capitals stand too close for words joined by them: `NejzqYOXNLXI`, not `NotFoundException`."""
    capitals = sum(character.isupper() for character in word)
    return len(word) >= _JUMBLE and not word.isupper() and capitals * 3 > len(word)


def _is_cell(line: str, match: re.Match[str], word: re.Match[str], name: NameKind, first: int) -> bool:
    """Tell whether the line is nothing but a name, a tab or many spaces, and one word."""
    wide = "\t" in match["sep"] or len(match["sep"]) > 1
    alone = bool(LINE_START.fullmatch(line, 0, first)) and not line[word.end() :].strip()
    return wide and alone and line[match.start() : match.end()].isupper() and not is_prose(word[0], "", name)


def apart(line: str, low: str) -> Iterator[Span]:
    """Yield the secrets in lists, XML elements and Secrets."""
    if "[" in low and ("tokens" in low or "passw" in low or "keys" in low or "passphrases" in low):
        yield from _listed(line, low)
    if "</" in low:
        yield from _elements(line)
    if "data" in low and "secret" in low and _IS_SECRET.search(line):
        yield from _data(line)


def _listed(line: str, low: str) -> Iterator[Span]:
    position = 0
    while match := _LISTED.search(low, position):
        end = line.find("]", match.end())
        position = len(line) if end < 0 else end
        for item in _ITEM.finditer(line, match.end(), position):
            if is_listed_secret(item[0], match["name"]):
                yield Span(*item.span(), "password" if match["name"].startswith("pass") else "token")


def is_listed_secret(value: str, name: str) -> bool:
    """Tell whether an item of a list of passwords, or of tokens, is one: tokens may as well be words of a text."""
    if name.startswith("pass"):
        return not is_harmless(value, NameKind("password"))
    return is_random(value) and not is_harmless(value, NameKind("token", weak=True, numbers=False))


def _elements(line: str) -> Iterator[Span]:
    for match in _XML.finditer(line):
        called = _CALLED.search(match["about"] or "")
        name = kind_of_name(match["name"]) or (kind_of_name(called["name"]) if called else None)
        if name and not is_harmless(match["value"], name):
            yield Span(*match.span("value"), name.kind)


def _data(line: str) -> Iterator[Span]:
    position = 0
    while opening := _DATA.search(line, position):
        end = _DATA_END.search(line, opening.end())
        position = end.end() if end else len(line)
        for value in _DATA_VALUE.finditer(line, opening.end() - 1, position):
            if value[2]:
                yield Span(*value.span(2), "secret data")
