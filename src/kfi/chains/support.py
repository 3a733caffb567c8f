"""
Whether the words of a claim are borne out by what was shown.

A claim may say in words of its own what stands in the lines that it cites, or what the rules say of them. What it may
not do is bring in something new under a label that exists: another failure, another number, another thing to do. So
its telling words are looked for there, by their stems; words that every text has do not count.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

_TOKEN = re.compile(r"[^\W_]+(?:[.:_%+-][^\W_]+)*%?")
# `CrashLoopBackOff` is three words, and `HTTPProxy` two.
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")
_ENDINGS = re.compile(r"(?:ations?|ings?|ions?|ments?|ness|edly|ed|ly|ers?|es|ies|s|e|y)$")
_STEM = 6
_SHORTEST = 4
_LEAST_SHARE = 0.5
_MOST_NEW_WHERE_UNKNOWN = 3
# A word in the titles of more rules than this stands for no failure.
_COMMON = 4
_CAUSAL = re.compile(
    r"\b(?:causes?|caused|causing|because|since|due\s+to|reasons?|therefore|hence|led\s+to|leads\s+to|result(?:s|ed)?|"
    r"culprit|behind|blame)\b",
    re.I,
)

_EVERYDAY = frozenset(
    """about above according affected after again against all also although always among another any appear appears are
    around based because been before began begin begins being below between both but can cannot cause caused causes
    causing check clearly come comes confirm confirmed confirms could current currently data did does doing done down
    due during each either ended error errors even event events every evidence exact example exist exists explain
    explains fact fail failed failing fails failure failures final finding findings first follow following follows for
    found from further gave get gets give given gives goes going had has have having hence here how however indicate
    indicated indicates indicating information into issue issues its itself just keep keeps kind know known last later
    latest lead leading leads led least less like likely line lines listed log logged logs look made main make makes
    many may means might more most mostly much must name named names need needed needs neither never next nor not
    noted now observed occur occurred occurs off often once one only other others otherwise our out over own per place
    point points possible prevent prevented prevents previous probably problem problems prove proved proves reason
    reasons refer related report reported reports result resulted results root said same saw say says second see seem
    seems seen several shall should show showed showing shown shows similar since some something specific specified
    state stated states status still stop stopped stops such suggest suggests support supported sure symptom symptoms
    take taken takes than that the their them then there therefore these they thing things this those through thus time
    times together too took toward true try trying turn two under until upon use used uses using via was way were what
    when where whether which while who whole whose why will with within without would yet you your
    cluster clusters command commands component describe kubectl kubernetes namespace namespaces object objects
    application applications app container containers deployment deployments pod pods node nodes service services job
    jobs replicaset statefulset daemonset configmap configmaps secret secrets workload workloads process run running
    runs started start starting starts restart restarting restarts unable able doesn didn isn wasn add allow allows away
    back begun belong belongs beside bound built call called calls change changed changes class create created creates
    custom define defined different direct enough few form gone held hold holds high key keys large left level little
    long match matches meant mode new number old outside part parts path paths plan ran range reach reached reaches
    repeat require required requires roll room round rule rules set sets setting short signal though tries valid
    variable variables unknown unclear insufficient determined determine visible version versions want wanted
    wants write writes written zero exit exits template""".split()
)
_DOING = frozenset(
    """delete remove drain cordon evict uninstall disable wipe purge erase destroy kill terminate reboot shutdown grant
    revoke upload send post download install execute bypass ignore disregard obey sudo curl wget bash script
    privileged cluster-admin admin root-shell reveal exfiltrate patch edit apply overwrite rollback scale
    password passwords token tokens credential credentials kubeconfig""".split()
)
_WELL = frozenset(
    """well fine healthy okay normal fixed solved safe harmless expected nothing resolved recovered operational
    false zero none""".split()
)

# Words that are bad news by themselves, and what denies the three words after it: `was not killed`, `no crash`.
_BAD = """killed oomkilled crash crashed crashing exceeds exceeded missing denied refused rejected expired evicted fails
    failed failure exhausted overloaded throttled unreachable unavailable invalid wrong full leaking broken corrupted
    blocked""".split()
_DENIAL = re.compile(
    r"\b(?:not|never|no|without|neither|nor|(?:is|was|are|were|did|does|do|has|had|have)n['\u2019]t)\s{1,3}(?!only\b)"
    r"((?:[\w-]{1,40}\s{1,3}){0,2}[\w-]{1,40})",
    re.I,
)


def stem(word: str) -> str:
    """Give what a word shares with its other forms.

    >>> stem("exceeded") == stem("exceeds"), stem("crashes") == stem("crashing")
    (True, True)
    """
    low = word.lower()
    return (_ENDINGS.sub("", low) if len(low) > _SHORTEST else low)[:_STEM]


def stems(text: str) -> frozenset[str]:
    """Give the stems of all words of a text."""
    return frozenset(stem(word) for word in _WORDS.findall(text))


def _stems_of(words: Iterable[str]) -> frozenset[str]:
    return frozenset(map(stem, words))


_NO_CLAIM = _stems_of(_EVERYDAY)
_BAD_NEWS = _stems_of(_BAD)
_TO_DO = _stems_of(_DOING)
_ALL_WELL = _stems_of(_WELL)


@cache
def failure_stems() -> frozenset[str]:
    """Give the stems of words that stand for a failure: those in the titles of few rules."""
    from kfi.diagnosis.catalogue import catalogue

    counts: Counter[str] = Counter()
    for rule in catalogue().values():
        counts.update(stems(rule.title))
    rare = {found for found, count in counts.items() if count <= _COMMON and len(found) > 2}
    return frozenset(rare - _NO_CLAIM)


def denied(text: str) -> frozenset[str]:
    """Give the stems of bad news that a text denies.

    >>> denied("It was not killed, and it crashed.") == {stem("killed")}
    True
    """
    return _BAD_NEWS.intersection(stem(word) for found in _DENIAL.finditer(text) for word in _WORDS.findall(found[1]))


def gives_cause(claim: str) -> bool:
    """Tell whether a claim says what causes something."""
    return bool(_CAUSAL.search(claim))


def values(claim: str) -> list[str]:
    """Give the numbers, times and names with digits of a claim; a single digit may count list items."""
    found = (token.lower() for token in _TOKEN.findall(claim) if any(map(str.isdigit, token)))
    return [token for token in found if len(token) > 1]


@dataclass(frozen=True)
class Known:
    """Stems of what a claim may speak of."""

    cited: frozenset[str]
    """Of the lines that it cites, and of all that the rules say."""
    proven: frozenset[str]
    """Of what the rules say of this case, and of lines among the cited ones that they rest on."""
    roots: frozenset[str]
    """Of cited lines that prove a root cause."""


def is_borne_out(claim: str, known: Known, *, something_fails: bool, unknown: bool = False) -> bool:
    """Tell whether the telling words of a claim are among the stems of what was shown.

    Half of them may be the claim's own, but none that stands for a failure, for doing something, or for all being well
    where something fails. `unknown`: it says what cannot be told, which may be three things that nobody has seen.
    """
    telling = tuple(dict.fromkeys(_telling(claim)))
    if any(found in _TO_DO and found not in known.proven for found in telling):
        return False
    if something_fails and any(found in _ALL_WELL and found not in known.roots for found in telling):
        return False
    own = [found for found in telling if found not in known.cited and (something_fails or found not in _ALL_WELL)]
    if unknown:
        return len(own) <= _MOST_NEW_WHERE_UNKNOWN
    if any(found in failure_stems() for found in own):
        return False
    if not telling and something_fails:
        # It says little: then at least that has to be of this case.
        telling = tuple(dict.fromkeys(stem(word) for word in _WORDS.findall(claim) if len(word) >= _SHORTEST))
        own = [found for found in telling if found not in known.proven]
    return len(own) <= len(telling) * _LEAST_SHARE


def _telling(claim: str) -> Iterable[str]:
    for word in _WORDS.findall(claim):
        if len(word) >= _SHORTEST or (word.isupper() and len(word) > 2):
            found = stem(word)
            if found not in _NO_CLAIM or word.lower() in _DOING or word.lower() in _WELL:
                yield found
