"""
Which findings are causes, and which follow from them.

A finding explains another when the edges lead from its object to the other's and it lies on a lower (or, along calls,
the same) layer. What nothing explains is a root: each root with all it explains is one incident. Roots are ranked by
how sure they are, how much they explain, and whether the question points at them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property, partial
from itertools import chain, pairwise

from kfi.diagnosis.catalogue import Layer, Rule
from kfi.diagnosis.conditions.blame import blamed
from kfi.models.schemas import Citation, Finding, ObjectRef, Role
from kfi.snapshot.collector import collector_at_rest
from kfi.snapshot.pod import Pod
from kfi.snapshot.resources import Service, Workload
from kfi.snapshot.routing import ROUTE_KINDS
from kfi.snapshot.view import Snapshot

# A cause that coincides with no symptom at all may be a leftover: it keeps this share of its strength.
_WITHOUT_SYMPTOM = 0.55
# A symptom that nothing explains is reported as what it is, with honest confidence.
_UNEXPLAINED_SYMPTOM = 0.45
# A finding weaker than this share of another does not explain that other away.
_CAN_EXPLAIN = 0.55
# Of two equally sure incidents the one that harms more other workloads is worse.
_PER_HARMED = 0.1
_MOST_HARMED = 3
_MAX_EVIDENCE = 8

# What is there for other objects' sake: the ways to an application, and what bars them.
_FOR_OTHERS = ROUTE_KINDS | {"NetworkPolicy"}

Paths = dict[ObjectRef, tuple[ObjectRef, ...]]
"""To each object that suffers, the path to it from the object at fault."""
Blames = Callable[[ObjectRef], frozenset[ObjectRef]]
"""Gives the Services and workloads that a workload's log says it cannot reach."""


@dataclass(frozen=True)
class Group:
    """Findings of one code about one workload (or node, namespace): sixty Pods with one reason are one thing."""

    rule: Rule
    subject: ObjectRef
    """The workload at fault; the object itself where it belongs to none."""
    findings: tuple[Finding, ...]

    @property
    def first(self) -> Finding:
        """The strongest of its findings."""
        return self.findings[0]

    @property
    def strength(self) -> float:
        """How sure its strongest finding is."""
        return self.first.strength

    @property
    def key(self) -> tuple[str, ObjectRef]:
        """What it is of whom: the same at every moment that shows it."""
        return self.rule.code, self.subject

    @property
    def since(self) -> datetime | None:
        """Since when the first of its findings is known to be so; None where none tells."""
        return min((finding.since for finding in self.findings if finding.since), default=None)

    @cached_property
    def is_symptom(self) -> bool:
        """Whether none of its findings can be a root."""
        return all(f.role is Role.SYMPTOM for f in self.findings)

    @cached_property
    def refs(self) -> frozenset[ObjectRef]:
        """Every object it is about, the subject included."""
        return frozenset({self.subject, *(f.ref.object for f in self.findings)})

    @cached_property
    def affected(self) -> frozenset[ObjectRef]:
        """What its findings say suffers from it: it need not show by itself."""
        return frozenset(ref.object for f in self.findings for ref in f.affects)

    @property
    def evidence(self) -> tuple[Citation, ...]:
        """The proof of the strongest finding, then what the others add."""
        found: dict[tuple[str, int], Citation] = {}
        for finding in self.findings[:3]:
            for citation in finding.evidence:
                found.setdefault((citation.document_id, citation.first_line), citation)
        return tuple(found.values())[:_MAX_EVIDENCE]


@dataclass(frozen=True)
class Incident:
    """A root and what it explains, nearest first."""

    root: Group
    explained: tuple[Group, ...] = ()
    confidence: float = 0.0
    score: float = 0.0

    @property
    def until(self) -> datetime | None:
        """Until when it was there; None where it still is."""
        return self.root.first.until

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, most important first: the root's before what it explains."""
        return tuple(finding for group in (self.root, *self.explained) for finding in group.findings)


@collector_at_rest()
def independent(snapshot: Snapshot, findings: Iterable[Finding], rules: Mapping[str, Rule]) -> tuple[Incident, ...]:
    """Give the independent incidents in no order: the same for every question."""
    groups = _grouped(snapshot, findings, rules)
    about: dict[ObjectRef, list[Group]] = defaultdict(list)
    for group in groups:
        about[group.subject].append(group)
    reaches = {id(g): _reach(snapshot, g, _handed_on(g, about[g.subject])) for g in groups}
    # Asked for many pairs of groups, and read from all of a workload's logs: once a workload is enough.
    blames = cache(partial(_blamed_by, snapshot))
    caused: set[int] = set()
    explained: dict[int, list[Group]] = {}
    for cause, others in _within_reach(groups, reaches):
        explained[id(cause)] = [g for g in others if _explains(snapshot, cause, g, reaches, blames)]
        caused.update(map(id, explained[id(cause)]))
    return tuple(_incident(root, explained[id(root)], reaches) for root in groups if id(root) not in caused)


def _within_reach(groups: Sequence[Group], reaches: Mapping[int, Paths]) -> Iterator[tuple[Group, list[Group]]]:
    """Yield each group with the others whose objects suffer when it fails, in their order.

    Thousands of groups may fail, and most have nothing to do with each other: their pairs are never looked at.
    """
    about: dict[ObjectRef, list[int]] = defaultdict(list)
    for number, group in enumerate(groups):
        for ref in group.refs:
            about[ref].append(number)
    for number, group in enumerate(groups):
        reach = () if group.is_symptom else reaches[id(group)]
        near = {other for ref in reach for other in about.get(ref, ())} - {number}
        yield group, [groups[other] for other in sorted(near)]


def ranked(incidents: Iterable[Incident], pointed: Iterable[ObjectRef]) -> tuple[Incident, ...]:
    """Give incidents most likely and most harmful first, those that touch what is pointed at before others."""
    named = tuple(pointed)
    return tuple(_uncertain_where_tied(sorted((_scored(one, named) for one in incidents), key=_order)))


def about(incidents: Sequence[Incident], pointed: Iterable[ObjectRef], nothing_named: bool) -> tuple[Incident, ...]:
    """Give the incidents that answer a question: all, unless it names healthy objects, or only unknown ones.

    Where an incident touches what is named, the others follow it: they fail independently.
    """
    named = set(pointed)
    if nothing_named or (named and not any(_touches(incident, named) for incident in incidents)):
        return ()
    return tuple(incidents)


def _touches(incident: Incident, named: set[ObjectRef]) -> bool:
    suffering = {ref for group in incident.explained for ref in group.refs | group.affected}
    if named & (incident.root.refs | incident.root.affected | suffering):
        return True
    # A route, a policy or an autoscaler mostly has the name of the application that it is for.
    names = {(ref.cluster, ref.namespace, ref.name) for ref in named if ref.namespace}
    return any((ref.cluster, ref.namespace, ref.name) in names for ref in incident.root.refs)


def _grouped(snapshot: Snapshot, findings: Iterable[Finding], rules: Mapping[str, Rule]) -> list[Group]:
    by: dict[tuple[str, ObjectRef], list[Finding]] = defaultdict(list)
    for finding in findings:
        by[finding.code, subject_of(snapshot, finding)].append(finding)
    return [
        Group(rules[code], subject, tuple(sorted(found, key=_strength, reverse=True)))
        for (code, subject), found in by.items()
    ]


def subject_of(snapshot: Snapshot, finding: Finding) -> ObjectRef:
    """Give the workload a finding's object belongs to: by owner, by selector (Service), by mount (claim), by route."""
    ref = finding.ref.object
    resource = snapshot.objects.get(ref)
    if ref.kind in ("Service", "Endpoints"):
        meant = snapshot.topology.meant_by(resource) if isinstance(resource, Service) else None
        return meant or snapshot.topology.named(ref.name) or ref
    if ref.kind == "PersistentVolumeClaim":
        return _mounted_by(snapshot, ref, finding)
    if ref.kind in _FOR_OTHERS:
        return _only_one_harmed(snapshot, finding) or ref
    return snapshot.topology.workload(ref)


def _only_one_harmed(snapshot: Snapshot, finding: Finding) -> ObjectRef | None:
    """Give the one workload that suffers from a wrong route or policy; None where it is none or several."""
    topology = snapshot.topology
    behind = (topology.behind(ref) for ref in finding.affects)
    harmed = {topology.workload(ref) for ref in behind if ref} & snapshot.objects.keys()
    workloads = [ref for ref in harmed if isinstance(snapshot.objects[ref], (Workload, Pod))]
    return workloads[0] if len(workloads) == 1 else None


def _mounted_by(snapshot: Snapshot, claim: ObjectRef, finding: Finding) -> ObjectRef:
    affected = (ref for ref in finding.affects if ref.kind == "Pod")
    user = next(chain(affected, snapshot.topology.users_of(claim)), None)
    return snapshot.topology.workload(user) if user else claim


def _strength(finding: Finding) -> float:
    return finding.strength


def _handed_on(group: Group, groups: Iterable[Group]) -> frozenset[ObjectRef]:
    """Give what suffers from other findings about a group's subject that the group explains.

    A name server that crashes answers no names: who misses them suffers from the crash.
    """
    return frozenset(
        ref for other in groups
        if other.subject == group.subject and other.rule.layer > group.rule.layer and not other.is_symptom
        and group.strength >= _CAN_EXPLAIN * other.strength
        for ref in other.affected
    )  # fmt: skip


def _reach(snapshot: Snapshot, group: Group, handed_on: Iterable[ObjectRef] = ()) -> Paths:
    """Give every object that suffers from a group, each with the path to it."""
    if group.is_symptom:
        return {ref: (ref,) for ref in group.refs}
    paths: Paths = {}
    starts = [group.first.ref.object, group.subject, *(r for f in group.findings for r in f.affects), *handed_on]
    if group.rule.layer is Layer.ADMISSION and group.subject.kind == "Namespace":
        # A quota keeps out what it names, not everything in the namespace.
        starts = [*(r for f in group.findings for r in f.affects)] or starts
        paths[group.subject] = (group.subject,)
    topology = snapshot.topology

    def harms_callers(ref: ObjectRef) -> bool:
        # As long as one Pod is ready, callers are served, unless it is the serving itself that is wrong.
        return group.rule.layer >= Layer.SERVICE or not topology.serves(ref)

    for start in starts:
        # What holds a node up (its drain, its removal) does no harm to what runs on it.
        only_itself = start.kind == "Node" and start not in group.refs
        reached = {start: (start,)} if only_itself else topology.reach(start, harms_callers)
        for ref, path in reached.items():
            if ref not in paths or len(path) < len(paths[ref]):
                paths[ref] = path
    return paths


def _explains(snapshot: Snapshot, cause: Group, other: Group, reaches: Mapping[int, Paths], blames: Blames) -> bool:
    """Tell whether one group is why another is there."""
    reach = reaches[id(cause)]
    paths = [reach[ref] for ref in other.refs if ref in reach]
    if cause.is_symptom or not any(_agrees(snapshot, other, path, blames) for path in paths):
        return False
    if other.is_symptom:
        return True
    if cause.strength < _CAN_EXPLAIN * other.strength or _fails_by_itself(snapshot, other, paths):
        return False
    if cause.rule.layer != other.rule.layer:
        return cause.rule.layer < other.rule.layer
    return _outranks(cause, other, reaches)


def _agrees(snapshot: Snapshot, sufferer: Group, path: tuple[ObjectRef, ...], blames: Blames) -> bool:
    """Tell whether a path to a sufferer fits what its own log says: one that blames a callee does not mean another."""
    if not _crosses_call(snapshot, path):
        return True
    blamed_ones = blames(sufferer.subject)
    return not blamed_ones or bool(blamed_ones & set(path))


def _blamed_by(snapshot: Snapshot, workload: ObjectRef) -> frozenset[ObjectRef]:
    topology = snapshot.topology
    pods = [pod.ref for pod in topology.pods_of(workload)]
    logs = snapshot.logs_of(workload, *pods)
    # What a workload can do without it only warns of; where it calls something an error, that is what it misses.
    errors = tuple(blamed(snapshot, workload, [log for log in logs if log.failing]))
    services = [service for service, _ in errors or blamed(snapshot, workload, logs)]
    return frozenset(ref for service in services for ref in (service.ref, topology.meant_by(service)) if ref)


def _outranks(cause: Group, other: Group, reaches: Mapping[int, Paths]) -> bool:
    """Tell which of two findings on one layer comes first."""
    if cause.subject == other.subject:
        return (cause.strength, cause.rule.code) > (other.strength, other.rule.code)
    # Along calls or ownership the callee explains its caller, unless both reach each other.
    return not (cause.refs & reaches[id(other)].keys())


def _fails_by_itself(snapshot: Snapshot, group: Group, paths: Sequence[tuple[ObjectRef, ...]]) -> bool:
    """Tell whether a finding needs another reason than a callee's trouble.

    Who calls a broken workload may become unready; that its own start fails is a finding of its own, unless its log
    blames the callee, and then the rule calls it a symptom.
    """
    return group.rule.layer <= Layer.CRASH and all(_crosses_call(snapshot, path) for path in paths)


def _crosses_call(snapshot: Snapshot, path: tuple[ObjectRef, ...]) -> bool:
    topology = snapshot.topology
    return any(
        after in topology.called_by(before) and topology.owner(before) != after for before, after in pairwise(path)
    )


def _incident(root: Group, explained: Iterable[Group], reaches: Mapping[int, Paths]) -> Incident:
    paths = reaches[id(root)]

    def distance(group: Group) -> tuple[int, int, str]:
        return (min(len(paths[r]) for r in group.refs if r in paths), group.rule.layer, str(group.subject))

    return Incident(root, tuple(sorted(explained, key=distance)))


def _scored(incident: Incident, pointed: tuple[ObjectRef, ...]) -> Incident:
    root = incident.root
    symptoms = sum(g.is_symptom for g in incident.explained)
    confidence = root.strength
    if root.is_symptom:
        confidence *= _UNEXPLAINED_SYMPTOM
    elif not symptoms:
        confidence *= _WITHOUT_SYMPTOM
    harmed = {g.subject for g in incident.explained} - {root.subject}
    score = confidence + _PER_HARMED * min(len(harmed), _MOST_HARMED) - 0.01 * root.rule.layer * confidence
    if set(pointed) & root.refs:
        score += 1.0
    elif _touches(incident, set(pointed)):
        score += 0.5
    return replace(incident, confidence=round(confidence, 3), score=score)


def _order(incident: Incident) -> tuple[float, str, str]:
    return (-incident.score, incident.root.rule.code, str(incident.root.subject))


def _uncertain_where_tied(incidents: Sequence[Incident]) -> Iterable[Incident]:
    """Lower the confidence of incidents that another explanation of the same workload nearly equals."""
    by_subject: dict[ObjectRef, list[Incident]] = defaultdict(list)
    for incident in incidents:
        by_subject[incident.root.subject].append(incident)
    for incident in incidents:
        others = (other for other in by_subject[incident.root.subject] if other is not incident)
        tied = any(abs(other.score - incident.score) < 0.1 for other in others)
        yield replace(incident, confidence=round(incident.confidence * 0.8, 3)) if tied else incident
