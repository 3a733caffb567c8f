"""
Merging of several rankings into one.

Rankings come from engines whose scores cannot be compared, so only positions count. Nothing here does I/O, and the
same rankings always give the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from typing import NamedTuple

from kfi.models.answer import Leg, LegRank

Lines = tuple[int, int]
"""First and last line, counted in the source."""

# How fast a position loses weight. Cormack, Clarke and Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and
# individual Rank Learning Methods" (SIGIR 2009), found 60 and that little depends on it.
_K = 60
# Lines between two passages that are shown with them: a state, its reason and its exit code are read together.
_GAP = 6
# A hit is a few lines; joined passages grow no longer than this.
_LONGEST = 30


class Found(NamedTuple):
    """A document that a leg found, and the lines of it where the leg knows them."""

    document_id: str
    score: float
    lines: Lines | None = None


Ranking = tuple[tuple[Found, ...], ...]
"""What a leg found: one list for each sub-query, best first."""


@dataclass(frozen=True)
class Ranked:
    """A leg's ranking, and what it could not do."""

    found: Ranking
    notes: tuple[str, ...] = ()
    relaxed: str = ""
    """What was let go of so that something was found; empty where nothing was."""


class Fused(NamedTuple):
    """A document that one leg or several found."""

    document_id: str
    legs: tuple[LegRank, ...]
    lines: tuple[Lines, ...] = ()
    """Passages that a leg pointed at, in that leg's order."""


def fuse(found: Mapping[Leg, Sequence[Found]], limit: int) -> tuple[Fused, ...]:
    """Rank documents by how high they stand in each leg; found twice beats found once.

    A document counts in each leg at its best position. Ties go to the better single position, then by id.

    >>> by_words, by_meaning = [Found("a", 9.1), Found("b", 8.7)], [Found("b", 0.83), Found("c", 0.80)]
    >>> [one.document_id for one in fuse({Leg.LEXICAL: by_words, Leg.DENSE: by_meaning}, limit=2)]
    ['b', 'a']
    """
    ranks: dict[str, list[LegRank]] = {}
    for leg in Leg:
        places = {one.document_id: one for one in reversed(found.get(leg, ()))}
        order = dict.fromkeys(one.document_id for one in found.get(leg, ()))
        for rank, document_id in enumerate(order, 1):
            ranks.setdefault(document_id, []).append(LegRank(leg=leg, rank=rank, score=places[document_id].score))
    best = sorted(ranks, key=lambda document_id: _order(ranks[document_id], document_id))[:limit]
    lines = _lines_of(found)
    return tuple(Fused(one, tuple(ranks[one]), tuple(joined(lines.get(one, ())))) for one in best)


def _order(legs: list[LegRank], document_id: str) -> tuple[float, int, str]:
    # fsum: the order of the terms must not decide a tie.
    return -fsum(1 / (_K + one.rank) for one in legs), min(one.rank for one in legs), document_id


def _lines_of(found: Mapping[Leg, Sequence[Found]]) -> dict[str, list[Lines]]:
    lines: dict[str, list[Lines]] = {}
    for one in (one for leg in Leg for one in found.get(leg, ())):
        if one.lines:
            lines.setdefault(one.document_id, []).append(one.lines)
    return lines


def joined(passages: Iterable[Lines]) -> list[Lines]:
    """Give passages with those that overlap or nearly touch made one, each where its first part stood.

    >>> joined([(40, 41), (3, 3), (43, 43)])
    [(40, 43), (3, 3)]
    """
    kept: list[Lines] = []
    for first, last in passages:
        near = [one for one in kept if _belong(one, (first, last))]
        whole = (min([first, *(one[0] for one in near)]), max([last, *(one[1] for one in near)]))
        place = kept.index(near[0]) if near else len(kept)
        kept = [one for one in kept if one not in near]
        kept.insert(place, whole)
    return kept


def _belong(one: Lines, other: Lines) -> bool:
    """Tell whether two passages overlap, or stand so near each other that they are read together."""
    overlap = one[0] <= other[1] and other[0] <= one[1]
    near = one[0] - _GAP <= other[1] and other[0] <= one[1] + _GAP
    return overlap or (near and max(one[1], other[1]) - min(one[0], other[0]) < _LONGEST)
