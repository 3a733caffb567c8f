"""
Who is asked next when a model gave no answer, while there is time.

The same model once more, where that may help; then the simple one; then the rules.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from kfi.chains.failures import Next, Unanswered
from kfi.chains.model_selector import RULES
from kfi.chains.servers import same_model
from kfi.config import Settings
from kfi.models.schemas import ModelChoice

# Of the whole time: what the complex model may take where the simple one could still answer, and the least that is left
# to a model for it to be asked at all.
_COMPLEX_SHARE = 0.7
_LEAST_SHARE = 0.15


@dataclass(frozen=True)
class Attempt:
    """One model to be asked, and how."""

    model: str
    deadline: float
    """By the event loop's clock."""
    started: float
    reasoning: bool
    share: float = 1.0
    """Of the tokens that its prompt may take."""
    last: bool = False
    """Whether it was asked before."""

    @property
    def limit_s(self) -> float:
        """Seconds that it has."""
        return max(self.deadline - self.started, 0.0)


class Budget:
    """Plans the attempts of one answer."""

    def __init__(self, settings: Settings, now: float) -> None:
        self._settings = settings
        self._end = now + settings.model_timeout_s

    def first(self, model: str, now: float) -> Attempt:
        """Give the attempt to begin with."""
        both = same_model(self._settings.simple_model, self._settings.complex_model)
        reasoning = same_model(model, self._settings.complex_model)
        share = 1.0 if both or not reasoning else _COMPLEX_SHARE
        return Attempt(model, now + (self._end - now) * share, now, reasoning)

    def after(self, attempt: Attempt, failure: Unanswered, now: float) -> Attempt | None:
        """Give the next attempt; None where the rules answer."""
        if failure.then is Next.NOBODY:
            return None
        if failure.then is not Next.OTHER and not attempt.last and self._is_time(attempt.deadline - now):
            again = replace(attempt, started=now, last=True)
            if failure.then is Next.SHORTER:
                return replace(again, share=attempt.share / 2)
            return replace(again, reasoning=False) if failure.then is Next.PLAIN else again
        simple = self._settings.simple_model
        if same_model(attempt.model, simple) or not self._is_time(self._end - now):
            return None
        return Attempt(simple, self._end, now, reasoning=False)

    def _is_time(self, left_s: float) -> bool:
        return left_s >= _LEAST_SHARE * self._settings.model_timeout_s


def fallen(choice: ModelChoice, failed: str, failure: Unanswered, attempt: Attempt | None) -> ModelChoice:
    """Give the choice after a failure, with the reason of the next one added."""
    why = failure.said.partition(". ")[0].removesuffix(".")
    if why.startswith("The "):
        # It goes on a sentence.
        why = f"t{why[1:]}"
    if attempt is None:
        reason = f"{choice.reason}; {why}, so the rules answer"
        return choice.model_copy(update={"model": RULES, "reason": reason.lstrip("; "), "degraded": True})
    again = same_model(attempt.model, failed)
    answers = "so it is asked again" if again else f"so {attempt.model!r} answers"
    if again and failure.then is Next.SHORTER:
        answers = "so it is asked again with less to read"
    reason = f"{choice.reason}; {why}, {answers}".lstrip("; ")
    degraded = choice.degraded or not again
    return choice.model_copy(update={"model": attempt.model, "reason": reason, "degraded": degraded})
