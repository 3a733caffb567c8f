"""The failure rules, one family a module: RULES (the words) and `check(snapshot)` (the conditions)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, cast

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.heard import HeardPods
from kfi.diagnosis.rules import (
    access,
    admission,
    application,
    autoscaling,
    config,
    crash,
    databases,
    deletion,
    disruption,
    gateways,
    image,
    ingress,
    jobs,
    memory,
    network,
    node_restarts,
    nodes,
    performance,
    probes,
    quota,
    rollout,
    scheduling,
    services,
    storage,
    symptoms,
)
from kfi.models.schemas import Finding
from kfi.snapshot.collector import collector_at_rest
from kfi.snapshot.view import Snapshot


class Family(Protocol):
    """What a module of rules offers."""

    RULES: tuple[Rule, ...]

    def check(self, snapshot: Snapshot) -> Iterator[Finding]:
        """Yield what is wrong, each finding with its proof."""


FAMILIES = cast(
    tuple[Family, ...],
    (
        nodes,
        node_restarts,
        quota,
        admission,
        deletion,
        scheduling,
        storage,
        disruption,
        image,
        config,
        access,
        databases,
        crash,
        memory,
        probes,
        services,
        network,
        ingress,
        gateways,
        application,
        rollout,
        jobs,
        autoscaling,
        performance,
        symptoms,
    ),
)


def examine(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the findings of every family."""
    heard = HeardPods.of(snapshot)
    with collector_at_rest():
        for family in FAMILIES:
            yield from map(heard.over, family.check(snapshot))
