import gc
import weakref

import pytest

from kfi.snapshot import collector
from kfi.snapshot.collector import collector_at_rest


class Knot:
    """Holds itself: only the collector lets go of it."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def nothing_put_aside(monkeypatch):
    gc.collect()
    monkeypatch.setattr(collector, "_put_aside", 0)


def test_the_collector_rests_meanwhile_and_works_again_afterwards_whatever_happens():
    @collector_at_rest()
    def torn():
        raise ValueError(f"torn, enabled: {gc.isenabled()}")

    with pytest.raises(ValueError, match="torn, enabled: False"):
        torn()

    assert gc.isenabled()


def test_a_rest_within_a_rest_does_not_end_it():
    with collector_at_rest():
        with collector_at_rest():
            pass
        assert not gc.isenabled()


def test_what_was_made_meanwhile_is_old_and_not_looked_through_at_once():
    with collector_at_rest():
        kept = [[] for _ in range(5000)]

    young = {id(one) for generation in (0, 1) for one in gc.get_objects(generation)}
    assert not young & set(map(id, kept))
    assert gc.get_freeze_count() == 0


def test_what_nobody_holds_any_more_is_let_go_of_once_enough_was_made(monkeypatch):
    monkeypatch.setattr(collector, "_MOST_PUT_ASIDE", 20_000)
    with collector_at_rest():
        lost = weakref.ref(Knot())
    assert lost() is not None

    with collector_at_rest():
        kept = [[] for _ in range(30_000)]

    assert lost() is None
    assert len(kept) == 30_000
