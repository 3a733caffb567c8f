import os
from pathlib import Path

import pytest

from kfi.embeddings.weights import find_weights
from kfi.errors import ConfigError, ServiceError

MODEL = "orchard/pear-1024"


def model_folder(folder: Path, description: str = "config.json", weights: str = "model.safetensors") -> Path:
    (folder / weights).parent.mkdir(parents=True, exist_ok=True)
    (folder / description).write_text("{}")
    (folder / weights).write_bytes(b"weights")
    return folder


def cached(cache: Path, commit: str, changed: float, model: str = MODEL) -> Path:
    folder = model_folder(cache / f"models--{model.replace('/', '--')}" / "snapshots" / commit)
    os.utime(folder, (changed, changed))
    return folder


def test_a_model_lies_in_the_folder_of_its_name(tmp_path):
    folder = model_folder(tmp_path / "orchard" / "pear-1024")

    assert find_weights(MODEL, tmp_path) == folder


def test_a_folder_given_by_path_is_taken_and_no_other_is_looked_in(tmp_path):
    folder = model_folder(tmp_path / "mine", "modules.json", "0_Transformer/pytorch_model.bin")

    assert find_weights(str(folder), tmp_path / "models") == folder
    assert find_weights(str(tmp_path / "other"), tmp_path) is None


def test_a_name_is_no_folder_of_where_kfi_was_started(tmp_path, monkeypatch):
    model_folder(tmp_path / "orchard" / "pear-1024")
    monkeypatch.chdir(tmp_path)

    assert find_weights(MODEL, tmp_path / "models") is None
    assert find_weights(f"./{MODEL}", tmp_path / "models") == Path(MODEL)


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_without_description_or_weights_is_no_model(tmp_path, missing):
    folder = model_folder(tmp_path / "orchard" / "pear-1024")
    (folder / missing).unlink()

    assert find_weights(MODEL, tmp_path) is None


def test_hugging_faces_cache_is_looked_in_last_and_gives_the_newest_snapshot(tmp_path):
    cache = tmp_path / "hub"
    cached(cache, "aaa", changed=100)
    newest = cached(cache, "bbb", changed=200)

    assert find_weights(MODEL, tmp_path / "models", cache) == newest
    pulled = model_folder(tmp_path / "models" / "orchard" / "pear-1024")
    assert find_weights(MODEL, tmp_path / "models", cache) == pulled


def test_the_snapshot_that_the_branch_main_is_at_comes_before_newer_ones(tmp_path):
    main = cached(tmp_path, "aaa", changed=100)
    cached(tmp_path, "bbb", changed=200)
    refs = tmp_path / "models--orchard--pear-1024" / "refs"
    refs.mkdir()
    (refs / "main").write_text("aaa")

    assert find_weights(MODEL, tmp_path / "models", tmp_path) == main


def test_a_snapshot_whose_weights_are_gone_is_passed_over(tmp_path):
    whole = cached(tmp_path, "aaa", changed=100)
    broken = cached(tmp_path, "bbb", changed=200)
    (broken / "model.safetensors").unlink()
    (broken / "model.safetensors").symlink_to(tmp_path / "blobs" / "gone")

    assert find_weights(MODEL, tmp_path / "models", tmp_path) == whole


@pytest.mark.parametrize("model", ["", "a/b/c", "a/..", "a b", "a\\b", "a/\0", "models/"])
def test_what_is_no_name_of_a_model_is_refused(tmp_path, model):
    with pytest.raises(ConfigError, match="no name of a model"):
        find_weights(model, tmp_path)


def test_a_folder_that_cannot_be_looked_in_is_an_error(tmp_path):
    with pytest.raises(ServiceError, match="cannot be looked for: File name too long"):
        find_weights("p" * 300, tmp_path)
