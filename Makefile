# Needs GNU make and Python 3.11 or newer; everything else is installed into .venv from requirements.lock.

PYTHON ?= python3
JOBS ?= 2
MUTANTS ?= 300
VENV := .venv
RUN := $(VENV)/bin/python
PYRIGHT := 'pyright[nodejs]==1.1.414' pandas-stubs==3.1.0.261029
PLAYWRIGHT := playwright==1.65.2
UV := uv==0.13.9
MYPYC := mypy==2.4.1 setuptools==80.9.0

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
.PHONY: help figures verify test test-browser prove mutants bench fit-steptime fast lab lint lock clean

help: ## Show this list
	@echo 'make TARGET [PYTHON=python3.12] [JOBS=2]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

figures: $(VENV)/.stamp ## Run all notebooks and rewrite figures/
	$(RUN) -m sim figures --jobs $(JOBS)

verify: $(VENV)/.stamp ## Regenerate the figures elsewhere and compare them with the committed ones
	$(RUN) -m sim verify --jobs $(JOBS)

test: $(VENV)/.stamp ## Run the tests
	$(RUN) -m pytest

test-browser: $(VENV)/.stamp ## Run every notebook in JupyterLab in a real browser (Chromium)
	@command -v chromium >/dev/null || apt-get install --yes chromium
	@$(RUN) -m pip install --quiet $(PLAYWRIGHT)
	$(RUN) -m pytest -m browser tests/browser

prove: $(VENV)/.stamp ## Run the slow proofs; TRACE=FILE hands them a trace
	TRACE='$(TRACE)' $(RUN) -m pytest -m prove

fit-steptime: $(VENV)/.stamp ## Fit the constants of the step-time model again, and print them
	$(RUN) -m benchmarks.fit_steptime
mutants: $(VENV)/.stamp ## Plant MUTANTS (300) small mistakes in the code: which do the tests not notice?
	$(RUN) -m tests.mutants --number $(MUTANTS)

bench: build/fast/.stamp ## Run the benchmarks, of the engine as it is written and compiled
	$(RUN) -m benchmarks

fast: build/fast/.stamp ## Compile the engine into build/fast; needs a C compiler (the README says how to use it)

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
	    --extra dev --extra cluster --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock'

build/fast/.stamp: $(VENV)/.stamp Makefile $(shell find sim -name __pycache__ -prune -o -print)
	@echo 'Compiling the engine into build/fast (half a minute) ...'
	@$(RUN) -m pip install --quiet $(MYPYC)
	@rm -rf build/fast && mkdir -p build/fast && cp -R sim build/fast/
	@cd build/fast && MYPYC_OPT_LEVEL=2 ../../$(RUN) -m mypyc --follow-imports=skip --ignore-missing-imports \
	    sim/engine/*.py sim/streams.py sim/results/ledger.py >compile.log 2>&1 || { cat compile.log >&2; exit 1; }
	@touch $@

clean: ## Remove the environment, caches and everything built (figures/ stays)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.stamp: requirements.lock pyproject.toml
	@$(CHECK_PYTHON)
	@echo 'Installing the locked packages into $(VENV) (about a minute) ...'
	@$(PYTHON) -m venv $(VENV)
	@$(RUN) -m pip install --quiet --requirement requirements.lock
	@$(RUN) -m pip install --quiet --no-deps --editable .
	@touch $@
