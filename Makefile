# `make` lists what there is. Everything bootstraps itself: what is needed stands in README.md, "What it needs".

PYTHON  := .venv/bin/python
VENV    := .venv/.ready
RIVALS  := .venv/.bench
ASSETS  := node_modules/.ready
SOURCES := services shared deploy tests
PROSE   := .ci .github docs findings Makefile $(wildcard *.md)
# Each process has its own Kafka and PostgreSQL, and takes file after file. The longest stories stand first, so all end about together.
# They mostly wait for what they started: three take two thirds of the time on two cores that are otherwise idle.
PROCESSES ?= 2
APART   := --numprocesses=$(PROCESSES) --dist=loadfile --no-loadscope-reorder
LOCK    := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run command demo up down test floor unit one check fix bench faults findings docs notices locks assets clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV) $(ASSETS) ## start everything on this machine, until Ctrl-C (SWITCHBOARD_HOME, SWITCHBOARD_PORT)
	@exec $(PYTHON) -m deploy.local

command: $(VENV) ## run a service's command on what runs here: make command C="router policy show"
	@$(PYTHON) -m deploy.local.inside $(or $(C),$(error C=... names a service and its command, such as C="desk tokens"))

demo: $(VENV) $(ASSETS) ## a practice system with customers on all channels, and a telephone to try; until Ctrl-C
	@exec $(PYTHON) -m deploy.demo

up: ## start everything in Docker, with secrets of its own in .env (docs/how-to/deploy.md)
	@python3 -m deploy.passwords
	docker compose up --build --detach --wait

down: ## stop what `make up` started; all data is kept
	docker compose down

test: $(VENV) $(ASSETS) ## run every test, two at a time (PROCESSES=3 is faster), with coverage; PYTEST='-k name' chooses, one at a time
	@$(PYTHON) -m deploy.local.debian
	$(PYTHON) -m pytest --cov --cov-report=term:skip-covered --durations=20 $(or $(PYTEST),$(APART))
	@$(if $(PYTEST),,$(MAKE) --no-print-directory floor)

# Of lines and branches: so much was reached when this was last raised. Raise it; never lower it to pass. Silent where it
# is reached: the last lines are the test runner's.
FLOOR := $(PYTHON) -m coverage report --skip-covered
floor:
	@$(FLOOR) --fail-under=85 > .coverage-floor || { tail -3 .coverage-floor; exit 1; }
	@$(FLOOR) --fail-under=100 --include='services/*/domain/*,services/desk/*/domain.py' > .coverage-floor || { cat .coverage-floor; exit 1; }

unit: $(VENV) $(ASSETS) ## run what needs no engine and no browser: under a minute
	HYPOTHESIS_PROFILE=quick $(PYTHON) -m pytest tests/unit tests/architecture -m 'not slow' --quiet --numprocesses=2 --dist=worksteal

one: $(VENV) $(ASSETS) ## run one file, folder or test: make one T=tests/unit/router
	$(PYTHON) -m pytest $(or $(T),$(error T=... names a file, a folder or a test))

check: $(VENV) ## lint, formatting, spelling, types, import contracts
	.venv/bin/ruff check $(SOURCES)
	.venv/bin/ruff format --check $(SOURCES)
	.venv/bin/codespell $(SOURCES) $(PROSE)
	.venv/bin/mypy --strict services shared deploy
	.venv/bin/lint-imports

fix: $(VENV) ## correct what can be corrected by a program
	.venv/bin/ruff check --fix $(SOURCES)
	.venv/bin/ruff format $(SOURCES)

bench: $(RIVALS) $(ASSETS) ## measure speed on this machine and write docs/reference/benchmarks.md (SECTION=way, desk, calls, ...)
	@$(PYTHON) -m tests.benchmarks $(SECTION)

faults: $(VENV) ## the long fault matrix, and the router's properties with 10,000 examples each
	@SWITCHBOARD_FAULTS=all $(PYTHON) -m pytest tests/faults tests/acceptance $(PYTEST)
	@HYPOTHESIS_PROFILE=thorough $(PYTHON) -m pytest tests/unit/router -o timeout=1800 $(PYTEST)

findings: ## show that what surprised us in others' software is still so; downloads what it needs
	@failed=0; for script in findings/*.sh; do echo "$$script"; bash "$$script" || failed=1; done; exit $$failed

docs: $(VENV) ## write docs/reference from the code: topics, events (AsyncAPI), metrics, settings
	$(PYTHON) -m deploy.reference

notices: $(VENV) $(ASSETS) ## write dist/: a bill of materials (CycloneDX) and the licences of others' work
	@$(PYTHON) -m deploy.notices dist

locks: $(VENV) ## resolve pyproject.toml anew into the hashed locks
	@$(PYTHON) -m pip install --quiet uv
	.venv/bin/uv pip compile --quiet $(LOCK) pyproject.toml -o requirements.lock
	.venv/bin/uv pip compile --quiet $(LOCK) --extra local --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	.venv/bin/uv pip compile --quiet $(LOCK) --extra local --extra dev --extra bench -c requirements-dev.lock pyproject.toml -o requirements-bench.lock

assets: $(ASSETS) ## get the desk's front-end packages

clean: ## remove what was made here, but not the data in var/
	rm -rf .venv node_modules services/desk/web/static/vendor tests/output .coverage* .*_cache
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# No editable install: the root is the working directory, and that is where Python looks first.
$(VENV): requirements-dev.lock
	@python=$$(for name in python3.11 python3.12 python3.13 python3.14 python3 python; do \
		"$$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; \
	done); \
	if [ -z "$$python" ]; then \
		echo "make: Python 3.11 or newer with its venv module is needed, and none was found: install it" \
			"(Debian and Ubuntu: apt install python3 python3-venv) and try again" >&2; exit 1; \
	fi; \
	echo "installing Python packages into .venv (first time: about a minute)"; \
	$(PYTHON) -m pip --version >/dev/null 2>&1 || "$$python" -m venv .venv || { echo "make: cannot make .venv here: is the folder writable?" >&2; exit 1; }; \
	$(PYTHON) -m deploy.local.packages requirements-dev.lock
	@touch $@

$(RIVALS): requirements-bench.lock | $(VENV)
	@$(PYTHON) -m deploy.local.packages requirements-bench.lock
	@touch $@

$(ASSETS): package.json package-lock.json requirements-node.lock deploy/local/assets.py | $(VENV)
	@$(PYTHON) -m deploy.local.assets
	@touch $@
