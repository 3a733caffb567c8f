import threading

import numpy as np
import pytest

from kfi.embeddings.embedding_service import EmbeddingService
from kfi.embeddings.sentence_transformer_model import SentenceTransformerModel
from kfi.embeddings.vector_cache import VectorCache
from kfi.embeddings.weights import find_weights
from kfi.errors import ConfigError, ServiceError
from kfi.retrieval.cross_encoder import CrossEncoderScorer
from kfi.retrieval.reranker import Candidate
from tests.full import models

CARDS = [f"pod orchard cart {number} killed out of memory" + " a" * number for number in range(20)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Give a folder of models, each made once."""
    root = tmp_path_factory.mktemp("models")
    models.embedder(root / "orchard" / "pear-1024", 1024)
    models.embedder(root / "orchard" / "quince-64", 64, prompts={"query": "query : ", "document": ""})
    models.cross_encoder(root / "orchard" / "reranker")
    models.cross_encoder(root / "orchard" / "three-labels", labels=3)
    return root


def service(folders, name: str, dimension: int, cache: VectorCache | None = None, batch: int = 64) -> EmbeddingService:
    folder = find_weights(name, folders)
    assert folder is not None
    return EmbeddingService(SentenceTransformerModel(folder, name), dimension, cache, batch)


def scorer(folders, name: str = "orchard/reranker") -> CrossEncoderScorer:
    return CrossEncoderScorer(folders / name, name)


def test_a_model_of_1024_numbers_gives_384_of_length_one_and_its_own_stay_in_the_cache(folders):
    cache = VectorCache()

    vectors = service(folders, "orchard/pear-1024", 384, cache).embed_documents(CARDS)

    assert (vectors.shape, vectors.dtype) == ((20, 384), np.float32)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    kept = cache.get_many("orchard/pear-1024", CARDS)
    assert {native.shape for native in kept.values()} == {(1024,)}
    assert len(kept) == 20


def test_what_was_cut_points_where_the_models_own_first_numbers_do(folders):
    from sentence_transformers import SentenceTransformer

    own = SentenceTransformer(str(folders / "orchard/pear-1024"), device="cpu").encode(CARDS)[:, :384]

    vectors = service(folders, "orchard/pear-1024", 384, batch=6).embed_documents(CARDS)

    assert np.allclose(vectors, own / np.linalg.norm(own, axis=1, keepdims=True), atol=1e-3)


def test_milvus_takes_the_vectors_and_its_collection_says_384(folders, tmp_path):
    from pymilvus import MilvusClient

    from kfi.vectorstore.index import IndexRow
    from kfi.vectorstore.milvus_client import MilvusStore
    from tests.full.documents import documents

    embedding = service(folders, "orchard/pear-1024", 384)
    found = documents(CARDS)
    uri = str(tmp_path / "index.db")
    store = MilvusStore(uri, model=embedding.name, dimension=embedding.dimension)
    try:
        rows = zip(found, embedding.embed_documents(CARDS), strict=True)
        store.upsert([IndexRow(document, vector) for document, vector in rows])
        store.flush()
        nearest = store.dense(embedding.embed_documents(CARDS[3:4]), None, 1)
    finally:
        store.close()

    assert [match.document_id for match in nearest[0]] == [found[3].id]
    client = MilvusClient(uri)
    try:
        described = [client.describe_collection(name) for name in client.list_collections()]
    finally:
        client.close()
    sizes = [field["params"]["dim"] for one in described for field in one["fields"] if "dim" in field.get("params", {})]
    assert [int(size) for size in sizes] == [384]


def test_a_model_with_an_instruction_for_questions_gets_it_before_questions_only(folders):
    from sentence_transformers import SentenceTransformer

    own = SentenceTransformer(str(folders / "orchard/quince-64"), device="cpu")
    embedding = service(folders, "orchard/quince-64", 64)

    asked = embedding.embed_query("why is cart killed")
    read = embedding.embed_documents(["why is cart killed"])[0]

    def unit(text):
        vector = own.encode([text], prompt="")[0]
        return vector / np.linalg.norm(vector)

    assert np.allclose(asked, unit("query : why is cart killed"), atol=1e-3)
    assert np.allclose(read, unit("why is cart killed"), atol=1e-3)
    assert not np.allclose(asked, read, atol=1e-3)


def test_a_model_shorter_than_the_dimension_is_a_wrong_setting(folders):
    with pytest.raises(ConfigError, match="'orchard/quince-64' gives vectors of 64 numbers, fewer than the 384"):
        service(folders, "orchard/quince-64", 384).warm_up()


def test_hostile_text_is_embedded(folders):
    vectors = service(folders, "orchard/quince-64", 64).embed_documents(["", "\0", "\ud800", "x" * 1_000_000])

    assert np.isfinite(vectors).all()


def test_threads_load_a_model_once_and_each_gets_its_own_vectors(folders):
    embedding = service(folders, "orchard/quince-64", 64)
    started = threading.Barrier(8)
    found = {}

    def ask(number):
        started.wait()
        found[number] = embedding.embed_documents(CARDS[number : number + 4])

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    alone = embedding.embed_documents(CARDS)
    assert all(np.allclose(found[number], alone[number : number + 4], atol=1e-3) for number in range(8))


@pytest.mark.parametrize("file", ["model.safetensors", "modules.json", "tokenizer.json", "config.json"])
def test_damaged_weights_are_an_error_that_names_model_and_folder(tmp_path, file):
    folder = models.embedder(tmp_path / "pear", 64)
    (folder / file).write_bytes(b"\0damaged")

    with pytest.raises(ServiceError) as caught:
        EmbeddingService(SentenceTransformerModel(folder, "orchard/pear"), 64).warm_up()

    assert caught.value.message.startswith(f"The model 'orchard/pear' in {str(folder)!r} does not load: ")
    assert "kfi models pull orchard/pear" in caught.value.hint


def test_a_cross_encoder_orders_candidates_by_what_it_reads_in_them(folders):
    texts = [
        "checkout waiting",
        "pod killed",
        "the image of the checkout is not found and waiting " * 3,
        "cart killed a a a",
    ]

    scores = scorer(folders).scores("why is cart out of memory", [Candidate(text=text) for text in texts])

    assert sorted(range(4), key=lambda place: -scores[place])[:2] in ([1, 3], [3, 1])
    assert all(isinstance(score, float) for score in scores)


def test_a_candidates_score_does_not_depend_on_the_others(folders):
    reranker = scorer(folders)
    candidates = [Candidate(text=card) for card in CARDS]

    together = reranker.scores("why is cart killed", candidates)
    alone = [reranker.scores("why is cart killed", [candidate])[0] for candidate in candidates]

    assert np.allclose(together, alone, atol=1e-4)


def test_no_candidates_have_no_scores_and_load_nothing(tmp_path):
    assert CrossEncoderScorer(tmp_path / "nowhere", "orchard/none").scores("why?", []) == []


def test_hostile_candidates_are_scored(folders):
    texts = ["", "\0", "\ud800", "x" * 1_000_000, "killed " * 2000]

    scores = scorer(folders).scores("why \udfff\0" * 5000, [Candidate(text=text) for text in texts])

    assert np.isfinite(scores).all()


def test_threads_may_share_a_cross_encoder(folders):
    reranker = scorer(folders)
    candidates = [Candidate(text=card) for card in CARDS[:5]]
    found = []

    def ask():
        found.append(reranker.scores("why is cart killed", candidates))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (len(found), np.ptp(found, axis=0).max() < 1e-5) == (6, True)


def test_a_model_with_several_labels_is_no_reranker(folders):
    with pytest.raises(ConfigError, match="'orchard/three-labels' is no reranker: it gives 3 numbers for a pair"):
        scorer(folders, "orchard/three-labels").warm_up()


def test_a_cross_encoder_that_is_not_there_is_an_error_that_names_it(tmp_path):
    with pytest.raises(ServiceError, match=r"'orchard/none' in .* does not load"):
        CrossEncoderScorer(tmp_path / "nowhere", "orchard/none").warm_up()
