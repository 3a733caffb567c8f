"""
Ollama's own protocol, by LangChain's ChatOllama.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, cast

import httpx
import ollama
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableGenerator
from langchain_ollama import ChatOllama

from kfi.chains.failures import Refusal
from kfi.chains.transport import ModelTransport

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessageChunk

    from kfi.chains.request import ModelRequest

_CONNECT_S = 5.0
# It warns on standard error of what becomes a sentence in the answer.
logging.getLogger("langchain_ollama").setLevel(logging.ERROR)


def ollama_model(request: ModelRequest, transport: ModelTransport) -> Runnable[PromptValue, BaseMessageChunk]:
    """Give the model as a Runnable that streams.

    Raises (while it streams):
        Refusal: Ollama answers with an error.
        httpx.HTTPError, ValueError, TypeError, AttributeError, LookupError: what comes is no answer of Ollama.
    """
    speak = ChatOllama(
        model=request.model,
        base_url=request.server.url,
        temperature=0,
        num_ctx=request.num_ctx,
        # Past its context a model forgets the beginning of the prompt: the rules for it.
        num_predict=request.max_tokens,
        reasoning=request.reasoning,
        format=request.schema,
        client_kwargs={
            "trust_env": False,
            "follow_redirects": False,
            "timeout": httpx.Timeout(request.timeout_s, connect=_CONNECT_S),
            "verify": request.server.tls,
        },
        async_client_kwargs={"transport": _Untruncated(transport)},
    )

    async def stream(prompts: AsyncIterator[PromptValue]) -> AsyncIterator[BaseMessageChunk]:
        async for prompt in prompts:
            try:
                async with aclosing(cast("AsyncGenerator[BaseMessageChunk, None]", speak.astream(prompt))) as chunks:
                    async for chunk in chunks:
                        yield chunk
            except ollama.ResponseError as error:
                # The client gives an error within the stream the status -1.
                raise Refusal(max(error.status_code, 200), error.error) from error

    return RunnableGenerator(stream)


class _Untruncated(httpx.AsyncBaseTransport):
    """Asks Ollama to refuse a prompt that is too long; it would cut it without a word. The client cannot say so."""

    def __init__(self, inner: ModelTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content) | {"truncate": False, "shift": False}
        headers = {k: v for k, v in request.headers.items() if k not in ("content-length", "transfer-encoding")}
        whole = httpx.Request(request.method, request.url, headers=headers, json=body, extensions=request.extensions)
        return await self._inner.handle_async_request(whole)
