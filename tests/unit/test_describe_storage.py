"""Claims, volumes and storage classes as `kubectl describe` prints them."""

from kfi.snapshot.read.describe import read_describe
from kfi.snapshot.resources import CLASSES, Other


def only(text):
    (described,) = read_describe(text.split("\n"))
    CLASSES.get(described.object.kind, Other).model_validate(described.object.fields)
    return described.object


def test_a_bound_claim_has_what_its_volume_has():
    claim = only("""\
Name:          ledger-data
Namespace:     orchard
StorageClass:  fast
Status:        Bound
Volume:        pv-7
Labels:        app=ledger
Annotations:   pv.kubernetes.io/bind-completed: yes
Finalizers:    [kubernetes.io/pvc-protection]
Capacity:      10Gi
Access Modes:  RWO,ROX
VolumeMode:    Filesystem
Used By:       ledger-0
               ledger-1
Conditions:
  Type                      Status  LastProbeTime                     LastTransitionTime                Reason  Message
  ----                      ------  -----------------                 ------------------                ------  -------
  FileSystemResizePending   True    Mon, 01 Jan 0001 00:00:00 +0000   Mon, 03 Mar 2025 09:15:02 +0000           Waiting
Events:        <none>
""")

    assert claim.fields == {
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": "ledger-data",
            "namespace": "orchard",
            "labels": {"app": "ledger"},
            "annotations": {"pv.kubernetes.io/bind-completed": "yes"},
            "finalizers": ["kubernetes.io/pvc-protection"],
        },
        "spec": {"storageClassName": "fast", "volumeName": "pv-7", "volumeMode": "Filesystem"},
        "status": {
            "phase": "Bound",
            "capacity": {"storage": "10Gi"},
            "accessModes": ["ReadWriteOnce", "ReadOnlyMany"],
            "kfiUsedBy": ["ledger-0", "ledger-1"],
            "conditions": [
                {
                    "type": "FileSystemResizePending",
                    "status": "True",
                    "message": "Waiting",
                    "lastTransitionTime": "2025-03-03T09:15:02Z",
                }
            ],
        },
    }
    assert claim.lines["status", "kfiUsedBy"] == 12


def test_an_unbound_claim_has_no_capacity():
    claim = only("""\
Name:          ledger-data
Namespace:     orchard
StorageClass:  
Status:        Pending
Volume:        
Labels:        <none>
Annotations:   <none>
Finalizers:    []
Capacity:      
Access Modes:  
VolumeMode:    Filesystem
DataSource:
  APIGroup:  snapshot.storage.k8s.io
  Kind:      VolumeSnapshot
  Name:      ledger-friday
Used By:     <none>
Events:      <none>
""")

    assert claim.fields["spec"] == {
        "storageClassName": "",
        "volumeMode": "Filesystem",
        "dataSource": {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "ledger-friday"},
    }
    assert claim.fields["status"] == {"phase": "Pending", "kfiUsedBy": []}


def test_a_claim_that_is_being_deleted_has_no_phase():
    claim = only("""\
Name:          ledger-data
Namespace:     orchard
StorageClass:  fast
Status:        Terminating (lasts 2d)
Volume:        pv-7
Access Modes:  RWO
""")

    assert claim.fields["status"] == {
        "summary": "Terminating",
        "kfiTerminatingFor": "2d",
        "accessModes": ["ReadWriteOnce"],
    }


def test_a_volume_is_read_with_its_source_and_node_affinity():
    volume = only("""\
Name:              pv-7
Labels:            <none>
Annotations:       <none>
Finalizers:        [kubernetes.io/pv-protection]
StorageClass:      local
Status:            Failed
Claim:             orchard/ledger-data
Reclaim Policy:    Delete
Access Modes:      RWO
VolumeMode:        Filesystem
Capacity:          10Gi
Node Affinity:     
  Required Terms:  
    Term 0:        kubernetes.io/hostname in [node-a, node-b]
                   disk exists
    Term 1:        zone notin [south]
Message:           deletion failed: disk is in use
Source:
    Type:  LocalVolume (a persistent volume backed by local storage on a node)
    Path:  /mnt/disks/7
Events:    <none>
""")

    assert volume.fields["spec"] == {
        "storageClassName": "local",
        "claimRef": {"namespace": "orchard", "name": "ledger-data"},
        "persistentVolumeReclaimPolicy": "Delete",
        "accessModes": ["ReadWriteOnce"],
        "volumeMode": "Filesystem",
        "capacity": {"storage": "10Gi"},
        "nodeAffinity": {
            "required": {
                "nodeSelectorTerms": [
                    {
                        "matchExpressions": [
                            {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-a", "node-b"]},
                            {"key": "disk", "operator": "Exists"},
                        ]
                    },
                    {"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["south"]}]},
                ]
            }
        },
        "local": {"path": "/mnt/disks/7"},
    }
    assert volume.fields["status"] == {"phase": "Failed", "message": "deletion failed: disk is in use"}


def test_a_storage_class_is_read_past_the_blank_line_of_its_annotations():
    found = only("""\
Name:            fast
IsDefaultClass:  Yes
Annotations:     kubectl.kubernetes.io/last-applied-configuration={"kind":"StorageClass","a":[1,2]}
,orchard.example/tier=gold
Provisioner:           csi.orchard.example
Parameters:            fsType=ext4,type=ssd
AllowVolumeExpansion:  True
MountOptions:
  noatime
  debug
ReclaimPolicy:      Retain
VolumeBindingMode:  WaitForFirstConsumer
AllowedTopologies:  
  Term 0:           zone in [north, south]
Events:             <none>
""")

    found.fields["metadata"]["annotations"].pop("kubectl.kubernetes.io/last-applied-configuration")
    assert found.fields == {
        "kind": "StorageClass",
        "metadata": {"name": "fast", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": "csi.orchard.example",
        "parameters": {"fsType": "ext4", "type": "ssd"},
        "allowVolumeExpansion": True,
        "mountOptions": ["noatime", "debug"],
        "reclaimPolicy": "Retain",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowedTopologies": [{"matchLabelExpressions": [{"key": "zone", "values": ["north", "south"]}]}],
    }


def test_the_drivers_of_a_node_are_read():
    found = only("""\
Name:               node-a
Labels:             <none>
Annotations:        <none>
CreationTimestamp:  Mon, 03 Mar 2025 09:15:02 +0000
Spec:
  Drivers:
    csi.orchard.example:
      Node ID:  i-0a1b
      Allocatables:
        Count:        25
      Topology Keys:  [zone host]
Events:               <none>
""")

    assert (found.kind, found.fields["spec"]) == (
        "CSINode",
        {
            "drivers": [
                {
                    "name": "csi.orchard.example",
                    "nodeID": "i-0a1b",
                    "allocatable": {"count": 25},
                    "topologyKeys": ["zone", "host"],
                }
            ]
        },
    )
