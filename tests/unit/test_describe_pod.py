"""Pods as `kubectl describe` prints them."""

from textwrap import dedent

import pytest

from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.read.found import walk
from kfi.snapshot.resources import Pod

CART = dedent("""\
    Name:             cart-6f7d9c5b8-xk2lp
    Namespace:        orchard
    Priority:         1000
    Priority Class Name:  shopfront
    Service Account:  cart
    Node:             node-a/10.1.0.11
    Start Time:       Mon, 03 Mar 2025 09:15:02 +0100
    Labels:           app=cart
                      pod-template-hash=6f7d9c5b8
    Annotations:      orchard.example/note:
                        first line
                        second line
                      prometheus.io/scrape: true
    Status:           Running
    IP:               10.20.1.7
    IPs:
      IP:           10.20.1.7
      IP:           fd00::7
    Controlled By:  ReplicaSet/cart-6f7d9c5b8
    Init Containers:
      migrate:
        Container ID:   containerd://aa11
        Image:          registry.orchard.example/migrate:3
        Image ID:       registry.orchard.example/migrate@sha256:bb22
        Port:           <none>
        Host Port:      <none>
        State:          Terminated
          Reason:       Completed
          Exit Code:    0
          Started:      Mon, 03 Mar 2025 09:15:03 +0100
          Finished:     Mon, 03 Mar 2025 09:15:05 +0100
        Ready:          True
        Restart Count:  0
        Environment:    <none>
        Mounts:         <none>
    Containers:
      app:
        Container ID:  containerd://cc33
        Image:         registry.orchard.example/cart:7
        Image ID:      registry.orchard.example/cart@sha256:dd44
        Ports:         8080/TCP (http), 9090/TCP
        Host Ports:    0/TCP (http), 9090/TCP
        Command:
          /bin/sh
          -c
          set -e
          if true; then
            exec cart --port 8080
          fi
        Args:
          --verbose
        State:          Waiting
          Reason:       CrashLoopBackOff
        Last State:     Terminated
          Reason:       Error
          Message:      panic: no such table: carts
    main.main()
    Name: not an object
        /src/main.go:12 +0x1d
          Exit Code:    2
          Signal:       6
          Started:      Mon, 03 Mar 2025 09:20:00 +0100
          Finished:     Mon, 03 Mar 2025 09:20:01 +0100
        Ready:          False
        Restart Count:  5
        Limits:
          cpu:     500m
          memory:  64Mi
        Requests:
          cpu:      100m
          memory:   64Mi
        Liveness:   http-get http://:8080/health%3Fdeep delay=5s timeout=1s period=10s #success=1 #failure=3
        Readiness:  tcp-socket :http delay=0s timeout=1s period=10s #success=1 #failure=3
        Startup:    exec [sh -c set -e
    curl -fs localhost:8080/ready
    ] delay=1s timeout=2s period=3s #success=1 #failure=30
        Environment Variables from:
          cart-config  ConfigMap                         Optional: false
          cart-extra   Secret with prefix 'EXTRA_'       Optional: true
        Environment:
          DB_ADDR:      postgres.orchard:5432
          DB_PASSWORD:  <set to the key 'password' in secret 'cart-db'>       Optional: false
          MODE:         <set to the key 'mode' of config map 'cart-config'>   Optional: true
          POD_NAME:     cart-6f7d9c5b8-xk2lp (v1:metadata.name)
          MEM_LIMIT:    67108864 (limits.memory)
          EMPTY:        
          TOKEN:        REDACTED
          BANNER:       line one

                          line: three
        Mounts:
          /etc/cart from config (ro)
          /data from data (rw,path="carts/a")
    Conditions:
      Type                        Status
      PodReadyToStartContainers   True 
      Initialized                 True 
      Ready                       False 
    Volumes:
      config:
        Type:      ConfigMap (a volume populated by a ConfigMap)
        Name:      cart-config
        Optional:  false
      data:
        Type:       PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)
        ClaimName:  cart-data
        ReadOnly:   false
      token:
        Type:                    Projected (a volume that contains injected data from multiple sources)
        TokenExpirationSeconds:  3607
        ConfigMapName:           kube-root-ca.crt
        ConfigMapOptional:       <nil>
        DownwardAPI:             true
    QoS Class:                   Burstable
    Node-Selectors:              disk=ssd
                                 zone=north
    Tolerations:                 dedicated=shop:NoSchedule
                                 node.kubernetes.io/not-ready:NoExecute op=Exists for 300s
    Topology Spread Constraints:  zone:DoNotSchedule when max skew 1 is exceeded for selector app=cart
    Events:
      Type     Reason   Age                From     Message
      ----     ------   ----               ----     -------
      Warning  BackOff  4s (x9 over 2m1s)  kubelet  Back-off restarting failed container app in pod cart
    """)


def only(text: str, kind: str = ""):
    (described,) = read_describe(text.split("\n"), kind)
    return described


def one_container(*lines: str):
    """Give the one container of a Pod whose block holds these lines."""
    head = ["Name:       cart", "Namespace:  orchard", "Node:       <none>", "Containers:", "  app:"]
    fields = only("\n".join([*head, *(f"    {line}" for line in lines), "QoS Class:  BestEffort"])).object.fields
    assert fields["status"]["qosClass"] == "BestEffort"
    return fields["spec"]["containers"][0]


def test_a_pod_is_found_with_its_whole_text():
    cart = only(CART).object

    assert (cart.kind, cart.namespace, cart.name) == ("Pod", "orchard", "cart-6f7d9c5b8-xk2lp")
    assert (cart.first_line, cart.last_line) == (1, len(CART.splitlines()))


def test_the_metadata_of_a_pod_is_read():
    metadata = only(CART).object.fields["metadata"]

    assert metadata == {
        "name": "cart-6f7d9c5b8-xk2lp",
        "namespace": "orchard",
        "labels": {"app": "cart", "pod-template-hash": "6f7d9c5b8"},
        "annotations": {"orchard.example/note": "first line\nsecond line", "prometheus.io/scrape": "true"},
        "ownerReferences": [{"kind": "ReplicaSet", "name": "cart-6f7d9c5b8", "controller": True}],
    }


def test_the_status_of_a_pod_is_read():
    status = only(CART).object.fields["status"]

    assert status == {
        "hostIP": "10.1.0.11",
        "startTime": "2025-03-03T08:15:02Z",
        "phase": "Running",
        "podIP": "10.20.1.7",
        "podIPs": [{"ip": "10.20.1.7"}, {"ip": "fd00::7"}],
        "initContainerStatuses": [
            {
                "name": "migrate",
                "containerID": "containerd://aa11",
                "imageID": "registry.orchard.example/migrate@sha256:bb22",
                "state": {
                    "terminated": {
                        "reason": "Completed",
                        "exitCode": 0,
                        "startedAt": "2025-03-03T08:15:03Z",
                        "finishedAt": "2025-03-03T08:15:05Z",
                    }
                },
                "ready": True,
                "restartCount": 0,
            }
        ],
        "containerStatuses": [
            {
                "name": "app",
                "containerID": "containerd://cc33",
                "imageID": "registry.orchard.example/cart@sha256:dd44",
                "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                "lastState": {
                    "terminated": {
                        "reason": "Error",
                        "message": "panic: no such table: carts\nmain.main()\nName: not an object\n"
                        "    /src/main.go:12 +0x1d",
                        "exitCode": 2,
                        "signal": 6,
                        "startedAt": "2025-03-03T08:20:00Z",
                        "finishedAt": "2025-03-03T08:20:01Z",
                    }
                },
                "ready": False,
                "restartCount": 5,
            }
        ],
        "conditions": [
            {"type": "PodReadyToStartContainers", "status": "True"},
            {"type": "Initialized", "status": "True"},
            {"type": "Ready", "status": "False"},
        ],
        "qosClass": "Burstable",
    }


def test_the_spec_of_a_pod_is_read():
    spec = only(CART).object.fields["spec"]

    app = spec.pop("containers")[0]
    assert spec == {
        "priority": 1000,
        "priorityClassName": "shopfront",
        "serviceAccountName": "cart",
        "nodeName": "node-a",
        "initContainers": [
            {
                "name": "migrate",
                "image": "registry.orchard.example/migrate:3",
                "ports": [],
                "env": [],
                "volumeMounts": [],
            }
        ],
        "volumes": [
            {"name": "config", "configMap": {"name": "cart-config", "optional": False}},
            {"name": "data", "persistentVolumeClaim": {"claimName": "cart-data", "readOnly": False}},
            {
                "name": "token",
                "projected": {
                    "sources": [
                        {"serviceAccountToken": {"expirationSeconds": 3607}},
                        {"configMap": {"name": "kube-root-ca.crt"}},
                        {"downwardAPI": {}},
                    ]
                },
            },
        ],
        "nodeSelector": {"disk": "ssd", "zone": "north"},
        "tolerations": [
            {"operator": "Equal", "key": "dedicated", "value": "shop", "effect": "NoSchedule"},
            {
                "operator": "Exists",
                "key": "node.kubernetes.io/not-ready",
                "effect": "NoExecute",
                "tolerationSeconds": 300,
            },
        ],
        "topologySpreadConstraints": [
            {
                "topologyKey": "zone",
                "whenUnsatisfiable": "DoNotSchedule",
                "maxSkew": 1,
                "labelSelector": {"matchLabels": {"app": "cart"}},
            }
        ],
    }
    times = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
    assert app == {
        "name": "app",
        "image": "registry.orchard.example/cart:7",
        "ports": [
            {"name": "http", "containerPort": 8080, "protocol": "TCP"},
            {"containerPort": 9090, "protocol": "TCP", "hostPort": 9090},
        ],
        "command": ["/bin/sh", "-c", "set -e\nif true; then\n  exec cart --port 8080\nfi"],
        "args": ["--verbose"],
        "resources": {
            "limits": {"cpu": "500m", "memory": "64Mi"},
            "requests": {"cpu": "100m", "memory": "64Mi"},
        },
        "livenessProbe": {
            "httpGet": {"port": 8080, "path": "/health?deep", "scheme": "HTTP"},
            "initialDelaySeconds": 5,
            **times,
        },
        "readinessProbe": {"tcpSocket": {"port": "http"}, "initialDelaySeconds": 0, **times},
        "startupProbe": {
            "exec": {"command": ["sh", "-c", "set -e\ncurl -fs localhost:8080/ready\n"]},
            "initialDelaySeconds": 1,
            "timeoutSeconds": 2,
            "periodSeconds": 3,
            "successThreshold": 1,
            "failureThreshold": 30,
        },
        "envFrom": [
            {"configMapRef": {"name": "cart-config", "optional": False}},
            {"prefix": "EXTRA_", "secretRef": {"name": "cart-extra", "optional": True}},
        ],
        "env": [
            {"name": "DB_ADDR", "value": "postgres.orchard:5432"},
            {
                "name": "DB_PASSWORD",
                "valueFrom": {"secretKeyRef": {"name": "cart-db", "key": "password", "optional": False}},
            },
            {
                "name": "MODE",
                "valueFrom": {"configMapKeyRef": {"name": "cart-config", "key": "mode", "optional": True}},
            },
            {"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "MEM_LIMIT", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
            {"name": "EMPTY", "value": ""},
            {"name": "TOKEN", "value": "REDACTED"},
            {"name": "BANNER", "value": "line one\n\n  line: three"},
        ],
        "volumeMounts": [
            {"name": "config", "mountPath": "/etc/cart", "readOnly": True},
            {"name": "data", "mountPath": "/data", "readOnly": False, "subPath": "carts/a"},
        ],
    }


def test_every_field_knows_its_line_in_the_source():
    lines = CART.split("\n")

    cart = next(read_describe(lines, "Pod", first_line=101)).object

    assert [path for path, _ in walk(cart.fields) if path not in cart.lines] == []
    status = ("status", "containerStatuses", "app")
    assert {
        path[-1]: lines[cart.lines[path] - 101].split()[-1]
        for path in (
            (*status, "state", "waiting", "reason"),
            (*status, "lastState", "terminated", "exitCode"),
            (*status, "restartCount"),
            ("spec", "containers", "app", "resources", "limits", "memory"),
            ("spec", "nodeSelector", "zone"),
            ("status", "conditions", "Ready", "status"),
            ("metadata", "labels", "app"),
        )
    } == {
        "reason": "CrashLoopBackOff",
        "exitCode": "2",
        "restartCount": "5",
        "memory": "64Mi",
        "zone": "zone=north",
        "status": "False",
        "app": "app=cart",
    }


def test_the_rows_below_events_are_given_with_their_lines():
    rows = only(CART).event_rows

    last = len(CART.splitlines())
    assert [(line, text.split()[0]) for line, text in rows] == [
        (last - 2, "Type"),
        (last - 1, "----"),
        (last, "Warning"),
    ]


def test_a_pod_without_events_has_no_rows():
    text = "Name:       cart\nNamespace:  orchard\nNode:       <none>\nContainers:\n  app:\nEvents:  <none>\n"

    assert only(text).event_rows == ()


def test_a_pod_reads_into_its_class():
    pod = Pod.model_validate(only(CART).object.fields)

    assert pod.container("app").startup_probe.failure_threshold == 30
    assert pod.status.container_statuses[0].last_state.terminated.exit_code == 2
    assert not pod.ready


def test_a_pod_that_is_being_deleted_has_no_phase():
    text = """\
Name:                      cart
Namespace:                 orchard
Node:                      node-a/10.1.0.11
Status:                    Terminating (lasts 5m3s)
Termination Grace Period:  30s
Reason:                    NodeLost
Message:                   Node node-a is not responding
IP:                        
IPs:                       <none>
Containers:
  app:
    Image:  cart:7
Volumes:         <none>
Node-Selectors:  <none>
Tolerations:     op=Exists
                 :NoSchedule op=Exists
"""

    fields = only(text).object.fields

    assert fields["metadata"]["deletionGracePeriodSeconds"] == 30
    assert fields["status"] == {
        "hostIP": "10.1.0.11",
        "summary": "Terminating",
        "kfiTerminatingFor": "5m3s",
        "reason": "NodeLost",
        "message": "Node node-a is not responding",
        "podIPs": [],
    }
    assert fields["spec"] == {
        "nodeName": "node-a",
        "containers": [{"name": "app", "image": "cart:7"}],
        "volumes": [],
        "nodeSelector": {},
        "tolerations": [{"operator": "Exists"}, {"operator": "Exists", "effect": "NoSchedule"}],
    }


@pytest.mark.parametrize(
    ("printed", "probe"),
    [
        ("http-get https://probe.local:8443/ ", {"httpGet": {"host": "probe.local", "port": 8443, "path": "/"}}),
        ("http-get http://[fd00::1]:80/a ", {"httpGet": {"host": "fd00::1", "port": 80, "path": "/a"}}),
        ("http-get http://:web ", {"httpGet": {"port": "web"}}),
        ("tcp-socket 10.0.0.9:6379 ", {"tcpSocket": {"host": "10.0.0.9", "port": 6379}}),
        ("grpc <pod>:9555  ", {"grpc": {"port": 9555}}),
        ("grpc <pod>:9555 orchard.Cart ", {"grpc": {"port": 9555, "service": "orchard.Cart"}}),
        ("exec [cat /tmp/ready] ", {"exec": {"command": ["cat", "/tmp/ready"]}}),
    ],
)
def test_a_probe_is_read_from_its_line(printed, probe):
    container = one_container(f"Liveness:  {printed}delay=0s timeout=5s period=10s #success=1 #failure=3")

    found = container["livenessProbe"]
    found.get("httpGet", {}).pop("scheme", None)
    assert {key: value for key, value in found.items() if not key.endswith(("Seconds", "Threshold"))} == probe
    assert (found["timeoutSeconds"], found["failureThreshold"]) == (5, 3)


def test_a_probe_of_an_unknown_action_is_left_out():
    assert "livenessProbe" not in one_container(
        "Liveness:  unknown delay=0s timeout=5s period=10s #success=1 #failure=3"
    )


def test_flags_named_c_of_other_programs_begin_no_script():
    container = one_container("Command:", "  envoy", "  -c", "  /etc/envoy.yaml", "  --log-level", "Args:", "  debug")

    assert (container["command"], container["args"]) == (["envoy", "-c", "/etc/envoy.yaml", "--log-level"], ["debug"])


def test_the_script_of_a_shell_may_stand_in_args():
    container = one_container("Command:", "  sh", "  -ec", "Args:", "  sleep 1", "  exec cart")

    assert (container["command"], container["args"]) == (["sh", "-ec"], ["sleep 1\nexec cart"])


def test_a_redacted_number_is_left_out_and_a_redacted_text_stays():
    text = "Name:  cart\nNamespace:  orchard\nPriority:  ***\nNode:  REDACTED\nContainers:\n  app:\n    Image:  ***\n"

    assert only(text).object.fields["spec"] == {"nodeName": "REDACTED", "containers": [{"name": "app", "image": "***"}]}


def test_volumes_of_every_type_keep_their_source():
    text = """\
Name:       cart
Namespace:  orchard
Node:       <none>
Containers:
  app:
Volumes:
  host:
    Type:          HostPath (bare host directory volume)
    Path:          /var/log
    HostPathType:  Directory
  scratch:
    Type:       EmptyDir (a temporary directory that shares a pod's lifetime)
    Medium:     Memory
    SizeLimit:  <unset>
  tls:
    Type:        Secret (a volume populated by a Secret)
    SecretName:  cart-tls
    Optional:    true
  info:
    Type:  DownwardAPI (a volume populated by information about the pod)
    Items:
      metadata.labels -> labels
      limits.cpu -> cpu
  share:
    Type:      NFS (an NFS mount that lasts the lifetime of a pod)
    Server:    nfs.orchard.example
    Path:      /exports
    ReadOnly:  true
  driver:
    Type:              CSI (a Container Storage Interface (CSI) volume source)
    Driver:            secrets.orchard.example
    FSType:            
    ReadOnly:          true
    VolumeAttributes:      class=db
                           ttl=5
  work:
    Type:          EphemeralVolume (an inline specification for a volume that gets created and deleted with the pod)
    StorageClass:  fast
    Volume:        
    Labels:        <none>
    Annotations:   <none>
    Capacity:      
    Access Modes:  
    VolumeMode:    Filesystem
  artifact:
    Type:        Image (a container image or OCI artifact)
    Reference:   registry.orchard.example/model:1
    PullPolicy:  IfNotPresent
  odd:
  <unknown>
QoS Class:  Burstable
"""

    assert only(text).object.fields["spec"]["volumes"] == [
        {"name": "host", "hostPath": {"path": "/var/log", "type": "Directory"}},
        {"name": "scratch", "emptyDir": {"medium": "Memory"}},
        {"name": "tls", "secret": {"secretName": "cart-tls", "optional": True}},
        {
            "name": "info",
            "downwardAPI": {
                "items": [
                    {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
                    {"path": "cpu", "resourceFieldRef": {"resource": "limits.cpu"}},
                ]
            },
        },
        {"name": "share", "nfs": {"server": "nfs.orchard.example", "path": "/exports", "readOnly": True}},
        {
            "name": "driver",
            "csi": {
                "driver": "secrets.orchard.example",
                "readOnly": True,
                "volumeAttributes": {"class": "db", "ttl": "5"},
            },
        },
        {
            "name": "work",
            "ephemeral": {
                "volumeClaimTemplate": {
                    "spec": {"storageClassName": "fast", "volumeMode": "Filesystem"},
                    "metadata": {"labels": {}},
                }
            },
        },
        {"name": "artifact", "image": {"reference": "registry.orchard.example/model:1", "pullPolicy": "IfNotPresent"}},
        {"name": "odd"},
    ]
