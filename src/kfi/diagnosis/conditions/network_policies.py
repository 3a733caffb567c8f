"""
What NetworkPolicies let through: whom they select, and whether a connection between two ends is allowed.

Source: networking.k8s.io/v1. Policies only ever allow, and together: an end that no policy selects in a direction may
send or get all, one that some select only what one of them allows. What no text shows (a namespace's labels, a Pod's
address) counts as allowed, so that what is called barred is barred.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from kfi.diagnosis.conditions.manifest_faults import only_declared
from kfi.diagnosis.conditions.served import port_number
from kfi.diagnosis.conditions.service_evidence import only_rows
from kfi.models.schemas import ObjectRef
from kfi.snapshot.network_policy import IpBlock, NetworkPolicy, PolicyPeer, PolicyPort, PolicyRule
from kfi.snapshot.objects import LabelSelector
from kfi.snapshot.pod import Pod, PodSpec
from kfi.snapshot.resources import Namespace, Workload
from kfi.snapshot.view import Snapshot

_NAME_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class End:
    """One end of a connection."""

    ref: ObjectRef
    labels: Mapping[str, str] | None
    """Its Pod's labels; None where no text shows them."""
    home: Mapping[str, str]
    """Its namespace's labels, as far as known; the name is always one of them."""
    home_known: bool
    address: str = ""
    spec: PodSpec = field(default_factory=PodSpec)


@dataclass(frozen=True)
class Door:
    """The port of a Pod that a connection goes to."""

    port: int | None
    name: str = ""
    protocol: str = "TCP"


def policies_in(snapshot: Snapshot) -> list[NetworkPolicy]:
    """Give the policies whose rules are known; of one in a table only its name is."""
    found = [p for p in snapshot.of(NetworkPolicy) if p.observed or only_declared(snapshot, p.ref)]
    return [policy for policy in found if not only_rows(snapshot, policy.ref)]


def end_of(snapshot: Snapshot, ref: ObjectRef) -> End | None:
    """Give a workload or Pod as an end of connections; None where it is on its node's network, or nothing is known."""
    known = snapshot.objects.get(ref)
    pods = [known] if isinstance(known, Pod) else [p for p in snapshot.topology.pods_of(ref) if not p.finished]
    if pods:
        pod = next((pod for pod in pods if pod.ready), pods[0])
        bare = not pod.labels and only_rows(snapshot, pod.ref)
        found = _end(snapshot, pod.ref, None if bare else pod.labels, pod.spec)
        return None if pod.spec.host_network else _with_address(found, pod.status.pod_ip)
    if isinstance(known, Workload) and not known.spec.template.spec.host_network:
        labels = known.spec.template.metadata.labels
        return _end(snapshot, ref, labels or None, known.spec.template.spec)
    return None


def _end(snapshot: Snapshot, ref: ObjectRef, labels: Mapping[str, str] | None, spec: PodSpec) -> End:
    home = snapshot.find("Namespace", "", ref.namespace, ref.cluster)
    known = isinstance(home, Namespace) and bool(home.labels)
    return End(ref, labels, {_NAME_LABEL: ref.namespace, **(home.labels if home else {})}, known, spec=spec)


def _with_address(end: End, address: str) -> End:
    return End(end.ref, end.labels, end.home, end.home_known, address, end.spec)


def barring(
    policies: Iterable[NetworkPolicy], direction: str, here: End, there: End, door: Door
) -> list[NetworkPolicy]:
    """Give the policies of one direction that select an end and of which none allows a connection; none if one does.

    `here` is the end that they select: who sends for Egress, who gets for Ingress.
    """
    mine = [p for p in policies if direction in p.directions and selects(p, here)]
    # A named port is a name of the end that is connected to.
    getter = there if direction == "Egress" else here
    return [] if any(_allows(p, direction, there, door, getter) for p in mine) else mine


def selects(policy: NetworkPolicy, end: End) -> bool:
    """Tell whether a policy is about an end."""
    if (policy.ref.cluster, policy.namespace) != (end.ref.cluster, end.ref.namespace):
        return False
    selector = policy.spec.pod_selector
    if end.labels is None:
        return not selector.match_labels and not selector.match_expressions
    return selector.matches(dict(end.labels))


def _allows(policy: NetworkPolicy, direction: str, other: End, door: Door, getter: End) -> bool:
    rules = policy.spec.egress if direction == "Egress" else policy.spec.ingress
    return any(_opens(rule.ports, door, getter) and _admits(policy, _peers(rule, direction), other) for rule in rules)


def _peers(rule: PolicyRule, direction: str) -> tuple[PolicyPeer, ...]:
    return rule.targets if direction == "Egress" else rule.sources


def _opens(ports: tuple[PolicyPort, ...], door: Door, getter: End) -> bool:
    return not ports or any(_fits(port, door, getter) for port in ports)


def _fits(port: PolicyPort, door: Door, getter: End) -> bool:
    if port.protocol != door.protocol:
        return False
    if port.port is None or door.port is None:
        return True
    if isinstance(port.port, str) and not port.port.isdigit():
        numbers = {port_number(container, port.port) for container in getter.spec.containers}
        return port.port == door.name or door.port in numbers or not getter.spec.containers
    first = int(port.port)
    return first <= door.port <= (port.end_port or first)


def _admits(policy: NetworkPolicy, peers: tuple[PolicyPeer, ...], other: End) -> bool:
    return not peers or any(_is_peer(policy, peer, other) for peer in peers)


def _is_peer(policy: NetworkPolicy, peer: PolicyPeer, other: End) -> bool:
    if peer.ip_block:
        return _in_block(peer.ip_block, other.address)
    if peer.namespace_selector is None:
        if other.ref.namespace != policy.namespace:
            return False
    elif not _may_match(peer.namespace_selector, other.home, other.home_known):
        return False
    return peer.pod_selector is None or other.labels is None or peer.pod_selector.matches(dict(other.labels))


def _may_match(selector: LabelSelector, labels: Mapping[str, str], known: bool) -> bool:
    """Tell whether a selector matches; what it asks of labels that no text shows counts as met."""
    if known:
        return selector.matches(dict(labels))
    asked = LabelSelector(
        match_labels={key: value for key, value in selector.match_labels.items() if key in labels},
        match_expressions=[one for one in selector.match_expressions if one.key in labels],
    )
    return asked.matches(dict(labels))


def _in_block(block: IpBlock, address: str) -> bool:
    try:
        inside = not address or ip_address(address) in ip_network(block.cidr, strict=False)
        return inside and not (address and any(ip_address(address) in ip_network(e) for e in block.exceptions))
    except ValueError:
        return True


_DNS_HOMES = ("kube-system", "openshift-dns", "kube-dns")
_DNS_PORTS = (53, 5353)


def dns_ends(snapshot: Snapshot) -> list[End]:
    """Give the Pods that answer the cluster's names, or what they would look like where none is seen."""
    pods = [p for p in snapshot.pods if p.namespace in _DNS_HOMES]
    answering = [p for p in pods if p.labels.get("k8s-app") == "kube-dns" or "dns" in p.name]
    ends = [end for end in (end_of(snapshot, pod.ref) for pod in answering[:2]) if end]
    return ends or [
        _end(snapshot, ObjectRef(kind="Pod", namespace=home, name="dns"), None, PodSpec()) for home in _DNS_HOMES
    ]


def bars_dns(policies: list[NetworkPolicy], end: End, dns: list[End]) -> list[NetworkPolicy]:
    """Give the policies that keep an end from the cluster's DNS; none where one of them lets it ask."""
    mine = [p for p in policies if "Egress" in p.directions and selects(p, end)]
    if not mine or any(_to_addresses(policy) for policy in mine):
        return []
    doors = [Door(port, "dns", "UDP") for port in _DNS_PORTS]
    ways = [barring(mine, "Egress", end, one, door) for one in dns for door in doors]
    return mine if all(ways) else []


def _to_addresses(policy: NetworkPolicy) -> bool:
    """Tell whether a policy opens port 53 to addresses: a node's own DNS cache has one of its own."""
    return any(
        peer.ip_block is not None and _opens(rule.ports, Door(53, "dns", "UDP"), _NOBODY)
        for rule in policy.spec.egress
        for peer in rule.targets
    )


_NOBODY = End(ObjectRef(), None, {}, False)
