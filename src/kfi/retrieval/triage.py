"""
What is wrong in scope, whatever the words of the question: lines that findings cite, then the abnormal that none does.

A function of the scope alone. It finds what no search for the question's words would: the full disk of the node below
the Pod that someone asks about.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import chain, islice, zip_longest
from typing import NamedTuple

from kfi.models.schemas import Citation, Finding, ObjectRef, QueryMetadata
from kfi.retrieval.focus import troubled
from kfi.retrieval.fusion import Found, Lines, Ranked, joined
from kfi.retrieval.narrowing import Search, named_in, neighbourhood
from kfi.snapshot.ownership import folder_of
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Node, PersistentVolumeClaim, Workload
from kfi.snapshot.view import Log, Snapshot

# Of what a log can be known to be.
_WRITERS = frozenset("Pod Deployment StatefulSet DaemonSet ReplicaSet Job CronJob Node Service".split())
_ANSWERED = ("open", "unknown", "")
_QUIET = ("inactive", "suppressed")
_RUNNING = ("active", "activating", "reloading", "")


class _Suspect(NamedTuple):
    """A document that looks wrong, and whom it is about."""

    refs: tuple[ObjectRef, ...]
    document_id: str
    lines: Lines | None = None
    when: datetime | None = None
    times: int = 1
    folder: str | None = None
    """Of a log whose writer nothing tells: where it lies."""


def triage(search: Search, limit: int) -> Ranked:
    """Rank what is abnormal, for each sub-query what touches the objects it names first.

    A namespace without trouble has none to show, so this is never relaxed.
    """
    cited = tuple(_cited(search))
    proven = frozenset(suspect.document_id for suspect in cited)
    others = tuple(one for one in _abnormal(search) if one.document_id not in proven)
    return Ranked(tuple(_best(search, part, cited, others, limit) for part in search.parts))


def _best(
    search: Search, part: str, cited: tuple[_Suspect, ...], others: tuple[_Suspect, ...], limit: int
) -> tuple[Found, ...]:
    near = neighbourhood(search.scope.snapshot, named_in(search.scope, part))
    folders = folders_of(search.scope.snapshot, near)
    order = chain(
        _near_first(cited, near, folders), _near_first((*_complaints(search, near, folders), *others), near, folders)
    )
    known = search.scope.document_ids
    distinct = dict.fromkeys((one.document_id, one.lines) for one in order if known is None or one.document_id in known)
    return tuple(Found(id_, 1 / place, lines) for place, (id_, lines) in enumerate(islice(distinct, limit), 1))


def folders_of(snapshot: Snapshot, refs: Iterable[ObjectRef]) -> frozenset[str]:
    """Give the folders in which texts about objects lie: a log beside them, of unknown writer, may be theirs."""
    texts = (one for ref in refs for one in snapshot.seen.get(ref, ()))
    return frozenset(folder_of(one.document.source.path) for one in texts)


def _near_first(
    suspects: Iterable[_Suspect], near: frozenset[ObjectRef], folders: frozenset[str]
) -> Iterator[_Suspect]:
    far = []
    for suspect in suspects:
        if any(ref.object in near for ref in suspect.refs) or suspect.folder in folders:
            yield suspect
        else:
            far.append(suspect)
    yield from far


def _cited(search: Search) -> Iterator[_Suspect]:
    """Yield the lines that findings cite, in the findings' order."""
    for finding in search.scope.findings:
        refs = (finding.ref, *finding.affects)
        if any(search.holds(ref) for ref in refs):
            for document_id, lines in _passages(finding):
                yield _Suspect(refs, document_id, lines)


def _passages(finding: Finding) -> Iterator[tuple[str, Lines]]:
    by_document: dict[str, list[Lines]] = {}
    for citation in finding.evidence:
        by_document.setdefault(citation.document_id, []).append((citation.first_line, citation.last_line))
    for document_id, lines in by_document.items():
        yield from ((document_id, passage) for passage in joined(lines))


def _abnormal(search: Search) -> Iterator[_Suspect]:
    """Yield what is abnormal by itself; the kinds take turns, so that no flood of one of them hides the others."""
    snapshot, metadata = search.scope.snapshot, search.scope.plan.metadata
    sources = (_events, _logs, _unready, _alerts, _node_services, _checks)
    columns = [
        sorted((one for one in source(snapshot) if _in_scope(search, metadata, one)), key=_newest_first)
        for source in sources
    ]
    for row in zip_longest(*columns):
        yield from (one for one in row if one)


def _in_scope(search: Search, metadata: QueryMetadata, one: _Suspect) -> bool:
    early = one.when and metadata.since and one.when < metadata.since
    return not early and any(search.holds(ref) for ref in one.refs)


def _newest_first(one: _Suspect) -> tuple[float, int, str]:
    return -(one.when.timestamp() if one.when else 0.0), -one.times, one.document_id


def _quoted(ref: ObjectRef, citation: Citation, when: datetime | None = None, times: int = 1) -> _Suspect:
    return _Suspect((ref,), citation.document_id, (citation.first_line, citation.last_line), when, times)


def _complaints(search: Search, near: frozenset[ObjectRef], folders: frozenset[str]) -> Iterator[_Suspect]:
    """Yield what logs of near objects say of trouble without calling it an error: a script's last words."""
    told: set[tuple[str, str]] = set()
    for log in search.scope.snapshot.logs:
        if log.record.level or log.failing:
            continue
        by_name, beside = log.writer in near, _is_loose(log) and folder_of(log.citation.path) in folders
        if (by_name or beside) and troubled(log.record.example):
            said = (folder_of(log.citation.path), log.record.template)
            if said not in told:
                told.add(said)
                yield _spoken(log)


def _spoken(log: Log) -> _Suspect:
    suspect = _quoted(log.ref, log.citation, log.last or log.first, log.count)
    return suspect._replace(folder=folder_of(log.citation.path)) if _is_loose(log) else suspect


def _is_loose(log: Log) -> bool:
    """Tell whether nothing in a log's path names its writer: whose it is was guessed, or nobody knows."""
    return log.ref.kind not in _WRITERS or log.ref.name not in log.citation.path


def _events(snapshot: Snapshot) -> Iterator[_Suspect]:
    for event in snapshot.events:
        # `Back-off pulling image` and `Node is not ready` are of type Normal.
        if event.type == "Warning" or troubled(f"{event.reason} {event.message}"):
            yield _quoted(event.ref, event.citation, event.last or event.first, event.count)


def _logs(snapshot: Snapshot) -> Iterator[_Suspect]:
    for log in snapshot.logs:
        if log.failing or log.record.level == "warning":
            yield _spoken(log)


def _unready(snapshot: Snapshot) -> Iterator[_Suspect]:
    """Yield objects that should be ready and are not; which of their lines matter is left to the question's words."""
    for ref, resource in snapshot.objects.items():
        texts = [one for one in snapshot.seen.get(ref, ()) if not one.record.applied]
        if texts and _is_unready(resource):
            yield _Suspect((ref,), texts[0].document.id)


def _is_unready(resource: object) -> bool:
    match resource:
        case Pod():
            known = resource.condition("Ready") is not None or resource.status.total_containers is not None
            return known and not resource.ready and not resource.finished
        case Node():
            return resource.ready is False
        case Workload():
            wants = resource.desired if resource.kind != "Job" else None
            return wants is not None and resource.ready_count < wants
        case PersistentVolumeClaim():
            return resource.status.phase not in ("Bound", "")
        case _:
            return False


def _alerts(snapshot: Snapshot) -> Iterator[_Suspect]:
    for alert in snapshot.alerts:
        if alert.record.state not in _QUIET:
            yield _quoted(alert.ref, alert.citation, alert.record.starts_at)


def _node_services(snapshot: Snapshot) -> Iterator[_Suspect]:
    for service in snapshot.services:
        if service.record.active_state not in _RUNNING and service.citations:
            yield _quoted(service.node, service.citations[0], service.record.since)


def _checks(snapshot: Snapshot) -> Iterator[_Suspect]:
    for check in snapshot.checks:
        if check.record.result not in _ANSWERED:
            name, _, rest = check.record.target.partition(".")
            target = ObjectRef(kind="Service", namespace=rest.partition(".")[0], name=name)
            yield _quoted(target, check.citation)
