"""
What a question wants: a cause, a list, a number, the meaning of a word, a comparison, or a state.

Whatever is surely none of the others is a diagnosis.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kfi.models.schemas import Intent, QueryMetadata
from kfi.retrieval.asking import asks_for, asks_meaning, asks_of_names
from kfi.retrieval.error_families import find_error, find_reason

_MEANING = re.compile(
    r"what (?:do|does) (?!(?:this|that|it|these|those)\b)(?:\S{1,80} ){1,6}(?:mean|stand for|do)\b|"
    r"(?:what(?: is|'s|\u2019s)|tell me) the (?:meaning of|difference between)|meaning of|difference between|"
    r"how do(?:es)? (?:an? )?(?:\S{1,80} ){1,4}works?\b|"
    r"was (?:bedeute[tn]|hei\u00dft|heisst) (?!(?:das|dies|es)\b)\S|que (?:signifie|veut dire) \S|"
    r"qu[e\u00e9] (?:significa|quiere decir) \S",
    re.I | re.A,
)
_WHY = re.compile(r"\bwhy\b", re.I)
_TERM = re.compile(
    r"(?:(?:what(?: is|'s|\u2019s| are|s)|explain|describe|define)(?: to me)?(?: (?:what|the))?(?: (?:an?|the))?|"
    r"was (?:ist|sind)(?: (?:eine?|der|die|das))?(?: fehler)?) "
    r"(?P<term>\S{1,80}(?: \S{1,80}){0,4}?)(?: (?:is|means?|error|errors|status|state|reason|events?|message))?",
    re.I | re.A,
)
_OF_A_SORT = re.compile(r"what(?: is|'s|\u2019s|s) an? ", re.I)
# Kubernetes' own words have capitals in their midst; names of objects have none at all.
_PRINTED = re.compile(
    r"(?:Init:)?[A-Z][a-z0-9]{1,40}[A-Z][A-Za-z0-9]{0,60}|SIG[A-Z]{2,5}|[Ss]ignal [0-9]{1,2}|"
    r"[a-z-]{1,40}\.kubernetes\.io/[a-z-]{1,40}",
    re.A,
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
    # What stands before the slash of a taint is no kind, and what stands behind it no name.
    named = named and "kubernetes.io/" not in words
    if not (named or asks_of_names(words) or _WHY.search(words)) and _asks_meaning(words):
        return Intent.EXPLAIN
    return asks_for(words) or Intent.DIAGNOSE


def _asks_meaning(words: str) -> bool:
    return _MEANING.search(words) is not None or _is_term(words) or asks_meaning(words)


def _is_term(words: str) -> bool:
    """Tell whether it asks for a word and nothing else: "what is a CrashLoopBackOff", not "what is going on"."""
    match = _TERM.fullmatch(words.rstrip("?!. "))
    if not match:
        return False
    term = match["term"]
    return (
        find_reason(term) == term
        or bool(_PRINTED.fullmatch(term))
        or all(word in _CONCEPTS for word in term.lower().split())
        # "What's an evicted pod", but not "what is pending".
        or (_OF_A_SORT.match(words) is not None and all(map(_is_concept, term.lower().split())))
    )


def _is_concept(word: str) -> bool:
    return word in _CONCEPTS or find_error(word) is not None
