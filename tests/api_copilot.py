"""
A scripted double of the copilot, for tests of the HTTP face: it yields what it was given and tells what it was asked.

`python -m tests.api_copilot` serves one whose answer never ends, for tests that stop a process.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator, Callable

from kfi.api.server import serve
from kfi.config import Settings
from kfi.models.answer import (
    AnswerEvent,
    EvidenceFound,
    Finished,
    ModelChosen,
    Part,
    PlanReady,
    QueryAnalysis,
    Thinking,
    Token,
)
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, ModelChoice, QueryPlan

PLAN = QueryPlan(question="why does cart crash?", sub_queries=("why does cart crash?",))
CHOICE = ModelChoice(model="llama3.1", reason="a simple question", complexity=0.3)
DIAGNOSIS = FailureDiagnosis(question="why does cart crash?", summary="cart runs out of memory.")
EVENTS: tuple[AnswerEvent, ...] = (
    PlanReady(plan=PLAN),
    EvidenceFound(summary="cart runs out of memory."),
    ModelChosen(choice=CHOICE),
    Thinking(text="It was killed.\nWhy?"),
    Token(text="It needs more memory [E1]."),
    Finished(diagnosis=DIAGNOSIS),
)
READY = Part(name="store", ready=True, detail="/var/lib/kfi: 12 documents")
ANALYSIS = QueryAnalysis(plan=PLAN, complexity=0.3, model_choice=CHOICE)

Step = AnswerEvent | Exception | threading.Event


class ScriptedCopilot:
    """Yields the events of a script, raises its exceptions, and waits for its `threading.Event`s."""

    def __init__(
        self,
        script: tuple[Step, ...] = EVENTS,
        parts: tuple[Part, ...] | Exception | threading.Event = (READY,),
        warm_up: Callable[[], object] = lambda: None,
    ) -> None:
        self._script = script
        self._parts = parts
        self._warm_up = warm_up
        self.asked: list[DiagnoseRequest | str] = []
        self.probed = 0
        self.running = 0
        self.closed = threading.Event()

    async def answer(self, request: DiagnoseRequest) -> AsyncIterator[AnswerEvent]:
        self.asked.append(request)
        self.running += 1
        try:
            for step in self._script:
                if isinstance(step, Exception):
                    raise step
                if isinstance(step, threading.Event):
                    await _set(step)
                else:
                    yield step
        finally:
            self.running -= 1
            self.closed.set()

    def analyze(self, question: str) -> QueryAnalysis:
        self.asked.append(question)
        return ANALYSIS

    def readiness(self) -> tuple[Part, ...]:
        self.probed += 1
        if isinstance(self._parts, Exception):
            raise self._parts
        if isinstance(self._parts, threading.Event):
            self._parts.wait()
            return ()
        return self._parts

    def warm_up(self) -> None:
        self._warm_up()


async def _set(event: threading.Event) -> None:
    """Wait for another thread without holding one of the loop's."""
    while not event.is_set():
        await asyncio.sleep(0.005)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    never = threading.Event()
    serve(ScriptedCopilot((EVENTS[0], never), warm_up=never.wait), Settings(port=0), ready=_say)
    _say("closed")
