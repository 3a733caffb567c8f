"""
What a person may set, where it is read from, and what counts as wrong.

An argument beats the environment (`KFI_DATA_DIR`), which beats the file (`config.toml`), which beats the default.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from kfi.errors import ConfigError

_MIB = 1024 * 1024
_PREFIX = "KFI_"
_FILE_VARIABLE = "KFI_CONFIG"


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

    @field_validator("data_dir", mode="before")
    @classmethod
    def _folder(cls, value: Any) -> Any:
        """Read `~` as a shell does; nothing at all means the default, not the current folder."""
        if value == "":
            return platformdirs.user_data_path("kfi")
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
    return f"The setting {name!r} is wrong: {first['msg'].lower()} (it is {first['input']!r})."
