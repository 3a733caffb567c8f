"""
What a question is taken apart into: what it names, its parts, and what it wants.

Only what the question says is extracted first, in any store. Once the evidence is read, `settled` takes the names that
it has for names where the question says them as plain words, or with a slip of the keyboard.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from kfi.models.schemas import QueryMetadata, QueryPlan
from kfi.retrieval.bare_names import find_bare_namespace, find_bare_node, find_bare_object
from kfi.retrieval.decomposition import decompose
from kfi.retrieval.error_families import ErrorName, find_error
from kfi.retrieval.intent import find_intent
from kfi.retrieval.known_names import NOTHING_KNOWN, KnownNames
from kfi.retrieval.label_selectors import find_excluded_labels, find_labels
from kfi.retrieval.mistyped_errors import find_mistyped_error
from kfi.retrieval.named_objects import (
    ORDINARY_WORDS,
    NamedObject,
    find_container,
    find_namespace,
    find_node,
    find_objects,
    find_subject,
    identifiers,
)
from kfi.retrieval.native_errors import find_native_error
from kfi.retrieval.native_words import gloss
from kfi.retrieval.particulars import HttpCode, find_exit_code, find_http_code, find_image
from kfi.retrieval.time_window import find_after_change, find_before_change, find_window, without_changes

__all__ = ["ORDINARY_WORDS", "QueryAnalyzer", "identifiers", "settled"]

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
        return _metadata(query, decompose(query), self._clock())

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
        parts = tuple(decompose(query))
        metadata = _metadata(query, parts, now or self._clock())
        plan = QueryPlan(question=query, metadata=metadata, sub_queries=parts, intent=find_intent(parts, metadata))
        _log(plan)
        return plan


def settled(plan: QueryPlan, known: KnownNames) -> tuple[QueryPlan, tuple[str, ...]]:
    """Give a plan with the names that the evidence has, and a sentence for each that was taken for another.

    What the plan has already stays, unless nothing is called so and one name is a slip away.
    """
    if not plan.question.strip():
        return plan, ()
    said = plan.metadata.namespace
    names = _names(gloss(plan.question), known)
    # "What fails in cart" names a place only as long as nobody knows what cart is.
    is_object = said in identifiers(plan.question) and said != names["namespace"] and known.speaks_of(said or "")
    namespace = names["namespace"] if is_object else said or names["namespace"]
    # What was given beside the question is no slip of the keyboard.
    typed = namespace in identifiers(plan.question)
    names["namespace"] = _settled_namespace(namespace, known) if typed else namespace
    metadata = plan.metadata.model_copy(update=names)
    parts = tuple(decompose(plan.question, known))
    words = identifiers(plan.question) | {said, plan.metadata.name, None}
    notes = tuple(
        f"Nothing has the name as it was typed; {name!r} was taken for it."
        for name in (metadata.name, metadata.namespace)
        if name not in words
    )
    found = {"metadata": metadata, "sub_queries": parts, "intent": find_intent(parts, metadata)}
    return plan.model_copy(update=found), notes


def _settled_namespace(name: str | None, known: KnownNames) -> str | None:
    if not name or name in known.namespaces:
        return name
    return known.meant_namespace(name) or name


def _metadata(query: str, parts: Sequence[str], now: datetime) -> QueryMetadata:
    text = gloss(query)
    window, http = find_window(text, now), find_http_code(query)
    error = _error_of(query, parts)
    return QueryMetadata(
        **_names(text, NOTHING_KNOWN),
        error_type=error.word if error else None,
        error_family=error.family.value if error else None,
        labels_dict=find_labels(query),
        labels_excluded=find_excluded_labels(query),
        since=window.since,
        until=window.until,
        image=find_image(query),
        exit_code=find_exit_code(query),
        http_code=http.code if http else None,
        before_change=find_before_change(query),
        after_change=find_after_change(query),
    )


def _error_of(query: str, parts: Sequence[str]) -> ErrorName | None:
    """Give the failure that the first of several questions speaks of; where it speaks of none, that of the others."""
    first = (parts[0],) if len(parts) > 1 else ()
    texts = (without_changes(text) for text in (*first, query))
    return next(filter(None, (_find_error(text, find_http_code(text)) for text in texts)), None)


def _find_error(query: str, http: HttpCode | None) -> ErrorName | None:
    """Give the failure in the most telling words, in any of the languages."""
    return (
        find_error(query, telling=True)
        or find_native_error(query)
        or (http.error if http else None)
        or find_error(query)
        or find_native_error(query, vague=True)
        or find_mistyped_error(query)
    )


def _names(text: str, known: KnownNames) -> dict[str, Any]:
    """Give the fields that hold names."""
    objects = [_settled_object(one, known) for one in find_objects(text, known)]
    namespace = find_namespace(text, objects, known) or find_bare_namespace(text, known)
    subject = _subject(text, objects, known, namespace)
    every = [*objects, *([subject] if subject else [])]
    node = find_node(text, every) or find_bare_node(text, known)
    # Where nothing else is named, the node is what it is about; "worker-nodes" is none.
    subject = subject or (NamedObject("Node", node) if node and _is_one_node(node, known) else None)
    return {
        "namespace": namespace,
        "pod": next((one.name for one in every if one.kind == "Pod"), None),
        "node": node,
        "container": find_container(text),
        "kind": (subject.kind or None) if subject else None,
        "name": subject.name if subject else None,
        "pvc": next((one.name for one in every if one.kind == "PersistentVolumeClaim"), None),
    }


def _is_one_node(name: str, known: KnownNames) -> bool:
    return known.has(name, "Node") or name[-1:].isdigit()


def _subject(text: str, objects: list[NamedObject], known: KnownNames, namespace: str | None) -> NamedObject | None:
    """Give what a question is about; a node is mostly where that is."""
    if objects and objects[0].kind != "Node":
        return objects[0]
    named = next(iter(objects), None)
    unsaid = find_bare_object(text, known, namespace)
    if unsaid and unsaid.kind != "Node" and not (named and text.find(named.name) < text.find(unsaid.name)):
        return unsaid
    name = find_subject(text)
    alone = NamedObject("", known.meant(name) or name) if name and name != namespace else None
    return named or (alone if alone and not known.has(alone.name) else None) or unsaid or alone


def _settled_object(one: NamedObject, known: KnownNames) -> NamedObject:
    """Give an object with the name that it has, where what was typed is a slip of that."""
    if not known.kinds:
        return one
    if known.has(one.name):
        # "Evicted pods worker-2" are those on it.
        return one._replace(kind="Node") if known.kinds[one.name] == {"Node"} else one
    meant = known.meant(one.name)
    return one._replace(name=meant) if meant and known.has(meant, one.kind) else one


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
