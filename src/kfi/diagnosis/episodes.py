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


def resolved(snapshots: Sequence[Snapshot], present: Iterable[Incident], low: datetime, judge: Judge) -> list[Incident]:
    """Give the incidents since a moment that are over, newest first; their findings say from when to when.

    `snapshots` are what was observed since then, oldest first; the last one is the present, with its incidents.
    """
    going_on = {(group.rule.code, group.subject) for i in present for group in (i.root, *i.explained)}
    spells: dict[Key, _Spell] = {}
    for incident, since, until in _seen(snapshots, low, judge):
        key = (incident.root.rule.code, incident.root.subject)
        known = spells.get(key)
        if known is None:
            spells[key] = _Spell(incident, since, until)
        else:
            known.until = max(known.until, until)
            known.since = min(known.since, since) if known.since and since else None
            if incident.confidence > known.incident.confidence:
                known.incident = incident
    ended = [spell for key, spell in spells.items() if key not in going_on and _lasted(spell)]
    return [_ended(spell) for spell in sorted(ended, key=_end, reverse=True)]


def _seen(
    snapshots: Sequence[Snapshot], low: datetime, judge: Judge
) -> Iterator[tuple[Incident, datetime | None, datetime]]:
    """Yield every incident that was there at some moment, with the stretch in which it was; oldest first."""
    last = len(snapshots) - 1
    for place, snapshot in enumerate(snapshots):
        for start, end in intervals(snapshot, low, snapshot.as_of, _stretches(snapshot)):
            begun = None if start == low and place == 0 else start
            found = set()
            # The last stretch goes on: at its end are the incidents of the snapshot itself.
            for incident, since in _past(judge, snapshot, end - _MOMENT, begun) if end < snapshot.as_of else ():
                found.add(_key(incident))
                yield incident, since, end
            if end - start > _LONG:
                for incident, since in _past(judge, snapshot, start + _MOMENT, begun):
                    if _key(incident) not in found:
                        yield incident, since, start
        low = snapshot.as_of
        if place < last:
            yield from ((incident, _told(incident.root) or low, low) for incident in judge(snapshot))


def _stretches(snapshot: Snapshot) -> int:
    return max(_FEWEST_STRETCHES, min(_MOST_STRETCHES, _OBJECTS_LOOKED_AT // max(len(snapshot.objects), 1)))


def _past(
    judge: Judge, snapshot: Snapshot, moment: datetime, start: datetime | None
) -> Iterator[tuple[Incident, datetime | None]]:
    """Yield the incidents of an earlier moment that something remembers, each with its beginning if that is known."""
    past = rewound(snapshot, moment)
    for incident in judge(past):
        root = _with_events(past, incident.root)
        told = root.evidence and _remembered(past, root)
        if told and not root.is_symptom and root.strength >= _SURE_ENOUGH:
            since = _told(root) or (None if root.refs & past.undated else start)
            yield replace(incident, root=root), since


def _with_events(past: Rewound, root: Group) -> Group:
    """Give a root whose strongest finding also shows the last Events about its object."""
    first, *others = root.findings
    heard = [event for event in past.events_of(first.ref) if tells_of_trouble(event)][:_MOST_EVENTS]
    lines = tuple(event.citation for event in heard if event.citation not in first.evidence)
    return replace(root, findings=(first.model_copy(update={"evidence": (*first.evidence, *lines)}), *others))


def _remembered(past: Rewound, root: Group) -> bool:
    """Tell whether something of it is known of then: what is only known of now was no other then."""
    return bool(root.refs & past.changed) or any(past.events_of(ref) for ref in root.refs)


def _key(incident: Incident) -> Key:
    return incident.root.rule.code, incident.root.subject


def _told(root: Group) -> datetime | None:
    return min((finding.since for finding in root.findings if finding.since), default=None)


def _lasted(spell: _Spell) -> bool:
    """Tell whether it was more than how Pods start: a crash is one however short, a wait is not."""
    if spell.incident.root.rule.layer in (Layer.CRASH, Layer.NODE):
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
