"""
The order in which hits are shown, so that the first few do not say one thing four times.

A question names one object and much is known of it: its row in five tables, its manifest, its Pods' Events. What a
better hit has told of the same workload in the same kind of text counts for less each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kfi.models.answer import Hit
from kfi.models.schemas import ObjectRef
from kfi.snapshot.view import Snapshot

# Of the range of scores of one question's hits, for each better hit of the same kind of text about the same workload.
_REPEATED = 0.12
_MOST_REPEATED = 5


def spread(hits: Sequence[Hit], snapshot: Snapshot) -> tuple[Hit, ...]:
    """Give hits, best first, in the order to show them: each lowered for what better ones have told already.

    Their scores are as they were, so they need not fall from hit to hit.
    """
    if len(hits) < 2:
        return tuple(hits)
    step = _REPEATED * (hits[0].score - min(hit.score for hit in hits))
    told = [(snapshot.topology.workload(hit.document.ref.object), hit.document.kind) for hit in hits]
    shown: Counter[tuple[ObjectRef, str]] = Counter()
    left, order = list(range(len(hits))), []
    while left:
        best = max(left, key=lambda at: (hits[at].score - step * min(shown[told[at]], _MOST_REPEATED), -at))
        left.remove(best)
        order.append(best)
        shown[told[best]] += 1
    return tuple(hits[at] for at in order)
