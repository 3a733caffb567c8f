"""
What every reader gives back: one object in the form the API has, and the line of each field.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from kfi.models.records import TextForm

Path = tuple[str, ...]
"""A field's place: ("status", "containerStatuses", "app", "restartCount").

An element of a list is named by its `name` (or its `type`, in lists of conditions), and by its index where it has
neither. Several texts that describe one object can so be compared field by field.
"""


@dataclass(frozen=True)
class ReadObject:
    """One object as one text shows it."""

    kind: str
    namespace: str
    name: str
    form: TextForm
    fields: dict[str, Any]
    """API form: apiVersion, kind, metadata, spec, status, …; only what the text shows."""
    lines: dict[Path, int] = field(default_factory=dict)
    """Line of each field, counted in the source."""
    first_line: int = 1
    last_line: int = 1
    header: str = ""
    """TABLE only: the header line the row was read under."""


def element_key(element: Any, index: int) -> str:
    """Give the key of a list element in a Path."""
    if isinstance(element, dict):
        for field_name in ("name", "type"):
            value = element.get(field_name)
            if isinstance(value, str) and value:
                return value
    return str(index)


def walk(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every scalar of a tree with its path; an empty dict or list counts as a scalar."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from walk(item, (*path, str(key)))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from walk(item, (*path, element_key(item, index)))
    else:
        yield path, value
