"""
The embedder of the full profile: any sentence-transformers model in a local folder, BAAI/bge-m3 by default.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from kfi.embeddings.embedding_service import Vectors
from kfi.embeddings.torch_door import Turns, full_part, has_gpu, loading, running

# Texts. Without a GPU so many take a second or two, which is what a question then waits for while cards are embedded.
_TURN_WITHOUT_GPU = 8
# What models call the instruction for each side, the usual one first.
_QUERY_PROMPTS = ("query",)
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")


class SentenceTransformerModel:
    """A sentence-transformers model from a folder; on an NVIDIA GPU in half precision where there is one."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self._turns = Turns()
        self._model: Any = None
        self._turn_size = _TURN_WITHOUT_GPU

    @property
    def name(self) -> str:
        """The model's name, as it is set."""
        return self._name

    def load(self) -> None:
        """Load the weights from the folder; nothing is downloaded and no code of the folder is run.

        Raises:
            ConfigError: sentence-transformers is not installed.
            ServiceError: the folder does not hold a model that loads.
        """
        package = full_part("sentence_transformers")
        gpu = has_gpu()
        with loading(self._name, self._folder):
            model = package.SentenceTransformer(
                str(self._folder), device="cuda" if gpu else None, local_files_only=True, trust_remote_code=False
            )
            self._model = model.half() if gpu else model
        self._turn_size = 0 if gpu else _TURN_WITHOUT_GPU

    def encode(self, texts: Sequence[str], is_query: bool) -> Vectors:
        """Give a row for each text, with the model's own instruction for questions or documents before it.

        Raises:
            ServiceError: the model failed, say for want of memory.
        """
        prompt = _prompt(self._model.prompts, _QUERY_PROMPTS if is_query else _DOCUMENT_PROMPTS)
        size = self._turn_size or len(texts)
        turns = [texts[start : start + size] for start in range(0, len(texts), size)]
        return np.concatenate([self._encode_turn(turn, prompt) for turn in turns])

    def _encode_turn(self, texts: Sequence[str], prompt: str | None) -> Vectors:
        # Fast tokenizers fail when two threads use one ("Already borrowed").
        with self._turns.turn(), running(self._name):
            made = self._model.encode(
                list(texts), prompt_name=prompt, batch_size=len(texts), show_progress_bar=False, convert_to_numpy=True
            )
            return np.asarray(made, dtype=np.float32)


def _prompt(prompts: Mapping[str, str] | None, names: Sequence[str]) -> str | None:
    return next((name for name in names if (prompts or {}).get(name)), None)
