"""The get/ folder: kubectl's tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .model import App, Cluster, Event, Pod, Service, short_age

Row = list[str]


def table(rows: list[Row]) -> str:
    """Lay rows out in columns as kubectl does."""
    widths = [max(len(row[n]) for row in rows) for n in range(len(rows[0]))]
    return "".join(
        "   ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() + "\n" for row in rows
    )


def labels(pairs: dict[str, str]) -> str:
    """Give labels as a table shows them."""
    return ",".join(f"{k}={v}" for k, v in sorted(pairs.items())) or "<none>"


def backing(c: Cluster, service: Service) -> tuple[list[str], list[str], list[str]]:
    """Give the ready endpoints, the addresses ready, and those that are not."""
    up: list[str] = []
    ready: list[str] = []
    not_ready: list[str] = []
    for app in c.apps.values():
        for pod in app.pods:
            if not pod.ip or not service.selector.items() <= pod.labels.items() or pod.phase == "Failed":
                continue
            named = next(
                (x.port for x in app.containers if x.port_name == service.target and x.protocol == service.protocol),
                None,
            )
            port = service.target if isinstance(service.target, int) else named
            if port is None:
                continue
            (ready if pod.ready else not_ready).append(pod.ip)
            if pod.ready:
                up.append(f"{pod.ip}:{port}")
    return up, ready, not_ready


def endpoints_cell(c: Cluster, service: Service) -> str:
    """Give the ENDPOINTS column."""
    up, _, not_ready = backing(c, service)
    if len(up) > 3:
        return ",".join(up[:3]) + f" + {len(up) - 3} more..."
    return ",".join(up) or ("" if not_ready else "<none>")


def ready_count(pod: Pod, app: App | None = None) -> str:
    """Give the READY column."""
    total = len(app.containers) if app else len(pod.states)
    return f"{sum(s.ready for s in pod.states)}/{total}"


def restarts(pod: Pod) -> str:
    """Give the RESTARTS column."""
    times = sum(s.restarts for s in pod.states)
    ages = [s.restart_age for s in pod.states if s.restarts and s.restart_age is not None]
    return f"{times} ({short_age(min(ages))} ago)" if ages else str(times)


def pods(c: Cluster, kind: str) -> list[Row]:
    """Give `kubectl get pods`."""
    head = ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    extra = {"wide": ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"], "labels": ["LABELS"]}.get(kind, [])
    rows = [head + extra]
    for app, pod in sorted(((a, p) for a in c.apps.values() for p in a.pods), key=lambda pair: pair[1].name):
        row = [pod.name, ready_count(pod, app), pod.column(), restarts(pod), short_age(pod.age)]
        more = {"wide": [pod.ip or "<none>", pod.node or "<none>", "<none>", "<none>"], "labels": [labels(pod.labels)]}
        rows.append(row + more.get(kind, []))
    return rows


def workloads(c: Cluster, kind: str, which: str) -> list[Row]:
    """Give Deployments or StatefulSets."""
    deployment = which == "Deployment"
    head = ["NAME", "READY", *(["UP-TO-DATE", "AVAILABLE"] if deployment else []), "AGE"]
    head += {"wide": ["CONTAINERS", "IMAGES", *(["SELECTOR"] if deployment else [])], "labels": ["LABELS"]}.get(
        kind, []
    )
    rows = [head]
    for app in sorted((a for a in c.apps.values() if a.kind == which), key=lambda a: a.name):
        ready = sum(pod.ready for pod in app.pods)
        row = [app.name, f"{ready}/{app.replicas}", *([str(len(app.pods)), str(ready)] if deployment else []), "74d"]
        names, images = ",".join(x.name for x in app.containers), ",".join(x.image for x in app.containers)
        wide = [names, images, *([f"app={app.labels['app']}"] if deployment else [])]
        rows.append(row + {"wide": wide, "labels": [f"app={app.name}"]}.get(kind, []))
    return rows


def replicasets(c: Cluster, kind: str) -> list[Row]:
    """Give the ReplicaSets, one former one among them."""
    head = ["NAME", "DESIRED", "CURRENT", "READY", "AGE"]
    head += {"wide": ["CONTAINERS", "IMAGES", "SELECTOR"], "labels": ["LABELS"]}.get(kind, [])
    rows = [head]
    for app in sorted((a for a in c.apps.values() if a.kind == "Deployment"), key=lambda a: a.name):
        newest = max((pod.age for pod in app.pods), default=400)
        sets = [(app.rs_hash, app.replicas, len(app.pods), sum(p.ready for p in app.pods), newest)]
        if app.old_rs:
            sets.append((app.old_rs, 0, 0, 0, 74 * 86400))
        for hashed, desired, current, ready, age in sets:
            label = f"app={app.labels['app']},pod-template-hash={hashed}"
            row = [f"{app.name}-{hashed}", str(desired), str(current), str(ready), short_age(age)]
            images = ",".join(x.image for x in app.containers)
            wide = [",".join(x.name for x in app.containers), images, label]
            rows.append(row + {"wide": wide, "labels": [label]}.get(kind, []))
    return rows


def services(c: Cluster, kind: str) -> list[Row]:
    """Give the Services."""
    head = ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    rows = [head + {"wide": ["SELECTOR"], "labels": ["LABELS"]}.get(kind, [])]
    for app, s in sorted(((a, s) for a in c.apps.values() for s in a.services), key=lambda pair: pair[1].name):
        row = [s.name, s.type, s.ip, "<none>", f"{s.port}/{s.protocol}", "74d"]
        rows.append(row + {"wide": [labels(s.selector)], "labels": [f"app={app.name}"]}.get(kind, []))
    return rows


def endpoints(c: Cluster, kind: str) -> list[Row]:
    """Give the Endpoints."""
    rows = [["NAME", "ENDPOINTS", "AGE"] + (["LABELS"] if kind == "labels" else [])]
    for app, s in sorted(((a, s) for a in c.apps.values() for s in a.services), key=lambda pair: pair[1].name):
        rows.append([s.name, endpoints_cell(c, s), "74d"] + ([f"app={app.name}"] if kind == "labels" else []))
    return rows


def nodes(c: Cluster, kind: str) -> list[Row]:
    """Give the nodes."""
    head = ["NAME", "STATUS", "ROLES", "AGE", "VERSION"]
    wide = ["INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"]
    rows = [head + {"wide": wide, "labels": ["LABELS"]}.get(kind, [])]
    for node in c.nodes:
        status = "Ready" if node.ready == "True" else "NotReady"
        row = [
            node.name,
            status + (",SchedulingDisabled" if node.cordoned else ""),
            "control-plane" if node.control else "<none>",
            "203d",
            "v1.30.6",
        ]
        more = {
            "wide": [node.ip, "<none>", "Debian GNU/Linux 12 (bookworm)", "6.1.0-26-amd64", "containerd://1.7.22"],
            "labels": [labels(node.labels)],
        }
        rows.append(row + more.get(kind, []))
    return rows


def claims(c: Cluster, kind: str) -> list[Row]:
    """Give the PersistentVolumeClaims."""
    head = ["NAME", "STATUS", "VOLUME", "CAPACITY", "ACCESS MODES", "STORAGECLASS", "VOLUMEATTRIBUTESCLASS", "AGE"]
    rows = [head + {"wide": ["VOLUMEMODE"], "labels": ["LABELS"]}.get(kind, [])]
    for x in sorted(c.claims, key=lambda x: x.name):
        bound = [x.volume, x.size, x.mode] if x.volume else [x.wanted, "0" if x.wanted else "", ""]
        row = [x.name, x.status, *bound, x.storage_class, "<unset>", short_age(x.age)]
        rows.append(row + {"wide": ["Filesystem"], "labels": ["<none>"]}.get(kind, []))
    return rows


def volumes(c: Cluster, kind: str) -> list[Row]:
    """Give the PersistentVolumes."""
    head = [
        "NAME",
        "CAPACITY",
        "ACCESS MODES",
        "RECLAIM POLICY",
        "STATUS",
        "CLAIM",
        "STORAGECLASS",
        "VOLUMEATTRIBUTESCLASS",
        "REASON",
        "AGE",
    ]
    rows = [head + {"wide": ["VOLUMEMODE"], "labels": ["LABELS"]}.get(kind, [])]
    for x in c.volumes:
        row = [x.name, x.size, x.mode, "Retain", x.status, x.claim, x.storage_class, "<unset>", "", short_age(x.age)]
        rows.append(row + {"wide": ["Filesystem"], "labels": [labels(x.labels)]}.get(kind, []))
    return rows


def plain(head: Row, rows: list[Row]) -> Callable[[str], list[Row]]:
    """Give a table that looks the same in every width but for its labels."""
    return lambda kind: (
        [head + (["LABELS"] if kind == "labels" else [])]
        + [row + (["<none>"] if kind == "labels" else []) for row in rows]
    )


def event_rows(events: list[Event]) -> list[Row]:
    """Give `kubectl get events`."""
    rows = [["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]]
    for e in sorted(events, key=lambda e: -e.age):
        rows.append([short_age(e.age), e.type, e.reason, f"{e.kind}/{e.name}", e.message])
    return rows


def write_get(c: Cluster, folder: Path) -> None:
    """Write get/*.txt."""
    accounts = [
        [name, "0", "74d"]
        for name in sorted({"default"} | {a.sa for a in c.apps.values() if a.sa and not a.sa.startswith("!")})
    ]
    made: dict[str, Callable[[str], list[Row]]] = {
        "pods": lambda kind: pods(c, kind),
        "deployments": lambda kind: workloads(c, kind, "Deployment"),
        "statefulsets": lambda kind: workloads(c, kind, "StatefulSet"),
        "replicasets": lambda kind: replicasets(c, kind),
        "services": lambda kind: services(c, kind),
        "endpoints": lambda kind: endpoints(c, kind),
        "nodes": lambda kind: nodes(c, kind),
        "persistentvolumeclaims": lambda kind: claims(c, kind),
        "persistentvolumes": lambda kind: volumes(c, kind),
        "configmaps": plain(
            ["NAME", "DATA", "AGE"], [[n, str(len(d)), "74d"] for n, d in sorted(c.configmaps.items())]
        ),
        "secrets": plain(
            ["NAME", "TYPE", "DATA", "AGE"], [[n, "Opaque", str(len(d)), "74d"] for n, d in sorted(c.secrets.items())]
        ),
        "serviceaccounts": plain(["NAME", "SECRETS", "AGE"], accounts),
        "storageclasses": plain(
            ["NAME", "PROVISIONER", "RECLAIMPOLICY", "VOLUMEBINDINGMODE", "ALLOWVOLUMEEXPANSION", "AGE"],
            [
                [
                    n,
                    p,
                    "Delete",
                    "Immediate" if p.endswith("no-provisioner") else "WaitForFirstConsumer",
                    "true",
                    "203d",
                ]
                for n, p in sorted(c.classes.items())
            ],
        ),
    }
    if c.quota:
        name, hard = c.quota
        used = ", ".join(f"{k}: {u}/{h}" for k, (u, h) in hard.items())
        made["resourcequota"] = plain(["NAME", "AGE", "REQUEST", "LIMIT"], [[name, "12d", used, ""]])
    for resource, build in made.items():
        if resource in c.drop:
            continue
        for kind in ("", "wide", "labels"):
            rows = build(kind)
            if len(rows) > 1:
                (folder / f"{resource}.{c.ns}{'.' + kind if kind else ''}.txt").write_text(table(rows))
    (folder / f"events.{c.ns}.txt").write_text(table(event_rows(c.events)))
    if c.system_events:
        nodes_events = [e for e in c.system_events if e.kind == "node"]
        (folder / "events.default.txt").write_text(table(event_rows(nodes_events))) if nodes_events else None
        (folder / "events.kube-system.txt").write_text(
            table(event_rows([e for e in c.system_events if e.kind != "node"]))
        )
    rows = [["NAME", "READY", "STATUS", "RESTARTS", "AGE"]]
    rows += [
        [p.name, ready_count(p), p.column(), restarts(p), short_age(p.age)]
        for p in sorted(c.system_pods, key=lambda p: p.name)
    ]
    (folder / "pods.kube-system.txt").write_text(table(rows))
    names = [[n, "Active", "203d"] for n in sorted({c.ns, "default", "kube-system", "kube-public", "kube-node-lease"})]
    (folder / "namespaces.cluster.txt").write_text(table([["NAME", "STATUS", "AGE"], *names]))
