"""What a person sees of a model: its words, its reasoning on request, and the rules where it is stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ollama_standin import Fault, OllamaStandIn, Reply
from tests.waiting import PATIENCE_S, wait_until

BIN = Path(sys.executable).parent
QUESTION = "Why is cart down?"
PODS = """NAMESPACE   NAME     READY   STATUS             RESTARTS      AGE
orchard     cart-0   0/1     CrashLoopBackOff   7 (2m ago)    20m
"""
REASONED = Reply(content=("It is in CrashLoopBackOff [E1].",), thinking=("Seven restarts. ", "So it loops [E1]."))
PLAIN = Reply(content=REASONED.content)
# What was killed for want of memory at noon, and has run since.
RECOVERED = """apiVersion: v1
kind: Pod
metadata: {name: mailer-0, namespace: orchard, creationTimestamp: "2026-11-20T10:00:00Z"}
spec:
  containers: [{name: mailer, image: "registry.orchard.example/mailer:1.4", resources: {limits: {memory: 128Mi}}}]
status:
  phase: Running
  conditions: [{type: Ready, status: "True", lastTransitionTime: "2026-11-20T12:10:05Z"}]
  containerStatuses:
  - name: mailer
    image: registry.orchard.example/mailer:1.4
    ready: true
    restartCount: 3
    state: {running: {startedAt: "2026-11-20T12:10:00Z"}}
    lastState:
      terminated:
        exitCode: 137
        reason: OOMKilled
        startedAt: "2026-11-20T12:00:00Z"
        finishedAt: "2026-11-20T12:09:30Z"
"""


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    (tmp_path / "pods.txt").write_text(PODS)
    return tmp_path / "pods.txt"


def started(evidence: Path, ollama: str, *arguments: str) -> subprocess.Popen[str]:
    env = {**os.environ, "KFI_DATA_DIR": str(evidence.parent), "KFI_OLLAMA_URL": ollama, "COLUMNS": "200"}
    return subprocess.Popen(
        [str(BIN / "kfi"), *arguments, "--from", str(evidence)],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell has its background jobs ignore Ctrl-C, and what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def answered(evidence: Path, ollama: str, *arguments: str, typed: str = "") -> str:
    with started(evidence, ollama, *arguments) as run:
        out, err = run.communicate(typed, timeout=PATIENCE_S)
    assert (run.returncode, err) == (0, "")
    return out


def test_a_models_words_stand_beside_the_cause_with_the_reason_why_it_was_asked(evidence):
    with OllamaStandIn(models=("llama3.1:latest",), reply=PLAIN) as server:
        out = answered(evidence, server.url, "diagnose", f"{QUESTION} Could it be its settings? Explain it.")

    assert "In the words of llama3.1\n   It is in CrashLoopBackOff [E1].\n" in out
    # The complex model was wanted; who has it not is told who answered in its place.
    assert "'deepseek-r1:32b' is not available (ollama pull deepseek-r1:32b), so 'llama3.1' answers." in " ".join(
        out.split()
    )


@pytest.mark.parametrize(
    ("reply", "shown"),
    [
        (REASONED, "How deepseek-r1:32b reasoned (not checked)\n   Seven restarts. So it loops [E1].\n"),
        (PLAIN, "deepseek-r1:32b showed no reasoning.\n"),
        (Reply(fault=Fault.STATUS), "No model answered, so there is no reasoning to show.\n"),
    ],
)
def test_reasoning_is_shown_where_it_is_asked_for(evidence, reply, shown):
    ask = ("diagnose", QUESTION, "--force-model", "complex")
    with OllamaStandIn(reply=reply) as server:
        without, with_it = answered(evidence, server.url, *ask), answered(evidence, server.url, *ask, "--thinking")

    assert shown in with_it
    assert shown not in without


def test_a_chat_shows_reasoning_too(evidence):
    with OllamaStandIn(reply=REASONED) as server:
        out = answered(evidence, server.url, "chat", "--force-model", "complex", "--thinking", typed=f"{QUESTION}\n")

    assert "So it loops [E1]." in out


def test_ctrl_c_while_a_model_speaks_leaves_the_answer_to_the_rules(evidence):
    with (
        OllamaStandIn(reply=Reply(fault=Fault.HANGS)) as server,
        started(evidence, server.url, "diagnose", QUESTION, "--force-model", "simple") as run,
    ):
        wait_until(lambda: bool(server.chats))
        run.send_signal(signal.SIGINT)
        out, err = run.communicate(timeout=PATIENCE_S)
        left = server.client_left.wait(PATIENCE_S)

    assert (run.returncode, err, left) == (0, "", True)
    assert "CrashLoopBackOff" in out
    assert "answered by rules" in out
    assert "llama3.1 was stopped before it had answered." in out


def test_what_is_over_is_told_as_what_was(tmp_path):
    pod = tmp_path / "pod.yaml"
    pod.write_text(RECOVERED)

    out = answered(pod, "", "diagnose", "Why did mailer crash?", "--as-of", "2026-11-20T14:40:00Z")

    assert "resolved, 2026-11-20 12:09-12:10 UTC" in out
    assert "Chain, as it was then" in out
    assert "To keep it from coming back" in out
    assert "What to do" not in out
