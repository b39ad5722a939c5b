# `make` prints what can be made. Each target says in one line what it does, behind two hashes.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find kernel crds operator -name '*.pyx' -o -name '*.pxd' -o -name '*.h' -o -name '*.c' -path '*/include/*')
ENOUGH := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.x")'
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help
help: ## print the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ---- installing ----------------------------------------------------------------------------------------------------

.PHONY: install
install: $(VENV)/base.done $(VENV)/package.done ## put `fractal` into .venv/bin (a compiler is all it needs)
	@echo "Installed: $(BIN)/fractal. Try: $(BIN)/fractal render examples/seahorse.yaml"

.PHONY: dev
dev: packages $(VENV)/dev.done $(VENV)/package.done ## what `make test` needs besides: linters, test tools, system packages
	@echo "Ready: make test"

$(VENV)/bin/python:
	@PYTHON=$(PYTHON) tools/packages.sh build
	@$(ENOUGH)
	@echo "[1/3] a virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/base.done: requirements/base.lock requirements/mpi.lock | $(VENV)/bin/python
	@echo "[2/3] the libraries of requirements/base.lock"
	@$(PIP) install --quiet --require-hashes -r requirements/base.lock
	@command -v mpirun >/dev/null || { echo "      and an Open MPI of its own, since there is no mpirun here"; \
	    $(PIP) install --quiet --require-hashes -r requirements/mpi.lock; }
	@touch $@

.PHONY: product
product: $(VENV)/operator.done $(VENV)/package.done ## `make install`, and what talks to a Kubernetes

$(VENV)/operator.done: requirements/operator.lock | $(VENV)/base.done
	@echo "[2/3] and what talks to Kubernetes, of requirements/operator.lock"
	@$(PIP) install --quiet --require-hashes -r requirements/operator.lock
	@touch $@

# The first thing for `dev`: a virtual environment that finds an mpirun brings none of its own, and tests are of Debian's.
.PHONY: packages
packages: ## the system packages that tests start: Open MPI, Redis, sshd (as root, on Debian)
	@PYTHON=$(PYTHON) tools/packages.sh test

$(VENV)/dev.done: requirements/dev.lock | $(VENV)/base.done
	@echo "[2/3] the tools of requirements/dev.lock"
	@$(PIP) install --quiet --require-hashes -r requirements/dev.lock
	@touch $@

$(VENV)/package.done: pyproject.toml setup.py $(SOURCES) | $(VENV)/base.done
	@echo "[3/3] compiling the kernel"
	@$(PIP) install --quiet --no-build-isolation --no-deps --editable .
	@touch $@

# ---- trying --------------------------------------------------------------------------------------------------------

# the sources before the tests: a folder there is called like a package of ours
TRIAL := PYTHONPATH=crds:kernel:operator:tools:tests

.PHONY: run
run: ## the operator's picture of examples/seahorse.yaml, from nothing: a Kubernetes, the product, the proof
	@$(ENOUGH) && $(TRIAL) $(PYTHON) -m trial announce
	@$(MAKE) --no-print-directory --quiet product
	@$(TRIAL) $(BIN)/python -m trial run

.PHONY: stop
stop: ## take down all that `make run` brought up; says what stays
	@$(TRIAL) $(PYTHON) -m trial stop

.PHONY: uninstall
uninstall: product ## remove the product from the cluster, also when its operator is dead
	@$(TRIAL) $(BIN)/python -m trial uninstall

.PHONY: run-server
run-server: product ## the cluster with the product, and the address of its server
	@$(TRIAL) $(BIN)/python -m trial serve

.PHONY: run-client
run-client: product ## a client of it: asks for examples/seahorse.yaml, and compares
	@$(TRIAL) $(BIN)/python -m trial picture

# ---- proving -------------------------------------------------------------------------------------------------------

.PHONY: test
test: dev ## everything: lint, types, and every test; from a fresh machine, alone
	@nice -n 19 $(BIN)/python tests/cluster.py build >/dev/null 2>&1 & # for on-cluster: 10 minutes, the first time
	@$(MAKE) --no-print-directory verify lint
	@$(MAKE) --no-print-directory --jobs=2 types beside # which leaves a third of the processors idle
	@$(MAKE) --no-print-directory alone on-cluster

.PHONY: lint
lint: dev ## ruff, cython-lint, codespell, import-linter
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check . || { echo "Some files are not formatted: make format"; exit 1; }
	@PATH="$(CURDIR)/$(BIN):$$PATH" cython-lint --max-line-length 120 kernel
	@$(BIN)/codespell
	@$(BIN)/lint-imports --no-cache >/tmp/lint-imports.$$$$ 2>&1 || { cat /tmp/lint-imports.$$$$; rm -f /tmp/lint-imports.$$$$; exit 1; }; rm -f /tmp/lint-imports.$$$$
	@echo "lint: clean"

.PHONY: format
format: dev ## let ruff format the code
	@$(BIN)/ruff format .

.PHONY: types
types: dev ## mypy, strict
	@$(BIN)/mypy
	@$(BIN)/mypy -p support
	@$(BIN)/mypy -p benchmarks

# what PYTEST_ARGS chooses may all be in one part of the tests: 5 is pytest's code for none
CHOSEN := [ $$? = 5 -a -n "$$PYTEST_ARGS" ]

.PHONY: unit
unit: beside alone ## the tests that need no Kubernetes; PYTEST_ARGS="-k tiles" chooses

.PHONY: beside
beside: dev ## those of them that run side by side
	@$(BIN)/python -m pytest -n auto --dist loadfile -m "not soak and not cluster and not alone" $(PYTEST_ARGS) || $(CHOSEN)

.PHONY: alone
alone: dev ## those that run one after the other, since they measure
	@$(BIN)/python -m pytest -m "alone and not soak and not cluster" $(PYTEST_ARGS) || $(CHOSEN)

.PHONY: on-cluster
on-cluster: dev ## the tests on a real Kubernetes: this machine's own, or FRACTAL_CLUSTER=current
	@$(BIN)/python tests/cluster.py up
	@$(BIN)/python -m pytest -m "cluster and not soak" tests/cluster $(PYTEST_ARGS); code=$$?; \
	    [ -n "$$FRACTAL_CLUSTER" ] || $(BIN)/python tests/cluster.py down; exit $$code

.PHONY: cluster
cluster: dev ## a real Kubernetes on this machine, for the tests (root, Debian; 12 minutes the first time)
	@$(BIN)/python tests/cluster.py up

.PHONY: images
images: ## the container images; REGISTRY=ghcr.io/me names them so, and pushes them
	@PYTHON=$(PYTHON) images/build.sh $(REGISTRY)

.PHONY: soak
soak: dev ## the fault tests, many times over (20 a size of world), and those of the product on a cluster
	@FRACTAL_SOAK=$${FRACTAL_SOAK:-20} $(BIN)/python -m pytest -s -m soak --timeout=7200 tests/soak tests/fractal_kernel
	@$(BIN)/python tests/cluster.py up
	@$(BIN)/python -m pytest -s -m soak --timeout=7200 tests/cluster $(PYTEST_ARGS)

.PHONY: bench
bench: dev ## the figures of docs/performance.md, measured here
	@for name in kernel end_to_end picture world stores; do echo "== benchmarks.$$name"; $(BIN)/python -m benchmarks.$$name; done

# ---- keeping -------------------------------------------------------------------------------------------------------

COMPILE := $(BIN)/pip-compile --quiet --upgrade --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url \
    --no-emit-trusted-host --no-emit-find-links --no-header --build-deps-for=editable pyproject.toml

.PHONY: generate
generate: dev ## write what is made from the models: the CRDs, and their pages in docs/reference
	@$(BIN)/python crds/generate.py

.PHONY: verify
verify: dev ## say which generated file is not what the models say
	@$(BIN)/python crds/generate.py --check

.PHONY: lock
lock: dev ## the newest versions that pyproject allows, with hashes, into requirements/
	@$(COMPILE) --output-file requirements/base.lock
	@$(COMPILE) --extra mpi --constraint requirements/base.lock --output-file requirements/mpi.lock
	@$(COMPILE) --extra operator --extra gateway --constraint requirements/base.lock --output-file requirements/operator.lock
	@$(COMPILE) --extra dev --extra operator --extra gateway --constraint requirements/operator.lock --output-file requirements/dev.lock

.PHONY: clean
clean: ## remove all that was built or installed here: what is left is a clean clone
	@rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
	@find kernel crds operator tests tools benchmarks \( -name __pycache__ -o -name '*.egg-info' \) -prune -exec rm -rf {} +
	@find kernel -name '*.so' -delete
	@for source in $$(find kernel -name '*.pyx'); do rm -f "$${source%.pyx}.c"; done
