"""
The sources in an archive, read member by member.

Nothing is ever written under a name that an archive chose, and links are not followed: what they lead to is read where
it lies, or lies outside and is none of ours. Whatever is not read is said, with the reason.
"""

from __future__ import annotations

import re
import stat
import struct
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from kfi.config import Settings
from kfi.errors import SourceError
from kfi.ingestion.unpack import (
    CONTAINER_BYTES,
    DAMAGED,
    Allowance,
    Budget,
    Meter,
    Spool,
    container,
    decompressed,
    spooled,
)
from kfi.models.schemas import Skipped
from kfi.snapshot.read.ages import timestamp

CLOCK = "timestamp"
"""Name of the file that tells when a bundle was collected, for everything in and below its folder."""
CLOCK_BYTES = 4096
"""Bytes of it that are read."""
# Members that are larger unpacked must not be too many times their size in the archive.
_UNSUSPICIOUS_BYTES = 16 * 1024 * 1024
_MAX_NAME = 1024
_BROKEN = (*DAMAGED, RuntimeError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, struct.error)
"""What readers of archives raise for damaged ones: beside their own errors, whatever their slips lead to."""
# Years in which a bundle may have been collected; other times of change are made up ("reproducible" archives).
_FIRST_YEAR = 2014
# What stands for a byte of a name that is no UTF-8.
_HALF = re.compile(r"[\ud800-\udfff]")


@dataclass(frozen=True)
class RawSource:
    """One source's bytes. They can be read until the next source is asked for."""

    path: str
    """Below the folder that was given; `archive!member` inside an archive; `-` for standard input."""
    stream: BinaryIO
    size: int
    observed_at: datetime


Found = RawSource | Skipped


@dataclass(frozen=True)
class Place:
    """Where something lies, and what is known of everything that lies there."""

    path: str
    time: datetime
    """When it was changed."""
    clock: datetime | None = None
    """What the nearest `timestamp` file says."""
    depth: int = 0
    """Archives around it."""
    budget: Budget | None = None

    @property
    def observed_at(self) -> datetime:
        """When it was collected, as far as is known."""
        return self.clock or self.time


def contents(spool: Spool, place: Place, settings: Settings) -> Iterator[Found]:
    """Yield what a file, or a member, holds: itself, or the sources packed in it."""
    if spool.problem:
        yield Skipped(path=place.path, reason=f"{spool.problem}; what could be read was")
    spool.stream.seek(0)
    kind = container(spool.stream.read(CONTAINER_BYTES))
    spool.stream.seek(0)
    if not kind:
        yield RawSource(place.path, spool.stream, spool.size, place.observed_at)
        return
    try:
        if kind == "zip":
            yield from _zip(spool, _within(place, settings), settings)
        elif kind == "tar" or container(_unpacked(spool, kind, settings).read(CONTAINER_BYTES)) == "tar":
            yield from _tar(spool, kind, _within(place, settings), settings)
        else:
            yield from _single(spool, kind, place, settings)
    except SourceError as error:
        yield Skipped(path=place.path, reason=error.message)
    except DAMAGED as error:
        yield Skipped(path=place.path, reason=f"is damaged: {error}")


def _within(place: Place, settings: Settings) -> Place:
    """Give the place of the members of an archive.

    Raises:
        SourceError: there are too many archives around it.
    """
    if place.depth >= settings.max_archive_depth:
        raise SourceError(f"is an archive in {place.depth} others; unpack it first")
    return replace(place, depth=place.depth + 1, budget=place.budget or Budget(settings))


def _unpacked(spool: Spool, kind: str, settings: Settings) -> IO[bytes]:
    allowance = Allowance(spool.size, settings.max_archive_ratio)
    return cast(IO[bytes], Meter(decompressed(spool.stream, kind), allowance))


def _single(spool: Spool, kind: str, place: Place, settings: Settings) -> Iterator[Found]:
    """Yield a file that was compressed on its own, under the name it has."""
    copy = spooled(_unpacked(spool, kind, settings), place.budget, settings)
    with copy.stream:
        if container(copy.stream.read(CONTAINER_BYTES)):
            yield Skipped(path=place.path, reason="is compressed twice; unpack it first")
            return
        yield from contents(copy, place, settings)


def _tar(spool: Spool, kind: str, place: Place, settings: Settings) -> Iterator[Found]:
    clocks = _tar_clocks(spool, kind, settings)
    count = 0
    try:
        for member, archive in _tar_members(spool, kind, settings):
            count += 1
            _count(place)
            yield from _tar_member(member, archive, clocks, place, settings)
    except _BROKEN as error:
        yield Skipped(path=place.path, reason=f"is damaged after {count} members: {error or type(error).__name__}")


def _tar_members(spool: Spool, kind: str, settings: Settings) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
    stream = _unpacked(spool, kind, settings)
    with tarfile.TarFile(fileobj=stream, mode="r", encoding="utf-8", errors="replace") as archive:
        while member := archive.next():
            yield member, archive
            # The archive would remember every member there ever was.
            archive.members = []  # type: ignore[attr-defined]


def _tar_clocks(spool: Spool, kind: str, settings: Settings) -> dict[PurePosixPath, datetime]:
    """Give the times of collection that `timestamp` files tell, by folder: they may come last, so all is read once."""
    clocks = {}
    try:
        for member, archive in islice(_tar_members(spool, kind, settings), settings.max_archive_members):
            path = PurePosixPath(member.name)
            file = archive.extractfile(member) if path.name == CLOCK and _is_plain(member) else None
            time = clock_in(file.read(CLOCK_BYTES)) if file else None
            if time:
                clocks[path.parent] = time
    except (SourceError, *_BROKEN):
        # The second reading comes to the same place, and says so.
        pass
    return clocks


def _is_plain(member: tarfile.TarInfo) -> bool:
    return member.isreg() and not member.issparse()


def _tar_member(
    member: tarfile.TarInfo,
    archive: tarfile.TarFile,
    clocks: Mapping[PurePosixPath, datetime],
    place: Place,
    settings: Settings,
) -> Iterator[Found]:
    if member.isdir():
        return
    reason = _tar_refusal(member) or _refusal(member.name, member.size, settings)
    file = None if reason else archive.extractfile(member)
    if file is None:
        yield Skipped(path=_member_path(place, member.name), reason=reason)
        return
    changed = replace(place, time=moment(member.mtime, place.time))
    yield from _member(file, member.name, changed, clocks, settings)


def _tar_refusal(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "a link; what it leads to is read itself"
    return "" if _is_plain(member) else "not a regular file"


def _zip(spool: Spool, place: Place, settings: Settings) -> Iterator[Found]:
    if _too_many(spool.stream, settings.max_archive_members):
        raise SourceError(f"has more than {settings.max_archive_members:,} members; it was not read")
    try:
        with zipfile.ZipFile(spool.stream) as archive:
            clocks = _zip_clocks(archive)
            allowance = Allowance(spool.size, settings.max_archive_ratio)
            for info in archive.infolist():
                _count(place)
                yield from _zip_member(_ZipMember(info, archive, allowance), clocks, place, settings)
    except _BROKEN as error:
        yield Skipped(path=place.path, reason=f"is damaged: {error}")


def _too_many(stream: BinaryIO, limit: int) -> bool:
    """Count the entries of a zip file's directory before anyone makes objects of them."""
    stream.seek(0)
    count, tail = 0, b""
    while chunk := stream.read(1024 * 1024):
        count += (tail + chunk).count(b"PK\x01\x02")
        tail = chunk[-3:]
    stream.seek(0)
    return count > limit


def _zip_clocks(archive: zipfile.ZipFile) -> dict[PurePosixPath, datetime]:
    clocks = {}
    for info in archive.infolist():
        path = PurePosixPath(info.filename)
        if path.name == CLOCK and info.file_size <= CLOCK_BYTES and not _zip_refusal(info, 1):
            time = clock_in(archive.read(info))
            if time:
                clocks[path.parent] = time
    return clocks


@dataclass(frozen=True)
class _ZipMember:
    info: zipfile.ZipInfo
    archive: zipfile.ZipFile
    allowance: Allowance


def _zip_member(
    member: _ZipMember, clocks: Mapping[PurePosixPath, datetime], place: Place, settings: Settings
) -> Iterator[Found]:
    info = member.info
    if info.is_dir():
        return
    name = info.filename
    reason = _zip_refusal(info, settings.max_archive_ratio) or _refusal(name, info.file_size, settings)
    if reason:
        yield Skipped(path=_member_path(place, name), reason=reason)
        return
    changed = replace(place, time=moment(_zip_seconds(info), place.time))
    with member.archive.open(info) as file:
        packed = cast(IO[bytes], Meter(file, member.allowance))
        yield from _member(packed, name, changed, clocks, settings)


def _zip_refusal(info: zipfile.ZipInfo, ratio: int) -> str:
    """Say why a member is not read; a zip file tells how large it is before it is unpacked."""
    if info.file_size > _UNSUSPICIOUS_BYTES and info.file_size > info.compress_size * ratio:
        return f"unpacks to more than {ratio} times its size"
    if stat.S_ISLNK(info.external_attr >> 16):
        return "a link; what it leads to is read itself"
    return "is encrypted" if info.flag_bits & 1 else ""


def _zip_seconds(info: zipfile.ZipInfo) -> float:
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return 0.0


def _member(
    file: IO[bytes], name: str, place: Place, clocks: Mapping[PurePosixPath, datetime], settings: Settings
) -> Iterator[Found]:
    """Yield what one member of an archive holds."""
    path = PurePosixPath(name)
    if path.name == CLOCK and path.parent in clocks:
        return
    clock = next((clocks[folder] for folder in path.parents if folder in clocks), place.clock)
    spool = spooled(file, place.budget, settings)
    with spool.stream:
        yield from contents(spool, replace(place, path=_member_path(place, name), clock=clock), settings)


def _count(place: Place) -> None:
    if place.budget:
        place.budget.take_member()


def _member_path(place: Place, name: str) -> str:
    return f"{place.path}!{shown_name(str(PurePosixPath(name)))[:_MAX_NAME]}"


def _refusal(name: str, size: int, settings: Settings) -> str:
    """Say why a member is not read, if it is not."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name[:2]:
        return "has a path that leads out of the archive"
    if len(name) > _MAX_NAME:
        return f"has a name of more than {_MAX_NAME} characters"
    if path.name.startswith("._") or path.name == ".DS_Store" or "__MACOSX" in path.parts:
        return "data of macOS"
    return f"is larger than {settings.max_file_bytes:,} bytes" if size > settings.max_file_bytes else ""


def clock_in(content: bytes) -> datetime | None:
    """Give the last time in a text: must-gather writes when it began and when it ended."""
    times = [timestamp(line) for line in content.decode("utf-8", "replace").splitlines()]
    return next((time for time in reversed(times) if time), None)


def moment(seconds: float, otherwise: datetime) -> datetime:
    """Give a time of change, unless it is made up."""
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise
    return time if time.year >= _FIRST_YEAR and time <= datetime.now(UTC) else otherwise


def shown_name(name: str) -> str:
    """Give a name of a file that any text may hold."""
    readable = _HALF.sub("\ufffd", name)
    return "".join(character if character.isprintable() else "?" for character in readable)
