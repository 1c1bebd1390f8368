# The commands are promises: see README.md. Every step that takes more than a moment says so.
# The distribution's own Python is built for speed: the service and the tests take a fifth longer with one that pyenv
# built. Where it is too old, or makes no virtual environments, the first in PATH.
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo /usr/bin/python3 || echo python3)
endif
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# Python keeps what it has compiled, also where the machine's own setting says otherwise: dozens of processes start here.
unexport PYTHONDONTWRITEBYTECODE

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: ## install everything, start nothing (PYTHON names another Python)
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { echo "Python 3.11 or later is needed; $(PYTHON) is $$("$(PYTHON)" --version 2> /dev/null || echo "not there"). Name another: make run PYTHON=python3.11"; exit 1; }
	exec "$(PYTHON)" -m config.local.install $(if $(filter file,$(origin PYTHON)),,--anew)

# ---- running

run: setup ## start everything and print how to sign in (PORT, DATA_DIR, DATABASE_URL, REDIS_URL)
	@exec $(BIN)/python -m config.local.run

test: setup ## every test, on servers that the tests start themselves
	@exec $(BIN)/python -m pytest -n auto $(ARGS)

check: setup ## lint, types, import rules, migrations, deploy checks, the map of the house
	@exec $(BIN)/python -m config.local.check

bench: setup ## figures as ratios in one run (ONLY="name …" for some)
	@exec $(BIN)/python -W ignore -m tests.bench $(if $(ONLY),--only $(ONLY))

chaos: setup ## kill everything in turn while work comes in, then count: nothing lost, nothing doubled (ONLY=name for one)
	@exec $(BIN)/python -W ignore -m tests.chaos $(if $(ONLY),--only $(ONLY))

pictures: setup ## pictures of the pages of a demonstration, narrow and wide, in var/pictures (ONLY=name for one)
	@exec $(BIN)/python -W ignore -m tests.pictures $(if $(ONLY),--only $(ONLY))

migrations: setup ## write the migrations that changed models need; no database is asked (ARGS="--name why")
	@FRONT_DOOR_MODE=development SECRET_KEY=for-migrations-only DATABASE_URL=postgresql://nobody@localhost:1/none REDIS_URL=redis://localhost:1/0 $(BIN)/python -W ignore manage.py makemigrations $(ARGS)

lock: setup ## write the lock files anew from requirements.in, requirements-dev.in and package.json
	@for name in requirements requirements-dev; do $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate $$name.in -o $$name.txt; done

clean: ## remove what set-up made; the data in var/ stay
	@rm -rf $(VENV) setup.log node_modules config/static/build staticfiles

.PHONY: help setup run test check bench chaos pictures migrations lock clean
