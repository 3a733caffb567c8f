"""
A rest for Python's garbage collector while many values are made that stay, or that go by themselves.

A snapshot is a million values that all stay. The collector would walk over all of them each time their number has grown
by a quarter, and again as soon as its rest is over, and find nothing to free: a fifth of the time of a whole answer.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

# Values that may be put aside as old before all old ones are looked through: about what two large snapshots consist of.
_MOST_PUT_ASIDE = 2_000_000
_put_aside = 0


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Let the garbage collector rest meanwhile, unless somebody has switched it off already; also a decorator.

    It rests for every thread; what another one leaves behind is collected afterwards. What was made meanwhile counts as
    old: it is looked through only together with all that is old, once there is enough of it.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        _put_young_aside()
        gc.enable()


def _put_young_aside() -> None:
    global _put_aside
    _put_aside += gc.get_count()[0]
    if _put_aside > _MOST_PUT_ASIDE:
        _put_aside = 0
        gc.collect()
    else:
        # Moves two lists; a collection would walk over all that is on them.
        gc.freeze()
        gc.unfreeze()
