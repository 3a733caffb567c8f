"""
Whom a container's log blames: the Service of another workload that it could not reach.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from kfi.models.schemas import ObjectRef
from kfi.snapshot.resources import Service
from kfi.snapshot.view import Log, Snapshot

_CANNOT_REACH = re.compile(
    r"connection refused|econnrefused|no such host|enotfound|name resolution|name or service not known"
    r"|could not resolve|failed to resolve|dns resolution failed|nodename nor servname|unknown ?host|eai_again"
    r"|i/o timeout|timed? ?out|etimedout|deadline exceeded|no route to host|ehostunreach|connection reset|econnreset"
    r"|unavailable|unreachable|cannot connect|can't connect|could not connect|unable to connect|failed to connect"
    r"|connection error|connect error|broken pipe",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_IPV4 = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")
_MAX_CHARS = 4000


def unreachable(log: Log) -> bool:
    """Tell whether a log line says that something could not be reached."""
    return bool(_CANNOT_REACH.search(log.record.example, 0, _MAX_CHARS)) or bool(
        _CANNOT_REACH.search(log.record.stack, 0, _MAX_CHARS)
    )


def names(log: Log, service: Service) -> bool:
    """Tell whether a log line names a Service, by its name or its address."""
    text = log.text[:_MAX_CHARS].lower()
    if service.name not in text and (service.spec.cluster_ip or "?") not in text:
        return False
    return service.name in _WORD.findall(text) or service.spec.cluster_ip in _IPV4.findall(text)


def blamed(snapshot: Snapshot, who: ObjectRef, logs: Iterable[Log]) -> Iterator[tuple[Service, Log]]:
    """Yield the Services of other workloads that a Pod's or workload's log lines say they cannot reach."""
    topology = snapshot.topology
    mine = topology.workload(who)
    by_name, by_address = topology.services_beside(who), topology.services_by_address(who.cluster)
    for log in logs:
        if not unreachable(log):
            continue
        text = log.text[:_MAX_CHARS].lower()
        said = [by_name[w] for w in _WORD.findall(text) if w in by_name]
        said += [by_address[ip] for ip in _IPV4.findall(text) if ip in by_address]
        for service in {s.ref: s for s in said}.values():
            if topology.meant_by(service) != mine:
                yield service, log
