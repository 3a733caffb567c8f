"""
How tests wait: for a condition, and so long that only what hangs is given up.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")

PATIENCE_S = 240
"""Less than a test's own limit in pyproject.toml, so that a failure says what was waited for."""


def wait_until(holds: Callable[[], object], what: str = "what was waited for") -> None:
    """Wait for another thread or process."""
    give_up = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < give_up, f"{what} did not come within {PATIENCE_S} s"
        time.sleep(0.01)


class Hurried(asyncio.SelectorEventLoop):
    """An event loop whose clock can be put forward."""

    ahead_s = 0.0

    def time(self) -> float:
        """Give the time as the loop has it."""
        return super().time() + self.ahead_s


def hurried(work: Callable[[], Coroutine[Any, Any, Result]], seconds: float, once: Callable[[], object]) -> Result:
    """Give what a coroutine gives, for which so many seconds pass at once as soon as something holds.

    So a limit of minutes is met in no time, and never before what is to be late has begun.
    """
    loop = Hurried()

    async def put_forward() -> None:
        while not once():
            await asyncio.sleep(0.01)
        loop.ahead_s = seconds

    async def both() -> Result:
        passing = asyncio.create_task(put_forward())
        try:
            return await work()
        finally:
            passing.cancel()
            with suppress(asyncio.CancelledError):
                await passing

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(both())
