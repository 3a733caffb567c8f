"""
What a person reads of autoscalers, of nodes that are not added, and of Pods that are evicted or may not be.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.models.schemas import Role

_HPA = "kubectl describe hpa {name} -n {namespace}"
_POD = "kubectl describe {kind} {name} -n {namespace}"

HPA_AT_MAXIMUM = Rule(
    code="hpa-at-maximum",
    title="The HorizontalPodAutoscaler is at its maximum and the load is above its target",
    layer=Layer.PERFORMANCE,
    meaning=(
        "The autoscaler adds replicas until the load is at its target, but never more than maxReplicas. It has reached "
        "that number and the load is still above the target, so every Pod carries more than it is meant to."
    ),
    confirm=_HPA,
    fix=(
        "Raise maxReplicas of the HorizontalPodAutoscaler, if the nodes and the quota have room for more Pods.",
        "Else make each Pod do more: optimize the application, or give it more CPU.",
    ),
)
HPA_METRICS_UNAVAILABLE = Rule(
    code="hpa-metrics-unavailable",
    title="The HorizontalPodAutoscaler cannot read its metrics",
    layer=Layer.APPLICATION,
    meaning=(
        "The autoscaler asks the metrics API for the load of the Pods and gets no answer, so it leaves the number of "
        "replicas as it is. CPU and memory come from metrics-server, other metrics from an adapter."
    ),
    confirm=_HPA,
    fix=(
        "Install or repair what serves the metrics: metrics-server for CPU and memory, the adapter for other metrics.",
        "Check the metric's name and selector in the autoscaler.",
    ),
)
HPA_MISSING_REQUESTS = Rule(
    code="hpa-missing-requests",
    title="The HorizontalPodAutoscaler measures a share of requests that the Pods do not set",
    layer=Layer.CONFIG,
    meaning=(
        "A utilization target is a percentage of what the containers request. If one container of the Pod requests "
        "nothing of that resource, the autoscaler cannot compute it and does not scale."
    ),
    confirm=_HPA,
    fix=(
        "Set the resource request on every container of the template, sidecars included.",
        "Or use a target of type AverageValue, or a ContainerResource metric for one container.",
    ),
)
HPA_TARGET_MISSING = Rule(
    code="hpa-target-missing",
    title="The HorizontalPodAutoscaler's target does not exist",
    layer=Layer.CONFIG,
    meaning=(
        "scaleTargetRef names, in the autoscaler's own namespace, a workload that is not there, or a kind or API "
        "version that cannot be scaled. Nothing is scaled."
    ),
    confirm=_HPA,
    fix=("Correct kind, name and apiVersion in scaleTargetRef.", "Or delete the autoscaler if its workload is gone."),
)
HPA_CONFLICT = Rule(
    code="hpa-conflict",
    title="Two autoscalers scale one workload",
    layer=Layer.CONFIG,
    meaning=(
        "Each autoscaler sets the number of replicas to what its own metrics ask for, so they undo each other, or the "
        "controller refuses to scale at all. A KEDA ScaledObject makes an autoscaler of its own, so none may stand "
        "beside it."
    ),
    confirm="kubectl get hpa -n {namespace}",
    fix=(
        "Keep one autoscaler for the workload and put all metrics into it.",
        "Beside a ScaledObject, delete the other HorizontalPodAutoscaler and add its metrics as triggers.",
    ),
)
KEDA_NOT_INSTALLED = Rule(
    code="keda-not-installed",
    title="KEDA is not installed, so no ScaledObject scales the workload",
    layer=Layer.CONFIG,
    meaning=(
        "KEDA scales workloads that a ScaledObject names. The API server does not know the kind ScaledObject, so KEDA "
        "is not installed here; what scales the workload, if anything, is a plain HorizontalPodAutoscaler."
    ),
    confirm="kubectl get crd scaledobjects.keda.sh",
    fix=(
        "If KEDA is meant to scale it, install KEDA and create a ScaledObject in place of the HorizontalPodAutoscaler.",
        "Else look at the HorizontalPodAutoscaler: kubectl describe hpa -n {namespace}.",
    ),
)
WORKLOAD_NOT_SCALED = Rule(
    code="workload-not-scaled",
    title="Workload does not get the replicas that its load asks for",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning="Its autoscaler wants more replicas than it may have or gets, or cannot tell how many are needed.",
    confirm="kubectl get hpa -n {namespace}",
    fix=("Follow the autoscaler's finding, or that of the Pods that wait.",),
)
SCALE_UP_LIMIT_REACHED = Rule(
    code="scale-up-limit-reached",
    title="Cluster autoscaler may add no more nodes",
    layer=Layer.NODE,
    meaning=(
        "Pods wait for room, and a new node would give it, but the autoscaler of nodes has reached the most that it is "
        "allowed: the maximum size of the node groups, of the whole cluster, or the limits of a NodePool."
    ),
    confirm=_POD,
    fix=(
        "Raise the maximum size of the node group, the cluster's maximum, or the NodePool's limits.",
        "Or make room on the nodes: lower requests, run fewer replicas, remove what is not needed.",
    ),
)
SCALE_UP_FAILED = Rule(
    code="scale-up-failed",
    title="Cluster autoscaler tried to add a node and failed",
    layer=Layer.NODE,
    meaning=(
        "The autoscaler of nodes asked the cloud for a machine and did not get one: the account's quota is used up, "
        "the zone has no such machine left, or the subnet no address. It waits before it tries again."
    ),
    confirm="kubectl get events -A --field-selector source=cluster-autoscaler",
    fix=(
        "Raise the cloud account's quota, or free addresses in the subnet, as the message says.",
        "Allow other machine types or zones.",
    ),
)
SCALE_UP_NO_FIT = Rule(
    code="scale-up-no-fit",
    title="No new node that the autoscaler could add would take the Pod",
    layer=Layer.SCHEDULING,
    meaning=(
        "The autoscaler of nodes tried each node group or NodePool and found that the Pod would not fit on a new node "
        "either: it requests more than the largest machine has, or its selectors and tolerations match none of them."
    ),
    confirm=_POD,
    fix=(
        "Lower the Pod's requests, or correct its node selector, affinity and tolerations.",
        "Or allow machines that fit it: another instance type, label or taint in a node group or NodePool.",
    ),
)
EVICTION_BLOCKED = Rule(
    code="eviction-blocked",
    title="The PodDisruptionBudget allows no eviction",
    layer=Layer.ADMISSION,
    meaning=(
        "Draining a node evicts its Pods one by one, and a budget that allows no disruption refuses each eviction. "
        "With minAvailable as high as the number of replicas, or maxUnavailable 0, it refuses for ever."
    ),
    confirm="kubectl get pdb -n {namespace}",
    fix=(
        "Lower minAvailable or raise maxUnavailable, so that one Pod may be missing.",
        "Or run one replica more than the budget wants, until the node is drained.",
    ),
)
POD_PREEMPTED = Rule(
    code="pod-preempted",
    title="Pod was removed to make room for one of higher priority",
    layer=Layer.SCHEDULING,
    meaning=(
        "The scheduler found no room for a Pod of higher priority and removed Pods of lower priority from a node. "
        "Their replacements wait until there is room again."
    ),
    confirm="kubectl get events -A --field-selector reason=Preempted",
    fix=(
        "Add nodes or lower requests, so that both fit.",
        "Give the workload a priority class that is high enough, or the other one preemptionPolicy: Never.",
    ),
)
