"""
What a model's claim has to stand on: lines that were shown, objects that exist, words that were said.

Names are looked for where a kind stands beside them (`Pod/shop/cart-0`, "deployment `cart`") and where they have the
shape of a Pod's. A name is known where the snapshot has it, where the rules name it (a ConfigMap that is missing), or
where it stands in the very lines that the claim cites. Its other words are weighed against those lines, too; where it
says what causes something, against those only that the rules cite.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from kfi.chains.commands import commands_in_code, names_in
from kfi.chains.orders import without_orders
from kfi.chains.prompts import Brief, visible
from kfi.chains.support import Known, denied, gives_cause, is_borne_out, stems, values
from kfi.diagnosis.catalogue import catalogue
from kfi.models.schemas import Citation, RootCause

_KIND = (
    r"(?:pods?|deployments?|deploy|statefulsets?|sts|daemonsets?|ds|replicasets?|rs|jobs?|cronjobs?|nodes?|services?|svc|"
    r"ingress(?:es)?|configmaps?|cm|secrets?|persistentvolumeclaims?|pvcs?|persistentvolumes?|pvs?|namespaces?|ns|"
    r"serviceaccounts?|sa|storageclass(?:es)?|sc|horizontalpodautoscalers?|hpas?|networkpolic(?:y|ies)|endpoints|crds?)"
)
_NAME = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
_SLASHED = re.compile(rf"\b{_KIND}/({_NAME}(?:/{_NAME})?)", re.I)
_QUOTED_NAME = re.compile(rf"\b{_KIND}\s{{1,3}}(?:named\s|called\s)?[`\"']({_NAME})[`\"']", re.I)
_NAME_QUOTED = re.compile(rf"[`\"']({_NAME})[`\"']\s{{1,3}}{_KIND}\b", re.I)
_BARE_NAME = re.compile(rf"\b{_KIND}\s{{1,3}}(?:named\s|called\s)?({_NAME})", re.I)
_POD_SHAPED = re.compile(
    r"(?<![a-z0-9./-])[a-z0-9][a-z0-9-]{0,200}-[a-z0-9]{7,10}-[bcdfghjklmnpqrstvwxz2456789]{5}(?![a-z0-9-])"
)
# Words that follow a kind and are no names: "pod back-off", "node out-of-memory", "container re-creation".
_ENGLISH = re.compile(
    r"(?:re|pre|non|out|back|roll|scale|multi|over|under|self|long|well|read|high|low|not|in|on|off|up|cross|sub|post|"
    r"anti|auto|end|run|level|wide|kube|host|set|pod|node|mis|de|un|time|write|cpu|memory|disk|pid|network)-"
)
_QUOTE = re.compile(
    r"[\"\u201c\u201d\u00ab]([^\"\u201c\u201d\u00ab\u00bb\n]{3,400})[\"\u201c\u201d\u00bb]|`([^`\n]{3,400})`"
)
_COMMAND = re.compile(r"\s*(?:kubectl|oc)\s", re.I)
_WORD = re.compile(r"[\w.:/-]{3,120}")
# Words that few lines share: CrashLoopBackOff, 137, 64Mi, 10.1.2.3.
_TELLING = re.compile(r"[0-9]|[A-Za-z][A-Z].*[a-z]")
_SPACE = re.compile(r"\s+")
_UNSURE = re.compile(
    r"\b(?:(?:do|does|did|can|could)\s?(?:not|n['\u2019]t)|cannot|can['\u2019]t|not)\s(?:\w+\s){0,2}"
    r"(?:know|known|tell|say|determined?|show|shown|explain|enough|clear|visible)\b|\b(?:unknown|unclear|insufficient)\b",
    re.I,
)


@dataclass(frozen=True)
class Words:
    """What the words of claims are weighed against."""

    told: frozenset[str]
    """Stems of what the rules say of this case, of the question, and of what could not be seen."""
    meant: frozenset[str]
    """Stems of what the catalogue says of such failures."""
    shown: dict[str, frozenset[str]]
    """Stems of what stands behind each label."""
    roots: frozenset[str]
    """Of the labels that the rules cite those that prove a root cause itself."""
    something_fails: bool


@dataclass(frozen=True)
class Ground:
    """What was shown to a model, and what exists."""

    shown: dict[str, str]
    """Text of each label that may be cited, with what the rules say of it."""
    told: str
    """What the rules say, the question, and what could not be seen."""
    names: frozenset[str]
    """Names of the objects and namespaces of the snapshot, and of those the rules name."""
    commands: frozenset[str]
    """Commands that the rules suggest."""
    words: Words | None = None
    """None: the words of claims are not weighed."""
    subjects: dict[str, frozenset[str]] = field(default_factory=dict)
    """By the name of each object that the rules blame, or of its workload, the labels that speak of it."""
    proof: frozenset[str] = frozenset()
    """Labels that the rules cite."""

    def lacks(self, claim: str, labels: Collection[str]) -> bool:
        """Tell whether a claim quotes what nobody said, names what does not exist, or says more than its lines do."""
        cited = "\n".join(self.shown[label] for label in labels)
        return (
            any(not self._said(quote) for quote in _quotes(claim))
            or any(not self._known(name) and name not in cited for name in _names(claim))
            or not all(map(self.may_suggest, commands_in_code(claim)))
            or self._cites_another(claim, labels)
            or (self.words is not None and not self._bears_out(claim, labels, cited, self.words))
        )

    def _cites_another(self, claim: str, labels: Collection[str]) -> bool:
        """Tell whether a claim names failures, and all that it cites proves others."""
        named = [about for name, about in self.subjects.items() if _speaks_of(name, claim.lower())]
        others = self.proof.difference(*named)
        return bool(labels and named) and others.issuperset(labels)

    def _bears_out(self, claim: str, labels: Collection[str], cited: str, words: Words) -> bool:
        """Tell whether the words and values of a claim stand in what it cites, or in what the rules say."""
        for command in self.commands:
            claim = claim.replace(command, "")
        unknown = not labels and says_unknown(claim)
        if not all(value in cited or value in self.told or self._known(value) for value in values(claim)):
            return False
        if words.something_fails and (denied(claim) & words.told) - self._denied - denied(cited):
            # The rules say that it happened.
            return False
        trusted = self.proof & set(labels) if words.something_fails else labels
        proven = words.told.union(*(words.shown[label] for label in trusted))
        roots = frozenset[str]().union(*(words.shown[label] for label in words.roots & set(labels)))
        known = proven | words.meant
        if not gives_cause(claim):
            known = known.union(*(words.shown[label] for label in labels))
        return is_borne_out(claim, Known(known, proven, roots), something_fails=words.something_fails, unknown=unknown)

    def may_suggest(self, command: str) -> bool:
        """Tell whether a command that reads is about what exists."""
        return command in self.commands or all(map(self._known, names_in(command)))

    def proof_of(self, claim: str) -> str:
        """Give the label whose lines have every telling word of a claim that cites nothing; empty where none has."""
        words = (word.strip(".:/-") for word in _WORD.findall(claim))
        telling = [_plain(text) for text in (*filter(_TELLING.search, words), *_quotes(claim), *_names(claim))]
        if not telling:
            return ""
        return next((label for label, text in self.shown.items() if all(word in text for word in telling)), "")

    def _said(self, quote: str) -> bool:
        plain = _plain(quote).strip(" .\u2026")
        return plain in self.told or any(plain in text for text in self.shown.values())

    def _known(self, name: str) -> bool:
        if name in self.names or name in self._parts:
            return True
        # A Pod may be called by the name of what made it.
        at = bisect_left(self._sorted, f"{name}-")
        return at < len(self._sorted) and self._sorted[at].startswith(f"{name}-")

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.names)

    @cached_property
    def _denied(self) -> frozenset[str]:
        return denied(self.told)

    @cached_property
    def _parts(self) -> frozenset[str]:
        return frozenset(re.findall(_NAME, self.told))


def ground_of(brief: Brief, labels: Collection[str]) -> Ground:
    """Give what claims about a brief have to stand on."""
    shown = {line.label: _shown(line) for line in brief.evidence if line.label in labels}
    for cause in brief.causes:
        for label, said in _said_of(cause):
            if label in shown:
                shown[label] += f"\n{without_orders(said)}"
    told = [brief.question, *(without_orders(text) for cause in brief.causes for text in _texts(cause))]
    told += [text for gap in brief.gaps for text in (gap.what, gap.command)]
    commands = [text for cause in brief.causes for text in (cause.confirm, *cause.remediation)]
    names = {part for ref in brief.objects for part in (ref.name, ref.namespace) if part}
    words = Words(
        told=stems("\n".join(told)),
        meant=stems("\n".join(_meanings(brief))),
        shown={label: stems(text) for label, text in shown.items()},
        roots=frozenset(label for cause in brief.causes for label in cause.citations if label in shown),
        something_fails=bool(brief.causes),
    )
    plain = {label: _plain(text) for label, text in shown.items()}
    return Ground(
        shown=plain,
        told=_plain("\n".join(told)),
        names=frozenset(names),
        commands=frozenset(_commands_in(commands)),
        words=words,
        subjects=_subjects(brief.causes, plain),
        proof=frozenset(label for cause in brief.causes for label, _ in _said_of(cause) if label in shown),
    )


def _subjects(causes: Iterable[RootCause], shown: dict[str, str]) -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for cause in causes:
        cited = {label for label, _ in _said_of(cause)} & shown.keys()
        for name in (cause.object.name.lower(), cause.workload.name.lower()):
            about = cited | {label for label, text in shown.items() if _speaks_of(name, text)}
            found[name] = found.get(name, frozenset()) | about
    return found


def _speaks_of(name: str, text: str) -> bool:
    """Tell whether a text has a name, or that of something named after it: `checkout-68d5` is of checkout."""
    return bool(name) and re.search(rf"(?<![\w-]){re.escape(name)}(?!\w)", text) is not None


def _shown(line: Citation) -> str:
    return f"{without_orders(line.path)} {without_orders(line.text)}"


def _meanings(brief: Brief) -> Iterator[str]:
    """Give what the catalogue says of the failures that were found."""
    rules = catalogue()
    codes = dict.fromkeys(code for cause in brief.causes for code in (cause.code, *(link.code for link in cause.chain)))
    for code in codes:
        if rule := rules.get(code):
            yield f"{rule.title} {rule.meaning} {' '.join(rule.fix)}"


def says_unknown(claim: str) -> bool:
    """Tell whether a sentence says that something cannot be told from the evidence."""
    return len(claim) <= 300 and bool(_UNSURE.search(claim))


def _texts(cause: RootCause) -> Iterator[str]:
    yield from (f"{cause.code} {cause.title}", str(cause.object), str(cause.workload), cause.explanation, cause.confirm)
    yield from cause.remediation
    yield from (f"{link.ref} {link.statement}" for link in cause.chain)
    yield from (f"{change.when:%Y-%m-%d %H:%M:%S} {change.ref} {change.statement} changed" for change in cause.changes)
    yield f"{cause.state} {_when(cause.since)} {_when(cause.until)}"


def _when(time: datetime | None) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ %Y-%m-%d %H:%M:%S %H:%M}" if time else ""


def _said_of(cause: RootCause) -> Iterator[tuple[str, str]]:
    for label in cause.citations:
        yield label, f"{cause.code} {cause.title} {cause.object} {cause.explanation}"
    for link in cause.chain:
        for label in link.citations:
            yield label, f"{link.ref} {link.statement}"
    for change in cause.changes:
        for label in change.citations:
            yield label, f"{change.ref} {change.statement} changed"


def _commands_in(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        yield from (found[0].strip() for found in re.finditer(r"kubectl [^.;:()\n]+(?:\.[^\s.;:()]+)*", text))


def _quotes(claim: str) -> Iterator[str]:
    for found in _QUOTE.finditer(claim):
        quote = found[1] or found[2]
        # A single word in code marks is a name or a field.
        if not _COMMAND.match(quote) and (found[1] or " " in quote):
            yield quote


def _names(claim: str) -> Iterator[str]:
    for pattern in (_QUOTED_NAME, _NAME_QUOTED):
        yield from (found[1].lower() for found in pattern.finditer(claim))
    yield from (part.lower() for found in _SLASHED.finditer(claim) for part in found[1].split("/"))
    yield from _POD_SHAPED.findall(claim)
    for found in _BARE_NAME.finditer(claim):
        name = found[1].lower()
        shaped = any(map(str.isdigit, name)) or "-" in name or "." in name
        if shaped and not name.isdigit() and not _ENGLISH.match(name):
            yield name


def _plain(text: str) -> str:
    """Give a text to compare by: in small letters, with single spaces."""
    return _SPACE.sub(" ", visible(text)).lower()
