"""The few lines of a document that answer a question, exactly as they stand in its source."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.models.schemas import Document, DocumentKind, ObjectRef, Source
from kfi.retrieval.fault_fields import fields_at_fault
from kfi.retrieval.focus import MOST_LINES, WHOLE_LINES, Focus, asked_words, focus, words_of


def document(text: str, *, first: int = 1, kind: DocumentKind = DocumentKind.OBJECT, **payload: Any) -> Document:
    return Document(
        id="d1",
        identity="d1",
        kind=kind,
        ref=ObjectRef(kind="Pod", namespace="orchard", name="cart-0"),
        source=Source(path="pods.txt", first_line=first, last_line=first + text.count("\n")),
        observed_at=datetime(2026, 11, 20, tzinfo=UTC),
        text=text,
        payload=payload,
    )


DESCRIBE = """\
Name:             cart-7d9f4c8b6d-x2x4z
Namespace:        orchard
Priority:         0
Service Account:  default
Node:             node-a/10.20.0.21
Start Time:       Fri, 20 Nov 2026 14:00:00 +0000
Labels:           app=cart
Annotations:      <unset>
IP:               10.244.1.31
Containers:
  cart:
    Container ID:   containerd://1a2b
    Image:          registry.orchard.example/shop/cart:1.19.2
    Port:           8080/TCP
    Host Port:      0/TCP
    Command:
      /bin/cart
    Environment:
      LOG_LEVEL:   info
    State:          Waiting
      Reason:       CrashLoopBackOff
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
    Ready:          False
    Restart Count:  11
    Mounts:
      /data from data (rw)
QoS Class:        Burstable
Node-Selectors:   <none>
Tolerations:      node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
Volumes:
  data:
    Type:       EmptyDir
    Medium:     Memory"""


def test_a_document_of_twelve_lines_comes_back_whole():
    text = "\n".join(f"line {n}" for n in range(12))

    assert focus(document(text, first=41), {"line"}, (45, 45)) == Focus(41, 52, text)


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("Which command does it run?", "    Command:"),
        ("What tolerations are set?", "Tolerations:      node.kubernetes.io/not-ready:NoExecute op=Exists for 300s"),
        ("Was it OOMKilled?", "      Reason:       OOMKilled"),
        ("What log level?", "      LOG_LEVEL:   info"),
    ],
)
def test_a_window_holds_the_line_with_the_words_of_the_question(question: str, line: str):
    found = focus(document(DESCRIBE), asked_words(question))

    assert line in found.text.split("\n")


def test_where_the_question_has_no_word_of_it_the_trouble_is_shown():
    found = focus(document(DESCRIBE), asked_words("What happened?"))

    assert {"    State:          Waiting", "      Exit Code:    137", "    Restart Count:  11"} <= set(
        found.text.split("\n")
    )


def test_a_rare_word_weighs_more_than_one_on_every_line():
    lines = [f"cart item {n}" for n in range(60)]
    lines[47] = "cart item sold out"

    assert "cart item sold out" in focus(document("\n".join(lines)), {"cart", "item", "sold"}).text


def test_a_document_without_words_or_trouble_shows_its_beginning():
    text = "\n".join(f"key{n}: value{n}" for n in range(40))

    assert focus(document(text, first=5), {"nothing"}) == Focus(
        5, 4 + MOST_LINES, "\n".join(text.split("\n")[:MOST_LINES])
    )


def test_given_lines_win_over_the_words_of_the_question():
    text = "\n".join(f"key{n}: value{n}" for n in range(40))

    assert focus(document(text, first=101), {"key3"}, (131, 132)) == Focus(131, 132, "key30: value30\nkey31: value31")


def test_a_given_line_brings_the_trouble_around_it_and_its_heading():
    text = "\n" * 20 + DESCRIBE
    at = text.split("\n").index("      Exit Code:    137") + 1

    assert focus(document(text), (), (at, at)).text.split("\n")[:7] == [
        "    State:          Waiting",
        "      Reason:       CrashLoopBackOff",
        "    Last State:     Terminated",
        "      Reason:       OOMKilled",
        "      Exit Code:    137",
        "    Ready:          False",
        "    Restart Count:  11",
    ]


def test_a_given_heading_brings_what_stands_indented_below_it():
    lines = [f"key{n}: value{n}" for n in range(60)]
    lines[30:33] = ["State: Running", "  Started: today", "key: value"]

    assert focus(document("\n".join(lines)), (), (31, 31)).text == "State: Running\n  Started: today"


def test_a_field_where_the_cause_may_be_set_is_shown_where_no_word_tells():
    lines = [f"key{n}: value{n}" for n in range(60)]
    lines[40] = "    livenessProbe:"

    found = focus(document("\n".join(lines)), {"restarting"}, fields=fields_at_fault("Why does it keep restarting?"))

    assert "livenessProbe" in found.text


def test_the_message_of_a_grouped_event_that_stands_elsewhere_is_given_with_its_line():
    messages = [{"text": "Failed to pull image", "line": 13}, {"text": "Error: ImagePullBackOff", "line": 16}]
    group = document("  Warning  Failed  Error: ImagePullBackOff", first=16, kind=DocumentKind.EVENT, messages=messages)

    assert focus(group, (), (13, 13)) == Focus(13, 13, "Failed to pull image")


def test_of_many_given_lines_those_with_the_words_are_shown():
    lines = [f"entry {n}" for n in range(100)]
    lines[10] = lines[60] = "the needle"

    found = focus(document("\n".join(lines)), {"needle"}, (41, 90))

    assert "the needle" in found.text
    assert (found.first_line >= 41, found.last_line <= 90) == (True, True)


def test_given_lines_of_another_place_are_passed_over():
    text = "\n".join(f"key{n}: value{n}" for n in range(40))

    assert focus(document(text, first=100), {"value7"}, (1, 20)) == focus(document(text, first=100), {"value7"})


def test_the_line_of_an_events_message_is_shown():
    lines = [f'"field{n}": 1,' for n in range(40)]
    lines[30] = '"note": "Stopping container cart"'
    event = document("\n".join(lines), first=10, kind=DocumentKind.EVENT, messages=[{"text": "…", "line": 40}])

    found = focus(event, {"orchard"})

    assert '"note": "Stopping container cart"' in found.text


def test_a_small_object_is_given_whole_and_a_log_as_long_is_not():
    text = "\n".join(["status: failed", *(f"key{n}: value{n}" for n in range(29))])

    assert focus(document(text), {"key3"}, (30, 30)).text == text
    assert focus(document(text, kind=DocumentKind.LOG), {"key3"}, (30, 30)).text == "key28: value28"


def test_fields_of_an_objects_kind_matter_whatever_is_asked():
    lines = [f"other{n}: value" for n in range(60)]
    lines[50] = "  maxReplicas: 3"
    scaler = fields_at_fault("why is pricing slow?", "HorizontalPodAutoscaler")

    assert "maxReplicas" in focus(document("\n".join(lines)), set(), None, scaler).text
    assert not fields_at_fault("why is pricing not pulling its image?", "Pod").match("maxreplicas: 3")


def test_a_window_of_very_long_lines_is_kept_short():
    found = focus(document("\n".join(["x" * 100_000 + " error"] * 30)), {"cart"})

    assert found.first_line == found.last_line


def test_a_word_is_found_in_another_form_and_in_camel_case():
    lines = ["nothing"] * 20 + ["reason CrashLoopBackOff"] + ["nothing"] * 20

    assert "CrashLoopBackOff" in focus(document("\n".join(lines)), {"crashes"}).text


@pytest.mark.parametrize(
    ("one", "other"),
    [("crashing", "crashed"), ("restarts", "restarting"), ("stopped", "stop"), ("images", "image")],
)
def test_forms_of_one_word_are_the_same_word(one: str, other: str):
    assert words_of(one) == words_of(other)


text_lines = st.lists(
    st.text(max_size=60)
    | st.sampled_from(["  Reason: OOMKilled", "State: Waiting", "    - name: cart", "", "\r", "error: x", "cart"]),
    min_size=1,
    max_size=60,
).map(lambda lines: [line.replace("\n", " ") for line in lines])


@given(
    lines=text_lines,
    first=st.integers(1, 1000),
    words=st.frozensets(st.text(max_size=12) | st.sampled_from(["cart", "OOMKilled"]), max_size=6),
    given_lines=st.none() | st.tuples(st.integers(-5, 1100), st.integers(-5, 1100)),
)
def test_a_focus_is_exactly_the_lines_it_names(
    lines: list[str], first: int, words: frozenset[str], given_lines: tuple[int, int] | None
):
    found = focus(document("\n".join(lines), first=first), words, given_lines)

    assert found.text == "\n".join(lines[found.first_line - first : found.last_line - first + 1])
    assert first <= found.first_line <= found.last_line < first + len(lines)
    assert found.last_line - found.first_line < WHOLE_LINES
