"""
What a workload is set to: its variables, command line, and the ConfigMaps it takes whole or as files.

Each setting keeps the object and field that holds it, so that the line to mend can be cited.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.pod import Container, KeyRef, PodSpec
from kfi.snapshot.provenance import Path, quote, value_at
from kfi.snapshot.resources import Keyed, Workload
from kfi.snapshot.view import Snapshot

_MAX_CHARS = 20_000


@dataclass(frozen=True)
class Setting:
    """A variable, a command line or a file of a container; `text` is empty where only its name shows."""

    container: str
    name: str
    text: str
    ref: ObjectRef
    path: Path
    is_file: bool = False

    def lines(self, snapshot: Snapshot, part: str = "") -> tuple[Citation, ...]:
        """Give where it stands, live and in the applied manifest; of several lines the one that holds `part`."""
        path = self._path_of(snapshot, part)
        found = (*_within(snapshot, self.ref, path, part), *snapshot.cite(self.ref, path))[:1]
        return tuple(dict.fromkeys((*found, *snapshot.cite_applied(self.ref, path))))[:2]

    def _path_of(self, snapshot: Snapshot, part: str) -> Path:
        for seen in snapshot.seen.get(self.ref, ()) if part else ():
            held = value_at(seen.record.fields, self.path)
            for index, item in enumerate(held if isinstance(held, list) else ()):
                if part in str(item):
                    return (*self.path, str(index))
        return self.path


def _within(snapshot: Snapshot, ref: ObjectRef, path: Path, part: str) -> Iterator[Citation]:
    """Yield the line of a text of several lines that holds a part of it."""
    for seen in snapshot.seen.get(ref, ()) if part else ():
        begin, document = seen.line(path), seen.document
        texts = document.text.split("\n")
        for index in range(begin - document.source.first_line, len(texts)) if begin else ():
            if part in texts[index]:
                line = document.source.first_line + index
                text = quote(document, line)
                yield Citation(
                    document_id=document.id, path=document.source.path, first_line=line, last_line=line, text=text
                )
                break


@dataclass(frozen=True)
class Specified:
    """A workload's Pod spec, and where it stands."""

    ref: ObjectRef
    prefix: Path
    spec: PodSpec


def specified(snapshot: Snapshot, workload: ObjectRef) -> Specified | None:
    """Give the spec that a workload's newest Pod has, else its template; None where no text shows containers."""
    pods = [pod for pod in snapshot.topology.pods_of(workload) if pod.spec.containers]
    if pods:
        newest = max(pods, key=lambda pod: str(pod.metadata.creation_timestamp or pod.status.start_time or ""))
        return Specified(newest.ref, ("spec",), newest.spec)
    found = snapshot.objects.get(workload)
    if isinstance(found, Workload) and found.spec.template.spec.containers:
        return Specified(found.ref, ("spec", "template", "spec"), found.spec.template.spec)
    return None


def settings_of(snapshot: Snapshot, workload: ObjectRef) -> Iterator[Setting]:
    """Yield everything that a workload's containers are set to, as far as it shows."""
    one = specified(snapshot, workload)
    if one is None:
        return
    for part, containers in (("containers", one.spec.containers), ("initContainers", one.spec.init_containers)):
        for container in containers:
            yield from _of_container(snapshot, one, (*one.prefix, part, container.name), container)


def _of_container(snapshot: Snapshot, one: Specified, at: Path, container: Container) -> Iterator[Setting]:
    name = container.name
    for env in container.env:
        key = env.value_from.config_map_key_ref if env.value_from else None
        if key:
            yield from _of_key(snapshot, one, name, env.name, key)
        else:
            yield Setting(name, env.name, env.value or "", one.ref, (*at, "env", env.name, "value"))
    for part, words in (("command", container.command), ("args", container.args)):
        yield Setting(name, part, " ".join(words)[:_MAX_CHARS], one.ref, (*at, part))
    yield from _of_whole_maps(snapshot, one, container)


def _of_whole_maps(snapshot: Snapshot, one: Specified, container: Container) -> Iterator[Setting]:
    name = container.name
    for source in container.env_from:
        if source.config_map_ref:
            yield from _of_map(snapshot, one, name, source.config_map_ref.name, source.prefix)
    mounted = {mount.name for mount in container.volume_mounts}
    for volume in one.spec.volumes:
        if volume.config_map and volume.name in mounted:
            yield from _of_map(snapshot, one, name, volume.config_map.name, "", is_file=True)


def _of_key(snapshot: Snapshot, one: Specified, container: str, variable: str, key: KeyRef) -> Iterator[Setting]:
    ref, data = _data(snapshot, one, key.name)
    if key.key in data:
        yield Setting(container, variable, data[key.key], ref, ("data", key.key))


def _of_map(
    snapshot: Snapshot, one: Specified, container: str, name: str, prefix: str, is_file: bool = False
) -> Iterator[Setting]:
    ref, data = _data(snapshot, one, name)
    for key, text in data.items():
        yield Setting(container, prefix + key, text, ref, ("data", key), is_file)


def _data(snapshot: Snapshot, one: Specified, name: str) -> tuple[ObjectRef, dict[str, str]]:
    ref = one.ref.model_copy(update={"kind": "ConfigMap", "name": name})
    found = snapshot.objects.get(ref)
    data = found.data if isinstance(found, Keyed) else None
    return ref, {key: text[:_MAX_CHARS] for key, text in (data or {}).items() if isinstance(text, str)}
