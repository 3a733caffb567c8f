"""
What became of a model's words when they were checked.
"""

from __future__ import annotations

from kfi.models.references import Value


class ModelAnswer(Value):
    """What was kept of a model's claims, and where it contradicts the rules."""

    kept: int = 0
    """Claims that stand as the model made them."""
    repaired: int = 0
    """Claims that stand with other labels than the model gave: unknown ones taken out, missing ones found."""
    removed: int = 0
    """Claims taken out: without evidence that exists, with a quote that is not in it, about an object that does not
    exist, or with a command that is none of those that only read."""
    unknown: bool = False
    """Whether the model said that the evidence does not tell the cause."""
    disagreement: str = ""
    """Where the model sees another root cause than the rules prove; empty where it does not."""
