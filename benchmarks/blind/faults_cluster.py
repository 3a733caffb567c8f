"""Faults of quotas, scheduling, storage and nodes, in another guise than the development cases."""

from __future__ import annotations

from .cases import case
from .effects import alert, fresh_pods, hurt_callers, no_pods, pending
from .model import App, Claim, Cluster, Event, Volume


def failed(app_name: str, kind: str, reason: str) -> str:
    """Give the words with which a controller fails to create a pod."""
    if kind == "StatefulSet":
        return (
            f'create Pod {app_name}-0 in StatefulSet {app_name} failed error: pods "{app_name}-0" is '
            f"forbidden: {reason}"
        )
    return f'Error creating: pods "{app_name}" is forbidden: {reason}'


def pending_for_claim(c: Cluster, app: App) -> None:
    """Leave the pods of an app pending for a claim that is not bound."""
    count = len(c.nodes)
    pending(
        c,
        app,
        f"0/{count} nodes are available: pod has unbound immediate PersistentVolumeClaims. "
        f"preemption: 0/{count} nodes are available: {count} Preemption is not helpful for scheduling.",
    )


@case("namespace_cpu_quota_exceeded", "clinic", "database of the records is not coming back after maintenance")
def quota_and_stateful_set(c: Cluster) -> str:
    """A database's pod is refused by the CPU quota."""
    app = c.app("mysql")
    c.quota = ("team-budget", {"limits.cpu": ("8", "8"), "pods": ("14", "60"), "requests.memory": ("6Gi", "40Gi")})
    no_pods(
        c,
        app,
        failed(
            app.name,
            app.kind,
            "exceeded quota: team-budget, requested: limits.cpu=1, used: limits.cpu=8, limited: limits.cpu=8",
        ),
    )
    hurt_callers(c, app, "refused")
    return f"namespace/{c.ns}"


@case("namespace_pod_quota_exceeded", "ferry", "we scaled the portal for the holidays but it does not get faster")
def quota_partial(c: Cluster) -> str:
    """Some replicas are there, the next one is refused."""
    app = c.app("portal")
    app.replicas = 5
    c.quota = ("ns-limits", {"pods": ("16", "16"), "requests.cpu": ("3", "20")})
    c.event(
        Event(
            "replicaset",
            f"{app.name}-{app.rs_hash}",
            "FailedCreate",
            f'Error creating: pods "{app.name}-{app.rs_hash}-{c.suffix()}" is forbidden: '
            "exceeded quota: ns-limits, requested: pods=1, used: pods=16, limited: pods=16",
            "Warning",
            40,
            18,
            900,
            "replicaset-controller",
        )
    )
    c.event(
        Event(
            "deployment",
            app.name,
            "ScalingReplicaSet",
            f"Scaled up replica set {app.name}-{app.rs_hash} from 2 to 5",
            age=900,
            source="deployment-controller",
        )
    )
    alert(c, "HighLatency", {"service": app.name}, "portal: p95 4.1s over the last 5m")
    return f"namespace/{c.ns}"


@case("namespace_storage_quota_exceeded", "library", "title search index does not start")
def quota_and_claim(c: Cluster) -> str:
    """The claim of a StatefulSet's pod is refused."""
    app = c.app("mongo")
    c.claims = [x for x in c.claims if x.name != f"data-{app.name}-0"]
    c.volumes = [x for x in c.volumes if not x.claim.endswith(f"data-{app.name}-0")]
    assert app.claim
    app.claim["size"] = "80Gi"
    c.quota = ("storage-cap", {"requests.storage": ("30Gi", "100Gi"), "persistentvolumeclaims": ("3", "20")})
    no_pods(
        c,
        app,
        f"create Claim data-{app.name}-0 for Pod {app.name}-0 in StatefulSet {app.name} failed error: "
        f"persistentvolumeclaims "
        f'"data-{app.name}-0" is forbidden: exceeded quota: storage-cap, requested: requests.storage=80Gi, '
        f"used: requests.storage=30Gi, limited: "
        "requests.storage=100Gi",
    )
    hurt_callers(c, app, "refused")
    return f"namespace/{c.ns}"


@case("missing_service_account", "ferry", "manifest data cannot be reached")
def stateful_set_account(c: Cluster) -> str:
    """A StatefulSet with an account that is not there."""
    app = c.app("mongo")
    app.sa = "!mongo-operator"
    no_pods(
        c,
        app,
        failed(
            app.name,
            app.kind,
            f'error looking up service account {c.ns}/mongo-operator: serviceaccount "mongo-operator" not found',
        ),
    )
    app.sa = "!mongo-operator"
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


def unschedulable(c: Cluster, reasons: list[str]) -> str:
    """Give the scheduler's message."""
    return (
        f"0/{len(c.nodes)} nodes are available: {', '.join(reasons)}. preemption: 0/{len(c.nodes)} nodes "
        f"are available: {len(c.nodes)} Preemption is "
        "not helpful for scheduling."
    )


CONTROL = "1 node(s) had untolerated taint {node-role.kubernetes.io/control-plane: }"


@case("pod_anti_affinity_conflict", "clinic", "only part of the appointment servers started")
def spread_too_wide(c: Cluster) -> str:
    """Three replicas, one a node, on two workers: the third waits."""
    app = c.app("booking")
    app.spec["affinity"] = {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": {"app": app.name}}, "topologyKey": "kubernetes.io/hostname"}
            ]
        }
    }
    app.replicas = 3
    fresh_pods(c, app, 900)
    workers = [n for n in c.nodes if not n.control]
    for pod, node in zip(app.pods, workers, strict=False):
        pod.node, pod.ip = node.name, c.pod_ip(node)
    third = type(app.pods[0])(
        f"{app.name}-{app.rs_hash}-{c.suffix()}", 890, None, None, dict(app.pods[0].labels), [], phase="Pending"
    )
    app.pods.append(third)
    pending(c, app, unschedulable(c, [CONTROL, "2 node(s) didn't match pod anti-affinity rules"]), [third])
    return f"app/{app.name}"


@case("taint_toleration_mismatch", "library", "fee service waits for ever")
def wrong_effect(c: Cluster) -> str:
    """The toleration names the taint's key with another effect."""
    app = c.app("fares")
    for node in c.nodes[1:]:
        node.taints = ["dedicated=batch:NoExecute" if node is c.nodes[1] else "dedicated=batch:NoSchedule"]
    app.spec["tolerations"] = [
        {"key": "dedicated", "operator": "Equal", "value": "batch", "effect": "PreferNoSchedule"}
    ]
    for other in c.apps.values():
        if other is not app:
            other.spec["tolerations"] = [{"key": "dedicated", "operator": "Exists"}]
    fresh_pods(c, app)
    pending(c, app, unschedulable(c, [CONTROL, "3 node(s) had untolerated taint {dedicated: batch}"]))
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("memory_capacity_mismatch", "ferry", "database maintenance is over but ledger does not return")
def database_too_large(c: Cluster) -> str:
    """A database asks for more memory than any node has."""
    app = c.app("mysql")
    app.main.memory = ("24Gi", "24Gi")
    fresh_pods(c, app)
    pending(c, app, unschedulable(c, [CONTROL, "3 Insufficient memory"]))
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("node_cordon_mismatch", "library", "shelves view is empty")
def pinned_to_cordoned(c: Cluster) -> str:
    """All workers but the app's are free; its nodeSelector pins it to the one that is cordoned."""
    app, node = c.app("seats"), c.nodes[2]
    node.cordoned = True
    app.spec["nodeSelector"] = {"kubernetes.io/hostname": node.name}
    fresh_pods(c, app)
    pending(
        c,
        app,
        unschedulable(
            c, [CONTROL, "1 node(s) were unschedulable", "2 node(s) didn't match Pod's node affinity/selector"]
        ),
    )
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("node_affinity_mismatch", "ferry", "manifest documents cannot be opened")
def zone_affinity(c: Cluster) -> str:
    """A zone that no node is in."""
    app = c.app("boarding")
    app.spec["affinity"] = {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["zone-d"]}
                        ]
                    }
                ]
            }
        }
    }
    fresh_pods(c, app)
    pending(c, app, unschedulable(c, [CONTROL, "3 node(s) didn't match Pod's node affinity/selector"]))
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("pvc_storage_class_mismatch", "clinic", "wait list gone")
def class_gone(c: Cluster) -> str:
    """The claim names a class that was renamed."""
    app = c.app("redis")
    claim = next(x for x in c.claims if x.name == f"{app.name}-data")
    c.volumes = [v for v in c.volumes if v.name != claim.volume]
    claim.volume, claim.storage_class, claim.age = "", "premium-rwo", 420
    fresh_pods(c, app)
    c.event(
        Event(
            "persistentvolumeclaim",
            claim.name,
            "ProvisioningFailed",
            'storageclass.storage.k8s.io "premium-rwo" not found',
            "Warning",
            11,
            27,
            420,
            "persistentvolume-controller",
        )
    )
    pending_for_claim(c, app)
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("pv_binding_occupied", "ferry", "cabin cache is not starting after we re-created it")
def released_volume(c: Cluster) -> str:
    """The claim asks for a volume by name that another claim holds."""
    app = c.app("redis")
    claim = next(x for x in c.claims if x.name == f"{app.name}-data")
    c.classes["manual"] = "kubernetes.io/no-provisioner"
    c.volumes = [v for v in c.volumes if v.name != claim.volume]
    c.volumes.append(Volume("cabin-disk", "10Gi", f"{c.ns}/old-cabin-data", storage_class="manual", status="Bound"))
    c.claims.append(Claim("old-cabin-data", storage_class="manual", volume="cabin-disk"))
    claim.volume, claim.storage_class, claim.age, claim.wanted = "", "manual", 420, "cabin-disk"
    fresh_pods(c, app)
    c.event(
        Event(
            "persistentvolumeclaim",
            claim.name,
            "FailedBinding",
            'volume "cabin-disk" already bound to a different claim.',
            "Warning",
            9,
            28,
            420,
            "persistentvolume-controller",
        )
    )
    pending_for_claim(c, app)
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"
