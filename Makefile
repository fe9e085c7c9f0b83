# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright (c) 2026, relaunch.controller contributors
#
# Short names for nox, which noxfile.py and antsibull-nox.toml tell what to do. Needs Python >= 3.11, git and make; the
# rest goes below .venv/ and .nox/. What git does not ignore is what is tested.
# Another Python or ansible-core: make PYTHON=python3.12 ANSIBLE_CORE=2.16.19 …

PYTHON ?= python3
# More arguments for a session, as in: make unit ARGS="-k relaunch"
ARGS ?=

SESSIONS = lint codeqa typing yamllint antsibull-nox-config docs-check license-check extra-checks \
  build-import-check ansible-lint changelog docs release-check sanity units integration \
  unit sandbox-test docs-test fault-test bench-test end-to-end tests coverage tools demo faults bench \
  matrix-generator matrix-requests $(addprefix matrix-,2.16 2.17 2.18 2.19 2.20 2.21 devel)
# What takes long comes first, so that it is not left alone at the end.
CHECK = ansible-lint unit lint extra-checks license-check changelog
TEST = tools tests sanity lint release-check ansible-lint integration docs docs-check extra-checks \
  license-check changelog

VENV = .venv/$(notdir $(PYTHON))
NOX = $(VENV)/bin/python -m nox -R
.SHELLFLAGS = -o pipefail -c
SHELL = bash
MAKEFLAGS += --no-print-directory

.PHONY: help
help: $(VENV)/made ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
	@$(NOX) -l | sed -n 's/^[*-] /make /p'

.PHONY: check
check: $(VENV)/made ## Lint and unit tests, in a few minutes
	@$(NOX) --parallel 2 -s $(CHECK)

# What a reader of a log's end wants to know comes last: what failed sessions said, and pytest's closing lines.
LAST_WORDS = /^nox > Running session / { n = 0 } { said[n++ % 15] = $$0 } \
  /^nox > Session .* failed/ { for (i = n > 15 ? n - 15 : 0; i < n; i++) print said[i % 15] } \
  /^(=+ )?([0-9]+ [a-z]+, )*[0-9]+ [a-z]+ in [0-9.]+s/ { closing = closing "\n" $$0 } \
  END { print substr(closing, 2) }

.PHONY: test
test: $(VENV)/made ## All checks and tests
	@$(NOX) --parallel 2 -s $(TEST) 2>&1 | tee .nox/test.log; status=$$?; awk '$(LAST_WORDS)' .nox/test.log; exit $$status

.PHONY: test-matrix
test-matrix: $(VENV)/made ## Sanity and unit tests on each ansible-core and Python, or: make test-matrix ARGS="2.16 2.21"
	@$(NOX) $(if $(ARGS),-s $(ARGS:%=matrix-%),-t matrix)

.PHONY: $(SESSIONS)
$(SESSIONS): $(VENV)/made
	@$(NOX) -s $@ -- $(ARGS)

.PHONY: clean
clean: ## Remove all that make made
	@rm -rf .nox .venv

$(VENV)/made: requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer: make PYTHON=python3.12")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(VENV)/bin/python -m pip --disable-pip-version-check install --quiet -c requirements-dev.txt nox antsibull-nox
	@mkdir -p .nox && touch $@
