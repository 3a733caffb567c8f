"""
Where the model server is, what it speaks, and which models it has.

It speaks Ollama's protocol or OpenAI's, as the setting that names it says. Asking for its models costs one short
request and never raises: a model server that is off is the usual case, not a failure.
"""

from __future__ import annotations

import json
import ssl
import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from kfi.config import Settings
from kfi.errors import ConfigError, KfiError, ServiceError

# Seconds. Someone waits for an answer that the rules can give without any model; but a machine that runs a model on its
# own processors may take a second to say which it has.
_TIMEOUT_S = 3.0
# Each model takes about 400 bytes of the list.
_MAX_LIST_BYTES = 1024 * 1024
_MAX_NAME = 200
_NO_KEY = SecretStr("")


class Dialect(StrEnum):
    """What a model server speaks."""

    OLLAMA = "ollama"
    OPENAI = "openai"
    """`/chat/completions`: vLLM, llama.cpp's server, LM Studio, hosted services."""


@dataclass(frozen=True)
class Installed:
    """The models that can be asked."""

    names: frozenset[str]
    """Each as the server names it, and those tagged `latest` without the tag too, as people write them."""
    problem: str = ""
    """Why there are none, and what to do; empty where there are some."""


@dataclass(frozen=True)
class Server:
    """A model server."""

    url: str
    """Without the user, so it can be shown."""
    user: tuple[str, str] | None = None
    """User and password, where the setting has them."""
    dialect: Dialect = Dialect.OLLAMA
    key: SecretStr = _NO_KEY
    """Bearer token, where the server wants one."""

    def __str__(self) -> str:
        return f"{'Ollama' if self.dialect is Dialect.OLLAMA else 'The model server'} at {self.url!r}"

    @property
    def tls(self) -> ssl.SSLContext | bool:
        """How to check its certificate; a plain server needs none, and loading the authorities takes 20 ms."""
        return self.url.startswith("https:") or ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)

    @property
    def start(self) -> str:
        """What to do where it does not answer."""
        if self.dialect is Dialect.OLLAMA:
            return "Start it with 'ollama serve'."
        return "Start it, or set KFI_LLM_URL to a running one (empty: Ollama)."

    def get(self, model: str) -> str:
        """Say what to do where it does not have a model."""
        if self.dialect is Dialect.OLLAMA:
            return f"Get it with 'ollama pull {model}'."
        return "Set KFI_SIMPLE_MODEL and KFI_COMPLEX_MODEL to models that it serves; 'kfi doctor' lists them."

    def headers(self) -> dict[str, str]:
        """Give the headers that let a request in."""
        key = self.key.get_secret_value()
        return {"authorization": f"Bearer {key}"} if key else {}


def installed_models(settings: Settings) -> Installed:
    """List the models of the server in the settings; without any, say why."""
    try:
        server = server_of(settings)
        return Installed(_names(_list(server), server, settings.simple_model))
    except KfiError as error:
        return Installed(frozenset(), f"{error.message} {error.hint}".strip())


def server_of(settings: Settings) -> Server:
    """Read where the model server is: the OpenAI-compatible one where it is set, else Ollama.

    Raises:
        ConfigError: none is set, or what is set is no address.
    """
    if not settings.llm_url.strip():
        return ollama_of(settings)
    key = settings.llm_api_key.get_secret_value()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError(
            "The setting 'llm_api_key' holds characters that no header can carry.",
            hint="Set KFI_LLM_API_KEY again, without a line break.",
        )
    url, user = _place("llm_url", settings.llm_url, "http://127.0.0.1:8000/v1")
    return Server(url, user, Dialect.OPENAI, settings.llm_api_key)


def ollama_of(settings: Settings) -> Server:
    """Read where Ollama is, whether or not it is the one that is asked.

    Raises:
        ConfigError: it is not set, or what is set is no address.
    """
    if not settings.ollama_url.strip():
        raise ConfigError("No model server is set.", hint="Set KFI_OLLAMA_URL or KFI_LLM_URL to ask models.")
    return Server(*_place("ollama_url", settings.ollama_url, "http://127.0.0.1:11434"))


def _place(setting: str, text: str, example: str) -> tuple[str, tuple[str, str] | None]:
    """Give an address without its user, and the user."""
    text = text.strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port = "", None
    if not host or parts.scheme not in ("http", "https") or not text.isprintable():
        # The setting may hold a password, so it is not shown.
        raise ConfigError(
            f"The setting {setting!r} is no http or https address.",
            hint=f"Set KFI_{setting.upper()} to one like {example}.",
        )
    place = f"[{host}]" if ":" in host else host
    user = (unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return f"{parts.scheme}://{place}{f':{port}' if port else ''}{parts.path.rstrip('/')}", user


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

    path = "/api/tags" if server.dialect is Dialect.OLLAMA else "/models"
    try:
        with (
            httpx.Client(trust_env=False, timeout=_TIMEOUT_S, verify=server.tls) as client,
            client.stream("GET", server.url + path, auth=server.user, headers=server.headers()) as response,
        ):
            if response.status_code != 200:
                raise _unlike(server, f"with status {response.status_code}", response.status_code)
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
    listed, name = ("models", "name") if server.dialect is Dialect.OLLAMA else ("data", "id")
    try:
        said = json.loads(body)
        names = {str(model[name]) for model in said[listed]}
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _unlike(server, "with something else than a list of models") from error
    names = {name for name in names if name.isprintable() and 0 < len(name) <= _MAX_NAME}
    if not names:
        get = f"Get one with 'ollama pull {wanted}'." if server.dialect is Dialect.OLLAMA else "Let it serve one."
        raise ServiceError(f"{server} has no model.", hint=get)
    return frozenset(names | {name.removesuffix(":latest") for name in names})


def _silent(server: Server, what: str) -> ServiceError:
    return ServiceError(f"{server} {what}.", hint=server.start)


def _unlike(server: Server, how: str, status: int = 0) -> ServiceError:
    if server.dialect is Dialect.OLLAMA:
        return ServiceError(
            f"The server at {server.url!r} answers {how}, which Ollama does not.",
            hint="Set KFI_OLLAMA_URL to Ollama, started with 'ollama serve'.",
        )
    if status in (401, 403):
        return ServiceError(f"{server} refuses.", hint="Set KFI_LLM_API_KEY to a key of that server.")
    return ServiceError(
        f"{server} answers {how}.", hint="KFI_LLM_URL goes up to and including '/v1' of an OpenAI-compatible server."
    )
