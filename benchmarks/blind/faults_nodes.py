"""Faults of nodes and of what runs on them, in another guise than the development cases."""

from __future__ import annotations

from .cases import case
from .effects import DATABASES, alert, fresh_pods, hurt_callers, node_down, pending
from .logs import client_error, say
from .model import Cluster, Event, State


@case("containerd_unavailable", "clinic", "half of the clinic's pages fail")
def runtime_down_by_condition(c: Cluster) -> str:
    """Nobody collected the units: the node's condition names the runtime."""
    node = c.nodes[1]
    node_down(
        c,
        node,
        "KubeletNotReady",
        "[container runtime is down, PLEG is not healthy: pleg was last seen active 6m12s ago; threshold is 3m0s]",
        "False",
    )
    for each in c.nodes:
        for unit in ("kubelet", "containerd", "kube-proxy", "kube-scheduler"):
            c.units[each.name, unit] = []
    return f"node/{node.name}"


@case("kubelet_unavailable", "ferry", "some pods hang and we can't exec into them")
def kubelet_config_broken(c: Cluster) -> str:
    """The kubelet restarts for ever over its configuration."""
    node = c.nodes[2]
    node_down(c, node, "NodeStatusUnknown", "Kubelet stopped posting node status.", "Unknown")
    rows = [
        "Service: kubelet",
        f"Node: {node.name}",
        "Status: ● kubelet.service - kubelet: The Kubernetes Node Agent",
        "     Loaded: loaded (/lib/systemd/system/kubelet.service; enabled; preset: enabled)",
        "     Active: activating (auto-restart) (Result: exit-code) since Tue 2026-11-17 10:00:01 UTC; 4s ago",
        "    Process: 9921 ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS (code=exited, status=1/FAILURE)",
        "   Main PID: 9921 (code=exited, status=1/FAILURE)",
        "",
    ]
    for n in range(3):
        t = c.at(200 - n * 60)
        rows += [
            f"{t:%b %d %H:%M:%S} {node.name} kubelet[99{n}1]: E{t:%m%d %H:%M:%S}.100 99{n}1 run.go:74] "
            f'"command failed" err="failed to load kubelet config '
            'file, path: /var/lib/kubelet/config.yaml, error: failed to load Kubelet config file"',
            f"{t:%b %d %H:%M:%S} {node.name} systemd[1]: kubelet.service: Main process exited, "
            f"code=exited, status=1/FAILURE",
        ]
    c.units[node.name, "kubelet"] = rows
    return f"node/{node.name}"


@case("kube_proxy_unavailable", "library", "from some machines nothing can be reached")
def proxy_pod(c: Cluster) -> str:
    """kube-proxy runs as a DaemonSet; its pod on one node is in a crash loop; there is no systemd unit."""
    node = c.nodes[2]
    pod = next(p for p in c.system_pods if p.node == node.name and p.name.startswith("kube-proxy"))
    pod.states = [State("Waiting", "CrashLoopBackOff", ready=False, restarts=14, restart_age=110, last=("Error", 1))]
    for each in c.nodes:
        c.units[each.name, "kube-proxy"] = []
    c.system_logs[pod.name] = [
        'E1117 10:02:11.102331       1 run.go:74] "command failed" err="failed complete: open '
        "/var/lib/kube-proxy/config.conf: "
        'no such file or directory"'
    ]
    c.system_events.append(
        Event(
            "pod",
            pod.name,
            "BackOff",
            f"Back-off restarting failed container kube-proxy in pod {pod.name}_kube-system(5d1f)",
            "Warning",
            14,
            60,
            2900,
        )
    )
    c.per_node_checks = True
    c.unproxied.add(node.name)
    for app in [a for a in c.apps.values() if any(p.node == node.name for p in a.pods)]:
        for callee in [c.app(role) for role in app.calls if role not in DATABASES]:
            say(
                c,
                app,
                f"call to {callee.name} failed",
                client_error(app, callee.name, callee.service.port, "timeout", callee.service.ip),
            )
    return f"node/{node.name}"


@case("kube_scheduler_unavailable", "ferry", "new invoicing pods stay pending for ages")
def scheduler_static_pod(c: Cluster) -> str:
    """The scheduler is a static pod in a crash loop; the pending pods have no Event at all."""
    app, node = c.app("invoicing"), c.nodes[0]
    pod = next(p for p in c.system_pods if p.name.startswith("kube-scheduler"))
    pod.states = [State("Waiting", "CrashLoopBackOff", ready=False, restarts=9, restart_age=200, last=("Error", 1))]
    c.units[node.name, "kube-scheduler"] = []
    c.system_logs[pod.name] = [
        'E1117 10:02:11.102331       1 run.go:72] "command failed" err="stat '
        '/etc/kubernetes/scheduler.conf: no such file or directory"'
    ]
    c.system_events.append(
        Event(
            "pod",
            pod.name,
            "BackOff",
            f"Back-off restarting failed container kube-scheduler in pod {pod.name}_kube-system(77aa)",
            "Warning",
            20,
            44,
            2000,
        )
    )
    fresh_pods(c, app, 1500)
    pending(c, app, "")
    hurt_callers(c, app, "refused")
    return f"node/{node.name}"


@case("node_network_packet_loss", "library", "sometimes everything is slow, then it is fine again")
def lossy_node(c: Cluster) -> str:
    """Alerts in the words of node-exporter rules."""
    node = c.nodes[3]
    alert(
        c,
        "NodeTCPRetransmissionHigh",
        {"node": node.name},
        f"{node.name}: 7.9% of the TCP segments are sent again (normally 0.02%), interface eth0",
    )
    alert(
        c,
        "NodeNetworkPacketLoss",
        {"node": node.name},
        f"{node.name}: 12% packet loss to its peers measured by ping over the last 5m",
    )
    for app in c.apps.values():
        if app.language in ("go", "java", "node", "python", "dotnet") and any(p.node == node.name for p in app.pods):
            alert(c, "HighLatency", {"service": app.name}, f"{app.name}: p95 2.1s over the last 5m (normally 0.1s)")
            for caller in c.callers(next(r for r, a in c.apps.items() if a is app)):
                say(
                    c,
                    caller,
                    f"call to {app.name} failed",
                    client_error(caller, app.name, app.service.port, "timeout", app.service.ip),
                    times=1,
                )
    return f"node/{node.name}"
