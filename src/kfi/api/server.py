"""
The HTTP face: which path answers what, and in which form.

It holds no logic of its own: a question goes to the copilot, and its events come back as one JSON document or as a
stream of Server-Sent Events, whichever the caller prefers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Literal

from fastapi import APIRouter, Body, Header, Query, Request, Response
from pydantic import AliasChoices, Field
from starlette.types import ASGIApp

from kfi import __version__
from kfi.api import listening, streaming
from kfi.api.admission import Admission
from kfi.api.answers import Answers, finished
from kfi.api.guards import Guard
from kfi.api.openapi import (
    ANALYZE_EXAMPLES,
    ASK_EXAMPLES,
    DESCRIPTION,
    DescribedApi,
    Responses,
    operation_id,
    streamed,
    told,
)
from kfi.api.problems import tell_problems
from kfi.api.readiness import Lookout, Readiness
from kfi.config import Settings
from kfi.models.answer import QueryAnalysis
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, Value

_REFUSALS = (400, 401, 403, 408, 413, 415, 421, 422, 500)
# nginx's: the caller left. Nobody reads it.
_CALLER_LEFT = 499


class AnalyzeRequest(Value):
    """A question to take apart."""

    question: str = Field(min_length=1, max_length=8000, validation_alias=AliasChoices("question", "query"))
    """In plain words."""


class Version(Value):
    """Which kfi this is."""

    api_version: Literal["kfi/v1"] = "kfi/v1"
    kind: Literal["Version"] = "Version"
    version: str = __version__


class Alive(Value):
    """That the server answers."""

    status: Literal["alive"] = "alive"


def serve(copilot: Answers, settings: Settings, ready: Callable[[str], None] | None = None) -> None:
    """Answer over HTTP until SIGTERM or SIGINT; `ready` is told the address once it listens.

    Raises:
        ConfigError: the address is not of this machine, or is open to others and no token is set.
        ServiceError: the port cannot be had.
    """
    admission = Admission()
    with listening.listen(settings) as listener:
        url = listening.url_of(listener)

        def announce() -> None:
            if ready:
                ready(url)

        listening.run(create_app(copilot, settings, admission), listener, announce, admission.close)


def create_app(copilot: Answers, settings: Settings, admission: Admission | None = None) -> DescribedApi:
    """Give the app that answers with a copilot; it warms the copilot up when it starts."""
    lookout = Lookout(copilot)

    @asynccontextmanager
    async def lifespan(_app: ASGIApp) -> AsyncIterator[None]:
        lookout.start()
        yield

    app = DescribedApi(
        title="Kubernetes Failure Intelligence Copilot",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        generate_unique_id_function=operation_id,
        redirect_slashes=False,
        # Both pages load scripts from other servers.
        docs_url=None,
        redoc_url=None,
    )
    token = settings.api_token.get_secret_value()
    app.bearer = bool(token)
    app.add_middleware(Guard, token=token)
    tell_problems(app)
    app.include_router(_questions(copilot, admission or Admission()))
    app.include_router(_probes(lookout))
    return app


def _questions(copilot: Answers, admission: Admission) -> APIRouter:
    router = APIRouter(tags=["questions"])

    @router.post("/diagnose", response_model=FailureDiagnosis, responses=streamed() | told(*_REFUSALS, 502, 503))
    async def diagnose(
        request: Request,
        asked: Annotated[DiagnoseRequest, Body(openapi_examples=ASK_EXAMPLES)],
        stream: Annotated[
            bool | None, Query(description="Whether to stream; without it, the Accept header says.")
        ] = None,
        accept: Annotated[str, Header(include_in_schema=False)] = "",
    ) -> Response:
        """Say what fails and why, with the lines that prove it."""
        request.state.force_model = asked.force_model
        events = copilot.answer(asked)
        if stream or (stream is None and prefers_stream(accept)):
            return streaming.AnswerStream(events, admission)

        async def whole() -> FailureDiagnosis:
            async with admission.turn():
                return await finished(events)

        diagnosis = await admission.while_wanted(request.receive, whole())
        if diagnosis is None:
            return Response(status_code=_CALLER_LEFT)
        return Response(diagnosis.model_dump_json(), media_type="application/json")

    @router.post("/query-analysis", responses=told(*_REFUSALS, 503))
    def query_analysis(asked: Annotated[AnalyzeRequest, Body(openapi_examples=ANALYZE_EXAMPLES)]) -> QueryAnalysis:
        """Say what a question is understood as, and which model would explain its answer."""
        return copilot.analyze(asked.question)

    return router


def _probes(lookout: Lookout) -> APIRouter:
    router = APIRouter(tags=["probes"])

    @router.get("/livez", responses=told(421))
    async def livez() -> Alive:
        """Say that the server answers, whatever stands behind it."""
        return Alive()

    not_ready: Responses = {503: {"model": Readiness, "description": "Questions cannot be answered now."}}

    @router.get("/readyz", responses=told(401, 421, 422) | not_ready)
    async def readyz(
        response: Response,
        verbose: Annotated[str | None, Query(description="Every part, with details; needs the token.")] = None,
    ) -> Readiness:
        """Say whether questions can be answered now, and what stands in the way."""
        readiness = await lookout.report(verbose is not None)
        response.status_code = 200 if readiness.ready else 503
        return readiness

    @router.get("/version", responses=told(401, 421))
    async def version() -> Version:
        """Say which kfi this is."""
        return Version()

    return router


def prefers_stream(accept: str) -> bool:
    """Tell whether an Accept header asks for events rather than for JSON.

    >>> prefers_stream("text/event-stream"), prefers_stream("application/json, text/event-stream")
    (True, False)
    """
    weights = {"text/event-stream": 0.0, "application/json": 0.0}
    for choice in accept.lower().split(","):
        kind, *settings = (part.strip() for part in choice.split(";"))
        if kind in weights:
            weights[kind] = _weight(settings)
    return weights["text/event-stream"] > weights["application/json"]


def _weight(settings: list[str]) -> float:
    for setting in settings:
        name, _, value = setting.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0
