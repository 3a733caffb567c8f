"""
Probes that ask a port which nobody declares, of Pods that behave as such a probe makes them, where no text says more.

The kubelet's Events about a probe are gone in an hour, and a table row shows only that a Pod restarts or is not ready.
Together with a template whose probe asks an undeclared port that is enough to name the probe.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from kfi.diagnosis.conditions.manifest_faults import only_declared, undeclared_ports
from kfi.diagnosis.conditions.pod_spec import cite_spec, full_spec
from kfi.diagnosis.conditions.served import declared
from kfi.diagnosis.words.probe import WRONG_PORT
from kfi.models.schemas import Finding
from kfi.snapshot.pod import Pod
from kfi.snapshot.view import Snapshot

# Back-off doubles up to five minutes: what never passes its probe restarts at least this often.
_AT_LEAST_EVERY = timedelta(minutes=10)
_STRENGTH = 0.8


def unheard_probe_ports(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield the probes that explain what a table row shows of a Pod."""
    for pod in snapshot.pods:
        kinds = _fitting(snapshot, pod)
        spec = full_spec(snapshot, pod.ref) if kinds else pod.spec
        in_pod = {port for container in spec.all_containers for port in declared(container)}
        for container in spec.containers if kinds else ():
            for kind, port in undeclared_ports(container, in_pod).items():
                if kind in kinds:
                    ports = ", ".join(map(str, sorted(declared(container))))
                    message = (
                        f"The {kind} probe of container {container.name} of Pod {pod.name} asks port {port}, but the "
                        f"container declares {ports}; the Pod {kinds[kind]}."
                    )
                    paths = [("containers", container.name, field) for field in (f"{kind}Probe", "ports")]
                    shown = snapshot.cite(pod.ref, ("status", "restarts"), ("status", "summary"))
                    lines = (*cite_spec(snapshot, pod.ref, *paths), *shown)
                    yield WRONG_PORT[kind].found(pod.ref, message, lines[:6], strength=_STRENGTH)


def _fitting(snapshot: Snapshot, pod: Pod) -> dict[str, str]:
    """Give the kinds of probe that would make a Pod behave as it does, each with what is seen of it."""
    # Where containers' states or Events are known, they say whether a probe is the reason.
    told = bool(pod.status.container_statuses) or only_declared(snapshot, pod.ref) or any(snapshot.events_of(pod.ref))
    if told or pod.finished or pod.status.summary not in ("Running", "CrashLoopBackOff"):
        return {}
    seen, age = {}, pod.metadata.creation_timestamp
    restarts = pod.status.restarts or 0
    if restarts and age and snapshot.as_of - age <= restarts * _AT_LEAST_EVERY:
        seen["liveness"] = seen["startup"] = "restarts again and again"
    if pod.status.summary == "Running" and pod.ready is False:
        seen["readiness"] = "runs and is not ready"
    return seen
