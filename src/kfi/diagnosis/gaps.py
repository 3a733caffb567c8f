"""
What could not be seen, and the one read-only command that would show it.

Only gaps that stand between the evidence and a surer answer are named: those of the workloads that are unwell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kfi.models.records import TextForm
from kfi.models.schemas import Gap, ObjectRef, RootCause
from kfi.snapshot.pod import Pod
from kfi.snapshot.view import Snapshot

_MAX_GAPS = 4


def find_gaps(
    snapshot: Snapshot,
    causes: Iterable[RootCause],
    missing: Iterable[str] = (),
    namespace: str = "",
    named: Iterable[ObjectRef] = (),
) -> tuple[Gap, ...]:
    """Give what is missing, most useful first, each with its command.

    `missing` are names in the question that no text shows, `named` the objects of the other names in it, `namespace` is
    the one that was asked about.
    """
    found = [*_unknown_names(missing), *_unseen_namespace(snapshot, namespace), *_seen_elsewhere(snapshot, named)]
    causes = tuple(causes)
    found += [gap for cause in causes for gap in _of_node(snapshot, cause)]
    found += _unseen_cluster(snapshot)
    for cause in causes:
        found.extend(_of_workload(snapshot, cause.workload))
    return tuple({gap.command: gap for gap in found}.values())[:_MAX_GAPS]


def _unknown_names(missing: Iterable[str]) -> Iterator[Gap]:
    for name in missing:
        what = f"Nothing in the evidence is named {name!r}."
        yield Gap(what=what, command=f"kubectl get all -A | grep -F -- {name}")


def _unseen_namespace(snapshot: Snapshot, namespace: str) -> Iterator[Gap]:
    seen = {ref.name if ref.kind == "Namespace" else ref.namespace for ref in snapshot.objects}
    # A text that was read without its namespace may be of this one.
    pods_of_none = any(not pod.namespace for pod in snapshot.pods)
    heard = {e.ref.namespace for e in snapshot.events} | {log.ref.namespace for log in snapshot.logs}
    if namespace and namespace not in seen | heard and not pods_of_none:
        what = f"Nothing in the evidence is of namespace {namespace!r}."
        yield Gap(what=what, command=f"kubectl get all,events -n {namespace}")


def _seen_elsewhere(snapshot: Snapshot, named: Iterable[ObjectRef]) -> Iterator[Gap]:
    """Yield objects of which only a manifest was given, and live state of their namesake in another namespace."""
    live = [ref for ref, one in snapshot.objects.items() if one.observed]
    for ref in named:
        applied = ref in snapshot.objects and not snapshot.objects[ref].observed
        homes = [one.namespace for one in live if (one.kind, one.name) == (ref.kind, ref.name)] if applied else []
        if homes:
            what = f"Of {ref} only a manifest was given; live state of that name is of namespace {homes[0]!r}."
            yield Gap(what=what, command=f"kubectl get {ref.kind.lower()} {ref.name} -n {ref.namespace} -o json")


def _unseen_cluster(snapshot: Snapshot) -> Iterator[Gap]:
    if not snapshot.pods and any(w.observed for w in snapshot.workloads):
        yield Gap(what="No Pod was seen, only what owns them.", command="kubectl get pods -A -o json")
    elif not snapshot.pods and snapshot.objects:
        live = any(one.observed for one in snapshot.objects.values())
        what = "No Pod was seen." if live else "No live state was seen, only manifests."
        yield Gap(what=what, command="kubectl get pods,events -A -o json")


def _of_node(snapshot: Snapshot, cause: RootCause) -> Iterator[Gap]:
    node = cause.object
    unexplained = node.kind == "Node" and cause.code == "node-not-ready"
    if unexplained and not any(service.node == node for service in snapshot.services):
        was = "was" if cause.until else "is"
        what = f"Nothing of the services of node {node.name} was given: they tell why it {was} not ready."
        yield Gap(what=what, command=f"ssh {node.name} {_of_services(cause)}")


def _of_services(cause: RootCause) -> str:
    if cause.until is None:
        return "systemctl status kubelet containerd crio docker --no-pager"
    since = f' --since "{cause.since:%Y-%m-%d %H:%M:%S} UTC"' if cause.since else ""
    return f'journalctl -u kubelet -u containerd{since} --until "{cause.until:%Y-%m-%d %H:%M:%S} UTC" --no-pager'


def _of_workload(snapshot: Snapshot, workload: ObjectRef) -> Iterator[Gap]:
    pods = [p for p in snapshot.topology.pods_of(workload) if not p.ready and not p.finished]
    for pod in pods[:1]:
        yield from _of_pod(snapshot, pod)


def _of_pod(snapshot: Snapshot, pod: Pod) -> Iterator[Gap]:
    scope = f" -n {pod.namespace}" if pod.namespace else ""
    logs = snapshot.logs_of(pod.ref, snapshot.topology.workload(pod.ref))
    crashed = [s for s in pod.status.container_statuses if s.last_state.terminated or s.state.terminated]
    if crashed and not any(log.record.previous for log in logs):
        name = crashed[0].name
        yield Gap(
            what=f"The log of the previous run of container {name} of Pod {pod.name} was not given.",
            command=f"kubectl logs{scope} {pod.name} -c {name} --previous",
        )
    if not snapshot.events_of(pod.ref):
        yield Gap(
            what=f"No Event about Pod {pod.name} was given (Events expire after an hour).",
            command=f"kubectl get events{scope} --field-selector involvedObject.name={pod.name}",
        )
    waits = (pod.status.summary or pod.status.phase or "Pending") == "Pending"
    if waits and not pod.spec.node_name and not snapshot.nodes:
        yield Gap(what="No node was seen, so free room and taints are unknown.", command="kubectl describe nodes")
    rows = all(one.record.form is TextForm.TABLE for one in snapshot.seen.get(pod.ref, ()))
    if rows and not pod.status.container_statuses and pod.spec.node_name:
        yield Gap(
            what=f"Only a table row of Pod {pod.name} was seen: its containers' states are unknown.",
            command=f"kubectl get pod{scope} {pod.name} -o json",
        )
