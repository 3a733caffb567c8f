"""
Which kind a table lists: by its columns, or by the look of its cells where there is no header line.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

# Kind, and the columns that only its table has all of; the first that fits is it, so richer tables stand first.
_SIGNATURES: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (kind, frozenset(columns.split("|")))
    for kind, columns in (
        ("Pod", "READY|STATUS|RESTARTS"),
        ("DaemonSet", "DESIRED|CURRENT|READY|NODE SELECTOR"),
        ("Deployment", "READY|UP-TO-DATE|AVAILABLE"),
        ("Deployment", "DESIRED|CURRENT|UP-TO-DATE|AVAILABLE"),
        ("ReplicaSet", "DESIRED|CURRENT|READY"),
        ("Job", "COMPLETIONS|DURATION"),
        ("CronJob", "SCHEDULE|SUSPEND"),
        ("Service", "CLUSTER-IP|PORT(S)"),
        ("EndpointSlice", "ADDRESSTYPE|ENDPOINTS"),
        ("Endpoints", "ENDPOINTS"),
        ("Node", "STATUS|ROLES|VERSION"),
        ("PersistentVolume", "RECLAIM POLICY|CLAIM"),
        ("PersistentVolumeClaim", "STATUS|VOLUME|ACCESS MODES"),
        ("StorageClass", "PROVISIONER"),
        ("Secret", "TYPE|DATA"),
        ("ConfigMap", "DATA"),
        ("ServiceAccount", "SECRETS"),
        ("ResourceQuota", "REQUEST|LIMIT"),
        ("Ingress", "HOSTS|PORTS"),
        ("NetworkPolicy", "POD-SELECTOR"),
        ("HorizontalPodAutoscaler", "REFERENCE|MINPODS|MAXPODS"),
        ("PodDisruptionBudget", "MIN AVAILABLE|MAX UNAVAILABLE"),
        ("PriorityClass", "VALUE|GLOBAL-DEFAULT"),
        ("IngressClass", "CONTROLLER|PARAMETERS"),
        ("Lease", "HOLDER"),
        ("VolumeAttachment", "ATTACHER|ATTACHED"),
        ("CSIDriver", "ATTACHREQUIRED"),
        ("CertificateSigningRequest", "SIGNERNAME|REQUESTOR"),
        ("APIService", "SERVICE|AVAILABLE"),
        ("Gateway", "CLASS|PROGRAMMED"),
        ("GatewayClass", "CONTROLLER|ACCEPTED"),
        ("ControllerRevision", "CONTROLLER|REVISION"),
        ("HTTPRoute", "HOSTNAMES"),
        ("VirtualService", "GATEWAYS|HOSTS"),
    )
)
# Tables with few columns, which others have too: the columns must be just these.
_EXACT = (("StatefulSet", frozenset({"READY"})), ("Namespace", frozenset({"STATUS"})))
_EVERYWHERE = frozenset({"NAMESPACE", "NAME", "AGE", "LABELS", "CONTAINERS", "IMAGES", "SELECTOR"})
_SIGNED = frozenset(kind for kind, _ in (*_SIGNATURES, *_EXACT))
# Kinds whose tables have the columns of a kind above.
_ALIKE = {"ReplicationController": "ReplicaSet"}
# `kubectl top` shows usage, not objects: what has no metrics is missing there.
_USAGE = frozenset({"CPU(cores)", "MEMORY(bytes)"})

_AGE = r"(?:\d+[ydhms])+|<unknown>|<invalid>"
_READY = r"\d+/\d+"
_ADDRESS = r"[0-9a-f.:]+|<none>"
_STATUS = r"[A-Z]\w*|(?:Init|Signal|ExitCode):\S+"
_SHAPES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Pod": (("READY", _READY), ("STATUS", _STATUS), ("RESTARTS", r"\d+(?: \(.+ ago\))?"), ("AGE", _AGE)),
    "Deployment": (("READY", _READY), ("UP-TO-DATE", r"\d+"), ("AVAILABLE", r"\d+"), ("AGE", _AGE)),
    "DaemonSet": (
        ("DESIRED", r"\d+"), ("CURRENT", r"\d+"), ("READY", r"\d+"), ("UP-TO-DATE", r"\d+"), ("AVAILABLE", r"\d+"),
        ("NODE SELECTOR", r"<none>|\S+=\S*"), ("AGE", _AGE),
    ),
    "ReplicaSet": (("DESIRED", r"\d+"), ("CURRENT", r"\d+"), ("READY", r"\d+"), ("AGE", _AGE)),
    "StatefulSet": (("READY", _READY), ("AGE", _AGE)),
    "Job": (("STATUS", r"[A-Z]\w+"), ("COMPLETIONS", _READY), ("DURATION", _AGE), ("AGE", _AGE)),
    "Node": (
        ("STATUS", r"(?:NotReady|Ready|Unknown)(?:,SchedulingDisabled)?"), ("ROLES", r"\S+"), ("AGE", _AGE),
        ("VERSION", r"v\d+\.\d+\S*"),
    ),
    "Service": (
        ("TYPE", "ClusterIP|NodePort|LoadBalancer|ExternalName"), ("CLUSTER-IP", rf"{_ADDRESS}|None"),
        ("EXTERNAL-IP", r"\S+"), ("PORT(S)", r"<none>|(?:\d+(?::\d+)?/[A-Z]+,?)+"), ("AGE", _AGE),
    ),
}  # fmt: skip
# What -o wide appends.
_TEMPLATE = ("CONTAINERS", "IMAGES", "SELECTOR")
_WIDE: Mapping[str, tuple[str, ...]] = {
    "Pod": ("IP", "NODE", "NOMINATED NODE", "READINESS GATES"),
    "Node": ("INTERNAL-IP", "EXTERNAL-IP", "OS-IMAGE", "KERNEL-VERSION", "CONTAINER-RUNTIME"),
    "Service": ("SELECTOR",),
    "StatefulSet": ("CONTAINERS", "IMAGES"),
    **dict.fromkeys(("Deployment", "DaemonSet", "ReplicaSet", "Job"), _TEMPLATE),
}
_NAME = re.compile(r"(?:[a-z][a-z0-9.-]{0,252}/)?[a-z0-9][a-z0-9.-]{0,252}")
_LABELS = re.compile(r"<none>|[^\s=,]+=[^\s,]*(?:,[^\s=,]+=[^\s,]*)*")
_PATTERNS = {kind: tuple((name, re.compile(look)) for name, look in shape) for kind, shape in _SHAPES.items()}


def kind_of_columns(columns: frozenset[str], hint: str = "") -> str:
    """Give the kind that a table with these columns lists: the hint where it may have them, else what they say.

    >>> kind_of_columns(frozenset({"NAME", "READY", "STATUS", "RESTARTS", "AGE"}), "Deployment")
    'Pod'
    """
    if columns & _USAGE:
        return ""
    fitting = [kind for kind, signature in _SIGNATURES if signature <= columns]
    fitting += [kind for kind, rest in _EXACT if columns - _EVERYWHERE == rest]
    if hint and (hint in fitting or _ALIKE.get(hint) in fitting or hint not in _SIGNED or not fitting):
        return hint
    return fitting[0] if fitting else ""


def headerless_columns(cells: Sequence[str], hint: str = "") -> tuple[str, tuple[str, ...]]:
    """Give the kind and the columns of a row that stands without a header; nothing where the row is not unmistakable.

    >>> headerless_columns(["orchard", "cart-0", "1/1", "Running", "0", "5d"])
    ('Pod', ('NAMESPACE', 'NAME', 'READY', 'STATUS', 'RESTARTS', 'AGE'))
    """
    kinds = [hint, *(kind for kind in _PATTERNS if kind != hint)] if hint in _PATTERNS else list(_PATTERNS)
    for kind in kinds:
        for front in (("NAME",), ("NAMESPACE", "NAME")):
            columns = _fitting(kind, front, cells)
            if columns:
                return kind, columns
    return "", ()


def _fitting(kind: str, front: tuple[str, ...], cells: Sequence[str]) -> tuple[str, ...]:
    shape = _PATTERNS[kind]
    size = len(front) + len(shape)
    if len(cells) < size or not all(map(_NAME.fullmatch, cells[: len(front)])):
        return ()
    if not all(look.fullmatch(cell) for (_, look), cell in zip(shape, cells[len(front) : size], strict=True)):
        return ()
    behind = _behind(kind, cells[size:])
    return () if behind is None else (*front, *(name for name, _ in shape), *behind)


def _behind(kind: str, cells: Sequence[str]) -> tuple[str, ...] | None:
    """Name the cells of `-o wide` and `--show-labels`; None where they are neither."""
    wide = _WIDE[kind]
    labelled = len(cells) in (1, len(wide) + 1) and bool(_LABELS.fullmatch(cells[-1]))
    # A Service's one cell may be its selector or its labels: both would be a guess.
    if len(cells) == 1 and len(wide) == 1:
        return ("?",)
    names = wide if len(cells) >= len(wide) else ()
    columns = (*names, "LABELS") if labelled else names
    return columns if len(columns) == len(cells) else None
