"""
Each rule's sample incident: found, gone once the cited fault is mended, and unmoved by what is healthy beside it.

A sample is a folder `data/sample/rules/<code>/` (a second one `<code>--2/`) with a `case.yaml` and an `evidence/`
folder of files as kubectl prints them.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal, Self

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.diagnosis.catalogue import catalogue
from kfi.diagnosis.causes import subject_of
from kfi.examination import Examined, judge
from kfi.models.schemas import DiagnoseRequest
from kfi.retrieval.query_analyzer import QueryAnalyzer
from kfi.sight import Seen, see

RULES = Path(__file__).parents[1] / "data" / "sample" / "rules"
CASES = sorted(RULES.glob("*/case.yaml"))
NOW = datetime(2026, 11, 20, 14, 40, tzinfo=UTC)


class Strict(BaseModel):
    """Refuses fields that it does not know: a misspelt one would test nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Edit(Strict):
    """A text of one file and what a person mending the fault would leave in its place."""

    file: str
    old: Annotated[str, Field(min_length=1)]
    new: str


class Removal(Strict):
    """A file that is no longer there when the fault is mended."""

    delete: str


class Case(Strict):
    """What is asked about a sample, what must be found, and how it is mended."""

    question: Annotated[str, Field(min_length=10)]
    object: Annotated[str, Field(pattern=r"^([A-Z]\w+/[^/\s]+(/[^/\s]+)?|(log|manifest) \S+)$")]
    role: Literal["cause", "symptom"]
    repair: Annotated[tuple[Edit | Removal, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_files_of_the_evidence(self) -> Self:
        paths = [step.file if isinstance(step, Edit) else step.delete for step in self.repair]
        if any(path.startswith(("/", "evidence/")) or ".." in path for path in paths):
            raise ValueError("files are named below evidence/")
        return self

    @property
    def namespace(self) -> str:
        """Where the object is; where it has no namespace, any will do."""
        parts = self.object.split("/")
        return parts[1] if len(parts) == 3 else "orchard"


@cache
def case_of(path: Path) -> Case:
    return Case.model_validate(yaml.safe_load(path.read_text()))


def code_of(path: Path) -> str:
    """Give the code that a sample is of; further samples of it are called `<code>--2` and so on."""
    return path.parent.name.partition("--")[0]


def sample_of(path: Path) -> str:
    return path.parent.name


def evidence_of(path: Path, folder: Path) -> Path:
    """Give a copy of a sample's evidence that the test may change."""
    copy = Path(shutil.copytree(path.parent / "evidence", folder / "evidence"))
    if not (copy / "timestamp").exists():
        (copy / "timestamp").write_text(f"{NOW:%Y-%m-%dT%H:%M:%SZ}\n")
    return copy


def examined(evidence: Path, question: str) -> tuple[Seen, Examined]:
    """Give what the rules find in a folder, and what they say to a question about it."""
    with Copilot.throw_away(Settings(ollama_url="", throwaway_embedding_s=0)) as copilot:
        copilot.ingest([str(evidence)])
        now = copilot.ledger.latest_observation(None)
        seen = see(copilot.ledger, "", now, None)
        plan = QueryAnalyzer().plan(question, now=now)
        return seen, judge(seen, DiagnoseRequest(question=question), plan, 8)


@cache
def as_it_is(path: Path) -> tuple[Seen, Examined]:
    """Give what the rules find in a sample that nobody has changed."""
    with TemporaryDirectory() as folder:
        return examined(evidence_of(path, Path(folder)), case_of(path).question)


def root_causes(case: Examined) -> list[tuple[str, str]]:
    return [(cause.code, str(cause.workload)) for cause in case.causes]


def findings(seen: Seen) -> Iterator[tuple[str, str]]:
    """Yield (code, object) of every finding, the object as causes name it: a workload for its Pods."""
    for finding in seen.findings:
        yield finding.code, str(subject_of(seen.snapshot, finding))


def mended(evidence: Path, case: Case) -> None:
    """Do to a copy of the evidence what its case says mends the fault."""
    for step in case.repair:
        if isinstance(step, Removal):
            (evidence / step.delete).unlink()
            continue
        file = evidence / step.file
        text = file.read_text()
        assert step.old in text, f"{step.file} does not hold {step.old!r}"
        file.write_text(text.replace(step.old, step.new))


def healthy_deployment(namespace: str, app: str = "wishlist") -> dict[str, Any]:
    """Give a Deployment with its ReplicaSet, its ready Pod and its Service, as `kubectl get -o json` prints them."""
    labels, image = {"app": app}, f"registry.orchard.example/{app}@sha256:{'5a' * 32}"
    since = "2026-11-12T09:12:31Z"
    container = {"name": app, "image": image, "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    wants = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    has = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
    running = {"name": app, "ready": True, "restartCount": 0, "state": {"running": {"startedAt": since}}}
    conditions = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "Initialized", "Ready")]

    def made(kind: str, name: str, owner: tuple[str, str] | None, **parts: Any) -> dict[str, Any]:
        owners = [{"kind": owner[0], "name": owner[1], "controller": True}] if owner else []
        metadata = {"name": name, "namespace": namespace, "labels": labels, "creationTimestamp": since}
        return {"apiVersion": "v1", "kind": kind, "metadata": {**metadata, "ownerReferences": owners}, **parts}

    replica_set = f"{app}-6c9fd7b5d8"
    return {
        "apiVersion": "v1",
        "kind": "List",
        "items": [
            made("Deployment", app, None, spec=wants, status=has),
            made("ReplicaSet", replica_set, ("Deployment", app), spec=wants, status=has),
            made(
                "Pod",
                f"{replica_set}-q8zvk",
                ("ReplicaSet", replica_set),
                spec={"nodeName": "node-q", "containers": [container]},
                status={
                    "phase": "Running",
                    "podIP": "10.244.9.17",
                    "conditions": conditions,
                    "containerStatuses": [running],
                },
            ),
            made(
                "Service",
                app,
                None,
                spec={
                    "type": "ClusterIP",
                    "clusterIP": "10.96.233.41",
                    "selector": labels,
                    "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
                },
                status={"loadBalancer": {}},
            ),
        ],
    }


@pytest.mark.parametrize("path", CASES, ids=sample_of)
def test_the_sample_shows_its_rule(path: Path):
    case, code = case_of(path), code_of(path)

    seen, answer = as_it_is(path)

    if case.role == "cause":
        assert root_causes(answer)[:1] == [(code, case.object)], root_causes(answer)
        assert answer.causes[0].citations
    else:
        assert (code, case.object) in set(findings(seen))


@pytest.mark.parametrize("path", CASES, ids=sample_of)
def test_mending_the_fault_takes_the_finding_away(path: Path, tmp_path: Path):
    case, code = case_of(path), code_of(path)
    evidence = evidence_of(path, tmp_path)
    mended(evidence, case)

    seen, _ = examined(evidence, case.question)

    assert [found for found in findings(seen) if found[0] == code] == []


@pytest.mark.parametrize("path", CASES, ids=sample_of)
def test_something_healthy_beside_it_changes_nothing(path: Path, tmp_path: Path):
    case = case_of(path)
    evidence = evidence_of(path, tmp_path)
    beside = json.dumps(healthy_deployment(case.namespace), indent=2)
    (evidence / "wishlist.json").write_text(beside)

    seen, together = examined(evidence, case.question)

    assert root_causes(together)[:1] == root_causes(as_it_is(path)[1])[:1]
    assert "Deployment" not in {about.split("/")[0] for _, about in findings(seen) if about.endswith("/wishlist")}


def test_every_sample_is_of_a_rule_that_exists():
    assert {code_of(path) for path in CASES} - set(catalogue()) == set()
