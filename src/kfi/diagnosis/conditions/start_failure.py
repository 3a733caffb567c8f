"""
Why a container runtime could not start a container's process, told from its message.

Messages are those of runc, crun and the Windows runtime, as containerd, CRI-O and dockerd pass them on, and the line
that the process itself leaves in the log where the kernel refuses to execute it.
"""

from __future__ import annotations

import re
from enum import Enum

_MISSING = re.compile(
    r'exec:? "?(?P<go>[^"\n]{1,200}?)"?: (?:executable file not found|(?:stat [^:]*: )?no such file or directory'
    r"|(?:fork/exec [^:]*: )?permission denied|is a directory|not a directory)"
    r"|executable file [`'](?P<crun>[^`'\n]{1,200})['`]? not found"
    r"|open executable: (?:permission denied|no such file)"
    r"|command that was not found"
    r"|the system cannot find the file specified",
    re.IGNORECASE,
)
_LOGGED = re.compile(
    r"exec user process caused:? \"?(?:no such file or directory|permission denied)"
    r"|(?:^|\s)exec (?P<path>/\S{1,200}): (?:no such file or directory|permission denied)",
    re.IGNORECASE,
)
# Shells: sh: 1: serve: not found; bash: line 1: serve: command not found; /start.sh: line 3: /run: Permission denied.
_SHELL = re.compile(r": ([\w./-]{1,200}): (?:(?:command )?not found|permission denied|no such file)", re.IGNORECASE)
_MAX_CHARS = 4000
_PLATFORM = re.compile(r"exec format error|cannot execute binary file|no matching manifest for \S+/\S+", re.IGNORECASE)


class StartFailure(Enum):
    """What kept the process from starting."""

    COMMAND = "command"
    PLATFORM = "platform"
    OTHER = "other"


def of_runtime(message: str) -> StartFailure:
    """Tell what a runtime's message means."""
    if _PLATFORM.search(message, 0, _MAX_CHARS):
        return StartFailure.PLATFORM
    return StartFailure.COMMAND if _MISSING.search(message, 0, _MAX_CHARS) else StartFailure.OTHER


def of_log(line: str) -> StartFailure | None:
    """Tell what a log line says of a process that could not be executed; None for any other line."""
    if _PLATFORM.search(line, 0, _MAX_CHARS):
        return StartFailure.PLATFORM
    return StartFailure.COMMAND if _LOGGED.search(line, 0, _MAX_CHARS) else None


def command_in(message: str) -> str:
    """Give the command that a message names, or nothing.

    >>> command_in('unable to start container process: exec: "serve": executable file not found in $PATH: unknown')
    'serve'
    """
    for pattern in (_MISSING, _LOGGED, _SHELL):
        match = pattern.search(message, 0, _MAX_CHARS)
        if match:
            return next((name for name in match.groups() if name), "")
    return ""
