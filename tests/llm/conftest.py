import os
from pathlib import Path

import pytest

from tests.llm.server import RealModel

FOLDER = os.environ.get("KFI_TEST_LLM", "")
"""Folder with `xllamacpp` and the weights of SmolLM2 (`make test-llm`). Without it these tests are not there."""

collect_ignore_glob = [] if FOLDER else ["test_*.py"]


@pytest.fixture(scope="session")
def model():
    (weights,) = Path(FOLDER).glob("*.gguf")
    with RealModel(Path(FOLDER), weights) as server:
        yield server
