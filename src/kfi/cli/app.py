"""
The command line: which commands there are, and what a person reads when one fails.

Results go to standard output, progress and problems to standard error. Heavy modules are imported where a command needs
them, so that `kfi --help` answers at once.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from kfi import __version__
from kfi.cli import asking, chat, keeping, patterns
from kfi.errors import KfiError, SourceError

# As a shell tells that Ctrl-C ended a command; Typer gives it too.
_STOPPED = 130
# EX_SOFTWARE of sysexits.h.
_MISTAKE = 70

app = typer.Typer(
    name="kfi",
    help="Kubernetes Failure Intelligence Copilot: the root cause of a failure, with the lines that prove it.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
for command in (asking.diagnose, keeping.ingest, asking.retrieve, asking.analyze_query, asking.rules, asking.demo):
    app.command()(command)
for command in (keeping.serve, keeping.reindex, keeping.doctor):
    app.command()(command)
app.command()(patterns.patterns)
app.command()(chat.chat)
app.add_typer(keeping.models)


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code."""
    program = Path(sys.argv[0]).name
    name = "kubectl kfi" if program.startswith("kubectl-") else "kfi"
    _end_in_order()
    try:
        code = app(args=None if argv is None else list(argv), prog_name=name, standalone_mode=False)
    except KfiError as error:
        typer.echo(f"{name}: {error.message}" + (f"\n{error.hint}" if error.hint else ""), err=True)
        return error.exit_code
    except typer.Exit as done:
        code = done.exit_code
    except (typer.Abort, KeyboardInterrupt):
        code = _STOPPED
    except _Ended:
        raise
    except (OSError, SystemExit) as error:
        return _unwritten(name, error)
    except Exception as error:
        return _usage(error) if hasattr(error, "show") else _mistaken(name, error)
    if code == _STOPPED:
        typer.echo(f"{name}: stopped.", err=True)
    return code if isinstance(code, int) else 0


def _end_in_order() -> None:
    """Have a signal that ends the process unwind it first: the index is let go of, and its temporary folder removed."""
    if threading.current_thread() is not threading.main_thread():
        return
    for number, answer in ((signal.SIGTERM, _end), (signal.SIGHUP, _hang_up)):
        if signal.getsignal(number) == signal.SIG_DFL:  # `nohup` has it ignored
            signal.signal(number, answer)


def _end(number: int, _frame: object) -> None:
    signal.signal(number, signal.SIG_DFL)  # one that comes again ends it at once
    raise _Ended(128 + number)


def _hang_up(_number: int, _frame: object) -> None:
    signal.raise_signal(signal.SIGTERM)  # which a server hears in its own way


class _Ended(SystemExit):
    """A signal ended the process."""


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


def _usage(error: Any) -> int:
    """Print a wrong command line as Click does."""
    # Typer puts the name of the exception before what one of its own types says of a value.
    error.message = str(getattr(error, "message", "")).removeprefix("Value error, ")
    error.show()
    return int(getattr(error, "exit_code", 2))


def _mistaken(name: str, error: Exception) -> int:
    """Say in a sentence that kfi itself is wrong, and where; whoever wants to mend it sets KFI_DEBUG."""
    from kfi.cli.terminal import plain
    from kfi.config import DEBUG_VARIABLE, debugging

    if debugging():
        raise error
    last = traceback.extract_tb(error.__traceback__)[-1]
    what = " ".join(plain(f"{type(error).__name__}: {error}").split())[:300]
    typer.echo(
        f"{name}: a mistake of kfi's own, at {Path(last.filename).name}:{last.lineno}: {what}\n"
        f"Please report it, with the whole traceback that {DEBUG_VARIABLE}=1 shows (it may quote your evidence).",
        err=True,
    )
    return _MISTAKE


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
