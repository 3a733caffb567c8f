"""
Milvus Lite in this process, reachable through a socket that only this user can open.

pymilvus would start it on a TCP port of the loopback, where every user of the machine can read and drop everything.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from kfi.errors import ServiceError

_WORKERS = 8
"""Calls that are served at once; searches are Python and share one interpreter anyhow."""
_MESSAGE_BYTES = 256 * 1024 * 1024
_GRACE_S = 5.0
_LONGEST_FOLDER = 70
"""Characters of a folder for a socket: its whole path may have 107 bytes on Linux."""


class LiteServer:
    """Serves one folder. A folder has one server at a time, in whatever process."""

    def __init__(self, folder: Path) -> None:
        import grpc
        from milvus_lite.adapter.grpc.servicer import MilvusServicer
        from milvus_lite.db import MilvusLite
        from pymilvus.grpc_gen.milvus_pb2_grpc import add_MilvusServiceServicer_to_server

        with _folder_door(folder):
            _make_private(folder)
            self._database = MilvusLite(str(folder))
            try:
                sockets = self._make_sockets()
            except OSError:
                self._database.close()
                raise
        self._workers = ThreadPoolExecutor(_WORKERS, thread_name_prefix="milvus-lite")
        sizes = [(f"grpc.max_{way}_message_length", _MESSAGE_BYTES) for way in ("receive", "send")]
        # The client asks every ten seconds whether the server is there; by default a server takes that for an attack.
        patient = [("grpc.keepalive_permit_without_calls", 1), ("grpc.http2.max_ping_strikes", 0)]
        self._server = grpc.server(self._workers, options=[*sizes, *patient])
        add_MilvusServiceServicer_to_server(MilvusServicer(self._database), self._server)
        self.address = f"unix:{sockets}/milvus.sock"
        try:
            self._server.add_insecure_port(self.address)
            self._server.start()
        except RuntimeError as error:
            self.close()
            raise ServiceError(
                f"The index in {str(folder)!r} cannot be served at {self.address!r}.",
                hint="Set TMPDIR to a short, writable path.",
            ) from error

    def _make_sockets(self) -> Path:
        """Make the folder of the socket, which is removed with this server, also where a program ends unclosed."""
        # Not beside the data: a socket's path has some 100 bytes, and gRPC reads % in it as an escape.
        sockets = _folder_of_sockets() / f"kfi-{secrets.token_hex(8)}"
        # Before it is made: a signal may end the program at any moment.
        self._remove_sockets = weakref.finalize(self, shutil.rmtree, sockets, ignore_errors=True)
        sockets.mkdir(mode=0o700)
        return sockets

    def close(self) -> None:
        """Let calls end, stop, and free the folder for another process."""
        self._server.stop(_GRACE_S).wait()
        self._workers.shutdown(wait=True)
        self._database.close()
        self._remove_sockets()


def empty(folder: Path) -> None:
    """Remove an index that no other process uses, in whatever state it is.

    Raises:
        ServiceError: it is in use, or cannot be removed.
    """
    if not folder.exists():
        return
    with _folder_door(folder):
        lock = os.open(folder / "LOCK", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        except BlockingIOError as error:
            raise _in_use(folder) from error
        finally:
            os.close(lock)


def _in_use(folder: Path) -> ServiceError:
    return ServiceError(
        f"The index in {str(folder)!r} is in use by another kfi process.",
        hint="Wait until that is done or stop it; a running 'kfi serve' indexes by itself, and answers over HTTP.",
    )


def _folder_of_sockets() -> Path:
    """Give where sockets may lie: the folder for temporary files, unless its path is too long for a socket's."""
    return Path(tempfile.gettempdir() if len(tempfile.gettempdir()) <= _LONGEST_FOLDER else "/tmp")


@contextlib.contextmanager
def _folder_door(folder: Path) -> Iterator[None]:
    from milvus_lite.exceptions import DataDirLockedError, MilvusLiteError

    try:
        yield
    except DataDirLockedError as error:
        raise _in_use(folder) from error
    except MilvusLiteError as error:
        raise ServiceError(
            f"The index in {str(folder)!r} cannot be read: {error}.",
            hint="Move the folder away and run 'kfi reindex'; everything in an index can be made anew.",
        ) from error
    except OSError as error:
        raise ServiceError(
            f"The index in {str(folder)!r} cannot be opened: {error.strerror or error}.",
            hint="Make it a writable folder, or move it away and run 'kfi reindex'.",
        ) from error


def _make_private(folder: Path) -> None:
    """Make a folder, and those above it, that only their owner can enter; one that is there is left as it is."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
