"""
Bytes to lines of text: whatever encoding, whatever control characters, however long the lines.

Lines are those that an editor shows: only a line feed ends one, so numbers stay right. Nothing else that any reader
might take for a line end is left in them, nor anything that a terminal would obey.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

HEAD_BYTES = 64 * 1024
"""Bytes at the beginning of a source that say what it is."""

_MAGIC = (
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\x89PNG", "an image"),
    (b"\xff\xd8\xff", "an image"),
    (b"GIF8", "an image"),
    (b"%PDF-", "a PDF document"),
    (b"SQLite format 3\x00", "a SQLite database"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd; unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "compressed with 7-Zip; unpack it first"),
    (b"Rar!\x1a\x07", "compressed with RAR; unpack it first"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4; unpack it first"),
    (b"PAR1", "a Parquet file"),
    (b"LPKSHHRH", "a binary journal; export it with 'journalctl --file FILE'"),
    (b"k8s\x00", "a Kubernetes object in protobuf; export it as YAML"),
)
_BOMS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Bytes that no text has: control characters but tab, line feed, carriage return, escape, and what editors leave behind.
_CONTROL_BYTES = bytes(set(range(32)) - {8, 9, 10, 12, 13, 27}) + b"\x7f"
_MOST_CONTROL = 0.3
# Where they are no UTF-8 either: one byte in nine of random data is a control character.
_MOST_CONTROL_IN_LATIN = 0.05
_DRAIN_BYTES = 1024 * 1024
# Lines that need no cleaning, as most, are decoded so many bytes at a time.
_BATCH_BYTES = 64 * 1024
_UNCLEAN_BYTES = bytes(set(range(32)) - {9, 10}) + b"\x7f"

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)?|\x1b[ -/]{0,4}[0-~]"
)  # fmt: skip
_SPECIAL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
# A carriage return within a line draws a progress bar; the other separators end a line for some readers.
_CLEANED = {
    **dict.fromkeys(range(0x20)),
    **dict.fromkeys(range(0x7F, 0xA0)),
    0x09: "\t", 0xFEFF: None,
    **dict.fromkeys((0x0B, 0x0C, 0x0D, 0x1C, 0x1D, 0x1E, 0x85, 0x2028, 0x2029), " "),
}  # fmt: skip


def binary(head: bytes) -> str:
    """Say what bytes are that are no text; nothing where they are text."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head and encoding(head) == "utf-8":
        control = len(head) - len(head.translate(None, _CONTROL_BYTES))
        most = _MOST_CONTROL if _is_utf8(head) else _MOST_CONTROL_IN_LATIN
        if control > len(head) * most:
            return "binary data"
    return ""


def _is_utf8(head: bytes) -> bool:
    """Tell whether bytes are UTF-8 but for a character cut off at their end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True


def encoding(head: bytes) -> str:
    """Give the encoding of a text: UTF-16 or UTF-32 by its mark, UTF-16 without one by its zeros, else UTF-8."""
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    sample = head[:1024]
    if len(sample) >= 16 and not sample.startswith(b"\x00\x00"):
        even, odd = sample[::2].count(0) / len(sample[::2]), sample[1::2].count(0) / len(sample[1::2])
        if odd > 0.4 and even < 0.1:
            return "utf-16-le"
        if even > 0.4 and odd < 0.1:
            return "utf-16-be"
    return "utf-8"


def lines(stream: BinaryIO, limit: int, cut: Callable[[int], None]) -> Iterator[str]:
    """Yield the lines of a text from its beginning, without line ends, cleaned.

    Of a line longer than `limit` bytes the rest is left out, and `cut` is told its number.
    """
    stream.seek(0)
    name = encoding(stream.read(1024))
    stream.seek(0)
    if name == "utf-8":
        yield from _byte_lines(stream, limit, cut)
    else:
        yield from _wide_lines(stream, name, limit, cut)


def _byte_lines(stream: BinaryIO, limit: int, cut: Callable[[int], None]) -> Iterator[str]:
    number = 0
    for batch in _batches(stream, limit):
        rows = batch.removesuffix(b"\n").split(b"\n")
        whole = batch.endswith(b"\n") or len(rows[-1]) < limit
        if whole and _is_plain(batch):
            yield from batch.removesuffix(b"\n").decode("ascii").split("\n")
        else:
            yield from (clean(_decoded(raw)) for raw in rows[:-1])
            if not whole and _drained(stream):
                cut(number + len(rows))
                yield clean(rows[-1].decode("utf-8", "ignore"))
            else:
                yield clean(_decoded(rows[-1]))
        number += len(rows)


def _batches(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    """Yield whole lines, many at a time; only the last of a batch may reach the limit and go on."""
    while batch := stream.read(min(_BATCH_BYTES, limit)):
        begun = len(batch) - batch.rfind(b"\n") - 1
        yield batch + stream.readline(limit - begun) if begun else batch


def _is_plain(text: bytes) -> bool:
    """Tell whether lines are ASCII without anything that `clean` would take out."""
    return text.isascii() and len(text.translate(None, _UNCLEAN_BYTES)) == len(text)


def _drained(stream: BinaryIO) -> bool:
    """Read on to the end of the line; tell whether there was more of it than a line end."""
    dropped = 0
    while rest := stream.readline(_DRAIN_BYTES):
        dropped += len(rest.rstrip(b"\r\n"))
        if rest.endswith(b"\n"):
            break
    return dropped > 0


def _decoded(raw: bytes) -> str:
    """Decode one line; what is no UTF-8 is Latin-1, where every byte is a character."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _wide_lines(stream: BinaryIO, name: str, limit: int, cut: Callable[[int], None]) -> Iterator[str]:
    reader = io.TextIOWrapper(stream, encoding=name, errors="replace", newline="\n")
    number = 0
    try:
        while text := reader.readline(limit):
            number += 1
            if len(text) == limit and not text.endswith("\n"):
                rest = text
                while rest and not rest.endswith("\n"):
                    rest = reader.readline(_DRAIN_BYTES)
                cut(number)
            yield clean(text)
    finally:
        reader.detach()


def clean(text: str) -> str:
    r"""Give a line without its end, terminal sequences and control characters; tabs stay.

    >>> clean("\x1b[31mfailed\x1b[0m 10%\r20%\r\n")
    'failed 10% 20%'
    """
    text = text.rstrip("\r\n")
    if text.isprintable() or not _SPECIAL.search(text):
        return text
    return _ANSI.sub("", text).translate(_CLEANED)
