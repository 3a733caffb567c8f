"""What a question limits its answer to: a namespace that is not there, labels that are excluded, the last change."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis
from tests.test_golden import SAMPLE


@pytest.fixture(scope="module")
def sample() -> Iterator[Copilot]:
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        copilot.ingest([str(SAMPLE)])
        yield copilot


def answer(copilot: Copilot, question: str, **given: object) -> FailureDiagnosis:
    return copilot.diagnose(DiagnoseRequest(question=question, **given))


@pytest.mark.parametrize(
    ("question", "given"),
    [
        ("what fails in logistics", {}),
        ("what fails in namespace logistics", {}),
        ("what fails since 14:00", {"namespace": "logistics"}),
    ],
)
def test_of_a_namespace_that_is_not_there_it_is_said_which_are_and_that_something_fails_elsewhere(
    sample: Copilot, question: str, given: dict[str, str]
):
    found = answer(sample, question, **given)

    assert found.root_causes == ()
    assert found.summary.startswith("Nothing in the evidence is of namespace 'logistics'; there is of: default, ")
    assert "Elsewhere something is: Deployment/orchard/checkout (" in found.summary
    assert found.evidence == (), "lines from elsewhere prove nothing of it"


def test_an_object_in_a_namespace_that_is_not_there_is_looked_for_everywhere_and_that_is_said(sample: Copilot):
    found = answer(sample, "why is checkout crashing in logistics")

    assert found.root_causes[0].workload.name == "checkout"
    assert "No evidence is of a namespace 'logistics'; all namespaces were looked at." in found.notes


def test_what_has_an_excluded_label_is_no_cause(sample: Copilot):
    every, without = (answer(sample, f"what fails in orchard{more}") for more in ("", " with app!=checkout"))

    assert "checkout" in {cause.workload.name for cause in every.root_causes}
    assert "checkout" not in {cause.workload.name for cause in without.root_causes}
    assert without.root_causes


def test_what_has_the_labels_of_the_question_comes_first(sample: Copilot):
    assert answer(sample, "what fails with app=recommender").root_causes[0].workload.name == "recommender"


def test_the_time_since_the_last_change_begins_with_it(sample: Copilot):
    found = answer(sample, "list the warnings in orchard since the last rollout of checkout", limit=100)

    assert found.listing is not None
    assert f"{found.listing.selection.since:%H:%M:%S}" == "14:05:11"
    assert "The last change was at 2026-11-20 14:05:11 UTC; the time asked about begins there." in found.notes
    assert {row.last >= found.listing.selection.since for row in found.listing.rows if row.last} == {True}


def test_the_time_before_the_last_change_ends_with_it(sample: Copilot):
    found = answer(sample, "was checkout ok before the last rollout?")

    assert found.root_causes == ()
    assert "is known to have failed before 2026-11-20 14:05 UTC" in found.summary
    assert "The last change was at 2026-11-20 14:05:11 UTC; the time asked about ends there." in found.notes


def test_where_nobody_remembers_a_change_no_time_is_left_out(sample: Copilot):
    found = answer(sample, "warnings of node-b since the last upgrade")

    assert "When it was last changed is not remembered, so no time is left out." in found.notes


def test_of_labels_that_nothing_has_it_is_said_that_they_limit_nothing(sample: Copilot):
    said = "Nothing in the evidence has the label 'app=parcels'; the answer is not limited by it."

    assert said in answer(sample, "what fails with app=parcels").notes
    assert said not in answer(sample, "what fails with app=recommender").notes


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("what fails?", "checkout"),
        ("ImagePullBackOff", "mailer"),
        ("exit code 137", "recommender"),
        ("is anything OOMKilled?", "recommender"),
        ("why does checkout crash, is it OOMKilled?", "checkout"),
    ],
)
def test_a_word_of_kubernetes_puts_the_failure_first_that_it_stands_for_where_nothing_is_named(
    sample: Copilot, question: str, first: str
):
    assert answer(sample, question).root_causes[0].workload.name == first


def test_patterns_of_a_namespace_that_is_not_there_say_so(sample: Copilot):
    notes = {name: sample.patterns(DiagnoseRequest(namespace=name)).notes for name in ("logistics", "orchard")}

    assert "Nothing in the evidence is of namespace 'logistics'." in notes["logistics"]
    assert "namespace" not in " ".join(notes["orchard"])


def test_of_several_objects_of_a_name_the_workload_is_said_to_be_well(sample: Copilot):
    assert "about StatefulSet/orchard/cart-db" in answer(sample, "is cart-db ok?").summary


def test_a_plain_word_that_nothing_is_called_by_is_said(sample: Copilot):
    def notes(question: str) -> list[str]:
        return [n for n in answer(sample, question).notes if "is called" in n]

    assert notes("why does warehouse fail?") == ["Nothing in the evidence is called 'warehouse'."]
    assert notes("what about lantern?") == ["Nothing in the evidence is called 'lantern'."]
    for known in (
        "why does checkout fail?",
        "why is everything slow?",
        "why do pods fail?",
        "what does OOMKilled mean?",
    ):
        assert notes(known) == []
