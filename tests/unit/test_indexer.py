"""The index follows the ledger: everything gets in, once, and goes on after any interruption."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
import pytest

from kfi.embeddings.embedding_service import EmbeddingService
from kfi.errors import ServiceError
from kfi.ingestion.indexer import BackgroundIndexer, index_pending, index_worst
from kfi.ledger.ledger import Ledger
from kfi.models.schemas import Severity
from kfi.vectorstore.memory_index import MemoryIndex
from kfi.vectorstore.milvus_client import MilvusStore
from tests.cluster import event
from tests.waiting import wait_until

DIMENSION = 8


class HashedWords:
    """An embedder that makes the same vector of the same text in every process, and counts what it is asked."""

    name = "hashed"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def load(self) -> None:
        pass

    def encode(self, texts: Sequence[str], is_query: bool) -> np.ndarray:
        self.encoded += texts
        return np.array(
            [np.frombuffer(hashlib.sha256(t.encode()).digest()[:DIMENSION], np.uint8) for t in texts], float
        )


class FullDisk(MemoryIndex):
    """An index that takes the first batch and then fails."""

    def upsert(self, rows):
        if self.count():
            raise ServiceError("The disk is full.", hint="Make room.")
        super().upsert(rows)


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path) as opened:
        yield opened


def events(number: int):
    return [
        event(f"Pod/orchard/cart-{n}", "BackOff", f"Back-off restarting app {n}").model_copy(
            update={"card": f"Warning BackOff Pod orchard/cart-{n}", "severity": Severity.WARNING}
        )
        for n in range(number)
    ]


def service(model=None):
    return EmbeddingService(model or HashedWords(), DIMENSION)


def test_everything_in_the_ledger_gets_into_the_index_once(ledger):
    ledger.write(events(300))
    index, model = MemoryIndex(DIMENSION), HashedWords()

    first, second = index_pending(ledger, service(model), index), index_pending(ledger, service(model), index)

    assert (first, second) == (300, 0)
    assert (index.count(), ledger.count_not_indexed(), len(model.encoded)) == (300, 0, 300)


def test_what_was_acknowledged_before_a_failure_is_not_done_again(ledger):
    ledger.write(events(300))
    index = FullDisk(DIMENSION)

    with pytest.raises(ServiceError, match="disk is full"):
        index_pending(ledger, service(), index)

    assert 0 < ledger.count_not_indexed() == 300 - index.count()


def test_a_stop_is_heard_between_batches(ledger):
    ledger.write(events(300))
    index = MemoryIndex(DIMENSION)

    index_pending(ledger, service(), index, stopped=lambda: index.count() > 0)

    assert 0 < index.count() < 300


def test_nothing_waits_no_more_before_it_can_be_found(ledger):
    waiting = []

    class Watched(MemoryIndex):
        def flush(self):
            waiting.append(ledger.count_not_indexed())

    ledger.write(events(300))
    index_pending(ledger, service(), Watched(DIMENSION))

    assert (waiting, ledger.count_not_indexed()) == ([300 - 2 * 128], 0)


def test_what_could_not_be_made_findable_is_done_again(ledger):
    class FullOnce(MemoryIndex):
        flushed = 0

        def flush(self):
            self.flushed += 1
            if self.flushed == 1:
                raise ServiceError("The disk is full.", hint="Make room.")

    ledger.write(events(3))
    index = FullOnce(DIMENSION)
    with pytest.raises(ServiceError):
        index_pending(ledger, service(), index)

    assert (index_pending(ledger, service(), index), index.flushed, ledger.count_not_indexed()) == (3, 2, 0)


def test_what_looks_worst_is_indexed_first(ledger):
    calm = [document.model_copy(update={"severity": Severity.NORMAL}) for document in events(200)]
    bad = event("Pod/orchard/stock-1", "Failed", "Error: ErrImagePull").model_copy(update={"severity": Severity.ERROR})
    ledger.write([*calm, bad])
    index = MemoryIndex(DIMENSION)

    index_pending(ledger, service(), index, stopped=lambda: index.count() > 0)

    assert bad.id not in {document.id for document in ledger.not_indexed(300)}


def test_an_index_that_lost_its_rows_is_filled_anew(ledger):
    ledger.write(events(10))
    index_pending(ledger, service(), MemoryIndex(DIMENSION))

    emptied = MemoryIndex(DIMENSION)
    done = index_pending(ledger, service(), emptied)

    assert (done, emptied.count()) == (10, 10)


def test_rows_that_another_process_puts_in_meanwhile_are_not_taken_for_lost_ones(ledger):
    first, second = events(2)

    class Shared(MemoryIndex):
        def count(self):
            counted = super().count()
            ledger.write([second])
            ledger.mark_indexed([second.id], second.observed_at)
            return counted

    index, model = Shared(DIMENSION), HashedWords()
    ledger.write([first])
    index_pending(ledger, service(model), MemoryIndex(DIMENSION))
    index.add_texts([first])

    assert (index_pending(ledger, service(model), index), ledger.count_not_indexed()) == (0, 0)


def test_a_document_that_comes_alone_is_found_by_its_words_among_those_before_it(ledger, tmp_path):
    index = MilvusStore(str(tmp_path / "index"), model="hashed", dimension=DIMENSION)
    ledger.write(events(600))
    index_pending(ledger, service(), index)
    late = event("Pod/orchard/mail-0", "LeaseLost", "app lost the zebrafish lease")

    ledger.write([late])
    done = index_pending(ledger, service(), index)
    found = index.lexical(["app 7 lost the zebrafish lease"], None, 3)[0]
    rows = index.count()
    index.close()

    assert (done, rows, found[0].document_id) == (1, 601, late.id)


def test_progress_counts_up_to_all(ledger):
    ledger.write(events(130))
    seen = []

    index_pending(ledger, service(), MemoryIndex(DIMENSION), progress=lambda _, done, total: seen.append((done, total)))

    assert seen == [(128, 130), (130, 130)]


def test_a_short_run_embeds_only_what_is_abnormal(ledger):
    calm = event("Pod/orchard/tax-1", "Scheduled", "assigned", type="Normal")
    ledger.write([*events(3), calm.model_copy(update={"severity": Severity.NORMAL})])
    index = MemoryIndex(DIMENSION)

    assert index_worst(ledger, service(), index, seconds=60) == 3


def test_a_short_run_of_no_seconds_embeds_nothing(ledger):
    ledger.write(events(3))
    model = HashedWords()

    assert (index_worst(ledger, service(model), MemoryIndex(DIMENSION), seconds=0), model.encoded) == (0, [])


def test_the_background_indexer_takes_up_what_comes_while_it_runs(ledger):
    index = MemoryIndex(DIMENSION)
    indexer = BackgroundIndexer(ledger, service(), index, poll_s=0.01)
    indexer.start()

    ledger.write(events(5))
    wait_until(lambda: ledger.count_not_indexed() == 0)
    indexer.stop()

    assert (index.count(), indexer.problem) == (5, "")


def test_the_background_indexer_fills_an_index_that_was_lost_while_nothing_waited(ledger):
    ledger.write(events(5))
    index_pending(ledger, service(), MemoryIndex(DIMENSION))
    emptied = MemoryIndex(DIMENSION)
    indexer = BackgroundIndexer(ledger, service(), emptied, poll_s=0.01)
    indexer.start()

    wait_until(lambda: emptied.count() == 5)
    indexer.stop()

    assert (ledger.count_not_indexed(), indexer.problem) == (0, "")


def test_the_background_indexer_says_what_keeps_it_from_working(ledger):
    ledger.write(events(300))
    indexer = BackgroundIndexer(ledger, service(), FullDisk(DIMENSION), poll_s=0.01)
    indexer.start()

    wait_until(lambda: indexer.problem)
    indexer.stop()

    assert indexer.problem == "The disk is full."


def test_the_background_indexer_goes_on_after_a_failure_that_nobody_foresaw(ledger, monkeypatch, caplog):
    monkeypatch.setattr("kfi.ingestion.indexer._RETRY_S", 0.01)

    class Odd(MemoryIndex):
        failures = 0

        def upsert(self, rows):
            self.failures += 1
            if self.failures <= 2:
                raise RuntimeError("the moon is in the wrong house")
            super().upsert(rows)

    index = Odd(DIMENSION)
    indexer = BackgroundIndexer(ledger, service(), index, poll_s=0.01)
    indexer.start()
    ledger.write(events(5))

    wait_until(lambda: index.count() == 5)
    wait_until(lambda: not indexer.problem)
    indexer.stop()

    assert ledger.count_not_indexed() == 0
    assert caplog.text.count("indexing failed; it is tried again") == 1, "the same trouble is told once"
