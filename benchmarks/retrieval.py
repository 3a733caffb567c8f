"""Retrieve the evidence for questions and write the hits, one line a question and variant.

Usage: python benchmarks/retrieval.py --bundles CASES_DIR --gold GOLD.jsonl --out HITS.jsonl [--legs LEG,...] [--jobs N]
       python benchmarks/retrieval.py --pooled CASES.jsonl... --out HITS.jsonl [--legs LEG,...]

With --bundles every case's `bundle/` is read into a throw-away store and asked each of its questions in GOLD, as
`kfi retrieve --from` does. With --pooled the evidence items of all cases of the files lie in one store with a Milvus
Lite index of all of them (cases of one `dup_group` share theirs) and every case's question is asked of it; what proves
it is written to HITS.jsonl.gold in GOLD's form, so both are scored by `score_retrieval.py GOLD HITS`. `seconds` is from
question to hits; reading the evidence is not part of it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.answer import Leg
from kfi.models.schemas import DiagnoseRequest

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


def pooled(files: Iterable[Path], legs: Sequence[str], gold_file: Path) -> Iterator[dict[str, Any]]:
    """Yield the hits for every case when all their evidence lies in one store."""
    cases = [json.loads(line) for file in files for line in file.read_text().splitlines() if line.strip()]
    with tempfile.TemporaryDirectory() as temporary:
        evidence, store = Path(temporary) / "evidence", Path(temporary) / "store"
        gold = [_laid_out(case, evidence) for case in cases]
        gold_file.write_text("".join(json.dumps(row) + "\n" for row in gold))
        with Copilot.open(settings(legs, data_dir=store)) as copilot:
            copilot.ingest([str(evidence)])
            copilot.index()
            copilot.warm_up()
            yield from (hit for row in gold for hit in asked(copilot, row))


def _laid_out(case: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Write a case's evidence below the folder and give its question and proving lines."""
    place = case.get("dup_group") or case["id"]
    gold = []
    for item in case["evidence"]:
        path = folder / place / item["path"].lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(item["text"])
        if item["path"] in case["gold_evidence_paths"]:
            quoted = case.get("gold_lines", {}).get(item["path"])
            lines = _lines_with(item["text"], quoted) if quoted else range(1, item["text"].count("\n") + 2)
            gold += [{"file": str(path.relative_to(folder)), "line": line} for line in lines]
    return {"id": case["id"], "questions": {"pooled": case["question"]}, "gold": gold}


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
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--legs", default="dense,lexical,triage", help="which legs search (default: all)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    args = parser.parse_args()
    if bool(args.pooled) == bool(args.bundles and args.gold):
        print("Give --bundles and --gold, or --pooled.", file=sys.stderr)
        return 2
    legs = args.legs.split(",")
    with args.out.open("w") as out:
        for row in _rows(args, legs):
            out.write(json.dumps(row) + "\n")
    return 0


def _rows(args: argparse.Namespace, legs: Sequence[str]) -> Iterator[dict[str, Any]]:
    if args.pooled:
        yield from pooled(args.pooled, legs, Path(f"{args.out}.gold"))
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
