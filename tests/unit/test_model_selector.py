"""Who explains an answer."""

import pytest

from kfi.chains.model_selector import ModelSelector
from kfi.config import Profile, Settings
from kfi.errors import ConfigError
from kfi.models.schemas import ModelChoice

SIMPLE, COMPLEX = "llama3.1", "deepseek-r1:32b"
PLAIN = "cart restarts in namespace orchard"
HARD = "Why does checkout crash, and why could the payment service possibly be slow? Explain which came first."


def selector(**settings: object) -> ModelSelector:
    return ModelSelector(Settings(**settings))


@pytest.mark.parametrize(
    ("query", "complexity"),
    [
        ("", 0.0),
        ("cart is down", 0.0),
        ("What does CrashLoopBackOff mean?", 0.0),
        ("Why is cart down?", 0.3),
        ("WHY? explain, diagnose and troubleshoot cart", 0.3),
        ("explained by diagnosing whys", 0.0),
        ("maybe cart could possibly be down", 0.2),
        ("Why could cart be slow?", 0.5),
        ("cart is down; checkout is slow", 0.2),
        ("Why is cart down; is checkout slow; are nodes full", 0.7),
        ("Why is cart down, and is checkout slow?", 0.5),
        ("Why is cart down, and why could checkout be slow?", 0.7),
        ("x" * 200, 0.0),
        ("x" * 201, 0.1),
        (HARD, 0.9),
        ("Why could cart fail? " * 20, 1.0),
    ],
)
def test_the_complexity_of_a_question_is_told_by_its_words(query, complexity):
    assert selector().estimate_query_complexity(query) == complexity


@pytest.mark.parametrize(
    ("query", "model"),
    [
        ("What does CrashLoopBackOff mean?", SIMPLE),
        ("Why is pod web-app-123 crashing in namespace prod?", SIMPLE),
        (HARD, COMPLEX),
        ("Why is cart down, and why could checkout be slow?", COMPLEX),
    ],
)
def test_a_hard_question_goes_to_the_complex_model(query, model):
    assert selector().select_model(query) == model


@pytest.mark.parametrize(
    ("confidences", "choice"),
    [
        (None, ModelChoice(model=SIMPLE, reason="complexity 0.00 is below 0.70")),
        ((0.9,), ModelChoice(model=SIMPLE, reason="complexity 0.00 is below 0.70")),
        ((0.9, 0.8), ModelChoice(model=SIMPLE, reason="complexity 0.00 is below 0.70")),
        ((0.3,), ModelChoice(model=SIMPLE, reason="complexity 0.00 is below 0.70")),
        (
            (0.29,),
            ModelChoice(
                model=COMPLEX, reason="the rules are uncertain: their best cause has confidence 0.29, below 0.30"
            ),
        ),
        (
            (0.9, 0.88),
            ModelChoice(model=COMPLEX, reason="the rules are uncertain: their two best causes tie at 0.90 and 0.88"),
        ),
        ((), ModelChoice(model=COMPLEX, reason="the rules found no cause")),
    ],
)
def test_where_the_rules_are_uncertain_the_complex_model_is_asked(confidences, choice):
    assert selector().choose(PLAIN, confidences) == choice


@pytest.mark.parametrize("query", ["What does OOMKilled mean?", "list the events of the last hour", "", " "])
def test_no_cause_is_no_doubt_where_no_one_cause_is_asked_for(query):
    assert selector().choose(query, ()).model == SIMPLE


def test_the_threshold_is_a_setting_and_moves_both_bounds():
    strict = selector(query_complexity_threshold=0.3)

    assert strict.choose("Why is cart down?").reason == "complexity 0.30 is at or above 0.30 (asks why)"
    assert strict.choose(PLAIN, (0.69,)).model == COMPLEX
    assert strict.choose(PLAIN, (0.7,)).model == SIMPLE


def test_the_reason_says_what_made_a_question_hard():
    assert selector().choose(HARD + " " + "x" * 200).reason == (
        "complexity 1.00 is at or above 0.70 (asks why, 3 parts, more than 200 characters, unsure wording)"
    )


@pytest.mark.parametrize(
    ("force", "model"),
    [
        ("simple", SIMPLE),
        ("complex", COMPLEX),
        ("rules", "rules"),
        ("llama3.1", SIMPLE),
        ("llama3.1:latest", SIMPLE),
        ("deepseek-r1:32b", COMPLEX),
    ],
)
def test_a_model_that_is_asked_for_answers_whatever_the_question(force, model):
    for query in (PLAIN, HARD):
        choice = selector().choose(query, force_model=force)

        assert (choice.model, choice.reason, choice.degraded) == (model, f"{force!r} was asked for", False)


@pytest.mark.parametrize("force", ["", "gpt", "Simple", "deepseek-r1", "llama3.1:8b"])
def test_a_model_that_nobody_configured_cannot_be_asked_for(force):
    with pytest.raises(ConfigError) as raised:
        selector().select_model(PLAIN, force_model=force)

    assert raised.value.message == f"{force!r} is not a model that can be asked for."
    assert raised.value.hint == "Ask for one of 'simple', 'complex', 'rules', 'llama3.1', 'deepseek-r1:32b'."


@pytest.mark.parametrize(
    ("query", "available", "model", "added"),
    [
        (HARD, {COMPLEX}, COMPLEX, ""),
        (PLAIN, {"llama3.1:latest"}, SIMPLE, ""),
        (HARD, {SIMPLE}, SIMPLE, f"; {COMPLEX!r} is not available (ollama pull {COMPLEX}), so {SIMPLE!r} answers"),
        (
            HARD,
            {"llama3.1:8b"},
            "rules",
            f"; neither {COMPLEX!r} nor {SIMPLE!r} is available (ollama pull {SIMPLE}), so the rules answer",
        ),
        (PLAIN, {COMPLEX}, "rules", f"; {SIMPLE!r} is not available (ollama pull {SIMPLE}), so the rules answer"),
        (PLAIN, (), "rules", f"; {SIMPLE!r} is not available (ollama pull {SIMPLE}), so the rules answer"),
    ],
)
def test_a_missing_model_gives_way_to_the_simple_one_and_that_to_the_rules(query, available, model, added):
    wanted = selector().choose(query)

    assert selector().choose(query, available=available) == wanted.model_copy(
        update={"model": model, "reason": wanted.reason + added}
    )


@pytest.mark.parametrize(
    ("profile", "force", "available", "degraded"),
    [
        (Profile.AUTO, None, (), False),
        (Profile.EMBEDDED, None, (), False),
        (Profile.FULL, None, (), True),
        (Profile.FULL, None, (SIMPLE,), False),
        (Profile.FULL, "rules", (), False),
        (Profile.AUTO, "simple", (), True),
        (Profile.AUTO, "complex", (SIMPLE,), True),
        (Profile.AUTO, "complex", (COMPLEX,), False),
        (Profile.AUTO, "rules", (), False),
    ],
)
def test_an_answer_is_degraded_where_a_model_was_asked_for_and_another_answers(profile, force, available, degraded):
    assert selector(profile=profile).choose(PLAIN, None, force, available).degraded is degraded


def test_one_model_can_be_both():
    both = selector(simple_model="orchard", complex_model="orchard:latest")

    assert both.choose(HARD, available={"orchard"}).model == "orchard:latest"
    assert both.choose(PLAIN, force_model="complex", available={"orchard:latest"}).degraded is False
