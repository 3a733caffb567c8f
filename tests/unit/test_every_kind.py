"""
Each kind from each text that shows it: API JSON and YAML, applied manifest, `describe`, and the three tables.

`kinds/<Kind>.txt` holds the texts as kubectl 1.28 to 1.31 prints them, and above them the facts: a field and the forms
that show it (a: the API's, m: a manifest, d: describe, t, w, l: a plain, wide and labelled table).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from kfi.ingestion.manifest_loader import ManifestLoader
from kfi.models.schemas import Document, ObjectRef
from kfi.snapshot.objects import Resource
from kfi.snapshot.provenance import value_at
from kfi.snapshot.resources import CLUSTER_SCOPED, Keyed
from kfi.snapshot.view import Snapshot
from tests.cluster import snapshot
from tests.unit import test_kubectl_loader as kubectl

FOLDER = Path(__file__).parent / "kinds"
KINDS = sorted(path.stem for path in FOLDER.glob("*.txt"))
FORMS = {
    "api json": "a", "api yaml": "a", "manifest": "m", "describe": "d", "table": "t", "wide": "w", "labels": "l",
}  # fmt: skip
WRITTEN_BY_THE_CLUSTER = frozenset(
    "uid resourceVersion managedFields creationTimestamp deletionTimestamp ownerReferences".split()
)


@dataclass(frozen=True)
class Fact:
    """A field's path, the forms that show it, and its value where it is not what the API's form has."""

    path: str
    forms: str
    value: Any = None

    @property
    def keys(self) -> Iterator[tuple[str, ...]]:
        """Every way to cut the path: names of labels, annotations and list elements hold dots themselves."""
        yield from _cuts(self.path.split("."))


def _cuts(parts: list[str]) -> Iterator[tuple[str, ...]]:
    for end in range(len(parts), 0, -1):
        head = ".".join(parts[:end])
        if end == len(parts):
            yield (head,)
        else:
            yield from ((head, *rest) for rest in _cuts(parts[end:]))


@cache
def parts_of(kind: str) -> dict[str, str]:
    """The sections of a kind's file by their names."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / f"{kind}.txt").read_text().splitlines():
        if line.startswith("=== "):
            found[line[4:]] = []
        else:
            list(found.values())[-1].append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def facts_of(kind: str, form: str) -> list[Fact]:
    """What a kind's file says a form shows."""
    facts = []
    for line in parts_of(kind)["facts"].splitlines():
        head, _, behind = line.partition(" @ ")
        forms, _, late = behind.partition(" = ")
        path, _, early = head.partition(" = ")
        value = yaml.safe_load(early or late) if early or late else None
        facts.append(Fact(path.strip(), forms.strip(), value))
    return [fact for fact in facts if FORMS[form] in fact.forms]


def texts() -> Iterator[Any]:
    for kind in KINDS:
        for form in FORMS:
            source = "api" if form in ("api json", "api yaml", "manifest") else form
            if source in parts_of(kind) and (form != "manifest" or facts_of(kind, form)):
                yield pytest.param(kind, form, id=f"{kind} as {form}")


def api_of(kind: str) -> dict[str, Any]:
    tree = yaml.safe_load(parts_of(kind)["api"])
    assert isinstance(tree, dict)
    return tree


def manifest_of(kind: str) -> str:
    tree = {key: value for key, value in api_of(kind).items() if key != "status"}
    metadata = {key: value for key, value in tree["metadata"].items() if key not in WRITTEN_BY_THE_CLUSTER}
    return yaml.safe_dump({**tree, "metadata": metadata}, sort_keys=False)


def read(kind: str, form: str) -> list[Document]:
    """The documents of one text of a kind."""
    if form in ("api json", "api yaml", "manifest"):
        made = {
            "api json": lambda: json.dumps(api_of(kind), indent=4, default=str),
            "api yaml": lambda: parts_of(kind)["api"],
            "manifest": lambda: manifest_of(kind),
        }
        return list(ManifestLoader().load(kubectl.source(made[form](), f"{form}.txt")))
    namespace = "" if kind in CLUSTER_SCOPED else "orchard"
    return kubectl.load(parts_of(kind)[form], f"get/{kind.lower()}s.txt", namespace=namespace)


def shown(kind: str, form: str, seen: Snapshot) -> Resource:
    """The object that the file is about."""
    ((ref, found),) = ((ref, one) for ref, one in seen.objects.items() if ref.kind in (kind, "Endpoints"))
    named = next((fact.path for fact in facts_of(kind, form) if fact.path.startswith("is ")), "")
    metadata = api_of(kind)["metadata"]
    expected = ObjectRef(cluster="c1", kind=kind, namespace=metadata.get("namespace", ""), name=metadata["name"])
    assert str(ref) == (named.removeprefix("is ") or str(expected))
    return found


def found_at(tree: Any, fact: Fact) -> tuple[Any, tuple[str, ...]]:
    """A field's value, and the path that it has."""
    for keys in fact.keys:
        value = value_at(tree, keys)
        if value is not None:
            return value, keys
    return None, ()


def normal(value: Any) -> str:
    return str(value).replace("+00:00", "Z")


@pytest.mark.parametrize(("kind", "form"), list(texts()))
def test_every_kind_is_read_from_every_text_with_the_line_of_each_field(kind: str, form: str):
    seen = snapshot(read(kind, form))
    resource = shown(kind, form, seen)
    tree = resource.model_dump(mode="json", by_alias=True)
    api = {**api_of(kind)}
    checked = 0

    for fact in facts_of(kind, form):
        if fact.path.startswith("is "):
            continue
        if fact.path.startswith("keys "):
            assert isinstance(resource, Keyed)
            names = frozenset(fact.path.split()[1:])
            assert resource.keys == (None if names == {"unknown"} else names)
            continue
        value, keys = found_at(tree, fact)
        expected = fact.value if fact.value is not None else found_at(api, fact)[0]
        assert normal(value) == normal(expected), fact.path
        cited = seen.cite(resource.ref, keys)
        assert cited, f"no line shows {fact.path}"
        assert cited[0].text.strip(), fact.path
        checked += 1

    assert checked or FORMS[form] in "tw"
    assert resource.observed is (form != "manifest")


def test_the_line_of_a_field_is_the_one_that_shows_it():
    wanted = {
        ("Deployment", "api yaml", ("spec", "replicas")): "  replicas: 2",
        ("Deployment", "api json", ("spec", "replicas")): '        "replicas": 2,',
        ("Deployment", "describe", ("spec", "replicas")): "Replicas:               2 desired | 2 updated | 2 total",
        ("Deployment", "wide", ("spec", "replicas")): "cart   1/2     2            1           30d   app",
        ("Node", "describe", ("spec", "taints", "0", "key")): "Taints:             team=ledger:NoSchedule",
        ("ControllerRevision", "api yaml", ("revision",)): "revision: 4",
    }
    for (kind, form, path), line in wanted.items():
        seen = snapshot(read(kind, form))
        (cited,) = seen.cite(shown(kind, form, seen).ref, path)

        assert cited.text.startswith(line), (kind, form, path)


def test_the_kinds_of_the_design_are_all_here():
    listed = """
        Pod Deployment ReplicaSet StatefulSet DaemonSet Job CronJob Service Endpoints EndpointSlice Ingress Gateway
        HTTPRoute NetworkPolicy Node PersistentVolume PersistentVolumeClaim StorageClass ConfigMap Secret ServiceAccount
        Role RoleBinding ResourceQuota LimitRange HorizontalPodAutoscaler PodDisruptionBudget
        ValidatingWebhookConfiguration MutatingWebhookConfiguration PriorityClass Namespace CustomResourceDefinition
        ControllerRevision
    """

    assert sorted(listed.split()) == KINDS
