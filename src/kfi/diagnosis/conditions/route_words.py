"""
Which application the words of a route mean: its path, its host's first label, its own name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from difflib import SequenceMatcher

from kfi.snapshot.resources import Service
from kfi.snapshot.view import Snapshot

_PARTS = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
# What names of Services have in common, and says nothing of which one is meant.
_PLAIN = frozenset("service svc server srv app api backend web v1 v2 v3 rest http grpc public".split())
_SUFFIX = re.compile(r"(?<=[a-z]{3})(?:service|svc|server)$")
_ALIKE = 0.8


def words_of(*texts: str) -> frozenset[str]:
    """Give the words of paths and names that say which application is meant."""
    return frozenset(word for text in texts for part in text.split("/") if (word := core(part)))


def core(name: str) -> str:
    """Give what of a name says which application is meant.

    >>> core("orderOtherService"), core("cart-svc"), core("orderservice"), core("v1"), core("deliveries")
    ('orderother', 'cart', 'order', '', 'delivery')
    """
    parts = [part.lower() for part in _PARTS.findall(name)]
    return _singular(_SUFFIX.sub("", "".join(part for part in parts if part not in _PLAIN)))


def _singular(word: str) -> str:
    """Give a word without the ending of its plural: a path mostly has it (/carts), a Service mostly not.

    >>> _singular("carts"), _singular("addresses"), _singular("address"), _singular("boxes"), _singular("bus")
    ('cart', 'address', 'address', 'box', 'bus')
    """
    if len(word) < 4 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word[:-2] if word.endswith(("sses", "xes", "ches", "shes")) else word.removesuffix("s")


class Apps:
    """The Services of some namespaces that a workload stands behind, by the words that mean them."""

    def __init__(self, snapshot: Snapshot, namespaces: Iterable[str]) -> None:
        homes = set(namespaces)
        services = [s for s in snapshot.kube_services if s.namespace in homes and snapshot.topology.meant_by(s)]
        self._prefix = _shared_prefix(services)
        self._by_word: dict[str, list[Service]] = defaultdict(list)
        for service in services:
            for word in self._words(service.name):
                self._by_word[word].append(service)

    def named(self, words: Iterable[str]) -> list[Service]:
        """Give the Services that a route's words name, each once."""
        return list({service.ref: service for word in words for service in self._by_word.get(word, ())}.values())

    def is_named(self, service: str, words: frozenset[str]) -> bool:
        """Tell whether a route's words name a Service, be it one of these or not."""
        return bool(self._words(service) & words)

    def _words(self, service: str) -> set[str]:
        return {core(service), core(service.removeprefix(self._prefix))}


def _shared_prefix(apps: Iterable[Service]) -> str:
    """Give the first part that most of these names have in common: `shop-` of shop-cart and shop-mailer."""
    counts: dict[str, int] = defaultdict(int)
    names = [service.name for service in apps]
    for name in names:
        counts[name.partition("-")[0]] += 1
    first = max(counts, key=lambda part: counts[part], default="")
    return f"{first}-" if names and counts[first] > max(2, len(names) * 0.6) else ""


def alike(name: str, other: str) -> bool:
    """Tell whether names differ by a letter or two."""
    return SequenceMatcher(None, name, other).ratio() >= _ALIKE
