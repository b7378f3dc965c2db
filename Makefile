# Two commands are all there is to setting up: `make demo` and `make test`. Each makes its own environment in .venv.
# pip is configured as always (PIP_INDEX_URL, pip.conf); PYTHON=python3.12 picks another interpreter.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE := $(VENV)/node
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: demo test lint bench torture fuzz defences dist lock lowest audit sbom clean

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

# Random changes of recipes, sheets, documents and answers, for a quarter of an hour. FUZZ="--seconds 60 --seed 7" asks for others.
FUZZ := --seconds 900
fuzz: $(VENV)/.installed-test
	cd tests && ../$(BIN)/python -W error -m fuzz $(FUZZ)

# That a test notices when a defence is gone: ten minutes at most.
defences: $(VENV)/.installed-test
	cd tests && ../$(BIN)/python -m defences

# The wheel and the sdist of the commit, in dist/: built twice they are the same bytes.
dist: $(VENV)/.installed-test
	$(BIN)/python .ci/dist.py dist

# The versions and hashes that the action installs and that `make test LOCKED=1` tests with, chosen anew. No registry is named.
LOCK := $(VENV)/tools/bin/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --upgrade \
    --no-emit-index-url --no-annotate --no-header
lock: $(VENV)/tools/bin/uv
	$(LOCK) --extra test pyproject.toml setup.cfg -o requirements/ci.txt
	echo 'setuptools>=70.1' | $(LOCK) pyproject.toml setup.cfg - --constraint requirements/ci.txt -o requirements/action.txt

# The oldest versions that setup.cfg allows, with a small part of the tests.
LOWEST := $(VENV)/lowest
lowest: $(VENV)/tools/bin/uv
	$(VENV)/tools/bin/uv venv --quiet --clear --python $(BIN)/python $(LOWEST)
	VIRTUAL_ENV=$(abspath $(LOWEST)) $(VENV)/tools/bin/uv pip install --quiet --resolution lowest-direct --editable .
	VIRTUAL_ENV=$(abspath $(LOWEST)) $(VENV)/tools/bin/uv pip install --quiet hypothesis pytest pytest-xdist
	$(LOWEST)/bin/python -m pytest -q -n 2 -p no:cacheprovider $(LOWEST_TESTS)
LOWEST_TESTS := tests/rows/test_workbooks.py tests/rows/test_cells.py tests/template/test_template_rendering.py \
    tests/test_patterns.py tests/recipe/test_recipe_schema.py tests/sandbox/test_every_operation.py \
    tests/cli/test_cli_run.py tests/cli/test_cli_terminal.py tests/cli/test_cli_own_api.py tests/cli/test_cli_doctor.py

# Known weaknesses of what is installed by the lock. Without an answer of the service this says so, and is no failure.
audit: $(VENV)/tools/bin/pip-audit
	$(BIN)/python .ci/audit.py $(VENV)/tools/bin/pip-audit requirements/ci.txt

# What the lock of the action consists of (CycloneDX), in sbom.json.
sbom: $(VENV)/tools/bin/cyclonedx-py
	$(VENV)/tools/bin/cyclonedx-py requirements requirements/action.txt --output-reproducible -o sbom.json

# Tools that have an environment of their own, so that what they need is not tested with.
$(VENV)/tools/bin/python: | $(VENV)/bin/python
	$(BIN)/python -m venv $(VENV)/tools
$(VENV)/tools/bin/uv $(VENV)/tools/bin/pip-audit: | $(VENV)/tools/bin/python
	$(VENV)/tools/bin/python -m pip --disable-pip-version-check --quiet install $(@F)
$(VENV)/tools/bin/cyclonedx-py: | $(VENV)/tools/bin/python
	$(VENV)/tools/bin/python -m pip --disable-pip-version-check --quiet install cyclonedx-bom

clean:
	rm -rf $(VENV) demo build dist sbom.json *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

# The stamps are older than what they were made from when that changes: then, and only then, pip runs again.
$(VENV)/.installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(PIP) install --editable .
	touch $@

$(VENV)/.installed-test: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(if $(LOCKED),$(PIP) install --require-hashes --requirement requirements/ci.txt)
	$(PIP) install $(if $(LOCKED),--no-deps --no-build-isolation) --editable '.[test]'
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
