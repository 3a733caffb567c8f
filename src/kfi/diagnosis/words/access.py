"""
What a person reads of permissions and certificates.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule

RBAC_FORBIDDEN = Rule(
    code="rbac-forbidden",
    title="Workload's ServiceAccount may not do what the workload needs",
    layer=Layer.CONFIG,
    meaning=(
        "Every call to the API server is checked against Roles and their bindings; what none of them allows is "
        "forbidden. The message says who asked (a ServiceAccount by namespace and name), for which verb and resource, "
        "and where. The Role, the binding or its subject is missing or does not fit."
    ),
    confirm="kubectl get role,rolebinding -n {namespace} -o wide",
    fix=(
        "Add the verb and resource to the Role that the ServiceAccount is bound to, or bind it to one that has them "
        "(a ClusterRole and ClusterRoleBinding for cluster-wide lists).",
        "Check that the binding's subject has the ServiceAccount's name and namespace, and that its Role exists.",
    ),
)
CERTIFICATE_NOT_ISSUED = Rule(
    code="certificate-not-issued",
    title="cert-manager could not issue a certificate",
    layer=Layer.CONFIG,
    meaning=(
        "A Certificate of cert-manager is not Ready: its issuer is missing or not ready, or the order or challenge "
        "failed. The Secret that Ingresses and Pods take it from does not exist or holds an old certificate."
    ),
    confirm="kubectl describe certificate {name} -n {namespace}",
    fix=("Follow Certificate, CertificateRequest, Order and Challenge; mend the issuer or the challenge's way.",),
)
NODE_CERTIFICATE_EXPIRED = Rule(
    code="node-certificate-expired",
    title="A node's certificate has expired",
    layer=Layer.NODE,
    meaning=(
        "The kubelet shows the API server a client certificate, and rotates it while it runs. After it has expired "
        "(the node was off, rotation failed, the clock is wrong) the node cannot report and becomes NotReady."
    ),
    confirm="kubectl get csr",
    fix=(
        "Give the kubelet a new certificate: kubeadm certs renew on the control plane, or join the node again.",
        "Approve a pending CertificateSigningRequest of the node, and check its clock.",
    ),
)
