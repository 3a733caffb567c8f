"""
What logs, probes and last messages say of databases that refuse: who was refused, by which one, and whether it goes on.

A client's words tell of the database they name or the client is set to; a server's own tell of the client by its
address or by the account's name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kfi.diagnosis.conditions.containers import runs
from kfi.diagnosis.conditions.database_servers import Server, Servers
from kfi.diagnosis.conditions.past_errors import PastErrors
from kfi.diagnosis.conditions.settings import settings_of
from kfi.diagnosis.words.database_messages import FAMILIES, LIKELY, SERVER_LINE, Trouble
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Pod
from kfi.snapshot.view import Log, Snapshot

_MAX_CHARS = 6000
_HARMLESS = ("info", "debug", "trace")


@dataclass(frozen=True)
class Words:
    """What somebody says, and where it stands."""

    ref: ObjectRef
    text: str
    """Everything that belongs to it; the first line is what to quote."""
    citation: Citation
    log: Log | None = None


@dataclass(frozen=True)
class Complaint:
    """Words that tell of a refusal."""

    trouble: Trouble
    engine: str
    words: Words
    client: ObjectRef | None
    """The workload that was refused, where that shows."""
    server: Server | None
    """The database that refused, where that shows."""
    user: str
    by_server: bool
    """The database itself says so."""
    known_by_name: bool = False
    """The client was told only by the account's name."""


def complaints(snapshot: Snapshot, servers: Servers, unwell: frozenset[ObjectRef]) -> tuple[Complaint, ...]:
    """Give every refusal that is told of and that nothing shows to be of the past."""
    past: PastErrors | None = None
    found = []
    for words in (*_logged(snapshot), *_of_unready(snapshot)):
        if not LIKELY.search(words.text):
            continue
        for complaint in _in_words(snapshot, servers, words, unwell):
            past = past or PastErrors.of(snapshot)
            if words.log is None or not past.holds(words.log):
                found.append(complaint)
    return tuple(found)


def _logged(snapshot: Snapshot) -> Iterator[Words]:
    for log in snapshot.logs:
        if log.ref.kind not in ("", "Node") and not log.record.unit:
            # The raw line holds what a structured one says beside its message: codes, names of exceptions.
            parts = (log.record.example, log.record.stack, log.citation.text)
            yield Words(log.ref, "\n".join(part[:_MAX_CHARS] for part in parts), log.citation, log)


def _of_unready(snapshot: Snapshot) -> Iterator[Words]:
    """Yield what the probes of Pods that are not ready print, and the last messages of their containers."""
    for event in snapshot.events:
        pod = snapshot.objects.get(event.ref.object) if event.reason == "Unhealthy" else None
        if isinstance(pod, Pod) and not pod.ready:
            yield Words(pod.ref, event.message[:_MAX_CHARS], event.citation)
    for pod in snapshot.pods:
        for run in runs(pod) if not pod.ready else ():
            end = run.last_end
            lines = snapshot.cite(pod.ref, (*run.end_path, "message")) if end and end.message else ()
            if end and lines:
                yield Words(pod.ref, end.message[:_MAX_CHARS], lines[0])


def _in_words(snapshot: Snapshot, servers: Servers, said: Words, unwell: frozenset[ObjectRef]) -> Iterator[Complaint]:
    found = next(((family, match) for family in FAMILIES if (match := family.pattern.search(said.text))), None)
    if found is None:
        return
    family, match = found
    speaker = snapshot.topology.workload(said.ref)
    itself = servers.of_workload(speaker)
    by_server = said.log is not None and bool(SERVER_LINE.search(said.citation.text[:_MAX_CHARS]))
    by_server = by_server or (itself is not None and bool(family.engine) and itself.engine == family.engine)
    user = match.groupdict().get("user") or ""
    if not by_server:
        if said.log is None or said.log.record.level not in _HARMLESS:
            server = servers.meant(speaker, family.engine, said.text)
            yield Complaint(family.trouble, family.engine, said, speaker, server, user, by_server=False)
        return
    server = itself or Server(None, speaker, family.engine)
    client, by_name = _client(snapshot, match.groupdict().get("host") or "", user, unwell)
    yield Complaint(family.trouble, family.engine, said, client, server, user, by_server=True, known_by_name=by_name)


def _client(snapshot: Snapshot, host: str, user: str, unwell: frozenset[ObjectRef]) -> tuple[ObjectRef | None, bool]:
    """Give the workload behind an address, else the one that has the account, else an unwell one of its name."""
    for pod in snapshot.pods if host else ():
        if host in (pod.status.pod_ip, pod.name) or _named_after(host, pod):
            return snapshot.topology.workload(pod.ref), False
    tops = (one.ref for one in snapshot.workloads if user and not snapshot.topology.owner(one.ref))
    named = [top for top in tops if _has_account(snapshot, top, user)]
    if len(named) == 1:
        return named[0], True
    name = user.lower().replace("_", "-")
    return min((ref for ref in unwell if name and ref.name == name), key=str, default=None), True


def _named_after(host: str, pod: Pod) -> bool:
    """Tell whether a name is what the cluster's DNS gives back for a Pod's address: `10-1-2-3.cart.shop.svc…`."""
    address = pod.status.pod_ip.replace(".", "-").replace(":", "-")
    return bool(address) and host.partition(".")[0] == address and "." in host


def _has_account(snapshot: Snapshot, workload: ObjectRef, user: str) -> bool:
    """Tell whether a workload is set to an account: in a variable of a user's name, or in an address."""
    url = re.compile(rf"://{re.escape(user)}(?::[^@/\s]{{0,200}})?@")
    return any(
        (setting.text == user and "USER" in setting.name.upper()) or url.search(setting.text)
        for setting in settings_of(snapshot, workload)
    )
