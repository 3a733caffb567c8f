"""
What may stay of a model's words: claims whose evidence exists, and nothing that leads a reader elsewhere.

A label is a promise that a line proves the sentence. A sentence that only cites what was never shown is taken out; a
sentence without any label stays. Images go, and links lose their addresses: a page that shows the answer would load
them, with whatever a hostile log line had the model put into the address.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_LABEL = r"[Ee][0-9]+"
_JOINT = r"(?:\s{0,3}(?:[,;\u2013-]|and|to)\s{0,3}|\s{1,3}(?=[Ee]))"
_LABELS = rf"\s{{0,3}}{_LABEL}(?:{_JOINT}[Ee]?[0-9]+)*\s{{0,3}}"
_CITED = rf"(?:\[{_LABELS}\]|\({_LABELS}\)|\u3010{_LABELS}\u3011)"
_CITATION = re.compile(rf"([ \t]?){_CITED}")
_LABEL_OR_RANGE = re.compile(r"([0-9]+)(?:\s*(?:[\u2013-]|to)\s*[Ee]?([0-9]+))?")
# A range wider than this names nothing that anyone looked up.
_WIDEST_RANGE = 50
# Behind the full stop may stand the citations of the sentence before it.
_SENTENCE_END = re.compile(
    rf"(?<!\b[a-z]\.[a-z])(?<!\betc)(?<!\bvs)[.!?][\"')*`]{{0,4}}"
    rf"(?:[ ]{{0,3}}{_CITED}\.?)*(?=\s|$)"
)
_OWN_BLOCK = re.compile(r"\s*(?:[-*+\u2022]\s|[0-9]{1,3}[.)]\s|#{1,6}\s|\||```|>)")
_MARKER = re.compile(r"\s*(?:[-*+\u2022>]\s+|[0-9]{1,3}[.)]\s+|#{1,6}\s+)?")

_IMAGE_OR_LINK = re.compile(r"(!?)\[([^\[\]]*+)\]\((?:[^()]++|\([^()]*+\))*+\)")
_TAG = re.compile(r"</?(?:img|a|iframe|script|style|link|object|embed|form|svg|video|audio|source)\b[^<>]*>", re.I)
# A stop behind an address ends the sentence.
_ADDRESS = re.compile(r"(?:\b(?:https?|ftp)://|\bwww\.)[^\s<>\"'`\])]*[^\s<>\"'`\]).,;:!?]", re.I)
_NO_ADDRESS = "(link removed)"


@dataclass(frozen=True)
class Checked:
    """What is left of a text."""

    text: str | None
    """None where no sentence is left."""
    removed: int = 0
    """Sentences, and labels within other sentences, that were taken out."""


def check(text: str, labels: Collection[str]) -> Checked:
    """Take out claims that cite only labels that do not exist, and the unknown labels of others.

    Citations that stay all look like `[E1, E2]`, however the model wrote them.

    >>> check("The Pod was killed [E1, E9]. The disk is full [E7].", {"E1"})
    Checked(text='The Pod was killed [E1].', removed=2)
    """
    known = frozenset(labels)
    kept: list[str] = []
    removed = 0
    for block in _blocks(without_links(text)):
        left, gone = _checked_block(block, known)
        removed += gone
        # A blank line stays, but only one of them, and none where a whole paragraph went.
        if left or (not block and kept and kept[-1]):
            kept.append(left)
    left_over = "\n".join(kept).strip()
    return Checked(left_over if any(map(_says_something, kept)) else None, removed)


def without_links(text: str) -> str:
    """Give a text without images, and with links that name no address.

    >>> without_links("![x](https://a.example/?q=1) see [the docs](https://b.example).")
    ' see the docs.'
    """
    # Twice: an image may stand within a link.
    text = _IMAGE_OR_LINK.sub(_words_of, _IMAGE_OR_LINK.sub(_words_of, text))
    return _ADDRESS.sub(_NO_ADDRESS, _TAG.sub("", text))


def _words_of(link: re.Match[str]) -> str:
    if link[1]:
        return ""
    return f"[{link[2]}]" if _CITATION.fullmatch(f"[{link[2]}]") else link[2]


def _blocks(text: str) -> Iterator[str]:
    """Split into paragraphs, list items, headings, table rows and lines of code; blank lines come as such."""
    block: list[str] = []
    code = False
    for line in text.splitlines():
        fence = line.lstrip().startswith("```")
        alone = code or fence or not line.strip() or _OWN_BLOCK.match(line)
        code ^= fence
        if alone and block:
            yield "\n".join(block)
            block = []
        if alone and (code or fence or not line.strip() or line.lstrip().startswith(("|", "#"))):
            yield line.rstrip()
        else:
            block.append(line.rstrip())
    if block:
        yield "\n".join(block)


def _checked_block(block: str, known: frozenset[str]) -> tuple[str, int]:
    marker = _MARKER.match(block)
    begin = marker.end() if marker else 0
    kept, removed = [], 0
    row = block.startswith("|")
    for sentence in [block] if row else _sentences(block[begin:]):
        left, gone = _checked_sentence(sentence, known)
        kept.append(left)
        removed += gone
    body = "".join(kept).strip()
    return (block[:begin] + body if body else ""), removed


def _sentences(text: str) -> Iterator[str]:
    """Split into sentences, each with the space behind it."""
    begin = 0
    for end in _SENTENCE_END.finditer(text):
        # The space between two sentences goes with the second.
        yield text[begin : end.end()]
        begin = end.end()
    if begin < len(text):
        yield text[begin:]


def _checked_sentence(sentence: str, known: frozenset[str]) -> tuple[str, int]:
    cited = [label for citation in _CITATION.finditer(sentence) for label in _labels_of(citation[0])]
    unknown = sum(label not in known for label in cited)
    if unknown and unknown == len(cited):
        return "", 1

    def known_part(citation: re.Match[str]) -> str:
        left = [label for label in _labels_of(citation[0]) if label in known]
        return f"{citation[1]}[{', '.join(left)}]" if left else ""

    return _CITATION.sub(known_part, sentence), unknown


def _labels_of(citation: str) -> list[str]:
    """Read the labels of one citation; a range names all between its ends."""
    labels: list[str] = []
    for match in _LABEL_OR_RANGE.finditer(citation):
        first, last = match[1].lstrip("0") or "0", (match[2] or match[1]).lstrip("0") or "0"
        labels.append(f"E{first}")
        if last != first:
            labels += _up_to(first, last)
    return list(dict.fromkeys(labels))


def _up_to(first: str, last: str) -> list[str]:
    if len(last) > 6 or len(first) > 6 or not 0 < int(last) - int(first) <= _WIDEST_RANGE:
        return [f"E{last}"]
    return [f"E{number}" for number in range(int(first) + 1, int(last) + 1)]


def _says_something(block: str) -> bool:
    return not block.lstrip().startswith(("#", "```")) and any(map(str.isalpha, block))
