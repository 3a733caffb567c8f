"""
What retrieval works on: the question taken apart, and the cluster it is asked of, as the rules saw it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from kfi.models.schemas import Finding, ObjectRef, QueryPlan
from kfi.snapshot.view import Snapshot


@dataclass(frozen=True)
class Scope:
    """One question's field of search."""

    plan: QueryPlan
    snapshot: Snapshot
    findings: tuple[Finding, ...] = ()
    """Most important first: those of the first incident's root, of what it explains, then the next incident's."""
    pointed: tuple[ObjectRef, ...] = ()
    """Objects that the question names, and the workloads above them."""
    document_ids: Collection[str] | None = None
    """Documents that show the cluster at the moment asked for; others (older states) are no hits. None: all."""
    top_k: int = 4
    """Hits that each sub-query keeps."""
