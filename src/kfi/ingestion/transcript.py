"""
Which loader reads the output of a command in a transcript, where it is not text that kubectl printed for people.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from kfi.errors import SourceError
from kfi.ingestion.base import BaseDocumentLoader, SourceText
from kfi.ingestion.events_loader import KubernetesEventsLoader
from kfi.ingestion.kubectl_commands import Hints, Section, hints_of_command
from kfi.ingestion.log_loader import LogLoader
from kfi.ingestion.manifest_loader import ManifestLoader
from kfi.ingestion.node_loader import NodeServiceLoader
from kfi.ingestion.telemetry_loader import ConnectivityLoader
from kfi.models.schemas import Document, ObjectRef

Reader = Callable[[SourceText, Section, Hints], Iterator[Document]]

_SYSTEMCTL = re.compile(r"\bsystemctl (?:-\S+ )*(?:status|is-active)\b")
_CHECK = re.compile(r"(?:^|[\s/])(?:nc|ncat|netcat|curl|wget|telnet|ping6?|nslookup|dig) \S")


def foreign_reader(section: Section) -> Reader | None:
    """Give what reads a section that holds no table and no `describe` text; None where kubectl's own reader may try."""
    command = section.command
    if not command:
        return None
    hints = hints_of_command(command)
    if hints.verb != "?":
        return _of_kubectl(hints, command)
    if _SYSTEMCTL.search(command):
        return _by(NodeServiceLoader(), with_command=False)
    return _by(ConnectivityLoader(), with_command=True) if _CHECK.search(command) else None


def _of_kubectl(hints: Hints, command: str) -> Reader | None:
    if hints.verb in ("logs", "log"):
        return _log
    if hints.verb == "exec" and _CHECK.search(command):
        return _by(ConnectivityLoader(), with_command=True)
    events = hints.kind == "Event" and hints.verb in ("get", "events", "event")
    if events or hints.output in ("yaml", "json"):
        return _by(KubernetesEventsLoader() if events else ManifestLoader(), with_command=False)
    return None


def _by(loader: BaseDocumentLoader, with_command: bool) -> Reader:
    def read(source: SourceText, section: Section, hints: Hints) -> Iterator[Document]:
        try:
            yield from loader.load(_only(source, section, hints, with_command))
        except SourceError as error:
            source.skip(error.message, section.first_line)

    return read


def _only(source: SourceText, section: Section, hints: Hints, with_command: bool) -> SourceText:
    """Give the source with every line outside of the section blank, so that lines keep their numbers."""
    above = [""] * (section.first_line - 1)
    if with_command and above:
        above[-1] = section.command
    lines = [*above, *section.lines]
    return replace(source, lines=lambda: iter(lines), namespace=hints.namespace)


def _log(source: SourceText, section: Section, hints: Hints) -> Iterator[Document]:
    ref = ObjectRef(
        cluster=source.cluster,
        kind=hints.kind,
        namespace=hints.namespace,
        name=hints.names[0] if hints.names else "",
        container=hints.container,
    )
    yield from LogLoader().load_lines(enumerate(section.lines, section.first_line), source, ref, hints.previous)
