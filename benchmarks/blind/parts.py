"""What describe says of containers and volumes."""

from __future__ import annotations

from datetime import datetime

from .model import App, Cluster, Container, Env, Probe, State


def when(moment: datetime) -> str:
    """Give a moment as describe prints it."""
    return moment.strftime("%a, %d %b %Y %H:%M:%S +0000")


def probe_text(probe: Probe) -> str:
    """Give a probe in one line."""
    what = {
        "http": f"http-get {probe.scheme.lower()}://:{probe.port}{probe.path}",
        "tcp": f"tcp-socket :{probe.port}",
        "grpc": f"grpc <pod>:{probe.port}",
        "exec": f"exec [{' '.join(probe.command)}]",
    }[probe.kind]
    return (
        f"{what} delay={probe.delay}s timeout={probe.timeout}s period={probe.period}s #success=1 "
        f"#failure={probe.failure}"
    )


def env_text(name: str, value: Env, width: int) -> str:
    """Give one environment variable."""
    if isinstance(value, str):
        return f"{name + ':':{width}}  {value}"
    kind = "secret" if "secret" in value else "config map"
    where = value.get("secret") or value.get("config")
    optional = "true" if "optional" in value else "false"
    return (
        f"{name + ':':{width}}  <set to the key '{value['key']}' {'in' if kind == 'secret' else 'of'} "
        f"{kind} '{where}'>  Optional: "
        f"{optional}"
    )


def state_lines(state: State, c: Cluster) -> list[str]:
    """Give the State, Ready and Restart Count lines."""
    rows = [f"State:          {state.state}"]
    if state.state == "Running":
        rows.append(f"  Started:      {when(c.at(state.started_age or 600))}")
    else:
        rows.append(f"  Reason:       {state.reason}")
        if state.exit_code is not None:
            rows.append(f"  Exit Code:    {state.exit_code}")
    if state.last:
        age = state.restart_age or 60
        rows += [
            "Last State:     Terminated",
            f"  Reason:       {state.last[0]}",
            f"  Exit Code:    {state.last[1]}",
            f"  Started:      {when(c.at(age + 9))}",
            f"  Finished:     {when(c.at(age + 3))}",
        ]
    return [*rows, f"Ready:          {'True' if state.ready else 'False'}", f"Restart Count:  {state.restarts}"]


def container_lines(container: Container, c: Cluster, state: State | None) -> list[str]:
    """Give one container of a pod (with a state) or of a template."""
    probes = (("Liveness", container.live), ("Readiness", container.ready), ("Startup", container.startup))
    mounts = [f"  {path} from {volume} ({'ro' if ro else 'rw'})" for path, volume, ro in container.mounts]
    if state:
        mounts.append("  /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-x7k2p (ro)")
    return [
        *([f"Container ID:   containerd://{c.hexes(64)}"] if state and state.state == "Running" else []),
        f"Image:          {container.image}",
        *command_lines(container),
        *(state_lines(state, c) if state else []),
        "Limits:",
        f"  cpu:     {container.cpu[1]}",
        f"  memory:  {container.memory[1]}",
        "Requests:",
        f"  cpu:     {container.cpu[0]}",
        f"  memory:  {container.memory[0]}",
        *[f"{name + ':':11} {probe_text(probe)}" for name, probe in probes if probe],
        *env_lines(container),
        *(["Mounts:", *mounts] if mounts else ["Mounts:  <none>"]),
    ]


def command_lines(container: Container) -> list[str]:
    """Give its port and its command line."""
    rows = []
    if container.port:
        rows += [f"Port:           {container.port}/{container.protocol}", f"Host Port:      0/{container.protocol}"]
    for title, words in (("Command:", container.command), ("Args:", container.args)):
        if words:
            rows += [title, *[f"  {word}" for word in words]]
    return rows


def env_lines(container: Container) -> list[str]:
    """Give its environment."""
    rows = []
    if container.env_from:
        kinds = {"secret": "Secret", "configmap": "ConfigMap"}
        rows = ["Environment Variables from:"]
        rows += [f"  {name}  {kinds[kind]}  Optional: false" for kind, name in container.env_from]
    if not container.env:
        return [*rows, "Environment:  <none>"]
    width = max(len(name) for name in container.env) + 1
    return [*rows, "Environment:", *[f"  {env_text(n, v, width)}" for n, v in container.env.items()]]


def volume_lines(app: App) -> list[str]:
    """Give the Volumes section."""
    rows = []
    for volume in app.volumes:
        rows.append(f"  {volume['name']}:")
        rows += {
            "pvc": [
                "    Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)",
                f"    ClaimName:  {volume['ref']}",
                "    ReadOnly:   false",
            ],
            "secret": [
                "    Type:        Secret (a volume populated by a Secret)",
                f"    SecretName:  {volume['ref']}",
                "    Optional:    false",
            ],
            "configmap": [
                "    Type:      ConfigMap (a volume populated by a ConfigMap)",
                f"    Name:      {volume['ref']}",
                "    Optional:  false",
            ],
            "empty": [
                "    Type:       EmptyDir (a temporary directory that shares a pod's lifetime)",
                "    Medium:     ",
                "    SizeLimit:  <unset>",
            ],
        }[volume["kind"]]
    return rows
