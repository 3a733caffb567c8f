import threading
from datetime import UTC, datetime

import numpy as np
import pytest

from kfi.models.schemas import Document, DocumentKind, ObjectRef, Source
from kfi.vectorstore.filters import Equals, Field
from kfi.vectorstore.index import IndexRow, Match
from kfi.vectorstore.memory_index import MemoryIndex
from kfi.vectorstore.words import MAX_TEXT, MAX_WORD, words

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
NORTH, EAST, NORTHEAST = np.eye(2, dtype=np.float32)[0], np.eye(2, dtype=np.float32)[1], np.sqrt([0.5, 0.5])


def document(id: str, card: str = "", namespace: str = "orchard", text: str = "") -> Document:
    return Document(
        id=id,
        identity=id,
        kind=DocumentKind.LOG,
        ref=ObjectRef(kind="Pod", namespace=namespace, name=id),
        source=Source(path="log"),
        observed_at=NOON,
        card=card,
        text=text,
    )


def row(id: str, vector, **fields) -> IndexRow:
    return IndexRow(document(id, **fields), np.asarray(vector, dtype=np.float32))


def vectors(*rows) -> np.ndarray:
    return np.array(rows, dtype=np.float32)


def ids(found) -> list[list[str]]:
    return [[match.document_id for match in matches] for matches in found]


@pytest.fixture
def index():
    index = MemoryIndex(2)
    yield index
    index.close()


def test_the_nearest_cards_come_first_for_each_vector(index):
    index.upsert([row("north", NORTH), row("east", EAST), row("northeast", NORTHEAST)])

    found = index.dense(vectors(NORTH, EAST), None, 2)

    assert ids(found) == [["north", "northeast"], ["east", "northeast"]]
    assert found[0][0] == Match("north", 1.0)


def test_words_find_a_name_whole_and_by_its_parts(index):
    index.add_texts([document("a", "Pod orchard/cart-7d9f crashed"), document("b", "Pod orchard/cart-5c6b runs")])

    assert ids(index.lexical(["cart-7d9f", "7d9f", "cart", "prices"], None, 5)) == [["a", "b"], ["a"], ["a", "b"], []]


def test_a_reason_is_found_by_its_words_and_the_words_by_the_reason(index):
    index.add_texts([document("a", "FailedScheduling"), document("b", "volume scheduling"), document("c", "OOMKilled")])

    assert ids(index.lexical(["failed", "failedscheduling", "killed"], None, 5)) == [["a"], ["a"], ["c"]]


def test_the_text_is_searched_beside_the_card(index):
    index.add_texts([document("a", card="log", text="dial tcp: connection refused")])

    assert ids(index.lexical(["connection refused"], None, 5)) == [["a"]]


def test_a_filter_narrows_both_searches(index):
    index.upsert([row("a", NORTH, card="cart"), row("b", EAST, card="cart", namespace="garden")])
    where = Equals(Field.NAMESPACE, "garden")

    assert ids(index.dense(vectors(NORTH), where, 5)) == [["b"]]
    assert ids(index.lexical(["cart"], where, 5)) == [["b"]]


def test_rows_without_vector_are_found_by_words_only(index):
    index.add_texts([document("a", "cart")])
    index.upsert([row("b", NORTH, card="cart")])

    assert ids(index.dense(vectors(NORTH), None, 5)) == [["b"]]
    assert ids(index.lexical(["cart"], None, 5)) == [["a", "b"]]
    assert index.count() == 2


def test_a_row_takes_the_place_of_one_with_its_id(index):
    index.upsert([row("a", NORTH, card="apple")])
    index.dense(vectors(NORTH), None, 5)

    index.upsert([row("a", EAST, card="pear")])

    assert ids(index.lexical(["apple", "pear"], None, 5)) == [[], ["a"]]
    assert index.dense(vectors(NORTH), None, 5) == [[Match("a", 0.0)]]
    assert index.count() == 1


@pytest.mark.parametrize("texts", [[], ["", "???"]])
def test_an_index_without_words_or_rows_finds_nothing(index, texts):
    index.add_texts([document(f"d{at}", text) for at, text in enumerate(texts)])

    assert index.dense(vectors(NORTH), None, 5) == [[]]
    assert index.lexical(["cart", ""], None, 5) == [[], []]


def test_a_vector_of_another_dimension_is_refused(index):
    with pytest.raises(ValueError, match="shape"):
        index.upsert([row("a", [1, 0, 0])])


def test_twenty_thousand_documents_are_searched(index):
    angles = np.linspace(0, 1, 20_000)
    index.upsert([row(f"d{at}", (np.cos(x), np.sin(x)), card=f"word{at} cart") for at, x in enumerate(angles)])

    assert ids(index.dense(vectors(NORTH), None, 2)) == [["d0", "d1"]]
    assert ids(index.lexical(["word777"], None, 2)) == [["d777"]]
    assert len(index.lexical(["cart"], Equals(Field.NAMESPACE, "orchard"), 30_000)[0]) == 20_000


def test_threads_search_while_others_write(index):
    index.upsert([row("first", NORTH, card="cart")])

    def write(name):
        for at in range(100):
            index.upsert([row(f"{name}{at}", EAST, card="cart")])

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert ids(index.dense(vectors(NORTH), None, 1)) == [["first"]]
        assert len(index.lexical(["cart"], None, 1)[0]) == 1
    for writer in writers:
        writer.join()

    assert index.count() == 201


def test_words_are_read_from_hostile_text_in_bounds():
    assert list(words("x" * (MAX_WORD + 1))) == []
    assert sum(1 for _ in words("ab " * 1_000_000)) == -(-MAX_TEXT // 3)
    assert list(words("a\0b \ud83c \x1b[31mred")) == ["a", "b", "31mred"]
    assert list(words("-" * 60_000 + "a-" * 30)) == ["_".join("a" * 30), *"a" * 30]


def test_words_of_logs_keep_paths_and_hosts_whole():
    assert list(words("open /etc/orchard/cart.yaml")) == [
        "open",
        "etc_orchard_cart_yaml",
        "etc",
        "orchard",
        "cart",
        "yaml",
    ]
    assert list(words("ImagePullBackOff OOMKilled HTTP")) == (
        ["imagepullbackoff", "image", "pull", "back", "off", "oomkilled", "oom", "killed", "http"]
    )
