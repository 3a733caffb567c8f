"""
How a list looks to a person: one line a row, as wide as the terminal, the place of the proof below the words.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from datetime import datetime

from kfi.models.listing import Listed, Listing, Row

_GAP = "  "


def rows_of(listing: Listing, width: int) -> str:
    """Give a page of a list as a table, each row with the file and line that shows it; empty where there is no row."""
    if not listing.rows:
        return ""
    heads, columns = _columns(listing)
    widths = [max(len(cell) for cell in column) for column in zip(heads, *columns, strict=True)]
    lines = [_line(heads, widths)]
    for row, cells in zip(listing.rows, columns, strict=True):
        lines.append(_line(cells, widths))
        lines += _below(row, width)
    return "\n".join(lines)


def next_page(listing: Listing) -> str:
    """Say how to get the next page; empty where there is none."""
    return f"More of it: --page {listing.page + 1}" if listing.page < listing.pages else ""


def _columns(listing: Listing) -> tuple[list[str], list[list[str]]]:
    if listing.selection.what is Listed.OBJECTS:
        restarts = any(row.object.kind == "Pod" for row in listing.rows)
        heads = ["STATUS", *(["RESTARTS"] if restarts else []), "OBJECT", "WHY"]
        return heads, [_object_cells(row, restarts) for row in listing.rows]
    heads = ["LAST SEEN", "TIMES", "TYPE", "REASON", "OBJECT"]
    return heads, [
        [_time(row.last or row.first), str(row.count), row.status, row.reason, str(row.object)] for row in listing.rows
    ]


def _object_cells(row: Row, restarts: bool) -> list[str]:
    return [row.status or "unknown", *([str(row.count)] if restarts else []), str(row.object), row.reason]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return _GAP.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _below(row: Row, width: int) -> list[str]:
    """Give what stands below a row: its message, folded, and where it is shown."""
    indent = " " * 4
    said = " ".join(row.message.split())
    folded = textwrap.TextWrapper(width, indent, indent, max_lines=3, placeholder=" …", break_on_hyphens=False)
    place = f"{row.citation.path}:{row.citation.first_line}" if row.citation.path else ""
    return [*folded.wrap(said), *([f"{indent}{place}"] if place else [])]


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}" if moment else "unknown"
