"""
Typed Kubernetes objects: the fields that rules look at, under the names the API gives them (in snake_case).

Unknown fields are ignored; a field the text did not show is None or empty, never guessed. Resource quantities stay
strings; `quantity()` reads them.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from kfi.models.schemas import ObjectRef

_SUFFIXES = {
    "n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0,
    "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30, "Ti": 2.0**40, "Pi": 2.0**50, "Ei": 2.0**60,
}  # fmt: skip


def quantity(text: str | int | float | None) -> float | None:
    """Give a Kubernetes quantity in its base unit (cores, bytes, pieces), or None where it is none.

    Source: apimachinery `resource.Quantity`.

    >>> quantity("250m"), quantity("64Mi"), quantity("1e3"), quantity("lots")
    (0.25, 67108864.0, 1000.0, None)
    """
    if text is None or isinstance(text, int | float):
        return None if text is None else float(text)
    digits = text.rstrip("numkKMGTPEi")
    try:
        return float(digits) * _SUFFIXES[text[len(digits) :]]
    except (KeyError, ValueError):
        try:
            return float(text)
        except ValueError:
            return None


class Kube(BaseModel):
    """Base of parsed objects: camelCase in, unknown fields ignored, null means not set."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True)


class OwnerReference(Kube):
    """`metadata.ownerReferences[]`; `describe` gives kind and name ("Controlled By")."""

    kind: str = ""
    name: str = ""
    uid: str = ""
    controller: bool = False


class FieldManager(Kube):
    """One entry of `metadata.managedFields`: who wrote to the object last, how and when; the fields are not kept."""

    manager: str = ""
    operation: str = ""
    """Apply or Update."""
    time: datetime | None = None
    subresource: str = ""
    """`status`, `scale`; empty for the object itself."""


class ObjectMeta(Kube):
    """`metadata`."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: list[OwnerReference] = Field(default_factory=list)
    creation_timestamp: datetime | None = None
    deletion_timestamp: datetime | None = None
    finalizers: list[str] = Field(default_factory=list)
    generation: int | None = None
    managed_fields: list[FieldManager] = Field(default_factory=list)


class Condition(Kube):
    """One entry of `status.conditions`, of whatever kind."""

    type: str = ""
    status: str = ""
    reason: str = ""
    message: str = ""
    last_transition_time: datetime | None = None
    last_heartbeat_time: datetime | None = None


class Resource(Kube):
    """What every object has. `ref` and `observed` are ours: set when the snapshot is built."""

    ref: ObjectRef = ObjectRef()
    observed: bool = True
    """Some text showed what lives in the cluster; False where only an applied manifest is known."""
    kind: str = ""
    api_version: str = ""
    metadata: ObjectMeta = ObjectMeta()

    @property
    def name(self) -> str:
        """`metadata.name`."""
        return self.ref.name

    @property
    def namespace(self) -> str:
        """`metadata.namespace`; empty for cluster-scoped objects."""
        return self.ref.namespace

    @property
    def labels(self) -> dict[str, str]:
        """`metadata.labels`."""
        return self.metadata.labels

    @property
    def created(self) -> datetime | None:
        """`metadata.creationTimestamp`; from a table, as exact as its AGE."""
        return self.metadata.creation_timestamp


class LabelRequirement(Kube):
    """One `matchExpressions` entry."""

    key: str = ""
    operator: str = ""
    values: list[str] = Field(default_factory=list)


class LabelSelector(Kube):
    """`matchLabels` and `matchExpressions`."""

    match_labels: dict[str, str] = Field(default_factory=dict)
    match_expressions: list[LabelRequirement] = Field(default_factory=list)

    def matches(self, labels: dict[str, str]) -> bool:
        """Tell whether a set of labels is selected (an empty selector selects everything)."""
        return all(labels.get(k) == v for k, v in self.match_labels.items()) and all(
            requirement_holds(r, labels) for r in self.match_expressions
        )


def requirement_holds(requirement: LabelRequirement, labels: dict[str, str]) -> bool:
    """Tell whether labels meet one requirement; Gt and Lt compare integers, as node affinity does."""
    value = labels.get(requirement.key)
    match requirement.operator:
        case "In":
            return value in requirement.values
        case "NotIn":
            return value not in requirement.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt" | "Lt":
            return _compare(value, requirement)
    return False


def _compare(value: str | None, requirement: LabelRequirement) -> bool:
    try:
        have, want = int(value or ""), int(requirement.values[0])
    except (ValueError, IndexError):
        return False
    return have > want if requirement.operator == "Gt" else have < want
