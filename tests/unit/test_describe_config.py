"""ConfigMaps, Secrets, ServiceAccounts and the limits of a namespace as `kubectl describe` prints them."""

from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.resources import CLASSES, Keyed, Other


def objects(text, kind=""):
    found = [described.object for described in read_describe(text.split("\n"), kind)]
    for one in found:
        CLASSES.get(one.kind, Other).model_validate(one.fields)
    return found


def test_the_values_of_a_config_map_are_kept():
    (found,) = objects("""\
Name:         cart-config
Namespace:    orchard
Labels:       <none>
Annotations:  <none>

Data
====
empty:
----


settings.ini:
----
[db]

host = postgres


url:
----
http://pay.orchard:8080


BinaryData
====
logo.png: 5120 bytes

Events:  <none>
""")

    assert found.fields == {
        "kind": "ConfigMap",
        "metadata": {"name": "cart-config", "namespace": "orchard", "labels": {}},
        "data": {"empty": "", "settings.ini": "[db]\n\nhost = postgres\n", "url": "http://pay.orchard:8080"},
        "binaryData": {"logo.png": "5120 bytes"},
    }
    assert found.lines["data", "url"] == 21


def test_the_values_of_a_config_map_of_an_older_kubectl_are_kept():
    (found,) = objects("""\
Name:         cart-config
Namespace:    orchard
Labels:       <none>
Annotations:  <none>

Data
====
mode:
----
dark
url:
----
http://pay.orchard:8080
Events:  <none>
""")

    assert found.fields["data"] == {"mode": "dark", "url": "http://pay.orchard:8080"}


def test_a_config_map_without_data_is_known_to_have_none():
    (found,) = objects(
        "Name:  c\nNamespace:  orchard\nLabels:  <none>\n\nData\n====\n\nBinaryData\n====\n\nEvents:  <none>\n"
    )

    assert Keyed.model_validate(found.fields).keys == frozenset()


def test_of_a_secret_only_names_and_sizes_are_kept():
    found = objects("""\
Name:         cart-db
Namespace:    orchard
Labels:       <none>
Annotations:  <none>

Type:  Opaque

Data
====
password:  16 bytes
user:      4 bytes


Name:         agent-token
Namespace:    orchard
Labels:       <none>
Annotations:  kubernetes.io/service-account.name: agent

Type:  kubernetes.io/service-account-token

Data
====
namespace:  7 bytes
token:      eyJhbGciOi.not.real
""")

    assert [(one.name, one.fields["type"], one.fields["data"]) for one in found] == [
        ("cart-db", "Opaque", {"password": "16 bytes", "user": "4 bytes"}),
        ("agent-token", "kubernetes.io/service-account-token", {"namespace": "7 bytes", "token": "<hidden>"}),
    ]


def test_a_service_account_says_which_secrets_are_missing():
    (found,) = objects("""\
Name:                cart
Namespace:           orchard
Labels:              <none>
Annotations:         <none>
Image pull secrets:  registry-a
                     registry-b (not found)
Mountable secrets:   <none>
Tokens:              <none>
Events:              <none>
""")

    assert found.fields["imagePullSecrets"] == [{"name": "registry-a"}, {"name": "registry-b", "kfiNotFound": True}]
    assert found.fields["secrets"] == []


def test_a_resource_quota_is_read():
    (found,) = objects("""\
Name:            compute
Namespace:       orchard
Scopes:          NotTerminating
 * Matches all pods that do not have an active deadline.
Resource         Used   Hard
--------         ----   ----
pods             10     10
requests.memory  3000Mi 3Gi
""")

    hard = {"pods": "10", "requests.memory": "3Gi"}
    assert found.fields["spec"] == {"scopes": ["NotTerminating"], "hard": hard}
    assert found.fields["status"] == {"hard": hard, "used": {"pods": "10", "requests.memory": "3000Mi"}}
    assert found.lines["status", "used", "pods"] == 7


def test_a_limit_range_is_read():
    (found,) = objects("""\
Name:       defaults
Namespace:  orchard
Type        Resource  Min  Max  Default Request  Default Limit  Max Limit/Request Ratio
----        --------  ---  ---  ---------------  -------------  -----------------------
Container   memory    8Mi  1Gi  64Mi             128Mi          -
Container   cpu       -    2    100m             500m           4
Pod         cpu       -    4    -                -              -
""")

    assert found.fields["spec"]["limits"] == [
        {
            "type": "Container",
            "min": {"memory": "8Mi"},
            "max": {"memory": "1Gi", "cpu": "2"},
            "defaultRequest": {"memory": "64Mi", "cpu": "100m"},
            "default": {"memory": "128Mi", "cpu": "500m"},
            "maxLimitRequestRatio": {"cpu": "4"},
        },
        {"type": "Pod", "max": {"cpu": "4"}},
    ]


def test_the_quotas_that_a_namespace_prints_are_objects_of_their_own():
    namespace, compute, counts = objects("""\
Name:         orchard
Labels:       kubernetes.io/metadata.name=orchard
Annotations:  <none>
Status:       Terminating
Conditions:
  Type                            Status  LastTransitionTime               Reason            Message
  ----                            ------  ------------------               ------            -------
  NamespaceFinalizersRemaining    True    Mon, 03 Mar 2025 09:15:02 +0000  SomeFinalizers    Some content remains
  
Resource Quotas
  Name:      compute
  Resource   Used  Hard
  --------   ---   ---
  limits.cpu  2     4
  Name:      counts
  Resource   Used  Hard
  --------   ---   ---
  pods       3     3

Resource Limits
 Type       Resource  Min  Max  Default Request  Default Limit  Max Limit/Request Ratio
 ----       --------  ---  ---  ---------------  -------------  -----------------------
 Container  cpu       -    2    -                -              -
""")

    assert namespace.fields["status"] == {
        "phase": "Terminating",
        "conditions": [
            {
                "type": "NamespaceFinalizersRemaining",
                "status": "True",
                "reason": "SomeFinalizers",
                "message": "Some content remains",
                "lastTransitionTime": "2025-03-03T09:15:02Z",
            }
        ],
    }
    assert namespace.fields["spec"] == {"kfiLimits": [{"type": "Container", "max": {"cpu": "2"}}]}
    assert [(q.kind, q.namespace, q.name, q.first_line, q.last_line) for q in (compute, counts)] == [
        ("ResourceQuota", "orchard", "compute", 11, 14),
        ("ResourceQuota", "orchard", "counts", 15, 18),
    ]
    assert compute.fields["status"] == {"hard": {"limits.cpu": "4"}, "used": {"limits.cpu": "2"}}
