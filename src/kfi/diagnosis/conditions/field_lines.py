"""
Lines that show a field as a whole: a field with fields below it is cited with all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from kfi.models.schemas import Citation, ObjectRef
from kfi.snapshot.provenance import Path, value_at
from kfi.snapshot.read.found import walk
from kfi.snapshot.view import Snapshot

# Places of one field that are cited; what is longer says no more.
_MOST = 10


def cite_whole(snapshot: Snapshot, ref: ObjectRef, *paths: Path) -> tuple[Citation, ...]:
    """Give the lines of these fields of an object and of what lies below each; fields not shown fall out."""
    wanted = [part for path in paths for part in _parts(snapshot, ref, path)]
    return snapshot.cite(ref, *wanted)


def _parts(snapshot: Snapshot, ref: ObjectRef, path: Path) -> Iterator[Path]:
    values = (value_at(one.record.fields, path) for one in snapshot.seen.get(ref.object, ()))
    value = next((v for v in values if v is not None), None)
    places = {path: None}
    if isinstance(value, dict | list):
        for below, _ in walk(value):
            places |= {(*path, *below[:length]): None for length in range(1, len(below) + 1)}
    yield from list(places)[:_MOST]
