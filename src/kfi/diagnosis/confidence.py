"""
What a confidence means: of all causes that are named with it, that share is the right one.

Ranking compares causes by strength, which says how well a rule's condition is met and not how often that makes it the
cause. Here that becomes a share that was counted: a logistic curve over its log-odds, moved by how the cause shows
itself. `benchmarks/calibration.py --fit` prints the curve, and judges it on fault types it was not fitted to. The order
of causes is decided before, and stays.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from kfi.diagnosis.causes import Incident

WEAK = 0.3
"""Below this confidence a cause is a lead, and the answer says so."""
# No case shows what surer than this would mean: the rules were written by people who could see the cases.
_SUREST = 0.97
# Log-odds of shares beyond these count as theirs.
_LEAST, _MOST = 0.01, 0.99


class Shows(StrEnum):
    """How a root shows itself."""

    BY_SYMPTOM = "by-symptom"
    """It explains a symptom that was seen."""
    ALONE = "alone"
    """It explains none."""
    AS_SYMPTOM = "as-symptom"
    """It is a symptom itself, and nothing that was seen explains it."""


@dataclass(frozen=True)
class Curve:
    """From the confidence that ranking gives to the share that is right."""

    intercept: float
    slope: float
    alone: float
    """What is added where a cause shows itself alone."""
    as_symptom: float
    """What is added where it is a symptom itself."""

    def share(self, ranked: float, how: Shows) -> float:
        """Give the share of causes that are right, 0 to 1, of those that ranking gave this confidence.

        A weak lead is made no surer: the cases it was fitted to all hold a fault, and say nothing of what is found in a
        cluster where all is well.
        """
        moved = {Shows.BY_SYMPTOM: 0.0, Shows.ALONE: self.alone, Shows.AS_SYMPTOM: self.as_symptom}[how]
        odds = self.intercept + self.slope * log_odds(ranked) + moved
        share = min(1 / (1 + math.exp(-odds)), _SUREST)
        return min(share, ranked) if ranked < WEAK else share


_CURVE = Curve(intercept=-0.86, slope=2.1, alone=3.53, as_symptom=-2.67)


def log_odds(share: float) -> float:
    """Give the logarithm of the odds of a share."""
    share = min(max(share, _LEAST), _MOST)
    return math.log(share / (1 - share))


def shows(incident: Incident) -> Shows:
    """Tell how the root of an incident shows itself."""
    if incident.root.is_symptom:
        return Shows.AS_SYMPTOM
    return Shows.BY_SYMPTOM if any(group.is_symptom for group in incident.explained) else Shows.ALONE


def calibrated(incident: Incident) -> float:
    """Give the share of causes like that of an incident which are right, 0 to 1."""
    return round(_CURVE.share(incident.confidence, shows(incident)), 3)
