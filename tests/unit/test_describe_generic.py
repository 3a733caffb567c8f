"""Custom resources as `kubectl describe` prints them."""

import pytest

from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.read.describe.generic import field_name

CERTIFICATE = """\
Name:         shop-tls
Namespace:    orchard
Labels:       app=shop
Annotations:  <none>
API Version:  cert-manager.io/v1
Kind:         Certificate
Metadata:
  Creation Timestamp:  2025-03-03T09:15:02Z
  Generation:          2
  Owner References:
    API Version:           networking.k8s.io/v1
    Block Owner Deletion:  true
    Kind:                  Ingress
    Name:                  shop
  UID:                     1b2c
Spec:
  Common Name:  
  Dns Names:
    shop.orchard.example
    www.orchard.example
  Issuer Ref:
    Kind:       ClusterIssuer
    Name:       letsencrypt
  Secret Name:  shop-tls
Status:
  Conditions:
    Last Transition Time:  2025-03-03T09:20:00Z
    Message:               Issuing failed:
order is invalid
Status 400
    Observed Generation:   2
    Reason:                Failed
    Status:                False
    Type:                  Ready
    Last Transition Time:  2025-03-03T09:19:00Z
    Reason:                Renewing
    Status:                True
    Type:                  Issuing
  Failed Issuance Attempts:  3
Events:
  Type     Reason  Age  From          Message
  ----     ------  ---  ----          -------
  Warning  Failed  1m   cert-manager  The certificate request has failed
"""


def only(text):
    (described,) = read_describe(text.split("\n"))
    return described


def test_a_custom_resource_comes_back_in_the_form_of_the_api():
    found = only(CERTIFICATE).object

    assert (found.kind, found.namespace, found.name) == ("Certificate", "orchard", "shop-tls")
    assert found.fields == {
        "kind": "Certificate",
        "apiVersion": "cert-manager.io/v1",
        "metadata": {
            "name": "shop-tls",
            "namespace": "orchard",
            "labels": {"app": "shop"},
            "creationTimestamp": "2025-03-03T09:15:02Z",
            "generation": 2,
            "ownerReferences": [
                {
                    "apiVersion": "networking.k8s.io/v1",
                    "blockOwnerDeletion": True,
                    "kind": "Ingress",
                    "name": "shop",
                }
            ],
            "uid": "1b2c",
        },
        "spec": {
            "commonName": {},
            "dnsNames": ["shop.orchard.example", "www.orchard.example"],
            "issuerRef": {"kind": "ClusterIssuer", "name": "letsencrypt"},
            "secretName": "shop-tls",
        },
        "status": {
            "conditions": [
                {
                    "lastTransitionTime": "2025-03-03T09:20:00Z",
                    "message": "Issuing failed:\norder is invalid\nStatus 400",
                    "observedGeneration": 2,
                    "reason": "Failed",
                    "status": "False",
                    "type": "Ready",
                },
                {
                    "lastTransitionTime": "2025-03-03T09:19:00Z",
                    "reason": "Renewing",
                    "status": "True",
                    "type": "Issuing",
                },
            ],
            "failedIssuanceAttempts": 3,
        },
    }


def test_events_of_a_custom_resource_are_given():
    assert [text.split()[0] for _, text in only(CERTIFICATE).event_rows] == ["Type", "----", "Warning"]


@pytest.mark.parametrize(
    ("printed", "field"),
    [
        ("Observed Generation", "observedGeneration"),
        ("API Version", "apiVersion"),
        ("UID", "uid"),
        ("Cluster I Ps", "clusterIPs"),
        ("Ca Bundle", "caBundle"),
        ("My - Field", "my-field"),
        ("f:metadata", "f:metadata"),
        ("app.kubernetes.io/name", "app.kubernetes.io/name"),
        ("ipv4", "ipv4"),
    ],
)
def test_a_printed_name_becomes_the_field_again(printed, field):
    assert field_name(printed) == field
