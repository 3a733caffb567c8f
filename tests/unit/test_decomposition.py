"""The parts of a question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.retrieval.query_analyzer import QueryAnalyzer

decompose = QueryAnalyzer().decompose_query


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        ("Why is cart slow; is the node full", ["Why is cart slow", "is the node full"]),
        ("why is cart slow;why is checkout down", ["why is cart slow", "why is checkout down"]),
        ("Why is cart down? Why is checkout slow?", ["Why is cart down?", "Why is checkout slow?"]),
        ("Why is cart down??? What changed?!", ["Why is cart down???", "What changed?!"]),
        ("Why does cart fail? And is it related to node-b?", ["Why does cart fail?", "is it related to node-b?"]),
        ("cart is crashing and checkout is slow", ["cart is crashing", "checkout is slow"]),
        ("Why is cart down and why is checkout slow?", ["Why is cart down", "why is checkout slow?"]),
        ("Why is cart down, and checkout slow?", ["Why is cart down", "checkout slow?"]),
        ("Why are pods pending and nodes not ready?", ["Why are pods pending", "nodes not ready?"]),
        ("Why is cart down also is checkout slow", ["Why is cart down", "is checkout slow"]),
        ("cart is down, also checkout is slow", ["cart is down", "checkout is slow"]),
        ("explain the crash as well as why node-b is full", ["explain the crash", "why node-b is full"]),
        ("Which pods are pending and which nodes are full", ["Which pods are pending", "which nodes are full"]),
        ("What is wrong and how do I fix the cart", ["What is wrong", "how do I fix the cart"]),
        ("Show the pods and explain the OOM", ["Show the pods", "explain the OOM"]),
        ("Pods crash on node-a and node-b is full", ["Pods crash on node-a", "node-b is full"]),
        (
            "Why does the cart pod crash and the checkout service time out?",
            ["Why does the cart pod crash", "the checkout service time out?"],
        ),
        (
            "between 14:00 and 14:30 what failed and why is cart slow",
            ["between 14:00 and 14:30 what failed", "why is cart slow"],
        ),
        (
            "What is the difference between requests and limits and why does cart get throttled?",
            ["What is the difference between requests and limits", "why does cart get throttled?"],
        ),
        (
            "Why is cart down, and then why did checkout fail, and also are the nodes ok?",
            ["Why is cart down", "why did checkout fail", "are the nodes ok?"],
        ),
        (
            "Why does checkout crash, and why could the payment service possibly be slow? Explain which came first.",
            [
                "Why does checkout crash",
                "why could the payment service possibly be slow?",
                "Explain which came first.",
            ],
        ),
        (
            "1. Why is cart down?\n2. Why is checkout slow?\n3. What changed?",
            ["Why is cart down?", "Why is checkout slow?", "What changed?"],
        ),
        ("1) why is cart down 2) what changed before that", ["why is cart down", "what changed before that"]),
        ("- why is cart down\n- is node-b full", ["why is cart down", "is node-b full"]),
        ("why is cart down\nwhy is checkout slow", ["why is cart down", "why is checkout slow"]),
    ],
)
def test_a_question_is_cut_where_both_sides_can_stand_alone(query, parts):
    assert decompose(query) == parts


@pytest.mark.parametrize(
    "query",
    [
        "Why are memory and CPU high?",
        "Is it memory and CPU?",
        "what failed between 14:00 and 14:30",
        "a and b pods are down",
        "Why are cart and checkout failing?",
        "Why do cart and checkout keep crashing?",
        "The frontend and the backend are down",
        "pods between node-a and node-b cannot talk",
        "why do both cart and checkout fail",
        "Why is pod cart-0 crashing and restarting?",
        "cart is running and is slow",
        "Why does cart fail and why?",
        "Why does cart fail when idle and when busy?",
        "Why do pods restart and show errors",
        "Why does the pod fail when cart is down and checkout is up?",
        "Why does the pod that mounts data and config keep failing?",
        "Why are failed pods and failed jobs piling up",
        "Investigate crash loops and image pull errors",
        "Pods crash on node-a and node-b",
        "list and explain the errors",
        "is node-b also down",
        "show me events for cart and logs for checkout",
        'the log says "db is down; why? and is it slow" forever',
        "what does `a; b? and why is c` do",
        "pod cart (why is it here? and is it slow) crashed",
        "is http://shop/cart?id=1 slow",
        "Why is cart down? Thanks! Any idea?",
        "Hi; why is cart down",
        "What is wrong with cart? Symptom: it restarts.",
        "Two things:\nwhy is cart down",
        "Why does this fail:\n2026-11-20T10:00:00Z ERROR dial tcp: connection refused\n  at connect()",
        "and",
        "???",
        "; ; ?",
    ],
)
def test_a_question_that_is_one_stays_whole(query):
    assert decompose(query) == [query]


@pytest.mark.parametrize("query", ["", "  ", "\n\t "])
def test_a_blank_question_has_no_parts(query):
    assert decompose(query) == []


@pytest.mark.parametrize(
    ("query", "parts"),
    [
        (
            "Why is cart down in namespace orchard and is checkout slow?",
            ["Why is cart down in namespace orchard", "is checkout slow in namespace orchard?"],
        ),
        (
            "Why is pod cart-0 failing; how do I fix it?",
            ["Why is pod cart-0 failing", "how do I fix it for Pod cart-0?"],
        ),
        (
            "Why is cart down -n orchard; why is checkout down -n till; what changed?",
            ["Why is cart down -n orchard", "why is checkout down -n till", "what changed?"],
        ),
        (
            "Why is cart down in namespace orchard; are the nodes full?",
            ["Why is cart down in namespace orchard", "are the nodes full?"],
        ),
    ],
)
def test_a_part_takes_over_the_one_namespace_and_the_object_it_calls_it(query, parts):
    assert decompose(query) == parts


def test_parts_beyond_the_eighth_stay_joined_in_the_last():
    query = "; ".join(f"why is cart-{n} down" for n in range(12))

    parts = decompose(query)

    assert parts[:7] == [f"why is cart-{n} down" for n in range(7)]
    assert parts[7:] == ["; ".join(f"why is cart-{n} down" for n in range(7, 12))]


# Patterns that make a backtracking matcher take minutes: the test's time limit is what fails it.
@pytest.mark.parametrize(
    "piece",
    [
        "a ", "and ", "; ", "? ", "?", "\n", "\n1. why x ", "cart is down and ", "why x and ", "pod ", "pod a-1 in ",
        "a.", "a-", "a1-", "x=1,", "'", '"', "`", "(", " ", "not ", "can't a ", "since 14:00 ", "deploy a ", "exit ",
        "namespace ", "1) why x ", "what does a ", "show pods ", "services crash fail in ", "??!", "between ",
        "on node-",
    ],
)  # fmt: skip
def test_eight_thousand_characters_of_anything_are_read_in_a_moment(piece):
    query = (piece * 8000)[:8000]

    for _ in range(5):
        plan = QueryAnalyzer().plan(query)

    assert len(plan.sub_queries) <= 8


WORDS = st.sampled_from(
    "why is cart down checkout slow and also ; ? as well plus between both pods nodes are full when it explain show "
    "the in namespace orchard \" ` ' ( ) 1. 2) -".split(" ")
)


@given(st.lists(WORDS | st.just("\n"), max_size=40).map(" ".join))
def test_no_word_of_a_question_is_lost_but_those_that_join(query):
    parts = decompose(query)

    kept = [word for part in parts for word in part.split()]
    joining = {"and", "also", "as", "well", "plus", "then", ";", "?", "-", "1.", "2)", ",", '"', "`", "'", "(", ")"}
    wanted = [word for word in query.split() if word not in joining]
    rest = iter(kept)
    assert [word for word in wanted if word not in rest] == []
    assert len(parts) <= 8
