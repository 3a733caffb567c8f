"""Reading JSON: values and items with their lines, whatever stands around them."""

import json

import pytest

from kfi.snapshot.read.json_text import BadDocument, JsonValue, read_json


def pod(name: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}}


def pods(*names: str, **head: object) -> dict[str, object]:
    return {"kind": "PodList", "apiVersion": "v1", **head, "items": [pod(name) for name in names]}


def values(text: str) -> list[object]:
    return [read.value if isinstance(read, JsonValue) else read for read in read_json(text)]


def test_items_of_a_list_stand_on_their_own_and_the_list_follows():
    text = json.dumps(pods("cart-1", "cart-2", metadata={"resourceVersion": "7"}), indent=2)

    first, second, whole = read_json(text)

    assert (first.value, second.value) == (pod("cart-1"), pod("cart-2"))
    assert [(r.index, r.first_line, r.last_line) for r in (first, second)] == [(0, 8, 14), (1, 15, 21)]
    assert first.text == "\n".join(text.split("\n")[7:14])
    assert (whole.is_list, whole.first_line, whole.last_line) == (True, 1, 23)
    assert whole.value == {"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": []}


@pytest.mark.parametrize("between", ["\n", "", "\n---\n", "\x1e"])
def test_values_may_follow_each_other(between):
    text = between.join(json.dumps(pod(name), indent=2) for name in ("cart-1", "cart-2"))

    assert values(text) == [pod("cart-1"), pod("cart-2")]


def test_a_value_a_line_has_its_line_as_text():
    lines = [json.dumps(pod(f"cart-{i}")) for i in range(3)]

    assert [(r.first_line, r.text) for r in read_json("\n".join(lines))] == [(i + 1, lines[i]) for i in range(3)]


def test_an_item_of_a_list_without_line_breaks_has_only_its_own_text():
    text = json.dumps(pods(*(f"cart-{i}" for i in range(50))))

    items = list(read_json(text))

    assert items[30].text == json.dumps(pod("cart-30"))
    assert (items[30].first_line, items[30].last_line) == (1, 1)


def test_an_item_shows_nothing_of_its_neighbours_on_the_same_line():
    secret = '{"kind": "Secret", "data": {\n"password": "aHVudGVyMg=="}}'
    text = f'{{"items": [{secret}, {{"kind": "Pod",\n"x": 1}}, {secret}]}}'

    _, between, _, _ = read_json(text)

    assert between.text == '{"kind": "Pod",\n"x": 1}'
    assert (between.first_line, between.last_line) == (2, 3)


def test_a_list_shows_nothing_of_its_items_in_its_own_text():
    whole = list(read_json(json.dumps(pods("cart-1"))))[-1]

    assert whole.text == '{"kind": "PodList", "apiVersion": "v1", "items": ['


def test_items_without_a_kind_get_it_from_their_list_even_from_its_end():
    items = [{"metadata": {"name": "cart-1"}}, {"metadata": {"name": "cart-2"}}]

    for text in (
        json.dumps({"items": items, "kind": "PodList", "apiVersion": "v1"}),
        json.dumps({"kind": "PodList", "apiVersion": "v1", "items": items}),
    ):
        assert values(text)[:2] == [pod("cart-1"), pod("cart-2")]


def test_a_kind_that_only_ends_like_a_list_is_an_object():
    value = {"kind": "AllowList", "apiVersion": "orchard.dev/v1", "spec": {"items": ["a"]}}

    assert values(json.dumps(value)) == [value]


def test_the_elements_of_an_array_are_values():
    assert values(json.dumps([pod("cart-1"), pod("cart-2")])) == [pod("cart-1"), pod("cart-2")]


def test_a_list_that_was_cut_off_gives_its_whole_items():
    text = json.dumps(pods("cart-1", "cart-2"), indent=2)
    cut = text[: text.index("cart-2") + 3]

    assert values(cut) == [pod("cart-1"), BadDocument("the JSON ends in the middle of a value: it was cut off", 16)]


def test_reading_goes_on_after_a_broken_value():
    good = json.dumps(pod("cart-2"))
    text = f'{{"kind": "Pod", oops}}\n{good}\nsome log line\n{good}\n'

    assert values(text) == [
        BadDocument("it is not valid JSON: expecting property name enclosed in double quotes", 1),
        pod("cart-2"),
        BadDocument("it is not valid JSON: expecting value", 3),
        pod("cart-2"),
    ]


def test_a_value_cut_off_before_the_next_one_does_not_swallow_it():
    text = '{"kind": "Pod",\n  "metadata": {\n    "name": "ca\n' + json.dumps(pod("cart-2"), indent=2)

    assert values(text)[1:] == [pod("cart-2")]


@pytest.mark.parametrize("bomb", ["[" * 100_000, '{"a":' * 100_000, '{"a":' * 200 + "1" + "}" * 200])
def test_a_nesting_bomb_is_refused(bomb):
    assert values(bomb) == [BadDocument("it nests deeper than 100 levels", 1)]


def test_an_item_that_is_too_deep_costs_no_other():
    deep = '{"a":' * 150 + "1" + "}" * 150
    text = f'{{"items": [{json.dumps(pod("cart-1"))}, {deep}, {json.dumps(pod("cart-2"))}]}}'

    assert values(text)[:3] == [pod("cart-1"), BadDocument("it nests deeper than 100 levels", 1), pod("cart-2")]


def test_very_many_broken_parts_end_the_reading():
    read = values("{oops\n" * 1000)

    assert len(read) == 101
    assert read[-1] == BadDocument("it has too many broken parts; the rest was not read", 101)


def test_numbers_no_computer_can_hold_do_no_harm():
    (value,) = values(f'{{"a": {"9" * 5000}, "b": NaN, "c": 1e9999, "d": 18446744073709551615}}')

    assert value == {"a": "9" * 5000, "b": None, "c": "1e9999", "d": 18446744073709551615}


def test_halves_of_characters_and_nuls_are_replaced():
    (value,) = values(r'{"a": "x\ud800", "b": "\ud83d\ude00", "c": "\u0000", "d": "\\u0000"}')

    assert value == {"a": "x?", "b": "\U0001f600", "c": "", "d": r"\u0000"}


def test_the_object_of_a_watch_event_is_the_value():
    text = json.dumps({"type": "MODIFIED", "object": pod("cart-1")}, indent=2)

    (read,) = read_json(text)

    assert (read.watch, read.value, read.text) == ("MODIFIED", pod("cart-1"), text)
