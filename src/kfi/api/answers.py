"""
What the HTTP face needs of a copilot, and nothing else of it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from kfi.errors import ServiceError
from kfi.models.answer import AnswerEvent, Failed, Finished, Part, QueryAnalysis
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis


class Answers(Protocol):
    """Answers questions about the evidence it has."""

    def answer(self, request: DiagnoseRequest) -> AsyncIterator[AnswerEvent]:
        """Yield the answer while it is made; the last event is `Finished` or `Failed`.

        An async generator; closing it ends everything that was begun for it.

        Raises:
            KfiError: no answer can be given.
        """
        ...

    def analyze(self, question: str) -> QueryAnalysis:
        """Say what a question was understood as. May block."""
        ...

    def readiness(self) -> tuple[Part, ...]:
        """Give every part that answers depend on, and how it stands. May block."""
        ...

    def warm_up(self) -> None:
        """Load what the first question would wait for. May block for long."""
        ...


@asynccontextmanager
async def closing(events: AsyncIterator[AnswerEvent]) -> AsyncIterator[AsyncIterator[AnswerEvent]]:
    """Give the events and close their generator afterwards, whatever happened."""
    try:
        yield events
    finally:
        if isinstance(events, AsyncGenerator):
            await events.aclose()


async def finished(events: AsyncIterator[AnswerEvent]) -> FailureDiagnosis:
    """Give the whole answer of a stream of events.

    Raises:
        KfiError: no answer can be given.
    """
    async with closing(events):
        async for event in events:
            if isinstance(event, Finished):
                return event.diagnosis
            if isinstance(event, Failed):
                raise ServiceError(event.message, event.hint)
    raise RuntimeError("The events of an answer ended without an answer.")
