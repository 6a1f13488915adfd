# Everything a user types. `make report` and `make test` set themselves up; both can be run again at any time.
.DEFAULT_GOAL := help
.PHONY: help setup report test verify lab lint lock types clean benchmark benchmark-peers validate

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
# Empty: both examples, the telco sample and the simulated company.
STUDY  ?=
PEERS  := .venv-peers

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP)  ## create .venv from the lock

# uv where it is present, else pip; either way every package is held against its hash in the lock.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "whychurn needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make report PYTHON=python3.12"; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock (once; a minute or two)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)
	@if command -v uv >/dev/null 2>&1; then \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --require-hashes -r requirements.lock && \
	  VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install --quiet --no-deps --no-build-isolation -e . ; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock && \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . ; \
	fi
	@touch $(STAMP)

report: $(STAMP)  ## build the example reports into reports/ (STUDY=folder for another study)
ifeq ($(STUDY),)
	@$(BIN)/whychurn report data/telco
	@$(BIN)/whychurn demo data/demo
	@$(BIN)/whychurn report data/demo
else
	@$(BIN)/whychurn report $(STUDY)
endif

test: $(STAMP)  ## run the whole test suite
	@$(BIN)/python -m pytest -n 2 --dist loadgroup

verify: $(STAMP)  ## rerun the built reports and say, number by number, what is reproduced
	@for report in $(if $(STUDY),$(notdir $(STUDY)),telco demo); do $(BIN)/whychurn verify reports/$$report || exit $$?; done

lab: $(STAMP)  ## open the notebooks in JupyterLab
	@$(BIN)/jupyter lab notebooks

lint: $(STAMP)  ## style, types, import contracts, notebook rules
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m whychurn.reports.lint notebooks

lock:  ## resolve the lock again (needs uv)
	@uv pip compile pyproject.toml --extra dev --extra examples --universal --python-version 3.11 --generate-hashes \
	  --no-header --no-annotate --quiet -o requirements.lock

benchmark: $(STAMP)  ## measure against other libraries into docs/benchmarks.md (make benchmark-peers installs more)
	@if [ -x $(PEERS)/bin/python ]; then python=$(PEERS)/bin/python; else python=$(BIN)/python; fi; \
	  $$python -m benchmarks --write docs/benchmarks.md && $$python -m benchmarks.panel --write docs/benchmarks-panel.md

validate: $(STAMP)  ## hold the analyses against simulated companies with known truth, into docs/validation.md (hours; resumes)
	@$(BIN)/python -m validation.revenue docs/validation-revenue.md
	@$(BIN)/python -m validation --write docs/validation.md

# An environment of its own: the lock, this checkout, and those of benchmarks/peers.txt that install here.
benchmark-peers: $(STAMP)
	@rm -rf $(PEERS)
	@$(PYTHON) -m venv $(PEERS)
	@if command -v uv >/dev/null 2>&1; then install="uv pip install --quiet --python $(PEERS)/bin/python"; \
	else install="$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check"; fi; \
	$$install --require-hashes -r requirements.lock && $$install --no-deps --no-build-isolation -e . || exit 1; \
	grep -v '^#' benchmarks/peers.txt | while read -r peer; do \
	  $$install --no-binary coxstream "$$peer" </dev/null || echo "$$peer does not install here: the benchmark does without it"; \
	done

clean:  ## remove the environment and everything built
	@rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find reports -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +
