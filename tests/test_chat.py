"""Several questions in a row: on the command line, and over HTTP."""

import asyncio
import io
import json

import httpx
import pytest

from kfi.api.server import create_app
from kfi.cli.app import run
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.schemas import DiagnoseRequest
from tests.ollama_standin import OllamaStandIn, Reply

PODS = (
    "NAMESPACE   NAME                        READY   STATUS             RESTARTS      AGE\n"
    "orchard     cart-6c9d7b8f5-x2k7z        0/1     CrashLoopBackOff   7 (2m ago)    20m\n"
    "orchard     mailer-7d8c6b5f4-b4n6x      0/1     ImagePullBackOff   0             20m\n"
)


@pytest.fixture
def evidence(tmp_path):
    (tmp_path / "pods.txt").write_text(PODS)
    return tmp_path


@pytest.fixture
def no_model(monkeypatch):
    monkeypatch.setenv("KFI_OLLAMA_URL", "")
    monkeypatch.setenv("KFI_THROWAWAY_EMBEDDING_S", "0")


def chat(monkeypatch, capsys, evidence, lines, *more):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("".join(lines).encode())))
    code = run(["chat", "--from", str(evidence), *more])
    return code, capsys.readouterr()


def answers_in(out):
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(out.rstrip()):
        value, at = decoder.raw_decode(out, at)
        found.append(value)
        at += len(out[at:]) - len(out[at:].lstrip())
    return found


@pytest.mark.usefixtures("no_model")
def test_a_chat_keeps_what_the_question_before_was_about(monkeypatch, capsys, evidence):
    lines = [
        "why is cart crashing?\n",
        "\n",
        "and why?\n",
        "what about mailer?\n",
        "is it ready?\n",
        "quit\n",
        "never\n",
    ]

    code, said = chat(monkeypatch, capsys, evidence, lines, "-o", "json")

    first, why, mailer, ready = answers_in(said.out)
    assert code == 0
    assert why["question"] == "Why does pod cart-6c9d7b8f5-x2k7z fail?" or "cart" in why["question"]
    assert why["root_causes"][0]["workload"] == first["root_causes"][0]["workload"]
    assert "mailer" in mailer["root_causes"][0]["workload"]["name"]
    assert "mailer" in ready["question"]
    assert len({answer["conversation"] for answer in (first, why, mailer, ready)}) == 1


@pytest.mark.usefixtures("no_model")
def test_a_question_that_cannot_be_answered_ends_no_chat(monkeypatch, capsys, evidence):
    code, said = chat(monkeypatch, capsys, evidence, ["x" * 20_000 + "\n", "why is cart crashing?"])

    assert (code, "this one is cut" in said.err, "Traceback" in said.err) == (0, True, False)
    assert "cart" in said.out


@pytest.mark.usefixtures("no_model")
def test_secrets_typed_into_a_chat_are_masked(monkeypatch, capsys, evidence):
    lines = ["why is cart crashing with password=w1nesapTree9?\n", "and why?\n"]

    _, said = chat(monkeypatch, capsys, evidence, lines, "-o", "json")

    assert "w1nesapTree9" not in said.out + said.err


def test_a_conversation_goes_on_over_http(evidence):
    settings = Settings(ollama_url="", throwaway_embedding_s=0)

    async def talk(copilot):
        transport = httpx.ASGITransport(create_app(copilot, settings))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8484") as client:

            async def ask(question, **more):
                return (await client.post("/diagnose", json={"question": question, **more})).json()

            alone = await ask("why is cart crashing?")
            first = await ask("why is cart crashing?", conversation="new")
            return alone, first, await ask("and why?", conversation=first["conversation"])

    with Copilot.throw_away(settings) as copilot:
        copilot.ingest([str(evidence)])
        alone, first, then = asyncio.run(talk(copilot))

    assert (alone["conversation"], len(first["conversation"]) > 10) == ("", True)
    assert then["conversation"] == first["conversation"]
    assert then["root_causes"] == first["root_causes"]
    assert then["notes"][0].startswith("Taken as ")


def test_the_model_is_told_the_turns_before_among_the_data(evidence):
    with OllamaStandIn(reply=Reply(content=("cart is in CrashLoopBackOff [E1].",))) as server:
        settings = Settings(ollama_url=server.url, throwaway_embedding_s=0)
        with Copilot.throw_away(settings) as copilot:
            copilot.ingest([str(evidence)])
            asked = DiagnoseRequest(question="why is cart crashing?", force_model="simple", conversation="new")
            first = copilot.diagnose(asked)
            copilot.diagnose(asked.model_copy(update={"question": "and why?", "conversation": first.conversation}))

    prompt = server.words[-1]["messages"][1]["content"]
    before, _, data = prompt.partition("=== data ")
    assert "Before this question. Asked: why is cart crashing? Answered: " in data
    assert "Before this question" not in before
    assert "Before this question" not in server.words[0]["messages"][1]["content"]
