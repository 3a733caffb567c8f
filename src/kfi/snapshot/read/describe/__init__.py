"""
Reading `kubectl describe`: each object in the form the API has, the line of every field, and the rows of its Events.

Follows kubectl's describers (`k8s.io/kubectl/pkg/describe`) of 1.25 to 1.34 and, where they differ, older ones. Names
that begin with `kfi` are things the describers print that the API has no field for. What a describer does not print
(affinity, pull secrets, the namespace of a role or of an older DaemonSet) is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kfi.models.records import TextForm
from kfi.snapshot.read.describe.fields import At, Tree, join, locate
from kfi.snapshot.read.describe.kinds import kind_of, reader
from kfi.snapshot.read.describe.quota import quotas_of_namespace, resource_quota
from kfi.snapshot.read.describe.split import ObjectText, split
from kfi.snapshot.read.describe.tree import Node, build
from kfi.snapshot.read.found import ReadObject

__all__ = ["DescribedObject", "read_describe"]


@dataclass(frozen=True)
class DescribedObject:
    """One object and the Events that were printed with it."""

    object: ReadObject
    event_rows: tuple[tuple[int, str], ...] = ()
    """Line and text of everything below `Events:`: the header, dashes, rows, and the later lines of long messages."""


def read_describe(lines: Iterable[str], kind: str = "", first_line: int = 1) -> Iterator[DescribedObject]:
    """Yield the objects of a text in its order, holding one at a time.

    `kind` is what the text's surroundings say; an object whose sections say otherwise is what they say. The quotas
    that a Namespace prints follow it as objects of their own. An object of a kind nobody names has the kind "".
    """
    for source in split(lines, first_line):
        yield from _described(source, kind)


def _described(source: ObjectText, hint: str) -> Iterator[DescribedObject]:
    nodes = build(source.fields)
    kind = kind_of(nodes, source, hint)
    name, namespace = _value(nodes, "Name"), _value(nodes, "Namespace")
    tree = reader(kind)(nodes, source)
    span = (source.first_line, source.last_line)
    yield DescribedObject(_read_object(kind, name, namespace, tree, span), tuple(source.events))
    if kind == "Namespace":
        for quota in quotas_of_namespace(nodes):
            name_at, home = At(quota[0].value, quota[0].line), At(name.value, quota[0].line)
            span = (quota[0].line, quota[-1].line)
            yield DescribedObject(_read_object("ResourceQuota", name_at, home, resource_quota(quota), span))


def _value(nodes: list[Node], key: str) -> At:
    node = next((node for node in nodes[:4] if node.key == key), None)
    return At("" if node is None or node.value == "<none>" else node.value, node.line if node else 0)


def _read_object(kind: str, name: At, namespace: At, tree: Tree, span: tuple[int, int]) -> ReadObject:
    head: Tree = {"kind": At(kind, name.line)} if kind else {}
    head["metadata"] = {"name": name, **({"namespace": namespace} if namespace.value else {})}
    join(head, tree)
    fields, lines = locate(head, span[0])
    return ReadObject(
        kind=kind,
        namespace=namespace.value,
        name=name.value,
        form=TextForm.DESCRIBE,
        fields=fields,
        lines=lines,
        first_line=span[0],
        last_line=span[1],
    )
