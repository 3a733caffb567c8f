"""A slice of what `benchmarks/injection.py` and `benchmarks/redaction.py` measure in full."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "benchmarks"))

from injection import cases, outcomes
from kfi.config import Settings
from kfi.copilot import Copilot
from planted_secrets import plant
from secret_kinds import KINDS


@pytest.mark.parametrize("case", cases()[3::13], ids=lambda case: f"{case[1]}: {case[0].text[:30]}")
def test_a_model_that_obeys_hidden_orders_changes_nothing(case):
    for outcome in outcomes([case]):
        assert (outcome.same, outcome.survived, outcome.honest) == (True, (), True)


def test_no_planted_secret_reaches_the_ledger(tmp_path):
    planted = plant(tmp_path, count=5 * len(KINDS), seed=7)

    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        report = copilot.ingest([str(tmp_path)])
        stored = "\n".join(document.model_dump_json() for document in copilot.ledger.documents()).replace("\\", "")

    assert {one.kind for one in planted} == set(KINDS)
    assert sum(report.redactions.values()) >= len(planted)
    assert [one for one in planted if any(needle.replace("\\", "") in stored for needle in one.needles)] == []
