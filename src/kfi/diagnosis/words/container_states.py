"""
What the words mean that stand for the state of a Pod or container: reasons, phases, conditions, signals, errno names.

Source of the names: kubelet (`pkg/kubelet`), the container runtimes, and `k8s.io/api/core/v1`, releases 1.25 to 1.34.
"""

from __future__ import annotations

from kfi.diagnosis.words.kubernetes import words

_PULL = "image-pull-failed image-not-found image-pull-unauthorized registry-unreachable registry-rate-limited"

WAITING = words(
    ("CrashLoopBackOff", "crash-loop-back-off container-crash oom-killed liveness-probe-failing container-exits-clean",
     "A waiting state: the container ended again and again, and the kubelet holds its next start back, 10 s at first, "
     "twice as long each time, up to 5 min; ten minutes of running reset that. It says nothing of why it ended: the "
     "last state's reason, its exit code and the log of the previous run do."),
    ("ErrImagePull", _PULL,
     "A waiting state: the kubelet has just tried to pull the container's image and failed. It tries again, and shows "
     "ImagePullBackOff while it waits; the message says what the registry or the runtime answered."),
    ("ImagePullBackOff", _PULL,
     "A waiting state: pulling the image failed, and the kubelet waits before it tries again, up to 5 min. The Event "
     "with the reason Failed, from the attempt before, says why."),
    ("ErrImageNeverPull", "image-never-pull",
     "A waiting state: imagePullPolicy is Never and the image is not on the node."),
    ("InvalidImageName", "image-name-invalid",
     "A waiting state: the image's name cannot be parsed, so nothing was ever pulled."),
    ("ImageInspectError", "image-pull-failed container-runtime-down",
     "A waiting state: the runtime could not tell the kubelet about the image on the node; nothing was pulled yet."),
    ("RegistryUnavailable", "registry-unreachable",
     "A waiting state: the registry of the image could not be reached or answered with a server error."),
    ("SignatureValidationFailed", "image-signature-invalid",
     "A waiting state: the runtime's policy wants the image signed, and its signature was not accepted."),
    ("CreateContainerConfigError", "missing-config-map missing-secret missing-key container-config-error",
     "A waiting state: the kubelet could not put the container's configuration together, most often because a "
     "ConfigMap, a Secret or one of its keys is missing. It goes on trying and starts once it is there."),
    ("CreateContainerError", "container-start-error container-config-error command-not-found",
     "A waiting state: the configuration was complete, but the runtime refused to create the container from it."),
    ("RunContainerError", "container-start-error command-not-found",
     "A waiting state: the container was created, but the runtime could not start it; often its command does not "
     "exist in the image or may not be executed."),
    ("PreCreateHookError", "container-start-error", "A waiting state: a step of the kubelet before creating failed."),
    ("PreStartHookError", "container-start-error", "A waiting state: a step of the kubelet before starting failed."),
    ("PostStartHookError", "post-start-hook-failed",
     "A waiting state: the container's postStart hook failed, so the kubelet killed the container; restartPolicy "
     "decides whether it is started again."),
    ("ContainerCreating", "volume-mount-failed pod-network-setup-failed missing-config-map missing-secret",
     "A waiting state, and normal for seconds: the node sets up volumes, network and images. One that lasts waits for "
     "a volume, the network plugin or an object that is missing; the Pod's Events say which."),
    ("PodInitializing", "init-container-stuck init-container-failed",
     "A waiting state: the container waits until every init container has ended with success."),
)  # fmt: skip

ENDED = words(
    ("OOMKilled", "oom-killed node-out-of-memory",
     "The reason of an ended container: the kernel killed a process of it for memory, as a rule because the container "
     "reached its own limit. The exit code is 137 where that was the main process."),
    ("Completed", "container-exits-clean",
     "The reason of an ended container: its main process ended with exit code 0."),
    ("Error", "container-crash",
     "The reason of an ended container: its main process ended with an exit code other than 0; the code and the log "
     "of the previous run say why."),
    ("StartError", "command-not-found container-start-error",
     "The reason of an ended container (containerd, exit code 128): it could not be started at all, most often "
     "because its command is not in the image or may not be executed."),
    ("ContainerCannotRun", "command-not-found container-start-error",
     "The reason of an ended container (Docker's StartError): its process could not be started."),
    ("ContainerStatusUnknown", "pod-evicted node-not-ready",
     "The reason of an ended container: the kubelet does not know how it ended, because nothing of it was left on the "
     "node when the Pod was. The exit code 137 beside it is filled in, not observed."),
    ("Init:Error", "init-container-failed", "STATUS of a Pod: an init container ended with an error."),
    ("Init:CrashLoopBackOff", "init-container-failed crash-loop-back-off",
     "STATUS of a Pod: an init container fails again and again, so the Pod's own containers never start."),
    ("Init:OOMKilled", "init-container-failed oom-killed", "STATUS of a Pod: an init container was killed for memory."),
    ("ExitCode", "container-crash killed-by-signal",
     "What a container's main process ended with: 0 is success, 1 to 127 are the program's own (126 and 127 a shell's "
     "or runtime's: not executable, not found), above 128 it is 128 plus the number of the signal that ended it."),
)  # fmt: skip

PODS = words(
    ("Pending", "unschedulable unbound-claim image-pull-failed",
     "A phase: the Pod was accepted, but not all its containers have started. Without a node it waits for the "
     "scheduler (FailedScheduling says for what), with one for images, volumes or its network."),
    ("Running", "",
     "A phase: the Pod is on a node and at least one container runs or is being restarted. It may well be failing: "
     "the READY column and the restarts tell."),
    ("Succeeded", "", "A phase: every container ended with success and none will be started again."),
    ("Failed", "job-failed pod-evicted image-pull-failed container-start-error",
     "As a phase: every container has ended, at least one with an error, or the Pod was evicted or rejected. As the "
     "reason of an Event of the kubelet: a step of starting a container failed (pulling, creating, starting); the "
     "message says which."),
    ("Unknown", "node-not-ready node-restarted",
     "Of a Pod: its node does not report any more. Of a container (containerd, exit code 255): it was gone when the "
     "runtime came up again, as after a restart of the node."),
    ("Terminating", "object-stuck-deleting namespace-stuck-terminating node-not-ready",
     "STATUS of what has a deletionTimestamp: of a Pod, its containers are given terminationGracePeriodSeconds (30) "
     "to end. One that stays so has a finalizer, a node that does not answer, or processes that cannot be killed."),
    ("Evicted", "pod-evicted node-disk-pressure node-memory-pressure volume-full",
     "The reason of a failed Pod: the kubelet ended it, because its node ran short of memory, disk or process ids, or "
     "because the Pod used more local storage than its limit. Its owner makes a new Pod; this one stays as a record."),
    ("NodeLost", "node-not-ready", "The reason of a Pod whose node does not report (older releases)."),
    ("NodeAffinity", "node-selector-mismatch node-affinity-mismatch",
     "The reason of a failed Pod: the kubelet refused it, as its node's labels do not match its selector or affinity; "
     "often they were changed, or the node restarted before its labels were set."),
    ("OutOfcpu", "insufficient-cpu",
     "The reason of a failed Pod: the kubelet refused it at admission, as the node had less CPU left than it "
     "requests."),
    ("OutOfmemory", "insufficient-memory",
     "The reason of a failed Pod: the kubelet refused it at admission, as the node had less memory left than it "
     "requests. Nothing was killed."),
    ("OutOfpods", "insufficient-resource",
     "The reason of a failed Pod: the kubelet refused it, as the node already runs as many Pods as it may."),
    ("UnexpectedAdmissionError", "insufficient-resource",
     "The reason of a failed Pod: the kubelet could not give it the devices or CPUs it asks for."),
    ("TopologyAffinityError", "insufficient-resource",
     "The reason of a failed Pod: the node's topology manager cannot give it CPUs, memory and devices of one zone."),
    ("NodeShutdown", "", "The reason of a Pod that was refused or ended because its node is shutting down."),
    ("SchedulingGated", "scheduling-gated",
     "A Pod with schedulingGates: the scheduler does not look at it until all of them were removed."),
    ("Unschedulable", "unschedulable insufficient-cpu insufficient-memory untolerated-taint unbound-claim",
     "The reason of PodScheduled=False: the scheduler found no node; the condition's message counts why, node by "
     "node."),
    ("SchedulerError", "unschedulable", "The reason of PodScheduled=False: the scheduler itself failed at the Pod."),
    ("Preempted", "pod-preempted",
     "The scheduler deleted the Pod to make room on its node for one of higher priority."),
    ("PreemptionByScheduler", "pod-preempted",
     "The reason of DisruptionTarget: the scheduler removes the Pod for one of higher priority."),
    ("DeletionByTaintManager", "node-not-ready untolerated-taint",
     "The reason of DisruptionTarget: the Pod does not tolerate a NoExecute taint of its node and is deleted."),
    ("EvictionByEvictionAPI", "eviction-blocked",
     "The reason of DisruptionTarget: somebody asked for the Pod's eviction, as `kubectl drain` does."),
    ("TerminationByKubelet", "pod-evicted",
     "The reason of DisruptionTarget: the kubelet ends the Pod for pressure on the node, or as the node shuts down."),
    ("PodScheduled", "unschedulable", "A condition of Pods: whether the Pod has a node."),
    ("ContainersReady", "pod-not-ready", "A condition of Pods: whether every container is ready."),
    ("ContainersNotReady", "pod-not-ready readiness-probe-failing container-crash",
     "The reason of Ready=False: a container does not run, or its readiness probe does not succeed."),
    ("ContainersNotInitialized", "init-container-failed init-container-stuck",
     "The reason of Initialized=False: an init container has not ended with success yet."),
    ("ReadinessGatesNotReady", "pod-not-ready",
     "The reason of Ready=False: the containers are ready, but a condition that spec.readinessGates names is not "
     "True."),
    ("Ready", "pod-not-ready node-not-ready",
     "A condition: a Pod that is Ready gets requests from its Services; a Node that is Ready may get Pods."),
)  # fmt: skip

_SIGNALED = "killed-by-signal container-crash"

SIGNALS = words(
    ("SIGHUP", _SIGNALED, "Signal 1 (exit code 129): the terminal or parent is gone."),
    ("SIGINT", _SIGNALED, "Signal 2 (exit code 130): interrupt, as Ctrl-C sends it."),
    ("SIGQUIT", _SIGNALED, "Signal 3 (exit code 131): quit; a JVM prints its threads and goes on."),
    ("SIGILL", _SIGNALED + " image-platform-mismatch",
     "Signal 4 (exit code 132): an instruction this CPU does not have; often a build for a newer CPU."),
    ("SIGTRAP", _SIGNALED, "Signal 5 (exit code 133): a trap; also how some runtimes end themselves on purpose."),
    ("SIGABRT", _SIGNALED, "Signal 6 (exit code 134): the program ended itself, as after a failed assertion."),
    ("SIGBUS", _SIGNALED, "Signal 7 (exit code 135): memory that cannot be reached, as of a file that became shorter."),
    ("SIGFPE", _SIGNALED, "Signal 8 (exit code 136): an arithmetic fault, such as a division by zero."),
    ("SIGKILL", "oom-killed liveness-probe-failing killed-by-signal",
     "Signal 9 (exit code 137): ended at once, without a chance to clean up. The kernel sends it where memory runs "
     "out (the reason is OOMKilled then), the kubelet where a container did not end within its grace period."),
    ("SIGSEGV", _SIGNALED,
     "Signal 11 (exit code 139): the program used memory that is not its own; a fault in its code."),
    ("SIGPIPE", _SIGNALED, "Signal 13 (exit code 141): it wrote to a pipe or connection that nobody reads."),
    ("SIGTERM", "liveness-probe-failing killed-by-signal",
     "Signal 15 (exit code 143): the polite request to end. The kubelet sends it to every container it stops: the Pod "
     "is deleted, evicted or drained, or a liveness or startup probe failed."),
)  # fmt: skip

ERRNO = words(
    ("ECONNREFUSED", "dependency-unreachable env-address-mismatch service-port-mismatch",
     "The address was reached, and nothing listens on that port there (or a firewall says so)."),
    ("ECONNRESET", "dependency-unreachable dependency-error", "The other side broke an open connection off."),
    ("ETIMEDOUT", "dependency-unreachable network-policy-blocks",
     "Nobody answered in time: what listens is overloaded, or the packets are dropped on the way."),
    ("EHOSTUNREACH", "dependency-unreachable node-network-unavailable", "There is no way to that host."),
    ("ENOTFOUND", "unknown-service-name dns-failure", "Node.js: the name does not exist in DNS."),
    ("EAI_AGAIN", "dns-failure network-policy-bars-dns", "The DNS server could not be asked or did not know for now."),
    ("NXDOMAIN", "unknown-service-name dns-failure", "DNS answered, and the name does not exist."),
    ("SERVFAIL", "dns-failure", "The DNS server could not answer, often because the one that it asks failed."),
    ("ENOSPC", "disk-full volume-full", "No space is left on the file system (or no watches for inotify)."),
    ("EROFS", "read-only-file-system", "The file system is mounted read-only."),
    ("EACCES", "file-permission-denied volume-permission-denied privileged-port-denied",
     "The user that the process runs as may not use this file, directory or port."),
    ("EPERM", "file-permission-denied container-start-error", "The process lacks the right or capability to do that."),
    ("EADDRINUSE", "port-already-in-use", "Another process of the Pod or node already listens on that port."),
    ("x509", "certificate-expired certificate-untrusted",
     "How Go programs begin what they say of a certificate that they do not accept: expired, for another name, or "
     "signed by nobody they trust."),
)  # fmt: skip
