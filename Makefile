# Everything a person does here is one word. `make` alone lists the words.
#
# `make run` needs Python 3.11+, make and git, nothing else. `make test` uses Node.js, Chromium, PostgreSQL and Redis
# where they are; the tests that need a missing one are skipped and say so, except under CI=true, where that fails.

.DEFAULT_GOAL := help
.PHONY: help run serve test chaos bench lint schemas train evaluate lock image clean
.SUFFIXES:
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/runtime-installed
HUB := .venv/hub-installed
DEV := .venv/dev-installed
NODE := $(if $(shell command -v npm 2>/dev/null),tests/node_modules/.package-lock.json)
JOBS ?= 2
IMAGE ?= ai-crm/github-action:local

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: $(RUNTIME) ## the Action's real entry point on a recorded event, with no network; twice changes nothing
	@mkdir -p .run && : > .run/output && : > .run/summary.md
	@env -i PATH="$$PATH" LANG=C.UTF-8 $(RUNNER) $(BIN)/python -I -m action
	@echo && echo '── Job summary (.run/summary.md)' && sed 's/^/   /' .run/summary.md
	@echo '── Tasks are in .run/tasks.db, outputs for later steps in .run/output. `make run` again changes nothing.'

serve: $(HUB) ## the hub on 127.0.0.1:8080: webhooks, API and worker in one process, SQLite in ./data
	@$(BIN)/python -I -m ai_crm.cli serve

test: lint $(NODE) ## everything: lint, then every test
	$(BIN)/pytest -n $(JOBS)

chaos: $(DEV) ## kill -9 hubs 10,000 times under load, about an hour
	AI_CRM_CHAOS_KILLS=10000 $(BIN)/pytest -n $(JOBS) tests/hub_end_to_end/test_chaos.py

bench: $(DEV) ## how fast a hub stores and carries out, beside the least that it could be; see benchmarks/README.md
	$(BIN)/python benchmarks/ingest.py
	$(BIN)/python benchmarks/end_to_end.py

lint: $(DEV) ## style and types; directions, workflows and the Dockerfile are looked at in tests/repository
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

schemas: $(RUNTIME) ## writes schemas/, docs/reference.md and docs/commands.md from the code that they describe
	$(BIN)/python -I -m ai_crm.schemas schemas
	$(BIN)/python -I -m ai_crm.reference docs/reference.md
	$(BIN)/python -I -m ai_crm.commands.manual docs/commands.md

train: $(RUNTIME) ## PM_DATA=folder: the weights of the analysis from public data, byte for byte the shipped ones; a minute
	@PM_DATA='$(PM_DATA)' $(BIN)/python -m training.train

evaluate: $(RUNTIME) ## PM_DATA=folder: measures the analysis and writes docs/analysis-card.md, a quarter of an hour
	@PM_DATA='$(PM_DATA)' $(BIN)/python -m training.evaluate

lock: $(DEV) ## newest versions into the lock files: hashes, no addresses
	$(COMPILE) --upgrade pyproject.toml --extra postgres -o requirements.lock
	$(COMPILE) --upgrade --group build -c requirements.lock -o requirements-build.lock
	$(COMPILE) --upgrade pyproject.toml $(HUB_EXTRAS) -c requirements.lock -o requirements-hub.lock
	$(COMPILE) --upgrade pyproject.toml $(HUB_EXTRAS) --group dev -c requirements-hub.lock -o requirements-dev.lock
	cd tests && npm install --package-lock-only --omit-lockfile-registry-resolved $(NPM_FLAGS)
	cd tests && node -e "$$DROP_ADDRESSES"

image: ## the Action's container, as a runner builds it
	docker build --tag $(IMAGE) .

clean: ## removes everything that the other words made
	rm -rf .venv .run dist tests/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# --- how it is made ---------------------------------------------------------------------------------------------------

# What a runner tells a step: a recorded event of a third party, the rules of the examples, no token and no network.
RUNNER := GITHUB_EVENT_NAME=issues GITHUB_EVENT_PATH=tests/platforms/github/payloads/issues.opened.json \
	GITHUB_REPOSITORY=Codertocat/Hello-World GITHUB_WORKSPACE=templates/examples \
	GITHUB_OUTPUT=.run/output GITHUB_STEP_SUMMARY=.run/summary.md \
	INPUT_CONFIG_SOURCE=workspace INPUT_CONFIG_PATH=ai-crm.yml INPUT_PM_ANALYSIS=true INPUT_AUTO_ASSIGN=true \
	INPUT_DATABASE_URL=sqlite:///.run/tasks.db

PIP = $(BIN)/python -m pip --disable-pip-version-check -qq
COMPILE = UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links
HUB_EXTRAS := --extra postgres --extra hub --extra bots --extra redis --extra tracing
NPM_FLAGS := --ignore-scripts --no-audit --no-fund --loglevel=error
# npm copies the addresses of funding pages into its lock; nothing reads them.
export DROP_ADDRESSES := const fs = require('fs'), file = 'package-lock.json', lock = JSON.parse(fs.readFileSync(file)); \
	for (const one of Object.values(lock.packages)) delete one.funding; \
	fs.writeFileSync(file, JSON.stringify(lock, null, 2) + '\n')

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "AI-CRM needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1 || echo missing)." >&2; \
	  echo "Name a newer one: make PYTHON=python3.13 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "'$(PYTHON)' cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }

# The project itself is installed as one line that points here, so that `python -I` finds it and edits count at once.
$(RUNTIME): requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	@echo 'Installing what AI-CRM runs on into .venv (once; again only when a lock changes)'
	@$(PIP) install --require-hashes --no-deps -r requirements.lock -r requirements-build.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@rm -rf .venv/lib/python3*/site-packages/tests # actions-toolkit ships its own under a name that is ours here
	@touch $@

$(HUB): requirements-hub.lock $(RUNTIME)
	@echo 'Installing what the hub runs on into .venv'
	@$(PIP) install --require-hashes --no-deps -r requirements-hub.lock
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	@echo 'Installing the tools that check it into .venv'
	@$(PIP) install --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

tests/node_modules/.package-lock.json: tests/package-lock.json
	cd tests && npm ci $(NPM_FLAGS)
	@touch $@
