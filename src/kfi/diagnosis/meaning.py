"""
What a word means: failure codes, their titles, and the words that Kubernetes prints, from the catalogue alone.

Words are compared without case, blanks and dashes, so "crash loop back off" is CrashLoopBackOff.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from functools import cache
from typing import NamedTuple

from kfi.diagnosis.catalogue import Rule, catalogue
from kfi.diagnosis.report import lower_first
from kfi.diagnosis.words import container_states, controller_reasons, event_reasons
from kfi.diagnosis.words.kubernetes import Word

_MAX_QUESTION = 500
_MAX_TERMS = 4
_MAX_NEAR = 5
_MAX_CODES_TOLD = 6
_LONGEST = 8
"""Words of the longest name that is looked for within a question."""

# What stands around the word that is asked for, in the languages that `retrieval/intent.py` knows the question in.
_AROUND = frozenset(
    "what whats what's what\u2019s does do did is are the a an of mean means meaning stand for stands explain describe "
    "define tell me to us please pls about difference between how work works in on with kubernetes k8s cluster "
    "actually exactly really it "
    "was bedeutet bedeuten hei\u00dft heisst ist der die das ein eine que qu\u00e9 significa signifie quiere decir "
    "ce c'est quoi le la les un une".split()
)
# What it may be called beside its name; alone each is asked for itself.
_CALLED = frozenset("error errors status state reason code event condition message word term fehler pod node".split())
_BETWEEN = re.compile(r"\s*(?:,|;|/|\bvs\b\.?|\bversus\b|\band\b|\bor\b|\bund\b|\boder\b)\s*", re.I)
_TOKEN = re.compile(r"[^\s\"`\u201c\u201d\u201e(){}\[\]?!]+")
# A plain word beside others is no name: "the reason is unknown" asks for no "Unknown".
_PLAIN = frozenset(
    "error failed ready unknown pending running started starting created completed killing terminating bound lost "
    "available released forbidden unauthorized scheduled accepted programmed pulled pulling provisioning".split()
)
_EXIT = re.compile(r"(?:(?:container )?exit(?:ed)?(?: with)?(?: code| status)? ?|exitcode )?(\d{1,3})", re.I)
_SIGNAL = re.compile(r"signal ?(\d{1,2})", re.I)
_SIGNAL_NAMES = {
    1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 5: "SIGTRAP", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE",
    9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM",
}  # fmt: skip
_EXIT_CODES: dict[int, tuple[str, str]] = {
    0: ("container-exits-clean", "the program ended without an error."),
    1: ("container-crash", "the program ended with an error of its own; its last log lines say which."),
    2: ("container-crash", "the program's own; of a shell it means wrong usage, of a Go program that it panicked."),
    125: ("container-start-error", "the command that was to run the program (docker, env, timeout) failed itself."),
    126: ("command-not-found file-permission-denied", "the command was found, and could not be executed."),
    127: ("command-not-found", "the command was not found."),
    128: ("container-start-error command-not-found",
          "of containerd with the reason StartError: the container could not be started. Else the program's own."),
    255: ("container-crash node-restarted",
          "the program ended with -1; or, with the reason Unknown, its node or runtime was restarted beneath it."),
}  # fmt: skip
# Other ways to say them.
_ALSO = {
    "crashloop": "CrashLoopBackOff", "crashlooping": "CrashLoopBackOff", "oom": "OOMKilled", "oomkill": "OOMKilled",
    "oomkiller": "OOMKilled", "outofmemory": "OOMKilled", "segfault": "SIGSEGV", "segmentationfault": "SIGSEGV",
    "imagepull": "ErrImagePull", "imagepullerror": "ErrImagePull", "eviction": "Evicted", "multiattacherror":
    "Multi-Attach", "connectionrefused": "ECONNREFUSED", "nosuchhost": "NXDOMAIN", "nospaceleftondevice": "ENOSPC",
    "exitcodes": "ExitCode", "cordoned": "SchedulingDisabled", "preemption": "Preempted",
    "podsecurityviolation": "violates PodSecurity",
}  # fmt: skip


class Meaning(NamedTuple):
    """What one word means."""

    word: str
    """As it is printed, or the failure code."""
    says: str
    """What Kubernetes means by it; empty for a failure code, whose rule says it."""
    rules: tuple[Rule, ...]
    """The failures that it stands for, the most specific first; none where it is the normal course of things."""

    @property
    def rule(self) -> Rule | None:
        """The failure that the word is itself, as OOMKilled is oom-killed; None where it only leads to some."""
        first = self.rules[0] if self.rules else None
        return first if first and (len(self.rules) == 1 or _bare(first.code) == _bare(self.word)) else None

    @property
    def text(self) -> str:
        """The meaning in words, and where to read on."""
        said = [f"{self.word}: {self.says}"] if self.says else []
        behind = self.rules
        if self.rule:
            said.append(
                f"{self.rule.title}: {self.rule.meaning} `kfi rules {self.rule.code}` says how to see and mend it."
            )
            behind = self.rules[1:]
        if behind:
            told = "; ".join(f"{lower_first(rule.title)} ({rule.code})" for rule in behind[:_MAX_CODES_TOLD])
            said.append(f"What may be behind it: {told}. `kfi rules CODE` tells of each.")
        return " ".join(said)


class Explained(NamedTuple):
    """The answer to a question for the meaning of words."""

    text: str
    codes: frozenset[str]
    """Failure codes that the words stand for."""


def explain(question: str) -> Explained:
    """Give the meaning of each word that a question asks for; what is not in the catalogue is said."""
    texts, codes = [], set()
    for term, found in _asked(question):
        texts.append(found.text if found else unknown(term))
        codes |= {rule.code for rule in found.rules} if found else set()
    return Explained(" ".join(texts) or unknown(""), frozenset(codes))


def unknown(term: str) -> str:
    """Say that a word is not in the catalogue, and what in it is nearest."""
    close = near(term)
    nearest = f"Nearest are: {', '.join(close)}." if close else "`kfi rules` lists all that is in it."
    return f"{term[:80]!r} is not in the catalogue. {nearest}" if term else f"No word is asked for. {nearest}"


def meaning_of(term: str) -> Meaning | None:
    """Give the meaning of a code, a title, or a word that Kubernetes prints; None for any other word.

    >>> meaning_of("exit code 143").word
    'Exit code 143'
    """
    term = term.strip()
    # "OutOfmemory" is a word of the kubelet's, "out of memory" is how people say OOMKilled.
    if term in _printed():
        return _printed()[term]
    rule = catalogue().get(term.lower())
    if rule:
        return Meaning(rule.code, "", (rule,))
    code, signal = _EXIT.fullmatch(term), _SIGNAL.fullmatch(term)
    if code:
        return _exit_code(int(code[1]))
    bare = _bare(_SIGNAL_NAMES.get(int(signal[1]), "") if signal else term)
    return _index().get(bare) or _index().get(bare.removeprefix("init"))


def words_of(code: str) -> tuple[str, ...]:
    """Give the words of Kubernetes that stand for this failure before any other."""
    return tuple(word.word for word in _words() if word.codes[:1] == (code,))


def near(term: str) -> tuple[str, ...]:
    """Give the names in the catalogue that a word may be meant for, nearest first."""
    bare, index = _bare(term)[:80], _index()
    if not bare:
        return ()
    alike = difflib.get_close_matches(bare, index, n=_MAX_NEAR, cutoff=0.7)
    holding = [key for key in index if len(bare) > 3 and (bare in key or (len(key) > 3 and key in bare))]
    return tuple(dict.fromkeys(index[key].word for key in (*alike, *sorted(holding, key=len))))[:_MAX_NEAR]


def _asked(question: str) -> Iterator[tuple[str, Meaning | None]]:
    """Yield each thing that a question asks for as it was typed, and what it means."""
    whole = _between(question[:_MAX_QUESTION])
    if meaning_of(whole):
        yield whole, meaning_of(whole)
        return
    for part in [p for p in map(_between, _BETWEEN.split(whole)) if p][:_MAX_TERMS]:
        found = meaning_of(part)
        inside = () if found else tuple(_inside(part.split()))
        yield from inside
        if not inside:
            yield part, found


def _between(text: str) -> str:
    """Give a text without the words around what it asks for; empty where there is nothing else."""
    tokens = _trimmed(_tokens(text), _AROUND)
    return " ".join(tokens if meaning_of(" ".join(tokens)) else _trimmed(tokens, _AROUND | _CALLED) or tokens)


def _tokens(text: str) -> list[str]:
    return [token.strip(".,:;'\u2018\u2019") for token in _TOKEN.findall(text)]


def _trimmed(tokens: list[str], without: frozenset[str]) -> list[str]:
    """Give the tokens from the first to the last that is none of these words."""
    kept = [index for index, token in enumerate(tokens) if token.lower() not in without]
    return tokens[kept[0] : kept[-1] + 1] if kept else []


def _inside(tokens: list[str]) -> Iterator[tuple[str, Meaning]]:
    """Yield the names that stand among other words, the longest first where several begin at one."""
    start = 0
    while start < len(tokens):
        for size in range(min(_LONGEST, len(tokens) - start), 0, -1):
            text = " ".join(tokens[start : start + size])
            found = None if text.lower() in _PLAIN or text.isdigit() else meaning_of(text)
            if found:
                yield text, found
                break
        start += size


def _exit_code(number: int) -> Meaning | None:
    known = catalogue()
    word = f"Exit code {number}"
    if number in _EXIT_CODES:
        codes, says = _EXIT_CODES[number]
        return Meaning(word, says, tuple(known[code] for code in codes.split()))
    signal = _SIGNAL_NAMES.get(number - 128)
    if signal:
        found = _index()[_bare(signal)]
        return Meaning(word, f"128 + {number - 128}, ended by {signal}. {found.says}", found.rules)
    if 128 < number < 193:
        return Meaning(word, f"128 + {number - 128}, ended by signal {number - 128}.", (known["killed-by-signal"],))
    return Meaning(word, "an error of the program's own.", (known["container-crash"],)) if number < 256 else None


def _words() -> Iterator[Word]:
    for module in (container_states, event_reasons, controller_reasons):
        for group in vars(module).values():
            if isinstance(group, tuple):
                yield from group


@cache
def _printed() -> dict[str, Meaning]:
    """Give Kubernetes' own words exactly as they are printed."""
    known = catalogue()
    return {w.word: Meaning(w.word, w.says, tuple(known[code] for code in w.codes)) for w in _words()}


@cache
def _index() -> dict[str, Meaning]:
    """Give every name without case, blanks and dashes; Kubernetes' own words beat codes, and codes titles."""
    known = catalogue()
    # A title is looked up without what a question is stripped of: "The claim's volume is gone".
    titles = {rule.code: "".join(_trimmed(_tokens(rule.title), _AROUND)) for rule in known.values()}
    found = {_bare(titles[rule.code]): Meaning(rule.code, "", (rule,)) for rule in known.values()}
    found |= {_bare(rule.code): Meaning(rule.code, "", (rule,)) for rule in known.values()}
    found |= {_bare(word): meaning for word, meaning in _printed().items()}
    return found | {other: found[_bare(word)] for other, word in _ALSO.items()}


def _bare(text: str) -> str:
    lower = text.lower()
    return "".join(letter for letter in lower if letter.isalnum()) if lower.isascii() else lower


def where_seen(places: Iterable[str]) -> str:
    """Say in a sentence where the evidence shows what was asked for."""
    shown = list(dict.fromkeys(places))
    if not shown:
        return "Nothing in the evidence shows it."
    more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
    return f"Here it is seen at {', '.join(shown[:3])}{more}."
