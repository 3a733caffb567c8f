"""
Which documents a search may return, as a typed tree, and how Milvus is told so.

`matches` is what a condition means; `compile_filter` says the same in Milvus' language. Values come from evidence and
questions, so nothing in them can end a literal: both sides compare values as `stored` would keep them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from kfi.models.schemas import Document

VALUE_BYTES = 512
"""Bytes that a filterable text keeps, twice what Kubernetes allows a name."""

MAX_DEPTH = 16
"""Levels of a condition. Milvus Lite reads filters by recursion and gives up at 200 parentheses."""
MAX_PARTS = 512
"""Single conditions in a tree."""
MAX_VALUES = 20_000
"""Values of one `OneOf`; Milvus Lite takes 0.1 s for them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_INT64 = 2**63
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Every row has an id, so these hold for all and for none; Milvus has no words for that.
_ALL = 'id != ""'
_NONE = 'id == ""'


class Field(StrEnum):
    """What can be filtered on; also the names of the columns."""

    CLUSTER = "cluster"
    KIND = "kind"
    """Of the document: event, object, log …"""
    OBJECT_KIND = "object_kind"
    """Of the Kubernetes object: Pod, Node …"""
    NAMESPACE = "namespace"
    NAME = "name"
    CONTAINER = "container"
    SEVERITY = "severity"
    FIRST_TIME = "first_time"
    LAST_TIME = "last_time"


TIME_FIELDS = frozenset({Field.FIRST_TIME, Field.LAST_TIME})
"""Microseconds since 1970 UTC; a document without them has the time at which it was collected. All others are texts."""

_TEXTS: dict[Field, Callable[[Document], str]] = {
    Field.CLUSTER: lambda document: document.ref.cluster,
    Field.KIND: lambda document: document.kind.value,
    Field.OBJECT_KIND: lambda document: document.ref.kind,
    Field.NAMESPACE: lambda document: document.ref.namespace,
    Field.NAME: lambda document: document.ref.name,
    Field.CONTAINER: lambda document: document.ref.container,
    Field.SEVERITY: lambda document: document.severity.value,
}


@dataclass(frozen=True)
class Equals:
    """The field has this value."""

    field: Field
    value: str | int


@dataclass(frozen=True)
class OneOf:
    """The field has one of these values; of none, no document has one."""

    field: Field
    values: tuple[str | int, ...]


@dataclass(frozen=True)
class Between:
    """The time lies between two others, both included; None leaves a side open."""

    field: Field
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class AllOf:
    """Every one of the conditions holds; without any, for all documents."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one of the conditions holds; without any, for no document."""

    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Not:
    """The condition does not hold."""

    condition: Condition


Condition = Equals | OneOf | Between | AllOf | AnyOf | Not


def micros(moment: datetime) -> int:
    """Count the microseconds from 1970 UTC to an aware time.

    >>> micros(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    return (moment - _EPOCH) // _MICROSECOND


def stored(text: str) -> str:
    """Give a filterable text as the index keeps it: no control characters, no half surrogate pairs, `VALUE_BYTES` long.

    >>> stored("cart" + chr(0) + "-0")
    'cart-0'
    """
    if len(text) <= VALUE_BYTES // 4 and text.isascii() and text.isprintable():
        return text
    clean = _CONTROL.sub("", text[: VALUE_BYTES * 4]).encode("utf-8", "replace")
    return clean[:VALUE_BYTES].decode("utf-8", "ignore")


def value_of(document: Document, field: Field) -> str | int:
    """Give a document's value of a field as the index keeps it."""
    return time_of(document, field) if field in TIME_FIELDS else stored(_TEXTS[field](document))


def time_of(document: Document, field: Field) -> int:
    """Give a document's first or last time in microseconds since 1970 UTC."""
    own = document.first_time if field is Field.FIRST_TIME else document.last_time
    return micros(own or document.observed_at)


def matches(condition: Condition, document: Document) -> bool:
    """Say whether a condition holds for a document. What it means is decided here; the stores must agree.

    Raises:
        ValueError: a text is compared with a time field, or the other way round.
    """
    match condition:
        case AllOf(conditions):
            return all(matches(part, document) for part in conditions)
        case AnyOf(conditions):
            return any(matches(part, document) for part in conditions)
        case Not(part):
            return not matches(part, document)
        case Equals(field, value):
            return value_of(document, field) == _kept(field, value)
        case OneOf(field, values):
            mine = value_of(document, field)
            return any(mine == _kept(field, value) for value in values)
        case Between(field, low, high):
            time = time_of(document, _time(field))
            return (low is None or low <= time) and (high is None or time <= high)


def compile_filter(condition: Condition) -> str:
    """Write a condition as a Milvus expression.

    Templates would be safer than literals, but neither Milvus Lite nor servers before 2.5 know them.

    Raises:
        ValueError: the tree is deeper, wider or its lists longer than the bounds above, or a text is compared with a
            time field: whoever built it must bound it.
    """
    _bound(condition)
    return _expression(condition)


def _expression(condition: Condition) -> str:
    match condition:
        case AllOf(conditions):
            return " and ".join(f"({_expression(part)})" for part in conditions) or _ALL
        case AnyOf(conditions):
            return " or ".join(f"({_expression(part)})" for part in conditions) or _NONE
        case Not(part):
            return f"not ({_expression(part)})"
        case Equals(field, value):
            return f"{field.value} == {_literal(field, value)}"
        case OneOf(field, values):
            literals = dict.fromkeys(_literal(field, value) for value in values)
            return f"{field.value} in [{', '.join(literals)}]" if literals else _NONE
        case Between(field, low, high):
            sides = ((">=", low), ("<=", high))
            parts = [f"{_time(field).value} {sign} {_literal(field, at)}" for sign, at in sides if at is not None]
            return " and ".join(parts) or _ALL


def _literal(field: Field, value: str | int) -> str:
    kept = _kept(field, value)
    return quoted(kept) if isinstance(kept, str) else str(kept)


def quoted(text: str) -> str:
    """Write a text as a literal of Milvus.

    >>> quoted("cart-0")
    '"cart-0"'
    """
    # Once controls are gone, the newline among them, these two are all that means something within quotes.
    return '"' + stored(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _kept(field: Field, value: str | int) -> str | int:
    """Give a value as the index would keep it; a time that no INT64 holds is beyond every document's."""
    if isinstance(value, str) is (field in TIME_FIELDS):
        raise ValueError(f"The field {field.value!r} cannot be compared with {value!r}.")
    return stored(value) if isinstance(value, str) else max(1 - _INT64, min(value, _INT64 - 1))


def _time(field: Field) -> Field:
    if field not in TIME_FIELDS:
        raise ValueError(f"The field {field.value!r} is no time.")
    return field


def _bound(condition: Condition) -> None:
    """Walk the tree without recursion: it may be as deep as it likes."""
    parts, waiting = 0, [(condition, 1)]
    while waiting:
        part, depth = waiting.pop()
        parts += 1
        if depth > MAX_DEPTH or parts > MAX_PARTS:
            raise ValueError(f"A filter has at most {MAX_DEPTH} levels and {MAX_PARTS} parts.")
        if isinstance(part, OneOf) and len(part.values) > MAX_VALUES:
            raise ValueError(f"A filter lists at most {MAX_VALUES} values, not {len(part.values)}.")
        waiting += [(inner, depth + 1) for inner in _inner(part)]


def _inner(condition: Condition) -> tuple[Condition, ...]:
    match condition:
        case AllOf(conditions) | AnyOf(conditions):
            return conditions
        case Not(part):
            return (part,)
        case _:
            return ()
