# The commands of Munshi. `make up` and `make test` set up all they need; `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
UV_FLAGS := --quiet
PROJECTS := -e ".[embedded]" -e migrations -e services/emulator -e services/inference -e services/ingress -e services/media -e services/orchestrator
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); echo $$(( n > 4 ? 4 : n )))
PYTEST := pytest
UP_FLAGS ?=

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

# --- setting up ----------------------------------------------------------------------------------------------

$(BIN)/python:
	@tools/python-for-venv $(VENV)

$(VENV)/.uv: requirements/uv.txt | $(BIN)/python
	@echo "setting up: uv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/.run: requirements/run.txt pyproject.toml migrations/pyproject.toml $(wildcard services/*/pyproject.toml) | $(VENV)/.uv
	@echo "setting up: what the platform needs (once)"
	@$(BIN)/uv pip install $(UV_FLAGS) --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(BIN)/uv pip install $(UV_FLAGS) --python $(BIN)/python --no-deps $(PROJECTS)
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "setting up: what the tests need (once)"
	@$(BIN)/uv pip install $(UV_FLAGS) --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@$(BIN)/uv pip install $(UV_FLAGS) --python $(BIN)/python --no-deps -e operator
	@touch $@

.PHONY: install
install: $(VENV)/.run ## set up .venv/, so that .venv/bin/munshi is the program

.PHONY: install-dev
install-dev: $(VENV)/.dev ## the same with everything for tests and checks

.PHONY: engines
engines: install ## optional engines (speech), Triton, S3 servers for tests: into .venv/ and the user's cache, once
	@tools/engines

.PHONY: system-packages
system-packages: ## Debian's packages for the browser tests and the benchmarks (needs root)
	@tools/system-packages

.PHONY: cluster-packages
cluster-packages: ## Debian's packages for a local cluster and images without Docker (needs root)
	@tools/system-packages cluster

# --- running -------------------------------------------------------------------------------------------------

.PHONY: up
up: install ## the whole platform on this machine; Ctrl-C ends it (UP_FLAGS="--detach" …)
	@exec $(BIN)/munshi up $(UP_FLAGS)

.PHONY: down
down: install ## stop what `make up UP_FLAGS=--detach` started
	@exec $(BIN)/munshi down

# --- a cluster -------------------------------------------------------------------------------------------------

.PHONY: cluster
cluster: $(VENV)/.run ## a local Kubernetes: kind where Docker answers, else built from source (Linux, root, Go)
	@tools/local-cluster build
	@tools/local-cluster up

.PHONY: cluster-down
cluster-down: ## take it down again; leaves nothing behind
	@tools/local-cluster down

.PHONY: images
images: $(VENV)/.uv ## build the container images by Docker or buildah (BUILDER=docker|buildah), state their sizes
	@$(BIN)/python tools/images.py

# --- checking ------------------------------------------------------------------------------------------------

.PHONY: check
check: install-dev ## style, types, direction of imports, generated files, locks
	@ruff check --quiet .
	@ruff format --check --quiet .
	@mypy
	@cd tests && mypy --config-file ../pyproject.toml .
	@MYPYPATH=tests:tools mypy bench tools
	@lint-imports
	@python tools/lock.py --check
	@python tools/licences.py
	@python tools/generate.py --check
	@python tools/chart.py --check

.PHONY: fix
fix: install-dev ## let the formatter and the linter mend what they can
	@ruff check --fix --quiet . || true
	@ruff format --quiet .

.PHONY: test
test: check engines ## everything that a change must pass
	@$(PYTEST) -n $(WORKERS) --dist loadgroup -m "not faults and not cluster"

.PHONY: test-unit
test-unit: install-dev ## the quick ones: no socket, a few seconds
	@$(PYTEST) -m "not faults and not cluster" tests/unit tests/contracts tests/ledger tests/inference

.PHONY: test-faults
test-faults: install-dev ## kill -9 of everything under load, 10,000 messages
	@$(PYTEST) -m faults tests/faults

.PHONY: chart-tools
chart-tools: install-dev ## build helm and what else checks the chart, once, into the user's cache (needs Go)
	@tools/chart-tools >/dev/null

.PHONY: test-chart
test-chart: chart-tools ## the Helm chart: lint, schemas, alerts, dashboards, rights
	@$(PYTEST) tests/chart

.PHONY: test-cluster
test-cluster: chart-tools ## on a real API server and a real node, which it brings up and takes down
	@tools/local-cluster build-for-tests
	@$(BIN)/python tools/images.py
	@$(BIN)/python tools/images.py --triton wheel inference
	@$(PYTEST) -m cluster tests/cluster

.PHONY: keda
keda: ## KEDA out of its Go module, for one test of it, once (Go needed; 16 minutes of CPU)
	@tools/keda >/dev/null

.PHONY: vllm
vllm: install-dev ## vLLM's CPU build, for the tests of it, once (2.3 GB; test-cluster then runs it in a pod)
	@tools/vllm >/dev/null

.PHONY: test-vllm
test-vllm: vllm ## the chain of language models against it, with a model of random weights (a minute)
	@MUNSHI_VLLM_PYTHON=$$(tools/vllm) $(PYTEST) tests/llm/test_vllm.py

.PHONY: test-control-plane
test-control-plane: install-dev ## the part of it that needs no node: as any user, without images
	@tools/local-cluster build-for-tests
	@$(PYTEST) -m "cluster and not node" tests/cluster

.PHONY: bench
bench: install-dev ## the benchmarks: a table each, and JSON in bench/results/
	@python -m bench

# --- making --------------------------------------------------------------------------------------------------

.PHONY: generate
generate: install-dev ## write the generated files again: reference pages, schemas
	@python tools/generate.py
	@python tools/chart.py

.PHONY: golden
golden: install-dev ## write the golden files of the operator's builders again; read the difference
	@PYTHONPATH=tests python -m rig.golden

.PHONY: lock
lock: $(VENV)/.uv ## resolve the dependencies again and write requirements/
	@$(BIN)/python tools/lock.py

.PHONY: train-nlu
train-nlu: install-dev ## train the understanding model again (reproducible)
	@python -m munshi_inference.training.train

.PHONY: evaluate-nlu
evaluate-nlu: install-dev ## score it on the hand-written test set
	@python -m munshi_inference.training.evaluate tests/understanding/held_out.jsonl

.PHONY: train-embeddings
train-embeddings: install-dev ## make the small embedding again (reproducible)
	@python -m munshi_inference.training.embeddings

.PHONY: evaluate-speech
evaluate-speech: install-dev ## word error rate of speech to text on a set of your own (SET=folder)
	@python -m munshi_inference.speech.evaluate "$${SET:?a folder with sounds, each with its text beside it}"

.PHONY: train-documents
train-documents: install-dev ## train what judges documents again: draws, reads and learns (ten minutes of one core)
	@mkdir -p build
	@python -m munshi_inference.training.documents.observe build/observed.jsonl
	@python -m munshi_inference.training.documents.train build/observed.jsonl

.PHONY: evaluate-documents
evaluate-documents: install-dev ## score the readers on drawn and on hand-made documents (half an hour of one core)
	@python tests/documents/handmade.py build/handmade
	@python -m munshi_inference.training.documents.evaluate --pictures build/handmade

.PHONY: clean
clean: ## remove what was set up and cached here; data of `munshi up` stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
