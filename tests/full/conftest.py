"""Tests of the extra `full`: `make test-full`. Without the extra they are not collected."""

from kfi.embeddings.weights import full_parts_installed

collect_ignore_glob = [] if full_parts_installed() else ["test_*.py"]
