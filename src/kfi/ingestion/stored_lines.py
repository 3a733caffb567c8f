"""
The redacted lines of one source, to be read as often as its loaders like.

Nothing of a source that is not redacted is kept, in memory or on disk.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO, cast

from kfi.errors import ServiceError

# Bytes read back at a time; readings may go on side by side, so each keeps its own place.
_BLOCK_BYTES = 1024 * 1024
_BLOCK_LINES = 512


class StoredLines:
    """Lines in memory, or, from some size on, in a temporary file that has no name."""

    def __init__(self, memory: int) -> None:
        self._file = cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=memory))  # noqa: SIM115

    def write(self, lines: Iterable[str]) -> None:
        """Store lines.

        Raises:
            ServiceError: there is no room for them.
        """
        # The lines come from another file, whose errors are not this one's.
        iterator = iter(lines)
        while block := list(islice(iterator, _BLOCK_LINES)):
            try:
                self._file.write("\n".join((*block, "")).encode("utf-8", "surrogatepass"))
            except OSError as error:
                raise ServiceError(
                    f"There is no room for temporary files: {error.strerror}.",
                    hint="Set TMPDIR to a folder that has room.",
                ) from error

    def __call__(self) -> Iterator[str]:
        """Yield the lines, from the first on."""
        for block in self.blocks():
            yield from block.split("\n")

    def blocks(self) -> Iterator[str]:
        """Yield the lines, many at a time in one text, without the line end of the last."""
        position = 0
        while True:
            self._file.seek(position)
            block = self._file.readlines(_BLOCK_BYTES)
            if not block:
                return
            position = self._file.tell()
            yield b"".join(block)[:-1].decode("utf-8", "surrogatepass")

    def close(self) -> None:
        """Forget the lines."""
        self._file.close()
