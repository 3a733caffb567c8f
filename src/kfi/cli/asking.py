"""
The commands that answer: from the store, or from files that are read for one answer only.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kfi.cli.options import (
    Cluster,
    ForceModel,
    Form,
    Moment,
    Namespace,
    Output,
    Since,
    Sources,
    Thinking,
    asked,
    machine,
    moment,
    no_path,
    said,
    settings,
    span,
)
from kfi.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from kfi.copilot import Copilot
    from kfi.models.answer import AnswerEvent
    from kfi.models.schemas import DiagnoseRequest, FailureDiagnosis, IngestReport

Question = Annotated[str, typer.Argument(help="What you want to know, in plain words.", show_default=False)]


def diagnose(
    question: Question = "",
    sources: Sources = None,
    namespace: Namespace = "",
    since: Since = None,
    as_of: Moment = None,
    cluster: Cluster = "",
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=100, help="Root causes, or rows of a list, at most.")
    ] = 10,
    page: Annotated[int, typer.Option("--page", min=1, max=1_000_000, help="Which page of a list.")] = 1,
    force_model: ForceModel = None,
    thinking: Thinking = False,
    output: Form = Output.text,
) -> int:
    """Say what fails and why, with the lines that prove it; without a question, every incident, worst first.

    Example: kfi diagnose "why does checkout crash?" --from data/sample/orchard
    """
    no_path(question)
    request = asked(
        question=question.strip(),
        namespace=namespace,
        cluster=cluster,
        since=span(since),
        as_of=moment(as_of),
        limit=limit,
        page=page,
        force_model=force_model,
    )
    if sources:
        return _from_sources(sources, request, output, thinking)
    with _store(or_empty=_asks_meaning(request.question)) as copilot:
        show(answered(copilot, request), output, thinking)
    return 0


def _asks_meaning(question: str) -> bool:
    """Tell whether a question is for the meaning of a word, which needs no evidence."""
    from kfi.models.schemas import Intent
    from kfi.retrieval.query_analyzer import QueryAnalyzer

    return QueryAnalyzer().plan(question).intent is Intent.EXPLAIN


def retrieve(
    question: Annotated[str, typer.Argument(help="What you want to know, in plain words.")],
    sources: Sources = None,
    limit: Annotated[int, typer.Option("-k", "--top-k", min=1, max=50, help="Hits for each part of the question.")] = 4,
    namespace: Namespace = "",
    as_of: Moment = None,
    cluster: Cluster = "",
    explain: Annotated[
        bool, typer.Option("--explain", help="Also say what lifted each hit; -o json and yaml always do.")
    ] = False,
    output: Form = Output.text,
) -> int:
    """Show the lines that answer a question best, and which ways of searching found each.

    Example: kfi retrieve "why does checkout crash?" --from data/sample/orchard
    """
    from kfi.cli import text
    from kfi.cli.terminal import harmless

    no_path(question)
    request = asked(question=said(question), namespace=namespace, cluster=cluster, as_of=moment(as_of), top_k=limit)
    with evidence(sources, request) as copilot:
        found = harmless(copilot.hits(request))
    typer.echo(text.hits(found, explain) if output is Output.text else machine(found, output))
    return 0


def analyze_query(
    question: Annotated[str, typer.Argument(help="What you want to know, in plain words.")],
    output: Form = Output.text,
) -> int:
    """Show what a question is understood as, how complex it is, and which model would explain its answer.

    Example: kfi analyze-query "why is pod web-0 in namespace shop crashing, and is node-b full?"
    """
    from kfi.cli import text
    from kfi.cli.terminal import harmless
    from kfi.copilot import Copilot

    request = asked(question=said(question))
    with Copilot.throw_away(settings()) as copilot:
        found = harmless(copilot.analyze(request.question))
    typer.echo(text.analysis(found) if output is Output.text else machine(found, output))
    return 0


def rules(
    word: Annotated[
        str,
        typer.Argument(
            metavar="CODE", help="A failure code, or a word of Kubernetes: CrashLoopBackOff, 137.", show_default=False
        ),
    ] = "",
) -> int:
    """List the failures kfi knows, or explain one; a word of Kubernetes leads to those that it may stand for.

    Example: kfi rules OOMKilled
    """
    from kfi.cli import text
    from kfi.diagnosis.catalogue import catalogue
    from kfi.diagnosis.meaning import meaning_of, near

    if not word.strip():
        typer.echo(text.rules(catalogue().values()))
        return 0
    found = meaning_of(word)
    if found is None:
        close = ", ".join(near(word))
        raise SourceError(
            f"There is no failure code {word!r}, and Kubernetes has no such word that kfi knows.",
            hint=f"Near it: {close}" if close else "List them all: kfi rules",
        )
    typer.echo(text.meaning(found))
    return 0


def demo() -> int:
    """Diagnose the sample incident that kfi brings along.

    Example: kfi demo
    """
    sample = sample_folder()
    question = "Why does checkout keep crashing?"
    typer.echo(f'$ kfi diagnose "{question}" --from {_shown(sample)}\n')
    code = _from_sources([str(sample)], asked(question=question), Output.text)
    typer.echo(f"Every incident of the sample: kfi diagnose --from {_shown(sample)}")
    return code


def _shown(path: Path) -> str:
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def sample_folder() -> Path:
    """Give the folder of the sample incident: in the package, or in the checkout it was installed from.

    Raises:
        ConfigError: neither is there.
    """
    for folder in (Path(__file__).parents[1] / "sample", Path(__file__).parents[3] / "data" / "sample" / "orchard"):
        if folder.is_dir():
            return folder
    raise ConfigError("The sample data is missing from this installation.", hint="Reinstall kfi.")


@contextmanager
def _store(or_empty: bool = False) -> Iterator[Copilot]:
    """Open the store, where there is something in it, or even where there is not.

    Raises:
        SourceError: there is nothing in it, and something must be.
    """
    from kfi.copilot import Copilot

    now = settings()
    with Copilot.open(now) as copilot:
        if not or_empty and not copilot.ledger.count():
            raise SourceError(
                f"The store in {now.data_dir} holds no evidence yet.",
                hint="Give some: kfi ingest PATH, or answer from files directly with --from PATH",
            )
        yield copilot


@contextmanager
def evidence(sources: list[str] | None, request: DiagnoseRequest) -> Iterator[Copilot]:
    """Open the store, or a throw-away one with what these sources hold.

    Raises:
        SourceError: there is nothing in it.
    """
    from kfi.copilot import Copilot

    if not sources:
        with _store() as copilot:
            yield copilot
        return
    with Copilot.throw_away(settings()) as copilot:
        report = _read(copilot, sources, request)
        if not _read_something(report):
            reasons = "; ".join(f"{one.path}: {one.reason}" for one in report.skipped[:3])
            raise SourceError("Nothing could be read from what was named.", hint=reasons)
        yield copilot


def _from_sources(sources: list[str], request: DiagnoseRequest, output: Output, thinking: bool = False) -> int:
    from kfi.copilot import Copilot

    with Copilot.throw_away(settings()) as copilot:
        started = time.perf_counter()
        report = _read(copilot, sources, request)
        read = round(time.perf_counter() - started, 4)
        answer = answered(copilot, request)
    spent = {"ingest": read, "total": round(answer.timings.total + read, 4)}
    timings = answer.timings.model_copy(update=spent)
    show(answer.model_copy(update={"skipped": report.skipped, "timings": timings}), output, thinking)
    return 0 if _read_something(report) else SourceError.exit_code


def _read(copilot: Copilot, sources: list[str], request: DiagnoseRequest) -> IngestReport:
    from kfi.cli.progress import showing_progress

    with showing_progress("reading") as progress:
        return copilot.ingest(
            sources, cluster=request.cluster, as_of=request.as_of, stdin=sys.stdin.buffer, progress=progress
        )


def _read_something(report: IngestReport) -> bool:
    return bool(report.written or report.unchanged)


def answered(copilot: Copilot, request: DiagnoseRequest) -> FailureDiagnosis:
    """Give the answer; while a model speaks, a line on the terminal says so, and Ctrl-C leaves it to the rules."""
    from kfi.chains.model_selector import RULES
    from kfi.cli.progress import showing_model
    from kfi.models.answer import ModelChosen

    speaking = RULES
    with showing_model() as show_event:

        def watch(event: AnswerEvent) -> None:
            nonlocal speaking
            if isinstance(event, ModelChosen):
                speaking = event.choice.model
            if show_event:
                show_event(event)

        try:
            return _run(copilot.whole(request, watch))
        except KeyboardInterrupt:
            if speaking == RULES:
                raise
    told = _run(copilot.whole(request.model_copy(update={"force_model": RULES})))
    stopped = f"{speaking} was stopped before it had answered."
    return told.model_copy(update={"degraded": True, "notes": (*told.notes, stopped)})


def _run(answering: Coroutine[Any, Any, FailureDiagnosis]) -> FailureDiagnosis:
    import asyncio

    with asyncio.Runner() as runner:
        # A connection that a model's library drops late is told by a traceback; the answer has a note of it by then.
        runner.get_loop().set_exception_handler(_told_already)
        return runner.run(answering)


def _told_already(_loop: AbstractEventLoop, _context: dict[str, Any]) -> None:
    """Say nothing."""


def show(answer: FailureDiagnosis, output: Output, thinking: bool = False) -> None:
    """Print an answer, as text on demand with how a model reasoned."""
    from kfi.cli import text
    from kfi.cli.terminal import harmless

    shown = harmless(answer)
    if output is Output.text:
        text.show(shown, thinking)
    else:
        typer.echo(machine(shown, output))
