"""
The sources in what a person hands over: files, folders, archives, standard input.

Folders are walked in order of names, so the same evidence is always read in the same order. Links are not followed:
what they lead to is read where it lies. Whatever is not read is said, with the reason.

A file named `timestamp` tells when a bundle was collected, for everything in and below its folder; without one the
time of change of each file does.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from kfi.config import Settings
from kfi.errors import SourceError
from kfi.ingestion.archive import CLOCK, CLOCK_BYTES, Found, Place, RawSource, clock_in, contents, moment, shown_name
from kfi.ingestion.unpack import CONTAINER_BYTES, Spool, container, spooled
from kfi.models.schemas import Skipped

__all__ = ["Found", "RawSource", "sources"]

_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".bzr", "CVS"})


def sources(paths: Sequence[str], stdin: BinaryIO | None, settings: Settings) -> Iterator[Found]:
    """Give every source in some paths, sorted within each folder, and what is left out with the reason.

    Raises:
        SourceError: one of the paths does not exist; it is told at once, before anything is read.
    """
    for path in paths:
        if path != "-" and not os.path.exists(path):
            raise SourceError(f"There is no file or folder {path!r}.", hint="Check the path.")
        if path == "-" and stdin is None:
            raise SourceError("There is no standard input to read '-' from.", hint="Pipe something into kfi.")
    return (found for path in paths for found in _given(path, stdin, settings, alone=len(paths) == 1))


def _given(path: str, stdin: BinaryIO | None, settings: Settings, alone: bool) -> Iterator[Found]:
    now = datetime.now(UTC)
    if path == "-" and stdin is not None:
        yield from _pipe(stdin, Place("-", now), settings)
    elif os.path.isdir(path):
        root = Path(path)
        yield from _folder(root, "" if alone else shown_name(os.path.normpath(path)), settings)
    elif os.path.isfile(path):
        yield from _file(Path(path), Place(shown_name(os.path.normpath(path)), now), settings)
    elif _is_device(path):
        yield Skipped(path=shown_name(path), reason="a device")
    else:
        # `kfi ingest <(kubectl get events -o json)`
        try:
            with open(path, "rb") as pipe:
                yield from _pipe(pipe, Place(shown_name(path), now), settings)
        except OSError as error:
            yield Skipped(path=shown_name(path), reason=f"cannot be read: {error.strerror or error}")


def _is_device(path: str) -> bool:
    """Tell whether a path is a device that never ends, or holds a disk; a terminal is for typing."""
    mode = os.stat(path).st_mode
    return stat.S_ISBLK(mode) or (stat.S_ISCHR(mode) and path not in ("/dev/stdin", "/dev/fd/0", "/dev/tty"))


def _pipe(stream: BinaryIO, place: Place, settings: Settings) -> Iterator[Found]:
    try:
        spool = spooled(stream, None, settings)
    except SourceError as error:
        yield Skipped(path=place.path, reason=error.message)
        return
    with spool.stream:
        yield from contents(spool, place, settings)


def _folder(root: Path, shown: str, settings: Settings) -> Iterator[Found]:
    """Yield the sources below a folder; a stack, because folders may be nested deeper than calls."""
    home = os.path.realpath(root)
    waiting: list[tuple[Path, str, datetime | None]] = [(root, shown, None)]
    while waiting:
        folder, prefix, clock = waiting.pop()
        try:
            with os.scandir(folder) as listing:
                entries = sorted(listing, key=lambda entry: entry.name)
        except OSError as error:
            yield Skipped(path=prefix or ".", reason=f"cannot be read: {error.strerror}")
            continue
        clock = _clock_of(folder / CLOCK) or clock
        below = []
        for entry in entries:
            path = f"{prefix}/{shown_name(entry.name)}" if prefix else shown_name(entry.name)
            if entry.is_dir(follow_symlinks=False) and entry.name not in _VERSION_CONTROL:
                below.append((Path(entry.path), path, clock))
            else:
                yield from _entry(entry, path, clock, home, settings)
        waiting += reversed(below)


def _entry(
    entry: os.DirEntry[str], path: str, clock: datetime | None, home: str, settings: Settings
) -> Iterator[Found]:
    reason = _left_out(entry, home)
    if reason:
        yield Skipped(path=path, reason=reason)
    elif entry.name != CLOCK or _clock_of(Path(entry.path)) is None:
        yield from _file(Path(entry.path), Place(path, datetime.now(UTC), clock), settings)


def _left_out(entry: os.DirEntry[str], home: str) -> str:
    """Say why an entry of a folder is not read, if it is not."""
    if entry.is_symlink():
        target = os.path.realpath(entry.path)
        if not os.path.exists(target):
            return "a link that leads nowhere"
        inside = os.path.commonpath((home, target)) == home
        return "a link; what it leads to is read itself" if inside else "a link that leads outside"
    if entry.name in _VERSION_CONTROL:
        return "version control"
    if entry.name.startswith("._") or entry.name == ".DS_Store":
        return "data of macOS"
    return "" if entry.is_file() else "not a regular file"


def _file(path: Path, place: Place, settings: Settings) -> Iterator[Found]:
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                yield Skipped(path=place.path, reason="not a regular file")
            elif status.st_size > settings.max_file_bytes and not container(stream.read(CONTAINER_BYTES)):
                yield Skipped(path=place.path, reason=f"is larger than {settings.max_file_bytes:,} bytes")
            else:
                changed = replace(place, time=moment(status.st_mtime, place.time))
                yield from contents(Spool(stream, status.st_size), changed, settings)
    except OSError as error:
        yield Skipped(path=place.path, reason=f"cannot be read: {error.strerror or error}")


def _clock_of(file: Path) -> datetime | None:
    """Give the time in a `timestamp` file, or None where there is no such file or no time in it."""
    try:
        if not stat.S_ISREG(file.lstat().st_mode):
            return None
        with file.open("rb") as stream:
            return clock_in(stream.read(CLOCK_BYTES))
    except OSError:
        return None
