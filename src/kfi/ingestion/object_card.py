"""
How bad one state of an object looks by itself, and the short text that is embedded for it.

Works on the API's form, so it is the same for JSON, YAML, `describe` and tables. Only what the object itself says
counts; whether it is a cause or a symptom is for the rules.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kfi.ingestion.base import MAX_CARD_CHARS
from kfi.models.schemas import ObjectRef, Severity
from kfi.snapshot.objects import quantity

Trouble = tuple[Severity, str]

_MAX_TROUBLES = 6
_ORDER = (Severity.NORMAL, Severity.WARNING, Severity.ERROR)
# A Pod on its way up or down: worth a look, not yet a failure.
_UNSETTLED = re.compile(r"Pending|ContainerCreating|PodInitializing|Init:\d+/\d+|Terminating|SchedulingGated|Unknown")
_FINE = frozenset({"Running", "Completed", "Succeeded", ""})
_BAD_WHEN_FALSE = frozenset({"Ready", "Available", "Progressing", "PodScheduled", "Initialized", "ContainersReady"})


def object_severity(kind: str, fields: Mapping[str, Any]) -> Severity:
    """Give the severity of the worst thing that an object in the API's form says of itself."""
    return max((severity for severity, _ in _troubles(kind, fields)), key=_ORDER.index, default=Severity.NORMAL)


def object_card(ref: ObjectRef, fields: Mapping[str, Any]) -> str:
    """Give about 60 tokens: what the object is, what is wrong with it, and where it belongs."""
    name = "/".join(part for part in (ref.namespace, ref.name) if part)
    troubles = [text for _, text in _troubles(ref.kind, fields)][:_MAX_TROUBLES]
    facts = list(dict.fromkeys((*troubles, *_facts(fields))))
    card = f"{ref.kind} {name}" + (f": {', '.join(facts)}" if facts else "")
    return " ".join(card.split())[:MAX_CARD_CHARS]


def _troubles(kind: str, fields: Mapping[str, Any]) -> Iterator[Trouble]:
    status = _map(fields.get("status"))
    yield from _TROUBLES.get(kind, _no_troubles)(fields, status)
    for condition in _maps(status.get("conditions")):
        yield from _condition(kind, condition)
    if _map(fields.get("metadata")).get("deletionTimestamp"):
        yield Severity.WARNING, "Terminating"


def _no_troubles(_fields: Mapping[str, Any], _status: Mapping[str, Any]) -> Iterator[Trouble]:
    return iter(())


def _pod(_fields: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Trouble]:
    for word in dict.fromkeys(_text(status.get(key)) for key in ("summary", "reason", "phase")):
        if word not in _FINE:
            yield _pod_word(word)
    ready, total = status.get("readyContainers"), status.get("totalContainers")
    done = status.get("summary") in ("Completed", "Succeeded")
    if isinstance(ready, int) and isinstance(total, int) and ready < total and not done:
        yield Severity.WARNING, f"{ready}/{total} ready"
    for group in ("initContainerStatuses", "containerStatuses"):
        for container in _maps(status.get(group)):
            yield from _container(container)


def _pod_word(word: str) -> Trouble:
    return Severity.WARNING if _UNSETTLED.fullmatch(word) else Severity.ERROR, word


def _container(container: Mapping[str, Any]) -> Iterator[Trouble]:
    name = _text(container.get("name"))
    for key in ("state", "lastState"):
        state = _map(container.get(key))
        waiting = _text(_map(state.get("waiting")).get("reason"))
        if waiting and key == "state":
            severity, word = _pod_word(waiting)
            yield severity, f"{name} {word}"
        ended = _map(state.get("terminated"))
        if ended and ended.get("exitCode") != 0 and ended.get("reason") != "Completed":
            severity = Severity.ERROR if key == "state" else Severity.WARNING
            yield severity, f"{name} {_text(ended.get('reason'))} exit code {ended.get('exitCode', '?')}"


def _node(fields: Mapping[str, Any], _status: Mapping[str, Any]) -> Iterator[Trouble]:
    if _map(fields.get("spec")).get("unschedulable") is True:
        yield Severity.WARNING, "SchedulingDisabled"


def _workload(fields: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Trouble]:
    desired = _map(fields.get("spec")).get("replicas", status.get("desiredNumberScheduled"))
    # The API leaves a zero out; `describe` does not always say how many are ready.
    unsaid = 0 if "observedGeneration" in status else status.get("availableReplicas")
    ready = status.get("readyReplicas", status.get("numberReady", unsaid))
    if isinstance(desired, int) and isinstance(ready, int) and ready < desired:
        yield (Severity.WARNING if ready else Severity.ERROR), f"{ready}/{desired} ready"


def _phase(bad: Mapping[str, Severity]) -> Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[Trouble]]:
    def troubles(_fields: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Trouble]:
        phase = _text(status.get("phase"))
        if phase in bad:
            yield bad[phase], phase

    return troubles


def _endpoints(fields: Mapping[str, Any], _status: Mapping[str, Any]) -> Iterator[Trouble]:
    subsets = fields.get("subsets", fields.get("endpoints"))
    if isinstance(subsets, list) and not any(_map(subset).get("addresses") for subset in subsets):
        yield Severity.WARNING, "no ready endpoints"


def _quota(_fields: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Trouble]:
    hard, used = _map(status.get("hard")), _map(status.get("used"))
    for resource, limit in hard.items():
        have, most = _amount(used.get(resource)), _amount(limit)
        if have is not None and most is not None and have >= most:
            yield Severity.WARNING, f"{resource} {used[resource]} of {limit} used"


def _autoscaler(_fields: Mapping[str, Any], status: Mapping[str, Any]) -> Iterator[Trouble]:
    if "<unknown>" in _text(status.get("summary")):
        yield Severity.WARNING, f"targets {status['summary']}"


_TROUBLES: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Iterator[Trouble]]] = {
    "Pod": _pod,
    "Node": _node,
    **dict.fromkeys(("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"), _workload),
    "PersistentVolumeClaim": _phase({"Pending": Severity.WARNING, "Lost": Severity.ERROR}),
    "PersistentVolume": _phase({"Failed": Severity.ERROR}),
    "Namespace": _phase({"Terminating": Severity.WARNING}),
    "Endpoints": _endpoints,
    "EndpointSlice": _endpoints,
    "ResourceQuota": _quota,
    "HorizontalPodAutoscaler": _autoscaler,
}


def _condition(kind: str, condition: Mapping[str, Any]) -> Iterator[Trouble]:
    name, value = _text(condition.get("type")), _text(condition.get("status"))
    reason = _text(condition.get("reason"))
    said = f"{name}={value}" + (f" ({reason})" if reason else "")
    if reason == "PodCompleted":
        return
    if value == "True" and (name in ("Failed", "ReplicaFailure") or name.endswith("Failed")):
        yield Severity.ERROR, said
    elif value == "True" and (name.endswith("Pressure") or name == "NetworkUnavailable"):
        yield Severity.WARNING, said
    elif value in ("False", "Unknown") and name in _BAD_WHEN_FALSE:
        yield (Severity.ERROR if kind == "Node" or reason == "ProgressDeadlineExceeded" else Severity.WARNING), said


def _facts(fields: Mapping[str, Any]) -> Iterator[str]:
    status, spec = _map(fields.get("status")), _map(fields.get("spec"))
    for key in ("summary", "phase"):
        if _text(status.get(key)):
            yield _text(status.get(key))
    restarts = status.get("restarts")
    if isinstance(restarts, int) and restarts:
        yield f"{restarts} restarts"
    named = (("node", "nodeName"), ("volume", "volumeName"), ("storage class", "storageClassName"), ("type", "type"))
    for word, key in named:
        if _text(spec.get(key)):
            yield f"{word} {spec[key]}"
    pod_spec = _map(_map(spec.get("template")).get("spec")) or spec
    for container in _maps(pod_spec.get("containers")):
        if _text(container.get("image")):
            yield f"image {container['image']}"


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _amount(value: Any) -> float | None:
    return quantity(value) if isinstance(value, str | int | float) else None
