# Everything needs only Python 3.11 or later; the rest is installed into .venv.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
WORKERS ?= 2

.PHONY: help setup setup-dev browser sdks demo test check format bench build clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(VENV)/.installed ## Install Driftline into .venv; leaves .venv/bin/driftline
	@echo "Driftline is in $(BIN)/driftline"

setup-dev: $(VENV)/.installed-dev

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Python 3.11 or later is needed and was not found on PATH; set PYTHON=/path/to/python." >&2; exit 1; fi
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@ $(VENV)/.installed

demo: setup ## Learn, check and report on the real data that ships with Driftline
	$(BIN)/driftline demo

browser: ## Make sure there is a Chromium for the tests of the HTML report
	@sh .ci/browser

# The tests drive the real clients, each in an environment of its own since their needs differ from ours.
SAGEMAKER2 := 2.257.7
SAGEMAKER3 := 3.27.0
AWSCLI := 1.46.2
APORIA2 := 2.19.0
APORIA3 := 3.38.0
ARIZE_TOOLKIT := 1.0.20
ARIZE := 8.61.0
ARTHURAI := 3.33.3
CLIENTS := .venv-sagemaker2/.installed-$(SAGEMAKER2) .venv-awscli/.installed-$(AWSCLI)
CLIENTS += .venv-arize-toolkit/.installed-$(ARIZE_TOOLKIT) .venv-arize/.installed-$(ARIZE)
CLIENTS += .venv-arthur/.installed-$(ARTHURAI)
CLIENTS += .venv-aporia2/.installed-$(APORIA2) .venv-aporia3/.installed-$(APORIA3)
ifndef DRIFTLINE_TEST_SKIP_SDK3
CLIENTS += .venv-sagemaker3/.installed-$(SAGEMAKER3)
endif

sdks: $(CLIENTS) ## Install the SageMaker SDKs and the AWS CLI for the tests (1.5 GB; 0.5 GB with DRIFTLINE_TEST_SKIP_SDK3=1)

.venv-sagemaker2/.installed-%: | $(BIN)/python
	$(call environment,.venv-sagemaker2,sagemaker==$*)

.venv-sagemaker3/.installed-%: | $(BIN)/python
	$(call environment,.venv-sagemaker3,sagemaker==$*)

.venv-awscli/.installed-%: | $(BIN)/python
	$(call environment,.venv-awscli,awscli==$*)

.venv-aporia2/.installed-%: | $(BIN)/python
	$(call environment,.venv-aporia2,aporia==$*)

.venv-aporia3/.installed-%: | $(BIN)/python
	$(call environment,.venv-aporia3,aporia==$*)

.venv-arize-toolkit/.installed-%: | $(BIN)/python
	$(call environment,.venv-arize-toolkit,arize-toolkit==$*)

.venv-arize/.installed-%: | $(BIN)/python
	$(call environment,.venv-arize,arize==$*)

# Alone it takes a NumPy that the pandas it asks for cannot use, and it lacks setuptools; boto3 is for the Lambda function of its guide.
.venv-arthur/.installed-%: | $(BIN)/python
	$(call environment,.venv-arthur,arthurai==$*' 'numpy<2' 'boto3' 'setuptools<81)

# An environment of the folder $(1) that holds the package $(2); the target is the sign that it is whole.
define environment
	rm -rf $(1)
	$(BIN)/python -m venv --without-pip $(1)
	$(BIN)/python -m pip --python $(1) install --quiet --disable-pip-version-check --no-compile '$(2)'
	@touch $@
endef

test: setup-dev browser ## Run all tests
	@$(MAKE) --no-print-directory --jobs=2 sdks
	$(BIN)/python -m pytest -n $(WORKERS)

check: setup-dev ## Format, lint, types, layers, shape
	$(BIN)/ruff format --check src tests benchmarks docs
	$(BIN)/ruff check src tests benchmarks docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/shape

format: setup-dev ## Put the code into its format
	$(BIN)/ruff format src tests benchmarks docs
	$(BIN)/ruff check --fix src tests benchmarks docs

bench: setup-dev ## Measure Driftline beside its peers, then the server (about 20 minutes)
	$(BIN)/python benchmarks/run.py $(BENCH)
	$(BIN)/python benchmarks/join.py
	$(BIN)/python benchmarks/importing.py
	$(BIN)/python benchmarks/windows.py
	$(BIN)/python benchmarks/console.py
	$(BIN)/python benchmarks/introduction.py
	$(BIN)/python benchmarks/schedules.py
	$(BIN)/python benchmarks/quality.py
	$(BIN)/python benchmarks/bias.py
	$(BIN)/python benchmarks/attributions.py
	$(BIN)/python benchmarks/invoke.py --server

build: setup-dev ## Build the wheel and the sdist into dist/
	$(BIN)/python -m build --outdir dist

clean: ## Remove what was made, .venv too
	rm -rf $(VENV) .venv-sagemaker2 .venv-sagemaker3 .venv-awscli .venv-arize-toolkit .venv-arize .venv-arthur
	rm -rf .venv-aporia2 .venv-aporia3
	rm -rf dist build demo-output benchmarks/data benchmarks/results benchmarks/.venv-peers
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
