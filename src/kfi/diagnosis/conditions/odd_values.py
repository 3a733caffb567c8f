"""
Settings from Secrets that differ from those of every sibling: the one wrong password or port among many alike.

What a Secret holds is masked, but the same value has the same mask. Where several workloads share a value and one that
fails has another, nothing else need be known to suspect it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.database_settings import Credential, masked_values
from kfi.diagnosis.words.database import DB_CREDENTIALS_REFUSED, DB_WRONG_PORT
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.view import Snapshot

_ALIKE = 3
_KINDS = (
    (re.compile(r"(?:PASS(?:WORD|WD)?|PWD)$", re.IGNORECASE), DB_CREDENTIALS_REFUSED, "password"),
    (re.compile(r"(?:^|[_.-])PORT$", re.IGNORECASE), DB_WRONG_PORT, "port"),
)
_WORDS = re.compile(r"[_.-]")


@dataclass(frozen=True)
class _Value:
    """What a workload has for a setting that several have."""

    workload: ObjectRef
    credential: Credential


def odd_values(snapshot: Snapshot, ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    """Yield unwell workloads whose masked password or port is unlike the one that their siblings share."""
    by_setting: dict[tuple[str, str, int], list[_Value]] = defaultdict(list)
    for workload in snapshot.workloads if ill else ():
        if snapshot.topology.owner(workload.ref):
            continue
        for credential in masked_values(snapshot, workload.ref):
            for number, (pattern, _, _) in enumerate(_KINDS):
                if pattern.search(credential.name):
                    by_setting[workload.namespace, _common(credential.name), number].append(
                        _Value(workload.ref, credential)
                    )
    for (_, _, number), values in by_setting.items():
        yield from _odd(snapshot, values, number, ill)


def _common(name: str) -> str:
    """Give what siblings' variables have in common: ORDERS_MYSQL_PORT and STOCK_MYSQL_PORT are both a MYSQL_PORT."""
    return "_".join(_WORDS.split(name.upper())[-2:])


def _odd(snapshot: Snapshot, values: list[_Value], number: int, ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    (usual, count), *_ = Counter(value.credential.key for value in values).most_common(1)
    others = {value.workload for value in values if value.credential.key == usual}
    odd = {value.workload: value for value in values if value.credential.key != usual}
    if len(others) < _ALIKE or len(odd) != 1 or count < _ALIKE:
        return
    _, rule, what = _KINDS[number]
    [(workload, value)] = odd.items()
    if workload not in ill:
        return
    like = next(one for one in values if one.credential.key == usual)
    lines = [
        line
        for one in (value, like)
        for line in (*snapshot.cite(one.credential.ref, one.credential.path), *_held(snapshot, one.credential))[:2]
    ]
    message = (
        f"{workload.kind} {workload.name} has another {what} in {value.credential.name} than the one that its "
        f"{len(others)} siblings share."
    )
    yield rule.found(workload, message, lines[:6], strength=0.8)


def _held(snapshot: Snapshot, credential: Credential) -> tuple[Citation, ...]:
    return snapshot.cite(*credential.held) if credential.held else ()
