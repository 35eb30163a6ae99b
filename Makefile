# Two commands do all the set-up, in a virtual environment beside this file: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := runs/demo

.PHONY: help demo test check types slow clean

help:
	@echo "make demo   search for a network that tells twenty languages apart, and use it (about 4 minutes)"
	@echo "make test   style, import contracts, types, then the everyday tests"
	@echo "make check  style, import contracts and types alone"
	@echo "make slow   the tests that take minutes each"
	@echo "make clean  remove the environment and the demo's run"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Python 3.11 or newer is needed, and '$(PYTHON)' is older or absent. Say which: make PYTHON=python3.12 ..."; \
		exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/demo.done: $(BIN)/python pyproject.toml constraints/ci.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/ci.txt -e '.[demo]'
	@touch $@

$(VENV)/dev.done: $(BIN)/python pyproject.toml constraints/ci.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints/ci.txt -e '.[dev]'
	@touch $@

demo: $(VENV)/demo.done
	@rm -rf $(DEMO)
	$(BIN)/python examples/language_names.py $(DEMO)/names.tsv
	$(BIN)/seqwright fit $(DEMO)/names.tsv --budget 3m --folder $(DEMO)/run
	@echo; echo 'Eight lines that it has not seen:'
	@$(BIN)/seqwright predict $(DEMO)/run - -o $(DEMO)/labels.csv < examples/unnamed.txt
	@cut -d, -f1,2 $(DEMO)/labels.csv | tail -n +2 | paste - examples/unnamed.txt

test: check
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m 'not slow'

check: $(VENV)/dev.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory types

# pyright's program comes from the npm registry on first use: where that cannot be reached, that is said and types wait.
types: $(VENV)/dev.done
	@if $(BIN)/pyright --version >/dev/null 2>&1; then echo "$(BIN)/pyright" && $(BIN)/pyright --pythonpath $(BIN)/python; \
	else echo "pyright could not be fetched from the npm registry, so types were NOT checked."; test -z "$$CI"; fi

slow: $(VENV)/dev.done
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow

clean:
	rm -rf $(VENV) $(DEMO)
