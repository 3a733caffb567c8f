"""
Scheduling: Pods for which the scheduler finds no node, each with the one reason that its own spec brings about.

Only Pods that wait now count. A Pod that the scheduler never spoke about is not ours: then nobody schedules.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.conditions.field_lines import cite_whole
from kfi.diagnosis.conditions.manifest_room import too_few_nodes, too_large
from kfi.diagnosis.conditions.node_fit import Fit, asked_labels, fits, most_room, required_nodes, selects
from kfi.diagnosis.conditions.pod_spec import cite_spec, request_paths, requested, shown
from kfi.diagnosis.conditions.scheduler_message import Filter, clauses, node_count
from kfi.diagnosis.conditions.unschedulable import Reason, main_reason
from kfi.diagnosis.conditions.unspoken_pods import unspoken_pods
from kfi.diagnosis.conditions.waiting_pods import Waiting, waiting_pods
from kfi.diagnosis.conditions.wording import counted
from kfi.diagnosis.words.storage import VOLUME_NODE_AFFINITY_CONFLICT
from kfi.models.schemas import Citation, Finding, ObjectRef, Role
from kfi.snapshot.pod import NodeSelectorTerm, Pod, PodSpec
from kfi.snapshot.provenance import Path
from kfi.snapshot.view import Snapshot

_DESCRIBE = "kubectl describe {kind} {name} -n {namespace}"


def _rule(code: str, title: str, meaning: str, *fix: str, confirm: str = _DESCRIBE, role: Role = Role.CAUSE) -> Rule:
    return Rule(
        code=code, title=title, layer=Layer.SCHEDULING, meaning=meaning, confirm=confirm, fix=fix, role=role
    )  # fmt: skip


INSUFFICIENT_CPU = _rule(
    "insufficient-cpu",
    "No node has the CPU that the Pod requests",
    "The scheduler adds up the CPU requests of a node's Pods, not what they use. The Pod requests more than is left on "
    "any node that it may run on, so it waits.",
    "Lower the CPU requests of the Pod's containers to what they need.",
    "Add a node, or free room on one.",
)
INSUFFICIENT_MEMORY = _rule(
    "insufficient-memory",
    "No node has the memory that the Pod requests",
    "The scheduler adds up the memory requests of a node's Pods, not what they use. The Pod requests more than is left "
    "on any node that it may run on, so it waits.",
    "Lower the memory requests of the Pod's containers to what they need.",
    "Add a node, or free room on one.",
)
INSUFFICIENT_RESOURCE = _rule(
    "insufficient-resource",
    "No node has enough of a resource that the Pod needs",
    "Nodes offer fixed amounts of Pods, ephemeral storage and devices such as GPUs. Every node that the Pod may run on "
    "has too little left of one of them, or offers none.",
    "Check the name and amount of the resource that the Pod requests.",
    "Add a node that offers it, or install what offers it (a device plugin, for devices).",
)
UNTOLERATED_TAINT = _rule(
    "untolerated-taint",
    "Nodes have a taint that the Pod does not tolerate",
    "A taint keeps all Pods off a node except those that tolerate it. Every node that the Pod could use has one that "
    "is not among the Pod's tolerations.",
    "Add the toleration to the Pod's template.",
    "Remove the taint from the node if it is not meant to be there.",
    confirm="kubectl get nodes -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints",
)
NODE_CORDONED = _rule(
    "node-cordoned",
    "The nodes that the Pod may run on are cordoned",
    "A cordoned node takes no new Pods. Either the Pod's selector or affinity leaves it only cordoned nodes, or every "
    "worker is cordoned.",
    "Uncordon the node when its maintenance is over.",
    "Let the Pod run elsewhere: relax its nodeSelector or affinity.",
    confirm="kubectl get nodes",
)
NODE_SELECTOR_MISMATCH = _rule(
    "node-selector-mismatch",
    "The Pod's nodeSelector matches no node",
    "A nodeSelector needs one node that carries all of its labels with exactly those values. None of the nodes does.",
    "Correct the nodeSelector in the Pod's template.",
    "Label a node if one should carry these labels.",
    confirm="kubectl get nodes --show-labels",
)
NODE_AFFINITY_MISMATCH = _rule(
    "node-affinity-mismatch",
    "The Pod's required node affinity matches no node",
    "Under requiredDuringScheduling a node must meet all expressions of one term. None of the nodes meets any term.",
    "Correct the node affinity in the Pod's template.",
    "Label a node so that it matches, or make the affinity preferred instead of required.",
    confirm="kubectl get nodes --show-labels",
)
POD_ANTI_AFFINITY_CONFLICT = _rule(
    "pod-anti-affinity-conflict",
    "Pod anti-affinity excludes every node",
    "A required anti-affinity forbids a node (or zone) on which matching Pods already run. It binds both ways: the "
    "Pod's own rule, or the rule of Pods that already run. There are fewer free places than Pods.",
    "Make the anti-affinity preferred, or narrow its label selector.",
    "Run fewer replicas than there are nodes, or add nodes.",
)
POD_AFFINITY_UNSATISFIED = _rule(
    "pod-affinity-unsatisfied",
    "No node runs the Pods that this Pod must run beside",
    "A required pod affinity needs a Pod with certain labels already running on the node or in the zone. There is "
    "none, or not where the Pod may run.",
    "Correct the label selector and the topology key of the pod affinity.",
    "Start the Pods that it refers to.",
)
TOPOLOGY_SPREAD_UNSATISFIED = _rule(
    "topology-spread-unsatisfied",
    "No node keeps the required topology spread",
    "A spread constraint with DoNotSchedule forbids a node that would make the Pods too uneven between zones or nodes. "
    "Nodes without the topology label are excluded as well.",
    "Raise maxSkew, or use ScheduleAnyway.",
    "Give every node the topology label, and room in the zones that lack Pods.",
)
HOST_PORT_CONFLICT = _rule(
    "host-port-conflict",
    "The host port that the Pod wants is taken on every node",
    "Only one Pod on a node can have a given hostPort. Every node that the Pod may run on has one already.",
    "Drop the hostPort and use a Service.",
    "Run at most one such Pod a node, or choose another port.",
)
VOLUME_LIMIT_REACHED = _rule(
    "volume-limit-reached",
    "Nodes have attached as many volumes as they can",
    "Each storage driver limits how many volumes one node can attach. The nodes that the Pod may run on are at it.",
    "Add a node, or spread the Pods that use volumes.",
)
VOLUME_IN_USE = _rule(
    "volume-in-use",
    "The Pod's volume is in use by another Pod that does not share it",
    "A ReadWriteOncePod claim, or a disk that only one Pod may mount, is held by another Pod.",
    "Delete the Pod that holds the volume if it is no longer needed, or give each Pod a claim of its own.",
)
SCHEDULING_GATED = _rule(
    "scheduling-gated",
    "The Pod has a scheduling gate that nobody removed",
    "The scheduler does not look at a Pod as long as spec.schedulingGates is not empty. Whoever set the gate (a queue, "
    "a quota controller) must remove it.",
    "Check the controller that owns the gate.",
)
UNBOUND_CLAIM = _rule(
    "unbound-claim",
    "The Pod waits for a claim",
    "The scheduler places no Pod whose PersistentVolumeClaim is missing or has no volume. Why that is, the claim says.",
    "Follow the claim's own finding.",
    role=Role.SYMPTOM,
)
NODE_NAME_MISSING = _rule(
    "node-name-missing",
    "The Pod is bound to a node that does not exist",
    "spec.nodeName passes by the scheduler. No kubelet has this name, so nobody starts the Pod.",
    "Remove nodeName from the template, or correct it.",
    confirm="kubectl get nodes",
)
UNSCHEDULABLE = _rule(
    "unschedulable",
    "The scheduler finds no node for the Pod",
    "The scheduler went through all nodes and each was excluded; its message says by what.",
    "Read the scheduler's message: each clause counts the nodes that it excludes.",
)
RULES = (
    INSUFFICIENT_CPU, INSUFFICIENT_MEMORY, INSUFFICIENT_RESOURCE, UNTOLERATED_TAINT, NODE_CORDONED,
    NODE_SELECTOR_MISMATCH, NODE_AFFINITY_MISMATCH, POD_ANTI_AFFINITY_CONFLICT, POD_AFFINITY_UNSATISFIED,
    TOPOLOGY_SPREAD_UNSATISFIED, HOST_PORT_CONFLICT, VOLUME_NODE_AFFINITY_CONFLICT, VOLUME_LIMIT_REACHED, VOLUME_IN_USE,
    SCHEDULING_GATED, UNBOUND_CLAIM, NODE_NAME_MISSING, UNSCHEDULABLE,
)  # fmt: skip

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

# Filters whose rule and fields do not depend on the case.
_PLAIN: dict[Filter, tuple[Rule, tuple[Path, ...]]] = {
    Filter.HOST_PORT: (HOST_PORT_CONFLICT, ()),
    Filter.VOLUME_IN_USE: (VOLUME_IN_USE, (("volumes",),)),
    Filter.VOLUME_LIMIT: (VOLUME_LIMIT_REACHED, ()),
    Filter.VOLUME_BINDING: (UNBOUND_CLAIM, ()),
    Filter.VOLUME_NODE: (VOLUME_NODE_AFFINITY_CONFLICT, (("volumes",),)),
    Filter.TOPOLOGY_SPREAD: (TOPOLOGY_SPREAD_UNSATISFIED, (("topologySpreadConstraints",),)),
    Filter.POD_AFFINITY: (POD_AFFINITY_UNSATISFIED, (("affinity", "podAffinity", _REQUIRED),)),
    Filter.POD_ANTI_AFFINITY: (POD_ANTI_AFFINITY_CONFLICT, (("affinity", "podAntiAffinity", _REQUIRED),)),
    Filter.CLAIM: (UNBOUND_CLAIM, ()),
    Filter.GATE: (SCHEDULING_GATED, (("schedulingGates",),)),
    Filter.OTHER: (UNSCHEDULABLE, ()),
    Filter.NODE_NAME: (UNSCHEDULABLE, (("nodeName",),)),
}


def check(snapshot: Snapshot) -> Iterator[Finding]:
    """Yield for every Pod that waits for a node why it gets none."""
    for pod in snapshot.pods:
        yield from _misplaced(snapshot, pod)
    compared: dict[str, tuple[Fit, ...]] = {}
    for waiting in waiting_pods(snapshot):
        # The Pods of one workload ask for the same; comparing each with every node would take long in a large cluster.
        asks = repr((waiting.ref.cluster, waiting.spec.node_selector, waiting.spec.affinity, waiting.spec.tolerations))
        if asks not in compared:
            compared[asks] = fits(waiting.spec, (n for n in snapshot.nodes if n.ref.cluster == waiting.ref.cluster))
        yield _explained(snapshot, waiting, compared[asks])
    for unspoken in unspoken_pods(snapshot):
        rule = _BY_SPEC.get(unspoken.filter, NODE_SELECTOR_MISMATCH if unspoken.by_selector else NODE_AFFINITY_MISMATCH)
        yield rule.found(unspoken.ref, unspoken.message, unspoken.evidence, strength=unspoken.strength)
    for unfit in (*too_few_nodes(snapshot), *too_large(snapshot)):
        rule = {"cpu": INSUFFICIENT_CPU, "memory": INSUFFICIENT_MEMORY}.get(unfit.about, POD_ANTI_AFFINITY_CONFLICT)
        yield rule.found(unfit.ref, unfit.message, unfit.evidence[:6], strength=unfit.strength)


_BY_SPEC = {
    Filter.TAINT: UNTOLERATED_TAINT, Filter.CORDON: NODE_CORDONED, Filter.POD_ANTI_AFFINITY: POD_ANTI_AFFINITY_CONFLICT
}  # fmt: skip
# The kubelet admits a Pod once more when it arrives; a Pod that named its node never met the scheduler.
_REJECTED = {
    "OutOfcpu": INSUFFICIENT_CPU,
    "OutOfmemory": INSUFFICIENT_MEMORY,
    "OutOfpods": INSUFFICIENT_RESOURCE,
    "OutOfephemeral-storage": INSUFFICIENT_RESOURCE,
    "NodePorts": HOST_PORT_CONFLICT,
    "NodeAffinity": NODE_AFFINITY_MISMATCH,
}


def _misplaced(snapshot: Snapshot, pod: Pod) -> Iterator[Finding]:
    """Yield a Pod that names a node which does not exist, or which refused it."""
    node = ObjectRef(cluster=pod.ref.cluster, kind="Node", name=pod.spec.node_name)
    gone = snapshot.absent(node) if pod.spec.node_name and not pod.finished else None
    if gone and not pod.ready:
        evidence = (*snapshot.cite(pod.ref, ("spec", "nodeName")), gone)
        # Only a kubelet gives these: the node was there, and is gone, or the list is of another cluster.
        was_there = bool(pod.status.host_ip or pod.status.start_time or pod.status.container_statuses)
        message = f"The Pod is bound to the node {node.name}, which does not exist{' any more' if was_there else ''}."
        yield NODE_NAME_MISSING.found(pod.ref, message, evidence, strength=0.45 if was_there else 0.9)
    rule = _REJECTED.get(pod.status.reason or pod.status.summary)
    siblings = snapshot.topology.pods_of(snapshot.topology.workload(pod.ref))
    if rule and not any(sibling.ready for sibling in siblings):
        said = f": {pod.status.message}" if pod.status.message else "."
        evidence = snapshot.cite(pod.ref, ("status", "reason"), ("status", "message"), ("status", "summary"))
        yield rule.found(pod.ref, f"The node refused the Pod{said}", evidence, strength=0.75)


def _explained(snapshot: Snapshot, waiting: Waiting, nodes: tuple[Fit, ...]) -> Finding:
    named = clauses(waiting.message)
    reason = main_reason(waiting.spec, nodes, named)
    rule, message, shown_by, strength = _worded(waiting, reason, nodes)
    role = Role.SYMPTOM if reason.condition else None
    lines = (*cite_spec(snapshot, waiting.ref, *shown_by), *_node_lines(snapshot, reason, asked_labels(waiting.spec)))
    condition = snapshot.cite(waiting.ref, ("status", "conditions", "PodScheduled", "reason"))
    evidence = (*waiting.citations, *lines, *condition)[:7]
    strength *= waiting.certainty
    return rule.found(waiting.ref, message, evidence, strength=strength, since=waiting.since, role=role)


_Words = tuple[Rule, str, tuple[Path, ...], float]


def _worded(waiting: Waiting, reason: Reason, nodes: tuple[Fit, ...]) -> _Words:
    """Give the rule, the sentence, the fields of the Pod that show it, and the strength."""
    if reason.condition and reason.filter is Filter.TAINT:
        where = _names(reason.nodes) or "nodes"
        key = reason.clause.detail.partition("=")[0] if reason.clause else ""
        taint = f": Kubernetes has tainted them {key}" if key and not reason.nodes else ""
        return UNSCHEDULABLE, f"The Pod may only run on {where} that cannot take Pods now{taint}.", (), 0.5
    match reason.filter:
        case Filter.RESOURCE:
            return _resource_words(waiting, reason, nodes)
        case Filter.TAINT:
            return _taint_words(reason)
        case Filter.CORDON:
            return _cordon_words(reason, nodes)
        case Filter.SELECTOR:
            rule, message, paths, strength = _selector_words(waiting.spec, reason, nodes)
            # Whose labels no text shows: a cordoned node may be the very one that the Pod selects.
            cordoned = any(c.filter is Filter.CORDON for c in clauses(waiting.message))
            return rule, message, paths, min(strength, 0.5) if cordoned and not reason.proven else strength
    return _plain_words(waiting, reason)


def _plain_words(waiting: Waiting, reason: Reason) -> _Words:
    kind = reason.filter
    if kind is Filter.EITHER_POD_AFFINITY:
        affinity = waiting.spec.affinity
        beside = affinity and affinity.pod_affinity and not affinity.pod_anti_affinity
        kind = Filter.POD_AFFINITY if beside else Filter.POD_ANTI_AFFINITY
    rule, shown_by = _PLAIN[kind]
    if kind is Filter.HOST_PORT:
        ports = [c.name for c in waiting.spec.containers if any(p.host_port for p in c.ports)]
        shown_by = tuple(("containers", name, "ports") for name in ports)
    if not reason.clause:
        return rule, f"The scheduler says: {waiting.message}", shown_by, 0.5
    total = node_count(waiting.message)
    count = f" ({reason.clause.nodes} of {total} nodes)" if reason.clause.nodes and total else ""
    strength = 0.6 if kind is Filter.OTHER else 0.9
    return rule, f"The scheduler says: {reason.clause.text}{count}.", shown_by, strength


def _resource_words(waiting: Waiting, reason: Reason, nodes: tuple[Fit, ...]) -> _Words:
    resource = reason.clause.detail if reason.clause else ""
    rule = {"cpu": INSUFFICIENT_CPU, "memory": INSUFFICIENT_MEMORY}.get(resource, INSUFFICIENT_RESOURCE)
    need = requested(waiting.spec, resource)
    count = reason.clause.nodes if reason.clause else 0
    have = "has" if count == 1 else "have"
    if not need:
        room = "room for more Pods" if resource == "pods" else f"{resource} left for the Pod"
        return rule, f"{count} of {node_count(waiting.message)} nodes {have} no {room}.", (), 0.85
    asks = f"The Pod requests {_amount(need, resource)}"
    most = most_room([f.node for f in nodes], resource)
    paths = tuple(request_paths(waiting.spec, resource))[:2]
    if most and not most[0]:
        return rule, f"{asks}; no node offers any.", paths, 0.95
    if most and need > most[0]:
        largest = f"{shown(most[0], resource)} ({most[1].name})"
        return rule, f"{asks}; the largest node can give {largest}.", paths, 0.95
    return rule, f"{asks}; {count} of {node_count(waiting.message)} nodes {have} less left.", paths, 0.9


def _amount(need: float, resource: str) -> str:
    amount = shown(need, resource)
    return (
        f"{amount} of {resource}"
        if resource in ("memory", "ephemeral-storage")
        else f"{amount} {_NAMES.get(resource, resource)}"
    )


_NAMES = {"cpu": "CPU"}


def _taint_words(reason: Reason) -> _Words:
    taints = sorted({f"{t.key}={t.value}:{t.effect}" for f in reason.nodes for t in f.taints})
    if not taints:
        text = reason.clause.text if reason.clause else "untolerated taint"
        return UNTOLERATED_TAINT, f"The scheduler says: {text}; the Pod has no toleration for it.", (), 0.75
    message = f"The Pod does not tolerate {', '.join(taints)} on {_names(reason.nodes)}."
    return UNTOLERATED_TAINT, message, (("nodeSelector",), ("tolerations",)), 0.95 if reason.proven else 0.75


def _cordon_words(reason: Reason, nodes: tuple[Fit, ...]) -> _Words:
    paths: tuple[Path, ...] = (("nodeSelector",), ("affinity", "nodeAffinity", _REQUIRED))
    if not reason.nodes:
        return NODE_CORDONED, "The nodes that the Pod may run on are cordoned.", paths, 0.6
    if len(reason.nodes) == len(nodes) > 1:
        return NODE_CORDONED, f"All {len(nodes)} nodes that take Pods are cordoned.", paths, 0.95
    verb = "is" if len(reason.nodes) == 1 else "are"
    return NODE_CORDONED, f"The Pod may only run on {_names(reason.nodes)}, which {verb} cordoned.", paths, 0.95


def _selector_words(spec: PodSpec, reason: Reason, nodes: tuple[Fit, ...]) -> _Words:
    required = required_nodes(spec)
    labels = ", ".join(f"{key}={value}" for key, value in sorted(spec.node_selector.items()))
    known = f"none of {counted(len(nodes), 'node')}" if nodes else "no node"
    strength = 0.95 if reason.proven else 0.75
    if not labels and not required and spec.tolerations:  # whoever shows tolerations would show a nodeSelector
        message = f"The Pod has no nodeSelector; its node affinity, which no text shows, matches {known}."
        return NODE_AFFINITY_MISMATCH, message, (("tolerations",),), 0.7
    by_selector = spec.node_selector and not any(f.selected for f in nodes)
    if by_selector or not required:
        paths: tuple[Path, ...] = (("nodeSelector",),) if labels else (("affinity", "nodeAffinity", _REQUIRED),)
        wanted = f"The nodeSelector {labels}" if labels else "The Pod's node selector or affinity"
        return NODE_SELECTOR_MISMATCH, f"{wanted} matches {known}.", paths, strength if labels else 0.5
    terms = " or ".join(map(_term, required.node_selector_terms))
    beside = f" with the nodeSelector {labels}" if labels and any(selects(required, f.node) for f in nodes) else ""
    message = f"The required node affinity ({terms}){beside} matches {known}."
    return NODE_AFFINITY_MISMATCH, message, (("affinity", "nodeAffinity", _REQUIRED),), strength


def _term(term: NodeSelectorTerm) -> str:
    requirements = (*term.match_expressions, *term.match_fields)
    return " and ".join(f"{r.key} {r.operator} {', '.join(r.values)}".strip() for r in requirements)


def _names(nodes: tuple[Fit, ...]) -> str:
    names = sorted(f.node.name for f in nodes)
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


_NODE_FIELDS: dict[Filter, tuple[Path, ...]] = {
    Filter.TAINT: (("spec", "taints"),),
    Filter.CORDON: (("spec", "unschedulable"),),
}


def _node_lines(snapshot: Snapshot, reason: Reason, asked: tuple[str, ...]) -> Iterator[Citation]:
    paths = _NODE_FIELDS.get(reason.filter, ())
    if reason.filter is Filter.RESOURCE and reason.clause:
        paths = (("status", "allocatable", reason.clause.detail),)
    for fit in reason.nodes[:2]:
        labels = [("metadata", "labels", key) for key in asked] if reason.filter is Filter.SELECTOR else []
        # Where a node has none of the labels that the Pod asks for, the line where its labels begin shows that.
        own = cite_whole(snapshot, fit.node.ref, *paths, *labels)
        yield from own or (snapshot.cite(fit.node.ref, ("metadata", "labels")) if labels else ())
