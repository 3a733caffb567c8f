"""
What the OpenAPI document says beyond what the routes' types say: the stream, the problems, the token, examples.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import TypeAdapter

from kfi.api import problems, streaming
from kfi.models.answer import AnswerEvent

DESCRIPTION = """\
Says what fails in a Kubernetes cluster and why, with the lines that prove it, from the evidence that `kfi ingest` read.
Every failure is told as `application/problem+json` (RFC 9457) with a `hint`: what to do."""

ASK_EXAMPLES: dict[str, Any] = {
    "question": {"summary": "A question", "value": {"question": "Why is pod cart-7d9 crashing in namespace orchard?"}},
    "narrowed": {
        "summary": "The last hour of one namespace, explained without a model",
        "value": {"question": "what broke checkout", "namespace": "orchard", "since": "1h", "force_model": "rules"},
    },
    "everything": {"summary": "Every independent incident, worst first", "value": {}},
}

ANALYZE_EXAMPLES: dict[str, Any] = {
    "two parts": {
        "summary": "A question of two parts",
        "value": {"question": "Why does cart crash in namespace orchard; and why is checkout slow?"},
    }
}

_EVENT_EXAMPLE = """\
event: plan
data: {"event":"plan","plan":{"question":"why does cart crash?"}}
id: 1

event: token
data: {"event":"token","text":"The container"}
id: 6

"""

_STREAM = {
    "schema": {
        "type": "string",
        "description": "Server-Sent Events in this order: plan, evidence, model, any number of reasoning and token, "
        "and at last answer or error. Where a model fails, model comes again; reasoning and token before it are void. "
        "`data` is the JSON of an AnswerEvent, `event` its tag, `id` counts from 1; comments keep the connection "
        "alive. Closing the connection ends the answer.",
    },
    "x-itemSchema": {
        "type": "object",
        "required": ["event", "data", "id"],
        "properties": {
            "event": {"enum": ["plan", "evidence", "model", "reasoning", "token", "answer", "error"]},
            "data": {
                "type": "string",
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": "#/components/schemas/AnswerEvent"},
            },
            "id": {"type": "string"},
        },
    },
    "example": _EVENT_EXAMPLE,
}

_WHEN = {
    400: "The body is no JSON, or asks for a model that is not configured.",
    401: "The bearer token is missing or wrong.",
    403: "The request comes from a page of another origin.",
    408: "The body did not arrive in time.",
    413: "The body is too long.",
    415: "The body is not said to be JSON.",
    421: "The Host header names another machine.",
    422: "A field is wrong.",
    500: "The server failed, or is configured wrongly.",
    502: "A model answered unusably.",
    503: "Too busy, stopping, or something that is needed does not answer.",
}

Responses = dict[int | str, dict[str, Any]]


def told(*statuses: int) -> Responses:
    """Give the description of the problems that a route may answer with."""
    body = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _WHEN[status], "content": body} for status in statuses}


def streamed() -> Responses:
    """Give the description of an answer that may be streamed."""
    return {HTTPStatus.OK.value: {"description": "The answer.", "content": {streaming.MEDIA_TYPE: _STREAM}}}


def operation_id(route: APIRoute) -> str:
    """Give the name that generated clients call a route by."""
    return route.name


class DescribedApi(FastAPI):
    """An app whose OpenAPI document is complete."""

    bearer = False
    """Whether callers need a token."""

    def openapi(self) -> dict[str, Any]:
        """Give the document."""
        if not self.openapi_schema:
            self.openapi_schema = self._described()
        return self.openapi_schema

    def _described(self) -> dict[str, Any]:
        document = get_openapi(title=self.title, version=self.version, description=self.description, routes=self.routes)
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        adapters: dict[str, TypeAdapter[Any]] = {
            "AnswerEvent": TypeAdapter(AnswerEvent),
            "Problem": TypeAdapter(problems.Problem),
        }
        for name, adapter in adapters.items():
            schema = adapter.json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
            for part, described in schema.pop("$defs", {}).items():
                schemas.setdefault(part, described)
            schemas[name] = schema
        if self.bearer:
            components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            document["security"] = [{"token": []}]
        return document
