"""Whatever a model server does, the answer is a whole diagnosis, and says what happened."""

from dataclasses import replace

import pytest

from kfi.chains.rag_chain import RagChain
from kfi.config import Settings
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis
from tests.model_faults import FAULTS, WHOLE_S, copilot_of, standing_in
from tests.waiting import PATIENCE_S

QUESTION = "Why is cart down?"


@pytest.fixture(scope="module")
def evidence(tmp_path_factory):
    for url in ("http://127.0.0.1:9", "http://127.0.0.1:9/v1"):
        RagChain(Settings(llm_url=url if url.endswith("/v1") else "", ollama_url=url)).warm_up()
    folder = tmp_path_factory.mktemp("evidence")
    (folder / "pods.txt").write_text(
        "NAMESPACE   NAME     READY   STATUS             RESTARTS      AGE\n"
        "orchard     cart-0   0/1     CrashLoopBackOff   7 (2m ago)    20m\n"
    )
    return folder


@pytest.mark.parametrize("protocol", ["", "/v1"])
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_fault_of_a_model_ends_in_a_valid_diagnosis(fault, protocol, evidence, monkeypatch):
    monkeypatch.setattr("kfi.chains.servers._TIMEOUT_S", PATIENCE_S)
    if fault.deadline_s == WHOLE_S:
        fault = replace(fault, deadline_s=PATIENCE_S)
    with standing_in(fault) as server, copilot_of(fault, server.url + protocol, evidence) as copilot:
        rules = copilot.diagnose(DiagnoseRequest(question=QUESTION, force_model="rules"))
        answer = copilot.diagnose(DiagnoseRequest(question=QUESTION, force_model="simple"))

    assert FailureDiagnosis.model_validate_json(answer.model_dump_json()) == answer
    assert (answer.root_causes, answer.gaps) == (rules.root_causes, rules.gaps)
    assert (answer.explanation is not None) == fault.explained
    assert answer.degraded != fault.explained
    assert answer.reasoning_model_used == ("llama3.1" if fault.explained else "rules")
    assert fault.explained or set(answer.notes) > set(rules.notes)
    assert fault.explained or answer.model_choice.reason.endswith("so the rules answer")
