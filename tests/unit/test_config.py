from pathlib import Path

import pytest

from kfi.config import Settings, load_settings
from kfi.errors import ConfigError


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"KFI_{name.upper()}", raising=False)
    monkeypatch.delenv("KFI_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_without_any_setting_the_store_is_in_the_users_data_folder(tmp_path):
    assert load_settings().data_dir == tmp_path / "share" / "kfi"


def test_an_argument_beats_the_environment_which_beats_the_file(monkeypatch, tmp_path):
    write(tmp_path / "config" / "kfi" / "config.toml", "data_dir = '/file'\nspool_bytes = 1\nmax_archive_depth = 5")
    monkeypatch.setenv("KFI_DATA_DIR", "/environment")
    monkeypatch.setenv("KFI_SPOOL_BYTES", "2")

    settings = load_settings(data_dir=Path("/argument"), max_file_bytes=None)

    assert (settings.data_dir, settings.spool_bytes, settings.max_archive_depth) == (Path("/argument"), 2, 5)


def test_another_file_of_settings_may_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("KFI_CONFIG", str(write(tmp_path / "mine.toml", "spool_bytes = 3")))

    assert load_settings().spool_bytes == 3


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("spool_bytes = 'many'", "The setting 'spool_bytes' is wrong"),
        ("max_file_bytes = 0", "The setting 'max_file_bytes' is wrong"),
        ("apples = 1", "There is no setting 'apples'"),
        ("spool_bytes =", "is no TOML"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(monkeypatch, tmp_path, file, message):
    monkeypatch.setenv("KFI_CONFIG", str(write(tmp_path / "mine.toml", file)))

    with pytest.raises(ConfigError, match=message) as caught:
        load_settings()

    assert "\n" not in caught.value.message
    assert caught.value.hint


def test_a_file_of_settings_that_is_named_but_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("KFI_CONFIG", "/nowhere.toml")

    with pytest.raises(ConfigError, match=r"There is no settings file '/nowhere\.toml'"):
        load_settings()


def test_a_file_of_settings_that_cannot_be_read_is_not_called_broken(monkeypatch):
    # The memory of a process can be opened, but holds nothing at address 0.
    monkeypatch.setenv("KFI_CONFIG", "/proc/self/mem")

    with pytest.raises(ConfigError, match=r"The settings file '/proc/self/mem' cannot be read"):
        load_settings()


def test_a_tilde_in_the_data_folder_is_the_home_folder(monkeypatch):
    monkeypatch.setenv("KFI_DATA_DIR", "~/evidence")

    assert load_settings().data_dir == Path.home() / "evidence"


def test_an_empty_data_folder_means_the_default(monkeypatch, tmp_path):
    monkeypatch.setenv("KFI_DATA_DIR", "")

    assert load_settings().data_dir == tmp_path / "share" / "kfi"
