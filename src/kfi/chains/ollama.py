"""
Where Ollama is, and which models it has.

Asking costs one short request and never raises: a model server that is off is the usual case, not a failure.
"""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from kfi.config import Settings
from kfi.errors import ConfigError, KfiError, ServiceError

# Seconds. Someone waits for an answer that the rules can give without any model.
_TIMEOUT_S = 1.0
# Each model takes about 400 bytes of the list.
_MAX_LIST_BYTES = 1024 * 1024
_MAX_NAME = 200


@dataclass(frozen=True)
class Installed:
    """The models that can be asked."""

    names: frozenset[str]
    """Each as Ollama names it, and those tagged `latest` without the tag too, as people write them."""
    problem: str = ""
    """Why there are none, and what to do; empty where there are some."""


@dataclass(frozen=True)
class Server:
    """An Ollama server."""

    url: str
    """Without the user, so it can be shown."""
    user: tuple[str, str] | None = None
    """User and password, where the setting has them."""

    @property
    def tls(self) -> ssl.SSLContext | bool:
        """How to check its certificate; a plain server needs none, and loading the authorities takes 20 ms."""
        return self.url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def installed_models(settings: Settings) -> Installed:
    """List the models of the server in the settings; without any, say why."""
    try:
        server = server_of(settings)
        return Installed(_names(_list(server), server, settings.simple_model))
    except KfiError as error:
        return Installed(frozenset(), f"{error.message} {error.hint}".strip())


def server_of(settings: Settings) -> Server:
    """Read where the model server is.

    Raises:
        ConfigError: none is set, or what is set is no address.
    """
    text = settings.ollama_url.strip()
    if not text:
        raise ConfigError("No model server is set.", hint="Set KFI_OLLAMA_URL to ask models.")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.scheme not in ("http", "https") or not text.isprintable():
        # The setting may hold a password, so it is not shown.
        raise ConfigError(
            "The setting 'ollama_url' is no http or https address.",
            hint="Set KFI_OLLAMA_URL to one like http://127.0.0.1:11434.",
        )
    place = f"[{host}]" if ":" in host else host
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return Server(f"{parts.scheme}://{place}{f':{port}' if port else ''}{parts.path.rstrip('/')}", user)


def same_model(one: str, other: str) -> bool:
    """Tell whether two names mean one model.

    >>> same_model("llama3.1", "llama3.1:latest")
    True
    """
    return _tagged(one) == _tagged(other)


def _tagged(name: str) -> str:
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"


def _list(server: Server) -> bytes:
    # Importing it takes a tenth of a second, which most answers need not spend.
    import httpx

    try:
        with (
            httpx.Client(trust_env=False, timeout=_TIMEOUT_S, verify=server.tls) as client,
            client.stream("GET", f"{server.url}/api/tags", auth=server.user) as response,
        ):
            if response.status_code != 200:
                raise _unlike(server, f"with status {response.status_code}")
            return _bounded(response, server)
    except httpx.TimeoutException as error:
        raise _silent(server, f"did not answer within {_TIMEOUT_S:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise _silent(server, "does not answer") from error


def _bounded(response: Any, server: Server) -> bytes:
    body, deadline = bytearray(), time.monotonic() + _TIMEOUT_S
    for piece in response.iter_bytes():
        body += piece
        if len(body) > _MAX_LIST_BYTES:
            raise _unlike(server, f"with more than {_MAX_LIST_BYTES // 1024} KiB")
        # The client's own limit is for each read, so a trickle would never meet it.
        if time.monotonic() > deadline:
            raise _silent(server, f"did not answer within {_TIMEOUT_S:g} s")
    return bytes(body)


def _names(body: bytes, server: Server, wanted: str) -> frozenset[str]:
    try:
        said = json.loads(body)
        names = {str(model["name"]) for model in said["models"]}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unlike(server, "with something else than a list of models") from error
    names = {name for name in names if name.isprintable() and 0 < len(name) <= _MAX_NAME}
    if not names:
        raise ServiceError(f"Ollama at {server.url!r} has no model.", hint=f"Get one with 'ollama pull {wanted}'.")
    return frozenset(names | {name.removesuffix(":latest") for name in names})


def _silent(server: Server, what: str) -> ServiceError:
    return ServiceError(f"Ollama at {server.url!r} {what}.", hint="Start it with 'ollama serve'.")


def _unlike(server: Server, how: str) -> ServiceError:
    return ServiceError(
        f"The server at {server.url!r} answers {how}, which Ollama does not.",
        hint="Set KFI_OLLAMA_URL to Ollama, started with 'ollama serve'.",
    )
