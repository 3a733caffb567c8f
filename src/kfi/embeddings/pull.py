"""
How weights get onto this machine, when a person asks for it: from Hugging Face, or by an Ollama.

What was fetched is kept when a pull breaks off, and only a whole model gets its name.
"""

from __future__ import annotations

import errno
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from threading import Event, Thread
from typing import Any

import httpx

from kfi.embeddings.torch_door import full_part
from kfi.embeddings.weights import checked_name, holds_model
from kfi.errors import ServiceError

Progress = Callable[[str, int, int], None]
"""Called with what is fetched, the bytes that are here and the bytes there are (0: not known); from any thread."""

# Seconds between two looks at how much has come.
_LOOK_S = 0.5
# Seconds. Ollama is silent while it checks tens of gigabytes.
_SILENCE_S = 900.0
_CONNECT_S = 10.0
_SAID = 300
# The same weights for other runtimes, and files about the model.
_OTHER_FOLDERS = frozenset({"onnx", "openvino", "coreml", "imgs", "images", "assets"})
_OTHER_ENDINGS = frozenset(
    ".onnx .onnx_data .msgpack .h5 .ot .tflite .mlmodel .gguf .pt .pth .ckpt .pkl .jpg .png .webp .pdf".split()
)
_ERRNO = re.compile(r"\[Errno -?\d+\] ")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_SHUT = frozenset({errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST})
_MAKE_ROOM = "Make room on the disk, or set KFI_MODELS_DIR, and run the same command again; it goes on where it was."


def pull_weights(model: str, models_dir: Path, progress: Progress, endpoint: str | None = None) -> Path:
    """Fetch a model from Hugging Face (or its mirror at `endpoint`) and give its folder, `models_dir/NAME`.

    Raises:
        ConfigError: the model's name is none, or the extra `full` is not installed.
        ServiceError: the model is unknown or out of reach, or the disk is full.
    """
    target = models_dir / checked_name(model)
    draft = models_dir / ".partial" / model.replace("/", "--")
    hub = full_part("huggingface_hub")
    # It would draw and write over the progress that is shown.
    full_part("huggingface_hub.utils").disable_progress_bars()
    full_part("huggingface_hub.utils.logging").set_verbosity_error()
    with _hub_door(model, models_dir):
        files = _listed(hub, model, draft, endpoint)
        total = sum(file.file_size or 0 for file in files)
        _check_room(models_dir, total - _size(draft))
        with _watched(model, draft, total, progress):
            hub.snapshot_download(
                model,
                local_dir=draft,
                endpoint=endpoint,
                revision=files[0].commit_hash,
                allow_patterns=[file.filename for file in files],
            )
        _check_whole(draft, files)
        _put_in_place(draft, target)
    progress(model, total, total)
    return target


def pull_ollama(url: str, model: str, progress: Progress) -> None:
    """Have an Ollama fetch a model; it is there when this returns.

    Raises:
        ServiceError: Ollama does not answer, does not know the model, or broke off.
    """
    try:
        with httpx.stream(
            "POST",
            url.rstrip("/") + "/api/pull",
            json={"model": model, "stream": True},
            timeout=httpx.Timeout(_SILENCE_S, connect=_CONNECT_S),
            trust_env=False,
            follow_redirects=False,
        ) as answer:
            _follow(answer, model, progress)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServiceError(
            f"Ollama at {_shown(url)!r} did not answer: {error or type(error).__name__}.",
            hint="Start it with 'ollama serve', or set KFI_OLLAMA_URL; a pull goes on where it was.",
        ) from error


def _shown(url: str) -> str:
    """Give an address without the user and password in it."""
    scheme, _, rest = url.rpartition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if scheme else rest.rpartition("@")[2]


def _follow(answer: httpx.Response, model: str, progress: Progress) -> None:
    if answer.status_code != HTTPStatus.OK:
        raise _refused(model, answer.read().decode("utf-8", "replace"))
    status = ""
    for line in answer.iter_lines():
        if not line.strip():
            continue
        said = _said(model, line)
        if "error" in said:
            raise _refused(model, str(said["error"]))
        status = str(said.get("status", ""))
        progress(status, _bytes(said.get("completed")), _bytes(said.get("total")))
    if status != "success":
        raise ServiceError(
            f"Ollama broke off while it pulled {model!r}; the last it said was {status[:_SAID]!r}.",
            hint="Run the same command again; it goes on where it was.",
        )


def _said(model: str, line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise _refused(model, line)
    return said


def _bytes(said: Any) -> int:
    return said if isinstance(said, int) else 0


def _refused(model: str, said: str) -> ServiceError:
    return ServiceError(
        f"Ollama did not pull {model!r}: {' '.join(said[: 4 * _SAID].split())[:_SAID]}.",
        hint="See https://ollama.com/library for the names it knows; it needs the network and room on its disk.",
    )


def _listed(hub: Any, model: str, draft: Path, endpoint: str | None) -> list[Any]:
    """List the files to fetch: name, size and commit of each."""
    listed = hub.snapshot_download(model, local_dir=draft, endpoint=endpoint, dry_run=True)
    useful = frozenset(_useful([file.filename for file in listed]))
    files = [file for file in listed if file.filename in useful]
    if not files:
        raise OSError("there are no weights in it that sentence-transformers reads")
    return files


def _useful(names: Sequence[str]) -> list[str]:
    """Give the files of a repository that sentence-transformers reads: safetensors where a folder has them."""
    paths = [PurePosixPath(name) for name in names]
    safe = {path.parent for path in paths if path.suffix == ".safetensors"}
    return [
        str(path)
        for path in paths
        if path.suffix.lower() not in _OTHER_ENDINGS
        and not _OTHER_FOLDERS & set(path.parts[:-1])
        and not path.parts[0].startswith(".")
        and not (path.suffix == ".bin" and (path.parent in safe or path.name == "training_args.bin"))
    ]


@contextmanager
def _hub_door(model: str, models_dir: Path) -> Iterator[None]:
    """Turn what the hub's client raises (and it raises its HTTP library's errors too) into one sentence."""
    raised = full_part("huggingface_hub.errors")
    try:
        yield
    except (OSError, ValueError, RuntimeError, raised.HTTPError) as error:
        raise _not_pulled(raised, model, models_dir, error) from error


def _not_pulled(raised: Any, model: str, models_dir: Path, error: BaseException) -> ServiceError:
    causes = [error, *(cause for cause in (error.__cause__, error.__context__) if cause)]
    if any(isinstance(cause, raised.GatedRepoError) for cause in causes):
        said, hint = "its owner must grant access first", "Ask on its page, then log in with 'hf auth login'."
    elif any(isinstance(cause, raised.RepositoryNotFoundError) for cause in causes):
        said, hint = "Hugging Face has no such model, or not for everyone", "Check the name, such as 'BAAI/bge-m3'."
    elif any(isinstance(cause, OSError) and cause.errno in _FULL for cause in causes):
        said, hint = "the disk is full", _MAKE_ROOM
    elif any(isinstance(cause, OSError) and cause.errno in _SHUT for cause in causes):
        said, hint = f"{str(models_dir)!r} cannot be written", "Make it writable, or set KFI_MODELS_DIR."
    else:
        said = _ERRNO.sub("", " ".join(str(causes[-1]).split()))[:_SAID].rstrip(".") or type(causes[-1]).__name__
        hint = f"Check the network and run the same command again, or copy the model's folder to {str(models_dir)!r}."
    return ServiceError(f"The model {model!r} was not pulled: {said}.", hint=hint)


def _check_room(models_dir: Path, needed: int) -> None:
    models_dir.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(models_dir).free
    if needed > free:
        raise OSError(errno.ENOSPC, f"{needed} bytes are needed and {free} are free")


def _check_whole(folder: Path, files: Sequence[Any]) -> None:
    """See that all came: the hub's client gives a folder back as it is when the network goes."""
    for file in files:
        path = folder / file.filename
        if not path.is_file() or (file.file_size is not None and path.stat().st_size != file.file_size):
            raise OSError(f"{file.filename!r} did not come whole")
    if not holds_model(folder):
        raise OSError("there are no weights in it that sentence-transformers reads")


@contextmanager
def _watched(label: str, folder: Path, total: int, progress: Progress) -> Iterator[None]:
    """Tell how much of a folder is there, until the download in it ends."""
    ended = Event()

    def look() -> None:
        while not ended.wait(_LOOK_S):
            progress(label, min(_size(folder), total), total)

    watcher = Thread(target=look, name="kfi-pull", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        watcher.join()


def _size(folder: Path) -> int:
    """Count the bytes in a folder; files may go while it is read."""
    total = 0
    for file in folder.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:
            continue
    return total


def _put_in_place(draft: Path, target: Path) -> None:
    """Give a whole model its name; an older one of the name goes."""
    shutil.rmtree(draft / ".cache", ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    old = draft.with_name(f"{draft.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    draft.rename(target)
    shutil.rmtree(old, ignore_errors=True)
