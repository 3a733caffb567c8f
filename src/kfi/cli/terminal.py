r"""
What may reach a terminal: text, and nothing that steers it.

Names and messages come from whoever could write to the cluster. Escapes that a JSON string hides (`\u001b[2J`), marks
that turn the direction of writing or have no width, and line ends within a name could rewrite what the reader sees.
"""

from __future__ import annotations

import json
import re
from typing import TypeVar

from pydantic import BaseModel, JsonValue

_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|\x1b[ -/]{0,4}[0-~]"
)
_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
_LINE_END = re.compile(r"\s*[\r\n\x0b\x0c\x85\u2028\u2029]+\s*")
# The one field that is made of lines.
_OF_LINES = frozenset({"text"})

Model = TypeVar("Model", bound=BaseModel)


def plain(text: str) -> str:
    r"""Give a text of any number of lines without what a terminal would obey.

    >>> plain("cart\x1b[31m-1\u202e")
    'cart-1'
    """
    return text if text.isprintable() and text.isascii() else _INVISIBLE.sub("", _SEQUENCE.sub("", text))


def harmless(answer: Model) -> Model:
    """Give an answer or report in which no text steers a terminal, and only quoted evidence has several lines."""
    return type(answer).model_validate_json(json.dumps(_cleaned(answer.model_dump(mode="json"), lines=False)))


def _cleaned(value: JsonValue, lines: bool) -> JsonValue:
    if isinstance(value, str):
        return plain(value if lines else _LINE_END.sub(" ", value))
    if isinstance(value, list):
        return [_cleaned(item, lines) for item in value]
    if isinstance(value, dict):
        return {plain(key): _cleaned(item, key in _OF_LINES) for key, item in value.items()}
    return value
