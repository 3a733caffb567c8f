"""
What manifests alone show to be wrong, where nothing of the cluster itself was seen.

Somebody who hands over only what was applied wants to know what is wrong with it. These findings are weaker than those
that an Event or a state proves, and none is made where a list of the cluster's objects exists.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kfi.diagnosis.conditions.pod_spec import naming_paths
from kfi.diagnosis.conditions.served import declared, port_number, probes
from kfi.diagnosis.words.config import MISSING_CONFIG_MAP, MISSING_SECRET
from kfi.diagnosis.words.probe import WRONG_PORT
from kfi.diagnosis.words.service import WORKLOAD_SELECTOR_MISMATCH
from kfi.models.schemas import Finding, ObjectRef
from kfi.snapshot.pod import Container, Pod, PodSpec
from kfi.snapshot.provenance import Path
from kfi.snapshot.resources import Keyed, Workload
from kfi.snapshot.view import Snapshot

_BY_KIND = {"ConfigMap": MISSING_CONFIG_MAP, "Secret": MISSING_SECRET}


@dataclass(frozen=True)
class _Declared:
    """A Pod or a workload that only a manifest shows."""

    ref: ObjectRef
    spec: PodSpec
    prefix: Path
    """Where its Pod spec stands."""


def only_declared(snapshot: Snapshot, ref: ObjectRef) -> bool:
    """Tell whether an object is known from a manifest, and nothing says what of its kind lives in the cluster."""
    known = snapshot.objects.get(ref)
    return known is not None and not known.observed and not snapshot.listed(ref.kind, ref.namespace, ref.cluster)


def _all_declared(snapshot: Snapshot) -> Iterator[_Declared]:
    for workload in snapshot.workloads:
        if not workload.observed and only_declared(snapshot, workload.ref):
            yield _Declared(workload.ref, workload.spec.template.spec, ("spec", "template", "spec"))
    for pod in snapshot.of(Pod):
        if not pod.observed and only_declared(snapshot, pod.ref):
            yield _Declared(pod.ref, pod.spec, ("spec",))


def undeclared_objects(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield ConfigMaps and Secrets that a manifest needs, where others of the namespace are there and they are not."""
    kept = {(resource.ref.kind, resource.namespace) for resource in snapshot.of(Keyed)}
    for one in _all_declared(snapshot):
        for needed in dict.fromkeys(snapshot.topology.references(one.ref, one.spec)):
            rule = _BY_KIND.get(needed.kind)
            if rule is None or needed in snapshot.objects or (needed.kind, needed.namespace) not in kept:
                continue
            if snapshot.listed(needed.kind, needed.namespace, needed.cluster):
                continue
            message = (
                f"{one.ref.kind} {one.ref.name} needs {needed.kind} {needed.name}, which is not among the objects of "
                f"namespace {needed.namespace} that were given."
            )
            paths = [(*one.prefix, *path) for path in naming_paths(one.spec, needed)]
            yield rule.found(one.ref, message, snapshot.cite(one.ref, *paths[:3]), strength=0.5)


def wrong_probe_ports(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield probes of a manifest that ask a port which no container of its Pod declares."""
    for one in _all_declared(snapshot):
        in_pod = {port for container in one.spec.all_containers for port in declared(container)}
        for container in one.spec.containers:
            for kind, asked in undeclared_ports(container, in_pod).items():
                ports = ", ".join(map(str, sorted(declared(container))))
                paths = [("containers", container.name, field) for field in (f"{kind}Probe", "ports")]
                message = (
                    f"The {kind} probe of container {container.name} of {one.ref.kind} {one.ref.name} asks port "
                    f"{asked}, but the container declares {ports}."
                )
                lines = snapshot.cite(one.ref, *[(*one.prefix, *path) for path in paths])
                strength = 0.85 if isinstance(asked, str) else 0.65
                yield WRONG_PORT[kind].found(one.ref, message, lines, strength=strength)


def undeclared_ports(container: Container, in_pod: set[int]) -> Mapping[str, int | str]:
    """Give the ports of a container's probes that nobody declares, by kind; nothing where it declares none at all."""
    found: dict[str, int | str] = {}
    for kind, probe in probes(container).items() if declared(container) else ():
        port = probe.network.port if probe.network else None
        number = port_number(container, port)
        if port is not None and number not in in_pod:
            found[kind] = port if number is None else number
    return found


def mismatched_selectors(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield workloads of manifests whose selector their own template does not meet."""
    for workload in snapshot.workloads:
        labels, selector = workload.spec.template.metadata.labels, workload.spec.selector
        wanted = selector.match_labels or selector.match_expressions
        if not only_declared(snapshot, workload.ref) or workload.kind == "Job" or not wanted:
            continue
        if not selector.matches(labels) and isinstance(workload, Workload):
            have = ", ".join(f"{key}={value}" for key, value in labels.items()) or "no labels"
            want = ", ".join(f"{key}={value}" for key, value in selector.match_labels.items()) or "an expression"
            message = f"{workload.kind} {workload.name} selects {want}, but its template carries {have}."
            keys = [("matchLabels", key) for key in selector.match_labels]
            paths = [*[("spec", "selector", *key) for key in keys], ("spec", "selector")][: max(len(keys), 1)]
            paths += [("spec", "template", "metadata", "labels", key) for key in selector.match_labels]
            lines = snapshot.cite(workload.ref, *paths)
            yield WORKLOAD_SELECTOR_MISMATCH.found(workload.ref, message, lines, strength=0.85)
