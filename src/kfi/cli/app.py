"""
The commands: what a person types, checked and handed to the copilot; what comes back, printed.

Results go to standard output, progress and problems to standard error. Heavy modules are imported where a command needs
them, so that `kfi --help` answers at once.
"""

from __future__ import annotations

import errno
import os
import re
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kfi import __version__
from kfi.errors import ConfigError, KfiError, SourceError

if TYPE_CHECKING:
    from kfi.config import Settings
    from kfi.copilot import Ask
    from kfi.models.schemas import FailureDiagnosis, IngestReport


class Output(StrEnum):
    """Forms of an answer."""

    text = "text"
    json = "json"
    yaml = "yaml"


app = typer.Typer(
    name="kfi",
    help="Kubernetes Failure Intelligence Copilot: the root cause of a failure, with the lines that prove it.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

_AGE = re.compile(r"(\d+)([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code."""
    program = Path(sys.argv[0]).name
    name = "kubectl kfi" if program.startswith("kubectl-") else "kfi"
    try:
        code = app(args=None if argv is None else list(argv), prog_name=name, standalone_mode=False)
    except KfiError as error:
        typer.echo(f"{name}: {error.message}" + (f"\n{error.hint}" if error.hint else ""), err=True)
        return error.exit_code
    except typer.Exit as done:
        return done.exit_code
    except (typer.Abort, KeyboardInterrupt):
        typer.echo(f"{name}: stopped.", err=True)
        return 130
    except (OSError, SystemExit) as error:
        return _unwritten(name, error)
    except Exception as error:
        return _usage(error)
    return code if isinstance(code, int) else 0


def _unwritten(name: str, error: OSError | SystemExit) -> int:
    """Judge why the answer could not be written: whatever was read or stored told of its own errors.

    The reader (`head`, say) may have seen enough; Typer makes SystemExit of that.
    """
    cause = error.__context__ if isinstance(error, SystemExit) else error
    if not isinstance(cause, OSError):
        raise error
    # Let what is still to be written go nowhere: Python would complain about it while it shuts down.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if cause.errno == errno.EPIPE:
        return 0
    typer.echo(f"{name}: the answer cannot be written: {cause.strerror or cause}.", err=True)
    return SourceError.exit_code


def _usage(error: Exception) -> int:
    """Print a wrong command line as Click does; anything else is a bug of ours and goes up."""
    show = getattr(error, "show", None)
    if show is None:
        raise error
    show()
    return int(getattr(error, "exit_code", 2))


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"kfi {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Kubernetes Failure Intelligence Copilot: the root cause of a failure, with the lines that prove it."""


def _moment(text: str | None) -> datetime | None:
    """Read `--as-of`: RFC3339, or a date and time without zone, which is taken as UTC."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time like 2026-11-20T14:40:00Z.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _span(text: str | None) -> timedelta | None:
    """Read `--since`: 30m, 1h, 2d, 1h30m."""
    if text is None:
        return None
    parts = _AGE.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.strip():
        raise typer.BadParameter(f"{text!r} is not a length of time like 30m, 1h or 2d.")
    try:
        return sum((timedelta(**{_UNITS[unit]: int(number)}) for number, unit in parts), timedelta())
    except OverflowError:
        raise typer.BadParameter(f"{text!r} is longer than time itself; leave --since out for all of it.") from None


def _no_path(question: str) -> None:
    """Refuse a path where a question belongs: it would be taken for words, and nothing of it be read.

    Raises:
        BadParameter: the question reads like a path, and is one.
    """
    # "checkout" is a name even where a file is called so.
    if (os.sep in question or Path(question).suffix) and os.path.exists(question):
        raise typer.BadParameter(f"{question!r} is no question. To read it, give each path its own --from.")


Paths = Annotated[
    list[str] | None,
    typer.Argument(help="Files, folders, archives, or - for standard input.", show_default=False),
]
EventsDir = Annotated[
    Path | None, typer.Option("--events-dir", help="A folder whose files all hold Events.", show_default=False)
]
Cluster = Annotated[
    str, typer.Option("--cluster", help="Name of the cluster the evidence is from.", show_default=False)
]
Moment = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Answer for this moment; in files, ages count back from it."),
]
AsOf = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="When the evidence was collected; ages count back from it."),
]


@app.command()
def ingest(
    paths: Annotated[
        list[str] | None, typer.Argument(help="Files, folders, archives, or - for standard input.")
    ] = None,
    events_dir: EventsDir = None,
    cluster: Cluster = "",
    as_of: AsOf = None,
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the report.")] = Output.text,
) -> int:
    """Read evidence into the store, redacted.

    Example: kubectl get events -A -o json | kfi ingest -
    """
    from kfi.cli import text
    from kfi.cli.progress import showing_progress
    from kfi.cli.terminal import harmless
    from kfi.copilot import Copilot
    from kfi.ledger.ledger import Ledger

    if not paths and events_dir is None:
        raise typer.BadParameter("Name a file, a folder, an archive, - for standard input, or --events-dir.")
    settings = _settings()
    with Ledger.open(settings.data_dir) as ledger, showing_progress() as progress:
        report = Copilot(ledger, settings).ingest(
            paths or [],
            cluster=cluster,
            as_of=_moment(as_of),
            events_dir=events_dir,
            stdin=sys.stdin.buffer,
            progress=progress,
        )
    shown = harmless(report)
    typer.echo(text.report(shown) if output is Output.text else _machine(shown, output))
    return _read_something(report)


def _read_something(report: IngestReport) -> int:
    return 0 if report.written or report.unchanged else SourceError.exit_code


@app.command()
def diagnose(
    question: Annotated[str, typer.Argument(help="What you want to know, in plain words.", show_default=False)] = "",
    sources: Annotated[
        list[str] | None,
        typer.Option("--from", metavar="PATH", help="Evidence to read for this answer only, instead of the store."),
    ] = None,
    namespace: Annotated[str, typer.Option("-n", "--namespace", help="Only this namespace.", show_default=False)] = "",
    since: Annotated[str | None, typer.Option("--since", help="Events and logs of the last 30m, 1h, 2d …")] = None,
    as_of: Moment = None,
    cluster: Annotated[str, typer.Option("--cluster", help="Only this cluster.", show_default=False)] = "",
    output: Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")] = Output.text,
) -> int:
    """Say what fails and why, with the lines that prove it; without a question, every incident, worst first.

    Example: kfi diagnose "why does checkout crash?" --from data/sample
    """
    from kfi.copilot import Ask, Copilot
    from kfi.ledger.ledger import Ledger

    _no_path(question)
    settings = _settings()
    ask = Ask(question, namespace, cluster, _span(since), _moment(as_of))
    if sources:
        answer, report = _from_sources(sources, ask)
        _print(answer, output)
        return _read_something(report)
    with Ledger.open(settings.data_dir) as ledger:
        if not ledger.count():
            raise SourceError(
                f"The store in {settings.data_dir} holds no evidence yet.",
                hint="Give some: kfi ingest PATH, or answer from files directly: kfi diagnose --from PATH",
            )
        _known(cluster, ledger.clusters())
        _print(Copilot(ledger, settings).diagnose(ask), output)
    return 0


def _known(cluster: str, clusters: Sequence[str]) -> None:
    """Refuse the name of a cluster that nothing was stored of.

    Raises:
        SourceError: there is no such cluster.
    """
    if cluster and cluster not in clusters:
        names = ", ".join(name or "one without a name" for name in clusters)
        raise SourceError(f"The store holds no evidence of a cluster {cluster!r}.", hint=f"It holds: {names}.")


def _from_sources(sources: list[str], ask: Ask) -> tuple[FailureDiagnosis, IngestReport]:
    from kfi.cli.progress import showing_progress
    from kfi.copilot import Copilot
    from kfi.ledger.ledger import Ledger

    settings = _settings()
    with Ledger.throw_away() as ledger:
        copilot = Copilot(ledger, settings)
        started = time.perf_counter()
        with showing_progress() as progress:
            report = copilot.ingest(
                sources, cluster=ask.cluster, as_of=ask.as_of, stdin=sys.stdin.buffer, progress=progress
            )
        read = round(time.perf_counter() - started, 4)
        answer = copilot.diagnose(ask)
    spent = {"ingest": read, "total": round(answer.timings.total + read, 4)}
    timings = answer.timings.model_copy(update=spent)
    return answer.model_copy(update={"skipped": report.skipped, "timings": timings}), report


def _print(answer: FailureDiagnosis, output: Output) -> None:
    from kfi.cli import text
    from kfi.cli.terminal import harmless

    shown = harmless(answer)
    if output is Output.text:
        text.show(shown)
    else:
        typer.echo(_machine(shown, output))


def _machine(value: FailureDiagnosis | IngestReport, output: Output) -> str:
    if output is Output.json:
        return value.model_dump_json(indent=2)
    import yaml

    return yaml.safe_dump(value.model_dump(mode="json"), sort_keys=False, allow_unicode=True).rstrip()


@app.command()
def rules(
    code: Annotated[str, typer.Argument(help="A failure code, for all that is known of it.", show_default=False)] = "",
) -> int:
    """List the failures kfi knows, or explain one.

    Example: kfi rules oom-killed
    """
    from kfi.cli import text
    from kfi.diagnosis.catalogue import catalogue

    known = catalogue()
    if code and code not in known:
        near = [other for other in known if code in other or other in code]
        raise SourceError(
            f"There is no failure code {code!r}.",
            hint=f"Near it: {', '.join(near)}" if near else "List them all: kfi rules",
        )
    typer.echo(text.rule(known[code]) if code else text.rules(known.values()))
    return 0


@app.command()
def demo() -> int:
    """Diagnose the sample incident that kfi brings along.

    Example: kfi demo
    """
    from kfi.copilot import Ask

    sample = sample_folder()
    question = "Why does checkout keep crashing?"
    typer.echo(f'$ kfi diagnose "{question}" --from {_shown(sample)}\n')
    answer, report = _from_sources([str(sample)], Ask(question))
    _print(answer, Output.text)
    typer.echo(f"Every incident of the sample: kfi diagnose --from {_shown(sample)}")
    return _read_something(report)


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def sample_folder() -> Path:
    """Give the folder of the sample incident: in the package, or in the checkout it was installed from.

    Raises:
        ConfigError: neither is there.
    """
    for folder in (Path(__file__).parents[1] / "sample", Path(__file__).parents[3] / "data" / "sample"):
        if folder.is_dir():
            return folder
    raise ConfigError("The sample data is missing from this installation.", hint="Reinstall kfi.")


@app.command()
def doctor() -> int:
    """Say what is configured, what works, what is missing, and the command that mends it.

    Example: kfi doctor
    """
    from kfi.cli.doctor import examine_setup

    return examine_setup(_settings())


def _settings() -> Settings:
    from kfi.config import load_settings

    return load_settings()
