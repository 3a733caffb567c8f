"""
Which questions a question consists of.

It is cut at semicolons, question marks and items of a list, and at "and", "also", "as well as", "plus" and commas where
both sides can stand as questions of their own. A fragment that cannot stays with its neighbour, so no text is lost; the
words of a part are not changed.

Reading is by tokens with a bounded view, so time grows with the length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import dropwhile, pairwise, takewhile
from typing import NamedTuple

from kfi.retrieval.bare_names import find_bare_namespace, find_bare_object
from kfi.retrieval.known_names import NOTHING_KNOWN, KnownNames
from kfi.retrieval.named_objects import find_namespace, find_objects

MOST_PARTS = 8
"""Parts at most; what is left stays joined in the last."""

_VIEW = 60
"""Tokens that are looked at on the left of a separator; sentences are shorter."""

# What is inside stays together, whatever it holds.
_QUOTED = re.compile(
    r"`[^`]*`|\"[^\"]*\"|\u201c[^\u201d]{0,500}\u201d|(?<!\w)'[^'\n]{1,200}'(?!\w)|\([^()]{0,300}\)", re.A
)
_ENDS = re.compile(
    r"[;\uff1b]+|(?<![?!])[?!]++(?=[\s\"')\]]|\Z)|\uff1f|\n|(?<=\s)\(?(?:[0-9]{1,2}|[a-h])\)(?=\s)|(?<=\s)[0-9]{1,2}\.(?=\s)"
)
_TOKEN = re.compile(r"\S+")
_ITEM = re.compile(r"\s{0,8}(?:[0-9]{1,2}[.)]|\([0-9]{1,2}\)|[-*\u2022])\s{1,4}", re.A)
_JOINER = re.compile(r"(?:(?:and|also|then|plus|as well as|additionally|,)[\s,:]{1,4}){1,4}", re.I | re.A)
_TRAILING = re.compile(r"[\s,]{1,8}(?:and|also|plus|as well as)?[\s,]{0,8}\Z", re.I | re.A)

_WH = frozenset("why what who which how when where whose whats what's why's who's".split())
_AUX = frozenset(
    "is are was were do does did can could should would will isn't aren't doesn't don't didn't can't has have "
    "had".split()
)
_ASKING = frozenset(
    "explain diagnose troubleshoot tell describe investigate compare identify summarize analyse analyze".split()
)
_SHOWING = frozenset("show list find check give suggest look display confirm verify count recommend help".split())
_FINITE = frozenset(
    "is are was were has have had keeps keep kept does do did can cannot can't could won't will isn't aren't wasn't "
    "doesn't don't didn't hasn't haven't never crashes fails restarts hangs dies returns gets goes went shows stays "
    "runs started stopped happened changed broke times throws reports loses lost rejects refuses drops took takes "
    "became becomes cant wont isnt doesnt looks seems causes caused".split()
)
_PLAIN_VERBS = frozenset(
    "crash fail restart hang die return stop start run time throw happen change break lose reject refuse drop show "
    "exit get go stay work respond connect keep".split()
)
_STATES = frozenset(
    "crashing crashed failing failed restarting restarted pending stuck down slow unavailable unreachable unhealthy "
    "notready broken evicted killed oomkilled crashlooping throttled terminating missing hanging refused degraded "
    "offline dead unready full denied rejected crashloopbackoff imagepullbackoff errimagepull wrong flapping dying "
    "unschedulable misconfigured timing".split()
)
_INNER = frozenset("when while because if whether although though that after before until unless since".split())
_PRONOUNS = frozenset("i you he she we it its they them this that these those my your our their there me us".split())
_SMALL = frozenset(
    "a an the in of on at to for from with by into and or also then so but be been being not no please thanks thank "
    "hi hello hey just only any some all idea ideas really too as well plus via per than such help".split()
)
_LINKS = frozenset("in on at with since for of from after during because due when while and or".split())
_LEADING = frozenset("and also then plus so but ok okay please".split())
_FUNCTION = _WH | _AUX | _ASKING | _SHOWING | _PRONOUNS | _SMALL
_INFINITIVE = frozenset("do does did can could will would should".split())
_VERBS = _FINITE | _STATES | _PLAIN_VERBS
_DETERMINERS = frozenset("the my our all some every another".split())
_BACK = re.compile(r"\b(?:it|its|they|them|that|this)\b", re.I | re.A)
_WIDE = re.compile(r"\b(?:nodes?|cluster|everywhere|namespaces?)\b", re.I | re.A)


class _Token(NamedTuple):
    word: str
    """In lower case, without punctuation around it."""
    start: int
    end: int
    ends_clause: bool
    """A comma or a full stop follows."""


class _Span(NamedTuple):
    start: int
    end: int


def decompose(query: str, known: KnownNames = NOTHING_KNOWN) -> list[str]:
    """Give the questions that a question consists of, in order; nothing for a blank one.

    A namespace that only one part names is added to the others that may mean it. Plain words are names where `known`
    has them.

    >>> decompose("Why is pod cart-0 crashing and are the nodes full?")
    ['Why is pod cart-0 crashing', 'are the nodes full?']
    >>> decompose("Why are memory and CPU high between 14:00 and 14:30?")
    ['Why are memory and CPU high between 14:00 and 14:30?']
    """
    if not query.strip():
        return []
    quoted = _inside_quotes(query)
    cuts = (cut for span in _at_ends(query, quoted) for cut in _at_joiners(query, span, quoted))
    spans = _merged(query, cuts)
    if len(spans) < 2:
        return [query.strip()]
    if len(spans) > MOST_PARTS:
        spans = [*spans[: MOST_PARTS - 1], _Span(spans[MOST_PARTS - 1].start, spans[-1].end)]
    return _in_context([_tidied(query[start:end]) for start, end in spans], known)


def _at_ends(query: str, quoted: bytearray) -> Iterator[_Span]:
    """Give the stretches between semicolons, question marks and lines that begin a question."""
    start = 0
    for match in _ENDS.finditer(query):
        mark = match[0][-1]
        asks = "?" in match[0] or mark == "\uff1f"
        if quoted[match.start()] or (mark == "!" and not asks):
            continue
        if mark in "\n)." and not _begins_item(query, match.end()):
            continue
        yield _Span(start, match.end() if asks else match.start())
        start = match.end()
    yield _Span(start, len(query))


def _inside_quotes(query: str) -> bytearray:
    inside = bytearray(len(query) + 1)
    for match in _QUOTED.finditer(query):
        inside[match.start() + 1 : match.end() - 1] = b"\1" * (match.end() - match.start() - 2)
    return inside


def _begins_item(query: str, start: int) -> bool:
    """Tell whether a line is an item of a list or a question; lines of a pasted log are neither."""
    item = _ITEM.match(query, start)
    words = [token.word for token in _tokens(query, _Span(item.end() if item else start, start + 200))[:4]]
    numbered = item is not None and item[0].strip()[0] not in "-*\u2022"
    return bool(words) and (numbered or _asks(words))


def _tokens(query: str, span: _Span) -> list[_Token]:
    return [
        _Token(
            match[0].strip(".,:!?\"'`()[]").lower().replace("\u2019", "'"),
            match.start(),
            match.end(),
            match[0].endswith((",", ".", ":", "!")),
        )
        for match in _TOKEN.finditer(query, span.start, min(span.end, len(query)))
    ]


def _at_joiners(query: str, span: _Span, quoted: bytearray) -> Iterator[_Span]:
    """Give the stretches of one between the joining words that join questions."""
    tokens = _tokens(query, span)
    first, start = 0, span.start
    for position, token in enumerate(tokens):
        if position > first and not quoted[token.start] and _asks_anew(tokens, first, position):
            yield _Span(start, token.start)
            first, start = position, token.start
            continue
        width = _joiner(tokens, position)
        if not width or position < first or quoted[token.start]:
            continue
        left = [one.word for one in tokens[max(first, position - _VIEW) : position]]
        if _joins_questions(left, tokens[position + width : position + width + 12]):
            yield _Span(start, token.start)
            first, start = position + width, tokens[position + width].start
    yield _Span(start, span.end)


def _asks_anew(tokens: Sequence[_Token], first: int, position: int) -> bool:
    """Tell whether a question follows a comma and a question: "why is cart slow, did the database restart"."""
    if not tokens[position - 1].ends_clause or tokens[position].word not in _WH | _AUX or tokens[first].word in _INNER:
        return False
    left = [token.word for token in tokens[first:position][-_VIEW:]]
    right = [token.word for token in tokens[position : position + 12]]
    return (
        _asks(left[:12]) and _has_content(left) and _asks(right) and right[0] not in ("which", "who", "when", "where")
    )


def _joiner(tokens: Sequence[_Token], position: int) -> int:
    """Give how many tokens from here on join; 0 for none."""
    words = [one.word for one in tokens[position : position + 3]]
    if words == ["as", "well", "as"]:
        return 3
    if words[0] not in ("and", "also", "plus", "&"):
        return 0
    return 1 + sum(1 for _ in takewhile(("also", "then").__contains__, words[1:]))


def _joins_questions(left: Sequence[str], right: Sequence[_Token]) -> bool:
    words = [token.word for token in right]
    if not left or not words or _is_pair(left):
        return False
    if _asks(words, infinitive=bool(_INFINITIVE.intersection(left[:3]))):
        return _has_content(left)
    if _INNER.intersection(left[1:]) or left[0] in _ASKING | _SHOWING:
        return False
    if not _stands(left):
        return False
    return _is_clause(right) or _has_plain_verb(left, words) or (left[0] == "why" and _is_short_clause(left, words))


def _is_pair(left: Sequence[str]) -> bool:
    """Tell whether the "and" belongs to "between" or "both"."""
    opened = next((i for i in range(len(left) - 1, -1, -1) if left[i] in ("between", "both")), None)
    return opened is not None and opened >= len(left) - 6 and "and" not in left[opened:]


def _asks(words: Sequence[str], *, infinitive: bool = False) -> bool:
    """Tell whether words begin a question or a request that says something of its own.

    With `infinitive`, a plain verb may belong to the question before: "why do pods restart and show errors".
    """
    head, second = [*words[:2], "", ""][:2]
    if head == "please" and second:
        return _asks(words[1:])
    if head in ("when", "where"):
        return second in _AUX and _has_content(words)
    if head in _WH:
        return _has_content(words)
    if head in _AUX:
        return _has_subject(head, second) and _has_content(words)
    return (head in _ASKING or (head in _SHOWING and not infinitive)) and _asks_for(words[1:])


def _has_subject(head: str, second: str) -> bool:
    """Tell "is cart slow" from "is slow": what follows the verb is no state."""
    if head in ("has", "have", "had"):
        return second in _PRONOUNS or second in ("the", "any", "anything")
    return bool(second) and second not in _STATES and (second not in _SMALL or second in ("the", "a", "any", "all"))


def _asks_for(words: Sequence[str]) -> bool:
    return _has_content(words) or bool(_WH.intersection(words[:3]))


def _has_content(words: Sequence[str]) -> bool:
    return any(word and word not in _FUNCTION for word in words)


def _stands(words: Sequence[str]) -> bool:
    """Tell whether words say something of something: a verb or a state after the subject."""
    asked = words[0] in _WH
    if asked and words[1:2] and words[1] in _AUX:
        said = words[2:]
        return bool(said) and (said[0] in _STATES or not _VERBS.isdisjoint(said[1:]))
    return not _VERBS.isdisjoint(words[2:] if words[0] in _AUX else words[1:])


def _is_clause(right: Sequence[_Token]) -> bool:
    """Tell whether tokens begin with a subject and its verb: "checkout is slow", "there are no endpoints"."""
    for position, token in enumerate(right[:7]):
        if token.word in _FINITE:
            subject = [one.word for one in right[:position]]
            return (_has_content(subject) and subject[0] not in _STATES | _FINITE) or subject == ["there"]
        if token.word in _INNER or token.word in ("but", "or") or token.word in _WH or token.ends_clause:
            return False
    return False


def _has_plain_verb(left: Sequence[str], right: Sequence[str]) -> bool:
    """Tell whether "why does" goes on: "why does cart crash and the checkout service time out"."""
    asked = left[0] in _WH and left[1:2] and left[1] in _INFINITIVE
    return bool(asked) and right[0] in _DETERMINERS and not _PLAIN_VERBS.isdisjoint(right[2:5])


def _is_short_clause(left: Sequence[str], right: Sequence[str]) -> bool:
    """Tell whether "why is" goes on: "why is cart down and checkout slow"."""
    ended = next((word in _STATES for word in reversed(left) if word), False)
    linked = any(a in _STATES and b in _LINKS for a, b in pairwise(left[3:]))
    return (ended or linked) and _short_state(right)


def _short_state(right: Sequence[str]) -> bool:
    for position, word in enumerate(right[:5]):
        negated = word == "not" and right[position + 1 : position + 2] in (["ready"], ["working"], ["running"])
        if word in _STATES or negated:
            after = right[position + (2 if negated else 1) :]
            return position > 0 and _has_content(right[:position]) and (not after or after[0] in _LINKS)
        if word in _LINKS:
            return False
    return False


def _merged(query: str, spans: Iterable[_Span]) -> list[_Span]:
    """Join what cannot stand alone to its neighbour: "thanks", "any idea?", "Two questions:"."""
    merged: list[_Span] = []
    for span in spans:
        words = [token.word for token in _tokens(query, span) if any(map(str.isalnum, token.word))]
        if not words:
            continue
        if merged and _belongs(query, merged[-1], span, words):
            merged[-1] = _Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return merged


def _belongs(query: str, before: _Span, span: _Span, words: Sequence[str]) -> bool:
    """Tell whether a stretch belongs to the one before: either says nothing alone, or it tells what was asked."""
    said = query[before.start : before.end].rstrip()
    if not _has_content(words) or said.endswith(":") or not _has_content(said.lower().strip(" ?!.,:").split()):
        return True
    if words[0] in ("also", "and", "plus") or query.endswith(("?", "\uff1f"), span.start, span.end):
        return False
    return said.endswith(("?", "\uff1f")) and not _asks(list(dropwhile(_LEADING.__contains__, words[:12])))


def _tidied(text: str) -> str:
    """Take the joining words and the list's mark off a part."""
    text = text.strip()
    item = _ITEM.match(text)
    text = text[item.end() :] if item else text
    joiner = _JOINER.match(text)
    text = text[joiner.end() :] if joiner and joiner.end() < len(text) else text
    trailing = _TRAILING.search(text, max(0, len(text) - 30))
    return (text[: trailing.start()] if trailing and trailing.start() else text).strip()


def _in_context(parts: list[str], known: KnownNames) -> list[str]:
    """Add the one namespace that is named to the parts without, and the object to those that say "it"."""
    objects = [find_objects(part, known) for part in parts]
    namespaces = [
        find_namespace(part, found, known) or find_bare_namespace(part, known)
        for part, found in zip(parts, objects, strict=True)
    ]
    named = {namespace for namespace in namespaces if namespace}
    namespace = next(iter(named)) if len(named) == 1 else None
    subjects = [
        next(iter(found), None) or find_bare_object(part, known, namespace)
        for part, found in zip(parts, objects, strict=True)
    ]
    subject = next(filter(None, subjects), None)
    said = f" for {subject.kind} {subject.name}".replace("  ", " ") if subject else ""
    return [
        _with_context(
            part,
            said if position and not subjects[position] and _BACK.search(part) else "",
            f" in namespace {namespace}" if namespace and not namespaces[position] and not _WIDE.search(part) else "",
        )
        for position, part in enumerate(parts)
    ]


def _with_context(part: str, *added: str) -> str:
    words = part.rstrip("?!. ")
    return f"{words}{''.join(added)}{part[len(words) :]}"
