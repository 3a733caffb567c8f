"""
What a question names: namespace, kind and name, node, container, labels, and the user's own word for the failure.

Only what the question says is extracted; whether an object of that name exists is for the snapshot to tell.
"""

from __future__ import annotations

import re

from kfi.models.schemas import QueryMetadata

_NAME = r"[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?"
_KINDS = {
    "po": "Pod", "pod": "Pod", "pods": "Pod",
    "deploy": "Deployment", "deployment": "Deployment", "deployments": "Deployment",
    "sts": "StatefulSet", "statefulset": "StatefulSet",
    "ds": "DaemonSet", "daemonset": "DaemonSet",
    "rs": "ReplicaSet", "replicaset": "ReplicaSet",
    "job": "Job", "cronjob": "CronJob", "cj": "CronJob",
    "svc": "Service", "service": "Service",
    "ing": "Ingress", "ingress": "Ingress",
    "pvc": "PersistentVolumeClaim", "claim": "PersistentVolumeClaim",
    "pv": "PersistentVolume", "cm": "ConfigMap", "configmap": "ConfigMap", "secret": "Secret",
    "no": "Node", "node": "Node", "nodes": "Node",
}  # fmt: skip
# Words that follow a kind in plain English without being a name: "the pod is crashing", "service in prod".
_NOT_NAMES = frozenset(
    "a an and are at be been being by can cannot could crash crashed crashes crashing down does doing error errors "
    "evicted fail failed failing fails for from get gets getting has have in into is it its keeps killed kind named "
    "not of on or pending ready restart restarted restarting restarts running slow so stuck that the their there they "
    "this to unavailable unreachable was were what when where which who why will with won work working".split()
)
_KIND_WORDS = "|".join(sorted(_KINDS, key=len, reverse=True))
# A name is lower-case however the sentence is written: "Service Latency" names nothing.
_SLASHED = re.compile(rf"\b({_KIND_WORDS})/((?-i:{_NAME}))", re.I)
_SPOKEN = re.compile(rf"\b({_KIND_WORDS})\s+(named\s+|called\s+|[`'\"])?[`'\"]?((?-i:{_NAME}))(?![\w-])", re.I)
_REVERSED = re.compile(rf"(?<![\w-])((?-i:{_NAME}))\s+({_KIND_WORDS})\b", re.I)
_NAMESPACE = (
    re.compile(rf"(?:^|\s)(?:-n|--namespace)[= ]\s*({_NAME})"),
    re.compile(rf"\b(?:ns|namespace)[/:= ]\s*[`'\"]?({_NAME})", re.I),
    re.compile(rf"\b(?:in|of|from)\s+(?:the\s+)?[`'\"]?({_NAME})[`'\"]?\s+namespace\b", re.I),
)
_CONTAINER = re.compile(rf"\b(?:-c\s+|container\s+)[`'\"]?({_NAME})", re.I)
_LABELS = re.compile(r"(?<![\w-])([a-zA-Z][\w./-]*)=([\w.-]+)")
_ERROR = re.compile(
    r"\b(CrashLoopBackOff|ImagePullBackOff|ErrImagePull|OOMKilled|CreateContainerConfigError|FailedScheduling|FailedMount|"
    r"Evicted|NotReady|Unhealthy|Pending|crash(?:ed|ing|es)?|restart(?:ed|ing|s)?|oom|killed|stuck|unreachable|"
    r"timeouts?|timed out|refused|slow|latency|unavailable|fail(?:ed|ing|s|ure)?|down|not ready|error)\b",
    re.I,
)


class QueryAnalyzer:
    """Extracts what a question names. Stateless."""

    def extract_k8s_metadata(self, query: str) -> QueryMetadata:
        """Give the Kubernetes terms that a question holds; what it does not name is None.

        >>> found = QueryAnalyzer().extract_k8s_metadata("Why is pod web-app-123 crashing in namespace prod?")
        >>> found.pod, found.namespace, found.error_type
        ('web-app-123', 'prod', 'crashing')
        >>> QueryAnalyzer().extract_k8s_metadata("pod crashed in namespace prod").pod is None
        True
        """
        kind, name = _object(query)
        error = _ERROR.search(query)
        container = _CONTAINER.search(query)
        return QueryMetadata(
            namespace=_namespace(query),
            pod=name if kind == "Pod" else None,
            node=name if kind == "Node" else None,
            container=container[1] if container and container[1].lower() not in _NOT_NAMES else None,
            error_type=error[0] if error else None,
            labels_dict=dict(_LABELS.findall(query)),
            kind=kind,
            name=name,
        )


def _object(query: str) -> tuple[str | None, str | None]:
    slashed = _SLASHED.search(query)
    if slashed:
        return _KINDS[slashed[1].lower()], slashed[2]
    for match in _SPOKEN.finditer(query):
        if match[3] not in _NOT_NAMES and (match[2] or _looks_generated(match[3])):
            return _KINDS[match[1].lower()], match[3]
    for match in _REVERSED.finditer(query):
        if _looks_generated(match[1]):
            return _KINDS[match[2].lower()], match[1]
    return None, None


def _looks_generated(word: str) -> bool:
    """Tell whether a word beside a kind is a name by its looks; "service latency" and "pods keep" name nothing."""
    return any(not letter.isalpha() for letter in word)


def _namespace(query: str) -> str | None:
    for pattern in _NAMESPACE:
        match = pattern.search(query)
        if match and match[1].lower() not in _NOT_NAMES:
            return match[1]
    return None


def identifiers(query: str) -> frozenset[str]:
    """Give every word of a question that could be an object's name.

    >>> sorted(identifiers("Why does cart-7d9 fail?"))
    ['cart-7d9', 'does', 'fail', 'why']
    """
    return frozenset(word.strip(".-") for word in re.findall(r"[a-z0-9][-a-z0-9.]*", query.lower()))


ORDINARY_WORDS = _NOT_NAMES | frozenset(_KINDS)
"""Words that are taken for English even where an object has that name."""
