"""
How kfi meets torch and what stands on it: parts of the extra `full` that may be missing, and their failures as ours.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from kfi.errors import ConfigError, ServiceError

_LOAD_ERRORS = (
    OSError,
    ValueError,
    RuntimeError,
    KeyError,
    TypeError,
    AttributeError,
    ImportError,
    pickle.UnpicklingError,
)


def full_part(package: str) -> Any:
    """Give a package of the extra `full`, imported.

    Raises:
        ConfigError: it is not installed, or it is but does not load.
    """
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        if error.name != package.partition(".")[0]:
            raise _broken(package, error) from error
        raise ConfigError(
            f"The package {package!r} is not installed.",
            hint="Run \"pip install 'kfi[full]'\" (a CPU build of torch first where there is no GPU).",
        ) from error
    except (ImportError, OSError, RuntimeError) as error:
        raise _broken(package, error) from error


def _broken(package: str, error: Exception) -> ConfigError:
    return ConfigError(
        f"The package {package!r} is installed but does not load: {error}.",
        hint="Install the extra anew: \"pip install --force-reinstall 'kfi[full]'\".",
    )


def has_gpu() -> bool:
    """Tell whether torch can use an NVIDIA GPU here."""
    return bool(full_part("torch").cuda.is_available())


@contextmanager
def loading(name: str, folder: Path) -> Iterator[None]:
    """Turn failures to load weights into a ServiceError about the model and its folder."""
    # Otherwise each model draws a bar over whatever kfi shows.
    full_part("transformers.utils.logging").disable_progress_bar()
    damaged = full_part("safetensors").SafetensorError
    try:
        yield
    except (*_LOAD_ERRORS, damaged) as error:
        raise ServiceError(
            f"The model {name!r} in {str(folder)!r} does not load: {_first_line(error)}.",
            hint=f"Pull it again: 'kfi models pull {name}'.",
        ) from error


@contextmanager
def running(name: str) -> Iterator[None]:
    """Turn failures of a loaded model into a ServiceError about it."""
    try:
        yield
    except (RuntimeError, ValueError, IndexError, TypeError) as error:
        raise ServiceError(
            f"The model {name!r} failed: {_first_line(error)}.",
            hint="If its GPU is out of memory, set KFI_EMBEDDING_BATCH lower, or set KFI_PROFILE=embedded.",
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300].rstrip(".")


class Turns:
    """A lock that goes to who waited longest: one question among a long run of cards waits for one turn of it.

    A plain lock goes back to the thread that has just given it away, and the other starves.
    """

    def __init__(self) -> None:
        self._next = Lock()
        self._now = Lock()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn and keep it."""
        with self._next:
            self._now.acquire()
        try:
            yield
        finally:
            self._now.release()
