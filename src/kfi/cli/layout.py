"""
How text is laid out for a terminal: its width, folding, bold, and times.
"""

from __future__ import annotations

import re
import shutil
import textwrap
from datetime import datetime

import typer

# A numbered step, a list item, or a link of a chain: its next lines hang below its words.
_BULLET = re.compile(r"(?:\d+\. |- |-> )")
_MAX_WIDTH = 110
# Below this nothing can be laid out; the terminal folds the lines.
_MIN_WIDTH = 40


def bold(text: str) -> str:
    """Give text in bold, where the terminal has it."""
    return typer.style(text, bold=True)


def wrapped(text: str, indent: str) -> str:
    """Fold text to the terminal's width; what follows a number, a dash or an arrow hangs below its words."""
    bullet = _BULLET.match(text)
    hanging = indent + " " * (bullet.end() if bullet else 0)
    return textwrap.fill(
        text, width(), initial_indent=indent, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False
    )


def width() -> int:
    """Give how many columns there are to write in."""
    return max(_MIN_WIDTH, min(shutil.get_terminal_size((100, 24)).columns, _MAX_WIDTH))


def clock(moment: datetime | None) -> str:
    """Give a time as people read it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "unknown"
