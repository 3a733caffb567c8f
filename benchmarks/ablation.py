"""Predict root causes with a part of the diagnosis switched off, and with two simple baselines.

Usage: python benchmarks/ablation.py CASES_DIR --out FOLDER [--jobs N]

Writes one file of predictions for each variant into FOLDER, in the form that `score_cloudops.py` scores:

    full                 everything, from the same snapshot (no search, no model)
    without-causes       findings ranked by their own strength only
    without-topology     no edges: a finding explains only others about the same object
    without-alerts       alerts are not read
    first-bad-message    what a relaying tool says: the newest Warning Event, else the first failing log line
    majority             the commonest root cause of all cases, about the first workload that is not ready

The last two know the benchmark's words: the first takes an Event's reason for the root cause it most often goes with in
the other cases, the second counts all cases. Both are as good as such a baseline can be.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import independent, ranked, subject_of
from kfi.diagnosis.rules import examine
from kfi.models.schemas import Finding, ObjectRef
from kfi.retrieval.pointing import pointed_at
from kfi.retrieval.query_analyzer import QueryAnalyzer
from kfi.sight import see
from kfi.snapshot.topology import Topology
from kfi.snapshot.view import Snapshot


@dataclass(frozen=True)
class Case:
    """A snapshot and the question that is asked of it."""

    id: str
    question: str
    namespace: str
    snapshot: Snapshot
    findings: tuple[Finding, ...]


class NoEdges(Topology):
    """Owners are known; nothing else leads from one object to another."""

    def reach(
        self, ref: ObjectRef, harms_callers: Callable[[ObjectRef], bool], steps: int = 8
    ) -> dict[ObjectRef, tuple[ObjectRef, ...]]:
        """Give the object itself and its workload."""
        return {one: (one,) for one in (ref, self.workload(ref))}


def read(folder: Path) -> Case:
    """Give a case's snapshot, examined."""
    case = json.loads((folder / "case.json").read_text())
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        copilot.ingest([str(folder / "bundle")])
        seen = see(copilot.ledger, "", copilot.ledger.latest_observation(), None)
    return Case(case["id"], case["question"], case["namespace"], seen.snapshot, seen.findings)


def by_causes(case: Case, snapshot: Snapshot, findings: Iterable[Finding]) -> list[tuple[str, ObjectRef]]:
    """Give codes and objects as the product ranks them."""
    metadata = QueryAnalyzer().extract_k8s_metadata(case.question)
    pointed = pointed_at(snapshot, case.question, metadata)
    found = ranked(independent(snapshot, findings, catalogue()), pointed.objects)
    return [(incident.root.rule.code, incident.root.subject) for incident in found[:3]]


def by_strength(case: Case) -> list[tuple[str, ObjectRef]]:
    """Give the strongest findings, symptoms last."""
    order = sorted(case.findings, key=lambda finding: (finding.role == "symptom", -finding.strength))
    return [(finding.code, subject_of(case.snapshot, finding)) for finding in order[:3]]


def without_edges(case: Case) -> list[tuple[str, ObjectRef]]:
    """Give what is found where nothing leads from one object to another."""
    snapshot = replace(case.snapshot)
    snapshot.__dict__["topology"] = NoEdges(snapshot)
    return by_causes(case, snapshot, examine(snapshot))


def without_alerts(case: Case) -> list[tuple[str, ObjectRef]]:
    """Give what is found where nobody was alerted."""
    snapshot = replace(case.snapshot, alerts=())
    return by_causes(case, snapshot, examine(snapshot))


def first_bad_message(case: Case) -> tuple[str, ObjectRef]:
    """Give the reason that a relaying tool would show first, and what it is about."""
    snapshot = case.snapshot
    warnings = [event for event in snapshot.events if event.type == "Warning"]
    newest = max(warnings, key=lambda event: event.last or snapshot.as_of, default=None)
    if newest:
        return newest.reason, snapshot.topology.workload(newest.ref.object)
    failing = next((log for log in snapshot.logs if log.failing), None)
    return ("log", snapshot.topology.workload(failing.ref.object)) if failing else ("", ObjectRef())


def first_not_ready(snapshot: Snapshot) -> ObjectRef:
    """Give the workload of the first Pod that is not ready."""
    return next((snapshot.topology.workload(pod.ref) for pod in snapshot.pods if not pod.ready), ObjectRef())


def predicted(folder: Path) -> dict[str, Any]:
    """Give each variant's prediction for one case, and what the baselines need of it."""
    case = read(folder)
    reason, about = first_bad_message(case)
    return {
        "id": case.id,
        "full": _rows(by_causes(case, case.snapshot, case.findings)),
        "without-causes": _rows(by_strength(case)),
        "without-topology": _rows(without_edges(case)),
        "without-alerts": _rows(without_alerts(case)),
        "reason": reason,
        "about": _row("", about),
        "not-ready": _row("", first_not_ready(case.snapshot)),
        "truth": json.loads((folder / "expected.json").read_text())["root_cause"],
    }


def _rows(found: Iterable[tuple[str, ObjectRef]]) -> list[dict[str, Any]]:
    return [_row(code, ref) for code, ref in found]


def _row(code: str, ref: ObjectRef) -> dict[str, Any]:
    return {"code": code, "object": {"kind": ref.kind, "namespace": ref.namespace, "name": ref.name}}


def baselines(rows: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """Yield the two baselines' predictions; the relaying one learns its words from the other cases only."""
    common = Counter(row["truth"] for row in rows).most_common(1)[0][0]
    for row in rows:
        others = [other for other in rows if other is not row]
        same = Counter(other["truth"] for other in others if other["reason"] == row["reason"])
        meant = same.most_common(1)[0][0] if same else common
        yield "majority", row, [{**row["not-ready"], "code": common}]
        yield "first-bad-message", row, [{**row["about"], "code": meant}]


def main() -> int:
    """Predict every case in every way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    args = parser.parse_args()
    folders = sorted(path.parent for path in args.cases.glob("*/expected.json"))
    with ProcessPoolExecutor(args.jobs) as pool:
        rows = list(pool.map(predicted, folders))
    args.out.mkdir(parents=True, exist_ok=True)
    for variant in ("full", "without-causes", "without-topology", "without-alerts"):
        _write(args.out / f"{variant}.jsonl", ({"id": row["id"], "root_causes": row[variant]} for row in rows))
    made: dict[str, list[Mapping[str, Any]]] = {}
    for variant, row, causes in baselines(rows):
        made.setdefault(variant, []).append({"id": row["id"], "root_causes": causes})
    for variant, predictions in made.items():
        _write(args.out / f"{variant}.jsonl", predictions)
    return 0


def _write(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
