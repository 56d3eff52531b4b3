PYTHON ?= python3
BIN := .venv/bin

.PHONY: help run test lint bench clean
help:  ## list the tasks
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' $(MAKEFILE_LIST)

.venv/ready: constraints.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r constraints.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

run: .venv/ready  ## check the default workflows and print what they allow
	$(BIN)/interlock lint default_workflows/*.yaml
	$(BIN)/interlock explain incident_response

lint: .venv/ready  ## style, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint  ## lint, then every test
	$(BIN)/pytest

clean:  ## remove what the other tasks made
	rm -rf .venv .interlock

bench: .venv/ready  ## speed, as ratios against named references
	$(BIN)/python -m benchmarks.engine
