"""kfi and a real inference server with a real, very small model: the protocol, not the quality of answers."""

import asyncio
import json
import time

import pytest

from kfi.chains.prompts import RULES, Brief, write_prompt
from kfi.chains.rag_chain import RagChain
from kfi.chains.request import ModelRequest, stream
from kfi.chains.servers import installed_models, server_of
from kfi.chains.structured import TASK, read, schema
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.answer import Token
from kfi.models.schemas import Citation, DiagnoseRequest, ModelChoice, QueryPlan

# A loaded machine reads some 40 tokens a second.
pytestmark = pytest.mark.timeout(300)

QUESTION = "Why is cart down?"
LOGS = (
    "2026-11-20T14:40:02.119Z WARN  cart pool=checkout waited 3012ms for a connection id=7f3a9c02",
    "Warning  BackOff  2m (x5 over 10m)  kubelet  Back-off restarting failed container app in pod cart-0_orchard",
    "    state: {waiting: {reason: CrashLoopBackOff, message: 'back-off 5m0s restarting failed container'}}",
)
BRIEF = Brief(
    question=QUESTION,
    plan=QueryPlan(question=QUESTION),
    evidence=(
        Citation(
            document_id="d",
            path="cart.yaml",
            first_line=3,
            last_line=4,
            text="lastState: terminated: reason: OOMKilled\nexitCode: 137",
            label="E1",
        ),
        *(
            Citation(document_id="d", path="a.log", first_line=n, last_line=n, text=LOGS[n % 3], label=f"E{n}")
            for n in range(2, 12)
        ),
    ),
)


@pytest.fixture
def settings(model):
    return Settings(
        llm_url=model.url, simple_model=model.name, complex_model=model.name, num_ctx=model.num_ctx, model_timeout_s=200
    )


def request_of(settings, max_tokens, **given):
    server, now = server_of(settings), asyncio.get_running_loop().time()
    return ModelRequest(server, settings.simple_model, settings.num_ctx, max_tokens, now + 200, 200, **given)


def messages(*turns):
    from langchain_core.prompts import ChatPromptTemplate

    return ChatPromptTemplate(list(turns))


async def heard(request, write, values):
    return [chunk async for chunk in stream(request, write, values)]


def test_the_model_is_listed(settings):
    assert settings.simple_model in installed_models(settings).names


def test_an_answer_comes_in_pieces_with_its_end_and_the_size_of_its_prompt(settings, model):
    prompt = write_prompt(BRIEF, 600, mark="f00d")
    values = {"brief": prompt.text}

    async def ask():
        return await heard(request_of(settings, 24), messages(("system", RULES), ("human", "{brief}")), values)

    chunks = asyncio.run(ask())

    about = {name: value for chunk in chunks for name, value in chunk.response_metadata.items()}
    assert sum(bool(chunk.content) for chunk in chunks) > 5
    assert about["done_reason"] in ("stop", "length")
    # The template adds its own marks to each message.
    alone = model.count(RULES) + model.count(prompt.text)
    assert alone <= about["prompt_eval_count"] <= alone + 40
    assert not prompt.was_cut(about["prompt_eval_count"], settings.num_ctx)


def test_a_prompt_takes_no_more_tokens_than_it_was_given(model):
    tokens = 700

    prompt = write_prompt(BRIEF, tokens, mark="f00d")

    assert prompt.left_out > 0
    assert model.count(RULES) + model.count(prompt.text) <= tokens


def test_a_schema_holds_even_the_smallest_model(settings):
    form = schema(("E1", "E2"), findings=2)
    write = messages(("human", "The container cart was killed [E1]. {task}"))
    values = {"task": TASK}

    async def ask():
        return await heard(request_of(settings, 800, schema=form), write, values)

    chunks = asyncio.run(ask())

    text = "".join(chunk.content for chunk in chunks)
    said = json.loads(text)
    assert said.keys() == {"claims", "cause"}
    assert said["cause"] in ("1", "2", "other", "unknown")
    assert {label for claim in said["claims"] for label in claim["evidence"]} <= {"E1", "E2"}
    assert read(text) is not None


def test_a_prompt_that_does_not_fit_is_said_and_never_cut(settings):
    long = Settings(**settings.model_dump() | {"num_ctx": 40_000})
    evidence = tuple(line.model_copy(update={"text": f"{LOGS[0]}\n" * 300}) for line in BRIEF.evidence)

    async def ask():
        choice = ModelChoice(model=settings.simple_model)
        brief = Brief(QUESTION, QueryPlan(question=QUESTION), evidence=evidence)
        return [piece async for piece in RagChain(long).explain(choice, brief)][-1]

    last = asyncio.run(ask())

    assert last.choice.model == "rules"
    assert "did not fit into what 'smollm2' reads" in last.notes[0]


def test_a_listener_that_leaves_frees_the_server(settings, model):
    async def leave():
        choice = ModelChoice(model=settings.simple_model)
        pieces = RagChain(settings).explain(choice, BRIEF)
        first = await anext(pieces)
        busy = model.is_busy()
        await pieces.aclose()
        return first, busy

    first, busy = asyncio.run(leave())

    assert isinstance(first, Token)
    assert busy
    while model.is_busy():  # the suite's own limit ends this
        time.sleep(0.02)


def test_whatever_so_small_a_model_says_the_diagnosis_is_whole(settings, tmp_path):
    (tmp_path / "pods.txt").write_text(
        "NAMESPACE   NAME     READY   STATUS             RESTARTS      AGE\n"
        "orchard     cart-0   0/1     CrashLoopBackOff   7 (2m ago)    20m\n"
    )
    # What it may write ends it: so small a model often does not stop by itself.
    settings = Settings(**settings.model_dump() | {"throwaway_embedding_s": 0, "num_ctx": 1536})
    with Copilot.throw_away(settings) as copilot:
        copilot.ingest([str(tmp_path)])
        rules = copilot.diagnose(DiagnoseRequest(question=QUESTION, force_model="rules"))
        answer = copilot.diagnose(DiagnoseRequest(question=QUESTION, force_model="simple"))

    assert answer.root_causes == rules.root_causes
    assert (answer.explanation is None) == answer.degraded
    assert answer.reasoning_model_used == ("rules" if answer.degraded else "smollm2")
