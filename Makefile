# The commands are promises: see README.md. Every step that takes more than a moment says so.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# ---- set-up: each stamp is written last, so that a set-up that was cut short is done again

$(VENV)/installed: requirements.txt requirements-dev.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed; this is $$("$(PYTHON)" --version 2>&1). Name another: make run PYTHON=python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import venv, ensurepip' 2>/dev/null || { echo "This Python cannot make a virtual environment (on Debian or Ubuntu: install python3-venv)."; exit 1; }
	@echo "Installing the locked packages (a minute or two the first time) …"
	@rm -f $@
	@[ -x $(BIN)/python ] && $(BIN)/python -c '' 2>/dev/null || { rm -rf $(VENV); "$(PYTHON)" -m venv $(VENV); }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements-dev.txt || { echo "The packages could not be installed (see above). Check the network, then run this again."; exit 1; }
	@touch $@

config/static/build: $(VENV)/installed package-lock.json package.json config/styles/front-door.scss
	@echo "Fetching and building the front-end assets …"
	@$(BIN)/python -m config.assets
	@touch $@

setup: $(VENV)/installed config/static/build ## install everything, start nothing

# ---- running

run: setup ## start everything and print how to sign in (PORT, DATA_DIR, DATABASE_URL, REDIS_URL)
	@exec $(BIN)/python -m config.run

test: setup ## every test, on servers that the tests start themselves
	@exec $(BIN)/python -m pytest -n auto $(ARGS)

check: setup ## lint, types, import rules, migrations, deploy checks, the map of the house
	@exec $(BIN)/python -m config.check

bench: setup ## figures as ratios in one run (ONLY=name for one)
	@exec $(BIN)/python -W ignore -m tests.bench $(if $(ONLY),--only $(ONLY))

lock: $(VENV)/installed ## write the lock files anew from requirements.in, requirements-dev.in and package.json
	@for name in requirements requirements-dev; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $$name.in -o $$name.txt; done

clean: ## remove what set-up and running made, the data included
	@rm -rf $(VENV) node_modules config/static/build staticfiles var

.PHONY: help setup run test check bench lock clean
