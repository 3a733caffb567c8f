"""Run a command after bringing the loopback up: `unshare --net python scripts/loopback_only.py COMMAND...`.

A new network has a loopback that is down, and the `ip` command is not on every machine.
"""

from __future__ import annotations

import fcntl
import os
import socket
import struct
import sys

# From linux/if.h and linux/sockios.h.
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 0x1


def main() -> None:
    """Bring `lo` up and become the command."""
    with socket.socket() as control:
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
