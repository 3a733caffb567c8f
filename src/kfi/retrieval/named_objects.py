"""
What a question calls by name: objects, namespace, container, node.

Only what the question says is extracted; whether an object of that name exists is for the snapshot to tell. A name is
lower-case however the sentence is written, and a plain English word beside a kind is no name unless it is quoted,
called one, or stands where only a name can stand: a wrong name costs more than a missed one, since a name in the
question that an object has is found anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from kfi.retrieval.error_families import find_error
from kfi.retrieval.known_names import NOTHING_KNOWN, KnownNames

KINDS = {
    "po": "Pod", "pod": "Pod", "pods": "Pod",
    "deploy": "Deployment", "deployment": "Deployment", "deployments": "Deployment",
    "sts": "StatefulSet", "statefulset": "StatefulSet", "statefulsets": "StatefulSet",
    "ds": "DaemonSet", "daemonset": "DaemonSet", "daemonsets": "DaemonSet",
    "rs": "ReplicaSet", "replicaset": "ReplicaSet", "replicasets": "ReplicaSet",
    "job": "Job", "jobs": "Job", "cronjob": "CronJob", "cronjobs": "CronJob", "cj": "CronJob",
    "svc": "Service", "service": "Service", "services": "Service", "sa": "ServiceAccount",
    "serviceaccount": "ServiceAccount", "ing": "Ingress", "ingress": "Ingress", "netpol": "NetworkPolicy",
    "networkpolicy": "NetworkPolicy", "hpa": "HorizontalPodAutoscaler",
    "horizontalpodautoscaler": "HorizontalPodAutoscaler", "pdb": "PodDisruptionBudget",
    "poddisruptionbudget": "PodDisruptionBudget",
    "pvc": "PersistentVolumeClaim", "pvcs": "PersistentVolumeClaim", "claim": "PersistentVolumeClaim",
    "persistentvolumeclaim": "PersistentVolumeClaim",
    "pv": "PersistentVolume", "persistentvolume": "PersistentVolume", "cm": "ConfigMap",
    "configmap": "ConfigMap", "secret": "Secret",
    "no": "Node", "node": "Node", "nodes": "Node",
}  # fmt: skip
"""Kinds by the words that people have for them."""

# Words that follow a kind in plain English without being a name: "the pod is crashing", "service in prod".
NOT_NAMES = frozenset(
    "a an and are at be been being by can cannot could crash crashed crashes crashing down does doing error errors "
    "evicted fail failed failing fails for from get gets getting has have in into is it its keeps killed kind named "
    "not of on or pending ready restart restarted restarting restarts running slow so stuck that the their there they "
    "this to unavailable unreachable was were what when where which who why will with won work working as than then "
    "doesn isn aren wasn weren hasn haven hadn didn couldn shouldn wouldn doesnt isnt arent wasnt hasnt havent didnt "
    "dont wont cant ist sind wird war hat kann nicht est sont sera ne pas es son est\u00e1 non "
    "der die das dem den im ein eine le la du un une el del kubernetes k8s".split()
)
"""English that is never taken for a name."""

# What else stands beside a kind, a container or a namespace without being its name.
_NOUNS = frozenset(
    "create delete describe list show check remove edit scale watch "
    "access account accounts affinity alert alerts all also always again any after autoscaler autoscaling away back "
    "backups because before both broke budget build but called capacity change changes class cluster communication "
    "config configuration connection container containers controller count cpu creating creation current data dead "
    "deleted deletion did different disk discovery disruption dns dying each endpoints entire entry env environment "
    "event events ever every everything exceeded existing exits exporter fine foo full go goes gone group hangs "
    "health healthy here history i if image images init interruption issue issues just keep key keys kept kernel "
    "known last latency leaks level like limit limits log logs looks lost main manifest matched may me memory mesh "
    "metrics missing more mount mounts must my name names namespace namespaces need needs network networking never "
    "new no node nodes none now object off old once one only ok okay other our out outage over own per performance "
    "phase policy pool port ports pressure probe probes problem problems process progress pull quota quotas rbac "
    "reference registry remains replica replicas reports request requests resource resources response revision right "
    "rollout rollouts rotation run runs runtime same says schedule scheduling scope scoped security seems selector "
    "separate several shell shows should shuts sidecar since single sometimes somehow spec start started starting "
    "starts startup state status stays still stop stopped stops storage strategy suddenly take takes target template "
    "terminated terminates terminating termination test then these three throws time times timed today too tool "
    "traffic two type unknown until up update updates upgrade upgrades usage use used user users using value values "
    "version volume volumes wait waiting waits we went while whole wide without would wrong yaml yesterday you "
    "your second first third dedicated shared nonexistent lifecycle label labels annotation annotations admin admins "
    "owner owners boundary boundaries isolation lookup lookups record records pid ipc uts cgroup linux multiple "
    "various certain many most some few balancer handshake cycle drive arch date".split()
)
# These answer "in what?" without being a namespace.
_NO_PLACES = frozenset(
    "total general parallel place production question turn use kubernetes k8s k3s eks gke aks openshift minikube "
    "docker aws gcp azure between order fact case addition particular need charge sync recent completed failure "
    "evidence loop trouble time dev-mode maintenance january february march april june july august september october "
    "november december succession summary short detail practice response relation front queue limbo flight terms "
    "spite lieu line view hell backlog standby rotation motion effect retry backoff crashloop deadlock bad good poor "
    "weird strange constant permanent perpetual endless infinite continuous real such code browser browsers console "
    "grafana prometheus kibana loki dmesg journald journalctl syslog stdout stderr java python english german tests "
    "chrome firefox safari slack red dashboard dashboards output input circles background waves turns batches bulk "
    "sequence".split()
)
# A word before these says what kind of place it is: "in the eu cluster".
_PLACES = frozenset(
    "cluster clusters environment env region zone tier stage state status phase mode loop rack vpc az".split()
)
_NOT_GENERATED = frozenset(
    "k8s k3s e.g i.e x86 amd64 arm64 ipv4 ipv6 s3 ec2 http2 oauth2 h100 a100 one-off not-ready non-ready non-running "
    "crash-looping crash-loop long-running multi-container multi-node single-node in-cluster on-prem re-created "
    "auto-scaling auto-scaled newly-created high-availability up-to-date back-off time-out load-balancing "
    "load-balancer tls-handshake".split()
)
# English of two words or more: "restart-count", "pod-to-pod"; what they stand before is English too.
_FIRST_HALVES = frozenset(
    "re pre post anti auto self multi non cross inter over under out end start restart roll back shut hand life kernel "
    "hard scale oom high low to up".split()
)
_COMPOUND = re.compile(r"[a-z]+-(?:of|to)-[a-z]+|to-[a-z]+|[a-z]+-(?:related|wide|specific|encoded|based|only|level)")
_PLAINLY_NAMED = frozenset("Deployment StatefulSet DaemonSet ReplicaSet CronJob ConfigMap".split())

_QUOTE = "[`'\"\u2018\u2019\u201c\u201d]"
_NAME = r"(?-i:[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?)"
_LABEL = r"(?-i:[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?)"
_GAP = r"\s{1,4}"
_END = r"(?![\w-])"
_KIND = "|".join(sorted(KINDS, key=len, reverse=True))
# A word of its own in many languages, and a node only before a slash.
_SAID_KIND = "|".join(word for word in _KIND.split("|") if word != "no")
_NAMESPACED = "|".join(word for word in _KIND.split("|") if KINDS[word] not in ("Node", "PersistentVolume"))


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile(words, re.I | re.A)


_SLASHED = _pattern(rf"(?<![\w/.-])({_KIND})(?:\.[a-z0-9.]{{1,60}})?/(?:({_LABEL})/)?({_NAME})(?![\w/-])")
_PLACED = _pattern(rf"(?<![\w/.-])({_LABEL})/({_KIND})/({_NAME})(?![\w/-])")
# The name is only looked at, so that it can be the kind of the next match: "the deployment service cart-api".
_SPOKEN = _pattern(
    rf"(?<![\w/-])({_SAID_KIND}):?{_GAP}(?=((?:named|called){_GAP}{_QUOTE}?|{_QUOTE})?(?:({_LABEL})/)?({_NAME}){_END}(?!=))"
)
_REVERSED = _pattern(rf"(?<![\w/.=,-])(?<!\bon )(?<!\bin )({_QUOTE})?({_NAME}){_QUOTE}?{_GAP}({_SAID_KIND})\b(?![/-])")
# ReplicaSets and Pods end in letters that spell no word: k8s.io/apimachinery/pkg/util/rand.
_HASHED = _pattern(
    r"(?<![\w/.=-])((?-i:[a-z0-9][-a-z0-9]{0,200}-[bcdfghjklmnpqrstvwxz2456789]{6,10}-[bcdfghjklmnpqrstvwxz2456789]{5}))"
    rf"{_END}"
)
# How the kubelet writes a Pod: `cart-7d9_orchard(1f3a9c02-…)`.
_KUBELET = _pattern(rf"(?<![\w/.-])({_NAME})_({_LABEL})\([0-9a-f][0-9a-f-]{{3,40}}\)")
# As labels of metrics and JSON have it: `pod="cart-0"`, `"pod": "cart-0"`.
_SET = r"[\"']?(?: ?= ?[\"']?| ?: ?[\"'])"
_SET_OBJECT = _pattern(rf"(?<![\w/.-])(pod|node){_SET}({_NAME})(?![\w*-])")
# Numbers follow the -n and the -c of other tools; namespaces and containers are none.
_FLAGGED_NAMESPACE = re.compile(
    rf"(?<!uname)(?<!echo)(?<!sort)(?<!grep)(?<!sed)(?:^|\s)(?:-n|--namespace)(?:=|{_GAP})?(?![0-9]+(?!\S))({_LABEL}){_END}",
    re.A,
)
_SET_NAMESPACE = _pattern(rf"(?<![\w-])(?:ns|namespace){_QUOTE}? ?[/:=] ?{_QUOTE}?({_LABEL}){_END}")
_NAMESPACES = (
    _pattern(
        rf"\b(?:in|of|from|on|for|within|inside|across){_GAP}(?:(?:the|our|my){_GAP})?{_QUOTE}?({_LABEL}){_QUOTE}?"
        rf"{_GAP}(?:namespace|ns)\b"
    ),
    _pattern(rf"\b(?:namespace|ns){_GAP}(?:(?:named|called){_GAP})?{_QUOTE}?({_LABEL}){_END}"),
    _pattern(rf"(?<![\w./=-])({_LABEL}){_QUOTE}?{_GAP}(?:namespace|ns)\b"),
)
_DOING = (
    r"(?:is|are|was|were|keeps?|not|being|get|gets|stuck|pending|down|slow|running|"
    r"(?:crash|fail|restart|evict|kill|OOMkill|start|schedul|pull|scal|mount|com|dy)\w{0,6})"
)
_IN_PLACE = _pattern(
    rf"\b(?:{_NAMESPACED}|workloads?|events|(?:{_NAMESPACED}){_GAP}{_QUOTE}?{_NAME}{_QUOTE}?)(?:{_GAP}{_DOING}){{0,3}}{_GAP}in{_GAP}"
    rf"{_QUOTE}?({_LABEL}){_END}{_QUOTE}?(?:{_GAP}(\w{{1,20}}))?"
)
# "What fails in orchard", "warnings in orchard": sure only where a sentence or a time ends it.
_ANY_IN_PLACE = _pattern(
    rf"\b(?:(?:what|which|who|anything|something|everything|nothing)(?:'?s|{_GAP}(?:is|are|was|were|has|have|went))?"
    rf"{_GAP}(?:{_DOING}|wrong|broken|broke|breaks|unhealthy|going{_GAP}on|happen\w{{1,3}}|changed|new|up|off|odd|weird|strange|slow)|warnings?|errors?|alerts|"
    rf"restarts|problems?|issues?|failures?|crashes|evictions?|incidents?|outages?|oom(?:{_GAP}?kill)?s|"
    rf"(?:crash|fail|restart|evict|dy|flapp)\w{{1,6}}|down|slow|broken|missing|pending|un\w{{4,9}}able|unhealthy|ready){_GAP}in{_GAP}"
    rf"{_QUOTE}?({_LABEL}){_END}(?![./:=]\w){_QUOTE}?"
    rf"(?=\s{{0,4}}(?:\Z|[?!,;.]|(?:since|at|from|between|in|on|today|yesterday|last|right|now|and|or|please|pls|over|during|"
    rf"after|before|when|with|for|within|this|again|that|which|around|about)\b))"
)
_CONTAINER = (
    re.compile(
        rf"(?<!sh)(?<!grep)(?<!gcc)(?<!wc)(?<!python)(?<!python3)(?:^|\s)-c(?:=|{_GAP})(?![0-9]+(?!\S))()({_NAME}){_END}",
        re.A,
    ),
    _pattern(rf"(?<![\w/.-])container{_SET}()({_NAME}){_END}"),
    _pattern(rf"(?<![\w-])containers?{_GAP}((?:named|called){_GAP}{_QUOTE}?|{_QUOTE})?({_NAME}){_END}"),
    _pattern(rf"(?<![\w/.=,-])({_QUOTE})?({_NAME}){_QUOTE}?{_GAP}container\b(?!-)"),
)
_ON_NODE = _pattern(
    rf"\b(?:on|to){_GAP}(?:the{_GAP})?{_QUOTE}?"
    rf"(?=(?:node|worker|master|control-plane|ip|aks|gke|[a-z0-9-]{{1,40}}-(?:node|worker|pool))[-0-9])"
    rf"(?!node-(?:exporter|problem|local|feature|agent|driver|cache|termination))({_NAME}){_END}"
)
_IP = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
_REGION = re.compile(r"(?:[a-z]{2}|europe|asia|australia|africa|(?:north|south)america)-[a-z]{4,12}-?[0-9][a-z]?")
_AMOUNT = re.compile(r"v?[0-9]+(?:[.-][0-9]+)*[a-z]{0,2}")

# What a question is about where it says no kind: "why is cart-api failing?", "is cart-api ok?". Only words with a
# hyphen: a plain one is mostly English, and the snapshot knows those that are not.
_SUBJECT = _pattern(
    rf"\b(?:why{_GAP}(?:is|are|was|were|does|did|do|has|can't|cannot|won't|isn't)"
    rf"|(?:wrong|issue|issues|problem|problems|up|going{_GAP}on|happening|happened){_GAP}(?:with|to)|cause{_GAP}of"
    rf"|(?:\A|[.;,!?]\s{{0,4}}|\band{_GAP})(?P<be>is|are|was|were))"
    rf"{_GAP}(?:(?:the|my|our){_GAP})?{_QUOTE}?(?P<name>{_NAME}){_END}{_QUOTE}?(?:'s)?"
    rf"(?=\s{{0,4}}(?:$|[?!,;:.]|(?:in|on|from|not|is|are|and|so|being|keeps?|stuck|down|up|fail|crash|restart|pending|slow"
    r"|ok|okay|healthy|fine|ready|alive|working|broken|unavailable|unreachable|unhealthy|evict|oom|throttl|running|start|dying|killed|gett?ing)\w{0,8}\b))"
)


class NamedObject(NamedTuple):
    """An object as a question names it."""

    kind: str
    name: str
    namespace: str | None = None


def find_objects(query: str, known: KnownNames = NOTHING_KNOWN) -> list[NamedObject]:
    """Give what a question names with its kind, the surest first; other mentions of it follow.

    A plain word beside a kind is a name where `known` has it.

    >>> find_objects("pod cart-0 on node worker-2")[:2]
    [NamedObject(kind='Pod', name='cart-0', namespace=None), NamedObject(kind='Node', name='worker-2', namespace=None)]
    """
    return [*_slashed(query), *_written(query), *_spoken(query, known), *_reversed(query, known), *_hashed(query)]


def find_subject(query: str) -> str | None:
    """Give the name that a question is about, where it says no kind with it.

    >>> find_subject("Why is cart-api failing?"), find_subject("why do self-hosted runners fail?")
    ('cart-api', None)
    """
    for match in _SUBJECT.finditer(query):
        name = match["name"]
        if match["be"] and name.endswith(("ing", "ed", "tion")):
            continue  # "is load-balancing working?"
        if "-" in name and name not in NOT_NAMES and not (_is_compound(name) or _AMOUNT.fullmatch(name)):
            return name
    return None


def _slashed(query: str) -> Iterator[NamedObject]:
    for match in _PLACED.finditer(query):
        if match[1] not in KINDS:
            yield NamedObject(KINDS[match[2].lower()], match[3], match[1])
    for match in _SLASHED.finditer(query):
        if match[3] not in KINDS and match[3] not in ("container", "namespace"):
            yield NamedObject(KINDS[match[1].lower()], match[3], match[2])


def _written(query: str) -> Iterator[NamedObject]:
    """Yield what stands there as machines write it."""
    for match in _KUBELET.finditer(query):
        yield NamedObject("Pod", match[1], match[2])
    for match in _SET_OBJECT.finditer(query):
        if match[2] not in NOT_NAMES:
            yield NamedObject(KINDS[match[1].lower()], match[2])


def _spoken(query: str, known: KnownNames) -> Iterator[NamedObject]:
    for match in _SPOKEN.finditer(query):
        kind, name = KINDS[match[1].lower()], match[4]
        if name.isdigit() and (match[3] or "").isdigit():
            continue  # "Deployments 0/1 ready"
        called = match[2] and name not in NOT_NAMES
        plain = kind in _PLAINLY_NAMED and _stands_as_name(query, match.end(4))
        if called or plain or _looks_generated(name, kind) or _is_known(name, kind, known):
            yield NamedObject(kind, name, match[3])


def _reversed(query: str, known: KnownNames) -> Iterator[NamedObject]:
    for match in _REVERSED.finditer(query):
        kind, name = KINDS[match[3].lower()], match[2]
        quoted = match[1] and name not in NOT_NAMES
        if quoted or _looks_generated(name, kind) or _is_known(name, kind, known):
            yield NamedObject(kind, name)


def _hashed(query: str) -> Iterator[NamedObject]:
    for match in _HASHED.finditer(query):
        yield NamedObject("Pod", match[1])


def _is_known(name: str, kind: str, known: KnownNames) -> bool:
    """Tell whether an object is called so; English is a name only of an object of that kind."""
    if name in ORDINARY_WORDS:
        return False
    # "The cart pods" are those of a Deployment; "the cart pod" may be `cart-0`.
    of_kind = kind if is_english(name) or kind == "Pod" else ""
    begins = kind == "Pod" and not is_english(name) and not known.has(name) and known.begins_pod(name)
    return begins or known.has(name, of_kind)


def _looks_generated(word: str, kind: str) -> bool:
    """Tell whether a word beside a kind is a name by its looks; "service latency" and "3 pods" name nothing."""
    if word.isalpha() or word in _NOT_GENERATED or _is_compound(word):
        return False
    return not _AMOUNT.fullmatch(word) or (kind == "Node" and _IP.fullmatch(word) is not None)


def _is_compound(word: str) -> bool:
    """Tell whether a word with a hyphen is English, and no name: "restart-count", "read-only", "pod-to-pod"."""
    first, _, last = word.rpartition("-")
    if _COMPOUND.fullmatch(word):
        return True
    english = last not in KINDS and (is_english(last) or last.endswith(("ing", "ed", "tion")))
    return english and first in _FIRST_HALVES


_LAST_WORD = re.compile(r"[a-z0-9][-a-z0-9.]*\Z")
_NEXT_WORD = re.compile(r"\s{0,4}[`'\"]?\s{0,4}([\w'-]{0,64})", re.A)


def _stands_as_name(query: str, end: int) -> bool:
    """Tell whether the plain word that ends there is a name: no English noun, and followed by what follows a name."""
    word = _LAST_WORD.search(query, max(0, end - 253), end)
    if (
        not word
        or is_english(word[0])
        or _is_compound(word[0])
        or word[0].endswith(("ing", "ed", "tion", "tions", "ly", "ment", "ness"))
    ):
        return False
    follows = _NEXT_WORD.match(query, end)
    after = follows[1].lower() if follows else ""
    return not after or after in NOT_NAMES or after in KINDS or after in _NOUNS or find_error(after) is not None


def is_english(word: str) -> bool:
    """Tell whether a word is so common beside a kind that it is no name for its looks."""
    return word in NOT_NAMES or word in _NOUNS or word in KINDS or (word != "coredns" and find_error(word) is not None)


def find_namespace(query: str, objects: list[NamedObject], known: KnownNames = NOTHING_KNOWN) -> str | None:
    """Give the namespace that a question names; `objects` are what else it names.

    Where something is known, a word in a namespace's place is one though nothing is of it: "what fails in logistics".
    """
    flagged = _FLAGGED_NAMESPACE.search(query) or _SET_NAMESPACE.search(query)
    if flagged and flagged[1] not in NOT_NAMES:
        return flagged[1]
    of_object = next((one.namespace for one in objects if one.namespace), None)
    return of_object or _spoken_namespace(query) or _place(query, objects, known)


def _spoken_namespace(query: str) -> str | None:
    for pattern in _NAMESPACES:
        for match in pattern.finditer(query):
            if not is_english(match[1]):
                return match[1]
    return None


def _place(query: str, objects: list[NamedObject], known: KnownNames) -> str | None:
    """Read "pod cart-0 in orchard", but not "pods in Pending" or "pods in the eu cluster"."""
    taken = {one.name for one in objects}
    for match in _IN_PLACE.finditer(query):
        place, after = match[1], (match[2] or "").lower()
        if place not in taken and _can_be_place(place, known) and after not in _PLACES | KINDS.keys() | {"of"}:
            return place
    anything = (match[1] for match in _ANY_IN_PLACE.finditer(query) if known.namespaces)
    return next((place for place in anything if place not in taken and _can_be_place(place, known)), None)


def _can_be_place(place: str, known: KnownNames) -> bool:
    return place in known.namespaces or not (known.speaks_of(place) or _is_elsewhere(place))


def _is_elsewhere(place: str) -> bool:
    """Tell whether an answer to "in what?" is surely no namespace: English, an amount, a region."""
    if place in _NO_PLACES or is_english(place):
        return True
    return bool(_AMOUNT.fullmatch(place) or _REGION.fullmatch(place))


def find_container(query: str) -> str | None:
    """Give the container that a question names."""
    flag, written, spoken, turned = _CONTAINER
    flagged = flag.search(query) or written.search(query)
    if flagged:
        return flagged[2]
    for match in spoken.finditer(query):
        called = match[1] and match[2] not in NOT_NAMES
        if called or _looks_generated(match[2], "Pod") or _stands_as_name(query, match.end(2)):
            return match[2]
    for match in turned.finditer(query):
        if _looks_generated(match[2], "Pod") or (match[1] and match[2] not in NOT_NAMES):
            return match[2]
    return None


def find_node(query: str, objects: list[NamedObject]) -> str | None:
    """Give the node that a question names: `node worker-2`, "on node-b"."""
    named = next((one.name for one in objects if one.kind == "Node"), None)
    match = None if named else _ON_NODE.search(query)
    return match[1] if match else named


def identifiers(query: str) -> frozenset[str]:
    """Give every word of a question that could be an object's name.

    >>> sorted(identifiers("Why does cart-7d9 fail?"))
    ['cart-7d9', 'does', 'fail', 'why']
    """
    return frozenset(word.strip(".-") for word in re.findall(r"[a-z0-9][-a-z0-9.]*", query.lower()))


ORDINARY_WORDS = NOT_NAMES | frozenset(KINDS)
"""Words that are taken for English even where an object has that name."""
