"""
Where the server may listen, and how it begins and ends.
"""

from __future__ import annotations

import errno
import ipaddress
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from kfi.config import Settings
from kfi.errors import ConfigError, ServiceError

_BACKLOG = 128
# Seconds that answers have to end by themselves before they are cut.
_GRACE_S = 3


def listen(settings: Settings) -> socket.socket:
    """Give a socket that listens where the settings say.

    Raises:
        ConfigError: the address is not of this machine, or is open to others and no token is set.
        ServiceError: the port cannot be had.
    """
    host, port = settings.host, settings.port
    if not settings.api_token.get_secret_value() and not _is_loopback(host):
        raise ConfigError(
            f"Listening on {host!r} lets others ask, and no token is set.",
            hint="Set KFI_API_TOKEN to a long random text, or listen on 127.0.0.1.",
        )
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        # `localhost` often is two addresses: the one that every client tries.
        family, _, _, _, address = min(found, key=_by_family)
        return socket.create_server(address, family=family, backlog=_BACKLOG)
    except (OSError, UnicodeError) as error:
        raise _unheard(host, port, error) from error


def url_of(listening: socket.socket) -> str:
    """Give the address to ask: `http://127.0.0.1:8484`."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: FastAPI, listening: socket.socket, ready: Callable[[], None], stop: Callable[[], None]) -> None:
    """Serve until a signal comes; then `stop` is called, and what still runs is cut after some seconds."""
    config = uvicorn.Config(
        app,
        # Whoever runs kfi as a library has logging of its own.
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=_GRACE_S,
    )
    with _signals_end_quietly():
        _Server(config, ready, stop).run(sockets=[listening])


class _Server(uvicorn.Server):
    """Says when it listens, and when it is about to stop."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._stop()
        await super().shutdown(sockets)


@contextmanager
def _signals_end_quietly() -> Iterator[None]:
    """Have the signals that stopped the server do nothing more, so that its owner can close what it opened.

    uvicorn raises them again once it has stopped, for whoever listened before it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, _heard) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, listener in before.items():
            signal.signal(number, listener)


def _heard(_number: int, _frame: object) -> None:
    """Do nothing: the server has stopped."""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _by_family(found: tuple[socket.AddressFamily, object, object, object, object]) -> int:
    return 0 if found[0] == socket.AF_INET else 1


def _unheard(host: str, port: int, error: OSError | UnicodeError) -> ConfigError | ServiceError:
    other = "Name another one with --port or KFI_PORT; 0 takes a free one."
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return ServiceError(f"Port {port} of {host!r} is taken.", hint=other)
    if code in (errno.EACCES, errno.EPERM):
        return ServiceError(f"Port {port} of {host!r} is not for this user.", hint=other)
    return ConfigError(
        f"{host!r} is no address of this machine.", hint="Set --host or KFI_HOST to one, 127.0.0.1 for example."
    )
