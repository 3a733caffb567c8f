"""Retrieve the evidence for questions and write the hits, one line a question and variant.

Usage: python benchmarks/retrieval.py --bundles CASES_DIR --gold GOLD.jsonl --out HITS.jsonl [--legs LEG,...] [--jobs N]
       python benchmarks/retrieval.py --pooled CASES.jsonl... --out HITS.jsonl [--legs LEG,...] [--without PART,...]
       python benchmarks/retrieval.py --pooled CASES.jsonl... --ablation FOLDER

With --bundles every case's `bundle/` is read into a throw-away store and asked each of its questions in GOLD, as
`kfi retrieve --from` does. With --pooled the evidence items of all cases of the files lie in one store with a Milvus
Lite index of all of them (cases of one `dup_group` share theirs) and every case's question is asked of it; what proves
it is written to HITS.jsonl.gold in GOLD's form, so both are scored by `score_retrieval.py GOLD HITS`. `seconds` is from
question to hits; reading the evidence is not part of it. --ablation asks one store of the pooled cases in every way
(each leg, each pair, all; all without the reranker, without edges, without the Event feature) and writes
FOLDER/WAY.jsonl for each, and FOLDER/gold.jsonl. Parts that can be left out: rerank, edges, event.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.answer import Leg
from kfi.models.schemas import DiagnoseRequest, Document, ObjectRef
from kfi.retrieval import narrowing, reranker, triage
from kfi.retrieval.features import FeatureScorer, Weights
from kfi.retrieval.reranker import Candidate

_HITS = 10
# A recorded line is quoted shortened; so much of it has to stand in the evidence.
_QUOTED = 200


def asked(copilot: Copilot, row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the hits for every variant of a case's question."""
    for variant, question in row["questions"].items():
        found = copilot.hits(DiagnoseRequest(question=question, top_k=_HITS))
        hits = [{"file": hit.file, "first_line": hit.first_line, "last_line": hit.last_line} for hit in found.hits]
        yield {"id": row["id"], "variant": variant, "seconds": found.seconds, "hits": hits[:_HITS]}


def of_bundle(cases: Path, legs: Sequence[str], row: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the hits for one case's bundle."""
    with Copilot.throw_away(settings(legs)) as copilot:
        copilot.ingest([str(cases / row["id"] / "bundle")])
        copilot.warm_up()
        return list(asked(copilot, row))


def settings(legs: Sequence[str], **given: Any) -> Settings:
    """Give settings that search with these legs."""
    return Settings(ollama_url="", search_legs=frozenset(Leg(leg) for leg in legs), **given)


class AsFused:
    """A scorer that leaves candidates in the order of the merged legs."""

    name = "none"

    def scores(self, query: str, candidates: Sequence[Candidate]) -> list[float]:
        """Give numbers that fall from place to place."""
        return [-float(place) for place in range(len(candidates))]

    def warm_up(self) -> None:
        """Do nothing."""


@contextmanager
def lacking(copilot: Copilot, parts: Iterable[str]) -> Iterator[None]:
    """Let a copilot retrieve without some of its parts."""
    with ExitStack() as stack:
        for part in parts:
            if part == "edges":
                for module in (narrowing, reranker, triage):
                    stack.enter_context(patch.object(module, "neighbourhood", alone))
            else:
                scorer = AsFused() if part == "rerank" else FeatureScorer(Weights(event=0.0))
                stack.enter_context(patch.object(copilot._parts.reranker, "_scorer", scorer))
        yield


def alone(_snapshot: object, objects: Iterable[ObjectRef]) -> frozenset[ObjectRef]:
    """Give objects without what an edge joins to them."""
    return frozenset(objects)


# Of the ablation: which legs, and what is left out.
WAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "lexical": ("lexical", ()),
    "dense": ("dense", ()),
    "triage": ("triage", ()),
    "lexical+dense": ("lexical,dense", ()),
    "lexical+triage": ("lexical,triage", ()),
    "dense+triage": ("dense,triage", ()),
    "all": ("lexical,dense,triage", ()),
    "all-without-rerank": ("lexical,dense,triage", ("rerank",)),
    "all-without-edges": ("lexical,dense,triage", ("edges",)),
    "all-without-event": ("lexical,dense,triage", ("event",)),
}


def ablation(files: Iterable[Path], folder: Path) -> None:
    """Ask one store in every way and write the hits of each."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        gold = _filled(files, Path(temporary))
        (folder / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in gold))
        for way, (legs, parts) in WAYS.items():
            now = settings(legs.split(","), data_dir=Path(temporary) / "store")
            with Copilot.open(now) as copilot, lacking(copilot, parts), (folder / f"{way}.jsonl").open("w") as out:
                copilot.warm_up()
                out.writelines(json.dumps(hit) + "\n" for row in gold for hit in asked(copilot, row))


def _filled(files: Iterable[Path], folder: Path) -> list[dict[str, Any]]:
    """Put all cases' evidence into one store below the folder; give their questions and proving lines."""
    cases = [json.loads(line) for file in files for line in file.read_text().splitlines() if line.strip()]
    gold = [_laid_out(case, folder / "evidence") for case in cases]
    with Copilot.open(settings([leg.value for leg in Leg], data_dir=folder / "store")) as copilot:
        copilot.ingest([str(folder / "evidence")])
        copilot.index()
    return gold


def filled_store(files: Iterable[Path], folder: Path) -> tuple[list[dict[str, Any]], list[Document]]:
    """Ingest all cases' evidence below the folder; give their questions and proving lines, and the documents."""
    cases = [json.loads(line) for file in files for line in file.read_text().splitlines() if line.strip()]
    gold = [_laid_out(case, folder / "evidence") for case in cases]
    with Copilot.open(settings(["triage"], data_dir=folder / "store")) as copilot:
        copilot.ingest([str(folder / "evidence")])
        return gold, list(copilot.ledger.documents())


def pooled(
    files: Iterable[Path], legs: Sequence[str], gold_file: Path, without: Sequence[str] = ()
) -> Iterator[dict[str, Any]]:
    """Yield the hits for every case when all their evidence lies in one store."""
    with tempfile.TemporaryDirectory() as temporary:
        gold = _filled(files, Path(temporary))
        gold_file.write_text("".join(json.dumps(row) + "\n" for row in gold))
        with Copilot.open(settings(legs, data_dir=Path(temporary) / "store")) as copilot, lacking(copilot, without):
            copilot.warm_up()
            yield from (hit for row in gold for hit in asked(copilot, row))


def _laid_out(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write a case's evidence below the folder and give its question and proving lines."""
    place = case.get("dup_group") or case["id"]
    gold = []
    for item in case["evidence"]:
        path = _written(folder, place, item)
        if item["path"] in case["gold_evidence_paths"]:
            quoted = case.get("gold_lines", {}).get(item["path"])
            lines = _lines_with(item["text"], quoted) if quoted else range(1, item["text"].count("\n") + 2)
            gold += [{"file": str(path.relative_to(folder)), "line": line} for line in lines]
    return {"id": case["id"], "questions": {"pooled": case["question"]}, "gold": gold}


def _written(folder: Path, place: str, item: dict[str, Any]) -> Path:
    """Write an item and give its path: beside another of its name where that says something else."""
    named: Path = folder / place / item["path"].lstrip("/")
    for number in itertools.count(1):
        path = named if number == 1 else named.with_stem(f"{named.stem}-{number}")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(item["text"])
            return path
        if path.read_text() == item["text"]:
            return path
    raise AssertionError


def _lines_with(text: str, quoted: Iterable[str]) -> list[int]:
    wanted = [" ".join(line.split())[:_QUOTED] for line in quoted]
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return [number for number, line in enumerate(lines, 1) if any(want and want in line for want in wanted)]


def main() -> int:
    """Ask every question and write the hits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundles", type=Path)
    parser.add_argument("--gold", type=Path)
    parser.add_argument("--pooled", type=Path, nargs="+")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--ablation", type=Path, metavar="FOLDER", help="ask the pooled cases in every way")
    parser.add_argument("--without", default="", help="parts that are left out of --pooled: rerank, edges, event")
    parser.add_argument("--legs", default="dense,lexical,triage", help="which legs search (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    args = parser.parse_args()
    if bool(args.pooled) == bool(args.bundles and args.gold) or not (args.out or args.ablation):
        print("Give --bundles and --gold, or --pooled; and --out, or with --pooled --ablation.", file=sys.stderr)
        return 2
    if args.ablation:
        ablation(args.pooled, args.ablation)
        return 0
    legs = args.legs.split(",")
    with args.out.open("w") as out:
        for row in _rows(args, legs):
            out.write(json.dumps(row) + "\n")
    return 0


def _rows(args: argparse.Namespace, legs: Sequence[str]) -> Iterator[dict[str, Any]]:
    if args.pooled:
        yield from pooled(args.pooled, legs, Path(f"{args.out}.gold"), args.without.split(",") if args.without else ())
        return
    gold = [json.loads(line) for line in args.gold.read_text().splitlines() if line.strip()]
    here = [row for row in gold if (args.bundles / row["id"] / "bundle").is_dir()]
    with ProcessPoolExecutor(args.jobs) as pool:
        for done, rows in enumerate(pool.map(partial(of_bundle, args.bundles, legs), here), 1):
            yield from rows
            if sys.stderr.isatty():
                print(f"\r{done}/{len(here)}", end="", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
