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
    r"|\b(?:prefix|path|path_prefix|pathPrefix):[ \t]*[\"']?(?P<prefix>/[^\"'\s,}]*)"
    r"|\b(?:PathPrefix|Path)\(`(?P<rule>/[^`]*)`"
    r"|\bpath_beg\s+(?P<begins>/\S*)"
    r"|^[ \t]*-[ \t]+[\"']?(?P<item>/[\w./*-]+)"
    r"|\bhandle(?:_path)?\s+(?P<handle>/\S*)"
    r"|\bproxy_pass\s+(?:\w+://)?(?P<proxy>[\w.-]+(?::\d{1,5})?)"
    r"|\b(?:uri|url|target)\s*[:=]\s*[\"']?(?:lb|https?|grpc|ws)://(?P<uri>[\w.-]+(?::\d{1,5})?)"
    r"|\bcluster:[ \t]*[\"']?(?P<cluster>[\w.-]+)"
    r"|\breverse_proxy\s+(?:(?P<caddy>/\S+)\s+)?(?:\w+://)?(?P<reverse>[a-zA-Z][\w.-]*(?::\d{1,5})?)",
    re.MULTILINE,
)
_PATHS = ("location", "predicate", "prefix", "rule", "begins", "item", "handle", "caddy")
_TARGETS = ("proxy", "uri", "cluster", "reverse")
_UPSTREAM = re.compile(r"\bupstream\s+([\w.-]+)\s*\{[^}]*?\bserver\s+([\w.-]+(?::\d{1,5})?)")
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
    servers = dict(_UPSTREAM.findall(text))
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
