"""
What a person reads of claims without volume, and of volumes that cannot be attached, used or written to.
"""

from __future__ import annotations

from kfi.diagnosis.catalogue import Layer, Rule

_DESCRIBE = "kubectl describe pvc {name} -n {namespace}"


def _rule(code: str, title: str, meaning: str, *fix: str, confirm: str = _DESCRIBE) -> Rule:
    return Rule(code=code, title=title, layer=Layer.SCHEDULING, meaning=meaning, confirm=confirm, fix=fix)


CLAIM_STORAGE_CLASS_MISSING = _rule(
    "claim-storage-class-missing",
    "The claim's storage class does not exist or has no volume",
    "A claim only gets a volume of its own storage class: one that the class's provisioner makes, or one that carries "
    "the same class name. The class that it names does neither. An empty class means volumes without class only.",
    "Set storageClassName to a class that exists: a claim must be recreated for that.",
    "Create the class, or give the volume the claim's class.",
    confirm="kubectl get storageclass,pv",
)
CLAIM_ACCESS_MODE_MISMATCH = _rule(
    "claim-access-mode-mismatch",
    "No volume offers the access modes that the claim asks for",
    "A volume must offer every access mode that the claim lists. The volume that would fit otherwise lacks one.",
    "Recreate the claim with access modes that the volume offers.",
    "Provide a volume that offers them.",
    confirm="kubectl get pvc {name} -n {namespace} -o yaml",
)
CLAIM_CAPACITY_MISMATCH = _rule(
    "claim-capacity-mismatch",
    "No volume is as large as the claim asks for",
    "A volume must be at least as large as the claim's request. The volume that would fit otherwise is smaller.",
    "Recreate the claim with a request that the volume can meet.",
    "Provide a larger volume.",
    confirm="kubectl get pv",
)
CLAIM_SELECTOR_MISMATCH = _rule(
    "claim-selector-mismatch",
    "The claim's selector matches no volume",
    "With a selector a claim only binds to volumes that carry these labels; nothing is provisioned for it. No volume "
    "that it could have carries them.",
    "Correct the selector: the claim must be recreated for that.",
    "Label the volume that is meant.",
    confirm="kubectl get pv --show-labels",
)
CLAIM_VOLUME_MODE_MISMATCH = _rule(
    "claim-volume-mode-mismatch",
    "The claim wants a block device and the volume is a file system, or the other way round",
    "volumeMode must be the same in claim and volume: Filesystem where it is not set.",
    "Recreate the claim or the volume with the same volumeMode.",
    confirm="kubectl get pv,pvc -A -o wide",
)
CLAIM_VOLUME_TAKEN = _rule(
    "claim-volume-taken",
    "The volume that the claim could have belongs to another claim",
    "A volume serves one claim. It is bound to another, or was released by one: then it keeps the old claim's name and "
    "data until somebody clears its claimRef.",
    "Provide another volume for this claim.",
    "If its data is not needed, delete the claim that holds the volume (which may delete the data), or clear the "
    "claimRef of a released volume (which hands the data to the new claim).",
    confirm="kubectl get pv",
)
CLAIM_UNBOUND = _rule(
    "claim-unbound",
    "The claim waits for a volume",
    "No volume exists for the claim and nothing makes one: there is no storage class that provisions, or its "
    "provisioner does not answer.",
    "Create a volume for the claim, or set a storage class that provisions.",
    "Check the provisioner's Pods.",
)
CLAIM_LOST = _rule(
    "claim-lost",
    "The claim's volume is gone",
    "The claim names a volume that does not exist, or was bound to one that was deleted. It will not bind to another.",
    "Restore the volume under the same name.",
    "Else recreate the claim: it gets a new, empty volume.",
)
CLAIM_MISSING = _rule(
    "claim-missing",
    "The Pod names a claim that does not exist",
    "A Pod cannot be scheduled before every PersistentVolumeClaim that it names exists in its namespace.",
    "Create the claim.",
    "Correct claimName in the template.",
    confirm="kubectl get pvc -n {namespace}",
)
PROVISIONING_FAILED = _rule(
    "provisioning-failed",
    "The provisioner could not make a volume",
    "The storage class's provisioner was asked for a volume and failed, or does not answer. Its message in the claim's "
    "Events says why: quota of the cloud, wrong parameters, missing rights.",
    "Follow the provisioner's message in the claim's Events.",
    "Check that the provisioner's Pods run.",
)
VOLUME_ATTACH_FAILED = _rule(
    "volume-attach-failed",
    "The volume could not be attached to the Pod's node",
    "A disk that only one node may use is still attached to another, or the storage driver refused to attach it.",
    "Find the Pod or node that still holds the volume: kubectl get volumeattachments.",
    "Wait for a dead node's volumes to be detached, or use a volume that several nodes can share.",
    confirm="kubectl describe {kind} {name} -n {namespace}",
)
VOLUME_MOUNT_FAILED = _rule(
    "volume-mount-failed",
    "A volume could not be mounted",
    "The kubelet could not set up one of the Pod's volumes: the path or the server is not there, the driver is not "
    "installed on the node, or the file system is broken.",
    "Check the volume's source: path, server, driver.",
    confirm="kubectl describe {kind} {name} -n {namespace}",
)
VOLUME_PERMISSION_DENIED = _rule(
    "volume-permission-denied",
    "The container may not use its volume",
    "The files on the volume belong to another user than the container runs as, or the volume is mounted read-only. "
    "fsGroup changes the owner on most volumes, but not on hostPath and on many network file systems.",
    "Give the directory to the container's user and group, for example with an init container.",
    "Set securityContext.fsGroup, or run as the owner of the files.",
    "Drop readOnly from the mount if the container must write.",
    confirm="kubectl logs {kind}/{name} -n {namespace} --all-containers --tail=50",
)
VOLUME_FULL = _rule(
    "volume-full",
    "The volume is full",
    "The file system of a persistent volume has no room left, so the application's writes fail with ENOSPC (no space "
    "left on device). Many end at that; a restart frees nothing.",
    "Increase the claim's storage request, if its storage class allows expansion (allowVolumeExpansion).",
    "Free space on the volume: delete or rotate what is no longer needed.",
    "Then limit what the application keeps there (retention, log rotation).",
)
VOLUME_MULTI_ATTACH = _rule(
    "volume-multi-attach",
    "The volume is attached to another node",
    "A ReadWriteOnce volume can be attached to one node at a time. It is still attached to another, "
    "where a Pod uses it, or used it until its node was lost, so this Pod's node cannot have it.",
    "If a rolling update starts the new Pod before the old one has ended, set the Deployment's strategy to Recreate.",
    "Give each Pod a claim of its own (StatefulSet), or use a volume that is ReadWriteMany.",
    "If the other node is lost, delete its Pod by force and then its VolumeAttachment, once the node is surely off.",
    confirm="kubectl get volumeattachments",
)
VOLUME_NODE_UNAVAILABLE = _rule(
    "volume-node-unavailable",
    "The Pod's volume is on a node that takes no Pods",
    "A local volume, or a disk of one zone, can only be used on the nodes that its node affinity names. These are "
    "cordoned, not ready or gone, so the Pod can run nowhere.",
    "Bring the node back: uncordon it (kubectl uncordon) when its maintenance is over, or repair it.",
    "If the node will not come back, restore the data to a new volume: recreate the claim, which then gets a volume "
    "where the Pod can run, and copy the data or a backup into it.",
    confirm="kubectl describe pv",
)
VOLUME_NODE_AFFINITY_CONFLICT = _rule(
    "volume-node-affinity-conflict",
    "The Pod's volume is bound to nodes that it cannot use",
    "A local volume lives on one node, a cloud disk in one zone. The Pod's volume can only be "
    "used where the Pod cannot run for another reason.",
    "Let the Pod run where the volume is: correct its nodeSelector, affinity or nodeName; a Pod that is on another "
    "node must be deleted, so that it is scheduled anew.",
    "Save the data, then recreate the claim (which may delete its volume) with a StorageClass of volumeBindingMode "
    "WaitForFirstConsumer, so that the volume follows the Pod.",
    confirm="kubectl describe pv",
)
