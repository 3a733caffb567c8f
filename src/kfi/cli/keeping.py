"""
The commands that keep kfi going: filling the store, indexing it, serving it, models, and a look at all of it.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from kfi.cli.options import EventsDir, Form, Output, machine, moment, settings
from kfi.errors import KfiError, SourceError

if TYPE_CHECKING:
    from kfi.copilot import Copilot

models = typer.Typer(name="models", help="Weights of the full-size models.", no_args_is_help=True)


def ingest(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files, folders, archives, or - for standard input.")
    ] = None,
    events_dir: EventsDir = None,
    cluster: Annotated[
        str, typer.Option("--cluster", help="Name of the cluster the evidence is from.", show_default=False)
    ] = "",
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="TIME", help="When the evidence was collected; ages count back from it."),
    ] = None,
    index: Annotated[
        bool, typer.Option("--index/--no-index", help="Make it searchable now, or leave that for later.")
    ] = True,
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the report.")] = Output.text,
) -> int:
    """Read evidence into the store, redacted, and make it searchable.

    Example: kubectl get events -A -o json | kfi ingest -
    """
    from kfi.cli import text
    from kfi.cli.progress import showing_progress
    from kfi.cli.terminal import harmless
    from kfi.copilot import Copilot

    if not paths and events_dir is None:
        raise typer.BadParameter("Name a file, a folder, an archive, - for standard input, or --events-dir.")
    with Copilot.open(settings()) as copilot:
        with showing_progress("reading") as progress:
            report = copilot.ingest(
                paths or [],
                cluster=cluster,
                as_of=moment(as_of),
                events_dir=events_dir,
                stdin=sys.stdin.buffer,
                progress=progress,
            )
        shown = harmless(report)
        typer.echo(text.report(shown) if output is Output.text else machine(shown, output))
        if index:
            _index(copilot)
    return 0 if report.written or report.unchanged else SourceError.exit_code


def _index(copilot: Copilot) -> None:
    """Index for a while; what is left over, and why, is said, and is no failure: the rules see everything."""
    from kfi.cli.progress import showing_progress

    try:
        with showing_progress("indexing; Ctrl-C leaves the rest for later") as progress:
            waiting = copilot.index(progress, settings().index_after_ingest_s)
        why = "`kfi serve` or the next `kfi ingest` goes on with them."
    except KfiError as error:
        waiting, why = copilot.ledger.count_not_indexed(), " ".join((error.message, error.hint)).strip()
    except KeyboardInterrupt:
        waiting, why = copilot.ledger.count_not_indexed(), "`kfi serve` or the next `kfi ingest` goes on with them."
    if waiting:
        what = "1 document is" if waiting == 1 else f"{waiting} documents are"
        typer.echo(f"{what} not searchable yet (only the rules see them): {why}", err=True)


def reindex() -> int:
    """Make the index anew with the models that are set now; the evidence in the store stays as it is.

    Example: KFI_PROFILE=full kfi reindex
    """
    from kfi.cli.progress import showing_progress
    from kfi.copilot import Copilot

    with Copilot.open(settings()) as copilot, showing_progress("indexing") as progress:
        done = copilot.reindex(progress)
        used = copilot.parts_in_use
    typer.echo(f"{done} documents indexed with {used.embedder} at {used.dimension} dimensions.")
    return 0


def serve(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on; loopback unless set.")] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = None,
) -> int:
    """Answer over HTTP: POST /diagnose (JSON or a stream of events), POST /query-analysis, /livez, /readyz.

    Example: kfi serve --port 8484
    """
    from kfi.api.server import serve as run
    from kfi.config import load_settings
    from kfi.copilot import Copilot

    now = load_settings(host=host, port=port)
    _log_to_stderr()
    with Copilot.open(now) as copilot:
        copilot.start_indexing()
        run(copilot, now, ready=_listening)
    return 0


def _log_to_stderr() -> None:
    """Have what kfi logs stand on standard error: which model was sent how much, for one; none of the words."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("kfi")
    log.addHandler(handler)
    log.setLevel(logging.INFO)


def _listening(url: str) -> None:
    typer.echo(f"kfi listens on {url} (the API: {url}/openapi.json); Ctrl-C ends it.", err=True)


@models.command()
def pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="embedder, reranker, simple, complex; all of them unless named.")
    ] = None,
) -> int:
    """Download the configured models: weights from Hugging Face, language models through Ollama.

    Example: kfi models pull embedder reranker
    """
    from kfi.cli.pulling import pull_models

    return pull_models(names or [], settings())


def doctor(
    sources: Annotated[
        list[str] | None,
        typer.Option("--source", metavar="PATH", help="Say what kfi makes of this file, folder or archive instead."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="List all that was not read, not the first of it.")] = False,
    output: Form = Output.text,
) -> int:
    """Say what is configured, what works, what is missing, and the command that mends it.

    With --source: what was read from it, what was not and why, and which evidence is missing. Nothing is stored.

    Example: kfi doctor --source data/sample/orchard
    """
    from kfi.cli.doctor import examine_setup, examine_sources

    if sources:
        return examine_sources(sources, settings(), output, everything)
    if everything:
        raise typer.BadParameter("--all goes with --source PATH.")
    return examine_setup(settings(), output)
