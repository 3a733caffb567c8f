"""
Where in an object the cause of each failure is set: the fields to look at first when a question's words name none.

What a kind is for counts whatever is asked: of a HorizontalPodAutoscaler, how many Pods it may make.

The names are those of the API and of `kubectl describe`, in lower case and without blanks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from kfi.retrieval.alert_families import family_of
from kfi.retrieval.error_families import ErrorFamily

_NEEDS = (
    "image secretname secretkeyref secretref configmapkeyref configmapref envfrom imagepullsecrets serviceaccountname"
)
_PROBES = "livenessprobe readinessprobe startupprobe liveness readiness startup"
_PLACE = "nodeselector node-selectors affinity nodeaffinity podaffinity podantiaffinity tolerations taints nodename"
_ROUTE = (
    "selector ingressclassname ingressclass port targetport endpoints policytypes podselector backendrefs parentrefs"
)
_SPACE = "resources requests limits hard used"
_RUN = f"command args env {_PROBES} limits"
_SCALE = "minreplicas maxreplicas scaletargetref metrics min max currentreplicas desiredreplicas"
_CLAIM = "storageclassname storageclass accessmodes volumename claimname capacity persistentvolumeclaim"

_FIELDS: Mapping[ErrorFamily, str] = MappingProxyType(
    {
        ErrorFamily.CRASH: _RUN,
        ErrorFamily.STARTUP: f"{_NEEDS} {_PLACE} {_CLAIM} command args",
        ErrorFamily.IMAGE: "image imagepullsecrets imagepullpolicy",
        ErrorFamily.MEMORY: f"{_SPACE} memory",
        ErrorFamily.CPU: f"{_SPACE} cpu",
        ErrorFamily.SCHEDULING: f"{_PLACE} {_SPACE} {_CLAIM} topologyspreadconstraints unschedulable",
        ErrorFamily.STORAGE: f"{_CLAIM} volumes volumemounts mountpath",
        ErrorFamily.CONFIG: _NEEDS,
        ErrorFamily.PROBE: _PROBES,
        ErrorFamily.NETWORK: _ROUTE,
        ErrorFamily.DNS: "dnspolicy dnsconfig clusterip externalname",
        ErrorFamily.CERTIFICATE: "secretname tls cabundle notafter",
        ErrorFamily.NODE: "taints unschedulable conditions",
        ErrorFamily.QUOTA: _SPACE,
        ErrorFamily.PERMISSION: "serviceaccountname subjects roleref rules verbs securitycontext runasuser fsgroup",
        ErrorFamily.ADMISSION: "webhooks failurepolicy rules",
        ErrorFamily.AVAILABILITY: f"{_ROUTE} {_PROBES} {_NEEDS} replicas",
        ErrorFamily.LATENCY: f"{_SPACE} {_SCALE}",
        ErrorFamily.ROLLOUT: f"{_NEEDS} {_PLACE} {_PROBES} replicas maxunavailable maxsurge paused "
        "progressdeadlineseconds image",
        ErrorFamily.SCALING: f"{_SCALE} replicas",
        ErrorFamily.JOB: "backofflimit activedeadlineseconds command args schedule suspend completions",
        ErrorFamily.DELETION: "finalizers deletiontimestamp",
    }
)
# Where only "something is wrong" is said: what most often is.
_ANY = f"{_NEEDS} {_PROBES} {_PLACE} selector"


_OF_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "HorizontalPodAutoscaler": _SCALE,
        "PersistentVolumeClaim": f"{_CLAIM} selector phase status",
        "PersistentVolume": f"{_CLAIM} nodeaffinity claimref phase status",
        "NetworkPolicy": "podselector policytypes ingress egress from to ports",
        "Service": f"{_ROUTE} type externalname",
        "Ingress": f"{_ROUTE} backend service host path secretname",
        "Node": "taints unschedulable conditions allocatable",
        "ResourceQuota": _SPACE,
        "LimitRange": "max min default defaultrequest",
        "Secret": "type data",
        "ServiceAccount": "imagepullsecrets secrets",
        "Job": "backofflimit activedeadlineseconds",
        "CronJob": "schedule suspend concurrencypolicy startingdeadlineseconds",
        "PodDisruptionBudget": "minavailable maxunavailable selector",
    }
)


@lru_cache(maxsize=256)
def fields_at_fault(question: str, kind: str = "") -> re.Pattern[str]:
    """Give a pattern for a line of an object of that kind where the cause may be set.

    It matches from a line's first letter, in lower case.
    """
    family = family_of(question)
    names = (_FIELDS.get(family, "") if family else "") or _ANY
    names = f"{names} {_OF_KINDS.get(kind, '')}"
    return re.compile(rf'"?(?:{"|".join(sorted(set(names.split())))})"?:')
