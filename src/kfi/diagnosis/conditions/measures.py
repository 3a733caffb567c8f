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
    (
        Family.LATENCY,
        re.compile(r"latency|slow|response time|round.?trip|\brtt\b|request duration|\bp(?:50|90|95|99)\b", re.I),
    ),
    (Family.CPU, re.compile(r"\bcpu\b", re.I)),
)
_PAIR = re.compile(
    r"(?:normal|baseline|before|was|from)?\s*[=:]?\s*(\d+(?:\.\d+)?)\s*([a-zA-Zµ%/]*)\s*"
    r"(?:->|→|to)\s*(?:cur(?:rent)?|now)?\s*[=:]?\s*(\d+(?:\.\d+)?)\s*([a-zA-Zµ%/]*)",
    re.I,
)
# "uses 97% of its limit (normally 12%)": the value now, and in brackets the one that is usual.
_USUAL = re.compile(
    r"\((?:normal(?:ly)?|usual(?:ly)?|typical(?:ly)?|baseline|before|was)[ :=]{1,3}(\d+(?:\.\d+)?)\s?(%|[mµu]?s)\)",
    re.I,
)
_VALUE = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)\s?(%|[mµu]?s)(?!\w)")
_MILLISECONDS = {"us": 1e-3, "µs": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3, "m": 6e4, "min": 6e4}


def measures(text: str) -> Iterator[Measure]:
    """Yield what each clause of an alert's text measures.

    >>> [str(m.family) for m in measures("CPU throttled 34% | p95 latency: 12ms -> 2.5s")]
    ['throttling', 'latency']
    >>> [m.rise for m in measures("p95 latency: 12ms -> 2.5s")]
    [2488.0]
    """
    name = _family(text.partition("\n")[0])
    for line in text.split("\n"):
        # The clauses of one line share its heading: "SLOW | p50: a -> b | p90: c -> d"; else the alert's name is it.
        heading = _family(line.split("|")[0])
        heading = name if heading is Family.OTHER else heading
        for clause in line.split("|"):
            family = _family(clause)
            values = _values(clause)
            if values:
                yield _measure(heading if family is Family.OTHER else family, values)
            elif family is Family.THROTTLING or (family is not Family.OTHER and "|" not in line):
                yield Measure(family, None, None)


def _family(text: str) -> Family:
    return next((family for family, term in _TERMS if term.search(text)), Family.OTHER)


_Values = tuple[tuple[str, str], tuple[str, str]]


def _values(clause: str) -> _Values | None:
    """Give the value before and the one now, each with its unit."""
    pair = _PAIR.search(clause)
    if pair:
        return (pair[1], pair[2]), (pair[3], pair[4])
    usual = _USUAL.search(clause)
    before = clause[: usual.start()] if usual else ""
    share = usual is not None and usual[2] == "%"
    now = next((value for value in _VALUE.finditer(before) if (value[2] == "%") is share), None)
    return ((usual[1], usual[2]), (now[1], now[2])) if usual and now else None


def _measure(family: Family, values: _Values) -> Measure:
    before, now = (float(number) for number, _ in values)
    if family is Family.LATENCY:
        before, now = (float(number) * _MILLISECONDS.get(unit.lower(), 1.0) for number, unit in values)
    return Measure(family, before, now)
