"""
Reading what is compressed, with an eye on how much comes out.

Nothing is taken on trust: not the sizes that headers tell, not that a reader asks for little at a time, not that a
stream ends. Whatever breaks a limit is a SourceError.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, BinaryIO, cast

from kfi.config import Settings
from kfi.errors import KfiError, ServiceError, SourceError

CHUNK = 32 * 1024
"""Bytes read at a time."""
CONTAINER_BYTES = 512
"""Bytes at the beginning of a file that tell `container` what it is: the header of a tar archive."""
# A reader of archives asks for whole headers at once; real ones are a few KiB, hostile ones gigabytes.
_MAX_READ = 64 * 1024
# Bytes that may come out of any archive, however small it is: the ratio is judged beyond them.
_FREE_BYTES = 100 * 1024 * 1024
# Bytes of dictionary that an xz stream may ask for; `xz -9` takes 64 MiB.
_XZ_MEMORY = 256 * 1024 * 1024

DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile)
"""What is raised for streams and archives that are damaged or cut."""


@dataclass
class Budget:
    """What one archive, with the archives in it, may still take."""

    settings: Settings
    members: int = 0
    unpacked: int = 0

    def take_member(self) -> None:
        """Count a member.

        Raises:
            SourceError: there are too many.
        """
        self.members += 1
        if self.members > self.settings.max_archive_members:
            raise SourceError(
                f"has more than {self.settings.max_archive_members:,} members; the rest was not read",
                hint="Raise KFI_MAX_ARCHIVE_MEMBERS if the archive is to be trusted.",
            )

    def take(self, size: int) -> None:
        """Count unpacked bytes.

        Raises:
            SourceError: there are too many.
        """
        self.unpacked += size
        if self.unpacked > self.settings.max_archive_bytes:
            raise SourceError(
                f"unpacks to more than {self.settings.max_archive_bytes:,} bytes; the rest was not read",
                hint="Raise KFI_MAX_ARCHIVE_BYTES if the archive is to be trusted.",
            )


class Allowance:
    """What may come out of one compressed file, all its parts together."""

    def __init__(self, packed_size: int, ratio: int) -> None:
        self._ratio = ratio
        self._left = max(_FREE_BYTES, packed_size * ratio)

    def take(self, size: int) -> None:
        """Count unpacked bytes.

        Raises:
            SourceError: there are too many for the size of the file.
        """
        self._left -= size
        if self._left < 0:
            raise SourceError(f"unpacks to more than {self._ratio} times its size; the rest was not read")


class Meter(io.RawIOBase):
    """A stream that only goes forward, in small steps, and gives no more than it may."""

    def __init__(self, stream: IO[bytes], allowance: Allowance) -> None:
        self._stream = stream
        self._allowance = allowance
        self._position = 0
        self._failure: Exception | None = None

    def readable(self) -> bool:
        """Give True."""
        return True

    def seekable(self) -> bool:
        """Give True: forward."""
        return True

    def tell(self) -> int:
        """Give the number of bytes read."""
        return self._position

    def read(self, size: int = -1) -> bytes:
        """Give exactly so many bytes, fewer only at the end."""
        if not 0 <= size <= _MAX_READ:
            raise SourceError("is damaged: a header claims an absurd size")
        data = b""
        while len(data) < size and (more := self._some(size - len(data))):
            data += more
        if self._failure and not data:
            raise self._failure
        self._position += len(data)
        self._allowance.take(len(data))
        return data

    def _some(self, size: int) -> bytes:
        """Read on; of a stream that is cut off, what came before counts."""
        try:
            return b"" if self._failure else self._stream.read(size)
        except DAMAGED as error:
            self._failure = error
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Read on to a position."""
        if whence != io.SEEK_SET or offset < self._position:
            raise SourceError("is damaged: a header points backwards")
        while self._position < offset and self.read(min(CHUNK, offset - self._position)):
            pass
        return self._position


class _Xz(io.RawIOBase):
    """An xz stream, or several, that may not ask for any amount of memory."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    def readable(self) -> bool:
        """Give True."""
        return True

    def read(self, size: int = -1) -> bytes:
        """Give some bytes, none at the end."""
        while True:
            if self._decoder.eof:
                rest = (self._decoder.unused_data or self._stream.read(CHUNK)).lstrip(b"\x00")
                if not rest:
                    return b""
                self._decoder = lzma.LZMADecompressor(memlimit=_XZ_MEMORY)
            else:
                rest = self._stream.read(CHUNK) if self._decoder.needs_input else b""
                if self._decoder.needs_input and not rest:
                    raise EOFError("the compressed file ends early")
            data = self._decoder.decompress(rest, size)
            if data:
                return data


def container(head: bytes) -> str:
    """Say what kind of container begins with these bytes: gzip, bzip2, xz, zip, tar; nothing where none does."""
    for magic, name in ((b"\x1f\x8b", "gzip"), (b"BZh", "bzip2"), (b"\xfd7zXZ\x00", "xz"), (b"PK\x03\x04", "zip")):
        if head.startswith(magic):
            return name
    if head.startswith(b"PK\x05\x06"):
        return "zip"
    return "tar" if _is_tar(head) else ""


def _is_tar(head: bytes) -> bool:
    """Check the sum in a tar header: the oldest archives have no other mark."""
    if len(head) < CONTAINER_BYTES or not head[148:156].strip(b"\x00 "):
        return False
    try:
        claimed = int(head[148:156].strip(b"\x00 "), 8)
    except ValueError:
        return False
    return claimed == sum(head[:148]) + 8 * 32 + sum(head[156:CONTAINER_BYTES])


def decompressed(stream: BinaryIO, kind: str) -> IO[bytes]:
    """Give the unpacked stream of a gzip, bzip2 or xz stream, from its beginning; `tar` is given as it is."""
    stream.seek(0)
    if kind == "gzip":
        return cast(IO[bytes], gzip.GzipFile(fileobj=stream, mode="rb"))
    if kind == "bzip2":
        return bz2.BZ2File(stream)
    return cast(IO[bytes], _Xz(stream)) if kind == "xz" else stream


@dataclass(frozen=True)
class Spool:
    """Bytes on their own: in memory, or in a temporary file that has no name."""

    stream: BinaryIO
    size: int
    problem: str = ""
    """Why these are not all of them."""


def spooled(source: IO[bytes], budget: Budget | None, settings: Settings) -> Spool:
    """Copy a stream so that it can be read several times; of one that is damaged, what could be read.

    The caller closes the copy.

    Raises:
        SourceError: it is larger than a source, or an archive, may be.
    """
    copy = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=settings.spool_bytes))  # noqa: SIM115
    size = 0
    problem = ""
    try:
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if size > settings.max_file_bytes:
                raise SourceError(f"is larger than {settings.max_file_bytes:,} bytes", hint="Raise KFI_MAX_FILE_BYTES.")
            if budget:
                budget.take(len(chunk))
            _write(copy, chunk)
    except KfiError:
        copy.close()
        raise
    except DAMAGED as error:
        problem = f"is damaged or cut short: {error}"
    copy.seek(0)
    return Spool(copy, size, problem)


def _write(copy: BinaryIO, chunk: bytes) -> None:
    try:
        copy.write(chunk)
    except OSError as error:
        raise ServiceError(
            f"There is no room for temporary files: {error.strerror}.", hint="Set TMPDIR to a folder that has room."
        ) from error
