"""
A probe in the one line that kubectl prints: what it does, then its times.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote

from kfi.snapshot.read.describe.fields import At, Tree
from kfi.snapshot.read.describe.tree import Node

_TIMES = re.compile(r"delay=(\d{1,9})s timeout=(\d{1,9})s period=(\d{1,9})s #success=(\d{1,9}) #failure=(\d{1,9})")
_TIME_FIELDS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_SHELL_SCRIPT = re.compile(r"((?:\S*/)?(?:ba|da|a|z|k)?sh -[a-z]*c) (.+)", re.DOTALL)


def probe(node: Node) -> At | None:
    """Give a probe; None where its action is none that the API has."""
    action, _, rest = node.value.partition(" ")
    target, delay, times = rest.rpartition("delay=")
    read = _ACTIONS.get(action)
    if not read or not delay:
        return None
    match = _TIMES.fullmatch(delay + times.strip())
    numbers = dict(zip(_TIME_FIELDS, map(int, match.groups()), strict=True)) if match else {}
    return At({**read(target.strip()), **numbers}, node.line)


def _http(target: str) -> Tree:
    scheme, _, address = target.partition("//")
    place, slash, path = address.partition("/")
    found = {**_place(place), "path": unquote(slash + path), "scheme": scheme.rstrip(":").upper()}
    return {"httpGet": {key: value for key, value in found.items() if value != ""}}


def _tcp(target: str) -> Tree:
    return {"tcpSocket": _place(target)}


def _grpc(target: str) -> Tree:
    place, _, service = target.partition(" ")
    found = _place(place.replace("<pod>", ""))
    return {"grpc": {**found, "service": service.strip()} if service.strip() else found}


def _exec(target: str) -> Tree:
    return {"exec": {"command": command(target.removeprefix("[").removesuffix("]"))}}


def _place(printed: str) -> Tree:
    host, _, port = printed.rpartition(":")
    found: Tree = {"host": host.strip("[]")} if host else {}
    if port:
        found["port"] = int(port) if port.isascii() and port.isdigit() and len(port) < 6 else port
    return found


def command(printed: str) -> list[str]:
    """Give the words of a command that was printed without quotes; a shell's script stays one word."""
    match = _SHELL_SCRIPT.fullmatch(printed)
    return [*match[1].split(), match[2]] if match else printed.split()


_ACTIONS: dict[str, Callable[[str], Tree]] = {"http-get": _http, "tcp-socket": _tcp, "grpc": _grpc, "exec": _exec}
