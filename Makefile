# What can be done in a checkout; `make` alone lists it. Each target installs first where needed.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

ARGS ?=
SEED ?= 1
SEEDS ?= $(SEED)
BIN := .venv/bin
INSTALLED := .venv/.installed
WEB := services/prediction-api/web
DASHBOARD := services/prediction-api/src/prediction_api/static/.built
TYPED := src tests scripts conftest.py $(wildcard libs/*/src services/*/src tools/*/src)

SERVICES := $(shell awk '/^- name: /{print $$3}' services/manifest.yaml)
CLUSTER := rwml-34fa
VERSION = $(shell awk -F'"' '/^version = /{print $$2; exit}' pyproject.toml)
DEPLOYED = $(subst _,-,$(service))

.PHONY: help services setup test test-clients test-kafka fuzz check lint types format dashboard pictures run simulate soak soak-models replay kafka dev render build-for-dev build-and-push test-images deploy-for-dev deploy clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

services: ## List the services, in the order in which data passes through them
	@printf '%s\n' $(SERVICES)

setup: $(INSTALLED) ## Install everything into .venv and bundle the dashboard; brings uv and Node
	@$(MAKE) --no-print-directory dashboard || echo "no dashboard for now: everything else works without; make dashboard tries again"
	@echo "installed in .venv; next: make run"

$(INSTALLED): uv.lock .python-version pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml tools/*/pyproject.toml) scripts/setup
	@scripts/setup
	@touch $@

test-kafka: $(INSTALLED) ## The tests on Kafka, with a minute of 10,000 trades/s
	$(BIN)/pytest -m kafka -s $(ARGS) libs/marketstream/tests/runners tests/kafka

test-clients: $(INSTALLED) ## Clients of others (ccxt, python-binance, pybit…) on the simulated exchange; installs them
	uv=$$(type -P uv || echo .uv/bin/uv) && UV_PROJECT_ENVIRONMENT=.venv $$uv sync --frozen --inexact --group clients
	$(BIN)/pytest -m clients $(ARGS) tests/clients

test: check $(DASHBOARD) ## Check, then run the tests; ARGS="services/trades -k late" goes to pytest
	$(BIN)/pytest -n 2 $(ARGS)

fuzz: $(INSTALLED) ## Fuzz whatever reads what others write; ARGS="--seconds 600 binance_rest"
	$(BIN)/python scripts/fuzz.py $(ARGS)

check: lint types ## Everything of `make test` but the tests

lint: $(INSTALLED) ## Ruff: rules and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(INSTALLED) ## Types (mypy, strict) and import rules
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports

format: $(INSTALLED) ## Mend what Ruff can mend, and format
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/ruff check .

# What `render` writes may be what the next installation needs: any that is there will do.
$(BIN)/python:
	@$(MAKE) --no-print-directory setup

dashboard: $(DASHBOARD) ## Bundle the dashboard; brings Node if it is missing

pictures: $(DASHBOARD) ## Take the dashboard's pictures anew that its tests compare it with; needs chromium
	$(BIN)/python -m tests.dashboard.pictures

$(DASHBOARD): $(wildcard $(WEB)/*.json $(WEB)/*.mjs $(WEB)/.npmrc $(WEB)/src/*) scripts/build_dashboard | $(INSTALLED)
	@scripts/build_dashboard

run: $(INSTALLED) ## The whole system in one process; ARGS="--symbol ETH/USDT --port 8001"
	@$(MAKE) --no-print-directory dashboard || echo "no dashboard for now: everything else works without"
	$(BIN)/realtime run $(ARGS)

simulate: $(INSTALLED) ## The simulated exchange alone; ARGS="--seed 7"
	$(BIN)/realtime simulate $(ARGS)

soak: $(INSTALLED) ## A million trades and every kind of fault, then what is stored beside the truth; SEEDS="1 2 3"
	$(BIN)/realtime soak $(addprefix --seed ,$(SEEDS)) $(ARGS)

soak-models: $(INSTALLED) ## Ten candidates and a training a minute: memory, and latency beside without; ARGS="--minutes 2"
	$(BIN)/python -m realtime_bench.soak_models $(ARGS)

replay: $(INSTALLED) ## A recording through the pipeline; ARGS="FILE --symbol BTC/USDT --timeframe 1s --horizon 2"
	$(BIN)/realtime replay $(ARGS)

kafka: ## A single Kafka broker on loopback, by Docker or Java; ARGS="stop" ends it
	@scripts/kafka $(or $(ARGS),start)

dev: $(INSTALLED) ## One service as a process on Kafka: make dev service=trades
	@[[ " $(SERVICES) " == *" $(service) "* ]] || { echo "service=$(service): choose one of $(SERVICES)" >&2; exit 2; }
	@exec $(BIN)/python -m $(subst -,_,$(service))

render: $(BIN)/python ## Write what is made of services/manifest.yaml, dashboards and the manifests in deployment/
	$(BIN)/python scripts/lists.py
	$(BIN)/python scripts/dashboards.py
	$(BIN)/python scripts/render.py

build-for-dev: ## Build the image of one service, tagged dev: service=trades
	@[[ " $(SERVICES) " == *" $(service) "* ]] || { echo "service=$(service): choose one of $(SERVICES)" >&2; exit 2; }
	TAG=dev scripts/images build $(service)

build-and-push: ## Build one image and push it to REGISTRY, tagged with the version: image=trades env=prod
	@[[ " $(SERVICES) exchange-simulator " == *" $(image) "* ]] || { echo "image=$(image): choose one of $(SERVICES) exchange-simulator" >&2; exit 2; }
	@[[ "$(env)" == prod ]] || { echo "env=$(env): prod, or make build-for-dev" >&2; exit 2; }
	TAG=$(VERSION) scripts/images build $(image)
	TAG=$(VERSION) scripts/images push $(image)

test-images: $(INSTALLED) ## Build every image, run and test them; with Docker, else buildah and podman as root
	scripts/images test

deploy-for-dev: ## Build one service and run it in the kind cluster rwml-34fa: service=trades
	@[[ " $(SERVICES) " == *" $(service) "* ]] || { echo "service=$(service): choose one of $(SERVICES)" >&2; exit 2; }
	TAG=dev scripts/images build exchange-simulator $(service)
	kind load docker-image exchange-simulator:dev $(service):dev --name $(CLUSTER)
	kubectl --context kind-$(CLUSTER) apply $(patsubst %,-f deployment/dev/%.yaml,01-common kafka postgres exchange-simulator $(DEPLOYED))
	kubectl --context kind-$(CLUSTER) rollout restart deployment/$(DEPLOYED)
	kubectl --context kind-$(CLUSTER) rollout status deployment/$(DEPLOYED) --timeout 5m

deploy: ## Deploy one service to the cluster kubectl is set to: service=trades env=prod
	@[[ " $(SERVICES) " == *" $(service) "* ]] || { echo "service=$(service): choose one of $(SERVICES)" >&2; exit 2; }
	@[[ "$(env)" == prod ]] || { echo "env=$(env): prod, or make deploy-for-dev" >&2; exit 2; }
	kubectl apply $(patsubst %,-f deployment/prod/%.yaml,00-namespace 01-common $(DEPLOYED))
	kubectl rollout status --namespace production deployment/$(DEPLOYED) --timeout 5m

clean: ## Remove caches and build output; keeps .venv and state
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage htmlcov dist $(dir $(DASHBOARD))
	find src libs services tools tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +
