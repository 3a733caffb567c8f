"""
The settings behind a database's refusals: limits and read-only flags of the server, user and password of the client.

Passwords are masked before anything reads them, but the same one has the same mask: enough to tell that two differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.settings import Specified, settings_of, specified
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Container
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Keyed, Workload
from kfi.snapshot.view import Snapshot

LIMIT = re.compile(
    r"\b(?P<name>max_?(?:user_?|client_?)?conn(?:ection)?s?|max_client_conn|maxclients|max-clients"
    r"|max[-_]connections|default_pool_size)\b[\s\"'=:]{1,4}(?P<value>\d{1,7})\b",
    re.IGNORECASE,
)
READ_ONLY = re.compile(
    r"\b(?P<name>(?:super[-_]|innodb[-_]|default_transaction_|transaction_)?read[-_]only)\b"
    r"(?:[\s\"'=:]{1,4}(?P<value>1|on|true|yes)\b|(?=\s*$|\s+--|\n))"
    r"|(?P<replica>\breplicaof|\bslaveof)\s+\S+\s+\d+|\bhot_standby\s*=\s*on\b"
    r"|\binnodb[-_]force[-_]recovery\b[\s\"'=:]{1,4}[1-6]\b",
    re.IGNORECASE,
)
_IN_NAME = {
    LIMIT: re.compile(r"MAX_?(?:CLIENT_?)?CONN|MAXCLIENTS", re.IGNORECASE),
    READ_ONLY: re.compile(r"READ_?ONLY", re.IGNORECASE),
}
# What tells that a server follows another, or that an operator rules who writes.
_OF_SEVERAL = re.compile(
    r"(?:^|[-_. \n/])(?:replicas?|slaves?|secondary|secondaries|standby|followers?|readers?|readonly|ro)(?=$|[-_. \n/])"
    r"|relay[-_]log|replicate[-_]|(?:master|source|primary)[-_]host|primary_conninfo|group[-_]replication|wsrep|galera"
    r"|server[-_]id\W{1,3}(?:[2-9]|\d\d)|replicaof|slaveof|hot_standby",
    re.IGNORECASE,
)
_TRUE = ("1", "on", "true", "yes")
_SECRET_NAME = re.compile(r"pass(?:word|wd|phrase)?$|pwd$|passw|requirepass|credential|_pw$|auth$", re.IGNORECASE)
_USER_NAME = re.compile(r"(?:user(?:_?name)?|login|account)$", re.IGNORECASE)
_MASK = re.compile(r"<secret:[0-9a-f]{8}>")


@dataclass(frozen=True)
class Said:
    """A setting of the server that explains a refusal, in words."""

    words: str
    lines: tuple[Citation, ...]


def explaining(snapshot: Snapshot, server: ObjectRef, pattern: re.Pattern[str]) -> Said | None:
    """Give the first setting of a server that a pattern finds, in its text or as the name of a variable."""
    for setting in settings_of(snapshot, server):
        match = pattern.search(setting.text)
        if match:
            words = " ".join(match[0].split())
            return Said(words, setting.lines(snapshot, match[0].split("\n")[0].strip()))
        named = _IN_NAME[pattern].search(setting.name) and setting.text
        if named and (setting.text.isdigit() if pattern is LIMIT else setting.text.lower() in _TRUE):
            return Said(f"{setting.name}={setting.text}", setting.lines(snapshot))
    return None


def alone(snapshot: Snapshot, server: ObjectRef) -> bool:
    """Tell whether nothing says that a server is one of several, of which some only read: then it has to write."""
    workload = snapshot.objects.get(server)
    several = isinstance(workload, Workload) and (workload.desired or 0) > 1
    labels = " ".join(workload.labels.values()) if isinstance(workload, Workload) else ""
    texts = (server.name, labels, *(f"{one.name} {one.text}" for one in settings_of(snapshot, server)))
    return not several and not any(_OF_SEVERAL.search(text) for text in texts)


@dataclass(frozen=True)
class Credential:
    """Where a workload has a masked setting from; two with one `key` are one and the same."""

    name: str
    key: str
    """The mask of its value, else `Secret/key`."""
    ref: ObjectRef
    path: Path
    held: tuple[ObjectRef, Path] | None = None
    """The Secret and the field that hold the value, where a text shows them."""


def credentials(snapshot: Snapshot, workload: ObjectRef) -> Iterator[Credential]:
    """Yield a workload's passwords, as far as its spec tells where they come from."""
    for one in masked_values(snapshot, workload):
        if not _USER_NAME.search(one.name) and (one.held is None or _SECRET_NAME.search(one.name)):
            yield one


def masked_values(snapshot: Snapshot, workload: ObjectRef) -> Iterator[Credential]:
    """Yield what a workload's containers take from Secrets, and what is masked in their own settings."""
    one = specified(snapshot, workload)
    for container in one.spec.containers if one else ():
        if one:
            yield from _of_container(snapshot, one, container)


def _of_container(snapshot: Snapshot, one: Specified, container: Container) -> Iterator[Credential]:
    at: Path = (*one.prefix, "containers", container.name)
    for env in container.env:
        secret = env.value_from.secret_key_ref if env.value_from else None
        if secret:
            path: Path = (*at, "env", env.name, "valueFrom", "secretKeyRef", "name")
            yield _from_secret(snapshot, one, env.name, (secret.name, secret.key), path)
        elif mask := _MASK.search(env.value or ""):
            yield Credential(env.name, mask[0], one.ref, (*at, "env", env.name, "value"))
    for part, words in (("command", container.command), ("args", container.args)):
        if mask := _MASK.search(" ".join(words)):
            yield Credential(part, mask[0], one.ref, (*at, part))
    yield from _taken_whole(snapshot, one, at, container)


def _taken_whole(snapshot: Snapshot, one: Specified, at: Path, container: Container) -> Iterator[Credential]:
    for index, source in enumerate(container.env_from):
        if source.secret_ref:
            path: Path = (*at, "envFrom", str(index), "secretRef", "name")
            name = source.secret_ref.name
            for key in _keys(snapshot, one, name) or ["*"]:
                yield _from_secret(snapshot, one, source.prefix + key, (name, key), path)


def _from_secret(snapshot: Snapshot, one: Specified, variable: str, key: tuple[str, str], path: Path) -> Credential:
    secret = _secret(snapshot, one, key[0])
    for part, data in (("data", secret.data), ("stringData", secret.string_data)) if secret else ():
        value = (data or {}).get(key[1])
        if secret and isinstance(value, str) and _MASK.fullmatch(value):
            return Credential(variable, value, one.ref, path, (secret.ref, (part, key[1])))
    return Credential(variable, "/".join(key), one.ref, path)


def _secret(snapshot: Snapshot, one: Specified, name: str) -> Keyed | None:
    found = snapshot.objects.get(one.ref.model_copy(update={"kind": "Secret", "name": name}))
    return found if isinstance(found, Keyed) else None


def _keys(snapshot: Snapshot, one: Specified, name: str) -> list[str]:
    secret = _secret(snapshot, one, name)
    return sorted(secret.keys or ()) if secret else []
