"""
Which text showed which field: merging several texts of one object, and finding a field's line again.

Better texts come first: what was observed beats what was applied, newer beats older, and of the same time the API's own
form beats `describe`, which beats a table. Lines are found by reading a document's text again, and only for the few
objects that are cited.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from kfi.models.records import ObjectRecord, TextForm
from kfi.models.schemas import Citation, Document
from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.read.found import Path, element_key
from kfi.snapshot.read.json_places import JsonPlaces
from kfi.snapshot.read.yaml_text import YamlDocument, read_yaml

__all__ = ["Path", "Seen", "cite_object", "cite_row", "merged", "quote"]

# A line longer than this is quoted around what matters only; compact JSON has lines of megabytes.
_QUOTE_CHARS = 400

_FORM_RANK = {TextForm.JSON: 3, TextForm.YAML: 3, TextForm.DESCRIBE: 2, TextForm.TABLE: 1}


@dataclass(frozen=True)
class Seen:
    """One text that shows an object."""

    document: Document
    record: ObjectRecord

    @property
    def rank(self) -> tuple[bool, datetime, int]:
        """Sort key: the better text is greater."""
        return (not self.record.applied, self.document.observed_at, _FORM_RANK[self.record.form])

    @cached_property
    def _places(self) -> JsonPlaces:
        return JsonPlaces(self.document.text, self.document.source.first_line)

    @cached_property
    def _lines(self) -> Mapping[Path, int]:
        """Line of each field, counted in the source, in forms that are read as a whole."""
        document = self.document
        first = document.source.first_line
        match self.record.form:
            case TextForm.YAML:
                return _yaml_lines(document.text, first)
            case TextForm.DESCRIBE:
                found = next(read_describe(document.text.split("\n"), document.ref.kind, first), None)
                return found.object.lines if found else {}
            case _:
                return {(): first}

    def line(self, path: Path) -> int | None:
        """Give the line that shows a field, or None where this text does not show it."""
        if not shows(self.record.fields, path):
            return None
        return self._places.line(path) if self.record.form is TextForm.JSON else self._nearest(path)

    def _nearest(self, path: Path) -> int:
        lines = self._lines
        if path in lines:
            return lines[path]
        below = [line for other, line in lines.items() if other[: len(path)] == path]
        if below:
            return min(below)
        while path:
            path = path[:-1]
            if path in lines:
                return lines[path]
        return self.document.source.first_line


def _yaml_lines(text: str, first_line: int) -> Mapping[Path, int]:
    read = next(read_yaml(text.split("\n"), first_line), None)
    if not isinstance(read, YamlDocument):
        return {}
    if isinstance(read.value, list) and len(read.value) == 1:  # an item cut out of a list still has its dash
        key = element_key(read.value[0], 0)
        return {path[1:]: line for path, line in read.lines.items() if path[:1] == (key,)}
    return read.lines


def shows(fields: Any, path: Path) -> bool:
    """Tell whether a tree has something at a path.

    >>> shows({"status": {"conditions": [{"type": "Ready"}]}}, ("status", "conditions", "Ready"))
    True
    """
    return value_at(fields, path) is not None


def value_at(fields: Any, path: Path) -> Any:
    """Give what a tree holds at a path, or None."""
    for key in path:
        if isinstance(fields, dict):
            fields = fields.get(key)
        elif isinstance(fields, list):
            fields = next((item for index, item in enumerate(fields) if element_key(item, index) == key), None)
        else:
            return None
    return fields


def cite_object(seen: Sequence[Seen], paths: Iterable[Path]) -> tuple[Citation, ...]:
    """Give the lines of these fields, each from the best text that shows it; neighbouring lines become one citation."""
    found: dict[tuple[str, int], tuple[Seen, Path]] = {}
    for path in paths:
        for one in seen:
            line = one.line(path)
            if line is not None:
                found.setdefault((one.document.id, line), (one, path))
                break
    cited: list[Citation] = []
    for (_, line), (one, path) in found.items():
        text = quote(one.document, line, one.record.fields, path)
        last = cited[-1] if cited else None
        if last and last.document_id == one.document.id and line == last.last_line + 1:
            cited[-1] = last.model_copy(update={"last_line": line, "text": f"{last.text}\n{text}"})
        else:
            cited.append(_citation(one.document, line, text))
    return tuple(cited)


def cite_row(seen: Sequence[Seen]) -> tuple[Citation, ...]:
    """Give the line that names the object: a table row, else the first line of its best text."""
    rows = [one for one in seen if one.record.form is TextForm.TABLE and not one.record.applied]
    for one in rows or seen[:1]:
        line = one.document.source.first_line
        return (_citation(one.document, line, quote(one.document, line)),)
    return ()


def quote(document: Document, line: int, fields: Any = None, path: Path = ()) -> str:
    """Give a line of a document; of an overlong one the field that matters, else its beginning."""
    texts = document.text.split("\n")
    index = line - document.source.first_line
    text = texts[index] if 0 <= index < len(texts) else document.text[:_QUOTE_CHARS]
    if len(text) <= _QUOTE_CHARS:
        return text.rstrip()
    value = value_at(fields, path) if path else None
    shown = f"{'.'.join(path)}: {value}" if value is not None else text
    return shown if len(shown) <= _QUOTE_CHARS else f"{shown[:_QUOTE_CHARS]}…"


def _citation(document: Document, line: int, text: str) -> Citation:
    return Citation(document_id=document.id, path=document.source.path, first_line=line, last_line=line, text=text)


def merged(seen: Sequence[Seen]) -> dict[str, Any]:
    """Give an object's fields from all its texts, best first.

    Fields that only a lesser text shows are filled in, list elements by name. A manifest fills in only where no API
    form was seen: the API's own form shows everything, so what it lacks is not there.
    """
    complete = any(_FORM_RANK[one.record.form] == 3 and not one.record.applied for one in seen)
    fields: dict[str, Any] = {}
    for one in seen:
        if not (one.record.applied and complete):
            fields = _filled(fields, one.record.fields)
    return fields


def _filled(better: dict[str, Any], lesser: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(better)
    for key, value in lesser.items():
        have = result.get(key)
        if have is None:
            result[key] = value
        elif isinstance(have, dict) and isinstance(value, dict) and have:
            result[key] = _filled(have, value) if key not in _WHOLE else have
        elif isinstance(have, list) and isinstance(value, list):
            result[key] = list(_filled_elements(have, value))
    return result


# Maps that one text shows whole or not at all: filling in a key from elsewhere would invent a label.
# A container's state is one of several: an older text's `waiting` must not stand beside a newer one's `running`.
_WHOLE = frozenset("labels selector matchLabels nodeSelector hard used limits requests data state lastState".split())


def _filled_elements(have: list[Any], lesser: list[Any]) -> Iterator[Any]:
    for index, item in enumerate(have):
        other = _same_element(item, index, lesser)
        yield _filled(item, other) if other is not None else item


def _same_element(item: Any, index: int, lesser: list[Any]) -> dict[str, Any] | None:
    """Give the element of another list that is the same thing: by name, else by its port or host."""
    if not isinstance(item, dict):
        return None
    key = element_key(item, index)
    shared = next((field for field in ("port", "host") if field in item), None)
    for other_index, other in enumerate(lesser):
        if not isinstance(other, dict):
            continue
        if key != str(index) and element_key(other, other_index) == key:
            return other
        if key == str(index) and shared and other.get(shared) == item[shared]:
            return other
    return None
