"""
The same surroundings for every test, whoever runs it, wherever, and however busy the machine is.
"""

import os
import tempfile

from hypothesis import HealthCheck, settings

# What is set for whoever runs the tests; with KFI_TEST_ `make test-milvus` and its like say what there is to test.
_SET_BY_OTHERS = ("KFI_", "LANGSMITH_", "LANGCHAIN_", "OLLAMA_", "FORCE_COLOR", "NO_COLOR", "COLUMNS")
_PROXIES = {f"{kind}_PROXY" for kind in ("HTTP", "HTTPS", "ALL", "NO")}
_nothing = tempfile.TemporaryDirectory(prefix="kfi-tests-")


def pytest_configure() -> None:
    """Take away what the environment says, for the tests and for the processes they start."""
    for name in list(os.environ):
        others = name.startswith(_SET_BY_OTHERS) and not name.startswith("KFI_TEST_")
        if others or name.upper() in _PROXIES:
            del os.environ[name]
    # Neither a settings file nor a store of the user's own.
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        os.environ[name] = _nothing.name
    # The same examples in every run, and none is too slow: a busy machine is no failure.
    settings.register_profile(
        "steady", deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("steady")


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    _nothing.cleanup()
