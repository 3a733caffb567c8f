"""Measure what the number of a vector's dimensions costs and loses.

Usage: python benchmarks/dimension.py [--vectors 10000,50000,100000] [--dimensions 384,1024] [--uri URI | --wheel DIR]
       python benchmarks/dimension.py MODEL_DIR --pooled CASES.jsonl... [--dimensions 384]

The first makes random vectors and prints the index's size on disk (Milvus Lite), the seconds to build it and the median
milliseconds of a search for the 100 nearest; with --uri on a server, whose disk it cannot see; with --wheel on a Milvus
2.3.5 that it starts itself from the wheel in DIR (`make bench-dimension`): what its folder grows by, its logs included.
Random vectors are as large as any, but nearer neighbours of real ones may be found faster. The second embeds the cards
of all cases' evidence with the model in MODEL_DIR and prints, against the model's own width, how many of the 10 nearest
cards of each question are lost at a dimension: as the index finds them, and with the best 100 scored again at full
width, as kfi does.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from numpy.typing import NDArray
from tests.milvus.server import RealMilvus

from kfi.models.schemas import Document, DocumentKind, ObjectRef, Source
from kfi.vectorstore.index import IndexRow
from kfi.vectorstore.milvus_client import MilvusStore

Vectors = NDArray[np.float32]

_BATCH = 1_000
_SEARCHES = 30
_NEAREST = 100
_WANTED = 10


def unit(random: np.random.Generator, count: int, dimension: int) -> Vectors:
    """Give random vectors of length 1."""
    made = random.normal(size=(count, dimension)).astype(np.float32)
    return np.asarray(made / np.linalg.norm(made, axis=1, keepdims=True), dtype=np.float32)


def document(number: int) -> Document:
    """Give an invented document, small, so that the index's size is its vectors'."""
    name = f"stall-{number:06d}"
    return Document(
        id=f"{number:032x}",
        identity=f"{number:032x}",
        kind=DocumentKind.OBJECT,
        ref=ObjectRef(kind="Pod", namespace="orchard", name=name),
        source=Source(path="pods.txt", first_line=number + 1, last_line=number + 1),
        observed_at=datetime(2026, 11, 20, 14, 40, tzinfo=UTC),
        text=name,
        card=name,
    )


@contextmanager
def served(wheel: Path | None, folder: Path) -> Iterator[str]:
    """Give the address of a Milvus server that runs as long as it is needed, from a wheel; none without a wheel."""
    if wheel is None:
        yield ""
        return
    server = RealMilvus(wheel, folder)
    server.start()
    try:
        yield server.uri
    finally:
        server.stop()


def measured(count: int, dimension: int, uri: str, token: str, wheel: Path | None) -> tuple[float, float, float]:
    """Give the MiB on disk (0 where they are a far server's), the seconds to build it, and milliseconds a search."""
    random = np.random.default_rng(7)
    with tempfile.TemporaryDirectory() as temporary, served(wheel, Path(temporary)) as own:
        folder = Path(temporary) / "index"
        before = _size(Path(temporary))
        where = MilvusStore(
            uri or own or str(folder), model="random", dimension=dimension, token=token, store="dimension"
        )
        started = time.perf_counter()
        for begin in range(0, count, _BATCH):
            vectors = unit(random, min(_BATCH, count - begin), dimension)
            where.upsert([IndexRow(document(begin + at), vector) for at, vector in enumerate(vectors)])
        where.flush()
        built = time.perf_counter() - started
        spent = []
        for query in unit(random, _SEARCHES, dimension):
            begun = time.perf_counter()
            where.dense(query[None, :], None, _NEAREST)
            spent.append((time.perf_counter() - begun) * 1000)
        if uri:
            where.drop()
        where.close()
        size = 0 if uri else _size(Path(temporary)) - before
    return size / 2**20, built, statistics.median(spent)


def _size(folder: Path) -> int:
    """Give the bytes of all files in a folder; a server may remove some while they are counted."""
    size = 0
    for file in folder.rglob("*"):
        with suppress(FileNotFoundError):
            size += file.stat().st_size if file.is_file() else 0
    return size


def show_cost(counts: Sequence[int], dimensions: Sequence[int], uri: str, token: str, wheel: Path | None) -> None:
    """Print a row for each number of vectors and dimension."""
    print("| vectors | dimension | MiB on disk | build s | search ms (median) |\n|---|---|---|---|---|")
    for count in counts:
        for dimension in dimensions:
            size, built, spent = measured(count, dimension, uri, token, wheel)
            shown = f"{size:.1f}" if size else "-"
            print(f"| {count:,} | {dimension} | {shown} | {built:.1f} | {spent:.1f} |", flush=True)


def show_loss(model: Path, files: Sequence[Path], dimensions: Sequence[int]) -> None:
    """Print how many of the nearest cards are lost at each dimension."""
    cards, questions = _texts(files)
    from kfi.embeddings.sentence_transformer_model import SentenceTransformerModel

    embedder = SentenceTransformerModel(model, model.name)
    embedder.load()
    held, asked = _normal(embedder.encode(cards, is_query=False)), _normal(embedder.encode(questions, is_query=True))
    exact = asked @ held.T
    print(f"{len(cards)} cards, {len(questions)} questions, the model's own width {held.shape[1]}")
    print("| dimension | lost of the nearest 10 | lost after the best 100 were scored at full width |\n|---|---|---|")
    for dimension in (one for one in dimensions if one < held.shape[1]):
        short = _normal(asked[:, :dimension]) @ _normal(held[:, :dimension]).T
        print(f"| {dimension} | {_lost(exact, short):.3f} | {_lost(exact, _again(exact, short)):.3f} |")


def _texts(files: Sequence[Path]) -> tuple[list[str], list[str]]:
    from kfi.embeddings.clean_text import clean
    from retrieval import filled_store

    with tempfile.TemporaryDirectory() as temporary:
        gold, documents = filled_store(files, Path(temporary))
    questions = [question for row in gold for question in row["questions"].values()]
    return sorted({clean(one.card) for one in documents}), [clean(question) for question in questions]


def _normal(vectors: Vectors) -> Vectors:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


def _again(exact: Vectors, short: Vectors) -> Vectors:
    """Give the full scores of what is among the best 100 by the short ones; nothing else is found."""
    best = np.argsort(-short, axis=1)[:, :_NEAREST]
    scores = np.full_like(exact, -2.0)
    np.put_along_axis(scores, best, np.take_along_axis(exact, best, axis=1), axis=1)
    return scores


def _lost(exact: Vectors, other: Vectors) -> float:
    wanted = np.argsort(-exact, axis=1)[:, :_WANTED]
    found = np.argsort(-other, axis=1)[:, :_WANTED]
    kept = [len(set(a) & set(b)) / len(a) for a, b in zip(wanted.tolist(), found.tolist(), strict=True)]
    return 1 - statistics.mean(kept)


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path, nargs="?", help="folder of a sentence-transformers model")
    parser.add_argument("--pooled", type=Path, nargs="+", help="cases, as benchmarks/retrieval.py takes them")
    parser.add_argument("--vectors", type=_numbers, default=[10_000, 50_000, 100_000])
    parser.add_argument("--dimensions", type=_numbers, default=[384, 1024])
    parser.add_argument("--uri", default="", help="a Milvus server, such as http://127.0.0.1:19530")
    parser.add_argument("--token", default="")
    parser.add_argument("--wheel", type=Path, help="folder that milvus==2.3.5 was installed into")
    args = parser.parse_args()
    if args.model and not args.pooled:
        print(json.dumps({"error": "With a model, give --pooled CASES.jsonl."}), file=sys.stderr)
        return 2
    if args.model:
        show_loss(args.model, args.pooled, args.dimensions)
    else:
        show_cost(args.vectors, args.dimensions, args.uri, args.token, args.wheel)
    return 0


if __name__ == "__main__":
    sys.exit(main())
