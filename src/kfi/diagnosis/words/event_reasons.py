"""
What the words mean that controllers, the scheduler and the kubelet give as the reason of an Event about Pods and nodes.

Source of the names: `pkg/kubelet/events`, `pkg/scheduler`, `pkg/controller`, the cluster autoscaler and Karpenter.
"""

from __future__ import annotations

from kfi.diagnosis.words.kubernetes import words

_NO_ROOM = (
    "unschedulable insufficient-cpu insufficient-memory untolerated-taint node-selector-mismatch "
    "node-affinity-mismatch unbound-claim volume-node-affinity-conflict"
)

OF_PODS = words(
    ("FailedScheduling", _NO_ROOM,
     "Of the scheduler: no node takes the Pod for now. The message counts the nodes by what stands against each, such "
     "as 'Insufficient cpu' or an untolerated taint; it tries again when something changes."),
    ("Scheduled", "", "Of the scheduler: the Pod was given a node."),
    ("NotTriggerScaleUp", "scale-up-no-fit scale-up-limit-reached",
     "Of the cluster autoscaler: no new node that it could add would take the pending Pod; the message says why."),
    ("TriggeredScaleUp", "", "Of the cluster autoscaler: it is adding nodes for the pending Pod."),
    ("FailedToScaleUpGroup", "scale-up-failed",
     "Of the cluster autoscaler: the cloud did not give it the node it wanted."),
    ("ScaleUpTimedOut", "scale-up-failed", "Of the cluster autoscaler: a node it added did not register in time."),
    ("BackOff", "crash-loop-back-off image-pull-failed container-crash",
     "Of the kubelet: it holds back the next start of a container that keeps ending ('Back-off restarting failed "
     "container'), or the next pull of an image ('Back-off pulling image')."),
    ("Pulling", "", "Of the kubelet: it begins to pull an image."),
    ("Pulled", "", "Of the kubelet: the image was pulled, or was on the node already."),
    ("Created", "", "Of the kubelet: a container was created."),
    ("Started", "", "Of the kubelet: a container was started."),
    ("Killing", "liveness-probe-failing startup-probe-failing",
     "Of the kubelet: it stops a container, because its Pod goes, its definition changed, or its liveness or startup "
     "probe or postStart hook failed; the message says which."),
    ("Unhealthy", "readiness-probe-failing liveness-probe-failing startup-probe-failing",
     "Of the kubelet: a probe failed. Readiness takes the Pod out of its Services, liveness and startup have the "
     "container killed and restarted once failureThreshold is reached."),
    ("ProbeWarning", "", "Of the kubelet: a probe succeeded with something odd, such as a redirect to another host."),
    ("ProbeError", "readiness-probe-failing liveness-probe-failing",
     "A probe could not be carried out, as opposed to having failed (OpenShift writes it where others say Unhealthy)."),
    ("FailedPostStartHook", "post-start-hook-failed",
     "Of the kubelet: the command or request of the postStart hook failed; the container is killed."),
    ("FailedPreStopHook", "", "Of the kubelet: the preStop hook failed; the container is stopped all the same."),
    ("FailedMount", "volume-mount-failed missing-config-map missing-secret volume-permission-denied",
     "Of the kubelet: a volume of the Pod could not be mounted: a ConfigMap or Secret that is missing, a server that "
     "does not answer, or a volume that is not attached yet. It tries again."),
    ("FailedAttachVolume", "volume-attach-failed volume-multi-attach",
     "Of the attach-detach controller: a volume could not be attached to the Pod's node; 'Multi-Attach error' means "
     "that another node still has it."),
    ("FailedMapVolume", "volume-mount-failed", "Of the kubelet: a block volume could not be given to the container."),
    ("FailedUnMount", "object-stuck-deleting", "Of the kubelet: a volume could not be unmounted."),
    ("FailedDetachVolume", "volume-attach-failed", "Of the attach-detach controller: a volume could not be detached."),
    ("SuccessfulAttachVolume", "", "Of the attach-detach controller: the volume was attached to the Pod's node."),
    ("Multi-Attach", "volume-multi-attach volume-in-use",
     "Words of FailedAttachVolume: a volume that only one node may use (ReadWriteOnce) is still attached to another."),
    ("FailedCreatePodSandBox", "pod-network-setup-failed container-runtime-down",
     "Of the kubelet: the sandbox that holds the Pod's network could not be made; most often the network plugin "
     "failed or has no address left."),
    ("FailedCreatePodContainer", "container-config-error", "Of the kubelet: a container of the Pod could not be made."),
    ("FailedPodSandBoxStatus", "container-runtime-down",
     "Of the kubelet: the runtime did not tell how the sandbox is."),
    ("SandboxChanged", "pod-network-setup-failed",
     "Of the kubelet: the Pod's sandbox is gone or changed, so it is made again with all its containers."),
    ("NetworkNotReady", "node-network-unavailable pod-network-setup-failed",
     "Of the kubelet: the node's network plugin is not ready, so only Pods on the host's network start."),
    ("DNSConfigForming", "",
     "Of the kubelet: the Pod's resolv.conf would exceed a limit (three servers), so some entries were left out. It "
     "works, if what was left out is not needed."),
    ("MissingClusterDNS", "dns-failure", "Of the kubelet: no address of the cluster's DNS is configured on the node."),
    ("FailedToRetrieveImagePullSecret", "missing-image-pull-secret",
     "Of the kubelet: a Secret that imagePullSecrets names is not there; the pull goes on without it and fails where "
     "the image is private."),
    ("InspectFailed", "image-name-invalid image-pull-failed",
     "Of the kubelet: the image could not be looked at; the waiting state says whether its name (InvalidImageName) or "
     "the runtime (ImageInspectError) is to blame."),
    ("FailedSync", "", "Of the kubelet: one round of bringing the Pod to its state failed; other Events say at what."),
    ("FailedKillPod", "object-stuck-deleting container-runtime-down", "Of the kubelet: the Pod could not be stopped."),
    ("ExceededGracePeriod", "object-stuck-deleting", "Of the kubelet: the Pod did not end within its grace period."),
    ("FailedPrepareDynamicResources", "insufficient-resource",
     "Of the kubelet: a device the Pod claims was not prepared."),
    ("TaintManagerEviction", "untolerated-taint node-not-ready",
     "Of the taint manager: it deletes the Pod, which does not tolerate a NoExecute taint of its node (or, as the "
     "message says, no longer does)."),
    ("NodeControllerEviction", "node-not-ready",
     "Of the node controller: the Pod is deleted, as its node does not report."),
)  # fmt: skip

OF_NODES = words(
    ("NodeNotReady", "node-not-ready kubelet-down container-runtime-down",
     "Of the kubelet or the node controller: the node's Ready condition is no longer True; about a Pod: its node is "
     "so."),
    ("NotReady", "node-not-ready kubelet-down pod-not-ready",
     "STATUS of a node whose Ready condition is False (the kubelet says what is wrong) or Unknown (it does not "
     "report)."),
    ("NodeStatusUnknown", "node-not-ready kubelet-down",
     "The reason of a node's conditions that are Unknown: the kubelet has not reported for the grace period (50 s; 40 "
     "s before 1.32)."),
    ("NodeStatusNeverUpdated", "node-not-ready kubelet-down", "The kubelet of the node has never reported its state."),
    ("KubeletNotReady", "node-not-ready container-runtime-down node-network-unavailable",
     "The reason of a node's Ready=False: the kubelet reports, and says in the message what it lacks: a runtime, the "
     "network plugin, or its volumes."),
    ("KubeletReady", "", "The reason of a node's Ready=True."),
    ("NodeReady", "", "Of the kubelet: the node is ready again."),
    ("NodeNotSchedulable", "node-cordoned", "Of the kubelet: the node was cordoned; no new Pods are put on it."),
    ("SchedulingDisabled", "node-cordoned", "STATUS of a node that was cordoned: no new Pods, the old ones go on."),
    ("MemoryPressure", "node-memory-pressure pod-evicted",
     "A condition of nodes: free memory is below the eviction threshold; the kubelet evicts Pods and takes none of "
     "the BestEffort class."),
    ("DiskPressure", "node-disk-pressure pod-evicted image-disk-full",
     "A condition of nodes: space or inodes for Pods or images are below the eviction threshold; the kubelet removes "
     "unused images and containers, then evicts Pods, and takes no new ones."),
    ("PIDPressure", "node-pid-pressure", "A condition of nodes: process ids are running out."),
    ("NetworkUnavailable", "node-network-unavailable", "A condition of nodes: their network is not set up."),
    ("NodeHasInsufficientMemory", "node-memory-pressure", "Of the kubelet: MemoryPressure has become True."),
    ("NodeHasDiskPressure", "node-disk-pressure", "Of the kubelet: DiskPressure has become True."),
    ("NodeHasInsufficientPID", "node-pid-pressure", "Of the kubelet: PIDPressure has become True."),
    ("NodeHasSufficientMemory", "", "Of the kubelet: MemoryPressure is False."),
    ("NodeHasNoDiskPressure", "", "Of the kubelet: DiskPressure is False."),
    ("NodeHasSufficientPID", "", "Of the kubelet: PIDPressure is False."),
    ("KubeletHasInsufficientMemory", "node-memory-pressure", "The reason of MemoryPressure=True."),
    ("KubeletHasDiskPressure", "node-disk-pressure", "The reason of DiskPressure=True."),
    ("KubeletHasInsufficientPID", "node-pid-pressure", "The reason of PIDPressure=True."),
    ("EvictionThresholdMet", "node-disk-pressure node-memory-pressure",
     "Of the kubelet: a resource of the node fell below its threshold; it reclaims what it can before it evicts Pods."),
    ("FreeDiskSpaceFailed", "node-disk-pressure image-disk-full",
     "Of the kubelet: removing unused images did not free as much space as it must."),
    ("ImageGCFailed", "node-disk-pressure container-runtime-down", "Of the kubelet: removing unused images failed."),
    ("ContainerGCFailed", "container-runtime-down", "Of the kubelet: removing dead containers failed."),
    ("InvalidDiskCapacity", "",
     "Of the kubelet: it does not know the size of the image file system; usual just after a start, while the runtime "
     "has not counted yet."),
    ("SystemOOM", "node-out-of-memory oom-killed",
     "Of the kubelet: the kernel killed a process on the node for memory; the message names it. Where a container's "
     "own limit was the reason, the container says OOMKilled."),
    ("OOMKilling", "node-out-of-memory oom-killed",
     "Of the node problem detector: the kernel's log tells of a killing."),
    ("Rebooted", "node-restarted", "Of the kubelet: the node was restarted; its boot id is another one."),
    ("Starting", "", "Of the kubelet (or kube-proxy): it starts."),
    ("KubeletSetupFailed", "kubelet-down", "Of the kubelet: it could not set itself up."),
    ("DeletingAllPods", "node-not-ready", "Of the node controller: the node is gone, and with it its Pods."),
    ("RemovingNode", "", "Of the node controller: the node was removed from the cluster."),
    ("RegisteredNode", "", "Of the node controller: it has taken notice of the node."),
    ("CIDRNotAvailable", "node-network-unavailable",
     "Of the node controller: no range of Pod addresses is left for it."),
    ("ReadonlyFilesystem", "node-problem", "Of the node problem detector: the kernel made a file system read-only."),
    ("KernelDeadlock", "node-problem", "Of the node problem detector: the kernel's log tells of tasks that hang."),
    ("TaskHung", "node-problem",
     "Of the node problem detector: a task has hung for two minutes, most often on a disk."),
    ("FrequentKubeletRestart", "node-problem kubelet-down",
     "Of the node problem detector: the kubelet restarts often."),
    ("ContainerRuntimeUnhealthy", "node-problem container-runtime-down",
     "A condition of the node problem detector: the container runtime does not answer its checks."),
    ("FrequentContainerdRestart", "node-problem container-runtime-down",
     "Of the node problem detector: containerd restarts often."),
    ("node.kubernetes.io/not-ready", "node-not-ready",
     "A taint of nodes whose Ready condition is False. Pods tolerate it for 300 s unless they say otherwise."),
    ("node.kubernetes.io/unreachable", "node-not-ready kubelet-down",
     "A taint of nodes that do not report. Pods tolerate it for 300 s unless they say otherwise."),
    ("node.kubernetes.io/memory-pressure", "node-memory-pressure", "A taint of nodes with MemoryPressure."),
    ("node.kubernetes.io/disk-pressure", "node-disk-pressure", "A taint of nodes with DiskPressure."),
    ("node.kubernetes.io/pid-pressure", "node-pid-pressure", "A taint of nodes with PIDPressure."),
    ("node.kubernetes.io/network-unavailable", "node-network-unavailable", "A taint of nodes without a Pod network."),
    ("node.kubernetes.io/unschedulable", "node-cordoned", "A taint of cordoned nodes."),
    ("node-role.kubernetes.io/control-plane", "untolerated-taint",
     "A label of control-plane nodes, and usually a taint that keeps other Pods off them."),
)  # fmt: skip
