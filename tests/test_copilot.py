"""One question's way through the copilot: what is kept, masked, refused and said."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime

import pytest
from pydantic import ValidationError

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.errors import ConfigError
from kfi.models.answer import PlanReady
from kfi.models.schemas import DiagnoseRequest, State
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


def test_what_was_indexed_during_a_search_is_said_to_be_missing_from_it(tmp_path):
    (tmp_path / "later.log").write_text("2026-11-20T14:41:00Z ERROR the orchard gate is shut\n")
    with Copilot.open(Settings(data_dir=tmp_path / "store", ollama_url="")) as copilot:
        copilot.ingest([str(tmp_path / "later.log")])
        search = copilot.retriever.retrieve

        class IndexedMeanwhile:
            def retrieve(self, scope):
                found = search(scope)
                copilot.index()
                return found

        copilot.__dict__["retriever"] = IndexedMeanwhile()
        first, second = (copilot.retrieve(DiagnoseRequest(question="who shut the gate?")) for _ in range(2))

    assert [note for note in first.notes if "not indexed yet" in note]
    assert [note for note in second.notes if "not indexed yet" in note] == []


def test_what_repeats_is_worked_out_once_for_all_questions_about_a_moment(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("kfi.supplements.find.patterns_of", lambda _, cause, __: asked.append(cause.code) or ())
    with Copilot.throw_away(Settings(ollama_url="", throwaway_embedding_s=0)) as copilot:
        copilot.ingest([str(SAMPLE)])
        for question in ("why does checkout crash?", "what is wrong with checkout?", "why is cart unready?"):
            copilot.diagnose(DiagnoseRequest(question=question))
        (tmp_path / "later.log").write_text("2026-11-20T14:41:00Z ERROR the orchard gate is shut\n")
        copilot.ingest([str(tmp_path / "later.log")])
        copilot.diagnose(DiagnoseRequest(question="why does checkout crash?"))

    assert asked.count("container-crash") == 2


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


def test_a_rollout_that_broke_something_and_a_node_that_recovered_are_told_with_their_times(tmp_path):
    """Two collections half an hour apart: a selector was changed between them, and a node was lost and came back."""
    with Copilot.open(Settings(data_dir=tmp_path / "store", ollama_url="")) as copilot:
        for moment, selector, ready in (("14:10", "cart", "Unknown"), ("14:40", "kart", "True")):
            folder = tmp_path / moment
            folder.mkdir()
            (folder / "objects.json").write_text(json.dumps({"kind": "List", "items": _collected(selector, ready)}))
            copilot.ingest([str(folder)], as_of=datetime.fromisoformat(f"2026-11-20T{moment}:00Z"))
        now = copilot.diagnose(DiagnoseRequest())
        then = copilot.diagnose(DiagnoseRequest(question="what was wrong with node-b in the last hour?"))

    first = now.root_causes[0]
    assert (first.code, first.state) == ("service-selector-mismatch", State.ACTIVE)
    assert [(f"{change.after:%H:%M}", f"{change.when:%H:%M}", change.statement) for change in first.changes] == [
        ("14:10", "14:40", "Changed selector.app from 'cart' to 'kart'.")
    ]
    assert [(cause.code, cause.state) for cause in then.root_causes] == [("node-not-ready", State.RESOLVED)]
    assert then.summary.startswith("What failed then is over. Resolved, ")


def _collected(selector: str, ready: str) -> list[dict[str, object]]:
    labels = {"app": "cart"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": "cart:1"}]}}
    running = {"name": "app", "ready": True, "state": {"running": {"startedAt": "2026-11-19T08:00:00Z"}}}
    endpoints = {"subsets": [{"addresses": [{"ip": "10.1.0.4"}], "ports": [{"port": 8080}]}]}
    made: list[tuple[str, str, dict[str, object]]] = [
        ("Node", "node-b", {"status": {"conditions": [{"type": "Ready", "status": ready, "reason": "Kubelet"}]}}),
        ("Service", "cart", {"spec": {"selector": {"app": selector}, "ports": [{"port": 80, "targetPort": 8080}]}}),
        ("Endpoints", "cart", endpoints if selector == "cart" else {}),
        (
            "Deployment",
            "cart",
            {
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
                "status": {"readyReplicas": 1},
            },
        ),
        (
            "Pod",
            "cart-1a2b3-x4x4x",
            {
                "spec": {**template["spec"], "nodeName": "node-a"},
                "status": {
                    "phase": "Running",
                    "podIP": "10.1.0.4",
                    "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [running],
                },
            },
        ),
    ]
    items = []
    for kind, name, fields in made:
        metadata: dict[str, object] = {"name": name, "creationTimestamp": "2026-11-01T08:00:00Z", "labels": labels}
        if kind != "Node":
            metadata["namespace"] = "orchard"
        version = "apps/v1" if kind == "Deployment" else "v1"
        items.append({"apiVersion": version, "kind": kind, "metadata": metadata} | fields)
    return items
