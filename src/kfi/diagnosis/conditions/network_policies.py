"""
What a NetworkPolicy selects and lets out.

Source: networking.k8s.io/v1. Policies only ever allow, and together; a Pod that no Egress policy selects may send all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from kfi.models.schemas import ObjectRef
from kfi.snapshot.objects import LabelSelector
from kfi.snapshot.resources import Other

_DNS = (53, "53", "dns", "dns-tcp")


def restricts_egress(policy: Other) -> bool:
    """Tell whether a policy applies to what Pods send."""
    types = policy.spec.get("policyTypes")
    return "Egress" in types if isinstance(types, list) else "egress" in policy.spec


def selects(policy: Other, ref: ObjectRef, labels: Mapping[str, str]) -> bool:
    """Tell whether a policy is about a Pod with these labels."""
    if (policy.ref.cluster, policy.namespace) != (ref.cluster, ref.namespace):
        return False
    selector = policy.spec.get("podSelector") or {}
    try:
        return LabelSelector.model_validate(selector).matches(dict(labels))
    except ValidationError:
        return False


def allows_dns(policy: Other) -> bool:
    """Tell whether a policy lets Pods reach port 53 somewhere beyond the Pods of their own namespace."""
    return any(_covers_port(rule) and _leads_out(rule) for rule in _rules(policy))


def _rules(policy: Other) -> Iterator[dict[str, Any]]:
    rules = policy.spec.get("egress")
    yield from (rule for rule in rules if isinstance(rule, dict)) if isinstance(rules, list) else ()


def _covers_port(rule: dict[str, Any]) -> bool:
    ports = rule.get("ports")
    if not isinstance(ports, list) or not ports:
        return True
    return any(isinstance(port, dict) and (port.get("port") in (None, *_DNS) or _in_range(port)) for port in ports)


def _in_range(port: dict[str, Any]) -> bool:
    first, last = port.get("port"), port.get("endPort")
    return isinstance(first, int) and isinstance(last, int) and first <= 53 <= last


def _leads_out(rule: dict[str, Any]) -> bool:
    peers = rule.get("to")
    if not isinstance(peers, list) or not peers:
        return True
    return any(isinstance(peer, dict) and ("namespaceSelector" in peer or "ipBlock" in peer) for peer in peers)
