"""
Which objects a question points at, and which names in it nothing in the evidence has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from kfi.models.schemas import ObjectRef, QueryMetadata
from kfi.retrieval.known_names import workload_name
from kfi.retrieval.label_selectors import without_labels
from kfi.retrieval.labelled import excluded_by, having
from kfi.retrieval.named_objects import KINDS
from kfi.retrieval.query_analyzer import ORDINARY_WORDS, identifiers
from kfi.snapshot.view import Snapshot

# What people name without saying its kind. Every namespace has a ServiceAccount `default`; nobody means that one.
_NAMED_BARE = frozenset(
    "Pod Deployment StatefulSet DaemonSet ReplicaSet Job CronJob Service Node Ingress PersistentVolumeClaim "
    "PersistentVolume HorizontalPodAutoscaler".split()
)
_PART = re.compile(r"[a-z][a-z0-9]{3,40}", re.A)
_GENERIC = frozenset(KINDS) | frozenset("service server system cluster default main application database".split())
# People copy the beginning of a ReplicaSet's hash. `db-1` is all of a name: `db-10` is another.
_CUT_HASH = re.compile(r"-(?=[a-z0-9]*[a-z])[a-z0-9]*[0-9][a-z0-9]*\Z", re.A)


@dataclass(frozen=True)
class Pointed:
    """What a question points at."""

    objects: tuple[ObjectRef, ...] = ()
    """Objects of the names in it, and the workloads above them."""
    missing: tuple[str, ...] = ()
    """Names in it that no object has."""
    similar: tuple[str, ...] = ()
    """Names that come near a missing one."""
    excluded: frozenset[ObjectRef] = frozenset()
    """What has a label that the question excludes."""


def pointed_at(snapshot: Snapshot, question: str, metadata: QueryMetadata) -> Pointed:
    """Give what a question points at in a snapshot."""
    candidates = snapshot.mentioned
    excluded = excluded_by(snapshot, metadata.labels_excluded)
    named = _named(snapshot, question, metadata, excluded)
    if metadata.name and not any(_has_name(ref, metadata.name) for ref in named):
        named = (*named, *(ref for ref in candidates if _has_name(ref, metadata.name)))
    if metadata.name and not named:
        # A Pod that is gone is known by what made it.
        named = tuple(ref for ref in candidates if ref.name == workload_name(metadata.name) and ref.kind in _NAMED_BARE)
    named = _at_home(named, question, metadata)
    known = {ref.name for ref in candidates}
    missing = (metadata.name,) if metadata.name and not named and metadata.name not in known else ()
    similar = get_close_matches(missing[0], sorted(known - {""}), 3, 0.7) if missing else []
    behind = (snapshot.topology.behind(ref) for ref in named if ref.kind == "Service")
    meant = (*snapshot.with_workloads(named), *filter(None, behind))
    return Pointed(tuple(dict.fromkeys(meant)), missing, tuple(similar), excluded)


def _named(
    snapshot: Snapshot, question: str, metadata: QueryMetadata, excluded: frozenset[ObjectRef]
) -> tuple[ObjectRef, ...]:
    """Give the objects of the names in a question; where it names none, those that have its labels."""
    words = identifiers(without_labels(question))
    by_name = tuple(ref for ref in snapshot.mentioned if _means(ref, words, metadata))
    if by_name or metadata.name or not metadata.labels_dict:
        return by_name
    home = metadata.namespace
    having_them = having(snapshot, metadata.labels_dict)
    labelled = tuple(ref for ref in having_them if ref not in excluded and home in (None, "", ref.namespace))
    # Of what has no labels in the evidence, `app=cart` still tells the name.
    return labelled or tuple(ref for ref in snapshot.mentioned if _means(ref, _values(metadata), metadata))


def _values(metadata: QueryMetadata) -> frozenset[str]:
    return frozenset(metadata.labels_dict.values())


def _at_home(named: tuple[ObjectRef, ...], question: str, metadata: QueryMetadata) -> tuple[ObjectRef, ...]:
    """Leave out those of a name whose namespace is not the one in the question, where one there has that name."""
    homes = {metadata.namespace, *identifiers(question)} if metadata.namespace else frozenset()
    here = tuple(ref for ref in named if not ref.namespace or ref.namespace in homes)
    return here if any(ref.namespace for ref in here) else named


def speaks_of(question: str, ref: ObjectRef, beside: Iterable[ObjectRef] = ()) -> bool:
    """Tell whether a question has a word of an object's name: "its archive database" may mean `archive-db`.

    Words of the names `beside` it do not count, nor short ones and those that name kinds of things.
    """
    named = {part for other in beside for part in _parts(other.name)}
    return bool(_parts(ref.name) & _parts(question) - named)


def _parts(text: str) -> frozenset[str]:
    return frozenset(_PART.findall(text.lower())) - _GENERIC


def _means(ref: ObjectRef, words: frozenset[str], metadata: QueryMetadata) -> bool:
    if ref.name not in words or ref.name == metadata.namespace:
        return False
    if metadata.name == ref.name:
        return metadata.kind in (None, ref.kind)
    return ref.kind in _NAMED_BARE and ref.name not in ORDINARY_WORDS


def _has_name(ref: ObjectRef, name: str) -> bool:
    """Tell whether a name means an object: it is its name, or what a Pod's name begins with (`web-7d9` is enough)."""
    begins = name if _CUT_HASH.search(name) else f"{name}-"
    return ref.name == name or (ref.kind == "Pod" and ref.name.startswith(begins))
