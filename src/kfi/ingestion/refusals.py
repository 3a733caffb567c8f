"""
Refusals that kubectl printed, as what the API server has to say about the refused object: a Warning of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kfi.ingestion.base import MAX_CARD_CHARS, SourceText, digest, storable
from kfi.ingestion.kubectl_commands import Hints
from kfi.models.records import REFUSED, EventMessage, EventRecord
from kfi.models.schemas import Document, DocumentKind, ObjectRef, Severity, Source
from kfi.snapshot.read.refused import Refused, read_refusals
from kfi.snapshot.resources import CLUSTER_SCOPED

_MADE_BY = {"run": "Pod", "expose": "Service"}


def refusal_documents(source: SourceText, lines: Sequence[str], first_line: int, hints: Hints) -> Iterator[Document]:
    """Yield a document for each refusal among the lines of a text that kubectl printed."""
    for refused in read_refusals(lines, first_line):
        text = "\n".join(lines[refused.first_line - first_line : refused.last_line - first_line + 1])
        yield _document(source, refused, storable(text), hints)


def _document(source: SourceText, refused: Refused, text: str, hints: Hints) -> Document:
    ref = _about(source, refused, hints)
    message = EventMessage(text=storable(refused.text), line=refused.first_line)
    record = EventRecord(
        event_type="Warning", reason=REFUSED, messages=(message,), component="kubectl", file=refused.file
    )
    identity = digest("refusal", ref.cluster, ref.kind, ref.namespace, ref.name, record.file, message.text)
    subject = "/".join(filter(None, (ref.namespace, ref.name))) or record.file
    return Document(
        id=identity,
        identity=identity,
        kind=DocumentKind.EVENT,
        ref=ref,
        source=Source(path=source.path, first_line=refused.first_line, last_line=refused.last_line),
        observed_at=source.observed_at,
        severity=Severity.ERROR,
        text=text,
        card=f"Refused {ref.kind} {subject}: {' '.join(message.text.split())}"[:MAX_CARD_CHARS],
        payload=record.model_dump(mode="json"),
    )


def _about(source: SourceText, refused: Refused, hints: Hints) -> ObjectRef:
    """Give the object, as the refusal names it, else as the command does (`kubectl create deployment cart`)."""
    verb = hints.verb
    kind = refused.kind or (hints.kind if verb == "create" else _MADE_BY.get(verb, ""))
    name = refused.name or (hints.names[0] if verb == "create" and hints.names else "")
    home = "" if kind in CLUSTER_SCOPED else refused.namespace or hints.namespace
    return ObjectRef(cluster=source.cluster, kind=kind, namespace=home, name=name)
