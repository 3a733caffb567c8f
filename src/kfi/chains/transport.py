"""
How a model's answer comes in: only from the server that is set, unpacked, never more than was agreed.

The client libraries read lines of any length, follow what the environment says, and send its key; here all three end.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx

from kfi.chains.failures import Next, Refusal, Unanswered
from kfi.chains.servers import Server
from kfi.errors import AnswerError

FOREIGN = (
    Refusal,
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


class ModelTransport(httpx.AsyncBaseTransport):
    """Carries the requests of one answer. Closing it closes the connection."""

    def __init__(self, server: Server, max_bytes: int) -> None:
        self._server = server
        self._max_bytes = max_bytes
        self._inner = httpx.AsyncHTTPTransport(verify=server.tls, trust_env=False, limits=_LIMITS)
        self._closed = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, with the user or key of the settings and nobody else's."""
        request.headers.pop("authorization", None)
        request.headers.update({"accept-encoding": "identity", **self._server.headers()})
        if self._server.user:
            (request,) = httpx.BasicAuth(*self._server.user).auth_flow(request)
        response = await self._inner.handle_async_request(request)
        stream = response.stream
        if "content-encoding" in response.headers or not isinstance(stream, httpx.AsyncByteStream):
            await response.aclose()
            packed = AnswerError(f"{self._server} packed its answer, which was not asked for.")
            raise Unanswered(packed, Next.NOBODY)
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
                raise Unanswered(AnswerError("The model did not stop writing."), Next.OTHER)
            yield piece

    async def aclose(self) -> None:
        # The client libraries leave their generators to the garbage collector, which may close them while the event
        # loop ends; nothing may be left to wait for then.
        if not self._closed.is_set():
            await self._stream.aclose()
