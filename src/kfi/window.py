"""
The time that a question asks about: what failed then, also where it is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from kfi.diagnosis.causes import Incident, about, ranked
from kfi.diagnosis.meaning import explain
from kfi.diagnosis.report import asked_time
from kfi.models.schemas import ObjectRef, QueryPlan
from kfi.retrieval.pointing import Pointed
from kfi.sight import Seen, begin
from kfi.snapshot.changes import changes_of
from kfi.snapshot.view import Snapshot

# How far back is looked for what is over, where a question sets no limit: Events of longer ago are mostly gone.
_LOOKED_BACK = timedelta(hours=24)
# Words of a question that mean whatever failed.
_ANY_FAILURE = frozenset("error errors fail failed failing failure failures issue issues problem problems".split())
# Source: kube-controller-manager, `scaleReplicaSet`.
_FROM_NOTHING = " from 0 to "
# Objects of a cluster whose past is looked at unasked: it takes several runs of the rules.
_MOST_UNASKED = 5_000


def bounded_by_change(snapshot: Snapshot, plan: QueryPlan, pointed: Pointed) -> tuple[QueryPlan, Sequence[str]]:
    """Let the time that a question asks about end or begin with the last change of what it names, where it asks so.

    The note says when that was, or that nobody remembers.
    """
    asked = plan.metadata
    ends, begins = asked.before_change and not asked.until, asked.after_change and not asked.since
    if ends == begins:
        return plan, ()
    place = asked.namespace
    here = (one.ref for one in snapshot.workloads if place in (None, "", one.ref.namespace))
    when = max(filter(None, (_last_changed(snapshot, ref) for ref in pointed.objects or here)), default=None)
    if when is None:
        return plan, ("When it was last changed is not remembered, so no time is left out.",)
    bounds = {"until": when} if ends else {"since": when}
    bounded = plan.model_copy(update={"metadata": asked.model_copy(update=bounds)})
    there = "ends" if ends else "begins"
    return bounded, (f"The last change was at {when:%Y-%m-%d %H:%M:%S} UTC; the time asked about {there} there.",)


def _last_changed(snapshot: Snapshot, ref: ObjectRef) -> datetime | None:
    """Give when an object was last changed, or else when a rollout scaled a ReplicaSet of it up from nothing."""
    changes = changes_of(snapshot, ref)
    if changes:
        return changes[0].when
    scaled = (one for one in snapshot.events_of(ref, "ScalingReplicaSet") if _FROM_NOTHING in one.message)
    return max(filter(None, (one.first or one.last for one in scaled)), default=None)


def with_the_past(
    seen: Seen, plan: QueryPlan, pointed: Pointed, meant: tuple[Incident, ...]
) -> tuple[tuple[Incident, ...], Sequence[str]]:
    """Add what is over to what a question means, as far as it was there in the time asked about; also give notes."""
    active = tuple(incident for incident in meant if not incident.until)
    ended = tuple(incident for incident in meant if incident.until)
    # Incidents that touch nothing that is named were meant by other words.
    named = pointed.objects if about(meant, pointed.objects, bool(pointed.missing)) or not meant else ()
    here = about(active, named, nothing_named=False)
    notes: Sequence[str] = ()
    if _looks_back(seen, plan, bool(here)):
        past = about(ranked(over(seen, plan), pointed.objects), pointed.objects, bool(pointed.missing))
        # Of what the present still remembers the past knows more: how sure it was then, and what it harmed.
        known = {one.root.key for one in past}
        ended = (*past, *(one for one in ended if one.root.key not in known))
    elif not active:
        notes = ("In so large a cluster, what is over is looked for only where the question names a time.",)
    # What is over comes first only where it, and nothing that fails now, has to do with what is named.
    first = [one for one in ended if not here and about((one,), named, nothing_named=False)]
    ordered = (*first, *active, *(one for one in ended if one not in first))
    kept, about_word = _as_called(about(tuple(in_window(ordered, plan)), named, nothing_named=False), plan)
    if plan.metadata.until and any(not one.root.since and one in active for one in kept):
        notes = (*notes, "Of what fails now without a time it is not known whether it failed then.")
    return kept, (*notes, *about_word)


def _as_called(meant: tuple[Incident, ...], plan: QueryPlan) -> tuple[tuple[Incident, ...], Sequence[str]]:
    """Put first what a question about a time calls by its name ("was there an OOM today?"); say so where none is."""
    since, until, word = plan.metadata.since, plan.metadata.until, plan.metadata.error_type
    codes = explain(word).codes if word and (since or until) and word.lower() not in _ANY_FAILURE else ()
    called = [one for one in meant if any(finding.code in codes for finding in one.findings)]
    if not codes or not meant or called:
        return (*called, *(one for one in meant if one not in called)), ()
    return meant, (f"No {word} is known {asked_time(since, until)}; this is what else there is.",)


def old_evidence(snapshot: Snapshot, plan: QueryPlan) -> Iterator[str]:
    """Say where everything is much older than the time from which the time of a question is counted."""
    beats = (c.last_heartbeat_time for node in snapshot.nodes for c in node.status.conditions)
    newest = max(filter(None, (*beats, *(event.last for event in snapshot.events))), default=None)
    if plan.metadata.since and newest and snapshot.as_of - newest > _LOOKED_BACK:
        yield (
            f"The newest time in the evidence is {newest:%Y-%m-%d %H:%M} UTC, and times were counted back from "
            f"{snapshot.as_of:%Y-%m-%d %H:%M} UTC; say when it was collected (--as-of)."
        )


def in_window(incidents: Iterable[Incident], plan: QueryPlan) -> Iterator[Incident]:
    """Yield the incidents that, as far as is known, were there in the time that a question asks about."""
    low, high = plan.metadata.since, plan.metadata.until
    for incident in incidents:
        began, ended = incident.root.since, incident.until
        if not (high and began and began > high) and not (low and ended and ended < low):
            yield incident


def _looks_back(seen: Seen, plan: QueryPlan, something_fails: bool) -> bool:
    """Tell whether what is over matters: a question names a time, or nothing that it asks about fails now."""
    if plan.metadata.since or plan.metadata.until:
        return True
    return not something_fails and len(seen.snapshot.objects) <= _MOST_UNASKED


def over(seen: Seen, plan: QueryPlan) -> tuple[Incident, ...]:
    """Give what was there since the time that a question asks about began, and is over."""
    as_of = seen.snapshot.as_of
    low = plan.metadata.since or (begin(as_of, _LOOKED_BACK) or as_of)
    return seen.resolved_since(low, plan.metadata.namespace or "")
