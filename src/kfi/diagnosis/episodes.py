"""
What failed for a while and is over: incidents of a stretch of time, with their beginning and end.

The rules look at the cluster at every moment at which something is known to have changed: at each observation that the
ledger holds, and between them as far as the later observation remembers. What was the root of an incident then, and is
no part of one now, is resolved.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kfi.diagnosis.catalogue import Layer
from kfi.diagnosis.causes import Group, Incident
from kfi.diagnosis.words.crash import CRASH_LOOP_BACK_OFF
from kfi.models.schemas import ObjectRef
from kfi.snapshot.rewind import Rewound, intervals, rewound, tells_of_trouble
from kfi.snapshot.view import Snapshot

Judge = Callable[[Snapshot], Iterable[Incident]]
"""Gives the incidents of a snapshot."""

# Stretches that one observation's memory is looked at in: each costs a run or two of the rules over all its objects.
_MOST_STRETCHES, _FEWEST_STRETCHES = 12, 3
_OBJECTS_LOOKED_AT = 20_000
# In a longer stretch both ends are looked at: what rules call recent is not so any more at its end.
_LONG = timedelta(minutes=5)
_MOMENT = timedelta(milliseconds=1)
# What kept a Pod from starting or serving for less than this is how Pods start.
_STARTING = timedelta(seconds=60)
# A weaker finding about the past is a guess that nobody can check any more.
_SURE_ENOUGH = 0.6
# Events that are shown beside what the rules cite: of the past they are most of what is left.
_MOST_EVENTS = 2

Key = tuple[str, ObjectRef]


@dataclass
class _Spell:
    """The moments at which one incident was there."""

    incident: Incident
    since: datetime | None
    until: datetime
    observed: bool = False
    """It was seen so, not only remembered."""

    def add(self, other: _Spell) -> None:
        """Join what was seen of it at other moments."""
        self.until = max(self.until, other.until)
        self.observed = self.observed or other.observed
        self.since = min(self.since, other.since) if self.since and other.since else None
        if other.incident.confidence > self.incident.confidence:
            self.incident = other.incident


def resolved(snapshots: Sequence[Snapshot], present: Iterable[Incident], low: datetime, judge: Judge) -> list[Incident]:
    """Give the incidents since a moment that are over, newest first; their findings say from when to when.

    `snapshots` are what was observed since then, oldest first; the last one is the present, with its incidents.
    """
    failing = (incident for incident in present if not incident.until)
    going_on = _keys(failing)
    ended: list[_Spell] = []
    spells: dict[Key, _Spell] = {}
    for place, snapshot in enumerate(snapshots):
        _join(spells, _remembered_by(snapshot, low, place == 0, judge))
        low = snapshot.as_of
        if place < len(snapshots) - 1:
            there = tuple(judge(snapshot))
            _join(spells, (_Spell(one, one.root.since or low, low, True) for one in there if _matters(one.root)))
            # What an observation does not show any more is over; if it comes again, that is another spell.
            ended += [spells.pop(key) for key in list(spells.keys() - _keys(there))]
    past = [spell for spell in (*ended, *spells.values()) if spell.incident.root.key not in going_on and _lasted(spell)]
    return [_ended(spell) for spell in sorted(_told_once(past), key=_end, reverse=True)]


def _told_once(spells: Iterable[_Spell]) -> list[_Spell]:
    """Give one of those that were at one time about one workload on one layer: the surest tells what it was."""
    kept: list[_Spell] = []
    for spell in sorted(spells, key=_sureness, reverse=True):
        same = next((one for one in kept if _is_same_trouble(one, spell)), None)
        if same:
            same.until = max(same.until, spell.until)
            same.since = min(same.since, spell.since) if same.since and spell.since else None
        else:
            kept.append(spell)
    return kept


def _sureness(spell: _Spell) -> float:
    return spell.incident.confidence


def _is_same_trouble(one: _Spell, other: _Spell) -> bool:
    first, second = one.incident.root, other.incident.root
    same = (first.subject, first.rule.layer) == (second.subject, second.rule.layer)
    return same and (one.since or one.until) <= other.until and (other.since or other.until) <= one.until


def _keys(incidents: Iterable[Incident]) -> set[Key]:
    return {group.key for one in incidents for group in (one.root, *one.explained)}


def _join(spells: dict[Key, _Spell], others: Iterable[_Spell]) -> None:
    for other in others:
        spells.setdefault(other.incident.root.key, other).add(other)


def _remembered_by(snapshot: Snapshot, low: datetime, is_first: bool, judge: Judge) -> Iterator[_Spell]:
    """Yield what was there at some moment between two observations, as the later one remembers it, oldest first."""
    for start, end in intervals(snapshot, low, snapshot.as_of, _stretches(snapshot)):
        begun = None if start == low and is_first else start
        found = set()
        # The last stretch goes on: at its end are the incidents of the snapshot itself.
        for incident, since in _past(judge, snapshot, end - _MOMENT, begun) if end < snapshot.as_of else ():
            found.add(incident.root.key)
            yield _Spell(incident, since, _until(snapshot, incident, end))
        if end - start > _LONG:
            for incident, since in _past(judge, snapshot, start + _MOMENT, begun):
                if incident.root.key not in found:
                    yield _Spell(incident, since, _until(snapshot, incident, start))


def _until(snapshot: Snapshot, incident: Incident, end: datetime) -> datetime:
    """Give until when something is known to have been so: of what is gone, until it was last heard of."""
    ref = incident.root.first.ref.object
    heard = [e.last for e in snapshot.events_of(ref) if e.last and tells_of_trouble(e)]
    return min(end, max(heard)) if heard and ref.kind == "Pod" and ref not in snapshot.objects else end


def _stretches(snapshot: Snapshot) -> int:
    return max(_FEWEST_STRETCHES, min(_MOST_STRETCHES, _OBJECTS_LOOKED_AT // max(len(snapshot.objects), 1)))


def _past(
    judge: Judge, snapshot: Snapshot, moment: datetime, start: datetime | None
) -> Iterator[tuple[Incident, datetime | None]]:
    """Yield the incidents of an earlier moment that something remembers, each with its beginning if that is known."""
    past = rewound(snapshot, moment)
    for incident in judge(past):
        root = _with_events(past, incident.root)
        if root.evidence and _remembered(past, root) and _matters(root):
            since = root.since or (None if root.refs & past.undated else start)
            yield replace(incident, root=root), since


def _matters(root: Group) -> bool:
    return not root.is_symptom and (root.strength >= _SURE_ENOUGH or root.rule is CRASH_LOOP_BACK_OFF)


def _with_events(past: Rewound, root: Group) -> Group:
    """Give a root whose strongest finding also shows the last Events about its object."""
    first, *others = root.findings
    heard = [event for event in past.events_of(first.ref) if tells_of_trouble(event)][:_MOST_EVENTS]
    lines = tuple(event.citation for event in heard if event.citation not in first.evidence)
    return replace(root, findings=(first.model_copy(update={"evidence": (*first.evidence, *lines)}), *others))


def _remembered(past: Rewound, root: Group) -> bool:
    """Tell whether something of it is known of then: what is only known of now was no other then."""
    alerts = {alert.citation for alert in past.alerts}
    dated = any(finding.since and finding.since <= past.as_of for finding in root.findings)
    return (
        dated
        or not alerts.isdisjoint(root.evidence)
        or bool(root.refs & past.changed)
        or any(past.events_of(ref) for ref in root.refs)
    )


def _lasted(spell: _Spell) -> bool:
    """Tell whether it was more than how Pods start: a crash is one however short, a wait is not."""
    if spell.observed or spell.incident.root.rule.layer in (Layer.CRASH, Layer.NODE):
        return True
    return spell.since is None or spell.until - spell.since >= _STARTING


def _end(spell: _Spell) -> datetime:
    return spell.until


def _ended(spell: _Spell) -> Incident:
    """Give the incident with its findings marked as over."""
    times = {"since": spell.since, "until": spell.until}
    root = spell.incident.root
    findings = tuple(finding.model_copy(update=times) for finding in root.findings)
    return replace(spell.incident, root=replace(root, findings=findings))
