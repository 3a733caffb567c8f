"""
Secrets that only an object's structure shows: all data of Secrets, variables of containers, an applied manifest.

The text of the object is masked along with its fields, whatever form it has: YAML by the lines below `data:`, JSON by
key and value, and what is long enough to be unmistakable wherever it stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from kfi.ingestion.secrets.names import APPLIED_ANNOTATION, LAST_APPLIED, NameKind, kind_of_name
from kfi.ingestion.secrets.spans import PLACEHOLDER
from kfi.ingestion.secrets.values import is_harmless

Mask = Callable[[str, str], str]
"""Gives the placeholder of a secret of a kind."""

_NESTED = (dict, list)
_SECTIONS = ("data", "stringData")
_SECTION = re.compile(r"(?P<indent>\s*(?:- )*)[\"']?(?:data|stringData)[\"']?\s*:\s*\{?\s*")
_ENTRY = re.compile(r"\s*[\"']?(?P<key>[-._a-zA-Z0-9]{1,253})[\"']?\s*:\s*")
_QUOTED = re.compile(r"([\"'])(.*)\1(,?\s*)")
# Shorter values also stand elsewhere by chance; those are masked only right behind their key.
_UNMISTAKABLE = 6


class ObjectSecrets:
    """Masks one object: first its fields, then, with what was found there, its text."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self._data: dict[tuple[str, str], str] = {}
        """Key and value of a Secret's data, to placeholder."""
        self._variables: dict[str, str] = {}
        """Value of an environment variable, to placeholder."""
        self._applied = False
        """There was a manifest in an annotation."""

    @property
    def found(self) -> bool:
        """Whether anything had to be masked."""
        return bool(self._data or self._variables or self._applied)

    def masked(self, tree: Any) -> Any:
        """Give a tree of fields with its secrets masked; the given one stays as it is."""
        return self._masked(tree) if _may_hold_secrets(tree) else tree

    def _masked(self, tree: Any) -> Any:
        # Most of a tree are scalars, and a cluster has millions of them: a call for each would take most of the time.
        if isinstance(tree, list):
            return [self._masked(item) if isinstance(item, _NESTED) else item for item in tree]
        if not isinstance(tree, dict):
            return tree
        sections = _SECTIONS if tree.get("kind") == "Secret" else ()
        fields = {
            key: value if not isinstance(value, _NESTED)
            else self._section(value) if key in sections and isinstance(value, dict) else self._masked(value)
            for key, value in tree.items()
        }  # fmt: skip
        if APPLIED_ANNOTATION in fields:
            self._annotation(fields)
        if "value" in fields:
            self._variable(fields)
        return fields

    def _section(self, entries: dict[Any, Any]) -> dict[Any, Any]:
        masked = {}
        for key, value in entries.items():
            raw = value if isinstance(value, str) else json.dumps(value, default=str)
            if value is None or not raw or PLACEHOLDER.fullmatch(raw.strip()):
                masked[key] = value
            else:
                masked[key] = self._data[str(key), raw] = self._mask(raw, "secret data")
        return masked

    def _annotation(self, fields: dict[Any, Any]) -> None:
        applied = _open_manifest(fields)
        if applied is not None:
            self._applied = True
            fields[APPLIED_ANNOTATION] = self._mask(applied, LAST_APPLIED)

    def _variable(self, fields: dict[Any, Any]) -> None:
        kind = _kind_of_variable(fields)
        value = str(fields["value"])
        if kind and not is_harmless(value, kind):
            fields["value"] = self._variables[value] = self._mask(value, kind.kind)

    def masked_text(self, text: str) -> str:
        """Give the object's text with masked what was found in its fields."""
        if self._data:
            text = self._behind_keys(self._in_sections(text))
        for value, placeholder in self._variables.items():
            behind = rf"(?m)(\bvalue\\*[\"']?\s*:\s*\\*[\"']?)(?:{_forms(value)})(?=\\*[\"']?\s*(?:[,}}\s]|$))"
            text = re.sub(behind, lambda match, new=placeholder: match[1] + new, text)  # type: ignore[misc]
        return text

    def _in_sections(self, text: str) -> str:
        """Mask everything below `data:` and `stringData:`, which stand on lines of their own."""
        lines, section, entries = text.split("\n"), -1, -1
        for number, line in enumerate(lines):
            indent = len(line) - len(line.lstrip(" \t"))
            opening = _SECTION.fullmatch(line)
            if opening and (section < 0 or indent <= section):
                section, entries = len(opening["indent"]), -1
            elif section >= 0 and line.strip():
                if indent <= section:
                    section = -1
                    continue
                entries = indent if entries < 0 else entries
                lines[number] = self._entry(line) if indent == entries else self._content(line)
        return "\n".join(lines)

    def _entry(self, line: str) -> str:
        """Mask the value of a key."""
        entry = _ENTRY.match(line)
        if entry is None:
            return self._content(line)
        rest = line[entry.end() :]
        raw = next((raw for key, raw in self._data if key == entry["key"]), "")
        if not raw or not rest.strip() or rest[0] in "|>" or PLACEHOLDER.search(rest):
            return line
        placeholder = self._data[entry["key"], raw]
        quoted = _QUOTED.fullmatch(rest)
        return line[: entry.end()] + (f"{quoted[1]}{placeholder}{quoted[1]}{quoted[3]}" if quoted else placeholder)

    def _content(self, line: str) -> str:
        """Mask one of several lines of a value."""
        content = line.strip()
        if content in ("'", '"') or PLACEHOLDER.search(content):
            return line
        return line[: len(line) - len(line.lstrip())] + self._mask(content, "secret data")

    def _behind_keys(self, text: str) -> str:
        """Mask each value right behind its key, and what is long enough of it anywhere."""
        for (key, raw), placeholder in self._data.items():
            behind = rf"({re.escape(key)}\\*[\"']?\s*:\s*\\*[\"']?)(?:{_forms(raw)})"
            text = re.sub(behind, lambda match, new=placeholder: match[1] + new, text)  # type: ignore[misc]
            for part in (raw, *raw.split("\n")):
                if len(part.strip()) >= _UNMISTAKABLE:
                    text = re.sub(_forms(part.strip()), placeholder, text)
        return text


def _kind_of_variable(fields: dict[Any, Any]) -> NameKind | None:
    """Give what kind of secret an environment variable holds by its name, if it has a value and holds any."""
    name, value = fields.get("name"), fields.get("value")
    return kind_of_name(name) if isinstance(name, str) and isinstance(value, str) else None


def _open_manifest(fields: dict[Any, Any]) -> str | None:
    """Give the applied manifest that an annotation repeats, where it is not masked yet."""
    applied = fields.get(APPLIED_ANNOTATION)
    return applied if isinstance(applied, str) and not PLACEHOLDER.fullmatch(applied.strip()) else None


def _may_hold_secrets(tree: Any) -> bool:
    """Tell whether there is anything in a tree of fields that `ObjectSecrets` looks at; most objects need no copy."""
    waiting = [tree] if isinstance(tree, _NESTED) else []
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            if _kind_of_variable(node) or _open_manifest(node) is not None or node.get("kind") == "Secret":
                return True
            node = node.values()  # type: ignore[assignment]
        waiting += [inner for inner in node if isinstance(inner, _NESTED)]
    return False


def _forms(value: str) -> str:
    """Give a pattern of the ways a value is written: as it is, and as JSON once and twice escaped."""
    once = json.dumps(value)[1:-1]
    html = once.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    forms = {value, once, html, json.dumps(once)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    return "|".join(re.escape(form) for form in sorted(forms, key=len, reverse=True))
