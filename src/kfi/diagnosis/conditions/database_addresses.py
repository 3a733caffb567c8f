"""
The addresses of databases in a workload's settings: connection strings of all drivers, and HOST and PORT in pairs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from kfi.diagnosis.conditions.settings import Setting, settings_of
from kfi.models.schemas import ObjectRef
from kfi.snapshot.view import Snapshot

_HOST = r"(?P<host>[a-zA-Z0-9](?:[-a-zA-Z0-9.]{0,200}[a-zA-Z0-9])?)"
_PORT = r"(?P<port>\d{2,5})"
# jdbc:mysql://cart-db:3306/cart, postgresql+asyncpg://user@cart-db/cart, jdbc:sqlserver://cart-sql:1433;…
_URL = re.compile(
    rf"(?P<scheme>(?:jdbc:)?[a-zA-Z][a-zA-Z0-9+]{{1,30}}(?::[a-z]{{2,12}})?)://(?:[^@/\s\"']{{0,200}}@)?{_HOST}(?::{_PORT}\b)?"
)
# user:password@tcp(cart-db:3306)/cart, of Go's driver for MySQL
_DSN = re.compile(rf"@(?:tcp[46]?)?\({_HOST}(?::{_PORT})?\)")
# Server=cart-sql,1433 and Data Source=…, of .NET; Host=…;Port=…, of Npgsql; host=… port=…, of libpq
_PAIRS = re.compile(
    rf"\b(?:server|data source|host|hostaddr|address|addr)\s*=\s*(?:tcp:)?{_HOST}(?:\s*[,:]\s*{_PORT}\b)?"
    r"(?:(?=[^\n]{0,200}?[;\s&]port\s*=\s*(?P<later>\d{2,5})\b))?",
    re.IGNORECASE,
)
_BARE = re.compile(rf"{_HOST}:{_PORT}")
_FLAGS = re.compile(
    rf"--?(?:[\w-]*(?:db|database|mysql|postgres|pg|mongo|sql|store)[\w-]*)[= ]{_HOST}:{_PORT}\b", re.IGNORECASE
)
_LINE = re.compile(
    r"^\s*(?:export\s+)?(?P<name>[A-Za-z][\w.-]{1,80})\s*[:=]\s*[\"']?(?P<value>[\w.-]{1,200})[\"']?\s*$", re.MULTILINE
)
_HOST_NAME = re.compile(r"(?P<prefix>.*?)[_.-]?(?:HOST(?:_?NAME)?|SERVER|ADDR(?:ESS)?|ENDPOINT)$", re.IGNORECASE)
_PORT_NAME = re.compile(r"(?P<prefix>.*?)[_.-]?PORT(?:_NUMBER)?$", re.IGNORECASE)
_SCHEMES = {
    "mysql": "mysql", "mariadb": "mysql", "postgres": "postgres", "postgresql": "postgres", "pgsql": "postgres",
    "mongodb": "mongo", "redis": "redis", "rediss": "redis", "sqlserver": "mssql", "mssql": "mssql",
    "amqp": "rabbitmq", "amqps": "rabbitmq", "oracle": "oracle", "clickhouse": "clickhouse", "neo4j": "neo4j",
    "bolt": "neo4j", "cassandra": "cassandra", "etcd": "etcd", "cockroachdb": "postgres", "psql": "postgres",
}  # fmt: skip


@dataclass(frozen=True)
class DatabaseAddress:
    """A host that a setting names, perhaps with a port; the engine is empty where the text does not tell it."""

    setting: Setting
    engine: str
    host: str
    namespace: str
    port: int | None
    port_setting: Setting | None = None
    """Where the port stands, if elsewhere."""


def database_addresses(snapshot: Snapshot, workload: ObjectRef) -> Iterator[DatabaseAddress]:
    """Yield the addresses in a workload's settings that may be a database's."""
    settings = list(settings_of(snapshot, workload))
    for setting in settings:
        for address in _in_text(setting):
            yield _placed(address, workload.namespace)
    lines = [one for setting in settings for one in (_lines(setting) if setting.is_file else (setting,))]
    for address in _pairs(lines):
        yield _placed(address, workload.namespace)


def _placed(address: DatabaseAddress, namespace: str) -> DatabaseAddress:
    """Give an address with the namespace its host means; none where it is outside of the cluster."""
    labels = address.host.lower().split(".")
    in_cluster = len(labels) == 2 or labels[2:3] == ["svc"]
    home = labels[1] if in_cluster else namespace if len(labels) == 1 else ""
    return replace(address, host=labels[0] if home else address.host, namespace=home)


def _in_text(setting: Setting) -> Iterator[DatabaseAddress]:
    for match in _URL.finditer(setting.text):
        engine = _engine(match["scheme"])
        if engine:
            yield _address(setting, engine, match["host"], match["port"])
    for match in _DSN.finditer(setting.text):
        yield _address(setting, "mysql", match["host"], match["port"])
    for match in _PAIRS.finditer(setting.text) if ";" in setting.text or "port" in setting.text.lower() else ():
        yield _address(setting, "", match["host"], match["port"] or match["later"])
    for match in _FLAGS.finditer(setting.text):
        yield _address(setting, "", match["host"], match["port"])
    bare = _BARE.fullmatch(setting.text.strip())
    if bare:
        yield _address(setting, "", bare["host"], bare["port"])


def _engine(scheme: str) -> str:
    words = re.split(r"[:+]", scheme.lower())
    return next((_SCHEMES[word] for word in words if word in _SCHEMES), "")


def _address(setting: Setting, engine: str, host: str, port: str | None) -> DatabaseAddress:
    return DatabaseAddress(setting, engine, host, "", int(port) if port else None)


def _lines(setting: Setting) -> Iterator[Setting]:
    """Yield the `name=value` lines of a file as settings of their own."""
    for match in _LINE.finditer(setting.text):
        yield replace(setting, name=match["name"], text=match["value"])


def _pairs(settings: Iterable[Setting]) -> Iterator[DatabaseAddress]:
    """Yield hosts with the port that a variable of the same beginning names."""
    hosts: dict[tuple[str, str], Setting] = {}
    ports: dict[tuple[str, str], Setting] = {}
    for setting in settings:
        host, number = _HOST_NAME.fullmatch(setting.name), _PORT_NAME.fullmatch(setting.name)
        if host and re.fullmatch(_HOST, setting.text) and not setting.text.isdigit():
            hosts[setting.container, host["prefix"].upper()] = setting
        elif number and re.fullmatch(_PORT, setting.text):
            ports[setting.container, number["prefix"].upper()] = setting
    for place, setting in hosts.items():
        port = ports.get(place)
        if place[1]:
            yield replace(_address(setting, "", setting.text, port.text if port else None), port_setting=port)
