"""
An embedder that runs elsewhere: any server with OpenAI's `/embeddings` (vLLM, TEI, llama.cpp, Ollama, OpenAI).

The URL comes from the operator's settings alone; redirects are not followed and no proxy is taken from the environment.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx
import numpy as np
from pydantic import SecretStr

from kfi.embeddings.embedding_service import Vectors
from kfi.errors import ConfigError, ServiceError

_NO_KEY = SecretStr("")
_SAID = 200
_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "Set KFI_EMBEDDING_API_KEY to a key of that server.",
    HTTPStatus.FORBIDDEN: "Set KFI_EMBEDDING_API_KEY to a key that may use this model.",
    HTTPStatus.NOT_FOUND: "KFI_EMBEDDING_URL ends with '/v1'; KFI_EMBEDDING_MODEL is the name the server knows it by.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Set KFI_EMBEDDING_BATCH lower.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Set KFI_EMBEDDING_BATCH lower, and see the log of the server.",
}


class OpenAIModel:
    """A model behind an OpenAI-compatible server. Threads may ask at the same time."""

    def __init__(
        self, url: str, name: str, api_key: SecretStr = _NO_KEY, timeout_s: float = 60.0, retry_after_s: float = 1.0
    ) -> None:
        self._url = url.rstrip("/") + "/embeddings"
        self._name = name
        self._api_key = api_key
        self._timeout_s = timeout_s
        self._retry_after_s = retry_after_s
        self._trust: ssl.SSLContext | bool = True

    @property
    def name(self) -> str:
        """The model's name: the same vectors come from the same weights, wherever they run."""
        return self._name

    def load(self) -> None:
        """See that URL and key can be used; nothing is sent.

        Raises:
            ConfigError: they cannot.
        """
        if not self._url.startswith(("http://", "https://")):
            raise ConfigError(
                f"KFI_EMBEDDING_URL is no address: {self._url.removesuffix('/embeddings')!r}.",
                hint="Give one such as 'http://127.0.0.1:8000/v1'.",
            )
        key = self._api_key.get_secret_value()
        if not (key.isascii() and key.isprintable()):
            raise ConfigError(
                "KFI_EMBEDDING_API_KEY holds characters that no header can carry.",
                hint="Set it again, without a line break.",
            )
        # Reading the certificates takes longer than many answers; once is enough.
        self._trust = httpx.create_ssl_context() if self._url.startswith("https") else False

    def encode(self, texts: Sequence[str], is_query: bool) -> Vectors:
        """Give a row for each text; the server is not told which are questions.

        Raises:
            ServiceError: the server refuses, answers with something else, or does not answer (tried twice).
        """
        answer = self._ask(texts)
        if answer.status_code != HTTPStatus.OK:
            raise self._refused(answer)
        return self._vectors(answer, len(texts))

    def _ask(self, texts: Sequence[str]) -> httpx.Response:
        """Ask once, and once more where waiting may help."""
        try:
            answer = self._post(texts)
            if answer.status_code != HTTPStatus.TOO_MANY_REQUESTS and not answer.is_server_error:
                return answer
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            pass
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._silent(error) from error
        time.sleep(self._retry_after_s)
        try:
            return self._post(texts)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._silent(error) from error

    def _post(self, texts: Sequence[str]) -> httpx.Response:
        key = self._api_key.get_secret_value()
        return httpx.post(
            self._url,
            json={"model": self._name, "input": list(texts), "encoding_format": "float"},
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=self._timeout_s,
            follow_redirects=False,
            trust_env=False,
            verify=self._trust,
        )

    def _silent(self, error: Exception) -> ServiceError:
        return ServiceError(
            f"The embedding server at {self._url!r} did not answer: {error or type(error).__name__}.",
            hint="Start it, or set KFI_EMBEDDING_URL to a running one (empty: embed on this machine).",
        )

    def _refused(self, answer: httpx.Response) -> ServiceError:
        said = " ".join(answer.text[: 4 * _SAID].split())[:_SAID]
        hint = "It redirects elsewhere, and redirects are not followed." if answer.is_redirect else ""
        return ServiceError(
            f"The embedding server at {self._url!r} refused with status {answer.status_code}: {said!r}.",
            hint=hint or _HINTS.get(answer.status_code, "See the log of that server."),
        )

    def _vectors(self, answer: httpx.Response, count: int) -> Vectors:
        """Read the rows in the order of the texts, which need not be the order of the answer."""
        try:
            rows = [_row(item, place) for place, item in enumerate(answer.json()["data"])]
            if sorted(index for index, _ in rows) != list(range(count)):
                raise ValueError(f"{len(rows)} vectors for {count} texts")
            made: Vectors = np.array([numbers for _, numbers in sorted(rows, key=_index)], dtype=np.float32)
        except (ValueError, TypeError, LookupError, AttributeError, OverflowError, RecursionError) as error:
            raise ServiceError(
                f"The embedding server at {self._url!r} answered with something else than vectors: {error}.",
                hint="Set KFI_EMBEDDING_URL to an OpenAI-compatible server, up to and including '/v1'.",
            ) from error
        return made


def _row(item: Any, place: int) -> tuple[int, list[float]]:
    return int(item.get("index", place)), list(item["embedding"])


def _index(row: tuple[int, list[float]]) -> int:
    return row[0]
