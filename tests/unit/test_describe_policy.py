"""Autoscalers, disruption budgets, roles and priorities as `kubectl describe` prints them."""

from kfi.snapshot.read.describe import read_describe


def only(text, kind=""):
    (described,) = read_describe(text.split("\n"), kind)
    return described.object


def test_an_autoscaler_is_read_with_its_metrics():
    found = only("""\
Name:                                                  cart
Namespace:                                             orchard
Labels:                                                <none>
Annotations:                                           <none>
CreationTimestamp:                                     Mon, 03 Mar 2025 09:15:02 +0000
Reference:                                             Deployment/cart
Metrics:                                               ( current / target )
  resource cpu on pods  (as a percentage of request):  <unknown> / 80%
  resource memory of container "app" on pods:          100Mi / 200Mi
  "queue_length" on pods:                              5 / 10
  "requests" on Ingress/shop (target value):           50 / 100
  "backlog" (target average value):                    1 / 2
Min replicas:                                          2
Max replicas:                                          8
Behavior:
  Scale Up:
    Stabilization Window: 0 seconds
Deployment pods:                                       2 current / 0 desired
Conditions:
  Type           Status  Reason                   Message
  ----           ------  ------                   -------
  ScalingActive  False   FailedGetResourceMetric  the HPA was unable to compute the replica count: no metrics
Events:          <none>
""")

    assert found.fields["spec"] == {
        "scaleTargetRef": {"kind": "Deployment", "name": "cart"},
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}},
            },
            {
                "type": "ContainerResource",
                "containerResource": {
                    "name": "memory",
                    "container": "app",
                    "target": {"type": "AverageValue", "averageValue": "200Mi"},
                },
            },
            {
                "type": "Pods",
                "pods": {
                    "metric": {"name": "queue_length"},
                    "target": {"type": "AverageValue", "averageValue": "10"},
                },
            },
            {
                "type": "Object",
                "object": {
                    "metric": {"name": "requests"},
                    "describedObject": {"kind": "Ingress", "name": "shop"},
                    "target": {"type": "Value", "value": "100"},
                },
            },
            {
                "type": "External",
                "external": {
                    "metric": {"name": "backlog"},
                    "target": {"type": "AverageValue", "averageValue": "2"},
                },
            },
        ],
        "minReplicas": 2,
        "maxReplicas": 8,
    }
    status = found.fields["status"]
    assert status["currentMetrics"][0] == {"type": "Resource", "resource": {"name": "cpu", "current": {}}}
    assert (status["currentReplicas"], status["desiredReplicas"]) == (2, 0)
    assert status["conditions"] == [
        {
            "type": "ScalingActive",
            "status": "False",
            "reason": "FailedGetResourceMetric",
            "message": "the HPA was unable to compute the replica count: no metrics",
        }
    ]


def test_a_disruption_budget_is_read():
    found = only("""\
Name:           cart
Namespace:      orchard
Min available:  50%
Selector:       <unset>
Status:
    Allowed disruptions:  0
    Current:              1
    Desired:              1
    Total:                1
Events:                   <none>
""")

    # No selector selects nothing, an empty one everything.
    assert found.fields["spec"] == {"minAvailable": "50%"}
    assert found.fields["status"] == {
        "disruptionsAllowed": 0,
        "currentHealthy": 1,
        "desiredHealthy": 1,
        "expectedPods": 1,
    }


def test_the_rules_of_a_role_are_read():
    found = only("""\
Name:         cart-reader
Labels:       <none>
Annotations:  <none>
PolicyRule:
  Resources               Non-Resource URLs  Resource Names  Verbs
  ---------               -----------------  --------------  -----
  pods                    []                 []              [get list]
  deployments.apps/scale  []                 [cart]          [update]
                          [/healthz]         []              [get]
""")

    assert found.fields["rules"] == [
        {"resources": ["pods"], "apiGroups": [""], "verbs": ["get", "list"]},
        {"resources": ["deployments/scale"], "apiGroups": ["apps"], "resourceNames": ["cart"], "verbs": ["update"]},
        {"nonResourceURLs": ["/healthz"], "verbs": ["get"]},
    ]


def test_a_role_binding_is_read():
    found = only(
        """\
Name:         cart-reader
Labels:       <none>
Annotations:  <none>
Role:
  Kind:  ClusterRole
  Name:  view
Subjects:
  Kind            Name   Namespace
  ----            ----   ---------
  ServiceAccount  cart   orchard
  Group           staff  
""",
        "ClusterRoleBinding",
    )

    assert found.kind == "ClusterRoleBinding"
    assert found.fields["roleRef"] == {"kind": "ClusterRole", "name": "view"}
    assert found.fields["subjects"] == [
        {"kind": "ServiceAccount", "name": "cart", "namespace": "orchard"},
        {"kind": "Group", "name": "staff"},
    ]


def test_a_priority_class_is_read():
    found = only("""\
Name:              shopfront
Value:             1000
GlobalDefault:     false
PreemptionPolicy:  Never
Description:       For what customers see.
Annotations:       a=1,b=2
Events:            <none>
""")

    assert found.fields == {
        "kind": "PriorityClass",
        "metadata": {"name": "shopfront", "annotations": {"a": "1", "b": "2"}},
        "value": 1000,
        "globalDefault": False,
        "preemptionPolicy": "Never",
        "description": "For what customers see.",
    }
