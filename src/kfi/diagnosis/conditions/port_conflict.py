"""
Two processes that want one port: containers of a Pod share its network, host-network Pods that of their node.

What a container binds is not in its spec; its declared ports, a PORT-like variable and its arguments are the signs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

from kfi.diagnosis.conditions.containers import Run, logs_of, runs
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.service_evidence import workload_logs
from kfi.diagnosis.conditions.settings import specified
from kfi.diagnosis.words.crash import PORT_ALREADY_IN_USE
from kfi.models.schemas import Finding, ObjectRef
from kfi.snapshot.pod import Container, Pod
from kfi.snapshot.provenance import Path
from kfi.snapshot.view import Log, Snapshot

_IN_USE = re.compile(
    r"address (?:is )?already in use|address in use\b|EADDRINUSE|AddrInUse|connection in use: \("
    r"|\berrno 98\b|os error 98|port(?: \d+)? (?:is|was) already (?:in use|allocated)|only one usage of each socket",
    re.IGNORECASE,
)
# :8080, port 8080, port: 8080, ('0.0.0.0', 8080)
_PORT = re.compile(r"(?::|\bport:? ?|', )(\d{2,5})\b", re.IGNORECASE)
_MAX_CHARS = 4000
_NUMBER = re.compile(r"\d{2,5}")
# An address to listen on has no host: :8080, 0.0.0.0:8080, http://+:8080, [::]:8080
_LISTENS = re.compile(r"(?:^|//|[;,])(?:[*+]|0\.0\.0\.0|\[::\])?:(\d{2,5})\b")


@dataclass(frozen=True)
class Conflict:
    """A port that a container could not have, or shares."""

    run: Run
    port: int | None
    """None where the message names none."""
    log: Log | None
    other: Run | None
    """Who has the port, where that is seen."""


def failed_bind(snapshot: Snapshot, run: Run) -> Conflict | None:
    """Give what a container's log says of a port that was taken."""
    for log in reversed(logs_of(snapshot, run)):
        text = log.text[:_MAX_CHARS]
        if _IN_USE.search(text):
            port = _named_port(text, run.pod)
            return Conflict(run, port, log, _claimant(snapshot, run, port))
    return None


def _named_port(text: str, pod: Pod) -> int | None:
    numbers = [int(number) for number in _PORT.findall(text)]
    known = {port for run in runs(pod) for port in claimed(run.spec)}
    likely = [n for n in numbers if n in known] or [n for n in numbers if 100 <= n <= 65535]
    return likely[0] if likely else None


def claimed(container: Container) -> dict[int, Path]:
    """Give the TCP ports that a container seems to bind, each with the field (below the container) that says so."""
    ports: dict[int, Path] = {}
    for declared in container.ports:
        if declared.protocol == "TCP":
            ports[declared.container_port] = ("ports",)
    for env in container.env:
        value = (env.value or "")[:200]
        own = [value] if "PORT" in env.name.upper() and value.isascii() and value.isdigit() else []
        for number in (*own, *_LISTENS.findall(value)):
            ports.setdefault(int(number), ("env", env.name))
    for part, word in _words(container):
        for number in _NUMBER.findall(word):
            ports.setdefault(int(number), (part,))
    return ports


def _words(container: Container) -> Iterator[tuple[str, str]]:
    for part, words in (("command", container.command), ("args", container.args)):
        yield from ((part, word) for word in words if len(word) < 200)


def _claimant(snapshot: Snapshot, run: Run, port: int | None) -> Run | None:
    beside = [other for other in runs(run.pod) if other.name != run.name and not other.init]
    if port is None:
        # The message names no port: whoever claims one that this container claims too.
        mine = claimed(run.spec).keys()
        return next((other for other in beside if mine & claimed(other.spec).keys()), None)
    if run.pod.spec.host_network:
        beside += _host_neighbours(snapshot, run.pod)
    return next((other for other in beside if port in claimed(other.spec)), None)


def _host_neighbours(snapshot: Snapshot, pod: Pod) -> Iterator[Run]:
    for other in snapshot.pods:
        same_node = other.spec.node_name == pod.spec.node_name and bool(pod.spec.node_name)
        if same_node and other.ref != pod.ref and other.spec.host_network and not other.finished:
            yield from runs(other)


def _is_up(run: Run) -> bool:
    return run.status.ready and run.status.state.running is not None


def shared_ports(pod: Pod, unwell: bool = False) -> Iterator[Conflict]:
    """Yield ports that two containers of a Pod declare, which only one can bind (or each gets half of what arrives).

    Where a container is unwell, a port that one declares and another's command or variables name counts too.
    """
    regular = [run for run in runs(pod) if not run.init]
    for one, other in combinations(regular, 2):
        mine = {(p.container_port, p.protocol) for p in one.spec.ports}
        theirs = {(p.container_port, p.protocol) for p in other.spec.ports}
        # Who binds a taken port dies of it: containers that are both up each bind it on an address of their own.
        for port, _ in sorted(mine & theirs) if not (_is_up(one) and _is_up(other)) else ():
            yield Conflict(one, port, None, other)
        if unwell:
            named = {(port, "TCP") for port in claimed(one.spec)} & theirs
            named |= {(port, "TCP") for port in claimed(other.spec)} & mine
            for port, _ in sorted(named - (mine & theirs)):
                yield Conflict(one, port, None, other)


def failed_binds(snapshot: Snapshot, ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    """Yield unwell workloads of whose containers only a template and logs are known, and whose port was taken."""
    for workload in sorted(ill, key=str):
        pods = snapshot.topology.pods_of(workload)
        logs = [log for log in workload_logs(snapshot, workload) if _IN_USE.search(log.text[:_MAX_CHARS])]
        if not logs or any(pod.status.container_statuses for pod in pods) or PastErrors.of(snapshot).holds(logs[-1]):
            continue
        yield _failed_bind(snapshot, workload, logs[-1])


def _failed_bind(snapshot: Snapshot, workload: ObjectRef, log: Log) -> Finding:
    one = specified(snapshot, workload)
    containers = one.spec.containers if one else []
    claims = {container.name: claimed(container) for container in containers}
    numbers = [int(number) for number in _PORT.findall(log.text[:_MAX_CHARS])]
    port = next((number for number in numbers if any(number in ports for ports in claims.values())), None)
    port = port or next((number for number in numbers if 100 <= number <= 65535), None)
    claimants = [name for name, ports in claims.items() if port in ports]
    both = len(claimants) > 1
    whose = f"; containers {' and '.join(claimants[:3])} claim it" if both else ""
    where = f"port {port}" if port else "a port"
    message = f"A container of {workload.kind} {workload.name} cannot bind {where}, which is in use{whose}."
    paths = [(*one.prefix, "containers", name, *claims[name][port]) for name in claimants if port] if one else []
    lines = (log.citation, *(snapshot.cite(one.ref, *paths) if one else ()))
    return PORT_ALREADY_IN_USE.found(workload, message, lines[:6], strength=0.93 if both else 0.85)
