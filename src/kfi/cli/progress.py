"""What a terminal shows while work goes on; silence elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kfi.models.answer import AnswerEvent


@contextmanager
def showing_progress(doing: str) -> Iterator[Callable[[str, int, int], None] | None]:
    """Give a function that shows (name, done, total) on standard error, or None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn(doing),
        BarColumn(),
        TextColumn("{task.completed}{task.fields[of]} {task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, of="")

        def show(name: str, done: int, total: int) -> None:
            shown = name if len(name) <= 50 else f"…{name[-49:]}"
            of = f"/{total}" if total else ""
            bar.update(task, description=shown.replace("[", r"\["), completed=done, total=total or None, of=of)

        yield show


@contextmanager
def showing_download(what: str) -> Iterator[Callable[[str, int, int], None]]:
    """Give a function that shows (part, bytes done, bytes in all) on standard error; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield _nobody
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(escape(what), total=None)

        def show(part: str, done: int, total: int) -> None:
            bar.update(task, description=escape(f"{what} {part}"[:60]), completed=done, total=total or None)

        yield show


def _nobody(_part: str, _done: int, _total: int) -> None:
    """Show nothing."""


@contextmanager
def showing_model() -> Iterator[Callable[[AnswerEvent], None] | None]:
    """Give a function that shows on standard error which model is speaking, or None where nobody watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.markup import escape

    from kfi.models.answer import ModelChosen, Thinking, Token

    with Console(stderr=True).status("looking") as status:
        pieces = {"thinks": 0, "explains": 0}
        model = ""

        def show(event: AnswerEvent) -> None:
            nonlocal model
            if isinstance(event, ModelChosen):
                model = escape(event.choice.model)
                status.update(f"{model} answers")
            elif isinstance(event, Thinking | Token):
                doing = "thinks" if isinstance(event, Thinking) else "explains"
                pieces[doing] += 1
                status.update(f"{model} {doing} ({pieces[doing]} tokens; Ctrl-C leaves it to the rules)")

        yield show
