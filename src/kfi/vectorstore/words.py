"""
What counts as a word of evidence, for every index alike.

Kubernetes names are found whole and by their parts: `cart-7d9f` is also `cart` and `7d9f`; `FailedScheduling` is also
`failed` and `scheduling`. All words are lower case and made of letters, digits and `_`, so that any analyzer that
splits at other characters leaves them whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MAX_TEXT = 65_536
"""Characters of a text that are read; what a document says stands at its beginning."""
MAX_WORD = 128
"""Characters of a word; longer runs are encoded data, which nobody asks for."""

# Joints of Kubernetes names, image references, host names and paths: `orchard/cart:1.2`, `web_app`, `node-a.local`.
_RUN = re.compile(r"[^\W_]+(?:[-_.:/][^\W_]+)*")
_JOINT = re.compile(r"[-_.:/]")
_HUMP = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def words(text: str) -> Iterator[str]:
    """Yield the words of a text in order, a name's own form before its parts.

    >>> list(words("FailedScheduling cart-7d9f"))
    ['failedscheduling', 'failed', 'scheduling', 'cart_7d9f', 'cart', '7d9f']
    """
    for run in _RUN.findall(text[:MAX_TEXT]):
        parts = _JOINT.split(run)
        if len(parts) > 1 and len(run) <= MAX_WORD:
            yield _JOINT.sub("_", run).lower()
        for part in parts:
            if len(part) <= MAX_WORD:
                yield from _part(part)


def _part(part: str) -> Iterator[str]:
    yield part.lower()
    # `OOMKilled` has humps, `cart`, `CART` and `7d9f` have none worth splitting at.
    if part.isalpha() and part.isascii() and not (part.islower() or part.isupper() or part[1:].islower()):
        for hump in _HUMP.findall(part):
            yield hump.lower()
