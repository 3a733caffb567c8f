from datetime import UTC, datetime

import pytest

from kfi.models.records import TextForm
from kfi.snapshot.read.table import read_table
from kfi.snapshot.resources import CLASSES

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def tables(text, kind=""):
    return list(read_table(text.strip("\n").splitlines(), kind, now=NOW))


def fields(text, kind=""):
    (table,) = tables(text, kind)
    (found,) = table.objects
    if found.kind in CLASSES:
        CLASSES[found.kind].model_validate(found.fields)
    return found.fields


def test_a_wide_row_of_a_pod_gives_what_the_columns_say_and_no_phase_that_they_do_not():
    text = """
NAME       READY   STATUS             RESTARTS        AGE   IP         NODE     NOMINATED NODE   READINESS GATES
cart-7d9   1/2     CrashLoopBackOff   5 (3m12s ago)   12m   10.1.0.4   node-a   <none>           <none>
"""

    (table,) = tables(text)

    (pod,) = table.objects
    assert (pod.kind, pod.name, pod.form, pod.first_line, pod.last_line) == ("Pod", "cart-7d9", TextForm.TABLE, 2, 2)
    assert pod.header == text.strip().splitlines()[0]
    assert pod.fields == {
        "kind": "Pod",
        "metadata": {"name": "cart-7d9", "creationTimestamp": "2026-03-05T11:48:00Z"},
        "spec": {"nodeName": "node-a"},
        "status": {
            "readyContainers": 1,
            "totalContainers": 2,
            "summary": "CrashLoopBackOff",
            "restarts": 5,
            "podIP": "10.1.0.4",
        },
    }
    assert pod.lines[()] == pod.lines["status", "podIP"] == 2


@pytest.mark.parametrize(
    ("status", "restarts", "phase"),
    [
        ("Running", "0", "Running"),
        ("Pending", "0", "Pending"),
        ("Completed", "0", "Succeeded"),
        # The container ended well and is started again: the Pod is not finished.
        ("Completed", "4 (2m ago)", None),
        ("Terminating", "0", None),
        ("Init:0/1", "0", None),
    ],
)
def test_a_phase_is_given_only_where_status_means_it(status, restarts, phase):
    text = f"NAME   READY   STATUS   RESTARTS   AGE\ncart   0/1   {status}   {restarts}   5m"

    assert fields(text)["status"].get("phase") == phase


def test_an_empty_cell_takes_nothing_from_its_neighbour():
    text = """
NAME         STATUS    VOLUME   CAPACITY   ACCESS MODES   STORAGECLASS   VOLUMEATTRIBUTESCLASS   AGE
cart-data    Pending                                      fast           <unset>                 2m
orders-data  Bound     pv-1     1Gi        RWO,ROX                       <unset>                 5d
"""

    (table,) = tables(text)

    pending, bound = (found.fields for found in table.objects)
    assert pending["status"] == {"phase": "Pending"}
    assert pending["spec"] == {"storageClassName": "fast"}
    assert bound["spec"] == {"volumeName": "pv-1"}
    assert bound["status"] == {
        "phase": "Bound",
        "capacity": {"storage": "1Gi"},
        "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
    }


@pytest.mark.parametrize(
    ("cell", "subsets"),
    [
        ("", []),
        ("<none>", []),
        ("10.1.0.4:8080", [{"addresses": [{"ip": "10.1.0.4"}], "ports": [{"port": 8080}]}]),
        (
            "10.1.0.4:80,10.1.0.5:80,10.1.0.4:443 + 3 more...",
            [
                {"addresses": [{"ip": "10.1.0.4"}], "ports": [{"port": 80}, {"port": 443}]},
                {"addresses": [{"ip": "10.1.0.5"}], "ports": [{"port": 80}]},
            ],
        ),
        ("[fd00::4]:80", [{"addresses": [{"ip": "fd00::4"}], "ports": [{"port": 80}]}]),
        ("10.1.0.4", [{"addresses": [{"ip": "10.1.0.4"}]}]),
    ],
)
def test_endpoints_are_known_to_be_none_or_listed(cell, subsets):
    text = f"NAME   {'ENDPOINTS'.ljust(60)}   AGE\ncart   {cell.ljust(60)}   5m"

    assert fields(text)["subsets"] == subsets


def test_a_node_says_whether_it_is_ready_and_takes_pods():
    text = """
NAME     STATUS                        ROLES           AGE   VERSION   INTERNAL-IP   EXTERNAL-IP   OS-IMAGE
node-a   NotReady,SchedulingDisabled   control-plane   91d   v1.31.2   192.168.0.7   <none>        Debian GNU/Linux 12
"""

    node = fields(text)

    assert node["spec"] == {"unschedulable": True}
    assert node["status"]["conditions"] == [{"type": "Ready", "status": "False"}]
    assert node["status"]["addresses"] == [{"type": "InternalIP", "address": "192.168.0.7"}]
    assert node["metadata"]["annotations"] == {"kfi/roles": "control-plane"}
    assert "labels" not in node["metadata"], "one label alone would pass for all of them"


@pytest.mark.parametrize(
    ("service_type", "external", "expected"),
    [
        ("ClusterIP", "<none>", {}),
        ("LoadBalancer", "<pending>", {"status": {"loadBalancer": {"ingress": []}}}),
        ("LoadBalancer", "1.2.3.4", {"status": {"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}}),
        ("ExternalName", "db.example.com", {"externalName": "db.example.com"}),
        ("ClusterIP", "1.2.3.4,1.2.3.5", {"externalIPs": ["1.2.3.4", "1.2.3.5"]}),
    ],
)
def test_the_external_address_of_a_service_means_what_its_type_says(service_type, external, expected):
    text = (
        "NAME   TYPE   CLUSTER-IP   EXTERNAL-IP   PORT(S)   AGE   SELECTOR\n"
        f"cart   {service_type}   10.96.0.2   {external}   80:30080/TCP,53/UDP   5d   app=cart,tier=web"
    )

    service = fields(text)

    common = {"type": service_type, "clusterIP": "10.96.0.2", "selector": {"app": "cart", "tier": "web"}}
    ports = [{"port": 80, "protocol": "TCP", "nodePort": 30080}, {"port": 53, "protocol": "UDP"}]
    status = expected.pop("status", {})
    assert service["spec"] == {**common, "ports": ports, **expected}
    assert service.get("status", {}) == status


def test_a_deployment_has_replicas_containers_and_selector():
    text = """
NAME   READY   UP-TO-DATE   AVAILABLE   AGE   CONTAINERS   IMAGES                    SELECTOR
cart   0/2     1            0           5d    app,proxy    reg/cart:1,reg/proxy:2    app=cart,env notin (dev,qa),!old
"""

    deployment = fields(text)

    assert deployment["status"] == {"readyReplicas": 0, "updatedReplicas": 1, "availableReplicas": 0}
    assert deployment["spec"] == {
        "replicas": 2,
        "selector": {
            "matchLabels": {"app": "cart"},
            "matchExpressions": [
                {"key": "env", "operator": "NotIn", "values": ["dev", "qa"]},
                {"key": "old", "operator": "DoesNotExist"},
            ],
        },
        "template": {
            "spec": {"containers": [{"name": "app", "image": "reg/cart:1"}, {"name": "proxy", "image": "reg/proxy:2"}]}
        },
    }


@pytest.mark.parametrize(
    ("text", "kind", "part", "expected"),
    [
        (
            "NAME   DESIRED   CURRENT   READY   AGE\ncart-7d   2   2   1   5d",
            "ReplicaSet",
            "status",
            {"replicas": 2, "readyReplicas": 1},
        ),
        (
            "NAME   DESIRED   CURRENT   READY   UP-TO-DATE   AVAILABLE   NODE SELECTOR   AGE\n"
            "agent   4   4   3   4   3   disk=ssd   5d",
            "DaemonSet",
            "status",
            {
                "desiredNumberScheduled": 4,
                "currentNumberScheduled": 4,
                "numberReady": 3,
                "updatedNumberScheduled": 4,
                "numberAvailable": 3,
            },
        ),
        ("NAME   READY   AGE\ndb   1/3   5d", "StatefulSet", "spec", {"replicas": 3}),
        (
            "NAME   STATUS   COMPLETIONS   DURATION   AGE\nimport   Failed   0/1   5m   5m",
            "Job",
            "status",
            {"conditions": [{"type": "Failed", "status": "True"}], "succeeded": 0},
        ),
        (
            "NAME   SCHEDULE   TIMEZONE   SUSPEND   ACTIVE   LAST SCHEDULE   AGE\n"
            "tidy   */5 * * * *   <none>   True   0   2m   5d",
            "CronJob",
            "spec",
            {"schedule": "*/5 * * * *", "suspend": True},
        ),
        (
            "NAME   CAPACITY   ACCESS MODES   RECLAIM POLICY   STATUS   CLAIM   STORAGECLASS   REASON   AGE\n"
            "pv-1   1Gi   RWX   Retain   Released   orchard/cart-data   fast   Lost   5d",
            "PersistentVolume",
            "status",
            {"phase": "Released", "reason": "Lost"},
        ),
        (
            "NAME   AGE   REQUEST   LIMIT\nquota   5d   pods: 3/10, requests.cpu: 1500m/2   limits.memory: 1Gi/2Gi",
            "ResourceQuota",
            "status",
            {
                "used": {"pods": "3", "requests.cpu": "1500m", "limits.memory": "1Gi"},
                "hard": {"pods": "10", "requests.cpu": "2", "limits.memory": "2Gi"},
            },
        ),
        ("NAME   STATUS   AGE\norchard   Terminating   5d", "Namespace", "status", {"phase": "Terminating"}),
        (
            "NAME   REFERENCE   TARGETS   MINPODS   MAXPODS   REPLICAS   AGE\n"
            "cart   Deployment/cart   cpu: <unknown>/80%   1   5   1   5d",
            "HorizontalPodAutoscaler",
            "spec",
            {"scaleTargetRef": {"kind": "Deployment", "name": "cart"}, "minReplicas": 1, "maxReplicas": 5},
        ),
        (
            "NAME   MIN AVAILABLE   MAX UNAVAILABLE   ALLOWED DISRUPTIONS   AGE\ncart   50%   N/A   0   5d",
            "PodDisruptionBudget",
            "spec",
            {"minAvailable": "50%"},
        ),
        (
            "NAME   CLASS   HOSTS   ADDRESS   PORTS   AGE\nweb   nginx   a.example.com,*   10.0.0.9   80, 443   5d",
            "Ingress",
            "spec",
            {"ingressClassName": "nginx", "rules": [{"host": "a.example.com"}, {}]},
        ),
        ("NAME   POD-SELECTOR   AGE\ndeny   <none>   5d", "NetworkPolicy", "spec", {"podSelector": {}}),
    ],
)
def test_the_columns_say_the_kind_and_its_fields(text, kind, part, expected):
    found = fields(text)

    assert found["kind"] == kind
    assert found[part] == expected


def test_the_default_storage_class_is_marked_behind_its_name():
    text = (
        "NAME                 PROVISIONER           RECLAIMPOLICY   VOLUMEBINDINGMODE      ALLOWVOLUMEEXPANSION   AGE\n"
        "standard (default)   local.example.com/p   Delete          WaitForFirstConsumer   true                   5d"
    )

    storage_class = fields(text)

    assert storage_class["metadata"]["name"] == "standard"
    assert storage_class["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}
    assert storage_class["volumeBindingMode"] == "WaitForFirstConsumer"


def test_get_all_prints_several_tables_whose_names_say_the_kind():
    text = """
NAME           READY   STATUS    RESTARTS   AGE
pod/cart-7d9   1/1     Running   0          12m

NAME                   READY   UP-TO-DATE   AVAILABLE   AGE
deployment.apps/cart   1/1     1            1           5d
NAME                                  REFERENCE         TARGETS   MINPODS   MAXPODS   REPLICAS   AGE
horizontalpodautoscaler.autoscaling/cart   Deployment/cart   3%/80%    1         5         1          5d
"""

    found = tables(text)

    assert [(t.kind, t.first_line, t.last_line, [o.name for o in t.objects]) for t in found] == [
        ("Pod", 1, 2, ["cart-7d9"]),
        ("Deployment", 4, 5, ["cart"]),
        ("HorizontalPodAutoscaler", 6, 7, ["cart"]),
    ]


def test_all_namespaces_and_labels_have_columns_of_their_own():
    text = """
NAMESPACE   NAME   READY   STATUS    RESTARTS   AGE   LABELS
orchard     cart   1/1     Running   0          5d    app=cart,canary=
"""

    (table,) = tables(text)

    assert table.objects[0].namespace == "orchard"
    assert table.objects[0].fields["metadata"]["namespace"] == "orchard"
    assert table.objects[0].fields["metadata"]["labels"] == {"app": "cart", "canary": ""}


@pytest.mark.parametrize(
    ("row", "kind", "namespace", "name"),
    [
        ("orchard   cart-7d9   0/1   CrashLoopBackOff   1 (8s ago)   12s", "Pod", "orchard", "cart-7d9"),
        ("cart-7d9   1/1   Running   0   5d   10.1.0.4   node-a   <none>   <none>   app=cart", "Pod", "", "cart-7d9"),
        ("orchard   cart   0/1   1   0   14d", "Deployment", "orchard", "cart"),
        ("node-a   NotReady   <none>   91d   v1.31.2", "Node", "", "node-a"),
        ("service/cart   ClusterIP   10.96.0.2   <none>   80/TCP   5d", "Service", "", "cart"),
    ],
)
def test_a_row_without_a_header_is_read_where_its_look_is_unmistakable(row, kind, namespace, name):
    (table,) = tables(row)

    assert not table.headed
    assert [(o.kind, o.namespace, o.name) for o in table.objects] == [(kind, namespace, name)]
    (again,) = tables(f"{table.header}\n{row}")
    assert again.objects[0].fields == table.objects[0].fields


@pytest.mark.parametrize("line", ["Starting the shop", "cart   is   fine", "ERROR  2  3  4", "", "no/such/row   1/1"])
def test_other_lines_are_no_rows(line):
    assert tables(line) == []


def test_a_hint_is_followed_only_where_the_columns_allow_it():
    replicas = "NAME   DESIRED   CURRENT   READY   AGE\nold   1   1   1   5d"
    pods = "NAME   READY   STATUS   RESTARTS   AGE\ncart   1/1   Running   0   5d"
    custom = "NAME   READY   SECRET   AGE\nweb   True   web-tls   5d"

    assert tables(replicas, "ReplicationController")[0].kind == "ReplicationController"
    assert tables(pods, "Deployment")[0].kind == "Pod"
    assert tables(custom, "Certificate")[0].kind == "Certificate"
    assert tables(custom)[0].kind == ""


def test_usage_is_no_list_of_objects():
    (table,) = tables("NAME   CPU(cores)   MEMORY(bytes)\ncart-7d9   3m   20Mi", "Pod")

    assert (table.kind, table.objects) == ("", ())


def test_nothing_found_says_where():
    (here,) = tables("No resources found in orchard namespace.", "Pod")
    (anywhere,) = tables("No resources found", "Pod")

    assert (here.kind, here.empty_namespace, here.objects) == ("Pod", "orchard", ())
    assert anywhere.empty_namespace == ""


def test_lines_that_are_no_rows_are_counted():
    text = "NAME   READY   STATUS   RESTARTS   AGE\nWarning: something is deprecated\ncart   1/1   Running   0   5d"

    (table,) = tables(text)

    assert (len(table.objects), table.unread) == (1, (2,))


def test_a_row_that_a_watch_has_shifted_is_read_in_order():
    text = """
NAME   READY   STATUS    RESTARTS   AGE
cart   0/1     Pending   0          0s
cart   0/1     ContainerCreating   0          1s
"""

    (table,) = tables(text)

    assert [found.fields["status"]["summary"] for found in table.objects] == ["Pending", "ContainerCreating"]
