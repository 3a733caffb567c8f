"""
What a question wants: a cause, a complete list, or the meaning of a word.

Whatever is neither surely a list nor surely a definition is a diagnosis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kfi.models.schemas import Intent, QueryMetadata
from kfi.retrieval.error_families import find_reason

_MANY = (
    "events?|warnings|pods|nodes|deployments|statefulsets|daemonsets|replicasets|jobs|cronjobs|services|ingresses|pvcs|"
    "claims|volumes|containers|namespaces|workloads|errors|alerts|restarts|objects|resources|logs"
)
_NO_VERB = r"(?!(?:is|are|was|were|do|does|did|happen\w*|could|would|made|makes)\b)"
_ASKS_LIST = re.compile(
    r"(?:(?:please|pls|can you|could you|kubectl|i want to|i need) )*(?:"
    rf"(?:show|list|give|get|print|display|count|enumerate|find|fetch)(?: [\w/=.,-]{{1,64}}){{0,6}}? (?:{_MANY})|"
    rf"(?:which(?: of the)?|what|how many|are there(?: any)?)(?: {_NO_VERB}[\w/-]{{1,64}}){{0,3}}? (?:{_MANY})|"
    r"(?:any|all)(?: [\w/-]{1,64}){0,2}? (?:events|warnings|alerts))\b",
    re.I | re.A,
)
_ASKS_CAUSE = re.compile(
    r"\b(?:why|causes?|caused|causing|reasons?|root|wrong|how come|diagnos\w*|troubleshoot\w*|fix|broke|because|"
    r"explain)\b",
    re.I | re.A,
)
_MEANING = re.compile(
    r"what (?:do|does) (?!(?:this|that|it|these|those)\b)(?:\S{1,80} ){1,6}(?:mean|stand for|do)\b|"
    r"(?:what(?: is|'s|\u2019s)|tell me) the (?:meaning of|difference between)|meaning of|difference between|"
    r"how do(?:es)? (?:an? )?(?:\S{1,80} ){1,4}works?\b",
    re.I | re.A,
)
_WHY = re.compile(r"\bwhy\b", re.I)
_TERM = re.compile(
    r"(?:what(?: is|'s|\u2019s| are|s)|explain|describe|define)(?: to me)?(?: (?:what|the))?(?: (?:an?|the))? "
    r"(?P<term>\S{1,80}(?: \S{1,80}){0,4}?)(?: (?:is|means?|error|errors|status|state|reason))?",
    re.I | re.A,
)
_CONCEPTS = frozenset(
    "liveness readiness startup probe probes taint taints toleration tolerations affinity anti-affinity init sidecar "
    "container containers pod disruption budget pdb quota limitrange configmap secret statefulset daemonset deployment "
    "replicaset service headless ingress namespace node endpoint endpoints endpointslice pv pvc storageclass hpa vpa "
    "finalizer cordon drain eviction kubelet kube-proxy coredns etcd networkpolicy network policy request requests "
    "limit limits qos class rollout backoff oom oomkill serviceaccount rbac cronjob job webhook admission resource "
    "pressure disk memory crashloop mirror static pause replica set stateful daemon service-account persistent volume "
    "claim storage account priority preemption and or a an the in kubernetes k8s".split()
)


def find_intent(parts: Sequence[str], metadata: QueryMetadata) -> Intent:
    """Tell what a question wants, from all its parts; parts that want different things make it a diagnosis."""
    named = any((metadata.namespace, metadata.name, metadata.node, metadata.container, metadata.labels_dict))
    wants = {_wants(part, named) for part in parts}
    return wants.pop() if len(wants) == 1 else Intent.DIAGNOSE


def _wants(part: str, named: bool) -> Intent:
    words = " ".join(part.split())
    if not named and (_MEANING.search(words) or _is_term(words)) and not _WHY.search(words):
        return Intent.EXPLAIN
    if _ASKS_LIST.match(words) and not _ASKS_CAUSE.search(words):
        return Intent.LIST
    return Intent.DIAGNOSE


def _is_term(words: str) -> bool:
    """Tell whether it asks for a word and nothing else: "what is a CrashLoopBackOff", not "what is going on"."""
    match = _TERM.fullmatch(words.rstrip("?!. "))
    if not match:
        return False
    term = match["term"]
    return find_reason(term) == term or all(word in _CONCEPTS for word in term.lower().split())
