# Everything starts here. `make` alone lists the targets. Each prepares what it needs and may be run again.

ENVIRONMENT ?= dev
STACKS      ?=
# byte code of tests is kept: without it each worker compiles all of them, and each process what it imports
PYTEST      := PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest -n auto --dist loadgroup --no-loadscope-reorder
FAST        := -m "not emulator and not engines and not terraform and not slow"
LOCK        := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate

yes = $(filter-out 0 no false,$($(1)))

.PHONY: help demo test test-fast check synth plan bench soak mutants lock clean cdktf venv venv-checkov venv-cfnlint venv-other-bindings venv-typescript venv-mutants system-packages
help: ## This list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: venv ## Settings to applied infrastructure on an emulator  [STACKS="…" ENVIRONMENT=… KEEP=1 DESTROY=1]
	@.venv/bin/python -m operations demo $(STACKS) --environment $(ENVIRONMENT) $(if $(call yes,KEEP),--keep) $(if $(call yes,DESTROY),--destroy)

test: venv ## Every test, with real servers and the real Terraform
	@$(MAKE) --no-print-directory --jobs venv-checkov venv-cfnlint venv-other-bindings system-packages
	@$(PYTEST)

test-fast: venv ## The tests that need no server and no Terraform, but for the slow ones
	@$(PYTEST) $(FAST)

check: venv ## Format, lint, types, layers, fast tests
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PYTEST) $(FAST)

synth: venv ## Write generated/ from the settings and the code, and the parts of documents that follow from it  [STACKS="…" NO_CACHE=1]
	@.venv/bin/python main.py $(STACKS) $(if $(call yes,NO_CACHE),--no-cache)
	@.venv/bin/python -m operations docs write

plan: venv ## Plan against your own AWS account, with the credentials of your environment  [STACKS="…" ENVIRONMENT=…]
	@scripts/plan.sh $(or $(STACKS),$(notdir $(wildcard generated/stacks/*-$(ENVIRONMENT))))

cdktf: venv ## cdktf synth, deploy, diff and destroy, against an emulator  [STACKS="…" ENVIRONMENT=…]
	@.venv/bin/python scripts/cdktf_tour.py $(or $(STACKS),$(notdir $(wildcard generated/stacks/*-$(ENVIRONMENT))))

bench: venv venv-typescript ## What synths and plans cost, against their peers in the same run (docs/performance.md)
	@.venv/bin/python -m bench.synths --write
	@.venv/bin/python -m bench.peers --write
	@.venv/bin/python -m bench.bindings bench/suai_app.py
	@.venv/bin/python -m bench.bindings main.py --wanted 4
	@.venv/bin/python -m bench.sync_storage_nodes --write
	@.venv/bin/python -m bench.plans --write

soak: venv ## What the state stands: eight writers at once, applies killed at random moments, applies disturbed while they create
	@.venv/bin/python -m bench.state
	@.venv/bin/python -m bench.applies

mutants: venv venv-mutants ## How many seeded mistakes in config, modules, plans and state the tests notice  [MUTANTS=… SEED=… AGAIN=1]
	@.venv-mutants/bin/python scripts/mutants.py $(if $(MUTANTS),--mutants $(MUTANTS)) $(if $(SEED),--seed $(SEED)) $(if $(call yes,AGAIN),--again)

lock: venv ## Resolve requirements.in anew into requirements.lock, likewise for checkov, cfn-lint, mutants and other bindings
	@$(LOCK) --upgrade requirements.in -o requirements.lock
	@$(LOCK) --upgrade requirements-checkov.in -o requirements-checkov.lock
	@$(LOCK) --upgrade requirements-cfnlint.in -o requirements-cfnlint.lock
	@$(LOCK) --upgrade requirements-mutants.in -o requirements-mutants.lock
	@$(LOCK) --upgrade requirements-cdktn.in -o requirements-cdktn.lock
	@$(LOCK) --upgrade requirements-newest-bindings.in -o requirements-newest-bindings.lock

clean: ## Remove everything that make and the tools put here
	@rm -rf .venv .venv-* .tools .cache .runs .*_cache .hypothesis *.egg-info generated/stacks/*/.terraform generated/stacks/*/plan
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@scripts/venv.sh .venv requirements.lock .

venv-checkov:
	@scripts/venv.sh .venv-checkov requirements-checkov.lock

venv-cfnlint:
	@scripts/venv.sh .venv-cfnlint requirements-cfnlint.lock

venv-other-bindings: # a small part of them is ever imported
	@COMPILE=no scripts/venv.sh .venv-cdktn requirements-cdktn.lock
	@COMPILE=no scripts/venv.sh .venv-newest-bindings requirements-newest-bindings.lock

venv-typescript: venv # npm's packages of the versions that Python has
	@.venv/bin/python -m bench.peers --install

venv-mutants:
	@scripts/venv.sh .venv-mutants requirements-mutants.lock

system-packages:
	@scripts/system-packages.sh
