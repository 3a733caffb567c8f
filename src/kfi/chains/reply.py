"""
What a model's stream becomes: words of its answer, and its reasoning kept apart from them.

Reasoning comes in a field of its own, or between tags in the answer, or both; a tag may be cut anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from kfi.chains.prompts import visible
from kfi.models.answer import Thinking, Token

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessageChunk

_TAG = re.compile(r"<(/?)think>", re.I)
_BEGUN_TAG = re.compile(r"<(?:/?(?:t(?:h(?:i(?:nk?)?)?)?)?)?\Z", re.I)


class Reply:
    """One model's answer while it comes in."""

    def __init__(self) -> None:
        self.done_reason = ""
        """Why the model stopped: `stop` where it had finished; empty while it has not."""
        self.prompt_tokens = 0
        self._thought: list[str] = []
        self._said: list[str] = []
        self._within_tags = False
        self._waiting = ""

    @property
    def content(self) -> str:
        """The answer, without reasoning."""
        return "".join(self._said).strip()

    @property
    def thinking(self) -> str:
        """The reasoning."""
        return "".join(self._thought).strip()

    def pieces(self, chunk: BaseMessageChunk) -> Iterator[Thinking | Token]:
        """Take in the next chunk; give what is certain by now."""
        reasoning = chunk.additional_kwargs.get("reasoning_content")
        if isinstance(reasoning, str) and reasoning:
            yield from self._take(reasoning, thinking=True)
        if isinstance(chunk.content, str):
            yield from self._words(self._waiting + chunk.content, last=False)
        about = chunk.response_metadata
        self.done_reason = str(about.get("done_reason") or self.done_reason)
        evaluated = about.get("prompt_eval_count")
        self.prompt_tokens = evaluated if isinstance(evaluated, int) else self.prompt_tokens

    def rest(self) -> Iterator[Thinking | Token]:
        """Give what waited for the end of a tag that never came."""
        yield from self._words(self._waiting, last=True)

    def _words(self, text: str, *, last: bool) -> Iterator[Thinking | Token]:
        begin = 0
        for tag in _TAG.finditer(text):
            yield from self._take(text[begin : tag.start()], self._within_tags)
            begin = tag.end()
            if tag[1] and not self._within_tags:
                # The tag that opens it was part of the template: all before this was reasoning.
                self._thought += self._said
                self._said = []
            self._within_tags = not tag[1]
        begun = None if last else _BEGUN_TAG.search(text, max(begin, len(text) - len("</think")))
        end = begun.start() if begun else len(text)
        self._waiting = text[end:]
        yield from self._take(text[begin:end], self._within_tags)

    def _take(self, text: str, thinking: bool) -> Iterator[Thinking | Token]:
        text = visible(text)
        if text:
            (self._thought if thinking else self._said).append(text)
            yield Thinking(text=text) if thinking else Token(text=text)
