"""The sample incidents give the diagnoses that stand beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis

SAMPLE = Path(__file__).parents[1] / "data" / "sample" / "orchard"
EXPECTED = sorted(p for p in (SAMPLE / "expected").glob("*.json") if p.stem != "incidents")


@pytest.fixture(scope="module")
def copilot():
    with Copilot.throw_away(Settings(ollama_url="")) as made:
        made.ingest([str(SAMPLE)])
        yield made


@pytest.mark.parametrize("path", EXPECTED, ids=lambda p: p.stem)
def test_the_sample_incident_is_diagnosed_as_it_was_written(copilot: Copilot, path: Path):
    expected = json.loads(path.read_text())

    answer = copilot.diagnose(DiagnoseRequest(question=expected["question"]))

    first = answer.root_causes[0]
    assert first.code == expected["code"]
    assert (first.workload.kind, first.workload.name) == (expected["workload"]["kind"], expected["workload"]["name"])
    assert answer.reasoning_model_used == "rules"
    for cite in expected["cites"]:
        assert cited(answer, cite), f"{cite} is not among the evidence"


def cited(answer: FailureDiagnosis, cite: dict[str, Any]) -> bool:
    return any(line.path.endswith(cite["path"]) and cite["contains"] in line.text for line in answer.evidence)


def test_without_a_question_the_sample_has_its_four_incidents_and_nothing_else_that_is_sure(copilot: Copilot):
    expected = json.loads((SAMPLE / "expected" / "incidents.json").read_text())

    answer = copilot.diagnose(DiagnoseRequest())

    sure = {(c.code, c.workload.name) for c in answer.root_causes if c.confidence >= 0.5}
    assert sure == {(one["code"], one["workload"]["name"]) for one in expected["incidents"]}


def test_every_citation_is_the_line_of_the_file_it_names(copilot: Copilot):
    answer = copilot.diagnose(DiagnoseRequest())

    for line in answer.evidence:
        source = (SAMPLE / line.path).read_text().split("\n")
        shown = "\n".join(source[line.first_line - 1 : line.last_line])
        assert "<secret:" in line.text or line.text.split("\n")[0].strip() in shown


def test_every_claim_of_a_cause_points_at_evidence(copilot: Copilot):
    answer = copilot.diagnose(DiagnoseRequest())

    labels = {line.label for line in answer.evidence}
    for cause in answer.root_causes:
        assert cause.citations
        assert set(cause.citations) <= labels
        assert all(set(link.citations) <= labels for link in cause.chain)
