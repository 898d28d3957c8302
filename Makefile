# Two commands do everything on a fresh machine: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Each is run with --save; the page is written from what they kept.
BENCHES := emulator features online data

.PHONY: help setup demo test deep bench differential check format layers lock clean

help:
	@echo "make demo    a local cloud and a year of real flights through the whole loop"
	@echo "make test    every test, from a fresh checkout"
	@echo "make deep    thousands of random streams, held to the same bits online and offline (half an hour)"
	@echo "make bench   every published figure, measured beside its peer (minutes, on a quiet machine)"
	@echo "make differential  the local cloud and MiniStack held against AWS's documentation (two minutes)"
	@echo "make check   formatting, lint, types and import contracts"
	@echo "make layers  third-party layers for Lambda, before deploying into an AWS account"
	@echo "make lock    resolve the locked requirements anew"

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: setup
	$(BIN)/tidemill demo

test: setup
	$(BIN)/python -m pytest -m "not differential" -n 2 --dist worksteal

deep: setup
	$(BIN)/python -m pytest --hypothesis-profile deep --timeout 0 \
		tests/features/test_offline.py tests/features/test_online.py tests/datasets/test_online_equals_offline.py

bench: setup
	for bench in $(BENCHES); do $(BIN)/python -m bench.$$bench --save || exit 1; done
	$(BIN)/python -m bench.report

differential: setup
	$(BIN)/python -m pytest tests/differential

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

layers: setup
	$(BIN)/python layers/build.py

lock:
	$(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet uv
	build/lock/bin/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock

clean:
	rm -rf build cdk.out .tidemill .mypy_cache .pytest_cache .ruff_cache .hypothesis
