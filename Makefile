# make help lists the targets. Each makes its own virtual environment in .venv when that is missing; pip only, Python 3.11+.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALLED := $(VENV)/.installed
ALONE := build/client-alone
DATA := $(or $(TENURE_DATA_DIR),tenure-data)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo serve test check style types bench test-client-alone clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## /\1\t/p' Makefile | while IFS='	' read -r name text; do printf '  make %-18s %s\n' "$$name" "$$text"; done

demo: $(INSTALLED) ## the whole idea on real files, told on the terminal
	@$(BIN)/python tests/demo/run.py

serve: $(INSTALLED) ## a server of your own on ./tenure-data, made when missing
	@test -f $(DATA)/root.json || TENURE_DATA_DIR=$(DATA) $(BIN)/tenure init
	@TENURE_DATA_DIR=$(DATA) $(BIN)/tenure serve

test: $(INSTALLED) ## every test; PYTEST_ARGS='-k renewal' for some
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

check: style types test ## what has to pass before a push: style, types, tests

style: $(INSTALLED) ## ruff's format and lint
	@$(BIN)/ruff format --check --quiet . || { echo "error: not formatted; hint: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .

types: $(INSTALLED) ## mypy, strict
	@$(BIN)/mypy

bench: $(INSTALLED) ## measure the speed on this machine; BENCH_ARGS=--short for a glance
	@$(BIN)/python -m tests.benchmarks $(BENCH_ARGS)

bench-scale: $(INSTALLED) ## load, growth, start, memory, changes; BENCH_ARGS=--short for a glance
	@$(BIN)/python -m tests.benchmarks.scale_rows $(BENCH_ARGS)

test-client-alone: $(INSTALLED) ## build the wheels; test the SDK where only the SDK is installed
	@rm -rf build/wheels $(ALONE)
	@$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir build/wheels ./signing ./client_sdk ./server
	@$(BIN)/python -m venv $(ALONE)
	@$(ALONE)/bin/python -m pip --disable-pip-version-check install --quiet -c constraints.txt \
		build/wheels/tenure_signing-*.whl build/wheels/tenure_client-*.whl pytest hypothesis
	@$(ALONE)/bin/python -c 'import importlib.util as u; there = [n for n in ("tenure_server", "starlette", "sqlmodel", "boto3") \
		if u.find_spec(n)]; assert not there, f"not alone: {there}"'
	@$(ALONE)/bin/python -m pytest tests/signing tests/client_sdk

clean: ## remove what make made, but not ./tenure-data
	@rm -rf $(VENV) .venv-swift build .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find signing client_sdk server tests -name __pycache__ -type d -prune -exec rm -rf {} +

# hatchling comes first and builds without isolation, so that constraints.txt pins it too.
$(INSTALLED): requirements-dev.txt constraints.txt signing/pyproject.toml client_sdk/pyproject.toml server/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
		{ echo "error: $(PYTHON) is not Python 3.11 or newer; hint: make PYTHON=python3.11" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
		{ rm -rf $(VENV); echo "error: $(PYTHON) -m venv failed; hint: on Debian, apt-get install python3-venv" >&2; exit 1; }
	@echo "installing into $(VENV) (about half a minute)"
	@$(PIP) install --quiet -c constraints.txt hatchling editables
	@$(PIP) install --quiet --no-build-isolation -r requirements-dev.txt
	@touch $@
