"""
Masking of secrets, before anything else reads a text.

A secret becomes `<secret:8 hex digits>`: a keyed hash, so the same secret looks the same everywhere in one store (an
app whose password differs from its siblings' still shows), and nobody without the store's key can test a guess. Base64
is looked through, so a Secret's data and the variable filled from it look the same. The number of lines, indentation
and quotes stay, so citations and parsers do not notice. What is masked already is left alone.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from kfi.ingestion.secrets.blocks import Opened, goes_on, inside, opens
from kfi.ingestion.secrets.lines import Hint, find, hints
from kfi.ingestion.secrets.objects import ObjectSecrets
from kfi.ingestion.secrets.spans import Span
from kfi.ingestion.secrets.values import decoded

_DIGITS = 8
# The objects of a cluster say the same things again and again: lines known to be harmless need no second look.
_BLOCK_LINES = 512
_MOST_REMEMBERED = 50_000
_LONGEST_REMEMBERED = 200


class Redactor:
    """Masks secrets and counts them by kind. One for each run; not for several threads at once."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.counts: Counter[str] = Counter()
        self._harmless: set[str] = set()

    def line(self, text: str) -> str:
        """Give one line with its secrets masked."""
        return self._masked(text, find(text))

    def lines(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield lines with their secrets masked, also those that an earlier line announces: keys, blocks, values."""
        opened: Opened | None = None
        iterator = iter(texts)
        while block := list(islice(iterator, _BLOCK_LINES)):
            suspects = self._suspects(block)
            if opened is None and not suspects:
                yield from block
                continue
            for text in block:
                hint = suspects.get(text)
                if opened is None and hint is None:
                    yield text
                    continue
                before = opened
                spans, opened = _secrets_of(text, before, hint)
                if not (before or spans or opened):
                    self._remember((text,))
                yield self._masked(text, spans) if spans else text

    def _suspects(self, texts: Iterable[str]) -> dict[str, Hint]:
        """Give the lines that may hold a secret or announce one; the others are remembered."""
        fresh = set(texts) - self._harmless
        suspects = hints(fresh)
        self._remember(fresh - suspects.keys())
        return suspects

    def _remember(self, texts: Iterable[str]) -> None:
        if len(self._harmless) >= _MOST_REMEMBERED:
            self._harmless.clear()
        self._harmless.update([text for text in texts if len(text) <= _LONGEST_REMEMBERED])

    def object(self, fields: dict[str, Any], text: str) -> tuple[dict[str, Any], str]:
        """Give an object's fields and its text with masked what only the structure shows to be secret.

        That is all data of Secrets, environment variables, and the annotation that repeats an applied manifest.
        """
        secrets = ObjectSecrets(self._placeholder)
        masked: dict[str, Any] = secrets.masked(fields)
        if not secrets.found:
            return fields, text
        return masked, secrets.masked_text("\n".join(self.lines(text.split("\n"))))

    def _masked(self, text: str, spans: Iterable[Span]) -> str:
        parts, position = [], 0
        for span in spans:
            placeholder = self._placeholder(text[span.start : span.end], span.kind)
            parts += [text[position : span.start], span.quote, placeholder, span.quote]
            position = span.end
        return "".join((*parts, text[position:])) if parts else text

    def _placeholder(self, secret: str, kind: str) -> str:
        self.counts[kind] += 1
        return f"<secret:{hmac.digest(self._key, _canonical(secret), 'sha256').hex()[:_DIGITS]}>"


def _secrets_of(text: str, opened: Opened | None, hint: Hint | None) -> tuple[Sequence[Span], Opened | None]:
    """Give the secrets of a line, and what it announces; `opened` is what the lines before have announced."""
    announced = inside(text, opened) if opened else None
    if announced:
        return announced.spans or _found(text, hint), announced.then
    spans = _found(text, hint)
    return spans, opens(text) or (goes_on(text, spans[-1]) if spans else None)


def _found(text: str, hint: Hint | None) -> Sequence[Span]:
    return find(text, hint) if hint else ()


def _canonical(secret: str) -> bytes:
    """Give the bytes a secret is told by: what it stands for, where it is readable text in base64."""
    inner = decoded(secret) if len(secret) >= 4 else b""
    return inner if inner and _is_readable(inner) else secret.encode("utf-8", "surrogatepass")


def _is_readable(inner: bytes) -> bool:
    try:
        text = inner.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character in "\t\r\n" for character in text)
