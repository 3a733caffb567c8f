"""
A model's answer as an object: claims, each with its labels, and which finding it takes for the root cause.

Where the server enforces the schema nothing else can come. Where it does not, what comes is read as kindly as it can be
without guessing: JSON within prose or a code fence, a comma too many, labels as one text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError, field_validator

from kfi.models.schemas import RootCause

OTHER, UNKNOWN = "other", "unknown"
_MAX_CLAIMS = 8
_MAX_CHARACTERS = 40_000
_COMMA_TOO_MANY = re.compile(r",(?=\s{0,50}[}\]])")

TASK = """\
Now give the same answer as one JSON object and nothing else, like
{"claims": [{"text": "The container was killed.", "evidence": ["E1"]}], "cause": "1"}
- claims: at most eight, each one sentence, with the labels of the evidence that proves it. Leave out what has no proof.
- cause: the number of the finding that is the root cause; "other" where it is none of them; "unknown" where the data \
does not tell."""

AGAIN = "That was no such JSON object. Give only the object."


def _words(value: Any) -> Any:
    return re.findall(r"[Ee][0-9]+", value) if isinstance(value, str) else value


def _claim(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class Claim(BaseModel):
    """One sentence, and the labels of its proof."""

    text: str = Field(min_length=1, max_length=2000)
    evidence: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()


class Structured(BaseModel):
    """What a model claims."""

    claims: tuple[Annotated[Claim, BeforeValidator(_claim)], ...] = Field(default=(), max_length=50)
    cause: str = ""
    """Number of a finding, `other`, `unknown`, or nothing that can be understood."""

    @field_validator("cause", mode="before")
    @classmethod
    def _number(cls, value: Any) -> str:
        found = re.search(r"[0-9]{1,4}|other|unknown", str(value).lower()[:200])
        return found[0] if found else ""


def schema(labels: Sequence[str], findings: int) -> dict[str, Any]:
    """Give the JSON schema of an answer that may cite these labels and has so many findings to choose from."""
    label: dict[str, Any] = {"type": "string", **({"enum": list(labels)} if labels else {})}
    claim = {
        "type": "object",
        "properties": {"text": {"type": "string"}, "evidence": {"type": "array", "items": label, "maxItems": 6}},
        "required": ["text", "evidence"],
        "additionalProperties": False,
    }
    causes = [*(str(number + 1) for number in range(findings)), OTHER, UNKNOWN]
    return {
        "type": "object",
        "properties": {
            "claims": {"type": "array", "items": claim, "maxItems": _MAX_CLAIMS},
            "cause": {"type": "string", "enum": causes},
        },
        "required": ["claims", "cause"],
        "additionalProperties": False,
    }


def read(text: str) -> Structured | None:
    """Read the object that a model wrote; None where there is none in it."""
    text = text[:_MAX_CHARACTERS]
    begin = text.find("{")
    if begin < 0:
        return None
    for written in (text[begin:], _COMMA_TOO_MANY.sub("", text[begin:])):
        try:
            value, _ = json.JSONDecoder().raw_decode(written)
            return Structured.model_validate(value) if {"claims", "cause"} & value.keys() else None
        except (ValueError, RecursionError, ValidationError):
            continue
    return None


def disagreement(said: Structured, causes: Sequence[RootCause], model: str) -> str:
    """Say where a model takes something else for the root cause than the rules prove; empty where it does not."""
    if not causes:
        return ""
    first = causes[0]
    proven = f"{first.title} ({first.object})"
    if said.cause == OTHER:
        return f"{model!r} sees another root cause than the rules, which prove: {proven}."
    if said.cause.isdigit() and 1 < int(said.cause) <= len(causes):
        chosen = causes[int(said.cause) - 1]
        # Other incidents fail independently; both can be true.
        if chosen.workload == first.workload:
            return f"{model!r} takes for the root cause: {chosen.title}; the rules rank before it: {proven}."
    return ""
