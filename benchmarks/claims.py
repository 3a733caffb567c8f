"""
What the check of claims does to a real model's words: how many are kept, repaired and removed, as a table.

    python benchmarks/claims.py CASES_DIR --llm .llm-test --out FILE [--cases N] [--num-ctx TOKENS]
        [--reply TOKENS] [--timeout SECONDS]

CASES_DIR holds one folder a case, as for `cloudops.py`; `--llm` is what `make test-llm` fetches: llama.cpp's server and
SmolLM2-135M. That model is far too small to answer well: this shows that the check works on words that nobody wrote
down beforehand, and says nothing of the quality of answers. The cases are taken from each kind of fault in turn; a line
of JSON for each goes to FILE, and a run that was stopped goes on from there. `--reply` bounds what the model writes;
where the machine is slow that and `--timeout` decide how much it says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.llm.server import RealModel

from kfi.chains.citations import check
from kfi.chains.grounding import Ground, ground_of
from kfi.chains.prompts import Brief
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.answer import AnswerEvent, ModelChosen, Token
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, QueryPlan


@dataclass(frozen=True)
class Asked:
    """What one case came to."""

    answer: FailureDiagnosis
    ground: Ground
    """What its claims have to stand on."""
    words: str = ""
    """What the model said, whether it ended or not, each sentence once: this one says a sentence over and over."""


def asked_of(folder: Path, settings: Settings, who: str = "simple") -> Asked:
    """Ask one case's question, of the model or (`rules`) of none."""
    case = json.loads((folder / "case.json").read_text())
    said: list[str] = []

    def watch(event: AnswerEvent) -> None:
        if isinstance(event, ModelChosen):
            said.clear()
        elif isinstance(event, Token):
            said.append(event.text)

    with Copilot.throw_away(settings) as copilot:
        copilot.ingest([str(folder / "bundle")])
        asked = DiagnoseRequest(question=case["question"], namespace=case["namespace"], force_model=who)
        answer = asyncio.run(copilot.whole(asked, watch))
        objects = [document.ref for document in copilot.ledger.documents()]
    brief = Brief(
        answer.question,
        QueryPlan(question=answer.question),
        answer.root_causes,
        answer.evidence,
        answer.gaps,
        objects=objects,
    )
    return Asked(answer, ground_of(brief, {line.label for line in answer.evidence}), _once("".join(said)))


def _settings(timeout_s: float, server: RealModel | None = None) -> Settings:
    none = Settings(llm_url="", ollama_url="", model_timeout_s=timeout_s, throwaway_embedding_s=0)
    if server is None:
        return none
    names = {"llm_url": server.url, "simple_model": server.name, "complex_model": server.name}
    return none.model_copy(update={**names, "num_ctx": server.num_ctx})


def _once(words: str) -> str:
    """Give the sentences of a text, each once; the last may not be whole, so it goes."""
    whole = re.sub(r"[^.!?\n]*\Z", "", words)
    return "".join(dict.fromkeys(re.split(r"(?<=[.!?])(?=\s)|(?<=\n)", whole)))


def chosen(cases: Path, count: int) -> list[Path]:
    """Give so many cases, from each kind of fault in turn, the same ones every time."""
    kinds: defaultdict[str, list[Path]] = defaultdict(list)
    for expected in sorted(cases.glob("*/expected.json")):
        kinds[json.loads(expected.read_text())["root_cause"]].append(expected.parent)
    turns = chain.from_iterable(zip_longest(*(kinds[kind] for kind in sorted(kinds))))
    return list(islice(filter(None, turns), count))


def main() -> int:
    """Add a line to the file for each case, then print the table."""
    options = _options()
    folders = chosen(options.cases, options.count)
    done = {row["case"]: row for row in _rows(options.out)}
    left = [folder for folder in folders if folder.name not in done]
    if options.recheck:
        for folder in set(folders).difference(left):
            ground = asked_of(folder, _settings(options.timeout), "rules").ground
            done[folder.name] |= asdict(check(done[folder.name]["words"], ground))
    elif left:
        _ask(left, len(folders), options, done)
    _print([done[folder.name] for folder in folders if folder.name in done])
    return 0


def _ask(folders: list[Path], count: int, options: argparse.Namespace, done: dict[str, dict[str, Any]]) -> None:
    (weights,) = options.llm.glob("*.gguf")
    with RealModel(options.llm, weights, options.num_ctx, options.reply) as server, options.out.open("a") as out:
        for folder in folders:
            started = time.perf_counter()
            row = done[folder.name] = _row(folder.name, asked_of(folder, _settings(options.timeout, server)))
            print(json.dumps(row), file=out, flush=True)
            counts = ", ".join(f"{name} {row[name]}" for name in ("kept", "repaired", "removed"))
            took = f"{time.perf_counter() - started:.0f} s"
            print(f"{len(done)}/{count} {folder.name}: {took}, {counts}", file=sys.stderr, flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--llm", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=50, dest="count")
    parser.add_argument("--num-ctx", type=int, default=2048)
    parser.add_argument("--reply", type=int, default=-1, help="tokens of a reply; -1: what the context has room for")
    parser.add_argument("--recheck", action="store_true", help="check the words in FILE anew, without the model")
    parser.add_argument("--timeout", type=float, default=120.0)
    return parser.parse_args()


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        yield from map(json.loads, path.read_text().splitlines())


def _row(case: str, asked: Asked) -> dict[str, Any]:
    return {
        "case": case,
        "explained": asked.answer.model_answer is not None,
        **asdict(check(asked.words, asked.ground)),
        "words": asked.words,
        "notes": asked.answer.notes,
    }


def _print(rows: list[dict[str, Any]]) -> None:
    explained = sum(row["explained"] for row in rows)
    left = sum(row["text"] is not None for row in rows)
    print("| cases | explained in full and in time | some claim left |\n|---:|---:|---:|")
    print(f"| {len(rows)} | {explained} | {left} |\n")
    counts: Counter[str] = Counter()
    for row in rows:
        counts.update({name: row[name] for name in ("kept", "repaired", "removed")})
    claims = counts.total()
    print("| claims, each once | kept | repaired | removed |\n|---:|---:|---:|---:|")
    shares = (f"{counts[name]} ({counts[name] / max(claims, 1):.0%})" for name in ("kept", "repaired", "removed"))
    print(f"| {claims} | {' | '.join(shares)} |")


if __name__ == "__main__":
    sys.exit(main())
