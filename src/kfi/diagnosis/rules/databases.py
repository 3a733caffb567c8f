"""
Databases that refuse their clients: credentials, a wrong port, no connection left, no writes.

The database itself is well in the eyes of Kubernetes, so logs tell, on either side; settings prove it. Whose fault it
is: one client's that alone is turned away, the database's where many are, and always the database's for what it limits.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.conditions.blame import unreachable
from kfi.diagnosis.conditions.database_complaints import Complaint, complaints
from kfi.diagnosis.conditions.database_ports import wrong_ports
from kfi.diagnosis.conditions.database_servers import Server, Servers
from kfi.diagnosis.conditions.database_settings import LIMIT, READ_ONLY, alone, credentials, explaining
from kfi.diagnosis.conditions.log_words import excerpt
from kfi.diagnosis.conditions.odd_values import odd_values
from kfi.diagnosis.conditions.service_evidence import workload_logs
from kfi.diagnosis.conditions.unbound import lacks_password
from kfi.diagnosis.rules.symptoms import CALLER_ERRORS, unwell
from kfi.diagnosis.words.database import (
    DB_CONNECTIONS_EXHAUSTED,
    DB_CREDENTIALS_REFUSED,
    DB_READ_ONLY,
    DB_WRONG_PORT,
)
from kfi.diagnosis.words.database_messages import Trouble
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.view import Snapshot

RULES = (DB_CREDENTIALS_REFUSED, DB_WRONG_PORT, DB_CONNECTIONS_EXHAUSTED, DB_READ_ONLY)

# As many clients at once do not all have a wrong password of their own.
_MANY = 3
_OF_SERVERS = (
    (Trouble.CONNECTIONS, DB_CONNECTIONS_EXHAUSTED, LIMIT),
    (Trouble.READ_ONLY, DB_READ_ONLY, READ_ONLY),
)
_VERBS = {DB_CONNECTIONS_EXHAUSTED.code: "turns away", DB_READ_ONLY.code: "refuses the writes of"}


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what databases refuse, and clients that ask them on a wrong port."""
    servers, ill = Servers(snapshot), unwell(snapshot)
    heard = complaints(snapshot, servers, ill)
    yield from _credentials(snapshot, heard, ill)
    yield from wrong_ports(snapshot, servers, ill)
    yield from odd_values(snapshot, ill)
    for trouble, rule, setting in _OF_SERVERS:
        for said in _by_server([one for one in heard if one.trouble is trouble]).values():
            yield _refusing(snapshot, rule, said, setting, _clients(snapshot, servers, said[0].server) & ill)
    yield from _set_read_only(snapshot, servers, heard)
    yield from _empty_pools(snapshot, heard)
    yield from _suffering(heard)


def _clients(snapshot: Snapshot, servers: Servers, server: Server | None) -> frozenset[ObjectRef]:
    """Give the workloads that a database's own settings or the traces of calls show to be its clients."""
    called = snapshot.topology.callers.get(server.workload) if server and server.workload else None
    return servers.clients(server) | (called or frozenset())


def _credentials(snapshot: Snapshot, heard: Sequence[Complaint], ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    by_server: dict[ObjectRef | None, dict[ObjectRef, list[Complaint]]] = defaultdict(lambda: defaultdict(list))
    for one in heard:
        unbound = one.trouble is Trouble.NO_CREDENTIALS and one.client and lacks_password(snapshot, one.client)
        if one.trouble not in (Trouble.CREDENTIALS, Trouble.NO_CREDENTIALS) or unbound:
            continue
        server = one.server.ref if one.server else None
        if one.client or server:
            by_server[server][one.client or server or one.words.ref].append(one)
    for server, clients in by_server.items():
        if server and len(clients) > 1 and server not in clients and _one_password(snapshot, list(clients)):
            yield _changed_password(snapshot, server, clients)
        else:
            yield from (_wrong_password(snapshot, server, who, said, ill) for who, said in clients.items())


def _one_password(snapshot: Snapshot, clients: list[ObjectRef]) -> bool:
    """Tell whether clients that are refused together have their password from one place, or are too many for chance."""
    keys = [{credential.key for credential in credentials(snapshot, client)} for client in clients]
    return bool(set.intersection(*keys)) or (len(clients) >= _MANY and not all(keys))


def _changed_password(snapshot: Snapshot, server: ObjectRef, clients: dict[ObjectRef, list[Complaint]]) -> Finding:
    who = ", ".join(sorted(client.name for client in clients)[:4])
    lines = (
        *(said[0].words.citation for said in clients.values()),
        *_password_lines(snapshot, server),
        *_password_lines(snapshot, next(iter(clients))),
    )
    message = f"{server.kind} {server.name} refuses the credentials that its clients ({who}) share."
    return DB_CREDENTIALS_REFUSED.found(server, message, lines[:6], strength=0.92, affects=list(clients))


def _wrong_password(
    snapshot: Snapshot, server: ObjectRef | None, client: ObjectRef, said: list[Complaint], ill: frozenset[ObjectRef]
) -> Finding:
    first = said[0]
    whose = f"of user {first.user!r} " if first.user else ""
    by = f"{server.kind} {server.name}" if server else "its database"
    strength = 0.95 if client in ill else 0.88
    if first.client is None or first.known_by_name:
        strength = 0.7 if first.client in ill else 0.3
    lines = (
        *(one.words.citation for one in said[:2]),
        *_password_lines(snapshot, client)[:2],
        *(_password_lines(snapshot, server)[:1] if server else ()),
    )
    message = f"{client.kind} {client.name}: {by} refuses the credentials {whose}({_quote(first)})."
    return DB_CREDENTIALS_REFUSED.found(client, message, lines[:6], strength=strength)


def _password_lines(snapshot: Snapshot, workload: ObjectRef) -> tuple[Citation, ...]:
    found = [(credential.ref, credential.path) for credential in credentials(snapshot, workload)]
    live = [line for ref, path in found[:2] for line in snapshot.cite(ref, path)]
    applied = [line for ref, path in found[:2] for line in snapshot.cite_applied(ref, path)]
    return tuple(dict.fromkeys((*live, *applied)))


def _by_server(heard: Sequence[Complaint]) -> dict[ObjectRef, list[Complaint]]:
    """Group by database: what it refuses is its own limit, or its own mode, whoever asks."""
    grouped: dict[ObjectRef, list[Complaint]] = defaultdict(list)
    for one in heard:
        at_fault = one.server.ref if one.server else one.client
        if at_fault:
            grouped[at_fault].append(one)
    return grouped


def _refusing(
    snapshot: Snapshot, rule: Rule, said: list[Complaint], setting: re.Pattern[str], waiting: frozenset[ObjectRef]
) -> Finding:
    server = said[0].server.ref if said[0].server else said[0].client or said[0].words.ref
    proof = explaining(snapshot, server, setting)
    clients = sorted({one.client for one in said if one.client and one.client != server}, key=str)
    first = {one.client: one for one in reversed(said)}.values()
    lines = (*(proof.lines if proof else ()), *(one.words.citation for one in first))
    by = f"; it is set to {proof.words}" if proof else ""
    message = f"{server.kind} {server.name} {_VERBS[rule.code]} {_named(clients)}: {_quote(said[0])}{by}."
    sure = 0.95 if proof or len(clients) > 1 or any(one.by_server for one in said) else 0.9
    if said[0].server is None:
        message, sure = f"The database of {server.kind} {server.name} refuses it: {_quote(said[0])}.", 0.7
    affects = dict.fromkeys((*clients, *sorted(waiting, key=str)))
    return rule.found(server, message, lines[:6], strength=sure, affects=affects)


def _set_read_only(snapshot: Snapshot, servers: Servers, heard: Sequence[Complaint]) -> Iterator[Finding]:
    """Yield databases that are set to take no writes and are nobody's replica, where nobody's log was kept."""
    told = {one.server.ref for one in heard if one.trouble is Trouble.READ_ONLY and one.server}
    for server in servers.all:
        said = explaining(snapshot, server.ref, READ_ONLY) if server.ref not in told else None
        clients = servers.clients(server) if said and alone(snapshot, server.ref) else frozenset()
        if said and clients:
            message = f"{server.ref.kind} {server.ref.name} is set to {said.words}: it refuses every write."
            affects = sorted(clients, key=str)
            yield DB_READ_ONLY.found(server.ref, message, said.lines, strength=0.5, affects=affects)


def _quote(one: Complaint) -> str:
    return f'"{excerpt(one.words.text, width=160)}"'


def _named(clients: Sequence[ObjectRef]) -> str:
    return f"its clients ({', '.join(client.name for client in clients[:4])})" if clients else "its clients"


def _suffering(heard: Sequence[Complaint]) -> Iterator[Finding]:
    """Yield the clients that are refused: though they are ready, they do not do their work."""
    for one in {one.client: one for one in heard if not one.by_server}.values():
        if one.client and one.trouble is not Trouble.POOL:
            said = f"It says: {_quote(one)}."
            yield CALLER_ERRORS.found(one.client, said, (one.words.citation,), strength=0.4)


def _empty_pools(snapshot: Snapshot, heard: Sequence[Complaint]) -> Iterator[Finding]:
    """Yield pools that give no connection, though the database is ready and nothing else is said of it."""
    explained = {one.client for one in heard if one.trouble is not Trouble.POOL}
    waiting: dict[ObjectRef, list[Complaint]] = defaultdict(list)
    for one in heard:
        server = one.server.ref if one.server else None
        if one.trouble is not Trouble.POOL or one.client is None or one.client in explained or server is None:
            continue
        reached = snapshot.topology.serves(server) and not _cut_off(snapshot, one.client)
        if reached:
            waiting[server].append(one)
    for server, said in waiting.items():
        clients = list(dict.fromkeys(one.client for one in said if one.client))
        ref = server if len(clients) > 1 else clients[0]
        lines = [one.words.citation for one in said[:3]]
        names = ", ".join(sorted(client.name for client in clients)[:4])
        message = f"{names} wait in vain for a connection to {server.name}: {_quote(said[0])}."
        yield DB_CONNECTIONS_EXHAUSTED.found(ref, message, lines, strength=0.6, affects=clients)


def _cut_off(snapshot: Snapshot, client: ObjectRef) -> bool:
    """Tell whether a workload's log says that something refuses its connections: then its pool cannot but be empty."""
    logs = (log for log in workload_logs(snapshot, client) if log.failing and unreachable(log))
    return any("refused" in log.text.lower() for log in logs)
