# Two commands matter to a newcomer: `make demo` and `make test`. Each starts from a bare clone and needs only
# Python 3.11+ with venv, and make. Nothing outside this folder is written (pip's own cache apart), no system package
# is installed, and every package that comes in is held to the hash in requirements/*.lock.

SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
# --only-binary: a package without a wheel for this machine is an error that says so, not a compiler run.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
LOCKED := $(INSTALL) --require-hashes --only-binary=:all:
# The project itself, editable, so that `$(BIN)/syncd` works too. Its build backend comes from requirements/build.lock
# and not from an isolated build: pip would fetch that one unlocked and unhashed.
PROJECT := $(INSTALL) --no-deps --no-build-isolation --editable .
PYTEST := $(BIN)/python -m pytest
PYTEST_ARGS ?=
DEMO_ARGS ?=
UPGRADE ?=
LINTED := syncd connectors tests bench deploy

.DEFAULT_GOAL := help
.PHONY: help demo test check unit stress bench lock wheel clean

help: ## print these lines
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.demo-ready ## the whole story on a small served Jira (DEMO_ARGS="--issues FILE" for your own issues)
	$(BIN)/python -m syncd demo $(DEMO_ARGS)

test: check unit ## everything that must hold: make check, then the test suite (PYTEST_ARGS=...)

check: $(VENV)/.dev-ready ## lint only: ruff, mypy --strict, the one-way imports, the Dockerfile
	$(BIN)/ruff check $(LINTED)
	$(BIN)/ruff format --check $(LINTED)
	$(BIN)/python -m mypy $(LINTED)
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile

unit: $(VENV)/.dev-ready
	$(PYTEST) -n 2 $(PYTEST_ARGS)

stress: $(VENV)/.dev-ready ## the long versions of the tests
	$(PYTEST) -n 2 -m stress $(PYTEST_ARGS)

bench: $(VENV)/.dev-ready ## the benchmarks, with their figures
	@set -e; for script in bench/*.py; do \
		test -f "$$script" || { echo "there is no bench/*.py"; exit 1; }; \
		echo "== $$script"; $(BIN)/python "$$script"; \
	done

# dev.lock is compiled first and constrains the others: a package has one version in all of them.
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --universal --generate-hashes \
	--no-emit-index-url --no-emit-find-links --python-version 3.11 $(UPGRADE)
lock: $(VENV)/.dev-ready ## recompile requirements/*.lock from pyproject.toml (UPGRADE=--upgrade for newer versions)
	$(COMPILE) pyproject.toml --all-extras --group dev -o requirements/dev.lock
	$(COMPILE) -c requirements/dev.lock pyproject.toml --extra demo -o requirements/demo.lock
	$(COMPILE) -c requirements/dev.lock pyproject.toml --extra postgresql -o requirements/runtime.lock
	$(COMPILE) -c requirements/dev.lock --group build -o requirements/build.lock

wheel: $(VENV)/.dev-ready ## build dist/syncd-*.whl
	$(BIN)/python -m hatchling build -t wheel -d dist

clean: ## remove what make made: the environment, the caches, dist
	rm -rf $(VENV) dist build demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the environment: one folder; the dev lock holds all that the demo needs, in the same versions ----

$(VENV)/pyvenv.cfg:
	@python="$$(PYTHON="$(PYTHON)" sh .ci/find-python)" && echo "making $(VENV) with $$python" \
		&& "$$python" -m venv $(VENV)

$(VENV)/.demo-ready: requirements/demo.lock requirements/build.lock pyproject.toml | $(VENV)/pyvenv.cfg
	$(LOCKED) -r requirements/demo.lock -r requirements/build.lock
	$(PROJECT)
	@touch $@

$(VENV)/.dev-ready: requirements/dev.lock pyproject.toml | $(VENV)/pyvenv.cfg
	$(LOCKED) -r requirements/dev.lock
	$(PROJECT)
	@touch $(VENV)/.demo-ready $@
