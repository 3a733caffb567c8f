"""
Where the weights of the full-size models lie on this machine, if they do. Nothing here downloads.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

from kfi.errors import ConfigError, ServiceError

_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_DESCRIPTIONS = ("config.json", "modules.json")
_WEIGHTS = ("*.safetensors", "*.bin", "*/*.safetensors", "*/*.bin")


def full_parts_installed() -> bool:
    """Tell whether the extra `full` is installed, without importing it."""
    return find_spec("sentence_transformers") is not None


def find_weights(model: str, models_dir: Path, hub_cache: Path | None = None) -> Path | None:
    """Give the folder that holds a model: the one it names, the one of its name in `models_dir`, or Hugging Face's.

    Only what starts like a path (`/`, `./`, `~`) is one: a model's name must not pick a folder of the evidence that
    kfi happens to be started in.

    Raises:
        ConfigError: it is neither a name nor such a path.
        ServiceError: a folder cannot be read.
    """
    try:
        if _is_path(model):
            return _holding([Path(model).expanduser()])
        return _holding([models_dir / checked_name(model), *(_snapshots(model, hub_cache) if hub_cache else ())])
    except OSError as error:
        raise ServiceError(
            f"The weights of {model!r} cannot be looked for: {error.strerror or error}.",
            hint=f"Make {str(error.filename or models_dir)!r} readable.",
        ) from error


def checked_name(model: str) -> str:
    """Give a model's name back if it is one, `NAME` or `OWNER/NAME`: folders are named after it.

    Raises:
        ConfigError: it is none.
    """
    if not _NAME.fullmatch(model) or ".." in model:
        raise ConfigError(
            f"{model!r} is no name of a model.",
            hint="Give a name such as 'BAAI/bge-m3', or a folder that starts with '/', './' or '~'.",
        )
    return model


def _is_path(model: str) -> bool:
    return Path(model).is_absolute() or model.startswith(("./", "../", "~"))


def _holding(folders: list[Path]) -> Path | None:
    return next((folder for folder in folders if holds_model(folder)), None)


def holds_model(folder: Path) -> bool:
    """Tell whether a folder holds a model that sentence-transformers reads.

    A cache may hold a description alone, or links to what is gone.
    """
    described = any((folder / name).is_file() for name in _DESCRIPTIONS)
    return described and any(file.is_file() for pattern in _WEIGHTS for file in folder.glob(pattern))


def _snapshots(model: str, hub_cache: Path) -> list[Path]:
    """List a model's snapshots in Hugging Face's cache: the one its branch `main` is at, then the newest first."""
    entry = hub_cache / f"models--{model.replace('/', '--')}"
    folders = [folder for folder in entry.glob("snapshots/*") if folder.is_dir()]
    main = entry / "refs" / "main"
    current = main.read_text("utf-8", errors="replace").strip() if main.is_file() else ""
    return sorted(folders, key=lambda folder: (folder.name == current, folder.stat().st_mtime), reverse=True)
