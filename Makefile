# Needs GNU make and Python 3.11 or newer; everything else is installed into .venv from requirements.lock.

PYTHON ?= python3
JOBS ?= 2
MUTANTS ?= 300
VENV := .venv
RUN := $(VENV)/bin/python
PYRIGHT := 'pyright[nodejs]==1.1.414' pandas-stubs==3.1.0.261029
PLAYWRIGHT := playwright==1.65.2
UV := uv==0.13.9
PIP := pip==26.3

define CHECK_PYTHON
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
    echo 'mixedfleet needs Python 3.11 or newer, and "$(PYTHON)" is not; name one: make PYTHON=python3.12 ...' >&2; exit 1; }
endef

# One thread per process: faster side by side, and the last digits do not hang on the number of cores.
export OPENBLAS_NUM_THREADS := 1
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help figures verify test test-browser test-site site explorer-data prove mutants bench fit-steptime fast lab lint lock clean

help: ## Show this list
	@echo 'make TARGET [PYTHON=python3.12] [JOBS=2]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

figures: fast ## Run all notebooks and rewrite figures/
	$(RUN) -m sim figures --jobs $(JOBS)

verify: $(VENV)/.stamp ## Regenerate the figures elsewhere and compare them with the committed ones
	$(RUN) -m sim verify --jobs $(JOBS)

test: $(VENV)/.stamp ## Run the tests
	$(RUN) -m pytest --numprocesses $(JOBS) --dist loadfile

test-browser: $(VENV)/.stamp ## Run every notebook in JupyterLab in a real browser (Chromium)
	@command -v chromium >/dev/null || apt-get install --yes chromium
	@$(RUN) -m pip install --quiet $(PLAYWRIGHT)
	$(RUN) -m pytest -m browser tests/browser

site: build/site-npm/.stamp $(VENV)/.stamp ## Build the documentation and the explorer into build/site; needs npm
	$(RUN) site/build.py

test-site: site ## Follow every link of the site and open it in Chromium, without network
	@command -v chromium >/dev/null || apt-get install --yes chromium
	@$(RUN) -m pip install --quiet $(PLAYWRIGHT)
	$(RUN) -m pytest -m browser tests/site

explorer-data: fast ## Simulate the points of the site's explorer again (2 min)
	$(RUN) site/explorer_data.py $(JOBS)

build/site-npm/.stamp: site/package.json site/package-lock.json
	@mkdir -p build/site-npm && cp $^ build/site-npm/
	@cd build/site-npm && npm ci --silent
	@touch $@

prove: $(VENV)/.stamp ## Run the slow proofs; TRACE=FILE hands them a trace
	TRACE='$(TRACE)' $(RUN) -m pytest -m prove --numprocesses $(JOBS) --dist worksteal

fit-steptime: $(VENV)/.stamp ## Fit the constants of the step-time model again, and print them
	$(RUN) -m benchmarks.fit_steptime

mutants: $(VENV)/.stamp ## Plant MUTANTS (300) small mistakes in the code: which do the tests not notice?
	$(RUN) -m tests.mutants --number $(MUTANTS)

bench: fast ## Run the benchmarks, of the engine as it is written and, with a C compiler, compiled
	$(RUN) -m benchmarks

fast: $(VENV)/.stamp ## Compile the engine into the user's cache, if there is a C compiler (a minute, once)
	@if ! command -v $${CC:-cc} >/dev/null; then \
	    echo 'There is no C compiler: the engine runs as it is written, slower and with the same digits.'; \
	else \
	    $(RUN) -m sim compile || \
	    echo 'Not compiled: the engine runs as it is written, slower and with the same digits.'; \
	fi

lab: $(VENV)/.stamp ## Open the notebooks in JupyterLab
	$(RUN) -m jupyterlab --notebook-dir=. --ServerApp.default_url=/lab/tree/notebooks

lint: $(VENV)/.stamp ## Check style and types
	@$(RUN) -m pip install --quiet $(PYRIGHT)
	$(RUN) -m ruff check
	$(RUN) -m ruff format --check
	$(RUN) -m pyright

lock: ## Rewrite requirements.lock from pyproject.toml (UPGRADE=--upgrade for newer versions)
	@$(CHECK_PYTHON)
	@$(PYTHON) -m venv build/uv
	@build/uv/bin/pip install --quiet '$(UV)'
	build/uv/bin/uv pip compile --quiet pyproject.toml $(UPGRADE) --output-file requirements.lock \
	    --all-extras --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

clean: ## Remove the environment, caches and everything built (figures/ stays)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The pip that comes with Python takes twice as long. Bytecode is made by all processes at once, where
# pip takes one; files for other Pythons may fail. That an editable install is one need not be warned of.
$(VENV)/.stamp: requirements.lock pyproject.toml
	@$(CHECK_PYTHON)
	@echo 'Installing the locked packages into $(VENV) (about a minute) ...'
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --no-compile '$(PIP)'
	@$(RUN) -m pip install --quiet --no-compile --requirement requirements.lock
	@$(RUN) -m compileall -q -j $(JOBS) $(VENV)/lib >/dev/null || true
	@PYTHONWARNINGS=ignore $(RUN) -m pip install --quiet --no-deps --editable .
	@touch $@
