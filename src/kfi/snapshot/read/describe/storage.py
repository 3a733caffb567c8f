"""
Claims, volumes and the classes of storage.

Of a claim kubectl prints what the bound volume has, not what was asked for: capacity and access modes are the status's.
The Pods that use a claim are `status.kfiUsedBy`. An empty storage class is a fact: no class provisions the volume.
"""

from __future__ import annotations

from kfi.snapshot.read.describe.columns import conditions
from kfi.snapshot.read.describe.fields import At, Table, Tree, fill, join
from kfi.snapshot.read.describe.pod import phase
from kfi.snapshot.read.describe.scalars import (
    META,
    access_modes,
    boolean,
    bracket_list,
    inline_labels,
    integer,
    known_text,
    names,
    text,
)
from kfi.snapshot.read.describe.selectors import node_requirements
from kfi.snapshot.read.describe.tree import Node
from kfi.snapshot.read.describe.volumes import source

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"


def _data_source(node: Node) -> At:
    table: Table = {"APIGroup": ("apiGroup", text), "Kind": ("kind", text), "Name": ("name", text)}
    return At(fill(node.children, table), node.line)


CLAIM: Table = {
    "StorageClass": ("spec.storageClassName", known_text),
    "Status": ("status", phase),
    "Volume": ("spec.volumeName", text),
    **META,
    "Capacity": ("status.capacity.storage", text),
    "Access Modes": ("status.accessModes", access_modes),
    "VolumeMode": ("spec.volumeMode", text),
    "DataSource": ("spec.dataSource", _data_source),
    "Used By": ("status.kfiUsedBy", names),
    "Mounted By": ("status.kfiUsedBy", names),
    "Conditions": ("status.conditions", conditions),
}


def _claim_ref(node: Node) -> At | None:
    namespace, slash, name = node.value.partition("/")
    return At({"namespace": namespace, "name": name}, node.line) if slash else None


def _node_affinity(node: Node) -> At | None:
    required = next((child for child in node.children if child.key == "Required Terms"), None)
    if required is None:
        return None
    terms = [At({"matchExpressions": node_requirements(term)}, term.line) for term in required.children if term.key]
    return At({"required": {"nodeSelectorTerms": At(terms, required.line)}}, node.line)


def _source(node: Node) -> Tree:
    return source(node.children)


VOLUME: Table = {
    **META,
    "StorageClass": ("spec.storageClassName", known_text),
    "Status": ("status", phase),
    "Claim": ("spec.claimRef", _claim_ref),
    "Reclaim Policy": ("spec.persistentVolumeReclaimPolicy", text),
    "Access Modes": ("spec.accessModes", access_modes),
    "VolumeMode": ("spec.volumeMode", text),
    "Capacity": ("spec.capacity.storage", text),
    "Node Affinity": ("spec.nodeAffinity", _node_affinity),
    "Message": ("status.message", text),
    "Source": ("spec", _source),
}


def _topologies(node: Node) -> At:
    terms = []
    for term in node.children:
        found = [At({"key": r.value["key"], "values": r.value.get("values", [])}, r.line) for r in _terms(term)]
        terms.append(At({"matchLabelExpressions": found}, term.line))
    return At(terms, node.line)


def _terms(node: Node) -> list[At]:
    found: list[At] = node_requirements(node).value
    return found


_STORAGE_CLASS: Table = {
    "Annotations": ("metadata.annotations", inline_labels),
    "Provisioner": ("provisioner", text),
    "Parameters": ("parameters", inline_labels),
    "AllowVolumeExpansion": ("allowVolumeExpansion", boolean),
    "MountOptions": ("mountOptions", names),
    "ReclaimPolicy": ("reclaimPolicy", text),
    "VolumeBindingMode": ("volumeBindingMode", text),
    "AllowedTopologies": ("allowedTopologies", _topologies),
}


def storage_class(nodes: list[Node]) -> Tree:
    """Give a StorageClass's fields; that it is the default is an annotation."""
    tree = fill(nodes, _STORAGE_CLASS)
    default = next((node for node in nodes if node.key == "IsDefaultClass" and node.value == "Yes"), None)
    if default:
        join(tree, {"metadata": {"annotations": {_DEFAULT_CLASS: At("true", default.line)}}})
    return tree


ATTRIBUTES_CLASS: Table = {
    "Annotations": ("metadata.annotations", inline_labels),
    "DriverName": ("driverName", text),
    "Parameters": ("parameters", inline_labels),
}


def _drivers(node: Node) -> At:
    drivers = next((child for child in node.children if child.key == "Drivers"), None)
    listed = drivers.children if drivers else []
    return At({"drivers": [At({"name": d.key, **fill(d.children, _DRIVER)}, d.line) for d in listed]}, node.line)


def _allocatable(node: Node) -> At:
    return At(fill(node.children, {"Count": ("count", integer)}), node.line)


_DRIVER: Table = {
    "Node ID": ("nodeID", text),
    "Allocatables": ("allocatable", _allocatable),
    "Topology Keys": ("topologyKeys", bracket_list),
}

CSI_NODE: Table = {
    **META,
    "Spec": ("spec", _drivers),
}
