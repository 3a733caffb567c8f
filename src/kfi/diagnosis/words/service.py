"""
What a person reads of Services: their selectors, ports and names, and the addresses that callers use.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.models.schemas import Role

_ENDPOINTS = "kubectl get endpointslices -n {namespace} -l kubernetes.io/service-name={name}"
_SERVICE = "kubectl describe service {name} -n {namespace}"

SERVICE_SELECTOR_MISMATCH = Rule(
    code="service-selector-mismatch",
    title="Service's selector does not select the Pods it is meant for",
    layer=Layer.SERVICE,
    meaning=(
        "A Service sends traffic to the Pods that carry every label of its selector. One label that differs is enough "
        "to leave it without endpoints, or with the wrong ones, while the Pods themselves are in order."
    ),
    confirm=_SERVICE,
    fix=("Make the Service's selector equal to labels of the Pod template.",),
)
SERVICE_NO_READY_ENDPOINTS = Rule(
    code="service-no-ready-endpoints",
    title="Service has no ready endpoint",
    layer=Layer.SYMPTOM,
    role=Role.SYMPTOM,
    meaning=(
        "The Service selects Pods, but none of them is ready (or none exists), so connections to it are refused or run "
        "into a timeout. The reason is with the Pods."
    ),
    confirm=_ENDPOINTS,
    fix=("Find out why the Pods that it selects are not ready.",),
)
SERVICE_PORT_MISMATCH = Rule(
    code="service-port-mismatch",
    title="Service's port leads to a port that the Pods do not serve",
    layer=Layer.SERVICE,
    meaning=(
        "A Service's port maps to targetPort of the Pods, by number or by the name of a container port. A number that "
        "nobody listens on is refused; a name that no container port has leaves the Service without endpoints; a port "
        "that callers do not use answers nobody."
    ),
    confirm=_SERVICE,
    fix=("Set targetPort to the number or name of the container's port, and port to the one that callers use.",),
)
SERVICE_PROTOCOL_MISMATCH = Rule(
    code="service-protocol-mismatch",
    title="Service's port has another protocol than the container's",
    layer=Layer.SERVICE,
    meaning=(
        "The Service forwards only the protocol that its port names. A port declared UDP or SCTP lets no TCP "
        "connection through, though name, number and endpoints look right."
    ),
    confirm=_SERVICE,
    fix=("Set the Service port's protocol to the container port's (TCP unless said otherwise).",),
)
SERVICE_MISSING = Rule(
    code="service-missing",
    title="Service that callers use does not exist",
    layer=Layer.SERVICE,
    meaning=(
        "Callers are told to use a Service, or a manifest declares one, that the namespace does not have; its name "
        "does not resolve."
    ),
    confirm="kubectl get services -n {namespace}",
    fix=("Create the Service; if it was refused, look at quotas and at the error of kubectl apply.",),
)
ENV_ADDRESS_MISMATCH = Rule(
    code="env-address-mismatch",
    title="Environment variable holds an address that leads nowhere",
    layer=Layer.CONFIG,
    meaning=(
        "The workload takes the address of something it calls from an environment variable, and no Service of that "
        "name, or none with that port, exists. Only this caller fails; the callee is in order."
    ),
    confirm="kubectl describe {kind} {name} -n {namespace}",
    fix=("Correct host and port in the variable to a Service's name and port.",),
)
DEPLOYMENT_ZERO_REPLICAS = Rule(
    code="deployment-zero-replicas",
    title="Workload that is needed is scaled to zero",
    layer=Layer.CONFIG,
    meaning=(
        "spec.replicas is 0, so the workload runs no Pod on purpose, though a Service leads to it or others call it. "
        "Kubernetes reports no error: everything is as declared."
    ),
    confirm="kubectl get {kind} {name} -n {namespace}",
    fix=(
        "Scale it up: kubectl scale with the replicas it should have; correct the manifest too.",
        "Find out who scaled it down: a person, an autoscaler, a night schedule.",
    ),
)
DNS_FAILURE = Rule(
    code="dns-failure",
    title="Names of existing Services do not resolve",
    layer=Layer.SERVICE,
    meaning=(
        "Service names are answered by the cluster's DNS (CoreDNS). They fail for everyone when it is down, for one "
        "Pod when its dnsPolicy or dnsConfig leads elsewhere or a NetworkPolicy bars the way, and for one name when "
        "DNS is configured wrongly for it."
    ),
    confirm="kubectl get pods -n kube-system -l k8s-app=kube-dns -o wide",
    fix=(
        "If CoreDNS is not ready, mend it first.",
        "Else set the Pod's dnsPolicy back to ClusterFirst, remove a wrong dnsConfig, and allow UDP and TCP port 53.",
    ),
)
NETWORK_POLICY_BARS_DNS = Rule(
    code="network-policy-bars-dns",
    title="NetworkPolicy keeps Pods from the cluster's DNS",
    layer=Layer.CONFIG,
    meaning=(
        "As soon as a NetworkPolicy with policy type Egress selects a Pod, only what some policy allows may leave it. "
        "None of them allows port 53, so no name resolves in the Pod, though DNS and Services are in order."
    ),
    confirm="kubectl describe networkpolicy {name} -n {namespace}",
    fix=("Allow egress to the cluster's DNS: UDP and TCP port 53 to the Pods with label k8s-app=kube-dns.",),
)
WORKLOAD_SELECTOR_MISMATCH = Rule(
    code="workload-selector-mismatch",
    title="Workload's selector does not match its own template",
    layer=Layer.ADMISSION,
    meaning=(
        "spec.selector must match the labels of spec.template; the API server refuses the object otherwise ('selector "
        "does not match template labels')."
    ),
    confirm="kubectl get {kind} {name} -n {namespace}",
    fix=("Give the template the labels that the selector names.",),
)
