"""
How the ledger meets the disk: private files, and every failure of the database or the disk as one of ours.
"""

from __future__ import annotations

import errno
import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from kfi.errors import ServiceError

_KEY_BYTES = 32
_MAKE_WRITABLE = "Make the folder writable, or set KFI_DATA_DIR to another one."
_MAKE_ROOM = "Make room on the disk and run the same command again; nothing that was stored is lost."
# What SQLite says, in the words of its own error strings, and what a person can do about it.
_HINTS = (
    (("locked", "busy"), "Another kfi is writing to it; wait for it to finish."),
    (("not a database", "malformed"), "Move the file away and ingest again; everything in a store can be made anew."),
    (("full",), _MAKE_ROOM),
    (("i/o",), "Check the disk (and its quota), then run the same command again; nothing that was stored is lost."),
    (("readonly", "unable to open"), _MAKE_WRITABLE),
    (("no such",), "The store is incomplete or from another version; move it away and ingest again."),
)


@contextmanager
def door(folder: Path) -> Iterator[None]:
    """Turn failures of SQLAlchemy, SQLite and the file system into a ServiceError about the store in a folder."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        said = str(getattr(error, "orig", None) or error)
        hint = next((hint for words, hint in _HINTS if any(word in said.lower() for word in words)), "")
        raise _unusable(folder, said, hint) from error
    except OSError as error:
        hint = _MAKE_ROOM if error.errno in (errno.ENOSPC, errno.EDQUOT) else _MAKE_WRITABLE
        raise _unusable(folder, error.strerror or str(error), hint) from error


def _unusable(folder: Path, said: str, hint: str) -> ServiceError:
    return ServiceError(f"The store in {str(folder)!r} cannot be used: {said}.", hint=hint)


def private_folder(folder: Path) -> None:
    """Make a folder that only its owner can enter; one that is there already is left as it is."""
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)


def private_file(file: Path) -> None:
    """Make an empty file that only its owner can read; one that is there already is left as it is."""
    os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))


def secret_file(file: Path) -> bytes:
    """Give the random bytes in a file, made at the first call; processes that call at once get the same ones.

    Raises:
        ServiceError: the file does not hold such bytes.
    """
    if not file.exists():
        _make_secret(file)
    key = file.read_bytes()
    if len(key) != _KEY_BYTES:
        raise ServiceError(
            f"The key in {str(file)!r} is damaged.",
            hint="Remove the file; secrets redacted from now on get other placeholders.",
        )
    return key


def _make_secret(file: Path) -> None:
    """Write the whole file under another name first: a link is made at once or not at all."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as stream:
        stream.write(secrets.token_bytes(_KEY_BYTES))
        stream.flush()
        os.fsync(stream.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
