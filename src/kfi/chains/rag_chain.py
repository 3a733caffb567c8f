"""
From evidence to a model's explanation of it: one streamed call, which ends in an answer or in a sentence why not.

A model adds words to what the rules proved, so nothing that goes wrong here is an error: the rules' answer stands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kfi.chains.citations import check, without_links
from kfi.chains.ollama import Server, same_model, server_of
from kfi.chains.prompts import RULES, Brief, Prompt, prompt_tokens, write_prompt
from kfi.chains.reply import Reply
from kfi.config import Settings
from kfi.errors import AnswerError, KfiError
from kfi.models.answer import Thinking, Token
from kfi.models.schemas import ModelChoice
from kfi.retrieval.tracing import untraced

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessageChunk
    from langchain_core.runnables import Runnable

_log = logging.getLogger(__name__)

_RULES_ALONE = "rules"
_CONNECT_S = 5.0
# A streamed token is a line of some 130 bytes; four times that is no answer any more.
_BYTES_A_TOKEN = 512


@dataclass(frozen=True)
class Explained:
    """How asking a model ended."""

    text: str | None = None
    """Its checked explanation; None where it gave none that can be used, and `notes` says why."""
    thinking: str | None = None
    notes: tuple[str, ...] = ()
    removed: int = 0
    """Sentences and labels that were taken out, because they cite evidence that does not exist."""


class RagChain:
    """Asks a model to explain what was found."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def warm_up(self) -> None:
        """Import what the first question would otherwise wait half a second for."""
        import langchain_ollama  # noqa: F401

        import kfi.chains.ollama_transport  # noqa: F401

    async def explain(self, choice: ModelChoice, brief: Brief) -> AsyncIterator[Thinking | Token | Explained]:
        """Stream a model's reasoning and words as they come, unchecked, and at last the checked whole.

        Never raises but for cancellation, which ends the model's work too; so does closing the iterator.
        """
        if choice.model == _RULES_ALONE:
            yield Explained()
            return
        reasoning = same_model(choice.model, self._settings.complex_model)
        prompt = write_prompt(brief, prompt_tokens(self._settings.num_ctx, reasoning))
        reply = Reply()
        try:
            async with aclosing(self._ask(choice.model, prompt, reasoning)) as chunks:
                async for chunk in chunks:
                    for piece in reply.pieces(chunk):
                        yield piece
            for piece in reply.rest():
                yield piece
            yield self._explained(choice.model, prompt, reply)
        except KfiError as error:
            _log.info("no explanation by %r: %s", choice.model, error.message)
            yield Explained(notes=(f"{error.message} {error.hint}".strip(),))

    async def _ask(self, model: str, prompt: Prompt, reasoning: bool) -> AsyncGenerator[BaseMessageChunk, None]:
        server = server_of(self._settings)
        # Shown where the log is read: what left this process, for whom; never its words.
        _log.info(
            "asking %r at %s: about %d tokens, %d pieces of evidence, %d left out",
            *(model, server.url, prompt.tokens, len(prompt.labels), prompt.left_out),
        )
        await asyncio.to_thread(self.warm_up)
        call = _Call(self._settings, server, model, asyncio.get_running_loop().time() + self._settings.model_timeout_s)
        try:
            async with aclosing(call.stream(prompt, reasoning)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except _CannotThink:
            async with aclosing(call.stream(prompt, reasoning=False)) as chunks:
                async for chunk in chunks:
                    yield chunk

    def _explained(self, model: str, prompt: Prompt, reply: Reply) -> Explained:
        _refuse_unfinished(model, reply)
        checked = check(reply.content, prompt.labels)
        if checked.text is None:
            raise AnswerError(f"{model!r} gave no answer that its evidence proves.")
        notes = []
        if checked.removed:
            notes.append(f"Taken out of the model's answer for citing no known evidence: {checked.removed}.")
        if prompt.left_out:
            notes.append(f"{prompt.left_out} pieces of evidence did not fit into what {model!r} may read (num_ctx).")
        if reply.prompt_tokens >= self._settings.num_ctx:
            notes.append(f"Ollama cut what {model!r} was given to read; a larger num_ctx avoids it.")
        return Explained(checked.text, without_links(reply.thinking) or None, tuple(notes), checked.removed)


def _refuse_unfinished(model: str, reply: Reply) -> None:
    """Let only a whole answer pass: a server that stops sending looks like a model that has nothing to add.

    Raises:
        AnswerError: it was cut off, or says nothing.
    """
    if reply.done_reason == "length":
        raise AnswerError(f"The answer of {model!r} was cut: num_ctx or the model's own limit was reached.")
    if reply.done_reason != "stop":
        raise AnswerError(f"The answer of {model!r} broke off before its end.")
    if not reply.content:
        raise AnswerError(f"{model!r} {'thought, but gave no answer' if reply.thinking else 'gave an empty answer'}.")


async def _close(stream: AsyncIterator[Any]) -> None:
    if isinstance(stream, AsyncGenerator):
        await stream.aclose()


class _CannotThink(Exception):
    """The model has no reasoning to show; it can be asked without."""


@dataclass(frozen=True)
class _Call:
    """One question to one model, until a moment of the event loop's clock."""

    settings: Settings
    server: Server
    model: str
    deadline: float

    async def stream(self, prompt: Prompt, reasoning: bool) -> AsyncGenerator[BaseMessageChunk, None]:
        """Give the pieces of its answer.

        Raises:
            ServiceError: the server cannot be asked, or did not finish in time.
            AnswerError: it sent something else than an answer.
            _CannotThink: it can be asked without reasoning.
        """
        from kfi.chains.ollama_transport import FOREIGN, OllamaTransport, cannot_think, failure

        timeout_s = self.settings.model_timeout_s
        transport = OllamaTransport(self.server, self.settings.num_ctx * _BYTES_A_TOKEN)
        async with AsyncExitStack() as closing:
            try:
                chunks = self._chain(prompt, reasoning, transport).astream({"brief": prompt.text})
                closing.push_async_callback(_close, chunks)
                closing.push_async_callback(transport.aclose)
                while True:
                    # Whatever the environment says: tracing would send evidence to a third party.
                    with untraced():
                        async with asyncio.timeout_at(self.deadline):
                            chunk = await anext(chunks, None)
                    if chunk is None:
                        return
                    yield chunk
            except FOREIGN as error:
                if reasoning and cannot_think(error):
                    raise _CannotThink from error
                raise failure(error, self.server, self.model, timeout_s) from error

    def _chain(self, prompt: Prompt, reasoning: bool, transport: Any) -> Runnable[dict[str, str], Any]:
        import httpx
        from langchain_core.prompts import ChatPromptTemplate
        from langchain_ollama import ChatOllama

        write = ChatPromptTemplate([("system", RULES), ("human", "{brief}")])
        speak = ChatOllama(
            model=self.model,
            base_url=self.server.url,
            temperature=0,
            num_ctx=self.settings.num_ctx,
            # Past its context a model forgets the beginning of the prompt: the rules for it.
            num_predict=max(self.settings.num_ctx - prompt.tokens, 1),
            reasoning=reasoning,
            client_kwargs={
                "trust_env": False,
                "follow_redirects": False,
                "timeout": httpx.Timeout(self.settings.model_timeout_s, connect=_CONNECT_S),
                "verify": self.server.tls,
            },
            async_client_kwargs={"transport": transport},
        )
        return write | speak
