"""
What a question is taken apart into: what it names, its parts, and what it wants.

Only what the question says is extracted; whether an object of that name exists is for the snapshot to tell.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from kfi.models.schemas import QueryMetadata, QueryPlan
from kfi.retrieval.decomposition import decompose
from kfi.retrieval.error_families import find_error
from kfi.retrieval.intent import find_intent
from kfi.retrieval.named_objects import (
    ORDINARY_WORDS,
    find_container,
    find_labels,
    find_namespace,
    find_node,
    find_objects,
    find_subject,
    identifiers,
)
from kfi.retrieval.time_window import find_window

__all__ = ["ORDINARY_WORDS", "QueryAnalyzer", "identifiers"]

_logger = logging.getLogger(__name__)


def _utc_now() -> datetime:
    return datetime.now(UTC)


class QueryAnalyzer:
    """Takes questions apart. `clock` gives the moment that "the last hour" ends at where no other is given."""

    def __init__(self, clock: Callable[[], datetime] | None = None) -> None:
        self._clock = clock or _utc_now

    def extract_k8s_metadata(self, query: str) -> QueryMetadata:
        """Give the Kubernetes terms that a question holds, as they were typed; what it does not name is None.

        >>> found = QueryAnalyzer().extract_k8s_metadata("Why is pod web-app-123 crashing in namespace prod?")
        >>> found.pod, found.namespace, found.error_type, found.error_family
        ('web-app-123', 'prod', 'crashing', 'crash')
        >>> QueryAnalyzer().extract_k8s_metadata("pod crashed in namespace prod").pod is None
        True
        """
        return _metadata(query, self._clock())

    def decompose_query(self, query: str) -> list[str]:
        """Give the questions that a question consists of; itself where it is one, nothing where it is blank.

        >>> QueryAnalyzer().decompose_query("Why is cart-0 slow; is its memory and CPU high?")
        ['Why is cart-0 slow', 'is its memory and CPU high?']
        """
        return decompose(query)

    def analyze(self, query: str) -> tuple[QueryMetadata, list[str]]:
        """Give what a question names, and its parts."""
        plan = self.plan(query)
        return plan.metadata, list(plan.sub_queries)

    def plan(self, query: str, now: datetime | None = None) -> QueryPlan:
        """Take a question apart; times in it count back from `now`, for instance from when evidence was collected."""
        metadata = _metadata(query, now or self._clock())
        parts = tuple(decompose(query))
        plan = QueryPlan(question=query, metadata=metadata, sub_queries=parts, intent=find_intent(parts, metadata))
        _log(plan)
        return plan


def _metadata(query: str, now: datetime) -> QueryMetadata:
    objects = find_objects(query)
    named = objects[0] if objects else None
    error = find_error(query)
    window = find_window(query, now)
    return QueryMetadata(
        namespace=find_namespace(query, objects),
        pod=next((one.name for one in objects if one.kind == "Pod"), None),
        node=find_node(query, objects),
        container=find_container(query),
        error_type=error.word if error else None,
        error_family=error.family.value if error else None,
        labels_dict=find_labels(query),
        kind=named.kind if named else None,
        name=named.name if named else find_subject(query),
        since=window.since,
        until=window.until,
    )


def _log(plan: QueryPlan) -> None:
    """Record what was understood, never the question itself: people paste secrets into questions."""
    found = plan.metadata
    # `name` is taken: a LogRecord calls its logger that.
    fields = {
        "namespace": found.namespace,
        "object_kind": found.kind,
        "object_name": found.name,
        "error_type": found.error_type,
        "intent": plan.intent.value,
        "sub_queries": len(plan.sub_queries),
    }
    _logger.debug("Question taken apart", extra=fields)
