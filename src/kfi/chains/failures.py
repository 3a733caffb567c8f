"""
Why a model gave no answer, in words, and who may be asked next.
"""

from __future__ import annotations

import re
from enum import StrEnum

from kfi.chains.prompts import one_line
from kfi.chains.servers import Dialect, Server
from kfi.errors import AnswerError, KfiError, ServiceError

_TOO_LONG = re.compile(
    r"context (?:length|size|window)|maximum context|too (?:long|many tokens)|exceed\w* .{0,40}context"
)


class Next(StrEnum):
    """Who may answer after a failure."""

    SAME = "same"
    """The same model, asked once more."""
    SHORTER = "shorter"
    """The same model, with less to read."""
    PLAIN = "plain"
    """The same model, without reasoning."""
    OTHER = "other"
    """Another model of the server."""
    NOBODY = "nobody"


class Unanswered(Exception):
    """A model gave no answer that can be used."""

    def __init__(self, error: KfiError, then: Next) -> None:
        super().__init__(error.message)
        self.said = f"{error.message} {error.hint}".strip()
        self.then = then


class Refusal(Exception):
    """A model server answered with an error of its own, as a status or in its stream (status 200)."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(said)
        self.status = status
        self.said = said


def failure(error: Exception, server: Server, model: str, timeout_s: float) -> Unanswered:
    """Put into words why a model gave no answer."""
    # Here: it takes a tenth of a second, which answers without a model need not spend.
    import httpx

    match error:
        case Refusal():
            return _refused(error, server, model)
        case httpx.ConnectError() | httpx.ConnectTimeout() | ConnectionRefusedError():
            return Unanswered(ServiceError(f"{server} does not answer.", hint=server.start), Next.NOBODY)
        case TimeoutError() | httpx.TimeoutException():
            late = f"{model!r} did not answer in full within {timeout_s:.3g} s (model_timeout_s)."
            return Unanswered(ServiceError(late), Next.OTHER)
        case httpx.HTTPError() | httpx.StreamError() | OSError():
            broke = f"The connection to {model!r} broke off in the middle of its answer."
            return Unanswered(ServiceError(broke), Next.SAME)
        case _:
            unread = f"The answer of {model!r} from {server.url!r} cannot be read ({type(error).__name__})."
            return Unanswered(AnswerError(unread), Next.SAME)


def _refused(refusal: Refusal, server: Server, model: str) -> Unanswered:
    if refusal.status == 404:
        return Unanswered(ServiceError(f"{server} has no model {model!r}.", hint=server.get(model)), Next.OTHER)
    if refusal.status in (401, 403):
        hint = "Set KFI_LLM_API_KEY to a key of that server." if server.dialect is Dialect.OPENAI else ""
        return Unanswered(ServiceError(f"{server} refuses.", hint=hint), Next.NOBODY)
    if refusal.status in (400, 413, 422) and _TOO_LONG.search(refusal.said[:2000].lower()):
        return too_long(model)
    if "does not support thinking" in refusal.said:
        return Unanswered(AnswerError(f"{model!r} shows no reasoning."), Next.PLAIN)
    said = one_line(refusal.said, 200) or f"status {refusal.status}"
    again = refusal.status in {200, 429} or refusal.status >= 500
    return Unanswered(ServiceError(f"{server} could not run {model!r}: {said!r}."), Next.SAME if again else Next.OTHER)


def too_long(model: str) -> Unanswered:
    """Say that a model cannot, or did not, read all that it was given."""
    hint = "Set KFI_NUM_CTX to what the model can read, or let the server give it more."
    return Unanswered(AnswerError(f"The prompt did not fit into what {model!r} reads.", hint=hint), Next.SHORTER)
