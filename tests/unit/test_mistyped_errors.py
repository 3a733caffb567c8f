"""Failures with a slip of the keyboard, and words that are none."""

import pytest

from kfi.retrieval.mistyped_errors import find_mistyped_error


@pytest.mark.parametrize(
    ("question", "word", "family"),
    [
        ("cart keeps restartign", "restartign", "crash"),
        ("why is invoice not redy", "not redy", "probe"),
        ("ledger crashlopping in billing", "crashlopping", "crash"),
        ("cart keeps dyign", "keeps dyign", "crash"),
        ("mailer is unavailble", "unavailble", "availability"),
        ("ImagePulBackOff on cart", "ImagePulBackOff", "image"),
    ],
)
def test_a_slip_is_taken_for_the_failure_that_is_near_and_kept_as_it_was_typed(question, word, family):
    found = find_mistyped_error(question)

    assert found is not None
    assert (found.word, found.family.value) == (word, family)


@pytest.mark.parametrize(
    "question",
    [
        "which broker does cart use",
        "pricing in orchard",
        "how is node worker-7 doing",
        "list pods in billing",
        "pod failng-0",
        "/restartign/0",
        "cart",
        "",
    ],
)
def test_other_words_and_names_are_no_slips(question):
    assert find_mistyped_error(question) is None
