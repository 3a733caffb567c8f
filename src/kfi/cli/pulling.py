"""
`kfi models pull`: the one command that downloads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import typer

from kfi.chains.servers import ollama_of
from kfi.cli.progress import showing_download
from kfi.config import Settings
from kfi.embeddings.pull import pull_ollama, pull_weights
from kfi.errors import KfiError

_ALL = ("embedder", "reranker", "simple", "complex")

Download = Callable[[Callable[[str, int, int], None]], object]


def pull_models(names: Sequence[str], settings: Settings) -> int:
    """Download these models and say what became of each; give the exit code of the last that failed, else 0."""
    unknown = [name for name in names if name not in _ALL]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(_ALL)}.")
    code = 0
    for model, download in _wanted(names or _ALL, settings):
        try:
            with showing_download(model) as progress:
                download(progress)
            typer.echo(f"{model}: here.")
        except KfiError as error:
            typer.echo(f"{model}: {error.message}" + (f"\n{error.hint}" if error.hint else ""), err=True)
            code = error.exit_code
    return code


def _wanted(names: Sequence[str], settings: Settings) -> Iterator[tuple[str, Download]]:
    weights = {"embedder": settings.embedding_model, "reranker": settings.reranker_model}
    asked = {"simple": settings.simple_model, "complex": settings.complex_model}
    for name in names:
        if name in weights:
            yield weights[name], partial(pull_weights, weights[name], settings.models_dir)
        else:
            yield asked[name], partial(_pull_ollama, settings, asked[name])


def _pull_ollama(settings: Settings, model: str, progress: Callable[[str, int, int], None]) -> None:
    ollama_of(settings)  # refuses what is no address
    pull_ollama(settings.ollama_url.strip(), model, progress)
