"""
What a person reads of the ways into the cluster: Ingress, Gateway API, a mesh's routes, and their access logs.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.models.schemas import Role

_SHOW = "kubectl describe {kind} {name} -n {namespace}"
_YAML = "kubectl get {kind} {name} -n {namespace} -o yaml"

INGRESS_CLASS_MISSING = Rule(
    code="ingress-class-missing",
    title="Ingress has a class that no controller serves",
    layer=Layer.SERVICE,
    meaning=(
        "An Ingress is only a wish; the ingress controller of its class fulfils it. Where its ingressClassName names "
        "no IngressClass, or it names none and no class is the default, every controller ignores it: it gets no "
        "address and no Event, and requests to its hosts reach nobody."
    ),
    confirm="kubectl get ingressclass",
    fix=(
        "Set spec.ingressClassName to a class that kubectl get ingressclass lists.",
        "Install the ingress controller that the class belongs to, or mark one class as the default.",
    ),
)
ROUTE_BACKEND_MISSING = Rule(
    code="route-backend-missing",
    title="Route leads to a Service that does not exist",
    layer=Layer.SERVICE,
    meaning=(
        "A path of an Ingress, HTTPRoute or VirtualService names a Service that its namespace does not have. The proxy "
        "answers requests for that path with 503 (some with 404 or 500), while other paths work."
    ),
    confirm=_SHOW,
    fix=("Correct the backend to a Service of the namespace, or create the Service.",),
)
ROUTE_PORT_MISMATCH = Rule(
    code="route-port-mismatch",
    title="Route names a port that its Service does not have",
    layer=Layer.SERVICE,
    meaning=(
        "A backend names a port of the Service (its `port`, not the targetPort or the container's), by number or name. "
        "Where the Service has none such, the proxy finds no endpoint and answers 503."
    ),
    confirm=_SHOW,
    fix=("Set the backend's port to one that kubectl get service shows under PORT(S).",),
)
ROUTE_UNSERVED = Rule(
    code="route-unserved",
    title="Route leads to nothing that answers",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning=(
        "Requests that come in for this host and path find no ready endpoint: the Service behind it is missing, has no "
        "such port, or none of its Pods is ready."
    ),
    confirm=_SHOW,
    fix=("Find out why the Service behind it has no ready endpoint.",),
)
TLS_SECRET_MISSING = Rule(
    code="tls-secret-missing",
    title="Ingress or Gateway names a TLS Secret that does not exist",
    layer=Layer.SERVICE,
    meaning=(
        "The certificate for a host is taken from a Secret in the namespace of the Ingress or Gateway. Without it the "
        "controller shows its own default certificate, which clients refuse, or does not listen at all."
    ),
    confirm=_SHOW,
    fix=(
        "Create the Secret (type kubernetes.io/tls) in that namespace, or correct secretName.",
        "Where cert-manager should make it, look at the Certificate of that name.",
    ),
)
ROUTE_CONFLICT = Rule(
    code="route-conflict",
    title="Two Ingresses claim the same host and path for different Services",
    layer=Layer.SERVICE,
    meaning=(
        "Two Ingresses of one class hold the same host and path and lead to different Services. The controller serves "
        "one of them (mostly the older) and ignores the other without an error."
    ),
    confirm="kubectl get ingress -A",
    fix=("Remove the host and path from one of the two Ingresses.",),
)
GATEWAY_MISROUTED = Rule(
    code="gateway-misrouted",
    title="The gateway's route of an application leads to another Service",
    layer=Layer.SERVICE,
    meaning=(
        "The route that is meant for this application (by its name, host or path) leads to another one's Service, "
        "to a port that the Service does not have, or to none that exists. The application and its Pods are in order; "
        "whoever comes through the gateway gets wrong answers, 404, 502 or 503."
    ),
    confirm="kubectl get ingress,httproute,virtualservice,configmap -n {namespace} -o yaml",
    fix=("Correct the backend in the route that the evidence shows to this application's Service and port.",),
)
ROUTE_NOT_ACCEPTED = Rule(
    code="route-not-accepted",
    title="Gateway does not accept the route, or is not set up itself",
    layer=Layer.SERVICE,
    meaning=(
        "A route names the Gateway it hangs on, and the Gateway must accept it: its listeners decide about namespaces, "
        "hostnames and kinds. The status of the route (Accepted, ResolvedRefs) and of the Gateway (Accepted, "
        "Programmed) says what is missing."
    ),
    confirm="kubectl get {kind} {name} -n {namespace} -o jsonpath='{.status}'",
    fix=(
        "Correct parentRefs (name, namespace, sectionName) to a Gateway that exists.",
        "Let the Gateway's listener admit the namespace (allowedRoutes) and the hostname.",
    ),
)
REFERENCE_NOT_GRANTED = Rule(
    code="reference-not-granted",
    title="Route leads into another namespace that does not permit it",
    layer=Layer.SERVICE,
    meaning=(
        "A route of the Gateway API may lead to a Service of another namespace only if that namespace holds a "
        "ReferenceGrant for routes of this kind and namespace. Without it the backend counts as not there, and "
        "requests get 500."
    ),
    confirm="kubectl get referencegrant -A",
    fix=("Create a ReferenceGrant in the Service's namespace, or move the route there.",),
)
DESTINATION_SUBSET_MISSING = Rule(
    code="destination-subset-missing",
    title="VirtualService names a subset that no DestinationRule defines",
    layer=Layer.SERVICE,
    meaning=(
        "Istio knows the subset of a destination only from a DestinationRule for the same host. Traffic for an unknown "
        "subset, or one whose labels no Pod carries, gets 503 (NC or UH)."
    ),
    confirm=_YAML,
    fix=("Define the subset in the host's DestinationRule with labels that the Pods carry, or correct its name.",),
)
UPSTREAM_ERRORS = Rule(
    code="upstream-errors",
    title="Gateway logs failed requests to the workload",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning=(
        "The access log of an ingress controller, gateway or sidecar shows 502, 503 or 504 for requests that it sent "
        "on to this workload. The response flags of Envoy and nginx's error lines say how they failed; the reason is "
        "with the workload or its Service."
    ),
    confirm="kubectl get endpointslices -n {namespace}",
    fix=("Look at the workload behind the upstream address: its readiness, ports and limits.",),
)
NO_ROUTE = Rule(
    code="no-route",
    title="Proxy has no route or cluster for requests that come in",
    layer=Layer.SERVICE,
    meaning=(
        "Envoy answers 404 with flag NR where no route matches host and path, and 503 with NC where the route names a "
        "cluster that does not exist. The configuration it was given lacks something."
    ),
    confirm="kubectl get httproute,virtualservice,ingress -A",
    fix=("Add or correct the route for that host and path, and the Service or subset that it names.",),
)
