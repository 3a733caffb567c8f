"""
Which kinds of evidence a snapshot lacks for a sure diagnosis of whatever may be wrong, and what collects them.

Nothing here looks at what fails: the gaps of one incident are `diagnosis/gaps.py`. Every command only reads.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.models.records import TextForm
from kfi.models.schemas import Gap, ObjectRef
from kfi.snapshot.needs import needed_objects
from kfi.snapshot.pod import ContainerStatus, Pod
from kfi.snapshot.resources import Endpoints
from kfi.snapshot.view import Snapshot


def missing_evidence(snapshot: Snapshot) -> tuple[Gap, ...]:
    """Give the kinds of evidence that are missing, most useful first."""
    # Objects that tell no namespace are counted to "default".
    known = snapshot.namespaces - {"default"}
    scope = f"-n {next(iter(known))}" if len(known) == len(snapshot.namespaces) == 1 else "-A"
    found = [*_pods(snapshot, scope), *_events(snapshot, scope), *_logs(snapshot), *_nodes(snapshot)]
    if snapshot.pods:
        found += [*_owners(snapshot, scope), *_routes(snapshot, scope), *_needed(snapshot, scope)]
    return tuple(found)


def _pods(snapshot: Snapshot, scope: str) -> Iterator[Gap]:
    command = f"kubectl get pods {scope} -o json"
    rows = [pod for pod in snapshot.pods if _only_a_row(snapshot, pod.ref)]
    if not snapshot.pods:
        yield Gap(what=_no_pod(snapshot), command=command)
    elif rows:
        which = "the Pods" if len(rows) == len(snapshot.pods) else f"{len(rows)} of {len(snapshot.pods)} Pods"
        what = f"Only table rows were given of {which}: their containers' states, requests and probes are unknown."
        yield Gap(what=what, command=command)


def _no_pod(snapshot: Snapshot) -> str:
    if snapshot.objects and not any(one.observed for one in snapshot.objects.values()):
        return "No Pod was given: only manifests, and nothing of what lives in a cluster."
    return "No Pod was given."


def _only_a_row(snapshot: Snapshot, ref: ObjectRef) -> bool:
    return all(one.record.form is TextForm.TABLE for one in snapshot.seen.get(ref, ()))


def _events(snapshot: Snapshot, scope: str) -> Iterator[Gap]:
    if not snapshot.events:
        yield Gap(
            what="No Event was given: what the scheduler, the kubelet and the controllers refused is unknown.",
            command=f"kubectl get events {scope} -o json",
        )


def _logs(snapshot: Snapshot) -> Iterator[Gap]:
    ended = [(pod, status.name) for pod in snapshot.pods for status in pod.status.container_statuses if _failed(status)]
    unheard = [(pod, container) for pod, container in ended if not _last_words(snapshot, pod)]
    if unheard:
        pod, container = unheard[0]
        which = "the container" if len(ended) == 1 else f"{len(unheard)} of {len(ended)} containers"
        yield Gap(
            what=f"The log of the previous run was not given of {which} that ended.",
            command=f"kubectl logs -n {pod.namespace or 'NAMESPACE'} {pod.name} -c {container} --previous",
        )
    elif not snapshot.logs:
        yield Gap(
            what="No log was given: what the applications themselves say is unknown.",
            command="kubectl logs -n NAMESPACE POD --all-containers --timestamps --tail=500",
        )


def _failed(status: ContainerStatus) -> bool:
    now = status.state.terminated
    return bool(status.last_state.terminated or (now and now.exit_code))


def _last_words(snapshot: Snapshot, pod: Pod) -> bool:
    return any(log.record.previous for log in snapshot.logs_of(pod.ref, snapshot.topology.workload(pod.ref)))


def _nodes(snapshot: Snapshot) -> Iterator[Gap]:
    command = "kubectl get nodes -o json"
    if not snapshot.nodes:
        yield Gap(what="No Node was given: free room, taints and conditions are unknown.", command=command)
    elif all(_only_a_row(snapshot, node.ref) for node in snapshot.nodes):
        what = "Only table rows were given of the Nodes: their conditions, taints and room are unknown."
        yield Gap(what=what, command=command)


def _owners(snapshot: Snapshot, scope: str) -> Iterator[Gap]:
    if not snapshot.workloads:
        yield Gap(
            what="No Deployment or other owner of Pods was given: templates and rollouts are unknown.",
            command=f"kubectl get deployments,replicasets,statefulsets,daemonsets,jobs,cronjobs {scope} -o json",
        )


def _routes(snapshot: Snapshot, scope: str) -> Iterator[Gap]:
    command = f"kubectl get services,endpoints,ingresses,networkpolicies {scope} -o json"
    if not snapshot.kube_services:
        yield Gap(
            what="No Service was given: through which names and ports Pods are called is unknown.", command=command
        )
    elif not any(snapshot.live(Endpoints)):
        yield Gap(what="No Endpoints were given: which Pods get a Service's requests is unknown.", command=command)


def _needed(snapshot: Snapshot, scope: str) -> Iterator[Gap]:
    """Yield the kinds that the Pods' specs name, where nothing of the kind was given."""
    needed = {kind for pod in snapshot.pods for kind, _ in needed_objects(pod.spec)}
    lacking = needed - {ref.kind for ref in snapshot.objects} - {listing.kind for listing in snapshot.listings}
    if "PersistentVolumeClaim" in lacking:
        yield Gap(
            what="Pods use claims, and no PersistentVolumeClaim was given.",
            command=f"kubectl get persistentvolumeclaims,persistentvolumes,storageclasses {scope} -o json",
        )
    if "ConfigMap" in lacking:
        yield Gap(
            what="Pods use ConfigMaps, and none was given: missing names and keys, and wrong values, cannot be seen.",
            command=f"kubectl get configmaps {scope} -o json",
        )
