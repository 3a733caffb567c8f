"""
An invented cluster of any size, as the API would report it: namespaces full of web-shop applications.

Every application is a Deployment with an old and a new ReplicaSet, Pods, a Service with its slice, a ConfigMap, a
Secret and a ServiceAccount; some have a claim with its volume, an Ingress or a NetworkPolicy, and each calls a
neighbour. A share of the applications fails, in turn in each of the ways of `FAULTS`.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

NOW = "2026-11-20T14:40:00Z"
BEFORE = "2026-11-20T09:12:30Z"
FAULTS = ("image", "config", "crash", "memory", "readiness", "selector", "port", "unschedulable", "claim", "address")
"""What is wrong with a failing application; the last one calls a Service that is not there."""

_NAMES = ("cart", "catalogue", "checkout", "invoice", "mailer", "parcel", "pricing", "search", "stock", "tax")
_REPLICAS = 3
_PODS_PER_NODE = 30
_PER_APP = 11.5
"""Objects that one application adds, on average: what it has itself, and its part of nodes and namespaces."""

Object = dict[str, Any]


@dataclass(frozen=True)
class App:
    """One application and what is wrong with it; `fault` is empty where nothing is."""

    number: int
    fault: str
    per_namespace: int = 20

    @property
    def name(self) -> str:
        """`cart-17`: unique in the cluster."""
        return f"{_NAMES[self.number % len(_NAMES)]}-{self.number}"

    @property
    def namespace(self) -> str:
        """`orchard-3`."""
        return f"orchard-{self.number // self.per_namespace}"

    @property
    def callee(self) -> str:
        """The Service of the neighbour that it calls."""
        if self.fault == "address":
            return f"gone-{self.number}"
        return App(self.number - 1 if self.number % self.per_namespace else self.number, "").name

    @property
    def stored(self) -> bool:
        """Whether it has a claim."""
        return self.number % 5 == 0 or self.fault == "claim"

    @property
    def hash(self) -> str:
        """The pod-template-hash of its newest ReplicaSet."""
        return _letters(random.Random(self.number), 9)

    def pods(self) -> Iterator[str]:
        """Yield the names of its Pods."""
        draw = random.Random(-self.number - 1)
        for _ in range(_REPLICAS):
            yield f"{self.name}-{self.hash}-{_letters(draw, 5)}"


def _letters(draw: random.Random, count: int) -> str:
    return "".join(draw.choices("bcdfghjklmnpqrstvwxz2456789", k=count))


class Cluster:
    """About so many objects, of whose applications a share fails; the same for the same numbers."""

    def __init__(self, objects: int, failing: float, per_namespace: int) -> None:
        count = max(1, round(objects / _PER_APP))
        bad = round(count * failing)
        every = count / bad if bad else 0.0
        marked = {int(number * every): FAULTS[number % len(FAULTS)] for number in range(bad)}
        self.apps = [App(number, marked.get(number, ""), per_namespace) for number in range(count)]
        self._nodes = max(3, count * _REPLICAS // _PODS_PER_NODE)
        self._down = round(self._nodes * failing / 10)

    def objects(self) -> Iterator[Object]:
        """Yield every object but the Events."""
        for number in range(self._nodes):
            yield _node(number, ready=number >= self._down)
        for namespace in dict.fromkeys(app.namespace for app in self.apps):
            yield _object("v1", "Namespace", namespace, "", status={"phase": "Active"})
        yield _object("storage.k8s.io/v1", "StorageClass", "fast", "", provisioner="csi.orchard.test")
        for app in self.apps:
            yield from _application(app)
            for number, name in enumerate(app.pods()):
                yield self._pod(app, name, app.number * _REPLICAS + number)

    def events(self) -> Iterator[Object]:
        """Yield the Events of the last hour: those of failing Pods, and of one healthy application in ten."""
        number = 0
        for app in self.apps:
            for name in app.pods():
                for kind, reason, message, count in _told(app, name):
                    number += 1
                    yield _event(app, name, (kind, reason, message, count), number)

    def _pod(self, app: App, name: str, number: int) -> Object:
        node = number % self._nodes
        placed = app.fault not in ("unschedulable", "claim")
        status = _pod_status(app, number, lost=node < self._down) if placed else _pending(app)
        spec = _pod_spec(app) | ({"nodeName": f"node-{node}"} if placed else {})
        owner = _owner("ReplicaSet", f"{app.name}-{app.hash}")
        labels = {**_labels(app), "pod-template-hash": app.hash}
        return _object("v1", "Pod", name, app.namespace, owner=owner, labels=labels, spec=spec, status=status)


def _object(version: str, kind: str, name: str, namespace: str, **fields: Any) -> Object:
    """Give an object; `owner`, `labels` and `annotations` go into its metadata."""
    draw = random.Random(f"{kind}/{namespace}/{name}")
    metadata: Object = {"creationTimestamp": BEFORE, "name": name, "resourceVersion": str(draw.randrange(10**8))}
    metadata["uid"] = f"{draw.getrandbits(32):08x}-7c1e-4b52-9d3a-{draw.getrandbits(48):012x}"
    given = {"namespace": namespace, **{key: fields.pop(key, None) for key in ("labels", "annotations")}}
    metadata |= {key: value for key, value in given.items() if value}
    if "owner" in fields:
        metadata["ownerReferences"] = [fields.pop("owner")]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **fields}


def _owner(kind: str, name: str) -> Object:
    owner = {"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True, "blockOwnerDeletion": True}
    return {**owner, "uid": f"0a1b2c3d-7c1e-4b52-9d3a-{sum(map(ord, name)):012x}"}


def _labels(app: App) -> dict[str, str]:
    return {"app.kubernetes.io/name": app.name, "app.kubernetes.io/part-of": "orchard"}


def _condition(kind: str, holds: bool, reason: str = "", message: str = "") -> Object:
    said = {"lastTransitionTime": BEFORE, "status": "True" if holds else "False", "type": kind}
    return said | ({"reason": reason} if reason else {}) | ({"message": message} if message else {})


def _node(number: int, ready: bool) -> Object:
    room = {"cpu": "16", "ephemeral-storage": "203056560Ki", "memory": "65843652Ki", "pods": "110"}
    pressures = ("MemoryPressure", "DiskPressure", "PIDPressure")
    fine = [_condition(kind, False, f"KubeletHasNo{kind}") for kind in pressures]
    heard = _condition("Ready", True, "KubeletReady", "kubelet is posting ready status")
    silent = _condition("Ready", False, "NodeStatusUnknown", "Kubelet stopped posting node status.")
    lost = {**silent, "status": "Unknown"}
    name = f"node-{number}"
    status = {
        "addresses": [{"address": f"10.80.{number // 250}.{number % 250}", "type": "InternalIP"}],
        "allocatable": room, "capacity": room, "conditions": [*fine, heard if ready else lost],
        "images": [{"names": [f"registry.orchard.test/{app}:4.2"], "sizeBytes": 81234567} for app in _NAMES],
        "nodeInfo": {"kubeletVersion": "v1.34.2", "architecture": "amd64", "operatingSystem": "linux"},
    }  # fmt: skip
    taint = {"effect": "NoSchedule", "key": "node.kubernetes.io/unreachable", "timeAdded": BEFORE}
    labels = {"kubernetes.io/hostname": name, "topology.kubernetes.io/zone": f"north-{number % 3}"}
    spec: Object = {"podCIDR": f"10.90.{number % 250}.0/24"} | ({} if ready else {"taints": [taint]})
    return _object("v1", "Node", name, "", labels=labels, spec=spec, status=status)


def _application(app: App) -> Iterator[Object]:
    name, home, labels = app.name, app.namespace, _labels(app)
    yield _object("v1", "ServiceAccount", name, home)
    if app.fault != "config":
        settings = {"LOG_LEVEL": "info", "CURRENCY": "EUR", "shop.yaml": "retries: 3\ntimeout: 2s\n" * 6}
        yield _object("v1", "ConfigMap", name, home, annotations=_applied("ConfigMap", app), data=settings)
    token = base64.b64encode(f"pear-{app.number}-blossom".encode()).decode()
    yield _object("v1", "Secret", name, home, type="Opaque", data={"token": token})
    yield from _controllers(app)
    yield from _service(app)
    if app.stored:
        yield from _storage(app)
    if app.number % 8 == 0:
        service = {"service": {"name": name, "port": {"number": 8080}}}
        path = {"path": "/", "pathType": "Prefix", "backend": service}
        rule = {"host": f"{name}.orchard.test", "http": {"paths": [path]}}
        yield _object("networking.k8s.io/v1", "Ingress", name, home, spec={"ingressClassName": "web", "rules": [rule]})
    if app.number % 10 == 0:
        spec: Object = {"podSelector": {"matchLabels": labels}, "policyTypes": ["Ingress"], "ingress": [{}]}
        yield _object("networking.k8s.io/v1", "NetworkPolicy", name, home, spec=spec)


def _applied(kind: str, app: App) -> dict[str, str]:
    applied = {"kind": kind, "metadata": {"name": app.name, "namespace": app.namespace}, "spec": _pod_spec(app)}
    return {"kubectl.kubernetes.io/last-applied-configuration": json.dumps(applied) + "\n"}


def _controllers(app: App) -> Iterator[Object]:
    labels = _labels(app)
    template = {"metadata": {"labels": labels}, "spec": _pod_spec(app)}
    serving = _ready(app)
    ready = _REPLICAS if serving else 0
    counts = {"observedGeneration": 4, "replicas": _REPLICAS, "updatedReplicas": _REPLICAS}
    counts |= {"readyReplicas": ready, "availableReplicas": ready} if ready else {"unavailableReplicas": _REPLICAS}
    enough = "MinimumReplicasAvailable" if serving else "MinimumReplicasUnavailable"
    status = {**counts, "conditions": [_condition("Available", serving, enough)]}
    spec = {"replicas": _REPLICAS, "selector": {"matchLabels": labels}, "template": template}
    notes = {"deployment.kubernetes.io/revision": "2", **_applied("Deployment", app)}
    yield _object(
        "apps/v1", "Deployment", app.name, app.namespace,
        labels=labels, annotations=notes, spec={**spec, "strategy": {"type": "RollingUpdate"}}, status=status,
    )  # fmt: skip
    for revision, (suffix, replicas) in enumerate(((f"{app.hash[::-1]}", 0), (app.hash, _REPLICAS)), 1):
        one = {**labels, "pod-template-hash": suffix}
        own = {"replicas": replicas, "selector": {"matchLabels": one}}
        own["template"] = {**template, "metadata": {"labels": one}}
        seen = {"replicas": replicas, "observedGeneration": 1}
        seen |= {"readyReplicas": ready} if replicas and ready else {}
        yield _object(
            "apps/v1", "ReplicaSet", f"{app.name}-{suffix}", app.namespace, owner=_owner("Deployment", app.name),
            labels=one, annotations={"deployment.kubernetes.io/revision": str(revision)}, spec=own, status=seen,
        )  # fmt: skip


def _service(app: App) -> Iterator[Object]:
    labels = _labels(app)
    wrong = {"app.kubernetes.io/name": f"{app.name}-web"}
    target: int | str = "web" if app.fault == "port" else "http"
    port = {"name": "http", "port": 8080, "protocol": "TCP", "targetPort": target}
    selector = wrong if app.fault == "selector" else {"app.kubernetes.io/name": app.name}
    spec = {"type": "ClusterIP", "clusterIP": f"10.96.{app.number // 250}.{app.number % 250}", "ports": [port]}
    yield _object("v1", "Service", app.name, app.namespace, labels=labels, spec={**spec, "selector": selector})
    reached = app.fault not in ("selector", "port")
    endpoints = [_endpoint(app, number, name) for number, name in enumerate(app.pods())] if reached else []
    yield _object(
        "discovery.k8s.io/v1", "EndpointSlice", f"{app.name}-{app.hash[:5]}", app.namespace,
        owner=_owner("Service", app.name), labels={**labels, "kubernetes.io/service-name": app.name},
        addressType="IPv4", endpoints=endpoints, ports=[{"name": "http", "port": 8080, "protocol": "TCP"}],
    )  # fmt: skip


def _endpoint(app: App, number: int, pod: str) -> Object:
    ready = _ready(app)
    conditions = {"ready": ready, "serving": ready, "terminating": False}
    target = {"kind": "Pod", "name": pod, "namespace": app.namespace}
    return {"addresses": [f"10.1.{app.number % 250}.{number}"], "conditions": conditions, "targetRef": target}


def _storage(app: App) -> Iterator[Object]:
    bound, volume = app.fault != "claim", f"pvc-{app.number:08x}-51aa"
    wanted = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "8Gi"}}}
    spec = {**wanted, "storageClassName": "fast"} | ({"volumeName": volume} if bound else {"storageClassName": "rapid"})
    status: Object = {"phase": "Bound", "capacity": {"storage": "8Gi"}} if bound else {"phase": "Pending"}
    yield _object("v1", "PersistentVolumeClaim", app.name, app.namespace, spec=spec, status=status)
    if bound:
        claim = {"kind": "PersistentVolumeClaim", "name": app.name, "namespace": app.namespace}
        held = {"accessModes": ["ReadWriteOnce"], "capacity": {"storage": "8Gi"}, "claimRef": claim}
        more = {"storageClassName": "fast", "persistentVolumeReclaimPolicy": "Delete"}
        yield _object("v1", "PersistentVolume", volume, "", spec={**held, **more}, status={"phase": "Bound"})


def _pod_spec(app: App) -> Object:
    asked = {"path": "/healthz", "port": "http", "scheme": "HTTP"}
    probe = {"httpGet": asked, "periodSeconds": 10, "timeoutSeconds": 1}
    token = {"name": "API_TOKEN", "valueFrom": {"secretKeyRef": {"key": "token", "name": app.name}}}
    callee = {"name": "UPSTREAM_URL", "value": f"http://{app.callee}:8080"}
    level = {"name": "LOG_LEVEL", "valueFrom": {"configMapKeyRef": {"key": "LOG_LEVEL", "name": app.name}}}
    access = {"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access", "readOnly": True}
    mounts = [access, {"mountPath": "/etc/shop", "name": "settings"}]
    volumes: list[Object] = [{"name": "settings", "configMap": {"name": app.name, "defaultMode": 420}}, _projected()]
    if app.stored:
        mounts.append({"mountPath": "/data", "name": "data"})
        volumes.append({"name": "data", "persistentVolumeClaim": {"claimName": app.name}})
    cpu = "900" if app.fault == "unschedulable" else "100m"
    container = {
        "name": "app", "image": _image(app), "imagePullPolicy": "IfNotPresent", "env": [token, callee, level],
        "ports": [{"containerPort": 8080, "name": "http", "protocol": "TCP"}],
        "readinessProbe": probe, "livenessProbe": {**probe, "failureThreshold": 3}, "volumeMounts": mounts,
        "resources": {"requests": {"cpu": cpu, "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
        "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
    }  # fmt: skip
    away = [
        {"effect": "NoExecute", "key": f"node.kubernetes.io/{key}", "operator": "Exists", "tolerationSeconds": 300}
        for key in ("not-ready", "unreachable")
    ]
    return {
        "containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "tolerations": away,
        "schedulerName": "default-scheduler", "securityContext": {}, "serviceAccountName": app.name,
        "terminationGracePeriodSeconds": 30, "volumes": volumes,
    }  # fmt: skip


def _image(app: App) -> str:
    return f"registry.orchard.test/{app.name.partition('-')[0]}:{'9.9-missing' if app.fault == 'image' else '4.2'}"


def _projected() -> Object:
    root = {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt", "optional": True}}
    token = {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}
    return {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [token, root]}}


def _ready(app: App) -> bool:
    return app.fault in ("", "selector", "port", "address")


def _pending(app: App) -> Object:
    scheduled = _condition("PodScheduled", False, "Unschedulable", _refusal(app))
    return {"phase": "Pending", "conditions": [scheduled], "qosClass": "Burstable"}


def _refusal(app: App) -> str:
    claim = "pod has unbound immediate PersistentVolumeClaims"
    why = claim if app.fault == "claim" else "90 Insufficient cpu"
    return f"0/90 nodes are available: {why}. preemption: 0/90 nodes are available."


def _pod_status(app: App, number: int, lost: bool) -> Object:
    ready = _ready(app) and not lost
    state, last, restarts = _states(app)
    container = {
        "name": "app", "image": _image(app), "imageID": f"{_image(app)}@sha256:{number:064x}",
        "containerID": f"containerd://{number:064x}" if app.fault not in ("image", "config") else "",
        "ready": ready, "restartCount": restarts, "started": ready, "state": state, "lastState": last,
    }  # fmt: skip
    why = "" if ready else "ContainersNotReady"
    conditions = [_condition(kind, ready, why) for kind in ("Ready", "ContainersReady")]
    conditions += [_condition(kind, True) for kind in ("Initialized", "PodScheduled", "PodReadyToStartContainers")]
    phase = "Pending" if app.fault in ("image", "config") else "Running"
    place = {"hostIP": f"10.80.0.{number % 250}", "podIP": f"10.1.{number // 250 % 250}.{number % 250}"}
    return {"conditions": conditions, "containerStatuses": [container], "phase": phase, "startTime": BEFORE, **place}


def _states(app: App) -> tuple[Object, Object, int]:
    running = {"running": {"startedAt": BEFORE}}
    ended = {"startedAt": "2026-11-20T14:33:00Z", "finishedAt": "2026-11-20T14:33:09Z"}
    match app.fault:
        case "image":
            message = f'Back-off pulling image "{_image(app)}"'
            return {"waiting": {"reason": "ImagePullBackOff", "message": message}}, {}, 0
        case "config":
            message = f'configmap "{app.name}" not found'
            return {"waiting": {"reason": "CreateContainerConfigError", "message": message}}, {}, 0
        case "crash" | "memory":
            reason, code = ("OOMKilled", 137) if app.fault == "memory" else ("Error", 1)
            out = {"reason": reason, "exitCode": code}
            message = f"back-off 5m0s restarting failed container=app pod={next(app.pods())}"
            return {"waiting": {"reason": "CrashLoopBackOff", "message": message}}, {"terminated": {**out, **ended}}, 17
    return running, {}, 0


def _told(app: App, pod: str) -> Iterator[tuple[str, str, str, int]]:
    image = _image(app)
    match app.fault:
        case "image":
            unknown = f'Failed to pull image "{image}": rpc error: code = NotFound desc = {image}: not found'
            yield "Warning", "Failed", unknown, 5
            yield "Warning", "Failed", "Error: ImagePullBackOff", 40
            yield "Normal", "BackOff", f'Back-off pulling image "{image}"', 41
        case "config":
            yield "Warning", "Failed", f'Error: configmap "{app.name}" not found', 32
        case "crash" | "memory":
            yield "Warning", "BackOff", f"Back-off restarting failed container app in pod {pod}_{app.namespace}", 80
            yield "Normal", "Pulled", f'Container image "{image}" already present on machine', 17
        case "readiness":
            yield "Warning", "Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503", 200
        case "unschedulable" | "claim":
            yield "Warning", "FailedScheduling", _refusal(app), 12
    if app.number % 10 == 0:
        yield "Normal", "Pulled", f'Container image "{image}" already present on machine', 1
        yield "Normal", "Created", "Created container: app", 1
        yield "Normal", "Started", "Started container app", 1


def _event(app: App, pod: str, told: tuple[str, str, str, int], number: int) -> Object:
    kind, reason, message, count = told
    involved = {"apiVersion": "v1", "kind": "Pod", "name": pod, "namespace": app.namespace}
    return _object(
        "v1", "Event", f"{pod}.{number:016x}", app.namespace,
        involvedObject={**involved, "fieldPath": "spec.containers{app}"}, reason=reason, message=message, type=kind,
        firstTimestamp="2026-11-20T13:50:00Z", lastTimestamp="2026-11-20T14:38:00Z", count=count,
        source={"component": "default-scheduler" if reason == "FailedScheduling" else "kubelet"},
    )  # fmt: skip
