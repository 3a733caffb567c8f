"""
Routes that a gateway's own configuration holds: nginx, Spring Cloud Gateway, Envoy, Kong, Traefik, HAProxy, Caddy.

No grammar of any of them is followed. In all of them a path and the host that it leads to stand close together; what
is read is such pairs, in the order of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"(?P<begin>^[ \t]*-[ \t]+(?:id|name|match|order):)"
    r"|\blocation\s+(?:[=~^*]+\s+)?\^?(?P<location>/[^\s{]*)"
    r"|\bPath=(?P<predicate>/[^,\s\"'|]*)"
    r"|\b(?:prefix|path|path_prefix|pathPrefix)[\"']?:[ \t]*[\"']?(?P<prefix>/[^\"'\s,}]*)"
    r"|\b(?:PathPrefix|Path)\(`(?P<rule>/[^`]*)`"
    r"|\bpath_beg\s+(?P<begins>/\S*)"
    r"|^[ \t]*-[ \t]+[\"']?(?P<item>/[\w./*-]+)"
    r"|\bhandle(?:_path)?\s+(?P<handle>/\S*)"
    r"|\bproxy_pass\s+(?:\w+://)?(?P<proxy>[\w.-]+(?::\d{1,5})?)"
    r"|\b(?:uri|url|target)\s*[:=]\s*[\"']?(?:lb|https?|grpc|ws)://(?P<uri>[\w.-]+(?::\d{1,5})?)"
    r"|\bcluster[\"']?:[ \t]*[\"']?(?P<cluster>[\w.-]+)"
    r"|\breverse_proxy\s+(?:(?P<caddy>/\S+)\s+)?(?:\w+://)?(?P<reverse>[a-zA-Z][\w.-]*(?::\d{1,5})?)",
    re.MULTILINE,
)
_PATHS = ("location", "predicate", "prefix", "rule", "begins", "item", "handle", "caddy")
_TARGETS = ("proxy", "uri", "cluster", "reverse")
_UPSTREAM = re.compile(r"\bupstream\s+([\w.-]+)\s*\{[^{}]*?\bserver\s+([\w.-]+(?::\d{1,5})?)")
# Envoy's clusters: a name, and further down the address of an endpoint. Only these four keys matter.
_CLUSTER_KEY = re.compile(
    r"\b(?:cluster_)?name[\"']?:[ \t]*[\"']?(?P<name>[\w.-]+)"
    r"|\baddress[\"']?:[ \t]*[\"']?(?P<address>[\w.-]+)"
    r"|\bport_value[\"']?:[ \t]*(?P<port>\d{1,5})"
)
# HAProxy's: a condition on the path chooses a backend, whose servers stand below its name.
_BACKEND = re.compile(
    r"^[ \t]*(?:backend|listen)[ \t]+(?P<backend>\S+)|^[ \t]*server[ \t]+\S+[ \t]+(?P<server>[\w.-]+:\d{1,5})",
    re.MULTILINE,
)
_ON_PATH = r"path(?:_beg|_dir)?[ \t]+(?:-[a-z][ \t]+){0,3}(?P<path>/[^\s}]*)"
_ACL = re.compile(rf"^[ \t]*acl[ \t]+(?P<name>\S+)[ \t]+{_ON_PATH}", re.MULTILINE)
_USE = re.compile(
    rf"^[ \t]*use_backend[ \t]+(?P<backend>\S+)[ \t]+if[ \t]+(?:\{{[ \t]*{_ON_PATH}|(?P<acl>\w[\w.-]*))", re.MULTILINE
)
_MAX_CHARS = 200_000


@dataclass(frozen=True)
class Written:
    """A path and the host that a text says it leads to; `token` is how the host stands there."""

    path: str
    host: str
    port: int | None
    token: str


def routes_in(text: str) -> Iterator[Written]:
    """Yield the routes of a gateway's configuration.

    >>> [(r.path, r.host, r.port) for r in routes_in("location /cart { proxy_pass http://cart:8080; }")]
    [('/cart', 'cart', 8080)]
    """
    text = text[:_MAX_CHARS]
    servers = {**_clusters(text), **dict(_UPSTREAM.findall(text))}
    yield from _haproxy(text)
    path = target = ""
    for match in _TOKEN.finditer(text):
        new_path = next((match[name] for name in _PATHS if match[name]), "")
        new_target = next((match[name] for name in _TARGETS if match[name]), "")
        if (path and target and (new_path or match["begin"])) or (target and new_target):
            yield from _written(path, target, servers)
            path = target = ""
        path, target = new_path or path, new_target or target
    yield from _written(path, target, servers)


def _written(path: str, target: str, servers: dict[str, str]) -> Iterator[Written]:
    host, _, port = servers.get(target, target).partition(":")
    if path and host and not host.replace(".", "").isdigit():
        yield Written(path, host, int(port) if port else None, target)


def _clusters(text: str) -> dict[str, str]:
    r"""Give the first endpoint of each of Envoy's clusters, by the cluster's name.

    >>> _clusters("- name: cart\n  endpoint: {address: {socket_address: {address: cart-svc, port_value: 80}}}")
    {'cart': 'cart-svc:80'}
    """
    found: dict[str, str] = {}
    name = address = ""
    for match in _CLUSTER_KEY.finditer(text) if "port_value" in text else ():
        if match["name"]:
            name, address = match["name"], ""
        elif match["address"]:
            address = match["address"]
        elif name and address:
            found.setdefault(name, f"{address}:{match['port']}")
            address = ""
    return found


def _haproxy(text: str) -> Iterator[Written]:
    r"""Yield the routes of HAProxy's configuration.

    >>> text = "use_backend carts if { path_beg /cart }\nbackend carts\n  server one cart:80 check"
    >>> [(r.path, r.host, r.port) for r in _haproxy(text)]
    [('/cart', 'cart', 80)]
    """
    uses = list(_USE.finditer(text))
    if not uses:
        return
    paths = {match["name"]: match["path"] for match in _ACL.finditer(text)}
    servers: dict[str, str] = {}
    backend = ""
    for match in _BACKEND.finditer(text):
        backend = match["backend"] or backend
        if match["server"]:
            servers.setdefault(backend, match["server"])
    for use in uses:
        server = servers.get(use["backend"])
        if server:
            path = use["path"] or paths.get(use["acl"], "")
            yield from _written(path, server, {})
