"""Nodes: their describe output and the journals of their services."""

from __future__ import annotations

from .describe import event_lines, label_block
from .model import Cluster, Node, short_age, stable
from .parts import when


def cpu(text: str) -> int:
    """Give millicores."""
    return int(text[:-1]) if text.endswith("m") else int(float(text) * 1000)


def mib(text: str) -> int:
    """Give MiB."""
    return int(text[:-2]) * (1024 if text.endswith("Gi") else 1)


def node_lines(c: Cluster, node: Node) -> list[str]:
    """Describe a node."""
    heart, changed = when(c.at(node.heartbeat_age)), when(c.at(node.changed_age))
    unknown = node.ready == "Unknown"

    def condition(kind: str, status: str, reason: str, message: str) -> str:
        if unknown:
            status, reason, message = "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status."
        return f"  {kind:16} {status:7} {heart}   {changed}   {reason:26} {message}"

    rows = [
        f"Name:               {node.name}",
        f"Roles:              {'control-plane' if node.control else '<none>'}",
        *label_block("Labels:", node.labels, 20),
        "Annotations:        node.alpha.kubernetes.io/ttl: 0",
        f"CreationTimestamp:  {when(c.at(203 * 86400))}",
    ]
    taints = node.taints + (["node.kubernetes.io/unschedulable:NoSchedule"] if node.cordoned else []) or ["<none>"]
    rows += [
        f"Taints:             {taints[0]}",
        *[f"                    {t}" for t in taints[1:]],
        f"Unschedulable:      {'true' if node.cordoned else 'false'}",
        "Lease:",
        f"  HolderIdentity:  {node.name}",
        "  AcquireTime:     <unset>",
        f"  RenewTime:       {when(c.at(node.heartbeat_age if unknown else 4))}",
        "Conditions:",
        "  Type             Status  LastHeartbeatTime                 LastTransitionTime                "
        "Reason                       Message",
        "  ----             ------  -----------------                 ------------------                "
        "------                       -------",
        condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
        condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
        condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
        condition("Ready", node.ready, node.reason, node.message),
        "Addresses:",
        f"  InternalIP:  {node.ip}",
        f"  Hostname:    {node.name}",
        "Capacity:",
        f"  cpu:     {node.cpu}",
        f"  memory:  {node.memory_mi * 1024 + 512000}Ki",
        "  pods:    110",
        "Allocatable:",
        f"  cpu:     {node.cpu}",
        f"  memory:  {node.memory_mi * 1024}Ki",
        "  pods:    110",
        "System Info:",
        "  Kernel Version:             6.1.0-26-amd64",
        "  Container Runtime Version:  containerd://1.7.22",
        "  Kubelet Version:            v1.30.6",
    ]
    here = [(app, pod) for app in c.apps.values() for pod in app.pods if pod.node == node.name]
    system = [pod for pod in c.system_pods if pod.node == node.name]
    rows += [
        f"Non-terminated Pods:  ({len(here) + len(system)} in total)",
        "  Namespace     Name     CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age",
        "  ---------     ----     ------------  ----------  ---------------  -------------  ---",
    ]
    rows += [
        f"  kube-system   {p.name}   100m (2%)     0 (0%)      50Mi (0%)        0 (0%)         {short_age(p.age)}"
        for p in system
    ]
    used, memory = 100 * len(system), 50 * len(system)
    for app, pod in here:
        a, b = sum(cpu(x.cpu[0]) for x in app.containers), sum(mib(x.memory[0]) for x in app.containers)
        used, memory = used + a, memory + b
        rows.append(
            f"  {c.ns}   {pod.name}   {a}m ({a // 10 // node.cpu}%)   1 (25%)    {b}Mi "
            f"({b * 100 // node.memory_mi}%)   1Gi (6%)   {short_age(pod.age)}"
        )
    rows += [
        "Allocated resources:",
        "  (Total limits may be over 100 percent, i.e., overcommitted.)",
        "  Resource           Requests      Limits",
        "  --------           --------      ------",
        f"  cpu                {used}m ({used // 10 // node.cpu}%)   3 (75%)",
        f"  memory             {memory}Mi ({memory * 100 // node.memory_mi}%)   4Gi (26%)",
    ]
    return rows + event_lines(c, [e for e in c.system_events if e.kind == "node" and e.name == node.name])


UNITS = {
    "kubelet": [
        'I{m} {t} 1203 kubelet.go:2447] "SyncLoop (probe)" probe="readiness" status="ready" pod="kube-system/coredns"',
        'I{m} {t} 1203 image_gc_manager.go:310] "Image garbage collection succeeded"',
    ],
    "containerd": [
        'time="{i}" level=info msg="StartContainer for \\"{h}\\" returns successfully"',
        'time="{i}" level=warning msg="cleaning up after shim disconnected" id={h} namespace=k8s.io',
    ],
    "kube-proxy": ['I{m} {t} 911 proxier.go:805] "SyncProxyRules complete" elapsed="21.4ms"'],
    "kube-scheduler": ["I{m} {t} 877 leaderelection.go:260] successfully acquired lease kube-system/kube-scheduler"],
}


def unit_text(c: Cluster, node: Node, unit: str) -> str:
    """Give systemctl status and the journal's tail of one healthy service."""
    pid = 800 + stable(node.name + unit) % 900
    since = c.at(12 * 86400)
    rows = [
        f"Service: {unit}",
        f"Node: {node.name}",
        f"Status: ● {unit}.service - {unit}",
        f"     Loaded: loaded (/lib/systemd/system/{unit}.service; enabled; preset: enabled)",
        f"     Active: active (running) since {since:%a %Y-%m-%d %H:%M:%S} UTC; 1 week 5 days ago",
        f"   Main PID: {pid} ({unit})",
        f"     CGroup: /system.slice/{unit}.service",
        f"             └─{pid} /usr/local/bin/{unit}",
        "",
    ]
    for n, text in enumerate(UNITS[unit]):
        t = c.at(2000 - n * 400)
        body = text.format(m=f"{t:%m%d}", t=f"{t:%H:%M:%S}.104211", i=t.isoformat(), h=c.hexes(64))
        rows.append(f"{t:%b %d %H:%M:%S} {node.name} {unit}[{pid}]: {body}")
    return "\n".join(rows) + "\n"
