"""
The setting that a container's last words name: the environment variable or ConfigMap key behind an error.

A program that refuses its configuration usually says which variable it did not like. Where that name is one the
container really gets, the line that sets it is the line to mend, in the live object and in the applied manifest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Container, Pod
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Keyed
from kfi.snapshot.view import Snapshot

# Shorter words are too often plain English.
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{3,}")


def settings_named(snapshot: Snapshot, pod: Pod, container: Container, text: str) -> Iterator[Citation]:
    """Yield the lines that set what a text names, the live object's first, then the manifest's."""
    words = {word.strip(".-") for word in _WORD.findall(text)}
    for ref, path in _set_by(pod, container, words, snapshot):
        yield from snapshot.cite(ref, path)
        yield from snapshot.cite_applied(ref, path)


def _set_by(pod: Pod, container: Container, words: set[str], snapshot: Snapshot) -> Iterator[tuple[ObjectRef, Path]]:
    for env in container.env:
        source = env.value_from.config_map_key_ref if env.value_from else None
        if env.name in words and source:
            yield _config_map(pod, source.name), ("data", source.key)
        elif env.name in words and not env.value_from:
            yield pod.ref, ("spec", "containers", container.name, "env", env.name, "value")
    for ref, prefix in _whole_config_maps(pod, container):
        yield from ((ref, ("data", key)) for key in _keys(snapshot, ref) if prefix + key in words)


def _whole_config_maps(pod: Pod, container: Container) -> Iterator[tuple[ObjectRef, str]]:
    """Yield the ConfigMaps that the container gets whole, as variables (with their prefix) or as files."""
    for env_from in container.env_from:
        if env_from.config_map_ref:
            yield _config_map(pod, env_from.config_map_ref.name), env_from.prefix
    mounted = {mount.name for mount in container.volume_mounts}
    for volume in pod.spec.volumes:
        if volume.config_map and volume.name in mounted:
            yield _config_map(pod, volume.config_map.name), ""


def _config_map(pod: Pod, name: str) -> ObjectRef:
    return pod.ref.model_copy(update={"kind": "ConfigMap", "name": name})


def _keys(snapshot: Snapshot, ref: ObjectRef) -> frozenset[str]:
    found = snapshot.objects.get(ref)
    return (found.keys or frozenset()) if isinstance(found, Keyed) else frozenset()
