import pytest

from kfi.ingestion.logs.templates import TemplateMiner, mask


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("2026-03-05T12:00:00.123Z", "<time>"),
        ("12:00:00,5", "<time>"),
        ('id="6e3013d5-a79b-4dc4-b6c0-6b652302672e"', 'id="<uuid>"'),
        ("10.0.0.7:5432", "<ip>:5432"),
        ("10.0.0.7:41234", "<ip>"),
        ("10.0.0.7:41234->10.0.0.8:5432:", "<ip>-><ip>:5432:"),
        ("10.0.0.0/16", "<ip>"),
        ("[::1]:8080", "<ip>:8080"),
        ("[14]", "[<num>]"),
        ("0xc000272c60", "<hex>"),
        ("sha256:7ab0346b7ff58de3", "sha256:<hex>"),
        ("cart-6f7d8c9b54-x2x4k", "cart<hash>"),
        ("1m30.5s", "<duration>"),
        ("retry=3/10", "retry=<num>/<num>"),
        ("http2", "http2"),
        ("plain-text", "plain-text"),
    ],
)
def test_what_varies_is_masked_by_what_it_is(text, masked):
    assert mask(text) == masked


def test_messages_that_differ_in_masked_parts_have_one_template():
    miner = TemplateMiner()

    first = miner.add("took 13ms for order 7")
    second = miner.add("took 2.5s for order 88")

    assert first is second
    assert (first.text, first.count) == ("took <duration> for order <num>", 2)


def test_words_that_differ_become_free_places():
    miner = TemplateMiner()
    for user in ("ann", "bob", "eve"):
        template = miner.add(f"user {user} has logged in from the shop")

    assert (template.text, template.count) == ("user <*> has logged in from the shop", 3)


def test_short_messages_of_different_sense_stay_apart():
    miner = TemplateMiner()

    assert miner.add("Tracing disabled.") is not miner.add("Profiling disabled.")
    assert miner.add("cache is warm") is not miner.add("cache was cold")


def test_levels_and_groups_stay_apart():
    miner = TemplateMiner()
    templates = [miner.add("it stopped", level, group) for level in ("info", "error") for group in (1, 2)]

    assert len({id(t) for t in templates}) == 4


def test_beyond_the_bound_all_that_is_new_goes_into_one_template_for_each_level():
    miner = TemplateMiner(max_templates=10)
    letters = "abcdefghijklmnopqrstuvwxyz"
    for letter in letters:
        miner.add(f"{letter} {letter * 2} {letter * 3}", "error")
    miner.add("something else", "info")

    assert len(miner.templates) == 12
    assert [(t.text, t.level, t.count) for t in miner.templates[10:]] == [("<*>", "error", 16), ("<*>", "info", 1)]


def test_a_message_of_any_length_is_bounded():
    template = TemplateMiner().add("x1" * 100_000 + " word" * 1000)

    assert len(template.tokens) == 60
    assert template.tokens[0] == "<*>"
