"""What is told of a store's parts while others are at work on it."""

from types import SimpleNamespace

from kfi.config import Settings
from kfi.ledger.ledger import Ledger
from kfi.readiness import readiness
from kfi.vectorstore.memory_index import MemoryIndex
from tests.cluster import event

DIMENSION = 2


def test_what_is_written_and_indexed_while_it_is_counted_is_not_called_lost(tmp_path):
    first, second = (event(f"Pod/orchard/cart-{n}", "BackOff", "Back-off restarting app") for n in range(2))

    with Ledger.open(tmp_path) as ledger:

        class Busy(MemoryIndex):
            def count(self):
                counted = super().count()
                ledger.write([second])
                ledger.mark_indexed([second.id], second.observed_at)
                return counted

        index = Busy(DIMENSION)
        ledger.write([first])
        index.add_texts([first])
        ledger.mark_indexed([first.id], first.observed_at)
        parts = readiness(ledger, SimpleNamespace(index=index), Settings(ollama_url=""), None)

    (told,) = [part for part in parts if part.name == "index"]
    assert (told.ready, told.detail) == (True, "1 documents")
