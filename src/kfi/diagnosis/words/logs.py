"""
What a person reads of failures that only a container's own log tells.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule

_LOG = "kubectl logs {name} -n {namespace} --previous --all-containers --ignore-errors --tail=50"
_CURRENT_LOG = "kubectl logs {name} -n {namespace} --all-containers --tail=100"
_DESCRIBE = "kubectl describe pod {name} -n {namespace}"

MISSING_ENVIRONMENT_VARIABLE = Rule(
    code="missing-environment-variable",
    title="Required environment variable is not set",
    layer=Layer.CONFIG,
    meaning=(
        "The program ends at its start because an environment variable that it requires is missing or empty. "
        "Kubernetes does not know what a program requires, so the Pod is created without complaint."
    ),
    confirm=_DESCRIBE,
    fix=(
        "Set the variable in the container's env, or add its key to the ConfigMap or Secret that envFrom takes.",
        "Check the spelling, and that the latest rollout did not remove it.",
    ),
)
CERTIFICATE_EXPIRED = Rule(
    code="certificate-expired",
    title="Certificate is expired or not valid yet",
    layer=Layer.CONFIG,
    meaning=(
        "A TLS certificate that the program presents, checks or relies on is outside of its validity. Every connection "
        "that verifies it fails, however healthy both ends are; a wrong clock has the same effect."
    ),
    confirm=_LOG,
    fix=(
        "Renew the certificate in the Secret, ConfigMap or server that holds it, then restart what has loaded the old "
        "one.",
        "Where cert-manager or a script renews it, find out why that did not happen.",
    ),
)
CERTIFICATE_UNTRUSTED = Rule(
    code="certificate-untrusted",
    title="Certificate is not trusted",
    layer=Layer.CONFIG,
    meaning=(
        "The program refuses the other end's TLS certificate: its authority is unknown to the container (a private or "
        "self-signed one), the chain is incomplete, or it was issued for another name than the one that is called."
    ),
    confirm=_LOG,
    fix=(
        "Mount the authority's certificate and let the program trust it, or have the server send its whole chain.",
        "Where the name differs, call the server by a name in its certificate, or issue one that has the name.",
    ),
)
SHELL_SYNTAX_ERROR = Rule(
    code="shell-syntax-error",
    title="Shell command has a syntax error",
    layer=Layer.CONFIG,
    meaning=(
        "The container's command is a shell script, and the shell cannot parse it: a keyword without its partner, an "
        "open quote, Windows line ends, or words of another shell than the image has. Nothing of it was run."
    ),
    confirm=_DESCRIBE,
    fix=(
        "Correct the script in command or args (or in the ConfigMap it is mounted from); try it with sh -n.",
        "Check that the image has the shell that the script is written for.",
    ),
)
DEPENDENCY_UNREACHABLE = Rule(
    code="dependency-unreachable",
    title="Something the application depends on cannot be reached",
    layer=Layer.APPLICATION,
    meaning=(
        "The log says that a connection to a host which the application needs is refused, runs into a timeout or that "
        "the name does not resolve. What should answer there is down, elsewhere, or has another name or port."
    ),
    confirm=_CURRENT_LOG,
    fix=(
        "Check that the host and port in the application's settings exist, and that what serves them is up.",
        "From a Pod of the namespace, try the name and the port; look for a NetworkPolicy or a firewall in between.",
    ),
)
CLIENT_VERSION_UNSUPPORTED = Rule(
    code="client-version-unsupported",
    title="Server does not support the client's driver or protocol version",
    layer=Layer.APPLICATION,
    meaning=(
        "The client's driver speaks an older (or newer) version of the protocol or of its authentication than the "
        "server accepts. It follows an upgrade of one side: connections succeed, but queries or log-ins are rejected."
    ),
    confirm=_CURRENT_LOG,
    fix=(
        "Upgrade the client's driver to a version that supports the server's.",
        "Until then, run the server in the version that worked, or let it accept the old protocol where it can.",
    ),
)
DISK_FULL = Rule(
    code="disk-full",
    title="No space is left on a file system of the container",
    layer=Layer.CRASH,
    meaning=(
        "A write failed because the file system is full: the volume that is mounted at the path, or the node's own "
        "disk "
        "where nothing is mounted there. (No free inodes has the same message.)"
    ),
    confirm=_LOG,
    fix=(
        "Delete data that is no longer needed from the volume, or rotate the logs that fill it.",
        "Increase the claim's storage request, where its StorageClass allows volume expansion; else use a larger "
        "volume.",
    ),
)
READ_ONLY_FILE_SYSTEM = Rule(
    code="read-only-file-system",
    title="Container writes to a read-only file system",
    layer=Layer.CONFIG,
    meaning=(
        "The program writes where it may only read: the container's root file system with readOnlyRootFilesystem, a "
        "ConfigMap or Secret, a mount with readOnly, or a disk that the kernel remounted read-only after errors."
    ),
    confirm=_DESCRIBE,
    fix=(
        "Mount an emptyDir or a volume at the path that the program writes to, or let it write elsewhere.",
        "If it could write there before, look for disk errors in the node's kernel log.",
    ),
)
RUNTIME_OUT_OF_MEMORY = Rule(
    code="runtime-out-of-memory",
    title="Program runs out of the memory its runtime allows",
    layer=Layer.CRASH,
    meaning=(
        "The program's own runtime (Java, Node.js, .NET, Python, PHP and others) could get no more memory and ended "
        "it, "
        "before the container reached its limit: the kernel's killer was not involved, so nothing says OOMKilled."
    ),
    confirm=_LOG,
    fix=(
        "Raise the runtime's limit (-Xmx or -XX:MaxRAMPercentage, --max-old-space-size), below the container's limit.",
        "If its use grows without end, take a heap dump and look for a leak.",
    ),
)
MODULE_MISSING = Rule(
    code="module-missing",
    title="Program lacks a module, class or library",
    layer=Layer.IMAGE,
    meaning=(
        "The program starts, but a part of it that it loads is not in the image: a dependency that was not "
        "installed, a "
        "wrong working directory or class path, or a library that another base image had."
    ),
    confirm=_LOG,
    fix=(
        "Build the image with the missing part, or use the version that worked.",
        "Check that no volume is mounted over the directory which holds it, and the working directory.",
    ),
)
FILE_MISSING = Rule(
    code="file-missing",
    title="Program does not find a file it needs",
    layer=Layer.CONFIG,
    meaning=(
        "The program ends because a file or directory is not there: a configuration that is not mounted, a key that "
        "the "
        "ConfigMap or Secret lacks, or a wrong path."
    ),
    confirm=_DESCRIBE,
    fix=("Mount what holds the file at that path, or correct the path in the command or settings.",),
)
FILE_PERMISSION_DENIED = Rule(
    code="file-permission-denied",
    title="Program may not use a file or directory",
    layer=Layer.CONFIG,
    meaning=(
        "The container's user has no right to the path: it does not run as root any more, or the files belong to "
        "another user than the one that the securityContext sets."
    ),
    confirm=_DESCRIBE,
    fix=("Give the user the path in the image (chown), or set runAsUser or fsGroup to whom the files belong.",),
)
PRIVILEGED_PORT_DENIED = Rule(
    code="privileged-port-denied",
    title="Program may not bind a port below 1024",
    layer=Layer.CONFIG,
    meaning=(
        "Only root, or a process with the capability NET_BIND_SERVICE, may bind ports below 1024 (unless the node's "
        "sysctl says otherwise). The container runs as another user."
    ),
    confirm=_DESCRIBE,
    fix=(
        "Let the program listen on a port above 1024 and point the Service's targetPort to it.",
        "Or add the capability NET_BIND_SERVICE to the container.",
    ),
)
DEPENDENCY_ERROR = Rule(
    code="dependency-error",
    title="Something the application depends on answers with errors",
    layer=Layer.APPLICATION,
    meaning=(
        "The application runs, but its log shows that what it calls answers with server errors (HTTP 5xx and the "
        "like). "
        "The fault is with the one that answers so."
    ),
    confirm=_CURRENT_LOG,
    fix=("Look at the log of the one that answers with errors, at the same time.",),
)
RULES = (
    MISSING_ENVIRONMENT_VARIABLE,
    CERTIFICATE_EXPIRED,
    CERTIFICATE_UNTRUSTED,
    SHELL_SYNTAX_ERROR,
    DEPENDENCY_UNREACHABLE,
    CLIENT_VERSION_UNSUPPORTED,
    DISK_FULL,
    READ_ONLY_FILE_SYSTEM,
    RUNTIME_OUT_OF_MEMORY,
    MODULE_MISSING,
    FILE_MISSING,
    FILE_PERMISSION_DENIED,
    PRIVILEGED_PORT_DENIED,
    DEPENDENCY_ERROR,
)
