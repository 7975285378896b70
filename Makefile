# make demo and make test do all of their own set-up in .venv, whichever is run first.

PYTHON ?= python3
PIP_ARGS ?=
JOBS ?= 2
PYTEST_ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# Tests run side by side, so each process keeps to a few threads of its own.
THREADS := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 NUMBA_NUM_THREADS=2
PYTEST = $(THREADS) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(PYTEST_ARGS)

# An environment does not survive being copied or moved: it points to the place where it was made.
MADE_IN := $(shell cat $(STAMP) 2>/dev/null)
ifneq ($(MADE_IN),)
ifneq ($(MADE_IN),$(CURDIR))
MOVED := yes
.PHONY: $(STAMP)
endif
endif

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast check format wheel clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo "  PYTHON=python3.12 chooses the interpreter (3.11 or newer), JOBS=4 how many tests run at once,"
	@echo "  PIP_ARGS=... is handed to pip, PYTEST_ARGS=... to pytest."

install: $(STAMP) ## Set up .venv (the others do so themselves)

demo: $(STAMP) ## Draw a world, train, predict, solve, prove and report into out/demo
	@$(BIN)/couponry demo --out out/demo --force
	@echo "Open file://$(CURDIR)/out/demo/report.html"

test: check ## Check, then run every test
	$(PYTEST)

test-fast: $(STAMP) ## Run the tests without the slow ones
	$(PYTEST) -m "not slow"

check: $(STAMP) ## Lint, types, direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(STAMP) ## Format the code, mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(STAMP) ## Build the sdist, and the wheel from it, into dist
	$(BIN)/python -m build --no-isolation --outdir dist .

clean: ## Remove outputs and caches, and leave .venv
	rm -rf out dist build htmlcov .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -path ./$(VENV) -prune -o -name __pycache__ -type d -exec rm -rf {} +

$(STAMP): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "couponry needs Python 3.11 or newer, and there is no '$(PYTHON)'; name one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "couponry needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) -V 2>&1); name another: make PYTHON=python3.12" >&2; exit 1; }
	@$(if $(MOVED),echo "$(VENV) was made in $(MADE_IN): making it anew"; rm -rf $(VENV))
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "'$(PYTHON) -m venv' failed; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing couponry and what it needs into $(VENV): one to three minutes, log in $(VENV)/install.log"
	@{ $(BIN)/python -m pip install $(PIP_ARGS) --progress-bar off -e ".[all,dev]" -c constraints.txt 2>&1; echo "exit $$?"; } \
		| tee $(VENV)/install.log \
		| awk '/^ *(Collecting|Downloading|Building|Installing)/ {printf "."; fflush()} \
		       /^ *ERROR/ {printf "\n%s", $$0} \
		       /^exit / {code = $$2} \
		       END {print code ? "\nThe installation failed; see $(VENV)/install.log" : " done"; exit code}'
	@printf '%s' "$(CURDIR)" > $@
