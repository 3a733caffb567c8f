"""
Every pattern of a part of the record, in words, each with its test, its lines and what changed just before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kfi.ledger.ledger import Ledger
from kfi.ledger.queries import Part
from kfi.models.patterns import Change, Pattern, PatternKind, PatternList, Trend
from kfi.models.schemas import Citation, Document, DocumentKind, Finding, ObjectRef, RootCause
from kfi.patterns import words
from kfi.patterns.chance import Burst, Period, Tendency, find_burst, find_period, find_tendency
from kfi.patterns.messages import new_messages
from kfi.patterns.occurrences import Gathered, Series, gathered
from kfi.patterns.spread import Spread, spread_failures
from kfi.snapshot.changes import changes_of
from kfi.snapshot.view import Snapshot

_JUST_BEFORE = timedelta(minutes=15)
_MOST_CHANGES = 5
_MOST_OBJECTS = 20
_MOST_PATTERNS = 50
_FEWEST_REPEATS = 10
_NEARLY_ALL = 0.8
# These come with every Pod that starts and every rollout, and tell of no trouble.
_ORDINARY = frozenset(
    "Pulled Pulling Created Started Scheduled SuccessfulCreate SuccessfulDelete Completed SawCompletedJob "
    "LeaderElection Sync".split()
)
_ORDER = (
    PatternKind.SPREAD,
    PatternKind.BURST,
    PatternKind.NEW_MESSAGE,
    PatternKind.RECURRING,
    PatternKind.REPEATED,
)
_REGULARITY = "equal gaps: binomial of the gaps near one, two or three medians, against a Poisson process"
_SCAN = "scan statistic against a Poisson process, corrected for all windows tried"
_HALVES = "rates of the two halves: binomial, two-sided"
_NOVELTY = "all occurrences in the last part of the log, against a constant rate"
_ONE_NODE = "all on one node, against any node"


@dataclass(frozen=True)
class Seen:
    """What patterns are looked for in: the record, the cluster at a moment, and what the rules found there."""

    ledger: Ledger
    snapshot: Snapshot
    findings: tuple[Finding, ...] = ()


def find_patterns(
    seen: Seen, part: Part, namespace: str = "", *, only: Collection[ObjectRef] | None = None
) -> PatternList:
    """Give the patterns of a part of the record, the most telling first; with `only`, those about these objects.

    Raises:
        ServiceError: the ledger cannot be read.
    """
    found = gathered(seen.ledger.happened((DocumentKind.EVENT,), part, every_state=True), _owner_in(seen.snapshot))
    wanted = [one for one in found if _is_of(one.sort.workload, namespace, only)]
    end = part.until or part.at or seen.snapshot.as_of
    begin = part.since or found.begin or end
    patterns = [*_of_spread(seen, wanted, namespace, only), *_of_series(wanted, begin, end, len(wanted))]
    patterns += _of_logs(seen, part, namespace, only)
    ordered = sorted(patterns, key=_rank)
    return PatternList(
        patterns=tuple(_with_changes(seen.snapshot, pattern) for pattern in ordered[:_MOST_PATTERNS]),
        since=begin,
        until=end,
        notes=tuple(_notes(found, len(ordered))),
    )


def patterns_of(seen: Seen, cause: RootCause, part: Part) -> tuple[Pattern, ...]:
    """Give the patterns that touch a cause: those of its object, its workload, and its Pods.

    Raises:
        ServiceError: the ledger cannot be read.
    """
    topology = seen.snapshot.topology
    pods = [pod.ref for pod in topology.pods_of(cause.workload)]
    touched = {cause.object.object, cause.workload, *pods}
    below = (ref for ref in seen.snapshot.mentioned if topology.workload(ref) in touched)
    names = {ref.name for ref in (*touched, *below)}
    return find_patterns(seen, part._replace(names=names), only=touched).patterns


def _owner_in(snapshot: Snapshot) -> Callable[[ObjectRef], ObjectRef]:
    """Give what names the workload of an object, each asked for once."""
    known: dict[ObjectRef, ObjectRef] = {}

    def owner(ref: ObjectRef) -> ObjectRef:
        if ref not in known:
            known[ref] = snapshot.topology.workload(snapshot.placed(ref))
        return known[ref]

    return owner


def _is_of(ref: ObjectRef, namespace: str, only: Collection[ObjectRef] | None) -> bool:
    return (not namespace or ref.namespace in ("", namespace)) and (only is None or ref.object in only)


def _of_series(series: Sequence[Series], begin: datetime, end: datetime, among: int) -> Iterator[Pattern]:
    for one in series:
        burst = find_burst(one.times, begin.timestamp(), end.timestamp(), among) if one.warning else None
        if burst:
            yield _burst(one, burst)
        period = find_period(one.times, one.resolution_s, among) if one.told_apart else None
        tendency = find_tendency(one.times, one.resolution_s) if one.told_apart else None
        if period and one.sort.reason not in _ORDINARY:
            yield _recurring(one, period, _trend(tendency), tendency)
        elif one.warning and one.count >= _FEWEST_REPEATS and not (burst and burst.count >= _NEARLY_ALL * burst.of):
            yield _repeated(one, _trend(tendency), tendency)


def _trend(tendency: Tendency | None) -> Trend | None:
    if tendency is None:
        return None
    if not tendency.sure:
        return Trend.STEADY
    return Trend.RISING if tendency.after > tendency.before else Trend.FALLING


def _of_one(one: Series, kind: PatternKind, statement: str) -> Pattern:
    return Pattern(
        kind=kind,
        statement=statement,
        reason=one.sort.reason,
        objects=(one.sort.workload,),
        namespaces=(one.sort.workload.namespace,) if one.sort.workload.namespace else (),
        nodes=tuple(sorted(one.hosts)),
        count=one.count,
        first=one.first,
        last=one.last,
        citations=_cited(one.oldest, one.newest),
    )


def _cited(*citations: Citation | None) -> tuple[Citation, ...]:
    return tuple({(one.path, one.first_line): one for one in citations if one}.values())


def _recurring(one: Series, period: Period, trend: Trend | None, tendency: Tendency | None) -> Pattern:
    made = _of_one(one, PatternKind.RECURRING, words.recurring(one, period, trend, tendency))
    return made.model_copy(
        update={"period_s": round(period.seconds, 1), "trend": trend, "test": _REGULARITY, "p_value": period.p_value}
    )


def _repeated(one: Series, trend: Trend | None, tendency: Tendency | None) -> Pattern:
    made = _of_one(one, PatternKind.REPEATED, words.repeated(one, trend, tendency))
    tested = {"test": _HALVES, "p_value": tendency.p_value} if tendency else {}
    return made.model_copy(update={"trend": trend, **tested})


def _burst(one: Series, burst: Burst) -> Pattern:
    made = _of_one(one, PatternKind.BURST, words.burst(one, burst))
    first, last = (datetime.fromtimestamp(time, UTC) for time in (burst.start, burst.end))
    return made.model_copy(
        update={"count": burst.count, "first": first, "last": last, "test": _SCAN, "p_value": burst.p_value}
    )


def _of_spread(
    seen: Seen, series: Iterable[Series], namespace: str, only: Collection[ObjectRef] | None
) -> Iterator[Pattern]:
    for spread in spread_failures(seen.snapshot, seen.findings, series):
        workloads = [place.workload for place in spread.places]
        if only is not None and not any(ref in only for ref in workloads):
            continue
        if namespace and namespace not in spread.namespaces:
            continue
        yield _spread(spread, workloads)


def _spread(spread: Spread, workloads: list[ObjectRef]) -> Pattern:
    firsts = [place.since for place in spread.places if place.since]
    lasts = [place.until for place in spread.places if place.until]
    return Pattern(
        kind=PatternKind.SPREAD,
        statement=words.spread(spread),
        reason=spread.what,
        objects=tuple(workloads[:_MOST_OBJECTS]),
        namespaces=spread.namespaces,
        nodes=spread.nodes,
        count=sum(place.count for place in spread.places),
        first=min(firsts, default=None),
        last=max(lasts, default=None),
        test=_ONE_NODE if spread.one_node else "",
        p_value=spread.one_node,
        citations=spread.citations,
    )


def _of_logs(seen: Seen, part: Part, namespace: str, only: Collection[ObjectRef] | None) -> Iterator[Pattern]:
    owners = {log.citation.document_id: log.ref for log in seen.snapshot.logs}
    owner = _owner_in(seen.snapshot)

    def writer(document: Document) -> ObjectRef:
        return owner(owners.get(document.id, document.ref).object)

    # Logs are told apart by who wrote them, which their own names may not say.
    everything = part._replace(names=None)
    for new in new_messages(seen.ledger.happened((DocumentKind.LOG,), everything), writer):
        if _is_of(new.writer.object, namespace, only):
            yield Pattern(
                kind=PatternKind.NEW_MESSAGE,
                statement=words.new_message(new),
                reason=new.template,
                objects=(new.writer.object,),
                namespaces=(new.writer.namespace,) if new.writer.namespace else (),
                count=new.count,
                first=new.first,
                last=new.last,
                test=_NOVELTY,
                p_value=new.p_value,
                citations=(new.citation,),
            )


def _rank(pattern: Pattern) -> tuple[int, int, str]:
    return (_ORDER.index(pattern.kind), -pattern.count, pattern.statement)


def _with_changes(snapshot: Snapshot, pattern: Pattern) -> Pattern:
    """Add what changed shortly before the pattern began, as far as the cluster remembers it."""
    if pattern.first is None:
        return pattern
    low = pattern.first - _JUST_BEFORE
    changes = [
        Change(time=one.when, object=one.ref, what=one.statement, citation=one.evidence[0] if one.evidence else None)
        for ref in pattern.objects
        for one in changes_of(snapshot, ref)
        if low <= one.when <= pattern.first
    ]
    newest = sorted(changes, key=_time_of, reverse=True)[:_MOST_CHANGES]
    return pattern.model_copy(update={"before": tuple(newest)}) if newest else pattern


def _time_of(change: Change) -> datetime:
    return change.time


def _notes(found: Gathered, patterns: int) -> Iterator[str]:
    if found.left_out:
        yield f"{found.left_out} Events were of more sorts than are looked at together; name a namespace or a time."
    if patterns > _MOST_PATTERNS:
        yield f"{patterns - _MOST_PATTERNS} more patterns were found; name a namespace or a time."
