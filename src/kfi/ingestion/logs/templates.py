"""
Templates of log messages: what stays when the numbers, names and times are taken out.

A small Drain: words that are plainly variable are masked first, then messages of one level and length that begin with
the same word are compared word by word. Memory is bounded whatever the log holds.

Source: He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from operator import itemgetter

ANYTHING = "<*>"

_SAFE = "bcdfghjklmnpqrstvwxz2456789"
# Alternatives in order: the more special before the more general.
_VARIABLE = re.compile(
    r"(?P<uuid>[0-9a-fA-F]{8}[-_](?:[0-9a-fA-F]{4}[-_]){3}[0-9a-fA-F]{12})"
    r"|(?P<time>\d{4}[-/]\d\d[-/]\d\d(?:T\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)?|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?)"
    # A server's port says which service it is; what comes from the ephemeral range (from 32768 on) says nothing.
    r"|(?P<ip>(?:\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?|\[(?=[0-9a-f]{0,4}:)[0-9a-f:]{2,39}\])"
    r"(?::(?:6553[0-5]|3276[89]|327[7-9]\d|32[89]\d\d|3[3-9]\d{3}|[456]\d{4})(?!\d))?(?P<port>:\d{1,5}(?!\d))?)"
    r"|(?P<hex>0x[0-9a-fA-F]{1,64}|(?<![0-9A-Za-z])(?=[a-f]{0,64}\d)[0-9a-f]{8,128}(?![0-9A-Za-z]))"
    rf"|(?P<hash>(?:-(?=[a-z]{{0,9}}\d)[{_SAFE}]{{8,10}})?-(?=[a-z]{{0,4}}\d)[{_SAFE}]{{5}}(?![0-9A-Za-z]))"
    r"|(?P<duration>(?<![A-Za-z0-9.])(?:\d{1,12}(?:\.\d{1,12})?(?:ns|us|\u00b5s|ms|s|m|h|d))+(?![A-Za-z0-9]))"
    r"|(?P<num>(?<![A-Za-z\d])\d{1,30}(?:\.\d{1,30})?)"
)
_MAX_TEMPLATES = 2000
_MAX_TOKENS = 60
# Words that may begin messages of one length before the first word counts as variable itself.
_MAX_FIRST_WORDS = 100
_MAX_SIBLINGS = 60
_MAX_CACHED_TOKENS = 20_000
_MAX_CACHED_MESSAGES = 20_000
_SIMILARITY = 0.6
# In a short message one word more or less is a different message.
_SHORT, _SHORT_SIMILARITY = 5, 0.7


@dataclass(slots=True)
class Template:
    """Messages that differ only where the template says so."""

    group: Hashable
    level: str
    tokens: list[str]
    count: int = 0

    @property
    def text(self) -> str:
        """The template with its masks."""
        return " ".join(self.tokens)


@dataclass
class TemplateMiner:
    """Finds the template of each message of one source; `group` keeps the logs of different containers apart."""

    max_templates: int = _MAX_TEMPLATES
    templates: list[Template] = field(default_factory=list)
    _leaves: dict[Hashable, list[Template]] = field(default_factory=dict)
    _first_words: dict[Hashable, set[str]] = field(default_factory=dict)
    _known: dict[Hashable, Template] = field(default_factory=dict)
    _masked: dict[str, str] = field(default_factory=dict)

    def add(self, message: str, level: str = "", group: Hashable = None) -> Template:
        """Count a message and give its template; beyond `max_templates` one per level takes all that is new."""
        tokens = self._tokens(message)
        key = (group, level, " ".join(tokens))
        template = self._known.get(key)
        if template is None:
            template = self._find(tokens, level, group)
            if len(self._known) >= _MAX_CACHED_MESSAGES:
                self._known.clear()
            self._known[key] = template
        template.count += 1
        return template

    def _tokens(self, message: str) -> list[str]:
        words = message.split(None, _MAX_TOKENS)[:_MAX_TOKENS]
        masked = self._masked
        return [word if word.isalpha() else masked.get(word) or self._mask(word) for word in words]

    def _mask(self, word: str) -> str:
        if len(word) > 400:
            return ANYTHING
        result = mask(word)
        if len(self._masked) >= _MAX_CACHED_TOKENS:
            self._masked.clear()
        self._masked[word] = result
        return result

    def _find(self, tokens: list[str], level: str, group: Hashable) -> Template:
        leaf = self._leaf(tokens, level, group)
        likeness, best = max(
            ((_similarity(template.tokens, tokens), template) for template in leaf),
            key=itemgetter(0),
            default=(0.0, None),
        )
        least = _SHORT_SIMILARITY if len(tokens) <= _SHORT else _SIMILARITY
        if best is not None and likeness >= least:
            best.tokens = [a if a == b else ANYTHING for a, b in zip(best.tokens, tokens, strict=True)]
            return best
        if len(self.templates) < self.max_templates and len(leaf) < _MAX_SIBLINGS:
            return self._new(leaf, group, level, tokens)
        rest = self._leaves.setdefault((group, level), [])
        # One more for each level, so that the bound holds for any log.
        return rest[0] if rest else self._new(rest, group, level, [ANYTHING])

    def _leaf(self, tokens: list[str], level: str, group: Hashable) -> list[Template]:
        shape = (group, level, len(tokens))
        words = self._first_words.get(shape, set())
        first = tokens[0] if tokens else ""
        if first not in words and (len(words) >= _MAX_FIRST_WORDS or "<" in first):
            first = ANYTHING
        if len(self.templates) >= self.max_templates:
            return self._leaves.get((*shape, first), [])
        self._first_words.setdefault(shape, words).add(first)
        return self._leaves.setdefault((*shape, first), [])

    def _new(self, leaf: list[Template], group: Hashable, level: str, tokens: list[str]) -> Template:
        template = Template(group, level, tokens)
        leaf.append(template)
        self.templates.append(template)
        return template


def mask(text: str) -> str:
    """Give the text with times, ids, addresses, hashes, durations and numbers replaced by what they are.

    >>> mask("10.0.0.7:8080"), mask("took=13.5ms"), mask("cart-6f7d8c9b54-x2x4k")
    ('<ip>:8080', 'took=<duration>', 'cart<hash>')
    """
    return _VARIABLE.sub(_name_of, text)


def _name_of(match: re.Match[str]) -> str:
    kind = match.lastgroup
    return f"<ip>{match['port'] or ''}" if kind == "ip" else f"<{kind}>"


def _similarity(template: list[str], tokens: list[str]) -> float:
    """Give the share of words that agree; a template's free places count as agreeing by half."""
    agreeing = 0.0
    for known, token in zip(template, tokens, strict=True):
        if known == token:
            agreeing += 1
        elif known == ANYTHING:
            agreeing += 0.5
    return agreeing / (len(tokens) or 1)
