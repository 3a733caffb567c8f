"""
OpenAI's protocol, as vLLM, llama.cpp's server, LM Studio and hosted services speak it.

LangChain's client for it drops the reasoning that these servers send beside the answer, takes addresses and keys from
the environment, and ends a stream that was cut off as if it were whole. So its few fields are read here.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import httpx
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.utils import convert_to_openai_messages
from langchain_core.prompt_values import PromptValue
from langchain_core.runnables import Runnable, RunnableGenerator

from kfi.chains.failures import Refusal
from kfi.chains.transport import ModelTransport

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessageChunk

    from kfi.chains.request import ModelRequest

_CONNECT_S = 5.0
_MAX_ERROR_BYTES = 4096
# What a server may not know, and what it is to be asked with instead; None: nothing.
_OPTIONAL = {
    "max_tokens": "max_completion_tokens",
    "temperature": None,
    "stream_options": None,
    "response_format": None,
}
_REASONING = ("reasoning_content", "reasoning")


def openai_model(request: ModelRequest, transport: ModelTransport) -> Runnable[PromptValue, BaseMessageChunk]:
    """Give the model as a Runnable that streams.

    Raises (while it streams):
        Refusal: the server answers with an error.
        httpx.HTTPError, ValueError, TypeError, AttributeError, LookupError: what comes is no answer of such a server.
    """

    async def stream(prompts: AsyncIterator[PromptValue]) -> AsyncIterator[BaseMessageChunk]:
        timeout = httpx.Timeout(request.timeout_s, connect=_CONNECT_S)
        client = httpx.AsyncClient(transport=transport, timeout=timeout, trust_env=False, follow_redirects=False)
        async for prompt in prompts:
            async for chunk in _answer(client, request, _body(request, prompt)):
                yield chunk

    return RunnableGenerator(stream)


def _body(request: ModelRequest, prompt: PromptValue) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": request.model,
        "messages": convert_to_openai_messages(prompt.to_messages()),
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": 0,
        "max_tokens": request.max_tokens,
    }
    if request.schema:
        named = {"name": "answer", "schema": request.schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": named}
    return body


async def _answer(
    client: httpx.AsyncClient, request: ModelRequest, body: dict[str, Any]
) -> AsyncIterator[BaseMessageChunk]:
    """Ask, and again without each field that the server says it does not take."""
    url = f"{request.server.url}/chat/completions"
    for _ in range(len(_OPTIONAL) + 1):
        async with client.stream("POST", url, json=body) as response:
            if response.status_code == httpx.codes.OK:
                async for chunk in _chunks(response):
                    yield chunk
                return
            refusal = Refusal(response.status_code, _message(await _beginning(response)))
        refused = _refused_field(refusal, body)
        if refused is None:
            raise refusal
        value, other = body.pop(refused), _OPTIONAL[refused]
        if other:
            body[other] = value
    raise refusal


def _refused_field(refusal: Refusal, body: dict[str, Any]) -> str | None:
    if refusal.status not in (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY):
        return None
    said = refusal.said.replace("json_schema", "response_format")
    return next((name for name in _OPTIONAL if name in body and name in said), None)


async def _beginning(response: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > _MAX_ERROR_BYTES:
            break
    return bytes(body[:_MAX_ERROR_BYTES])


async def _chunks(response: httpx.Response) -> AsyncIterator[BaseMessageChunk]:
    # Not httpx's own lines: they also end at characters that may stand within JSON.
    waiting = b""
    async for piece in response.aiter_bytes():
        *lines, waiting = (waiting + piece).split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[len(b"data:") :].strip()
            if data == b"[DONE]":
                return
            yield _chunk(json.loads(data))


def _chunk(said: Any) -> AIMessageChunk:
    """Read one piece of the stream: words, reasoning, why it ended, or how many tokens the prompt had."""
    if said.get("error"):
        raise Refusal(httpx.codes.OK, _words(said["error"]))
    choice = (said.get("choices") or [{}])[0]
    delta = choice.get("delta") or {}
    about = {
        "done_reason": choice.get("finish_reason"),
        "prompt_eval_count": (said.get("usage") or {}).get("prompt_tokens"),
    }
    thought = next((delta[field] for field in _REASONING if delta.get(field)), None)
    return AIMessageChunk(
        content=delta.get("content") or "",
        additional_kwargs={"reasoning_content": thought} if thought else {},
        response_metadata={name: value for name, value in about.items() if value is not None},
    )


def _message(body: bytes) -> str:
    """Give the words of an error's body: the message where it is JSON, else its text."""
    try:
        said = json.loads(body)
        return _words(said.get("error") or said.get("detail") or said.get("message") or said)
    except (ValueError, AttributeError, RecursionError):
        return body.decode(errors="replace")


def _words(error: Any) -> str:
    return str(error.get("message") or error) if isinstance(error, dict) else str(error)
