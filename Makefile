# Two commands are all there is to setting up: `make demo` and `make test`. Each makes its own environment in .venv.
# pip is configured as always (PIP_INDEX_URL, pip.conf); PYTHON=python3.12 picks another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE := $(VENV)/node
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint bench torture clean

# The sample sheet against the embedded sandbox: a dry run, then the run. Nothing leaves this machine.
demo: $(VENV)/.installed
	rm -rf demo
	mkdir demo
	echo '*' > demo/.gitignore
	cd demo && ../$(BIN)/runner run import-orders --dry-run
	cd demo && ../$(BIN)/runner run import-orders
	@echo
	@echo "All of it is in $(CURDIR)/demo: cd there and try ../$(BIN)/runner runs"

test: lint $(NODE)/.installed
	$(BIN)/python -m pytest -n auto

lint: $(VENV)/.installed-test
	$(BIN)/ruff format --check --quiet
	$(BIN)/ruff check
	$(BIN)/mypy

bench: $(VENV)/.installed-test
	$(BIN)/python benchmarks/startup.py
	$(BIN)/python benchmarks/import_orders.py
	$(BIN)/python benchmarks/dry_run.py
	$(BIN)/python benchmarks/fsyncs.py
	$(BIN)/python benchmarks/connections.py
	$(BIN)/python benchmarks/resume.py
	$(BIN)/python benchmarks/page.py

# The long harness: thousands of kills, some twenty minutes. TORTURE="--seed 7 --kills 5000" asks for others.
torture: $(VENV)/.installed-test
	cd tests && ../$(BIN)/python -m faults.torture $(TORTURE)

clean:
	rm -rf $(VENV) demo build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The stamps are older than what they were made from when that changes: then, and only then, pip runs again.
$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable .
	touch $@

$(VENV)/.installed-test: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable '.[test]'
	touch $@ $(VENV)/.installed

# What the tests want of npm: without it they are skipped. The server's next version asks for a newer Node.js than Debian's.
$(NODE)/.installed: Makefile | $(VENV)/bin/python
	mkdir -p $(NODE)
	if command -v npm >/dev/null; then \
	    npm install --prefix $(NODE) --no-save --no-fund --no-audit --silent yaml-language-server@1.25.0 && touch $@; \
	else echo "no npm: the tests in a real editor's language server are skipped"; fi

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	    { rm -rf $(VENV); echo "the venv module is needed: apt-get install python3-venv"; exit 1; }
