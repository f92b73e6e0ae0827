# Two commands do all the set-up on a machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-emit-options

.DEFAULT_GOAL := help
.PHONY: help demo test check bench soak hostile fuzz clients consumers browsers tours contracts workers docs lock chromium postgres clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

# As a job of its own on a terminal, so that Ctrl-C ends the demo and make ends well instead of dying of it.
demo: $(VENV)/.run ## the sample shop behind the gateway, on http://127.0.0.1:8080 (PORT=9000 moves it, RECORDINGS=FILE keeps what it records)
	@if [ -t 0 ]; then set -m; fi; $(BIN)/gateway demo --port $(PORT) $(if $(RECORDINGS),--recordings "$(RECORDINGS)"); exit $$?

# The failures of an earlier run are not this one's.
test: check chromium postgres ## lint, types and the whole test suite, browser tests included
	@rm -f .pytest_cache/v/cache/lastfailed
	$(BIN)/python -m pytest -n auto --dist loadfile || $(BIN)/python tests/support/alone.py $$?

check: $(VENV)/.dev ## lint and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --config-file tests/mypy.ini

bench: $(VENV)/.dev ## speed and memory against a bare proxy, nginx and mitmproxy; correlation; large bodies; latency
	$(BIN)/python -m bench

soak: $(VENV)/.run ## 300,000 exchanges over 200 sessions and two workers, with streams, aborts and reloads: nothing leaks, crosses or is lost
	$(BIN)/python bench/soak.py $(or $(COUNT),300000) 200 $(or $(WORKERS),2)

workers: $(VENV)/.dev ## workers, their owner and both killed under load, ROUNDS=20 times each; then tests of whole gateways with two
	$(BIN)/python -m tests.workers.rounds $(or $(ROUNDS),20)
	TEST_WORKERS=2 $(BIN)/python -m pytest -q tests/app

fuzz: $(VENV)/.dev ## the parsers of foreign bytes under mutations that reach new lines, for each SECONDS=30 (SEED=2)
	$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),30) --seed $(or $(SEED),1)

hostile: $(VENV)/.dev ## more than 2,500 hostile inputs against a gateway: what held, the longest pause, the growth (SEED=2)
	$(BIN)/python -m tests.hostile --seed $(or $(SEED),1)

clients: ## the public test suites of HTTP clients through the gateway (installs them into .consumers/clients)
	$(PYTHON) tests/clients/run.py .consumers/clients

consumers: $(VENV)/.dev ## what we export, read and run by the programs of others (installs them into .consumers/formats)
	$(PYTHON) tests/consumers/install.py .consumers/formats
	GATEWAY_CONSUMERS=.consumers/formats $(BIN)/python -m pytest tests/consumers -rs

browsers: $(VENV)/.dev chromium ## real Vite and Angular dev servers before the gateway, in Chromium and Firefox
	$(PYTHON) tests/frontends/install.py .consumers/browsers
	GATEWAY_BROWSERS=.consumers/browsers $(BIN)/python -m pytest tests/frontends -rs

tours: $(VENV)/.dev chromium ## newcomer tours through the demo, and axe on every page in two themes and three widths (installs axe into .consumers/tours)
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix .consumers/tours axe-core@4.14.1
	GATEWAY_TOURS=.consumers/tours/node_modules/axe-core/axe.min.js $(BIN)/python -m pytest tests/tours -rs

apps: $(VENV)/.run ## real servers with their own clients: recorded on one, replayed on another, asked, played back
	$(BIN)/python tests/apps/run.py .consumers/apps $(SERVERS)

contracts: $(VENV)/.dev ## public contracts read, compiled and made into projects; planted drifts beside redocly and Prism; demos of two real servers in Chromium
	$(BIN)/python tests/public_contracts/run.py .consumers/contracts
	$(BIN)/python tests/public_contracts/servers.py .consumers/contracts

docs: $(VENV)/.dev ## write the generated pages of docs/ again
	$(BIN)/python docs/generate.py

lock: $(VENV)/.dev ## pin the newest dependencies with their hashes, in files that name no address
	$(COMPILE) --upgrade -o requirements/run.txt pyproject.toml requirements/build.in
	$(COMPILE) --upgrade --extra dev -c requirements/run.txt -o requirements/dev.txt pyproject.toml requirements/build.in
	@awk '/^[a-z]/ {own = /^psycopg(-binary)?==/} own' requirements/dev.txt > requirements/postgres.txt
	@for file in run dev postgres; do { echo "# Written by make lock."; cat requirements/$$file.txt; } > requirements/.lock \
		&& mv requirements/.lock requirements/$$file.txt; done

chromium: $(VENV)/.dev
	@sh .ci/chromium

postgres:
	@sh .ci/postgres

clean: ## remove the environment and what tools left behind
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The stamps: an environment is installed again only when its lock or the project's own description changes.
$(VENV)/.run: requirements/run.txt pyproject.toml
	@$(PYTHON) .ci/environment.py $(VENV)
	@echo "installing the locked dependencies into $(VENV) ..."
	@$(INSTALL) --require-hashes -r requirements/run.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt requirements/run.txt pyproject.toml
	@$(PYTHON) .ci/environment.py $(VENV)
	@echo "installing the locked development dependencies into $(VENV) ..."
	@$(INSTALL) --require-hashes -r requirements/dev.txt
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.run $@
