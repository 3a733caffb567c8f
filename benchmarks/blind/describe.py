"""The describe/ folder: kubectl describe of every object."""

from __future__ import annotations

from pathlib import Path

from .model import App, Claim, Cluster, Event, Pod, short_age
from .parts import container_lines, volume_lines, when
from .tables import backing, endpoints_cell


def event_lines(c: Cluster, events: list[Event]) -> list[str]:
    """Give the Events section."""
    if not events:
        return ["Events:  <none>"]
    rows = []
    for e in sorted(events, key=lambda e: -e.age):
        age = short_age(e.age) + (f" (x{e.count} over {short_age(e.first or e.age)})" if e.count > 1 else "")
        rows.append((e.type, e.reason, age, e.source, e.message))
    head = [("Type", "Reason", "Age", "From", "Message"), ("----", "------", "----", "----", "-------")]
    widths = [max(len(row[n]) for row in [*rows, *head]) for n in range(4)]
    return [
        "Events:",
        *[
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, [*widths, 0], strict=True))
            for row in [*head, *rows]
        ],
    ]


def of(c: Cluster, kind: str, name: str) -> list[Event]:
    """Give an object's Events."""
    return [e for e in c.events if e.kind == kind and e.name == name]


def tolerations(app: App, pod: bool) -> list[str]:
    """Give the Node-Selectors and Tolerations lines."""
    chosen = ",".join(f"{k}={v}" for k, v in app.spec.get("nodeSelector", {}).items()) or "<none>"
    texts = [
        f"{t.get('key')}{'=' + t['value'] if 'value' in t else ''}:{t.get('effect', '')}"
        for t in app.spec.get("tolerations", [])
    ]
    if pod:
        texts += [
            "node.kubernetes.io/not-ready:NoExecute op=Exists for 300s",
            "node.kubernetes.io/unreachable:NoExecute op=Exists for 300s",
        ]
    texts = texts or ["<none>"]
    return [f"Node-Selectors:  {chosen}", f"Tolerations:     {texts[0]}", *[f"                 {t}" for t in texts[1:]]]


def label_block(title: str, pairs: dict[str, str], width: int) -> list[str]:
    """Give labels one under the other."""
    texts = [f"{k}={v}" for k, v in sorted(pairs.items())] or ["<none>"]
    return [f"{title:{width}}{texts[0]}", *[" " * width + text for text in texts[1:]]]


def pod_lines(c: Cluster, app: App, pod: Pod) -> list[str]:
    """Describe a pod."""
    node = next((n for n in c.nodes if n.name == pod.node), None)
    rows = [
        f"Name:             {pod.name}",
        f"Namespace:        {c.ns}",
        "Priority:         0",
        f"Service Account:  {app.sa.strip('!')}",
        f"Node:             {f'{node.name}/{node.ip}' if node else '<none>'}",
    ]
    if node:
        rows.append(f"Start Time:       {when(c.at(pod.age))}")
    rows += [
        *label_block("Labels:", pod.labels, 18),
        "Annotations:      <none>",
        f"Status:           {pod.phase}",
        f"IP:               {pod.ip or ''}",
    ]
    owner = f"ReplicaSet/{app.name}-{app.rs_hash}" if app.kind == "Deployment" else f"StatefulSet/{app.name}"
    rows.append(f"Controlled By:    {owner}")
    for title, containers, states in (
        ("Init Containers:", app.init, pod.init_states),
        ("Containers:", app.containers, pod.states),
    ):
        if containers:
            rows.append(title)
        for n, container in enumerate(containers):
            state = states[n] if n < len(states) else None
            rows += [f"  {container.name}:", *[f"    {line}" for line in container_lines(container, c, state)]]
    rows += [
        *condition_lines(c, pod),
        "Volumes:",
        *volume_lines(app),
        "  kube-api-access-x7k2p:",
        "    Type:                    Projected (a volume that contains injected data from multiple sources)",
        "    TokenExpirationSeconds:  3607",
        "    ConfigMapName:           kube-root-ca.crt",
        "QoS Class:                   Burstable",
    ]
    return [*rows, *tolerations(app, True), *event_lines(c, of(c, "pod", pod.name))]


def condition_lines(c: Cluster, pod: Pod) -> list[str]:
    """Give a pod's Conditions; one that no scheduler has looked at has none, one that found no node has one."""
    head = ["Conditions:", "  Type                        Status"]
    if not pod.node:
        return [*head, "  PodScheduled                False "] if of(c, "pod", pod.name) else []
    running = bool(pod.states) and all(state.ready for state in pod.states)
    rows = {
        "PodReadyToStartContainers": bool(pod.ip),
        "Initialized": True,
        "Ready": pod.ready,
        "ContainersReady": running,
    }
    return [*head, *[f"  {kind:26}  {value!s} " for kind, value in (rows | {"PodScheduled": True}).items()]]


def workload_lines(c: Cluster, app: App, replicaset: bool = False) -> list[str]:
    """Describe a Deployment, a StatefulSet or (with replicaset) the Deployment's current ReplicaSet."""
    name = f"{app.name}-{app.rs_hash}" if replicaset else app.name
    rows = [f"Name:               {name}", f"Namespace:          {c.ns}"]
    if not replicaset:
        rows.append(f"CreationTimestamp:  {when(c.at(74 * 86400))}")
    rows += [
        f"Labels:             app={app.name}",
        f"Annotations:        deployment.kubernetes.io/revision: {app.revision}"
        if app.kind == "Deployment"
        else "Annotations:        <none>",
        f"Selector:           app={app.labels['app']}" + (f",pod-template-hash={app.rs_hash}" if replicaset else ""),
    ]
    rows += replica_lines(app, replicaset)
    rows += [
        "Pod Template:",
        *[f"  {x}" for x in label_block("Labels:", app.labels, 18)],
        f"  Service Account:  {app.sa.strip('!')}",
    ]
    for title, containers in (("Init Containers:", app.init), ("Containers:", app.containers)):
        if containers:
            rows.append(f"  {title}")
        for container in containers:
            rows += [f"   {container.name}:", *[f"    {line}" for line in container_lines(container, c, None)]]
    rows += [
        "  Volumes:" if app.volumes else "  Volumes:         <none>",
        *[f"  {x}" for x in volume_lines(app)],
        *[f"  {x}" for x in tolerations(app, False)],
    ]
    kind = "replicaset" if replicaset else app.kind.lower()
    if kind == "deployment":
        rows += rollout_lines(app)
    return rows + event_lines(c, of(c, kind, name))


def replica_lines(app: App, replicaset: bool) -> list[str]:
    """Say how many replicas there are."""
    ready, want, have = sum(p.ready for p in app.pods), app.replicas, len(app.pods)
    running = sum(p.phase == "Running" for p in app.pods)
    status = f"Pods Status:        {running} Running / {have - running} Waiting / 0 Succeeded / 0 Failed"
    if replicaset:
        return [
            f"Controlled By:      Deployment/{app.name}",
            f"Replicas:           {have} current / {want} desired",
            status,
        ]
    if app.kind == "StatefulSet":
        return [f"Replicas:           {want} desired | {have} total", "Update Strategy:    RollingUpdate", status]
    return [
        f"Replicas:           {want} desired | {have} updated | {have} total | {ready} available | "
        f"{want - ready} unavailable",
        "StrategyType:       RollingUpdate",
        "MinReadySeconds:    0",
        "RollingUpdateStrategy:  25% max unavailable, 25% max surge",
    ]


def rollout_lines(app: App) -> list[str]:
    """Give a Deployment's conditions and ReplicaSets."""
    ready, want, have = sum(p.ready for p in app.pods), app.replicas, len(app.pods)
    up = ready >= want - want // 4
    return [
        "Conditions:",
        "  Type           Status  Reason",
        "  ----           ------  ------",
        f"  Available      {'True   MinimumReplicasAvailable' if up else 'False  MinimumReplicasUnavailable'}",
        f"  Progressing    True    {'NewReplicaSetAvailable' if up else 'ReplicaSetUpdated'}",
        "OldReplicaSets:  <none>",
        f"NewReplicaSet:   {app.name}-{app.rs_hash} ({have}/{want} replicas created)",
    ]


def service_blocks(c: Cluster) -> tuple[list[list[str]], list[list[str]]]:
    """Describe Services and Endpoints."""
    one, two = [], []
    for app in c.apps.values():
        for s in app.services:
            pairs = ",".join(f"{k}={v}" for k, v in sorted(s.selector.items())) or "<none>"
            one.append(
                [
                    f"Name:                     {s.name}",
                    f"Namespace:                {c.ns}",
                    f"Labels:                   app={app.name}",
                    "Annotations:              <none>",
                    f"Selector:                 {pairs}",
                    f"Type:                     {s.type}",
                    f"IP:                       {s.ip}",
                    f"Port:                     {s.port_name}  {s.port}/{s.protocol}",
                    f"TargetPort:               {s.target}/{s.protocol}",
                    f"Endpoints:                {endpoints_cell(c, s)}",
                    "Session Affinity:         None",
                    "Internal Traffic Policy:  Cluster",
                    *event_lines(c, of(c, "service", s.name)),
                ]
            )
            up, ready, waiting = backing(c, s)
            port = up[0].rpartition(":")[2] if up else str(s.target)
            subset = (
                []
                if not ready and not waiting
                else [
                    f"  Addresses:          {','.join(ready) or '<none>'}",
                    f"  NotReadyAddresses:  {','.join(waiting) or '<none>'}",
                    "  Ports:",
                    "    Name  Port  Protocol",
                    "    ----  ----  --------",
                    f"    {s.port_name}  {port}  {s.protocol}",
                    "",
                ]
            )
            two.append(
                [
                    f"Name:         {s.name}",
                    f"Namespace:    {c.ns}",
                    f"Labels:       app={app.name}",
                    "Annotations:  <none>",
                    "Subsets:",
                    *subset,
                    "Events:  <none>",
                ]
            )
    return one, two


def claim_lines(c: Cluster, claim: Claim) -> list[str]:
    """Describe a claim."""
    users = [
        p.name
        for a in c.apps.values()
        for v in a.volumes
        if v["kind"] == "pvc" and v["ref"] == claim.name
        for p in a.pods
    ]
    size = claim.size if claim.volume else ""
    selector = "" if not claim.selector else ",".join(f"{k}={v}" for k, v in claim.selector.items())
    return [
        f"Name:          {claim.name}",
        f"Namespace:     {c.ns}",
        f"StorageClass:  {claim.storage_class}",
        f"Status:        {claim.status}",
        f"Volume:        {claim.volume or claim.wanted}",
        "Labels:        <none>",
        "Annotations:   <none>",
        "Finalizers:    [kubernetes.io/pvc-protection]",
        f"Capacity:      {size}",
        f"Access Modes:  {claim.mode if claim.volume else ''}",
        "VolumeMode:    Filesystem",
        *([f"Selector:      {selector}"] if selector else []),
        f"Used By:       {', '.join(users) or '<none>'}",
        *event_lines(c, of(c, "persistentvolumeclaim", claim.name)),
    ]


def write(path: Path, blocks: list[list[str]]) -> None:
    """Write objects one after the other."""
    if blocks:
        path.write_text("\n\n".join("\n".join(block) for block in blocks) + "\n")


def write_describe(c: Cluster, folder: Path) -> None:
    """Write describe/*.txt, the nodes and custom resources apart."""
    apps = sorted(c.apps.values(), key=lambda a: a.name)
    services, endpoints = service_blocks(c)
    blocks = {
        "pods": [pod_lines(c, app, pod) for app in apps for pod in app.pods],
        "deployments": [workload_lines(c, a) for a in apps if a.kind == "Deployment"],
        "replicasets": [workload_lines(c, a, True) for a in apps if a.kind == "Deployment"],
        "statefulsets": [workload_lines(c, a) for a in apps if a.kind == "StatefulSet"],
        "services": services,
        "endpoints": endpoints,
        "persistentvolumeclaims": [claim_lines(c, x) for x in c.claims],
        "persistentvolumes": [
            [
                f"Name:            {v.name}",
                *label_block("Labels:", v.labels, 17),
                f"StorageClass:    {v.storage_class}",
                f"Status:          {v.status}",
                f"Claim:           {v.claim}",
                "Reclaim Policy:  Retain",
                f"Access Modes:    {v.mode}",
                "VolumeMode:      Filesystem",
                f"Capacity:        {v.size}",
                "Node Affinity:   <none>",
                "Events:  <none>",
            ]
            for v in c.volumes
        ],
        "configmaps": [
            [
                f"Name:         {name}",
                f"Namespace:    {c.ns}",
                "Labels:       <none>",
                "Annotations:  <none>",
                "",
                "Data",
                "====",
            ]
            + [row for k, v in data.items() for row in (f"{k}:", "----", v, "")]
            + ["BinaryData", "====", "", "Events:  <none>"]
            for name, data in sorted(c.configmaps.items())
        ],
        "secrets": [
            [
                f"Name:         {name}",
                f"Namespace:    {c.ns}",
                "Labels:       <none>",
                "Annotations:  <none>",
                "",
                "Type:  Opaque",
                "",
                "Data",
                "====",
                *[f"{k}:  {v}" for k, v in data.items()],
            ]
            for name, data in sorted(c.secrets.items())
        ],
    }
    if c.quota:
        name, hard = c.quota
        rows = [f"{k:18}  {used:6}  {limit}" for k, (used, limit) in hard.items()]
        blocks["resourcequota"] = [
            [
                f"Name:       {name}",
                f"Namespace:  {c.ns}",
                f"{'Resource':18}  {'Used':6}  Hard",
                f"{'--------':18}  {'----':6}  ----",
                *rows,
            ]
        ]
    for resource, found in blocks.items():
        if resource not in c.drop:
            write(folder / f"{resource}.{c.ns}.txt", found)
