"""
Volumes of Pods and sources of PersistentVolumes: the same block names its type, then the type's fields.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kfi.snapshot.read.describe.fields import At, Table, Tree, fill, join
from kfi.snapshot.read.describe.scalars import (
    access_modes,
    annotation_map,
    boolean,
    bracket_list,
    comma_list,
    integer,
    labels,
    text,
)
from kfi.snapshot.read.describe.tree import Node

_TYPES = {
    "HostPath": "hostPath", "EmptyDir": "emptyDir", "GCEPersistentDisk": "gcePersistentDisk",
    "AWSElasticBlockStore": "awsElasticBlockStore", "GitRepo": "gitRepo", "Secret": "secret", "ConfigMap": "configMap",
    "NFS": "nfs", "ISCSI": "iscsi", "Glusterfs": "glusterfs", "PersistentVolumeClaim": "persistentVolumeClaim",
    "RBD": "rbd", "Quobyte": "quobyte", "AzureDisk": "azureDisk", "vSphereVolume": "vsphereVolume",
    "Cinder": "cinder", "PhotonPersistentDisk": "photonPersistentDisk", "PortworxVolume": "portworxVolume",
    "ScaleIO": "scaleIO", "LocalVolume": "local", "CephFS": "cephfs", "StorageOS": "storageos", "FC": "fc",
    "AzureFile": "azureFile", "FlexVolume": "flexVolume", "Flocker": "flocker", "CSI": "csi", "Image": "image",
}  # fmt: skip

_SOURCE: Table = {
    "Path": ("path", text),
    "HostPathType": ("type", text),
    "Medium": ("medium", text),
    "SizeLimit": ("sizeLimit", text),
    "PDName": ("pdName", text),
    "VolumeID": ("volumeID", text),
    "FSType": ("fsType", text),
    "Partition": ("partition", integer),
    "ReadOnly": ("readOnly", boolean),
    "Repository": ("repository", text),
    "Revision": ("revision", text),
    "SecretName": ("secretName", text),
    "SecretNamespace": ("secretNamespace", text),
    "Optional": ("optional", boolean),
    "Name": ("name", text),
    "Server": ("server", text),
    "TargetPortal": ("targetPortal", text),
    "IQN": ("iqn", text),
    "Lun": ("lun", integer),
    "LUN": ("lun", integer),
    "Portals": ("portals", bracket_list),
    "DiscoveryCHAPAuth": ("chapAuthDiscovery", boolean),
    "SessionCHAPAuth": ("chapAuthSession", boolean),
    "InitiatorName": ("initiatorName", text),
    "EndpointsName": ("endpoints", text),
    "EndpointsNamespace": ("endpointsNamespace", text),
    "ClaimName": ("claimName", text),
    "CephMonitors": ("monitors", bracket_list),
    "Monitors": ("monitors", bracket_list),
    "RBDImage": ("image", text),
    "RBDPool": ("pool", text),
    "RadosUser": ("user", text),
    "User": ("user", text),
    "Keyring": ("keyring", text),
    "SecretFile": ("secretFile", text),
    "Registry": ("registry", text),
    "Volume": ("volume", text),
    "DiskName": ("diskName", text),
    "DiskURI": ("diskURI", text),
    "Kind": ("kind", text),
    "CachingMode": ("cachingMode", text),
    "VolumePath": ("volumePath", text),
    "StoragePolicyName": ("storagePolicyName", text),
    "PdID": ("pdID", text),
    "Gateway": ("gateway", text),
    "System": ("system", text),
    "Protection Domain": ("protectionDomain", text),
    "Storage Pool": ("storagePool", text),
    "Storage Mode": ("storageMode", text),
    "VolumeName": ("volumeName", text),
    "VolumeNamespace": ("volumeNamespace", text),
    "TargetWWNs": ("targetWWNs", comma_list),
    "ShareName": ("shareName", text),
    "Driver": ("driver", text),
    "DatasetName": ("datasetName", text),
    "DatasetUUID": ("datasetUUID", text),
    "VolumeHandle": ("volumeHandle", text),
    "VolumeAttributes": ("volumeAttributes", labels),
    "Reference": ("reference", text),
    "PullPolicy": ("pullPolicy", text),
}

CLAIM_TEMPLATE: Table = {
    "Name": ("metadata.name", text),
    "StorageClass": ("spec.storageClassName", text),
    "Volume": ("spec.volumeName", text),
    "Labels": ("metadata.labels", labels),
    "Annotations": ("metadata.annotations", annotation_map),
    "Capacity": ("spec.resources.requests.storage", text),
    "Access Modes": ("spec.accessModes", access_modes),
    "VolumeMode": ("spec.volumeMode", text),
}
"""A claim inside another object: a StatefulSet's template, an ephemeral volume."""

# "SecretOptionalName" and "ConfigMapOptional": before 1.31.
_OPTIONAL = frozenset({"Optional", "SecretOptionalName", "ConfigMapOptional"})
_FIELD_ITEM = re.compile(r"(\S+) -> (.+)")


def volumes(node: Node) -> At:
    """Give `volumes`; one whose type the text does not know keeps its name."""
    found = [At({"name": At(c.key, c.line), **source(c.children)}, c.line) for c in node.children if c.key]
    return At(found, node.line)


def source(lines: list[Node]) -> Tree:
    """Give one volume's source under the name of its type."""
    kind = next((child for child in lines if child.key == "Type"), None)
    if not kind:
        return {}
    word = kind.value.partition(" ")[0]
    rest = [child for child in lines if child is not kind]
    if word == "Projected":
        return {"projected": At({"sources": list(_projected(rest))}, kind.line)}
    if word == "DownwardAPI":
        return {"downwardAPI": At({"items": list(_downward(rest))}, kind.line)}
    if word == "EphemeralVolume":
        return {"ephemeral": At({"volumeClaimTemplate": fill(rest, CLAIM_TEMPLATE)}, kind.line)}
    return {_TYPES[word]: At(fill(rest, _SOURCE), kind.line)} if word in _TYPES else {}


def _projected(lines: list[Node]) -> Iterator[At]:
    """Yield the sources of a projected volume; whether one is optional stands on the line after it."""
    for index, node in enumerate(lines):
        after = lines[index + 1] if index + 1 < len(lines) else None
        optional = fill([after], dict.fromkeys(_OPTIONAL, ("optional", boolean))) if after else {}
        match node.key:
            case "SecretName":
                yield At({"secret": {"name": At(node.value, node.line), **optional}}, node.line)
            case "ConfigMapName":
                yield At({"configMap": {"name": At(node.value, node.line), **optional}}, node.line)
            case "DownwardAPI":
                yield At({"downwardAPI": {}}, node.line)
            case "TokenExpirationSeconds":
                expiration = fill([node], {node.key: ("expirationSeconds", integer)})
                yield At({"serviceAccountToken": expiration}, node.line)


def _downward(lines: list[Node]) -> Iterator[At]:
    for item in (child for node in lines if node.key == "Items" for child in node.children):
        match = _FIELD_ITEM.fullmatch(item.text)
        if match:
            of_container = match[1].startswith(("limits.", "requests."))
            ref = (
                {"resourceFieldRef": {"resource": match[1]}} if of_container else {"fieldRef": {"fieldPath": match[1]}}
            )
            yield At({"path": match[2], **ref}, item.line)


def claim_templates(node: Node) -> At:
    """Give a StatefulSet's `volumeClaimTemplates`: claims one after the other, each beginning with its name."""
    claims: list[tuple[int, Tree]] = []
    for child in node.children:
        if child.key == "Name":
            claims.append((child.line, {}))
        if claims:
            join(claims[-1][1], fill([child], CLAIM_TEMPLATE))
    return At([At(tree, line) for line, tree in claims], node.line)
