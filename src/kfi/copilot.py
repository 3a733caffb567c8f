"""
One question's whole way: documents to snapshot, snapshot to findings, findings to causes, causes to the answer.

The only place that names concrete classes and owns long-lived objects.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from kfi.config import Settings
from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import Incident, about, explain
from kfi.diagnosis.gaps import find_gaps
from kfi.diagnosis.report import NumberedEvidence, healthy_summary, root_cause, summary
from kfi.diagnosis.rules import examine
from kfi.ingestion.pipeline import ingest
from kfi.ledger.ledger import Ledger
from kfi.models.schemas import FailureDiagnosis, Finding, Gap, IngestReport, RootCause, Timings
from kfi.retrieval.pointing import Pointed, pointed_at
from kfi.retrieval.query_analyzer import QueryAnalyzer
from kfi.snapshot.build import build_snapshot
from kfi.snapshot.resources import CLUSTER_SCOPED
from kfi.snapshot.view import Snapshot

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Ask:
    """A question and the limits that were given with it."""

    question: str = ""
    namespace: str = ""
    cluster: str = ""
    since: timedelta | None = None
    as_of: datetime | None = None
    limit: int = 10
    """Root causes at most."""


class Copilot:
    """Remembers evidence and answers questions about it."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._analyzer = QueryAnalyzer()

    def ingest(
        self,
        paths: Iterable[str],
        *,
        cluster: str = "",
        as_of: datetime | None = None,
        events_dir: Path | None = None,
        stdin: BinaryIO | None = None,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Read evidence into the ledger and say what became of each part.

        Raises:
            SourceError: a path does not exist.
            ServiceError: the ledger cannot be written.
        """
        return ingest(
            list(paths),
            ledger=self._ledger,
            cluster=cluster,
            as_of=as_of,
            events_dir=events_dir,
            stdin=stdin,
            settings=self._settings,
            progress=progress,
        )

    def diagnose(self, ask: Ask) -> FailureDiagnosis:
        """Answer from what is in the ledger; without a question, list the independent incidents.

        Raises:
            ServiceError: the ledger cannot be read.
        """
        started = time.perf_counter()
        metadata = self._analyzer.extract_k8s_metadata(ask.question)
        namespace = ask.namespace or metadata.namespace or ""
        # Of one cluster: the newest evidence of another may be days away.
        as_of = ask.as_of or self._ledger.latest_observation(ask.cluster or None)
        since = _begin(as_of, ask.since)
        snapshot = build_snapshot(self._ledger.documents(cluster=ask.cluster or None, at=as_of, since=since), as_of)
        built = time.perf_counter()
        findings = [f for f in examine(snapshot) if _in_scope(f, namespace)]
        examined = time.perf_counter()
        pointed = pointed_at(snapshot, ask.question, metadata)
        rules = catalogue()
        incidents = explain(snapshot, findings, rules, pointed.objects)
        meant = about(incidents, pointed.objects, bool(pointed.missing))
        evidence = NumberedEvidence()
        causes = tuple(root_cause(incident, rules, evidence) for incident in meant[: ask.limit])
        gaps = find_gaps(snapshot, causes, pointed.missing, namespace)
        done = time.perf_counter()
        return FailureDiagnosis(
            question=ask.question,
            summary=_summary(causes, incidents, snapshot, pointed, gaps),
            root_causes=causes,
            evidence=evidence.lines,
            query_metadata=metadata.model_copy(
                update={"namespace": namespace or None, "cluster": ask.cluster or None, "since": since}
            ),
            sub_queries=(ask.question,) if ask.question else (),
            gaps=gaps,
            as_of=snapshot.as_of,
            objects_seen=len(snapshot.objects),
            timings=Timings(
                snapshot=round(built - started, 4),
                rules=round(examined - built, 4),
                causes=round(done - examined, 4),
                total=round(done - started, 4),
            ),
        )


def _begin(as_of: datetime | None, span: timedelta | None) -> datetime | None:
    """Give when a span that ends at a moment begins; None where that is before all time."""
    try:
        return as_of - span if as_of and span else None
    except OverflowError:
        return None


def _summary(
    causes: tuple[RootCause, ...],
    incidents: tuple[Incident, ...],
    snapshot: Snapshot,
    pointed: Pointed,
    gaps: tuple[Gap, ...],
) -> str:
    if causes or not (pointed.objects or pointed.missing):
        return f"{summary(causes, len(snapshot.objects), gaps)}{_places_of(causes)}"
    return healthy_summary(pointed.objects, pointed.missing, pointed.similar, incidents)


def _places_of(causes: tuple[RootCause, ...]) -> str:
    """Say of which clusters the causes are, where that is more than one: they may hold objects of the same name."""
    clusters = list(dict.fromkeys(cause.workload.cluster or "one without a name" for cause in causes))
    return f" These are of {len(clusters)} clusters: {', '.join(clusters)}." if len(clusters) > 1 else ""


def _in_scope(finding: Finding, namespace: str) -> bool:
    """Cluster-scoped objects always count: the cause of a namespace's trouble may be a node."""
    return not namespace or finding.ref.kind in CLUSTER_SCOPED - {"Namespace"} or namespace in _places(finding)


def _places(finding: Finding) -> tuple[str, ...]:
    ref = finding.ref
    return (ref.name,) if ref.kind == "Namespace" else (ref.namespace, "")
