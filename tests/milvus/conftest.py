import os
from pathlib import Path

import pytest

from tests.milvus.server import RealMilvus

WHEEL = os.environ.get("KFI_TEST_MILVUS", "")
"""Folder that the wheel `milvus==2.3.5` was installed into. Without it these tests are not there."""

collect_ignore_glob = [] if WHEEL else ["test_*.py"]


@pytest.fixture(scope="session")
def milvus(tmp_path_factory):
    server = RealMilvus(Path(WHEEL), tmp_path_factory.mktemp("milvus"))
    server.start()
    yield server
    server.stop()
