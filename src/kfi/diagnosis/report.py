"""
From incidents to the answer: numbered evidence, the chain from cause to symptom, and words for each step.

Every sentence of a cause comes from a finding or the catalogue, and every finding's lines are numbered here, so nothing
is said that no line proves.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from kfi.diagnosis.catalogue import Rule
from kfi.diagnosis.causes import Group, Incident
from kfi.diagnosis.conditions.wording import counted
from kfi.models.schemas import ChainLink, Citation, Gap, ObjectRef, RootCause
from kfi.snapshot.resources import CLUSTER_SCOPED

_MAX_LINKS = 5
_LINK_CITATIONS = 2
# Below this confidence a cause is a lead, and the answer says so.
_WEAK = 0.3


class NumberedEvidence:
    """Gives each cited line its number, `E1` first, the same line the same number."""

    def __init__(self) -> None:
        self._labels: dict[tuple[str, int, int], str] = {}
        self._cited: list[Citation] = []

    def number(self, citations: Iterable[Citation]) -> tuple[str, ...]:
        """Give the labels of these lines, in order, each once."""
        labels = []
        for citation in citations:
            key = (citation.path, citation.first_line, citation.last_line)
            if key not in self._labels:
                self._labels[key] = f"E{len(self._labels) + 1}"
                self._cited.append(citation.model_copy(update={"label": self._labels[key]}))
            labels.append(self._labels[key])
        return tuple(dict.fromkeys(labels))

    @property
    def lines(self) -> tuple[Citation, ...]:
        """Every numbered line."""
        return tuple(self._cited)


def root_cause(incident: Incident, rules: Mapping[str, Rule], evidence: NumberedEvidence) -> RootCause:
    """Put an incident into words; its lines are numbered in `evidence`."""
    root, finding = incident.root, incident.root.first
    citations = evidence.number(root.evidence)
    rule = rules[root.rule.code]
    return RootCause(
        code=rule.code,
        title=rule.title,
        object=finding.ref,
        workload=root.subject,
        confidence=incident.confidence,
        explanation=_explanation(root),
        chain=_chain(incident, citations, evidence),
        citations=citations,
        confirm=filled(rule.confirm, finding.ref.object),
        remediation=tuple(filled(step, finding.ref.object) for step in rule.fix),
        symptoms=sum(len(g.findings) for g in incident.explained),
        since=_since(incident),
    )


def _explanation(root: Group) -> str:
    more = len({f.ref.object for f in root.findings}) - 1
    others = f" The same holds for {counted(more, 'other object')} of {root.subject}." if more > 0 else ""
    said = root.first.message
    return f"{said}{others}" if not others or said.endswith((".", "!", "?", '"')) else f"{said}.{others}"


def _since(incident: Incident) -> datetime | None:
    return min((f.since for f in incident.root.findings if f.since), default=None)


def _chain(incident: Incident, citations: tuple[str, ...], evidence: NumberedEvidence) -> tuple[ChainLink, ...]:
    """Give the steps from the cause outwards: one for each workload, its most telling finding that shows new lines."""
    root = incident.root
    links = [_link(root, citations)]
    told = {root.subject}
    for group in [*_of(incident.explained, root.subject), *incident.explained]:
        if len(links) > _MAX_LINKS:
            break
        first_of_subject = group.subject not in told or (group.subject == root.subject and len(links) == 1)
        proof = evidence.number(group.first.evidence[:_LINK_CITATIONS]) if first_of_subject else ()
        if proof and not set(proof) <= set(citations):
            told.add(group.subject)
            links.append(_link(group, proof))
    return tuple(links)


def _of(groups: Sequence[Group], subject: ObjectRef) -> list[Group]:
    return [group for group in groups if group.subject == subject]


def _link(group: Group, citations: tuple[str, ...]) -> ChainLink:
    finding = group.first
    return ChainLink(ref=finding.ref, code=finding.code, statement=finding.message, citations=citations)


def filled(words: str, ref: ObjectRef) -> str:
    """Put an object's kind, namespace and name into a catalogue sentence or command."""
    kind, name = ref.kind.lower() or "pod", ref.name or "NAME"
    namespace = ref.namespace or (ref.name if ref.kind == "Namespace" else "NAMESPACE")
    if ref.kind in CLUSTER_SCOPED and ref.kind != "Namespace":
        words = words.replace(" -n {namespace}", "")
    return words.replace("{kind}", kind).replace("{namespace}", namespace).replace("{name}", name)


def summary(causes: Sequence[RootCause], objects_seen: int, gaps: Sequence[Gap] = ()) -> str:
    """Give the answer in a sentence or two; what was not visible speaks where nothing else does."""
    if not objects_seen and not causes:
        return "No evidence was given that shows anything of a cluster, so nothing can be said."
    if not causes:
        if gaps:
            return f"{gaps[0].what} What was given shows nothing failing."
        return "Nothing is failing here, as far as the evidence shows."
    first = causes[0]
    sentence = f"{first.workload}: {lower_first(first.title)}. {first.explanation}"
    if first.confidence < _WEAK:
        return f"Nothing here is surely failing; the strongest lead is a weak one. {sentence}"
    if len(causes) > 1:
        rest = ", ".join(f"{c.workload} ({lower_first(c.title)})" for c in causes[1:4])
        more = f", and {len(causes) - 4} more" if len(causes) > 4 else ""
        sentence += f" Independently of it: {rest}{more}."
    return sentence


def healthy_summary(
    named: Sequence[ObjectRef], missing: Sequence[str], similar: Sequence[str], elsewhere: Sequence[Incident]
) -> str:
    """Give the answer about objects that are well, or that nothing in the evidence shows."""
    if missing:
        near = f" Similar names: {', '.join(similar)}." if similar else ""
        sentence = f"Nothing in the evidence is named {missing[0]!r}, so nothing can be said of it.{near}"
    else:
        sentence = f"Nothing is failing about {named[0]}, as far as the evidence shows."
    if not elsewhere:
        return sentence
    others = ", ".join(f"{i.root.subject} ({lower_first(i.root.rule.title)})" for i in elsewhere[:3])
    return f"{sentence} Elsewhere something is: {others}; ask without the name for all of it."


def lower_first(title: str) -> str:
    """Give a title as it stands inside a sentence; acronyms keep their capitals."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]
