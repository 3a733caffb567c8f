"""
What quota admission says when it refuses an object, and what an object would take from a quota.

Source: `pkg/quota/v1` evaluators and the ResourceQuota and LimitRanger admission plugins.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from kfi.diagnosis.conditions.pod_spec import limited, requested
from kfi.snapshot.objects import Resource, quantity
from kfi.snapshot.pod import PodSpec
from kfi.snapshot.resources import PersistentVolumeClaim, Service


class Refusal(Enum):
    """Why admission refused."""

    QUOTA = "quota"
    MUST_SPECIFY = "must specify"
    LIMIT_RANGE = "limit range"


@dataclass(frozen=True)
class Refused:
    """A refusal: the quota's name, and what was requested, used and allowed of each resource that is exceeded."""

    refusal: Refusal
    quota: str = ""
    requested: Mapping[str, str] | None = None
    used: Mapping[str, str] | None = None
    limited: Mapping[str, str] | None = None
    text: str = ""


_EXCEEDED = re.compile(
    r"exceeded quota: ([^,\s]{1,253}), requested: (.{1,600}?), used: (.{1,600}?), limited: (.{1,600}?)(?:$|\s|; )"
)
_MUST = re.compile(r"failed quota: ([^:\s]{1,253}): must specify (.{1,300})")
_LIMITS = re.compile(
    r"(?:maximum|minimum) \S{1,80} usage per \w{1,40} is [^\],]{1,80}(?:, but (?:limit|request) is [^\],\s]{1,40})?"
    r"|\S{1,80} max limit to request ratio per [^\]]{1,200}"
)


def refusal_in(message: str) -> Refused | None:
    """Give the refusal that a message reports, or None where it is about something else.

    >>> refusal_in('exceeded quota: team, requested: pods=1, used: pods=10, limited: pods=10').limited
    {'pods': '10'}
    """
    text = message[:4000]
    exceeded = _EXCEEDED.search(text)
    if exceeded:
        asked, used, most = (_amounts(part) for part in exceeded.group(2, 3, 4))
        return Refused(Refusal.QUOTA, exceeded[1], asked, used, most, exceeded[0].strip())
    must = _MUST.search(text)
    if must:
        return Refused(Refusal.MUST_SPECIFY, must[1], text=must[0].strip())
    if "exceeded quota" in text:
        return Refused(Refusal.QUOTA, text=text[text.index("exceeded quota") :][:300])
    limits = _LIMITS.search(text)
    return Refused(Refusal.LIMIT_RANGE, text=limits[0].strip()) if limits else None


def _amounts(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(","))
    return {key.strip(): value.strip() for key, _, value in pairs if value}


def needed(resource: Resource) -> dict[str, float]:
    """Give what a Service or claim takes from a quota, by the quota's names of resources."""
    if isinstance(resource, Service):
        return _service_needs(resource)
    if isinstance(resource, PersistentVolumeClaim):
        return _claim_needs(resource)
    plural = f"{resource.ref.kind.lower()}s"
    return {plural: 1.0, f"count/{plural}": 1.0, f"count/{plural}.apps": 1.0, f"count/{plural}.batch": 1.0}


def _service_needs(service: Service) -> dict[str, float]:
    needs = {"services": 1.0, "count/services": 1.0}
    if service.spec.type in ("NodePort", "LoadBalancer"):
        needs["services.nodeports"] = float(len(service.spec.ports))
    if service.spec.type == "LoadBalancer":
        needs["services.loadbalancers"] = 1.0
    return needs


def _claim_needs(claim: PersistentVolumeClaim) -> dict[str, float]:
    size = quantity(claim.spec.resources.requests.get("storage")) or 0.0
    needs = {"persistentvolumeclaims": 1.0, "count/persistentvolumeclaims": 1.0, "requests.storage": size}
    name = claim.spec.storage_class_name
    if name:
        needs[f"{name}.storageclass.storage.k8s.io/requests.storage"] = size
        needs[f"{name}.storageclass.storage.k8s.io/persistentvolumeclaims"] = 1.0
    return needs


def needed_by_pod(spec: PodSpec) -> dict[str, float]:
    """Give what one Pod takes from a quota."""
    needs = {"pods": 1.0, "count/pods": 1.0}
    for resource in ("cpu", "memory", "ephemeral-storage"):
        amount = requested(spec, resource)
        needs |= {resource: amount, f"requests.{resource}": amount, f"limits.{resource}": limited(spec, resource)}
    return needs
