"""
What an alert's words measure: a family (latency, throttling, …) and, where shown, the value before and now.

Alert texts are free, so only the family's own terms and a `before -> now` pair are read; an alert that says neither
measures nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Family(StrEnum):
    """What is measured."""

    THROTTLING = "throttling"
    CPU = "cpu"
    LATENCY = "latency"
    RETRANSMISSION = "retransmission"
    OTHER = "other"


@dataclass(frozen=True)
class Measure:
    """One measured value; latency in milliseconds, others in the alert's own unit. None where no number was shown."""

    family: Family
    before: float | None
    now: float | None

    @property
    def rise(self) -> float:
        """How much higher than before; 0 where unknown or lower."""
        return max(0.0, (self.now or 0.0) - (self.before or 0.0))


_TERMS = (
    (Family.THROTTLING, re.compile(r"throttl|\bcfs\b|cpu_cfs", re.I)),
    (Family.RETRANSMISSION, re.compile(r"retrans|packet.?loss|dropped packets", re.I)),
    (Family.LATENCY, re.compile(r"latency|slow|response time|request duration|\bp(?:50|90|95|99)\b", re.I)),
    (Family.CPU, re.compile(r"\bcpu\b", re.I)),
)
_PAIR = re.compile(
    r"(?:normal|baseline|before|was|from)?\s*[=:]?\s*(\d+(?:\.\d+)?)\s*([a-zA-Zµ%/]*)\s*"
    r"(?:->|→|to)\s*(?:cur(?:rent)?|now)?\s*[=:]?\s*(\d+(?:\.\d+)?)\s*([a-zA-Zµ%/]*)",
    re.I,
)
_MILLISECONDS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3, "m": 6e4, "min": 6e4}


def measures(text: str) -> Iterator[Measure]:
    """Yield what each clause of an alert's text measures.

    >>> [str(m.family) for m in measures("CPU throttled 34% | p95 latency: 12ms -> 2.5s")]
    ['throttling', 'latency']
    >>> [m.rise for m in measures("p95 latency: 12ms -> 2.5s")]
    [2488.0]
    """
    for line in text.split("\n"):
        # The clauses of one line share its heading: "SLOW | p50: a -> b | p90: c -> d".
        heading = _family(line.split("|")[0])
        for clause in line.split("|"):
            family = _family(clause)
            pair = _PAIR.search(clause)
            if pair:
                yield _measure(heading if family is Family.OTHER else family, pair)
            elif family is Family.THROTTLING or (family is not Family.OTHER and "|" not in line):
                yield Measure(family, None, None)


def _family(text: str) -> Family:
    return next((family for family, term in _TERMS if term.search(text)), Family.OTHER)


def _measure(family: Family, pair: re.Match[str]) -> Measure:
    before, now = float(pair[1]), float(pair[3])
    if family is Family.LATENCY:
        before *= _MILLISECONDS.get(pair[2].lower(), 1.0)
        now *= _MILLISECONDS.get(pair[4].lower(), 1.0)
    return Measure(family, before, now)
