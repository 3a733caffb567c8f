import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from kfi.embeddings.pull import pull_ollama, pull_weights
from kfi.errors import ConfigError, ServiceError


@contextmanager
def ollama(*lines, status: int = 200):
    """Run a stand-in for Ollama that answers a pull with these lines; gives its address and what it was asked."""
    asked: list[tuple[str, dict]] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(status)
            self.send_header("Content-Type", "application/x-ndjson")
            self.end_headers()
            for line in lines:
                self.wfile.write((line if isinstance(line, bytes) else json.dumps(line).encode()) + b"\n")

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}", asked
        finally:
            running.shutdown()
            thread.join()


class Seen(list):
    """What progress was told."""

    def __call__(self, label: str, done: int, total: int) -> None:
        self.append((label, done, total))


def failure(url: str) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        pull_ollama(url, "pear:8b", Seen())
    return caught.value


def test_ollama_pulls_and_says_how_far_it_is():
    layer = {"status": "pulling 8eeb52dfb3bb", "digest": "sha256:8eeb", "total": 2000}
    lines = {"status": "pulling manifest"}, layer, {**layer, "completed": 1500}, {"status": "success"}
    seen = Seen()

    with ollama(*lines) as (url, asked):
        pull_ollama(url + "/", "pear:8b", seen)

    assert asked == [("/api/pull", {"model": "pear:8b", "stream": True})]
    assert seen == [
        ("pulling manifest", 0, 0),
        ("pulling 8eeb52dfb3bb", 0, 2000),
        ("pulling 8eeb52dfb3bb", 1500, 2000),
        ("success", 0, 0),
    ]


def test_a_model_that_ollama_does_not_know_is_an_error_in_its_words():
    with ollama({"status": "pulling manifest"}, {"error": "pull model manifest: file does not exist"}) as (url, _):
        error = failure(url)

    assert error.message == "Ollama did not pull 'pear:8b': pull model manifest: file does not exist."


@pytest.mark.parametrize(
    ("lines", "status", "said"),
    [
        (({"error": "invalid model name"},), 400, "invalid model name"),
        ((b"<html>" + b"x" * 5000,), 200, "did not pull 'pear:8b': <html>x"),
        ((b"[1]",), 200, "did not pull"),
        ((b"[" * 100_000,), 200, "did not pull"),
        (({"status": "pulling 8eeb", "total": 9, "completed": 3},), 200, "broke off while it pulled 'pear:8b'"),
        ((), 200, "broke off"),
    ],
)
def test_a_pull_that_does_not_end_in_success_is_an_error(lines, status, said):
    with ollama(*lines, status=status) as (url, _):
        error = failure(url)

    assert said in error.message
    assert len(error.message) < 500


def test_an_ollama_that_is_not_there_is_an_error_with_its_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = failure(f"http://127.0.0.1:{taken.getsockname()[1]}")

    assert "did not answer" in error.message
    assert "KFI_OLLAMA_URL" in error.hint


def test_an_address_that_is_none_is_an_error():
    assert "did not answer" in failure("http://[::1").message


@pytest.mark.parametrize("name", ["../../etc", "/etc", "a/b/c", ""])
def test_weights_are_never_pulled_outside_the_folder_of_models(tmp_path, name):
    with pytest.raises(ConfigError, match="no name of a model"):
        pull_weights(name, tmp_path, Seen())
