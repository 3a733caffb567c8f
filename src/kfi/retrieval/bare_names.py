"""
Names that a question says without a kind, by what the evidence has: "why is cart down in orchard".

A word is a name because something is called so, and a place because a namespace is. Words of images, addresses, paths
and labels are none. Two namespaces are no limit: "compare staging and prod" is about both.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kfi.retrieval.known_names import KnownNames
from kfi.retrieval.named_objects import KINDS, ORDINARY_WORDS, NamedObject, is_english

_WORD = re.compile(r"(?<![\w.=@:/-])[A-Za-z0-9](?:[-A-Za-z0-9]{0,251}[A-Za-z0-9])?(?![\w=-])", re.A)
# `/` is looked at apart: "prod/web" is a place and a name, "/api/orders" is neither.
_PLACED = re.compile(r"(?<![\w.=@:/-])([a-z0-9][-a-z0-9]{0,62})/([a-z0-9][-a-z0-9]{0,252})(?![\w/=:@-])", re.A)
_OPAQUE = re.compile(r"\b[a-z]{2,8}://\S{1,2000}|(?<!\S)\S{0,200}[:/@]\S{0,200}", re.I | re.A)
_IN = re.compile(r"\b(?:in|within|inside|across)\s{1,3}(?:(?:the|our|my|all of)\s{1,3})?[`'\"]?\Z", re.I)
_NEXT = re.compile(r"[`'\"]?\s{1,3}([\w-]{1,40})", re.A)
_FROM = re.compile(r"\b(?:from|on|of|for)\s{1,3}(?:(?:the|our|my|all of)\s{1,3})?[`'\"]?\Z", re.I)
_OTHER = re.compile(r"\bcontainer\s{1,3}[`'\"]?\Z", re.I)
_SERVER = re.compile(r"\s{1,3}server\b", re.I)
_ASKED = re.compile(
    r"(?:\bwhy(?:'s| is| are| was| were| does| did| do| has| can't| cant| cannot| won't| wont| isn't| doesn't)|"
    r"\b(?:wrong|happened|happening|issue|problem|up) (?:with|to|in)|\b(?:is|are|was|did|does|has|logs of|status of|"
    r"events of|how is|how's|hows|what about|health of))\s{1,3}(?:(?:the|our|my)\s{1,3})?[`'\"]?\Z",
    re.I,
)
_SAYS = re.compile(
    r"[`'\"]?\s{1,3}(?:is|are|was|were|has|have|had|keeps?|kept|cannot|can't|cant|won't|wont|does|doesn't|doesnt|did|"
    r"didn't|got|gets?|isn't|isnt|not|stuck|down|in|return\w*|answers?|throws?|crash\w*|fail\w*|restart\w*|pods?|deployment|service|-n)\b",
    re.I,
)
_OF_NODES = re.compile(r"\b(?:kubelet|nodes?)\b", re.I)
_LOOKS_LIKE_NODE = re.compile(r"(?:node|worker|master|control-plane|ip)-[a-z0-9-]{0,200}[0-9]", re.A)
_ENDS = re.compile(r"\s{0,3}(?:[?.!;]|\Z)")
# Where only a name can stand; "is" does not count in the middle: "latency is high".
_CALLED = re.compile(
    r"(?:\bwhy(?:'s| is| are| was| were| does| did| do| has| can't| cannot| won't| isn't| doesn't)|\bwhat about|"
    r"\b(?:wrong|happened) (?:with|to)|\b(?:logs|status|health) of|(?:\A|[.?!;]\s{1,3})(?:is|are|was|did|does|has))"
    r"\s{1,3}(?:(?:the|our|my)\s{1,3})?[`'\"]?\Z",
    re.I,
)
_NO_NAMES = frozenset("anything anyone database everything everyone kubectl nothing somebody someone something".split())
_FEWEST_LETTERS = 4
# Words before and after a name that are looked at, in characters.
_VIEW = 40


class _Word(NamedTuple):
    text: str
    start: int
    end: int


def find_bare_namespace(query: str, known: KnownNames) -> str | None:
    """Give the one namespace that a question is limited to, said as a plain word."""
    query = _readable(query, known)
    found = {word.text: word for word in reversed([*_words(query)]) if word.text in known.namespaces}
    places = {name for name, word in found.items() if _is_place(query, word, known)}
    places |= {match[1] for match in _PLACED.finditer(query) if match[1] in known.namespaces}
    only = {name for name in found if not known.has(name) and not is_english(name)}
    told = places | only
    return told.pop() if len(told) == 1 else None


def find_bare_object(query: str, known: KnownNames, namespace: str | None) -> NamedObject | None:
    """Give the first object that a question names without a kind; its kind where that can only be a Pod or a Node.

    A slip of the keyboard counts where only a name can stand.
    """
    query = _readable(query, known)
    slip = None
    for word in _words(query):
        if word.text == namespace or word.text in ORDINARY_WORDS:
            continue
        if known.has(word.text):
            if _is_meant(query, word, known):
                return _named(word.text, known)
        elif slip is None and _is_asked(query, word) and not is_english(word.text):
            slip = known.meant(word.text)
    return _named(slip, known) if slip else None


def find_unknown_name(query: str, known: KnownNames) -> str | None:
    """Give the first plain word that stands where a name does, though nothing is called so: "why does depot fail"."""
    taken = ORDINARY_WORDS | _NO_NAMES | known.parts
    for word in _words(query):
        plain = word.text.islower() and word.text.isalpha() and len(word.text) >= _FEWEST_LETTERS
        called = _CALLED.search(query[max(0, word.start - _VIEW) : word.start]) is not None
        said = _SAYS.match(query, word.end) or _ENDS.match(query, word.end)
        if plain and called and said and word.text not in taken and not is_english(word.text):
            return word.text
    return None


def find_bare_node(query: str, known: KnownNames) -> str | None:
    """Give the first node that a question names without saying that it is one."""
    named = [word.text for word in _words(_readable(query, known))]
    node = next((word for word in named if known.kinds.get(word) == frozenset({"Node"})), None)
    if node or not _OF_NODES.search(query):
        return node
    return next(filter(_LOOKS_LIKE_NODE.fullmatch, named), None)


def _readable(query: str, known: KnownNames) -> str:
    """Give a question with blanks in the place of addresses, images and paths; "prod/web" stays, as two words."""

    def spaced(match: re.Match[str]) -> str:
        placed = _PLACED.fullmatch(match[0].strip("?!,;'\"`()"))
        if placed and placed[1] in known.namespaces:
            return match[0].replace("/", " ")
        # "cart: CrashLoopBackOff" is no address.
        return " " * len(match[0]) if _OPAQUE.fullmatch(match[0].rstrip(":,;")) else match[0]

    return _OPAQUE.sub(spaced, query)


def _words(query: str) -> Iterator[_Word]:
    for match in _WORD.finditer(query):
        yield _Word(match[0].lower(), match.start(), match.end())


def _is_place(query: str, word: _Word, known: KnownNames) -> bool:
    """Tell whether a namespace's name stands where a place stands; "in the search pods" it is an object's."""
    before = query[max(0, word.start - _VIEW) : word.start]
    if not _IN.search(before) and (known.has(word.text) or not _FROM.search(before)):
        return False
    after = _NEXT.match(query, word.end)
    return not (after and after[1].lower() in KINDS and known.has(word.text))


def _is_meant(query: str, word: _Word, known: KnownNames) -> bool:
    """Tell whether a word that is an object's name stands for it; English does only where a name must stand."""
    if word.text in known.namespaces and _is_place(query, word, known):
        return False
    if _OTHER.search(query[max(0, word.start - _VIEW) : word.start]) or _SERVER.match(query, word.end):
        return False
    return not is_english(word.text) or _is_asked(query, word)


def _is_asked(query: str, word: _Word) -> bool:
    before = query[max(0, word.start - _VIEW) : word.start]
    begins = not before.strip(" \t\n'\"`.,;:?!-0123456789")
    return _ASKED.search(before) is not None or (begins and _SAYS.match(query, word.end) is not None)


def _named(name: str, known: KnownNames) -> NamedObject:
    kinds = known.kinds.get(name, frozenset())
    kind = next(iter(kinds)) if len(kinds) == 1 else ""
    return NamedObject(kind if kind in ("Pod", "Node") else "", name)
