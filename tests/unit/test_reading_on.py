"""The lines of a log around the one that was found."""

from __future__ import annotations

from kfi.models.answer import Hit
from kfi.models.schemas import Document
from kfi.retrieval.reading_on import read_on
from tests.cluster import event, log, snapshot


def at(line: int, text: str, level: str = "info") -> Document:
    made = log("Pod/orchard/cart-0", text, level=level)
    source = made.source.model_copy(update={"path": "cart.log", "first_line": line, "last_line": line})
    return made.model_copy(
        update={
            "id": f"line{line}",
            "identity": f"line{line}",
            "source": source,
            "payload": {**made.payload, "line": line},
        }
    )


def hit(document: Document) -> Hit:
    source = document.source
    return Hit(document=document, first_line=source.first_line, last_line=source.last_line, text=document.text)


def test_what_stands_right_above_and_below_is_read_with_it_as_far_as_it_is_known():
    lines = [
        at(1, "started"),
        at(7, "the voucher has ended"),
        at(8, "cannot go on", "error"),
        at(9, "bye"),
        at(12, "on"),
    ]

    (found,) = read_on([hit(lines[2])], snapshot(lines))

    assert (found.first_line, found.last_line) == (7, 9)
    assert found.text == "the voucher has ended\ncannot go on\nbye"


def test_no_more_than_a_few_lines_are_read_on_each_side():
    lines = [at(number, f"step {number} of the night") for number in range(1, 31)]

    (found,) = read_on([hit(lines[14])], snapshot(lines))

    assert (found.first_line, found.last_line) == (11, 19)


def test_what_is_no_log_stays_as_it_is():
    told = event("Pod/orchard/cart-0", "BackOff", "restarting")

    assert read_on([hit(told)], snapshot([told, at(2, "below")])) == (hit(told),)
