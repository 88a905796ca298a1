# `make help` lists what there is. Everything happens in .venv; nothing is installed into the system.
#
# PYTHON names an interpreter (make test PYTHON=python3.12); left out, the first one found that is new enough is taken.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
	if $$name -c '$(NEW_ENOUGH)' 2>/dev/null; then echo $$name; break; fi; done)
endif
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)

VENV := .venv
BIN := $(VENV)/bin
LOCK := .ci/requirements.lock
# Named after the version, so that another PYTHON makes another installation.
STAMP := $(VENV)/.installed-$(VERSION)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# All that can be run on their own; specs/shared holds parts.
SPEC := $(shell grep -l '^service:' specs/*.yaml)
STAGE := smoke
ARGS :=
SLOW :=

.PHONY: compose-check compose-run help run test test-long lint types pytest bench bench-long lock lock-upgrade clean python

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

run: $(STAMP) ## install what is needed, then run the load tests (SPEC=specs/search.yaml STAGE=smoke)
	@$(BIN)/perfspec run $(SPEC) --stage $(STAGE)

test: lint types pytest ## check style and types, run the tests with coverage

test-long: SLOW := -m ""
test-long: lint types pytest ## the same with the slow tests

lint: $(STAMP) ## check the style
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP) ## check the types
	@$(BIN)/mypy

pytest: $(STAMP) ## run the tests (ARGS=tests/unit: some of them)
	@$(BIN)/python -m pytest --cov --cov-report=term $(SLOW) $(ARGS)

bench: $(STAMP) ## measure the load generator beside others and beside the truth, on this machine (some minutes)
	@for file in benchmarks/*.py; do echo "$$file"; $(BIN)/python "$$file" || exit 1; done

bench-long: $(STAMP) ## measure what only shows after a quarter of an hour
	@PYTHONPATH=benchmarks $(BIN)/python benchmarks/long/endurance.py

compose-check: $(STAMP) ## check the files of the test environment, and Kong's routes on nginx
	@$(BIN)/python -m pytest -q tests/test_compose.py tests/e2e/services/test_routes.py

compose-run: $(STAMP) ## start docker-compose.test.yml with podman or docker, and ask whether all is ready
	@scripts/compose-run.sh

lock: python ## lock what pyproject.toml newly asks for (with the oldest supported Python)
	@$(PYTHON) scripts/lock.py

lock-upgrade: python ## lock the newest versions of everything
	@$(PYTHON) scripts/lock.py --upgrade

clean: ## remove all that was made here, .venv too; results/ stays
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@test -n "$(VERSION)" && $(PYTHON) -c '$(NEW_ENOUGH)' || \
		{ echo "Python 3.11 or newer is needed; name one with PYTHON=..." >&2; exit 1; }

# --no-deps: the lock is whole. Older pips would look up `coverage[toml]` anew and refuse what they find, as it has no hash.
# `python` is order-only: looking for an interpreter does not make an installation out of date.
$(STAMP): $(LOCK) pyproject.toml | python
	@$(BIN)/python$(VERSION) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing into $(VENV) with Python $(VERSION)"
	@$(PIP) install --no-deps --require-hashes -r $(LOCK)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
