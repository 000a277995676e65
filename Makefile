# Everything starts here: `make demo` and `make test` do all the set-up they need.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test nightly bench simulate check format lint types refresh ui clean lock

demo: $(BIN)/safecity ## write a synthetic sample to demo/raw and refresh it into demo/warehouse
	$(BIN)/safecity demo demo

test: $(BIN)/safecity ## run every test
	$(BIN)/python -m pytest -n auto --dist loadfile

nightly: $(BIN)/safecity ## the whole fault suite (every killed process, every full disk), and what else takes long
	$(BIN)/python -m pytest -n auto -m "nightly or not nightly" tests/faults
	$(BIN)/python -m pytest -n auto -m nightly --ignore=tests/faults tests

bench: $(BIN)/safecity ## measure speed and memory as ratios, each beside its goal
	$(BIN)/python -m benchmarks

simulate: $(BIN)/safecity ## how well breaks are found, each figure beside its goal
	$(BIN)/python -m safecity_pipeline.detection.simulation

check: lint types test ## format, lint, strict types, tests

format: $(BIN)/safecity
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(BIN)/safecity
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(BIN)/safecity
	$(BIN)/mypy

refresh: $(BIN)/safecity ## take in raw/ and publish into warehouse/
	$(BIN)/safecity refresh

ui: $(BIN)/safecity ## Dagster's web interface on warehouse/
	$(BIN)/safecity ui

# The environment: exactly the locked packages, checked by their hashes, then this project itself.
$(BIN)/safecity: requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

lock: ## make requirements.lock anew from pyproject.toml (needs uv)
	UV_CUSTOM_COMPILE_COMMAND='make lock' uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-strip-extras \
		--extra dev --quiet pyproject.toml -o requirements.lock

clean:
	rm -rf .venv demo .mypy_cache .pytest_cache .ruff_cache .hypothesis
