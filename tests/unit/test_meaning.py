"""What a word means is said from the catalogue: codes, titles, and what Kubernetes itself prints."""

import asyncio
import re

import httpx
import pytest

from kfi.api.server import create_app
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.meaning import _words, explain, meaning_of, near, words_of
from kfi.diagnosis.words.kubernetes import Word
from kfi.models.schemas import DiagnoseRequest
from kfi.retrieval.error_families import _REASONS
from tests.test_golden import SAMPLE

WORDS = tuple(_words())
REASON = re.compile(r"(?<![A-Z_])[A-Z][a-z]+[A-Z][A-Za-z]+|SIG[A-Z]+|(?<!_)[A-Z]{6,}|x509|Evicted")


def test_every_word_leads_to_codes_that_exist_and_stands_once():
    names = [word.word.lower() for word in WORDS]

    assert {word.word: set(word.codes) - set(catalogue()) for word in WORDS if set(word.codes) - set(catalogue())} == {}
    assert len(names) == len(set(names))


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.word)
def test_a_word_is_found_as_it_is_printed_and_says_a_whole_sentence(word: Word):
    found = meaning_of(word.word)

    assert found is not None
    assert (found.word, [rule.code for rule in found.rules]) == (word.word, list(word.codes))
    assert word.says[0].isupper()
    assert word.says.endswith((".", ")"))


@pytest.mark.parametrize("code", sorted(catalogue()))
def test_every_code_and_title_is_explained_in_its_rules_words(code: str):
    rule = catalogue()[code]

    assert explain(f"what does {code} mean?").text.startswith(f"{rule.title}: {rule.meaning}")
    assert code in explain(f'what does "{rule.title}" mean').codes


def test_every_reason_that_a_question_may_name_has_a_meaning():
    reasons = {word for text in _REASONS.values() for word in REASON.findall(re.sub(r"\[[^]]*\]", "", text))}
    reasons -= {"ImagePullSecretError"}  # nothing prints it

    assert sorted(word for word in reasons if meaning_of(word) is None) == []


@pytest.mark.parametrize(
    ("question", "begins", "code"),
    [
        ("what does CrashLoopBackOff mean?", "CrashLoopBackOff: A waiting state", "crash-loop-back-off"),
        ("what is a crash loop back off", "CrashLoopBackOff:", "crash-loop-back-off"),
        ("What is OOMKilled?", "OOMKilled: The reason of an ended container", "oom-killed"),
        ("explain exit code 137", "Exit code 137: 128 + 9, ended by SIGKILL.", "oom-killed"),
        ("what does exit code 143 mean", "Exit code 143: 128 + 15, ended by SIGTERM.", "liveness-probe-failing"),
        ("what does exit code 127 mean", "Exit code 127: the command was not found.", "command-not-found"),
        ("what does exit code 162 mean", "Exit code 162: 128 + 34, ended by signal 34.", "killed-by-signal"),
        ("what is signal 9", "SIGKILL: Signal 9", "oom-killed"),
        ("what does ErrImagePull mean", "ErrImagePull: A waiting state", "image-not-found"),
        ("what does Init:ImagePullBackOff mean", "ImagePullBackOff:", "image-pull-failed"),
        ("what does FailedScheduling mean", "FailedScheduling: Of the scheduler", "insufficient-cpu"),
        ("was bedeutet ImagePullBackOff?", "ImagePullBackOff:", "image-pull-failed"),
        ("was ist der Fehler ErrImageNeverPull?", "ErrImageNeverPull:", "image-never-pull"),
        ("what does Error mean", "Error: The reason of an ended container", "container-crash"),
        ("what does the state Pending mean in kubernetes", "Pending: A phase", "unschedulable"),
        ("meaning of Multi-Attach error", "Multi-Attach:", "volume-multi-attach"),
        ("what does node.kubernetes.io/not-ready mean", "node.kubernetes.io/not-ready: A taint", "node-not-ready"),
        ("what does 'OOMKilled' mean", "OOMKilled:", "oom-killed"),
    ],
)
def test_a_question_is_answered_by_the_word_that_it_asks_for(question, begins, code):
    answer = explain(question)

    assert answer.text.startswith(begins)
    assert code in answer.codes


def test_two_words_are_both_explained():
    answer = explain("what is the difference between OOMKilled and Evicted?")

    assert "OOMKilled: " in answer.text
    assert "Evicted: " in answer.text
    assert {"oom-killed", "pod-evicted"} <= answer.codes


def test_the_normal_course_of_things_leads_to_no_failure():
    answer = explain("what does Scheduled mean")

    assert answer == ("Scheduled: Of the scheduler: the Pod was given a node.", frozenset())


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ("what does CrashLopBackOf mean", "'CrashLopBackOf' is not in the catalogue. Nearest are: CrashLoopBackOff"),
        ("what is a liveness probe", "'liveness probe' is not in the catalogue. Nearest are: liveness-"),
        ("what does quux mean", "'quux' is not in the catalogue. `kfi rules` lists all"),
        ("what does 503 mean", "'503' is not in the catalogue."),
        ("what does exit code 256 mean", "ExitCode: "),
        ("what does mean", "No word is asked for."),
    ],
)
def test_a_word_that_is_not_in_the_catalogue_is_said_to_be_so(question, says):
    assert explain(question).text.startswith(says)


def test_hostile_questions_cost_little_and_come_back_short():
    for question in ("what does " + "a b " * 4000 + "mean", "explain " + "Aa" * 5000, "what is " + "(" * 8000):
        assert len(explain(question).text) < 2000
    assert near("a" * 10_000) == ()


def test_a_code_knows_the_words_that_mean_it_first():
    assert words_of("oom-killed")[0] == "OOMKilled"
    assert "DiskPressure" in words_of("node-disk-pressure")


@pytest.fixture(scope="module")
def copilot():
    with Copilot.throw_away(Settings(ollama_url="", throwaway_embedding_s=0)) as made:
        made.ingest([str(SAMPLE)])
        yield made


def test_a_meaning_comes_with_the_place_where_the_evidence_shows_it(copilot: Copilot):
    answer = copilot.diagnose(DiagnoseRequest(question="what does OOMKilled mean?"))

    assert answer.summary.startswith("OOMKilled: ")
    assert "Here it is seen at Pod/orchard/recommender-" in answer.summary
    assert [cause.workload.name for cause in answer.root_causes] == ["recommender"]
    assert {label for cause in answer.root_causes for label in cause.citations} <= {e.label for e in answer.evidence}
    assert (answer.gaps, answer.embedder, answer.reasoning_model_used) == ((), "none", "rules")


def test_a_meaning_of_what_the_evidence_does_not_show_brings_no_cause(copilot: Copilot):
    answer = copilot.diagnose(DiagnoseRequest(question="was bedeutet ErrImageNeverPull?"))

    assert answer.summary.endswith("Nothing in the evidence shows it.")
    assert (answer.root_causes, answer.evidence) == ((), ())


def test_a_meaning_needs_no_evidence_and_no_model_even_where_one_is_asked_for():
    with Copilot.throw_away(Settings(ollama_url="http://127.0.0.1:9", throwaway_embedding_s=0)) as empty:
        answer = empty.diagnose(DiagnoseRequest(question="what does OOMKilled mean?", force_model="complex"))

    assert "evidence" not in answer.summary
    assert answer.root_causes == ()
    assert answer.model_choice.reason == "the catalogue says what a word means, so there is nothing to explain"


def test_a_meaning_is_answered_over_http():
    async def asked() -> dict:
        with Copilot.throw_away(Settings(ollama_url="", throwaway_embedding_s=0)) as empty:
            transport = httpx.ASGITransport(app=create_app(empty, Settings()))
            async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
                return (await client.post("/diagnose", json={"question": "explain exit code 137"})).json()

    answer = asyncio.run(asked())

    assert answer["summary"].startswith("Exit code 137: ")
    assert answer["root_causes"] == []
