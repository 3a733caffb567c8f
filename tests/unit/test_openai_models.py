"""OpenAI-compatible servers: what they are sent, and what is read of their streams."""

import pytest

from kfi.chains.rag_chain import Explained
from kfi.chains.servers import Installed, installed_models
from kfi.config import Settings
from kfi.models.answer import Thinking, Token
from kfi.models.model_answer import ModelAnswer
from kfi.readiness import language_model
from tests.ollama_standin import OllamaStandIn, Reply, refused_url
from tests.unit.test_rag_chain import COMPLEX, WELL, ask


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_read_whatever_it_is_called(field):
    reply = Reply(thinking=("The limit ", "is 64Mi."), content=("Killed ", "[E1]."), thinking_field=field)

    with OllamaStandIn(reply=reply) as server:
        pieces = ask(f"{server.url}/v1", COMPLEX)

    assert pieces == [
        Thinking(text="The limit "),
        Thinking(text="is 64Mi."),
        Token(text="Killed "),
        Token(text="[E1]."),
        Explained(text="Killed [E1].", thinking="The limit is 64Mi.", answer=ModelAnswer(kept=1)),
    ]


def test_reasoning_within_tags_is_read_and_a_line_separator_breaks_no_line():
    with OllamaStandIn(
        reply=Reply(
            content=(
                "<thi",
                "nk>a\u2028b</think>It was \x85killed [E1].",
            )
        )
    ) as server:
        last = ask(f"{server.url}/v1")[-1]

    assert (last.text, last.thinking) == ("It was killed [E1].", "ab")


def test_the_words_and_the_object_are_asked_for_with_bounds_and_the_key():
    with OllamaStandIn() as server:
        last = ask(f"{server.url}/v1", llm_api_key="key-1", num_ctx=4096)[-1]

    words, form = server.chats
    assert last == WELL
    assert {request.headers["Authorization"] for request in server.requests} == {"Bearer key-1"}
    assert (words["stream"], words["stream_options"], words["temperature"]) == (True, {"include_usage": True}, 0)
    assert 2048 < words["max_tokens"] < 4096
    assert "response_format" not in words
    schema = form["response_format"]["json_schema"]["schema"]
    assert schema["properties"]["claims"]["items"]["properties"]["evidence"]["items"] == {
        "type": "string",
        "enum": ["E1"],
    }
    assert [message["role"] for message in form["messages"]] == ["system", "user", "assistant", "user"]


@pytest.mark.parametrize("unknown", [("response_format",), ("max_tokens", "temperature", "stream_options")])
def test_a_field_that_a_server_does_not_know_is_left_out(unknown):
    with OllamaStandIn(reply=Reply(unknown_fields=unknown)) as server:
        last = ask(f"{server.url}/v1")[-1]

    assert last == WELL
    assert not set(unknown) & server.chats[-1].keys()


def test_an_object_that_is_none_is_asked_for_once_more_and_then_the_words_are_checked():
    prose = Reply(content=("Sure! Here it is.",))
    late = Reply(content=('```json\n{"claims": [{"text": "It was killed", "evidence": "E1"},],}\n```',))

    with OllamaStandIn(reply=Reply(structured=prose)) as server:
        words = ask(f"{server.url}/v1")[-1]
        asked = len(server.chats)
    with OllamaStandIn(reply=Reply(structured=late)) as server:
        mended = ask(f"{server.url}/v1")[-1]

    assert (words, asked) == (WELL, 3)
    assert mended.text == "It was killed [E1]."


def test_models_are_listed_with_the_key_and_a_refusal_names_its_setting():
    with OllamaStandIn(models=("qwen3-8b",)) as server:
        settings = Settings(llm_url=f"{server.url}/v1/", llm_api_key="key-1")
        installed = installed_models(settings)
        part = language_model(settings)

    assert installed == Installed(frozenset({"qwen3-8b"}))
    assert server.requests[0].headers["Authorization"] == "Bearer key-1"
    assert part.detail == (
        f"The model server at '{server.url}/v1' does not have llama3.1 and deepseek-r1:32b; the rules answer instead. "
        "It has: qwen3-8b."
    )
    assert part.mend.startswith("Set KFI_SIMPLE_MODEL and KFI_COMPLEX_MODEL")


def test_a_missing_model_of_ollama_names_the_pull_that_mends_it():
    with OllamaStandIn(models=("llama3.1:latest", "mistral:7b")) as server:
        part = language_model(Settings(ollama_url=server.url))

    assert part.detail.endswith(
        "does not have deepseek-r1:32b; llama3.1 answers instead. It has: llama3.1, mistral:7b."
    )
    assert part.mend == "ollama pull deepseek-r1:32b  (or: kfi models pull)"


def test_a_server_that_is_off_is_said():
    off = f"{refused_url()}/v1"

    problem = installed_models(Settings(llm_url=off)).problem

    assert problem == (
        f"The model server at {off!r} does not answer. Start it, or set KFI_LLM_URL to a running one (empty: Ollama)."
    )


def test_a_key_that_no_header_can_carry_is_refused():
    problem = installed_models(Settings(llm_url="http://127.0.0.1:9/v1", llm_api_key="a\nb")).problem

    assert problem.startswith("The setting 'llm_api_key' holds characters that no header can carry.")
