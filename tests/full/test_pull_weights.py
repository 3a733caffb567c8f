import socket

import pytest

from kfi.embeddings.pull import pull_weights
from kfi.embeddings.weights import find_weights
from kfi.errors import ServiceError
from tests.full.hub import running

MODEL = "orchard/pear-1024"
WEIGHTS = bytes(range(256)) * 4000
FILES = {
    "config.json": b"{}",
    "modules.json": b"[]",
    "1_Pooling/config.json": b"{}",
    "model.safetensors": WEIGHTS,
    "pytorch_model.bin": WEIGHTS,
    "2_Dense/pytorch_model.bin": b"dense",
    "tf_model.h5": WEIGHTS,
    "flax_model.msgpack": WEIGHTS,
    "onnx/model.onnx": WEIGHTS,
    "onnx/config.json": b"{}",
    ".gitattributes": b"*.bin",
    "README.md": b"# pear",
}
USEFUL = ["1_Pooling/config.json", "2_Dense/pytorch_model.bin", "README.md", "config.json", "model.safetensors"]
USEFUL = sorted([*USEFUL, "modules.json"])


class Seen(list):
    """What progress was told."""

    def __call__(self, label: str, done: int, total: int) -> None:
        self.append((label, done, total))


def names(folder) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_a_model_is_pulled_without_what_other_runtimes_read_and_is_found_then(tmp_path):
    seen = Seen()

    with running(MODEL, FILES) as hub:
        folder = pull_weights(MODEL, tmp_path, seen, hub.address)

    assert folder == tmp_path / MODEL == find_weights(MODEL, tmp_path)
    assert (names(folder), (folder / "model.safetensors").read_bytes()) == (USEFUL, WEIGHTS)
    total = sum(len(FILES[name]) for name in USEFUL)
    assert seen[-1] == (MODEL, total, total)
    assert all(done <= total for _, done, total in seen)


def test_a_model_without_safetensors_is_pulled_with_its_other_weights(tmp_path):
    files = {name: FILES[name] for name in ("config.json", "pytorch_model.bin", "tf_model.h5")}

    with running(MODEL, files) as hub:
        folder = pull_weights(MODEL, tmp_path, Seen(), hub.address)

    assert names(folder) == ["config.json", "pytorch_model.bin"]


def test_a_model_pulled_again_takes_the_old_ones_place(tmp_path):
    (tmp_path / MODEL).mkdir(parents=True)
    (tmp_path / MODEL / "old.txt").write_text("old")

    with running(MODEL, FILES) as hub:
        folder = pull_weights(MODEL, tmp_path, Seen(), hub.address)

    assert names(folder) == USEFUL
    assert names(tmp_path / ".partial") == []


def test_a_pull_that_breaks_off_leaves_no_model_and_the_next_one_ends_it(tmp_path):
    with running(MODEL, FILES, broken=frozenset({"model.safetensors"})) as hub:
        with pytest.raises(ServiceError) as caught:
            pull_weights(MODEL, tmp_path, Seen(), hub.address)
        left = find_weights(MODEL, tmp_path)

    with running(MODEL, FILES) as hub:
        folder = pull_weights(MODEL, tmp_path, Seen(), hub.address)

    assert caught.value.message.startswith(f"The model {MODEL!r} was not pulled: ")
    assert left is None
    assert (names(folder), (folder / "model.safetensors").read_bytes()) == (USEFUL, WEIGHTS)
    assert len(hub.asked) < len(USEFUL)


def test_a_model_that_the_hub_does_not_have_is_an_error_that_says_so(tmp_path):
    with running(MODEL, FILES) as hub, pytest.raises(ServiceError) as caught:
        pull_weights("orchard/none", tmp_path, Seen(), hub.address)

    assert caught.value.message == (
        "The model 'orchard/none' was not pulled: Hugging Face has no such model, or not for everyone."
    )


def test_a_repository_without_weights_is_no_model(tmp_path):
    with running(MODEL, {"README.md": b"# pear", "tf_model.h5": WEIGHTS}) as hub, pytest.raises(ServiceError) as caught:
        pull_weights(MODEL, tmp_path, Seen(), hub.address)

    assert "no weights in it that sentence-transformers reads" in caught.value.message
    assert find_weights(MODEL, tmp_path) is None


def test_without_a_network_one_sentence_says_so(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(ServiceError) as caught:
            pull_weights(MODEL, tmp_path, Seen(), endpoint)

    assert "refused" in caught.value.message
    assert str(tmp_path) in caught.value.hint


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "models").write_text("a file")

    with running(MODEL, FILES) as hub, pytest.raises(ServiceError, match="cannot be written"):
        pull_weights(MODEL, tmp_path / "models", Seen(), hub.address)
