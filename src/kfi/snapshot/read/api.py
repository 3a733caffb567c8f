"""
Which parsed values are Kubernetes objects, and the one form their fields are kept in.

A null counts as not set, as in the API. Of managedFields only who wrote and when is kept; the copy that `kubectl apply`
leaves in an annotation is dropped. EndpointSlices become Endpoints.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from kfi.models.records import TextForm
from kfi.snapshot.access_objects import ACCESS_GROUPS
from kfi.snapshot.policies import POLICY_GROUPS
from kfi.snapshot.read.found import Path, ReadObject
from kfi.snapshot.resources import CLASSES, CLUSTER_SCOPED
from kfi.snapshot.routing import ROUTING_GROUPS

SLICE_ANNOTATION = "kfi/endpointslice"
"""Annotation of Endpoints that were an EndpointSlice: the slice's name. One Service may have several slices."""

_KIND = re.compile(r"[A-Za-z][A-Za-z0-9]{0,62}")
_MAX_NAME = 253
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_SERVICE_LABEL = "kubernetes.io/service-name"
_CORE = frozenset({"", "apps", "extensions", "batch", "storage.k8s.io"})
_GROUPS = _CORE | ROUTING_GROUPS | ACCESS_GROUPS | POLICY_GROUPS
_EVENT_GROUPS = frozenset({"", "events.k8s.io"})
_DATA = frozenset({"data", "stringData", "binaryData"})
_NESTED = (dict, list)
_KEYED = frozenset({"ConfigMap", "Secret"})
_MANAGER_KEYS = ("manager", "operation", "time", "subresource")
# Every controller that writes leaves an entry; only the newest tell what changed before a failure.
_MAX_MANAGERS = 10

_SHAPES: tuple[tuple[Path, str, str], ...] = (
    (("spec", "containers"), "v1", "Pod"),
    (("status", "nodeInfo"), "v1", "Node"),
    (("spec", "names", "plural"), "apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    (("spec", "persistentVolumeReclaimPolicy"), "v1", "PersistentVolume"),
    (("spec", "accessModes"), "v1", "PersistentVolumeClaim"),
    (("spec", "podManagementPolicy"), "apps/v1", "StatefulSet"),
    (("spec", "updateStrategy"), "apps/v1", "DaemonSet"),
    (("spec", "strategy"), "apps/v1", "Deployment"),
    (("spec", "jobTemplate"), "batch/v1", "CronJob"),
    (("spec", "backoffLimit"), "batch/v1", "Job"),
    (("spec", "template", "spec", "containers"), "apps/v1", "ReplicaSet"),
    (("spec", "sessionAffinity"), "v1", "Service"),
    (("spec", "finalizers"), "v1", "Namespace"),
    (("provisioner",), "storage.k8s.io/v1", "StorageClass"),
)
"""A field that the API server always sets, and the kind it gives away; the first that is there counts."""


def dig(value: Any, *path: str) -> Any:
    """Give what a tree of mappings holds at a path, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def mappings(value: Any) -> list[dict[str, Any]]:
    """Give the mappings among the elements of a list; nothing where it is no list."""
    return [element for element in value if isinstance(element, dict)] if isinstance(value, list) else []


def read_api(
    value: Any, lines: dict[Path, int], form: TextForm, first_line: int = 1, last_line: int = 1
) -> ReadObject | None:
    """Give the object that a value is; None where it is none (`refusal` says why) or an Event."""
    if is_event(value) or refusal(value):
        return None
    given = {key: inner for key, inner in with_guessed_kind(value).items() if inner is not None}
    as_written = _DATA if given["kind"] in _KEYED else frozenset()
    fields = {key: inner if key in as_written else _without_nulls(inner) for key, inner in given.items()}
    fields = _completed({**fields, "metadata": _metadata(fields["metadata"])})
    kind, metadata = _kind(fields), fields["metadata"]
    return ReadObject(
        kind=kind,
        namespace="" if kind in CLUSTER_SCOPED else metadata.get("namespace", ""),
        name=metadata.get("name") or metadata["generateName"],
        form=form,
        fields={**fields, "kind": kind},
        lines=lines,
        first_line=first_line,
        last_line=last_line,
    )


def refusal(value: Any) -> str:
    """Say why a value is no Kubernetes object; nothing where it is one."""
    if not isinstance(value, dict):
        return "it is no mapping"
    named = with_guessed_kind(value)
    kind, version, metadata = named.get("kind"), named.get("apiVersion"), named.get("metadata")
    if not (isinstance(kind, str) and _KIND.fullmatch(kind)):
        return "it has no kind"
    if not (isinstance(version, str) and version):
        return "it has no apiVersion"
    if not isinstance(metadata, dict):
        return "it has no metadata"
    return _name_refusal(metadata)


def _name_refusal(metadata: dict[str, Any]) -> str:
    name = metadata.get("name") or metadata.get("generateName")
    if not name:
        return "it has no metadata.name"
    namespace = metadata.get("namespace")
    for what, text in (("name", name), ("namespace", "" if namespace is None else namespace)):
        if not isinstance(text, str):
            return f"metadata.{what} is not text: put it in quotes"
        if "{{" in text:
            return "it is a Helm template: render it with `helm template` and hand over the result"
        if len(text) > _MAX_NAME or not text.isprintable():
            return f"metadata.{what} is no name"
    return ""


def is_event(value: Any) -> bool:
    """Tell whether a value is an Event of the cluster: a report, not an object whose state matters."""
    if not isinstance(value, dict):
        return False
    if not value.get("kind"):
        return isinstance(value.get("involvedObject"), dict) or isinstance(value.get("regarding"), dict)
    return value["kind"] == "Event" and _group(value) in _EVENT_GROUPS and "auditID" not in value


def is_applied(value: dict[str, Any]) -> bool:
    """Tell whether an object is what someone wrote, and not what the cluster reported."""
    metadata = value.get("metadata")
    kept = ("uid", "resourceVersion", "managedFields")
    return not value.get("status") and not any(dig(metadata, key) for key in kept)


def with_guessed_kind(value: dict[str, Any]) -> dict[str, Any]:
    """Name the kind of an object that the cluster reported without one, as Go clients write single objects."""
    if value.get("kind") or not dig(value, "metadata", "uid"):
        return value
    for path, version, kind in _SHAPES:
        if dig(value, *path) is not None:
            return {**value, "apiVersion": version, "kind": kind}
    return value


def _group(value: dict[str, Any]) -> str:
    version = value.get("apiVersion")
    return version.rpartition("/")[0] if isinstance(version, str) else ""


def _kind(fields: dict[str, Any]) -> str:
    """Give the kind; one that only shares its name with a built-in kind also gets its group, as kubectl writes it."""
    kind, group = str(fields["kind"]), _group(fields)
    return f"{kind}.{group}" if kind in CLASSES and group not in _GROUPS else kind


def _without_nulls(value: Any) -> Any:
    # A call for each scalar would take most of the time.
    if isinstance(value, dict):
        return {
            key: _without_nulls(inner) if isinstance(inner, _NESTED) else inner
            for key, inner in value.items()
            if inner is not None
        }
    if isinstance(value, list):
        return [_without_nulls(inner) if isinstance(inner, _NESTED) else inner for inner in value if inner is not None]
    return value


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    kept = {key: inner for key, inner in metadata.items() if key not in ("managedFields", "selfLink")}
    managers = _managers(metadata.get("managedFields"))
    if managers:
        kept["managedFields"] = managers
    annotations = kept.get("annotations")
    if isinstance(annotations, dict) and _LAST_APPLIED in annotations:
        kept["annotations"] = {key: inner for key, inner in annotations.items() if key != _LAST_APPLIED}
    return kept


def _managers(entries: Any) -> list[dict[str, str]]:
    """Give who wrote last, the newest last, without the fields they own."""
    timed = (entry for entry in mappings(entries) if isinstance(entry.get("time"), str))
    newest = sorted(timed, key=_time_of)[-_MAX_MANAGERS:]
    return [{key: entry[key] for key in _MANAGER_KEYS if isinstance(entry.get(key), str)} for entry in newest]


def _time_of(entry: dict[str, Any]) -> str:
    # The API server writes all of them alike, in UTC and to the second.
    return str(entry["time"])


def _completed(fields: dict[str, Any]) -> dict[str, Any]:
    """Write out what the API leaves out where it is empty, so that "none" differs from "not shown"."""
    match fields["kind"]:
        case "EndpointSlice" if _group(fields) == "discovery.k8s.io":
            return _endpoints(fields)
        case "Endpoints":
            return {"subsets": [], **fields}
        case "ConfigMap" if not _DATA & fields.keys():
            return {"data": {}, **fields}
    return fields


def _endpoints(fields: dict[str, Any]) -> dict[str, Any]:
    """Turn an EndpointSlice into Endpoints named after its Service; one that names no Service stays as it is."""
    metadata = fields["metadata"]
    owners = (o.get("name") for o in mappings(metadata.get("ownerReferences")) if o.get("kind") == "Service")
    service = dig(metadata, "labels", _SERVICE_LABEL) or next(owners, None)
    if not isinstance(service, str) or not service or len(service) > _MAX_NAME:
        return fields
    annotations = metadata.get("annotations")
    kept: dict[str, Any] = annotations if isinstance(annotations, dict) else {}
    named = {**metadata, "name": service, "annotations": {**kept, SLICE_ANNOTATION: metadata.get("name", "")}}
    endpoints = mappings(fields.get("endpoints"))
    # Source: EndpointSlice API: an unknown readiness counts as ready.
    ready = [a for e in endpoints if dig(e, "conditions", "ready") is not False for a in _addresses(e)]
    not_ready = [a for e in endpoints if dig(e, "conditions", "ready") is False for a in _addresses(e)]
    subset: dict[str, Any] = {
        "addresses": ready,
        "notReadyAddresses": not_ready,
        "ports": mappings(fields.get("ports")),
    }
    subsets = [{key: inner for key, inner in subset.items() if inner}] if ready or not_ready else []
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": named, "subsets": subsets}


def _addresses(endpoint: dict[str, Any]) -> Iterator[dict[str, Any]]:
    beside: dict[str, Any] = {key: endpoint[key] for key in ("nodeName", "targetRef", "hostname") if key in endpoint}
    addresses = endpoint.get("addresses")
    for address in addresses if isinstance(addresses, list) else ():
        yield {"ip": address, **beside}
