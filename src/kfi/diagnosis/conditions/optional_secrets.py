"""
Secrets that a workload takes as optional, that do not exist, and that it misses all the same.

The kubelet starts such a container without a word. That the value is needed is told by the program's log, or by callers
whom it fails while nothing else is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfi.diagnosis.conditions.service_evidence import workload_logs
from kfi.diagnosis.conditions.settings import Specified, specified
from kfi.diagnosis.words.config import MISSING_KEY, MISSING_SECRET
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.pod import Container, KeyRef
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Keyed
from kfi.snapshot.view import Log, Snapshot

_WANTED = r"(?:(?:api|signing|access|private|encryption)[ _-]?key|token|secret|credentials?|password|passphrase)"
_GONE = r"(?:no|missing|without|empty|blank|null|absent|undefined|unset|not (?:set|given|configured|provided|found))"
_MISSES = re.compile(
    rf"\b{_GONE}\b[^\n]{{0,40}}\b{_WANTED}\b|\b{_WANTED}\b[^\n]{{0,40}}\b{_GONE}\b"
    r"|\b401\b[^\n]{0,40}\bunauthori[sz]ed\b|\bunauthori[sz]ed\b[^\n]{0,40}\b401\b|\bunauthenticated\b",
    re.IGNORECASE,
)
_MAX_CHARS = 4000


def optional_secrets(snapshot: Snapshot, ill: frozenset[ObjectRef]) -> Iterator[Finding]:
    """Yield optional Secrets (and keys of Secrets) that are missing where the workload says, or shows, that it is."""
    for workload in snapshot.workloads:
        one = None if snapshot.topology.owner(workload.ref) else specified(snapshot, workload.ref)
        lacking = list(_lacking(snapshot, workload.ref, one)) if one else []
        said = _said(snapshot, workload.ref) if lacking else None
        if lacking and (said or workload.ref in ill):
            yield _found(workload.ref, lacking[0], said)


_Lack = tuple[KeyRef, tuple[Citation, ...], bool]
"""What is missing, the lines that show it, and whether the whole Secret is."""


def _found(workload: ObjectRef, lack: _Lack, said: Log | None) -> Finding:
    ref, lines, whole = lack
    what = (
        f"Secret {ref.name}, which does not exist" if whole else f"key {ref.key} of Secret {ref.name}, which lacks it"
    )
    says = "; its log misses it" if said else ""
    message = f"{workload.kind} {workload.name} takes {what}; the reference is optional, so it starts without{says}."
    rule = MISSING_SECRET if whole else MISSING_KEY
    cited = (*lines, *((said.citation,) if said else ()))
    return rule.found(workload, message, cited[:6], strength=0.85 if said else 0.5)


def _said(snapshot: Snapshot, workload: ObjectRef) -> Log | None:
    loud = (log for log in workload_logs(snapshot, workload) if log.failing or log.record.level == "warning")
    return next((log for log in loud if _MISSES.search(log.text[:_MAX_CHARS])), None)


def _lacking(snapshot: Snapshot, workload: ObjectRef, one: Specified) -> Iterator[_Lack]:
    for container in one.spec.containers:
        at: Path = (*one.prefix, "containers", container.name)
        for ref, path in _optional(container, at):
            secret = workload.model_copy(update={"kind": "Secret", "name": ref.name})
            absent, held = snapshot.absent(secret), snapshot.objects.get(secret)
            lines = snapshot.cite(one.ref, path)
            if absent:
                yield ref, (*lines, absent), True
            elif isinstance(held, Keyed) and held.keys is not None and ref.key and ref.key not in held.keys:
                yield ref, (*lines, *snapshot.cite_row(secret)), False


def _optional(container: Container, at: Path) -> Iterator[tuple[KeyRef, Path]]:
    for env in container.env:
        ref = env.value_from.secret_key_ref if env.value_from else None
        if ref and ref.optional:
            yield ref, (*at, "env", env.name, "valueFrom", "secretKeyRef", "name")
    for index, source in enumerate(container.env_from):
        if source.secret_ref and source.secret_ref.optional:
            yield source.secret_ref, (*at, "envFrom", str(index), "secretRef", "name")
