"""Faults of what lies around a service: routes that lead elsewhere, and nothing running."""

from __future__ import annotations

from typing import Any

from .cases import case
from .effects import alert, hurt_callers
from .logs import say
from .model import Cluster, Event


def route(
    c: Cluster, kind: str, name: str, spec: dict[str, Any], status: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Give a route object."""
    version = {
        "HTTPRoute": "gateway.networking.k8s.io/v1",
        "VirtualService": "networking.istio.io/v1",
        "Ingress": "networking.k8s.io/v1",
    }[kind]
    body: dict[str, Any] = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": c.ns},
        "spec": spec,
    }
    return body | ({"status": status} if status else {})


def http_route(prefix: str, service: str, port: int) -> dict[str, Any]:
    """Give the spec of an HTTPRoute that sends a prefix of the public gateway to a Service."""
    return {
        "parentRefs": [{"name": "public", "namespace": "gateway-system"}],
        "hostnames": ["www.skerryline.io"],
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": prefix}}],
                "backendRefs": [{"name": service, "port": port}],
            }
        ],
    }


def resolved_refs(status: str, reason: str, message: str) -> dict[str, Any]:
    """Give the status of an accepted HTTPRoute whose condition ResolvedRefs is as given."""
    accepted = {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "Route is accepted"}
    resolved = {"type": "ResolvedRefs", "status": status, "reason": reason, "message": message}
    parent = {
        "controllerName": "gateway.envoyproxy.io/gatewayclass-controller",
        "parentRef": {"name": "public"},
        "conditions": [accepted, resolved],
    }
    return {"parents": [parent]}


@case("gateway_misrouted", "ferry", "clicking on fares gives a 500 page")
def httproute_no_backend(c: Cluster) -> str:
    """An HTTPRoute to a Service that does not exist."""
    app = c.app("fares")
    portal = c.app("portal")
    spec = http_route("/fares", "fares-svc", 9090)
    front = http_route("/", portal.name, 3000)
    missing = resolved_refs("False", "BackendNotFound", f"Service {c.ns}/fares-svc not found")
    good = resolved_refs("True", "ResolvedRefs", "Resolved all the Object references for the Route")
    c.custom["httproutes"] = [
        route(c, "HTTPRoute", "fares", spec, missing),
        route(c, "HTTPRoute", "portal", front, good),
    ]
    portal.extra.append(route(c, "HTTPRoute", "portal", front))
    app.extra.append(route(c, "HTTPRoute", "fares", spec))
    alert(c, "GatewayHigh5xx", {"route": "fares"}, "route ferry-prod/fares: 100% of the answers are 500")
    return f"app/{app.name}"


@case("gateway_misrouted", "clinic", "the intake form opens the wrong page / not found")
def virtual_service_wrong_app(c: Cluster) -> str:
    """An Istio VirtualService sends one app's prefix to another app."""
    app, other = c.app("boarding"), c.app("loyalty")
    spec = {
        "hosts": ["my.medbook.example"],
        "gateways": ["istio-system/public"],
        "http": [
            {
                "match": [{"uri": {"prefix": "/intake"}}],
                "route": [
                    {"destination": {"host": f"{other.name}.{c.ns}.svc.cluster.local", "port": {"number": 8300}}}
                ],
            }
        ],
    }
    vs = route(c, "VirtualService", "intake", spec)
    c.custom["virtualservices"] = [vs]
    app.extra.append(vs)
    other.logs += [
        f'{c.at(140 - n * 20):%Y-%m-%d %H:%M:%S},301 INFO uvicorn.access 10.42.1.3:40312 - "GET '
        f'/intake/forms HTTP/1.1" 404'
        for n in range(6)
    ]
    return f"app/{app.name}"


@case("gateway_misrouted", "library", "cannot log on: 503 Service Temporarily Unavailable from nginx")
def ingress_wrong_port(c: Cluster) -> str:
    """An Ingress names a port that the Service does not have."""
    app = c.app("portal")
    backend = {"service": {"name": app.name, "port": {"number": 8080}}}
    spec = {
        "ingressClassName": "nginx",
        "rules": [
            {
                "host": "read.biblio.example",
                "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]},
            }
        ],
    }
    c.custom["ingresses"] = [route(c, "Ingress", "reader-ui", spec)]
    app.extra.append(route(c, "Ingress", "reader-ui", spec))
    c.event(Event("ingress", "reader-ui", "Sync", "Scheduled for sync", age=420, source="nginx-ingress-controller"))
    return f"app/{app.name}"


@case("gateway_misrouted", "ferry", "loyalty page shows the answer of another service")
def httproute_wrong_service(c: Cluster) -> str:
    """Two routes, one of which points at the other's Service; nothing complains but the callee's 404."""
    app, other = c.app("loyalty"), c.app("crewing")
    right = route(
        c,
        "HTTPRoute",
        other.name,
        {
            "parentRefs": [{"name": "public"}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": "/crewing"}}],
                    "backendRefs": [{"name": other.name, "port": 9095}],
                }
            ],
        },
    )
    wrong = route(
        c,
        "HTTPRoute",
        app.name,
        {
            "parentRefs": [{"name": "public"}],
            "rules": [
                {
                    "matches": [{"path": {"type": "PathPrefix", "value": f"/{app.name}"}}],
                    "backendRefs": [{"name": other.name, "port": 9095}],
                }
            ],
        },
    )
    for owner, body in ((other, right), (app, wrong)):
        owner.extra.append(body)
    c.custom["httproutes"] = [right, wrong]
    say(c, other, "no such route GET /milescard/balance", "404 page not found", times=5, level="warn")
    return f"app/{app.name}"


@case("deployment_zero_replicas", "clinic", "reminder texts are not sent")
def scaled_by_hand(c: Cluster) -> str:
    """Scaled to zero a while ago; the event is there."""
    app = c.app("notify")
    pod = app.pods[0]
    c.event(
        Event(
            "replicaset",
            f"{app.name}-{app.rs_hash}",
            "SuccessfulDelete",
            f"Deleted pod: {pod.name}",
            age=1500,
            source="replicaset-controller",
        )
    )
    c.event(
        Event(
            "deployment",
            app.name,
            "ScalingReplicaSet",
            f"Scaled down replica set {app.name}-{app.rs_hash} from 1 to 0",
            age=1500,
            source="deployment-controller",
        )
    )
    c.event(Event("pod", pod.name, "Killing", "Stopping container app", age=1500))
    app.replicas, app.pods, app.logs = 0, [], []
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("deployment_zero_replicas", "library", "books cannot be found on the shelves")
def database_at_zero(c: Cluster) -> str:
    """The cache's Deployment stands at zero and its events have expired; only callers and tables tell."""
    app = c.app("redis")
    c.events = [e for e in c.events if e.name not in {p.name for p in app.pods}]
    app.replicas, app.pods, app.logs = 0, [], []
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("deployment_zero_replicas", "ferry", "crew page fails")
def manifest_only(c: Cluster) -> str:
    """Nobody collected Deployments or ReplicaSets: the manifest says zero and there is no pod."""
    app = c.app("crewing")
    c.events = [e for e in c.events if e.name not in {p.name for p in app.pods}]
    app.replicas, app.pods, app.logs = 0, [], []
    c.drop |= {"deployments", "replicasets"}
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"


@case("deployment_zero_replicas", "clinic", "rota and records fail, who can help?")
def stateful_set_at_zero(c: Cluster) -> str:
    """The database's StatefulSet stands at zero."""
    app = c.app("mysql")
    c.event(
        Event(
            "statefulset",
            app.name,
            "SuccessfulDelete",
            f"delete Pod {app.name}-0 in StatefulSet {app.name} successful",
            age=900,
            source="statefulset-controller",
        )
    )
    app.replicas, app.pods, app.logs = 0, [], []
    hurt_callers(c, app, "refused")
    return f"app/{app.name}"
