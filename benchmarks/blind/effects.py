"""What a fault does to pods, events, callers and alerts: the helpers every case is written with."""

from __future__ import annotations

from typing import Any

from .logs import client_error, database_error, say
from .model import App, Cluster, Event, Node, Pod, State

DATABASES = ("mysql", "postgres", "redis", "mongo")


def alert(c: Cluster, name: str, labels: dict[str, str], description: str, age: int = 240) -> None:
    """Let Alertmanager fire."""
    c.alerts.append(
        {
            "labels": {"alertname": name, "namespace": c.ns, "severity": "warning"} | labels,
            "annotations": {"description": description},
            "startsAt": c.at(age).isoformat(),
            "status": {"state": "active"},
        }
    )


def role_of(c: Cluster, app: App) -> str:
    """Give the role an app plays."""
    return next(role for role, other in c.apps.items() if other is app)


def hurt_callers(c: Cluster, app: App, how: str, deep: bool = True) -> None:
    """Let whoever calls the app complain, and those who call them answer 5xx."""
    role = role_of(c, app)
    for caller in c.callers(role):
        ip = app.service.ip if app.services and app.service.ip != "None" else "10.42.1.99"
        port = app.service.port if app.services else app.main.port or 0
        if role in DATABASES:
            say(c, caller, "database unavailable", database_error(caller, role, app.name, how, ip))
        else:
            say(c, caller, f"call to {app.name} failed", client_error(caller, app.name, port, how, ip))
        alert(c, "HighErrorRate", {"service": caller.name}, f"{caller.name}: 5xx ratio 38% over the last 5m")
        for upper in c.callers(role_of(c, caller)) if deep else []:
            say(c, upper, f"{caller.name} answered 500", times=2)


def fresh_pods(c: Cluster, app: App, age: int = 400) -> list[Pod]:
    """Give the app new pods, as after a rollout, and forget what was told of the old ones."""
    old = {pod.name for pod in app.pods}
    c.events = [event for event in c.events if event.name not in old]
    app.rs_hash = c.suffix(10)
    app.revision += 1
    for pod in app.pods:
        pod.age = age
        if app.kind != "StatefulSet":
            pod.labels["pod-template-hash"] = app.rs_hash
            pod.name = f"{app.name}-{app.rs_hash}-{c.suffix()}"
        pod.labels |= app.labels
        pod.states = [State(started_age=age - 3) for _ in app.containers]
        pod.init_states = [State("Terminated", "Completed", exit_code=0, ready=True) for _ in app.init]
        c.scheduled(pod)
    if app.kind == "Deployment":
        c.event(
            Event(
                "replicaset",
                f"{app.name}-{app.rs_hash}",
                "SuccessfulCreate",
                f"Created pod: {app.pods[0].name}",
                age=age,
                source="replicaset-controller",
            )
        )
        c.event(
            Event(
                "deployment",
                app.name,
                "ScalingReplicaSet",
                f"Scaled up replica set {app.name}-{app.rs_hash} from 0 to {app.replicas}",
                age=age,
                source="deployment-controller",
            )
        )
    return app.pods


def started(c: Cluster, pod: Pod, container: str, image: str, times: int = 1) -> None:
    """Record that the container was pulled, created and started."""
    age = min(20, pod.age - 2)
    for reason, message in (
        ("Pulled", f'Container image "{image}" already present on machine'),
        ("Created", f"Created container: {container}"),
        ("Started", f"Started container {container}"),
    ):
        c.event(Event("pod", pod.name, reason, message, age=age, count=times, first=pod.age - 2))


def crash(c: Cluster, app: App, lines: list[str], index: int = 0, code: int = 1, restarts: int = 5) -> None:
    """Let one container of every pod end again and again after these lines (already in the app's own format)."""
    container = app.containers[index]
    reason = "OOMKilled" if code == 137 else "Error"
    for pod in app.pods:
        state = State(
            "Waiting",
            "CrashLoopBackOff",
            f"back-off 2m40s restarting failed container={container.name} pod={pod.name}_"
            f"{c.ns}({c.hexes(8)}-{c.hexes(4)})",
            ready=False,
            restarts=restarts,
            restart_age=70,
            last=(reason, code),
        )
        pod.states[index] = state
        started(c, pod, container.name, container.image, restarts)
        c.event(
            Event(
                "pod",
                pod.name,
                "BackOff",
                f"Back-off restarting failed container {container.name} in pod {pod.name}_{c.ns}"
                f"({c.hexes(8)}-{c.hexes(4)})",
                "Warning",
                12,
                22,
                pod.age - 20,
            )
        )
        alert(
            c,
            "KubePodCrashLooping",
            {"pod": pod.name, "container": container.name},
            f'Pod {c.ns}/{pod.name} ({container.name}) is in waiting state (reason: "CrashLoopBackOff").',
        )
    app.logs += lines


def pending(c: Cluster, app: App, message: str, pods: list[Pod] | None = None) -> None:
    """Let the app's pods wait for a node."""
    for pod in pods or app.pods:
        pod.node, pod.ip, pod.phase = None, None, "Pending"
        pod.states = []
        c.events = [e for e in c.events if e.name != pod.name]
        if message:
            c.event(
                Event(
                    "pod",
                    pod.name,
                    "FailedScheduling",
                    message,
                    "Warning",
                    min(pod.age, 75),
                    3,
                    pod.age,
                    source="default-scheduler",
                )
            )
    if not pods:
        app.logs = []
    alert(
        c,
        "KubePodNotReady",
        {"pod": app.pods[-1].name},
        f"Pod {c.ns}/{app.pods[-1].name} has been in a non-ready state.",
    )


def waiting(
    c: Cluster, app: App, reason: str, message: str, events: list[tuple[str, str]], has_ip: bool = True
) -> None:
    """Let the app's first container never start; `events` are reasons and messages of Warnings."""
    for pod in app.pods:
        pod.phase = "Pending"
        pod.states = [State("Waiting", reason, message, ready=False)] + [
            State("Waiting", reason, "", ready=False) if reason == "ContainerCreating" else s for s in pod.states[1:]
        ]
        if not has_ip:
            pod.ip = None
        for what, text in events:
            c.event(
                Event(
                    "pod",
                    pod.name,
                    what,
                    text.replace("{pod}", pod.name),
                    "Normal" if what in ("Pulling", "BackOff", "Pulled") else "Warning",
                    14,
                    9,
                    pod.age - 1,
                )
            )
    app.logs = []


def unready(c: Cluster, app: App, probe: str, message: str, restarts: int = 0) -> None:
    """Let a probe fail; with restarts the kubelet kills the container over it."""
    for pod in app.pods:
        text = message.replace("{ip}", str(pod.ip))
        c.event(Event("pod", pod.name, "Unhealthy", f"{probe} probe failed: {text}", "Warning", 4, 31, pod.age - 15))
        pod.states[0].ready = probe != "Readiness"
        if restarts:
            pod.states[0] = State(restarts=restarts, restart_age=25, last=("Error", 143), started_age=24, ready=False)
            c.event(
                Event(
                    "pod",
                    pod.name,
                    "Killing",
                    f"Container {app.main.name} failed liveness probe, will be restarted",
                    age=26,
                    count=restarts,
                    first=pod.age - 40,
                )
            )


def no_pods(c: Cluster, app: App, message: str) -> None:
    """Let the controller fail to create the pods."""
    old = {pod.name for pod in app.pods}
    app.pods, app.logs = [], []
    c.events = [event for event in c.events if event.name not in old]
    if app.kind == "StatefulSet":
        c.event(
            Event("statefulset", app.name, "FailedCreate", message, "Warning", 33, 15, 380, "statefulset-controller")
        )
    else:
        c.event(
            Event(
                "replicaset",
                f"{app.name}-{app.rs_hash}",
                "FailedCreate",
                message,
                "Warning",
                33,
                15,
                380,
                "replicaset-controller",
            )
        )
    alert(
        c,
        "KubeDeploymentReplicasMismatch",
        {"deployment": app.name},
        f"Deployment {c.ns}/{app.name} has not matched the expected number of replicas for longer than 15 minutes.",
    )


def node_down(c: Cluster, node: Node, reason: str, message: str, ready: str) -> None:
    """Let a node stop being ready, with what that does to its pods."""
    node.ready, node.reason, node.message, node.changed_age = ready, reason, message, 260
    node.taints = [
        f"node.kubernetes.io/{'unreachable' if ready == 'Unknown' else 'not-ready'}:{e}"
        for e in ("NoExecute", "NoSchedule")
    ]
    if ready == "Unknown":
        node.heartbeat_age = 300
    c.system_events.append(
        Event(
            "node",
            node.name,
            "NodeNotReady",
            f"Node {node.name} status is now: NodeNotReady",
            age=260,
            source="node-controller",
        )
    )
    for app in c.apps.values():
        for pod in [p for p in app.pods if p.node == node.name]:
            pod.cut_off = True
            c.event(
                Event("pod", pod.name, "NodeNotReady", "Node is not ready", "Warning", 258, source="node-controller")
            )
    for app in c.apps.values():
        if app.pods and all(pod.cut_off for pod in app.pods):
            hurt_callers(c, app, "refused", deep=False)
    alert(c, "KubeNodeNotReady", {"node": node.name}, f"{node.name} has been unready for more than 3 minutes.")


def set_env(app: App, name: str, value: Any) -> None:
    """Change one variable of the app's main container."""
    app.main.env[name] = value
