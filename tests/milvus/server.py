"""
A real Milvus 2.3.5 from the `milvus` wheel, run as a process of its own, with its own folder and free ports.

For tests only: it listens on all interfaces, because this version cannot be told otherwise. `make test-milvus` installs
the wheel into a folder and names that in KFI_TEST_MILVUS.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

_PORTS = tuple(
    "etcd root_coord proxy proxy_internal query_coord query_node index_coord index_node data_coord data_node".split()
)
# The wheel's starter waits for its health page; then it stays until its input ends.
_START = """
import socket
import sys

from milvus import MilvusServer, MilvusServerConfig

class Config(MilvusServerConfig):
    def try_bind_port(self, port):
        # Its own way refuses a port that a killed server has just left.
        return socket.create_server(("127.0.0.1", port))

ports = {name + "_port": int(number) for name, number in (pair.split("=") for pair in sys.argv[2:])}
server = MilvusServer(Config(data_dir=sys.argv[1], **ports))
server.webservice_port = int(sys.argv[2].split("=")[1]) % 10000 + 40000
server.start()
print(server.server_proc.pid, flush=True)
sys.stdin.read()
server.stop()
"""


class RealMilvus:
    """One server; `kill` and `start` may be called again and again, the data stays."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self._wheel = wheel
        self._folder = folder
        self._ports = dict(zip(_PORTS, _free_ports(len(_PORTS)), strict=True))
        self._starter: subprocess.Popen[str] | None = None
        self._pid = 0
        self.uri = f"http://127.0.0.1:{self._ports['proxy']}"

    def start(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(self._wheel)}
        pairs = [f"{name}={port}" for name, port in self._ports.items()]
        self._starter = subprocess.Popen(
            [sys.executable, "-c", _START, str(self._folder), *pairs],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._starter.stdout
        self._pid = int(self._starter.stdout.readline())

    def kill(self) -> None:
        """End it as a power cut of its process would."""
        os.kill(self._pid, signal.SIGKILL)
        self.stop()

    def stop(self) -> None:
        if self._starter:
            self._starter.communicate(timeout=30)
            self._starter = None


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()
    return ports
