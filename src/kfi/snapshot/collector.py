"""
A rest for Python's garbage collector while a snapshot is made.

A snapshot is a million values that all stay. The collector would walk over all of them each time their number has grown
by a quarter, and find nothing to free: half of the time that building a large one takes.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_at_rest() -> Iterator[None]:
    """Let the garbage collector rest meanwhile, unless somebody has switched it off already; also a decorator.

    It rests for every thread; what another one leaves behind is collected afterwards.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
