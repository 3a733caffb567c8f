"""
How a model's answer comes in: only from the server that is set, unpacked, never more than was agreed; or why not.

The client libraries read lines of any length, follow what the environment says, and send its key; here all three end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import ollama

from kfi.chains.ollama import Server
from kfi.chains.prompts import one_line
from kfi.errors import AnswerError, KfiError, ServiceError

FOREIGN = (
    ollama.ResponseError,
    httpx.HTTPError,
    httpx.StreamError,
    httpx.InvalidURL,
    OSError,
    # What the libraries raise for lines that are no JSON, or JSON of another shape, or deep as a well.
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RuntimeError,
)
"""What asking a model may raise."""

# One request at a time, and its connection ends with it: cancelling the answer must stop the model.
_LIMITS = httpx.Limits(max_connections=1, max_keepalive_connections=0)


class OllamaTransport(httpx.AsyncBaseTransport):
    """Carries the requests of one answer. Closing it closes the connection."""

    def __init__(self, server: Server, max_bytes: int) -> None:
        self._server = server
        self._max_bytes = max_bytes
        self._inner = httpx.AsyncHTTPTransport(verify=server.tls, trust_env=False, limits=_LIMITS)
        self._closed = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, with the user of the setting and nobody else's key."""
        request.headers.pop("authorization", None)
        request.headers["accept-encoding"] = "identity"
        if self._server.user:
            (request,) = httpx.BasicAuth(*self._server.user).auth_flow(request)
        response = await self._inner.handle_async_request(request)
        stream = response.stream
        if "content-encoding" in response.headers or not isinstance(stream, httpx.AsyncByteStream):
            await response.aclose()
            raise AnswerError(f"Ollama at {self._server.url!r} packed its answer, which was not asked for.")
        response.stream = _Bounded(stream, self._max_bytes, self._closed)
        return response

    async def aclose(self) -> None:
        """Let go of the connection."""
        self._closed.set()
        await self._inner.aclose()


class _Bounded(httpx.AsyncByteStream):
    """A body that ends in an error once it is longer than agreed."""

    def __init__(self, stream: httpx.AsyncByteStream, max_bytes: int, closed: asyncio.Event) -> None:
        self._stream = stream
        self._left = max_bytes
        self._closed = closed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            self._left -= len(piece)
            if self._left < 0:
                raise AnswerError("The model did not stop writing.")
            yield piece

    async def aclose(self) -> None:
        # The client libraries leave their generators to the garbage collector, which may close them while the event
        # loop ends; nothing may be left to wait for then.
        if not self._closed.is_set():
            await self._stream.aclose()


def cannot_think(error: Exception) -> bool:
    """Tell whether a model refused because it has no reasoning to show; it can be asked without."""
    return isinstance(error, ollama.ResponseError) and "does not support thinking" in error.error


def failure(error: Exception, server: Server, model: str, timeout_s: float) -> KfiError:
    """Put into words why a model gave no answer."""
    place = f"Ollama at {server.url!r}"
    match error:
        case ollama.ResponseError(status_code=404):
            return ServiceError(f"{place} has no model {model!r}.", hint=f"Get it with 'ollama pull {model}'.")
        case ollama.ResponseError():
            said = one_line(error.error, 200) or f"status {error.status_code}"
            return ServiceError(f"{place} could not run {model!r}: {said!r}.")
        case httpx.ConnectError() | httpx.ConnectTimeout() | ConnectionError():
            return ServiceError(f"{place} does not answer.", hint="Start it with 'ollama serve'.")
        case TimeoutError() | httpx.TimeoutException():
            return ServiceError(f"{model!r} did not answer in full within {timeout_s:g} s (model_timeout_s).")
        case httpx.HTTPError() | httpx.StreamError() | OSError():
            return ServiceError(f"The connection to {model!r} broke off in the middle of its answer.")
        case _:
            return AnswerError(f"The answer of {model!r} from {server.url!r} cannot be read ({type(error).__name__}).")
