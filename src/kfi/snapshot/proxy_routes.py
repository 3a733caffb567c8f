"""
Routes that some proxies have a kind of their own for: Traefik's IngressRoute and Contour's HTTPProxy.

Source: traefik.io/v1alpha1 and projectcontour.io/v1.
"""

from __future__ import annotations

from kfi.snapshot.objects import Kube, Resource


class ProxyService(Kube):
    """`services[]` of a proxy's own route."""

    kind: str = "Service"
    namespace: str = ""
    name: str = ""
    port: int | str | None = None
    weight: int | None = None


class ProxyCondition(Kube):
    """`conditions[]` of an HTTPProxy's route."""

    prefix: str = ""


class ProxyRule(Kube):
    """`routes[]`: Traefik writes where as an expression (`match`), Contour as conditions."""

    match: str = ""
    conditions: tuple[ProxyCondition, ...] = ()
    services: tuple[ProxyService, ...] = ()


class ProxyHost(Kube):
    """`virtualhost` of an HTTPProxy."""

    fqdn: str = ""


class ProxyRouteSpec(Kube):
    """`spec` of IngressRoute and HTTPProxy."""

    virtualhost: ProxyHost = ProxyHost()
    routes: tuple[ProxyRule, ...] = ()


class ProxyRoute(Resource):
    """Traefik's IngressRoute or Contour's HTTPProxy."""

    spec: ProxyRouteSpec = ProxyRouteSpec()
