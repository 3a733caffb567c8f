"""
What `kfi doctor` checks: each line says what was looked at, how it stands, and how to mend it.
"""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from kfi import __version__
from kfi.config import Settings, config_file
from kfi.diagnosis.catalogue import catalogue
from kfi.errors import KfiError
from kfi.ledger.ledger import Ledger


@dataclass(frozen=True)
class Checked:
    """One thing that was looked at; `mend` is the command that mends it where it is not well."""

    what: str
    state: str
    well: bool = True
    mend: str = ""
    needed: bool = True
    """Whether kfi cannot do its work without it."""


def examine_setup(settings: Settings) -> int:
    """Print every check; the exit code is 3 where something kfi needs does not work."""
    checks = list(_checks(settings))
    for check in checks:
        mark = "ok     " if check.well else "missing" if not check.needed else "FAILED "
        typer.echo(f"{mark}  {check.what:<16} {check.state}")
        if check.mend and not check.well:
            typer.echo(f"{'':<26} {check.mend}")
    return 0 if all(check.well or not check.needed for check in checks) else 3


def _checks(settings: Settings) -> Iterator[Checked]:
    yield Checked("kfi", f"{__version__} on Python {platform.python_version()}")
    path = config_file()
    yield Checked("settings", str(path) if path.is_file() else f"defaults: there is no {path}")
    yield _store(settings)
    yield Checked("rules", f"{len(catalogue())} failure codes; answers need no model and no server")
    yield _plugin()


def _store(settings: Settings) -> Checked:
    place = str(settings.data_dir)
    if not Ledger.is_in(settings.data_dir):
        if not _can_be_made(settings.data_dir):
            mend = "Make the folder writable, or set KFI_DATA_DIR to another one."
            return Checked("store", f"{place}: cannot be made there", mend=mend, well=False)
        return Checked("store", f"{place}: empty", mend="kfi ingest PATH", well=False, needed=False)
    try:
        with Ledger.open(settings.data_dir) as ledger:
            newest = ledger.latest_observation()
            named = [name for name in ledger.clusters() if name]
            of = f" of {', '.join(named)}" if named else ""
            seen = f"newest of {newest:%Y-%m-%d %H:%M} UTC" if newest else "empty"
            return Checked("store", f"{place}: {ledger.count()} documents{of}, {seen}")
    except KfiError as error:
        return Checked("store", f"{place}: {error.message}", well=False, mend=error.hint)


def _can_be_made(folder: Path) -> bool:
    """Tell whether a folder is there, or could be made, and written to."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)


def _plugin() -> Checked:
    plugin, kubectl = shutil.which("kubectl-kfi"), shutil.which("kubectl")
    if kubectl and plugin:
        return Checked("kubectl plugin", "kubectl kfi works")
    if not kubectl:
        return Checked("kubectl plugin", "no kubectl on the PATH", well=False, needed=False)
    mend = "Put the folder of the kfi command on your PATH."
    return Checked("kubectl plugin", "kubectl-kfi is not on the PATH", well=False, mend=mend, needed=False)
