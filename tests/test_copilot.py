"""One question's way through the copilot: what is kept, masked, refused and said."""

from __future__ import annotations

import asyncio

import pytest
from pydantic import ValidationError

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.errors import ConfigError
from kfi.models.answer import PlanReady
from kfi.models.schemas import DiagnoseRequest
from tests.test_golden import SAMPLE


@pytest.fixture(scope="module")
def copilot():
    with Copilot.throw_away(Settings(ollama_url="", throwaway_embedding_s=0)) as made:
        made.ingest([str(SAMPLE)])
        yield made


def test_a_namespace_that_is_not_there_hides_nothing_of_an_object_that_is(copilot: Copilot):
    answer = copilot.diagnose(DiagnoseRequest(question="why does checkout crash in namespace shop?"))

    assert answer.root_causes[0].workload.name == "checkout"
    assert "No evidence is of a namespace 'shop'; all namespaces were looked at." in answer.notes


def test_a_namespace_that_was_given_beside_the_question_is_kept_to(copilot: Copilot):
    answer = copilot.diagnose(DiagnoseRequest(question="why does checkout crash?", namespace="kube-system"))

    assert [cause.workload.namespace for cause in answer.root_causes if cause.workload.namespace == "orchard"] == []


def test_a_secret_in_a_question_is_masked_like_one_in_the_evidence(copilot: Copilot):
    request = DiagnoseRequest(question="why does checkout crash, it has password=Plum7tree!x?")

    answer = copilot.diagnose(request)

    assert "Plum7tree" not in answer.model_dump_json()
    assert "<secret:" in answer.question
    assert answer.root_causes[0].workload.name == "checkout"


def test_the_snapshot_is_kept_until_something_is_written(tmp_path):
    with Copilot.throw_away(Settings(ollama_url="", throwaway_embedding_s=0)) as copilot:
        copilot.ingest([str(SAMPLE)])
        first, second = (copilot.diagnose(DiagnoseRequest()) for _ in range(2))
        (tmp_path / "later.log").write_text("2026-11-20T14:41:00Z ERROR the orchard gate is shut\n")
        copilot.ingest([str(tmp_path / "later.log")], as_of=first.as_of)
        third = copilot.diagnose(DiagnoseRequest())

    assert first.timings.snapshot > 0
    assert second.timings.snapshot == 0
    assert third.timings.snapshot > 0
    assert first.root_causes == second.root_causes


def test_a_model_that_nobody_configured_is_refused_before_any_work(copilot: Copilot):
    seen = []
    with pytest.raises(ConfigError, match="gpt-9"):
        asyncio.run(copilot.whole(DiagnoseRequest(question="why?", force_model="gpt-9"), seen.append))

    assert [event for event in seen if isinstance(event, PlanReady)] == []


def test_a_question_about_something_healthy_needs_no_reasoning_model(copilot: Copilot):
    answer = copilot.diagnose(DiagnoseRequest(question="is coredns down?"))

    assert answer.root_causes == ()
    assert "deepseek" not in answer.model_choice.reason


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_moment_outside_of_time_is_refused(moment):
    with pytest.raises(ValidationError, match="outside the years"):
        DiagnoseRequest(question="why?", as_of=moment)


def test_the_index_can_be_made_anew_and_searched_in_one_run(tmp_path):
    with Copilot.open(Settings(data_dir=tmp_path / "store", ollama_url="")) as copilot:
        copilot.ingest([str(SAMPLE / "incidents")])
        waiting = copilot.index()
        before = copilot.retrieve(DiagnoseRequest(question="which node does the pod fit on?"))
        rows = copilot.reindex()
        after = copilot.retrieve(DiagnoseRequest(question="which node does the pod fit on?"))

    assert (waiting, rows > 0) == (0, True)
    assert (after.hits, after.notes) == (before.hits, before.notes)
