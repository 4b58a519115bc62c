# `make run` shows Leadmail at work, `make test` proves it; the rest is what these two are made of.
HOST ?= 127.0.0.1
PORT ?= 8000
DATA ?= .leadmail
TESTS ?=
LOCK = .venv/installer/bin/uv pip compile -q --no-config --generate-hashes --universal \
	--python-version 3.11 --custom-compile-command "make lock"

.PHONY: help run test env dev check lint format types layers bench lock upgrade clean distclean

help:
	@echo "make run         everything with a demo, at http://$(HOST):$(PORT)  (HOST=, PORT=, DATA=)"
	@echo "make test        all checks and tests, on real servers  (TESTS=some only)"
	@echo "make env         only the environment, .venv/"
	@echo "make check       lint, types and layers, without tests"
	@echo "make format      formats the code"
	@echo "make bench       measures, beside mbsync"
	@echo "make lock        locks the dependencies after a change; make upgrade takes newer ones"
	@echo "make clean       removes all data of make run; make distclean also the environment"

run: env
	@exec .venv/bin/leadmail up --demo --host "$(HOST)" --port "$(PORT)" --data "$(DATA)"

test: dev check
	@.ci/servers
	@.venv/bin/python -m pytest $(TESTS)

env:
	@.ci/environment

dev:
	@.ci/environment dev

check: lint types layers

lint: dev
	@.venv/bin/ruff check -q
	@.venv/bin/ruff format -q --check

format: dev
	@.venv/bin/ruff format -q
	@.venv/bin/ruff check -q --fix

types: dev
	@.venv/bin/mypy

layers: dev
	@.venv/bin/lint-imports --no-logo

bench: dev
	@.ci/servers
	@.venv/bin/python -m bench

lock: dev
	@$(LOCK) pyproject.toml --group demo --group builder -o requirements.lock
	@$(LOCK) pyproject.toml --group demo --group builder --group dev -o requirements-dev.lock
	@$(LOCK) --group installer -o requirements-installer.lock

upgrade: LOCK += --upgrade
upgrade: lock

clean:
	@.ci/clean "$(DATA)"

distclean: clean
	@rm -rf .venv
