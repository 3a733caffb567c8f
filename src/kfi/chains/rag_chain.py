"""
From evidence to a model's explanation of it: streamed words, then an object, of both only what the evidence proves.

A model adds words to what the rules proved, so nothing that goes wrong here is an error: another model is asked while
there is time, and then the rules' answer stands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kfi.chains import structured
from kfi.chains.budget import Attempt, Budget, fallen
from kfi.chains.citations import Checked, check, check_claims, harmless
from kfi.chains.failures import Next, Unanswered, too_long
from kfi.chains.grounding import Ground, ground_of, says_unknown
from kfi.chains.model_selector import RULES as RULES_ALONE
from kfi.chains.prompts import RULES, Brief, Prompt, prompt_tokens, write_prompt
from kfi.chains.reply import Reply
from kfi.chains.request import ModelRequest, model_of, stream
from kfi.chains.servers import Server, server_of
from kfi.config import Settings
from kfi.errors import AnswerError, KfiError
from kfi.models.answer import ModelChosen, Thinking, Token
from kfi.models.model_answer import ModelAnswer
from kfi.models.schemas import ModelChoice

if TYPE_CHECKING:
    from langchain_core.prompts import ChatPromptTemplate

_log = logging.getLogger(__name__)

# Of what is left beside the prompt: for the words; the same in an object takes the rest.
_WORDS_SHARE = 2 / 3

Piece = Thinking | Token | ModelChosen


@dataclass(frozen=True)
class Explained:
    """How asking models ended."""

    text: str | None = None
    """The checked explanation; None where none can be used, and `notes` says why."""
    thinking: str | None = None
    notes: tuple[str, ...] = ()
    answer: ModelAnswer | None = None
    """What became of its claims; None where no model answered."""
    choice: ModelChoice | None = None
    """Who answered in the end and why, where that is not who was chosen."""


class RagChain:
    """Asks a model to explain what was found."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def warm_up(self) -> None:
        """Import what the first question would otherwise wait half a second for."""
        try:
            model_of(server_of(self._settings).dialect)
        except KfiError:
            return  # no server is set, so nothing will be waited for

    async def explain(self, choice: ModelChoice, brief: Brief) -> AsyncIterator[Piece | Explained]:
        """Stream a model's reasoning and words as they come, unchecked, and at last the checked whole.

        Where one fails, `ModelChosen` says who is asked next; the words so far are then void. Never raises but for
        cancellation, which ends the model's work too; so does closing the iterator.
        """
        if choice.model == RULES_ALONE:
            yield Explained()
            return
        clock = asyncio.get_running_loop().time
        budget = Budget(self._settings, clock())
        attempt: Attempt | None = budget.first(choice.model, clock())
        now, notes = choice, list[str]()
        while attempt:
            try:
                async with aclosing(self._attempt(attempt, brief)) as pieces:
                    async for piece in pieces:
                        yield _told(piece, notes, now, choice) if isinstance(piece, Explained) else piece
                return
            except Unanswered as failed:
                _log.info("no explanation by %r: %s", attempt.model, failed.said)
                notes.append(failed.said)
                failure, before = failed, attempt.model
            attempt = budget.after(attempt, failure, clock())
            now = fallen(now, before, failure, attempt)
            if attempt:
                yield ModelChosen(choice=now)
        yield Explained(notes=tuple(dict.fromkeys(notes)), choice=now)

    async def _attempt(self, attempt: Attempt, brief: Brief) -> AsyncGenerator[Piece | Explained, None]:
        try:
            server = server_of(self._settings)
        except KfiError as error:
            raise Unanswered(error, Next.NOBODY) from error
        tokens = prompt_tokens(self._settings.num_ctx, attempt.reasoning)
        prompt = write_prompt(brief, int(tokens * attempt.share))
        # Shown where the log is read: what left this process, for whom; never its words.
        _log.info(
            "asking %r at %s: about %d tokens, %d pieces of evidence, %d left out",
            *(attempt.model, server.url, prompt.tokens, len(prompt.labels), prompt.left_out),
        )
        asking = _Asking(self._settings, server, attempt, prompt)
        reply = Reply()
        async with aclosing(asking.words(reply)) as pieces:
            async for piece in pieces:
                yield piece
        ground = ground_of(brief, prompt.labels)
        said = await asking.object(reply.content, len(brief.causes))
        yield self._explained(attempt, prompt, reply, _check(attempt.model, reply.content, said, ground, brief))

    def _explained(self, attempt: Attempt, prompt: Prompt, reply: Reply, verdict: _Verdict) -> Explained:
        checked, model = verdict.checked, attempt.model
        text, contradicts = checked.text, verdict.answer.disagreement
        if contradicts:
            # Before the words, wherever they are shown: they are its view and not what was found.
            text = f"{contradicts} What it says:\n\n{text}"
        notes = []
        if checked.removed:
            notes.append(f"Taken out of the model's answer for want of proof: {checked.removed}.")
        if prompt.withheld:
            speak = "piece of evidence speaks to its" if prompt.withheld == 1 else "pieces of evidence speak to their"
            notes.append(f"{prompt.withheld} {speak} reader; {model!r} did not read those lines.")
        if prompt.left_out:
            pieces = "piece" if prompt.left_out == 1 else "pieces"
            notes.append(f"{prompt.left_out} {pieces} of evidence did not fit into what {model!r} may read (num_ctx).")
        return Explained(text, harmless(reply.thinking, prompt.labels).strip() or None, tuple(notes), verdict.answer)


@dataclass(frozen=True)
class _Verdict:
    checked: Checked
    answer: ModelAnswer


def _told(told: Explained, failures: list[str], now: ModelChoice, chosen: ModelChoice) -> Explained:
    notes = (*dict.fromkeys(failures), *told.notes)
    return replace(told, notes=notes, choice=None if now == chosen else now)


def _check(model: str, words: str, said: structured.Structured | None, ground: Ground, brief: Brief) -> _Verdict:
    """Check the claims of the object; where none of them stands, those of the words.

    Raises:
        Unanswered: nothing is left of either.
    """
    none = Checked(None)
    claims = check_claims(((claim.text, claim.evidence) for claim in said.claims), ground) if said else none
    checked = claims if claims.claims else check(words, ground)
    removed = checked.removed if checked is claims else checked.removed + claims.removed
    checked = replace(checked, removed=removed)
    if not checked.claims or checked.text is None:
        error = AnswerError(f"{model!r} gave no answer that its evidence proves.")
        raise Unanswered(error, Next.NOBODY)
    unknown = said.cause == structured.UNKNOWN if said and said.cause else says_unknown(checked.text)
    contradicts = structured.disagreement(said, brief.causes, model) if said else ""
    answer = ModelAnswer(
        kept=checked.kept,
        repaired=checked.repaired,
        removed=checked.removed,
        unknown=unknown,
        disagreement=contradicts,
    )
    return _Verdict(checked, answer)


@dataclass(frozen=True)
class _Asking:
    """What is asked of one model in one attempt: words first, then the same as an object."""

    settings: Settings
    server: Server
    attempt: Attempt
    prompt: Prompt

    async def words(self, reply: Reply) -> AsyncGenerator[Thinking | Token, None]:
        """Stream the answer in words into `reply`.

        Raises:
            Unanswered: it is not whole, or the model cannot have read all of the prompt.
        """
        try:
            async with aclosing(self._said(reply, self.attempt.reasoning)) as pieces:
                async for piece in pieces:
                    yield piece
        except Unanswered as failed:
            if failed.then is not Next.PLAIN:
                raise
            async with aclosing(self._said(reply, reasoning=False)) as pieces:
                async for piece in pieces:
                    yield piece
        if self.prompt.was_cut(reply.prompt_tokens, self.settings.num_ctx):
            raise too_long(self.attempt.model)
        _refuse_unfinished(self.attempt.model, reply)

    async def _said(self, reply: Reply, reasoning: bool) -> AsyncGenerator[Thinking | Token, None]:
        left = max(self.settings.num_ctx - self.prompt.tokens, 3)
        request = self._request(left if reasoning else int(left * _WORDS_SHARE), reasoning)
        write = _messages(("system", RULES), ("human", "{brief}"))
        async with aclosing(stream(request, write, {"brief": self.prompt.text})) as chunks:
            async for chunk in chunks:
                for piece in reply.pieces(chunk):
                    yield piece
        for piece in reply.rest():
            yield piece

    async def object(self, words: str, findings: int) -> structured.Structured | None:
        """Ask for the same answer as an object, once more where that is none; None where there is none in time."""
        size = self.prompt.tokens + len(words.encode()) // 3
        room = max(self.settings.num_ctx - size, 1)
        form = structured.schema(sorted(self.prompt.labels, key=_number), findings)
        request = replace(self._request(room), schema=form)
        turns = [("system", RULES), ("human", "{brief}"), ("ai", "{words}"), ("human", "{task}")]
        values = {"brief": self.prompt.text, "words": words, "task": structured.TASK}
        for again in ({}, {"again": structured.AGAIN}):
            if self._is_late():
                break
            _log.info("asking %r at %s for an object: about %d tokens", self.attempt.model, self.server.url, size)
            heard = await self._whole(request, _messages(*turns), {**values, **again})
            if heard is None:
                break
            if said := structured.read(heard):
                return said
            turns += [("ai", "{heard}"), ("human", "{again}")]
            values["heard"] = heard[:2000]
        return None

    async def _whole(self, request: ModelRequest, write: ChatPromptTemplate, values: dict[str, str]) -> str | None:
        """Give what a model says in full; None where it gives nothing that can be used."""
        reply = Reply()
        try:
            async with aclosing(stream(request, write, values)) as chunks:
                async for chunk in chunks:
                    for _ in reply.pieces(chunk):
                        pass
        except Unanswered as failed:
            _log.info("no object by %r: %s", request.model, failed.said)
            return None
        for _ in reply.rest():
            pass
        return reply.content if reply.done_reason == "stop" else None

    def _is_late(self) -> bool:
        """Tell whether an object, which takes about as long as the words did, would come too late."""
        now = asyncio.get_running_loop().time()
        return self.attempt.deadline - now < now - self.attempt.started

    def _request(self, max_tokens: int, reasoning: bool = False) -> ModelRequest:
        return ModelRequest(
            server=self.server,
            model=self.attempt.model,
            num_ctx=self.settings.num_ctx,
            max_tokens=max_tokens,
            deadline=self.attempt.deadline,
            timeout_s=self.attempt.limit_s,
            reasoning=reasoning,
        )


def _messages(*turns: tuple[str, str]) -> ChatPromptTemplate:
    from langchain_core.prompts import ChatPromptTemplate

    return ChatPromptTemplate(list(turns))


def _number(label: str) -> int:
    return int(label.removeprefix("E"))


def _refuse_unfinished(model: str, reply: Reply) -> None:
    """Let only a whole answer pass: a server that stops sending looks like a model that has nothing to add.

    Raises:
        Unanswered: it was cut off, or says nothing.
    """
    thought = Next.PLAIN if reply.thinking else Next.SAME
    if reply.done_reason == "length":
        cut = f"The answer of {model!r} was cut: num_ctx or the model's own limit was reached."
        raise Unanswered(AnswerError(cut), Next.OTHER if reply.content else thought)
    if reply.done_reason != "stop":
        raise Unanswered(AnswerError(f"The answer of {model!r} broke off before its end."), Next.SAME)
    if not reply.content:
        how = "thought, but gave no answer" if reply.thinking else "gave an empty answer"
        raise Unanswered(AnswerError(f"{model!r} {how}."), thought)
