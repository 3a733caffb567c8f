"""
The answer, put together from what the rules say, what was found, and what a model said.
"""

from __future__ import annotations

from kfi.assembly import Chosen
from kfi.chains.model_selector import RULES
from kfi.chains.rag_chain import Explained
from kfi.examination import Examined
from kfi.models.answer import Retrieved
from kfi.models.schemas import FailureDiagnosis, ModelChoice


def composed(case: Examined, found: Retrieved, said: Explained, choice: ModelChoice, parts: Chosen) -> FailureDiagnosis:
    """Give the answer; where a model was to speak and did not, the rules have answered."""
    unanswered = choice.model != RULES and said.text is None
    return FailureDiagnosis(
        question=case.plan.question,
        summary=case.summary,
        root_causes=case.causes,
        evidence=case.evidence.lines,
        listing=case.listing,
        patterns=case.patterns,
        past_incidents=case.past,
        query_metadata=case.plan.metadata,
        sub_queries=case.plan.sub_queries,
        gaps=case.gaps,
        explanation=said.text,
        reasoning_model_used=RULES if unanswered else choice.model,
        model_choice=choice,
        embedder="none" if case.settled else parts.embedder,
        reranker="none" if case.settled else parts.reranker,
        thinking_chain=said.thinking,
        model_answer=said.answer,
        degraded=choice.degraded or unanswered,
        notes=tuple(dict.fromkeys((*found.notes, *case.notes, *said.notes))),
        as_of=case.snapshot.as_of,
        objects_seen=len(case.snapshot.objects),
    )
