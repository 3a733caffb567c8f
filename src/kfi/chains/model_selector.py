"""
Which model explains an answer: none, the simple one, or the one that reasons.

A question that is hard by its words, or whose cause the rules are unsure of, goes to the complex model. Where the
chosen one is missing the simple one is asked, then none: the rules have an answer of their own.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import NamedTuple

from kfi.config import Profile, Settings
from kfi.errors import ConfigError
from kfi.models.schemas import Intent, ModelChoice, QueryPlan
from kfi.retrieval.query_analyzer import QueryAnalyzer

RULES = "rules"
"""Stands for no model."""

_LONG = 200
"""Characters above which a question counts as long."""

_TIE = 0.02
"""Two causes whose confidences are no further apart than this are told apart by luck."""

_REASONING = re.compile(r"\b(?:why|explain|diagnose|troubleshoot)\b", re.I | re.A)
_UNSURE = re.compile(r"\b(?:maybe|could|possibly)\b", re.I | re.A)


class _Weight(NamedTuple):
    complexity: float
    because: tuple[str, ...]


class _Wish(NamedTuple):
    model: str
    reason: str


class ModelSelector:
    """Chooses who explains an answer, and says why."""

    def __init__(self, settings: Settings, analyzer: QueryAnalyzer | None = None) -> None:
        self._settings = settings
        self._analyzer = analyzer or QueryAnalyzer()

    def estimate_query_complexity(self, query: str) -> float:
        """Give how hard a question is by its words, 0 to 1.

        0.3 for why, explain, diagnose or troubleshoot; 0.2 for each sub-query above one; 0.1 above 200 characters;
        0.2 for maybe, could or possibly. Each once, however often it stands there.

        >>> ModelSelector(Settings()).estimate_query_complexity("Why could cart be slow?")
        0.5
        """
        return _weigh(query, len(self._analyzer.decompose_query(query))).complexity

    def select_model(
        self, query: str, confidences: Sequence[float] | None = None, force_model: str | None = None
    ) -> str:
        """Give the name of the model that should explain an answer; see `choose`.

        Raises:
            ConfigError: `force_model` is none of the values it takes.
        """
        return self.choose(query, confidences, force_model).model

    def choose(
        self,
        query: str,
        confidences: Sequence[float] | None = None,
        force_model: str | None = None,
        available: Collection[str] | None = None,
    ) -> ModelChoice:
        """Give the model that explains an answer, or `rules`, and the reason.

        `confidences` are those of the root causes; none at all means that the rules found nothing, None that nobody
        asked them. `available` are the models that can be used; None means that nobody looked.

        Raises:
            ConfigError: `force_model` is none of the values it takes.
        """
        plan = self._analyzer.plan(query)
        weight = _weigh(query, len(plan.sub_queries))
        wish = self._wish(plan, weight, confidences) if force_model is None else self._forced(force_model)
        model, fallen = self._usable(wish.model, available)
        asked = force_model is not None or self._settings.profile is Profile.FULL
        return ModelChoice(
            model=model,
            reason=wish.reason + fallen,
            complexity=weight.complexity,
            degraded=asked and model != wish.model,
        )

    def _wish(self, plan: QueryPlan, weight: _Weight, confidences: Sequence[float] | None) -> _Wish:
        threshold = self._settings.query_complexity_threshold
        words = f" ({', '.join(weight.because)})" if weight.because else ""
        if weight.complexity >= threshold:
            how = f"complexity {weight.complexity:.2f} is at or above {threshold:.2f}{words}"
            return _Wish(self._settings.complex_model, how)
        doubt = _doubt(plan, confidences, threshold)
        if doubt:
            return _Wish(self._settings.complex_model, doubt)
        return _Wish(self._settings.simple_model, f"complexity {weight.complexity:.2f} is below {threshold:.2f}{words}")

    def _forced(self, name: str) -> _Wish:
        simple, complex_ = self._settings.simple_model, self._settings.complex_model
        accepted = {"simple": simple, "complex": complex_, RULES: RULES, simple: simple, complex_: complex_}
        found = next((model for accept, model in accepted.items() if _same(accept, name)), None)
        if found is None:
            named = ", ".join(map(repr, accepted))
            raise ConfigError(f"{name!r} is not a model that can be asked for.", hint=f"Ask for one of {named}.")
        return _Wish(found, f"{name!r} was asked for")

    def _usable(self, model: str, available: Collection[str] | None) -> tuple[str, str]:
        """Give the model to use in place of a wanted one, and what to add to the reason."""
        if available is None or model == RULES or _is_among(model, available):
            return model, ""
        simple = self._settings.simple_model
        if _same(model, simple):
            return RULES, f"; {model!r} is not available{self._pull(model)}, so the rules answer"
        if _is_among(simple, available):
            return simple, f"; {model!r} is not available{self._pull(model)}, so {simple!r} answers"
        return RULES, f"; neither {model!r} nor {simple!r} is available{self._pull(simple)}, so the rules answer"

    def _pull(self, model: str) -> str:
        """Give the command that fetches a model, where Ollama is the server."""
        settings = self._settings
        return f" (ollama pull {model})" if settings.ollama_url and not settings.llm_url else ""


def _weigh(query: str, parts: int) -> _Weight:
    reasoning, unsure = _REASONING.search(query), _UNSURE.search(query)
    counted = (
        (0.3 if reasoning else 0.0, f"asks {_asked(reasoning[0])}" if reasoning else ""),
        (0.2 * max(0, parts - 1), f"{parts} parts"),
        (0.1 if len(query) > _LONG else 0.0, f"more than {_LONG} characters"),
        (0.2 if unsure else 0.0, "unsure wording"),
    )
    # 0.3 + 0.2 + 0.2 is 0.7, also where a computer says 0.7000000000000001.
    total = round(min(1.0, sum(points for points, _ in counted)), 2)
    return _Weight(total, tuple(because for points, because in counted if points))


def _asked(word: str) -> str:
    return "why" if word.lower() == "why" else f"to {word.lower()}"


def _doubt(plan: QueryPlan, confidences: Sequence[float] | None, threshold: float) -> str:
    """Say why the rules are uncertain; empty where they are not, or where no one cause is asked for."""
    if confidences is None or plan.intent is not Intent.DIAGNOSE or not plan.question.strip():
        return ""
    ranked = sorted(confidences, reverse=True)
    least = round(1 - threshold, 6)
    if not ranked:
        return "the rules found no cause"
    if ranked[0] < least:
        return f"the rules are uncertain: their best cause has confidence {ranked[0]:.2f}, below {least:.2f}"
    if len(ranked) > 1 and round(ranked[0] - ranked[1], 6) <= _TIE:
        return f"the rules are uncertain: their two best causes tie at {ranked[0]:.2f} and {ranked[1]:.2f}"
    return ""


def _is_among(model: str, available: Collection[str]) -> bool:
    return any(_same(model, name) for name in available)


def _same(one: str, other: str) -> bool:
    """Tell whether two names mean one model; Ollama takes a name without a tag for `NAME:latest`."""
    return one.removesuffix(":latest") == other.removesuffix(":latest")
