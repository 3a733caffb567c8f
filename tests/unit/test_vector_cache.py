import os
import sqlite3
import stat
import threading

import numpy as np
import pytest

from kfi.embeddings.vector_cache import VectorCache
from kfi.errors import ServiceError


@pytest.fixture
def cache(tmp_path):
    cache = VectorCache(tmp_path / "store" / "vectors.sqlite3")
    yield cache
    cache.close()


def vector(*numbers: float):
    return np.array(numbers, dtype=np.float16)


def listed(vectors) -> dict[str, list[float]]:
    return {text: native.tolist() for text, native in vectors.items()}


def test_vectors_come_back_by_model_and_text(cache):
    cache.put_many("one", {"a": vector(0.5, 0.25), "b": vector(1, 0)})
    cache.put_many("two", {"a": vector(0, 1)})

    assert listed(cache.get_many("one", ["a", "c", "b"])) == {"a": [0.5, 0.25], "b": [1, 0]}
    assert listed(cache.get_many("two", ["a", "b"])) == {"a": [0, 1]}


def test_a_vector_put_again_takes_the_others_place(cache):
    cache.put_many("one", {"a": vector(1, 0)})
    cache.put_many("one", {"a": vector(0, 1)})

    assert listed(cache.get_many("one", ["a"])) == {"a": [0, 1]}


def test_more_texts_than_a_statement_takes_are_all_found(cache):
    texts = [f"card {number}" for number in range(2500)]
    cache.put_many("one", {text: vector(number % 100) for number, text in enumerate(texts)})

    found = cache.get_many("one", texts)

    assert [found[text][0] for text in texts] == [number % 100 for number in range(2500)]


def test_vectors_are_there_after_the_file_was_closed(tmp_path):
    path = tmp_path / "vectors.sqlite3"
    first = VectorCache(path)
    first.put_many("one", {"a": vector(1)})
    first.close()
    second = VectorCache(path)

    found = listed(second.get_many("one", ["a"]))
    second.close()

    assert found == {"a": [1]}


def test_only_the_owner_can_read_the_files(cache, tmp_path):
    cache.put_many("one", {"a": vector(1)})

    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "store").iterdir()}

    assert modes == {f"vectors.sqlite3{end}": 0o600 for end in ("", "-shm", "-wal")}
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700


def test_two_caches_write_to_one_file_from_many_threads(tmp_path):
    path = tmp_path / "vectors.sqlite3"
    caches = [VectorCache(path), VectorCache(path)]

    def write(number):
        for part in range(10):
            caches[number % 2].put_many("one", {f"{number} {part}": vector(number)})

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = caches[0].get_many("one", [f"{number} {part}" for number in range(6) for part in range(10)])
    for cache in caches:
        cache.close()

    assert len(found) == 60


def test_without_a_path_nothing_is_written_and_closing_forgets(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cache = VectorCache()
    cache.put_many("one", {"a": vector(1)})
    kept = listed(cache.get_many("one", ["a"]))
    cache.close()

    assert (kept, cache.get_many("one", ["a"]), os.listdir(tmp_path)) == ({"a": [1]}, {}, [])
    cache.close()


def test_making_a_cache_touches_no_disk(tmp_path):
    VectorCache(tmp_path / "store" / "vectors.sqlite3")

    assert os.listdir(tmp_path) == []


def test_a_file_that_is_no_database_is_an_error_with_its_name_and_what_to_do(tmp_path):
    path = tmp_path / "vectors.sqlite3"
    path.write_text("apples and pears " * 100)

    with pytest.raises(ServiceError) as caught:
        VectorCache(path).get_many("one", ["a"])

    assert caught.value.message == f"The vector cache {str(path)!r} cannot be used: file is not a database."
    assert "remove the file" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "store").write_text("a file")

    with pytest.raises(ServiceError, match="cannot be used"):
        VectorCache(tmp_path / "store" / "vectors.sqlite3").put_many("one", {"a": vector(1)})


def test_a_vector_cut_short_on_the_disk_is_an_error(cache, tmp_path):
    cache.put_many("one", {"a": vector(1, 2)})
    cache.close()
    connection = sqlite3.connect(tmp_path / "store" / "vectors.sqlite3")
    with connection:
        connection.execute("UPDATE vectors SET native = x'010203'")
    connection.close()

    with pytest.raises(ServiceError, match="cannot be used"):
        cache.get_many("one", ["a"])
