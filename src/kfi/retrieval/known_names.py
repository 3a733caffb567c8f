"""
The names that the evidence has, and which of them a slip of the keyboard means.

A slip is one letter too many, too few, wrong or swapped; in words of nine letters and more, two. It counts only where
one name is that near: `checkot` is `checkout`, but `web-1` is not `web-2`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from kfi.models.schemas import ObjectRef

_SHORTEST_SLIP = 5
_LONG = 9
# What a ReplicaSet, a Job and a StatefulSet put behind the name of what made them: k8s.io/apimachinery/pkg/util/rand.
_SUFFIX = re.compile(r"-[bcdfghjklmnpqrstvwxz2456789]{5}\Z|-[bcdfghjklmnpqrstvwxz2456789]{6,10}\Z|-[0-9]{1,10}\Z", re.A)


@dataclass(frozen=True)
class KnownNames:
    """Names of objects with their kinds, and names of namespaces."""

    kinds: Mapping[str, frozenset[str]] = field(default_factory=dict)
    namespaces: frozenset[str] = frozenset()

    def has(self, name: str, kind: str = "") -> bool:
        """Tell whether an object is called so; of that kind, where one is given."""
        return name in self.kinds and (not kind or kind in self.kinds[name])

    def speaks_of(self, word: str) -> bool:
        """Tell whether an object or a Pod's workload is called so."""
        return word in self.kinds or self.begins_pod(word)

    def begins_pod(self, word: str) -> bool:
        """Tell whether a Pod's name begins with a word: `cart` is enough for `cart-0`."""
        after = bisect_left(self._pods, f"{word}-")
        return self._pods[after : after + 1] != () and self._pods[after].startswith(f"{word}-")

    @cached_property
    def parts(self) -> frozenset[str]:
        """The words that names are made of."""
        return frozenset(part for name in (*self.kinds, *self.namespaces) for part in re.split(r"[-.]", name.lower()))

    @cached_property
    def _pods(self) -> tuple[str, ...]:
        return tuple(sorted(name for name, kinds in self.kinds.items() if "Pod" in kinds))

    def meant(self, word: str) -> str | None:
        """Give the object's name that a word is a slip of; None where it is none, or could be two."""
        return _nearest(word, self._by_length)

    def meant_namespace(self, word: str) -> str | None:
        """Give the namespace that a word is a slip of."""
        return _nearest(word, _by_length(self.namespaces))

    @cached_property
    def _by_length(self) -> Mapping[int, tuple[str, ...]]:
        """Names that people type; those that controllers make up are copied."""
        return _by_length(
            name for name in self.kinds if workload_name(name) not in self.kinds or name == workload_name(name)
        )


NOTHING_KNOWN = KnownNames()
"""What is known where no evidence was looked at."""


def names_of(refs: Iterable[ObjectRef]) -> KnownNames:
    """Give the names of objects."""
    kinds: dict[str, set[str]] = defaultdict(set)
    namespaces: set[str] = set()
    for ref in refs:
        namespaces.add(ref.name if ref.kind == "Namespace" else ref.namespace)
        if ref.kind != "Namespace" and ref.name:
            kinds[ref.name].add(ref.kind)
    found = {name: frozenset(of) for name, of in kinds.items()}
    return KnownNames(found, frozenset(namespaces) - {""})


def workload_name(name: str) -> str:
    """Give a name without what controllers put behind it.

    >>> workload_name("cart-7d9c5b6f4d-x2x9z"), workload_name("postgres-0"), workload_name("mailer")
    ('cart', 'postgres', 'mailer')
    """
    once = _SUFFIX.sub("", name)
    return _SUFFIX.sub("", once) if once != name and not name[-1:].isdigit() else once


def _by_length(names: Iterable[str]) -> Mapping[int, tuple[str, ...]]:
    grouped: dict[int, list[str]] = defaultdict(list)
    for name in names:
        grouped[len(name)].append(name)
    return {length: tuple(those) for length, those in grouped.items()}


def _nearest(word: str, names: Mapping[int, tuple[str, ...]]) -> str | None:
    if len(word) < _SHORTEST_SLIP:
        return None
    most = 2 if len(word) >= _LONG else 1
    near: list[str] = []
    for length in range(len(word) - most, len(word) + most + 1):
        near += (name for name in names.get(length, ()) if name[0] == word[0] and _is_slip(word, name, most))
    return near[0] if len(near) == 1 else None


def _is_slip(word: str, name: str, most: int) -> bool:
    """Tell whether two names differ by at most so many slips, none of them in a number: `worker-2`, `worker-3`."""
    if [*filter(str.isdigit, word)] != [*filter(str.isdigit, name)]:
        return False
    return slips(word, name, most) <= most


def slips(a: str, b: str, most: int) -> int:
    """Count insertions, deletions, replacements and swaps of neighbours; more than `most` is `most + 1`."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        after = [i]
        for j, right in enumerate(b, 1):
            cost = min(row[j] + 1, after[j - 1] + 1, row[j - 1] + (left != right))
            if i > 1 and j > 1 and left == b[j - 2] and a[i - 2] == right:
                cost = min(cost, before[j - 2] + 1)
            after.append(cost)
        if min(after) > most:
            return most + 1
        before, row = row, after
    return row[-1]
