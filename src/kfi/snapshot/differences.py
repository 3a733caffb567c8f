"""
What differs between two states of an object, said the way a person would.

The trees are in API form. Lists are compared element by element under their names, so a variable that moved is no
change.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from kfi.snapshot.read.found import Path, element_key

# Bookkeeping that changes with every rollout or every look.
_NOT_SAID = frozenset(
    {
        "pod-template-hash",
        "controller-revision-hash",
        "deployment.kubernetes.io/revision",
        "creationTimestamp",
        "resourceVersion",
        "uid",
        "generation",
        "volumeName",
        "claimRef",
        "managedFields",
        "status",
        "last-applied-configuration",
        "kubectl.kubernetes.io/last-applied-configuration",
    }
)
# Compared as one thing: half of a variable or of a volume is no change that anybody made.
_WHOLE = frozenset(
    "env envFrom volumes volumeMounts volumeDevices command args tolerations taints ports imagePullSecrets".split()
)
_NAMED = frozenset("env volumes volumeMounts".split())
_MAPS = frozenset("annotations labels data stringData".split())
_VERBATIM = 80
_UNSCHEDULABLE = ("spec", "unschedulable")
_RESTARTED = "kubectl.kubernetes.io/restartedAt"


class Difference(NamedTuple):
    """One field that differs; None stands for a field that is not there."""

    path: Path
    old: Any
    new: Any

    @property
    def words(self) -> str:
        """What was done, in the past tense, to follow a subject: `removed the variable DB_HOST of container app`."""
        if self.path[-1] == _RESTARTED:
            return "restarted the Pods (kubectl rollout restart)"
        if self.path == _UNSCHEDULABLE:
            return "cordoned the node" if self.new else "uncordoned the node"
        what = _named(self.path)
        if self.old is None:
            return f"added {what}{_value(' = ', self.new)}"
        if self.new is None:
            return f"removed {what}"
        old, new = _value("", self.old), _value("", self.new)
        return f"changed {what} from {old} to {new}" if old and new and old != new else f"changed {what}"


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield what differs between two trees, in the order of the fields."""
    yield from _compared(old, new, ())


def _compared(old: Any, new: Any, path: Path) -> Iterator[Difference]:
    if old == new or (path and path[-1] in _NOT_SAID):
        return
    one, other = _children(old, path), _children(new, path)
    if one is None or other is None or _is_unit(path):
        yield Difference(path, old, new)
        return
    for key in dict.fromkeys((*one, *other)):
        yield from _compared(one.get(key), other.get(key), (*path, key))


def _is_unit(path: Path) -> bool:
    """Tell whether a place is compared as a whole: an element of a named list, or a list whose order has a meaning."""
    above = path[-2] if len(path) > 1 else ""
    return above in _WHOLE or (path[-1:] != () and path[-1] in _WHOLE - _NAMED)


def _children(value: Any, path: Path) -> dict[str, Any] | None:
    """Give what is below a place by key; None where it is a plain value. A missing list or map has nothing below."""
    if value is None:
        # Only where whole containers or sections appear or go does the place itself differ.
        return {} if path[-1:] != () and path[-1] in _NAMED | _MAPS else None
    if isinstance(value, Mapping):
        return {str(key): inner for key, inner in value.items()}
    if isinstance(value, list):
        return {element_key(item, index): item for index, item in enumerate(value)}
    return None


def _named(path: Path) -> str:
    """Name a field: by its container where it is of one."""
    for containers, word in (("initContainers", "init container"), ("containers", "container")):
        if containers in path:
            place = path.index(containers)
            container, inside = path[place + 1] if len(path) > place + 1 else "", path[place + 2 :]
            if not inside:
                return f"{word} {container}"
            return f"{_inside(inside)} of {word} {container}"
    shown = [key for key in path if key not in ("spec", "template", "metadata")] or list(path)
    return _inside(tuple(shown))


def _inside(path: Path) -> str:
    if len(path) == 2 and path[0] in ("env", "volumes", "volumeMounts"):
        word = {"env": "the variable", "volumes": "the volume", "volumeMounts": "the mount"}[path[0]]
        return f"{word} {path[1]}"
    if len(path) == 2 and path[0] in ("data", "stringData", "binaryData"):
        return f"the key {path[1]}"
    if path == ("image",):
        return "the image"
    return ".".join(path)


def _value(lead: str, value: Any) -> str:
    """Give a value where it is short enough to read; nothing for a structure."""
    if isinstance(value, Mapping):
        # A variable: its value, or where it comes from.
        inner = value.get("value")
        source = value.get("valueFrom")
        if isinstance(source, Mapping) and source:
            kind, which = next(iter(source.items()))
            named = ", ".join(str(part) for part in which.values()) if isinstance(which, Mapping) else which
            return f"{lead}{kind} {named}"[:_VERBATIM]
        return _value(lead, inner) if isinstance(inner, str) else ""
    if isinstance(value, list):
        text = " ".join(str(item) for item in value) if all(isinstance(i, str | int) for i in value) else ""
    else:
        text = str(value)
    return f"{lead}{text!r}" if isinstance(value, str) and 0 < len(text) <= _VERBATIM else _plain(lead, text)


def _plain(lead: str, text: str) -> str:
    return f"{lead}{text}" if 0 < len(text) <= _VERBATIM else ""
