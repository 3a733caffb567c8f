"""Questions about a time get what was so then, and hear what is so now."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, State

NOW = datetime(2026, 11, 20, 14, 40, tzinfo=UTC)


def stamp(minutes: float) -> str:
    return f"{NOW - timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%SZ}"


def item(kind: str, name: str, made: float = 9000, **fields: object) -> dict[str, object]:
    metadata: dict[str, object] = {
        "name": name,
        "uid": f"{name}-1",
        "creationTimestamp": stamp(made),
        **dict(fields.pop("metadata", {})),
    }  # type: ignore[call-overload]
    if kind != "Node":
        metadata["namespace"] = "orchard"
    version = "apps/v1" if kind in ("Deployment", "ReplicaSet") else "v1"
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def pod(name: str, state: dict[str, object], last: dict[str, object], ready: bool, **metadata: object):
    status = {"name": "app", "ready": ready, "restartCount": 1, "state": state, "lastState": last}
    conditions = [{"type": "Ready", "status": str(ready), "lastTransitionTime": stamp(15)}]
    return item(
        "Pod",
        name,
        metadata=metadata,
        spec={"nodeName": "node-a", "containers": [{"name": "app", "image": "shop:1"}]},
        status={"phase": "Running", "containerStatuses": [status], "conditions": conditions},
    )


def owner(kind: str, name: str):
    return {"ownerReferences": [{"kind": kind, "name": name, "controller": True}]}


def replica_set(name: str, revision: int, made: float, env: list[dict[str, str]]):
    annotations = {"deployment.kubernetes.io/revision": str(revision)}
    template = {"spec": {"containers": [{"name": "app", "image": "shop:1", "env": env}]}}
    about = {"annotations": annotations, **owner("Deployment", "pricing")}
    return item("ReplicaSet", name, made, metadata=about, spec={"template": template})


@pytest.fixture(scope="module")
def ask(tmp_path_factory):
    """A shop where cart was killed for memory in the morning, node-b was lost at night, and pricing crashes now."""
    ended = {"exitCode": 137, "reason": "OOMKilled", "startedAt": stamp(5000), "finishedAt": stamp(300)}
    crashed = {"exitCode": 1, "reason": "Error", "startedAt": stamp(3), "finishedAt": stamp(2)}
    ready = {"type": "Ready", "status": "True", "lastTransitionTime": stamp(741)}
    lost = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "node-b.1", "namespace": "default"},
        "involvedObject": {"kind": "Node", "name": "node-b"},
        "reason": "NodeNotReady",
        "type": "Normal",
        "message": "Node node-b status is now: NodeNotReady",
        "count": 1,
        "firstTimestamp": stamp(749),
        "lastTimestamp": stamp(749),
    }
    items = [
        item("Node", "node-a"),
        item("Node", "node-b", status={"conditions": [ready]}),
        pod("cart-0", {"running": {"startedAt": stamp(299)}}, {"terminated": ended}, True),
        item("Deployment", "pricing", spec={"replicas": 1}),
        replica_set("pricing-5b6c7d8f9", 1, 9000, [{"name": "MODE", "value": "live"}]),
        replica_set("pricing-6f7d8b9c5", 2, 20, []),
        pod(
            "pricing-6f7d8b9c5-x2x4z",
            {"waiting": {"reason": "CrashLoopBackOff"}},
            {"terminated": crashed},
            False,
            **owner("ReplicaSet", "pricing-6f7d8b9c5"),
        ),
        lost,
    ]
    folder = tmp_path_factory.mktemp("shop")
    (folder / "objects.json").write_text(json.dumps({"kind": "List", "items": items}))
    with Copilot.throw_away(Settings(ollama_url="", throwaway_embedding_s=0)) as copilot:
        copilot.ingest([str(folder)], as_of=NOW)

        def asked(question: str) -> FailureDiagnosis:
            return copilot.diagnose(DiagnoseRequest(question=question))

        yield asked


def causes(answer: FailureDiagnosis) -> list[tuple[str, str, State]]:
    return [(cause.code, cause.workload.name, cause.state) for cause in answer.root_causes]


@pytest.mark.parametrize(
    "question", ["what happened between 02:00 and 02:30?", "why was node-b NotReady last night?", "what was at 02:15?"]
)
def test_what_was_over_by_then_is_told_and_what_came_later_is_not(ask, question):
    answer = ask(question)

    assert causes(answer) == [("node-not-ready", "node-b", State.RESOLVED)]
    assert "Resolved, 2026-11-20 02:11-02:19 UTC: Node/node-b" in answer.summary
    assert ". As it was then: Node" in answer.summary


def test_a_time_in_which_nothing_failed_is_called_quiet_and_what_fails_now_is_named(ask):
    answer = ask("what happened between 05:00 and 05:30?")

    assert answer.root_causes == ()
    assert answer.summary.startswith(
        "Nothing is known to have failed between 2026-11-20 05:00 and 2026-11-20 05:30 UTC"
    )
    assert "Failing now: Deployment/orchard/pricing" in answer.summary


def test_what_was_well_before_its_last_rollout_is_said_to_be(ask):
    answer = ask("was pricing healthy before the last rollout?")

    assert answer.root_causes == ()
    assert "Nothing about Deployment/orchard/pricing is known to have failed before 2026-11-20 14:20 UTC" in (
        answer.summary
    )


def test_what_the_question_calls_by_name_comes_first(ask):
    assert causes(ask("was there an OOM today?"))[0] == ("oom-killed", "cart-0", State.RESOLVED)
    assert causes(ask("what failed today?"))[0] == ("container-crash", "pricing", State.ACTIVE)


def test_that_there_was_none_is_said(ask):
    assert "No OOM is known since 2026-11-20 13:40 UTC; this is what else there is." in (
        ask("was there an OOM in the last hour?").notes
    )


def test_of_a_pod_that_is_well_the_last_trouble_is_told_before_the_trouble_of_others(ask):
    assert causes(ask("why does cart-0 crash?"))[:2] == [
        ("oom-killed", "cart-0", State.RESOLVED),
        ("container-crash", "pricing", State.ACTIVE),
    ]


def test_evidence_that_is_much_older_than_its_files_is_called_that(ask, tmp_path):
    heard = {"type": "Ready", "status": "True", "lastHeartbeatTime": "2023-03-05T14:39:00Z"}
    (tmp_path / "node.json").write_text(json.dumps(item("Node", "node-b", status={"conditions": [heard]})))
    with Copilot.throw_away(Settings(ollama_url="", throwaway_embedding_s=0)) as copilot:
        copilot.ingest([str(tmp_path / "node.json")], as_of=NOW)
        late = copilot.diagnose(DiagnoseRequest(question="what failed in the last hour?"))

    assert any(note.startswith("The newest time in the evidence is 2023-03-05 14:39 UTC") for note in late.notes)
    assert not any("newest time" in note for note in ask("what failed in the last hour?").notes)
