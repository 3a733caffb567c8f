"""
A real inference server: llama.cpp's own, from the wheel `xllamacpp`, with SmolLM2-135M, on a free loopback port.

It is far too small to judge answers by. `make test-llm` gets both and names their folder in KFI_TEST_LLM.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

# The server lives as long as its input is open.
_START = """
import sys
import xllamacpp

params = xllamacpp.CommonParams()
params.model.path = sys.argv[1]
params.model_alias = {sys.argv[2]}
params.hostnames = ["127.0.0.1"]
params.port = 0
params.n_ctx = int(sys.argv[3])
params.n_parallel = 1
params.n_predict = int(sys.argv[4])
# Two threads that wait for each other on busy cores take ten times as long as one.
params.cpuparams.n_threads = 1
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


class RealModel:
    """One server with one model, as a context manager."""

    name = "smollm2"

    def __init__(self, folder: Path, weights: Path, num_ctx: int = 4096, max_tokens: int = -1) -> None:
        self._folder = folder
        self._weights = weights
        self._max_tokens = max_tokens
        """Most that it writes whatever it is asked for; -1: no limit of its own."""
        self.num_ctx = num_ctx

    def __enter__(self) -> RealModel:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, *map(str, (self._weights, self.name, self.num_ctx, self._max_tokens))],
            env={**os.environ, "PYTHONPATH": str(self._folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout
        self._address = self._process.stdout.readline().strip()
        assert self._address.startswith("http://127.0.0.1:"), "the server did not start"
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.communicate()

    @property
    def url(self) -> str:
        """Where it listens, as kfi wants it."""
        return f"{self._address}/v1"

    def count(self, text: str) -> int:
        """Give how many tokens the model makes of a text."""
        return len(self._post("/tokenize", {"content": text})["tokens"])

    def is_busy(self) -> bool:
        """Tell whether it works on an answer."""
        (slot,) = httpx.get(f"{self._address}/slots", trust_env=False).json()
        return bool(slot["is_processing"])

    def _post(self, path: str, body: Any) -> Any:
        return httpx.post(self._address + path, json=body, trust_env=False, timeout=60).json()
