"""
What of a text a model gets to see.

Evidence is hostile: it may be megabytes long, hold NULs (at which C code stops reading) and halves of characters (which
no tokenizer takes).
"""

from __future__ import annotations

LONGEST = 1000
"""Characters. Cards have some 300, questions fewer; what is longer costs more time than it says."""

# Servers refuse an empty input, and models answer it with noise.
_NOTHING = "(empty)"


def clean(text: str) -> str:
    r"""Give the text as every model can take it: bounded, never empty, without NULs and lone surrogates.

    >>> clean("back\0off")
    'back off'
    """
    bounded = text[:LONGEST].replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
    return bounded if bounded.strip() else _NOTHING
