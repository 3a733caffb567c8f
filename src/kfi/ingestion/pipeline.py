"""
The way of evidence into the ledger: found, decoded, redacted, recognised, loaded, written.

One source that cannot be read never stops the others, and nothing is lost without a word: whatever did not become a
document is in the report, with the reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from kfi.config import Settings
from kfi.errors import SourceError
from kfi.ingestion.base import BaseDocumentLoader, SourceText
from kfi.ingestion.bundle import Found, RawSource, sources
from kfi.ingestion.decode import HEAD_BYTES, binary, lines
from kfi.ingestion.detect import Detected, Format, NotEvidence, detect, namespace_of
from kfi.ingestion.events_loader import KubernetesEventsLoader
from kfi.ingestion.kubectl_loader import KubectlTextLoader
from kfi.ingestion.log_loader import LogLoader
from kfi.ingestion.manifest_loader import ManifestLoader
from kfi.ingestion.node_loader import NodeServiceLoader
from kfi.ingestion.redaction import Redactor
from kfi.ingestion.stored_lines import StoredLines
from kfi.ingestion.telemetry_loader import AlertmanagerLoader, ConnectivityLoader, JaegerDependenciesLoader
from kfi.ledger import Ledger, Written
from kfi.models.schemas import Document, DocumentKind, IngestReport, Skipped
from kfi.snapshot.collector import collector_at_rest

Progress = Callable[[str, int, int], None]
"""Told of every source: its path, how many came before it, and how many there are (0: not known)."""

_LOADERS: dict[Format, type[BaseDocumentLoader]] = {
    Format.EVENTS: KubernetesEventsLoader,
    Format.EVENTS_TABLE: KubernetesEventsLoader,
    Format.MANIFEST: ManifestLoader,
    Format.LOG: LogLoader,
    Format.KUBECTL: KubectlTextLoader,
    Format.NODE_SERVICE: NodeServiceLoader,
    Format.ALERTS: AlertmanagerLoader,
    Format.CALLS: JaegerDependenciesLoader,
    Format.CHECKS: ConnectivityLoader,
}
# A list may hold Events and other objects; each of the two loaders passes over what is the other's.
_IS_EVENT = re.compile(r"\bkind[\"']?\s*:\s*[\"']?Event(?:List)?\b")
_IS_OBJECT = re.compile(r"(?:^|[\s{,\"'])(?:spec|data|subsets|rules|provisioner|webhooks|endpoints)[\"']?\s*:")
# What a reader of hostile text may raise where it forgot a case; one bad source must not end the run.
_UNREADABLE = (RecursionError, ValueError, OverflowError)


def ingest(  # noqa: PLR0913 - each is a thing a person may say about the evidence
    paths: Sequence[str],
    *,
    ledger: Ledger,
    settings: Settings,
    cluster: str = "",
    as_of: datetime | None = None,
    events_dir: Path | None = None,
    stdin: BinaryIO | None = None,
    progress: Progress | None = None,
) -> IngestReport:
    """Read evidence into the ledger and say what became of each part.

    `as_of` is when all of it was collected; without it each source tells, or the time of its change does. All files
    below `events_dir` are Events, whatever they are called.

    Raises:
        SourceError: a path does not exist.
        ServiceError: the ledger cannot be written.
    """
    run = _Run(Redactor(ledger.redaction_key()), settings, cluster, as_of, progress)
    written = ledger.write(run.documents(paths, events_dir, stdin))
    return run.report(written)


@dataclass
class _Run:
    """One ingestion while it goes on."""

    redactor: Redactor
    settings: Settings
    cluster: str
    as_of: datetime | None
    progress: Progress | None
    sources: int = 0
    grouped: int = 0
    loaded: Counter[str] = field(default_factory=Counter)
    skipped: list[Skipped] = field(default_factory=list)

    def documents(self, paths: Sequence[str], events_dir: Path | None, stdin: BinaryIO | None) -> Iterator[Document]:
        """Yield the documents of everything that was handed over."""
        anything = sources(paths, stdin, self.settings)
        events = sources([str(events_dir)] if events_dir else [], None, self.settings)
        yield from self._all(anything, only_events=False)
        yield from self._all(events, only_events=True)

    def report(self, written: Written) -> IngestReport:
        """Give the report, once all is written."""
        return IngestReport(
            sources=self.sources,
            loaded=dict(sorted(self.loaded.items())),
            grouped=self.grouped,
            written=written.written,
            unchanged=written.unchanged,
            skipped=tuple(dict.fromkeys(self.skipped)),
            redactions=dict(sorted(self.redactor.counts.items())),
        )

    def _all(self, found: Iterable[Found], only_events: bool) -> Iterator[Document]:
        for one in found:
            if self.progress:
                self.progress(one.path, self.sources, 0)
            self.sources += 1
            # A path is stored and cited like any text, and may hold a secret like any text.
            path = self.redactor.line(one.path)
            if isinstance(one, Skipped):
                self.skipped.append(one.model_copy(update={"path": path}))
                continue
            with collector_at_rest():
                for document in self._source(replace(one, path=path), only_events):
                    self.loaded[document.kind.value] += 1
                    self.grouped += _grouped(document)
                    yield document

    def _source(self, raw: RawSource, only_events: bool) -> Iterator[Document]:
        reason = binary(raw.stream.read(HEAD_BYTES))
        detected = NotEvidence(reason) if reason else self._detected(raw, only_events)
        if not isinstance(detected, Format) or detected not in _LOADERS:
            self._skip(raw.path, _why_not(detected))
        elif detected is not Format.LOG and raw.size > self.settings.max_structured_bytes:
            limit = self.settings.max_structured_bytes
            self._skip(raw.path, f"is larger than {limit:,} bytes, the most for {detected}; hand it over in parts")
        else:
            yield from self._loaded(raw, detected)

    def _detected(self, raw: RawSource, only_events: bool) -> Detected:
        detected = detect(_head(raw.stream), raw.path)
        if only_events and detected is not Format.EVENTS_TABLE and not isinstance(detected, NotEvidence):
            return Format.EVENTS
        return detected

    def _loaded(self, raw: RawSource, detected: Format) -> Iterator[Document]:
        stored = StoredLines(self.settings.spool_bytes)
        source = SourceText(
            path=raw.path,
            lines=stored,
            observed_at=self.as_of or raw.observed_at,
            cluster=self.cluster,
            size=raw.size,
            namespace=namespace_of(raw.path),
            redact_object=self.redactor.object,
        )
        try:
            is_log = detected is Format.LOG
            limit = self.settings.max_line_bytes if is_log else self.settings.max_structured_bytes
            decoded = lines(raw.stream, limit, lambda number: source.skip(_CUT.format(limit), number))
            stored.write(self.redactor.lines(decoded))
            yield from self._by_loaders(source, _loaders(detected, stored))
        except OSError as error:
            source.skip(f"cannot be read: {error.strerror or error}")
        finally:
            self.skipped += source.skipped
            stored.close()

    def _by_loaders(self, source: SourceText, loaders: Sequence[BaseDocumentLoader]) -> Iterator[Document]:
        found = 0
        failures = []
        for loader in loaders:
            try:
                for document in loader.load(source):
                    found += 1
                    yield document
            except SourceError as error:
                failures.append(error.message)
            except _UNREADABLE as error:
                failures.append(f"cannot be read: {type(error).__name__}: {str(error)[:200]}")
        if failures and (not found or len(loaders) == 1):
            # The report names the path already.
            source.skip(failures[0].removeprefix(f"{source.path!r} "))
        elif not found and not source.skipped:
            source.skip("holds nothing to load")

    def _skip(self, path: str, reason: str) -> None:
        self.skipped.append(Skipped(path=path, reason=reason))


_CUT = "a line longer than {:,} bytes was cut"


def _head(stream: BinaryIO) -> list[str]:
    head: list[str] = []
    size = 0
    for line in lines(stream, HEAD_BYTES, _ignore):
        head.append(line)
        size += len(line) + 1
        if size >= HEAD_BYTES:
            break
    return head


def _ignore(_: int) -> None:
    """Let a long line pass: only its beginning is of interest here."""


def _loaders(detected: Format, text: StoredLines) -> list[BaseDocumentLoader]:
    """Give the loaders for a format; for Events and other objects both, where the text holds both."""
    first = [_LOADERS[detected]()]
    if detected is Format.EVENTS and _holds_event(text) and any(map(_IS_OBJECT.search, text())):
        return [*first, ManifestLoader()]
    if detected is Format.MANIFEST and _holds_event(text):
        return [*first, KubernetesEventsLoader()]
    return first


def _holds_event(text: StoredLines) -> bool:
    # The search for a plain word comes first: it is made in all of every manifest.
    return any("Event" in block and any(map(_IS_EVENT.search, block.split("\n"))) for block in text.blocks())


def _why_not(detected: Detected) -> str:
    if isinstance(detected, NotEvidence):
        return detected.reason
    if detected is Format.AUDIT:
        return "audit log: it says who asked the API for what, and is not read"
    return "not recognised: no Kubernetes objects, Events, log lines or output of kubectl in it"


def _grouped(document: Document) -> int:
    """Count what went into a document together with others."""
    if document.kind is DocumentKind.LOG:
        return document.count if document.count > 1 else 0
    messages = len(document.payload.get("messages", ())) if document.kind is DocumentKind.EVENT else 0
    return messages if messages > 1 else 0
