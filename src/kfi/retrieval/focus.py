"""
Which few lines of a document answer a question.

Those that a leg or a rule named, else those with the question's words and with trouble in them, else its beginning.
Evidence may be megabytes long and made to be slow to read, so only the beginning of each line, and only so many lines,
are looked at; what is given back is exact all the same.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from kfi.models.schemas import Document, DocumentKind

MOST_LINES = 20
"""Lines of a focus at most. More hide the line that matters, and fill a model's prompt."""

WHOLE_LINES = 36
"""A document no longer than this is given whole: an object of its own reads better than a part of it."""

# Characters of one focus from which on it takes no further line: one line of a log may be a megabyte.
_MOST_CHARS = 8_000
_SCANNED_LINES = 10_000
_SCANNED_CHARS = 400
# Lines above or below the given ones that may join them.
_CONTEXT = 2
# Given lines are few when they are no more than this; more speak for themselves.
_FEW = 3
_WORDS_ASKED = 48

_TOKEN = re.compile(r"[^\W_]{2,40}")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_ENDING = re.compile(r"(?:ing|ed|es|s|e)$")
# English that asks, but does not say what about.
STOP_WORDS = frozenset(
    "a about after all am an and any are as at be been before but by can could did do does doing every for from get "
    "gets getting give go going had has have he her here his how if in into is it its just keep keeps like list many "
    "may me might more most my no not of on or our out over please possibly maybe seem seems she should show since so "
    "some still tell than that the their them then there these they this those through to up us very was we were what "
    "when where which while who why will with would you your explain diagnose troubleshoot happen happening happened "
    "wrong also now cluster kubernetes problem issue cause caused root reason".split()
)
# Fields that say what went wrong, as describe, YAML and JSON write them.
# Matched against the line in lower case and without its indentation. A Pod with a bad container says four times that
# its containers are not ready, and nothing with it.
_FAULTY_FIELD = re.compile(
    r"\bexit ?code\"?: *-?[1-9]|\bready\"?: *\"?false|\brestart ?count\"?: *[1-9]|\bstate: +(?:waiting|terminated)|"
    r"\breason\"?: *\"?(?!completed\b|started\b|containersnotready)[a-z]|"
    r"\bstatus\"?: *\"?(?:false|unknown|failed|pending)\b|"
    r"\btype\"?: *\"?warning\b|\bactive: +(?:failed|inactive)|\bmessage\"?: *\"?(?!containers with)\w|^warning\s"
)
_TROUBLE = re.compile(
    r"error|fail|back-?off|oomkill|evict|refused|denied|forbidden|unauthorized|timed? ?out|deadline exceeded|not found|"
    r"no such|unhealthy|unavailable|unreachable|unable|cannot|invalid|notready|insufficient|taint|exceeded|mismatch|"
    r"panic|fatal|exception|killed|crash|pressure|\bx509|<none>"
)
# Beside a word of the question in one line of the document only, which weighs 1.
_FIELD_WEIGHT = 0.6
_TROUBLE_WEIGHT = 0.4
_TOLD_WEIGHT = 1.0
_FIELD_AT_FAULT_WEIGHT = 0.3


class Focus(NamedTuple):
    """Lines of a document's source, and exactly their text."""

    first_line: int
    last_line: int
    text: str


class Sought(NamedTuple):
    """What is looked for in a document."""

    words: Collection[str]
    fields: re.Pattern[str] | None


def words_of(text: str) -> frozenset[str]:
    """Give the words of a text as they are compared: lower case, without endings, camel case also in its parts.

    >>> sorted(words_of("Why is CrashLoopBackOff crashing cart-7d9?"))
    ['7d9', 'back', 'cart', 'crash', 'crashloopbackoff', 'is', 'loop', 'off', 'why']
    """
    found: set[str] = set()
    for token in _TOKEN.findall(text):
        found.update(_parts(token))
    return frozenset(found)


def asked_words(query: str) -> frozenset[str]:
    """Give the words of a question that say what it is about.

    >>> sorted(asked_words("Why does checkout keep restarting?"))
    ['checkout', 'restart']
    """
    said = " ".join(word for word in _TOKEN.findall(query) if word.lower() not in STOP_WORDS)
    return words_of(said)


# Hostile text has more different words than this; they only push others out.
@lru_cache(maxsize=16_384)
def _parts(token: str) -> tuple[str, ...]:
    low = token.lower()
    if token in (low, token.upper(), token.capitalize()):
        return (_stem(low),)
    return (_stem(low), *(_stem(hump.lower()) for hump in _HUMP.findall(token) if len(hump) > 1))


def _stem(word: str) -> str:
    """Take an English ending off; what stays is always the beginning of the word."""
    if len(word) < 4 or not word.isalpha():
        return word
    short = _ENDING.sub("", word)
    if len(short) < 3 or short == word:
        return word
    doubled = len(short) > 3 and short[-1] == short[-2] and short[-1] not in "lsz"
    return short[:-1] if doubled else short


def focus(
    document: Document,
    words: Collection[str],
    lines: tuple[int, int] | None = None,
    fields: re.Pattern[str] | None = None,
) -> Focus:
    """Give the lines of a document that matter most to the words of a question, `MOST_LINES` at most.

    `fields` matches lines (in lower case, without their indentation) of fields where the cause may be set. `lines` are
    lines of the source that are known to matter, and win; what of them lies outside of the document is
    passed over. A document that is no longer than that is given whole, an object of `WHOLE_LINES` too.
    """
    sought = Sought(words, fields)
    told = _message_outside(document, lines) if lines else None
    if told is not None:
        return told
    held = document.text.split("\n")
    small = document.kind is DocumentKind.OBJECT and len(document.text) <= _MOST_CHARS
    if len(held) <= (WHOLE_LINES if small else MOST_LINES):
        return _cut(document, held, 0, len(held))
    given = _within(document, held, lines)
    if given is None:
        return _cut(document, held, *_best_window(document, held, sought, 0, len(held)))
    start, end = given
    if end - start <= MOST_LINES:
        return _cut(document, held, *_around(document, held, sought, _with_context(held, start, end)))
    return _cut(document, held, *_best_window(document, held, sought, start, end))


def _message_outside(document: Document, lines: tuple[int, int]) -> Focus | None:
    """Give the message of an Event that stands on given lines outside of the document's own text.

    A group of Events quotes one of them; the others stand elsewhere in the source.
    """
    if document.kind is not DocumentKind.EVENT:
        return None
    source = document.source
    for message in document.payload.get("messages", ()):
        line = message.get("line", 0)
        if lines[0] <= line <= lines[1] and not source.first_line <= line <= source.last_line:
            return Focus(line, line, message.get("text", ""))
    return None


def _around(document: Document, held: Sequence[str], sought: Sought, given: tuple[int, int]) -> tuple[int, int]:
    """Widen given lines to a whole passage, where what stands around them says more: the state below an image."""
    start, end = given
    spare = MOST_LINES - (end - start)
    if spare <= 0:
        return given
    low, high = max(0, start - spare), min(len(held), end + spare)
    weight = _lines_weigh(document, held, sought, low, high)
    best, at_best = -1.0, start
    for first in range(start, low - 1, -1):
        total = sum(weight.get(at, 0.0) for at in range(first, min(first + MOST_LINES, high)))
        if total > best + 1e-9:
            best, at_best = total, first
    inside = [at for at in range(at_best, min(at_best + MOST_LINES, high)) if at in weight]
    return min([start, *inside]), max([end, *(at + 1 for at in inside)])


def _lines_weigh(document: Document, held: Sequence[str], sought: Sought, start: int, end: int) -> Mapping[int, float]:
    wanted = _wanted(sought.words)
    found = {at: hits for at in range(start, end) if (hits := _words_in(held[at], wanted))}
    weight = _weights(found, end - start)
    said = {at: sum(weight[word] for word in hits) for at, hits in found.items()}
    trouble = _troubles(document, held, (start, end), sought.fields)
    return {at: said.get(at, 0.0) + trouble.get(at, 0.0) for at in said.keys() | trouble.keys()}


def _within(document: Document, held: Sequence[str], lines: tuple[int, int] | None) -> tuple[int, int] | None:
    """Turn lines of the source into a half-open range of the document's own; None where they are none of it."""
    if lines is None:
        return None
    first = document.source.first_line
    start, end = max(lines[0] - first, 0), min(lines[1] - first + 1, len(held))
    return (start, end) if start < end else None


def _cut(document: Document, held: Sequence[str], start: int, end: int) -> Focus:
    first = document.source.first_line
    return Focus(first + start, first + end - 1, "\n".join(held[start:end]))


def _with_context(held: Sequence[str], start: int, end: int) -> tuple[int, int]:
    """Add the heading right above a few lines, and what stands indented right below them."""
    if end - start > _FEW:
        return start, end
    return _heading_above(held, start), _children_below(held, end)


def _heading_above(held: Sequence[str], start: int) -> int:
    for above in range(start - 1, max(start - _CONTEXT, 0) - 1, -1):
        if not held[above].strip():
            break
        if _indent(held[above]) < _indent(held[start]):
            return above if _short(held[above]) else start
    return start


def _children_below(held: Sequence[str], end: int) -> int:
    depth = _indent(held[end - 1])
    below = end
    while below < min(end + _CONTEXT, len(held)) and _short(held[below]) and _indent(held[below]) > depth:
        below += 1
    return below


def _short(line: str) -> bool:
    return 0 < len(line) <= _SCANNED_CHARS


def _indent(line: str) -> int:
    """Count the spaces before a line; a YAML item's dash counts as one of its keys' spaces would."""
    begin = line[:_SCANNED_CHARS]
    return len(begin) - len(begin.lstrip())


def _best_window(document: Document, held: Sequence[str], sought: Sought, start: int, end: int) -> tuple[int, int]:
    """Give the window whose words, each counted once, and troubles weigh most; the first of equal ones."""
    end = min(end, start + _SCANNED_LINES)
    wanted = _wanted(sought.words)
    found = {at: hits for at in range(start, end) if (hits := _words_in(held[at], wanted))}
    weight = _weights(found, end - start)
    trouble = _troubles(document, held, (start, end), sought.fields)
    best, at_best = 0.0, start
    telling = sorted(found.keys() | trouble.keys())
    for first in telling:
        inside = range(first, min(first + MOST_LINES, end))
        seen = frozenset().union(*(found[at] for at in inside if at in found))
        # The root: where all is trouble, the question's words decide.
        total = sum(weight[word] for word in seen) + math.sqrt(sum(trouble.get(at, 0.0) for at in inside))
        if total > best + 1e-9:
            best, at_best = total, first
    last = max((at for at in telling if at_best <= at < at_best + MOST_LINES), default=at_best)
    return _widen(held, (at_best, last + 1), start, end)


def _widen(held: Sequence[str], telling: tuple[int, int], start: int, end: int) -> tuple[int, int]:
    """Add lines on both sides of those that tell something, as many as may be."""
    first, last = telling
    wide = min(MOST_LINES, end - start)
    top = max(start, min(first - (wide - (last - first)) // 2, end - wide))
    begin, stop, size = first, first + 1, len(held[first])
    while stop < top + wide and size + len(held[stop]) <= _MOST_CHARS:
        size += len(held[stop])
        stop += 1
    while begin > top and size + len(held[begin - 1]) <= _MOST_CHARS:
        begin -= 1
        size += len(held[begin])
    return begin, stop


def _wanted(words: Collection[str]) -> tuple[str, ...]:
    asked = {part for word in words for part in words_of(word[:_SCANNED_CHARS])}
    return tuple(sorted(asked - STOP_WORDS))[:_WORDS_ASKED]


def _words_in(line: str, wanted: Sequence[str]) -> frozenset[str]:
    begin = line[:_SCANNED_CHARS]
    low = begin.lower()
    # A compared word is the beginning of the written one, so most lines need no taking apart.
    if not any(word in low for word in wanted):
        return frozenset()
    return words_of(begin).intersection(wanted)


def _weights(found: Mapping[int, frozenset[str]], lines: int) -> Mapping[str, float]:
    """Weigh each word by how few lines have it: 1 for one line, near 0 for all."""
    held_by = Counter(word for words in found.values() for word in words)
    return {word: math.log(1 + lines / count) / math.log(1 + lines) for word, count in held_by.items()}


def _troubles(
    document: Document, held: Sequence[str], span: tuple[int, int], fields: re.Pattern[str] | None
) -> Mapping[int, float]:
    weights = {}
    told = _told_lines(document)
    for at in range(*span):
        begin = held[at][:_SCANNED_CHARS].strip().lower()
        weight = _FIELD_WEIGHT * bool(_FAULTY_FIELD.search(begin)) + _TROUBLE_WEIGHT * bool(_TROUBLE.search(begin))
        if fields is not None and document.kind is DocumentKind.OBJECT and fields.match(begin.lstrip("- ")):
            weight += _FIELD_AT_FAULT_WEIGHT
        if document.source.first_line + at in told:
            weight += _TOLD_WEIGHT
        if weight:
            weights[at] = weight
    return weights


def troubled(text: str) -> bool:
    """Tell whether a text's beginning has words of failure.

    >>> troubled("Back-off pulling image"), troubled("Pulled image in 2 s")
    (True, False)
    """
    return _TROUBLE.search(text[:_SCANNED_CHARS].lower()) is not None


def _told_lines(document: Document) -> frozenset[int]:
    """Give the lines in which the loader found what the document says: an Event's messages, a log's own line."""
    payload = document.payload
    if document.kind is DocumentKind.EVENT:
        return frozenset(message.get("line", 0) for message in payload.get("messages", ()))
    if document.kind is DocumentKind.NODE_SERVICE:
        return frozenset(payload.get("lines", {}).values())
    return frozenset({payload["line"]} if "line" in payload else ())
