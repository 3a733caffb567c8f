"""
What a person reads of the network inside the cluster: NetworkPolicies, and Services of uncommon kinds.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule

NETWORK_POLICY_BLOCKS = Rule(
    code="network-policy-blocks",
    title="NetworkPolicy keeps one workload from another that it calls",
    layer=Layer.CONFIG,
    meaning=(
        "A Pod that some NetworkPolicy selects for Ingress gets only the connections that one of them allows, and one "
        "selected for Egress sends only what one of them allows. None allows this connection, so it runs into a "
        "timeout (with some network plugins it is refused), though the Service has ready endpoints."
    ),
    confirm="kubectl describe networkpolicy {name} -n {namespace}",
    fix=(
        "Add a rule that allows it: the caller's labels (and namespace) under from, or the callee's under to, and the "
        "container's port, not the Service's.",
    ),
)
SERVICE_SELECTS_TWO_WORKLOADS = Rule(
    code="service-selects-two-workloads",
    title="Service sends part of its traffic to another workload",
    layer=Layer.SERVICE,
    meaning=(
        "A Service takes every Pod that carries its selector's labels, whoever owns it. Where a second workload "
        "carries them too, a share of the requests ends up there: some calls fail or get foreign answers, others work."
    ),
    confirm="kubectl get endpointslices -n {namespace} -l kubernetes.io/service-name={name}",
    fix=("Give the selector (and the meant workload's template) a label that the other workload does not carry.",),
)
EXTERNAL_NAME_INVALID = Rule(
    code="external-name-invalid",
    title="ExternalName Service leads to a name that nobody has",
    layer=Layer.SERVICE,
    meaning=(
        "A Service of type ExternalName is only a DNS alias. An IP address as its target does not work, and neither "
        "does the name of a Service that does not exist: whoever uses it cannot resolve the name."
    ),
    confirm="kubectl get service {name} -n {namespace} -o jsonpath='{.spec.externalName}'",
    fix=(
        "Correct spec.externalName to a name that DNS knows.",
        "For an IP address use a Service without selector and an EndpointSlice with that address.",
    ),
)
GOVERNING_SERVICE_WRONG = Rule(
    code="governing-service-wrong",
    title="StatefulSet's Pods have no names of their own in DNS",
    layer=Layer.SERVICE,
    meaning=(
        "The Pods of a StatefulSet get names like web-0.web.shop.svc only through the Service that spec.serviceName "
        "names, and only if it exists, is headless (clusterIP: None) and selects them. Else look-ups of single Pods "
        "fail, and members of a cluster do not find each other."
    ),
    confirm="kubectl get statefulset {name} -n {namespace} -o jsonpath='{.spec.serviceName}'",
    fix=("Create a headless Service of the name in spec.serviceName that selects the Pods.",),
)
