"""
What belongs in a list that somebody asks for: "failing pods in orchard", "BackOff events since 14:00".

The nouns of the question say what the rows are, the words around them narrow it down. What a word narrows is decided
here; whether anything has that state or name is for the evidence to tell.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator

from kfi.models.listing import Listed, Selection, State
from kfi.models.schemas import Intent, ObjectRef, QueryPlan
from kfi.retrieval.error_families import FEWER, ErrorFamily
from kfi.retrieval.label_selectors import without_labels
from kfi.retrieval.pointing import Pointed
from kfi.retrieval.query_analyzer import ORDINARY_WORDS, identifiers

_HAPPENINGS = {
    "event": Listed.EVENTS, "events": Listed.EVENTS, "warning": Listed.EVENTS, "warnings": Listed.EVENTS,
    "log": Listed.LOGS, "logs": Listed.LOGS, "alert": Listed.ALERTS, "alerts": Listed.ALERTS,
    "error": Listed.PROBLEMS, "errors": Listed.PROBLEMS,
}  # fmt: skip
_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
_KINDS: dict[str, tuple[str, ...]] = {
    "pod": ("Pod",), "po": ("Pod",), "container": ("Container",), "node": ("Node",), "deployment": ("Deployment",),
    "deploy": ("Deployment",), "statefulset": ("StatefulSet",), "sts": ("StatefulSet",), "daemonset": ("DaemonSet",),
    "ds": ("DaemonSet",), "replicaset": ("ReplicaSet",), "rs": ("ReplicaSet",), "job": ("Job",),
    "cronjob": ("CronJob",), "service": ("Service",), "svc": ("Service",), "ingress": ("Ingress",),
    "ingresse": ("Ingress",), "pvc": ("PersistentVolumeClaim",), "claim": ("PersistentVolumeClaim",),
    "persistentvolumeclaim": ("PersistentVolumeClaim",), "pv": ("PersistentVolume",),
    "volume": ("PersistentVolumeClaim", "PersistentVolume"), "configmap": ("ConfigMap",), "secret": ("Secret",),
    "namespace": ("Namespace",), "hpa": ("HorizontalPodAutoscaler",), "workload": _WORKLOADS,
    "object": (), "resource": (), "restart": ("Pod",),
}  # fmt: skip
_NOUN = "|".join(sorted((*_HAPPENINGS, *(rf"{kind}s?" for kind in _KINDS)), key=len, reverse=True))
# "Pod events", "log errors": the last word says what the rows are, those before it whose they are.
_HEAD = re.compile(rf"(?<![\w/.-])(?P<run>(?:{_NOUN})(?: (?:{_NOUN})(?![\w/=.-]))*)(?![\w/=.-])", re.I | re.A)
_OF_KIND = re.compile(
    rf"\b(?:of|for|about|from|on) (?:(?:all|any|the|every|our|my) ){{0,2}}(?P<kind>{_NOUN})(?![\w/=.-])(?! [\w-]*\d)",
    re.I | re.A,
)
_IN_LOGS = re.compile(r"\blogs?\b", re.I)
_WARNING = re.compile(r"\bwarnings?\b", re.I)
_NORMAL = re.compile(r"\bnormal\b", re.I)
_STATES = (
    (State.NOT_READY, rf"{FEWER} (?:ready|available|up|running)|not[ -]?ready|no ready|unready|"
     r"not (?:yet )?(?:available|bound|healthy)|unavailable|un-?bound"),
    (State.CRASHING, r"crash\w*|dying|oom\w*"),
    (State.RESTARTED, r"restart\w*|reboot\w*"),
    (State.PENDING, r"pending|unscheduled|unschedulable|not scheduled|waiting|stuck"),
    (State.FAILING, r"fail\w*|broken|unhealthy|bad|erroring|errored|in (?:trouble|error)|down|not (?:running|working)|"
     r"problematic|wrong"),
    (State.FINISHED, r"complete|completed|finished|succeeded|done"),
    (State.READY, r"ready|healthy|available|bound|up"),
    (State.RUNNING, r"running"),
)  # fmt: skip
_STATE_PATTERNS = tuple((state, re.compile(rf"\b(?:{words})\b", re.I | re.A)) for state, words in _STATES)
# Words that Kubernetes writes so: BackOff, FailedScheduling, CrashLoopBackOff, OOMKilled.
_KUBERNETES_WORD = re.compile(
    r"(?<![\w/.-])(?:[A-Z][a-z]{1,40}(?:[A-Z][a-z]{0,40}){1,10}|OOM[A-Z][a-z]{1,20})(?![\w/=-])"
)
_NOT_REASONS = frozenset("NotReady ConfigMap StatefulSet ReplicaSet DaemonSet CronJob StorageClass".split())
# Of Pods these are what kubectl prints; of anything else they are states as well.
_STATUS_WORDS = re.compile(
    r"\b(?:CrashLoopBackOff|ImagePullBackOff|ErrImagePull|OOMKilled|Evicted|Terminating|ContainerCreating|Unknown|"
    r"CreateContainerConfigError|InvalidImageName|Init:\w+|Error)\b"
)
_BEFORE_EVENTS = re.compile(r"(?<![\w/.-])([A-Za-z]{3,30}) (?:events?|warnings?|alerts?)\b", re.A)
_SAY_NOTHING = frozenset(
    "all any the every each many much some few new recent latest last past most warning normal kubernetes cluster show "
    "list get give find what which are there and these those other previous today yesterday current our fetch print "
    "display count enumerate error active firing log kube namespace".split()
)
_SIZE = re.compile(
    r"\b(?:last|latest|newest|most recent|first|top) ([0-9]{1,3}) "
    r"(?!(?:second|sec|minute|min|hour|day|week)s?\b|[smhdw]\b)"
    rf"(?:[\w-]{{1,40}} ){{0,2}}?(?:{_NOUN})\b",
    re.I | re.A,
)
# "events of cart-9": in a list, a name that nothing has must not be passed over.
_OF_NAME = re.compile(
    r"\b(?:of|for|about) (?:(?:the|our|my) )?(?P<name>[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)"
    r"(?=\s*(?:$|[?!,;]|\b(?:in|since|on|from|between|during|today|yesterday|after|before)\b))",
    re.A,
)
_IN = re.compile(r"\b(?:in|from|of) (?:the )?([a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)(?![\w-])", re.A)
_NO_NAMES = frozenset("type level severity interest note everything anything me us it them that this last past".split())
_OOM_KILLED = "OOMKilled"
# Of these, Events and logs speak in the same few words.
_SAID_BY = {
    ErrorFamily.TIMEOUT: ("timeout", "timed out", "deadline exceeded"),
    ErrorFamily.PROBE: ("probe",),
    ErrorFamily.CERTIFICATE: ("x509", "certificate"),
}
_ENDINGS = re.compile(r"(?:ions?|ings?|ed|s|e)\Z")


def wants_list(plan: QueryPlan) -> bool:
    """Tell whether a question asks for everything of a sort, or how much of it there is."""
    return plan.intent in (Intent.LIST, Intent.COUNT)


def size_of(question: str) -> int | None:
    """Give how many rows a question asks for: "the last 5 warnings"; None where it asks for all."""
    match = _SIZE.search(question)
    return int(match[1]) or None if match else None


def selection_of(plan: QueryPlan, pointed: Pointed, names: Collection[str], namespaces: Collection[str]) -> Selection:
    """Give what belongs in the list that a question asks for.

    `pointed` says which objects it names; `names` and `namespaces` are those that the evidence has.
    """
    question, found = plan.question, plan.metadata
    what, kinds = _head(question)
    killed = _HEAD.search(question) is None and (found.error_type or "").lower().startswith("oom")
    if killed:
        # A kernel's words differ; what a Pod shows of it is always the same.
        what, kinds = Listed.OBJECTS, ("Pod",)
    on_objects = what is Listed.OBJECTS
    unlabelled = without_labels(question)
    return Selection(
        what=what,
        kinds=kinds,
        namespace=found.namespace or _place(question, namespaces),
        cluster=found.cluster or "",
        objects=_named(pointed, plan, "" if kinds == ("Node",) else found.node or ""),
        names=pointed.missing or tuple(_unknown(question, pointed, (*names, *namespaces))),
        labels=found.labels_dict,
        labels_excluded=found.labels_excluded,
        node=found.node if found.node and kinds != ("Node",) else "",
        state=_state(unlabelled) if on_objects else None,
        status=_OOM_KILLED if killed else _status(unlabelled) if on_objects else "",
        event_type=_event_type(question) if what in (Listed.EVENTS, Listed.PROBLEMS) else "",
        words=() if on_objects else tuple(_words(unlabelled)) or _of_family(plan, what),
        since=found.since,
        until=found.until,
    )


def _head(question: str) -> tuple[Listed, tuple[str, ...]]:
    """Give what the rows are, and of which kinds; without a noun, all that went wrong."""
    match = _HEAD.search(question)
    if match is None:
        return Listed.PROBLEMS, ()
    *owners, head = match["run"].lower().split()
    if head not in _HAPPENINGS:
        return Listed.OBJECTS, _kinds((head,))
    of = _OF_KIND.search(question, match.end())
    kinds = _kinds([*owners, *([of["kind"].lower()] if of else [])])
    in_logs = head not in ("event", "events") and any(word in ("log", "logs") for word in owners)
    if in_logs or (head in ("error", "errors") and _IN_LOGS.search(question)):
        return Listed.LOGS, kinds
    return _HAPPENINGS[head], kinds


def _kinds(nouns: Iterable[str]) -> tuple[str, ...]:
    found = (_KINDS.get(noun) or _KINDS.get(noun.removesuffix("s"), ()) for noun in nouns)
    return tuple(dict.fromkeys(kind for kinds in found for kind in kinds))


def _named(pointed: Pointed, plan: QueryPlan, node: str) -> tuple[ObjectRef, ...]:
    """Give the objects that the question itself names: a Pod's events are not those of its whole Deployment."""
    labels = plan.metadata.labels_dict or plan.metadata.labels_excluded
    words = identifiers(without_labels(plan.question) if labels else plan.question)
    objects = tuple(ref for ref in pointed.objects if not (ref.kind == "Node" and ref.name == node))
    exact = tuple(ref for ref in objects if ref.name in words)
    return exact if labels else exact or objects


def _place(question: str, namespaces: Collection[str]) -> str:
    """Give the namespace after "in", where there is one of that name."""
    return next((place for place in _IN.findall(question) if place in namespaces), "")


def _unknown(question: str, pointed: Pointed, known: Collection[str]) -> Iterator[str]:
    """Yield the name after "of" where nothing has it, not even in part."""
    match = None if pointed.objects else _OF_NAME.search(question)
    name = match["name"] if match else ""
    if name and name not in known and name not in ORDINARY_WORDS | _NO_NAMES and not _HEAD.fullmatch(name):
        yield name


def _state(question: str) -> State | None:
    return next((state for state, pattern in _STATE_PATTERNS if pattern.search(question)), None)


def _status(question: str) -> str:
    match = _STATUS_WORDS.search(question)
    return match[0] if match else ""


def _event_type(question: str) -> str:
    if _WARNING.search(question):
        return "Warning"
    return "Normal" if _NORMAL.search(question) else ""


def _words(question: str) -> Iterator[str]:
    """Yield the words of which one has to be in what is listed: reasons, and what stands before "events"."""
    named = [word for word in _KUBERNETES_WORD.findall(question) if word not in _NOT_REASONS]
    yield from named
    before = _BEFORE_EVENTS.search(question)
    if before and not named and before[1].lower() not in _SAY_NOTHING and not _kinds((before[1].lower(),)):
        yield _ENDINGS.sub("", before[1].lower())


def _of_family(plan: QueryPlan, what: Listed) -> tuple[str, ...]:
    """Give what stands in everything of the sort of failure that is asked for: "any timeouts today?"."""
    family = plan.metadata.error_family if what is Listed.PROBLEMS else None
    return _SAID_BY.get(ErrorFamily(family), ()) if family else ()


def reads_errors(question: str) -> bool:
    """Tell whether only log messages that call themselves errors are asked for."""
    return re.search(r"\berrors?\b|\bfail\w*\b|\bexceptions?\b", question, re.I) is not None
