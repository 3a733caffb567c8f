"""
An answer as Server-Sent Events, each sent when it happens.

The response begins with the first event, so whatever fails before is told with a status of its own; what fails later
is the last event. Closing the connection ends the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from kfi.api.admission import Admission
from kfi.api.answers import closing
from kfi.errors import KfiError
from kfi.models.answer import AnswerEvent, Failed, Finished

MEDIA_TYPE = "text/event-stream"

# Seconds. Proxies close connections that are silent for 30 to 60.
_KEEP_ALIVE_S = 15.0
# Seconds that a caller may leave its buffers full, before its turn goes to somebody who reads.
_STALLED_S = 60.0


class AnswerStream(Response):
    """Sends the events of an answer as they come."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        events: AsyncIterator[AnswerEvent],
        admission: Admission,
        keep_alive_s: float = _KEEP_ALIVE_S,
        stalled_s: float = _STALLED_S,
    ) -> None:
        super().__init__(headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"})
        # Its end is known only when it is there.
        del self.headers["content-length"]
        self._events = events
        self._admission = admission
        self._keep_alive_s = keep_alive_s
        self._stalled_s = stalled_s
        self._sent = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer.

        Raises:
            KfiError: there is no answer, and nothing was sent yet.
        """
        sending = _patient(send, self._stalled_s)
        try:
            await self._admission.while_wanted(receive, self._tell(sending))
        except ClientDisconnect:
            return
        except Exception as error:
            if not self._sent:
                raise
            await self._last(sending, error)
            if not isinstance(error, KfiError):
                raise

    async def _tell(self, send: Send) -> None:
        async with self._admission.turn(), closing(self._events) as events:
            last = await anext(events)
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await self._frame(send, last)
            async with _kept_alive(send, self._keep_alive_s):
                async for last in events:
                    await self._frame(send, last)
            if not isinstance(last, Finished | Failed):
                raise RuntimeError("The events of an answer ended without an answer.")
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _frame(self, send: Send, event: AnswerEvent) -> None:
        self._sent += 1
        frame = format_sse_event(event=event.event, data_str=event.model_dump_json(), id=str(self._sent))
        await send({"type": "http.response.body", "body": frame, "more_body": True})

    async def _last(self, send: Send, error: Exception) -> None:
        """Say in the stream why it ends here, unless nobody takes it."""
        own = Failed(message="The server failed for a reason of its own.", hint="Its log says more.")
        failed = Failed(message=error.message, hint=error.hint) if isinstance(error, KfiError) else own
        try:
            await self._frame(send, failed)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except ClientDisconnect:
            return


@asynccontextmanager
async def _kept_alive(send: Send, every_s: float) -> AsyncIterator[None]:
    """Send a comment every while, so that nobody on the way takes the connection for dead."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(every_s)
            # One call sends one whole frame, so a comment never lands within an event.
            await send({"type": "http.response.body", "body": KEEPALIVE_COMMENT, "more_body": True})

    beating = asyncio.create_task(beat())
    try:
        yield
    finally:
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)


def _patient(send: Send, stalled_s: float) -> Send:
    """Give a sender that takes a caller who does not read for one who left."""

    async def patient(message: Message) -> None:
        try:
            async with asyncio.timeout(stalled_s):
                await send(message)
        except TimeoutError:
            raise ClientDisconnect from None

    return patient
