"""
Several questions in a row, each of which may mean what the one before was about: `kfi chat`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

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
    moment,
    span,
)
from kfi.errors import KfiError

_ENDS = frozenset(("exit", "quit", "bye", ":q"))
_MOST_CHARACTERS = 8000


def chat(
    sources: Sources = None,
    namespace: Namespace = "",
    since: Since = None,
    as_of: Moment = None,
    cluster: Cluster = "",
    force_model: ForceModel = None,
    thinking: Thinking = False,
    output: Form = Output.text,
) -> int:
    """Answer one question a line; "and why?", "what about mailer?", "show me its events" follow the one before.

    An empty line is skipped; exit, quit or the end of the input ends it.

    Example: kfi chat --from data/sample/orchard
    """
    from kfi.cli.asking import answered, evidence, show
    from kfi.conversation import NEW

    begin = asked(
        namespace=namespace,
        cluster=cluster,
        since=span(since),
        as_of=moment(as_of),
        force_model=force_model,
        conversation=NEW,
    )
    with evidence(sources, begin) as copilot:
        conversation = NEW
        for question in _questions():
            try:
                request = begin.model_copy(update={"question": question, "conversation": conversation})
                said = answered(copilot, request)
            except KfiError as error:
                typer.echo(f"{error.message}" + (f"\n{error.hint}" if error.hint else ""), err=True)
                continue
            conversation = said.conversation
            show(said, output, thinking)
    return 0


def _questions() -> Iterator[str]:
    """Yield what is typed, or piped, line by line."""
    while True:
        if sys.stdin.isatty():
            typer.echo("> ", nl=False, err=True)
        line = sys.stdin.readline(_MOST_CHARACTERS + 1)
        if not line or line.strip().lower() in _ENDS:
            return
        if len(line) > _MOST_CHARACTERS:
            typer.echo(f"A question has at most {_MOST_CHARACTERS:,} characters; this one is cut.", err=True)
            while line and not line.endswith("\n"):
                rest = sys.stdin.readline(_MOST_CHARACTERS)
                line = line if rest and not rest.endswith("\n") else line[:_MOST_CHARACTERS] + "\n"
        if line.strip():
            yield line.strip()[:_MOST_CHARACTERS]
