"""Nodes as `kubectl describe` prints them."""

from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.resources import Node

NODE = """\
Name:               node-b
Roles:              control-plane
Labels:             disk=ssd
                    node-role.kubernetes.io/control-plane=
Annotations:        node.alpha.kubernetes.io/ttl: 0
CreationTimestamp:  Mon, 03 Mar 2025 09:15:02 +0000
Taints:             dedicated=shop:NoExecute
                    node.kubernetes.io/unreachable:NoSchedule
Unschedulable:      true
Lease:
  HolderIdentity:  node-b
  AcquireTime:     <unset>
  RenewTime:       Tue, 04 Mar 2025 10:00:00 +0000
Conditions:
  Type                 Status    LastHeartbeatTime                 LastTransitionTime                Reason              Message
  ----                 ------    -----------------                 ------------------                ------              -------
  NetworkUnavailable   False     Mon, 03 Mar 2025 09:16:00 +0000   Mon, 03 Mar 2025 09:16:00 +0000                       
  Ready                Unknown   Tue, 04 Mar 2025 10:00:00 +0000   Tue, 04 Mar 2025 10:01:00 +0000   NodeStatusUnknown   Kubelet stopped posting node status.
Addresses:
  InternalIP:  10.1.0.12
  Hostname:    node-b
Capacity:
  cpu:             4
  memory:          8145888Ki
  nvidia.com/gpu:  1
  pods:            110
Allocatable:
  cpu:     3920m
  memory:  7545888Ki
  pods:    110
System Info:
  Machine ID:                 ab12
  Kernel Version:             6.1.0
  OS Image:                   Debian GNU/Linux 12
  Architecture:               arm64
  Container Runtime Version:  containerd://1.7.2
  Kubelet Version:            v1.33.1
PodCIDR:                      10.20.2.0/24
PodCIDRs:                     10.20.2.0/24,fd00:2::/64
ProviderID:                   orchard://node-b
Non-terminated Pods:          (2 in total)
  Namespace                   Name                      CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age
  ---------                   ----                      ------------  ----------  ---------------  -------------  ---
  kube-system                 agent-x2                  0 (0%)        0 (0%)      0 (0%)           0 (0%)         20d
  orchard                     cart-6f7d9c5b8-xk2lp      100m (2%)     500m (12%)  64Mi (0%)        64Mi (0%)      5d1h
Allocated resources:
  (Total limits may be over 100 percent, i.e., overcommitted.)
  Resource           Requests   Limits
  --------           --------   ------
  cpu                100m (2%)  500m (12%)
  memory             64Mi (0%)  64Mi (0%)
  ephemeral-storage  0 (0%)     0 (0%)
  nvidia.com/gpu     1          1
Events:
  Type    Reason        Age  From             Message
  ----    ------        ---  ----             -------
  Normal  NodeNotReady  9m   node-controller  Node node-b status is now: NodeNotReady
"""  # noqa: E501


def node():
    (described,) = read_describe(NODE.split("\n"))
    return described


def test_the_spec_of_a_node_is_read():
    assert node().object.fields["spec"] == {
        "taints": [
            {"key": "dedicated", "value": "shop", "effect": "NoExecute"},
            {"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"},
        ],
        "unschedulable": True,
        "podCIDR": "10.20.2.0/24",
        "podCIDRs": ["10.20.2.0/24", "fd00:2::/64"],
        "providerID": "orchard://node-b",
    }


def test_the_status_of_a_node_is_read():
    assert node().object.fields["status"] == {
        "kfiLease": {"holderIdentity": "node-b", "renewTime": "2025-03-04T10:00:00Z"},
        "conditions": [
            {
                "type": "NetworkUnavailable",
                "status": "False",
                "lastHeartbeatTime": "2025-03-03T09:16:00Z",
                "lastTransitionTime": "2025-03-03T09:16:00Z",
            },
            {
                "type": "Ready",
                "status": "Unknown",
                "reason": "NodeStatusUnknown",
                "message": "Kubelet stopped posting node status.",
                "lastHeartbeatTime": "2025-03-04T10:00:00Z",
                "lastTransitionTime": "2025-03-04T10:01:00Z",
            },
        ],
        "addresses": [
            {"type": "InternalIP", "address": "10.1.0.12"},
            {"type": "Hostname", "address": "node-b"},
        ],
        "capacity": {"cpu": "4", "memory": "8145888Ki", "nvidia.com/gpu": "1", "pods": "110"},
        "allocatable": {"cpu": "3920m", "memory": "7545888Ki", "pods": "110"},
        "nodeInfo": {
            "machineID": "ab12",
            "kernelVersion": "6.1.0",
            "osImage": "Debian GNU/Linux 12",
            "architecture": "arm64",
            "containerRuntimeVersion": "containerd://1.7.2",
            "kubeletVersion": "v1.33.1",
        },
        "pods": [
            {
                "namespace": "kube-system",
                "name": "agent-x2",
                "cpuRequests": "0",
                "cpuLimits": "0",
                "memoryRequests": "0",
                "memoryLimits": "0",
            },
            {
                "namespace": "orchard",
                "name": "cart-6f7d9c5b8-xk2lp",
                "cpuRequests": "100m",
                "cpuLimits": "500m",
                "memoryRequests": "64Mi",
                "memoryLimits": "64Mi",
            },
        ],
        "allocated": {"cpu": "100m", "memory": "64Mi", "ephemeral-storage": "0", "nvidia.com/gpu": "1"},
        "kfiAllocatedLimits": {"cpu": "500m", "memory": "64Mi", "ephemeral-storage": "0", "nvidia.com/gpu": "1"},
    }


def test_a_condition_of_a_node_knows_its_line():
    found = node().object

    line = found.lines["status", "conditions", "Ready", "reason"]
    assert "NodeStatusUnknown" in NODE.split("\n")[line - 1]


def test_a_node_reads_into_its_class():
    found = Node.model_validate(node().object.fields)

    assert (found.ready, found.control_plane) == (False, True)


def test_a_row_that_a_redacted_value_moved_is_still_read():
    text = NODE.replace("NetworkUnavailable   False     Mon, 03", "***   False     Mon, 03")

    (described,) = read_describe(text.split("\n"))

    assert described.object.fields["status"]["conditions"][0]["type"] == "***"
    assert described.object.fields["status"]["conditions"][0]["status"] == "False"


def test_a_node_without_taints_is_known_to_have_none():
    text = "Name:    node-b\nRoles:   <none>\nTaints:  <none>\nUnschedulable:  false\nAddresses:\n"

    (described,) = read_describe(text.split("\n"))

    assert described.object.fields["spec"] == {"taints": [], "unschedulable": False}
