"""
Which container a log belongs to, by the path it lies under.

Kubelets, must-gather, troubleshoot, `kubectl cluster-info dump` and people each have their own layout. Where a name may
be a Pod's or a workload's, the kind stays empty and the snapshot decides.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kfi.models.schemas import ObjectRef

_NAME = r"[a-z0-9][-a-z0-9]{0,62}"
_POD = r"[a-z0-9][-a-z0-9.]{0,252}"
_ENDING = r"\.(?:log|txt)(?:[.-][-\w.]{1,40})?"
# The first that matches wins; groups: namespace, pod or name, container, uid, previous.
_LAYOUTS = tuple(
    re.compile(pattern)
    for pattern in (
        # /var/log/pods
        rf"(?P<namespace>{_NAME})_(?P<pod>{_POD})_(?P<uid>[0-9a-f-]{{32,36}})/(?P<container>{_NAME})/\d{{1,6}}{_ENDING}$",
        # /var/log/containers
        rf"(?:^|/)(?P<pod>{_POD})_(?P<namespace>{_NAME})_(?P<container>{_NAME})-[0-9a-f]{{64}}\.log$",
        # must-gather
        rf"(?:^|/)namespaces/(?P<namespace>{_NAME})/pods/(?P<pod>{_POD})/(?P<container>{_NAME})/(?P=container)/logs/"
        rf"(?:rotated/)?(?:current|(?P<previous>previous(?:\.insecure)?)|current\.insecure|\d+){_ENDING}$",
        # insights-operator, then troubleshoot
        rf"(?:^|/)pod/(?P<namespace>{_NAME})/logs/(?P<pod>{_POD})/(?P<container>{_NAME})_(?:current|(?P<previous>previous))\.log$",
        rf"(?:^|/)pods/logs/(?P<namespace>{_NAME})/(?P<pod>{_POD})/(?P<container>{_NAME}?)(?P<previous>-previous)?\.log$",
        # kubectl cluster-info dump
        rf"(?:^|/)(?P<namespace>{_NAME})/(?P<pod>{_POD})/logs\.txt$",
        # support bundles of Harvester, Rancher and others
        rf"(?:^|/)(?:logs|pod-?logs)/(?P<namespace>{_NAME})/(?P<pod>{_POD})/(?P<container>{_NAME}?)(?P<previous>[-._]previous)?{_ENDING}$",
        rf"(?:^|/)(?:logs|pod-?logs)/(?P<namespace>{_NAME})/(?P<name>{_NAME}?)(?P<previous>[-._]previous)?{_ENDING}$",
        rf"(?:^|/)(?P<name>{_NAME})\.(?P<container>{_NAME}?)(?P<previous>[-._]previous)?\.log$",
        rf"(?:^|/)(?:(?P<name>{_NAME}?)[-._])?(?P<previous>previous){_ENDING}$",
        rf"(?:^|/)(?P<name>{_NAME}){_ENDING}$",
    )
)
# Names that people give: kubectl_previous_logs.txt, cart-prev-logs.txt; but not previous-orders.log.
_PREVIOUS = re.compile(
    r"(?<![A-Za-z0-9])prev(?:ious)?(?:_[^/]*|(?:[-. ](?:logs?|run|container))*\.(?:log|txt)[^/]*)$", re.IGNORECASE
)
# File names that say nothing of who wrote the log.
_NAMELESS = frozenset(
    ("log", "logs", "current", "output", "stdout", "stderr", "messages", "syslog", "journal", "kern", "all", "stdin")
)


@dataclass(frozen=True)
class LogOwner:
    """Who wrote a log, as far as the path says."""

    ref: ObjectRef
    uid: str = ""
    previous: bool = False
    """From the container's run before the current one."""


def owner_of(path: str, cluster: str = "", namespace: str = "") -> LogOwner:
    """Give the owner of the log at `path`; `namespace` holds where the path names none."""
    place = path.replace("!", "/").removesuffix(".gz")
    for layout in _LAYOUTS:
        if match := layout.search(place):
            return _owner(match.groupdict(), cluster, namespace, bool(_PREVIOUS.search(place)))
    return _owner({}, cluster, namespace, bool(_PREVIOUS.search(place)))


def _owner(found: dict[str, str | None], cluster: str, namespace: str, previous: bool) -> LogOwner:
    name = found.get("pod") or found.get("name") or ""
    ref = ObjectRef(
        cluster=cluster,
        kind="Pod" if found.get("pod") else "",
        namespace=found.get("namespace") or namespace,
        name="" if name in _NAMELESS else name,
        container=found.get("container") or "",
    )
    return LogOwner(ref, uid=found.get("uid") or "", previous=previous or bool(found.get("previous")))
