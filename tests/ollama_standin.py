"""
A stand-in for Ollama: speaks its documented protocols over a loopback socket, but thinks nothing.

These are its own (`/api/chat`) and OpenAI's (`/v1/chat/completions`). Answers are written down beforehand, faults
included. Only tests use it.
"""

from __future__ import annotations

import json
import re
import select
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from email.message import Message
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

_POLL_S = 0.02
# Bound, but not listening: a connection is refused, and no other process takes the port meanwhile.
_HELD: list[socket.socket] = []


class Fault(StrEnum):
    """What goes wrong with an answer."""

    NONE = "none"
    SILENT = "silent"
    """Nothing is ever answered."""
    HANGS = "hangs"
    """Nothing more comes after the last piece."""
    BROKEN = "broken"
    """The connection breaks after the last piece."""
    UNFINISHED = "unfinished"
    """The stream ends in good order after the last piece, but does not say that it is done."""
    ERROR = "error"
    """An error stands in the stream after the last piece."""
    GARBAGE = "garbage"
    """What follows the last piece is no JSON."""
    STRANGE = "strange"
    """What follows the last piece is JSON of another shape."""
    STATUS = "status"
    """Status 500."""
    REDIRECT = "redirect"
    """Status 302 to /elsewhere of the same server."""
    ENDLESS = "endless"
    """The last piece is sent again and again."""
    TOO_LONG = "too long"
    """The prompt is refused as longer than the context."""
    PACKED = "packed"
    """The answer is compressed, which nobody asked for."""


_AT_ONCE = (Fault.SILENT, Fault.STATUS, Fault.REDIRECT, Fault.TOO_LONG, Fault.PACKED)


@dataclass(frozen=True)
class Reply:
    """What a model says to everything."""

    content: Sequence[str] = ("It is ", "as it says [E1].")
    """A piece for each line of the stream."""
    thinking: Sequence[str] = ()
    """Its reasoning; a model without any refuses to be asked to think."""
    done_reason: str = "stop"
    prompt_tokens: int | None = None
    """Tokens that it says it read; None: one for each four bytes."""
    fault: Fault = Fault.NONE
    pause_s: float = 0.0
    """Seconds before each piece."""
    structured: Reply | None = None
    """What it says where a schema is asked for; None: its sentences as claims."""
    thinking_field: str = "reasoning_content"
    """How the reasoning is called in OpenAI's protocol."""
    unknown_fields: Sequence[str] = ()
    """Fields of OpenAI's protocol that it refuses to know."""


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    method: str
    path: str
    headers: Message
    """Their names in any case."""
    body: Any


@dataclass
class _Script:
    models: list[str]
    replies: Mapping[str, Reply]
    reply: list[Reply]
    listing: bytes | Fault | None
    last: Reply = Reply()
    """The reply that was given last."""
    requests: list[Request] = field(default_factory=list)
    client_left: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)


class OllamaStandIn:
    """An Ollama on a free loopback port, as a context manager.

    Of several replies each is given once, in order, and the last for ever. `replies` has what single models say, by
    their whole name; `listing` is sent in place of the list of models, or goes wrong.
    """

    def __init__(
        self,
        models: Sequence[str] = ("llama3.1:latest", "deepseek-r1:32b"),
        reply: Reply | Sequence[Reply] = Reply(),
        *,
        replies: Mapping[str, Reply] | None = None,
        listing: bytes | Fault | None = None,
    ) -> None:
        in_turn = [reply] if isinstance(reply, Reply) else list(reply)
        self._script = _Script(list(models), replies or {}, in_turn, listing)

    def __enter__(self) -> OllamaStandIn:
        handler = type("Handler", (_Handler,), {"script": self._script})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_S,))
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._script.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> list[Request]:
        """What was asked, in order."""
        return self._script.requests

    @property
    def chats(self) -> list[Any]:
        """The bodies of what was asked of models, in order."""
        return [request.body for request in self.requests if request.path in ("/api/chat", "/v1/chat/completions")]

    @property
    def words(self) -> list[Any]:
        """Those of them that ask for no schema."""
        return [body for body in self.chats if not _wants_schema(body)]

    @property
    def client_left(self) -> threading.Event:
        """Set once a client went away before its answer was complete."""
        return self._script.client_left


def refused_url() -> str:
    """Give the address of a loopback port where nothing listens, and nothing can as long as this process runs."""
    held = socket.socket()
    _HELD.append(held)
    held.bind(("127.0.0.1", 0))
    return f"http://127.0.0.1:{held.getsockname()[1]}"


class _Server(ThreadingHTTPServer):
    # Closing it waits for the answers under way.
    daemon_threads = False

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that go away are part of the tests."""


class _Handler(BaseHTTPRequestHandler):
    script: _Script
    protocol_version = "HTTP/1.1"
    timeout = 120

    def do_GET(self) -> None:
        self._record(None)
        if self.path == "/api/version":
            self._whole(200, {"version": "0.0.0-standin"})
        elif self.path in ("/api/tags", "/v1/models"):
            self._tags()
        else:
            self._whole(404, {"error": "not found"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        self._record(body)
        if self.path in ("/api/chat", "/v1/chat/completions"):
            self._chat(body)
        elif self.path == "/api/pull":
            self._stream(_pulled(body["model"]), Fault.NONE)
            self.script.models.append(_tagged(body["model"]))
        else:
            self._whole(404, {"error": "not found"})

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output clean."""

    def _record(self, body: Any) -> None:
        self.script.requests.append(Request(self.command, self.path, self.headers, body))

    def _tags(self) -> None:
        listing = self.script.listing
        if isinstance(listing, Fault):
            self._fail(listing)
        elif listing is not None:
            self._send(200, listing)
        else:
            models = [{"name": name, "model": name, "size": 1, "digest": "0" * 64} for name in self.script.models]
            data = [{"id": name, "object": "model"} for name in self.script.models]
            self._whole(200, {"models": models} if self.path == "/api/tags" else {"object": "list", "data": data})

    def _chat(self, body: Any) -> None:
        model = _tagged(body["model"])
        reply = self._reply(model, _wants_schema(body))
        refused = next((name for name in reply.unknown_fields if name in body), None)
        if model not in self.script.models:
            self._whole(404, {"error": f"model '{body['model']}' not found"})
        elif body.get("think") and not reply.thinking:
            self._whole(400, {"error": f'"{body["model"]}" does not support thinking'})
        elif refused:
            self._whole(400, {"error": {"message": f"Unsupported parameter: '{refused}'."}})
        elif reply.fault in _AT_ONCE:
            self._fail(reply.fault)
        elif self.path == "/api/chat":
            think = bool(body.get("think"))
            self._stream(_said(model, reply, think, _tokens(reply, body)), reply.fault)
        else:
            self._stream(_said_as_openai(model, reply, _tokens(reply, body)), reply.fault, "text/event-stream")

    def _reply(self, model: str, wants_schema: bool) -> Reply:
        # A reply is used up by the words; the object is of the same reply.
        script = self.script
        if wants_schema:
            reply = script.replies.get(model, script.last)
            return reply.structured or replace(reply, content=(_as_claims("".join(reply.content)),), thinking=())
        if model in script.replies:
            return script.replies[model]
        script.last = script.reply.pop(0) if len(script.reply) > 1 else script.reply[0]
        return script.last

    def _fail(self, fault: Fault) -> None:
        match fault:
            case Fault.SILENT:
                self._wait_for_the_end()
            case Fault.STATUS:
                self._whole(500, {"error": "llama runner process has terminated"})
            case Fault.TOO_LONG:
                self._whole(400, {"error": "the prompt exceeds the context length of the model"})
            case Fault.PACKED:
                self._send(200, b"", **{"content-encoding": "gzip"})
            case _:
                self._redirect()

    def _redirect(self) -> None:
        self._send(302, b"", location="/elsewhere")

    def _whole(self, status: int, value: Any) -> None:
        self._send(status, json.dumps(value).encode())

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-type": "application/json", "connection": "close", **headers}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, lines: Iterator[bytes], fault: Fault, kind: str = "application/x-ndjson") -> None:
        self.send_response(200)
        for name, value in {"content-type": kind, "connection": "close"}.items():
            self.send_header(name, value)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        try:
            for line in lines:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
                if self._has_left():
                    self.script.client_left.set()
                    return
            if fault is Fault.HANGS:
                self._wait_for_the_end()
            elif fault is not Fault.BROKEN:
                self.wfile.write(b"0\r\n\r\n")
        except OSError:
            self.script.client_left.set()
        finally:
            self.close_connection = True

    def _wait_for_the_end(self) -> None:
        """Answer nothing until the client leaves or the server closes."""
        while not self.script.closing.wait(_POLL_S):
            if self._has_left():
                self.script.client_left.set()
                break
        self.close_connection = True

    def _has_left(self) -> bool:
        readable, _, _ = select.select([self.connection], [], [], 0)
        try:
            return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True


def _said(model: str, reply: Reply, think: bool, tokens: int) -> Iterator[bytes]:
    pieces = [{"content": "", "thinking": text} for text in reply.thinking if think]
    pieces += [{"content": text} for text in reply.content]
    for piece in pieces:
        time.sleep(reply.pause_s)
        yield _line(model, {"role": "assistant", **piece})
    while reply.fault is Fault.ENDLESS:
        yield _line(model, {"role": "assistant", **pieces[-1]})
    match reply.fault:
        case Fault.ERROR:
            yield json.dumps({"error": "an error was encountered while running the model"}).encode() + b"\n"
        case Fault.GARBAGE:
            yield b"<html>upstream timed out</html>\n"
        case Fault.STRANGE:
            yield b'["done"]\n'
        case Fault.NONE:
            yield _line(
                model,
                {"role": "assistant", "content": ""},
                done=True,
                done_reason=reply.done_reason,
                total_duration=1,
                load_duration=1,
                prompt_eval_count=tokens,
                prompt_eval_duration=1,
                eval_count=len(pieces),
                eval_duration=1,
            )


def _line(model: str, message: Mapping[str, str], done: bool = False, **about: Any) -> bytes:
    value = {"model": model, "created_at": "2026-03-05T12:00:00Z", "message": message, "done": done, **about}
    return json.dumps(value).encode() + b"\n"


def _pulled(model: str) -> Iterator[bytes]:
    digest = {"digest": "sha256:" + "0" * 64, "total": 100}
    for status in (
        {"status": "pulling manifest"},
        {"status": "pulling 000000000000", **digest, "completed": 40},
        {"status": "pulling 000000000000", **digest, "completed": 100},
        {"status": "verifying sha256 digest"},
        {"status": "writing manifest"},
        {"status": "success"},
    ):
        yield json.dumps(status).encode() + b"\n"


def _said_as_openai(model: str, reply: Reply, tokens: int) -> Iterator[bytes]:
    pieces: list[dict[str, str]] = [{reply.thinking_field: text} for text in reply.thinking]
    pieces += [{"content": text} for text in reply.content]
    yield _event(model, {"role": "assistant", "content": None})
    for piece in pieces:
        time.sleep(reply.pause_s)
        yield b": still here\n\n" + _event(model, piece)
    while reply.fault is Fault.ENDLESS:
        yield _event(model, pieces[-1])
    match reply.fault:
        case Fault.ERROR:
            error = {"message": "an error was encountered while running the model", "type": "server_error"}
            yield b"data: " + json.dumps({"error": error}).encode() + b"\n\n"
        case Fault.GARBAGE:
            yield b"data: <html>upstream timed out</html>\n\n"
        case Fault.STRANGE:
            yield b'data: ["done"]\n\n'
        case Fault.NONE:
            yield _event(model, {}, reply.done_reason)
            usage = {"prompt_tokens": tokens, "completion_tokens": len(pieces), "total_tokens": tokens + len(pieces)}
            yield b"data: " + json.dumps({"model": model, "choices": [], "usage": usage}).encode() + b"\n\n"
            yield b"data: [DONE]\n\n"


def _event(model: str, delta: Mapping[str, str | None], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": reason}
    value = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}
    # As some servers do: a line separator stands in it as it is.
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def _as_claims(words: str) -> str:
    """Give what a model that was asked for an object would make of its own words."""
    words = re.sub(r"(?s)<think>.*?</think>", "", words)
    sentences = [sentence.strip() for sentence in re.findall(r"[^.]+(?:\.|$)", words) if sentence.strip()]
    claims = [{"text": text, "evidence": re.findall(r"E[0-9]+", text)} for text in sentences]
    return json.dumps({"claims": claims, "cause": "1"})


def _wants_schema(body: Any) -> bool:
    return bool(body.get("format") or body.get("response_format"))


def _tokens(reply: Reply, body: Any) -> int:
    if reply.prompt_tokens is not None:
        return reply.prompt_tokens
    return sum(len(message["content"].encode()) for message in body["messages"]) // 4


def _tagged(name: str) -> str:
    return name if ":" in name else f"{name}:latest"
