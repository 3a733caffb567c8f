"""
Whom a log line says cannot be reached: host, port and how it failed, as drivers and clients of all kinds write it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_MAX_CHARS = 4000
_HOST = r"(?P<host>[A-Za-z0-9](?:[-\w.]{0,251}[A-Za-z0-9])?)"
_PORT = r":(?P<port>\d{1,5})(?!\d)"
# Most telling first: what names a host as the one that was looked up, then what was dialled, then any host:port.
_TARGETS = tuple(
    re.compile(pattern, flags)
    for pattern, flags in (
        (rf"\blookup {_HOST}(?: on \S{{1,60}})?: ", 0),
        (rf"\b(?:ENOTFOUND|EAI_AGAIN) {_HOST}(?:{_PORT})?", 0),
        (rf"UnknownHostException: {_HOST}", 0),
        (
            r"(?:could not translate host name|unknown (?:mysql )?server host|could not resolve(?: host(?:name)?)?:?"
            r"|couldn't resolve server|can't resolve|cannot resolve(?: host(?:name)?)?|failed to resolve|bad address"
            r"|host not found in upstream|name or service not known:?|no such host:?) ['\"(\[]?"
            rf"{_HOST}(?:{_PORT})?",
            re.IGNORECASE,
        ),
        (rf"\btried: ?\[?/?{_HOST}(?:/[\d.]+)?{_PORT}", re.IGNORECASE),
        (
            rf"(?:server (?:at|on)|\bhost|MySQL server on|Error -?\d{{1,3}} connecting to)[ =]['\"]?{_HOST}['\"]?"
            rf"(?:{_PORT}|,? port[ =](?P<port2>\d{{1,5}})| \([^)\n]{{1,60}}\)[^\n]{{0,40}} port (?P<port3>\d{{1,5}}))?",
            re.IGNORECASE,
        ),
        (rf"\b(?:failed to connect to|connect to) {_HOST} port (?P<port>\d{{1,5}})", re.IGNORECASE),
        (
            r"(?:dial (?:tcp|udp)|ECONNREFUSED|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|connect(?:ing|ion)?(?: to)?"
            rf"|node -?\d{{1,9}} \()[ (]?['\"]?/?{_HOST}(?:/[\d.]+)?{_PORT}",
            re.IGNORECASE,
        ),
        (rf"\b[a-z][a-z0-9+]{{1,12}}://(?:[^@\s/'\"]{{1,100}}@)?{_HOST}(?:{_PORT})?", 0),
        (rf"(?<![\w./-]){_HOST}(?:/[\d.]+)?{_PORT}(?![\w.]|:\d)", 0),
    )
)
_SOURCE_FILE = re.compile(r"\.(?:go|py|js|mjs|ts|java|kt|rb|rs|cs|cpp|cc|c|h|php|scala|sh|conf|ya?ml)$", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d\dT\d\d")
_ITSELF = re.compile(r"^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0)$")
_UNRESOLVED = re.compile(
    r"no such host|ENOTFOUND|EAI_AGAIN|unknown ?host|name resolution|not known|resolve|bad address|host not found"
    r"|server misbehaving|server host|nodename nor servname|translate host name|dns",
    re.IGNORECASE,
)
_REFUSED = re.compile(r"refused|ECONNREFUSED|errno 111|\(111\b", re.IGNORECASE)
_TIMEOUT = re.compile(r"time[ds]?[- ]?out|ETIMEDOUT|deadline exceeded|errno 110", re.IGNORECASE)
_CANNOT = re.compile(
    r"refused|ECONN\w+|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|no such host|ENOTFOUND|EAI_AGAIN|unknown ?host"
    r"|name resolution|name or service not known|(?:could not|couldn't|can't|cannot|unable to|fail(?:ed|ure|s|ing)? to"
    r"|failed) (?:\w+ ){0,2}(?:resolve|translate|connect|reach|dial|contact|open connection)"
    r"|connect(?:ion)?[^.\n]{0,60}(?:fail|error|reset|closed|time[ds]?[- ]?out|lost|not be established|unavailable)"
    r"|no route to host|network is unreachable|host is down|i/o timeout|timed out|bad address|host not found"
    r"|max retries exceeded|communications link failure|all host\(s\) tried|could not be established"
    r"|no available connection"
    r"|brokers? (?:may )?(?:not )?(?:be )?available"
    r"|unknown (?:mysql )?server host|nodename nor servname|server misbehaving|code = unavailable",
    re.IGNORECASE,
)
_FOR_HELP = re.compile(r"\b(?:see|visit|details|docs?|documentation|help|more)\b[^.;]{0,20}$", re.IGNORECASE)
_SERVER_ERROR = re.compile(
    r"(?:\bHTTP(?:/\d(?:\.\d)?)?[\"']? ?|\bstatus(?:[ _-]?code)?\\?[\"']?[ :=]{1,3}"
    r"|\b(?:returned|responded(?: with)?|answered|got|code|error|failed with|response"
    r"|received)[ :=(]{1,3}(?:status(?: code)? ?:? ?|HTTP ?)?)(?P<status>50[0-4])\b"
    r"|\b(?P<words>500 Internal Server Error|502 Bad Gateway|503 Service (?:Temporarily )?Unavailable"
    r"|504 Gateway Time-?out)",
    re.IGNORECASE,
)
# What sends metrics and traces goes on without whoever takes them.
_TELEMETRY = re.compile(
    r"telemetry|otlp|\btraces?\b|\bspans?\b|metrics export|exporter|statsd|zipkin|jaeger", re.IGNORECASE
)


@dataclass(frozen=True)
class Target:
    """A host that a line names as unreachable, or as answering with errors."""

    host: str
    port: int | None
    how: str
    """What happened, as a clause about it: "refuses connections"; empty where the line only says that it failed."""
    start: int
    end: int

    @property
    def itself(self) -> bool:
        """Whether it is the container's own loopback."""
        return bool(_ITSELF.match(self.host))

    @property
    def place(self) -> str:
        """`host:port`, or the host alone."""
        return f"{self.host}:{self.port}" if self.port else self.host


def unreached(text: str) -> Target | None:
    """Give whom a line says it cannot reach; None where it says no such thing, or names nobody."""
    text = text[:_MAX_CHARS]
    if not _CANNOT.search(text) or _TELEMETRY.search(text):
        return None
    return _best(text, _how(text))


def answers_wrong(text: str) -> Target | None:
    """Give whom a line says it got a server error from."""
    text = text[:_MAX_CHARS]
    error = _SERVER_ERROR.search(text)
    if error is None or _TELEMETRY.search(text):
        return None
    status = error["status"] or error["words"][:3]
    return _best(text, f"answers with HTTP {status}")


def named(text: str) -> Target | None:
    """Give the host that a line names most clearly, whatever it says about it: one with a port before others.

    Never the container's own loopback, and no page that a message sends its reader to.
    """
    text = text[:_MAX_CHARS]
    found = [one for one in _hosts(text, "") if not one.itself and not _FOR_HELP.search(text[: one.start][-60:])]
    return next((one for one in found if one.port), found[0] if found else None)


def _how(text: str) -> str:
    if _UNRESOLVED.search(text):
        return "is a name that does not resolve"
    if _REFUSED.search(text):
        return "refuses connections"
    return "does not answer in time" if _TIMEOUT.search(text) else ""


def _best(text: str, how: str) -> Target | None:
    """Give the host that stands where a host is named most clearly, the container's own loopback last."""
    found = list(_hosts(text, how))
    return next((one for one in found if not one.itself), found[0] if found else None)


def _hosts(text: str, how: str) -> Iterator[Target]:
    for pattern in _TARGETS:
        for match in pattern.finditer(text):
            ports = [port for name, port in match.groupdict().items() if name != "host" and port]
            port = int(ports[0]) if ports else None
            if _is_host(match["host"], port):
                yield Target(match["host"].rstrip("."), port, how, match.start(), match.end())


def _is_host(host: str, port: int | None) -> bool:
    if _SOURCE_FILE.search(host) or port == 53 or (port is not None and not 0 < port < 65536):
        return False
    if _DATE.match(host):
        return False
    return any(char.isalpha() for char in host) or host.count(".") == 3
