"""
What a loader is given, what it gives back, and how a document gets its ids.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from kfi.models.schemas import Document, Skipped

MAX_CARD_CHARS = 400
"""Of a document's card: what is embedded, about a hundred tokens."""


@dataclass(frozen=True)
class SourceText:
    """One file (or archive member, or standard input), decoded and redacted, with what its surroundings say of it."""

    path: str
    """Below the folder that was given; `archive.tar.gz!member/path` inside an archive; `-` for standard input."""
    lines: Callable[[], Iterator[str]]
    """Reads the text line by line, without line ends, redacted; may be called again."""
    observed_at: datetime
    """When it was collected: what ages count back from."""
    cluster: str = ""
    size: int = 0
    """Bytes."""
    namespace: str = ""
    """Namespace that the path says, where it says one."""
    skipped: list[Skipped] = field(default_factory=list)
    """Where a loader notes parts that it could not read. Never raises for a part; raises SourceError for the whole."""
    redact_object: Callable[[dict[str, Any], str], tuple[dict[str, Any], str]] | None = None
    """Masks an object's secrets (Secret data, last-applied annotation, env values) in its fields and in its text."""

    def text(self) -> str:
        """Give the whole text. Only for structured files, whose size detection has bounded."""
        return "\n".join(self.lines())

    def skip(self, reason: str, line: int | None = None) -> None:
        """Note a part that was not loaded."""
        self.skipped.append(Skipped(path=self.path, reason=reason, line=line))


class BaseDocumentLoader(ABC):
    """Turns one source into documents. Loaders keep no state between sources."""

    @abstractmethod
    def load(self, source: SourceText) -> Iterator[Document]:
        """Yield the source's documents; parts that cannot be read go to `source.skip`.

        Raises:
            SourceError: nothing of the source can be read.
        """


def digest(*parts: Any) -> str:
    """Give 32 hex digits that depend on the parts only (sha256 of their JSON)."""
    text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def storable(text: str) -> str:
    """Give the text without NULs and lone surrogates, which databases and JSON refuse."""
    if "\0" in text:
        text = text.replace("\0", "")
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")
