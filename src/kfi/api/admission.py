"""
How many questions are answered at a time, and when an answer is given up.

A few run, some wait, the rest are refused at once: a caller who is told to come back is better off than one who waits
for a server that is out of breath.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from starlette.types import Receive

from kfi.errors import ServiceError

Result = TypeVar("Result")

# Each holds a snapshot and waits for one model, which answers one question after the other anyway.
_RUNNING = 4
_WAITING = 16


class Admission:
    """Lets questions in, and ends their answers when nobody waits for them any more."""

    def __init__(self, running: int = _RUNNING, waiting: int = _WAITING) -> None:
        self._turns = asyncio.Semaphore(running)
        self._places = waiting
        self._waiting = 0
        self._closing = asyncio.Event()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it.

        Raises:
            ServiceError: too many wait already.
        """
        if self._turns.locked() and self._waiting >= self._places:
            raise ServiceError(
                f"The server is busy: {self._waiting} questions wait already.", hint="Ask again in some seconds."
            )
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            self._turns.release()

    async def while_wanted(self, receive: Receive, work: Coroutine[Any, Any, Result]) -> Result | None:
        """Give what the work gives, or None where the caller left before; the work is cancelled then.

        Raises:
            ServiceError: the server stops; the work is cancelled.
        """
        working = asyncio.create_task(work)
        stopping = asyncio.create_task(self._closing.wait())
        tasks = (working, stopping, asyncio.create_task(_left(receive)))
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            if stopping.done():
                raise ServiceError("The server stops before the answer is whole.", hint="Ask again when it is back.")
            return None
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def close(self) -> None:
        """End every answer that is being made."""
        self._closing.set()


async def _left(receive: Receive) -> None:
    """Wait until the caller has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
