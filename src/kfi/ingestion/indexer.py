"""
Keeping the index in step with the ledger: what is not in it yet is embedded, put in, and marked.

The ledger is the outbox. A document is marked once the index has acknowledged it, so a run killed anywhere goes on from
there, and the last ones once they can be found; what looks worst goes first, because it is asked for first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event, Thread

from kfi.embeddings.embedding_service import EmbeddingService
from kfi.errors import KfiError
from kfi.ledger.ledger import Ledger
from kfi.models.schemas import Document, Severity
from kfi.vectorstore.index import Index, IndexRow

Progress = Callable[[str, int, int], None]

_log = logging.getLogger(__name__)

# Documents that are read, embedded and put in together: a few seconds' work, so that a stop is heard soon.
_BATCH = 128
# The same where an answer waits: a tenth of a second's work.
_SMALL_BATCH = 2
_WORST = 400
# Rows put in before the index is told to make them fast to search; unflushed rows are searched one by one.
_FLUSH_EVERY = 4096
# Seconds between two looks at the ledger, and between two tries where the index does not answer.
_POLL_S = 2.0
_RETRY_S = 15.0


def index_pending(
    ledger: Ledger,
    embedder: EmbeddingService,
    index: Index,
    *,
    progress: Progress | None = None,
    stopped: Callable[[], bool] | None = None,
    deadline_s: float | None = None,
) -> int:
    """Index what the ledger has and the index has not; give how many documents that were.

    Stops early, with everything so far kept, when `stopped` says so or `deadline_s` seconds have passed.

    Raises:
        ServiceError: the embedder or the index does not answer.
        ConfigError: the index was made for other vectors.
    """
    _heal(ledger, index)
    started = time.monotonic()
    total = ledger.count_not_indexed()
    done = unflushed = 0
    while documents := ledger.not_indexed(_BATCH):
        if (stopped and stopped()) or (deadline_s is not None and time.monotonic() - started > deadline_s):
            break
        _put_in(documents, embedder, index)
        done += len(documents)
        unflushed += len(documents)
        # The last ones are noted when they can be found, or an answer would call all indexed a moment too early.
        if unflushed >= _FLUSH_EVERY or ledger.count_not_indexed() <= len(documents):
            _flush(unflushed, ledger, embedder, index)
            unflushed = 0
        ledger.mark_indexed((document.id for document in documents), datetime.now(UTC))
        if progress:
            progress("indexing", done, total)
    if unflushed:
        _flush(unflushed, ledger, embedder, index)
    return done


def _flush(unflushed: int, ledger: Ledger, embedder: EmbeddingService, index: Index) -> None:
    if unflushed < index.fewest:
        _put_in(ledger.some_indexed(index.fewest - unflushed), embedder, index)
    index.flush()


def _put_in(documents: Sequence[Document], embedder: EmbeddingService, index: Index) -> None:
    vectors = embedder.embed_documents([document.card for document in documents])
    index.upsert([IndexRow(document, vector) for document, vector in zip(documents, vectors, strict=True)])


def _heal(ledger: Ledger, index: Index) -> None:
    """Begin anew where the index has lost rows: its folder was removed, or the server is another one."""
    # The ledger is asked first: another process may put rows in meanwhile, and marks them after that.
    noted = ledger.count() - ledger.count_not_indexed()
    if index.count() < noted:
        _log.warning("the index holds fewer documents than the ledger noted; it is filled anew")
        ledger.forget_index()


def index_worst(ledger: Ledger, embedder: EmbeddingService, index: Index, seconds: float) -> int:
    """Index abnormal documents, worst first, for so long; give how many.

    Raises:
        ServiceError: the embedder does not answer.
    """
    started = time.monotonic()
    waiting = [document for document in ledger.not_indexed(_WORST) if document.severity is not Severity.NORMAL]
    done = 0
    for begin in range(0, len(waiting), _SMALL_BATCH):
        if time.monotonic() - started >= seconds:
            break
        some = waiting[begin : begin + _SMALL_BATCH]
        _put_in(some, embedder, index)
        done += len(some)
    return done


class BackgroundIndexer:
    """Indexes in a thread of its own until it is stopped; looks at the ledger every `poll_s` seconds."""

    def __init__(self, ledger: Ledger, embedder: EmbeddingService, index: Index, poll_s: float = _POLL_S) -> None:
        self._parts = (ledger, embedder, index)
        self._poll_s = poll_s
        self._stop = Event()
        self._thread = Thread(target=self._run, name="kfi-indexer", daemon=True)
        self._healed = False
        self.problem = ""
        """Why the last try failed; empty where it did not."""

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait until the batch at hand is done."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            self._try()
            self._stop.wait(_RETRY_S if self.problem else self._poll_s)

    def _try(self) -> None:
        ledger, embedder, index = self._parts
        try:
            # The first time also where nothing waits: the index may have been lost since it was last written.
            if not self._healed or ledger.count_not_indexed():
                index_pending(ledger, embedder, index, stopped=self._stop.is_set)
            self._healed, self.problem = True, ""
        except KfiError as error:
            # A server that was away may come back empty.
            self._healed = False
            if error.message != self.problem:
                _log.warning("indexing waits: %s %s", error.message, error.hint)
            self.problem = error.message
        except Exception as error:
            # Not ours to foresee; but a thread that ended would leave everything to come unindexed without a word.
            self._healed = False
            problem = f"indexing failed: {error}"
            if problem != self.problem:
                _log.exception("indexing failed; it is tried again")
            self.problem = problem
