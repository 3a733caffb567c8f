"""
How well a candidate answers a question, from what is known of it without a model: names, reasons, words, ranks, time.

Each feature gives a number from 0 to 1; the score is their weighted sum, so it can be explained feature by feature.
It needs no weights file and takes milliseconds.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from types import MappingProxyType

from kfi.config import EMBEDDED_RERANKER
from kfi.models.schemas import DocumentKind, ObjectRef, QueryMetadata, Severity, Value
from kfi.retrieval.alert_families import family_of
from kfi.retrieval.error_families import ErrorFamily
from kfi.retrieval.focus import STOP_WORDS, asked_words, troubled, words_of
from kfi.retrieval.query_analyzer import QueryAnalyzer
from kfi.retrieval.reranker import Candidate, generated_from

# A card and twelve ordinary lines; a line of a log may be a megabyte.
_READ_CHARS = 3_000
_QUERY_CHARS = 8_000
# Each is compared with each candidate.
_MOST_NAMES = 64
# A container's name, or the name of a Pod's workload; what only shares a namespace has less.
_OWN_NAME = 0.6
_NAME_LIKE = re.compile(r"[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?")
_SEVERITIES = MappingProxyType({Severity.ERROR: 1.0, Severity.WARNING: 0.6, Severity.NORMAL: 0.0})
_UNSAID = 0.5
# Ranks fall to half their weight at place 11: fusion's usual 60 would make the first and the tenth almost equal.
_RANK_OFFSET = 10
_LEGS = 3
# Seconds behind the newest candidate after which recency is half.
_HALF_LIFE_S = 3600.0
_UNDATED = 0.5
# What kubectl says when it could not fetch a log is nothing that a container said.
_REFUSED_CALL = re.compile(r"(?m)^(?:Error from server \(\w{1,40}\):|error: the server )")
_EVENTS = re.compile(r"\bevents?\b")
_KINDS = (
    "pod pods deployment deployments deploy statefulset daemonset replicaset job cronjob service services svc node "
    "nodes ingress pvc pv configmap secret namespace container containers image event events log logs"
)
_NO_NAMES = STOP_WORDS.union(_KINDS.split())
# Of what is asked about, and not of what is wrong with it; `kind` counts them.
_KIND_WORDS = words_of(_KINDS) - words_of("image")


class Weights(Value):
    """How much each feature counts: learned by `benchmarks/weights.py` from the project's own incidents.

    Others are read with `Weights.model_validate_json`.
    """

    entity: float = 2.8
    """Being about what the question names counts most: the right reason on a wrong object answers nothing."""
    finding: float = 1.74
    """What a rule cites proves something; the question's words need not stand in it."""
    lead: float = 0.81
    """What a rule quotes before all else says what is wrong; the rest of its lines agree with it."""
    reason: float = 2.09
    """The failure that the question speaks of."""
    words: float = 3.07
    """The question's words, rare ones more: all of them in one place beat what a rule cites about something else."""
    pointed: float = 1.37
    """About an object the question names, also where the text does not repeat its name."""
    legs: float = 1.31
    """What several searches rank high; least where names and reasons already agree."""
    severity: float = 0.91
    """Trouble before normal state, among equals."""
    neighbour: float = 0.69
    """Causes live next door, but so does much that is fine."""
    kind: float = 0.36
    """The kind of object that the question names: a hint, since causes are often of another kind."""
    recency: float = 0.2
    """Newer before older, among equals."""
    event: float = -0.04
    """Events say what happened; states only what is."""
    routine: float = -1.5
    """What the cluster does all day (Pulled, Created, Scaled up) hides what went wrong."""
    quiet: float = -0.3
    """An object in which nothing is wrong and on which no finding rests."""
    row: float = -1.47
    """A row of a table says that an object is there and what state it is in, and seldom why."""


@dataclass(frozen=True)
class Asked:
    """A question, made ready for being compared with many candidates."""

    low: str
    """Its text, in lower case."""
    words: frozenset[str]
    names: frozenset[str]
    """Its words that may be names of objects."""
    metadata: QueryMetadata
    family: frozenset[str]
    """Words that tell of the failure it speaks of."""
    rarity: Mapping[str, float]
    """Weight of each of its words: high where few candidates have it."""
    newest: datetime | None
    """Time of the newest candidate."""
    events: bool = False
    """Whether it asks for Events."""


@dataclass(frozen=True)
class Read:
    """A candidate and its words."""

    candidate: Candidate
    words: frozenset[str]


Feature = Callable[[Asked, Read], float]


class FeatureScorer:
    """Scores by features. Stateless, and loads nothing."""

    name = EMBEDDED_RERANKER

    def __init__(self, weights: Weights | None = None) -> None:
        self._weights = weights or Weights()
        self._analyzer = QueryAnalyzer()

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        """Give the weighted sum of the features of each candidate, in their order."""
        return [sum(added.values()) for added in self.contributions(query, candidates)]

    def contributions(self, query: str, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
        """Give what each feature adds to the score of each candidate, in their order: its value times its weight."""
        weights = self._weights.model_dump()
        return [{name: weights[name] * value for name, value in one.items()} for one in self.values(query, candidates)]

    def values(self, query: str, candidates: Sequence[Candidate]) -> list[dict[str, float]]:
        """Give each candidate's features as they are, not weighted."""
        read = [_read(candidate) for candidate in candidates]
        asked = self._ask(query, read)
        return [{name: feature(asked, one) for name, feature in FEATURES.items()} for one in read]

    def explain(self, query: str, candidate: Candidate, among: Sequence[Candidate] = ()) -> dict[str, float]:
        """Give what each feature adds to a candidate's score, where it is ranked among others."""
        return self.contributions(query, [candidate, *(other for other in among if other != candidate)])[0]

    def warm_up(self) -> None:
        """Do nothing: there is nothing to load."""

    def _ask(self, query: str, read: Sequence[Read]) -> Asked:
        query = query[:_QUERY_CHARS]
        low = query.lower()
        names = _names(low)
        words = asked_words(query) - _words_of_names(names, read) - _KIND_WORDS
        times = [one.candidate.last_time for one in read if one.candidate.last_time]
        return Asked(
            low=low,
            words=words,
            names=names,
            metadata=self._analyzer.extract_k8s_metadata(query),
            family=_family(query),
            rarity=_rarity(words, read),
            newest=max(times, default=None),
            events=_EVENTS.search(low) is not None,
        )


def _read(candidate: Candidate) -> Read:
    named = f"{candidate.ref.name} {candidate.ref.container} {candidate.reason}"
    return Read(candidate, words_of(f"{named} {candidate.text[:_READ_CHARS]}"))


def _names(low: str) -> frozenset[str]:
    found = dict.fromkeys(word for word in _NAME_LIKE.findall(low) if word not in _NO_NAMES)
    return frozenset(islice(found, _MOST_NAMES))


def _words_of_names(names: frozenset[str], read: Sequence[Read]) -> frozenset[str]:
    """Give the words of those names that objects have: `entity` counts them, and they say nothing of what is wrong."""
    refs = {one.candidate.ref for one in read}
    known = (name for name in names if any(_named(name, ref, "") >= _OWN_NAME for ref in refs))
    return frozenset(word for name in known for word in words_of(name))


def _rarity(words: frozenset[str], read: Sequence[Read]) -> Mapping[str, float]:
    held_by = Counter(word for one in read for word in words & one.words)
    # BM25's form: above 0 also for a word that all have.
    return {word: math.log1p((len(read) - held_by[word] + 0.5) / (held_by[word] + 0.5)) for word in words}


def entity(asked: Asked, one: Read) -> float:
    """Match the question's names with the object's: its own 1, its workload's 0.9, down to its text's.

    The lines that a finding cites of a neighbour say why what is named fails: the claim that a Pod waits for.
    """
    candidate = one.candidate
    near = 0.5 if candidate.finding_rank is not None else 0.0
    proof = 0.9 if candidate.proves else near
    beside = 0.6 if candidate.beside else 0.0
    named = (_named(name, candidate.ref, candidate.text) for name in asked.names)
    return max((proof, beside, *named))


def _named(name: str, ref: ObjectRef, text: str) -> float:
    if name == ref.name:
        return 1.0
    if generated_from(ref.name, name):
        return 0.9
    if name == ref.container:
        return 0.6
    # The question names a Pod, and this is the workload above it.
    if ref.name and generated_from(name, ref.name):
        return 0.6
    if name == ref.namespace:
        return 0.2
    return 0.4 if "-" in name and name in text[:_READ_CHARS] else 0.0


def kind(asked: Asked, one: Read) -> float:
    """Tell whether the object is of the kind that the question names."""
    return float(asked.metadata.kind is not None and asked.metadata.kind == one.candidate.ref.kind)


def reason(asked: Asked, one: Read) -> float:
    """Match the failure: the reason's own word in the question 1, its family in the reason 0.8, in the text 0.5.

    What goes well has the same words (`Pulling`) and counts half.
    """
    own = one.candidate.reason
    if own and own.lower() in asked.low:
        return 1.0
    share = 0.5 if one.candidate.severity is Severity.NORMAL else 1.0
    if own and asked.family & words_of(own):
        return 0.8 * share
    return 0.5 * share if asked.family & one.words else 0.0


def words(asked: Asked, one: Read) -> float:
    """Give the share of the question's words that the text has, rare words counting more."""
    every = sum(asked.rarity.values())
    # Summed in order: sets of strings differ in theirs from run to run, and so would the last digit.
    return sum(asked.rarity[word] for word in sorted(asked.words & one.words)) / every if every else 0.0


def severity(_asked: Asked, one: Read) -> float:
    """Give 1 for an error, 0.6 for a warning, 0.5 for a log that calls itself neither and has words of failure."""
    candidate = one.candidate
    if _refused_call(candidate):
        return 0.0
    given = _SEVERITIES.get(candidate.severity, 0.0) if candidate.severity else 0.0
    return given or _UNSAID * (candidate.kind is DocumentKind.LOG and troubled(candidate.text))


def _refused_call(candidate: Candidate) -> bool:
    """Tell whether it is no log, but what kubectl said when it could not get one."""
    return candidate.kind is DocumentKind.LOG and _REFUSED_CALL.search(candidate.text[:_READ_CHARS]) is not None


def event(_asked: Asked, one: Read) -> float:
    """Tell whether it is an Event."""
    return float(one.candidate.kind is DocumentKind.EVENT)


def routine(asked: Asked, one: Read) -> float:
    """Tell whether it is an Event of what goes well, or a Namespace, and nobody asked for it or builds on it."""
    candidate = one.candidate
    if _refused_call(candidate):
        return 1.0
    if candidate.ref.kind == "Namespace":
        return float(asked.metadata.kind != "Namespace" and candidate.finding_rank is None)
    if candidate.kind is not DocumentKind.EVENT or candidate.severity is not Severity.NORMAL:
        return 0.0
    telling = asked.events or candidate.finding_rank is not None or troubled(candidate.text)
    return float(not telling)


def quiet(_asked: Asked, one: Read) -> float:
    """Tell whether it is an object without trouble, and no finding rests on it."""
    candidate = one.candidate
    proves = candidate.finding_rank is not None or candidate.severity in (Severity.ERROR, Severity.WARNING)
    return float(candidate.kind is DocumentKind.OBJECT and not proves)


def row(_asked: Asked, one: Read) -> float:
    """Give 1 for a healthy object's row in a table, a half where it shows trouble or a finding rests on it."""
    candidate = one.candidate
    healthy = candidate.finding_rank is None and candidate.severity is Severity.NORMAL
    return candidate.row * (1.0 if healthy else 0.5)


def recency(asked: Asked, one: Read) -> float:
    """Give 1 for the newest candidate, half for each hour behind it; what has no time stands in the middle."""
    last = one.candidate.last_time
    if last is None or asked.newest is None:
        return _UNDATED
    return math.pow(0.5, (asked.newest - last).total_seconds() / _HALF_LIFE_S)


def finding(_asked: Asked, one: Read) -> float:
    """Give 1 where the most important finding cites it, then a half, then a third."""
    rank = one.candidate.finding_rank
    return 0.0 if rank is None else 1 / (1 + rank)


def lead(_asked: Asked, one: Read) -> float:
    """Give 1 where the most important finding quotes one of its lines first, then a half, then a third."""
    rank = one.candidate.lead_rank
    return 0.0 if rank is None else 1 / (1 + rank)


def legs(_asked: Asked, one: Read) -> float:
    """Give the reciprocal ranks of the legs that found it: 1 where all have it first."""
    ranks = {leg.leg: leg.rank for leg in one.candidate.legs}
    return min(sum((_RANK_OFFSET + 1) / (_RANK_OFFSET + max(rank, 1)) for rank in ranks.values()) / _LEGS, 1.0)


def pointed(_asked: Asked, one: Read) -> float:
    """Tell whether it is about an object that the question points at."""
    return float(one.candidate.pointed)


def neighbour(_asked: Asked, one: Read) -> float:
    """Tell whether it is about a neighbour of one of those."""
    return float(one.candidate.neighbour)


FEATURES: Mapping[str, Feature] = MappingProxyType({
    one.__name__: one
    for one in (
        entity, finding, lead, reason, words, pointed, legs, severity, neighbour, kind, recency, event, routine, quiet,
        row,
    )
})  # fmt: skip
"""Every feature by its name, which is also the name of its weight."""


def _family(query: str) -> frozenset[str]:
    """Give the words that tell of the failure a question speaks of; empty where it only says that something fails."""
    family = family_of(query)
    return _TOLD.get(family, frozenset()) if family else frozenset()


# Words with which Kubernetes tells of each failure. Lower case: parts of a reason (`BackOff`) are common to several.
_TOLD: Mapping[ErrorFamily, frozenset[str]] = MappingProxyType({
    family: words_of(told)
    for family, told in {
        ErrorFamily.CRASH: "crashloopbackoff backoff crash exit panic fatal terminated starterror oomkilled",
        ErrorFamily.STARTUP: "containercreating podinitializing createcontainererror failedcreatepodsandbox "
        "failedmount createcontainerconfigerror starterror backoff failedscheduling imagepullbackoff",
        ErrorFamily.IMAGE: "imagepullbackoff errimagepull errimageneverpull invalidimagename pull manifest",
        ErrorFamily.MEMORY: "oomkilled oomkilling oom systemoom memorypressure 137 heap",
        ErrorFamily.CPU: "cputhrottlinghigh throttl cpu",
        ErrorFamily.SCHEDULING: "failedscheduling unschedulable pending taint affinity insufficient preemption",
        ErrorFamily.STORAGE: "failedmount failedattachvolume provisioningfailed diskpressure mount volume enospc "
        "persistentvolumeclaim failedbinding",
        ErrorFamily.CONFIG: "createcontainerconfigerror configmap secret missing invalid",
        ErrorFamily.PROBE: "unhealthy probeerror probewarning probe readiness liveness startup",
        ErrorFamily.NETWORK: "refused unreachable networkpolicy dial econnrefused route endpoint "
        "failedcreatepodsandbox",
        ErrorFamily.DNS: "dns lookup resolve nxdomain servfail enotfound host coredns",
        ErrorFamily.CERTIFICATE: "x509 certificate tls expired handshake authority",
        ErrorFamily.NODE: "nodenotready notready evicted pressure kubelet cordon drain nodehasdiskpressure",
        ErrorFamily.QUOTA: "quota exceeded failedcreate limitrange forbidden",
        ErrorFamily.PERMISSION: "forbidden denied unauthorized serviceaccount clusterrole eacces permission",
        ErrorFamily.ADMISSION: "webhook admission denied failedcreate violates",
        ErrorFamily.TIMEOUT: "timeout deadlineexceeded deadline etimedout",
        ErrorFamily.AVAILABILITY: "unavailable minimumreplicasunavailable notready endpoint 503 502",
        ErrorFamily.LATENCY: "slow latency cputhrottlinghigh throttl timeout deadline",
        ErrorFamily.ROLLOUT: "progressdeadlineexceeded minimumreplicasunavailable replicafailure rollout",
        ErrorFamily.SCALING: "failedgetresourcemetric failedcomputemetricsreplicas horizontalpodautoscaler scale",
        ErrorFamily.JOB: "backofflimitexceeded deadlineexceeded job cronjob toomanymissedtimes",
        ErrorFamily.DELETION: "terminating finalizer failedkillpod deletion",
        ErrorFamily.APPLICATION: "exception traceback 500 502 503 504",
    }.items()
})  # fmt: skip
