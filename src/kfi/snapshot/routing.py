"""
Typed objects that lead traffic to Services, or keep it away: Ingress, Gateway API, Istio's routes, NetworkPolicy.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from kfi.snapshot.network_policy import NetworkPolicy
from kfi.snapshot.objects import Condition, Kube, Resource
from kfi.snapshot.proxy_routes import ProxyRoute

_CLASS_ANNOTATION = "kubernetes.io/ingress.class"
_DEFAULT_CLASS = "ingressclass.kubernetes.io/is-default-class"


class IngressPort(Kube):
    """`port` of a backend: its number or its name."""

    number: int | None = None
    name: str = ""


class IngressService(Kube):
    """`service` of a backend; `kfi_endpoints` is what `describe` prints behind it, addresses or an error."""

    name: str = ""
    port: IngressPort = IngressPort()
    kfi_endpoints: str | None = None


class IngressBackend(Kube):
    """Where a path leads; the names of networking.k8s.io/v1beta1 are read too."""

    service: IngressService | None = None
    service_name: str = ""
    service_port: int | str | None = None

    @property
    def target(self) -> tuple[str, int | str | None]:
        """Name and port of its Service; an empty name where it leads to another kind of object."""
        if self.service:
            return self.service.name, self.service.port.number or self.service.port.name or None
        return self.service_name, self.service_port


class IngressPath(Kube):
    """`paths[]`."""

    path: str = ""
    path_type: str = ""
    backend: IngressBackend = IngressBackend()


class IngressHttp(Kube):
    """`http` of a rule."""

    paths: tuple[IngressPath, ...] = ()


class IngressRule(Kube):
    """`rules[]`."""

    host: str = ""
    http: IngressHttp = IngressHttp()


class IngressTls(Kube):
    """`tls[]`."""

    hosts: tuple[str, ...] = ()
    secret_name: str = ""


class IngressSpec(Kube):
    """`spec` of an Ingress."""

    ingress_class_name: str = ""
    default_backend: IngressBackend | None = None
    backend: IngressBackend | None = None
    """The name that `defaultBackend` had before v1."""
    rules: tuple[IngressRule, ...] = ()
    tls: tuple[IngressTls, ...] = ()


class LoadBalancer(Kube):
    """`loadBalancer` of a status; `ingress` None: the text did not say."""

    ingress: tuple[dict[str, Any], ...] | None = None


class IngressStatus(Kube):
    """`status` of an Ingress."""

    load_balancer: LoadBalancer | None = None


class Ingress(Resource):
    """An Ingress."""

    spec: IngressSpec = IngressSpec()
    status: IngressStatus = IngressStatus()

    @property
    def class_name(self) -> str:
        """The class it asks for, by its field or by the older annotation."""
        return self.spec.ingress_class_name or self.metadata.annotations.get(_CLASS_ANNOTATION, "")

    @property
    def address_known(self) -> bool:
        """Whether some controller has given it an address."""
        balancer = self.status.load_balancer
        return bool(balancer and balancer.ingress)


class IngressClassSpec(Kube):
    """`spec` of an IngressClass."""

    controller: str = ""


class IngressClass(Resource):
    """An IngressClass."""

    spec: IngressClassSpec = IngressClassSpec()

    @property
    def is_default(self) -> bool:
        """Whether Ingresses that name no class get this one."""
        return self.metadata.annotations.get(_DEFAULT_CLASS) == "true"


class ParentRef(Kube):
    """A Gateway (or Service) that a route hangs on."""

    kind: str = "Gateway"
    namespace: str = ""
    name: str = ""
    section_name: str = ""


class BackendRef(Kube):
    """Where a rule of a route leads; `weight` 0 gets no traffic."""

    group: str = ""
    kind: str = "Service"
    namespace: str = ""
    name: str = ""
    port: int | None = None
    weight: int = 1


class PathMatch(Kube):
    """`path` of a match."""

    type: str = "PathPrefix"
    value: str = "/"


class RouteMatch(Kube):
    """`matches[]`."""

    path: PathMatch | None = None


class RouteRule(Kube):
    """`rules[]` of a route."""

    matches: tuple[RouteMatch, ...] = ()
    backend_refs: tuple[BackendRef, ...] = ()


class RouteSpec(Kube):
    """`spec` of HTTPRoute, GRPCRoute, TCPRoute and TLSRoute."""

    parent_refs: tuple[ParentRef, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[RouteRule, ...] = ()


class RouteParent(Kube):
    """What one Gateway says of a route."""

    parent_ref: ParentRef = ParentRef()
    controller_name: str = ""
    conditions: tuple[Condition, ...] = ()


class RouteStatus(Kube):
    """`status` of a route."""

    parents: tuple[RouteParent, ...] = ()


class GatewayRoute(Resource):
    """An HTTPRoute, GRPCRoute, TCPRoute or TLSRoute."""

    spec: RouteSpec = RouteSpec()
    status: RouteStatus = RouteStatus()


class Listener(Kube):
    """`listeners[]` of a Gateway's spec."""

    name: str = ""
    hostname: str = ""
    port: int = 0
    protocol: str = ""


class GatewaySpec(Kube):
    """`spec` of a Gateway."""

    gateway_class_name: str = ""
    listeners: tuple[Listener, ...] = ()


class ListenerStatus(Kube):
    """`listeners[]` of a Gateway's status."""

    name: str = ""
    conditions: tuple[Condition, ...] = ()


class GatewayStatus(Kube):
    """`status` of Gateway and GatewayClass."""

    conditions: tuple[Condition, ...] = ()
    listeners: tuple[ListenerStatus, ...] = ()


class Gateway(Resource):
    """A Gateway of the Gateway API, or its class."""

    spec: GatewaySpec = GatewaySpec()
    status: GatewayStatus = GatewayStatus()


class GrantPeer(Kube):
    """`from[]` and `to[]` of a ReferenceGrant."""

    group: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""


class GrantSpec(Kube):
    """`spec` of a ReferenceGrant."""

    sources: tuple[GrantPeer, ...] = Field(default=(), alias="from")
    targets: tuple[GrantPeer, ...] = Field(default=(), alias="to")


class ReferenceGrant(Resource):
    """A ReferenceGrant: which other namespaces' routes may lead into this one."""

    spec: GrantSpec = GrantSpec()


class MeshPort(Kube):
    """`port` of a destination."""

    number: int | None = None


class Destination(Kube):
    """`destination` of a VirtualService's route."""

    host: str = ""
    subset: str = ""
    port: MeshPort = MeshPort()


class WeightedDestination(Kube):
    """`route[]`."""

    destination: Destination = Destination()
    weight: int | None = None


class UriMatch(Kube):
    """`uri` of a match."""

    exact: str = ""
    prefix: str = ""
    regex: str = ""


class MeshMatch(Kube):
    """`match[]`."""

    uri: UriMatch = UriMatch()


class MeshRoute(Kube):
    """`http[]`, `tcp[]` and `tls[]`."""

    match: tuple[MeshMatch, ...] = ()
    route: tuple[WeightedDestination, ...] = ()

    @field_validator("match", mode="before")
    @classmethod
    def _one_match(cls, value: object) -> object:
        """Give a list also of the single match that `describe` prints like a map."""
        return [value] if isinstance(value, dict) else value


class VirtualServiceSpec(Kube):
    """`spec` of a VirtualService."""

    hosts: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    http: tuple[MeshRoute, ...] = ()
    tcp: tuple[MeshRoute, ...] = ()
    tls: tuple[MeshRoute, ...] = ()


class VirtualService(Resource):
    """Istio's VirtualService."""

    spec: VirtualServiceSpec = VirtualServiceSpec()


class Subset(Kube):
    """`subsets[]` of a DestinationRule."""

    name: str = ""
    labels: dict[str, str] = Field(default_factory=dict)


class MeshHostSpec(Kube):
    """`spec` of DestinationRule (host) and ServiceEntry (hosts)."""

    host: str = ""
    hosts: tuple[str, ...] = ()
    subsets: tuple[Subset, ...] = ()


class MeshHost(Resource):
    """Istio's DestinationRule or ServiceEntry."""

    spec: MeshHostSpec = MeshHostSpec()


ROUTING_CLASSES: dict[str, type[Resource]] = {
    "Ingress": Ingress,
    "IngressClass": IngressClass,
    **dict.fromkeys(("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute"), GatewayRoute),
    **dict.fromkeys(("Gateway", "GatewayClass"), Gateway),
    "ReferenceGrant": ReferenceGrant,
    "VirtualService": VirtualService,
    **dict.fromkeys(("DestinationRule", "ServiceEntry"), MeshHost),
    **dict.fromkeys(("IngressRoute", "HTTPProxy"), ProxyRoute),
    "NetworkPolicy": NetworkPolicy,
}
"""Which class each kind is read into."""

ROUTE_KINDS = frozenset({
    "Ingress", "HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "VirtualService", "IngressRoute", "HTTPProxy",
})  # fmt: skip
"""Kinds of which an object leads requests to Services."""

ROUTING_GROUPS = frozenset({
    "networking.k8s.io", "gateway.networking.k8s.io", "networking.istio.io", "traefik.io", "traefik.containo.us",
    "projectcontour.io",
})  # fmt: skip
"""API groups of these kinds; the same names in others are other things."""
