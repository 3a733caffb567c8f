"""
One question's whole way, from the question to the answer.

Question to plan, ledger to snapshot, snapshot to findings and causes, plan and findings to evidence, evidence to words.

The copilot owns every long-lived object; `assembly.py` knows which concrete ones a store works with.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

from kfi.assembly import Assembly, Chosen
from kfi.chains.model_selector import RULES, ModelSelector
from kfi.chains.prompts import Brief
from kfi.chains.rag_chain import Explained, RagChain
from kfi.chains.servers import installed_models
from kfi.composition import composed
from kfi.config import Settings
from kfi.conversation import Conversations, Joined
from kfi.errors import SourceError
from kfi.examination import Examined, judge, with_meaning
from kfi.ingestion.pipeline import ingest
from kfi.ingestion.redaction import Redactor
from kfi.ledger.ledger import Ledger
from kfi.models.answer import (
    AnswerEvent,
    EvidenceFound,
    Finished,
    HitList,
    Leg,
    ModelChosen,
    Part,
    PlanReady,
    QueryAnalysis,
    Retrieved,
)
from kfi.models.patterns import PatternList
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, IngestReport, ModelChoice, QueryPlan, Timings
from kfi.readiness import readiness
from kfi.retrieval.query_analyzer import QueryAnalyzer
from kfi.retrieval.scope import Scope
from kfi.sight import Seen, begin, see
from kfi.supplements import patterns_in, with_list, with_patterns

if TYPE_CHECKING:
    from kfi.ingestion.indexer import BackgroundIndexer
    from kfi.retrieval.retriever import EnhancedRetriever

Progress = Callable[[str, int, int], None]

# Clusters and moments that are kept between questions. Each holds a whole snapshot in memory.
_KEPT = 2


class Copilot:
    """Remembers evidence and answers questions about it. Safe to share between threads."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._analyzer = QueryAnalyzer()
        self._selector = ModelSelector(settings, self._analyzer)
        self._parts = Assembly(ledger, settings)
        self._model = RagChain(settings)
        self._seen: OrderedDict[tuple[object, ...], Seen] = OrderedDict()
        self._seeing = RLock()
        self._conversations = Conversations()
        self._indexer: BackgroundIndexer | None = None

    @classmethod
    def open(cls, settings: Settings) -> Copilot:
        """Open the copilot of the store that the settings name; the store is made where there is none.

        Raises:
            ServiceError: the store cannot be used.
        """
        return cls(Ledger.open(settings.data_dir), settings)

    @classmethod
    def throw_away(cls, settings: Settings) -> Copilot:
        """Give a copilot with an empty store that is gone when it is closed."""
        return cls(Ledger.throw_away(), settings)

    def close(self) -> None:
        """End the indexing and let go of the store."""
        if self._indexer:
            self._indexer.stop()
        self._parts.close()
        self._ledger.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def ledger(self) -> Ledger:
        """The system of record."""
        return self._ledger

    def ingest(
        self,
        paths: Iterable[str],
        *,
        cluster: str = "",
        as_of: datetime | None = None,
        events_dir: Path | None = None,
        stdin: BinaryIO | None = None,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Read evidence into the ledger and say what became of each part; `index` then makes it searchable.

        Raises:
            SourceError: a path does not exist.
            ServiceError: the ledger cannot be written.
        """
        return ingest(
            list(paths),
            ledger=self._ledger,
            cluster=cluster,
            as_of=as_of,
            events_dir=events_dir,
            stdin=stdin,
            settings=self._settings,
            progress=progress,
        )

    def index(self, progress: Progress | None = None, deadline_s: float | None = None) -> int:
        """Make what was ingested searchable; give how many documents are still to do.

        Raises:
            ServiceError: the index is in use by another process, or it or the embedder does not answer.
            ConfigError: the index was made for another model.
        """
        from kfi.ingestion.indexer import index_pending

        index, embedder = self._parts.index, self._parts.embedder
        index_pending(self._ledger, embedder, index, progress=progress, deadline_s=deadline_s)
        return self._ledger.count_not_indexed()

    def reindex(self, progress: Progress | None = None) -> int:
        """Make the index anew with the models that the settings name now; give how many documents it holds.

        Raises:
            ServiceError: the index is in use by another process, or it or the embedder does not answer.
            ConfigError: the weights of a model are missing.
        """
        self._parts.begin_anew()
        self.__dict__.pop("retriever", None)  # it searches the index that was closed
        self.index(progress)
        return self._parts.index.count()

    def start_indexing(self) -> None:
        """Index in the background from now on, until the copilot is closed."""
        from kfi.ingestion.indexer import BackgroundIndexer

        self._indexer = BackgroundIndexer(self._ledger, self._parts.embedder, self._parts.index)
        self._indexer.start()

    def warm_up(self) -> None:
        """Do now what the first question would wait for: load the models, open the index, see the newest snapshot."""
        self._parts.embedder.warm_up()
        self._parts.reranker.warm_up()
        self._model.warm_up()
        # A first search reads the index from the disk.
        self.retrieve(DiagnoseRequest(question="warm up"))

    async def answer(self, request: DiagnoseRequest) -> AsyncIterator[AnswerEvent]:
        """Answer a question from what is in the ledger, step by step; without a question, every incident.

        Raises:
            ServiceError: the ledger cannot be read.
            ConfigError: the index was made for another model, or `force_model` names none that is configured.
        """
        started = time.perf_counter()
        joined = await asyncio.to_thread(self._join, self._without_secrets(request))
        request = joined.request
        if request.force_model:
            self._selector.choose("", force_model=request.force_model)  # refuses a wrong name before any work
        plan = await asyncio.to_thread(self._plan, request)
        yield PlanReady(plan=plan)
        case = await asyncio.to_thread(self._examine, request, plan)
        case = await asyncio.to_thread(with_list, with_meaning(case, request.limit), self._ledger, request)
        retrieved = await asyncio.to_thread(self._retrieve, case)
        yield EvidenceFound(
            summary=case.summary,
            root_causes=case.causes,
            evidence=case.numbered(retrieved.hits),
            listing=case.listing,
            notes=retrieved.notes,
        )
        # It takes as long as all before it, and nobody waits for it to see the cause.
        case = await asyncio.to_thread(with_patterns, case, self._ledger, request)
        choice = await asyncio.to_thread(self._choose_model, request, case)
        yield ModelChosen(choice=choice)
        asked = time.perf_counter()
        said = Explained()
        async for event in self._model.explain(choice, _brief(case, retrieved, joined.earlier)):
            if isinstance(event, Explained):
                said = event
            else:
                yield event
        now = time.perf_counter()
        spent = case.timings.model_copy(
            update={"retrieval": retrieved.seconds, "model": round(now - asked, 4), "total": round(now - started, 4)}
        )
        answer = composed(case, retrieved, said, said.choice or choice, self._parts.chosen)
        yield Finished(diagnosis=joined.kept(answer.model_copy(update={"timings": spent})))

    def diagnose(self, request: DiagnoseRequest) -> FailureDiagnosis:
        """Give the whole answer at once.

        Raises:
            ServiceError: the ledger cannot be read.
            ConfigError: the index was made for another model, or `force_model` names none that is configured.
        """
        return asyncio.run(self.whole(request))

    async def whole(
        self, request: DiagnoseRequest, watch: Callable[[AnswerEvent], None] | None = None
    ) -> FailureDiagnosis:
        """Give the whole answer; `watch` sees each step of it.

        Raises:
            ServiceError: the ledger cannot be read.
            ConfigError: the index was made for another model, or `force_model` names none that is configured.
        """
        async for event in self.answer(request):
            if watch:
                watch(event)
            if isinstance(event, Finished):
                return event.diagnosis
        raise AssertionError("an answer ends with Finished")

    def retrieve(self, request: DiagnoseRequest) -> Retrieved:
        """Give the lines that answer a question, best first, and which legs found each.

        Raises:
            ServiceError: the ledger cannot be read.
            ConfigError: the index was made for another model.
        """
        request = self._without_secrets(request)
        return self._retrieve(self._examine(request, self._plan(request)))

    def hits(self, request: DiagnoseRequest) -> HitList:
        """Give what `retrieve` finds, flat: for people and machines that want the lines and nothing else."""
        used = self._parts.chosen
        return HitList.of(self.retrieve(request), used.embedder, used.reranker)

    def patterns(self, request: DiagnoseRequest) -> PatternList:
        """Give what repeats, gathers, spreads or is new in the evidence, and past incidents like those of now.

        Raises:
            ServiceError: the ledger cannot be read.
        """
        return patterns_in(self._see(request)[0], self._ledger, request)

    @property
    def parts_in_use(self) -> Chosen:
        """The names of the models that the store works with.

        Raises:
            ConfigError: the settings ask for other ones than the store was made with.
        """
        return self._parts.chosen

    @cached_property
    def retriever(self) -> EnhancedRetriever:
        """Retrieval as a LangChain Runnable: a question in, LangChain Documents out."""
        from kfi.retrieval.legs import idle, legs_over
        from kfi.retrieval.retriever import EnhancedRetriever, retrieval_chain

        parts, settings = self._parts, self._settings
        legs = legs_over(parts.index, parts.embedder, settings.candidates, self._ledger)
        legs = replace(legs, **{leg: idle for leg in Leg if leg not in settings.search_legs})
        chain = retrieval_chain(legs, parts.reranker, self._ledger, settings.candidates)
        return EnhancedRetriever(chain, self._scope_of)

    def analyze(self, question: str) -> QueryAnalysis:
        """Give what a question is understood as, and who would explain its answer as far as its words tell."""
        choice = self._selector.choose(question, available=installed_models(self._settings).names)
        plan = self._plan(self._without_secrets(DiagnoseRequest(question=question)))
        return QueryAnalysis(plan=plan, complexity=choice.complexity, model_choice=choice)

    def readiness(self) -> tuple[Part, ...]:
        """Give each thing that answers depend on, and how it stands."""
        return readiness(self._ledger, self._parts, self._settings, self._indexer)

    def _join(self, request: DiagnoseRequest) -> Joined:
        return self._conversations.join(request, lambda: self._see(request)[0].snapshot.mentioned)

    def _without_secrets(self, request: DiagnoseRequest) -> DiagnoseRequest:
        """Mask what was pasted into a question, as evidence is masked: the same secret has the same placeholder."""
        masked = "\n".join(Redactor(self._ledger.redaction_key()).lines(request.question.split("\n")))
        return request if masked == request.question else request.model_copy(update={"question": masked})

    def _plan(self, request: DiagnoseRequest) -> QueryPlan:
        """Take the question apart; what was given beside it beats what it says. "Now" is when the evidence ends.

        Raises:
            SourceError: it is asked of a cluster that there is no evidence of.
        """
        clusters = self._ledger.clusters() if request.cluster else []
        if clusters and request.cluster not in clusters:
            names = ", ".join(name or "one without a name" for name in clusters)
            raise SourceError(f"There is no evidence of a cluster {request.cluster!r}.", hint=f"There is of: {names}.")
        as_of = self._as_of(request)
        plan = self._analyzer.plan(request.question, now=as_of)
        given = {
            "namespace": request.namespace or plan.metadata.namespace,
            "cluster": request.cluster or None,
            "since": begin(as_of, request.since) or plan.metadata.since,
        }
        return plan.model_copy(update={"metadata": plan.metadata.model_copy(update=given)})

    def _as_of(self, request: DiagnoseRequest) -> datetime | None:
        # Of one cluster: the newest evidence of another may be days away.
        return request.as_of or self._ledger.latest_observation(request.cluster or None)

    def _see(self, request: DiagnoseRequest) -> tuple[Seen, bool]:
        """Give the cluster examined, and whether that was done now: the same moment is kept for the next question."""
        as_of = self._as_of(request)
        key = (request.cluster, as_of, request.since, self._ledger.version())
        with self._seeing:
            if key in self._seen:
                self._seen.move_to_end(key)
                return self._seen[key], False
            seen = self._seen[key] = see(self._ledger, request.cluster, as_of, request.since)
            while len(self._seen) > _KEPT:
                self._seen.popitem(last=False)
            return seen, True

    def _examine(self, request: DiagnoseRequest, plan: QueryPlan) -> Examined:
        seen, new = self._see(request)
        started = time.perf_counter()
        case = judge(seen, request, plan, request.top_k or self._settings.rerank_top_k)
        spent = Timings(
            snapshot=round(seen.reading_s if new else 0.0, 4),
            rules=round(seen.rules_s if new else 0.0, 4),
            causes=round(time.perf_counter() - started, 4),
        )
        return replace(case, timings=spent)

    def _scope_of(self, question: str) -> Scope:
        request = self._without_secrets(DiagnoseRequest(question=question))
        return self._examine(request, self._plan(request)).scope

    def _retrieve(self, case: Examined) -> Retrieved:
        # A list or a meaning is complete without what lies near the question's words.
        if not case.plan.question or case.listing or case.settled:
            return Retrieved(plan=case.plan, notes=case.notes)
        started = time.perf_counter()
        if self._ledger.temporary:
            self._parts.fill_memory()
        # Counted before the search: what the indexer adds meanwhile was perhaps not found.
        waiting = tuple(self._not_indexed())
        found = self.retriever.retrieve(case.scope)
        notes = (*case.notes, *found.notes, *waiting)
        return found.model_copy(update={"notes": notes, "seconds": round(time.perf_counter() - started, 4)})

    def _not_indexed(self) -> Iterator[str]:
        waiting = 0 if self._ledger.temporary else self._ledger.count_not_indexed()
        if waiting:
            yield f"{waiting} of {self._ledger.count()} documents are not indexed yet; only the rules saw them."

    def _choose_model(self, request: DiagnoseRequest, case: Examined) -> ModelChoice:
        if case.listing or case.settled or (not case.plan.question and not request.force_model):
            why = case.settled or ("a list is complete as it is" if case.listing else "no question was asked")
            return ModelChoice(model=RULES, reason=f"{why}, so there is nothing to explain")
        if request.force_model == RULES:
            return self._selector.choose(case.plan.question, force_model=RULES)
        # Other incidents fail independently: they make the first one no less sure. Rival causes of one workload do.
        rivals = [cause.confidence for cause in case.causes if cause.workload == case.causes[0].workload]
        # Where nothing fails, the rules are not uncertain; where something was not visible, they are.
        confidences = rivals if rivals or case.gaps else None
        installed = installed_models(self._settings)
        return self._selector.choose(
            case.plan.question, confidences, force_model=request.force_model, available=installed.names
        )


def _brief(case: Examined, found: Retrieved, earlier: tuple[str, ...]) -> Brief:
    plan, lines = case.plan, case.evidence.lines
    return Brief(plan.question, plan, case.causes, lines, case.gaps, found.notes, case.snapshot.objects, earlier)
