"""Deployments and the other owners of Pods as `kubectl describe` prints them."""

from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.resources import CLASSES

TEMPLATE = """\
Pod Template:
  Labels:           app=cart
                    tier=shop
  Annotations:      orchard.example/build: 7
  Service Account:  cart
  Containers:
   app:
    Image:      cart:7
    Port:       8080/TCP
    Host Port:  0/TCP
    Environment:
      PORT:        8080
    Mounts:        <none>
  Volumes:
   config:
    Type:          ConfigMap (a volume populated by a ConfigMap)
    Name:          cart-config
    Optional:      false
  Node-Selectors:  <none>
  Tolerations:     <none>
"""
TEMPLATE_FIELDS = {
    "metadata": {"labels": {"app": "cart", "tier": "shop"}, "annotations": {"orchard.example/build": "7"}},
    "spec": {
        "serviceAccountName": "cart",
        "containers": [
            {
                "name": "app",
                "image": "cart:7",
                "ports": [{"containerPort": 8080, "protocol": "TCP"}],
                "env": [{"name": "PORT", "value": "8080"}],
                "volumeMounts": [],
            }
        ],
        "volumes": [{"name": "config", "configMap": {"name": "cart-config", "optional": False}}],
        "nodeSelector": {},
        "tolerations": [],
    },
}


def fields(text):
    (described,) = read_describe(text.split("\n"))
    CLASSES[described.object.kind].model_validate(described.object.fields)
    return described.object.fields


def test_a_deployment_is_read():
    text = f"""\
Name:                   cart
Namespace:              orchard
CreationTimestamp:      Mon, 03 Mar 2025 09:15:02 +0000
Labels:                 <none>
Annotations:            deployment.kubernetes.io/revision: 2
Selector:               app=cart,tier in (shop,web)
Replicas:               3 desired | 2 updated | 4 total | 2 available | 2 unavailable
StrategyType:           RollingUpdate
MinReadySeconds:        0
RollingUpdateStrategy:  25% max unavailable, 1 max surge
{TEMPLATE}Conditions:
  Type           Status  Reason
  ----           ------  ------
  Available      False   MinimumReplicasUnavailable
  Progressing    True    ReplicaSetUpdated
OldReplicaSets:  cart-aaa (2/2 replicas created), cart-bbb (0/0 replicas created)
NewReplicaSet:   cart-ccc (2/3 replicas created)
Events:          <none>
"""

    found = fields(text)

    assert found == {
        "kind": "Deployment",
        "metadata": {
            "name": "cart",
            "namespace": "orchard",
            "creationTimestamp": "2025-03-03T09:15:02Z",
            "labels": {},
            "annotations": {"deployment.kubernetes.io/revision": "2"},
        },
        "spec": {
            "selector": {
                "matchLabels": {"app": "cart"},
                "matchExpressions": [{"key": "tier", "operator": "In", "values": ["shop", "web"]}],
            },
            "replicas": 3,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": 1}},
            "minReadySeconds": 0,
            "template": TEMPLATE_FIELDS,
        },
        "status": {
            "updatedReplicas": 2,
            "replicas": 4,
            "availableReplicas": 2,
            "unavailableReplicas": 2,
            "readyReplicas": 2,
            "conditions": [
                {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"},
                {"type": "Progressing", "status": "True", "reason": "ReplicaSetUpdated"},
            ],
            "kfiOldReplicaSets": [
                {"name": "cart-aaa", "replicas": 2, "desired": 2},
                {"name": "cart-bbb", "replicas": 0, "desired": 0},
            ],
            "kfiNewReplicaSet": [{"name": "cart-ccc", "replicas": 2, "desired": 3}],
        },
    }


def test_available_is_not_taken_for_ready_where_pods_must_be_ready_for_a_while():
    text = f"""\
Name:             cart
Namespace:        orchard
Replicas:         3 desired | 3 updated | 3 total | 1 available | 2 unavailable
StrategyType:     Recreate
MinReadySeconds:  60
{TEMPLATE}"""

    assert "readyReplicas" not in fields(text)["status"]


def test_a_replica_set_is_read():
    text = f"""\
Name:           cart-ccc
Namespace:      orchard
Selector:       app=cart,!canary
Labels:         app=cart
Annotations:    <none>
Controlled By:  Deployment/cart
Replicas:       1 current / 3 desired
Pods Status:    0 Running / 1 Waiting / 0 Succeeded / 0 Failed
{TEMPLATE}Conditions:
  Type             Status  Reason
  ----             ------  ------
  ReplicaFailure   True    FailedCreate
"""

    found = fields(text)

    assert found["metadata"]["ownerReferences"] == [{"kind": "Deployment", "name": "cart", "controller": True}]
    assert found["spec"] == {
        "selector": {
            "matchLabels": {"app": "cart"},
            "matchExpressions": [{"key": "canary", "operator": "DoesNotExist"}],
        },
        "replicas": 3,
        "template": TEMPLATE_FIELDS,
    }
    assert found["status"] == {
        "replicas": 1,
        "kfiPods": {"running": 0, "waiting": 1, "succeeded": 0, "failed": 0},
        "conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate"}],
    }


def test_a_stateful_set_is_read():
    text = f"""\
Name:               ledger
Namespace:          orchard
CreationTimestamp:  Mon, 03 Mar 2025 09:15:02 +0000
Selector:           app=ledger
Labels:             <none>
Annotations:        <none>
Replicas:           2 desired | 1 total
Update Strategy:    RollingUpdate
  Partition:        0
Pods Status:        1 Running / 0 Waiting / 0 Succeeded / 0 Failed
{TEMPLATE}Volume Claims:
  Name:          data
  StorageClass:  fast
  Labels:        <none>
  Annotations:   <none>
  Capacity:      10Gi
  Access Modes:  [ReadWriteOnce]
  Name:          logs
  StorageClass:  
  Labels:        app=ledger
  Annotations:   <none>
  Capacity:      <default>
  Access Modes:  [ReadWriteOnce ReadOnlyMany]
Events:          <none>
"""

    found = fields(text)

    assert found["spec"] == {
        "selector": {"matchLabels": {"app": "ledger"}},
        "replicas": 2,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
        "template": TEMPLATE_FIELDS,
        "volumeClaimTemplates": [
            {
                "metadata": {"name": "data", "labels": {}},
                "spec": {
                    "storageClassName": "fast",
                    "resources": {"requests": {"storage": "10Gi"}},
                    "accessModes": ["ReadWriteOnce"],
                },
            },
            {
                "metadata": {"name": "logs", "labels": {"app": "ledger"}},
                "spec": {"accessModes": ["ReadWriteOnce", "ReadOnlyMany"]},
            },
        ],
    }
    assert found["status"] == {
        "replicas": 1,
        "kfiPods": {"running": 1, "waiting": 0, "succeeded": 0, "failed": 0},
    }


def test_a_daemon_set_is_read():
    text = f"""\
Name:           agent
Namespace:      orchard
Selector:       app=agent
Node-Selector:  <none>
Labels:         <none>
Annotations:    <none>
Desired Number of Nodes Scheduled: 4
Current Number of Nodes Scheduled: 4
Number of Nodes Scheduled with Up-to-date Pods: 3
Number of Nodes Scheduled with Available Pods: 2
Number of Nodes Misscheduled: 1
Pods Status:  2 Running / 2 Waiting / 0 Succeeded / 0 Failed
{TEMPLATE}"""

    assert fields(text)["status"] == {
        "desiredNumberScheduled": 4,
        "currentNumberScheduled": 4,
        "updatedNumberScheduled": 3,
        "numberAvailable": 2,
        "numberReady": 2,
        "numberMisscheduled": 1,
        "kfiPods": {"running": 2, "waiting": 2, "succeeded": 0, "failed": 0},
    }


def test_a_job_is_read():
    text = f"""\
Name:                     reindex
Namespace:                orchard
Selector:                 batch.kubernetes.io/controller-uid=1b2c
Labels:                   <none>
Annotations:              <none>
Controlled By:            CronJob/reindex
Parallelism:              2
Completions:              <unset>
Completion Mode:          NonIndexed
Suspend:                  false
Backoff Limit:            4
Start Time:               Mon, 03 Mar 2025 09:15:02 +0000
Active Deadline Seconds:  600s
Pods Statuses:            1 Active (0 Ready) / 0 Succeeded / 3 Failed
{TEMPLATE}"""

    found = fields(text)

    assert found["spec"] == {
        "selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": "1b2c"}},
        "parallelism": 2,
        "completionMode": "NonIndexed",
        "suspend": False,
        "backoffLimit": 4,
        "activeDeadlineSeconds": 600,
        "template": TEMPLATE_FIELDS,
    }
    assert found["status"] == {
        "startTime": "2025-03-03T09:15:02Z",
        "active": 1,
        "ready": 0,
        "succeeded": 0,
        "failed": 3,
    }


def test_a_cron_job_keeps_its_template_where_the_api_has_it():
    text = f"""\
Name:                          reindex
Namespace:                     orchard
Labels:                        <none>
Annotations:                   <none>
Schedule:                      */5 * * * *
Concurrency Policy:            Forbid
Suspend:                       True
Time Zone:                     <unset>
Successful Job History Limit:  3
Failed Job History Limit:      1
Starting Deadline Seconds:     <unset>
Selector:                      <unset>
Parallelism:                   1
Completions:                   <unset>
{TEMPLATE}Last Schedule Time:  Mon, 03 Mar 2025 09:15:00 +0000
Active Jobs:         reindex-1, reindex-2
Events:              <none>
"""

    found = fields(text)

    assert found["spec"] == {
        "schedule": "*/5 * * * *",
        "concurrencyPolicy": "Forbid",
        "suspend": True,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
        "jobTemplate": {"spec": {"parallelism": 1, "template": TEMPLATE_FIELDS}},
    }
    assert found["status"] == {
        "lastScheduleTime": "2025-03-03T09:15:00Z",
        "kfiActiveJobs": ["reindex-1", "reindex-2"],
    }
