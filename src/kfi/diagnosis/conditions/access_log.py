"""
Requests that a proxy could not serve, from its access and error log, joined to whom it sent them to.

Read are ingress-nginx's and nginx's lines, Envoy's (Istio, Contour, Envoy Gateway) as text and as JSON. The upstream's
address leads to a Pod, the cluster or upstream name to a Service.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kfi.diagnosis.conditions.service_evidence import workload_logs
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.resources import Service
from kfi.snapshot.view import Log, Snapshot

# Source: Envoy, config/observability/access_log/usage, %RESPONSE_FLAGS%.
FLAGS: Mapping[str, str] = {
    "UH": "no healthy upstream host",
    "UF": "the connection to the upstream failed",
    "UO": "circuit breaker open, too many requests or connections",
    "NR": "no route matches the request",
    "NC": "the route's upstream cluster does not exist",
    "UC": "the upstream ended the connection",
    "UT": "the upstream did not answer in time",
    "UR": "the upstream reset the request",
    "URX": "retries or connection attempts used up",
    "LR": "reset by the proxy itself",
    "UPE": "the upstream broke the protocol",
    "DPE": "the client broke the protocol",
    "UMSDR": "the upstream's answer took too long",
    "RL": "rate limit reached",
    "UAEX": "refused by external authorization",
}
_ENVOY = re.compile(
    r'"(?P<request>[A-Z]+ (?P<path>\S+) HTTP/\d(?:\.\d)?)" (?P<status>\d{3}) (?P<flags>[A-Z]{2,5}(?:,[A-Z]{2,5})*|-) '
    r"(?P<rest>.*)"
)
_ENVOY_CLUSTER = re.compile(r"(?:out|in)bound\|(?P<port>\d*)\|[^|\s]*\|(?P<name>[\w-]+)\.(?P<namespace>[\w-]+)\.svc")
_NGINX = re.compile(
    r'"(?P<request>[A-Z]+ (?P<path>\S+) HTTP/\d(?:\.\d)?)" (?P<status>\d{3}) \d+ .*? '
    r"\[(?P<upstream>[\w-]*)\] \[[^\]]*\] (?P<address>\S+)"
)
_NGINX_ERROR = re.compile(
    r"(?P<why>connect\(\) failed \([^)]*\)|upstream timed out \([^)]*\)|no live upstreams"
    r"|upstream prematurely closed connection|upstream sent too big header|recv\(\) failed \([^)]*\)"
    r"|no resolver defined to resolve \S+|\S+ could not be resolved \([^)]*\))"
)
_NGINX_UPSTREAM = re.compile(r'upstream: "\w+://(?P<address>[^/"]+)(?P<path>[^"]*)"')
_NGINX_REQUEST = re.compile(r'request: "[A-Z]+ (?P<path>\S+)')
_ADDRESS = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3}):(\d{1,5})(?!\d)")
_NOT_FOUND = re.compile(r"(?<![\d.])404(?![\d.])|not found|no (?:such )?route", re.IGNORECASE)
_MAX_CHARS = 4000
_NO_ANSWER = {"502": "the upstream refused or broke the connection", "504": "the upstream did not answer in time"}


@dataclass(frozen=True)
class Failed:
    """A request that a proxy could not serve."""

    said: str
    """Status and flags as logged: `503 UF`."""
    path: str
    why: str
    flags: frozenset[str]
    upstream: ObjectRef | None
    """The Pod or Service it was sent to, where the line tells and it is known."""

    @property
    def unrouted(self) -> bool:
        """Whether the proxy knew nowhere to send it."""
        return bool(self.flags & {"NR", "NC"})


def failed_requests(snapshot: Snapshot) -> Iterator[tuple[Log, Failed]]:
    """Yield the log lines of requests that proxies could not serve."""
    places: _Places | None = None
    for log in snapshot.logs:
        text = log.record.example[:_MAX_CHARS]
        if "HTTP/" not in text and "upstream" not in text:
            continue
        places = places or _Places.of(snapshot)
        found = _envoy_json(text, places) or _envoy(text, places) or _nginx(text, places) or _nginx_error(text, places)
        if found:
            yield log, found


def refuses(snapshot: Snapshot, workload: ObjectRef) -> bool:
    """Tell whether a workload says of any path that it does not know it: who never does needs no search for one."""
    return any(_NOT_FOUND.search(text) for log in workload_logs(snapshot, workload) for text in _said(log))


def not_found(snapshot: Snapshot, workload: ObjectRef | None, path: str) -> Iterator[Citation]:
    """Yield lines in which a workload says that it knows no such path."""
    # Spring names it without its first slash: No static resource api/cart/7.
    asked = re.compile(rf"(?<![\w-]){re.escape(path.strip('/*'))}(?![\w-])")
    for log in workload_logs(snapshot, workload) if workload and path.strip("/*") else ():
        if any(asked.search(text) and _NOT_FOUND.search(text) for text in _said(log)):
            yield log.citation


def _said(log: Log) -> tuple[str, str]:
    """Give a message and its raw line, which holds what a structured one says beside it: the path and the status."""
    return log.record.example[:_MAX_CHARS], log.citation.text[:_MAX_CHARS]


@dataclass(frozen=True)
class _Places:
    """The Pods by address and the Services by name."""

    pods: Mapping[str, ObjectRef]
    services: Mapping[str, ObjectRef]
    """By `namespace/name`, and by the name ingress-nginx gives an upstream without its port: `namespace-name`."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> _Places:
        """Give those of a snapshot; a host's own address stands for no Pod."""
        pods = {pod.status.pod_ip: pod.ref for pod in snapshot.pods if pod.status.pod_ip and not pod.spec.host_network}
        known: list[Service] = [one for one in snapshot.kube_services if one.observed]
        services = {f"{one.namespace}/{one.name}": one.ref for one in known}
        return cls(pods, services | {f"{one.namespace}-{one.name}": one.ref for one in known})

    def at(self, text: str) -> ObjectRef | None:
        """Give the Pod of the last address in a text: a proxy that tries again logs all of them."""
        found = [self.pods[match[1]] for match in _ADDRESS.finditer(text) if match[1] in self.pods]
        return found[-1] if found else None

    def cluster(self, text: str) -> ObjectRef | None:
        """Give the Service of Envoy's cluster name."""
        match = _ENVOY_CLUSTER.search(text)
        return self.services.get(f"{match['namespace']}/{match['name']}") if match else None


def _envoy(text: str, places: _Places) -> Failed | None:
    match = _ENVOY.search(text)
    if not match:
        return None
    host = re.search(r'"([^"]*)"(?: \S+){0,6}$', match["rest"])
    upstream = places.at(host[1] if host else "") or places.cluster(match["rest"])
    return _of_envoy(match["status"], match["flags"], match["path"], upstream)


def _envoy_json(text: str, places: _Places) -> Failed | None:
    if not text.startswith("{") or "response_flags" not in text:
        return None
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    status, flags = str(fields.get("response_code", "")), str(fields.get("response_flags") or "-")
    upstream = places.at(str(fields.get("upstream_host"))) or places.cluster(str(fields.get("upstream_cluster")))
    return _of_envoy(status, flags, str(fields.get("path") or ""), upstream)


def _of_envoy(status: str, flags: str, path: str, upstream: ObjectRef | None) -> Failed | None:
    told = [flag for flag in flags.split(",") if flag in FLAGS and flag not in ("DPE", "RL", "UAEX")]
    if not told or status < "400":
        return None
    why = "; ".join(f"{flag}, {FLAGS[flag]}" for flag in told)
    return Failed(f"{status} {','.join(told)}", path, why, frozenset(told), upstream)


def _nginx(text: str, places: _Places) -> Failed | None:
    match = _NGINX.search(text)
    if not match or match["status"] not in ("502", "503", "504"):
        return None
    name = match["upstream"].rpartition("-")[0]
    upstream = places.at(text[match.start("address") :]) or places.services.get(name)
    why = _NO_ANSWER.get(match["status"], "the Service has no endpoint")
    return Failed(match["status"], match["path"], why, frozenset(), upstream)


def _nginx_error(text: str, places: _Places) -> Failed | None:
    match = _NGINX_ERROR.search(text)
    if not match or "upstream" not in text:
        return None
    upstream, request = _NGINX_UPSTREAM.search(text), _NGINX_REQUEST.search(text)
    path = request["path"] if request else ""
    return Failed("an error", path, match["why"], frozenset(), places.at(upstream["address"]) if upstream else None)
