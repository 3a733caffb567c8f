"""
What the check of claims does to a real model's words: how many are kept, repaired and removed, as a table.

    python benchmarks/claims.py CASES_DIR --llm .llm-test [--cases N] [--timeout SECONDS]

CASES_DIR holds one folder a case, as for `cloudops.py`; `--llm` is what `make test-llm` fetches: llama.cpp's server and
SmolLM2-135M. That model is far too small to answer well: this shows that the check works on words that nobody wrote
down beforehand, and says nothing of the quality of answers.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.llm.server import RealModel

from kfi.chains.citations import Checked, check
from kfi.chains.grounding import ground_of
from kfi.chains.prompts import Brief
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.models.answer import AnswerEvent, ModelChosen, Token
from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, QueryPlan


@dataclass(frozen=True)
class Outcome:
    """What one case came to."""

    answer: FailureDiagnosis
    checked: Checked
    """What is left of the words that came, whether the model ended them or not."""


def asked_of(folder: Path, url: str, model: str, timeout_s: float) -> Outcome:
    """Give the answer to one case's question, and the check of the words that the model said."""
    case = json.loads((folder / "case.json").read_text())
    settings = Settings(
        llm_url=url,
        ollama_url="",
        simple_model=model,
        complex_model=model,
        num_ctx=2048,
        model_timeout_s=timeout_s,
        throwaway_embedding_s=0,
    )
    words: list[str] = []

    def watch(event: AnswerEvent) -> None:
        if isinstance(event, ModelChosen):
            words.clear()
        elif isinstance(event, Token):
            words.append(event.text)

    with Copilot.throw_away(settings) as copilot:
        copilot.ingest([str(folder / "bundle")])
        asked = DiagnoseRequest(question=case["question"], namespace=case["namespace"], force_model="simple")
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
    ground = ground_of(brief, {line.label for line in answer.evidence})
    # The last sentence may not be whole.
    whole = re.sub(r"[^.!?\n]*\Z", "", "".join(words))
    return Outcome(answer, check(whole, ground))


def main() -> int:
    """Print a line for each case, then the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", type=Path)
    parser.add_argument("--llm", type=Path, required=True)
    parser.add_argument("--cases", type=int, default=50, dest="count")
    parser.add_argument("--timeout", type=float, default=120.0)
    options = parser.parse_args()
    folders = sorted(path.parent for path in options.cases.glob("*/case.json"))
    chosen = folders[:: max(1, len(folders) // options.count)][: options.count]
    (weights,) = options.llm.glob("*.gguf")
    counts: Counter[str] = Counter()
    with RealModel(options.llm, weights, num_ctx=2048) as server:
        for folder in chosen:
            started = time.perf_counter()
            outcome = asked_of(folder, server.url, server.name, options.timeout)
            counts += _count(outcome)
            took = f"{time.perf_counter() - started:.0f} s"
            print(f"{folder.name}: {took}, {outcome.checked}", file=sys.stderr, flush=True)
    _print(counts, len(chosen))
    return 0


def _count(outcome: Outcome) -> Counter[str]:
    checked, said = outcome.checked, outcome.answer.model_answer
    counts = Counter(kept=checked.kept, repaired=checked.repaired, removed=checked.removed)
    counts["explained"] += said is not None
    counts["left"] += bool(checked.claims)
    return counts


def _print(counts: Counter[str], cases: int) -> None:
    claims = sum(counts[name] for name in ("kept", "repaired", "removed"))
    print("| cases | explained in full and in time | some claim left |\n|---:|---:|---:|")
    print(f"| {cases} | {counts['explained']} | {counts['left']} |\n")
    print("| claims | kept | repaired | removed |\n|---:|---:|---:|---:|")
    shares = (f"{counts[name]} ({counts[name] / max(claims, 1):.0%})" for name in ("kept", "repaired", "removed"))
    print(f"| {claims} | {' | '.join(shares)} |")


if __name__ == "__main__":
    sys.exit(main())
