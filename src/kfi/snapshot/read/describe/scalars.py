"""
How the values of `kubectl describe` become values of the API.

What kubectl prints for "nothing" (`<none>`, `<unset>`, `<unknown>`, `<nil>`, an empty value) is left out, except in
maps and lists: there it says that none exist, which is known, so they come out empty. A redacted value stays where the
field is a text; where it is a number, a flag or a time, the field is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from kfi.snapshot.read.ages import timestamp
from kfi.snapshot.read.describe.fields import At, Table
from kfi.snapshot.read.describe.tree import Node

MAX_ITEMS = 1000
"""Items that are read of a list in one line. No object has as many; a line of a hostile text may."""
NOTHING = frozenset({"", "<none>", "<unset>", "<unknown>", "<nil>", "<default>"})
ACCESS_MODES = {"RWO": "ReadWriteOnce", "ROX": "ReadOnlyMany", "RWX": "ReadWriteMany", "RWOP": "ReadWriteOncePod"}

_INTEGER = re.compile(r"-?\d{1,18}")
_SECONDS = re.compile(r"(\d{1,9})s?")
# FormatLabels puts commas between pairs; values (the last applied configuration) may hold commas too.
_NEXT_PAIR = re.compile(r",(?=[\w./-]{1,317}=)")


def text(node: Node) -> At | None:
    """Give the value as it is."""
    return None if node.value in NOTHING else At(node.value, node.line)


def known_text(node: Node) -> At:
    """Give the value of a field whose emptiness is a fact (no storage class is one, too)."""
    return At("" if node.value in NOTHING else node.value, node.line)


def integer(node: Node) -> At | None:
    """Give a whole number."""
    return At(int(node.value), node.line) if _INTEGER.fullmatch(node.value) else None


def seconds(node: Node) -> At | None:
    """Give the number of `30s`."""
    match = _SECONDS.fullmatch(node.value)
    return At(int(match[1]), node.line) if match else None


def integer_or_text(node: Node) -> At | None:
    """Give what the API calls IntOrString: 2, "25%", "http"."""
    return integer(node) or text(node)


def boolean(node: Node) -> At | None:
    """Give a flag: True, true, False, false, Yes, No."""
    word = node.value.lower()
    return At(word in ("true", "yes"), node.line) if word in ("true", "false", "yes", "no") else None


def time(node: Node) -> At | None:
    """Give a time in RFC 3339, UTC."""
    moment = rfc3339(node.value)
    return At(moment, node.line) if moment else None


@lru_cache(maxsize=512)
def rfc3339(printed: str) -> str:
    """Give a printed time in RFC 3339, UTC; empty where it is none. Many lines of one text show the same second."""
    moment = timestamp(printed)
    # Go's zero time, "Mon, 01 Jan 0001": not set.
    return moment.isoformat().replace("+00:00", "Z") if moment and moment.year > 1 else ""


def entries(node: Node) -> list[tuple[int, str]]:
    """Give the values that kubectl prints one below the other, with their lines; none for `<none>`."""
    first = [(node.line, node.value)] if node.value not in NOTHING else []
    return [*first, *((child.line, child.text) for child in node.children)]


def names(node: Node) -> At:
    """Give values that stand one below the other as a list."""
    return At([At(word, line) for line, word in entries(node)], node.line)


def comma_list(node: Node) -> At:
    """Give `a,b` or `a, b` as a list."""
    words = [] if node.value in NOTHING else node.value.split(",", MAX_ITEMS)[:MAX_ITEMS]
    return At([word.strip() for word in words if word.strip()], node.line)


def bracket_list(node: Node) -> At | None:
    """Give Go's `[a b]` as a list."""
    return At(words_of(node.value), node.line) if node.value.startswith("[") else None


def words_of(bracketed: str) -> list[str]:
    """Give the words of Go's `[a b]`."""
    return bracketed.strip("[]").split(maxsplit=MAX_ITEMS)[:MAX_ITEMS]


def access_modes(node: Node) -> At | None:
    """Give `RWO,ROX` or `[ReadWriteOnce]` by the API's names."""
    words = node.value.strip("[]").replace(",", " ").split()
    return At([ACCESS_MODES.get(word, word) for word in words], node.line) if words else None


def labels(node: Node) -> At:
    """Give `a=b` pairs that stand one below the other."""
    return At(dict(_pairs(entries(node))), node.line)


def _pairs(rows: list[tuple[int, str]]) -> Iterator[tuple[str, At]]:
    for line, row in rows:
        key, _, value = row.partition("=")
        yield key.strip(), At(value.strip(), line)


def inline_labels(node: Node) -> At:
    """Give `a=b,c=d`."""
    rows = [] if node.value in NOTHING else _NEXT_PAIR.split(node.value, MAX_ITEMS)[:MAX_ITEMS]
    return At(dict(_pairs([(node.line, row) for row in rows])), node.line)


def quantities(node: Node) -> At:
    """Give the amounts of a list of resources, by resource."""
    return At({child.key: At(child.value, child.line) for child in node.children if child.value}, node.line)


def annotation_map(node: Node) -> At | None:
    """Give annotations; kubectl cuts long values, puts them below their key, and hides the last applied configuration.

    So `<none>` does not say that there are none.
    """
    found: dict[str, tuple[int, list[str]]] = {}
    values: list[str] = []
    for line, indent, row in _annotation_rows(node):
        if indent > node.column and found:
            values.append(row)
            continue
        key, _, value = (row[:-1], "", "") if row.endswith(":") else row.partition(": ")
        values = [value.strip()] if value else []
        found[key] = (line, values)
    return At({key: At("\n".join(rows), line) for key, (line, rows) in found.items()}, node.line) if found else None


def _annotation_rows(node: Node) -> Iterator[tuple[int, int, str]]:
    if node.value in NOTHING:
        return
    yield node.line, node.column, node.value
    for child in node.below():
        yield child.line, child.indent, child.text


def owner(node: Node) -> At | None:
    """Give the controller of `ReplicaSet/cart-7d9`."""
    kind, slash, name = node.value.partition("/")
    return At([{"kind": kind, "name": name, "controller": True}], node.line) if slash else None


META: Table = {
    "Labels": ("metadata.labels", labels),
    "Annotations": ("metadata.annotations", annotation_map),
    "CreationTimestamp": ("metadata.creationTimestamp", time),
    "Finalizers": ("metadata.finalizers", bracket_list),
    "Controlled By": ("metadata.ownerReferences", owner),
}
"""What most describers print of an object's metadata."""
