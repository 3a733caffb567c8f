"""
What is asked of the ledger's tables: of each identity the state seen last, and what went on in a stretch of time.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, func, select

from kfi.ledger.tables import documents, micros, sightings
from kfi.models.schemas import DocumentKind


class Part(NamedTuple):
    """A part of the record; None excludes nothing."""

    cluster: str | None = None
    at: datetime | None = None
    """Only what had begun at this moment."""
    since: datetime | None = None
    until: datetime | None = None
    names: Collection[str] | None = None
    """Only about objects of these names."""

    def conditions(self) -> list[Any]:
        """Give what has to hold of a row, times aside."""
        where = [] if self.cluster is None else [documents.c.cluster == self.cluster]
        return where if self.names is None else [*where, documents.c.name.in_(sorted(self.names))]


def newest(
    kinds: tuple[DocumentKind, ...], where: list[Any], seen_until: datetime | None, one_each: bool
) -> Select[Any]:
    """Select of each identity the state seen last, or, unless `one_each`, all states last seen at that time.

    Parts of one occurrence may stand in several files of one bundle: they share a time, and all count.
    """
    last = select(sightings.c.document_id, func.max(sightings.c.seen_at).label("seen_at"))
    if seen_until is not None:
        last = last.where(sightings.c.seen_at <= micros(seen_until))
    seen = last.group_by(sightings.c.document_id).subquery()
    order = (seen.c.seen_at.desc(), documents.c.seq.desc()) if one_each else (seen.c.seen_at.desc(),)
    place = func.rank().over(partition_by=documents.c.identity, order_by=order).label("place")
    # Only numbers are put in order: to sort rows with all their text would take as long as to read them.
    ranked = (
        select(documents.c.seq, seen.c.seen_at, place)
        .join(seen, seen.c.document_id == documents.c.id)
        .where(documents.c.kind.in_(kinds), *where)
        .subquery()
    )
    chosen = select(documents, ranked.c.seen_at).join(ranked, ranked.c.seq == documents.c.seq)
    return chosen.where(ranked.c.place == 1).order_by(documents.c.seq)


def all_of(kinds: tuple[DocumentKind, ...], where: list[Any]) -> Select[Any]:
    """Select every state: another reading of a log may hold other lines, so none replaces another."""
    return select(documents).where(documents.c.kind.in_(kinds), *where).order_by(documents.c.seq)


def going_on(at: datetime | None, since: datetime | None, until: datetime | None) -> list[Any]:
    """Give what has to hold of a row that had begun at a moment, and was going on in a stretch of time."""
    begun = func.coalesce(documents.c.first_time, documents.c.observed_at)
    ended = func.coalesce(documents.c.last_time, documents.c.observed_at)
    ends = [micros(time) for time in (at, until) if time is not None]
    conditions = [begun <= min(ends)] if ends else []
    return conditions if since is None else [*conditions, ended >= micros(since)]
