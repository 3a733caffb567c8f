"""The cluster's objects as the YAML that was applied."""

from __future__ import annotations

from typing import Any

import yaml

from .model import App, Cluster, Container, Env, Probe

MODES = {"RWO": "ReadWriteOnce", "RWX": "ReadWriteMany", "ROX": "ReadOnlyMany"}


def env_entry(name: str, value: Env) -> dict[str, Any]:
    """Give one entry of `env`."""
    if isinstance(value, str):
        return {"name": name, "value": value}
    kind = "secret" if "secret" in value else "configMap"
    ref: dict[str, Any] = {"name": value.get("secret") or value.get("config"), "key": value["key"]}
    if "optional" in value:
        ref["optional"] = True
    return {"name": name, "valueFrom": {f"{kind}KeyRef": ref}}


def probe_body(probe: Probe) -> dict[str, Any]:
    """Give a probe."""
    handlers: dict[str, dict[str, Any]] = {
        "http": {
            "httpGet": {"path": probe.path, "port": probe.port}
            | ({"scheme": probe.scheme} if probe.scheme != "HTTP" else {})
        },
        "tcp": {"tcpSocket": {"port": probe.port}},
        "grpc": {"grpc": {"port": probe.port}},
        "exec": {"exec": {"command": probe.command}},
    }
    return handlers[probe.kind] | {
        "initialDelaySeconds": probe.delay,
        "timeoutSeconds": probe.timeout,
        "periodSeconds": probe.period,
        "failureThreshold": probe.failure,
    }


def container_body(container: Container) -> dict[str, Any]:
    """Give a container, without what is empty."""
    port: dict[str, Any] = {"containerPort": container.port, "name": container.port_name or None}
    port["protocol"] = container.protocol if container.protocol != "TCP" else None
    froms = [{"secretRef" if k == "secret" else "configMapRef": {"name": n}} for k, n in container.env_from]
    probes = {"livenessProbe": container.live, "readinessProbe": container.ready, "startupProbe": container.startup}
    mounts = [{"name": n, "mountPath": p} | ({"readOnly": True} if ro else {}) for p, n, ro in container.mounts]
    body = {
        "name": container.name,
        "image": container.image,
        "command": container.command,
        "args": container.args,
        "ports": [{key: value for key, value in port.items() if value}] if container.port else [],
        "envFrom": froms,
        "env": [env_entry(name, value) for name, value in container.env.items()],
        **{key: probe_body(probe) for key, probe in probes.items() if probe},
        "resources": {
            "requests": {"cpu": container.cpu[0], "memory": container.memory[0]},
            "limits": {"cpu": container.cpu[1], "memory": container.memory[1]},
        },
        "volumeMounts": mounts,
    }
    return {key: value for key, value in body.items() if value}


def volume_body(volume: dict[str, str]) -> dict[str, Any]:
    """Give a pod's volume."""
    kinds: dict[str, dict[str, Any]] = {
        "pvc": {"persistentVolumeClaim": {"claimName": volume["ref"]}},
        "secret": {"secret": {"secretName": volume["ref"]}},
        "configmap": {"configMap": {"name": volume["ref"]}},
        "empty": {"emptyDir": {}},
    }
    return {"name": volume["name"]} | kinds[volume["kind"]]


def workload(c: Cluster, app: App) -> dict[str, Any]:
    """Give the Deployment or StatefulSet."""
    spec: dict[str, Any] = {"serviceAccountName": app.sa} | app.spec
    if app.init:
        spec["initContainers"] = [container_body(x) for x in app.init]
    spec["containers"] = [container_body(x) for x in app.containers]
    template = app.claim["name"] if app.claim else None
    volumes = [volume_body(v) for v in app.volumes if v["name"] != template]
    if volumes:
        spec["volumes"] = volumes
    body: dict[str, Any] = {
        "replicas": app.replicas,
        "selector": {"matchLabels": {"app": app.labels["app"]}},
        "template": {"metadata": {"labels": dict(app.labels)}, "spec": spec},
    }
    if app.kind == "StatefulSet":
        body["serviceName"] = app.services[0].name if app.services else app.name
    if app.claim:
        body["volumeClaimTemplates"] = [
            {
                "metadata": {"name": app.claim["name"]},
                "spec": {
                    "accessModes": [MODES[app.claim["mode"]]],
                    "storageClassName": app.claim["class"],
                    "resources": {"requests": {"storage": app.claim["size"]}},
                },
            }
        ]
    return {
        "apiVersion": "apps/v1",
        "kind": app.kind,
        "metadata": {"name": app.name, "namespace": c.ns, "labels": {"app": app.name}},
        "spec": body,
    }


def service_docs(c: Cluster, app: App) -> list[dict[str, Any]]:
    """Give the app's Services."""
    docs = []
    for service in app.services:
        port: dict[str, Any] = {"name": service.port_name, "port": service.port, "targetPort": service.target}
        if service.protocol != "TCP":
            port["protocol"] = service.protocol
        spec: dict[str, Any] = {"selector": service.selector, "ports": [port]}
        if service.headless:
            spec["clusterIP"] = "None"
        docs.append(
            {
                "apiVersion": "v1",
                "kind": "Service",
                "metadata": {"name": service.name, "namespace": c.ns, "labels": {"app": app.name}},
                "spec": spec,
            }
        )
    return docs


def claim_docs(c: Cluster, app: App) -> list[dict[str, Any]]:
    """Give the claims that the app's own manifest makes."""
    docs = []
    for volume in app.volumes:
        claim = next((x for x in c.claims if volume["kind"] == "pvc" and x.name == volume["ref"]), None)
        if claim is None or app.claim:
            continue
        spec: dict[str, Any] = {
            "accessModes": [MODES[claim.mode]],
            "storageClassName": claim.storage_class,
            "resources": {"requests": {"storage": claim.size}},
        }
        if claim.wanted:
            spec["volumeName"] = claim.wanted
        if claim.selector:
            spec["selector"] = {"matchLabels": claim.selector}
        docs.append(
            {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": claim.name, "namespace": c.ns},
                "spec": spec,
            }
        )
    return docs


def manifest(c: Cluster, app: App) -> str:
    """Give the app's file."""
    docs = [workload(c, app), *service_docs(c, app), *claim_docs(c, app)]
    if app.sa and app.sa == app.name:
        docs.append({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": app.sa, "namespace": c.ns}})
    docs += app.extra
    return "---\n".join(yaml.safe_dump(doc, sort_keys=False, width=200) for doc in docs)
