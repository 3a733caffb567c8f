"""
Typed NetworkPolicies: which Pods they isolate, and what they let in and out.
"""

from __future__ import annotations

from pydantic import Field

from kfi.snapshot.objects import Kube, LabelSelector, Resource


class IpBlock(Kube):
    """`ipBlock`."""

    cidr: str = ""
    exceptions: tuple[str, ...] = Field(default=(), alias="except")


class PolicyPeer(Kube):
    """`from[]` and `to[]`."""

    pod_selector: LabelSelector | None = None
    namespace_selector: LabelSelector | None = None
    ip_block: IpBlock | None = None


class PolicyPort(Kube):
    """`ports[]`; no port means all of the protocol."""

    port: int | str | None = None
    end_port: int | None = None
    protocol: str = "TCP"


class PolicyRule(Kube):
    """One allowance; without peers it is for everyone, without ports for every port."""

    sources: tuple[PolicyPeer, ...] = Field(default=(), alias="from")
    targets: tuple[PolicyPeer, ...] = Field(default=(), alias="to")
    ports: tuple[PolicyPort, ...] = ()


class PolicySpec(Kube):
    """`spec` of a NetworkPolicy."""

    pod_selector: LabelSelector = LabelSelector()
    policy_types: tuple[str, ...] = ()
    ingress: tuple[PolicyRule, ...] = ()
    egress: tuple[PolicyRule, ...] = ()


class NetworkPolicy(Resource):
    """A NetworkPolicy."""

    spec: PolicySpec = PolicySpec()

    @property
    def directions(self) -> tuple[str, ...]:
        """What it restricts: Ingress, Egress or both.

        Source: SetDefaults_NetworkPolicy: without policyTypes it is Ingress, and Egress where egress rules stand.
        """
        return self.spec.policy_types or (("Ingress", "Egress") if self.spec.egress else ("Ingress",))
