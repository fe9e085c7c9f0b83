# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
#
# Needs Python >= 3.11, git and make; the rest goes into a virtual environment below .venv/, output below .build/.
# What is staged is what is tested. Another Python or ansible-core: make PYTHON=python3.12 ANSIBLE_CORE=2.16.19 …

PYTHON ?= python3
ANSIBLE_CORE ?=
# More arguments for the tests, as in: make unit ARGS="-k relaunch"
ARGS ?=

.DEFAULT_GOAL := help
# Go on after a failure (the exit status stays red), so that one run shows all that is wrong.
MAKEFLAGS += --keep-going --no-print-directory

# Such as py3.12-core2.21.5; found out once, and only where a target needs it.
NAME = $(eval NAME := $(shell "$(PYTHON)" dev/environment.py name $(ANSIBLE_CORE)))$(or $(NAME),$(error no usable Python: try make PYTHON=python3.12))
BIN = .venv/$(NAME)/bin
BUILD = .build/$(NAME)
EXPORT = $(BUILD)/ansible_collections/relaunch/controller
STEP = $(BIN)/python dev/step.py
# Where Ansible finds this collection, and no other.
COLLECTIONS = ANSIBLE_COLLECTIONS_PATH="$(CURDIR)/$(BUILD)"
# A home of their own keeps what tools leave behind out of the user's.
TOOLS_HOME = HOME="$(CURDIR)/.venv/home"
IN_EXPORT = $(TOOLS_HOME) $(COLLECTIONS) $(STEP) --in $(EXPORT)

.PHONY: help
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' Makefile

# Steps in the order in which `make test` runs them: pytest's closing lines come last.
.PHONY: test
test: lint docs build sanity integration docs-test fault-test bench-test unit sandbox-test end-to-end ## All of the steps from lint to end-to-end

.PHONY: lint ruff mypy ansible-lint changelog-lint
lint: ruff mypy ansible-lint changelog-lint ## ruff, mypy, ansible-lint, antsibull-changelog

ruff: tools export
	@$(IN_EXPORT) ruff ruff check --no-respect-gitignore --no-cache .

mypy: tools export
	@$(STEP) --in $(BUILD) mypy mypy --config-file ansible_collections/relaunch/controller/pyproject.toml \
	  --cache-dir .mypy ansible_collections/relaunch/controller/plugins
	@$(STEP) --in $(EXPORT)/dev "mypy dev" mypy --config-file ../pyproject.toml --cache-dir ../../../../.mypy .

ansible-lint: tools export
	@$(IN_EXPORT) ansible-lint ansible-lint --offline

changelog-lint: tools export
	@$(IN_EXPORT) changelog antsibull-changelog lint

.PHONY: build
build: tools export ## The collection's tarball, in .build/, as Galaxy's importer wants it
	@$(TOOLS_HOME) $(STEP) build python dev/galaxy.py $(EXPORT) .build

.PHONY: sanity
sanity: tools export ## ansible-test sanity
	@$(STEP) sanity python dev/ansible_test.py $(EXPORT) sanity $(ARGS)

.PHONY: integration
integration: tools export ## ansible-test integration, against the sandbox or the controller of integration_config.yml
	@$(STEP) integration python dev/integration.py $(EXPORT) $(ARGS)

.PHONY: fault-test
fault-test: tools export ## A short fault campaign, a wait through an outage, and the tests of their judge
	@$(IN_EXPORT) fault-test pytest tests/faults $(ARGS)

.PHONY: bench-test
bench-test: tools export ## A round of the benchmark, and what a relaunch costs in requests and connections
	@$(IN_EXPORT) bench-test pytest tests/benchmark $(ARGS)

.PHONY: docs docs-test
docs: tools export ## The documentation as HTML pages, in .build/
	@$(TOOLS_HOME) $(COLLECTIONS) $(STEP) docs python dev/docs.py $(EXPORT) .build/docs

docs-test: tools export ## The examples and messages of the documentation, tried out
	@$(IN_EXPORT) docs-test pytest tests/docs $(ARGS)

.PHONY: unit
unit: tools export ## Unit tests
	@$(IN_EXPORT) unit pytest tests/unit $(ARGS)

.PHONY: sandbox-test
sandbox-test: tools export ## Tests of the sandbox
	@$(IN_EXPORT) sandbox-test pytest tests/sandbox/tests $(ARGS)

.PHONY: end-to-end
end-to-end: tools export ## Real playbooks against the sandbox
	@$(IN_EXPORT) end-to-end pytest tests/end_to_end $(ARGS)

# Those below are not part of `make test`.
.PHONY: units
units: tools export ## The unit tests once more, through ansible-test, on each Python that is here
	@$(STEP) units python dev/ansible_test.py $(EXPORT) units --venv $(ARGS)

.PHONY: test-matrix
test-matrix: ## Sanity and unit tests on each ansible-core and Python, or: make test-matrix ARGS="2.16 2.21"
	@"$(PYTHON)" dev/matrix.py $(ARGS)

.PHONY: release-check
release-check: changelog-lint docs build ## Whether this could be released: tarball, licences, changelog, importer, pages
	@$(TOOLS_HOME) $(STEP) release-check python dev/release.py $(EXPORT) .build

.PHONY: coverage
coverage: tools export ## What the unit tests cover; all branches of the decision and the launch
	@$(IN_EXPORT) coverage coverage run -m pytest tests/unit $(ARGS)
	@cd $(EXPORT) && "$(CURDIR)/$(BIN)/coverage" report --skip-covered --show-missing
	@cd $(EXPORT) && "$(CURDIR)/$(BIN)/coverage" report --fail-under=100 --include="*/_relaunch.py,*/_launch.py"

.PHONY: faults
faults: export ## 200 scenarios with a controller that misbehaves, or: make faults ARGS="--scenarios 1000"
	@"$(PYTHON)" dev/environment.py demo $(ANSIBLE_CORE)
	@$(BIN)/python $(EXPORT)/tests/faults $(ARGS)

.PHONY: bench
bench: export ## How long a relaunch takes, beside uri and awx.awx; half an hour, or: make bench ARGS="--case one"
	@"$(PYTHON)" dev/environment.py bench $(ANSIBLE_CORE)
	@awx=$$($(BIN)/python dev/awx.py .build) && \
	  $(BIN)/python $(EXPORT)/tests/benchmark --awx "$$awx" --output .build/bench $(ARGS)

.PHONY: demo
demo: export ## See it work: a failed job, relaunched
	@"$(PYTHON)" dev/environment.py demo $(ANSIBLE_CORE)
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(COLLECTIONS) $(BIN)/python dev/demo.py

.PHONY: clean
clean: ## Remove all that make made
	@rm -rf .build .venv

# What the steps need.
.PHONY: tools export
tools:
	@"$(PYTHON)" dev/environment.py tools $(ANSIBLE_CORE)

export:
	@"$(PYTHON)" dev/export.py $(EXPORT)
