"""
Whether questions can be answered now, asked so that asking often costs nothing and never hangs.
"""

from __future__ import annotations

import asyncio
from threading import Thread
from typing import Literal

from kfi.api.answers import Answers
from kfi.errors import KfiError
from kfi.models.answer import Part
from kfi.models.schemas import Value

# Seconds. A kubelet's probe gives up sooner or later than this, but never learns why.
_PATIENCE_S = 5.0


class Readiness(Value):
    """Whether questions can be answered, and what stands in the way."""

    api_version: Literal["kfi/v1"] = "kfi/v1"
    kind: Literal["Readiness"] = "Readiness"
    ready: bool
    status: Literal["ready", "warming up", "not ready"]
    parts: tuple[Part, ...] = ()
    """Names of what is not ready; with `verbose` every part, and all about it."""


class Lookout:
    """Warms a copilot up in the background and knows how its parts stand."""

    def __init__(self, copilot: Answers, patience_s: float = _PATIENCE_S) -> None:
        self._copilot = copilot
        self._patience_s = patience_s
        # A daemon: loading weights must not keep a server from stopping.
        self._warming = Thread(target=self._warm_up, name="kfi-warm-up", daemon=True)
        self._problem: KfiError | None = None
        self._asking: asyncio.Task[tuple[Part, ...]] | None = None

    def start(self) -> None:
        """Begin to warm up."""
        self._warming.start()

    async def report(self, verbose: bool) -> Readiness:
        """Say how everything stands, without details unless they are asked for."""
        if self._warming.is_alive():
            warming = Part(name="warm-up", ready=False, detail="models and indexes are being loaded")
            return Readiness(ready=False, status="warming up", parts=(warming,))
        parts = (*await self._parts(), *self._cold())
        ready = all(part.ready for part in parts if part.needed)
        if not verbose:
            parts = tuple(Part(name=p.name, ready=False, detail="", needed=p.needed) for p in parts if not p.ready)
        return Readiness(ready=ready, status="ready" if ready else "not ready", parts=parts)

    def _warm_up(self) -> None:
        try:
            self._copilot.warm_up()
        except KfiError as error:
            self._problem = error

    def _cold(self) -> tuple[Part, ...]:
        """Give the warm-up where it failed: the first question will wait, or say the same."""
        if not self._problem:
            return ()
        said, mend = self._problem.message, self._problem.hint
        return (Part(name="warm-up", ready=False, detail=said, needed=False, mend=mend),)

    async def _parts(self) -> tuple[Part, ...]:
        """Ask the parts once for everybody who wants to know now: each question may take a thread for seconds."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(asyncio.to_thread(self._copilot.readiness))
        try:
            return await asyncio.wait_for(asyncio.shield(self._asking), self._patience_s)
        except TimeoutError:
            return (Part(name="parts", ready=False, detail=f"did not answer within {self._patience_s:g} s"),)
        except KfiError as error:
            return (Part(name="parts", ready=False, detail=error.message, mend=error.hint),)
