"""
What every value is made of: the base of them all, the name of an object, and lines that prove something.

All are frozen and refuse unknown fields.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Base of our own values: frozen, and unknown fields are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


_FILES = {"Log": "log", "Manifest": "manifest"}


class ObjectRef(Value):
    """Names one object of one cluster; prints like `Pod/shop/cart-7d9`.

    Where nobody knows which object a file is about, it names the file: kind `Log` or `Manifest`.

    >>> str(ObjectRef(kind="Pod", namespace="shop", name="cart-7d9", container="app"))
    'Pod/shop/cart-7d9[app]'
    >>> str(ObjectRef(kind="Node", name="node-b"))
    'Node/node-b'
    >>> str(ObjectRef(kind="Log", name="night.txt"))
    'log night.txt'
    """

    cluster: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    container: str = ""

    def __str__(self) -> str:
        if self.kind in _FILES:
            return f"{_FILES[self.kind]} {self.name}"
        place = "/".join(part for part in (self.kind or "?", self.namespace, self.name) if part)
        return f"{place}[{self.container}]" if self.container else place

    def __eq__(self, other: object) -> bool:
        # References are the keys of everything, and pydantic's own comparison takes three times as long.
        return self is other or (isinstance(other, ObjectRef) and self.__dict__ == other.__dict__)

    def __hash__(self) -> int:
        # Hardly any two differ only in their cluster or container.
        return hash((self.kind, self.namespace, self.name))

    @property
    def object(self) -> ObjectRef:
        """The same reference without the container."""
        return self.model_copy(update={"container": ""}) if self.container else self

    @property
    def home(self) -> ObjectRef:
        """The Namespace that it lies in; of what lies in none it has no name."""
        return ObjectRef(cluster=self.cluster, kind="Namespace", name=self.namespace)


class Citation(Value):
    """Lines of a source that prove something. `label` (`E1`…) is given when evidence is numbered."""

    document_id: str
    path: str
    first_line: int
    last_line: int
    text: str
    label: str = ""
