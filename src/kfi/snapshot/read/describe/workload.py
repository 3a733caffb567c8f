"""
Workloads: Deployment, ReplicaSet, StatefulSet, DaemonSet, ReplicationController, Job, CronJob.

kubectl does not print how many Pods are ready. Available and ready are the same where `MinReadySeconds` is 0, and only
then `readyReplicas` is given. How many Pods run or wait (`Pods Status`) is no field of the API: `status.kfiPods`.
"""

from __future__ import annotations

import re

from kfi.snapshot.read.describe.columns import conditions
from kfi.snapshot.read.describe.fields import At, Table, Tree, fill
from kfi.snapshot.read.describe.pod import pod_template
from kfi.snapshot.read.describe.scalars import (
    META,
    boolean,
    comma_list,
    inline_labels,
    integer,
    integer_or_text,
    seconds,
    text,
    time,
)
from kfi.snapshot.read.describe.selectors import selector
from kfi.snapshot.read.describe.tree import Node
from kfi.snapshot.read.describe.volumes import claim_templates

_COUNT = re.compile(r"(\d{1,9}) (\w+)")
_READY = re.compile(r"\((\d{1,9}) Ready\)")
_ROLLING = re.compile(r"(\S+) max unavailable, (\S+) max surge")
_REPLICA_SET = re.compile(r"(\S+) \((\d{1,9})/(\d{1,9}) replicas created\)")

_REPLICAS = {
    "desired": "spec.replicas",
    "updated": "status.updatedReplicas",
    "total": "status.replicas",
    "current": "status.replicas",
    "available": "status.availableReplicas",
    "unavailable": "status.unavailableReplicas",
}


def _replicas(node: Node) -> Tree:
    """Give the counts of `1 desired | 1 updated | 1 total` and `1 current / 1 desired`."""
    tree: Tree = {"spec": {}, "status": {}}
    for number, word in _COUNT.findall(node.value):
        if word in _REPLICAS:
            part, _, name = _REPLICAS[word].partition(".")
            tree[part][name] = At(int(number), node.line)
    return {part: counts for part, counts in tree.items() if counts}


def _pods(node: Node) -> At | None:
    counts = {word.lower(): At(int(number), node.line) for number, word in _COUNT.findall(node.value)}
    return At(counts, node.line) if counts else None


def _job_pods(node: Node) -> Tree:
    counts = {word.lower(): int(number) for number, word in _COUNT.findall(_READY.sub("", node.value))}
    ready = _READY.search(node.value)
    counts |= {"ready": int(ready[1])} if ready else {}
    known = ("active", "ready", "succeeded", "failed")
    return {word: At(counts[word], node.line) for word in known if word in counts}


def _rolling_update(node: Node) -> Tree | None:
    match = _ROLLING.fullmatch(node.value)
    if not match:
        return None
    values = zip(("maxUnavailable", "maxSurge"), match.groups(), strict=True)
    return {name: At(int(value) if value.isdecimal() else value, node.line) for name, value in values}


def _replica_sets(node: Node) -> At:
    found = [
        {"name": match[1], "replicas": int(match[2]), "desired": int(match[3])}
        for match in _REPLICA_SET.finditer(node.value.replace(", ", "\n"))
    ]
    return At(found, node.line)


def _update_strategy(node: Node) -> Tree | None:
    rolling = fill(
        node.children,
        {
            "Partition": ("rollingUpdate.partition", integer),
            "MaxUnavailable": ("rollingUpdate.maxUnavailable", integer_or_text),
        },
    )
    kind = text(node)
    return {**rolling, "type": kind} if kind else None


_REPLICATED: Table = {
    **META,
    "Selector": ("spec.selector", selector),
    "Replicas": ("", _replicas),
    "Pods Status": ("status.kfiPods", _pods),
    "Pod Template": ("spec.template", pod_template),
    "Conditions": ("status.conditions", conditions),
}

_DEPLOYMENT: Table = {
    **_REPLICATED,
    "StrategyType": ("spec.strategy.type", text),
    "RollingUpdateStrategy": ("spec.strategy.rollingUpdate", _rolling_update),
    "MinReadySeconds": ("spec.minReadySeconds", integer),
    "OldReplicaSets": ("status.kfiOldReplicaSets", _replica_sets),
    "NewReplicaSet": ("status.kfiNewReplicaSet", _replica_sets),
}

REPLICA_SET: Table = _REPLICATED
REPLICATION_CONTROLLER: Table = {**_REPLICATED, "Selector": ("spec.selector", inline_labels)}
STATEFUL_SET: Table = {
    **_REPLICATED,
    "Update Strategy": ("spec.updateStrategy", _update_strategy),
    "Volume Claims": ("spec.volumeClaimTemplates", claim_templates),
}

_DAEMON_SET: Table = {
    **_REPLICATED,
    "Desired Number of Nodes Scheduled": ("status.desiredNumberScheduled", integer),
    "Current Number of Nodes Scheduled": ("status.currentNumberScheduled", integer),
    "Number of Nodes Scheduled with Up-to-date Pods": ("status.updatedNumberScheduled", integer),
    "Number of Nodes Scheduled with Available Pods": ("status.numberAvailable", integer),
    "Number of Nodes Misscheduled": ("status.numberMisscheduled", integer),
}

_JOB_SPEC: Table = {
    "Selector": ("spec.selector", selector),
    "Parallelism": ("spec.parallelism", integer),
    "Completions": ("spec.completions", integer),
    "Active Deadline Seconds": ("spec.activeDeadlineSeconds", seconds),
    "Pod Template": ("spec.template", pod_template),
}

JOB: Table = {
    **META,
    **_JOB_SPEC,
    "Completion Mode": ("spec.completionMode", text),
    "Suspend": ("spec.suspend", boolean),
    "Backoff Limit": ("spec.backoffLimit", integer),
    "TTL Seconds After Finished": ("spec.ttlSecondsAfterFinished", integer),
    "Start Time": ("status.startTime", time),
    "Completed At": ("status.completionTime", time),
    "Pods Statuses": ("status", _job_pods),
    "Completed Indexes": ("status.completedIndexes", text),
}

CRON_JOB: Table = {
    **META,
    **{key: (f"spec.jobTemplate.{path}", read) for key, (path, read) in _JOB_SPEC.items()},
    "Schedule": ("spec.schedule", text),
    "Concurrency Policy": ("spec.concurrencyPolicy", text),
    "Suspend": ("spec.suspend", boolean),
    "Time Zone": ("spec.timeZone", text),
    "Successful Job History Limit": ("spec.successfulJobsHistoryLimit", integer),
    "Failed Job History Limit": ("spec.failedJobsHistoryLimit", integer),
    "Starting Deadline Seconds": ("spec.startingDeadlineSeconds", seconds),
    "Last Schedule Time": ("status.lastScheduleTime", time),
    "Active Jobs": ("status.kfiActiveJobs", comma_list),
}


def deployment(nodes: list[Node]) -> Tree:
    """Give a Deployment's fields."""
    tree = fill(nodes, _DEPLOYMENT)
    status = tree.get("status", {})
    if tree.get("spec", {}).get("minReadySeconds", At(None, 0)).value == 0 and "availableReplicas" in status:
        status["readyReplicas"] = status["availableReplicas"]
    return tree


def daemon_set(nodes: list[Node]) -> Tree:
    """Give a DaemonSet's fields; as many Pods are ready as are available, at least."""
    tree = fill(nodes, _DAEMON_SET)
    status = tree.get("status", {})
    if "numberAvailable" in status:
        status["numberReady"] = status["numberAvailable"]
    return tree
