"""
What a person reads of nodes and of the services that every node, or the control plane, cannot do without.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule

_DESCRIBE = "kubectl describe node {name}"
_PODS = "kubectl get pods -A -o wide --field-selector spec.nodeName={name}"

KUBELET_DOWN = Rule(
    code="kubelet-down",
    title="kubelet is not running on a node",
    layer=Layer.NODE,
    meaning=(
        "The kubelet starts and watches every Pod of its node and reports the node as alive. While it is down, running "
        "containers go on unwatched, new ones are never started, and after 40 seconds the node counts as NotReady."
    ),
    confirm=_DESCRIBE,
    fix=(
        "On the node, start it and see why it stopped: systemctl start kubelet; journalctl -u kubelet -n 100.",
        "If it fails again, look for expired certificates, a bad kubelet configuration, or swap that is on.",
    ),
)
CONTAINER_RUNTIME_DOWN = Rule(
    code="container-runtime-down",
    title="Container runtime is not running on a node",
    layer=Layer.NODE,
    meaning=(
        "containerd, CRI-O or dockerd creates the containers on behalf of the kubelet. Without it no container of the "
        "node can be started, stopped or asked for its state; the kubelet reports 'container runtime is down' and the "
        "node turns NotReady."
    ),
    confirm=_DESCRIBE,
    fix=(
        "On the node, start it and see why it stopped (for containerd: systemctl start containerd; journalctl -u "
        "containerd -n 100).",
        "If it does not stay up, check for a full disk and for a broken configuration file.",
    ),
)
KUBE_PROXY_DOWN = Rule(
    code="kube-proxy-down",
    title="kube-proxy is not running on a node",
    layer=Layer.NODE,
    meaning=(
        "kube-proxy turns Service addresses into Pod addresses on its node. While it is down, Pods of that node reach "
        "Services as they were when it stopped, and new ones not at all; elsewhere everything works, and the node "
        "stays Ready."
    ),
    confirm=_PODS,
    fix=(
        "Start it again: systemctl start kube-proxy on the node, or delete the node's kube-proxy Pod.",
        "See in its log why it stopped: a bad configuration, an expired certificate, missing kernel modules.",
    ),
)
KUBE_SCHEDULER_DOWN = Rule(
    code="kube-scheduler-down",
    title="Scheduler is not running",
    layer=Layer.NODE,
    meaning=(
        "Nothing assigns new Pods to nodes. They stay Pending without a node, a PodScheduled condition or any Event; "
        "running Pods are not touched."
    ),
    confirm="kubectl get leases kube-scheduler -n kube-system -o yaml",
    fix=(
        "Start it on the control-plane node: systemctl start kube-scheduler, or restore its static Pod manifest in "
        "/etc/kubernetes/manifests.",
    ),
)
CONTROL_PLANE_DOWN = Rule(
    code="control-plane-down",
    title="A control-plane component is not running",
    layer=Layer.NODE,
    meaning=(
        "kube-apiserver, kube-controller-manager or etcd is down. Without the controller manager, Deployments make no "
        "Pods and endpoints go stale; without API server or etcd nothing can change at all."
    ),
    confirm="kubectl get pods -n kube-system -o wide",
    fix=("Start it on its node and read its log for the reason: certificates, disk, etcd's health.",),
)
NODE_NOT_READY = Rule(
    code="node-not-ready",
    title="Node is not ready",
    layer=Layer.NODE,
    meaning=(
        "The node's Ready condition is False (the kubelet says why) or Unknown (the kubelet was not heard for 40 "
        "seconds: it, the machine or its network is down). No new Pod goes there; after 5 minutes its Pods are evicted."
    ),
    confirm=_DESCRIBE,
    fix=(
        "See whether the machine is up and reachable; on it, check kubelet and container runtime.",
        "If it cannot be brought back, make sure that the machine is off, then delete the Node: its Pods are made anew "
        "elsewhere, and two of a StatefulSet's must never write to one volume.",
    ),
)
NODE_RESTARTED = Rule(
    code="node-restarted",
    title="Node or its container runtime was restarted",
    layer=Layer.NODE,
    meaning=(
        "When the machine or its container runtime goes down and comes back, what ran there is gone. The runtime "
        "reports each container as ended with exit code 255 and the reason Unknown, and the kubelet starts them anew: "
        "no program is to blame, and all of them start at once."
    ),
    confirm="kubectl get events --field-selector involvedObject.name={name},reason=Rebooted -A",
    fix=(
        "Find out what restarted it: on the node, last -x reboot, journalctl --list-boots, journalctl -u containerd; "
        "beyond it, upgrades, the cloud provider's maintenance, or a kernel crash.",
        "What is not ready yet mostly needs only time; look at what still is not after some minutes.",
    ),
)
NODE_NETWORK_UNAVAILABLE = Rule(
    code="node-network-unavailable",
    title="Node has no Pod network",
    layer=Layer.NODE,
    meaning=(
        "The network plugin (CNI) is not installed or not ready on the node, so Pods there get no address and cannot "
        "start."
    ),
    confirm=_PODS,
    fix=(
        "See that the network plugin's Pod runs on the node and that its files are in /etc/cni/net.d and /opt/cni/bin.",
    ),
)
POD_NETWORK_SETUP_FAILED = Rule(
    code="pod-network-setup-failed",
    title="Network plugin cannot give a Pod its network",
    layer=Layer.NODE,
    meaning=(
        "The kubelet asked the network plugin (CNI) for the Pod's network and got an error: addresses used up, the "
        "plugin's agent down, a broken configuration. The Pod stays in ContainerCreating."
    ),
    confirm="kubectl get events -A --field-selector reason=FailedCreatePodSandBox",
    fix=("Read the plugin's error; see that its Pod runs on that node; free or add addresses.",),
)
NODE_MEMORY_PRESSURE = Rule(
    code="node-memory-pressure",
    title="Node is short of memory",
    layer=Layer.NODE,
    meaning="The kubelet sees less free memory than its threshold, takes no more Pods and evicts some.",
    confirm=_DESCRIBE,
    fix=(
        "Find what uses most (kubectl top pods -A --sort-by=memory) and limit or move it.",
        "Set requests to what is really used, or add a node.",
    ),
)
NODE_DISK_PRESSURE = Rule(
    code="node-disk-pressure",
    title="Node is short of disk space",
    layer=Layer.NODE,
    meaning=(
        "The file system for Pods or images is nearly full (space or inodes). The kubelet deletes unused images, takes "
        "no more Pods and evicts some."
    ),
    confirm=_DESCRIBE,
    fix=("Free space: large logs, emptyDir volumes, unused images; or give the node a larger disk.",),
)
NODE_PID_PRESSURE = Rule(
    code="node-pid-pressure",
    title="Node is short of process ids",
    layer=Layer.NODE,
    meaning="So many processes run that the kubelet's threshold is passed; it takes no more Pods and evicts some.",
    confirm=_DESCRIBE,
    fix=("Find the Pod that makes processes without end, and set podPidsLimit.",),
)
NODE_PROBLEM = Rule(
    code="node-problem",
    title="Node reports a fault of its kernel, disk or services",
    layer=Layer.NODE,
    meaning="A node agent (such as node-problem-detector) set a condition that is True only while something is wrong.",
    confirm=_DESCRIBE,
    fix=("Read the condition's message; drain the node (this moves its Pods) and mend or replace it.",),
)
