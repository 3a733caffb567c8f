"""
How a refusal or a failure reads to a caller: RFC 9457, one sentence on what was wrong and one on what to do.

Nothing of the server's inside is told, and of what the caller sent never more than 200 characters, quoted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.responses import Response

from kfi.errors import AnswerError, ConfigError, KfiError, ServiceError, SourceError
from kfi.models.schemas import Value

MEDIA_TYPE = "application/problem+json"

_MOST_ECHOED = 200
_MOST_SAID = 400
_RETRY_AFTER_S = "5"
_DESCRIBED = "GET /openapi.json describes what this server takes."
_STATUS: tuple[tuple[type[KfiError], HTTPStatus], ...] = (
    (SourceError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ServiceError, HTTPStatus.SERVICE_UNAVAILABLE),
    (AnswerError, HTTPStatus.BAD_GATEWAY),
)


class Problem(Value):
    """Why a request has no answer."""

    type: str = "about:blank"
    title: str
    """The status in words."""
    status: int
    detail: str
    """What was wrong, in one sentence."""
    hint: str = ""
    """What to do about it."""


class Refused(HTTPException):
    """A request that is wrong whatever it asks."""

    def __init__(self, status: HTTPStatus, detail: str, hint: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.hint = hint


def problem(status: int, detail: str, hint: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """Give the response that says what is wrong."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, hint=hint)
    retry = {"Retry-After": _RETRY_AFTER_S} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}
    return Response(body.model_dump_json(), status, {**retry, **(headers or {})}, MEDIA_TYPE)


def quoted(text: str) -> str:
    r"""Give what a caller sent in quotes, cut, with every character escaped that is not plain.

    >>> quoted("cart" + chr(7))
    "'cart\\x07'"
    """
    shown = repr(text[: _MOST_ECHOED + 1])
    return shown if len(shown) <= _MOST_ECHOED else f"{shown[: _MOST_ECHOED - 2]} …"


def tell_problems(app: FastAPI) -> None:
    """Have every exception of an app become a problem."""
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(KfiError, _failed)
    app.add_exception_handler(AnyHTTPException, _refused)
    app.add_exception_handler(Exception, _unexpected)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, KfiError)
    return problem(_status(request, error), error.message, error.hint)


def _status(request: Request, error: KfiError) -> HTTPStatus:
    """Blame the request for a ConfigError that names the model it asked for, and the server for any other."""
    asked = getattr(request.state, "force_model", None)
    if isinstance(error, ConfigError) and asked is not None and repr(asked) in error.message:
        return HTTPStatus.BAD_REQUEST
    return next((status for kind, status in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, AnyHTTPException)
    if isinstance(error, Refused):
        return problem(error.status_code, error.detail, error.hint, error.headers)
    path = quoted(request.url.path)
    if error.status_code == HTTPStatus.NOT_FOUND:
        return problem(404, f"There is nothing at {path}.", _DESCRIBED)
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        allowed = (error.headers or {}).get("Allow", "")
        return problem(405, f"{quoted(request.method)} is not for {path}.", f"Use {allowed}.", error.headers)
    return problem(error.status_code, "The body cannot be read.", "Send JSON in UTF-8.", error.headers)


async def _unexpected(_request: Request, _error: Exception) -> Response:
    # Starlette raises the error again once this is sent, and the server logs it.
    return problem(500, "The server failed for a reason of its own.", "Its log says more.")


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    first: Mapping[str, Any] = error.errors()[0]
    place, *where = first["loc"]
    if first["type"] == "json_invalid":
        said = f"The body is no JSON: {first['ctx']['error'].lower()} at character {where[0]}."
        return problem(400, said, 'Send an object like {"question": "why does cart crash?"}.')
    return problem(422, _cut(_sentence(first, place, where)), _DESCRIBED)


def _sentence(error: Mapping[str, Any], place: str, where: Sequence[str | int]) -> str:
    kind, value = error["type"], error.get("input")
    what = "parameter" if place == "query" else "field"
    name = quoted(".".join(map(str, where)))
    if kind == "string_unicode" and not where:
        # It is the name of a field that is no text.
        return f"There is no {what} {_shown(value)}."
    if not where:
        return f"The {place} must be a JSON object, and is {'missing' if kind == 'missing' else _shown(value)}."
    if kind in ("extra_forbidden", "missing"):
        return f"There is no {what} {name}." if kind == "extra_forbidden" else f"The {what} {name} is missing."
    said = str(error["msg"])
    if kind == "value_error" and isinstance(value, str):
        # Our own sentence, which quotes the value.
        own = said.removeprefix("Value error, ").replace(repr(value), quoted(value))
        return f"The {what} {name} is wrong: {own}"
    return f"The {what} {name} is wrong: {said[:1].lower()}{said[1:]} (it is {_shown(value)})."


def _shown(value: object) -> str:
    """Name a JSON value; what is made of others is not written out, it may be deep."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return quoted(value) if isinstance(value, str) else json.dumps(value, default=str)[:_MOST_ECHOED]


def _cut(text: str) -> str:
    return text if len(text) <= _MOST_SAID else f"{text[: _MOST_SAID - 2]} …"
