"""The line of one field in JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.snapshot.read.json_places import JsonPlaces
from kfi.snapshot.read.json_text import read_json

POD = {"spec": {"containers": [{"image": "cart:1", "name": "app"}], "args": ["a"]}}


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ((), 101),
        (("spec",), 102),
        (("spec", "containers"), 103),
        (("spec", "containers", "app"), 104),
        (("spec", "containers", "app", "image"), 105),
        (("spec", "containers", "app", "name"), 106),
        (("spec", "args"), 109),
        (("spec", "args", "0"), 110),
    ],
)
def test_every_field_has_its_line_and_list_elements_go_by_name(path, line):
    assert JsonPlaces(json.dumps(POD, indent=1), first_line=101).line(path) == line


@pytest.mark.parametrize("path", [("spec", "args", "1"), ("spec", "args", "0", "x"), ("spec", "args", "a")])
def test_what_the_text_does_not_show_has_the_line_of_what_is_nearest_above_it(path):
    assert JsonPlaces(json.dumps(POD, indent=1)).line(path) in (9, 10)


def test_an_item_of_a_list_has_the_lines_of_the_whole_text():
    pods = [{"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name}} for name in ("cart-1", "cart-2")]
    text = json.dumps({"kind": "List", "apiVersion": "v1", "items": pods}, indent=2)

    _, second, _ = read_json(text)
    line = JsonPlaces(second.text, second.first_line).line(("metadata", "name"))

    assert text.split("\n")[line - 1].strip() == '"name": "cart-2"'


def test_the_object_of_a_watch_event_is_looked_into():
    text = json.dumps({"type": "MODIFIED", "object": POD}, indent=1)

    assert (
        text.split("\n")[JsonPlaces(text).line(("spec", "containers", "app", "image")) - 1].strip()
        == '"image": "cart:1",'
    )


def test_of_a_key_given_twice_the_last_counts_and_of_elements_of_one_name_the_first():
    text = '{"spec": 1,\n"env": [\n{"name": "A"},\n{"name": "A"}],\n"spec": 2}'

    assert [JsonPlaces(text).line(path) for path in (("spec",), ("env", "A"))] == [5, 3]


@pytest.mark.parametrize("text", ["", "{", '{"spec": {"a": 1}', "[" * 100_000, '{"a": ' * 100_000, "spec: 1"])
def test_a_text_that_is_not_whole_has_only_its_first_line(text):
    assert JsonPlaces(text, 7).line(("spec", "a")) == 7


def test_a_number_of_a_million_digits_does_no_harm():
    assert JsonPlaces('{"a": ' + "9" * 1_000_000 + ',\n"b": 1}').line(("b",)) == 2


_trees = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(st.dictionaries(st.text(), _trees), st.sampled_from([None, 1]))
def test_the_line_of_a_key_holds_it(tree, indent):
    text = json.dumps(tree, indent=indent)

    for key in tree:
        assert json.dumps(key) in text.split("\n")[JsonPlaces(text).line((key,)) - 1]
