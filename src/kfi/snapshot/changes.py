"""
What somebody changed, and when, as far as the cluster remembers it.

ReplicaSets and ControllerRevisions keep the templates of earlier rollouts, managedFields say who wrote to an object
last, and the ledger has the states in which it was observed before. A ReplicaSet that a rollback took up again keeps
the time of its first rollout, so that change has no time and is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, NamedTuple

from kfi.models.records import ObjectRecord, TextForm
from kfi.models.schemas import Citation, Document, ObjectRef
from kfi.snapshot.differences import Difference, differences
from kfi.snapshot.objects import Resource
from kfi.snapshot.policies import Autoscaler
from kfi.snapshot.provenance import Path, Seen, cite_object, cite_row
from kfi.snapshot.resources import ControllerRevision, Workload
from kfi.snapshot.view import Snapshot

# What one sentence lists; a rollout that changed more says how many more.
_MOST_SAID = 4
# Managers that write by themselves: what they change follows from something else.
_CONTROLLERS = (
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-apiserver",
    "cloud-controller-manager",
    "cluster-autoscaler",
    "horizontal-pod-autoscaler",
    "coredns",
)
_UNKNOWN = datetime.min.replace(tzinfo=UTC)
_CREATED_PATH = ("metadata", "creationTimestamp")


class Changed(NamedTuple):
    """One change of one object."""

    ref: ObjectRef
    when: datetime
    statement: str
    """A sentence without its full stop: "revision 12 removed the variable DB_HOST of container app"."""
    evidence: tuple[Citation, ...]
    after: datetime | None = None
    """Where no more is known than that it was made between two observations, the time of the earlier; `when` is that of
    the later."""


class _Revision(NamedTuple):
    number: int
    resource: Resource
    template: Mapping[str, Any]
    form: TextForm
    prefix: Path
    """Where the template lies in the object."""


def changes_of(snapshot: Snapshot, ref: ObjectRef, states: Iterable[Document] = ()) -> list[Changed]:
    """Give the changes of one object that the snapshot and its earlier `states` remember, newest first.

    Of one change the fullest account is given: a rollout's, else how two observations differ, else who wrote.
    """
    resource, states = snapshot.objects.get(ref), list(states)
    rollouts = list(_rollouts(snapshot, resource)) if isinstance(resource, Workload) else []
    writes = list(_writes(snapshot, resource, rollouts)) if resource else []
    found = rollouts[:] if resource else list(_deletion(snapshot, ref, states))
    dated = list[Changed]()
    for one in recorded_changes(ref, states, scaled_by_itself=_is_autoscaled(snapshot, ref)):
        if not any(_is_between(one, rollout) for rollout in rollouts):
            write = next((write for write in writes if _is_between(one, write)), None)
            dated += [write] if write else []
            found.append(_written(one, write) if write else one)
    return sorted((*found, *(write for write in writes if write not in dated)), key=_when, reverse=True)


def _deletion(snapshot: Snapshot, ref: ObjectRef, states: Iterable[Document]) -> Iterator[Changed]:
    """Yield that an object was deleted, where it was observed and a later complete list does not hold it."""
    seen = [Seen(document, ObjectRecord.model_validate(document.payload)) for document in states]
    last = max((one for one in seen if not one.record.applied), key=_observed, default=None)
    for listing in snapshot.listings if last else ():
        if last and listing.covers(ref) and not listing.holds(ref) and listing.observed_at > _observed(last):
            named = cite_object([last], [("metadata", "name")]) or cite_row([last])
            proof = (*named, listing.citation)
            yield Changed(ref, listing.observed_at, "was deleted", proof, _observed(last))
            return


def _observed(seen: Seen) -> datetime:
    return seen.document.observed_at


def _is_between(recorded: Changed, other: Changed) -> bool:
    return recorded.after is not None and recorded.after < other.when <= recorded.when


def _written(recorded: Changed, write: Changed) -> Changed:
    """Give a change that two observations show with the time at which it was written."""
    return recorded._replace(when=write.when, after=None, evidence=(*recorded.evidence, *write.evidence))


def _is_autoscaled(snapshot: Snapshot, ref: ObjectRef) -> bool:
    targets = ((scaler.namespace, scaler.spec.scale_target_ref) for scaler in snapshot.of(Autoscaler))
    return any((space, target.kind, target.name) == (ref.namespace, ref.kind, ref.name) for space, target in targets)


def _when(change: Changed) -> float:
    return change.when.timestamp()


def _rollouts(snapshot: Snapshot, workload: Workload) -> Iterator[Changed]:
    revisions = sorted(_revisions(snapshot, workload), key=_number)
    for place, new in enumerate(revisions):
        began = new.resource.created
        if began is None or any(_made(one) > began for one in revisions[:place]):
            continue  # taken up again by a rollback, nobody knows when
        old = revisions[place - 1] if place else _only_before(revisions, began)
        found = list(differences(old.template, new.template)) if old and old.form is new.form else []
        if old and found:
            statement = f"revision {new.number} {_said(found)}"
            yield Changed(workload.ref, began, statement, _proof(snapshot, old, new, found))


def _only_before(revisions: Iterable[_Revision], moment: datetime) -> _Revision | None:
    """Give the one revision that was made before a moment: a rollback to it has given it a later number since."""
    before = [one for one in revisions if _made(one) < moment]
    return before[0] if len(before) == 1 else None


def _number(revision: _Revision) -> int:
    return revision.number


def _made(revision: _Revision) -> datetime:
    return revision.resource.created or _UNKNOWN


def _revisions(snapshot: Snapshot, workload: Workload) -> Iterator[_Revision]:
    for ref in snapshot.topology.owned_by(workload.ref):
        owned = snapshot.objects.get(ref)
        if isinstance(owned, Workload) and owned.observed and owned.revision is not None:
            yield from _revision(snapshot, owned, owned.revision, ("spec", "template"))
        elif isinstance(owned, ControllerRevision) and owned.observed and owned.revision is not None:
            yield from _revision(snapshot, owned, owned.revision, ("data", "spec", "template"))


def _revision(snapshot: Snapshot, resource: Resource, number: int, prefix: Path) -> Iterator[_Revision]:
    """Yield a revision from the best text that shows its template."""
    for one in snapshot.seen.get(resource.ref, ()):
        template: Any = one.record.fields
        for key in prefix:
            template = template.get(key) if isinstance(template, Mapping) else None
        if isinstance(template, Mapping) and template.get("spec"):
            yield _Revision(number, resource, template, one.record.form, prefix)
            return


def _said(found: Sequence[Difference]) -> str:
    words = list(dict.fromkeys(difference.words for difference in islice(found, _MOST_SAID)))
    more = len(found) - _MOST_SAID
    tail = f", and {more} more" if more > 0 else ""
    return f"{', '.join(words)}{tail}"


def _proof(snapshot: Snapshot, old: _Revision, new: _Revision, found: Sequence[Difference]) -> tuple[Citation, ...]:
    """Cite what is there now and what is there no more, and the line that says when."""
    there = [path for one in found[:_MOST_SAID] for path in _lines(new.prefix, one.path, one.new)]
    gone = [path for one in found[:_MOST_SAID] if one.new is None for path in _lines(old.prefix, one.path, one.old)]
    dated = [_CREATED_PATH]
    return (
        *snapshot.cite(new.resource.ref, *there),
        *snapshot.cite(old.resource.ref, *gone),
        *snapshot.cite(new.resource.ref, *dated),
    )


def _lines(prefix: Path, path: Path, value: Any) -> Iterator[Path]:
    """Yield the places of a value's lines: of a variable its name and what it is set to."""
    if isinstance(value, Mapping) and "name" in value:
        yield from ((*prefix, *path, key) for key in ("name", "value") if key in value)
    elif value is not None:
        yield (*prefix, *path)


def _writes(snapshot: Snapshot, resource: Resource, known: Sequence[Changed]) -> Iterator[Changed]:
    """Yield who wrote to an object and when, where no rollout tells more of it."""
    for place, manager in enumerate(resource.metadata.managed_fields):
        if manager.time is None or manager.subresource == "status" or manager.manager.startswith(_CONTROLLERS):
            continue
        if any(abs((change.when - manager.time).total_seconds()) <= _SAME_CHANGE_S for change in known):
            continue
        created = resource.metadata.creation_timestamp
        new = created is not None and abs((manager.time - created).total_seconds()) <= 1
        what = "created" if new else "scaled" if manager.subresource == "scale" else "changed"
        path = ("metadata", "managedFields", str(place), "time")
        yield Changed(resource.ref, manager.time, f"{what} by {manager.manager}", snapshot.cite(resource.ref, path))


# A Deployment is written to, and a moment later its ReplicaSet is made.
_SAME_CHANGE_S = 10


def recorded_changes(ref: ObjectRef, states: Iterable[Document], scaled_by_itself: bool = False) -> list[Changed]:
    """Give how an object changed between the times it was observed, newest first.

    `states` are its documents, oldest first, each with the time it was first seen so. Only texts of one form are
    compared with each other, and what the cluster sets by itself is no change that anybody made: its status, taints of
    the node controller, the number of replicas where an autoscaler sets it.
    """
    found = []
    by_form: dict[tuple[TextForm, bool], Seen] = {}
    for document in states:
        new = Seen(document, ObjectRecord.model_validate(document.payload))
        form = (new.record.form, new.record.applied)
        old = by_form.get(form)
        by_form[form] = new
        found_here = differences(_settable(old.record.fields), _settable(new.record.fields)) if old else ()
        differing = [one for one in found_here if not (scaled_by_itself and one.path == _REPLICAS)]
        if old and differing:
            found.append(_recorded(ref, old, new, differing))
    return sorted(found, key=_when, reverse=True)


def _settable(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Give what somebody can set of an object."""
    metadata = fields.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    kept = {key: value for key, value in fields.items() if key not in _REPORTED}
    spec = kept.get("spec")
    if isinstance(spec, Mapping) and isinstance(spec.get("taints"), list):
        taints = [taint for taint in spec["taints"] if not _by_controller(taint)]
        kept["spec"] = {**spec, "taints": taints or None}
    return {**kept, "metadata": {"labels": labels}} if labels else kept


def _by_controller(taint: Any) -> bool:
    return isinstance(taint, Mapping) and str(taint.get("key", "")).startswith("node.kubernetes.io/")


# What the cluster fills in.
_REPORTED = frozenset({"apiVersion", "kind", "metadata", "status", "subsets", "events"})
_REPLICAS = ("spec", "replicas")


def _recorded(ref: ObjectRef, old: Seen, new: Seen, found: Sequence[Difference]) -> Changed:
    before, after = old.document.observed_at, new.document.observed_at
    there = [path for one in found[:_MOST_SAID] for path in _lines((), one.path, one.new)]
    gone = [path for one in found[:_MOST_SAID] if one.new is None for path in _lines((), one.path, one.old)]
    evidence = (*cite_object([new], there), *cite_object([old], gone))
    return Changed(ref, after, _said(found), evidence, before)
