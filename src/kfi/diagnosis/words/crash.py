"""
What a person reads of containers that do not stay up.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.models.schemas import Role

_DESCRIBE = "kubectl describe pod {name} -n {namespace}"
_PREVIOUS_LOG = "kubectl logs {name} -n {namespace} --previous --all-containers --ignore-errors --tail=50"

CONTAINER_CRASH = Rule(
    code="container-crash",
    title="Application exits with an error",
    layer=Layer.CRASH,
    meaning=(
        "The container's own process ended with an error code, and the kubelet restarts it with growing delays. The "
        "reason is in the application: its last log lines before the exit, of the previous run, usually say it."
    ),
    confirm=_PREVIOUS_LOG,
    fix=(
        "Read the last lines of the previous run's log and mend what they name: a setting, a file, a dependency.",
        "If it began with a rollout, roll back: kubectl rollout undo.",
    ),
)
CRASH_LOOP_BACK_OFF = Rule(
    code="crash-loop-back-off",
    title="Container is held back after repeated ends",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning=(
        "CrashLoopBackOff is no error of its own: the container ended again and again, so the kubelet waits 10 s, "
        "20 s, 40 s, up to 5 minutes before it starts it again. Why it ends is another finding."
    ),
    confirm=_PREVIOUS_LOG,
    fix=("Look at how the container ended (exit code, reason) and at the log of its previous run.",),
)
COMMAND_NOT_FOUND = Rule(
    code="command-not-found",
    title="Container's command cannot be executed",
    layer=Layer.CONFIG,
    meaning=(
        "The command does not exist in the image, is not executable, or its interpreter is missing. Exit codes: 127 "
        "not found, 126 not executable, 128 the runtime could not start it. Kubernetes' command replaces the image's "
        "ENTRYPOINT, args its CMD."
    ),
    confirm=_DESCRIBE,
    fix=(
        "Correct command or args in the Pod template, or use the image that has the command.",
        "Check that the file is executable, has Unix line ends, and that its interpreter is in the image.",
    ),
)
IMAGE_PLATFORM_MISMATCH = Rule(
    code="image-platform-mismatch",
    title="Image is built for another CPU architecture",
    layer=Layer.IMAGE,
    meaning=(
        "The kernel refuses the program with 'exec format error': it was built for another architecture than the "
        "node's (or is a script without a #! line)."
    ),
    confirm="kubectl get nodes -L kubernetes.io/arch",
    fix=(
        "Use a multi-platform image, or one for the node's architecture.",
        "Or keep the Pod on matching nodes with nodeSelector kubernetes.io/arch.",
    ),
)
CONTAINER_START_ERROR = Rule(
    code="container-start-error",
    title="Container runtime cannot start the container",
    layer=Layer.CONFIG,
    meaning=(
        "The image was pulled and the container created, but the runtime failed before the program ran: a mount onto a "
        "wrong kind of path, a missing working directory, a device or a security profile that is not there."
    ),
    confirm=_DESCRIBE,
    fix=("Read the runtime's message; correct the mount, working directory or profile that it names.",),
)
INIT_CONTAINER_FAILED = Rule(
    code="init-container-failed",
    title="Init container fails, so the Pod does not start",
    layer=Layer.CRASH,
    meaning=(
        "Init containers run one after the other, each to success, before the others start. This one ends with an "
        "error, so the application was never started."
    ),
    confirm="kubectl logs {name} -n {namespace} --all-containers --tail=50",
    fix=("Read the init container's log and mend what it names.",),
)
INIT_CONTAINER_STUCK = Rule(
    code="init-container-stuck",
    title="Init container does not come to an end",
    layer=Layer.CRASH,
    meaning=(
        "An init container is still running, and the application starts only after it ended. Such containers often "
        "wait for something: a Service, a database, a migration."
    ),
    confirm="kubectl logs {name} -n {namespace} --all-containers --tail=50",
    fix=("See in its log what it waits for, and mend that.",),
)
CONTAINER_EXITS_CLEAN = Rule(
    code="container-exits-clean",
    title="Container comes to its end without error and is restarted",
    layer=Layer.CRASH,
    meaning=(
        "The process ends with exit code 0, but the Pod's restartPolicy Always expects it to run for ever, so it is "
        "restarted and backed off. Typical of a one-off task in a Deployment, a shell without terminal, or a server "
        "that goes to the background."
    ),
    confirm=_DESCRIBE,
    fix=(
        "Give the container a command that stays in the foreground.",
        "If it is a task that ends, run it as a Job or CronJob.",
    ),
)
KILLED_BY_SIGNAL = Rule(
    code="killed-by-signal",
    title="Container was ended by a signal",
    layer=Layer.CRASH,
    meaning=(
        "An exit code above 128 is 128 plus a signal: 137 SIGKILL (from outside: memory, a node shutting down, a grace "
        "period that ran out), 143 SIGTERM (asked to stop), 139 SIGSEGV and 134 SIGABRT (the program itself broke)."
    ),
    confirm=_DESCRIBE,
    fix=(
        "For 139 and 134 look at the log and at native libraries; for 137 at the node's memory and kernel log.",
        "For 143 find out who stops the container.",
    ),
)
PORT_ALREADY_IN_USE = Rule(
    code="port-already-in-use",
    title="Two containers want the same port",
    layer=Layer.CONFIG,
    meaning=(
        "Containers of one Pod share one network, as Pods with hostNetwork share their node's: only one process can "
        "bind a port. The second fails to start, or takes part of what was meant for the first."
    ),
    confirm=_DESCRIBE,
    fix=("Give one of the containers another port, in its configuration and in its containerPort.",),
)
JOB_FAILED = Rule(
    code="job-failed",
    title="Job failed",
    layer=Layer.CRASH,
    meaning=(
        "The Job's Pods failed more often than backoffLimit allows, or it ran longer than activeDeadlineSeconds. "
        "Kubernetes does not start it again."
    ),
    confirm="kubectl describe job {name} -n {namespace}",
    fix=("Mend what its Pods failed of (see their logs), then create the Job anew.",),
)
POST_START_HOOK_FAILED = Rule(
    code="post-start-hook-failed",
    title="postStart hook fails, so the container is killed",
    layer=Layer.CONFIG,
    meaning=(
        "The kubelet runs lifecycle.postStart right after the container's start, at the same time as its main "
        "process; where the hook fails, the kubelet kills the container."
    ),
    confirm=_DESCRIBE,
    fix=("Correct the hook's command, or move its work to an init container or into the entry point.",),
)
