"""
A stand-in for Hugging Face on a real socket: the few addresses that its client asks for when it downloads a model.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

COMMIT = "a" * 40


class Hub(ThreadingHTTPServer):
    """Has one model with these files; those in `broken` end after a half."""

    def __init__(self, model: str, files: dict[str, bytes], broken: frozenset[str]) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.model = model
        self.files = files
        self.broken = broken
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def listing(self) -> bytes:
        """Answer which files there are."""
        files = self.files.items()
        return json.dumps(
            [{"type": "file", "path": path, "size": len(data), "oid": "b" * 40} for path, data in files]
        ).encode()


class _Answer(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path, model = urlsplit(self.path).path, self.server.model
        files = f"/{model}/resolve/{COMMIT}/"
        if path == f"/api/models/{model}/revision/main":
            self._say(json.dumps({"id": model, "sha": COMMIT, "siblings": []}).encode())
        elif path == f"/api/models/{model}/tree/{COMMIT}":
            self._say(self.server.listing())
        elif path.startswith(files):
            self._say_file(path.removeprefix(files))
        else:
            self._say(b"", {"X-Error-Code": "RepoNotFound"}, 404)

    def _say_file(self, name: str) -> None:
        data = self.server.files[name]
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").split("-")[0])
        headers = {"ETag": f'"{name.encode().hex():0<40.40}"', "X-Repo-Commit": COMMIT}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        if self.command == "GET":
            self.server.asked.append(name)
        self._say(data[start:], headers, 206 if start else 200, half=name in self.server.broken)

    def _say(self, data: bytes, headers: dict[str, str] | None = None, status: int = 200, half: bool = False) -> None:
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data[: len(data) // 2] if half else data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def running(model: str, files: dict[str, bytes], broken: frozenset[str] = frozenset()) -> Iterator[Hub]:
    """Run it for a while."""
    with Hub(model, files, broken) as hub:
        thread = threading.Thread(target=hub.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield hub
        finally:
            hub.shutdown()
            thread.join()
