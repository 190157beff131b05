# `make help` lists what there is. Everything happens in this folder: the programs in .venv, the data in var/, the
# keys in config/.

PYTHON ?= python3
PY := .venv/bin/python
PIP := $(PY) -m pip --disable-pip-version-check -qq install --progress-bar off --require-hashes
UV ?= uv
LOCK := $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-header
# Given to pytest by `make test`, for example: make test ARGS="-k ladder"
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help install run test check format bench crash-test chaos-test trust exchange migrate service lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

install: .venv/.installed-development ## make .venv with the pinned packages, tools for development included

run: .venv/.installed ## start Stepladder in this window; Ctrl-C stops it
	@$(PY) -m dashboard.preflight

test: ## check everything as CI does; installs MariaDB and Chromium if they are missing and it may
	@$(MAKE) --no-print-directory install
	@$(PY) -m tests.system
	@$(MAKE) --no-print-directory check
	$(PY) -m pytest $(ARGS)

check: .venv/.installed-development ## format, lint, types and import rule, without the tests
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -c "from importlinter.cli import lint_imports_command as lint_imports; lint_imports()"

format: .venv/.installed-development ## format the code and mend what the linter can mend itself
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

bench: .venv/.installed-development ## measure the worker with 1,000 and 10,000 strategies
	$(PY) -m bench.worker

crash-test: .venv/.installed-development ## kill the worker at random moments and compare the books
	$(PY) -m tests.system
	$(PY) -m tests.crash

chaos-test: .venv/.installed-development ## real workers against the test exchange while everything breaks around them
	$(PY) -m tests.system
	$(PY) -m tests.chaos --live --kills 100 $(ARGS)

trust: .venv/.installed-development ## show stage by stage that orders are placed exactly once (hours; goes on where it was)
	$(PY) -m tests.system
	$(PY) -m tests.trust $(ARGS)

exchange: .venv/.installed-development ## start the test exchange, to drill with made-up money (docs/drills.md)
	$(PY) -m tests.exchange $(ARGS)

migrate: .venv/.installed ## bring the database to the newest version
	$(PY) -m db upgrade

service: .venv/.installed ## install Stepladder as a system service (systemd)
	@$(PY) -m dashboard.service

lock: ## pin the newest versions again, with hashes (needs uv)
	$(LOCK) --upgrade requirements.in -o requirements.txt
	$(LOCK) --upgrade requirements-dev.in -o requirements-dev.txt

clean: ## remove .venv and caches; data and keys stay
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the virtual environment: made again only when the pins change -------------------------------------------------

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	echo "Stepladder needs Python 3.11, 3.12 or 3.13; choose one with: make PYTHON=python3.11 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "Python's venv module is missing. Install it: sudo apt install python3-venv" >&2; exit 1; }
	@echo "Making the virtual environment .venv"
	@$(PYTHON) -m venv .venv

.venv/.installed: requirements.txt | $(PY)
	@echo "Installing the pinned packages into .venv (about a minute the first time)"
	@$(PIP) -r requirements.txt
	@touch $@

.venv/.installed-development: requirements-dev.txt .venv/.installed
	@echo "Installing the tools for development into .venv"
	@$(PIP) -r requirements.txt -r requirements-dev.txt
	@touch $@
