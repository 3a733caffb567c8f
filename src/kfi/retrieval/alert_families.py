"""
Which failure an alert's name speaks of: `KubeHpaMaxedOut` is about scaling, `KubeletDown` about a node.

The names are those of the kubernetes-mixin's alerts and of those written in their manner: words run together, each with
a capital letter.
"""

from __future__ import annotations

import re
from functools import lru_cache

from kfi.retrieval.error_families import ErrorFamily, find_error

# A word of at least three humps, such as alerts are called by; `CrashLoopBackOff` is one too, and read by its words.
_NAME = re.compile(r"\b(?:[A-Z]{2,5}|[A-Z][a-z0-9]{1,24})(?:[A-Z]{2,5}|[A-Z][a-z0-9]{1,24}){1,8}\b", re.ASCII)
_HUMP = re.compile(r"[A-Z]{2,5}(?![a-z])|[A-Z][a-z0-9]+", re.ASCII)
_NAMES_READ = 8
_FAMILIES = tuple(
    (re.compile(told), family)
    for told, family in (
        (r"crash ?loop|restart", ErrorFamily.CRASH),
        (r"oom|memory", ErrorFamily.MEMORY),
        (r"cpu|throttl", ErrorFamily.CPU),
        (r"quota", ErrorFamily.QUOTA),
        (r"certificate|\btls\b", ErrorFamily.CERTIFICATE),
        (r"scheduled|unschedulable|too many pods", ErrorFamily.SCHEDULING),
        (r"hpa|autoscal", ErrorFamily.SCALING),
        (r"persistent ?volume|filesystem|disk|inode|out of space", ErrorFamily.STORAGE),
        (r"\bcron|\bjob", ErrorFamily.JOB),
        (r"image|registry", ErrorFamily.IMAGE),
        (r"container waiting|pod not ready|start ?up|pending", ErrorFamily.STARTUP),
        (r"node|kubelet", ErrorFamily.NODE),
        (r"dns", ErrorFamily.DNS),
        (r"replicas|rollout|generation|update", ErrorFamily.ROLLOUT),
        (r"latency|slow|duration", ErrorFamily.LATENCY),
        (r"down|absent|unavailable|error rate", ErrorFamily.AVAILABILITY),
    )
)


@lru_cache(maxsize=256)
def family_of(question: str) -> ErrorFamily | None:
    """Give the failure that a question speaks of, in words or by an alert's name; None where it says nothing of it.

    >>> family_of('Investigate "KubeHpaMaxedOut" for the pricing service')
    <ErrorFamily.SCALING: 'scaling'>
    """
    said = find_error(question.lower())
    if said is not None and said.family is not ErrorFamily.FAILURE:
        return said.family
    named = (_by_name(name) for name in _NAME.findall(question)[:_NAMES_READ])
    return next((family for family in named if family), said.family if said else None)


def _by_name(name: str) -> ErrorFamily | None:
    spoken = " ".join(_HUMP.findall(name)).lower()
    return next((family for told, family in _FAMILIES if told.search(spoken)), None)
