"""
What a Pod asks for, from all texts together, and the lines that show it.

`kubectl describe` leaves out affinity, pull secrets and spread constraints, and a table shows nothing at all; the Pod's
workload (or the manifest someone applied) has them in its template.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kfi.diagnosis.conditions.field_lines import cite_whole
from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.objects import quantity
from kfi.snapshot.pod import Container, Pod, PodSpec
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Workload
from kfi.snapshot.view import Snapshot

_FROM_TEMPLATE = tuple(name for name in PodSpec.model_fields if name != "node_name")


def full_spec(snapshot: Snapshot, ref: ObjectRef) -> PodSpec:
    """Give a Pod's spec; fields that no text of the Pod shows come from its workload's template."""
    pod = snapshot.objects.get(ref.object)
    own = pod.spec if isinstance(pod, Pod) else PodSpec()
    workload = template_owner(snapshot, ref)
    if workload is None:
        return own
    template = workload.spec.template.spec
    missing = {name: getattr(template, name) for name in _FROM_TEMPLATE if not getattr(own, name)}
    return own.model_copy(update=missing)


def template_owner(snapshot: Snapshot, ref: ObjectRef) -> Workload | None:
    """Give the workload whose template a Pod was made from: the topmost that has one."""
    for owner in (snapshot.topology.workload(ref), snapshot.topology.owner(ref)):
        workload = snapshot.objects.get(owner) if owner else None
        if isinstance(workload, Workload) and workload.spec.template.spec.containers:
            return workload
    return None


def cite_spec(snapshot: Snapshot, ref: ObjectRef, *paths: Path) -> tuple[Citation, ...]:
    """Give the lines of fields below a Pod's `spec` (or its template's), then the manifest's: where they are mended."""
    own = cite_whole(snapshot, ref, *[("spec", *path) for path in paths])
    workload = template_owner(snapshot, ref)
    if workload is None:
        return own
    in_template = [("spec", "template", "spec", *path) for path in paths]
    live = own or cite_whole(snapshot, workload.ref, *in_template)
    return tuple(dict.fromkeys((*live, *snapshot.cite_applied(workload.ref, *in_template))))


def naming_paths(spec: PodSpec, needed: ObjectRef) -> Iterator[Path]:
    """Yield where a Pod spec names a ConfigMap or Secret; paths begin below the spec."""
    for volume in spec.volumes:
        if needed.kind == "ConfigMap" and volume.config_map and volume.config_map.name == needed.name:
            yield ("volumes", volume.name, "configMap", "name")
        if needed.kind == "Secret" and volume.secret and volume.secret.secret_name == needed.name:
            yield ("volumes", volume.name, "secret", "secretName")
    for part, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for container in containers:
            for path in _naming_in_container(container, needed):
                yield (part, container.name, *path)


def _naming_in_container(container: Container, needed: ObjectRef) -> Iterator[Path]:
    field = {"ConfigMap": "configMap", "Secret": "secret"}[needed.kind]
    for index, source in enumerate(container.env_from):
        ref = source.config_map_ref if needed.kind == "ConfigMap" else source.secret_ref
        if ref and ref.name == needed.name:
            yield ("envFrom", str(index), f"{field}Ref", "name")
    for env in container.env:
        value_from = env.value_from
        key = value_from and (
            value_from.config_map_key_ref if needed.kind == "ConfigMap" else value_from.secret_key_ref
        )
        if key and key.name == needed.name:
            yield ("env", env.name, "valueFrom", f"{field}KeyRef", "name")


def requested(spec: PodSpec, resource: str) -> float:
    """Give what the scheduler adds up for a Pod: all containers (and sidecars), or the largest init container."""
    sidecars = [c for c in spec.init_containers if c.restart_policy == "Always"]
    together = sum(_request(c, resource) for c in (*spec.containers, *sidecars))
    alone = max((_request(c, resource) for c in spec.init_containers if c not in sidecars), default=0.0)
    return max(together, alone)


def _request(container: Container, resource: str) -> float:
    resources = container.resources
    # A limit without a request becomes the request.
    return quantity(resources.requests.get(resource, resources.limits.get(resource))) or 0.0


def lacking_requests(spec: PodSpec, resources: Iterable[str]) -> tuple[str, ...]:
    """Give the containers that request nothing of one of these resources (a limit becomes the request)."""
    wanted = tuple(resources)
    return tuple(
        c.name
        for c in spec.containers
        if any(r not in c.resources.requests and r not in c.resources.limits for r in wanted)
    )


def limited(spec: PodSpec, resource: str) -> float:
    """Give the sum of a Pod's limits of one resource."""
    return sum(quantity(c.resources.limits.get(resource)) or 0.0 for c in spec.containers)


def request_paths(spec: PodSpec, resource: str) -> Iterable[Path]:
    """Give the paths of the requests of one resource, the largest first."""
    lists = (("containers", spec.containers), ("initContainers", spec.init_containers))
    found = [
        (_request(c, resource), (kind, c.name, "resources", where, resource))
        for kind, containers in lists
        for c in containers
        for where, values in (("requests", c.resources.requests), ("limits", c.resources.limits))
        if resource in values and (where == "requests" or resource not in c.resources.requests)
    ]
    return [path for _, path in sorted(found, reverse=True)]


def shown(value: float, resource: str) -> str:
    """Give a quantity as a person writes it.

    >>> shown(0.25, "cpu"), shown(5.0, "cpu"), shown(3221225472.0, "memory"), shown(2.0, "pods")
    ('250m', '5', '3Gi', '2')
    """
    if "memory" in resource or "storage" in resource:
        for unit, size in (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10)):
            if value >= size:
                return f"{value / size:.4g}{unit}"
    if resource.endswith("cpu") and value % 1:
        return f"{value * 1000:g}m"
    return f"{value:g}"
