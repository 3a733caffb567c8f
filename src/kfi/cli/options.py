"""
What several commands take: the forms of an answer, and how times, lengths of time and questions are read.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from pydantic import BaseModel

    from kfi.config import Settings
    from kfi.models.schemas import DiagnoseRequest


class Output(StrEnum):
    """Forms of an answer."""

    text = "text"
    json = "json"
    yaml = "yaml"


def moment(text: str | None) -> datetime | None:
    """Read `--as-of`: RFC3339, or a date and time without zone, which is taken as UTC."""
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a time like 2026-11-20T14:40:00Z.", param_hint="'--as-of'") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def span(text: str | None) -> timedelta | None:
    """Read `--since`: 30m, 1h, 2d, 1h30m."""
    from kfi.models.schemas import span_of

    if text is None:
        return None
    try:
        return span_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="'--since'") from None


def no_path(question: str) -> None:
    """Refuse a path where a question belongs: it would be taken for words, and nothing of it be read.

    Raises:
        BadParameter: the question reads like a path, and is one.
    """
    # "checkout" is a name even where a file is called so.
    if (os.sep in question or Path(question).suffix) and os.path.exists(question):
        raise typer.BadParameter(f"{question!r} is no question. To read it, give each path its own --from.")


def said(question: str) -> str:
    """Give a question without the blanks around it.

    Raises:
        BadParameter: nothing is left of it.
    """
    if not question.strip():
        raise typer.BadParameter("the question is empty.")
    return question.strip()


def asked(**given: Any) -> DiagnoseRequest:
    """Give a request of what was typed."""
    from pydantic import ValidationError

    from kfi.models.schemas import DiagnoseRequest

    try:
        return DiagnoseRequest(**given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise typer.BadParameter(f"the {'.'.join(map(str, first['loc']))} is wrong: {first['msg'].lower()}.") from None


def machine(value: BaseModel, output: Output) -> str:
    """Give a value as JSON or YAML."""
    if output is Output.json:
        return value.model_dump_json(indent=2)
    import yaml

    return yaml.safe_dump(value.model_dump(mode="json"), sort_keys=False, allow_unicode=True).rstrip()


def settings() -> Settings:
    """Give the settings.

    Raises:
        ConfigError: one of them is wrong.
    """
    from kfi.config import load_settings

    return load_settings()


EventsDir = Annotated[
    Path | None, typer.Option("--events-dir", help="A folder whose files all hold Events.", show_default=False)
]
Sources = Annotated[
    list[str] | None,
    typer.Option("--from", metavar="PATH", help="Evidence to read for this answer only, instead of the store."),
]
Namespace = Annotated[str, typer.Option("-n", "--namespace", help="Only this namespace.", show_default=False)]
ForceModel = Annotated[
    str | None,
    typer.Option("--force-model", metavar="MODEL", help="simple, complex, a configured model's name, or rules."),
]
Since = Annotated[str | None, typer.Option("--since", help="Events and logs of the last 30m, 1h, 2d …")]
Cluster = Annotated[str, typer.Option("--cluster", help="Only this cluster.", show_default=False)]
Moment = Annotated[
    str | None,
    typer.Option("--as-of", metavar="TIME", help="Answer for this moment; in files, ages count back from it."),
]
Form = Annotated[Output, typer.Option("-o", "--output", help="Form of the answer.")]
Thinking = Annotated[
    bool, typer.Option("--thinking", help="Also show how a model reasoned, where one did; -o json and yaml always do.")
]
