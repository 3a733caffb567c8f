"""How the lines of an answer are cut down for a terminal."""

import pytest

from kfi.cli.text import _telling

OBJECT = '{\n "apiVersion": "v1",\n "kind": "ConfigMap",\n "metadata": {\n  "name": "other"\n }\n}'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OBJECT, (4, '  "name": "other"')),
        ("\n- apiVersion: v1\n  kind: Event\n  message: no such image\n", (3, "  message: no such image")),
        ("kind: Secret\ntype: Opaque", (0, "kind: Secret")),
        ("image: x\nname: y", (0, "image: x")),
        ('  ],\n  "startsAt": "2026-11-20T14:21:17Z",\n  "alertname": "PodLoops"', (2, '  "alertname": "PodLoops"')),
        ("{\n}", (0, "{")),
        ("", (0, "")),
    ],
    ids=["JSON", "an Event in YAML", "no name", "a part of an object", "an alert", "nothing said", "nothing at all"],
)
def test_of_a_passage_the_line_that_says_most_is_shown_with_its_place(text: str, told: tuple[int, str]):
    assert _telling(text) == told
