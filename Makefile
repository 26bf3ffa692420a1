# Every target sets up its own environment from the committed lock.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || echo python3)
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Two workers, each with whole files, so that what a file builds (a trained study, a province) is built once.
TEST   := -n 2 --no-loadscope-reorder
# One OpenMP thread each: threads of two workers on two cores wait for one another longer than they work.
ALONE  := OMP_NUM_THREADS=1
SLIM   := PYTHONHASHSEED=0 MLFLOW_DISABLE_TELEMETRY=true BENTOML_DO_NOT_TRACK=True

help:            ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */\1\t/' | expand -t 14

.PHONY: help demo test test-long lint check bench notebooks lock clean
.DELETE_ON_ERROR:

$(STAMP): pyproject.toml locks/py311.txt locks/py312.txt
	$(PYTHON) -m venv --clear $(VENV)
	tag=$$($(BIN)/python -c 'import sys; print("py%d%d" % sys.version_info[:2])'); \
	  test -f locks/$$tag.txt || { echo "fenlei needs Python 3.11 or 3.12, found $$tag; set PYTHON=python3.11"; exit 2; }; \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r locks/$$tag.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(STAMP)   ## the whole chain on a simulated province
	$(SLIM) $(BIN)/fenlei demo

test: $(STAMP)   ## every test, real records included where FENLEI_SHARED or ../shared has them
	$(SLIM) $(ALONE) $(BIN)/python -m pytest $(TEST)

lint: $(STAMP)   ## ruff and mypy
	$(BIN)/ruff check src tests
	$(BIN)/ruff format --check src tests
	$(BIN)/mypy

check: lint      ## lint, types, fast tests: before each commit
	$(SLIM) $(ALONE) $(BIN)/python -m pytest $(TEST) -m "not slow and not real and not long"

test-long: $(STAMP)  ## tests that take minutes, such as every mutation of every indicator; properties on more examples
	$(SLIM) $(ALONE) HYPOTHESIS_PROFILE=thorough $(BIN)/python -m pytest $(TEST) -m "long or hypothesis"

bench: $(STAMP)  ## measured, never asserted
	$(SLIM) $(BIN)/fenlei bench simulate
	$(SLIM) $(BIN)/fenlei bench features

notebooks: $(STAMP)  ## run the notebooks and write them with their outputs
	$(SLIM) PYTHONPATH=src:tests $(BIN)/python -m helpers.notebooks

lock:            ## re-resolve both locks (needs uv)
	for v in 3.11 3.12; do uv pip compile -q pyproject.toml --extra dev --python-version $$v --generate-hashes \
	  --no-emit-index-url --no-header -o locks/py$$(echo $$v | tr -d .).txt; done

clean:           ## remove what was installed and generated
	rm -rf $(VENV) build dist data/generated
