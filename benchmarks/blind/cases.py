"""The list of cases: every fault function signs itself in with its cause, its world and what the user asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .model import Cluster

Fault = Callable[[Cluster], str]


@dataclass
class Case:
    """One fault to inject; `inject` gives the object at fault."""

    cause: str
    world: str
    question: str
    inject: Fault


CASES: list[Case] = []


def case(cause: str, world: str, question: str) -> Callable[[Fault], Fault]:
    """Sign a fault in."""

    def keep(inject: Fault) -> Fault:
        CASES.append(Case(cause, world, question, inject))
        return inject

    return keep
