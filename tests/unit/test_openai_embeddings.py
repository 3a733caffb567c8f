import json
import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from pydantic import SecretStr

from kfi.embeddings.embedding_service import EmbeddingService
from kfi.embeddings.openai_model import OpenAIModel
from kfi.errors import ConfigError, ServiceError


class Asked:
    """What a server was asked, and what it answers next: (status, body, headers); None breaks the connection off."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.requests: list[dict] = []
        self.keys: list[str | None] = []
        self.paths: list[str] = []


@contextmanager
def server(*answers):
    asked = Asked(*answers)

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.requests.append(body)
            asked.keys.append(self.headers.get("Authorization"))
            asked.paths.append(self.path)
            answer = asked.answers.pop(0) if asked.answers else (200, vectors_of(body["input"]))
            if answer is None:
                self.close_connection = True
                return
            status, said, *headers = answer
            said = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/v1", asked
        finally:
            running.shutdown()
            thread.join()


def vectors_of(texts) -> dict:
    """Answer as the protocol says, in an order of its own."""
    rows = [{"index": place, "embedding": [float(len(text)), 1.0, 2.0]} for place, text in enumerate(texts)]
    return {"object": "list", "data": rows[::-1]}


def model(url: str, key: str = "", **options) -> OpenAIModel:
    return OpenAIModel(url, "pear", SecretStr(key), retry_after_s=0.001, **options)


def refusal(url: str, **options) -> ServiceError:
    with pytest.raises(ServiceError) as caught:
        EmbeddingService(model(url, **options), 2).embed_query("why?")
    return caught.value


def test_texts_are_sent_in_batches_and_vectors_come_back_in_their_order():
    with server() as (url, asked):
        vectors = EmbeddingService(model(url), 2, batch=2).embed_documents(["a", "bbbb", "cc"])

    assert [request["input"] for request in asked.requests] == [["a", "bbbb"], ["cc"]]
    assert {key: asked.requests[0][key] for key in ("model", "encoding_format")} == {
        "model": "pear",
        "encoding_format": "float",
    }
    assert asked.paths == ["/v1/embeddings"] * 2
    expected = np.array([[1, 1], [4, 1], [2, 1]]) / np.sqrt([[2], [17], [5]])
    assert np.allclose(vectors, expected, atol=1e-3)


@pytest.mark.parametrize(("key", "sent"), [("s3cret", "Bearer s3cret"), ("", None)])
def test_the_key_is_sent_as_bearer_token_where_there_is_one(key, sent):
    with server() as (url, asked):
        EmbeddingService(model(url + "/", key), 2).warm_up()

    assert asked.keys == [sent]


@pytest.mark.parametrize("first", [(429, {}), (503, b"busy"), None], ids=["429", "503", "broken off"])
def test_a_server_that_is_busy_is_asked_once_more(first):
    with server(first) as (url, asked):
        vector = EmbeddingService(model(url), 2).embed_query("why?")

    assert (vector.shape, len(asked.requests)) == ((2,), 2)


def test_a_server_that_stays_busy_is_an_error_after_two_tries():
    with server((503, b"busy"), (503, b"still busy")) as (url, asked):
        error = refusal(url)

    assert len(asked.requests) == 2
    assert error.message == f"The embedding server at '{url}/embeddings' refused with status 503: 'still busy'."


@pytest.mark.parametrize(
    ("status", "hint"),
    [(401, "KFI_EMBEDDING_API_KEY"), (404, "KFI_EMBEDDING_MODEL"), (413, "KFI_EMBEDDING_BATCH"), (299, "See the log")],
)
def test_a_refusal_is_not_repeated_and_says_what_to_set(status, hint):
    with server((status, b"no")) as (url, asked):
        error = refusal(url, key="s3cret")

    assert len(asked.requests) == 1
    assert hint in error.hint
    assert "s3cret" not in error.message + error.hint


def test_a_redirect_is_not_followed():
    with server() as (other, elsewhere), server((307, b"", ("Location", other + "/embeddings"))) as (url, _):
        error = refusal(url)

    assert (elsewhere.requests, error.hint) == ([], "It redirects elsewhere, and redirects are not followed.")


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b'{"data": 3}',
        b'{"data": []}',
        b'{"data": [null]}',
        b'{"data": [{"index": 0, "embedding": "AAAA"}]}',
        b'{"data": [{"index": 0, "embedding": [1, null]}]}',
        b'{"data": [{"index": 1, "embedding": [1, 2]}]}',
        b'{"data": [{"index": 0, "embedding": [1, 2]}, {"index": 0, "embedding": [1, 2]}]}',
        b'{"data": [{"index": 0, "embedding": [[1, 2]]}]}',
        b'{"data": ' + b"[" * 100_000,
        b"\xff\xfe",
    ],
)
def test_an_answer_without_a_vector_for_each_text_is_an_error(body):
    with server((200, body)) as (url, _):
        error = refusal(url)

    assert "'pear' gave" in error.message or "answered with something else than vectors" in error.message


def test_vectors_of_different_sizes_in_one_answer_are_an_error():
    rows = [{"index": 0, "embedding": [1, 2]}, {"index": 1, "embedding": [1, 2, 3]}]
    with server((200, {"data": rows})) as (url, _), pytest.raises(ServiceError, match="something else than vectors"):
        EmbeddingService(model(url), 2).embed_documents(["a", "b"])


def test_an_answer_without_indexes_is_read_in_its_order():
    rows = [{"embedding": [1, 0]}, {"embedding": [0, 1]}]
    with server((200, {"data": rows})) as (url, _):
        vectors = EmbeddingService(model(url), 2).embed_documents(["a", "b"])

    assert vectors.tolist() == [[1, 0], [0, 1]]


def test_a_server_that_is_not_there_is_an_error_with_its_address():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = refusal(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")

    assert "did not answer" in error.message
    assert "KFI_EMBEDDING_URL" in error.hint


def test_a_server_that_says_nothing_is_given_up():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = refusal(f"http://127.0.0.1:{silent.getsockname()[1]}/v1", timeout_s=0.05)

    assert "did not answer: timed out" in error.message


@pytest.mark.parametrize("url", ["", "127.0.0.1:8000/v1", "file:///etc/passwd"])
def test_what_is_no_http_address_is_a_wrong_setting(url):
    with pytest.raises(ConfigError, match="KFI_EMBEDDING_URL is no address"):
        EmbeddingService(model(url), 2).warm_up()


def test_an_address_that_cannot_be_read_is_an_error():
    assert "did not answer" in refusal("http://[::1/v1").message


@pytest.mark.parametrize("key", ["s3cret\n", "s3crét"])
def test_a_key_that_no_header_can_carry_is_a_wrong_setting_and_is_not_repeated(key):
    with pytest.raises(ConfigError) as caught:
        EmbeddingService(model("http://127.0.0.1:1/v1", key), 2).warm_up()

    assert "s3cr" not in caught.value.message + caught.value.hint
