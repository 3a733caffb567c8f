"""Documents with given cards."""

from collections.abc import Sequence
from datetime import UTC, datetime

from kfi.models.schemas import Document, DocumentKind, ObjectRef, Source

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def documents(cards: Sequence[str]) -> list[Document]:
    """Give a document for each card."""
    return [
        Document(
            id=f"{number:032x}",
            identity=f"{number:032x}",
            kind=DocumentKind.EVENT,
            ref=ObjectRef(cluster="east", kind="Pod", namespace="orchard", name=f"cart-{number}"),
            source=Source(path="events.json"),
            observed_at=NOON,
            text=card,
            card=card,
        )
        for number, card in enumerate(cards)
    ]
