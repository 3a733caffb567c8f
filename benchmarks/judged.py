"""Diagnose everything whose truth is known and write each cause that is named, with its raw confidence, right or wrong.

Usage: python benchmarks/judged.py CASES_DIR --out JUDGED.jsonl [--scenarios SCENARIOS.jsonl FACTS.jsonl] [--jobs N]

A line of JUDGED is one cause: `source`, `group` (the fault type, so that no type is both fitted and judged), `case`,
`rank`, `code`, `raw` (the confidence that ranking gave), `shows` (how it shows itself), `right`. The population:

    as-is           the snapshots of CASES_DIR as they are (the layout of `cloudops.py`)
    dropped-SHARE   the same with a share of every bundle's files left out: three shares, with two seeds each
    scenarios       loose evidence with a question (the layout of `holmes.py`), judged by FACTS as its scorer does
    samples         the invented incidents of `data/sample/rules`
    mended          the same with the fault mended: whatever is still blamed is wrong

A snapshot or incident holds one fault, so of its causes one is right at most. `calibration.py` reads this.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from holmes import laid_out, prose
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.confidence import shows
from kfi.examination import Examined, judge
from kfi.models.schemas import DiagnoseRequest, RootCause
from kfi.retrieval.query_analyzer import QueryAnalyzer
from kfi.sight import see
from perturb import without_files

ROOT = Path(__file__).parents[1]
SHARES = (0.25, 0.5, 0.75)
SEEDS = (1, 2)
# The benchmark's list and its ground truth spell these two differently.
_SPELLING = {"gateway_misrouted": "gateway_misroute", "db_readonly_mode": "db_read_only"}

Row = dict[str, Any]
Task = Callable[[], list[Row]]


def examined(evidence: Path, question: str, namespace: str | None = None) -> Examined:
    """Give what the rules say of a folder of evidence."""
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        copilot.ingest([str(evidence)])
        now = copilot.ledger.latest_observation()
        plan = QueryAnalyzer().plan(question, now=now)
        if namespace:
            plan = plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"namespace": namespace})})
        request = DiagnoseRequest(question=question, namespace=namespace or "")
        return judge(see(copilot.ledger, "", now, None), request, plan, 8)


def rows(found: Examined, source: str, group: str, case: str, right: Callable[[RootCause], bool]) -> list[Row]:
    """Give a line for each cause that is named, best first."""
    incidents = {(one.root.rule.code, one.root.subject): one for one in found.incidents}
    named = [(cause, incidents.get((cause.code, cause.workload))) for cause in found.causes]
    return [
        {
            "source": source,
            "group": group,
            "case": case,
            "rank": rank,
            "code": cause.code,
            "raw": incident.confidence,
            "shows": shows(incident),
            "right": right(cause),
        }
        for rank, (cause, incident) in enumerate(named, 1)
        if incident
    ]


def snapshot_answer(folder: Path, share: float, seed: int, labels: dict[str, str]) -> list[Row]:
    """Judge the answer to a snapshot, of which a share of the files is left out."""
    case = json.loads((folder / "case.json").read_text())
    want = json.loads((folder / "expected.json").read_text())
    with tempfile.TemporaryDirectory() as place:
        if share:
            without_files(folder, Path(place), share, seed)
        found = examined((Path(place) if share else folder) / "bundle", case["question"], case["namespace"])
    truth = (_spelt(want["root_cause"]), want["fault_object"])
    source = f"dropped-{share:g}" if share else "as-is"
    return rows(found, source, truth[0], f"{folder.name}/{seed}", lambda cause: _said(cause, labels) == truth)


def _said(cause: RootCause, labels: dict[str, str]) -> tuple[str, str]:
    kind = cause.workload.kind.lower()
    about = f"{kind if kind in ('node', 'namespace') else 'app'}/{cause.workload.name}"
    return _spelt(labels.get(cause.code, cause.code.replace("-", "_"))), about


def _spelt(cause: str) -> str:
    return _SPELLING.get(cause, cause)


def scenario_answer(case: Row, facts: Row) -> list[Row]:
    """Judge the answer to a scenario: every fact stated, no wrong cause named."""
    with tempfile.TemporaryDirectory() as folder:
        laid_out(case["evidence"], Path(folder))
        found = examined(Path(folder), case["question"])
    text = " ".join(re.sub(r'[`*"“”]', "", "\n".join(prose(found.summary, found.causes, found.gaps))).split())
    stated = all(any(re.search(one, text, re.I) for one in fact) for fact in facts["facts"])
    right = stated and not _any(facts["never"], text)
    # The facts judge what is said first, and say nothing of the rest.
    return rows(found, "scenarios", case["id"], case["id"], lambda _: right)[:1]


def _any(patterns: list[str], text: str) -> bool:
    return any(re.search(one, text, re.I) for one in patterns)


def sample_answer(sample: Path, mend: bool) -> list[Row]:
    """Judge the answer to an invented incident, or to its mended twin, about which nothing is right."""
    case = yaml.safe_load((sample / "case.yaml").read_text())
    code = sample.name.partition("--")[0]
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(shutil.copytree(sample / "evidence", Path(folder) / "evidence"))
        for step in case["repair"] if mend else ():
            _mended(copy, step)
        found = examined(copy, case["question"])

    def right(cause: RootCause) -> bool:
        return not mend and (cause.code, str(cause.workload)) == (code, case["object"])

    return rows(found, "mended" if mend else "samples", code, sample.name, right)


def _mended(evidence: Path, step: dict[str, str]) -> None:
    if "delete" in step:
        (evidence / step["delete"]).unlink()
    else:
        file = evidence / step["file"]
        file.write_text(file.read_text().replace(step["old"], step["new"]))


def tasks(cases: Path, scenarios: list[Path]) -> Iterator[Task]:
    """Yield a task for each answer that can be judged."""
    labels = json.loads((ROOT / "benchmarks" / "cloudops_labels.json").read_text())
    folders = sorted(path.parent for path in cases.glob("*/expected.json"))
    for share, seed in [(0.0, 0), *((share, seed) for share in SHARES for seed in SEEDS)]:
        for folder in folders:
            yield partial(snapshot_answer, folder, share, seed, labels)
    if scenarios:
        given, facts = ([json.loads(line) for line in file.read_text().splitlines()] for file in scenarios)
        by_id = {one["id"]: one for one in facts}
        for case in given:
            if by_id[case["id"]]["kind"] != "listing":
                yield partial(scenario_answer, case, by_id[case["id"]])
    rules = catalogue()
    for path in sorted((ROOT / "data" / "sample" / "rules").glob("*/case.yaml")):
        if yaml.safe_load(path.read_text())["role"] == "cause" and path.parent.name.partition("--")[0] in rules:
            yield partial(sample_answer, path.parent, mend=False)
            yield partial(sample_answer, path.parent, mend=True)


def done(task: Task) -> list[Row]:
    """Give a task's lines."""
    return task()


def main() -> int:
    """Judge everything on all cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenarios", type=Path, nargs=2, default=[], metavar=("SCENARIOS", "FACTS"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    args = parser.parse_args()
    with args.out.open("w") as out, ProcessPoolExecutor(args.jobs) as pool:
        for found in pool.map(done, tasks(args.cases, args.scenarios), chunksize=4):
            out.writelines(json.dumps(row) + "\n" for row in found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
