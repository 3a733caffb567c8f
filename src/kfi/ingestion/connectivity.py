"""
What a connectivity check found: from the command that was typed and the lines that it printed.

Only the words of the usual programs count (nc in its four variants, curl, wget, ping, nslookup, dig, telnet); whatever
else was printed leaves the result unknown.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

_PROGRAMS = ("ncat", "nc", "netcat", "curl", "wget", "telnet", "ping", "ping6", "nslookup", "dig", "host")
_NC = frozenset({"nc", "ncat", "netcat"})
_HTTP = frozenset({"curl", "wget"})
_DNS = frozenset({"nslookup", "dig", "host"})
# `[node-a] $ `, `user@node-a:~$ `, `+ `, or nothing before the program.
_COMMAND = re.compile(
    r"(?:\[(?P<node>[\w.-]{1,253})\] *)?(?:(?:[\w.-]{1,64}@)(?P<host>[\w.-]{1,253}):\S{0,100}|)[$#+>%]? *"
    rf"(?P<line>(?:(?:kubectl|oc) .{{1,300}}? -- )?(?:\S{{0,100}}/)?(?P<program>{'|'.join(_PROGRAMS)}) (?P<rest>\S.*))"
)
_PROMPTED = re.compile(r"(?:\[[\w.-]{1,253}\] *)?(?:[\w.-]{1,64}@[\w.-]{1,253}:\S{0,100})?[$#] +\S")
# What curl and wget say themselves; the rest is what the server sent.
_CLIENT_SAYS = re.compile(r"curl:|wget:|\*|Connecting to|Resolving |failed|--\d{4}-")
_NODE_LINE = re.compile(r"[=#* -]*(?:from )?(?:node|host)[:=]? +(?P<node>[\w.-]{1,253})[=#*: -]*", re.IGNORECASE)
# Options that take the next word, by program; in bundled short options the last letter does.
_VALUE_LETTERS = {
    **dict.fromkeys(_NC, "wpsiqxXTIOmPV"),
    "curl": "mHXdoAbcuewTFYy",
    "wget": "TOotQUP",
    **dict.fromkeys(("ping", "ping6"), "cwWiIst"),
    "dig": "ptcbkyx",
    "host": "tWRN",
    "nslookup": "",
    "telnet": "l",
}
_VALUE_WORDS = frozenset({
    "--connect-timeout", "--max-time", "--resolve", "--header", "--request", "--data", "--output", "--user", "--retry",
    "--write-out", "--cacert", "--cert", "--key", "--wait", "--timeout", "--tries", "--output-document",
})  # fmt: skip

_OPEN = re.compile(
    r"succeeded!|\) open\b|\bopen$|(?<!not )\bconnected to\b|\bbytes from\b|\bHTTP/\d|\b200 OK\b|(?<!\d)0% packet loss",
    re.IGNORECASE,
)
_FAILURES: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (result, re.compile(words, re.IGNORECASE))
    for result, words in (
        (
            "unresolved",
            r"could ?n.t resolve|could not resolve|bad address|name or service not known|nodename nor servname"
            r"|failure in name resolution|name does not resolve|unknown host|host lookup failed|no address associated"
            r"|nxdomain|servfail|can't find|unable to resolve",
        ),
        ("refused", r"connection refused|couldn't connect to server|connection was refused"),
        ("unreachable", r"no route to host|is unreachable|host unreachable|net unreachable|network unreachable"),
        ("timeout", r"timed out|timeout|(?<!\d)100(?:\.0)?% packet loss|no servers could be reached|time-out"),
    )
)
_ADDRESS = re.compile(r"[(\[ ]((?:\d{1,3}\.){3}\d{1,3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7})(?=[)\]:, ]|$)")
_ANSWER = re.compile(r"(?:Address(?: \d+)?: +|has (?:IPv6 )?address |\sIN\s+A+\s+)([0-9a-fA-F.:]+)(?![0-9a-fA-F.:#])")
_MAX_OUTPUT_LINES = 60
_MAX_LINE_CHARS = 2000


@dataclass(frozen=True)
class Check:
    """One command and what it printed."""

    command: str
    target: str
    port: int
    protocol: str
    result: str
    address: str
    from_node: str
    first_line: int
    last_line: int
    result_line: int
    """Line that says what came of it; the command's where none does."""


@dataclass
class _Open:
    """A command whose output is being read."""

    program: str
    command: str
    arguments: str
    node: str
    first_line: int
    output: list[tuple[int, str]]


def read_checks(lines: Sequence[str]) -> Iterator[Check]:
    """Yield the checks in these lines; lines that belong to no check are passed over."""
    node = ""
    running: _Open | None = None
    for number, line in enumerate(lines, 1):
        text = line[:_MAX_LINE_CHARS].rstrip()
        command, place = _COMMAND.match(text), _NODE_LINE.fullmatch(text)
        if running and (command or place or _PROMPTED.match(text)):
            yield from _finished(running)
            running = None
        if command:
            where = command["node"] or command["host"] or node
            running = _Open(command["program"], command["line"], command["rest"], where, number, [])
        elif place:
            node = place["node"]
        elif running and text and len(running.output) < _MAX_OUTPUT_LINES:
            running.output.append((number, text))
    if running:
        yield from _finished(running)


def _finished(running: _Open) -> Iterator[Check]:
    target, port, protocol = _target(running.program, running.arguments)
    if not target:
        return
    result, line = _result(running)
    last_line = running.output[-1][0] if running.output else running.first_line
    yield Check(
        command=running.command,
        target=target,
        port=port,
        protocol=protocol,
        result=result,
        address=_address(running, target),
        from_node=running.node,
        first_line=running.first_line,
        last_line=last_line,
        result_line=line or running.first_line,
    )


def _target(program: str, arguments: str) -> tuple[str, int, str]:
    """Give host, port and protocol of a command; no host where it names none."""
    options, words = _options_and_words(arguments, _VALUE_LETTERS.get(program, ""))
    words = [word for word in words if not word.startswith(("@", "+"))]
    if not words:
        return "", 0, ""
    if program in _HTTP:
        return _url(words[0])
    if program in _DNS:
        return words[0].rstrip("."), 0, "DNS"
    if program.startswith("ping"):
        return words[0], 0, "ICMP"
    port = _port(words[1]) if len(words) > 1 else 23 if program == "telnet" else 0
    return words[0], port, "UDP" if "u" in options or "udp" in options else "TCP"


def _options_and_words(arguments: str, with_value: str) -> tuple[set[str], list[str]]:
    options: set[str] = set()
    words: list[str] = []
    skip = False
    for word in _split(arguments):
        if skip:
            skip = False
        elif word in ("|", "||", "&&", ";", "2>&1", ">", ">>", "<"):
            break
        elif word.startswith("--"):
            options.add(word[2:].partition("=")[0])
            skip = word in _VALUE_WORDS
        elif word.startswith("-") and len(word) > 1:
            letters, takes_next = _letters(word[1:], with_value)
            options |= letters
            skip = takes_next
        else:
            words.append(word.rstrip(";"))
    return options, words


def _letters(bundle: str, with_value: str) -> tuple[set[str], bool]:
    """Read `zvw3` or `zvw`: the options, and whether the next word is the last one's value."""
    found: set[str] = set()
    for index, letter in enumerate(bundle):
        found.add(letter)
        if letter in with_value:
            return found, index == len(bundle) - 1
    return found, False


def _split(arguments: str) -> list[str]:
    try:
        return shlex.split(arguments)
    except ValueError:
        return arguments.split()


def _port(word: str) -> int:
    digits = word.partition("-")[0]
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 6 else 0


def _url(word: str) -> tuple[str, int, str]:
    try:
        parts = urlsplit(word if "://" in word else f"http://{word}")
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return parts.hostname or "", port, "TCP"
    except ValueError:
        return "", 0, ""


def _result(running: _Open) -> tuple[str, int]:
    """Give the result and the line that says it."""
    open_line = next((number for number, text in running.output if _OPEN.search(text)), 0)
    if running.program in _HTTP:
        return _http_result(running.output, open_line)
    failure, failure_line = _failure(running.output)
    if open_line and running.program not in _DNS:
        return "open", open_line
    if failure:
        return failure, failure_line
    if running.program in _DNS:
        answer = next((number for number, text in running.output if _ANSWER.search(text) or _is_ip(text)), 0)
        return ("open", answer) if answer else ("unknown", 0)
    return "unknown", 0


def _http_result(output: Sequence[tuple[int, str]], open_line: int) -> tuple[str, int]:
    # A client that connected and then gave up waiting found no working service.
    failure, failure_line = _failure([(number, text) for number, text in output if _CLIENT_SAYS.match(text)])
    if failure:
        return failure, failure_line
    # 000 is the status that curl writes where there was no answer.
    answered = [number for number, text in output if text != "000"]
    return ("open", open_line or answered[0]) if answered else ("unknown", 0)


def _failure(output: Sequence[tuple[int, str]]) -> tuple[str, int]:
    for result, words in _FAILURES:
        for number, text in output:
            if words.search(text):
                return result, number
    return "", 0


def _address(running: _Open, target: str) -> str:
    """Give the address that the name turned out to have."""
    pattern = _ANSWER if running.program in _DNS else _ADDRESS
    # A name server answers last; its own address stands first.
    found = [match[1] for _, text in running.output for match in pattern.finditer(text) if _is_ip(match[1])]
    if running.program in _DNS:
        found = [text for _, text in running.output if _is_ip(text)] or found[::-1]
    return next((address for address in found if address != target), "")


def _is_ip(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True
