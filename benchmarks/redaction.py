"""
What becomes of 200 planted secrets, how often something harmless is masked, and how fast it goes, as tables.

    python benchmarks/redaction.py [--harmless FOLDER] [--show]

Everything that kfi reads is given to it with secrets in it, stored, searched and asked about. None may be found again:
in the store (every file of it, and what is packed in the ledger), in what a model server is sent, in what the API
answers, in what kfi logs. `--harmless` counts how many lines of a folder's files are masked at all, which is no less
than how many are masked wrongly. The exit code is 1 where a secret got out.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import httpx
from starlette.types import ASGIApp
from tests.ollama_standin import OllamaStandIn, Reply

from kfi.api.server import create_app
from kfi.config import Settings
from kfi.copilot import Copilot
from kfi.ingestion.redaction import Redactor
from planted_secrets import Planted, plant
from secret_kinds import KINDS

_APPS = ("cart", "checkout", "mailer", "pricing", "stock", "search", "returns", "loyalty", "labels", "invoices")
_QUESTIONS = (
    *(f"Why is {app} failing, and what does its log say?" for app in _APPS),
    "list all warning events",
    "show the error logs",
    "which environment variables, arguments and settings are wrong?",
    "why can the kubeconfig user not log in?",
    "is an authorization, token or password rejected?",
)
_PLACES = ("store", "prompt", "API", "log")
_LINES = 200_000


class _Kept(logging.Handler):
    """Keeps whatever anybody logs."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def seen_again(count: int, folder: Path) -> tuple[list[Planted], dict[str, str]]:
    """Plant secrets and use kfi on them; give them, and all that was written, sent, answered and logged, by place."""
    evidence, data = folder / "evidence", folder / "data"
    evidence.mkdir()
    planted = plant(evidence, count)
    kept = _Kept()
    root = logging.getLogger()
    level = root.level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        with OllamaStandIn(reply=Reply(content=("It failed [E1].",))) as server:
            settings = Settings(data_dir=data, ollama_url=server.url, num_ctx=32768)
            answers = _used(settings, evidence, planted)
            prompts = json.dumps(server.chats, ensure_ascii=False)
    finally:
        root.removeHandler(kept)
        root.setLevel(level)
    where = {"store": answers.pop(0), "prompt": prompts, "API": "\n".join(answers), "log": "\n".join(kept.lines)}
    return planted, {place: _plain(text) for place, text in where.items()}


def _used(settings: Settings, evidence: Path, planted: Sequence[Planted]) -> list[str]:
    """Give what lies in the store, then each answer of the API."""
    # In an object of kind Secret it stands alone, and nobody could tell.
    pasted = {one.kind: one.words for one in planted if one.place != "secret object"}.values()
    with Copilot.open(settings) as copilot:
        copilot.ingest([str(evidence)])
        copilot.index()
        questions = (*_QUESTIONS, *(f"What does this mean?\n{words}" for words in pasted))
        answers = asyncio.run(_answers(create_app(copilot, settings), questions))
        packed = [document.model_dump_json() for document in copilot.ledger.documents()]
    files = [path.read_bytes().decode("latin-1") for path in settings.data_dir.rglob("*") if path.is_file()]
    return ["\n".join((*files, *packed)), *answers]


async def _answers(app: ASGIApp, questions: Iterable[str]) -> list[str]:
    """Give the bodies of all answers: as a stream, as one document, and how the question is understood."""
    transport = httpx.ASGITransport(app)
    bodies = []
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8484", timeout=None) as api:
        for question in questions:
            asked = {"question": question[:8000], "limit": 100, "force_model": "simple"}
            responses = [await api.post("/diagnose", json=asked, params={"stream": way}) for way in (True, False)]
            responses.append(await api.post("/query-analysis", json={"question": question[:8000]}))
            bodies += [response.raise_for_status().text for response in responses]
    return bodies


def _plain(text: str) -> str:
    r"""Undo what JSON does to a text, also where JSON stands within JSON: `\"` and `\/` are `"` and `/`."""
    return text.replace("\\", "")


def leaks(planted: Iterable[Planted], where: dict[str, str]) -> list[tuple[Planted, str]]:
    """Give each secret that is found again, with each place it is found in."""
    return [
        (one, place)
        for one in planted
        for place, text in where.items()
        if any(_plain(needle) in text for needle in one.needles)
    ]


def masked_lines(folder: Path) -> tuple[int, list[str]]:
    """Give how many lines the files of a folder have, and those that are masked, as they look then."""
    total, masked = 0, []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json"):
        lines = path.read_bytes().decode("utf-8", "replace").split("\n")
        redacted = list(Redactor(b"0" * 32).lines(lines))
        total += len(lines)
        masked += [f"{path.name}: {new}" for old, new in zip(lines, redacted, strict=True) if new != old]
    return total, masked


def ordinary(count: int) -> Iterator[str]:
    """Yield lines as logs, Events, manifests and tables have them; no two alike, one in 500 with a secret."""
    rng = random.Random(7)
    for number in range(count):
        form = rng.choices(_FORMS, weights=_OFTEN)[0]
        if not number % 500:
            form = "INFO connecting to postgres://app:{a}{b}@db.orchard.svc/orders"
        a, b = f"{rng.getrandbits(32):08x}", f"{rng.getrandbits(24):06x}"
        yield form.format(n=number, a=a, b=b, m=number % 60, ms=rng.randint(1, 900))


_FORMS = (
    "2026-11-20T14:{m:02}:01.{ms:03}Z INFO  handled GET /cart/{a} in {ms} ms status=200 request_id={a}-{b}",
    '{{"ts":"2026-11-20T14:{m:02}:02Z","level":"info","msg":"order {n} stored","order":"{a}","took_ms":{ms}}}',
    "I1120 14:{m:02}:03.{ms:06}    {n} controller.go:{ms}] Reconciling orchard/checkout-{b} generation {n}",
    '10.3.{m}.7 - - [20/Nov/2026:14:{m:02}:04 +0000] "GET /p/{n} HTTP/1.1" 200 {ms} "-" "Mozilla/5.0 (X11)"',
    'time="2026-11-20T14:{m:02}:05Z" level=warning msg="retrying {n}" error="dial tcp 10.0.{m}.9:5432: i/o timeout"',
    "orchard     cart-{a}-{b}          1/1     Running   0          {m}m    10.1.{m}.{ms}   node-{m}   <none>",
    "orchard     {m}m         Warning   BackOff   pod/cart-{b}   Back-off restarting failed container app in pod {a}",
    "          image: registry.orchard.example/cart@sha256:{a}{a}{a}{a}{b}",
    "        - name: QUEUE_{n}",
    '    resourceVersion: "{n}{ms}"',
    "      app.kubernetes.io/instance: checkout-{n}",
    "    uid: {a}-{m:04}-{ms:04}-{m:04}-{a}{m:04}",
    '  Normal   Pulled     {m}m                kubelet            Successfully pulled image "cart:{n}" in {ms}ms',
    "\tat example.orchard.cart.Store{n}.find(Store{b}.java:{ms})",
)
_OFTEN = (20, 15, 6, 8, 8, 6, 5, 4, 6, 4, 6, 4, 4, 4)


def rate(lines: Sequence[str]) -> float:
    """Give how many lines a second are looked through, the best of three runs.

    Seconds are those of the processor: others may work on it at the same time.
    """
    best = 0.0
    for _ in range(3):
        started = time.process_time()
        for _line in Redactor(b"0" * 32).lines(lines):
            pass
        best = max(best, len(lines) / (time.process_time() - started))
    return best


def _lines_of(folder: Path) -> list[str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "manifest.json")
    return [line for path in files for line in path.read_bytes().decode("utf-8", "replace").split("\n")]


def main() -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--harmless", type=Path)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--show", action="store_true", help="print what leaked, and what was masked")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        planted, where = seen_again(options.count, Path(folder))
    found = leaks(planted, where)
    _print_leaks(planted, found)
    print(f"\nCharacters looked through: {', '.join(f'{place} {len(text):,}' for place, text in where.items())}")
    if options.show:
        for one, place in found:
            print(f"LEAK {place}: {one.kind} in {one.place}: {one.words[:200]!r}")
    mix = list(ordinary(_LINES))
    print(f"\nLines per second of processor time: {rate(mix):,.0f} of an ordinary mix ({len(mix):,}, no two alike)")
    if options.harmless:
        _print_harmless(options.harmless, options.show)
    return 1 if found else 0


def _print_leaks(planted: Sequence[Planted], found: Sequence[tuple[Planted, str]]) -> None:
    print(f"| kind | planted | {' | '.join(f'found in the {place}' for place in _PLACES)} |")
    print(f"|---|{'---:|' * (len(_PLACES) + 1)}")
    counts = Counter((one.kind, place) for one, place in found)
    for kind in KINDS:
        row = [sum(one.kind == kind for one in planted), *(counts[kind, place] for place in _PLACES)]
        print(f"| {kind} | {' | '.join(map(str, row))} |")
    row = [len(planted), *(sum(counts[kind, place] for kind in KINDS) for place in _PLACES)]
    print(f"| all | {' | '.join(map(str, row))} |")


def _print_harmless(folder: Path, show: bool) -> None:
    total, masked = masked_lines(folder)
    lines = _lines_of(folder)
    print(f"Lines per second of processor time: {rate(lines):,.0f} of {folder} ({total:,})")
    print(f"Masked there: {len(masked):,} of {total:,} lines ({len(masked) / total:.3%}), rightly or wrongly")
    if show:
        print(*masked, sep="\n")


if __name__ == "__main__":
    sys.exit(main())
