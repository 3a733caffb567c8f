"""
What answers depend on, and how each of it stands: asked by `/readyz` and by `kfi doctor`.
"""

from __future__ import annotations

from kfi.assembly import Assembly, choose, lacking, recorded, settle
from kfi.chains.servers import Dialect, installed_models, server_of
from kfi.config import EMBEDDED_EMBEDDER, EMBEDDED_RERANKER, Settings
from kfi.errors import KfiError
from kfi.ingestion.indexer import BackgroundIndexer
from kfi.ledger.ledger import Ledger
from kfi.models.answer import Part

# Seconds. Someone wants to know whether it answers now.
_PROBE_S = 5.0
_MOST_LISTED = 10


def readiness(
    ledger: Ledger, parts: Assembly, settings: Settings, indexer: BackgroundIndexer | None
) -> tuple[Part, ...]:
    """Give each thing that the answers of an open store depend on."""
    return (_ledger(ledger), models(ledger, settings), _index(ledger, parts, indexer), language_model(settings))


def _ledger(ledger: Ledger) -> Part:
    try:
        return Part(name="store", ready=True, detail=f"{ledger.count()} documents")
    except KfiError as error:
        return Part(name="store", ready=False, detail=error.message, mend=error.hint)


def models(ledger: Ledger | None, settings: Settings) -> Part:
    """Give the embedder and reranker that a store works with, or that one made now would work with."""
    try:
        chosen = settle(ledger, settings) if ledger and recorded(ledger) else choose(settings)
    except KfiError as error:
        return Part(name="models", ready=False, detail=error.message, mend=error.hint)
    if missing := lacking(settings, chosen):
        return Part(name="models", ready=False, detail=missing.message, mend=missing.hint)
    detail = f"embedder {chosen.embedder} ({chosen.dimension} dimensions), reranker {chosen.reranker}"
    if (chosen.embedder, chosen.reranker) == (EMBEDDED_EMBEDDER, EMBEDDED_RERANKER):
        detail += "; nothing to download"
    return Part(name="models", ready=True, detail=detail)


def embedding_server(settings: Settings) -> Part:
    """Give whether the embedding server that is set embeds a word as it is to. The rules answer without it."""
    # Here: they take a tenth of a second, and most have no such server.
    from kfi.embeddings.embedding_service import EmbeddingService
    from kfi.embeddings.openai_model import OpenAIModel

    url, name = settings.embedding_url, settings.embedding_model
    model = OpenAIModel(url, name, settings.embedding_api_key, timeout_s=_PROBE_S, retry_after_s=0)
    try:
        EmbeddingService(model, settings.embedding_dimension).warm_up()
    except KfiError as error:
        return Part(name="embedding server", ready=False, detail=error.message, mend=error.hint, needed=False)
    return Part(name="embedding server", ready=True, detail=f"{name} at {url}")


def _index(ledger: Ledger, parts: Assembly, indexer: BackgroundIndexer | None) -> Part:
    """Give how the index stands. The rules answer without it, so nothing stops where it does not."""
    try:
        # In this order: what is written or indexed between two counts then never looks lost.
        known, waiting, rows = ledger.count(), ledger.count_not_indexed(), parts.index.count()
    except KfiError as error:
        return Part(name="index", ready=False, detail=error.message, mend=error.hint, needed=False)
    if rows < known - waiting:
        detail = f"it has lost {known - waiting - rows} of {known} documents"
        return Part(name="index", ready=False, detail=detail, mend="kfi reindex", needed=False)
    problem = indexer.problem if indexer else ""
    detail = f"{rows} documents" + (f", {waiting} to do" if waiting else "") + (f": {problem}" if problem else "")
    if parts.index.missing:
        detail += f". {' '.join(parts.index.missing)}"
    return Part(name="index", ready=not problem, detail=detail, needed=False)


def language_model(settings: Settings) -> Part:
    """Give which of the configured language models can be asked. Without any the rules answer."""
    wanted = tuple(dict.fromkeys((settings.simple_model, settings.complex_model)))
    installed = installed_models(settings)
    if installed.problem:
        return Part(name="language model", ready=False, detail=installed.problem, needed=False)
    server = server_of(settings)  # shown without the password that the setting may hold
    missing = [model for model in wanted if model not in installed.names]
    if not missing:
        return Part(name="language model", ready=True, detail=f"{' and '.join(wanted)} by {server}")
    answers = "the rules answer instead" if len(missing) == len(wanted) else f"{_rest(wanted, missing)} answers instead"
    detail = f"{server} does not have {' and '.join(missing)}; {answers}. It has: {_listed(installed.names)}."
    mend = server.get(missing[0])
    if server.dialect is Dialect.OLLAMA:
        mend = f"{' && '.join(f'ollama pull {model}' for model in missing)}  (or: kfi models pull)"
    return Part(name="language model", ready=False, detail=detail, mend=mend, needed=False)


def _rest(wanted: tuple[str, ...], missing: list[str]) -> str:
    return " and ".join(model for model in wanted if model not in missing)


def _listed(names: frozenset[str]) -> str:
    # Those tagged `latest` are among the names twice.
    shown = sorted(name for name in names if not name.endswith(":latest"))
    more = f" and {len(shown) - _MOST_LISTED} more" if len(shown) > _MOST_LISTED else ""
    return f"{', '.join(shown[:_MOST_LISTED])}{more}"
