"""
What a Pod needs and the namespace does not have: ConfigMaps, Secrets, their keys, ServiceAccounts.

The kubelet's message names what is missing; a complete list proves it. An Event of a Pod whose containers have started
since is history, and so is a refused Pod of a workload that has its replicas.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from kfi.diagnosis.conditions.containers import Run, current_pods, runs, started
from kfi.diagnosis.conditions.heard import HeardPods
from kfi.diagnosis.conditions.manifest_faults import undeclared_objects
from kfi.diagnosis.conditions.optional_secrets import optional_secrets
from kfi.diagnosis.conditions.pod_spec import cite_spec, full_spec, naming_paths
from kfi.diagnosis.conditions.port_conflict import failed_binds
from kfi.diagnosis.conditions.unbound import unbound_secrets
from kfi.diagnosis.conditions.unknown_names import misled_resolvers, unknown_names
from kfi.diagnosis.rules.symptoms import unwell
from kfi.diagnosis.words.config import (
    CONTAINER_CONFIG_ERROR,
    MISSING_CONFIG_MAP,
    MISSING_KEY,
    MISSING_SECRET,
    MISSING_SERVICE_ACCOUNT,
    SECRET_NOT_BOUND,
    UNKNOWN_SERVICE_NAME,
)
from kfi.models.schemas import Citation, Finding, ObjectRef
from kfi.snapshot.pod import Container, KeyRef, Pod
from kfi.snapshot.resources import Keyed, Workload
from kfi.snapshot.view import Event, Snapshot

RULES = (
    MISSING_CONFIG_MAP,
    MISSING_SECRET,
    SECRET_NOT_BOUND,
    MISSING_KEY,
    MISSING_SERVICE_ACCOUNT,
    CONTAINER_CONFIG_ERROR,
    UNKNOWN_SERVICE_NAME,
)

_BY_KIND = {"ConfigMap": MISSING_CONFIG_MAP, "Secret": MISSING_SECRET}
_KINDS = {"configmap": "ConfigMap", "configmaps": "ConfigMap", "secret": "Secret", "secrets": "Secret"}
# kubelet: `configmap "x" not found`, `secrets "x" not found`; older ones `configmaps "x" not found`.
_NOT_FOUND = re.compile(r'\b(configmap|secret)s? "([^"]+)" not found', re.IGNORECASE)
_NO_KEY = re.compile(r"couldn't find key (\S+) in (ConfigMap|Secret) (?:[^/\s]+/)?([\w.-]+)")
_NO_VOLUME_KEY = re.compile(
    r'volume "([^"]+)".*references non-existent (?:config|secret) key: (\S+)'
    r"|references non-existent (?:config|secret) key: (\S+)"
)
_NO_ACCOUNT = re.compile(r'error looking up service account ([^/\s]+)/([^\s:]+): serviceaccounts? "[^"]*" not found')
_REFUSED = ("CreateContainerConfigError", "CreateContainerError")
# What the kubelet says while its caches fill: it passes by itself.
_TRANSIENT = ("timed out waiting for the condition", "services have not yet been read at least once")
# More exact elsewhere: the container's process, or its memory.
_ELSEWHERE = re.compile(r"executable file .{0,200}not found|exec format error|OOM-killed|memory limit", re.IGNORECASE)


@dataclass(frozen=True)
class _Word:
    """A message that says why containers do not start, and the line it stands in."""

    text: str
    evidence: tuple[Citation, ...]
    event: Event | None = None


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what Pods need and do not get."""
    for pod in current_pods(snapshot):
        if not started(pod):
            yield from _of_pod(snapshot, pod)
    yield from _heard(snapshot)
    yield from _refused_accounts(snapshot)
    yield from _unlisted_accounts(snapshot)
    ill = unwell(snapshot)
    yield from unbound_secrets(snapshot, ill)
    yield from optional_secrets(snapshot, ill)
    yield from unknown_names(snapshot, ill)
    yield from misled_resolvers(snapshot, ill)
    yield from failed_binds(snapshot, ill)
    yield from undeclared_objects(snapshot)


def _of_pod(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    words = list(_words(snapshot, pod))
    said = [
        *(f for word in words for f in _missing_objects(snapshot, pod, word)),
        *(f for word in words for f in _missing_keys(snapshot, pod, word)),
    ]
    found = said or [*_unlisted_objects(snapshot, pod), *_unlisted_keys(snapshot, pod)]
    yield from {(f.code, f.message): f for f in reversed(found)}.values()
    if not found:
        yield from _other_refusals(snapshot, pod)


def _heard(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield what Pods need of which only Events are known, and none that says a container started since."""
    heard = HeardPods.of(snapshot)
    for ref in heard.with_events("Failed", "FailedMount"):
        failed = snapshot.events_of(ref, "Failed", "FailedMount")[0]
        started_since = any(
            e.last and failed.last and e.last >= failed.last for e in snapshot.events_of(ref, "Started")
        )
        pod = Pod.model_validate(
            {"kind": "Pod", "ref": ref, "metadata": {"name": ref.name, "namespace": ref.namespace}}
        )
        for finding in () if started_since else _of_pod(snapshot, pod):
            sure = round(finding.strength * heard.certainty(failed), 3)
            yield finding.model_copy(update={"strength": sure})


def _words(snapshot: Snapshot, pod: Pod) -> Iterator[_Word]:
    for run in runs(pod):
        if run.waiting in _REFUSED and run.waiting_message:
            paths = (run.at("state", "waiting", "message"), run.at("state", "waiting", "reason"))
            yield _Word(run.waiting_message, snapshot.cite(pod.ref, *paths))
    for event in snapshot.events_of(pod.ref, "Failed", "FailedMount"):
        yield _Word(event.message, (event.citation,), event)


def _missing_objects(snapshot: Snapshot, pod: Pod, word: _Word) -> Iterator[Finding]:
    for kind_word, name in _NOT_FOUND.findall(word.text):
        kind = _KINDS[kind_word.lower()]
        needed = pod.ref.model_copy(update={"kind": kind, "name": name})
        known = snapshot.objects.get(needed)
        if known is not None and known.observed and word.event is not None:
            continue  # it has been made since; the kubelet will find it at its next try
        yield _missing(snapshot, pod, needed, word.evidence, 0.97, word.event)


def _missing(
    snapshot: Snapshot,
    pod: Pod,
    needed: ObjectRef,
    evidence: tuple[Citation, ...],
    strength: float,
    event: Event | None = None,
) -> Finding:
    absent = snapshot.absent(needed)
    lines = (*evidence, *_reference_lines(snapshot, pod, needed), *((absent,) if absent else ()))
    message = f"Pod {pod.name} needs {needed.kind} {needed.name}, which namespace {pod.namespace} does not have."
    since = event.first if event else _refused_since(pod)
    return _BY_KIND[needed.kind].found(pod.ref, message, lines, strength=strength, since=since)


def _refused_since(pod: Pod) -> datetime | None:
    """Give since when a container may have been waiting: its last run's end, else when the Pod was made."""
    ends = [run.last_end.finished_at for run in runs(pod) if run.waiting and run.last_end and run.last_end.finished_at]
    return min(ends, default=pod.metadata.creation_timestamp)


def _reference_lines(snapshot: Snapshot, pod: Pod, needed: ObjectRef) -> tuple[Citation, ...]:
    spec = full_spec(snapshot, pod.ref)
    return cite_spec(snapshot, pod.ref, *list(naming_paths(spec, needed))[:2])


def _unlisted_objects(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    """Yield what no Event names (they expire after an hour), but a complete list shows to be missing."""
    if pod.spec.node_name or pod.status.summary in (*_REFUSED, "ContainerCreating"):
        for needed in dict.fromkeys(snapshot.topology.references(pod.ref, full_spec(snapshot, pod.ref))):
            if needed.kind in _BY_KIND and snapshot.absent(needed):
                yield _missing(snapshot, pod, needed, (), 0.9)


def _missing_keys(snapshot: Snapshot, pod: Pod, word: _Word) -> Iterator[Finding]:
    match = _NO_KEY.search(word.text)
    if match:
        message = f"{match[2]} {match[3]} has no key {match[1]}, which Pod {pod.name} needs."
        needed = pod.ref.model_copy(update={"kind": match[2], "name": match[3]})
        lines = (*word.evidence, *_reference_lines(snapshot, pod, needed), *snapshot.cite_row(needed))
        yield MISSING_KEY.found(pod.ref, message, lines, strength=0.97)
        return
    match = _NO_VOLUME_KEY.search(word.text)
    if match:
        volume = f"Volume {match[1]}" if match[1] else "A volume"
        message = f"{volume} of Pod {pod.name} takes key {match[2] or match[3]}, which its source does not have."
        lines = (*word.evidence, *cite_spec(snapshot, pod.ref, ("volumes", match[1] or "?")))
        yield MISSING_KEY.found(pod.ref, message, lines, strength=0.95)


def _unlisted_keys(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    if not any(run.waiting in _REFUSED for run in runs(pod)) and pod.status.summary not in _REFUSED:
        return
    for container in full_spec(snapshot, pod.ref).all_containers:
        for kind, ref in _key_refs(container):
            needed = pod.ref.model_copy(update={"kind": kind, "name": ref.name})
            keyed = snapshot.objects.get(needed)
            if isinstance(keyed, Keyed) and keyed.keys is not None and ref.key not in keyed.keys:
                message = f"{kind} {ref.name} has no key {ref.key}, which Pod {pod.name} needs."
                lines = (*_reference_lines(snapshot, pod, needed), *snapshot.cite_row(needed))
                yield MISSING_KEY.found(pod.ref, message, lines, strength=0.85)


def _key_refs(container: Container) -> Iterator[tuple[str, KeyRef]]:
    for env in container.env:
        source = env.value_from
        if source and source.config_map_key_ref and not source.config_map_key_ref.optional:
            yield "ConfigMap", source.config_map_key_ref
        if source and source.secret_key_ref and not source.secret_key_ref.optional:
            yield "Secret", source.secret_key_ref


def _other_refusals(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    refused = [run for run in runs(pod) if run.waiting in _REFUSED]
    for run in refused:
        said = run.waiting_message or _refusal(snapshot, run)
        if any(words in said for words in _TRANSIENT) or _ELSEWHERE.search(said):
            continue
        why = f": {said}" if said else ""
        lines = snapshot.cite(pod.ref, run.at("state", "waiting", "message"), run.at("state", "waiting", "reason"))
        events = [e.citation for e in snapshot.events_of(pod.ref, "Failed") if said and said in e.message]
        yield CONTAINER_CONFIG_ERROR.found(
            pod.ref,
            f"Container {run.name} of Pod {pod.name} is refused with {run.waiting}{why}.",
            (*events[:1], *lines),
            strength=0.9 if said else 0.7,
        )
    if not refused and any(word in pod.status.summary for word in _REFUSED):
        message = f"A container of Pod {pod.name} is refused with {pod.status.summary}."
        yield CONTAINER_CONFIG_ERROR.found(pod.ref, message, snapshot.cite_row(pod.ref), strength=0.6)


def _refusal(snapshot: Snapshot, run: Run) -> str:
    for event in snapshot.events_of(run.pod.ref.model_copy(update={"container": run.name}), "Failed"):
        if event.message.startswith("Error: "):
            return event.message.removeprefix("Error: ")
    return ""


def _refused_accounts(snapshot: Snapshot) -> Iterator[Finding]:
    seen = set()
    for ref, text, lines, since in _refusals(snapshot):
        match = _NO_ACCOUNT.search(text[:1000])
        if not match:
            continue
        controller = ref.model_copy(update={"namespace": match[1]})  # a bare table row has no namespace
        workload = snapshot.topology.workload(controller)
        account = controller.model_copy(update={"kind": "ServiceAccount", "name": match[2]})
        known = snapshot.objects.get(account)
        if (workload, account) in seen or (known is not None and known.observed) or _has_pods(snapshot, workload):
            continue
        seen.add((workload, account))
        yield _no_account(snapshot, workload, account, lines, since=since)


def _refusals(snapshot: Snapshot) -> Iterator[tuple[ObjectRef, str, tuple[Citation, ...], datetime | None]]:
    """Yield what controllers say of Pods that they could not create, in Events and in their conditions."""
    for event in snapshot.events:
        if event.reason == "FailedCreate":
            yield event.ref.object, event.message, (event.citation,), event.first
    for workload in snapshot.workloads:
        failure = workload.condition("ReplicaFailure")
        if failure and failure.status == "True":
            cited = snapshot.cite(workload.ref, ("status", "conditions", "ReplicaFailure", "message"))
            yield workload.ref, failure.message, cited, failure.last_transition_time


def _has_pods(snapshot: Snapshot, workload: ObjectRef) -> bool:
    """Tell whether a workload has the Pods it wants: then a refusal is of the past."""
    known = snapshot.objects.get(workload)
    wanted = known.desired if isinstance(known, Workload) else None
    pods = [pod for pod in snapshot.topology.pods_of(workload) if not pod.finished]
    ready = known.ready_count if isinstance(known, Workload) else 0
    return max(len(pods), ready) >= (wanted if wanted is not None else 1)


def _no_account(
    snapshot: Snapshot,
    workload: ObjectRef,
    account: ObjectRef,
    told: tuple[Citation, ...] = (),
    strength: float = 0.97,
    since: datetime | None = None,
) -> Finding:
    absent = snapshot.absent(account)
    lines = list(told)
    lines += snapshot.cite(workload, ("spec", "template", "spec", "serviceAccountName"))
    lines += [absent] if absent else []
    message = (
        f"{workload.kind} {workload.name} runs as ServiceAccount {account.name}, which namespace {account.namespace} "
        "does not have: none of its Pods can be created."
    )
    return MISSING_SERVICE_ACCOUNT.found(workload, message, lines, strength=strength, since=since)


def _unlisted_accounts(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield workloads without Pods whose account a complete list shows to be missing, where no Event was kept."""
    told = {snapshot.topology.workload(e.ref) for e in snapshot.events if _NO_ACCOUNT.search(e.message[:1000])}
    for workload in snapshot.workloads:
        name = workload.spec.template.spec.service_account_name
        if not name or not workload.observed or snapshot.topology.owner(workload.ref) or workload.ref in told:
            continue
        account = workload.ref.model_copy(update={"kind": "ServiceAccount", "name": name})
        idle = workload.desired == 0 or snapshot.topology.pods_of(workload.ref) or workload.ready_count
        if not idle and snapshot.absent(account):
            yield _no_account(snapshot, workload.ref, account, strength=0.85)
