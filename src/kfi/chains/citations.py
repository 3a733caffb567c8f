"""
What may stay of a model's words: claims whose evidence exists, and nothing that leads a reader elsewhere.

A label is a promise that a line proves the sentence, and every sentence has to make it. One without is given the label
of the lines that have all its telling words, or taken out; so are those that `grounding` finds nothing for. Images go,
and links lose their addresses: a page that shows the answer would load them, with whatever a hostile log line had the
model put into the address.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from kfi.chains.commands import reading_commands, reads_only
from kfi.chains.grounding import Ground, says_unknown

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
_HEADING = re.compile(r"\s*#{1,6}\s")
_MARKER = re.compile(r"\s*(?:[-*+\u2022>]\s+|[0-9]{1,3}[.)]\s+|#{1,6}\s+)?")

_IMAGE_OR_LINK = re.compile(r"(!?)\[([^\[\]]*+)\]\((?:[^()]++|\([^()]*+\))*+\)")
_TAG = re.compile(r"</?(?:img|a|iframe|script|style|link|object|embed|form|svg|video|audio|source)\b[^<>]*>", re.I)
# A stop behind an address ends the sentence.
_ADDRESS = re.compile(
    r"(?:\b(?:https?|ftp)://|\bwww\.)[^\s<>\"'`\])]*[^\s<>\"'`\]).,;:!?]"
    r"|[\w.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}",
    re.I,
)
_NO_ADDRESS = "(link removed)"


@dataclass(frozen=True)
class Checked:
    """What is left of a text."""

    text: str | None
    """None where no claim is left."""
    kept: int = 0
    """Claims that stand as they were."""
    repaired: int = 0
    """Claims that stand with other labels."""
    removed: int = 0
    """Claims that were taken out."""

    @property
    def claims(self) -> int:
        """How many are left."""
        return self.kept + self.repaired


def check(text: str, ground: Ground) -> Checked:
    """Keep of a text in Markdown the sentences, rows and lines of code that stand on evidence; headings go.

    Citations that stay all look like `[E1, E2]`, however the model wrote them.
    """
    return _joined([_checked_block(block, ground) for block in _blocks(without_links(text))])


def check_claims(claims: Iterable[tuple[str, Sequence[str]]], ground: Ground) -> Checked:
    """Keep of claims, each a text and the labels it cites, those that stand on evidence; several become a list."""
    blocks = [_checked_claim(without_links(text), labels, ground) for text, labels in claims]
    several = sum(block.claims for block in blocks) > 1
    return _joined([replace(b, text=f"- {b.text}") if several and b.text else b for b in blocks])


def _checked_claim(text: str, labels: Sequence[str], ground: Ground) -> Checked:
    own = [label for written in labels for label in _labels_of(written)]
    said = _CITATION.sub("", text).strip().rstrip(".").strip()
    cited = [label for citation in _CITATION.finditer(text) for label in _labels_of(citation[0])]
    every = ", ".join(dict.fromkeys((*cited, *own)))
    return _judged(" ".join(f"{said} [{every}].".split()) if every else " ".join(f"{said}.".split()), ground)


def _joined(blocks: Sequence[Checked]) -> Checked:
    kept: list[str] = []
    seen: set[str] = set()
    counts: Counter[str] = Counter()
    for block in blocks:
        said = _MARKER.sub("", block.text, count=1) if block.text else ""
        again = bool(said) and said in seen
        counts += (
            Counter(kept=block.kept, repaired=block.repaired, removed=block.removed)
            if not again
            else Counter(removed=block.claims + block.removed)
        )
        seen.add(said)
        # A blank line stays, but only one of them, and none where a whole paragraph went.
        if not again and (block.text or (block.text == "" and kept and kept[-1])):
            kept.append(block.text)
    return Checked("\n".join(kept).strip() or None, counts["kept"], counts["repaired"], counts["removed"])


def harmless(text: str, labels: Collection[str]) -> str:
    """Give reasoning without addresses, unknown labels, and sentences that suggest what changes a cluster.

    >>> harmless("It was killed [E1, E7]. Run kubectl delete pod cart-0. See https://a.example/x.", {"E1"})
    'It was killed [E1]. See (link removed).'
    """
    lines = without_links(_known_citations(text, labels)).split("\n")
    return "\n".join("".join(filter(reads_only, _sentences(line))) for line in lines)


def _known_citations(text: str, labels: Collection[str]) -> str:
    def known_part(citation: re.Match[str]) -> str:
        left = [label for label in _labels_of(citation[0]) if label in labels]
        return f"{citation[1]}[{', '.join(left)}]" if left else ""

    return _CITATION.sub(known_part, text)


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
    """Split into paragraphs, list items, table rows and lines of code; blank lines come as such."""
    block: list[str] = []
    code = False
    for line in text.splitlines():
        fence = line.lstrip().startswith("```")
        alone = code or fence or not line.strip() or _OWN_BLOCK.match(line)
        code ^= fence
        if alone and block:
            yield "\n".join(block)
            block = []
        if fence:
            continue
        if alone and (code or not line.strip() or line.lstrip().startswith(("|", "#"))):
            yield f"`{line.strip()}`" if code and line.strip() else line.rstrip()
        else:
            block.append(line.rstrip())
    if block:
        yield "\n".join(block)


def _checked_block(block: str, ground: Ground) -> Checked:
    """Check a block; its text is empty where it was a blank line, None where nothing is left of it."""
    if not block:
        return Checked("")
    if _HEADING.match(block) or not any(map(str.isalnum, block)):
        return Checked(None)
    marker = _MARKER.match(block)
    begin = marker.end() if marker else 0
    whole = block.startswith(("|", "`kubectl ", "`oc "))
    judged = [_judged(sentence, ground) for sentence in ([block] if whole else _sentences(block[begin:]))]
    body = "".join(one.text or "" for one in judged).strip()
    counts = {name: sum(getattr(one, name) for one in judged) for name in ("kept", "repaired", "removed")}
    return Checked(block[:begin] + body if body else None, **counts)


def _sentences(text: str) -> Iterator[str]:
    """Split into sentences, each with the space behind it."""
    begin = 0
    for end in _SENTENCE_END.finditer(text):
        # The space between two sentences goes with the second.
        yield text[begin : end.end()]
        begin = end.end()
    if begin < len(text):
        yield text[begin:]


def _judged(sentence: str, ground: Ground) -> Checked:
    """Judge one claim; the space before it stays. Labels alone claim nothing."""
    bare = _CITATION.sub("", sentence).strip()
    if not any(map(str.isalnum, bare)):
        return Checked(None)
    cited = [label for citation in _CITATION.finditer(sentence) for label in _labels_of(citation[0])]
    known = [label for label in cited if label in ground.shown]
    if (cited and not known) or not reads_only(bare, ground.commands):
        return Checked(None, removed=1)
    if not known:
        return _uncited(sentence, bare, ground)
    if ground.lacks(bare, known):
        return Checked(None, removed=1)

    text = _known_citations(sentence, ground.shown)
    return Checked(text, repaired=1) if len(known) < len(cited) else Checked(text, kept=1)


def _uncited(sentence: str, bare: str, ground: Ground) -> Checked:
    if says_unknown(bare):
        return Checked(None, removed=1) if ground.lacks(bare, ()) else Checked(sentence, kept=1)
    label = ground.proof_of(bare)
    if label and not ground.lacks(bare, [label]):
        end = re.search(r"[.!?:]*$", sentence.rstrip())
        at = end.start() if end else len(sentence)
        return Checked(f"{sentence[:at]} [{label}]{sentence.rstrip()[at:]}", repaired=1)
    if commands := [command for command in reading_commands(bare) if ground.may_suggest(command)]:
        # What else the sentence says has no proof; the command does no harm.
        space = sentence[: len(sentence) - len(sentence.lstrip())]
        return Checked(f"{space}To see more: {', '.join(f'`{command}`' for command in commands)}.", repaired=1)
    return Checked(None, removed=1)


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
