# Needs Python >= 3.11 and make; everything else is installed into .venv (and tests/clients/js/node_modules).
# A stamp in .venv says what is installed already, so that a second run starts at once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JS := tests/clients/js
PYTEST := $(BIN)/python -m pytest
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
MADE_FROM := pyproject.toml constraints.txt
DATA ?= data
SERVE ?=
TEST ?=
JOBS ?= 2
FUZZ ?= 50000
SEED ?= $(shell date +%s)
SCHEMATHESIS := $(VENV)/schemathesis

.PHONY: help serve test check soak fuzz sqlmap schemathesis bench clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 10

serve: $(VENV)/.serve ## serve the example at http://127.0.0.1:8000
	$(BIN)/mainspring serve examples/store/app.py --data $(DATA) $(SERVE)

# First what may run beside others, a file in one process; then what must have the machine to itself, as it bounds times.
# A part may lie in one of the two, so that only when both find no test (5 says so) the run fails.
BESIDE = $(PYTEST) -m "not alone" --dist loadfile --no-loadscope-reorder --numprocesses $(JOBS)
ALONE = $(PYTEST) -m alone

test: $(VENV)/.dev $(JS)/node_modules/.installed ## run the whole suite (TEST="-k name" for a part, JOBS=number)
	@chosen=yes; $(BESIDE) $(TEST) || { [ $$? = 5 ] && chosen=no; } || exit 1; \
	$(ALONE) $(TEST) || { [ $$? = 5 ] && [ $$chosen = yes ]; }

check: $(VENV)/.dev ## lint, types, layers
	$(BIN)/ruff check src tests examples
	$(BIN)/mypy
	$(PYTEST) -q tests/unit/test_layers.py

soak: $(VENV)/.dev ## the property tests with 100,000 cases
	MAINSPRING_TEST_CASES=100000 $(PYTEST) -s --timeout=0 tests/property $(TEST)

fuzz: $(VENV)/.dev ## 50,000 hostile requests, others every time (FUZZ=number SEED=number)
	MAINSPRING_TEST_FUZZ=$(FUZZ) MAINSPRING_TEST_FUZZ_SEED=$(SEED) $(PYTEST) -s --timeout=0 tests/fuzz $(TEST)

sqlmap: $(VENV)/.dev ## attack every parameter of live servers (needs sqlmap; about 30 minutes)
	$(BIN)/python -m tests.hostile.sqlmap

schemathesis: $(VENV)/.dev $(VENV)/.schemathesis ## ask live servers for whatever their OpenAPI description says
	SCHEMATHESIS=$(SCHEMATHESIS)/bin/schemathesis $(BIN)/python -m tests.hostile.described

bench: $(VENV)/.bench ## the benchmark table (needs wrk)
	$(BIN)/python -m bench

clean: ## remove what make has made
	rm -rf $(VENV) $(JS)/node_modules

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Mainspring needs Python >= 3.11, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.serve: $(MADE_FROM) | $(BIN)/python
	$(INSTALL) --editable '.[postgres]'
	@touch $@

$(VENV)/.dev: $(MADE_FROM) | $(BIN)/python
	$(INSTALL) --editable '.[dev]'
	@touch $@ $(VENV)/.serve

$(VENV)/.bench: $(MADE_FROM) | $(BIN)/python
	$(INSTALL) --editable '.[bench]'
	@touch $@ $(VENV)/.serve

# Apart from the rest, because it brings a pytest plugin.
$(VENV)/.schemathesis: | $(BIN)/python
	$(PYTHON) -m venv $(SCHEMATHESIS)
	$(SCHEMATHESIS)/bin/python -m pip install --quiet --disable-pip-version-check 'schemathesis>=4.32,<5'
	@touch $@

# Without node the suite still runs: the tests that need it skip, and fail under CI=true naming what is missing.
$(JS)/node_modules/.installed: $(JS)/package.json $(JS)/package-lock.json
	@if command -v npm >/dev/null; then cd $(JS) && npm ci --silent && touch node_modules/.installed; \
	else echo "npm is not installed: the JavaScript client tests will be skipped"; fi
