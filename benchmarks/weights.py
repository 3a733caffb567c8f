"""Learn the weights of the reranker's features from the project's own incidents, and compare them with those in use.

Usage: python benchmarks/weights.py [--rules data/sample/rules] [--keep FOLDER] [--pull 0.02] [--folds 5] [--together]
                                    [--only FEATURE,...]

Every rule's sample incident is asked about alone, as a folder that somebody sends; with --together all lie in one
store, each in a namespace of its own. The questions are the one that comes with the sample and an invented one that
names the object at fault. A candidate with a line that proves the cause is right. Those are the lines that the sample's
repair changes, without the state that merely follows from the cause (a Pod that waits, its restarts, a row of `kubectl
get`), and what Warning Events and errors in logs say, which no repair changes (a back-off says only that something
failed). Weights are learned so that right candidates come first (softmax over the candidates of a question, pulled
towards the weights in use by `--pull`). Folds are by failure code, so learned weights are always measured on failures
they were not learned from. No evaluation data is used.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from numpy.typing import NDArray

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.answer import Hit
from kfi.models.schemas import DiagnoseRequest, Document, DocumentKind, Severity
from kfi.retrieval.features import FeatureScorer, Weights
from kfi.retrieval.reranker import RerankerService
from kfi.retrieval.scope import Scope

Numbers = NDArray[np.float64]

_ASKED = ("Why is {name} in namespace {namespace} failing?", "What is wrong with {kind} {name}?")
# What is so because of the cause, and says nothing of it: a repair changes it too. Matched behind indent and quotes.
_FOLLOWS = re.compile(
    r"[\W\d]*$|(?:events|status|phase|state|last ?state|waiting|terminated|started|startedat|finished|finishedat|"
    r"restart ?count|(?:un)?(?:available|ready)replicas|node|nodename)\b|"
    r"(?:ready|containersready|podscheduled)\W+(?:true|false)\W*(?:$|restart)|"
    r"reason\W+(?:error|completed|crashloopbackoff|containersnotready|unschedulable)\b|exit ?code\W+[012]\b|"
    r"message\W+(?:containers with unready|back-off)|type +reason|normal +|warning +backoff|(?:\S+ +){0,2}\d+/\d+ ",
    re.I | re.A,
)
_SAYS_ONLY_THAT = frozenset(("BackOff",))
# Names of the samples' namespace have as many letters as these, so that tables keep their columns.
_NAMESPACE = "orchard"
_STEPS = 400
_RATE = 0.05


@dataclass(frozen=True)
class Asked:
    """A question's candidates: their features, and which of them hold a proving line."""

    code: str
    features: Numbers
    right: NDArray[np.bool_]


@dataclass
class Recorder(RerankerService):
    """A reranker that notes what it was given."""

    scorer: FeatureScorer = field(default_factory=FeatureScorer)
    seen: list[tuple[Sequence[Hit], list[dict[str, float]]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.scorer)

    def best(self, hits: Sequence[Hit], sub_query: str, scope: Scope, top_k: int) -> tuple[Hit, ...]:
        """Note the candidates' features, and rank them as ever."""
        self.seen.append((hits, self.scorer.values(sub_query, self.candidates(hits, scope))))
        return super().best(hits, sub_query, scope, top_k)


def laid_out(rules: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Write every incident's evidence below the folder; yield its questions and proving lines."""
    for number, case in enumerate(sorted(rules.glob("*/case.yaml"))):
        told = yaml.safe_load(case.read_text())
        namespace = f"plot{number:03d}"
        for source in sorted(path for path in (case.parent / "evidence").rglob("*") if path.is_file()):
            target = folder / f"case{number:03d}" / _moved(str(source.relative_to(case.parent / "evidence")), namespace)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(_moved(source.read_text(errors="replace"), namespace))
        kind, _, rest = _moved(told["object"], namespace).partition("/")
        named = {"kind": kind, "name": rest.rpartition("/")[2], "namespace": namespace}
        questions = [_moved(told["question"], namespace), _ASKED[number % len(_ASKED)].format(**named)]
        gold = {line for step in told["repair"] for line in _proof(step, folder / f"case{number:03d}", namespace)}
        code = case.parent.name.partition("--")[0]
        yield {"code": code, "folder": f"case{number:03d}", "questions": questions, "gold": sorted(gold)}


def _moved(text: str, namespace: str) -> str:
    return re.sub(rf"\b{_NAMESPACE}\b", namespace, text)


def _proof(step: dict[str, Any], folder: Path, namespace: str) -> Iterator[tuple[str, int]]:
    """Yield the lines that a step of a repair changes."""
    if "old" not in step:
        return
    path = folder / _moved(step["file"], namespace)
    kept = {line.strip() for line in str(step["new"]).split("\n")}
    old = [part.strip() for part in _moved(str(step["old"]), namespace).split("\n") if part.strip() not in kept]
    lines = path.read_text().split("\n") if path.is_file() else []
    for number, line in enumerate(lines, 1):
        if any(part and part in line for part in old) and not _FOLLOWS.match(line.strip(' \t-"')):
            yield str(path.relative_to(folder.parent)), number


def _told(documents: Iterable[Document]) -> list[tuple[str, int]]:
    """Give the lines of Warning Events and of errors in logs."""
    return [(document.source.path, line) for document in documents for line in _failing(document)]


def _failing(document: Document) -> list[int]:
    payload = document.payload
    if document.kind is DocumentKind.LOG and document.severity is Severity.ERROR:
        return [payload.get("line", document.source.first_line)]
    if document.kind is not DocumentKind.EVENT or document.severity is Severity.NORMAL:
        return []
    if payload.get("reason") in _SAYS_ONLY_THAT:
        return []
    return [message.get("line", 0) for message in payload.get("messages", ())]


def recorded(rules: Path, folder: Path, together: bool) -> list[Asked]:
    """Ask every question and give what the reranker was given."""
    cases = list(laid_out(rules, folder / "evidence"))
    if not together:
        with ProcessPoolExecutor() as pool:
            return list(chain.from_iterable(pool.map(partial(_alone, folder / "evidence"), cases)))
    with Copilot.open(Settings(data_dir=folder / "store", ollama_url="")) as copilot:
        copilot.ingest([str(folder / "evidence")])
        copilot.index()
        return _of_all(copilot, cases)


def _alone(evidence: Path, case: dict[str, Any]) -> list[Asked]:
    """Ask about an incident where its folder is all there is."""
    with Copilot.throw_away(Settings(ollama_url="")) as copilot:
        copilot.ingest([str(evidence / case["folder"])])
        here = {(path.removeprefix(f"{case['folder']}/"), line) for path, line in case["gold"]}
        return _of_all(copilot, [{**case, "gold": sorted(here), "folder": ""}])


def _of_all(copilot: Copilot, cases: Iterable[dict[str, Any]]) -> list[Asked]:
    recorder = Recorder()
    copilot._parts._made["reranker"] = recorder
    told = _told(copilot.ledger.documents())
    found = []
    for case in cases:
        gold = {*case["gold"], *(one for one in told if one[0].startswith(case["folder"]))}
        for question in case["questions"]:
            recorder.seen.clear()
            copilot.hits(DiagnoseRequest(question=question, top_k=10))
            found += [_asked(case["code"], gold, hits, values) for hits, values in recorder.seen]
    return [one for one in found if one is not None]


def _asked(
    code: str, gold: Set[tuple[str, int]], hits: Sequence[Hit], values: Sequence[dict[str, float]]
) -> Asked | None:
    """Give a question's candidates; None where no weights make it right, or every weight does."""
    right = np.array(
        [
            any((hit.document.source.path, line) in gold for line in range(hit.first_line, hit.last_line + 1))
            for hit in hits
        ],
        dtype=bool,
    )
    if not right.any() or right.all():
        return None
    return Asked(code, np.array([list(one.values()) for one in values]), right)


def learned(asked: Sequence[Asked], start: Numbers, pull: float, free: NDArray[np.bool_]) -> Numbers:
    """Give the weights with which right candidates come first, near those to start from; only the free ones change."""
    weights, speed, square = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step in range(1, _STEPS + 1):
        slope = sum((_slope(one, weights) for one in asked), np.zeros_like(start)) / len(asked)
        slope = np.where(free, slope + 2 * pull * (weights - start), 0.0)
        speed, square = 0.9 * speed + 0.1 * slope, 0.999 * square + 0.001 * slope**2
        weights -= _RATE * (speed / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return weights


def _slope(one: Asked, weights: Numbers) -> Numbers:
    scores = one.features @ weights
    share = np.exp(scores - scores.max())
    share /= share.sum()
    right = np.where(one.right, share, 0.0)
    return np.asarray(one.features.T @ (share - right / right.sum()))


def measured(asked: Iterable[Asked], weights: Numbers) -> tuple[float, float, float]:
    """Give hit@1, hit@4 and the mean reciprocal rank."""
    places = []
    for one in asked:
        order = np.argsort(-(one.features @ weights), kind="stable")
        places.append(int(np.argmax(one.right[order])) + 1)
    ranks = np.array(places)
    return float((ranks <= 1).mean()), float((ranks <= 4).mean()), float((1 / ranks).mean())


def held_out(
    asked: Sequence[Asked], start: Numbers, pull: float, free: NDArray[np.bool_], folds: int
) -> list[tuple[float, float, float]]:
    """Give the measures of weights learned without a fold on that fold."""
    codes = sorted({one.code for one in asked})
    result = []
    for fold in range(folds):
        mine = set(codes[fold::folds])
        weights = learned([one for one in asked if one.code not in mine], start, pull, free)
        result.append(measured([one for one in asked if one.code in mine], weights))
    return result


def main() -> int:
    """Learn, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=Path, default=Path("data/sample/rules"))
    parser.add_argument("--keep", type=Path, help="keep what was recorded in this folder, and use it the next time")
    parser.add_argument("--pull", type=float, default=0.02)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--together", action="store_true", help="ask of one store with all incidents")
    parser.add_argument("--only", default="", help="features whose weights are learned; the others stay as they are")
    args = parser.parse_args()
    in_use = Weights().model_dump()
    start = np.array(list(in_use.values()))
    asked = _kept(args.keep, args.rules, args.together)
    print(f"{len(asked)} questions with a right and a wrong candidate")
    print("weights   hit@1  hit@4  MRR")
    print("in use    {:.3f}  {:.3f}  {:.3f}".format(*measured(asked, start)))
    free = np.array([not args.only or name in args.only.split(",") for name in in_use])
    means = np.mean(held_out(asked, start, args.pull, free, args.folds), axis=0)
    print("held out  {:.3f}  {:.3f}  {:.3f}".format(*means))
    weights = learned(asked, start, args.pull, free)
    print("learned   {:.3f}  {:.3f}  {:.3f}   (on what they were learned from)".format(*measured(asked, weights)))
    print(json.dumps(dict(zip(in_use, (round(float(one), 2) for one in weights), strict=True))))
    return 0


def _kept(keep: Path | None, rules: Path, together: bool) -> list[Asked]:
    file = keep / "asked.npz" if keep else None
    if file and file.exists():
        data = np.load(file, allow_pickle=False)
        count = len(data["codes"])
        return [Asked(str(data["codes"][at]), data[f"x{at}"], data[f"y{at}"]) for at in range(count)]
    with tempfile.TemporaryDirectory() as temporary:
        asked = recorded(rules, keep or Path(temporary), together)
    if file:
        arrays: dict[str, Any] = {"codes": np.array([one.code for one in asked])}
        for at, one in enumerate(asked):
            arrays |= {f"x{at}": one.features, f"y{at}": one.right}
        np.savez_compressed(file, **arrays)
    return asked


if __name__ == "__main__":
    sys.exit(main())
