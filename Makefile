# Each target does its own set-up: python3 with its venv module and make are all that is needed.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
READY_TESTS := $(VENV)/.ready-tests
HOME_DIR ?= node
WHEELHOUSE ?= wheelhouse
RUNS ?= 10
RESOLVED := pyproject.toml --universal --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header
NODE_EXTRAS := pdf postgresql oidc s3 cluster tracing
EXTRAS := $(NODE_EXTRAS) evaluation
# one thread for linear algebra: the arrays are small, and more threads only get in each other's way
export OPENBLAS_NUM_THREADS ?= 1
export OMP_NUM_THREADS ?= 1
# compiled modules are kept: else each process that a test starts compiles them all anew
unexport PYTHONDONTWRITEBYTECODE

# what an extra needs beside what every node has, in the same versions
lock_extra = .venv-lock/bin/uv pip compile $(RESOLVED) --extra $(1) -c requirements.lock $$(sed -n 's/^\([a-z0-9-]*\)==.*/--no-emit-package \1/p' requirements-base.lock | sort -u) -o $(2) && sed -i '/^$$/,$$d' $(2)

# tests over all cores; timing belongs to `make bench`, which has the machine to itself
SPREAD := -n auto --dist loadfile --benchmark-disable --durations=10
# of the slow ones a part waits for nodes, so there is one process more than cores
SPREAD_WAITING := $(subst -n auto,-n $(shell echo $$(($(shell getconf _NPROCESSORS_ONLN) + 1))),$(SPREAD))
# both run whatever becomes of the first
alone_first = $(BIN)/python -m pytest -q -m "alone and $(1)" --benchmark-disable --durations=10; alone=$$?; $(BIN)/python -m pytest -q -m "not alone and $(1)" $(SPREAD_WAITING) && exit $$alone

.PHONY: messages messages-missing help install install-tests demo training test test-orders test-all test-slow test-gate test-long observers test-postgresql test-browser screenshots chaos pilot load load-node check bench serve contract clean lock wheelhouse sbom audit install-drill container-drill
.DEFAULT_GOAL := help

help:  ## Show what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

install: $(READY)  ## Make .venv with ffp and what every node needs: what `make demo` needs

install-tests: $(READY_TESTS)  ## Add the extras, and the tools of tests and checks

PIP = $(BIN)/python -m pip --quiet --disable-pip-version-check
# modules are compiled when they are first imported: most never are, and compiled they take a sixth of the space

$(READY): requirements-base.lock requirements-build.lock pyproject.toml
	@echo "Installing what every node needs into $(VENV) (once; half a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --no-compile --require-hashes -r requirements-base.lock
	@$(PIP) install --no-compile --require-hashes -r requirements-build.lock --target $(VENV)/build
	@PYTHONPATH=$(abspath $(VENV))/build $(PIP) install --no-deps --no-build-isolation --editable .
	@$(PIP) --quiet uninstall --yes setuptools  # what Python 3.11 puts into every environment, and nothing here asks for
	@rm -rf $(VENV)/build && touch $@

$(READY_TESTS): $(READY) requirements.lock requirements-client.lock
	@echo "Adding extras and tools for tests to $(VENV) (once; a minute) ..."
	@$(PIP) install --no-compile --require-hashes -r requirements.lock
	@rm -rf $(VENV)/client
	@$(PIP) install --no-compile --require-hashes -r requirements-client.lock --target $(VENV)/client
	@touch $@

demo: install  ## Three nodes sign, share and correlate; SCANS=folder SEED=n ARGS="--keep"
	@$(BIN)/ffp demo $(if $(SCANS),--scans "$(SCANS)") $(if $(SEED),--seed $(SEED)) $(ARGS)

training: install  ## Six nodes to practise with, in ./region (JURISDICTIONS="MD UA": these too; HALF_YEARS=2: with a past); exercises in deploy/pilot
	@$(BIN)/python -c "import typst" 2>/dev/null || $(BIN)/ffp extras add pdf
	@$(BIN)/ffp training region $(if $(HALF_YEARS),--half-years $(HALF_YEARS)) $(foreach code,$(JURISDICTIONS),--with $(code))

test: install-tests  ## The tests, two minutes; FFP_DATA=folder adds those on real scans
	@$(BIN)/python -m pytest -q -m "not slow" $(SPREAD)

test-orders: install-tests  ## `make test` RUNS times (10), each in another order and with other seeds; stops at the first failure
	@for seed in $$(seq $(RUNS)); do echo "run $$seed of $(RUNS)"; \
	$(BIN)/python -m pytest -q -m "not slow" $(SPREAD) --random-order --random-order-seed=$$seed --hypothesis-seed=$$seed || exit 1; done

test-all: test test-slow test-long  ## All of them, an hour and a half

test-postgresql: install-tests  ## The tests of the exchange once more, with all nodes on PostgreSQL (Debian's package postgresql)
	@FFP_TEST_ENGINE=postgresql $(BIN)/python -m pytest -q -m "not alone and not browser" tests/exchange $(SPREAD)

test-browser: install-tests  ## The pages in headless Chromium, on real scans ($FFP_DATA); Debian's package is installed where that is possible
	@command -v chromium >/dev/null || { test "$$(id -u)" = 0 && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq --no-install-recommends chromium >/dev/null; } || echo "Debian's package chromium is missing: apt-get install chromium"
	@$(BIN)/python -m pytest -q -m browser --benchmark-disable

screenshots: install-tests  ## Each page as a picture into docs/screenshots, and those of the user guide; from real scans ($FFP_DATA), in Chromium
	@test -n "$(FFP_DATA)" || { echo "FFP_DATA names no folder: the pictures are of real scans."; exit 1; }
	@$(BIN)/python -m tests.browser.screenshots

chaos: install-tests  ## Cut connections, a week offline, kill -9 fifty times, four nodes in 200 runs, a pilot of five minutes, ten thousand damaged scans; an hour and 15 GB; writes chaos.json
	@rm -f chaos.json
	@FFP_CHAOS=full FFP_CHAOS_RUNS=200 FFP_CHAOS_STEPS=50 FFP_CHAOS_REPORT=chaos.json $(BIN)/python -m pytest -q -s tests/chaos tests/exchange/flows/witness/test_witness_machine.py --benchmark-disable --timeout=0

pilot: install-tests  ## Six nodes, 150 exhibits, 15 minutes, then all that goes wrong; writes pilot.json
	@rm -f pilot.json
	@FFP_PILOT=full FFP_CHAOS_REPORT=pilot.json $(BIN)/python -m pytest -q -s tests/chaos/test_pilot.py --benchmark-disable --timeout=0

test-slow: install-tests  ## What `make test` leaves out, and what takes minutes apart; first what judges times
	@$(call alone_first,slow and not long)

test-gate: install-tests  ## Of `make test-slow` one way through each promise (.ci/gate), some ten minutes
	@$(BIN)/python -m pytest -q -m "slow and not long and not alone" $(SPREAD_WAITING) $$(sed 's/ *#.*//' .ci/gate)

test-long: install-tests  ## What takes minutes: a week offline, fifty people, faults put into the code; before each release
	@$(call alone_first,long)

observers: install-tests  ## Two worlds that differ in one secret, a hundred seeds each: up to an hour on two cores; writes observers.json
	@rm -f observers.json
	@FFP_OBSERVERS_SEEDS=100 FFP_OBSERVERS_REPORT=observers.json $(BIN)/python -m pytest -q tests/observers -n auto --dist worksteal --benchmark-disable

check: install-tests  ## Style, types, architecture; known faults of what is installed, where the network allows
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python deploy/known_faults.py requirements-node.lock

load: install-tests  ## Fifty people browse while 100,000 references are searched: 20 GB and some twenty minutes; writes load.json
	@rm -f load.json
	@FFP_LOAD=full FFP_LOAD_REPORT=load.json $(BIN)/python -m pytest -q -s tests/load/test_fifty_people.py --benchmark-disable --timeout=0

load-node: install-tests  ## Programs read and submit over 200 connections, on SQLite and PostgreSQL: eight minutes; writes load-node.json and curves
	@rm -f load-node.json
	@FFP_LOAD=full FFP_TEST_POSTGRESQL_FSYNC=on FFP_LOAD_REPORT=load-node.json FFP_LOAD_CURVE=docs/load-{}.svg $(BIN)/python -m pytest -q -s tests/load/test_traffic.py tests/load/test_idle.py --benchmark-disable --timeout=0

bench: install-tests  ## Time each stage beside its floor, up to a million references; writes bench.json and docs/benchmarks.md
	@$(BIN)/python -m pytest -q tests/benchmarks --timeout=0 --benchmark-only --benchmark-quiet --benchmark-json=bench.json
	@$(BIN)/python -m tests.benchmarks.report bench.json docs/benchmarks.md

serve: install  ## Serve a node from ./node (made as Serbia's on first use); HOME_DIR=folder for another
	@test -f "$(HOME_DIR)/config.toml" || $(BIN)/ffp init --home "$(HOME_DIR)" --jurisdiction RS --url http://127.0.0.1:8440
	@$(BIN)/ffp serve --home "$(HOME_DIR)"

messages: install-tests  ## Collect the texts of pages and reports into the catalogues of all languages
	@$(BIN)/python -m exchange.web.wording.messages

messages-missing: install-tests  ## List, for each language, what is not translated yet
	@$(BIN)/python -m exchange.web.wording.messages --missing

wheelhouse:  ## Everything that a machine without a network needs to install a node, into WHEELHOUSE; PYTHON=python3.13 for a container
	@sh deploy/wheelhouse.sh "$(WHEELHOUSE)" "$(PYTHON)"

sbom: install-tests  ## What a node is made of, as CycloneDX, into sbom.json
	@$(BIN)/cyclonedx-py requirements requirements-node.lock --pyproject pyproject.toml --output-reproducible --of JSON -o sbom.json

.PHONY: release verify-release
DIST ?= dist
release: install-tests  ## What is committed, as a signed release: KEY=private key of ssh-keygen; DIST=folder, WITH_IMAGE=1 wants digests of images
	@test -n "$(KEY)" || { echo "KEY names no key: ssh-keygen -t ed25519 -f FILE makes one; see deploy/README.md, Releases."; exit 1; }
	@$(BIN)/python -B deploy/make_release.py "$(DIST)" "$(KEY)" $(if $(WITH_IMAGE),--with-image)

verify-release:  ## Whether a release is whole and signed: DIST=folder, KEY=public key or file of allowed signers
	@test -n "$(KEY)" || { echo "KEY names no public key of the release: it came to you by another way than the release did."; exit 1; }
	@$(PYTHON) deploy/verify_release.py "$(DIST)" "$(KEY)"

audit: install-tests  ## Faults that are known of what a node is made of, and bandit over its code
	@$(BIN)/bandit --quiet --configfile pyproject.toml --recursive exchange matcher schemas
	@$(BIN)/python deploy/known_faults.py requirements-node.lock

install-drill: install-tests  ## Follow deploy/README.md from an empty Debian 13 to two nodes behind TLS, in containers with systemd; as root; some seven minutes and 3 GB
	@$(BIN)/python -m tests.deploy.install_drill

container-drill: install-tests  ## Build the container's image without Docker, back it up by its own tools and make it again; as root, with mmdebstrap and iproute2; some five minutes
	@$(BIN)/python -m pytest -q tests/deploy/container_drill.py --benchmark-disable --timeout=0

lock:  ## Resolve all locks anew: with the tools for tests, what every node needs, what builds it, what makes a client, each extra, a node with all of them
	@$(PYTHON) -m venv .venv-lock && .venv-lock/bin/python -m pip install --quiet uv
	@.venv-lock/bin/uv pip compile $(RESOLVED) --all-extras -o requirements.lock
	@.venv-lock/bin/uv pip compile $(RESOLVED) -c requirements.lock -o requirements-base.lock
	@.venv-lock/bin/uv pip compile $(filter-out pyproject.toml,$(RESOLVED)) --group build -c requirements.lock -o requirements-build.lock
	@.venv-lock/bin/uv pip compile $(filter-out pyproject.toml,$(RESOLVED)) --group client -o requirements-client.lock
	@$(foreach extra,$(EXTRAS),$(call lock_extra,$(extra),exchange/extras/$(extra).lock) &&) true
	@.venv-lock/bin/uv pip compile $(RESOLVED) $(addprefix --extra ,$(NODE_EXTRAS)) -c requirements.lock -o requirements-node.lock
	@rm -rf .venv-lock

contract: install-tests  ## Write the OpenAPI description, the table of settings, the JSON Schemas and the names of the contract anew
	@$(BIN)/python -m exchange.web.openapi docs/openapi.json
	@$(BIN)/python -m exchange.cli.operate.settings_page docs/settings.md
	@$(BIN)/python -m tests.schemas.write_json_schema
	@$(BIN)/python -m tests.schemas.write_contract

clean:  ## Remove the virtual environment and caches
	@rm -rf $(VENV) .venv-system .schemathesis .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache bench.json chaos.json observers.json pilot.json load.json load-node.json sbom.json wheelhouse dist .venv-lock
