"""
Questions that follow others: what "it", "and why?" and "what about mailer?" mean.

What the question before pointed at, and else the workload of its first cause, is what the next one means where it
names nothing itself. That is settled here, before anything else reads the question, so it works without any model.
Conversations are kept in memory only, few of them and not for long; what is kept is redacted, as all questions are.
"""

from __future__ import annotations

import re
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from threading import Lock

from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, ObjectRef
from kfi.retrieval.query_analyzer import ORDINARY_WORDS, QueryAnalyzer, identifiers

NEW = "new"
"""What a caller gives in place of an id to begin a conversation."""

_MOST_CONVERSATIONS = 200
_MOST_TURNS = 10
# Seconds since its last question.
_OLDEST_S = 3600.0
_MOST_CHARACTERS = 400
_TOLD_TO_MODEL = 3

_LEAD = re.compile(r"(?i)\A\s*(?:(?:and|but|so|ok|okay|then|also|now|well)\b[\s,]{0,3}){1,4}")
_WHAT_ABOUT = re.compile(r"(?i)\A(?:what|how)\s+(?:about|of|is\s+with)\s+(?P<rest>.{1,300}?)[?.!\s]{0,9}\Z")
_WHOLE = re.compile(
    r"(?i)\b(?:cluster|everything|anything|all|every|any|else|other|others|another|namespaces|nodes|elsewhere|incidents?)\b"
)
_ITS = re.compile(r"(?i)\b(?:its|their)\s+(?P<what>\w[\w-]{0,40}(?:\s(?:and|or)\s\w[\w-]{0,40})?)")
_IT = re.compile(
    r"(?i)\b(?:it|they|them|this|that|these|those)\b(?:\s+(?:one|pod|deployment|workload|object|service))?"
)
_WHY = re.compile(
    r"(?i)\A(?:why|how\s+come|why\s+is\s+(?:that|this|it)|for\s+what\s+reason|what\s+caused\s+(?:it|that))\Z"
)
_SINCE = re.compile(r"(?i)\A(?:since\s+when|when|how\s+long|when\s+did\s+(?:it|that)\s+(?:begin|start))\Z")
_BEGINS = re.compile(
    r"(?i)\A(?:why|since|when|how|what\s+(?:changed|happened|now|next)|show|list|explain|prove|where)\b"
)
# A question of more words than this says itself what it is about.
_SHORT = 6


@dataclass(frozen=True)
class Turn:
    """One question and what came of it, as far as the next one needs it."""

    question: str
    summary: str
    subject: ObjectRef | None
    """What it was about."""
    namespace: str


@dataclass
class _Conversation:
    id: str
    turns: deque[Turn] = field(default_factory=lambda: deque(maxlen=_MOST_TURNS))
    used: float = 0.0


@dataclass(frozen=True)
class Joined:
    """A question as it is meant, and where its answer is kept."""

    request: DiagnoseRequest
    earlier: tuple[str, ...] = ()
    """What was asked and answered before, newest last: for a model."""
    _notes: tuple[str, ...] = ()
    _subject: ObjectRef | None = None
    _conversation: _Conversation | None = None

    def kept(self, answer: FailureDiagnosis) -> FailureDiagnosis:
        """Give the answer with the id of its conversation, which from now on remembers it."""
        if self._conversation is None:
            return answer
        first = answer.root_causes[0].workload if answer.root_causes else None
        subject = self._subject or first
        namespace = answer.query_metadata.namespace or (subject.namespace if subject else "")
        turn = Turn(answer.question[:_MOST_CHARACTERS], answer.summary[:_MOST_CHARACTERS], subject, namespace)
        self._conversation.turns.append(turn)
        return answer.model_copy(update={"conversation": self._conversation.id, "notes": (*self._notes, *answer.notes)})


class Conversations:
    """The conversations of one process. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._known: OrderedDict[str, _Conversation] = OrderedDict()

    def join(self, request: DiagnoseRequest, mentioned: Callable[[], Collection[ObjectRef]]) -> Joined:
        """Give what a question means in its conversation; one without a conversation means what it says.

        An id that is not known begins a new conversation, which a note says. `mentioned` gives all objects there are.
        """
        if not request.conversation:
            return Joined(request)
        conversation, notes = self._find(request.conversation)
        turns = tuple(conversation.turns)
        named = _named(request.question, mentioned())
        meant = _meant(request, turns[-1], named) if turns else request
        if meant != request:
            place = f", in namespace {meant.namespace!r}" if meant.namespace != request.namespace else ""
            notes += (f'Taken as "{meant.question}"{place}.',)
        subject = named[0] if named else turns[-1].subject if turns and meant != request else None
        earlier = tuple(f"Asked: {turn.question} Answered: {turn.summary}" for turn in turns[-_TOLD_TO_MODEL:])
        return Joined(meant, earlier, notes, subject, conversation)

    def _find(self, name: str) -> tuple[_Conversation, tuple[str, ...]]:
        with self._lock:
            now = self._clock()
            for old in [one.id for one in self._known.values() if now - one.used > _OLDEST_S]:
                del self._known[old]
            found = self._known.get(name)
            notes: tuple[str, ...] = ()
            if found is None:
                if name != NEW:
                    notes = (f"No conversation {name!r} is known here (any more); this begins a new one.",)
                found = _Conversation(secrets.token_urlsafe(12))
            self._known[found.id] = found
            self._known.move_to_end(found.id)
            found.used = now
            while len(self._known) > _MOST_CONVERSATIONS:
                self._known.popitem(last=False)
            return found, notes


def _named(question: str, mentioned: Collection[ObjectRef]) -> tuple[ObjectRef, ...]:
    """Give the objects whose names stand in a question, workloads first."""
    words = identifiers(question) - ORDINARY_WORDS
    found = [ref for ref in mentioned if ref.name in words]
    return tuple(sorted(found, key=_by_kind))


def _by_kind(ref: ObjectRef) -> tuple[bool, bool, str]:
    return ref.kind not in ("Deployment", "StatefulSet", "DaemonSet", "CronJob"), ref.kind != "Pod", str(ref)


def _meant(request: DiagnoseRequest, last: Turn, named: tuple[ObjectRef, ...]) -> DiagnoseRequest:
    """Give a question with what it leaves to the one before said in words."""
    question = " ".join(_LEAD.sub("", request.question).split())
    about = _WHAT_ABOUT.match(question)
    if about and not _IT.fullmatch(about["rest"]):
        meant = f"What is wrong with {about['rest']}?"
    elif named or _WHOLE.search(question):
        meant = request.question
    else:
        meant = _about(question, last.subject) if last.subject else ""
    # A name that is also in the namespace of the question before most likely means that one.
    holds = not named or any(ref.namespace == last.namespace for ref in named)
    if not meant or (meant == request.question and not named):
        return request
    given = request.namespace or QueryAnalyzer().plan(meant).metadata.namespace
    namespace = given or (last.namespace if holds else "")
    return request.model_copy(update={"question": meant[:8000], "namespace": namespace})


def _about(question: str, subject: ObjectRef) -> str:
    """Give a question that names nothing as one about a subject; empty where it seems to need none."""
    name, bare = f"{subject.kind.lower()} {subject.name}", question.rstrip("?!. ")
    if _WHY.match(bare):
        return f"Why does {name} fail?"
    if _SINCE.match(bare):
        return f"Since when does {name} fail?"
    if _ITS.search(question):
        # Without its kind: the Events of a Deployment's Pods are meant, too.
        return _ITS.sub(lambda its: f"the {its['what']} of {subject.name}", question, count=1)
    if _IT.search(question):
        return _IT.sub(name, question, count=1)
    if _BEGINS.match(question) and len(bare.split()) <= _SHORT:
        return f"{bare} ({name})?"
    return ""
