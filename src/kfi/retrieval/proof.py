"""
What findings prove of the lines that were found: which finding cites them, and whether it quotes them before all else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from kfi.models.answer import Hit
from kfi.models.schemas import Citation, Finding, ObjectRef

# What harms more objects than this says little of any one of them: a node, a namespace's quota.
_FEW_AFFECTED = 12


class Asked(NamedTuple):
    """What a question names, and what belongs to it."""

    pointed: frozenset[ObjectRef]
    core: frozenset[ObjectRef]
    """With the Pods of named workloads."""
    near: frozenset[ObjectRef]
    """What an edge joins to those."""


class Proven(NamedTuple):
    """What findings say of a hit."""

    rank: int | None = None
    """Place of the first finding (0 is the most important) that cites its lines."""
    lead_rank: int | None = None
    """Place of the first finding that quotes one of its lines before all others."""
    proves: bool = False
    """Whether a finding about what the question names cites it."""


class _Cited(NamedTuple):
    rank: int
    citation: Citation
    leads: bool
    proves: bool


class Proof:
    """Findings by the lines they cite, in the order that a question gives them."""

    def __init__(self, findings: Sequence[Finding], asked: Asked, workload: Callable[[ObjectRef], ObjectRef]) -> None:
        self._cited: dict[str, list[_Cited]] = defaultdict(list)
        # What is found alike of the Pods of a workload is one, and does not push what else is found down.
        ranks: dict[tuple[str, ObjectRef], int] = {}
        for finding, proves in _nearest_first(findings, asked):
            rank = ranks.setdefault((finding.code, workload(finding.ref)), len(ranks))
            for place, citation in enumerate(finding.evidence):
                self._cited[citation.document_id].append(_Cited(rank, citation, place == 0, proves))

    def of(self, hit: Hit) -> Proven:
        """Give what findings say of the lines of a hit."""
        cited = [one for one in self._cited.get(hit.document.id, ()) if hit.overlaps(one.citation)]
        return Proven(
            min((one.rank for one in cited), default=None),
            min((one.rank for one in cited if one.leads), default=None),
            any(one.proves for one in cited),
        )


def _nearest_first(findings: Sequence[Finding], asked: Asked) -> Iterator[tuple[Finding, bool]]:
    """Yield the findings about what is named, then those about neighbours; all where a question names nothing.

    With each, whether it proves something of what is named: proof of other trouble proves nothing here, and most
    objects of a cluster are joined by a node. What is proven of a named Pod comes before what is of its siblings.
    """
    if not asked.pointed:
        # The question's own words may ask about something else than the first trouble.
        yield from ((one, False) for one in findings)
        return
    pods = frozenset(ref for ref in asked.pointed if ref.kind == "Pod")
    mine = [one for one in findings if _about(one, asked.core) and len(one.affects) <= _FEW_AFFECTED]
    yield from ((one, True) for one in mine if _about(one, pods))
    yield from ((one, True) for one in mine if not _about(one, pods))
    told = set(map(id, mine))
    yield from ((one, False) for one in findings if id(one) not in told and _about(one, asked.near))


def _about(finding: Finding, objects: frozenset[ObjectRef]) -> bool:
    return any(ref.object in objects for ref in (finding.ref, *finding.affects))
