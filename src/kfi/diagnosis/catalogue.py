"""
What a failure code is: its words, its layer, and the findings it yields.

The layers are the order in which an engineer rules things out, from the machine up; a finding on a lower layer explains
those above it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import IntEnum

from kfi.models.schemas import Citation, Finding, ObjectRef, Role, Value


class Layer(IntEnum):
    """Lowest first: what breaks here breaks everything above."""

    NODE = 0
    ADMISSION = 1
    SCHEDULING = 2
    IMAGE = 3
    CONFIG = 4
    CRASH = 5
    PROBE = 6
    SERVICE = 7
    APPLICATION = 8
    PERFORMANCE = 9
    SYMPTOM = 10


class Rule(Value):
    """A failure code with the words a person reads; `confirm` and `fix` may name {kind}, {namespace}, {name}."""

    code: str
    """lower-case-with-dashes, stable: machines depend on it."""
    title: str
    layer: Layer
    meaning: str
    """What it means and how it comes about, for somebody who never met it."""
    confirm: str
    """A read-only command that shows it."""
    fix: tuple[str, ...]
    """What mends it, likeliest first."""
    role: Role = Role.CAUSE

    def found(  # noqa: PLR0913 - one keyword for each fact of a finding
        self,
        ref: ObjectRef,
        message: str,
        evidence: Iterable[Citation] = (),
        *,
        strength: float = 0.8,
        since: datetime | None = None,
        until: datetime | None = None,
        affects: Iterable[ObjectRef] = (),
        role: Role | None = None,
    ) -> Finding:
        """Give a finding of this rule about an object, with its proof."""
        return Finding(
            code=self.code,
            ref=ref,
            message=message,
            evidence=tuple(evidence),
            strength=strength,
            since=since,
            until=until,
            affects=tuple(affects),
            role=role or self.role,
        )


def catalogue() -> dict[str, Rule]:
    """Give every rule of every family by its code."""
    return {rule.code: rule for rule in _all_rules()}


def _all_rules() -> Iterator[Rule]:
    from kfi.diagnosis.rules import FAMILIES  # here: the families import this module

    for family in FAMILIES:
        yield from family.RULES
