"""
Who may ask at all: checked before anything of a request is read.

Without a token the server trusts the machine it runs on, and nothing else: a web page must not reach it by a name that
was made to point here (DNS rebinding), nor from another origin. With a token, only callers who send it are heard.
"""

from __future__ import annotations

import asyncio
import hmac
import re
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kfi.api.problems import Refused, problem, quoted

MAX_BODY_BYTES = 64 * 1024
# Seconds that a caller has to send a body of that length.
_BODY_S = 10.0

_LOOPBACK = re.compile(r"(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?", re.IGNORECASE)
_JSON = re.compile(r"application/(?:[\w.+-]+\+)?json\s*(?:;.*)?", re.IGNORECASE)
_DEFAULT_PORT = {"http": ":80", "https": ":443"}
_PROBES = frozenset({"/livez", "/readyz"})


class Guard:
    """Refuses requests that come from elsewhere, from nobody known, or in a form that nothing here takes."""

    def __init__(self, app: ASGIApp, token: str = "", body_s: float = _BODY_S) -> None:
        self._app = app
        self._token = token.encode()
        self._body_s = body_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._stranger(headers) or self._unknown(scope, headers) or _wrong_form(scope, headers)
        if refusal:
            await refusal(scope, receive, send)
        else:
            await self._app(scope, _bounded(receive, self._body_s), send)

    def _stranger(self, headers: Headers) -> Response | None:
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self._token and not _LOOPBACK.fullmatch(host):
            said = f"The host {quoted(host)} is not this machine."
            return problem(421, said, "Ask http://127.0.0.1 or http://localhost; other names need KFI_API_TOKEN.")
        if origin is not None and not _same_place(origin, host):
            said = f"Pages of {quoted(origin)} may not ask this server."
            return problem(403, said, "Ask from outside of a browser, or from the server's own address.")
        return None

    def _unknown(self, scope: Scope, headers: Headers) -> Response | None:
        if not self._token or _is_probe(scope):
            return None
        sent = headers.get("authorization", "")
        scheme, _, token = sent.partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode("latin-1"), self._token):
            return None
        said = "The bearer token is wrong." if sent else "The bearer token is missing."
        asks = {"WWW-Authenticate": 'Bearer realm="kfi"'}
        return problem(401, said, "Send 'Authorization: Bearer TOKEN' with the server's KFI_API_TOKEN.", asks)


def _is_probe(scope: Scope) -> bool:
    """Tell whether a kubelet, which has no token, may ask this; the details are not for it."""
    return scope["path"] in _PROBES and "verbose" not in QueryParams(scope["query_string"])


def _same_place(origin: str, host: str) -> bool:
    """Tell whether an origin is the host itself; browsers leave the port out where it is the scheme's own."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    port = _DEFAULT_PORT.get(parts.scheme)
    return port is not None and parts.netloc.lower().removesuffix(port) == host.lower().removesuffix(port)


def _wrong_form(scope: Scope, headers: Headers) -> Response | None:
    if scope["method"] != "POST":
        return None
    kind = headers.get("content-type", "")
    if not _JSON.fullmatch(kind):
        said = f"The body's type is {quoted(kind)}." if kind else "The body's type is not said."
        return problem(415, said, "Send JSON, with 'Content-Type: application/json'.")
    length = headers.get("content-length", "0")
    return _too_long() if not length.isdecimal() or int(length[:19]) > MAX_BODY_BYTES else None


def _too_long() -> Response:
    error = _TooLong()
    return problem(error.status_code, error.detail, error.hint)


class _TooLong(Refused):
    """The body is longer than any question."""

    def __init__(self) -> None:
        said = f"The body is longer than {MAX_BODY_BYTES} bytes."
        hint = "Send a question only; evidence is read with 'kfi ingest'."
        super().__init__(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, said, hint)


class _TooSlow(Refused):
    """The body does not come to its end."""

    def __init__(self, body_s: float) -> None:
        said = f"The body did not arrive within {body_s:g} s."
        super().__init__(HTTPStatus.REQUEST_TIMEOUT, said, "Send it again.", {"Connection": "close"})


def _bounded(receive: Receive, body_s: float) -> Receive:
    """Give a receiver that stops where a body without a length, or with a wrong one, gets too long or never ends."""
    read, whole = 0, False
    until = asyncio.get_running_loop().time() + body_s

    async def bounded() -> Message:
        nonlocal read, whole
        try:
            # Once it is whole, the next message is that the caller left: that may take as long as the answer.
            async with asyncio.timeout_at(None if whole else until):
                message = await receive()
        except TimeoutError:
            raise _TooSlow(body_s) from None
        whole = not message.get("more_body", False)
        read += len(message.get("body", b""))
        if read > MAX_BODY_BYTES:
            raise _TooLong
        return message

    return bounded
