"""
One request to one model: sent, streamed, and ended in time, whoever listens or leaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kfi.chains.failures import failure
from kfi.chains.servers import Dialect, Server
from kfi.retrieval.tracing import untraced

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessageChunk
    from langchain_core.prompt_values import PromptValue
    from langchain_core.prompts import ChatPromptTemplate
    from langchain_core.runnables import Runnable

    from kfi.chains.transport import ModelTransport

# A streamed token is a line of some 130 bytes with Ollama, 300 with others; several times that is no answer any more.
_BYTES_A_TOKEN = 1024


@dataclass(frozen=True)
class ModelRequest:
    """What is asked of whom."""

    server: Server
    model: str
    num_ctx: int
    max_tokens: int
    """Tokens that it may write, reasoning included."""
    deadline: float
    """By the event loop's clock."""
    timeout_s: float
    reasoning: bool = False
    schema: dict[str, Any] | None = None
    """JSON schema of the answer; None where it is free."""


async def stream(
    request: ModelRequest, write: ChatPromptTemplate, values: dict[str, str]
) -> AsyncGenerator[BaseMessageChunk, None]:
    """Give the pieces of a model's answer.

    Raises:
        Unanswered: it gave none that can be used.
    """
    model = await asyncio.to_thread(model_of, request.server.dialect)
    from kfi.chains.transport import FOREIGN, ModelTransport

    transport = ModelTransport(request.server, request.num_ctx * _BYTES_A_TOKEN)
    async with AsyncExitStack() as closing:
        try:
            chunks = (write | model(request, transport)).astream(values)
            closing.push_async_callback(_close, chunks)
            closing.push_async_callback(transport.aclose)
            while True:
                # Whatever the environment says: tracing would send evidence to a third party.
                with untraced():
                    async with asyncio.timeout_at(request.deadline):
                        chunk = await anext(chunks, None)
                if chunk is None:
                    return
                yield chunk
        except FOREIGN as error:
            raise failure(error, request.server, request.model, request.timeout_s) from error


def model_of(dialect: Dialect) -> Callable[[ModelRequest, ModelTransport], Runnable[PromptValue, BaseMessageChunk]]:
    """Give what makes the Runnable of a request; the first time it takes half a second to import."""
    if dialect is Dialect.OLLAMA:
        from kfi.chains.ollama_model import ollama_model

        return ollama_model
    from kfi.chains.openai_model import openai_model

    return openai_model


async def _close(stream: AsyncIterator[Any]) -> None:
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()
