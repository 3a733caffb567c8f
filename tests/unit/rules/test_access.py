"""What the API server forbids, and certificates that are not issued or have expired."""

import pytest

from kfi.diagnosis.rules import access
from tests.cluster import codes, listing, log, obj, snapshot

POD = "Pod/orchard/reloader-7d9f8-x2x4z"
WHO = 'User "system:serviceaccount:orchard:reloader" cannot list resource "secrets" in API group ""'
SAID = log(POD, f'failed to list *v1.Secret: secrets is forbidden: {WHO} in the namespace "orchard"')


def role(*verbs, resources=("secrets",), name="reloader"):
    rules = [{"apiGroups": [""], "resources": list(resources), "verbs": list(verbs)}]
    return obj(f"Role/orchard/{name}", rules=rules)


def binding(namespace="orchard", to="reloader", kind="Role"):
    subject = {"kind": "ServiceAccount", "name": "reloader", "namespace": namespace}
    return obj("RoleBinding/orchard/reloader", roleRef={"kind": kind, "name": to}, subjects=[subject])


def messages(*documents):
    return [finding.message for finding in access.check(snapshot(*documents))]


def test_a_forbidden_call_is_told_with_who_what_and_where():
    assert messages(SAID) == ["ServiceAccount reloader of namespace orchard may not list secrets in namespace orchard."]
    assert codes(access, SAID) == [("rbac-forbidden", POD)]


@pytest.mark.parametrize(
    ("documents", "why"),
    [
        ([role("get"), binding()], "Role reloader, to which RoleBinding reloader binds it, does not allow it"),
        ([role("list", resources=["configmaps"]), binding()], "does not allow it"),
        ([binding(), listing("Role", "orchard", "other")], "names Role reloader, which does not exist"),
        ([role("list"), binding(namespace="default")], "binds the ServiceAccount of namespace default, not of orchard"),
        ([listing("RoleBinding", "orchard"), listing("ClusterRoleBinding", "")], "no binding names it"),
    ],
)
def test_what_is_missing_is_said_where_the_roles_were_seen(documents, why):
    assert why in messages(SAID, *documents)[0]


@pytest.mark.parametrize(
    "documents",
    [
        [role("list"), binding()],
        [role("*", resources=["*"]), binding()],
        [
            obj("ClusterRole/view", rules=[{"apiGroups": ["*"], "resources": ["*"], "verbs": ["list"]}]),
            binding(to="view", kind="ClusterRole"),
        ],
    ],
)
def test_a_permission_that_is_granted_now_has_been_mended(documents):
    assert messages(SAID, *documents) == []


def test_quotes_that_a_program_escapes_are_read_too():
    escaped = WHO.replace('"', '\\"')
    said = log(POD, f'{{"message":"secrets is forbidden: {escaped} at the cluster scope"}}')

    assert messages(said) == ["ServiceAccount reloader of namespace orchard may not list secrets in the whole cluster."]


def certificate(status="True", **more):
    condition = {"type": "Ready", "status": status, "reason": "DoesNotExist", "message": "waiting for the order"}
    spec = {"secretName": "club-tls", "issuerRef": {"kind": "Issuer", "name": "ca"}}
    return obj("Certificate/orchard/club", spec=spec, status={"conditions": [condition], **more})


def test_a_certificate_past_its_end_has_expired_whatever_its_condition():
    assert codes(access, certificate(notAfter="2026-11-19T00:00:00Z")) == [
        ("certificate-expired", "Certificate/orchard/club")
    ]
    assert codes(access, certificate(notAfter="2027-02-01T00:00:00Z")) == []


def test_a_certificate_that_is_not_ready_is_told_with_its_issuer():
    condition = {"type": "Ready", "status": "False", "message": "account refused"}
    issuer = obj("Issuer/orchard/ca", status={"conditions": [condition]})

    assert codes(access, certificate("False")) == [("certificate-not-issued", "Certificate/orchard/club")]
    assert "Issuer ca is not ready (account refused)" in messages(certificate("False"), issuer)[0]


EXPIRED = log("Node/node-d", "Unable to register node: x509: certificate has expired or is not yet valid")


def node(ready):
    return obj("Node/node-d", status={"conditions": [{"type": "Ready", "status": ready}]})


def test_a_kubelet_without_a_valid_certificate_loses_its_node():
    assert codes(access, EXPIRED, node("Unknown")) == [("node-certificate-expired", "Node/node-d")]
    assert codes(access, EXPIRED, node("True")) == []
