"""
What Kubernetes' own words mean: what a word is, as data beside the rules that the words lead to.
"""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """A word that Kubernetes prints, and the failure codes it may stand for."""

    word: str
    """As it is printed."""
    says: str
    """Who prints it and what it means exactly, in a sentence or two."""
    codes: tuple[str, ...]
    """Failure codes that it leads to, the most specific first; none where it is the normal course of things."""


def words(*rows: tuple[str, str, str]) -> tuple[Word, ...]:
    """Give words from rows of word, codes (blanks between them) and meaning."""
    return tuple(Word(word, says, tuple(codes.split())) for word, codes, says in rows)
