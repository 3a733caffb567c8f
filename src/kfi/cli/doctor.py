"""
What `kfi doctor` looks at: the setup, each line with how it stands and how to mend it; or what a source holds.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import typer

from kfi import __version__
from kfi.cli.options import Output, machine
from kfi.cli.progress import showing_progress
from kfi.cli.source_text import source_report
from kfi.cli.terminal import harmless
from kfi.config import Settings, config_file
from kfi.copilot import Copilot
from kfi.diagnosis.catalogue import catalogue
from kfi.errors import KfiError, ServiceError, SourceError
from kfi.ingestion.inspection import inspect
from kfi.ledger.ledger import Ledger
from kfi.models.answer import Part
from kfi.models.reading import SetupReport
from kfi.readiness import embedding_server, language_model, models


def examine_sources(paths: Sequence[str], settings: Settings, output: Output, everything: bool) -> int:
    """Print what kfi makes of files, folders and archives, storing nothing; the exit code is 1 where none is read.

    Raises:
        SourceError: a path does not exist.
    """
    with Copilot.throw_away(settings) as copilot:
        with showing_progress("reading") as progress:
            report = copilot.ingest(paths, stdin=sys.stdin.buffer, progress=progress)
        found = harmless(inspect(copilot.ledger.documents(), report))
    if output is Output.text:
        typer.echo(source_report(found, everything))
    else:
        typer.echo(machine(found, output))
    return 0 if found.documents else SourceError.exit_code


def examine_setup(settings: Settings, output: Output) -> int:
    """Print every check; the exit code is 3 where something kfi needs does not work."""
    checks = tuple(_checks(settings))
    ready = all(check.ready or not check.needed for check in checks)
    if output is Output.text:
        _show(checks)
    else:
        typer.echo(machine(SetupReport(ready=ready, checks=checks), output))
    return 0 if ready else ServiceError.exit_code


def _show(checks: Sequence[Part]) -> None:
    for check in checks:
        mark = "ok     " if check.ready else "missing" if not check.needed else "FAILED "
        typer.echo(f"{mark}  {check.name:<16} {check.detail}")
        if check.mend and not check.ready:
            typer.echo(f"{'':<26} {check.mend}")


def _checks(settings: Settings) -> Iterator[Part]:
    yield _well("kfi", f"{__version__} on Python {platform.python_version()}")
    path = config_file()
    yield _well("settings", str(path) if path.is_file() else f"defaults: there is no {path}")
    yield from _store(settings)
    if settings.embedding_url:
        yield embedding_server(settings)
    yield _well("rules", f"{len(catalogue())} failure codes; answers need no model and no server")
    yield language_model(settings)
    yield _plugin()


def _well(name: str, detail: str) -> Part:
    return Part(name=name, ready=True, detail=detail)


def _store(settings: Settings) -> Iterator[Part]:
    place = str(settings.data_dir)
    if not Ledger.is_in(settings.data_dir):
        if not _can_be_made(settings.data_dir):
            mend = "Make the folder writable, or set KFI_DATA_DIR to another one."
            yield Part(name="store", ready=False, detail=f"{place}: cannot be made there", mend=mend)
        else:
            yield Part(name="store", ready=False, detail=f"{place}: empty", mend="kfi ingest PATH", needed=False)
        yield models(None, settings)
        return
    try:
        with Copilot.open(settings) as copilot:
            yield _ledger(copilot.ledger, place)
            yield from (part for part in copilot.readiness() if part.name in ("models", "index"))
    except KfiError as error:
        yield Part(name="store", ready=False, detail=f"{place}: {error.message}", mend=error.hint)


def _ledger(ledger: Ledger, place: str) -> Part:
    newest = ledger.latest_observation()
    named = [name for name in ledger.clusters() if name]
    of = f" of {', '.join(named)}" if named else ""
    seen = f"newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else "empty"
    return _well("store", f"{place}: {ledger.count()} documents{of}, {seen}")


def _can_be_made(folder: Path) -> bool:
    """Tell whether a folder is there, or could be made, and written to."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _plugin() -> Part:
    plugin, kubectl = shutil.which("kubectl-kfi"), shutil.which("kubectl")
    if kubectl and plugin:
        return _well("kubectl plugin", "kubectl kfi works")
    if not kubectl:
        return Part(name="kubectl plugin", ready=False, detail="no kubectl on the PATH", needed=False)
    mend = "Put the folder of the kfi command on your PATH."
    return Part(name="kubectl plugin", ready=False, detail="kubectl-kfi is not on the PATH", mend=mend, needed=False)
