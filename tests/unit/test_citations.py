"""What may stay of a model's words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kfi.chains.citations import check, without_links
from kfi.chains.grounding import Ground

# Claims here name nothing, so their labels alone decide.
KNOWN = Ground(dict.fromkeys(("E1", "E2", "E3", "E12"), ""), "", frozenset({"orchard"}), frozenset())
ONE = Ground({"E1": ""}, "", frozenset(), frozenset())


@pytest.mark.parametrize(
    ("text", "left", "counts"),
    [
        ("It was killed [E1]. The disk is full [E7].", "It was killed [E1].", (1, 0, 1)),
        ("The disk is full [E7]. It was killed [E1].", "It was killed [E1].", (1, 0, 1)),
        ("It was killed. [E1] The disk is full. [E7] It restarts.", "It was killed. [E1]", (1, 0, 2)),
        ("It was killed [E1, E9].", "It was killed [E1].", (0, 1, 0)),
        ("It was killed [E1][E9].", "It was killed [E1].", (0, 1, 0)),
        ("It was killed [E9] and restarted [E1].", "It was killed and restarted [E1].", (0, 1, 0)),
        ("It was killed (E9), \u3010E1\u3011.", "It was killed, [E1].", (0, 1, 0)),
        ("It was killed (e1 and E02).", "It was killed [E1, E2].", (1, 0, 0)),
        ("Seen three times [E1-E3].", "Seen three times [E1, E2, E3].", (1, 0, 0)),
        ("Seen four times [E1-4].", "Seen four times [E1, E2, E3].", (0, 1, 0)),
        ("Seen often [E4-E999999999999999999999].", None, (0, 0, 1)),
        ("Nobody knows [E99999999999999999999999].", None, (0, 0, 1)),
        ("It is slow, e.g. at noon [E9]. It was killed [E1].", "It was killed [E1].", (1, 0, 1)),
        ("Version 1.2 of cart.orchard runs [E1].", "Version 1.2 of cart.orchard runs [E1].", (1, 0, 0)),
        ("It runs.\nIt was\nkilled [E9].\nIt stopped [E2].", "It stopped [E2].", (1, 0, 2)),
        ("I do not know.", "I do not know.", (1, 0, 0)),
        ("The array a[0] of E1 is full.", None, (0, 0, 1)),
        ("1. It was killed [E1].\n2. [E2, E3]\n3. [E2]", "1. It was killed [E1].", (1, 0, 0)),
    ],
)
def test_a_claim_stays_only_with_evidence_that_exists(text, left, counts):
    checked = check(text, KNOWN)

    assert (checked.text, (checked.kept, checked.repaired, checked.removed)) == (left, counts)


def test_list_items_rows_and_code_are_judged_one_by_one_and_headings_go():
    text = """## Cause

1. The limit is too low [E1].
2. The node is down [E8].
   It will not come back [E8].
- It restarts [E2]. It is cursed [E9].

| what | proof |
| kill | [E3] |
| fire | [E9] |

```
kubectl get pods -n orchard
kubectl delete pods -n orchard
```
"""

    checked = check(text, KNOWN)

    assert (
        checked.text
        == """1. The limit is too low [E1].
- It restarts [E2].

| kill | [E3] |

To see more: `kubectl get pods -n orchard`."""
    )
    assert (checked.kept, checked.repaired, checked.removed) == (3, 1, 6)


def test_a_heading_alone_is_no_answer():
    assert check("# Cause\n\nThe disk is full [E7].\n", KNOWN).text is None
    assert check(" \n", KNOWN).text is None


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("![leak](https://a.example/?q=secret) Done.", " Done."),
        ("![leak](//a.example/x.png) Done.", " Done."),
        ("[![x](https://a.example/x)](https://b.example) Done.", " Done."),
        ("See [the docs](https://a.example/x).", "See the docs."),
        ("Run [this](javascript:alert(1)).", "Run this."),
        ("It was killed [E1](https://a.example).", "It was killed [E1]."),
        ("See https://a.example/x?y=1.", "See (link removed)."),
        ("See <HTTPS://a.example/x>, (www.a.example)!", "See <(link removed)>, ((link removed))!"),
        ('<img src="https://a.example/x"> Done.', " Done."),
        ("GET /healthz of 10.1.2.3:8080 says 500.", "GET /healthz of 10.1.2.3:8080 says 500."),
    ],
)
def test_images_go_and_links_lose_their_addresses(text, left):
    assert without_links(text) == left


@given(st.lists(st.sampled_from(["[E1]", "[E9]", "E1", " ", ".", "\n", "- ", "#", "|", "```", "a", "[", "]", "("])))
def test_no_unknown_label_is_left_and_a_second_look_changes_nothing(pieces):
    checked = check("".join(pieces), ONE)

    assert "[E9]" not in (checked.text or "")
    assert check(checked.text or "", ONE).removed == 0


@pytest.mark.parametrize(
    "unit",
    ["[", "[E1", "[E1,", "[E1]", "(E1 ", ".", "![", "[a](", "<a ", "a ", "\n", "http://", "1", "E", ". [E9]", "`"],
)
def test_time_grows_with_the_length_and_no_faster(unit):
    # A quadratic pattern would need minutes here; the suite's own limit is one.
    check(unit * (400_000 // len(unit)), KNOWN)
    check("[E1" + unit * (400_000 // len(unit)), KNOWN)
