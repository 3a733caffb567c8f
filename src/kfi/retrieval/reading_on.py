"""
What stands right above and below the line of a log that was found: the cause is often told a line before the error.

Lines of one template are one document, so neighbours in a log are other documents; the snapshot knows where all are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from kfi.models.answer import Hit
from kfi.models.schemas import Citation, DocumentKind
from kfi.retrieval.focus import MOST_LINES
from kfi.snapshot.view import Snapshot

# Lines that are read on each side.
_ABOVE = 4
_BELOW = 4
_LONGEST_LINE = 2_000

Lines = Mapping[int, Citation]
"""Passages of one log by the line they begin at."""


def read_on(hits: Sequence[Hit], snapshot: Snapshot) -> tuple[Hit, ...]:
    """Give hits with those in logs widened by the few lines around them, as far as the store has them."""
    logs = _passages({hit.document.source.path for hit in hits if hit.document.kind is DocumentKind.LOG}, snapshot)
    return tuple(_widened(hit, *logs[hit.document.source.path]) if _in_log(hit, logs) else hit for hit in hits)


def _in_log(hit: Hit, logs: Mapping[str, tuple[Lines, Lines]]) -> bool:
    return hit.document.kind is DocumentKind.LOG and hit.document.source.path in logs


def _passages(paths: Iterable[str], snapshot: Snapshot) -> Mapping[str, tuple[Lines, Lines]]:
    found: dict[str, tuple[dict[int, Citation], dict[int, Citation]]] = {path: ({}, {}) for path in paths}
    for log in snapshot.logs if found else ():
        quoted = log.citation
        if quoted.path in found and len(quoted.text) <= _LONGEST_LINE:
            begins, ends = found[quoted.path]
            begins[quoted.first_line] = quoted
            ends[quoted.last_line] = quoted
    return found


def _widened(hit: Hit, begins: Lines, ends: Lines) -> Hit:
    first, last, text = hit.first_line, hit.last_line, [hit.text]
    while (above := ends.get(first - 1)) and _fits(above.first_line, last, hit.first_line - above.first_line <= _ABOVE):
        first, text = above.first_line, [above.text, *text]
    while (below := begins.get(last + 1)) and _fits(first, below.last_line, below.last_line - hit.last_line <= _BELOW):
        last, text = below.last_line, [*text, below.text]
    return hit.model_copy(update={"first_line": first, "last_line": last, "text": "\n".join(text)})


def _fits(first: int, last: int, near: bool) -> bool:
    return near and last - first < MOST_LINES
